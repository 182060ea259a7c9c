"""The chat.* methods: posting, ephemerals, changing and taking back, and which conversation a call may touch."""

from __future__ import annotations

import json
from typing import Any

from bot.lab.workspace import blocks as block_rules
from bot.lab.workspace import shapes
from bot.lab.workspace.arguments import Arguments
from bot.lab.workspace.spelling import spelled
from bot.lab.workspace.words import Channel, Message, SlackError
from bot.lab.workspace.workspace import Workspace

TEXT_MOST = 40_000
METADATA_MOST = 16_000  # bytes of JSON


def member_channel(ws: Workspace, args: Arguments) -> Channel:
    """The conversation of a writing call: it exists, the app is in it, it is not archived."""
    where = args.text("channel")
    if where.startswith("U") and where in ws.people:
        return ws.direct(where)
    channel = ws.channel(where)
    if ws.app.user_id not in channel.members:
        raise SlackError("channel_not_found" if channel.is_private else "not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def readable_channel(ws: Workspace, args: Arguments) -> Channel:
    """The conversation of a reading call, by id only."""
    channel = ws.channels.get(args.text("channel"))
    if not channel:
        raise SlackError("channel_not_found")
    if ws.app.user_id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def checked_blocks(value: Any) -> list[dict[str, Any]]:
    """Blocks as Slack stores them; invalid_blocks_format, invalid_blocks, msg_blocks_too_long."""
    if value in (None, "", []):
        return []
    if not isinstance(value, list):
        raise SlackError("invalid_blocks_format")
    if wrong := block_rules.problems(value):
        raise SlackError("invalid_blocks", errors=wrong, response_metadata={"messages": wrong})
    if block_rules.characters(value) > block_rules.TOTAL_CHARACTERS:
        raise SlackError("msg_blocks_too_long")
    return block_rules.stored(value, spelled)


def checked_metadata(value: Any) -> dict[str, Any] | None:
    """Message metadata, or None for none; invalid_metadata_format, metadata_too_large."""
    if not value:
        return None
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("event_type"), str)
        or not isinstance(value.get("event_payload"), dict)
    ):
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(value)) > METADATA_MOST:
        raise SlackError("metadata_too_large")
    return {"event_type": value["event_type"], "event_payload": value["event_payload"]}


def post_message(ws: Workspace, args: Arguments) -> dict[str, Any]:
    """chat.postMessage."""
    channel = member_channel(ws, args)
    blocks, metadata = checked_blocks(args.get("blocks")), checked_metadata(args.get("metadata"))
    text = args.text("text") or args.text("markdown_text")
    if not text and not blocks and not args.get("attachments"):
        raise SlackError("no_text")
    thread = args.text("thread_ts")
    if thread:
        parent = ws.messages[channel.id].get(thread)
        if not parent or parent.only_for:
            raise SlackError("cannot_reply_to_message")
        thread = parent.thread_ts or parent.ts  # a reply to a reply joins the thread it is in
    message = ws.post(
        Message(
            channel=channel.id,
            ts=ws.new_ts(),
            user=ws.app.user_id,
            text=spelled(text[:TEXT_MOST]),
            blocks=blocks,
            thread_ts=thread,
            metadata=metadata,
            by_app=True,
            broadcast=args.flag("reply_broadcast"),
        )
    )
    answer = {"channel": channel.id, "ts": message.ts, "message": shapes.message(ws, message, metadata=True)}
    if len(text) > TEXT_MOST:
        answer["response_metadata"] = {"warnings": ["message_truncated"]}
    return answer


def post_ephemeral(ws: Workspace, args: Arguments) -> dict[str, Any]:
    """chat.postEphemeral."""
    channel = member_channel(ws, args)
    blocks, user, text = checked_blocks(args.get("blocks")), args.text("user"), args.text("text")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    if not text and not blocks:
        raise SlackError("no_text")
    message = ws.whisper(channel.id, user, spelled(text[:TEXT_MOST]), blocks=blocks, thread_ts=args.text("thread_ts"))
    return {"message_ts": message.ts}


def update(ws: Workspace, args: Arguments) -> dict[str, Any]:
    """chat.update: what is not given stays, an empty list of blocks or empty metadata takes them away."""
    channel = member_channel(ws, args)
    message = ws.message(channel.id, args.text("ts"))
    if not message.by_app:
        raise SlackError("cant_update_message")
    if len(args.text("text")) > TEXT_MOST:
        raise SlackError("msg_too_long")
    changes: dict[str, Any] = {}
    if args.get("text") is not None:
        changes["text"] = spelled(args.text("text"))
    if args.get("blocks") is not None:
        changes["blocks"] = checked_blocks(args["blocks"])
    if args.get("metadata") is not None:
        changes["metadata"] = checked_metadata(args["metadata"])
    if not (changes.get("text", message.text) or changes.get("blocks", message.blocks)):
        raise SlackError("no_text")
    if "blocks" not in changes and "text" in changes:
        changes["edited"] = {"user": ws.app.user_id, "ts": f"{ws.clock.now():.6f}"}
    changed = ws.change(message, **changes)
    return {
        "channel": channel.id,
        "ts": changed.ts,
        "text": changed.text,
        "message": shapes.message(ws, changed, metadata=True),
    }


def delete(ws: Workspace, args: Arguments) -> dict[str, Any]:
    """chat.delete: the app's own messages only."""
    channel = member_channel(ws, args)
    message = ws.message(channel.id, args.text("ts"))
    if not message.by_app:
        raise SlackError("cant_delete_message")
    ws.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(ws: Workspace, args: Arguments) -> dict[str, Any]:
    """chat.getPermalink."""
    channel = readable_channel(ws, args)
    return {"channel": channel.id, "permalink": shapes.permalink(ws, ws.message(channel.id, args.text("message_ts")))}


def share(ws: Workspace, channel: Channel, files: list[dict[str, Any]], comment: str, thread_ts: str) -> None:
    """Post uploaded files as one message of the app."""
    ws.post(
        Message(
            channel=channel.id,
            ts=ws.new_ts(),
            user=ws.app.user_id,
            text=spelled(comment),
            thread_ts=thread_ts,
            by_app=True,
            files=files,
        )
    )
