"""Waivers in a recorded campaign: asked for by one person, approved by another, good for one step and these values."""

from __future__ import annotations

from bot.procedure.facts import same_name
from bot.procedure.levels import Build
from bot.procedure.order.walk import Walk
from state import words as w

PLAN = "plan"  # what a risk gate before the start stands for
NEVER = frozenset(
    {
        "NODE-PASSIVE", "NODE-NO-CMS-GROUP", "NODE-EMPTY", "ONE-AT-A-TIME", "QUORUM-SURVIVES", "GROUP-MOVE-NOT-CMS", "MOVE-READY",
        "PRE-COMPLETE", "VIEW-AGREE", "SCR-APPLICABLE", "PKG-HASH", "APPROVAL-FRESH", "BOTH-NODES", "LEVEL-REACHED",
    }
)  # fmt: skip
"""What the document does not leave to anybody: no risk gate sets these aside, whatever the record calls waivable."""


def started(walk: Walk) -> None:
    """A plan that a rule stops is started only under a waiver of each of these rules."""
    walk.started = True
    for check in walk.plan.checks if walk.plan else ():
        if check.stops and not _covered(walk, PLAN, check):
            walk.no(check.rule, f"The plan was started although {check.rule} stopped it and nobody had waived it.")


def risk(walk: Walk, gate: w.Gate) -> None:
    """A risk gate allows the waiver that was asked for, of a rule that blocks and may be waived; it runs nothing."""
    waiver, asked = gate.waiver, walk.risk
    if gate.commands:
        walk.no("APPROVAL-FRESH", f"Risk gate {gate.id} has commands.")
    if waiver is None or asked is None or (waiver.rule, waiver.step) != (asked.rule, gate.step):
        walk.no("APPROVAL-FRESH", f"Risk gate {gate.id} allows something that nobody asked for.")
        return
    if waiver.by != asked.by.person or waiver.by not in gate.barred or waiver.approved_by:
        walk.no("APPROVAL-FRESH", f"Risk gate {gate.id} does not keep {asked.by.person}, who asked, from approving.")
    about = walk.plan.cluster if gate.step == PLAN and walk.plan else walk.step.target if walk.step else ""
    if not same_name(gate.target, about) or waiver.gate not in {"", gate.id} or waiver.expires_at < gate.expires_at:
        walk.no("APPROVAL-FRESH", f"Risk gate {gate.id} is for {gate.target}, or its waiver is another gate's.")
    if waiver.rule in NEVER:
        walk.no(waiver.rule, f"Risk gate {gate.id} is for {waiver.rule}, which nobody may set aside.")
    shown = [check for check in gate.checks if check.rule == waiver.rule]
    if len(shown) != 1 or not shown[0].stops or not shown[0].waivable or set(shown[0].values) != set(waiver.facts):
        walk.no(waiver.rule, f"Risk gate {gate.id} does not show a finding of {waiver.rule} that may be waived.")


def under_waivers(walk: Walk, gate: w.Gate) -> None:
    """What a step gate shows as waived was waived: for this step, for these values, by those people, and not too long ago."""
    for check in gate.checks:
        waiver = walk.waivers.get((gate.step, check.rule))
        if not check.waived_by:
            continue
        bare = tuple(fact for fact in check.facts if not fact.moving)
        same = waiver is not None and (not bare or set(waiver.facts) == set(bare))
        if (
            waiver is None
            or not same
            or set(check.waived_by) != set(waiver.approved_by)
            or walk.at >= waiver.expires_at
        ):
            walk.no(check.rule, f"Gate {gate.id} says that {check.rule} was waived, and no waiver covers it.")
        if check.rule == "SCR-TARGETS-FIRST" and any(_below(walk, fact) for fact in check.facts):
            walk.no(check.rule, f"Gate {gate.id} waives {check.rule} for a target that is known to be below the level.")


def _below(walk: Walk, fact: w.Fact) -> bool:
    """Whether a fact shows a level that is known and not enough: only an unknown one may be waived."""
    if fact.name != "level" or fact.value == "unknown" or walk.board is None:
        return False
    try:
        return Build.parse(fact.value) < walk.board.target
    except ValueError:
        return True


def kept(check: w.Check | None) -> bool:
    """Whether a check shows its rule kept: it passed, or it is one that may be waived, and says who did."""
    if check is None:
        return False
    waived = check.verdict is w.Verdict.WARN and bool(check.waived_by) and check.rule not in NEVER
    return check.verdict is w.Verdict.PASS or waived


def covers(waiver: w.Waiver, step: str, check: w.Check) -> bool:
    """Whether a waiver is for this rule, this step and these values, and somebody approved it."""
    same = (waiver.rule, waiver.step) == (check.rule, step) and set(waiver.facts) == set(check.values)
    return same and bool(waiver.approved_by)


def _covered(walk: Walk, step: str, check: w.Check) -> bool:
    """Whether an approved waiver of this rule, for this step and these values, stands now."""
    waiver = walk.waivers.get((step, check.rule))
    return waiver is not None and covers(waiver, step, check) and walk.at < waiver.expires_at
