"""What a record may not leave out: rules that were to be judged, commands a step consists of, machines and locks.

The lists are the document's and facts/exchange.md's own (§8, PRE-COMPLETE: every rule has a result, and the approval
shows it). They know nothing of the rule table, so that a row that is lost there is missed here. What later versions
of the bot judge beyond them is not asked for: records outlive an upgrade.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.procedure.facts import same_name, short
from bot.procedure.levels import Build
from bot.procedure.order.board import Board
from state import words as w

_ALWAYS = ("PRE-COMPLETE", "VIEW-AGREE", "GROUPS-SNAPSHOT")
_PATCHING = (
    *_ALWAYS, "NODE-MEMBER", "SCR-TARGETS-FIRST", "SCR-TARGET-PASSIVE", "NODE-PASSIVE", "NODE-NO-CMS-GROUP",
    "ONE-AT-A-TIME", "QUORUM-SURVIVES", "SPARE-UP", "FAILBACK-OFF", "CLOCK-SKEW",
)  # fmt: skip
_OUT = (
    *_PATCHING, "NODE-EMPTY", "NODE-PAUSED", "WINDOW", "BACKUP-RUNNING", "SEEDING-NONE", "SERVICES-SNAPSHOT",
    "WITNESS-QUIET",
)  # fmt: skip
_AT_GATE: dict[w.StepKind, tuple[str, ...]] = {
    w.StepKind.EVACUATE: (*_PATCHING, "GROUP-MOVE-PLAN", "GROUP-MOVE-NOT-CMS", "GROUP-MOVE-CMD"),
    w.StepKind.INSTALL: (
        *_OUT, "LEVEL-AGREE", "PKG-TRAIN", "PKG-NEWER", "PKG-LIVE", "IU-NONE", "PKG-HASH",
        "REBOOT-PENDING", "DISK", "WMF-VERSION", "AV",
    ),
    w.StepKind.RESTART: _OUT,
    w.StepKind.HANDOFF: (
        *_ALWAYS, "NODE-MEMBER", "SCR-TARGETS-FIRST", "ONE-AT-A-TIME", "FAILBACK-OFF", "WINDOW", "MIXED-LEVEL-MOVE",
        "BACKUP-RUNNING", "SEEDING-NONE", "MOVE-READY", "RUNNER-TASK", "CLOCK-SKEW", "VOLUME-CLEAN", "AV",
    ),
    w.StepKind.RESTORE: (),
}  # fmt: skip
_AT_END: dict[w.StepKind, tuple[str, ...]] = {
    w.StepKind.EVACUATE: ("VIEW-AGREE", "NODE-EMPTY", "NODE-PAUSED", "GROUPS-SNAPSHOT"),
    w.StepKind.INSTALL: ("LEVEL-REACHED", "CLUSSVC-BACK", "GROUPS-SNAPSHOT", "SERVICES-SNAPSHOT", "SCR-COPY-OK"),
    w.StepKind.RESTART: ("LEVEL-REACHED", "CLUSSVC-BACK", "GROUPS-SNAPSHOT", "SERVICES-SNAPSHOT"),
    w.StepKind.HANDOFF: ("VIEW-AGREE", "MOVE-DONE", "GROUPS-SNAPSHOT"),
    w.StepKind.RESTORE: (),
}
_AT_PLAN = (
    "PRE-COMPLETE", "VIEW-AGREE", "NODE-MEMBER", "SCR-APPLICABLE", "SCR-TARGETS-FIRST", "SCR-TARGET-PASSIVE",
    "LEVEL-AGREE", "NO-WU", "PKG-NAME", "PKG-TRAIN", "PKG-NEWER", "PKG-LIVE", "IU-NONE", "PKG-HASH",
    "QUORUM-SURVIVES", "SPARE-UP", "GROUP-MOVE-PLAN", "GROUP-MOVE-CMD", "FAILBACK-OFF", "WINDOW", "BACKUP-RECENT", "NOTICE",
    "SCR-CYCLE", "WMF-VERSION", "DISK", "RUNNER-TASK", "CLOCK-SKEW", "BACKUP-RUNNING", "AV",
)  # fmt: skip


def unjudged(checks: tuple[w.Check, ...], step: w.Step | None, *, end: bool = False) -> list[str]:
    """The rules of that moment that no check answers; without a step the moment is the plan's."""
    judged = {check.rule for check in checks}
    wanted = _AT_PLAN if step is None else (_AT_END if end else _AT_GATE)[step.kind]
    return [rule for rule in wanted if rule not in judged]


