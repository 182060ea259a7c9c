"""What people do in the workspace: type a command or a message, react, click. The page and played people share this."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from bot.lab.workspace import shapes
from bot.lab.workspace.chat import checked_blocks
from bot.lab.workspace.methods import EMOJI_NAME
from bot.lab.workspace.spelling import spelled, typed
from bot.lab.workspace.words import TEAM, TEAM_DOMAIN, Channel, Message, Person, SlackError
from bot.lab.workspace.workspace import Delivery, ResponseUrl, Workspace

NO_ANSWER = (
    "`{command}` got no answer from the bot within 3 seconds. "
    "If the bot is just starting again, try once more in a few seconds."
)

ACTION_KEYS = ("type", "action_id", "text", "value", "url", "style")


def act(ws: Workspace, order: Mapping[str, Any]) -> dict[str, Any]:
    """Do what one person does; the fields are those of POST /lab/act. Raises SlackError as Slack would refuse it."""
    with ws.lock:
        who = ws.person(str(order.get("as", "")))
        if who.deleted:
            raise SlackError("account_inactive")
        where = str(order.get("channel") or next(iter(ws.channels), ""))
        channel = ws.channel(where)
        if who.id not in channel.members:
            raise SlackError("not_in_channel")
        text = str(order.get("text", ""))
        kind = order.get("type")
        if kind == "command":
            return _command(ws, who, channel, text)
        if kind == "message":
            return _message(ws, who, channel, text, str(order.get("thread_ts") or ""))
        ts = str(order.get("ts", ""))
        if kind in {"react", "unreact"}:
            emoji = str(order.get("emoji", "")).strip(":")
            if not EMOJI_NAME.match(emoji):
                raise SlackError("invalid_name")
            ws.react(who.id, emoji, channel.id, ts, add=kind == "react")
            return {"ts": ts}
        if kind == "home":
            return _home(ws, who)
        if kind == "click":
            return _click(ws, who, channel, order)
        if kind in {"edit", "delete"}:
            return _own(ws, who, channel, ts, text if kind == "edit" else None)
        raise SlackError("invalid_arguments")


def _command(ws: Workspace, who: Person, channel: Channel, line: str) -> dict[str, Any]:
    word, _, rest = line.strip().partition(" ")
    if word not in ws.app.commands:
        raise SlackError("unknown_command", command=word, known=list(ws.app.commands))
    ws.truth("typed", user=who.id, text=line.strip())

    def answered(payload: dict[str, Any] | None) -> None:
        if payload is None:
            ws.whisper(channel.id, who.id, NO_ANSWER.format(command=line.strip()), by="USLACKBOT")
        elif payload.get("text") or payload.get("blocks"):
            answer(ws, who.id, channel.id, payload)

    payload = {
        "token": "practice",
        "team_id": TEAM,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": who.id,
        "user_name": who.name,
        "command": word,
        "text": rest.strip(),
        "api_app_id": ws.app.app_id,
        "is_enterprise_install": "false",
        "response_url": _response_url(ws, who.id, channel.id),
        "trigger_id": f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}",
    }
    if ws.app.should_escape:
        payload["text"] = typed(rest.strip(), _handles(ws))
    ws.deliver(Delivery("slash_commands", payload, line.strip(), answered))
    return {}


def _message(ws: Workspace, who: Person, channel: Channel, text: str, thread_ts: str) -> dict[str, Any]:
    if not text.strip():
        raise SlackError("no_text")
    if thread_ts:
        parent = ws.message(channel.id, thread_ts)
        thread_ts = parent.thread_ts or parent.ts
    ws.truth("typed", user=who.id, text=text)
    message = ws.post(
        Message(channel=channel.id, ts=ws.new_ts(), user=who.id, text=typed(text, _handles(ws)), thread_ts=thread_ts)
    )
    return {"ts": message.ts}


def _handles(ws: Workspace) -> dict[str, str]:
    return {person.name.lower(): person.id for person in ws.people.values()}


def _home(ws: Workspace, who: Person) -> dict[str, Any]:
    direct = ws.direct(who.id)
    event: dict[str, Any] = {
        "type": "app_home_opened",
        "user": who.id,
        "channel": direct.id,
        "tab": "home",
        "event_ts": ws.new_ts(),
    }
    if view := ws.views.get(who.id):
        event["view"] = view
    ws.tell_app(event, subscription="app_home_opened", channel=None)
    return {}


def _click(ws: Workspace, who: Person, channel: Channel, order: Mapping[str, Any]) -> dict[str, Any]:
    message = ws.message(channel.id, str(order.get("ts", "")))
    for block in message.blocks:
        for element in [*block.get("elements", []), block.get("accessory") or {}]:
            if element.get("action_id") == order.get("action_id") and element.get("type") == "button":
                action = {key: element[key] for key in ACTION_KEYS if key in element}
                _interactive(ws, who, channel, message, action | {"block_id": block.get("block_id", "")})
                return {"ts": message.ts}
    raise SlackError("invalid_action_id")


def _interactive(ws: Workspace, who: Person, channel: Channel, message: Message, action: dict[str, Any]) -> None:
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": who.id, "username": who.name, "name": who.name, "team_id": TEAM},
        "api_app_id": ws.app.app_id,
        "token": "practice",
        "team": {"id": TEAM, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel.id, "name": channel.name},
        "container": {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": False},
        "trigger_id": f"{secrets.randbelow(10**12)}.{secrets.token_hex(16)}",
        "message": shapes.message(ws, message),
        "response_url": _response_url(ws, who.id, channel.id),
        "state": {"values": {}},
        "actions": [action | {"action_ts": ws.new_ts()}],
    }

    def answered(payload: dict[str, Any] | None) -> None:
        if payload is None:
            ws.whisper(channel.id, who.id, "The bot did not answer this click within 3 seconds.", by="USLACKBOT")

    ws.deliver(Delivery("interactive", payload, f"click {action.get('action_id')}", answered))


def _own(ws: Workspace, who: Person, channel: Channel, ts: str, text: str | None) -> dict[str, Any]:
    message = ws.message(channel.id, ts)
    if message.user != who.id:
        raise SlackError("cant_delete_message" if text is None else "cant_update_message")
    if text is None:
        ws.delete(message)
    else:
        ws.change(message, text=typed(text, _handles(ws)), edited={"user": who.id, "ts": ws.new_ts()})
    return {"ts": ts}


def _response_url(ws: Workspace, user: str, channel: str) -> str:
    key = secrets.token_urlsafe(18)
    ws.response_urls[key] = ResponseUrl(user, channel, until=ws.clock.now() + 1800)
    return f"{ws.base_url}/commands/{TEAM}/{key}"


def respond(ws: Workspace, key: str, body: Mapping[str, Any]) -> None:
    """A post to a response_url; used_url after 5 uses, expired_url after 30 lab minutes."""
    with ws.lock:
        url = ws.response_urls.get(key)
        if not url or url.until < ws.clock.now():
            raise SlackError("expired_url")
        if url.uses < 1:
            raise SlackError("used_url")
        url.uses -= 1
        if body.get("delete_original"):
            return
        answer(ws, url.user, url.channel, body)


def answer(ws: Workspace, user: str, channel: str, body: Mapping[str, Any]) -> None:
    """Show a command's answer: to its one user unless it says in_channel."""
    blocks, text = checked_blocks(body.get("blocks")), spelled(str(body.get("text") or ""))
    if not text and not blocks:
        raise SlackError("no_text")
    thread_ts = str(body.get("thread_ts") or "")
    with ws.lock:
        if body.get("response_type") == "in_channel":
            ws.post(
                Message(
                    channel=channel,
                    ts=ws.new_ts(),
                    user=ws.app.user_id,
                    text=text,
                    blocks=blocks,
                    thread_ts=thread_ts,
                    by_app=True,
                )
            )
        else:
            ws.whisper(channel, user, text, blocks=blocks, thread_ts=thread_ts)
