"""One simulated machine, and a console to type on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from bot.lab.clock import LabClock
from bot.lab.windows.cmd import run_cmd
from bot.lab.windows.machine import Machine, Principal, Session
from bot.lab.windows.processes import Cancellation

ADMIN = Principal("LAB\\svc-rollup", second_hop=True, exchange=True, in_shell=True)


@dataclass
class Said:
    """What one command line answered."""

    rc: int
    out: str
    err: str


@dataclass
class Console:
    """Types command lines on a machine."""

    machine: Machine
    principal: Principal = ADMIN
    cancelled: Cancellation = field(default_factory=Cancellation)

    def __call__(self, line: str, *, stdin: str = "", cwd: str = "C:\\") -> Said:
        out: list[str] = []
        err: list[str] = []
        session = Session(
            self.machine, self.principal, out.append, err.append, stdin=stdin, cwd=cwd, cancelled=self.cancelled
        )
        rc = run_cmd(session, line)
        return Said(rc, "".join(out), "".join(err))

    def put(self, path: str, *lines: str) -> None:
        """Write a text file, with the folders above it."""
        self.machine.fs.makedirs(path.rpartition("\\")[0])
        self.machine.fs.write(path, "\r\n".join([*lines, ""]).encode("cp437"))


@pytest.fixture
def machine() -> Machine:
    """A Windows Server 2008, one wall second a lab minute."""
    made = Machine("EXN1", LabClock(datetime(2010, 3, 1, 8, tzinfo=UTC), 60))
    made.accounts["svc-rollup"] = "secret"
    return made


@pytest.fixture
def console(machine: Machine) -> Console:
    """A console on it."""
    return Console(machine)
