"""A step whose effect is there already: nothing is asked for and nothing is run, but a mail server settles all the same."""

from __future__ import annotations

from state.store import Store
from state.words import OutcomeKind, State, StepKind
from tests.engine.bench import Bench
from tests.procedure.build import NEW, OLD, ccr, plan_of


def test_a_mail_server_somebody_else_moved_settles_before_the_next_node_is_touched(store: Store) -> None:
    before = ccr(n1=OLD, n2=NEW, scr=None)
    plan = plan_of(before)
    assert [step.kind for step in plan.steps] == [StepKind.HANDOFF, StepKind.EVACUATE, StepKind.INSTALL]
    bench = Bench(store, ccr(n1=OLD, n2=NEW, scr=None, active="EXN2"))
    bench.begin(plan)
    here = bench.advance()
    assert here.state is State.READY
    assert [(one.step, one.kind) for one in here.outcomes] == [("s01", OutcomeKind.DONE)]
    assert "nothing was run" in here.outcomes[0].sentence
    assert here.not_before >= here.outcomes[0].at + 899.0
    assert "settles on EXN2" in here.wait_reason


def test_what_only_the_moment_after_a_handoff_asks_for_is_asked_for_one_that_was_so_already(store: Store) -> None:
    """Mail that does not reach it stops the campaign, whoever moved the mail server."""
    plan = plan_of(ccr(n1=OLD, n2=NEW, scr=None))
    bench = Bench(store, ccr(n1=OLD, n2=NEW, scr=None, active="EXN2"))
    bench.begin(plan)
    here = bench.advance()
    assert {("EXN2", "queues"), ("EXN2", "oab")} <= set(bench.machines.more)
    said = next(check.sentence for check in here.outcomes[0].checks if check.rule == "MOVE-DONE")
    assert "not asked at this moment" not in said
