"""The Web API's methods, one function each, and the table that says what each needs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.lab.workspace import blocks as block_rules
from bot.lab.workspace import chat, shapes
from bot.lab.workspace.arguments import Arguments
from bot.lab.workspace.limits import TIER_2, TIER_3, TIER_4
from bot.lab.workspace.words import TEAM, Channel, SlackError
from bot.lab.workspace.workspace import Workspace

Answer = dict[str, Any]
EMOJI_NAME = re.compile(r"^[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?$")
PAGE = 200  # conversations.* never answer more than 999; people and channels here are few


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what does it, the scopes of which one is enough, and its tier in calls a minute."""

    run: Callable[[Workspace, Arguments], Answer]
    scopes: tuple[str, ...] = ()
    tier: float = TIER_3
    app_token: bool = False


def auth_test(ws: Workspace, _args: Arguments) -> Answer:
    """Who the token is."""
    return {
        "url": f"{ws.base_url}/",
        "team": "Practice",
        "user": ws.app.name,
        "team_id": TEAM,
        "user_id": ws.app.user_id,
        "bot_id": ws.app.bot_id,
        "is_enterprise_install": False,
    }


def reactions_add(ws: Workspace, args: Arguments) -> Answer:
    """The app reacts."""
    return _react(ws, args, add=True)


def reactions_remove(ws: Workspace, args: Arguments) -> Answer:
    """The app takes its reaction back."""
    return _react(ws, args, add=False)


def _react(ws: Workspace, args: Arguments, *, add: bool) -> Answer:
    channel = chat.member_channel(ws, args)
    name = args.text("name").strip(":")
    if not EMOJI_NAME.match(name):
        raise SlackError("invalid_name")
    if not args.text("timestamp"):
        raise SlackError("no_item_specified")
    ws.react(ws.app.user_id, name, channel.id, args.text("timestamp"), add=add)
    return {}


def reactions_get(ws: Workspace, args: Arguments) -> Answer:
    """A message with its reactions; `full` for every name."""
    channel = chat.readable_channel(ws, args)
    if not args.text("timestamp"):
        raise SlackError("no_item_specified")
    found = ws.message(channel.id, args.text("timestamp"))
    body = shapes.message(ws, found, full=args.flag("full")) | {"permalink": shapes.permalink(ws, found)}
    return {"type": "message", "channel": channel.id, "message": body}


def conversations_info(ws: Workspace, args: Arguments) -> Answer:
    """One conversation."""
    return {"channel": ws.channel(args.text("channel")).as_slack(ws.app.user_id)}


def conversations_list(ws: Workspace, args: Arguments) -> Answer:
    """The conversations of the wanted types (public channels unless said)."""
    wanted = {
        "channel" if each == "public_channel" else "group" if each == "private_channel" else each
        for each in args.text("types", "public_channel").replace(" ", "").split(",")
    }
    shown = [
        c.as_slack(ws.app.user_id)
        for c in ws.channels.values()
        if c.type in wanted and (c.type == "channel" or ws.app.user_id in c.members)
    ]
    page, cursor = _cut(shown, args)
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def conversations_members(ws: Workspace, args: Arguments) -> Answer:
    """The ids of the people in a conversation."""
    page, cursor = _cut(sorted(ws.channel(args.text("channel")).members), args)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def conversations_open(ws: Workspace, args: Arguments) -> Answer:
    """The app's direct conversation with one person."""
    users = [user for user in args.text("users").split(",") if user]
    if len(users) != 1:
        raise SlackError("not_enough_users" if not users else "not_supported")
    if users[0] not in ws.people:
        raise SlackError("user_not_found")
    channel = ws.direct(users[0])
    return {"channel": {"id": channel.id} if not args.flag("return_im") else channel.as_slack(ws.app.user_id)}


