"""A stage for these tests: a scenario's estate at high speed, command lines on its machines, waiting by condition."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bot.lab.clock import LabClock
from bot.lab.cluster.estate import Estate, build_estate
from bot.lab.scenario import Scenario, load, parse
from bot.lab.truth import Record, TruthLog
from bot.lab.windows.cmd import run_cmd
from bot.lab.windows.machine import Machine, Principal, Session

ADMIN = Principal("LAB\\svc-rollup", second_hop=True, exchange=True)
WITHOUT_HOP = Principal("LAB\\svc-rollup", second_hop=False, exchange=True)
SYSTEM = Principal("NT AUTHORITY\\SYSTEM", second_hop=False, exchange=False)
PACKAGE = "C:\\Rollups\\Exchange2007-KB4011325-x64-EN.msp"
INSTALL = f'msiexec.exe /update "{PACKAGE}" /quiet /norestart /l*v "C:\\install.log"'
SNAPIN = "Add-PSSnapin Microsoft.Exchange.Management.PowerShell.Admin; "


class Stage:
    """One estate and what is done with it."""

    def __init__(self, scenario: Scenario, speed: float) -> None:
        self.clock = LabClock(scenario.lab.start, speed)
        self.truth = TruthLog(self.clock)
        self.estate: Estate = build_estate(scenario, self.clock, self.truth)
        self.cluster = self.estate.clusters[0]

    def machine(self, name: str) -> Machine:
        return next(m for m in self.estate.machines if m.name == name)

    def run(self, machine: str, line: str, principal: Principal = ADMIN, job: str = "") -> tuple[int, str]:
        """A cmd line on a machine: exit code and everything it wrote."""
        out: list[str] = []
        session = Session(machine=self.machine(machine), principal=principal, out=out.append, err=out.append, job=job)
        return run_cmd(session, line), "".join(out)

    def shell(self, machine: str, code: str, principal: Principal = ADMIN) -> tuple[int, str]:
        """PowerShell with the Exchange snap-in."""
        return self.run(machine, f'powershell.exe -NoProfile -NonInteractive -Command "{SNAPIN}{code}"', principal)

    def cmdlet(self, machine: str, name: str, principal: Principal = ADMIN, **params: Any) -> list[Any]:
        """One cmdlet of the snap-in, its parameters bound already."""
        session = Session(machine=self.machine(machine), principal=principal, out=print, err=print)
        return list(self.machine(machine).cmdlets[name.casefold()].run(session, params, []))

    def did(self, kind: str) -> list[Record]:
        return [r for r in self.truth.since(0) if r["did"] == kind]

    def owner(self, group: str) -> str:
        return self.cluster.group(group).owner

    def until(self, true: Callable[[], object], wall_s: float = 20.0) -> None:
        end = time.monotonic() + wall_s
        while not true():
            assert time.monotonic() < end, f"it never came true; last truth: {self.truth.since(0)[-5:]}"
            time.sleep(0.005)

    def settled(self) -> None:
        self.until(lambda: not any(g.phase for c in self.estate.clusters for g in c.groups))


@contextmanager
def stage(scenario: str | Scenario = "ccr", *, speed: float = 4000.0) -> Iterator[Stage]:
    """An estate that is stopped afterwards."""
    made = Stage(load(scenario) if isinstance(scenario, str) else scenario, speed)
    try:
        yield made
    finally:
        made.estate.stop()


def changed(extra: str, base: str = "ccr") -> Scenario:
    """A scenario that comes with the bot, with TOML lines added."""
    from bot.lab.scenario import HOME

    text = (HOME / f"{base}.toml").read_text(encoding="utf-8")
    return parse(text.replace("[timing]", f"{extra}\n[timing]", 1), base)
