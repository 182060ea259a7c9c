"""Putting one message into a thread exactly once, and finding it again by its metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from handlers import trust
from handlers.calls import Calls, Outage, Refused
from handlers.deps import Identity
from handlers.prints import fingerprint

PAGE = 200
MOST_PAGES = 50
PATIENCE_S = 15.0  # lab seconds a post may wait for Slack's limits before the projector gives its lease back


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A message of ours as it stands in Slack."""

    ts: str
    posted_hash: str


class Posting:
    """Posts, finds, updates and deletes our own messages. Raises Outage, Refused."""

    def __init__(self, calls: Calls, identity: Identity) -> None:
        self._calls = calls
        self._us = identity

    def post(
        self, channel: str, thread: str, text: str, blocks: tuple[Mapping[str, Any], ...], event_type: str,
        payload: Mapping[str, Any],
    ) -> Placed:  # fmt: skip
        """Post once; an Outage with `sent` leaves it open whether it stands."""
        fields: dict[str, Any] = {"text": text, "blocks": list(blocks), "unfurl_links": False, "unfurl_media": False,
                                  "metadata": {"event_type": event_type, "event_payload": dict(payload)}}  # fmt: skip
        if thread:
            fields["thread_ts"] = thread
        answer = self._calls.post(channel, patience_s=PATIENCE_S, **fields)
        raw = answer.get("message")
        ts = str(answer.get("ts") or "")
        stored = trust.standing({**raw, "ts": ts}) if isinstance(raw, Mapping) else trust.Rejected("no message")
        if not ts:
            raise Outage("chat.postMessage", "no ts in the answer", sent=True)
        if isinstance(stored, trust.Rejected):
            return Placed(ts=ts, posted_hash=fingerprint(text, blocks))
        return Placed(ts=ts, posted_hash=fingerprint(stored.text, stored.blocks))

    def update(
        self, channel: str, ts: str, text: str, blocks: tuple[Mapping[str, Any], ...], event_type: str,
        payload: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """Replace a message; only ever the live card."""
        metadata = {"event_type": event_type, "event_payload": dict(payload)}
        self._calls(
            "chat.update",
            patience_s=PATIENCE_S,
            channel=channel,
            ts=ts,
            text=text,
            blocks=list(blocks),
            metadata=metadata,
        )

    def void(self, channel: str, ts: str) -> None:
        """Take a message away that must not be voted on; where Slack keeps it, its text says that it is void."""
        try:
            self._calls("chat.delete", patience_s=PATIENCE_S, channel=channel, ts=ts)
        except Refused as refused:
            if refused.code == "message_not_found":
                return
            text = "VOID: this message stands here twice by accident and is no gate. Reactions on it do not count."
            self._calls("chat.update", patience_s=PATIENCE_S, channel=channel, ts=ts, text=text, blocks=[])

    def card_of(self, channel: str, campaign: str) -> trust.Standing | None:
        """A campaign's card in a channel, oldest first where it stands twice."""
        found = [m for m in self._ours("conversations.history", channel=channel) if m.event_type == "rollup_card"]
        cards = sorted((m for m in found if m.payload.get("campaign") == campaign), key=lambda m: float(m.ts))
        return cards[0] if cards else None

    def in_thread(self, channel: str, thread: str, campaign: str) -> tuple[trust.Standing, ...]:
        """Our marked messages in a campaign's thread, oldest first."""
        found = self._ours("conversations.replies", channel=channel, ts=thread)
        return tuple(sorted((m for m in found if m.payload.get("campaign") == campaign), key=lambda m: float(m.ts)))

    def _ours(self, method: str, **fields: Any) -> Iterator[trust.Standing]:
        cursor = ""
        for _page in range(MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            answer = self._calls(method, patience_s=PATIENCE_S, include_all_metadata=True, limit=PAGE, **fields, **more)
            page = trust.messages(answer)
            if isinstance(page, trust.Rejected):
                raise Outage(method, page.why, sent=False)
            yield from (m for m in page if m.bot_id == self._us.bot_id and m.event_type.startswith("rollup_"))
            cursor = trust.next_page(answer)
            if not cursor:
                return
