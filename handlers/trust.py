"""The one place where Slack's untyped payloads become our own frozen values; nothing odd gets further.

Every reader is total: what does not have the expected shape comes back as `Rejected(why)`, never as an
exception. Shapes: facts of docs.slack.dev (slash command payloads, Events API, users.info, reactions.get,
conversations.replies).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Credentials and one-time handles in payloads: they are of no use after a crash and must not lie in Redis.
SECRETS = frozenset({"token", "trigger_id", "response_url", "response_urls", "authorizations", "bot_access_token"})
TEXT_LIMIT = 4000
_ID = re.compile(r"[A-Z0-9][A-Z0-9_]{1,63}\Z")
_TS = re.compile(r"\d{1,12}\.\d{1,8}\Z")
_EMOJI = re.compile(r"[a-z0-9_+'\-:.&ãéíñçôåäöü]{1,120}\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A payload that is not what it should be, and why; it is acknowledged and forgotten."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """`/rollup …` as typed."""

    id: str
    team: str
    channel: str
    user: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reacted:
    """reaction_added or reaction_removed on a message."""

    id: str
    team: str
    added: bool
    user: str
    emoji: str
    channel: str
    ts: str
    item_user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message that mentions us. `why_not` is set where it is not a person's new, unedited message."""

    id: str
    team: str
    channel: str
    user: str
    text: str
    ts: str
    thread_ts: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """A message was deleted or edited: `ts` is the message it happened to."""

    id: str
    team: str
    channel: str
    ts: str
    deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOpened:
    """Somebody looks at the app's Home tab."""

    id: str
    team: str
    user: str


Inbound = Typed | Reacted | Said | Altered | HomeOpened | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A Slack account as users.info tells it."""

    user: str
    bot: bool = False
    deleted: bool = False
    guest: bool = False
    external: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A message as it stands in Slack now."""

    ts: str
    text: str
    blocks: tuple[Mapping[str, Any], ...]
    bot_id: str
    app_id: str
    thread_ts: str = ""
    edited: bool = False
    event_type: str = ""  # of its metadata
    payload: Mapping[str, Any] = field(default_factory=dict)
    reactions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    reactions_cut: bool = False  # Slack listed fewer people than it counted


def scrub(value: Any) -> Any:
    """The payload without credentials and one-time handles, at any depth."""
    if isinstance(value, dict):
        return {str(k): scrub(v) for k, v in value.items() if k not in SECRETS}
    if isinstance(value, list):
        return [scrub(each) for each in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def stable_id(body: Mapping[str, Any]) -> str:
    """The key a payload is known by: Slack's event id, or for a command a hash of its one-time handle.

    Commands carry no event id; the trigger id is new at every typing and the same at every redelivery. Only
    its hash is kept. Without one, the whole body is hashed: the same words typed twice then count once.
    """
    event_id = body.get("event_id")
    if isinstance(event_id, str) and event_id and len(event_id) <= 128:
        return event_id
    trigger = body.get("trigger_id")
    seed = f"{trigger}|{body.get('user_id')}" if trigger else json.dumps(scrub(dict(body)), sort_keys=True, default=str)
    return "cmd-" + hashlib.sha256(seed.encode()).hexdigest()[:32]


def _s(mapping: Mapping[str, Any], key: str, limit: int = 256) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) and len(value) <= limit else ""


def _id(mapping: Mapping[str, Any], key: str) -> str:
    value = _s(mapping, key)
    return value if _ID.match(value) else ""


def _ts(mapping: Mapping[str, Any], key: str) -> str:
    value = _s(mapping, key)
    return value if _TS.match(value) else ""


