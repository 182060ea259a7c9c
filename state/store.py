"""The store: campaigns in Redis, behind one typed front. Here stored bytes become our own values."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import redis

from state.appending import continuation, creation, demand_lease, record
from state.audit import canonical, first_link, read_chain, read_line, transcript
from state.campaign import FINAL, decide
from state.errors import Broken, Conflict, Fenced, UnknownCampaign, WrongRealm
from state.fold import evolve
from state.keys import Keys, lock_name, message
from state.leases import Leases, owner_text
from state.scripts import Scripts, answering
from state.showing import Showing
from state.words import (
    Actor,
    Campaign,
    CampaignRequested,
    Event,
    Lease,
    Options,
    Realm,
    Recorded,
    Refusal,
    RefusalKind,
    Started,
    State,
)

_TRIES = 32  # optimistic rounds before a busy campaign is reported as a conflict
_campaign = msgspec.json.Decoder(Campaign, strict=True)


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

    def __init__(
        self, client: redis.Redis, *, bot: str = "rollup-bot", prefix: str = "{rollup}", pinned: bool = False
    ) -> None:
        self._client = client
        self._bot = bot
        self._keys = Keys(prefix)
        self._scripts = Scripts(client, self._keys)
        self._pinned = pinned
        self._wrote_on: int | None = None  # id of the connection that carried the last write of a pinned store
        self.leases = Leases(self._scripts)
        self.showing = Showing(client, self._keys)

    # --- writing

    def create(
        self,
        *,
        cluster: str,
        channel: str,
        by: Actor,
        package_ref: str,
        options: Options,
        realm: Realm,
        op_id: str,
        at: float,
        package: str = "",
        inbox_id: str | None = None,
    ) -> Campaign | Refusal:
        """Mint `<CLUSTER>-<n>` and write CampaignRequested. `at` is lab time.

        `package` is what the transcript's header says (default: package_ref). A resend with the same op id
        answers the campaign it made. Refusal BUSY (parts campaign, lock, holder) while the cluster is locked.
        """
        for _ in range(_TRIES):
            with answering():
                made, number = self._client.mget(self._keys.made(op_id), self._keys.number(cluster))
            if made is not None:
                self._leave_inbox(inbox_id)
                return self._known(_str(made))
            if (holder := self.lock_holder(cluster)) is not None:
                return _busy("", cluster, lock_name(cluster), holder)
            mint = int(number or 0) + 1
            event = CampaignRequested(
                campaign=f"{cluster}-{mint}",
                nonce=secrets.token_hex(4),
                cluster=cluster,
                channel=channel,
                by=by,
                package_ref=package_ref,
                options=options,
                realm=realm,
            )
            change, campaign = creation(
                event, number=mint, package=package or package_ref, bot=self._bot, op_id=op_id, at=at, inbox=inbox_id
            )
            answer = self._scripts.transition(change)
            if answer.word == "OK":
                return campaign
            if answer.word == "DUP":
                return self._known(answer.campaign)
        raise Conflict(cluster, 0, 0)

    def apply(
        self,
        campaign: str,
        events: Event | Sequence[Event],
        *,
        op_id: str,
        at: float,
        lease: Lease | None = None,
        expected: int | None = None,
        inbox_id: str | None = None,
    ) -> Campaign | Refusal:
        """Decide and append one or several events in one atomic call; answers the campaign afterwards.

        `op_id` names this change for ever: a resend applies nothing and answers the campaign as it stands.
        `expected` is the version the decision rests on; without it the events are decided again on what is found.
        `lease` is compared (token, owner, time); GateConsumed and JobOpened need it. `inbox_id` leaves the inbox in
        the same call. Refusal: the table or a guard says no, or BUSY with the lock's holder; nothing was written and
        the inbox keeps its entry. Raises Conflict, Fenced, Broken, UnknownCampaign, Unavailable (resend with the same
        op_id).
        """
        wanted = tuple(events) if isinstance(events, Sequence) else (events,)
        if not wanted:
            raise ValueError("nothing to apply")
        found = -1
        for _ in range(_TRIES):
            before, ops = self._load(campaign)
            if op_id in ops:
                return self._again(before, lease, inbox_id)
            if expected is not None and before.version != expected:
                raise Conflict(campaign, expected, before.version)
            demand_lease(campaign, wanted, lease)
            # A clock that was set back, or a time taken before another writer was faster: no event is older than the last.
            decided = self._decide(before, wanted, max(at, before.changed_at))
            if isinstance(decided, Refusal):
                return decided
            lines, done, after = decided
            change = continuation(before, lines, done, after, op_id=op_id, lease=lease, inbox=inbox_id)
            writing_on = self._connection()
            answer = self._scripts.transition(change)
            match answer.word:
                case "OK":
                    # Resent over a new connection it would have carried another id.
                    self._wrote_on = writing_on if self._connection() == writing_on else None
                    return after
                case "DUP":
                    return self._again(self._known(campaign), lease, inbox_id)
                case "FENCED":
                    raise Fenced(campaign)
                case "CHAIN":
                    raise Broken(campaign, f"head is {answer.head}, expected {before.head}", before.version)
                case "LOCKED":
                    return _busy(campaign, before.cluster, answer.lock, answer.campaign)
            found = answer.version
        raise Conflict(campaign, expected if expected is not None else -1, found)

    def _decide(
        self, before: Campaign, wanted: Sequence[Event], at: float
    ) -> tuple[list[bytes], list[Event], Campaign] | Refusal:
        lines: list[bytes] = []
        done: list[Event] = []
        now = before
        for event in wanted:
            holder = self._foreign_holder(now) if isinstance(event, Started) else None
            allowed = decide(now, event, now=at, locks_held_by=holder)
            if isinstance(allowed, Refusal):
                return allowed
            for one in allowed:
                line, recorded = record(now, one, at=at, prev=now.head)
                lines.append(line)
                done.append(recorded.event)
                now = evolve(now, recorded)
        return lines, done, now

    def _foreign_holder(self, campaign: Campaign) -> str | None:
        if campaign.plan is None:
            return None
        held = self.locks()
        holders = (held.get(lock_name(name)) for name in campaign.plan.lock_set)
        return next((holder for holder in holders if holder not in (None, campaign.id)), None)

    def _again(self, campaign: Campaign, lease: Lease | None, inbox_id: str | None) -> Campaign:
        """The answer to a resend. A caller who lost the lease meanwhile must not go on as if it were the first."""
        self._wrote_on = None
        self._leave_inbox(inbox_id)
        if lease is not None and not self.leases.holds(lease):
            raise Fenced(campaign.id)
        return campaign

    @contextmanager
    def pinned(self) -> Iterator[Store]:
        """A store on one connection of its own, for a write followed by `wait_replicas`."""
        with answering():
            one: redis.Redis = self._client.client()  # type: ignore[no-untyped-call]  # redis-py left it untyped
        try:
            yield Store(one, bot=self._bot, prefix=self._keys.prefix, pinned=True)
        finally:
            one.close()

    def wait_replicas(self, count: int, *, timeout_s: float = 1.0) -> bool:
        """Whether `count` replicas have the last write of this pinned store. 0 is always True.

        False when fewer answered, when the connection was replaced since the write, or when the last write was a
        resend: no effect may follow.
        """
        if count <= 0:
            return True
        if not self._pinned:
            raise ValueError("WAIT speaks of one connection: use `with store.pinned()`")
        if self._wrote_on is None:
            return False
        with answering():
            have = int(self._client.wait(count, int(timeout_s * 1000)))
        return have >= count and self._connection() == self._wrote_on

    def _connection(self) -> int | None:
        if not self._pinned:
            return None
        with answering():
            return int(self._client.client_id())

    # --- reading

    def get(self, campaign: str) -> Campaign | None:
        """The snapshot."""
        try:
            return self._load(campaign)[0]
        except UnknownCampaign:
            return None

    def _known(self, campaign: str) -> Campaign:
        return self._load(campaign)[0]

    def _load(self, campaign: str) -> tuple[Campaign, list[str]]:
        with answering():
            row = self._client.hmget(self._keys.campaign(campaign), ["snap", "ver", "head", "ops"])
        return _snapshot(campaign, row), json.loads(row[3] or b"[]")

    def events(self, campaign: str, after: int = 0) -> list[Recorded]:
        """The events with a version above `after`, links checked. Raises Broken."""
        with answering():
            rows = self._client.xrange(self._keys.events(campaign), min=f"{after + 1}-0")
            header = self._client.hget(self._keys.campaign(campaign), "header") if after == 0 else None
        prev = first_link(_bytes(header)) if header is not None else None
        found = []
        for version, line in enumerate(_lines(campaign, rows, after), start=after + 1):
            try:
                found.append(read_line(line, version=version, prev=prev))
            except ValueError as wrong:
                raise Broken(campaign, f"event {version}: {wrong}", version) from None
            prev = found[-1].hash
        return found

    def replay(self, campaign: str) -> Campaign:
        """The fold of all events, chain verified from the header on. Raises Broken also when the snapshot differs."""
        snapshot, header, lines = self._whole(campaign)
        folded: Campaign | None = None
        for recorded in read_chain(campaign, header, lines):
            try:
                folded = evolve(folded, recorded)
            except ValueError as wrong:
                raise Broken(campaign, f"event {recorded.version}: {wrong}", recorded.version) from None
        if folded is None or folded != snapshot:
            raise Broken(campaign, "the snapshot is not the fold of the events", snapshot.version)
        return folded

    def export(self, campaign: str) -> bytes:
        """The transcript (DESIGN §11). Raises Broken, UnknownCampaign."""
        snapshot, header, lines = self._whole(campaign)
        if len(lines) != snapshot.version:
            raise Broken(campaign, f"{len(lines)} events, the snapshot counts {snapshot.version}", snapshot.version)
        return transcript(header, lines)

    def _whole(self, campaign: str) -> tuple[Campaign, bytes, list[bytes]]:
        key = self._keys.campaign(campaign)
        with answering(), self._client.pipeline(transaction=True) as both:
            both.hmget(key, ["snap", "ver", "head", "header"])
            both.xrange(self._keys.events(campaign))
            row, rows = both.execute()
        return _snapshot(campaign, row), _bytes(row[3] or b""), _lines(campaign, rows, 0)

    def find_by_thread(self, channel: str, thread_ts: str) -> str | None:
        """The campaign whose thread this is."""
        with answering():
            found = self._client.hget(self._keys.threads, message(channel, thread_ts))
        return None if found is None else _str(found)

    def find_by_gate(self, channel: str, ts: str) -> GateRef | None:
        """The gate, open or past, that this message is."""
        with answering():
            found = self._client.hget(self._keys.gates, message(channel, ts))
        if found is None:
            return None
        campaign, _, gate = _str(found).rpartition(" ")
        return GateRef(campaign=campaign, gate=gate)

    def by_cluster(self, cluster: str, limit: int = 50) -> list[Campaign]:
        """A cluster's campaigns, last changed first."""
        with answering():
            return self._many(self._client.zrevrange(self._keys.cluster(cluster), 0, limit - 1))

    def active(self) -> list[Campaign]:
        """Every campaign that has not ended, last changed first."""
        with answering(), self._client.pipeline(transaction=True) as every:
            for state in State:
                if state not in FINAL:
                    every.zrange(self._keys.state(state.value), 0, -1, withscores=True)
            found = [pair for one in every.execute() for pair in one]
        return self._many([pair[0] for pair in sorted(found, key=lambda pair: -float(pair[1]))])

    def all(self, limit: int = 1000) -> list[Campaign]:
        """Campaigns, last changed first."""
        with answering():
            return self._many(self._client.zrevrange(self._keys.all, 0, limit - 1))

    def _many(self, ids: Sequence[Any]) -> list[Campaign]:
        with answering(), self._client.pipeline(transaction=False) as every:
            for one in ids:
                every.hmget(self._keys.campaign(_str(one)), ["snap", "ver", "head"])
            return [_snapshot(_str(one), row) for one, row in zip(ids, every.execute(), strict=True)]

    def counts(self) -> dict[State, int]:
        """How many campaigns stand in each state."""
        with answering(), self._client.pipeline(transaction=True) as every:
            for state in State:
                every.zcard(self._keys.state(state.value))
            return dict(zip(State, every.execute(), strict=True))

    def locks(self) -> dict[str, str]:
        """Every lock held now: folded short name -> campaign."""
        with answering():
            return {_str(name): _str(holder) for name, holder in self._client.hgetall(self._keys.locks).items()}

    def lock_holder(self, name: str) -> str | None:
        """Which campaign holds the lock on a cluster or machine, by any spelling."""
        with answering():
            found = self._client.hget(self._keys.locks, lock_name(name))
        return None if found is None else _str(found)

    def server_time(self) -> float:
        """The server's TIME in Unix seconds: the one wall clock decisions use."""
        with answering():
            seconds, micros = self._client.time()
        return int(seconds) + int(micros) / 1e6

    def realm(self, ours: Realm) -> Realm:
        """Write the realm at first use, compare it ever after. Raises WrongRealm."""
        with answering():
            self._client.set(self._keys.realm, ours.value, nx=True)
            found = _str(self._client.get(self._keys.realm) or b"")
        if found != ours.value:
            raise WrongRealm(ours.value, found)
        return ours

    # --- inbox

    def inbox_put(self, event_id: str, body: Mapping[str, Any]) -> bool:
        """Put a Slack event down before its ack; False when it was seen in the last day."""
        return self._scripts.inbox_put(event_id, canonical(body))

    def inbox_list(self, *, older_than_s: float = 0.0, limit: int = 200) -> list[InboxEntry]:
        """What still lies there, oldest first."""
        with answering():
            rows = self._client.hgetall(self._keys.inbox)
        now = self.server_time()
        found = []
        for key, raw in rows.items():
            entry = json.loads(raw)
            if now - entry["at"] >= older_than_s:
                found.append(InboxEntry(id=_str(key), at=float(entry["at"]), body=entry["body"]))
        return sorted(found, key=lambda entry: (entry.at, entry.id))[:limit]

    def inbox_drop(self, event_id: str) -> None:
        """Take an entry out that leads to no transition."""
        self._leave_inbox(event_id)

    def _leave_inbox(self, event_id: str | None) -> None:
        if event_id is not None:
            with answering():
                self._client.hdel(self._keys.inbox, event_id)

    # --- due

    def due(self, *, limit: int = 100, again_s: float = 5.0) -> list[str]:
        """Campaigns to look at now; each one's due time is moved on by `again_s` wall seconds in the same call."""
        return self._scripts.due_take(limit=limit, again_s=again_s)

    def look_again(self, campaign: str, at_wall: float, *, version: int) -> bool:
        """Set when a campaign is due next, unless it has moved past `version` since (then it is due already)."""
        return self._scripts.due_set(campaign, version=version, at=at_wall)

    # --- projection

    def cursor(self, campaign: str) -> Cursor:
        """How far the campaign is projected."""
        with answering():
            version, note = self._client.hmget(self._keys.cursor(campaign), ["version", "note"])
        return Cursor(version=int(version or 0), note=json.loads(note or b"{}"))

    def move_cursor(self, campaign: str, cursor: Cursor, *, lease: Lease) -> None:
        """Move it. `lease` is the one named `publish:<campaign>`. Raises Fenced."""
        moved = lease.name == f"publish:{campaign}" and self._scripts.cursor_move(
            campaign,
            lease=lease.name,
            token=lease.token,
            owner=owner_text(lease.owner),
            version=cursor.version,
            note=canonical(cursor.note),
        )
        if not moved:
            raise Fenced(lease.name)

    def index_thread(self, campaign: str, channel: str, thread_ts: str) -> None:
        """Remember a thread of a campaign that ended before its card was posted."""
        with answering():
            self._client.hset(self._keys.threads, message(channel, thread_ts), campaign)


