"""Records with risk gates: what the order checker accepts, and what it finds when a waiver is missing, late or another's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.procedure.order import check_events
from state import words as w
from tests.procedure.build import NOW
from tests.procedure.record import ALICE, BOB, CAROL, ID, recorded, vote
from tests.procedure.test_order import EVENTS, PLAN

DAVE = w.Actor(user="U4", person="dave")
FINDING = w.Check(
    rule="BACKUP-RECENT",
    when=w.When.GATE,
    verdict=w.Verdict.BLOCK,
    sentence="Never backed up.",
    waivable=True,
    facts=(w.Fact(name="last backup", value="never", machine="MBX1"),),
)
WAIVED = replace(FINDING, verdict=w.Verdict.WARN, sentence="Never backed up. Waived by bob: x", waived_by=("bob",))
STEP = PLAN.steps[0].id


def risk(step: str, number: int = 1, **other: Any) -> list[w.Event]:
    """Dave asks, Bob accepts."""
    until = other.pop("until", NOW + 3600)
    by, approved = other.pop("by", DAVE), other.pop("approved", ("bob",))
    waiver = w.Waiver(
        rule=FINDING.rule, step=step, reason="x", by=by.person, approved_by=(), facts=FINDING.values, expires_at=until
    )
    gate = replace(
        w.Gate(
            id=f"{ID}.{step}.{number}",
            campaign=ID,
            step=step,
            attempt=number,
            target=PLAN.cluster if step == "plan" else PLAN.steps[0].target,
            kind="risk",
            title="Risk",
            digest=f"risk-{step}",
            commands=(),
            checks=(replace(FINDING, when=w.When.PLAN if step == "plan" else w.When.GATE),),
            forecast=w.Forecast(step_s=0, downtime_s=0, basis="risk"),
            approvers=(BOB, CAROL),
            barred=("alice", by.person),
            quorum=1,
            opened_at=NOW,
            expires_at=NOW + 3600,
            waiver=waiver,
        ),
        **other,
    )
    intent = w.Intent(
        gate=gate.id,
        step=step,
        attempt=number,
        digest=gate.digest,
        approved_by=approved,
        users=("U2",),
        fence=1,
        token="t",
        version=5,
        not_after=NOW + 60,
    )
    return [
        w.WaiverAsked(by=by, rule=FINDING.rule, step=step, reason="x"),
        w.GatePrepared(gate=gate),
        w.GateOpened(gate=gate.id, channel="C", ts=gate.id, posted_hash="h"),
        *(vote(gate, actor) for actor in (ALICE, BOB, CAROL, DAVE) if actor.person in approved),
        w.GateConsumed(intent=intent, facts=waiver.facts),
    ]


def barring_dave(events: list[w.Event], waived: tuple[w.Check, ...] = (WAIVED,)) -> list[w.Event]:
    """The step gates after it bar Dave too, and the first step's shows the waiver."""
    made: list[w.Event] = []
    for event in events:
        if isinstance(event, w.GatePrepared) and event.gate.kind == "step":
            checks = (*event.gate.checks, *waived) if event.gate.step == STEP else event.gate.checks
            event = replace(event, gate=replace(event.gate, barred=("alice", "dave"), checks=checks))
        made.append(event)
    return made


def first_gate() -> int:
    return next(n for n, event in enumerate(EVENTS) if isinstance(event, w.GatePrepared))


def renumbered(events: list[w.Event]) -> list[w.Event]:
    """The first step's own gate is its second: the number of the risk gate is used up."""
    old, new = f"{ID}.{STEP}.1", f"{ID}.{STEP}.2"
    made: list[w.Event] = []
    for event in events:
        match event:
            case w.GatePrepared() if event.gate.id == old:
                event = replace(event, gate=replace(event.gate, id=new, attempt=2))
            case w.GateOpened() if event.gate == old:
                event = replace(event, gate=new, ts=new)
            case w.Voted() if event.vote.gate == old:
                event = replace(event, vote=replace(event.vote, gate=new))
            case w.GateConsumed() if event.intent.gate == old:
                event = w.GateConsumed(intent=replace(event.intent, gate=new, attempt=2))
            case w.JobOpened() if event.order.gate == old:
                event = replace(event, order=replace(event.order, gate=new))
            case _:
                pass
        made.append(event)
    return made


def with_risk(asked: list[w.Event], waived: tuple[w.Check, ...] = (WAIVED,)) -> list[w.Event]:
    at = first_gate()
    return [*EVENTS[:at], *asked, *renumbered(barring_dave(EVENTS[at:], waived))]


def rules(events: list[w.Event]) -> set[str]:
    return {one.rule for one in check_events(recorded(events))}


def test_a_record_with_an_accepted_risk_is_accepted() -> None:
    assert check_events(recorded(with_risk(risk(STEP)))) == ()


