"""The truth log: what really happened in the practice range, one JSON object a line, in memory too."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.lab.clock import LabClock

Record = dict[str, Any]
Listener = Callable[[Record], object]


class TruthLog:
    """The range's only writer of truth.

    A record is `did` (the kind), `t` (lab seconds since the start), then the fields in the order given.
    Each line is flushed before `write` returns, so a test that kills the bot reads a complete file.
    """

    def __init__(self, clock: LabClock, path: str | Path | None = None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self._listeners: list[Listener] = []
        # Open as long as the range lives: one line, one flush.
        self._file = Path(path).open("a", encoding="utf-8") if path else None  # noqa: SIM115

    def write(self, did: str, **fields: Any) -> Record:
        """Write one record; a field that is an empty `job` is left out, as nobody's job caused it."""
        if not fields.get("job", True):
            del fields["job"]
        with self._lock:
            record: Record = {"did": did, "t": round(self._clock.elapsed(), 3), **fields}
            self._records.append(record)
            if self._file is not None:
                self._file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
                self._file.flush()
        # Outside the lock: a listener (fault, played act) may write itself.
        for listener in tuple(self._listeners):
            listener(record)
        return record

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every record from now on, in the writing thread; it must not block."""
        self._listeners.append(listener)

    def since(self, position: int) -> tuple[Record, ...]:
        """The records from `position` on; 0 is the first ever."""
        with self._lock:
            return tuple(self._records[position:])

    def close(self) -> None:
        """Close the file; later records stay in memory only."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
