"""Whether the facts under a check allow what it says: a rule that calls itself kept on facts that break it is seen here.

A recorded check carries the facts it rests on. Rules may be wrong, and a record may be written by somebody who only
changes a word; the document says what those facts must be. Names of facts are those the rules give them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bot.procedure.facts import QuorumModel, same_name, short
from bot.procedure.levels import Build
from bot.procedure.order.board import Board
from state import words as w

_SHA_SHOWN = 16  # characters of a package's hash that a fact shows
Judge = Callable[[w.Fact, w.Step, Board], bool]  # True: the fact does not allow that the rule was kept


def contradictions(checks: tuple[w.Check, ...], step: w.Step, board: Board) -> Iterator[tuple[str, str]]:
    """(rule, the fact in words) for each fact that speaks against the check that rests on it."""
    for check in checks:
        if check.stops or check.waived_by:
            continue  # it says itself that the rule is not kept
        for fact in check.facts:
            if any(judge(fact, step, board) for judge in _JUDGES.get(check.rule, ())):
                at = f" of {fact.machine}" if fact.machine else ""
                yield check.rule, f"{fact.name}{at} is {fact.value}"
        if check.rule == "MIXED-LEVEL-MOVE" and (said := _backwards(check, step)):
            yield check.rule, said
        if check.rule == "QUORUM-SURVIVES" and (said := _outvoted(check, step, board)):
            yield check.rule, said
    owned = _still_there(checks, step, board)
    if owned:
        yield "NODE-EMPTY", owned


def unlike_its_facts(plan: w.Plan) -> Iterator[tuple[str, str]]:
    """(rule, words) where a plan's machines are not those that its own checks were judged on."""
    lines = {short(line.name): line for line in plan.machines}
    for check in plan.checks:
        if check.rule in {"LEVEL-AGREE", "PKG-NEWER"} and not check.stops:
            for fact in check.facts:
                line = lines.get(short(fact.machine))
                if fact.name == "level" and (line is None or line.level != fact.value):
                    said = line.level if line else "no machine of it"
                    yield check.rule, f"{fact.machine} was read at {fact.value}, and in the plan it is {said}"
        if check.rule == "SCR-APPLICABLE" and not check.stops:
            for fact in check.facts:
                for name in _standbys_in(fact):
                    if short(name) not in lines:
                        yield "SCR-TARGETS-FIRST", f"{name} stands by for {fact.machine}, and the plan does not know it"


def _standbys_in(fact: w.Fact) -> list[str]:
    """The machines in a fact such as "SG1: SCR1 and SCR2, SG2: none"."""
    if fact.name != "SCR targets":
        return []
    named = [part.rpartition(": ")[2] for part in fact.value.split(", ") if ": " in part]
    return [name for part in named for name in part.split(" and ") if name != "none"]


def older(fact: w.Fact, board: Board) -> bool:
    """Whether a fact shows a level below the package's, or of another service pack, or none at all."""
    if fact.name != "level":
        return False
    try:
        level = Build.parse(fact.value)
    except ValueError:
        return True
    return level < board.target or (level.major, level.minor) != (board.target.major, board.target.minor)


def _newer(fact: w.Fact, step: w.Step, board: Board) -> bool:
    if fact.name != "level" or not same_name(fact.machine, step.target):
        return False
    try:
        return Build.parse(fact.value) > board.target
    except ValueError:
        return True


def _is_not(name: str, *good: str) -> Judge:
    """The fact of that name has to be one of these."""
    return lambda fact, _step, _board: fact.name == name and fact.value.casefold() not in good


def _begins_not(prefix: str, *good: str) -> Judge:
    """Each fact whose name begins so has to be one of these."""
    return lambda fact, _step, _board: fact.name.startswith(prefix) and fact.value.casefold() not in good


def _is(prefix: str, *bad: str) -> Judge:
    """No fact whose name begins so may be one of these."""
    return lambda fact, _step, _board: fact.name.startswith(prefix) and fact.value.casefold() in bad


def _active_here(fact: w.Fact, step: w.Step, _board: Board) -> bool:
    return fact.name.endswith(" active on") and same_name(fact.value, step.target)


def _active_elsewhere(fact: w.Fact, step: w.Step, _board: Board) -> bool:
    return fact.name == f"{step.cms} active on" and not same_name(fact.value, step.source)


def _not_arrived(fact: w.Fact, step: w.Step, _board: Board) -> bool:
    return fact.name == f"{step.cms} active on" and not same_name(fact.value, step.target)


def _not_online(fact: w.Fact, step: w.Step, _board: Board) -> bool:
    return bool(step.cms) and fact.name == step.cms and fact.value != "Online"


def _target_older(fact: w.Fact, step: w.Step, board: Board) -> bool:
    returning = "return" in step.option.split("+")
    return not returning and same_name(fact.machine, step.target) and older(fact, board)


def _other_package(fact: w.Fact, _step: w.Step, board: Board) -> bool:
    return fact.name == "SHA-256" and bool(board.sha256) and fact.value.casefold() != board.sha256[:_SHA_SHOWN]


def _other_train(fact: w.Fact, _step: w.Step, board: Board) -> bool:
    return fact.name == "service pack" and fact.value != board.target.service_pack


def _not_running(fact: w.Fact, _step: w.Step, _board: Board) -> bool:
    return fact.name.casefold() == "clussvc" and fact.value.casefold() not in {"running, auto", "running, automatic"}


