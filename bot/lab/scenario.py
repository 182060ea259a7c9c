"""A practice scenario: the strict reader of `scenarios/*.toml`; docs/scenarios.md explains every key.

The shapes stand in `scenario_words.py`; here names are resolved, unknown keys refused and cross
references checked, so that whoever writes a scenario is told which key is wrong and what would be right.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

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

_NAME = re.compile(r"[A-Za-z0-9._-]+")

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
    wrong = next(iter(_dangling(scenario)), "")
    if wrong:
        raise ScenarioError(name, wrong)
    return scenario


def _plain(message: str) -> str:
    """Say msgspec's `… - at `$.clusters[0].kind`` the way the file is written."""
    said, _, place = message.partition(" - at `$")
    place = place.rstrip("`").lstrip(".")
    if match := re.search(r"unknown field `(\w+)`", said):
        said = f"unknown key {match[1]!r}"
    return f"{said} (at {place})" if place else said


def _dangling(s: Scenario) -> Iterable[str]:
    """Every cross reference that points nowhere, each as one sentence."""
    machines = [n.name for c in s.clusters for n in c.nodes] + [m.name for m in s.machines]
    folded = [m.casefold() for m in machines]
    for what, one in [("machine", m) for m in machines] + [("cluster", c.name) for c in s.clusters]:
        if not _NAME.fullmatch(one):
            yield f"{what} {one!r}: a name is letters A to Z, digits, dot, dash or underscore, as in rollup.toml"
    for one in machines:
        if folded.count(one.casefold()) > 1:
            yield f"machine {one!r} appears twice"
    people = {p.name for p in s.people}
    if len(people) < len(s.people):
        yield "two people have one name"
    for what, who in [
        ("play.by", s.play.by),
        *(("play.approvers", a) for a in s.play.approvers),
        *(("play.act.who", a.who) for a in s.play.act),
    ]:
        if who and who not in people:
            yield f"{what}: there is no person {who!r}"
    for cluster in s.clusters:
        yield from _dangling_in_cluster(cluster, set(folded))
    all_cms = {m.name.casefold() for c in s.clusters for m in c.cms}
    for fault in s.faults:
        for key, machine in (("machine", fault.machine), ("on", fault.on)):
            if machine and machine.casefold() not in folded:
                yield f"faults.{key}: there is no machine {machine!r}"
        if fault.cms and fault.cms.casefold() not in all_cms:
            yield f"faults.cms: there is no clustered mailbox server {fault.cms!r}"
    for package in s.packages:
        for machine in (*package.absent_on, *package.swapped_on):
            if machine.casefold() not in folded:
                yield f"packages: there is no machine {machine!r}"


def _dangling_in_cluster(cluster: Cluster, machines: set[str]) -> Iterable[str]:
    nodes = {n.name.casefold() for n in cluster.nodes}
    if not nodes:
        yield f"cluster {cluster.name!r} has no nodes"
    if cluster.kind == "ccr" and len(nodes) != 2:
        yield f"cluster {cluster.name!r}: a CCR cluster has exactly two nodes"
    if cluster.kind == "standby" and cluster.cms:
        yield f"cluster {cluster.name!r}: a standby cluster holds no clustered mailbox server"
    named = [(f"group {g.name!r}", "owner", g.owner) for g in cluster.groups]
    named += [(f"cms {m.name!r}", "owner", m.owner) for m in cluster.cms]
    named += [(f"group {g.name!r}", "preferred", p) for g in cluster.groups for p in g.preferred]
    named += [(f"cms {m.name!r}", "preferred", p) for m in cluster.cms for p in m.preferred]
    named += [(f"group {g.name!r}", "possible", p) for g in cluster.groups for p in g.possible]
    named += [(f"cms {m.name!r}", "redundant", p) for m in cluster.cms for p in m.redundant]
    for holder_name, key, node in named:
        if node.casefold() not in nodes:
            yield f"cluster {cluster.name!r}, {holder_name}: {key} {node!r} is not one of its nodes"
    for bare in (g for g in cluster.groups if g.possible and not g.resources):
        yield f"cluster {cluster.name!r}, group {bare.name!r}: possible owners are its resources'; it has none"
    owners = [m.owner.casefold() for m in cluster.cms]
    if len(set(owners)) < len(owners):
        yield f"cluster {cluster.name!r}: two clustered mailbox servers on one node"
    for cms in cluster.cms:
        for group in cms.storage_groups:
            for standby in group.standby:
                if not standby.gone and standby.machine.casefold() not in machines:
                    yield (
                        f"cms {cms.name!r}, storage group {group.name!r}: standby machine {standby.machine!r} "
                        "is no machine of this scenario (say gone = true if that is meant)"
                    )
