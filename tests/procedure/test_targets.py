"""SCR targets that stand by for each other: every relation of three targets, against brute force and the order checker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, permutations

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts, StandbyFacts
from bot.procedure.order import check_plan
from bot.procedure.rules import blocking, evaluate
from state.words import Plan, StepKind, Verdict, When
from tests.procedure.build import NEW, PACKAGE, ccr, change, level, machine, plan_of, standing_by, verdicts

TARGETS = ("T1", "T2", "T3")
ARROWS = tuple(permutations(TARGETS, 2))  # (source, its target)
Relations = tuple[tuple[str, str], ...]


def relations() -> Iterator[Relations]:
    """All 64 ways in which three targets may stand by for each other."""
    for size in range(len(ARROWS) + 1):
        yield from combinations(ARROWS, size)


def facts_of(arrows: Relations) -> EstateFacts:
    """CMS1 with three stand-alone targets, each with storage groups of its own where an arrow leaves it."""
    facts = ccr(scr=None)
    made = [
        machine(
            name,
            own_standbys=(
                ("SG9", tuple(StandbyFacts(node_name=f"{to.lower()}.lab.example") for at, to in arrows if at == name)),
            ),
        )
        for name in TARGETS
    ]
    return standing_by(replace(facts, machines=(*facts.machines, *made)), "CMS1", ("SG1", TARGETS), ("SG2", ()))


def allowed(order: tuple[str, ...], arrows: Relations) -> bool:
    """Brute force: nobody is patched before a machine that stands by for it."""
    return all(order.index(to) < order.index(source) for source, to in arrows)


def cyclic(arrows: Relations) -> bool:
    return not any(allowed(order, arrows) for order in permutations(TARGETS))


def in_order(plan: Plan, order: tuple[str, ...]) -> Plan:
    """The same plan with its three first steps in another order."""
    first = tuple(next(step for step in plan.steps if step.target == name) for name in order)
    return replace(plan, steps=(*first, *plan.steps[3:]))


def test_a_target_that_is_a_source_comes_after_its_own_targets() -> None:
    planned = 0
    for arrows in relations():
        facts = facts_of(arrows)
        plan = plan_of(facts)
        stops = [check.rule for check in plan.checks if check.stops]
        assert check_plan(plan, facts) == (), arrows
        if cyclic(arrows):
            assert stops == ["SCR-CYCLE"], arrows
            silent = replace(plan, checks=tuple(check for check in plan.checks if check.rule != "SCR-CYCLE"))
            assert "SCR-CYCLE" in {one.rule for one in check_plan(silent, facts)}
            continue
        planned += 1
        assert stops == []
        made = tuple(step.target for step in plan.steps if step.target in TARGETS)
        assert allowed(made, arrows), (arrows, made)
        for order in permutations(TARGETS):
            found = {one.rule for one in check_plan(in_order(plan, order), facts)}
            assert found == (set() if allowed(order, arrows) else {"SCR-TARGETS-FIRST"}), (arrows, order)
    assert planned == 25  # the directed graphs of three points without a cycle


def test_the_gate_of_a_target_waits_for_its_own_target() -> None:
    facts = facts_of((("T1", "T2"),))
    plan = plan_of(facts)
    step = next(one for one in plan.steps if one.target == "T1")
    checks = evaluate(When.GATE, facts, package=PACKAGE, context=Context(), plan=plan, step=step)
    assert [(check.rule, check.waivable) for check in blocking(checks)] == [("SCR-TARGETS-FIRST", False)]
    after = change(facts, "T2", level=level(NEW))
    checks = evaluate(When.GATE, after, package=PACKAGE, context=Context(), plan=plan, step=step)
    assert verdicts(checks)["SCR-TARGETS-FIRST"] is Verdict.PASS
    assert blocking(checks) == ()


def test_targets_in_a_cycle_wait_for_what_is_outside_it_only() -> None:
    arrows = (("T1", "T2"), ("T2", "T1"), ("T1", "T3"))
    facts = facts_of(arrows)
    plan = plan_of(facts)
    made = [step.target for step in plan.steps if step.target in TARGETS]
    assert made.index("T3") < made.index("T1")
    step = next(one for one in plan.steps if one.target == "T1")
    for seen, stops in ((facts, ["SCR-TARGETS-FIRST"]), (change(facts, "T3", level=level(NEW)), [])):
        checks = evaluate(When.GATE, seen, package=PACKAGE, context=Context(), plan=plan, step=step)
        assert [check.rule for check in blocking(checks)] == stops


def test_a_target_of_a_target_that_is_no_target_of_ours_is_left_alone() -> None:
    facts = change(ccr(), "SCR1", own_standbys=(("SG9", (StandbyFacts(node_name="FAR"),)),))
    plan = plan_of(facts)
    assert [step.target for step in plan.steps if step.kind is StepKind.INSTALL] == ["SCR1", "EXN2", "EXN1"]
    assert check_plan(plan, facts) == ()
