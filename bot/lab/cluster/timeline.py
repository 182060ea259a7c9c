"""Things that happen later by themselves, in lab time: pending states, failovers, copies catching up."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable

from bot.lab.clock import LabClock

log = logging.getLogger(__name__)
LONGEST_WAIT_S = 0.1  # wall; so that a change of speed is followed soon


class Timeline:
    """One thread that calls functions when their lab moment has come, in order."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="lab-timeline", daemon=True)
        self._thread.start()

    def after(self, lab_seconds: float, call: Callable[[], None]) -> None:
        """Call `call` in `lab_seconds`; at once, in the timeline's thread, for 0."""
        with self._wake:
            heapq.heappush(self._heap, (self._clock.now() + lab_seconds, next(self._order), call))
            self._wake.notify()

    def stop(self) -> None:
        """End the thread; what is still due never happens."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._stopped:
                    return
                left = self._heap[0][0] - self._clock.now() if self._heap else None
                if left is None:
                    self._wake.wait()
                    continue
                if left > 0:
                    self._wake.wait(min(left / self._clock.speed, LONGEST_WAIT_S))
                    continue
                call = heapq.heappop(self._heap)[2]
            try:
                call()
            except Exception:
                # A bug in one behaviour must not stop the whole range's time.
                log.exception("the lab's timeline: something that was due failed")
