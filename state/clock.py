"""The bot's two clocks: the wall, and lab time for everything that takes long.

In production both are the same. In the practice range lab time = start + speed × (wall - anchor).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Clock:
    """Reads wall time and turns it into lab time.

    `wall` is injected so that expiry can be judged by the server's TIME. All values are Unix seconds.
    """

    start: float = 0.0
    anchor: float = 0.0
    speed: float = 1.0
    wall: Callable[[], float] = field(default=time.time)

    def lab(self, wall: float | None = None) -> float:
        """Lab time at a wall time (default: now)."""
        at = self.wall() if wall is None else wall
        return self.start + self.speed * (at - self.anchor)

    def to_wall_span(self, lab_seconds: float) -> float:
        """How long a span of lab time lasts on the wall."""
        return lab_seconds / self.speed
