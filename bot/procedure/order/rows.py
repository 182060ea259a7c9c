"""What facts there are under which rule: whose they are, which have to be there, which values a rule can be kept on.

A table of its own, from facts/exchange.md §8 and §9 and the names the rules give their facts. A fact it does not know is
not judged: a later version may show more. Limits of the settings (free space, queues, ages) are not in a record, so a
quantity is only asked to be one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.procedure.facts import QuorumModel, same_name
from bot.procedure.levels import Build, catalogue
from bot.procedure.order.board import Board
from state import words as w


@dataclass(frozen=True, slots=True)
class Place:
    """Where a check stands: in the plan or at the end (no step), at a step's gate, or after it."""

    plan: w.Plan
    board: Board
    when: w.When
    step: w.Step | None = None

    @property
    def kind(self) -> str:
        """ "ccr" or "scc", as the plan found the cluster; "" not known."""
        facts = (fact for check in self.plan.checks if check.rule == "PRE-COMPLETE" for fact in check.facts)
        return next((fact.value for fact in facts if fact.name == "kind of cluster"), "")

    @property
    def clustered(self) -> bool:
        """Whether the step takes a node of a cluster with others in it."""
        machine = self.board.get(self.step.target) if self.step is not None else None
        return machine is not None and len(self.board.nodes(machine.cluster)) > 1

    def subjects(self, rule: str) -> tuple[str, ...]:
        """The machines that a rule has to speak of, each."""
        if self.step is not None:
            return (self.step.target,)
        if self.when is w.When.AFTER:
            return tuple(one.name for one in self.board.machines.values() if not one.left_out)
        kind = w.StepKind.HANDOFF if rule == "RUNNER-TASK" else w.StepKind.INSTALL
        return tuple(dict.fromkeys(step.target for step in self.plan.steps if step.kind is kind))


