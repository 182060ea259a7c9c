"""`/rollup return`: refused while there is nothing to return, else the one step that is left, with its risk asked for."""

from __future__ import annotations

from dataclasses import replace

from state.words import Actor, Outcome, OutcomeKind, PlanMade, Started, State, StepEnded, StepKind
from tests.handlers.conftest import ALICE, Bench, a_plan


def handed_over(bench: Bench) -> None:
    bench.types(ALICE, "plan CLUSTER01")
    plan = a_plan()
    moved = replace(plan.steps[0], kind=StepKind.HANDOFF)
    bench.apply(PlanMade(plan=replace(plan, steps=(moved, *plan.steps[1:])), expires_at=bench.clock.lab() + 86400))
    bench.apply(Started(by=Actor(user=ALICE, person=ALICE)))
    done = Outcome(step="s01", attempt=1, kind=OutcomeKind.DONE, sentence="Hand CMS1 over: done.")
    bench.apply(StepEnded(outcome=done, advance=True))
    bench.edge.project("CLUSTER01-1")


def test_nothing_is_returned_that_was_not_moved(bench: Bench) -> None:
    bench.started()
    said = bench.types(ALICE, "return CLUSTER01")
    assert "no mail server was moved by this campaign" in said
    assert bench.campaign().risk is None


def test_a_return_by_the_clusters_name_is_the_one_step_left_and_the_thread_says_what_it_ends(bench: Bench) -> None:
    handed_over(bench)
    said = bench.types(ALICE, "return CLUSTER01 clients cannot connect")
    assert "*Return* noted" in said
    campaign = bench.campaign()
    assert campaign.state is State.READY
    assert [step.title for step in campaign.plan.steps[campaign.step_index :]] == ["Return CMS1 to EXN1"]  # type: ignore[union-attr]
    assert campaign.risk is not None
    assert campaign.risk.reason == "clients cannot connect"
    bench.edge.project("CLUSTER01-1")
    assert "ends the campaign" in bench.thread()