def conversations_history(ws: Workspace, args: Arguments) -> Answer:
    """Top-level messages, newest first."""
    channel = chat.readable_channel(ws, args)
    found = [m for m in ws.messages[channel.id].values() if not m.only_for and (not m.is_reply or m.broadcast)]
    return _messages(ws, args, list(reversed(_between(found, args))), channel)


def conversations_replies(ws: Workspace, args: Arguments) -> Answer:
    """A thread: its parent, then the replies, oldest first."""
    channel = chat.readable_channel(ws, args)
    parent = ws.messages[channel.id].get(args.text("ts"))
    if not parent or parent.only_for:
        raise SlackError("thread_not_found")
    found = [parent] if parent.is_reply else [parent, *_between(ws.replies(channel.id, parent.ts), args)]
    return _messages(ws, args, found, channel)


def _between(found: list[Any], args: Arguments) -> list[Any]:
    oldest, latest = args.text("oldest", "0"), args.text("latest") or "inf"
    try:
        low, high = float(oldest), float(latest)
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None
    if args.flag("inclusive"):
        return [m for m in found if low <= float(m.ts) <= high]
    return [m for m in found if low < float(m.ts) < high]


def _messages(ws: Workspace, args: Arguments, found: list[Any], channel: Channel) -> Answer:
    page, cursor = _cut(found, args, default=100, most=999)
    with_metadata = args.flag("include_all_metadata")
    out: Answer = {
        "messages": [shapes.message(ws, m, metadata=with_metadata) for m in page],
        "has_more": bool(cursor),
        "pin_count": 0,
        "channel_actions_ts": None,
        "channel_actions_count": 0,
    }
    if cursor:
        out["response_metadata"] = {"next_cursor": cursor}
    _ = channel
    return out


def _cut(found: list[Any], args: Arguments, *, default: int = PAGE, most: int = 1000) -> tuple[list[Any], str]:
    limit = args.number("limit", default, most)
    cursor = args.text("cursor")
    if cursor and not re.fullmatch(r"next:\d+", cursor):
        raise SlackError("invalid_cursor")
    start = int(cursor.removeprefix("next:")) if cursor else 0
    return found[start : start + limit], f"next:{start + limit}" if start + limit < len(found) else ""


def users_info(ws: Workspace, args: Arguments) -> Answer:
    """One person, by id only."""
    found = ws.people.get(args.text("user"))
    if not found:
        raise SlackError("user_not_found")
    return {"user": found.as_slack(with_email="users:read.email" in ws.app.scopes)}


def users_list(ws: Workspace, args: Arguments) -> Answer:
    """Everybody."""
    with_email = "users:read.email" in ws.app.scopes
    page, cursor = _cut([p.as_slack(with_email=with_email) for p in ws.people.values()], args)
    return {"members": page, "cache_ts": int(ws.clock.now()), "response_metadata": {"next_cursor": cursor}}


def usergroups_users_list(ws: Workspace, args: Arguments) -> Answer:
    """The people of a user group."""
    if args.text("usergroup") not in ws.groups:
        raise SlackError("no_such_subteam")
    return {"users": list(ws.groups[args.text("usergroup")])}


def views_publish(ws: Workspace, args: Arguments) -> Answer:
    """The App Home of one person."""
    view, user = args.get("view"), args.text("user_id")
    if user not in ws.people:
        raise SlackError("user_not_found")
    if not isinstance(view, dict) or view.get("type") != "home":
        raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] view must be a home view"]})
    if wrong := block_rules.problems(view.get("blocks"), view=True):
        raise SlackError("invalid_arguments", response_metadata={"messages": wrong})
    shown = {
        "id": f"V0{user[2:]}",
        "team_id": TEAM,
        "type": "home",
        "blocks": view["blocks"],
        "app_id": ws.app.app_id,
        "bot_id": ws.app.bot_id,
        "hash": secrets.token_hex(8),
        "callback_id": view.get("callback_id", ""),
        "private_metadata": view.get("private_metadata", ""),
    }
    ws.views[user] = shown
    ws.changed("view", user=user, view=shown)
    return {"view": shown}


