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


class Showing:
    """Thread-safe. Every method may raise Unavailable."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def reading(self, campaign: str, seen: Seen) -> None:
        """Keep the newest reading."""
        with answering():
            self._client.hset(self._keys.shown(campaign), "seen", msgspec.json.encode(seen))

    def line(self, campaign: str, line: JobLine) -> None:
        """Keep a running job's last line."""
        with answering():
            self._client.hset(self._keys.shown(campaign), "line", msgspec.json.encode(line))

    def get(self, campaign: str) -> Shown:
        """What there is; what an older bot wrote and this one cannot read counts as nothing."""
        with answering():
            seen, line = self._client.hmget(self._keys.shown(campaign), ["seen", "line"])
        return Shown(
            seen=_read(_seen, seen),
            line=_read(_line, line),
        )


def _read(decoder: msgspec.json.Decoder[T], raw: object) -> T | None:
    if not isinstance(raw, bytes | str):
        return None
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError:
        return None
