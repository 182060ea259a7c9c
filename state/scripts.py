"""The Lua scripts with a typed front each: what goes in, what comes out. keys.py lists them with their keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from state.errors import Unavailable
from state.keys import MADE_S, OPS_KEPT, SEEN_S, Keys, message

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def answering() -> Iterator[None]:
    """Turn what redis-py raises into Unavailable: whether a write happened is then not known."""
    try:
        yield
    except (RedisError, RedisConnectionError, OSError) as wrong:
        raise Unavailable(f"{type(wrong).__name__}: {wrong}") from wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One call of transition.lua."""

    op_id: str
    campaign: str
    cluster: str
    expected: int  # 0 creates
    token: str = ""
    owner: str = ""
    prev: str = ""
    head: str
    snapshot: bytes
    old_state: str = ""
    state: str
    alive: bool
    lines: Sequence[bytes]
    take: Sequence[str] = ()
    release: bool = False
    gate: tuple[str, str, str] | None = None  # channel, ts, gate id
    thread: tuple[str, str] | None = None  # channel, ts
    inbox: str | None = None
    number: int | None = None
    header: str = field(default="")


class Answer(NamedTuple):
    """What transition.lua says; which parts are set depends on `word`."""

    word: str  # OK | DUP | CONFLICT | FENCED | CHAIN | LOCKED
    version: int = 0
    token: str = ""
    campaign: str = ""  # DUP of a creation: what it made; LOCKED: the holder
    lock: str = ""
    head: str = ""


class Taken(NamedTuple):
    """What lease_take.lua says: ours, or whose it is."""

    ours: bool
    fence: int
    until: float
    token: str = ""
    owner: str = ""


def _text(raw: Any) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw)


class Scripts:
    """All scripts, registered with one client; EVALSHA, loaded again by redis-py where a server forgot them."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._keys = keys
        self._client = client
        self._lua = {
            path.name.removesuffix(".lua"): client.register_script(path.read_text(encoding="utf-8"))
            for path in sorted(files("state").joinpath("lua").iterdir(), key=lambda path: path.name)
            if path.name.endswith(".lua")
        }

    def _run(self, name: str, keys: Sequence[str], args: Sequence[str | bytes | float]) -> Any:
        with answering():
            return self._lua[name](keys=list(keys), args=list(args), client=self._client)

    def transition(self, change: Change) -> Answer:
        """Append events and change everything that follows from them, or say why not."""
        keys = self._keys
        more: dict[str, Any] = {
            "take": list(change.take),
            "release": change.release,
            "ops_kept": OPS_KEPT,
            "made_s": MADE_S,
        }
        # Lua's cjson reads null as a true value: what is not there is left out.
        if change.gate is not None:
            channel, ts, gate = change.gate
            more["gate"] = [message(channel, ts), f"{change.campaign} {gate}"]
        if change.thread is not None:
            more["thread"] = message(*change.thread)
        if change.inbox is not None:
            more["inbox"] = change.inbox
        if change.number is not None:
            more |= {"number": str(change.number), "header": change.header}
        reply = self._run(
            "transition",
            [
                keys.campaign(change.campaign),
                keys.events(change.campaign),
                keys.lease(change.campaign),
                keys.all,
                keys.state(change.old_state or change.state),
                keys.state(change.state),
                keys.cluster(change.cluster),
                keys.due,
                keys.locks,
                keys.gates,
                keys.threads,
                keys.inbox,
                keys.number(change.cluster),
                keys.made(change.op_id),
            ],
            [
                change.op_id,
                change.campaign,
                str(change.expected),
                change.token,
                change.owner,
                change.prev,
                change.head,
                change.snapshot,
                change.state,
                "1" if change.alive else "0",
                json.dumps(more),
                *change.lines,
            ],
        )
        word, *rest = [_text(part) for part in reply]
        match word:
            case "OK":
                return Answer(word, version=int(rest[0]), token=rest[1])
            case "DUP":
                return Answer(word, version=int(rest[0]), token=rest[1], campaign=rest[2])
            case "CONFLICT":
                return Answer(word, version=int(rest[0]))
            case "CHAIN":
                return Answer(word, head=rest[0])
            case "LOCKED":
                return Answer(word, lock=rest[0], campaign=rest[1])
        return Answer(word)

    def lease_take(self, name: str, *, token: str, owner: str, ttl_s: float, stale: str = "") -> Taken:
        """Take a lease; `stale` is the token of a holder whose process is certainly gone."""
        won, fence, until, *holder = self._run(
            "lease_take", [self._keys.lease(name)], [token, owner, str(ttl_s), stale]
        )
        if _text(won) == "1":
            return Taken(True, int(fence), float(until))
        return Taken(False, int(fence), float(until), _text(holder[0]), _text(holder[1]))

    def lease_renew(self, name: str, *, token: str, owner: str, ttl_s: float) -> float | None:
        """The new end of a lease that is still ours; `ttl_s` 0 only asks."""
        until = _text(self._run("lease_renew", [self._keys.lease(name)], [token, owner, str(ttl_s or 0)]))
        return float(until) if until else None

    def lease_release(self, name: str, *, token: str, owner: str) -> bool:
        """Give it back; False when it was not ours."""
        return bool(self._run("lease_release", [self._keys.lease(name)], [token, owner]))

    def lease_look(self, name: str) -> Taken | None:
        """Who holds a lease now."""
        fence, until, token, owner = self._run("lease_look", [self._keys.lease(name)], [])
        return Taken(False, int(fence), float(until), _text(token), _text(owner)) if token else None

    def inbox_put(self, event_id: str, body: bytes) -> bool:
        """Put an event down; False when it was seen."""
        keys = self._keys
        return bool(self._run("inbox_put", [keys.inbox, keys.seen(event_id)], [event_id, body, str(SEEN_S)]))

    def due_take(self, *, limit: int, again_s: float) -> list[str]:
        """Due campaigns, each moved on."""
        return [_text(one) for one in self._run("due_take", [self._keys.due], [str(limit), str(again_s)])]

    def due_set(self, campaign: str, *, version: int, at: float) -> bool:
        """Set a due time unless the campaign moved on."""
        keys = [self._keys.campaign(campaign), self._keys.due]
        return bool(self._run("due_set", keys, [campaign, str(version), f"{at:.6f}"]))

    def cursor_move(self, campaign: str, *, lease: str, token: str, owner: str, version: int, note: bytes) -> bool:
        """Move a projection's cursor; False when the lease is not the caller's."""
        keys = [self._keys.cursor(campaign), self._keys.lease(lease)]
        return bool(self._run("cursor_move", keys, [token, owner, str(version), note]))
