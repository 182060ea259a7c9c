"""Whether the facts under a check are those such a check has: none missing, none of another machine, none that breaks it.

What there is under which rule stands in rows.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.procedure.facts import same_name, short
from bot.procedure.order.rows import ROWS, Place, Row, in_main
from state import words as w

_ALWAYS = frozenset({
    "PRE-COMPLETE", "PKG-NAME", "PKG-TRAIN", "PKG-NEWER", "PKG-LIVE", "PKG-HASH", "IU-NONE", "LEVEL-AGREE", "MOVE-READY",
    "MOVE-DONE", "MIXED-LEVEL-MOVE", "REBOOT-PENDING", "DISK", "NO-WU", "BOTH-NODES", "WMF-VERSION", "CLOCK-SKEW",
})  # fmt: skip
_OF_A_NODE = frozenset({
    "NODE-MEMBER", "NODE-PASSIVE", "NODE-NO-CMS-GROUP", "NODE-EMPTY", "NODE-PAUSED", "ONE-AT-A-TIME", "QUORUM-SURVIVES",
    "SPARE-UP", "FAILBACK-OFF", "GROUPS-SNAPSHOT", "VIEW-AGREE", "CLUSSVC-BACK",
})  # fmt: skip


_BLOCK = (_ALWAYS | _OF_A_NODE | {
    "SCR-APPLICABLE", "LEVEL-REACHED", "GROUP-MOVE-NOT-CMS", "GROUP-MOVE-PLAN", "GROUP-MOVE-CMD", "SEEDING-NONE", "VOLUME-CLEAN",
    "SERVICES-SNAPSHOT", "RUNNER-TASK", "SCR-TARGETS-FIRST", "SCR-TARGET-PASSIVE",
}) - {"PKG-HASH", "PKG-NAME", "SPARE-UP", "MOVE-DONE", "BOTH-NODES"}  # fmt: skip
_MAY_WARN_AHEAD = frozenset(
    {"GROUPS-SNAPSHOT", "NODE-MEMBER", "REBOOT-PENDING", "SEEDING-NONE"}
)  # what may be mended before its step


def misshapen(checks: tuple[w.Check, ...], place: Place) -> Iterator[tuple[str, str]]:
    """(rule, words) for each check that does not apply where it must, lacks a fact, or has one that cannot be."""
    for check in checks:
        if check.stops or check.waived_by:
            continue  # it says itself that the rule is not kept
        if not check.applicable:
            if _spared(check.rule, place):
                yield check.rule, f"{check.rule} does not apply, and it does"
            continue
        if (
            check.rule in _BLOCK
            and check.verdict is w.Verdict.WARN
            and not (check.rule in _MAY_WARN_AHEAD and place.step is None)
        ):
            yield check.rule, f"{check.rule} only warns, and it blocks or is kept"
        rows, kept = ROWS.get(check.rule, ()), check.verdict is w.Verdict.PASS
        for fact in check.facts:
            row = next((one for one in rows if _named(one, fact.name)), None)
            at = f" of {fact.machine}" if fact.machine else ""
            if row is None:
                continue
            if not _whose(row, fact, place) or fact.moving != row.moving:
                yield check.rule, f"{check.rule} was kept, and names {fact.name}{at}, which is not a fact of it"
            elif (kept or row.warned) and not row.good(fact.value, place):
                yield check.rule, f"{check.rule} was kept, and its own facts say that {fact.name}{at} is {fact.value}"
        for row in (one for one in rows if kept or one.warned):
            missing = _missing(row, check, place) if row.needed(place) else ""
            if missing:
                yield check.rule, f"{check.rule} was kept, and it does not show {row.name.strip()} of {missing}"


def _spared(rule: str, place: Place) -> bool:
    """Whether a rule that is said not to apply does apply there."""
    step = place.step
    if rule in _ALWAYS:
        return True
    if rule in _OF_A_NODE:
        return step is not None and step.kind is not w.StepKind.RESTORE and place.clustered
    if rule == "SCR-TARGETS-FIRST":
        return bool(place.plan.scr_targets) and (step is None or in_main(place))
    if rule == "VOLUME-CLEAN":
        return place.kind == "scc"
    if rule == "SCR-COPY-OK":
        return step is not None and any(same_name(step.target, one) for one in place.plan.scr_targets)
    if rule == "SCR-APPLICABLE":
        return place.board.target.service_pack != "RTM" and bool(place.plan.cms)
    if rule == "RUNNER-TASK":
        return any(one.kind is w.StepKind.HANDOFF for one in place.plan.steps)
    return rule == "LEVEL-REACHED" and step is not None and step.kind is w.StepKind.INSTALL


def _named(row: Row, name: str) -> bool:
    if row.name.startswith(" "):
        return name.endswith(row.name)
    return name.startswith(row.name) if row.name.endswith(" ") else name.casefold() == row.name.casefold()


def _whose(row: Row, fact: w.Fact, place: Place) -> bool:
    board, step, name = place.board, place.step, fact.machine
    match row.of:
        case "target" if step is not None:
            return same_name(name, step.target)
        case "source" if step is not None:
            return same_name(name, step.source)
        case "both" if step is not None:
            return same_name(name, step.target) or same_name(name, step.source)
        case "target" | "machine" | "source" | "both":
            return board.get(name) is not None
        case "cluster":
            return any(one.cluster and same_name(one.cluster, name) for one in board.machines.values())
        case "cms":
            return any(same_name(name, cms) for cms in place.plan.cms)
        case "any":
            return bool(name)
        case _:
            return not name


def _missing(row: Row, check: w.Check, place: Place) -> str:
    """The first subject that a kept rule does not show the fact of; "" when all are there."""
    mine = [fact for fact in check.facts if _named(row, fact.name)]
    named = {short(fact.machine) for fact in mine}
    if row.of == "target":
        return next((one for one in place.subjects(check.rule) if short(one) not in named), "")
    if row.of == "both" and place.step is not None:
        return next((one for one in (place.step.source, place.step.target) if short(one) not in named), "")
    if row.of == "cms" and place.step is None:
        return next((one for one in place.plan.cms if short(one) not in named), "")
    return "" if mine else "anything"