_BUILD = r"\d+(\.\d+){3}"
Good = Callable[[str, Place], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One fact of a rule. Its name begins with `name` where that ends in a blank, and ends so where it begins with one.

    `of`: target (each machine at the plan and the end), source, both of them, machine, cluster, cms, any, or "" for a
    fact of nobody. `warned`: a warning rests on the same values as a pass.
    """

    name: str
    of: str
    good: Good
    moving: bool = False
    needed: Callable[[Place], bool] = lambda _place: True
    warned: bool = False


def _one_of(*values: str) -> Good:
    return lambda value, _place: value.replace(" ", "").casefold() in values


def _like(pattern: str) -> Good:
    return lambda value, _place: re.fullmatch(pattern, value) is not None


def _seldom(_place: Place) -> bool:
    return False


def _any(value: str, _place: Place) -> bool:
    return bool(value)


def _node(value: str, place: Place) -> bool:
    return place.board.get(value) is not None


def _node_or_none(value: str, place: Place) -> bool:
    """A mail server that is Stopped is active nowhere."""
    return value == "no node" or _node(value, place)


def _level(value: str, place: Place) -> bool:
    """A build; at the end one that is enough."""
    try:
        level = Build.parse(value)
    except ValueError:
        return False
    target = place.board.target
    return place.step is not None or place.when is w.When.PLAN or (level >= target and level.minor == target.minor)


def _train(value: str, place: Place) -> bool:
    return value == place.board.target.service_pack


def _names_a_rollup(value: str, _place: Place) -> bool:
    return value in {row.title for row in catalogue()} or re.fullmatch(_BUILD, value) is not None


def _file(value: str, place: Place) -> bool:
    return place.plan.package.path.replace("/", "\\").rpartition("\\")[2] == value


def _build(value: str, place: Place) -> bool:
    return re.fullmatch(_BUILD, value) is not None and Build.parse(value) == place.board.target


def _hash(value: str, place: Place) -> bool:
    return len(value) >= 16 and place.plan.package.sha256.casefold().startswith(value.casefold())


def _others(value: str, place: Place) -> bool:
    """Names of nodes, and not of the one that goes out."""
    names = value.split(", ")
    out = place.step.target if place.step is not None else ""
    return all(place.board.get(name) is not None and not same_name(name, out) for name in names)


def _target_of_the_plan(value: str, place: Place) -> bool:
    return any(same_name(value, one) for one in place.plan.scr_targets)


def _quorum(value: str, _place: Place) -> bool:
    return value in {str(model) for model in QuorumModel}


def _state_of_group(value: str, place: Place) -> bool:
    owner, _, state = value.partition(" ")
    good = {"Online", "Partially Online", "Offline"}
    if place.when is w.When.AFTER:  # no worse than before is asked, and aftermath.py asks it
        good |= {"Pending", "Unknown", "Failed"}
    return place.board.get(owner) is not None and state in good


def _may_own(value: str, place: Place) -> bool:
    return value == "every node" or any(
        same_name(one, place.step.target if place.step else "") for one in value.split(", ")
    )


def _soon(value: str, _place: Place) -> bool:
    """A clock within the minute that safety allows."""
    found = re.fullmatch(r"([+-]\d+(?:\.\d+)?) s", value)
    return found is not None and abs(float(found[1])) <= 60.0


def _forefront(value: str, place: Place) -> bool:
    """Off before the install; after it, and before mail comes, what runs is as it was before."""
    before = place.step is None or (place.when is w.When.GATE and place.step.kind is not w.StepKind.HANDOFF)
    return value == "none running" or not before


def _ccr(place: Place) -> bool:
    return place.kind == "ccr"


def _copied(place: Place) -> bool:
    """Whether the step's mail server has storage groups, as the plan read them, and a copy of each on the other node."""
    cms = place.step.cms if place.step is not None else ""
    facts = (fact for check in place.plan.checks if check.rule == "SCR-APPLICABLE" for fact in check.facts)
    return _ccr(place) and any(same_name(fact.machine, cms) and ":" in fact.value for fact in facts)


def _since_sp1(place: Place) -> bool:
    return place.board.target.service_pack != "RTM"


def _ccr_since_sp1(place: Place) -> bool:
    return _ccr(place) and _since_sp1(place)


def in_main(place: Place) -> bool:
    """Whether the step is on the cluster itself: a standby cluster has no mail server to be active."""
    machine = place.board.get(place.step.target) if place.step is not None else None
    return machine is not None and not machine.standby


_GONE = ("failed", "suspended", "failedandsuspended", "disabled", "stopped", "notsupported")
_COPY = ("healthy", "copying", "initializing", "resynchronizing", "servicedown")
_OF_A_COPY = _one_of(*_COPY, *_GONE)
_LOGS = _like(r"\d+ logs")
ROWS: dict[str, tuple[Row, ...]] = {
    "PRE-COMPLETE": (
        Row("kind of cluster", "cluster", _one_of("ccr", "scc", "standby"), needed=lambda place: place.step is None),
    ),
    "NODE-MEMBER": (Row("node state", "target", _one_of("up", "paused"), needed=lambda place: place.clustered),),
    "SCR-APPLICABLE": (Row("SCR targets", "cms", _like(r".+: [^:]+")),),
    "SCR-TARGETS-FIRST": (Row("level", "machine", _level, needed=lambda place: place.step is None or in_main(place)),),
    "SCR-CYCLE": (Row("SCR target", "cluster", _target_of_the_plan),),
    "SCR-TARGET-PASSIVE": (Row("kind of cluster", "cluster", _one_of("standby")),),
    "LEVEL-AGREE": (Row("level", "target", _level),),
    "NO-WU": (Row("rollup", "target", _names_a_rollup),),
    "PKG-NAME": (Row("file", "", _file), Row("build", "", _build)),
    "PKG-TRAIN": (Row("service pack", "target", _train),),
    "PKG-NEWER": (Row("level", "target", _level),),
    "PKG-LIVE": (Row("build", "", _build),),
    "IU-NONE": (Row("interim updates", "target", _one_of("none")),),
    "PKG-HASH": (Row("SHA-256", "target", _hash), Row("signature", "target", _one_of("valid"))),
    "LEVEL-REACHED": (Row("level", "target", _level),),
    "CLUSSVC-BACK": (
        Row("ClusSvc", "target", _one_of("running,auto", "running,automatic")),
        Row("seen as", "target", _one_of("up", "paused", "paused,up")),
    ),
    "NODE-PASSIVE": (
        Row(" active on", "", _node_or_none, needed=lambda place: in_main(place) and bool(place.plan.cms)),
        Row("Exchange groups", "target", _one_of("none")),
        Row("MSExchangeIS", "target", _one_of("stopped")),
        Row("MSExchangeSA", "target", _one_of("stopped")),
    ),
    "NODE-NO-CMS-GROUP": (Row("Exchange groups", "target", _one_of("none")),),
    "NODE-EMPTY": (Row("groups owned", "target", _one_of("none")),),
    "NODE-PAUSED": (Row("node state", "target", _one_of("paused")),),
    "QUORUM-SURVIVES": (
        Row("quorum", "cluster", _quorum),
        Row("other running nodes", "cluster", _others),
        Row("witness", "cluster", _one_of("up", "notavailable"), needed=_seldom),
    ),
    "SPARE-UP": (Row("other nodes Up", "cluster", _others, warned=True),),
    "GROUP-MOVE-NOT-CMS": (Row("moves", "", _any),),
    "GROUP-MOVE-PLAN": (Row(" goes to", "", _node, needed=_seldom),),
    "FAILBACK-OFF": (Row("failback of ", "cluster", _one_of("off")),),
    "WINDOW": (
        Row("window", "", lambda value, place: place.step is None or value == "open"),
        Row("left of the window", "", _like(r"\d+ min"), moving=True, needed=_seldom),
    ),
    "MIXED-LEVEL-MOVE": (Row("level", "both", _level),),
    "BACKUP-RUNNING": (
        Row("backup of ", "cms", _one_of("none"), needed=_seldom),
        Row("Microsoft Exchange ", "target", _one_of("state1"), needed=_seldom),
        Row("Exchange writer", "target", _like("none.*|listed"), needed=_seldom),
    ),
    "SEEDING-NONE": (Row("copy of ", "", _OF_A_COPY, needed=_seldom),),
    "MOVE-READY": (
        Row(" active on", "", lambda value, place: place.step is not None and same_name(value, place.step.source)),
        Row("level", "target", _level),
        Row("database ", "cms", _one_of("mounted"), needed=_seldom),
        Row("copy of ", "cms", _one_of("healthy"), needed=_copied),
        Row("copy queue of ", "cms", _LOGS, moving=True, needed=_copied),
        Row("replay queue of ", "cms", _LOGS, moving=True, needed=_copied),
        Row("validation", "target", _one_of("clean"), needed=_since_sp1),
        Row("replication health", "both", _one_of("passed"), needed=_ccr_since_sp1),
    ),
    "VOLUME-CLEAN": (
        Row("volume ", "source", _one_of("clean")),
        Row("possible owners of ", "target", _may_own),
    ),
    "MOVE-DONE": (
        Row(" active on", "", lambda value, place: place.step is not None and same_name(value, place.step.target)),
        Row("database ", "cms", _one_of("mounted"), needed=_seldom),
        Row("MAPI ", "target", _one_of("success", "passed"), needed=_seldom),
        Row("copy of ", "cms", _one_of(*_COPY, "seeding"), needed=_seldom),
        Row("queue to ", "any", _like(r"\d+ messages"), moving=True, needed=_seldom),
        Row("content indexing", "target", _one_of("running"), needed=_seldom),
    ),
    "DOWNTIME-MEASURED": (Row("mail away", "cms", _like(r"\d+ s"), moving=True),),
    "OAB-PIN": (
        Row("EnableOabGenOnThisNode", "target", lambda value, place: value == "not set" or _node(value, place)),
    ),
    "GROUPS-SNAPSHOT": (Row("group ", "", _state_of_group, needed=lambda place: place.step is not None),),
    "SERVICES-SNAPSHOT": (Row("service ", "target", _like(r"[^,]+, [^,]+")),),
    "SCR-COPY-OK": (Row("copy of ", "target", _one_of("healthy")),),
    "WMF-VERSION": (Row("PowerShell", "target", _like(r"2(\.\d+)*")),),
    "AV": (Row("Forefront", "target", _forefront),),
    "REBOOT-PENDING": (Row("restart pending", "target", _one_of("no")),),
    "DISK": (Row("free on ", "target", _like(r"[1-9]\d* MB"), moving=True),),
    "RUNNER-TASK": (Row("runner task", "target", _one_of("registered")),),
    "BACKUP-RECENT": (Row("last full backup of ", "cms", _like(r"-?\d+ h ago"), moving=True, needed=_seldom),),
    "CLOCK-SKEW": (Row("clock", "target", _soon, moving=True),),
    "BOTH-NODES": (Row("level", "target", _level),),
    "CUSTOM-ACTIONS": (Row("CustomPatchInstallerActions.ps1", "target", _one_of("absent")),),
    "EXEC-POLICY": (Row("execution policy", "target", _any),),
    "WITNESS-QUIET": (Row("witness", "cluster", _like(r"\\\\.+"), needed=_seldom),),
}
