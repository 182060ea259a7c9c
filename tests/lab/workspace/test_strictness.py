"""What the practice workspace refuses, in Slack's own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.lab.clock import LabClock
from bot.lab.workspace import App, RunningWorkspace, Workspace, serve_workspace
from bot.lab.workspace.acts import act
from bot.lab.workspace.words import SlackError
from tests.lab.workspace.conftest import CHANNEL, PEOPLE, START, Said


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def refused(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return str(caught.value.response["error"])


def test_an_unknown_method_is_refused_and_counted_where_people_see_it(
    slack: WebClient, server: RunningWorkspace
) -> None:
    assert refused(slack.api_call, "chat.postTelegram") == "unknown_method"
    assert server.state()["log"]["unknown_methods"] == {"chat.postTelegram": 1}


def test_tokens_are_judged(server: RunningWorkspace, space: Workspace) -> None:
    url = server.api_url
    assert refused(WebClient(base_url=url).auth_test) == "not_authed"
    assert refused(WebClient(token="xoxb-wrong", base_url=url).auth_test) == "invalid_auth"
    assert refused(WebClient(token=space.app.app_token, base_url=url).auth_test) == "not_allowed_token_type"
    assert (
        refused(WebClient(base_url=url).apps_connections_open, app_token=space.app.bot_token)
        == "not_allowed_token_type"
    )


def test_the_app_is_installed_with_what_its_manifest_asks_for() -> None:
    manifest = yaml.safe_load((Path(__file__).parents[3] / "manifest.yml").read_text("utf-8"))
    assert App().scopes == set(manifest["oauth_config"]["scopes"]["bot"])
    assert App().events == set(manifest["settings"]["event_subscriptions"]["bot_events"])
    assert list(App().commands) == [each["command"] for each in manifest["features"]["slash_commands"]]
    assert [App().should_escape] == [each["should_escape"] for each in manifest["features"]["slash_commands"]]


def test_a_missing_scope_is_named(said: Said, clock: LabClock) -> None:
    space = Workspace(PEOPLE, [], clock, app=App(scopes=frozenset({"chat:write"})))
    server = serve_workspace(space)
    try:
        slack = WebClient(token=space.app.bot_token, base_url=server.api_url)
        with pytest.raises(SlackApiError) as caught:
            slack.users_info(user="U0ALICE00")
        assert caught.value.response["error"] == "missing_scope"
        assert (caught.value.response["needed"], caught.value.response["provided"]) == ("users:read", "chat:write")
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0ELSEWHE", "text": "x"}, "not_in_channel"),
        ({"channel": CHANNEL}, "no_text"),
        ({"channel": CHANNEL, "text": "x", "thread_ts": "1.000000"}, "cannot_reply_to_message"),
        ({"channel": CHANNEL, "text": "x", "blocks": [section("")]}, "invalid_blocks"),
        ({"channel": CHANNEL, "text": "x", "blocks": [section("y" * 3001)]}, "invalid_blocks"),
        ({"channel": CHANNEL, "text": "x", "blocks": [section("y")] * 51}, "invalid_blocks"),
        ({"channel": CHANNEL, "text": "x", "blocks": [{"type": "poem"}]}, "invalid_blocks"),
        ({"channel": CHANNEL, "text": "x", "blocks": [section("y" * 2700)] * 5}, "msg_blocks_too_long"),
        ({"channel": CHANNEL, "text": "x", "blocks": "[not json"}, "invalid_blocks_format"),
        ({"channel": CHANNEL, "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
        (
            {"channel": CHANNEL, "text": "x", "metadata": {"event_type": "a", "event_payload": {"x": "y" * 17000}}},
            "metadata_too_large",
        ),
    ],
)
def test_a_post_is_refused(arguments: dict[str, Any], error: str, slack: WebClient, space: Workspace) -> None:
    assert refused(slack.api_call, "chat.postMessage", json=arguments) == error
    assert not space.messages[CHANNEL]


def test_a_text_beyond_40_000_characters_is_cut_when_posted_and_refused_when_changed(slack: WebClient) -> None:
    posted = slack.chat_postMessage(channel=CHANNEL, text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000
    assert posted["response_metadata"]["warnings"] == ["message_truncated"]
    assert refused(slack.chat_update, channel=CHANNEL, ts=posted["ts"], text="x" * 40_001) == "msg_too_long"


def test_only_ones_own_messages_can_be_changed_or_taken_back(slack: WebClient, space: Workspace) -> None:
    ts = act(space, {"as": "alice", "type": "message", "text": "mine"})["ts"]
    assert refused(slack.chat_update, channel=CHANNEL, ts=ts, text="yours") == "cant_update_message"
    assert refused(slack.chat_delete, channel=CHANNEL, ts=ts) == "cant_delete_message"
    assert refused(slack.chat_update, channel=CHANNEL, ts="1.000000", text="x") == "message_not_found"
    with pytest.raises(SlackError, match="cant_update_message"):
        act(space, {"as": "bob", "type": "edit", "ts": ts, "text": "Bob's"})


def test_reactions_are_refused_twice_over_and_taken_away_once(slack: WebClient) -> None:
    ts = slack.chat_postMessage(channel=CHANNEL, text="gate")["ts"]
    slack.reactions_add(channel=CHANNEL, timestamp=ts, name="eyes")
    assert refused(slack.reactions_add, channel=CHANNEL, timestamp=ts, name="eyes") == "already_reacted"
    slack.reactions_remove(channel=CHANNEL, timestamp=ts, name="eyes")
    assert refused(slack.reactions_remove, channel=CHANNEL, timestamp=ts, name="eyes") == "no_reaction"
    assert refused(slack.reactions_add, channel=CHANNEL, timestamp="1.000000", name="eyes") == "message_not_found"
    assert refused(slack.reactions_add, channel=CHANNEL, timestamp=ts, name="no such!") == "invalid_name"


def test_a_deactivated_person_can_do_nothing_and_a_stranger_to_the_channel_neither(space: Workspace) -> None:
    with pytest.raises(SlackError, match="account_inactive"):
        act(space, {"as": "gone", "type": "message", "text": "boo"})
    with pytest.raises(SlackError, match="not_in_channel"):
        act(space, {"as": "bob", "type": "message", "text": "boo", "channel": "C0ELSEWHE"})
    with pytest.raises(SlackError, match="unknown_command"):
        act(space, {"as": "bob", "type": "command", "text": "/remind me"})


@pytest.mark.parametrize("encode", ["json", "form", "multipart", "query"])
def test_every_encoding_of_the_same_call_means_the_same(
    encode: str, server: RunningWorkspace, space: Workspace
) -> None:
    head = {"Authorization": f"Bearer {space.app.bot_token}"}
    blocks, metadata = [section("hello")], {"event_type": "t", "event_payload": {"n": 1}}
    flat = {"channel": CHANNEL, "text": "hi", "blocks": json.dumps(blocks), "metadata": json.dumps(metadata)}
    url = server.api_url + "chat.postMessage"
    if encode == "json":
        answer = requests.post(url, json={**flat, "blocks": blocks, "metadata": metadata}, headers=head, timeout=30)
    elif encode == "form":
        answer = requests.post(url, data={**flat, "token": space.app.bot_token}, timeout=30)
    elif encode == "multipart":
        answer = requests.post(
            url, files={name: (None, value) for name, value in flat.items()}, headers=head, timeout=30
        )
    else:
        answer = requests.get(url, params=flat, headers=head, timeout=30)
    message = answer.json()["message"]
    assert (message["text"], message["blocks"][0]["text"]["text"], message["metadata"]) == ("hi", "hello", metadata)


def test_a_json_call_with_an_empty_body_is_a_call_without_arguments(server: RunningWorkspace, space: Workspace) -> None:
    answer = requests.post(
        server.api_url + "auth.test",
        data=b"",
        timeout=30,
        headers={"Authorization": f"Bearer {space.app.bot_token}", "Content-Type": "application/json;charset=utf-8"},
    )
    assert answer.json()["user_id"] == space.app.user_id


@pytest.mark.parametrize(("body", "error"), [(b"{", "invalid_json"), (b"[1]", "json_not_object")])
def test_json_that_is_none_is_refused(body: bytes, error: str, server: RunningWorkspace, space: Workspace) -> None:
    answer = requests.post(
        server.api_url + "auth.test",
        data=body,
        timeout=30,
        headers={"Authorization": f"Bearer {space.app.bot_token}", "Content-Type": "application/json"},
    )
    assert answer.json() == {"ok": False, "error": error}


def test_the_eleventh_post_in_a_second_of_lab_time_is_told_to_wait(slack: WebClient, space: Workspace) -> None:
    for n in range(10):
        slack.chat_postMessage(channel=CHANNEL, text=str(n))
    with pytest.raises(SlackApiError) as caught:
        slack.chat_postMessage(channel=CHANNEL, text="too soon")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    assert len(space.messages[CHANNEL]) == 10


def test_the_limits_count_in_lab_time(said: Said) -> None:
    space = Workspace(PEOPLE, [], LabClock(START, 1000.0))
    waits = [space.limits.wait("chat.postMessage", 0, CHANNEL, space.clock.now() + n) for n in range(300)]
    assert not any(waits)
    assert [space.limits.wait("users.list", 20, "", 0.0) for _ in range(21)] == [0] * 20 + [3]


def test_metadata_comes_back_only_when_it_is_asked_for(slack: WebClient) -> None:
    mark = {"event_type": "rollup_gate", "event_payload": {"step": "s01"}}
    ts = slack.chat_postMessage(channel=CHANNEL, text="gate", metadata=mark)["ts"]
    plain = slack.conversations_history(channel=CHANNEL)["messages"][0]
    full = slack.conversations_replies(channel=CHANNEL, ts=ts, include_all_metadata=True)["messages"][0]
    assert ("metadata" in plain, full["metadata"]) == (False, mark)


def test_ephemerals_are_in_no_history(slack: WebClient, space: Workspace) -> None:
    slack.chat_postEphemeral(channel=CHANNEL, user="U0ALICE00", text="psst")
    assert refused(slack.chat_postEphemeral, channel=CHANNEL, user="U0NOBODY0", text="psst") == "user_not_in_channel"
    assert slack.conversations_history(channel=CHANNEL)["messages"] == []
    assert [m.only_for for m in space.messages[CHANNEL].values()] == ["U0ALICE00"]


def test_threads_are_listed_in_order_and_in_pages(slack: WebClient) -> None:
    parent = slack.chat_postMessage(channel=CHANNEL, text="card")["ts"]
    for n in range(4):
        slack.chat_postMessage(channel=CHANNEL, text=f"line {n}", thread_ts=parent)
    first = slack.conversations_replies(channel=CHANNEL, ts=parent, limit=3)
    rest = slack.conversations_replies(channel=CHANNEL, ts=parent, cursor=first["response_metadata"]["next_cursor"])
    assert [m["text"] for m in (*first["messages"], *rest["messages"])] == [
        "card",
        "line 0",
        "line 1",
        "line 2",
        "line 3",
    ]
    history = slack.conversations_history(channel=CHANNEL)["messages"]
    assert [(m["text"], m["reply_count"]) for m in history] == [("card", 4)]
    assert refused(slack.conversations_replies, channel=CHANNEL, ts="1.000000") == "thread_not_found"


def test_a_deleted_parent_leaves_a_tombstone_and_a_deleted_reply_nothing(slack: WebClient) -> None:
    parent = slack.chat_postMessage(channel=CHANNEL, text="card")["ts"]
    reply = slack.chat_postMessage(channel=CHANNEL, text="line", thread_ts=parent)["ts"]
    slack.chat_delete(channel=CHANNEL, ts=parent)
    assert slack.conversations_history(channel=CHANNEL)["messages"][0]["subtype"] == "tombstone"
    slack.chat_delete(channel=CHANNEL, ts=reply)
    assert [m["ts"] for m in slack.conversations_replies(channel=CHANNEL, ts=parent)["messages"]] == [parent]
    assert refused(slack.reactions_get, channel=CHANNEL, timestamp=parent) == "message_not_found"


def test_texts_come_back_as_slack_spells_them(slack: WebClient) -> None:
    message = slack.chat_postMessage(
        channel=CHANNEL, text="✅ a < b & c &amp; <@U0ALICE00> <!date^1^{date}|x>", blocks=[section("⛔ > x")]
    )["message"]
    assert message["text"] == ":white_check_mark: a &lt; b &amp; c &amp; <@U0ALICE00> <!date^1^{date}|x>"
    assert message["blocks"][0]["text"] == {"type": "mrkdwn", "text": ":no_entry: &gt; x", "verbatim": False}
    assert message["blocks"][0]["block_id"]


def test_a_response_url_is_good_for_five_answers(server: RunningWorkspace, space: Workspace) -> None:
    heard: list[str] = []
    space.connect(lambda delivery: heard.append(delivery.payload["response_url"]))
    act(space, {"as": "alice", "type": "command", "text": "/rollup status"})
    codes = [requests.post(heard[0], json={"text": "x"}, timeout=30).status_code for _ in range(6)]
    assert codes == [200] * 5 + [404]


def test_a_file_is_uploaded_shared_and_read_back(slack: WebClient, space: Workspace) -> None:
    slack.files_upload_v2(channel=CHANNEL, content="EXN1 owns nothing", filename="facts.txt", initial_comment="facts")
    message = next(iter(space.messages[CHANNEL].values()))
    assert message.text == "facts"
    assert requests.get(message.files[0]["url_private"], timeout=30).text == "EXN1 owns nothing"


def test_people_channels_and_groups_are_told_as_slack_tells_them(slack: WebClient) -> None:
    dave = slack.users_info(user="U0DAVE000")["user"]
    assert (dave["is_restricted"], dave["deleted"], dave["is_bot"]) == (True, False, False)
    assert slack.users_info(user="U0CAROL00")["user"]["tz_offset"] in {-14400, -18000}
    assert refused(slack.users_info, user="alice") == "user_not_found"
    assert {m["name"] for m in slack.users_list()["members"]} == {"alice", "bob", "carol", "dave", "gone", "rollup"}
    assert slack.conversations_info(channel=CHANNEL)["channel"]["is_member"] is True
    assert slack.usergroups_users_list(usergroup="S0EXCHANG")["users"] == ["U0ALICE00", "U0BOB0000"]
    assert refused(slack.usergroups_users_list, usergroup="S0NONE") == "no_such_subteam"
    assert "U0DAVE000" in slack.conversations_members(channel=CHANNEL)["members"]
    assert slack.conversations_open(users="U0DAVE000")["channel"]["id"].startswith("D")


def test_blocks_validate_says_what_a_post_would_say(slack: WebClient) -> None:
    assert slack.api_call("blocks.validate", json={"blocks": [section("fine")]})["ok"]
    assert refused(slack.api_call, "blocks.validate", json={"blocks": [section("")]}) == "invalid_blocks"


def test_a_home_view_is_kept_for_its_person(slack: WebClient, space: Workspace) -> None:
    slack.views_publish(user_id="U0ALICE00", view={"type": "home", "blocks": [section("open campaigns")]})
    assert space.views["U0ALICE00"]["blocks"][0]["text"]["text"] == "open campaigns"
    assert (
        refused(slack.views_publish, user_id="U0ALICE00", view={"type": "modal", "blocks": []}) == "invalid_arguments"
    )


def test_the_truth_is_written_for_what_people_and_the_app_did(slack: WebClient, space: Workspace, said: Said) -> None:
    mark = {"event_type": "rollup_gate", "event_payload": {"step": "s01"}}
    ts = slack.chat_postMessage(channel=CHANNEL, text="gate", metadata=mark)["ts"]
    act(space, {"as": "bob", "type": "react", "emoji": "white_check_mark", "ts": ts})
    act(space, {"as": "bob", "type": "unreact", "emoji": "white_check_mark", "ts": ts})
    space.connect(lambda _delivery: None)
    act(space, {"as": "Alice", "type": "command", "text": "/rollup status"})
    assert said == [
        {"did": "posted", "by": space.app.user_id, "ts": ts, "metadata": mark},
        {"did": "reacted", "user": "U0BOB0000", "emoji": "white_check_mark", "ts": ts},
        {"did": "unreacted", "user": "U0BOB0000", "emoji": "white_check_mark", "ts": ts},
        {"did": "typed", "user": "U0ALICE00", "text": "/rollup status"},
    ]


def test_nothing_is_answered_for_another_host_or_a_foreign_page(server: RunningWorkspace) -> None:
    for head in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        answer = requests.post(
            server.url + "lab/act", json={"as": "alice", "type": "message", "text": "x"}, headers=head, timeout=30
        )
        assert answer.status_code == 403


def test_a_fault_breaks_as_many_calls_as_it_was_told(
    slack: WebClient, server: RunningWorkspace, space: Workspace
) -> None:
    server.fault("chat.postMessage", "error", value="fatal_error")
    assert refused(slack.chat_postMessage, channel=CHANNEL, text="one") == "fatal_error"
    server.fault("chat.postMessage", "lose_reply")
    with pytest.raises(OSError, match=r"closed|reset|aborted"):
        WebClient(token=space.app.bot_token, base_url=server.api_url, retry_handlers=[]).chat_postMessage(
            channel=CHANNEL, text="two"
        )
    slack.chat_postMessage(channel=CHANNEL, text="three")
    assert [m.text for m in space.messages[CHANNEL].values()] == ["two", "three"]


def test_acting_over_http_is_the_same_as_acting_inside(server: RunningWorkspace, space: Workspace) -> None:
    answer = requests.post(
        server.url + "lab/act", timeout=30, json={"as": "Alice", "type": "message", "text": "hi", "channel": CHANNEL}
    )
    assert answer.json() == {"ok": True, "ts": next(iter(space.messages[CHANNEL]))}
    wrong = requests.post(server.url + "lab/act", timeout=30, json={"as": "Mallory", "type": "message", "text": "hi"})
    assert wrong.json() == {"ok": False, "error": "user_not_found"}
    state = requests.get(server.url + "lab/state", timeout=30).json()
    assert (state["realm"], state["messages"][0]["text"]) == ("lab", "hi")
