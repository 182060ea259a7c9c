"""What people are shown of the machines between two events: the newest reading, the running job's last line.

It lies beside the record: nothing is decided by it, it is in no transcript, and losing it costs one reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec
import redis

from state.keys import Keys
from state.scripts import answering
from state.words import JobLine, Seen

_seen = msgspec.json.Decoder(Seen, strict=True)
T = TypeVar("T")
_line = msgspec.json.Decoder(JobLine, strict=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """The newest of each, where there is one."""

    seen: Seen | None = None
    line: JobLine | None = None
    asked_at: float = 0.0  # wall, by server TIME: somebody wanted a newer reading and none came since; 0: nobody


class Showing:
    """Thread-safe. Every method may raise Unavailable."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def reading(self, campaign: str, seen: Seen) -> None:
        """Keep the newest reading. Whoever asked for one has it."""
        with answering(), self._client.pipeline(transaction=True) as both:
            both.hset(self._keys.shown(campaign), "seen", msgspec.json.encode(seen))
            both.hdel(self._keys.shown(campaign), "asked")
            both.execute()

    def ask(self, campaign: str, at: float) -> None:
        """Somebody would like a newer reading. `at` is the wall by server TIME."""
        with answering():
            self._client.hset(self._keys.shown(campaign), "asked", repr(at))

    def line(self, campaign: str, line: JobLine) -> None:
        """Keep a running job's last line."""
        with answering():
            self._client.hset(self._keys.shown(campaign), "line", msgspec.json.encode(line))

    def get(self, campaign: str) -> Shown:
        """What there is; what an older bot wrote and this one cannot read counts as nothing."""
        with answering():
            seen, line, asked = self._client.hmget(self._keys.shown(campaign), ["seen", "line", "asked"])
        return Shown(seen=_read(_seen, seen), line=_read(_line, line), asked_at=float(asked or 0.0))


def _read(decoder: msgspec.json.Decoder[T], raw: object) -> T | None:
    if not isinstance(raw, bytes | str):
        return None
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError:
        return None
