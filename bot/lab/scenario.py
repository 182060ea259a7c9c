"""A practice scenario: the strict reader of `scenarios/*.toml`; docs/scenarios.md explains every key.

The shapes stand in `scenario_words.py`; here names are resolved, unknown keys refused and cross
references checked, so that whoever writes a scenario is told which key is wrong and what would be right.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from bot.lab.scenario_names import dangling, leaves
from bot.lab.scenario_words import (
    Act,
    Cluster,
    Cms,
    Copy,
    Database,
    Expect,
    Fault,
    Group,
    Lab,
    Node,
    Package,
    Person,
    Play,
    Resource,
    Scenario,
    StandAlone,
    Standby,
    StorageGroup,
    Timing,
    Witness,
)

__all__ = [
    "Act",
    "Cluster",
    "Cms",
    "Copy",
    "Database",
    "Expect",
    "Fault",
    "Group",
    "Lab",
    "Node",
    "Package",
    "Person",
    "Play",
    "Resource",
    "Scenario",
    "ScenarioError",
    "StandAlone",
    "Standby",
    "StorageGroup",
    "Timing",
    "Witness",
    "load",
    "names",
    "parse",
]

HOME = Path(__file__).parent / "scenarios"


class ScenarioError(Exception):
    """A scenario that cannot be used; `where` is the file or name, `why` one plain sentence."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why


def names() -> tuple[str, ...]:
    """The scenarios that come with the bot, by the name `--scenario` takes."""
    return tuple(sorted(path.stem for path in HOME.glob("*.toml")))


def load(name_or_path: str) -> Scenario:
    """Read a scenario by its name or from a file.

    Raises ScenarioError: no such scenario (with the nearest names), not TOML, unknown or wrongly typed
    key (with its place), or a name that points nowhere.
    """
    path = HOME / f"{name_or_path}.toml"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        near = difflib.get_close_matches(Path(name_or_path).stem, names(), 3, 0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(names())}."
        raise ScenarioError(name_or_path, f"no scenario of that name and no such file; {hint}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(str(path), f"cannot be read: {error}") from error
    return parse(text, path.stem)


def parse(text: str, name: str) -> Scenario:
    """Read a scenario from TOML text; raises ScenarioError."""
    try:
        raw: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(name, f"not valid TOML: {error}") from error
    if "name" in raw:
        raise ScenarioError(name, "unknown key 'name'; a scenario is called like its file")
    try:
        scenario = msgspec.convert({**raw, "name": name}, Scenario, strict=True)
    except msgspec.ValidationError as error:
        raise ScenarioError(name, _plain(str(error))) from error
    wrong = next(iter(dangling(scenario)), "")
    if wrong:
        raise ScenarioError(name, wrong)
    expect = scenario.expect
    if expect.exit is None and expect.outcome:
        scenario = msgspec.structs.replace(
            scenario, expect=msgspec.structs.replace(expect, exit=leaves(expect.outcome))
        )
    return scenario


def _plain(message: str) -> str:
    """Say msgspec's `… - at `$.clusters[0].kind`` the way the file is written."""
    said, _, place = message.partition(" - at `$")
    place = place.rstrip("`").lstrip(".")
    if match := re.search(r"unknown field `(\w+)`", said):
        said = f"unknown key {match[1]!r}"
    return f"{said} (at {place})" if place else said
