"""A step whose effect is there already: nothing is asked for and nothing is run, but a mail server settles all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.procedure.context import context_of
from bot.procedure.facts import NodeStatus
from state.store import Store
from state.words import GateVoided, OutcomeKind, State, StepKind, Verdict, When
from tests.engine.bench import Bench
from tests.procedure.build import NEW, OLD, ccr, judge, node_state, plan_of


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


@pytest.mark.parametrize("asked", [True, False], ids=["while its gate is open", "before its gate"])
def test_an_empty_node_that_somebody_paused_is_not_taken_for_one_that_was_emptied(store: Store, asked: bool) -> None:
    """The bot would resume it after the install, and whoever paused it had a reason."""
    empty = ccr(scr=None, home="EXN1")
    bench = Bench(store, empty)
    bench.begin(plan_of(empty))
    if asked:
        here = bench.advance()
        gate = bench.opened()
        assert [command.effect for command in gate.commands] == ["pause:EXN2"]
        bench.apply(here.id, GateVoided(gate=gate.id, differences=("EXN2 is Paused",)))
    bench.machines.facts = node_state(empty, "EXN2", NodeStatus.PAUSED)
    here = bench.advance()
    assert here.state is State.BLOCKED
    assert here.stop is not None
    assert (here.stop.rule, here.stop.step) == ("NODE-MEMBER", "s01")
    assert not here.outcomes


def test_a_pause_of_ours_that_was_cut_off_is_known_by_the_job_that_was_opened(store: Store) -> None:
    empty = ccr(scr=None, home="EXN1")
    bench = Bench(store, empty)
    bench.begin(plan_of(empty))
    here = bench.advance()
    assert here.images
    cut_off = replace(here, known_jobs=((f"{here.id}-{here.nonce}-s01-1-1", here.version),))
    paused = node_state(empty, "EXN2", NodeStatus.PAUSED)
    verdicts = [
        judge("NODE-MEMBER", When.GATE, paused, plan=here.plan, step=here.step, context=context_of(one)).verdict
        for one in (here, cut_off)
    ]
    assert verdicts == [Verdict.BLOCK, Verdict.PASS]
