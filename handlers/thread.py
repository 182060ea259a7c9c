"""The projector: walks a campaign's events in order and makes its thread say them, each once, whatever breaks.

Before a post its event number is noted in the cursor (`doing`); whoever finds that note later looks in the thread
for the event's mark before posting it again. A gate's ts goes back into state before anybody may vote on it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from handlers.calls import Calls, Refused, SlackError
from handlers.cards import card
from handlers.deps import Deps
from handlers.lines import post_for
from handlers.posting import Placed, Posting
from handlers.posts import Post
from handlers.prints import fingerprint
from state.errors import StateError, UnknownCampaign
from state.fold import evolve
from state.store import Cursor
from state.words import Actor, Campaign, Event, GateOpened, GateStatus, Lease, Paused, Recorded, Refusal, ThreadOpened

log = logging.getLogger(__name__)
RETRY_S, LOOK_S = 1.0, 15.0  # wall seconds before what failed is tried again (doubled each time, up to the second)
CONTENT = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "metadata_too_large"}
)
BOT = Actor(user="", person="rollup-bot", name="rollup-bot")


class Projector:
    """Implements ports.Slack.project. Safe to call from several threads and processes at once."""

    def __init__(self, deps: Deps, calls: Calls, gate_opened: Callable[[], None] = lambda: None) -> None:
        self._deps = deps
        self._posting = Posting(calls, deps.identity)
        self._gate_opened = gate_opened
        self._lock = threading.Lock()
        self._folded: dict[str, Campaign] = {}  # as of the cursor; only a memory, checked against it
        self._retry_at = self._look_at = 0.0  # monotonic seconds
        self._pause = RETRY_S
        self.behind: set[str] = set()  # campaigns whose thread lags because Slack or the store did not answer

    def project(self, campaign_id: str) -> bool:
        """Bring the thread up to the campaign's version; False when something is left for a later call."""
        try:
            while True:
                lease = self._deps.store.leases.take(f"publish:{campaign_id}")
                if lease is None:
                    return False  # whoever holds it looks once more after giving it back
                walk = _Walk(self._deps, self._posting, campaign_id, lease, self._folded)
                try:
                    walk.run()
                finally:
                    self._deps.store.leases.release(lease)
                if walk.opened:
                    self._gate_opened()
                campaign = self._deps.store.get(campaign_id)
                if campaign is None or self._deps.store.cursor(campaign_id).version >= campaign.version:
                    break
        except UnknownCampaign:
            return True
        except (SlackError, StateError) as why:
            log.warning("thread of %s is behind: %s", campaign_id, why)
            with self._lock:
                self.behind.add(campaign_id)
                self._pause = min(LOOK_S, self._pause * 2)
                self._retry_at = time.monotonic() + self._pause
            return False
        with self._lock:
            self.behind.discard(campaign_id)
            self._pause = RETRY_S
        return True

    def lagging(self) -> tuple[str, ...]:
        """Campaigns whose thread is behind: at every call those that failed, now and then whatever the store shows."""
        now = time.monotonic()
        with self._lock:
            found = set(self.behind) if now >= self._retry_at else set()
            if found:
                self._retry_at = now + self._pause
            look = now >= self._look_at
            if look:
                self._look_at = now + LOOK_S
        if look:
            for campaign in self._deps.store.all(limit=100):
                if self._deps.store.cursor(campaign.id).version < campaign.version:
                    found.add(campaign.id)
        return tuple(found)

    def rebuild(self, campaign_id: str) -> bool:
        """Read the whole thread and post again whatever event is missing in it."""
        lease = self._deps.store.leases.take(f"publish:{campaign_id}")
        if lease is None:
            return False
        note = {**self._deps.store.cursor(campaign_id).note, "doing": -1}
        note.pop("card", None)
        try:
            self._deps.store.move_cursor(campaign_id, Cursor(version=0, note=note), lease=lease)
        finally:
            self._deps.store.leases.release(lease)
        self._folded.pop(campaign_id, None)
        return self.project(campaign_id)

    def unknown_event(self, campaign: Campaign) -> int | None:
        """The first event that our own thread carries and the store does not hold as it was posted: it was rewound.

        Numbers alone do not show it for long, as a rewound record grows again: lines carry their record's hash too. None when everything fits.
        Raises Outage, Refused, StateError.
        """
        if not campaign.thread_ts:
            return None
        marks = self._posting.in_thread(campaign.channel, campaign.thread_ts, campaign.id)
        held = {recorded.version: recorded.hash for recorded in self._deps.store.events(campaign.id)}
        strange = [
            event
            for mark in marks
            if isinstance(event := mark.payload.get("event"), int)
            and not (event in held and held[event].startswith(str(mark.payload.get("record") or "")))
        ]
        return min(strange, default=None)


