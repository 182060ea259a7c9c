"""Lab time: start + speed × wall time. Everything a simulated machine or workspace shows runs on it."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Beat:
    """Lab time for whoever follows it: lab + rate × (wall - `wall`), as far as `until`. Unix seconds."""

    lab: float
    wall: float
    rate: float
    until: float


class LabClock:
    """The practice range's one clock.

    `speed` lab seconds pass in one wall second, at most; it may be changed while running. A clock that somebody
    beats (`pace.py`) runs at the share of its speed that the last beat gave, and stands still when beats stay away.
    """

    def __init__(self, start: datetime, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._base = (start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp()
        self._first = self._base
        self._wall = time.monotonic()
        self._speed = float(speed)
        self._share, self._holds = 1.0, math.inf

    @property
    def speed(self) -> float:
        """Lab seconds in one wall second, at most."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on; lab time does not jump."""
        with self._lock:
            now = self._now()
            self._base, self._wall, self._speed = now, time.monotonic(), float(speed)

    def beat(self, share: float, hold_s: float) -> Beat:
        """Run at `share` of the speed from now on, for `hold_s` wall seconds at most unless the next beat comes."""
        with self._lock:
            self._base, self._wall = self._now(), time.monotonic()
            self._share, self._holds = share, hold_s
            wall = time.time()
            return Beat(lab=self._base, wall=wall, rate=self._speed * share, until=wall + hold_s)

    def follow(self, start: float, anchor: float, speed: float) -> None:
        """Run along the line lab = start + speed × (wall - anchor), in Unix seconds, as another range does."""
        with self._lock:
            self._base = start + speed * (time.time() - anchor)
            self._wall, self._speed = time.monotonic(), float(speed)

    def _now(self) -> float:
        return self._base + min(time.monotonic() - self._wall, self._holds) * self._speed * self._share

    def now(self) -> float:
        """Lab time as Unix seconds: what every simulated machine's clock shows."""
        with self._lock:
            return self._now()

    def elapsed(self) -> float:
        """Lab seconds since the range was started: `t` in the truth log."""
        return self.now() - self._first

    def sleep(self, lab_seconds: float) -> None:
        """Let lab seconds pass, following changes of speed."""
        end = self.now() + lab_seconds
        while True:
            left = end - self.now()
            if left <= 0:
                return
            time.sleep(min(left / self._speed, 0.25))
