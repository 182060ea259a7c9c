"""Records that leave something out, consistently: a rule nobody judged, a command the step consists of, a lock.

Everything that is left agrees with itself and is hashed again; the order checker knows what has to be there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.procedure.order import check_events
from bot.procedure.order.complete import _AT_END, _AT_GATE, _AT_PLAN
from bot.procedure.rules import RULES
from state import words as w
from tests.procedure import record
from tests.procedure.build import ccr, plan_of, scc
from tests.procedure.record import recorded
from tests.procedure.test_forgeries import EVENTS, PLAN, Events, commanded, gate_of

STEP = {w.StepKind.INSTALL: "s03", w.StepKind.EVACUATE: "s02", w.StepKind.HANDOFF: "s04"}


def broken(events: Events) -> set[str]:
    return {one.rule for one in check_events(recorded(events))}


def without_gate_check(step: str, rule: str) -> Events:
    return [
        replace(e, gate=replace(e.gate, checks=tuple(c for c in e.gate.checks if c.rule != rule)))
        if isinstance(e, w.GatePrepared) and e.gate.step == step
        else e
        for e in EVENTS
    ]


def without_end_check(step: str, rule: str) -> Events:
    return [
        replace(e, outcome=replace(e.outcome, checks=tuple(c for c in e.outcome.checks if c.rule != rule)))
        if isinstance(e, w.StepEnded) and e.outcome.step == step
        else e
        for e in EVENTS
    ]


def planned(**fields: object) -> Events:
    return [
        replace(e, plan=replace(e.plan, **fields)) if isinstance(e, w.PlanMade) else e  # type: ignore[arg-type]
        for e in EVENTS
    ]


def without_command(step: str, effect: str, events: Events = EVENTS) -> Events:
    """A command gone from the gate, and its job with it."""
    jobs = {
        e.order.name
        for e in events
        if isinstance(e, w.JobOpened) and f".{step}." in e.order.gate and e.order.command.effect.startswith(effect)
    }
    assert jobs
    made: Events = []
    for e in events:
        if isinstance(e, w.GatePrepared) and e.gate.step == step:
            kept = tuple(c for c in e.gate.commands if not c.effect.startswith(effect))
            e = replace(e, gate=replace(e.gate, commands=kept))
        if isinstance(e, w.JobOpened) and e.order.name in jobs:
            continue
        if isinstance(e, (w.JobStarted, w.JobEnded)) and e.job in jobs:
            continue
        made.append(e)
    return made


@pytest.mark.parametrize(
    ("step", "rule"), [(step, rule) for kind, step in STEP.items() for rule in _AT_GATE[kind]], ids=str
)
def test_a_gate_at_which_a_rule_was_not_judged_is_rejected(step: str, rule: str) -> None:
    assert rule in broken(without_gate_check(step, rule))


@pytest.mark.parametrize(
    ("step", "rule"), [(step, rule) for kind, step in STEP.items() for rule in _AT_END[kind]], ids=str
)
def test_a_step_that_ends_without_a_check_is_rejected(step: str, rule: str) -> None:
    assert rule in broken(without_end_check(step, rule))


@pytest.mark.parametrize("rule", _AT_PLAN)
def test_a_plan_for_which_a_rule_was_not_judged_is_rejected(rule: str) -> None:
    assert rule in broken(planned(checks=tuple(check for check in PLAN.checks if check.rule != rule)))


def test_the_table_still_judges_what_the_checker_asks_for() -> None:
    """A rule that moved to another moment would make every honest record a broken one."""
    for kind in w.StepKind:
        assert set(_AT_GATE[kind]) <= {rule.id for rule in RULES if kind in rule.gate}
        assert set(_AT_END[kind]) <= {rule.id for rule in RULES if kind in rule.after}
    assert set(_AT_PLAN) <= {rule.id for rule in RULES if rule.plan}


@pytest.mark.parametrize(
    ("step", "effect", "rule"),
    [
        ("s01", "install", "PRE-COMPLETE"),
        ("s02", "move:Cluster Group", "NODE-EMPTY"),
        ("s02", "move:Available", "NODE-EMPTY"),
        ("s02", "pause", "NODE-PAUSED"),
        ("s03", "install", "PRE-COMPLETE"),
        ("s03", "resume", "ONE-AT-A-TIME"),
        ("s04", "handoff", "PRE-COMPLETE"),
    ],
)
def test_a_gate_whose_commands_are_not_the_whole_step_is_rejected(step: str, effect: str, rule: str) -> None:
    assert rule in broken(without_command(step, effect))


FORGED: dict[str, tuple[Callable[[], Events], str]] = {
    "a second request": (lambda: [*EVENTS[:2], EVENTS[0], *EVENTS[2:]], "APPROVAL-FRESH"),
    "no lock": (lambda: planned(lock_set=()), "ONE-AT-A-TIME"),
    "a target that is not locked": (lambda: planned(lock_set=("CLUSTER01",)), "ONE-AT-A-TIME"),
    "a machine that is not read": (lambda: planned(machine_set=("EXN1", "EXN2")), "PRE-COMPLETE"),
    "a node called a target": (
        lambda: planned(
            machines=tuple(replace(m, role="scr-target") if m.name == "EXN2" else m for m in PLAN.machines)
        ),
        "SCR-TARGETS-FIRST",
    ),
    "a target without a line": (lambda: planned(scr_targets=("SCR1", "SCR9")), "SCR-TARGETS-FIRST"),
    "an uninstall": (
        lambda: commanded("s03", 0, text='msiexec.exe /uninstall "C:\\x.msp" /quiet /norestart /l*v "C:\\x.log"'),
        "PRE-COMPLETE",
    ),
    "more than an install": (lambda: commanded("s03", 0, text=f"{gate_of('s03').commands[0].text} & net stop x"), "PRE-COMPLETE"),
    "a move that leaves out Exchange's check": (
        lambda: commanded("s04", 0, text=f"{gate_of('s04').commands[0].text} -IgnoreDismounted:$true"),
        "PRE-COMPLETE",
    ),
    "a stop nobody asked for": (
        lambda: commanded(
            "s04",
            0,
            text=f"Stop-ClusteredMailboxServer -Identity 'CMS1' -StopReason 'x' -Confirm:$false; {gate_of('s04').commands[0].text}",
        ),
        "PRE-COMPLETE",
    ),
    "a group that goes elsewhere than shown": (
        lambda: [
            replace(
                e,
                gate=replace(
                    e.gate,
                    checks=tuple(
                        replace(c, facts=tuple(replace(f, value="EXN9") for f in c.facts)) if c.rule == "GROUP-MOVE-PLAN" else c
                        for c in e.gate.checks
                    ),
                ),
            )
            if isinstance(e, w.GatePrepared) and e.gate.step == "s02"
            else e
            for e in EVENTS
        ],
        "GROUP-MOVE-PLAN",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FORGED))
def test_a_record_that_is_whole_in_itself_and_not_the_procedure_is_rejected(name: str) -> None:
    make, rule = FORGED[name]
    assert rule in broken(make())


def test_stop_move_start_is_accepted_where_it_was_asked_for_and_only_whole() -> None:
    plan = plan_of(ccr(), options=w.Options(stop_move_start=True))
    events = record.events(plan, ccr())
    assert broken(events) == set()
    text = gate_of("s04").commands[0].text  # the plain move
    place = next(n for n, e in enumerate(events) if isinstance(e, w.GatePrepared) and e.gate.step == "s04")
    gate = events[place].gate  # type: ignore[union-attr]
    plain = replace(gate.commands[0], text=text)
    made = [
        replace(e, gate=replace(e.gate, commands=(plain,)))
        if e is events[place] and isinstance(e, w.GatePrepared)
        else replace(e, order=replace(e.order, command=plain))
        if isinstance(e, w.JobOpened) and e.order.gate == gate.id
        else e
        for e in events
    ]
    assert "PRE-COMPLETE" in broken(made)


def test_a_mail_server_that_would_go_back_by_its_own_levels_is_seen_in_a_wide_cluster_too() -> None:
    facts = scc(2, 2)
    plan = plan_of(facts)
    events = record.events(plan, facts)
    move = next(step for step in plan.steps if step.kind is w.StepKind.HANDOFF)

    def newer(check: w.Check) -> w.Check:
        if check.rule != "MIXED-LEVEL-MOVE":
            return check
        return replace(
            check, facts=tuple(replace(f, value="8.3.517.1") if f.machine == move.source else f for f in check.facts)
        )

    made = [
        replace(e, gate=replace(e.gate, checks=tuple(newer(c) for c in e.gate.checks)))
        if isinstance(e, w.GatePrepared) and e.gate.step == move.id
        else e
        for e in events
    ]
    assert broken(events) == set()
    assert broken(made) == {"MIXED-LEVEL-MOVE"}
