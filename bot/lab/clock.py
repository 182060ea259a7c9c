"""Lab time: start + speed × wall time. Everything a simulated machine or workspace shows runs on it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class LabClock:
    """The practice range's one clock.

    `speed` lab seconds pass in one wall second; it may be changed while running.
    """

    def __init__(self, start: datetime, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._base = start.astimezone(UTC).timestamp()
        self._first = self._base
        self._wall = time.monotonic()
        self._speed = float(speed)

    @property
    def speed(self) -> float:
        """Lab seconds in one wall second."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on; lab time does not jump."""
        with self._lock:
            now = self._now()
            self._base, self._wall, self._speed = now, time.monotonic(), float(speed)

    def follow(self, start: float, anchor: float, speed: float) -> None:
        """Run along the line lab = start + speed × (wall - anchor), in Unix seconds, as another range does."""
        with self._lock:
            self._base = start + speed * (time.time() - anchor)
            self._wall, self._speed = time.monotonic(), float(speed)

    def _now(self) -> float:
        return self._base + (time.monotonic() - self._wall) * self._speed

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
