"""A bare simulated machine to run PowerShell on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from bot.lab.clock import LabClock
from bot.lab.powershell import run_powershell
from bot.lab.windows import environment
from bot.lab.windows.machine import Machine, Principal, Session


@dataclass
class Said:
    """What a run left: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.replace("\r\n", "\n").removesuffix("\n").split("\n") if self.out else []


@dataclass
class Shell:
    """A machine and a way to run text on it."""

    machine: Machine

    def session(
        self, out: Callable[[str], None], err: Callable[[str], None], stdin: str = "", **principal: object
    ) -> Session:
        who = Principal("LAB\\svc-rollup", bool(principal.get("second_hop", True)), True)
        made = Session(self.machine, who, out, err, stdin=stdin)
        made.env = environment.fresh(self.machine, who.user)
        self.machine.processes.start("powershell.exe", "powershell", made)
        return made

    def run(self, text: str, *options: str, stdin: str = "", **principal: object) -> Said:
        out: list[str] = []
        err: list[str] = []
        session = self.session(out.append, err.append, stdin, **principal)
        code = run_powershell(
            session, ["powershell", *(options or ("-NoProfile", "-Command")), *([text] if text else [])], ""
        )
        return Said(code, "".join(out), "".join(err))


@pytest.fixture
def shell() -> Shell:
    return Shell(Machine("EXN1", LabClock(datetime(2017, 4, 1, 12, 0, tzinfo=UTC), 1000.0)))