class _Walk:
    """One projection under one lease."""

    def __init__(
        self, deps: Deps, posting: Posting, campaign_id: str, lease: Lease, folded: dict[str, Campaign]
    ) -> None:
        self._deps = deps
        self._store = deps.store
        self._posting = posting
        self._id = campaign_id
        self._lease = lease
        self._folded = folded
        cursor = self._store.cursor(campaign_id)
        self._version = cursor.version
        self._note: dict[str, Any] = dict(cursor.note)
        # Somebody before us may have posted and died: from there on, look before posting.
        self._doubt = "doing" in self._note
        self._seen: dict[int, list[tuple[str, str]]] | None = None
        self.opened = False  # a gate became open: votes that came early can be counted

    def run(self) -> None:
        """Post every event after the cursor, then the card. Raises SlackError, StateError."""
        campaign = self._store.get(self._id)
        if campaign is None:
            raise UnknownCampaign(self._id)
        channel = str(self._note.get("channel") or campaign.channel)
        thread = campaign.thread_ts or str(self._note.get("thread") or "")
        if not thread:
            thread = self._open(campaign, channel)
        if not campaign.thread_ts:
            self._tell_thread(campaign, channel, thread)
        folded = self._start()
        while events := self._store.events(self._id, self._version):
            for recorded in events:
                after = evolve(folded, recorded)
                if folded is not None:
                    post = post_for(folded, recorded, after, self._deps.policy(after.cluster), self._deps.realm)
                    if post is not None:
                        self._publish(post, recorded, channel, thread)
                folded, self._version = after, recorded.version
            self._save()
        if folded is not None:
            self._folded[self._id] = folded
            self._card(folded, channel, thread)
        if "doing" in self._note:
            del self._note["doing"]
            self._save()

    # --- cursor

    def _start(self) -> Campaign | None:
        """The campaign as of the cursor."""
        known = self._folded.get(self._id)
        if known is not None and known.version == self._version:
            return known
        folded: Campaign | None = None
        for recorded in self._store.events(self._id, 0) if self._version else ():
            if recorded.version > self._version:
                break
            folded = evolve(folded, recorded)
        return folded

    def _save(self) -> None:
        self._lease = self._store.leases.renew(self._lease)
        self._store.move_cursor(self._id, Cursor(version=self._version, note=self._note), lease=self._lease)

    def _announce(self, event: int) -> None:
        """Note what is about to be posted, so that a crash in between is seen by the next."""
        self._note["doing"] = event
        self._save()

    # --- posting

    def _open(self, campaign: Campaign, channel: str) -> str:
        """Post the card that is the thread's head, or find the one that stands."""
        payload = {"campaign": campaign.id, "event": 1}
        said = card(campaign, self._deps.realm)
        standing = self._posting.card_of(channel, campaign.id) if self._doubt else None
        if standing is None:
            self._announce(1)
            placed = self._posting.post(channel, "", said.text, said.blocks, "rollup_card", payload)
            ts = placed.ts
            self._note["card"] = fingerprint(said.text, said.blocks)
        else:
            ts = standing.ts
        self._note |= {"thread": ts, "channel": channel}
        self._save()
        return ts

    def _tell_thread(self, campaign: Campaign, channel: str, thread: str) -> None:
        answer = self._apply(ThreadOpened(ts=thread), f"thread-{campaign.id}")
        if isinstance(answer, Refusal):  # it ended before its card was posted
            self._store.index_thread(campaign.id, channel, thread)

    def _publish(self, post: Post, recorded: Recorded, channel: str, thread: str) -> None:
        gate_waits = post.opens and self._is_prepared(post.opens)
        if post.opens and not gate_waits:
            self._sweep_orphans(channel, thread, recorded.version)
            return  # opened by an earlier call, or closed before it was ever posted
        standing = self._standing(channel, thread, recorded.version) if self._doubt else []
        if standing:
            placed = Placed(ts=standing[0][0], posted_hash=standing[0][1])
        else:
            self._announce(recorded.version)
            placed_or_not = self._place(post, recorded, channel, thread)
            if placed_or_not is None:
                return
            placed = placed_or_not
            if self._doubt and post.opens:  # the lost one may have arrived meanwhile
                self._seen = None
                standing = self._standing(channel, thread, recorded.version)
        self._version = recorded.version
        if post.opens:
            for ts, _hash in standing:
                if ts != placed.ts:
                    self._posting.void(channel, ts)
            self._open_gate(post.opens, channel, placed)
        if post.unfit:
            self._apply(
                Paused(by=BOT, reason="the gate does not fit into a Slack message"),
                f"unfit-{self._id}-{recorded.version}",
            )

    def _place(self, post: Post, recorded: Recorded, channel: str, thread: str) -> Placed | None:
        """Post it. What Slack will not show as it is becomes plain words; a gate becomes no gate (None)."""
        try:
            return self._posting.post(channel, thread, post.text, post.blocks, post.event_type, post.payload)
        except Refused as refused:
            if refused.code not in CONTENT:
                raise
            log.error("Slack does not take event %d of %s: %s", recorded.version, self._id, refused.code)  # noqa: TRY400 - the code says it all
        if not post.opens:
            return self._posting.post(channel, thread, post.text, (), post.event_type, post.payload)
        payload = {
            "campaign": self._id,
            "event": recorded.version,
            "outcome": "blocked",
            "rule": "GATE-FITS",
            "step": post.payload["step"],
        }
        words = "Slack does not show this gate as it is, so there is none. The campaign is paused."
        self._posting.post(channel, thread, words, (), "rollup_closed", payload)
        self._version = recorded.version
        self._apply(Paused(by=BOT, reason="Slack does not show the gate"), f"unfit-{self._id}-{recorded.version}")
        return None

    def _standing(self, channel: str, thread: str, event: int) -> list[tuple[str, str]]:
        """(ts, fingerprint) of our messages that carry an event's number, oldest first."""
        if self._seen is None:
            seen: dict[int, list[tuple[str, str]]] = {}
            for message in self._posting.in_thread(channel, thread, self._id):
                number = message.payload.get("event")
                if isinstance(number, int) and message.event_type != "rollup_card":
                    seen.setdefault(number, []).append((message.ts, fingerprint(message.text, message.blocks)))
            self._seen = seen
        return self._seen.get(event, [])

    def _sweep_orphans(self, channel: str, thread: str, event: int) -> None:
        """Take away a gate's message whose post was in doubt and that never opened: nobody may wait for it."""
        for ts, _hash in self._standing(channel, thread, event) if self._doubt else ():
            if self._store.find_by_gate(channel, ts) is None:
                self._posting.void(channel, ts)

    def _is_prepared(self, gate_id: str) -> bool:
        campaign = self._store.get(self._id)
        gate = campaign.gate if campaign is not None else None
        return gate is not None and gate.id == gate_id and gate.status is GateStatus.PREPARED

    def _open_gate(self, gate_id: str, channel: str, placed: Placed) -> None:
        opened = GateOpened(gate=gate_id, channel=channel, ts=placed.ts, posted_hash=placed.posted_hash)
        answer = self._apply(opened, f"open-{gate_id}")
        self.opened = self.opened or not isinstance(answer, Refusal)
        if isinstance(answer, Refusal):  # closed while it was being posted: nobody can have voted on it
            self._posting.void(channel, placed.ts)

    def _apply(self, event: Event, op_id: str) -> Campaign | Refusal:
        at = self._deps.clock.lab(self._store.server_time())
        answer = self._store.apply(self._id, event, op_id=op_id, at=at)
        if not isinstance(answer, Refusal):
            self._deps.wake.advance(self._id)
        return answer

    def _card(self, campaign: Campaign, channel: str, thread: str) -> None:
        """Show where it stands now; only when that differs from what the card says."""
        said = card(campaign, self._deps.realm)
        now = fingerprint(said.text, said.blocks)
        if self._note.get("card") == now:
            return
        payload: Mapping[str, Any] = {"campaign": campaign.id, "event": 1}
        try:
            self._posting.update(channel, thread, said.text, said.blocks, "rollup_card", payload)
        except Refused as gone:
            log.warning("the card of %s cannot be updated: %s", self._id, gone.code)
        self._note["card"] = now
        self._save()
