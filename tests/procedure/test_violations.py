"""Each thing the order checker can say of a plan or a record, provoked once: no check in it is dead or hidden by another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.procedure.facts import EstateFacts
from bot.procedure.order import Violation, check_events, check_plan
from state import words as w
from tests.procedure.build import NEW, ccr, plan_of, scc
from tests.procedure.moments import PLAN
from tests.procedure.record import ALICE, BOB, recorded
from tests.procedure.test_order import EVENTS, at

S = {step.id: step for step in PLAN.steps}
WIDE = scc(2, 2)
WIDE_PLAN = plan_of(WIDE)


def of_plan(facts: EstateFacts, *steps: w.Step, plan: w.Plan = PLAN) -> tuple[Violation, ...]:
    return check_plan(replace(plan, steps=steps), facts)


def of_record(place: int, *events: w.Event, skip: int = 0) -> tuple[Violation, ...]:
    return check_events(recorded([*EVENTS[:place], *events, *EVENTS[place + skip :]]))


def moved(cms: str, source: str, target: str) -> w.Step:
    return replace(S["s04"], id=f"m-{cms}-{target}", cms=cms, source=source, target=target, cluster="SCC")


def wide(*kept: str) -> tuple[w.Step, ...]:
    """The plan of two mail servers on four nodes up to its first handoff, then these moves."""
    first = next(n for n, step in enumerate(WIDE_PLAN.steps) if step.kind is w.StepKind.HANDOFF)
    return (*WIDE_PLAN.steps[:first], *(moved(*one.split()) for one in kept))


def prepared(step: str) -> w.GatePrepared:
    event = EVENTS[at(w.GatePrepared, step)]
    assert isinstance(event, w.GatePrepared)
    return event


def other_gate(step: str) -> w.GatePrepared:
    return w.GatePrepared(gate=replace(prepared(step).gate, id=f"CLUSTER01-7.{step}.9", attempt=9))


def unchecked(step: str) -> w.StepEnded:
    event = EVENTS[at(w.StepEnded, step)]
    assert isinstance(event, w.StepEnded)
    return replace(event, outcome=replace(event.outcome, checks=()))


def ending(step: str, kind: w.OutcomeKind = w.OutcomeKind.DONE, verdict: w.Verdict | None = None) -> w.StepEnded:
    event = EVENTS[at(w.StepEnded, step)]
    assert isinstance(event, w.StepEnded)
    checks = tuple(
        replace(one, verdict=verdict) if verdict and one.rule == "LEVEL-REACHED" else one
        for one in event.outcome.checks
    )
    return replace(event, outcome=replace(event.outcome, kind=kind, checks=checks))


PROVOKED: dict[str, Callable[[], tuple[Violation, ...]]] = {
    "NOBODY is no machine of this campaign": lambda: of_plan(ccr(), replace(S["s03"], target="NOBODY")),
    "SCR1 is a stand-alone machine": lambda: of_plan(ccr(), replace(S["s02"], target="SCR1")),
    "EXN2 is out already": lambda: of_plan(ccr(), S["s01"], S["s02"], replace(S["s02"], id="s02a"), S["s03"]),
    "EXN2 is patched twice": lambda: of_plan(ccr(), S["s01"], S["s02"], S["s03"], replace(S["s03"], id="s03a")),
    f"EXN2 is at {NEW} already": lambda: of_plan(ccr(n2=NEW), S["s01"], S["s02"], S["s03"]),
    "The groups of EXN2 cannot go to EXN2": lambda: of_plan(ccr(), S["s01"], replace(S["s02"], to="EXN2")),
    "Nobody says where the groups of EXN2 go": lambda: of_plan(ccr(), S["s01"], replace(S["s02"], to="")),
    "EXN2 still owns": lambda: of_plan(ccr(), S["s01"], S["s03"]),
    "EXN2 is not updated: CMS1 may not go there yet": lambda: of_plan(ccr(), S["s01"], S["s04"]),
    "CMS1 is on EXN1, not on EXN2": lambda: of_plan(ccr(), replace(S["s04"], source="EXN2", target="EXN1")),
    "CMS9 cannot go from EXN1 to EXN2": lambda: of_plan(ccr(), replace(S["s04"], cms="CMS9")),
    "is moved while a node is out": lambda: of_plan(ccr(n2=NEW), S["s01"], S["s05"], S["s04"]),
    "SCR target SCR1 comes before any node": lambda: of_plan(ccr(n2=NEW), S["s04"]),
    "N3 holds CMS1 already": lambda: of_plan(WIDE, *wide("CMS1 N1 N3", "CMS2 N2 N3"), plan=WIDE_PLAN),
    "CMS1 has no reason to leave N3": lambda: of_plan(WIDE, *wide("CMS1 N1 N3", "CMS1 N3 N4"), plan=WIDE_PLAN),
    "CMS1 is moved more than once": lambda: of_plan(WIDE, *wide("CMS1 N1 N3", "CMS1 N3 N4"), plan=WIDE_PLAN),
    "N4 is the last node that could take a mail server": lambda: of_plan(
        WIDE, *(step for step in WIDE_PLAN.steps[:3] if step.kind is w.StepKind.EVACUATE), plan=WIDE_PLAN
    ),
    "Step s01 is there twice": lambda: of_plan(ccr(), S["s01"], S["s01"]),
    "EXN1 is not updated at the end": lambda: of_plan(ccr(), *PLAN.steps[:4]),
    "EXN1 is still out at the end": lambda: of_plan(ccr(), *PLAN.steps[:5]),
    "The record does not begin with a request": lambda: check_events(recorded(EVENTS[1:])),
    "Something follows the end": lambda: of_record(len(EVENTS), EVENTS[-1]),
    "was opened but never prepared": lambda: of_record(at(w.GatePrepared, "s02"), skip=1),
    "was prepared after an abort": lambda: of_record(at(w.GatePrepared, "s02"), w.AbortRequested(by=BOB)),
    "was consumed after an abort": lambda: of_record(at(w.GateConsumed, "s02"), w.AbortRequested(by=BOB)),
    "was opened after an abort": lambda: of_record(at(w.JobOpened, "s02"), w.AbortRequested(by=BOB)),
    "does pause, not only handoff": lambda: of_record(
        at(w.GatePrepared, "s04"),
        w.GatePrepared(
            gate=replace(
                prepared("s04").gate, commands=(*prepared("s04").gate.commands, prepared("s02").gate.commands[-1])
            )
        ),
        skip=1,
    ),
    "Step s03 counts as done although LEVEL-REACHED says no": lambda: of_record(
        at(w.StepEnded, "s03"), ending("s03", verdict=w.Verdict.BLOCK), skip=1
    ),
    "The campaign went on although step s03 ended failed": lambda: of_record(
        at(w.StepEnded, "s03"), ending("s03", kind=w.OutcomeKind.FAILED), skip=1
    ),
    "A mail server was moved while exn2 was Paused by us": lambda: of_record(at(w.StepEnded, "s03") - 3, skip=3),
    "was prepared twice": lambda: of_record(at(w.GatePrepared, "s02"), prepared("s02")),
    "was prepared while a step was under way": lambda: of_record(at(w.JobOpened, "s02"), other_gate("s02")),
    "was prepared while CLUSTER01-7.s02.1 was open": lambda: of_record(at(w.GateOpened, "s02"), other_gate("s02")),
    "does not bar everyone": lambda: of_record(at(w.GatePrepared, "s02"), w.Retried(by=BOB)),
    "which is not the next step": lambda: of_record(at(w.GatePrepared, "s02"), other_gate("s03")),
    "before anybody started the plan": lambda: of_record(
        at(w.Started, ""), w.GatePrepared(gate=replace(prepared("s01").gate, id="CLUSTER01-7.plan.1", step="plan"))
    ),
    "was consumed but never stood in Slack": lambda: of_record(at(w.GateOpened, "s02"), skip=1),
    "was not open any more": lambda: of_record(at(w.GateConsumed, "s02"), w.Paused(by=ALICE)),
    "was opened without an intent": lambda: of_record(at(w.GateConsumed, "s02"), skip=1),
    "was opened twice": lambda: of_record(at(w.StepEnded, "s02"), EVENTS[at(w.JobOpened, "s02")]),
    "while CLUSTER01-7-n-s02-1-0 was open": lambda: of_record(at(w.JobEnded, "s02"), skip=1),
    "ended but was never opened": lambda: of_record(
        at(w.JobOpened, "s02"), w.JobEnded(job="odd", state=w.JobState.ENDED, exit_code=0)
    ),
    "ended and was not running": lambda: of_record(at(w.StepEnded, "s02"), EVENTS[at(w.JobEnded, "s01")]),
    "A new attempt was asked for while": lambda: of_record(at(w.JobEnded, "s02"), w.Retried(by=ALICE)),
    "which was not under way": lambda: of_record(at(w.GatePrepared, "s02"), EVENTS[at(w.StepEnded, "s01")]),
    "ended without an intent": lambda: of_record(
        at(w.GatePrepared, "s04"), unchecked("s04"), skip=at(w.StepEnded, "s04") - at(w.GatePrepared, "s04") + 1
    ),
    "The campaign was finished before step s02": lambda: of_record(at(w.GatePrepared, "s02"), EVENTS[-1]),
    "was started twice": lambda: of_record(at(w.GatePrepared, "s01"), w.Started(by=ALICE)),
    "Another plan was put": lambda: of_record(at(w.GatePrepared, "s01"), EVENTS[2]),
}


@pytest.mark.parametrize("said", list(PROVOKED))
def test_the_order_checker_says(said: str) -> None:
    found = PROVOKED[said]()
    assert any(said in one.sentence for one in found), [one.sentence for one in found]
