"""The practice range: one scenario's estate and workspace served on loopback, and the settings a bot needs for them."""

from __future__ import annotations

import importlib
import os
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from bot.lab.clock import LabClock
from bot.lab.cluster.estate import Estate, build_estate
from bot.lab.scenario import Scenario
from bot.lab.truth import TruthLog
from bot.lab.workspace.lab_routes import Controls
from bot.lab.workspace.server import RunningWorkspace, serve_workspace
from bot.lab.workspace.words import Channel, Person, slack_id
from bot.lab.workspace.workspace import Workspace
from bot.lab.wsman.server import serve_machines


@dataclass(frozen=True, slots=True)
class LabTime:
    """The three numbers a bot needs to follow lab time."""

    start: float
    anchor: float
    speed: float


def lab_time(clock: LabClock) -> LabTime:
    """The clock as a straight line from now on: lab = start + speed × (wall - anchor)."""
    return LabTime(start=clock.now(), anchor=time.time(), speed=clock.speed)


def clock_for(scenario: Scenario, speed: float | None, told: Mapping[str, Any] | None = None) -> LabClock:
    """A scenario's clock; `told` is a [lab] section that already exists: the other half's time is gone along with.

    A speed of its own then counts from now on, for both halves.
    """
    if not told:
        return LabClock(scenario.lab.start, speed or 1.0)
    # Its first moment is the other half's, so that `t` means the same in both halves' truth.
    clock = LabClock(datetime.fromtimestamp(told["start"], UTC), told["speed"])
    clock.follow(told["start"], told["anchor"], told["speed"])
    if speed:
        clock.set_speed(speed)
    return clock


def people_of(scenario: Scenario) -> tuple[Person, ...]:
    """The scenario's people as members of the workspace."""
    made: list[Person] = []
    for one in scenario.people:
        made.append(
            Person(
                id=slack_id("U", one.name, [p.id for p in made]),
                name=one.name.casefold(),
                real_name=one.name,
                roles=one.roles,
                tz=one.tz,
                email=f"{one.name.casefold()}@lab.example",
                is_bot=one.bot,
                deleted=one.deactivated,
                is_restricted=one.guest or "guest" in one.roles,
                is_stranger=one.external,
            )
        )
    return tuple(made)


class WorkspaceRange:
    """The workspace of a scenario."""

    def __init__(self, scenario: Scenario, clock: LabClock, truth: TruthLog) -> None:
        self.scenario = scenario
        names = dict.fromkeys(c.channel for c in scenario.clusters) or {"exchange-ops": None}
        self.channels = {name: slack_id("C", name) for name in names}
        self.people = people_of(scenario)
        self.space = Workspace(
            self.people,
            [Channel(id=ident, name=name) for name, ident in self.channels.items()],
            clock,
            truth=truth.write,
        )
        self.served: RunningWorkspace | None = None

    def serve(self, port: int, *, estate: Estate | None = None, controls: Controls | None = None) -> RunningWorkspace:
        """Serve page and Web API. Raises OSError when the port is taken."""
        self.served = serve_workspace(
            self.space,
            port,
            estate_state=estate.state if estate else None,
            controls=controls,
            reply_s=self.scenario.lab.slack_reply_s,
        )
        return self.served

    def ids(self) -> dict[str, str]:
        """Slack ids by the scenario's names."""
        return {played.name: person.id for played, person in zip(self.scenario.people, self.people, strict=True)}

    def settings(self) -> dict[str, Any]:
        """[slack] and [people] for a rollup.toml."""
        ids = self.ids()

        def listed(role: str) -> list[str]:
            return [ids[p.name] for p in self.scenario.people if role in p.roles]

        return {
            "slack": {
                "channel": next(iter(self.channels.values())),
                "base_url": self.served.api_url if self.served else "",
            },
            "people": {
                "requesters": listed("requester"),
                "approvers": listed("approver"),
                "map": {ids[p.name]: (p.same_person_as or p.name).casefold() for p in self.scenario.people},
            },
        }

    def announce(self) -> dict[str, Any]:
        """What `rollup-bot lab workspace` prints when ready."""
        return {
            "api": self.served.api_url if self.served else "",
            "page": self.served.url if self.served else "",
            "bot_token": self.space.app.bot_token,
            "app_token": self.space.app.app_token,
            "users": self.ids(),
        }

    def secrets(self) -> dict[str, str]:
        """Environment variables for a bot."""
        return {"ROLLUP_SLACK_BOT_TOKEN": self.space.app.bot_token, "ROLLUP_SLACK_APP_TOKEN": self.space.app.app_token}


class EstateRange:
    """The machines of a scenario."""

    def __init__(self, scenario: Scenario, clock: LabClock, truth: TruthLog) -> None:
        self.scenario = scenario
        # Import the evaluator before several machines ask for it at once: its modules need each other, and threads
        # that import them together can meet a half-made one.
        importlib.import_module("bot.lab.powershell.host")
        self.estate = build_estate(scenario, clock, truth)
        self.served: Any = None

    def serve(self, base_port: int) -> Any:
        """Serve machine i on base_port + i (0: any free ports). Raises OSError when one is taken."""
        self.served = serve_machines(self.estate.machines, base_port)
        return self.served

    def urls(self) -> dict[str, str]:
        """Each machine's WinRM address."""
        ports: Mapping[str, int] = self.served.ports
        return {name: f"http://127.0.0.1:{port}/wsman" for name, port in ports.items()}

    def settings(self, channels: Mapping[str, str]) -> dict[str, Any]:
        """[clusters], [machines], [packages] and [winrm] for a rollup.toml."""
        scenario = self.scenario
        clusters: dict[str, Any] = {}
        for cluster in scenario.clusters:
            if not cluster.declared:
                continue
            clusters[cluster.name] = {
                "nodes": [node.name for node in cluster.nodes],
                "channel": channels.get(cluster.channel, cluster.channel),
            }
            if cluster.window:
                clusters[cluster.name]["window"] = cluster.window
        return {
            "clusters": clusters,
            "machines": {name: {"address": url} for name, url in self.urls().items()},
            "packages": {p["kb"]: {k: p[k] for k in ("path", "sha256", "build")} for p in self.estate.packages()},
            "winrm": {"transport": "ntlm", "username": f"{scenario.lab.domain}\\{scenario.lab.username}"},
        }

    def password(self) -> str:
        """The account's password: it opens nothing but this practice range."""
        return self.estate.password

    def announce(self) -> dict[str, Any]:
        """What `rollup-bot lab estate` prints when ready."""
        return {
            "machines": self.urls(),
            "username": f"{self.scenario.lab.domain}\\{self.scenario.lab.username}",
            "password": self.password(),
        }

    def secrets(self) -> dict[str, str]:
        """Environment variables for a bot."""
        return {"ROLLUP_WINRM_PASSWORD": self.password()}


def merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Two settings trees, the second one winning, section by section."""
    out = dict(base)
    for key, value in extra.items():
        old = out.get(key)
        out[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return out


def read_settings(path: Path) -> dict[str, Any]:
    """What a rollup.toml says already; {} when there is none."""
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Write a rollup.toml whole or not at all: a bot may be reading it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(tomli_w.dumps(settings), encoding="utf-8")
    fresh.replace(path)