def unlocked(plan: w.Plan) -> Iterator[tuple[str, str]]:
    """(rule, words) where a plan's own lists do not fit together: machines, locks, who is a node and who a target."""
    for line in plan.machines:
        lock = plan.cluster if line.role in {"active", "passive"} else line.cluster or line.name
        if not any(same_name(lock, one) for one in plan.lock_set):
            yield "ONE-AT-A-TIME", f"{lock} is not locked by the plan."
        if not any(same_name(line.name, one) for one in plan.machine_set):
            yield "PRE-COMPLETE", f"{line.name} is not among the machines that the plan reads."
        if line.role not in {"active", "passive"} and line.cluster and same_name(line.cluster, plan.cluster):
            yield "SCR-TARGETS-FIRST", f"{line.name} is called {line.role}, and is a node of {plan.cluster}."
    for name in plan.scr_targets:
        if not any(same_name(name, line.name) for line in plan.machines):
            yield "SCR-TARGETS-FIRST", f"The plan does not know its SCR target {name}."


def not_commanded(gate: w.Gate, step: w.Step, board: Board) -> Iterator[tuple[str, str]]:
    """(rule, words) where a gate's commands are not the whole step, by the gate's own facts."""
    effects = [command.effect for command in gate.commands]
    kinds = [effect.partition(":")[0] for effect in effects]
    needed = {w.StepKind.INSTALL: "install", w.StepKind.RESTART: "restart", w.StepKind.HANDOFF: "handoff"}
    verb = needed.get(step.kind, "")
    if (
        verb
        and kinds.count(verb) != 1
        and not (verb == "install" and not kinds.count(verb) and _at_level(gate, step, board))
    ):
        yield "PRE-COMPLETE", f"is for {'an' if verb == 'install' else 'a'} {verb} and has {kinds.count(verb)} of them."
    if len(effects) != len(set(effects)):
        yield "PRE-COMPLETE", "does one thing twice."
    kept = {fact.name.casefold() for fact in _facts(gate, "FAILBACK-OFF")}
    for fact in _facts(gate, "GROUPS-SNAPSHOT") if kept else ():
        if f"failback of '{fact.name.removeprefix('group ')}'".casefold() not in kept:
            yield "FAILBACK-OFF", f"notes {fact.name} and does not show whether it returns by itself."
    machine = board.get(step.target)
    if step.kind is not w.StepKind.EVACUATE or machine is None or len(board.nodes(machine.cluster)) < 2:
        return
    moved = {effect.removeprefix("move:").rpartition(":")[0].casefold() for effect in effects if effect[:5] == "move:"}
    for fact in _facts(gate, "GROUPS-SNAPSHOT"):
        group = fact.name.removeprefix("group ")
        if same_name(fact.value.partition(" ")[0], step.target) and group.casefold() not in moved:
            yield "NODE-EMPTY", f"notes '{group}' on {step.target} and does not move it."
    paused = any(fact.name == "node state" and fact.value == "Paused" for fact in _facts(gate, "NODE-MEMBER"))
    if "pause" not in kinds and not paused:
        yield "NODE-PAUSED", f"does not pause {step.target}, which it notes as running."
    for fact in _facts(gate, "GROUP-MOVE-NOT-CMS"):
        if fact.name == "moves" and {one.strip("'").casefold() for one in fact.value.split("', '")} != (
            moved or {"nothing"}
        ):
            yield "GROUP-MOVE-NOT-CMS", f"says that it moves {fact.value}, and its commands move other groups."
    planned = {fact.name.removesuffix(" goes to").strip("'").casefold() for fact in _facts(gate, "GROUP-MOVE-PLAN")}
    for group in sorted(moved - planned):
        yield "GROUP-MOVE-PLAN", f"moves '{group}' and does not show why it may go there."
    for fact in _facts(gate, "GROUP-MOVE-PLAN"):
        group = fact.name.removesuffix(" goes to").strip("'")
        said = f"move:{group}:{fact.value}".casefold()
        if fact.name.endswith(" goes to") and not any(effect.casefold() == said for effect in effects):
            yield "GROUP-MOVE-PLAN", f"says that '{group}' goes to {fact.value}, and no command does that."


def _facts(gate: w.Gate, rule: str) -> tuple[w.Fact, ...]:
    return tuple(fact for check in gate.checks if check.rule == rule for fact in check.facts)


def _at_level(gate: w.Gate, step: w.Step, board: Board) -> bool:
    """An attempt that was cut off after it took effect leaves the resume only."""
    for fact in _facts(gate, "PKG-NEWER"):
        if fact.name == "level" and short(fact.machine) == short(step.target):
            try:
                return Build.parse(fact.value) >= board.target
            except ValueError:
                return False
    return False
