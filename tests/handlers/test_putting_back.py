"""An optional step in Slack: a no ends nothing, and what differs at the end stands there with its commands."""

from __future__ import annotations

from dataclasses import replace

from state.words import (
    Aborted,
    AbortRequested,
    Actor,
    GateExpired,
    GatePrepared,
    GateRejected,
    Outcome,
    OutcomeKind,
    PlanMade,
    Refusal,
    Started,
    State,
    StepEnded,
    StepKind,
)
from tests.handlers.conftest import ALICE, BOB, Bench, a_gate, a_plan

WHO = Actor(user=ALICE, person=ALICE, name="Alice")
BACK = (("move 'Cluster Group' to EXN1", 'cluster.exe group "Cluster Group" /move:EXN1'),)


def asked(bench: Bench) -> str:
    """The gate of an optional step stands in the thread; its id."""
    bench.types(ALICE, "plan CLUSTER01")
    plan = a_plan(1)
    last = replace(
        plan.steps[0], kind=StepKind.RESTORE, option="owners", optional=True, groups=(("Cluster Group", "EXN1"),),
        title="Put 'Cluster Group' back on EXN1",
    )  # fmt: skip
    bench.apply(PlanMade(plan=replace(plan, steps=(last,)), expires_at=bench.clock.lab() + 86400), Started(by=WHO))
    bench.apply(GatePrepared(gate=a_gate(bench.campaign())))
    bench.edge.project("CLUSTER01-1")
    gate = bench.campaign().gate
    assert gate is not None
    return gate.id


def left(bench: Bench) -> StepEnded:
    outcome = Outcome(
        step="s01", attempt=bench.campaign().attempt + 1, kind=OutcomeKind.LEFT,
        sentence="Put 'Cluster Group' back on EXN1: left as it is, as was asked for.",
    )  # fmt: skip
    return StepEnded(outcome=outcome, advance=True)


def test_a_rejection_is_said_in_the_thread_and_is_no_end_of_the_campaign(bench: Bench) -> None:
    gate = asked(bench)
    bench.apply(GateRejected(gate=gate, by=(BOB,)), left(bench))
    bench.edge.project("CLUSTER01-1")
    assert bench.campaign().state is State.READY
    assert f"Rejected by <@{BOB}>: it stays as it is" in bench.thread()
    assert "left as it is, as was asked for" in bench.thread()
    assert "paused" not in bench.thread()
    assert bench.posts("rollup_closed") == []


def test_no_answer_in_time_is_said_too_and_no_new_gate_is_promised(bench: Bench) -> None:
    gate = asked(bench)
    later = bench.clock.lab() + 7200
    done = bench.store.apply("CLUSTER01-1", (GateExpired(gate=gate), left(bench)), op_id="late", at=later)
    assert not isinstance(done, Refusal), done
    bench.edge.project("CLUSTER01-1")
    assert "ran out without an approval: it stays as it is" in bench.thread()
    assert "A new gate follows" not in bench.thread()


def test_an_abort_ends_with_what_differs_and_the_command_for_it(bench: Bench) -> None:
    bench.started()
    said = "No step had been done. 'Cluster Group' is on EXN2; it was found on EXN1."
    bench.apply(AbortRequested(by=WHO), Aborted(sentence=said, by_hand=BACK))
    bench.edge.project("CLUSTER01-1")
    assert "it was found on EXN1" in bench.thread()
    assert BACK[0][1] in bench.thread()
