"""The bot's two clocks: the wall, and lab time for everything that takes long.

In production both are the same. In the practice range lab time = start + speed × (wall - anchor); a play that must
not lose lab hours on a loaded machine tells a new line many times a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """Lab time for a moment: lab + rate × (wall - `wall`), standing still from `until` on. Unix seconds."""

    lab: float
    wall: float
    rate: float
    until: float


def _nothing() -> Line | None:
    return None


class Clock:
    """Reads wall time and turns it into lab time. All values are Unix seconds.

    `wall` is injected so that expiry can be judged by the server's TIME. The practice range may change its speed;
    then `follow` replaces the three numbers at once.
    """

    def __init__(
        self, start: float = 0.0, anchor: float = 0.0, speed: float = 1.0, wall: Callable[[], float] = time.time
    ) -> None:
        self._line = (start, anchor, speed)
        self._told: Callable[[], Line | None] = _nothing
        self.wall = wall

    @property
    def speed(self) -> float:
        """Lab seconds in one wall second; at most, where somebody tells how they pass."""
        return self._line[2]

    def follow(self, start: float, anchor: float, speed: float, told: Callable[[], Line | None] | None = None) -> None:
        """From now on: another straight line; `told` is asked each time for a newer one, None where there is none."""
        self._line = (start, anchor, speed)
        self._told = told or _nothing

    def lab(self, wall: float | None = None) -> float:
        """Lab time at a wall time (default: now)."""
        if (line := self._told()) is not None:
            at = self.wall() if wall is None else wall
            return line.lab + line.rate * (min(at, line.until) - line.wall)
        start, anchor, speed = self._line
        return start + speed * ((self.wall() if wall is None else wall) - anchor)

    def to_wall_span(self, lab_seconds: float) -> float:
        """How long a span of lab time lasts on the wall, at least."""
        return lab_seconds / self.speed