def test_a_step_that_shows_a_waiver_nobody_gave_is_found() -> None:
    at = first_gate()
    made = [*EVENTS[:at], *(replace_checks(event) for event in EVENTS[at:])]
    assert "BACKUP-RECENT" in rules(made)


def replace_checks(event: w.Event) -> w.Event:
    if isinstance(event, w.GatePrepared) and event.gate.step == STEP:
        return w.GatePrepared(gate=replace(event.gate, checks=(*event.gate.checks, WAIVED)))
    return event


def test_a_step_consumed_under_a_block_is_found_although_a_waiver_stands() -> None:
    assert "BACKUP-RECENT" in rules(with_risk(risk(STEP), (FINDING,)))


def test_a_waiver_of_another_step_of_other_values_or_too_old_covers_nothing() -> None:
    assert "BACKUP-RECENT" in rules(with_risk(risk(STEP, until=NOW + 5)))
    other = replace(WAIVED, facts=(w.Fact(name="last backup", value="2019", machine="MBX1"),))
    assert "BACKUP-RECENT" in rules(with_risk(risk(STEP), (other,)))
    assert "BACKUP-RECENT" in rules(with_risk(risk(STEP), (replace(WAIVED, waived_by=("carol",)),)))
    second = PLAN.steps[1].id
    late = with_risk(risk(STEP))
    moved = [
        w.GatePrepared(gate=replace(e.gate, checks=(*e.gate.checks, WAIVED)))
        if isinstance(e, w.GatePrepared) and e.gate.step == second
        else e
        for e in late
    ]
    assert "BACKUP-RECENT" in rules(moved)


def test_whoever_asked_for_the_waiver_cannot_accept_it() -> None:
    assert "APPROVAL-FRESH" in rules(with_risk(risk(STEP, by=BOB, approved=("bob",))))
    assert "APPROVAL-FRESH" in rules(with_risk(risk(STEP, approved=("alice",))))
    assert "APPROVAL-FRESH" in rules(with_risk(risk(STEP, approved=())))


def test_a_risk_gate_that_nobody_asked_for_or_that_has_a_command_is_found() -> None:
    assert "APPROVAL-FRESH" in rules(with_risk(risk(STEP)[1:]))
    command = next(e.gate.commands[0] for e in EVENTS if isinstance(e, w.GatePrepared))
    assert "APPROVAL-FRESH" in rules(with_risk(risk(STEP, commands=(command,))))


def test_a_risk_gate_for_another_machine_or_with_another_gates_waiver_is_found() -> None:
    good = risk(STEP)
    event = good[1]
    assert isinstance(event, w.GatePrepared)
    assert event.gate.waiver is not None
    for waiver in (replace(event.gate.waiver, gate=f"{ID}.s02.1"), replace(event.gate.waiver, expires_at=NOW + 1.0)):
        assert "APPROVAL-FRESH" in rules(with_risk(risk(STEP, waiver=waiver)))
    assert "APPROVAL-FRESH" in rules(with_risk(risk(STEP, target="EXN1")))
    assert rules(with_risk(risk(STEP, waiver=replace(event.gate.waiver, gate=event.gate.id)))) == set()


def test_a_job_that_rests_on_a_risk_gate_is_found() -> None:
    asked = risk(STEP)
    job = next(e for e in EVENTS if isinstance(e, w.JobOpened))
    made = with_risk([*asked, w.JobOpened(order=replace(job.order, gate=f"{ID}.{STEP}.1", name="odd"), token="t")])
    assert "APPROVAL-FRESH" in rules(made)


def with_(checks: tuple[w.Check, ...], other: w.Check) -> tuple[w.Check, ...]:
    return tuple(other if check.rule == other.rule else check for check in checks)


def test_a_plan_that_a_rule_stops_is_started_only_under_its_waiver() -> None:
    stop = replace(FINDING, when=w.When.PLAN)
    events = [
        w.PlanMade(plan=replace(e.plan, checks=with_(e.plan.checks, stop)), expires_at=e.expires_at)
        if isinstance(e, w.PlanMade)
        else e
        for e in EVENTS
    ]
    assert "BACKUP-RECENT" in rules(list(events))
    at = next(n for n, e in enumerate(events) if isinstance(e, w.Started))
    assert rules([*events[:at], *risk("plan"), *barring_dave(list(events[at:]), ())]) == set()
    hard = [
        w.PlanMade(
            plan=replace(e.plan, checks=with_(e.plan.checks, replace(stop, waivable=False))), expires_at=e.expires_at
        )
        if isinstance(e, w.PlanMade)
        else e
        for e in EVENTS
    ]
    assert "BACKUP-RECENT" in rules([*hard[:at], *risk("plan"), *barring_dave(list(hard[at:]), ())])