def inbound(entry_id: str, body: object) -> Inbound:
    """Any envelope's payload, from Slack or from the inbox, as one of ours."""
    if not isinstance(body, Mapping):
        return Rejected("the payload is no object")
    if "command" in body:
        return _command(entry_id, body)
    event = body.get("event")
    if not isinstance(event, Mapping):
        return Rejected(f"no event in a payload of type {_s(body, 'type') or 'unknown'}")
    team = _id(body, "team_id") or _id(event, "team")
    kind = _s(event, "type")
    if kind in {"reaction_added", "reaction_removed"}:
        return _reaction(entry_id, team, event, added=kind == "reaction_added")
    if kind == "app_mention":
        return _said(entry_id, team, event)
    if kind == "message":
        subtype = _s(event, "subtype")
        if subtype in {"message_deleted", "message_changed"}:
            return _altered(entry_id, team, event, deleted=subtype == "message_deleted")
        return Rejected("an ordinary message; mentions come as app_mention")
    if kind == "app_home_opened":
        user = _id(event, "user")
        if _s(event, "tab") == "messages" or not user:
            return Rejected("not the Home tab")
        return HomeOpened(id=entry_id, team=team, user=user)
    return Rejected(f"nothing to do for an event of type {kind or 'unknown'}")


def _command(entry_id: str, body: Mapping[str, Any]) -> Typed | Rejected:
    user, channel = _id(body, "user_id"), _id(body, "channel_id")
    text = body.get("text")
    if not user or not channel:
        return Rejected("a command without user or channel")
    if text is not None and not isinstance(text, str):
        return Rejected("a command whose text is no text")
    return Typed(id=entry_id, team=_id(body, "team_id"), channel=channel, user=user, text=(text or "")[:TEXT_LIMIT])


def _reaction(entry_id: str, team: str, event: Mapping[str, Any], *, added: bool) -> Reacted | Rejected:
    item = event.get("item")
    if not isinstance(item, Mapping) or item.get("type") != "message":
        return Rejected("a reaction on something that is no message")
    user, emoji = _id(event, "user"), _s(event, "reaction")
    channel, ts = _id(item, "channel"), _ts(item, "ts")
    if not user or not channel or not ts or not _EMOJI.match(emoji):
        return Rejected("a reaction without user, emoji, channel or ts")
    return Reacted(
        id=entry_id,
        team=team,
        added=added,
        user=user,
        emoji=emoji,
        channel=channel,
        ts=ts,
        item_user=_id(event, "item_user"),
    )


def _said(entry_id: str, team: str, event: Mapping[str, Any]) -> Said | Rejected:
    channel, ts, user = _id(event, "channel"), _ts(event, "ts"), _id(event, "user")
    text = event.get("text")
    if not channel or not ts or not isinstance(text, str):
        return Rejected("a message without channel, ts or text")
    why_not = ""
    if event.get("bot_id") or event.get("bot_profile") or event.get("app_id") or not user:
        why_not = "a bot wrote it"
    elif event.get("edited"):
        why_not = "it was edited"
    elif event.get("subtype") not in {None, "", "thread_broadcast", "file_share"}:
        why_not = "it is not a plain new message"
    return Said(
        id=entry_id,
        team=team,
        channel=channel,
        user=user,
        text=text[:TEXT_LIMIT],
        ts=ts,
        thread_ts=_ts(event, "thread_ts"),
        why_not=why_not,
    )


def _altered(entry_id: str, team: str, event: Mapping[str, Any], *, deleted: bool) -> Altered | Rejected:
    channel = _id(event, "channel")
    inner = event.get("message")
    ts = _ts(event, "deleted_ts") if deleted else _ts(inner, "ts") if isinstance(inner, Mapping) else ""
    if not channel or not ts:
        return Rejected("an edit or deletion without channel or ts")
    return Altered(id=entry_id, team=team, channel=channel, ts=ts, deleted=deleted)


def account(answer: object, *, team: str) -> Account | Rejected:
    """users.info's answer. `team` is our workspace: an account of another one is external."""
    user = answer.get("user") if isinstance(answer, Mapping) else None
    if not isinstance(user, Mapping) or not (ident := _id(user, "id")):
        return Rejected("users.info without a user")
    theirs = _id(user, "team_id")
    enterprise = user.get("enterprise_user")
    member_of = enterprise.get("teams") if isinstance(enterprise, Mapping) else None
    here = theirs == team or (isinstance(member_of, list) and team in member_of)
    return Account(
        user=ident,
        bot=bool(user.get("is_bot")) or ident == "USLACKBOT" or bool(user.get("is_workflow_bot")),
        deleted=bool(user.get("deleted")),
        guest=bool(user.get("is_restricted")) or bool(user.get("is_ultra_restricted")),
        external=bool(user.get("is_stranger")) or not here,  # no team at all is not ours either
        name=_s(user, "real_name") or _s(user, "name"),
    )


