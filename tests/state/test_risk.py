"""Risk gates in state: who may ask, what the gate may allow, what comes of it, and that nothing ever runs from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from state.campaign import decide
from state.guards import place, waivable_blocks
from state.returning import way_back
from state.words import (
    Actor,
    Blocked,
    Campaign,
    Check,
    Fact,
    Gate,
    GateConsumed,
    GateExpired,
    GateOpened,
    GatePrepared,
    GateRejected,
    GateVoided,
    JobOpened,
    Paused,
    PlanMade,
    Refusal,
    RefusalKind,
    ReturnAsked,
    Started,
    State,
    StepEnded,
    StepKind,
    Stop,
    Verdict,
    Waiver,
    WaiverAsked,
    WaiverDropped,
    When,
)
from tests.state.samples import ALICE, BOB, gate, intent, order, outcome, plan, requested
from tests.state.test_guards import play, ready, why

CAROL = Actor(user="U3", person="carol")


def finding(rule: str = "BACKUP-RECENT", when: When = When.GATE, **other: Any) -> Check:
    return replace(
        Check(
            rule=rule,
            when=when,
            verdict=Verdict.BLOCK,
            sentence="MBX1 was never backed up.",
            waivable=True,
            facts=(Fact(name="last backup", value="never", machine="MBX1"),),
        ),
        **other,
    )


def blocked(*checks: Check) -> Campaign:
    found = checks or (finding(),)
    return play(ready(), Blocked(stop=Stop(rule=found[0].rule, sentence="no", step="s01", checks=found, final=True)))


def asked(here: Campaign | None = None, by: Actor = CAROL, rule: str = "BACKUP-RECENT") -> Campaign:
    here = here or blocked()
    return play(here, WaiverAsked(by=by, rule=rule, step=place(here), reason="a test system"))


def risk_gate(here: Campaign, **other: Any) -> Gate:
    risk = here.risk
    assert risk is not None
    waiver = Waiver(
        rule=risk.rule,
        step=risk.step,
        reason=risk.reason,
        by=risk.by.person,
        approved_by=(),
        facts=finding().values,
        expires_at=900.0,
    )
    made = replace(gate(here), step=place(here), kind="risk", commands=(), checks=(finding(),), waiver=waiver)
    return replace(made, **other)


def offered(here: Campaign | None = None) -> Campaign:
    here = here or asked()
    made = risk_gate(here)
    return play(here, GatePrepared(gate=made), GateOpened(gate=made.id, channel="C1", ts="1.2", posted_hash="p"))


def accepted(here: Campaign | None = None) -> Campaign:
    here = here or offered()
    return play(here, GateConsumed(intent=intent(here)))


def test_an_accepted_risk_is_a_waiver_for_this_step_and_nothing_else() -> None:
    here = accepted()
    assert here.state is State.READY
    assert here.intent is None
    assert here.waivers == (
        Waiver(
            rule="BACKUP-RECENT",
            step="s01",
            reason="a test system",
            by="carol",
            approved_by=("bob",),
            facts=finding().values,
            expires_at=900.0,
        ),
    )
    assert here.risk is None


def test_no_job_can_be_opened_from_a_risk_gate() -> None:
    here = accepted()
    made = gate(blocked())
    pretended = replace(here, gate=replace(made, id="CLUSTER01-1.s01.1"))
    assert why(here, JobOpened(order=order(pretended), token="t")) == "table"


def test_the_step_gets_a_gate_of_its_own_with_another_number() -> None:
    here = accepted()
    assert here.attempt == 2
    step_gate = gate(here)
    assert step_gate.id == "CLUSTER01-1.s01.2"
    assert play(here, GatePrepared(gate=step_gate)).state is State.GATED


def test_whoever_asks_is_barred_and_can_never_accept_it_alone() -> None:
    here = offered()
    assert "carol" in here.barred
    for alone in (("carol",), ("alice",), ("carol", "alice"), ()):
        assert why(here, GateConsumed(intent=intent(here, approved_by=alone))) == "not_enough_approvals"


def test_nobody_who_asked_is_left_out_of_the_barred_of_the_gate() -> None:
    here = asked()
    assert why(here, GatePrepared(gate=risk_gate(here, barred=("alice",)))) == "gate_too_weak"


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "NODE-PASSIVE"},
        {"step": "s02"},
        {"reason": "another"},
        {"by": "bob"},
        {"approved_by": ("bob",)},
        {"facts": ()},
        {"expires_at": 0.0},
    ],
)
def test_a_risk_gate_allows_exactly_what_was_asked_and_not_without_bounds(change: dict[str, Any]) -> None:
    here = asked()
    made = risk_gate(here)
    assert made.waiver is not None
    wrong = replace(made, waiver=replace(made.waiver, **change))
    assert why(here, GatePrepared(gate=wrong)) == "not_the_risk_asked_for"


def test_a_risk_gate_with_a_command_or_without_a_question_is_refused() -> None:
    here = asked()
    assert why(here, GatePrepared(gate=risk_gate(here, commands=gate(here).commands))) == "not_the_risk_asked_for"
    assert why(ready(), GatePrepared(gate=replace(risk_gate(here), barred=("alice",)))) == "not_the_risk_asked_for"


def test_a_step_gate_carries_no_waiver_to_be_given() -> None:
    here = asked()
    made = risk_gate(here)
    assert why(here, GatePrepared(gate=replace(made, kind="step"))) == "not_a_step_gate"


@pytest.mark.parametrize(
    "checks",
    [
        (finding(waivable=False),),
        (finding(), finding("NODE-PASSIVE", waivable=False)),
        (finding(when=When.AFTER),),
        (finding("OTHER"),),
    ],
)
def test_only_a_rule_that_blocks_now_beside_none_that_nobody_may_waive_can_be_asked_for(
    checks: tuple[Check, ...],
) -> None:
    here = blocked(*checks)
    event = WaiverAsked(by=CAROL, rule="BACKUP-RECENT", step="s01", reason="why not")
    assert why(here, event) == "not_waivable"


def test_a_waiver_needs_a_reason_and_the_step_in_hand() -> None:
    here = blocked()
    assert why(here, WaiverAsked(by=CAROL, rule="BACKUP-RECENT", step="s01", reason="  ")) == "no_reason"
    assert why(here, WaiverAsked(by=CAROL, rule="BACKUP-RECENT", step="s02", reason="x")) == "not_the_step_in_hand"
    assert why(ready(), WaiverAsked(by=CAROL, rule="BACKUP-RECENT", step="s01", reason="x")) == "table"


@pytest.mark.parametrize("end", [
    lambda g: GateVoided(gate=g.id, differences=("x",)), lambda g: GateExpired(gate=g.id), lambda g: GateRejected(gate=g.id, by=("bob",)),
    lambda g: Paused(by=ALICE),
])  # fmt: skip
def test_a_risk_gate_that_is_over_leaves_nothing_behind(end: Any) -> None:
    here = offered()
    assert here.gate is not None
    after = play(here, end(here.gate), now=2000.0)
    assert (after.waivers, after.risk, after.attempt) == ((), None, 2)


def test_a_waiver_dies_with_the_attempt_it_was_given_for() -> None:
    here = accepted()
    made = gate(here)
    here = play(here, GatePrepared(gate=made), GateOpened(gate=made.id, channel="C1", ts="1.3", posted_hash="p"))
    here = play(here, GateConsumed(intent=intent(here)))
    assert here.state is State.ACTING
    assert here.waivers
    for advance in (True, False):
        ended = outcome(here) if advance else replace(outcome(here), kind=outcome(here).kind.FAILED)
        assert play(here, StepEnded(outcome=ended, advance=advance)).waivers == ()


def test_a_question_that_no_longer_stands_is_dropped() -> None:
    here = asked()
    dropped = WaiverDropped(rule="BACKUP-RECENT", step="s01", sentence="it does not block any more")
    assert play(here, dropped).risk is None
    assert why(here, replace(dropped, rule="OTHER")) == "not_asked"


# --- before the start ---------------------------------------------------------------------------------------------


def proposed(*checks: Check) -> Campaign:
    made = replace(plan(), checks=checks or (finding(when=When.PLAN),))
    return play(None, requested(), PlanMade(plan=made, expires_at=5000.0))


def test_a_plan_that_a_rule_stops_cannot_be_started() -> None:
    answer = decide(proposed(), Started(by=ALICE), now=30.0)
    assert isinstance(answer, Refusal)
    assert (answer.kind, answer.part("why")) == (RefusalKind.PLAN_BLOCKED, "plan_blocked")


def test_a_plan_whose_risk_was_accepted_can_be_started_and_its_steps_begin_with_no_waiver_of_theirs() -> None:
    here = accepted(offered(asked(proposed())))
    assert here.state is State.PROPOSED
    assert [(w.step, w.rule) for w in here.waivers] == [("plan", "BACKUP-RECENT")]
    assert play(here, Started(by=ALICE)).state is State.READY
    late = decide(here, Started(by=ALICE), now=901.0)
    assert isinstance(late, Refusal)
    assert late.kind is RefusalKind.PLAN_BLOCKED
    other = replace(here, waivers=(replace(here.waivers[0], facts=(Fact(name="last backup", value="2019"),)),))
    assert isinstance(decide(other, Started(by=ALICE), now=30.0), Refusal)


def test_a_plan_with_one_rule_that_nobody_may_waive_offers_nothing() -> None:
    here = proposed(finding(when=When.PLAN), finding("QUORUM-SURVIVES", when=When.PLAN, waivable=False))
    assert waivable_blocks(here) == ()


def test_a_risk_gate_before_the_start_leads_back_to_the_plan_and_cannot_be_paused_into_a_step() -> None:
    here = offered(asked(proposed()))
    assert here.gate is not None
    assert here.gate.id == "CLUSTER01-1.plan.1"
    assert why(here, Paused(by=ALICE)) == "not_started"
    for end in (GateVoided(gate=here.gate.id, differences=()), GateRejected(gate=here.gate.id, by=("bob",))):
        assert play(here, end).state is State.PROPOSED
    assert why(proposed(), GatePrepared(gate=gate(ready()))) == "not_the_step_in_hand"
    assert BOB.person not in here.barred


# --- the way back -------------------------------------------------------------------------------------------------


def handed_over(**other: Any) -> Campaign:
    """A campaign whose first step, a handoff, is done."""
    made = plan()
    first = replace(made.steps[0], kind=StepKind.HANDOFF, target="EXN2", source="EXN1", cms="CMS1")
    here = play(
        None,
        requested(),
        PlanMade(plan=replace(made, steps=(first, *made.steps[1:])), expires_at=5000.0),
        Started(by=ALICE),
    )
    done = outcome(here)
    return replace(play(here, StepEnded(outcome=done, advance=True)), **other)


def test_a_return_is_the_last_handoff_the_other_way_round_and_nothing_follows_it() -> None:
    here = handed_over()
    back = way_back(here)
    assert back is not None
    assert (back.source, back.target, back.cms, back.option) == ("EXN2", "EXN1", "CMS1", "return")
    after = play(here, ReturnAsked(by=CAROL, reason="clients cannot connect", step=back))
    assert after.plan is not None
    assert after.plan.steps[after.step_index :] == (back,)
    assert "carol" in after.barred
    assert after.risk is not None
    assert (after.risk.rule, after.risk.step) == ("MIXED-LEVEL-MOVE", back.id)
    assert back.id not in {step.id for step in plan().steps}


def test_a_return_closes_the_open_gate_so_that_its_votes_count_for_nothing() -> None:
    here = handed_over()
    back = way_back(here)
    made = gate(here)
    opened = play(here, GatePrepared(gate=made), GateOpened(gate=made.id, channel="C1", ts="1.4", posted_hash="p"))
    assert back is not None
    after = play(opened, ReturnAsked(by=CAROL, reason="clients cannot connect", step=back))
    assert after.state is State.READY
    assert why(after, GateConsumed(intent=replace(intent(opened), version=after.version))) == "table"


def test_there_is_no_way_back_before_a_handoff_while_a_node_is_paused_or_to_another_place() -> None:
    here = handed_over()
    back = way_back(here)
    assert back is not None
    asked_for = ReturnAsked(by=CAROL, reason="x", step=back)
    assert why(ready(), asked_for) == "nothing_was_moved"
    assert why(replace(here, paused_nodes=("EXN1",)), asked_for) == "a_node_is_paused"
    assert why(here, replace(asked_for, step=replace(back, target="EXN9"))) == "not_the_way_back"
    assert why(here, replace(asked_for, reason=" ")) == "no_reason"
