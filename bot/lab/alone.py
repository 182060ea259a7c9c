"""`rollup-bot lab estate` and `lab workspace`: one half of the practice range served alone, for other clients."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.lab.range import (
    EstateRange,
    WorkspaceRange,
    clock_for,
    lab_time,
    merged,
    read_settings,
    write_settings,
)
from bot.lab.scenario import load
from bot.lab.truth import TruthLog


def wait_for_the_end() -> int:
    """Until SIGTERM (0) or SIGINT (130)."""
    over = threading.Event()
    caught: list[int] = []

    def stop(number: int, _frame: object) -> None:
        caught.append(number)
        over.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    over.wait()
    return 130 if signal.SIGINT in caught else 0


def estate(
    name: str, *, port: int, speed: float, truth: Path | None, config: Path | None, say: Callable[[str], None]
) -> int:
    """Serve a scenario's machines until told to stop. Raises ScenarioError, OSError when a port is taken."""
    scenario = load(name)
    told = read_settings(config) if config else {}
    clock = clock_for(scenario, speed, told.get("lab"))
    half = EstateRange(scenario, clock, TruthLog(clock, truth))
    served = half.serve(port)
    try:
        if config:
            channel = told.get("slack", {}).get("channel", "")
            ours = half.settings({c.channel: channel or c.channel for c in scenario.clusters})
            _merge(config, told, ours, clock)
        say(json.dumps(half.announce()))
        return wait_for_the_end()
    finally:
        served.stop()


def workspace(
    name: str, *, port: int, speed: float, truth: Path | None, config: Path | None, say: Callable[[str], None]
) -> int:
    """Serve a scenario's workspace until told to stop. Raises ScenarioError, OSError when the port is taken."""
    scenario = load(name)
    told = read_settings(config) if config else {}
    clock = clock_for(scenario, speed, told.get("lab"))
    half = WorkspaceRange(scenario, clock, TruthLog(clock, truth))
    served = half.serve(port)
    try:
        if config:
            ours = half.settings()
            # An estate that was written first does not know channel ids yet.
            named = {
                c: {"channel": half.channels.get(s.get("channel", ""), s.get("channel", ""))}
                for c, s in told.get("clusters", {}).items()
            }
            _merge(config, told, merged(ours, {"clusters": named}) if named else ours, clock)
        say(json.dumps(half.announce()))
        return wait_for_the_end()
    finally:
        served.stop()


def _merge(path: Path, told: dict[str, Any], ours: dict[str, Any], clock: Any) -> None:
    line = lab_time(clock)
    lab = told.get("lab") or {"start": line.start, "anchor": line.anchor, "speed": line.speed}
    write_settings(path, merged(merged(told, ours), {"lab": lab}))