def blocks_validate(_ws: Workspace, args: Arguments) -> Answer:
    """Whether Slack would take blocks, a message or a view."""
    given = [name for name in ("blocks", "message", "view") if args.get(name)]
    if len(given) != 1:
        raise SlackError("invalid_arguments")
    value = args[given[0]]
    shown = value if given[0] == "blocks" else value.get("blocks", []) if isinstance(value, dict) else None
    wrong = block_rules.problems(shown, view=given[0] == "view")
    if wrong:
        raise SlackError("invalid_blocks", errors=[{"message": each} for each in wrong])
    return {}


def upload_url(ws: Workspace, args: Arguments) -> Answer:
    """Where to put a file's bytes."""
    name, length = args.text("filename"), args.number("length", 0, 1 << 30)
    if not name or length > 5_000_000:
        raise SlackError("invalid_arguments" if not name else "file_upload_size_restricted")
    file_id = f"F0{secrets.token_hex(4).upper()}"
    ws.files[file_id] = {"name": name, "content": None}
    return {"upload_url": f"{ws.base_url}/upload/{file_id}", "file_id": file_id}


def complete_upload(ws: Workspace, args: Arguments) -> Answer:
    """Share uploaded files in a conversation."""
    files = args.get("files")
    if not isinstance(files, list) or not files:
        raise SlackError("invalid_arguments")
    done = []
    for each in files:
        held = ws.files.get(str(each.get("id"))) if isinstance(each, dict) else None
        if not held or held["content"] is None:
            raise SlackError("file_not_found")
        url = f"{ws.base_url}/files/{each['id']}/{held['name']}"
        done.append(
            {
                "id": each["id"],
                "name": held["name"],
                "title": each.get("title") or held["name"],
                "size": len(held["content"]),
                "url_private": url,
                "permalink": url,
                "user": ws.app.user_id,
            }
        )
    where = args.text("channel_id") or args.text("channels")
    if where:
        channel = chat.member_channel(ws, Arguments(channel=where))
        chat.share(ws, channel, done, args.text("initial_comment"), args.text("thread_ts"))
    return {"files": done}


HISTORY = ("channels:history", "groups:history", "im:history")
READ = ("channels:read", "groups:read", "im:read")
METHODS: dict[str, Method] = {
    "auth.test": Method(auth_test, tier=600),
    "blocks.validate": Method(blocks_validate, tier=TIER_4),
    "chat.delete": Method(chat.delete, ("chat:write",)),
    "chat.getPermalink": Method(chat.get_permalink, tier=600),
    "chat.postEphemeral": Method(chat.post_ephemeral, ("chat:write",), TIER_4),
    "chat.postMessage": Method(chat.post_message, ("chat:write",)),
    "chat.update": Method(chat.update, ("chat:write",)),
    "conversations.history": Method(conversations_history, HISTORY),
    "conversations.info": Method(conversations_info, READ),
    "conversations.list": Method(conversations_list, READ, TIER_2),
    "conversations.members": Method(conversations_members, READ, TIER_4),
    "conversations.open": Method(conversations_open, ("im:write",)),
    "conversations.replies": Method(conversations_replies, HISTORY),
    "files.completeUploadExternal": Method(complete_upload, ("files:write",), TIER_4),
    "files.getUploadURLExternal": Method(upload_url, ("files:write",), TIER_4),
    "reactions.add": Method(reactions_add, ("reactions:write",)),
    "reactions.get": Method(reactions_get, ("reactions:read",)),
    "reactions.remove": Method(reactions_remove, ("reactions:write",)),
    "usergroups.users.list": Method(usergroups_users_list, ("usergroups:read",), TIER_2),
    "users.info": Method(users_info, ("users:read",), TIER_4),
    "users.list": Method(users_list, ("users:read",), TIER_2),
    "views.publish": Method(views_publish, (), TIER_4),
}
