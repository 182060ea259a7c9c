"""The store: campaigns in Redis, behind one typed front. Here stored bytes become our own values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis

from state.leases import Leases
from state.words import Actor, Campaign, Event, Lease, Options, Realm, Recorded, Refusal, State


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """One Slack event as it was put down before its ack; `id` is Slack's event id and the op id of what it causes."""

    id: str
    at: float  # wall seconds by server TIME
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRef:
    """Which gate a Slack message is."""

    campaign: str
    gate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a campaign is projected into Slack; `note` is the projector's own small memory."""

    version: int = 0
    note: Mapping[str, Any] = field(default_factory=dict)


class Store:
    """Campaign state in Redis. Thread-safe. Every method may raise Unavailable.

    `prefix` is the one hash tag of all keys; `bot` is written into transcript headers.
    """

    leases: Leases

    def __init__(self, client: redis.Redis, *, bot: str = "rollup-bot", prefix: str = "{rollup}") -> None: ...

    # --- writing

    def create(self, *, cluster: str, channel: str, by: Actor, package_ref: str, options: Options, realm: Realm,
               op_id: str, at: float, package: str = "", inbox_id: str | None = None) -> Campaign | Refusal:
        """Mint `<CLUSTER>-<n>` and write CampaignRequested. `at` is lab time.

        `package` is what the transcript's header says (default: package_ref). A resend with the same op id
        answers the campaign it made. Refusal BUSY (parts campaign, lock) while the cluster is locked.
        """
        raise NotImplementedError

    def apply(self, campaign: str, events: Event | Sequence[Event], *, op_id: str, at: float,
              lease: Lease | None = None, expected: int | None = None, inbox_id: str | None = None
              ) -> Campaign | Refusal:
        """Decide and append one or several events in one atomic call; answers the campaign afterwards.

        `op_id` names this change for ever: a resend applies nothing and answers the campaign as it stands.
        `expected` is the version the decision rests on; without it the events are decided again on what is found.
        `lease` is compared (token, owner, time); GateConsumed and JobOpened need it. `inbox_id` leaves the inbox in
        the same call. Refusal: the table or a guard says no, or BUSY with the lock's holder; nothing was written.
        Raises Conflict, Fenced, Broken, UnknownCampaign, Unavailable (resend with the same op_id).
        """
        raise NotImplementedError

    @contextmanager
    def pinned(self) -> Iterator[Store]:
        """A store on one connection of its own, for a write followed by `wait_replicas`."""
        raise NotImplementedError

    def wait_replicas(self, count: int, *, timeout_s: float = 1.0) -> bool:
        """Whether `count` replicas have the last write of this pinned store. 0 is always True.

        False when fewer answered, when the connection was replaced since the write, or when the last write was a
        resend: no effect may follow.
        """
        raise NotImplementedError

    # --- reading

    def get(self, campaign: str) -> Campaign | None:
        """The snapshot."""
        raise NotImplementedError

    def events(self, campaign: str, after: int = 0) -> list[Recorded]:
        """The events with a version above `after`, links checked. Raises Broken."""
        raise NotImplementedError

    def replay(self, campaign: str) -> Campaign:
        """The fold of all events, chain verified from the header on. Raises Broken also when the snapshot differs."""
        raise NotImplementedError

    def export(self, campaign: str) -> bytes:
        """The transcript (docs: DESIGN §11). Raises Broken, UnknownCampaign."""
        raise NotImplementedError

    def find_by_thread(self, channel: str, thread_ts: str) -> str | None:
        """The campaign whose thread this is."""
        raise NotImplementedError

    def find_by_gate(self, channel: str, ts: str) -> GateRef | None:
        """The gate, open or past, that this message is."""
        raise NotImplementedError

    def by_cluster(self, cluster: str, limit: int = 50) -> list[Campaign]:
        """A cluster's campaigns, last changed first."""
        raise NotImplementedError

    def active(self) -> list[Campaign]:
        """Every campaign that has not ended, last changed first."""
        raise NotImplementedError

    def all(self, limit: int = 1000) -> list[Campaign]:
        """Campaigns, last changed first."""
        raise NotImplementedError

    def counts(self) -> dict[State, int]:
        """How many campaigns stand in each state."""
        raise NotImplementedError

    def locks(self) -> dict[str, str]:
        """Every lock held now: folded short name -> campaign."""
        raise NotImplementedError

    def lock_holder(self, name: str) -> str | None:
        """Which campaign holds the lock on a cluster or machine, by any spelling."""
        raise NotImplementedError

    def server_time(self) -> float:
        """The server's TIME in Unix seconds: the one wall clock decisions use."""
        raise NotImplementedError

    def realm(self, ours: Realm) -> Realm:
        """Write the realm at first use, compare it ever after. Raises WrongRealm."""
        raise NotImplementedError

    # --- inbox

    def inbox_put(self, event_id: str, body: Mapping[str, Any]) -> bool:
        """Put a Slack event down before its ack; False when it was seen in the last day."""
        raise NotImplementedError

    def inbox_list(self, *, older_than_s: float = 0.0, limit: int = 200) -> list[InboxEntry]:
        """What still lies there, oldest first."""
        raise NotImplementedError

    def inbox_drop(self, event_id: str) -> None:
        """Take an entry out that leads to no transition."""
        raise NotImplementedError

    # --- due

    def due(self, *, limit: int = 100, again_s: float = 5.0) -> list[str]:
        """Campaigns to look at now; each one's due time is moved on by `again_s` wall seconds in the same call."""
        raise NotImplementedError

    def look_again(self, campaign: str, at_wall: float, *, version: int) -> bool:
        """Set when a campaign is due next, unless it has moved past `version` since (then it is due already)."""
        raise NotImplementedError

    # --- projection

    def cursor(self, campaign: str) -> Cursor:
        """How far the campaign is projected."""
        raise NotImplementedError

    def move_cursor(self, campaign: str, cursor: Cursor, *, lease: Lease) -> None:
        """Move it. `lease` is the one named `publish:<campaign>`. Raises Fenced."""
        raise NotImplementedError

    def index_thread(self, campaign: str, channel: str, thread_ts: str) -> None:
        """Remember a thread of a campaign that ended before its card was posted."""
        raise NotImplementedError
