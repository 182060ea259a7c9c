"""A machine's processes: every running command has a pid and can be killed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine, Session


class Cancellation(threading.Event):
    """An event that also ends everything started below it, as a job object or a killed parent does."""

    def __init__(self, above: threading.Event | None = None) -> None:
        super().__init__()
        self._below: list[Cancellation] = []
        self._guard = threading.Lock()
        if isinstance(above, Cancellation):
            above.adopt(self)
        elif above is not None and above.is_set():
            self.set()

    def adopt(self, child: Cancellation) -> None:
        """Let `child` end when this ends."""
        with self._guard:
            if not self.is_set():
                self._below = [c for c in self._below if not c.is_set()]
                self._below.append(child)
                return
        child.set()

    def forget(self, child: Cancellation) -> None:
        """Stop watching over a child that ended by itself."""
        with self._guard:
            self._below = [c for c in self._below if c is not child]

    def hand_over(self, heir: Cancellation) -> None:
        """Give what still runs below to `heir`: this one ended by itself, its children did not."""
        with self._guard:
            below, self._below = self._below, []
        for child in below:
            if not child.is_set():
                heir.adopt(child)

    def set(self) -> None:
        """End this and everything below."""
        super().set()
        with self._guard:
            below, self._below = self._below, []
        for child in below:
            child.set()


@dataclass(frozen=True)
class Process:
    """One process. `started` is the machine's clock, Unix seconds."""

    pid: int
    started: float
    name: str  # "msiexec.exe"
    commandline: str
    user: str
    parent: int
    session: Session | None  # None: one of Windows' own, which no command runs in


_OWN = ("smss.exe", "csrss.exe", "wininit.exe", "services.exe", "lsass.exe", "svchost.exe", "svchost.exe")


class Processes:
    """What runs on one machine now."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._lock = threading.RLock()
        self._next = 0
        self._running: dict[int, Process] = {}
        self._first()

    def _first(self) -> None:
        now = self._machine.now()
        self._running = {4: Process(4, now, "System", "", "NT AUTHORITY\\SYSTEM", 0, None)}
        self._next = 400
        for name in _OWN:
            pid = self._take()
            self._running[pid] = Process(pid, now, name, "", "NT AUTHORITY\\SYSTEM", 4, None)

    def _take(self) -> int:
        self._next += 4
        while self._next in self._running:
            self._next += 4
        return self._next

    def start(self, name: str, commandline: str, session: Session) -> Process:
        """Enter a process whose code runs in `session`; sets `session.pid`."""
        with self._lock:
            parent, pid = session.pid, self._take()
            process = Process(pid, self._machine.now(), name, commandline, session.principal.user, parent, session)
            self._running[pid] = process
            session.pid = pid
            return process

    def end(self, pid: int) -> None:
        """Take an ended process off the list."""
        with self._lock:
            self._running.pop(pid, None)

    def kill(self, pid: int) -> bool:
        """End a process and what it started in its own session; False: no such process, or Windows' own."""
        with self._lock:
            process = self._running.get(pid)
            if process is None or process.session is None:
                return False
            del self._running[pid]
        process.session.cancelled.set()
        return True

    def kill_all(self) -> None:
        """The machine goes down: every session is cancelled."""
        with self._lock:
            gone = [p for p in self._running.values() if p.session is not None]
            self._running = {pid: p for pid, p in self._running.items() if p.session is None}
        for process in gone:
            assert process.session is not None  # noqa: S101 - filtered above
            process.session.cancelled.set()

    def boot(self) -> None:
        """The machine comes up: pids begin again, so one seen before the reboot may be used anew."""
        with self._lock:
            self._first()

    def all(self) -> list[Process]:
        """Every process, by pid."""
        with self._lock:
            return [self._running[pid] for pid in sorted(self._running)]

    def get(self, pid: int) -> Process | None:
        """A process by pid, or None when it is gone."""
        with self._lock:
            return self._running.get(pid)
