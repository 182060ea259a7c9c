"""The bot's two clocks: the wall, and lab time for everything that takes long.

In production both are the same. In the practice range lab time = start + speed × (wall - anchor).
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Reads wall time and turns it into lab time. All values are Unix seconds.

    `wall` is injected so that expiry can be judged by the server's TIME. The practice range may change its speed;
    then `follow` replaces the three numbers at once.
    """

    def __init__(
        self, start: float = 0.0, anchor: float = 0.0, speed: float = 1.0, wall: Callable[[], float] = time.time
    ) -> None:
        self._line = (start, anchor, speed)
        self.wall = wall

    @property
    def speed(self) -> float:
        """Lab seconds in one wall second."""
        return self._line[2]

    def follow(self, start: float, anchor: float, speed: float) -> None:
        """From now on: another straight line."""
        self._line = (start, anchor, speed)

    def lab(self, wall: float | None = None) -> float:
        """Lab time at a wall time (default: now)."""
        start, anchor, speed = self._line
        return start + speed * ((self.wall() if wall is None else wall) - anchor)

    def to_wall_span(self, lab_seconds: float) -> float:
        """How long a span of lab time lasts on the wall."""
        return lab_seconds / self.speed
