"""Python imports this at its start where this folder is on PYTHONPATH: threads and callbacks then run late, at random.

What another thread does has no order of its own. A test or a product that leans on one sees it broken here within
minutes; a busy computer breaks it once in a thousand runs. `LATE_S` is the longest a thing may be late, wall seconds.
"""

from __future__ import annotations

import asyncio.events
import concurrent.futures.thread
import os
import queue
import random
import threading
import time
from collections.abc import Callable
from typing import Any

# (class, method, how often it is late, whether after it rather than before it); events are many and hold their loop.
LATE: tuple[tuple[Any, str, float, bool], ...] = (
    (threading.Thread, "_bootstrap_inner", 0.5, False),
    (concurrent.futures.thread._WorkItem, "run", 0.3, False),
    (queue.Queue, "get", 0.1, True),
    (asyncio.events.Handle, "_run", 0.004, False),
)


def late(do: Callable[..., Any], often: float, after: bool, most_s: float, draw: random.Random) -> Callable[..., Any]:
    """The same, sometimes late."""

    def wait() -> None:
        if draw.random() < often:
            time.sleep(draw.random() * most_s)

    def done(*args: Any, **named: Any) -> Any:
        if not after:
            wait()
        value = do(*args, **named)
        if after:
            wait()
        return value

    return done


if most := os.environ.get("LATE_S"):
    dice = random.Random()
    for kind, name, often, after in LATE:
        setattr(kind, name, late(getattr(kind, name), often, after, float(most), dice))
