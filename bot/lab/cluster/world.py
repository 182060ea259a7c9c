"""What every part of the simulated estate shares: clock, timeline, truth, durations, one lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.lab.clock import LabClock
from bot.lab.cluster.timeline import Timeline
from bot.lab.scenario_words import Timing
from bot.lab.truth import TruthLog
from bot.lab.windows.machine import Machine, Session


@dataclass
class World:
    """The estate's common ground. Whoever reads or changes the model holds `lock`; nobody sleeps under it."""

    clock: LabClock
    timeline: Timeline
    truth: TruthLog
    timing: Timing
    lock: threading.RLock = field(default_factory=threading.RLock)
    machines: dict[str, Machine] = field(default_factory=dict)  # by short name, folded
    causes: dict[str, str] = field(default_factory=dict)  # machine -> the job acting on it
    power_cut: set[str] = field(default_factory=set)  # machines that are going down without a goodbye
    restart_jobs: dict[str, str] = field(default_factory=dict)  # machine -> the job that asked for its restart
    doing: dict[str, str] = field(default_factory=dict)  # machine -> what it is doing, for the page
    # Asked by behaviours whether something is to go wrong now: (kind, **where) -> the fault's value or None.
    faults: Callable[..., Any] = lambda *_kind, **_where: None

    @contextmanager
    def acting(self, machine: str, job: str) -> Iterator[None]:
        """While this lasts, what happens to a machine's services is that job's doing."""
        before = self.causes.get(short(machine), "")
        self.causes[short(machine)] = job
        try:
            yield
        finally:
            self.causes[short(machine)] = before

    def cause(self, machine: str) -> str:
        """The job that is acting on a machine now, "" if none."""
        return self.causes.get(short(machine), "")

    def job(self, session: Session) -> str:
        """The job folder a command runs in, "" outside of any."""
        return job_of(session)

    def machine(self, name: str) -> Machine | None:
        """A machine by any spelling of its name."""
        return self.machines.get(short(name))


@dataclass
class Operation:
    """Something the cluster does by itself once begun; whoever began it may wait or go away."""

    what: str
    done: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    takes_s: float = 0.0  # lab seconds it is meant to take

    def end(self, error: Exception | None = None) -> None:
        """Say that it is over."""
        self.error = error
        self.done.set()

    def wait(self, session: Session, limit_s: float = 0.0) -> bool:
        """Wait in lab time, at most `limit_s` (0 = as long as it takes); False when the limit passed.

        What is meant to be over within the limit is waited for: at high speed the limit is a few wall
        milliseconds, and a busy computer is no stuck group.
        """
        clock = session.machine.clock
        end = clock.now() + limit_s if self.takes_s > limit_s > 0 else None
        while not self.done.wait(0.005):
            if session.cancelled.is_set():
                session.sleep(0)  # raises Cancelled
            if end is not None and clock.now() >= end:
                return self.done.is_set()
        return True


def short(name: str) -> str:
    """A machine's name cut at the first dot and folded, as Windows compares NetBIOS names."""
    return name.strip().split(".", 1)[0].casefold()


def job_of(session: Session) -> str:
    """The job folder a command runs in: as told, else from its environment or working directory."""
    if session.job:
        return session.job
    if named := _value(session.env, "ROLLUP_JOB"):
        return named.rstrip("\\").rsplit("\\", 1)[-1]
    parts = session.cwd.rstrip("\\").split("\\")
    return parts[-1] if len(parts) > 2 and parts[-2].casefold() == "jobs" else ""


def _value(env: Mapping[str, str], name: str) -> str:
    return next((v for k, v in env.items() if k.casefold() == name.casefold()), "")