def _reactions(raw: object) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], bool] | None:
    """(emoji, people) pairs and whether Slack cut the list; None when it makes no sense."""
    if raw is None:
        return (), False
    if not isinstance(raw, list):
        return None
    found: list[tuple[str, tuple[str, ...]]] = []
    cut = False
    for each in raw:
        if not isinstance(each, Mapping) or not (name := _s(each, "name")):
            return None
        users = each.get("users")
        if not isinstance(users, list) or not all(isinstance(u, str) and _ID.match(u) for u in users):
            return None
        count = each.get("count")
        cut = cut or (isinstance(count, int) and count > len(users))
        found.append((name, tuple(users)))
    return tuple(found), cut


def standing(raw: object) -> Standing | Rejected:
    """One message of conversations.replies, conversations.history or reactions.get."""
    if not isinstance(raw, Mapping) or not (ts := _ts(raw, "ts")):
        return Rejected("a message without ts")
    blocks = raw.get("blocks")
    if blocks is None:
        blocks = []
    text = raw.get("text")
    if not isinstance(blocks, list) or not all(isinstance(b, Mapping) for b in blocks) or not isinstance(text, str):
        return Rejected("a message whose text or blocks make no sense")
    reactions = _reactions(raw.get("reactions"))
    if reactions is None:
        return Rejected("a message whose reactions make no sense")
    metadata = raw.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, Mapping) else None
    profile = raw.get("bot_profile")
    app_id = _id(raw, "app_id") or (_id(profile, "app_id") if isinstance(profile, Mapping) else "")
    return Standing(
        ts=ts,
        text=text,
        blocks=tuple(blocks),
        bot_id=_id(raw, "bot_id"),
        app_id=app_id,
        thread_ts=_ts(raw, "thread_ts"),
        edited=bool(raw.get("edited")),
        event_type=_s(metadata, "event_type") if isinstance(metadata, Mapping) else "",
        payload=dict(payload) if isinstance(payload, Mapping) else {},
        reactions=reactions[0],
        reactions_cut=reactions[1],
    )


def messages(answer: object) -> tuple[Standing, ...] | Rejected:
    """The messages of conversations.replies or conversations.history; one odd message rejects the page."""
    raw = answer.get("messages") if isinstance(answer, Mapping) else None
    if not isinstance(raw, list):
        return Rejected("no list of messages")
    found: list[Standing] = []
    for each in raw:
        one = standing(each)
        if isinstance(one, Rejected):
            return one
        found.append(one)
    return tuple(found)


def next_page(answer: object) -> str:
    """The cursor of the next page, or an empty string."""
    meta = answer.get("response_metadata") if isinstance(answer, Mapping) else None
    return _s(meta, "next_cursor", 1024) if isinstance(meta, Mapping) else ""


def reaction_list(answer: object) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], bool] | Rejected:
    """(emoji, people) pairs of reactions.get, and whether the list was cut."""
    raw = answer.get("message") if isinstance(answer, Mapping) else None
    if not isinstance(raw, Mapping):
        return Rejected("reactions.get without a message")
    found = _reactions(raw.get("reactions"))
    return Rejected("reactions that make no sense") if found is None else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A conversation as conversations.info and .list tell it."""

    id: str
    name: str
    member: bool
    archived: bool


def _channel_of(raw: object) -> Channel | None:
    if not isinstance(raw, Mapping) or not (ident := _id(raw, "id")):
        return None
    return Channel(
        id=ident, name=_s(raw, "name"), member=bool(raw.get("is_member")), archived=bool(raw.get("is_archived"))
    )


def channel(answer: object) -> Channel | Rejected:
    """conversations.info's answer."""
    found = _channel_of(answer.get("channel")) if isinstance(answer, Mapping) else None
    return found or Rejected("conversations.info without a channel")


def channels(answer: object) -> tuple[Channel, ...]:
    """conversations.list's page; odd entries are skipped."""
    raw = answer.get("channels") if isinstance(answer, Mapping) else None
    found = (_channel_of(each) for each in raw) if isinstance(raw, list) else ()
    return tuple(each for each in found if each is not None)
