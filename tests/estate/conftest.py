"""A practice range of real machines for the estate's tests: WS-Management, PowerShell, cluster, Exchange."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from bot.estate.access import Access
from bot.estate.estate import EstateConfig, WindowsEstate
from bot.lab.clock import LabClock
from bot.lab.cluster.estate import Estate, build_estate
from bot.lab.scenario import load, parse
from bot.lab.truth import TruthLog
from bot.lab.wsman.server import EstateServer, serve_machines
from bot.procedure.facts import Inventory
from state.words import Package


@dataclass
class Range:
    """A running practice range and the production estate that talks to it."""

    lab: Estate
    server: EstateServer
    clock: LabClock
    estate: WindowsEstate

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(m.name for m in self.lab.machines)

    @property
    def inventory(self) -> Inventory:
        nodes = tuple(n.name for n in self.lab.scenario.clusters[0].nodes)
        return Inventory(cluster="CLUSTER01", nodes=nodes, channel="C1", machines=self.names)

    @property
    def package(self) -> Package:
        first = self.lab.packages()[0]
        return Package(kb=first["kb"], build=first["build"], path=first["path"], sha256=first["sha256"])

    def truth(self, did: str, **fields: object) -> list[dict[str, object]]:
        """What really happened, of one kind."""
        found = (r for r in self.lab.world.truth.since(0) if r["did"] == did)
        return [r for r in found if all(r.get(key) == value for key, value in fields.items())]

    def config(self, urls: dict[str, str] | None = None) -> EstateConfig:
        """How the production estate is told of these machines."""
        lab = self.lab.scenario.lab
        return EstateConfig(
            machines=urls or {name: self.server.url(name) for name in self.names},
            access=Access(
                transport="ntlm", username=f"{lab.domain}\\{lab.username}", password=lambda: self.lab.password
            ),
            lab=lambda _wall: self.clock.now(),
            speed=lambda: self.clock.speed,
        )


def opened(scenario: str, speed: float) -> Range:
    """Start a range of a named scenario, or of a scenario's text."""
    told = parse(scenario, "test") if "\n" in scenario else load(scenario)
    clock = LabClock(told.lab.start, speed)
    lab = build_estate(told, clock, TruthLog(clock))
    server = serve_machines(lab.machines)
    made = Range(lab, server, clock, None)  # type: ignore[arg-type]
    return replace(made, estate=WindowsEstate(made.config()))


def closed(running: Range) -> None:
    running.estate.shut()
    running.server.stop()
    running.lab.stop()


@pytest.fixture(scope="module")
def quiet() -> Iterator[Range]:
    """The ccr scenario, for tests that only read."""
    running = opened("ccr", 60.0)
    yield running
    closed(running)


@pytest.fixture
def ccr() -> Iterator[Range]:
    """The ccr scenario, for one test that acts."""
    running = opened("ccr", 120.0)
    yield running
    closed(running)
