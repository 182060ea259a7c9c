"""Lab time that waits for a loaded host: it slows down where the range or the bot waits long for a processor.

At speed 600 a process that waits six wall seconds for its turn would lose a lab hour, and a gate would run out while
the bot reads the cluster for it. A bot on a machine of its own loses seconds. So five times a second the range looks
how long its own threads and the bot's have stood ready without a processor, lets lab time run for three times the
rest (a few plays side by side are hardly slower for it, and none is lost on a host that is overrun), and writes where
it stands into a file that the bot follows. `--speed` is the most that lab time runs.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bot.lab.clock import LabClock

BEAT_S = 0.2  # wall seconds between two beats
HOLD_S = 0.5  # without a next one lab time stands still after so long
LEAST = 0.15  # a play goes on under any load, and ends before its time limit
SLACK = 3.0  # lab time runs at most so much faster than the work: a few processes to a processor are no loaded host
DEBT_S = 2.0  # what was taken for running and was waiting is made up for, as far as this


class Share:
    """The share of the wall in which lab time runs, from what was waited in the time before."""

    def __init__(self) -> None:
        self._last = 1.0
        self._debt = 0.0

    def after(self, passed: float, waited: float) -> float:
        """For the next beat, when of `passed` wall seconds `waited` were spent without a processor."""
        ran = min(passed, SLACK * max(0.0, passed - waited))
        self._debt = min(DEBT_S, max(0.0, self._debt + self._last * min(passed, HOLD_S) - ran))
        self._last = max(LEAST, min(1.0, (ran - self._debt) / passed)) if passed > 0 else 1.0
        return self._last


class Waiting:
    """How long the threads of some processes have stood ready without a processor.

    Linux counts it for each thread (`schedstat`: run time, wait time, turns). Elsewhere nobody says, and 0 is told.
    """

    def __init__(self, home: Path = Path("/proc")) -> None:
        self._home = home
        self._seen: dict[str, int] = {}

    def since(self, processes: tuple[int, ...]) -> float:
        """Wall seconds since the last call: of each process the thread that waited most; 0 by the first.

        What is done in a moment is done by one thread of each, as a rule. The others look at their clocks a few times a
        second, and what they wait for that delays nobody.
        """
        first, total = not self._seen, 0
        now: dict[str, int] = {}
        for process in processes:
            most = 0
            try:
                threads = list((self._home / str(process) / "task").iterdir())
            except OSError:
                continue  # it has just ended
            for thread in threads:
                name = f"{process}/{thread.name}"
                try:
                    now[name] = int((thread / "schedstat").read_bytes().split()[1])
                except (OSError, IndexError, ValueError):
                    continue
                most = max(most, now[name] - self._seen.get(name, 0))
            total += most
        self._seen = now
        return 0.0 if first else total / 1e9


class Pace:
    """Beats a clock while a play runs, and tells the beats in `told`. `bot` is its process, None while it has none."""

    def __init__(self, clock: LabClock, told: Path, bot: Callable[[], int | None]) -> None:
        self._clock, self._told, self._bot = clock, told, bot
        self._over = threading.Event()
        self._share, self._waiting = Share(), Waiting()
        self._last = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="lab-pace", daemon=True)

    def start(self) -> None:
        """Beat from now on. Raises OSError when the file cannot be written."""
        self._tell(1.0)
        self._thread.start()

    def stop(self) -> None:
        """Beat no more: the clock stands still soon after."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._over.wait(BEAT_S):
            bot = self._bot()
            processes = (os.getpid(),) if bot is None else (os.getpid(), bot)
            waited = self._waiting.since(processes)
            now = time.monotonic()
            passed, self._last = now - self._last, now
            try:
                self._tell(self._share.after(passed, min(waited, passed)))
            except OSError:
                continue  # the folder is going; the clock stands still

    def _tell(self, share: float) -> None:
        beat = self._clock.beat(share, HOLD_S)
        fresh = self._told.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(beat)), encoding="ascii")
        fresh.replace(self._told)
