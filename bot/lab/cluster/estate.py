"""The whole simulated estate: machines, clusters, Exchange, built from a scenario and shown to the page."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from bot.lab.clock import LabClock
from bot.lab.cluster import build, packages, panel
from bot.lab.cluster.exchange import Exchange
from bot.lab.cluster.faults import Faults
from bot.lab.cluster.happenings import Happenings
from bot.lab.cluster.model import FailoverCluster
from bot.lab.cluster.shell import StandAlone
from bot.lab.cluster.timeline import Timeline
from bot.lab.cluster.world import World
from bot.lab.scenario_words import Act, Fault, Scenario
from bot.lab.truth import TruthLog
from bot.lab.windows.machine import Machine

RUNNER = Path(__file__).parent.parent / "scenarios" / "runner.cmd"


class Estate:
    """The machines of one scenario and everything on them.

    `machines` stand in scenario order: nodes of each cluster, then the stand-alone ones. The account
    `username` with `password` is local administrator on all of them and holds the Exchange role.
    """

    def __init__(self, scenario: Scenario, clock: LabClock, truth: TruthLog) -> None:
        self.scenario = scenario
        self.username = scenario.lab.username
        self.password = secrets.token_urlsafe(12)
        self.timeline = Timeline(clock)
        self.world = World(clock, self.timeline, truth, scenario.timing)
        self.exchange = Exchange(self.world)
        self.clusters: list[FailoverCluster] = []
        self.stand_alone: dict[str, StandAlone] = {}
        self.machines: list[Machine] = []
        self._happenings = Happenings(self)
        build.fill(self, RUNNER.read_bytes())
        self._faults = Faults(self.world, scenario.faults, self._happenings.happen)
        self.world.faults = self._faults.ask
        self._faults.begin()

    def packages(self) -> list[dict[str, str]]:
        """What an administrator would declare: kb, build, path, sha256, title of every declared package."""
        return [
            {"kb": p.kb, "build": p.build, "path": packages.path(p), "sha256": packages.sha256(p), "title": p.title}
            for p in self.scenario.packages
            if p.declared
        ]

    def state(self) -> dict[str, Any]:
        """The panel beside the chat as plain JSON; docs/lab.md gives its shape."""
        return panel.state(self)

    def act(self, act: Act) -> None:
        """Do what `[[play.act]] do = "estate"` says, now."""
        if act.kind is not None:
            self._happenings.happen(
                Fault(
                    kind=act.kind,
                    machine=act.on,
                    cms=act.cms,
                    group=act.group,
                    storage_group=act.storage_group,
                    database=act.database,
                    to=act.to,
                    value=act.value,
                )
            )

    def stop(self) -> None:
        """End the estate's own time; machines answer no more timers."""
        self.timeline.stop()


def build_estate(scenario: Scenario, clock: LabClock, truth: TruthLog) -> Estate:
    """Build every machine of a scenario, as the administrators left it."""
    return Estate(scenario, clock, truth)
