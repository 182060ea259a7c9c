"""Slack: the tokens, the scopes the manifest asks for, the channels, and whether the listed people may act."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.doctor.findings import Finding, fail, ok, unknown, warn
from bot.settings import Secrets, Settings

# Every one is used (manifest.yml says for what); tests/handlers compares that file with the code.
SCOPES = frozenset({
    "app_mentions:read", "channels:history", "channels:read", "chat:write", "commands", "groups:history", "groups:read",
    "reactions:read", "users:read",
})  # fmt: skip


def examine(settings: Settings, secrets: Secrets) -> Iterator[Finding]:
    """Ask Slack. Two calls, one for each channel and one for each person."""
    client = WebClient(token=secrets.slack_bot_token, base_url=settings.slack.base_url, timeout=15)
    try:
        answer = client.auth_test()
    except SlackApiError as err:
        yield fail("slack", f"refuses the bot token ({_code(err)})", "Install the app again and copy its token.")
        return
    except Exception as err:  # noqa: BLE001 - the client raises what urllib, ssl and json raise
        yield fail("slack", f"cannot be reached ({err})", "Check the network, the proxy and [slack] base_url.")
        return
    yield ok("slack", f"this is {answer.get('user') or answer.get('user_id')} in {answer.get('team')}")
    yield _scopes(dict(answer.headers))
    try:
        client.apps_connections_open(app_token=secrets.slack_app_token)
        yield ok("slack socket", "the app token opens a connection")
    except SlackApiError as err:
        yield fail(
            "slack socket", f"the app token is refused ({_code(err)})", "It needs connections:write: docs/slack.md."
        )
    except Exception as err:  # noqa: BLE001 - as above
        yield unknown("slack socket", str(err))
    for cluster, channel in sorted({(c, s.channel or settings.slack.channel) for c, s in settings.clusters.items()}):
        yield _channel(client, cluster, channel)
    for who in dict.fromkeys((*settings.people.requesters, *settings.people.approvers)):
        found = _person(client, who)
        if found is not None:
            yield found


def _scopes(headers: dict[str, Any]) -> Finding:
    said = next((value for name, value in headers.items() if name.casefold() == "x-oauth-scopes"), None)
    if said is None:
        return unknown("slack scopes", "Slack did not say them", "Compare the app's page with manifest.yml.")
    text = said if isinstance(said, str) else ",".join(said)
    if missing := sorted(SCOPES - {scope.strip() for scope in text.split(",")}):
        return fail("slack scopes", f"without {', '.join(missing)}", "Add them as in manifest.yml and install again.")
    return ok("slack scopes", "all the manifest asks for")


def _channel(client: WebClient, cluster: str, channel: str) -> Finding:
    what = f"channel of {cluster}"
    try:
        found: dict[str, Any] = client.conversations_info(channel=channel)["channel"]
    except SlackApiError as err:
        return fail(what, f"{channel}: {_code(err)}", "An id is needed, and /invite @rollup there.")
    except Exception as err:  # noqa: BLE001 - as above
        return unknown(what, str(err))
    if found.get("is_archived"):
        return fail(what, f"{channel} is archived", "Name another one.")
    if not found.get("is_member"):
        return fail(what, f"the bot is not in #{found.get('name')}", "/invite @rollup there.")
    return ok(what, f"#{found.get('name')}, and the bot is in it")


def _person(client: WebClient, who: str) -> Finding | None:
    try:
        user: dict[str, Any] = client.users_info(user=who)["user"]
    except SlackApiError as err:
        return warn(f"person {who}", f"{_code(err)}", "Take them out of [people], or mend the id.")
    except Exception as err:  # noqa: BLE001 - as above
        return unknown(f"person {who}", str(err))
    for key, said in (
        ("deleted", "is deactivated"),
        ("is_bot", "is a bot"),
        ("is_restricted", "is a guest"),
        ("is_ultra_restricted", "is a guest"),
        ("is_stranger", "is from another company"),
    ):
        if user.get(key):
            return warn(
                f"person {who}", f"{user.get('real_name') or who} {said}: no vote of theirs counts", "See [people]."
            )
    return None


def _code(err: SlackApiError) -> str:
    return str(err.response.get("error", "")) if err.response is not None else str(err)