def _str(raw: Any) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw)


def _bytes(raw: Any) -> bytes:
    return raw if isinstance(raw, bytes) else str(raw).encode()


def _snapshot(campaign: str, row: Sequence[Any]) -> Campaign:
    """The snapshot in a campaign's hash, typed. Raises UnknownCampaign, Broken."""
    raw, version, head = row[:3]
    if raw is None:
        raise UnknownCampaign(campaign)
    try:
        found = _campaign.decode(raw)
    except msgspec.DecodeError as wrong:
        raise Broken(campaign, f"snapshot: {wrong}") from None
    if (found.id, str(found.version), found.head) != (campaign, _str(version), _str(head)):
        raise Broken(campaign, "the snapshot is not of this campaign, version and head", found.version)
    return found


def _lines(campaign: str, rows: Any, after: int) -> list[bytes]:
    """The raw lines of stream entries, numbered without a gap. Raises Broken."""
    lines = []
    for version, (key, entry) in enumerate(rows, start=after + 1):
        if _str(key) != f"{version}-0" or set(entry) != {b"line"}:
            raise Broken(campaign, f"entry {_str(key)} where event {version} belongs", version)
        lines.append(entry[b"line"])
    return lines


def _busy(campaign: str, cluster: str, lock: str, holder: str) -> Refusal:
    parts = (("campaign", campaign), ("cluster", cluster), ("lock", lock), ("holder", holder))
    return Refusal(kind=RefusalKind.BUSY, parts=parts)
