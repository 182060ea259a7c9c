"""Messages as JSON: the way the Web API and events show them, and the way the page gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.lab.workspace.words import TEAM, Message

if TYPE_CHECKING:
    from bot.lab.workspace.workspace import Workspace

SOME_USERS = 25  # reactions carry only this many names unless the full list is asked for


def message(ws: Workspace, it: Message, *, metadata: bool = False, full: bool = False) -> dict[str, Any]:
    """A message object as in conversations.history; `metadata` only when it was asked for."""
    out: dict[str, Any] = {"type": "message", "user": it.user, "ts": it.ts, "text": it.text, "team": TEAM}
    if it.subtype:
        out |= {"subtype": it.subtype, "hidden": True}
    if it.by_app:
        out |= {"bot_id": ws.app.bot_id, "app_id": ws.app.app_id, "bot_profile": ws.app.profile()}
    if it.blocks:
        out["blocks"] = it.blocks
    if it.edited:
        out["edited"] = it.edited
    if it.files:
        out["files"] = it.files
    if it.thread_ts:
        out["thread_ts"] = it.thread_ts
        replies = [] if it.is_reply else ws.replies(it.channel, it.ts)
        if it.is_reply:
            parent = ws.messages[it.channel].get(it.thread_ts)
            out["parent_user_id"] = parent.user if parent else ""
        elif replies:
            users = list(dict.fromkeys(reply.user for reply in replies))
            out |= {
                "reply_count": len(replies),
                "reply_users_count": len(users),
                "reply_users": users[:5],
                "latest_reply": replies[-1].ts,
                "is_locked": False,
                "subscribed": False,
            }
    if it.reactions:
        most = None if full else SOME_USERS
        out["reactions"] = [
            {"name": name, "users": users[:most], "count": len(users)} for name, users in it.reactions.items()
        ]
    if metadata and it.metadata:
        out["metadata"] = it.metadata
    return out


def for_page(ws: Workspace, it: Message) -> dict[str, Any]:
    """A message for the page and for played people: everything, and who may see it."""
    out = message(ws, it, metadata=True, full=True) | {"channel": it.channel}
    if it.only_for:
        out |= {"is_ephemeral": True, "only_for": it.only_for}
    return out


def permalink(ws: Workspace, it: Message) -> str:
    """Where the page shows this message."""
    link = f"{ws.base_url}/archives/{it.channel}/p{it.ts.replace('.', '')}"
    return f"{link}?thread_ts={it.thread_ts}&cid={it.channel}" if it.is_reply else link


def state(ws: Workspace) -> dict[str, Any]:
    """All of the workspace, for GET /lab/state."""
    with ws.lock:
        return {
            "realm": "lab",
            "seq": ws.seq,
            "now": ws.clock.now(),
            "speed": ws.clock.speed,
            "team": TEAM,
            "app": {
                "user": ws.app.user_id,
                "bot_id": ws.app.bot_id,
                "app_id": ws.app.app_id,
                "name": ws.app.name,
                "commands": list(ws.app.commands),
            },
            "people": [
                {
                    "id": p.id,
                    "name": p.name,
                    "real_name": p.real_name,
                    "roles": list(p.roles),
                    "tz": p.tz,
                    "is_bot": p.is_bot,
                    "deleted": p.deleted,
                }
                for p in ws.people.values()
            ],
            "channels": [c.as_slack(ws.app.user_id) | {"members": sorted(c.members)} for c in ws.channels.values()],
            "messages": [for_page(ws, m) for channel in ws.messages.values() for m in channel.values()],
            "views": ws.views,
            "notices": list(ws.notices),
            "log": edge_log(ws),
        }


def edge_log(ws: Workspace) -> dict[str, Any]:
    """What went wrong at the edge: unknown methods, refusals, rate limits, envelopes nobody acknowledged."""
    return {
        "calls": dict(ws.log.calls),
        "unknown_methods": dict(ws.log.unknown_methods),
        "refusals": dict(ws.log.refusals),
        "rate_limited": ws.limits.refused,
        "not_acked": list(ws.log.not_acked),
    }