def _backwards(check: w.Check, step: w.Step) -> str:
    """A mail server that would go from a newer node to an older one, by the levels under the check itself."""
    levels = {short(fact.machine): fact.value for fact in check.facts if fact.name == "level"}
    try:
        source, target = (Build.parse(levels[short(name)]) for name in (step.source, step.target))
    except (KeyError, ValueError):
        return "the levels of both nodes are not shown" if step.cms else ""
    return f"it goes from {source} back to {target}" if target < source else ""


def _other_build(fact: w.Fact, _step: w.Step, board: Board) -> bool:
    try:
        return fact.name == "build" and Build.parse(fact.value) != board.target
    except ValueError:
        return True


def _not_a_member(fact: w.Fact, step: w.Step, _board: Board) -> bool:
    good = {"up"} if step.kind is w.StepKind.HANDOFF else {"up", "paused"}
    return fact.name == "node state" and same_name(fact.machine, step.target) and fact.value.casefold() not in good


def _old_powershell(fact: w.Fact, _step: w.Step, _board: Board) -> bool:
    return fact.name == "PowerShell" and fact.value.partition(".")[0] != "2"


_NO_GROUPS = _is_not("Exchange groups", "none")
_OPEN = _is_not("groups owned", "none")
_STOPPED = _begins_not("MSExchange", "stopped")
_MOUNTED = _begins_not("database ", "mounted")
_JUDGES: dict[str, tuple[Judge, ...]] = {
    "NODE-PASSIVE": (_active_here, _NO_GROUPS, _STOPPED),
    "NODE-NO-CMS-GROUP": (_NO_GROUPS,),
    "NODE-EMPTY": (_OPEN,),
    "NODE-PAUSED": (_is_not("node state", "paused"),),
    "SCR-TARGETS-FIRST": (lambda fact, _step, board: older(fact, board),),
    "PKG-HASH": (_other_package,),
    "PKG-TRAIN": (_other_train,),
    "PKG-NEWER": (_newer,),
    "PKG-LIVE": (_other_build,),
    "NODE-MEMBER": (_not_a_member,),
    "SPARE-UP": (_is("other nodes Up", "none"),),
    "WMF-VERSION": (_old_powershell,),
    "REBOOT-PENDING": (_is_not("restart pending", "no"),),
    "RUNNER-TASK": (_is_not("runner task", "registered"),),
    "IU-NONE": (_is_not("interim updates", "none"),),
    "FAILBACK-OFF": (_begins_not("failback of ", "off"),),
    "BACKUP-RUNNING": (_begins_not("backup of ", "none"), _begins_not("Microsoft Exchange", "state 1")),
    "SEEDING-NONE": (_is("copy of ", "seeding"),),
    "MOVE-READY": (
        _active_elsewhere,
        _not_online,
        _target_older,
        _MOUNTED,
        _begins_not("copy of ", "healthy"),
        _is_not("validation", "clean"),
        _is_not("replication health", "passed"),
    ),
    "LEVEL-REACHED": (_target_older,),
    "CLUSSVC-BACK": (_not_running, _is_not("seen as", "up", "paused", "paused, up")),
    "MOVE-DONE": (
        _not_arrived,
        _not_online,
        _MOUNTED,
        _is("copy of ", "failed", "suspended", "failedandsuspended", "disabled", "stopped"),
        _begins_not("MAPI ", "success", "passed"),
    ),
}


def _outvoted(check: w.Check, step: w.Step, board: Board) -> str:
    """The votes counted again from the facts: model, other running nodes, witness."""
    facts = {fact.name: fact.value for fact in check.facts}
    machine = board.get(step.target)
    nodes = board.nodes(machine.cluster) if machine is not None else []
    if "quorum" not in facts or len(nodes) < 2:
        return ""
    try:
        model = QuorumModel(facts["quorum"])
    except ValueError:
        return f"the quorum is {facts['quorum']}, which nobody knows"
    names = [one for one in facts.get("other running nodes", "none").split(", ") if one != "none"]
    rest = [one for one in nodes if one is not machine and any(same_name(one.name, name) for name in names)]
    witness = facts.get("witness") == "up"
    if model in {QuorumModel.DISK_2003, QuorumModel.DISK_ONLY}:
        kept = bool(rest) and witness
    else:
        shared = model in {QuorumModel.MNS_SHARE, QuorumModel.NODE_DISK, QuorumModel.NODE_SHARE}
        kept = len(rest) + (1 if shared and witness else 0) >= (len(nodes) + (1 if shared else 0)) // 2 + 1
    running = ", ".join(names) or "no other node"
    return "" if kept else f"the quorum is {model}, and without {step.target} there is {running}"


def _still_there(checks: tuple[w.Check, ...], step: w.Step, board: Board) -> str:
    """A group that the gate itself notes on the node that has to be empty."""
    judged = {check.rule: check for check in checks}
    empty, noted = judged.get("NODE-EMPTY"), judged.get("GROUPS-SNAPSHOT")
    machine = board.get(step.target)
    alone = machine is None or len(board.nodes(machine.cluster)) < 2
    if alone or empty is None or noted is None or empty.stops or empty.waived_by:
        return ""
    here = [
        fact.name.removeprefix("group ")
        for fact in noted.facts
        if fact.name.startswith("group ") and same_name(fact.value.partition(" ")[0], step.target)
    ]
    return f"'{here[0]}' is noted on {step.target}" if here else ""
