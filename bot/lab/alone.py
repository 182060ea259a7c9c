"""`rollup-bot lab estate` and `lab workspace`: one half of the practice range served alone, for other clients."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.lab.clock import LabClock
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
from bot.lab.workspace.words import slack_id


class ConfigError(Exception):
    """The file given with --config cannot be merged into; the text says why."""


_LOOK_S = 0.25  # how often the file is looked at for lab time that the other half changed


def estate(
    name: str, *, port: int, speed: float | None, truth: Path | None, config: Path | None, say: Callable[[str], None]
) -> int:
    """Serve a scenario's machines until told to stop: 0 by SIGTERM, 130 by SIGINT.

    Raises ScenarioError, ConfigError; OSError when a port is taken or a file cannot be written.
    """
    over = _Over()
    scenario = load(name)
    with _one_at_a_time(config) as told:
        clock = clock_for(scenario, speed, told.get("lab"))
        log = TruthLog(clock, truth)
        half = EstateRange(scenario, clock, log)
        served = half.serve(port)
        if config:
            ids = {c.channel: slack_id("C", c.channel) for c in scenario.clusters}  # as the workspace makes them
            _merge(config, told, merged(half.settings(ids), scenario.settings), clock)
    try:
        say(json.dumps(half.announce()))
        return over.wait(config, clock)
    finally:
        served.stop()
        half.estate.stop()
        log.close()


def workspace(
    name: str, *, port: int, speed: float | None, truth: Path | None, config: Path | None, say: Callable[[str], None]
) -> int:
    """Serve a scenario's workspace until told to stop; ends and raises as `estate` does."""
    over = _Over()
    scenario = load(name)
    with _one_at_a_time(config) as told:
        clock = clock_for(scenario, speed, told.get("lab"))
        log = TruthLog(clock, truth)
        half = WorkspaceRange(scenario, clock, log)
        served = half.serve(port)
        if config:
            _merge(config, told, half.settings(), clock)
    try:
        say(json.dumps(half.announce()))
        return over.wait(config, clock)
    finally:
        served.stop()
        log.close()


@contextmanager
def _one_at_a_time(config: Path | None) -> Iterator[dict[str, Any]]:
    """What the file says already. Two halves started together write one after the other: neither loses a section."""
    if config is None:
        yield {}
        return
    folder = os.open(config.absolute().parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # the folder itself: nothing is left lying about
        try:
            told = read_settings(config)
        except ValueError as err:
            raise ConfigError(f"{config} is not valid TOML: {err}") from None
        lab = told.get("lab", {"start": 0, "anchor": 0, "speed": 1})
        if not isinstance(lab, dict) or not all(
            isinstance(lab.get(k), int | float) for k in ("start", "anchor", "speed")
        ):
            raise ConfigError(f"{config}: [lab] needs start, anchor and speed; take the section out to begin anew")
        yield told
    finally:
        os.close(folder)


def _merge(path: Path, told: dict[str, Any], ours: dict[str, Any], clock: LabClock) -> None:
    line = lab_time(clock)
    lab = told.get("lab")
    if lab is None:
        passed = clock.elapsed()  # written from the first moment on: the other half counts `t` from there too
        lab = {"start": line.start - passed, "anchor": line.anchor - passed / line.speed, "speed": line.speed}
    elif lab["speed"] != line.speed:
        lab = {"start": line.start, "anchor": line.anchor, "speed": line.speed}
    write_settings(path, merged(merged(told, ours), {"lab": lab}))


class _Over:
    """SIGTERM or SIGINT, from the first moment on."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._caught: list[int] = []
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def _stop(self, number: int, _frame: object) -> None:
        self._caught.append(number)
        self._over.set()

    def wait(self, config: Path | None, clock: LabClock) -> int:
        """Until a signal; meanwhile follow the lab time in `config`, which the other half may have changed."""
        seen = _changed(config)
        while not self._over.wait(_LOOK_S if config else None):
            if config and (now := _changed(config)) != seen:
                seen = now
                _follow(config, clock)
        return 130 if signal.SIGINT in self._caught else 0


def _changed(config: Path | None) -> int:
    try:
        return config.stat().st_mtime_ns if config else 0
    except OSError:
        return 0


def _follow(config: Path, clock: LabClock) -> None:
    try:
        lab = read_settings(config)["lab"]
        clock.follow(float(lab["start"]), float(lab["anchor"]), float(lab["speed"]))
    except (OSError, ValueError, KeyError, TypeError):
        return  # somebody is editing it; time goes on as it did
