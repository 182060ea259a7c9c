"""The optional step at the end, in the engine: a no, no answer and no way all end the campaign as done."""

from __future__ import annotations

import time
from dataclasses import replace

from bot.procedure.facts import EstateFacts, NodeStatus
from state.store import Store
from state.words import (
    Blocked,
    Campaign,
    Choice,
    Finished,
    GateRejected,
    GateVoided,
    Outcome,
    OutcomeKind,
    State,
    StepEnded,
    Vote,
    Voted,
)
from tests.engine.bench import Bench
from tests.procedure.build import node_state, regroup
from tests.procedure.test_found import FOUND, LEFT, PLAN, step


def at_the_end(store: Store, facts: EstateFacts, speed: float = 1.0) -> Bench:
    """Both nodes at the level, and the step that gives the groups back in hand."""
    bench = Bench(store, FOUND, speed)
    here = bench.begin(PLAN)
    here = bench.advance()  # the first gate: from here on there is a before-image
    assert [image.machine for image in here.images] == ["EXN1"]
    gate = bench.opened()
    bench.apply(here.id, GateVoided(gate=gate.id, differences=("the test goes on",)))
    for one, insert in ((PLAN.steps[0], None), (PLAN.steps[1], step())):
        ended = Outcome(step=one.id, attempt=bench.here().attempt, kind=OutcomeKind.DONE, sentence="done")
        bench.apply(here.id, StepEnded(outcome=ended, advance=True, insert=insert))
    bench.machines.facts = facts
    return bench


def ended(bench: Bench) -> tuple[Campaign, str]:
    """The campaign once it is done, and the sentence about the step that was left."""
    here = bench.here()
    for _ in range(100):
        here = bench.advance()
        if here.state is State.DONE:
            break
        time.sleep(0.02)
    assert here.state is State.DONE, here.stop
    assert [o.kind for o in here.outcomes] == [OutcomeKind.DONE, OutcomeKind.DONE, OutcomeKind.LEFT]
    assert isinstance(bench.store.events(here.id)[-1].event, Finished)
    return here, here.outcomes[-1].sentence


def test_a_rejection_leaves_it_as_it_is_and_the_campaign_is_done(store: Store) -> None:
    bench = at_the_end(store, LEFT)
    assert bench.advance().state is State.GATED
    gate = bench.opened()
    assert [command.effect for command in gate.commands] == ["move:Cluster Group:EXN1", "move:Available Storage:EXN1"]
    bench.votes.choice = Choice.REJECT
    no = Vote(gate=gate.id, user="U2", person="bob", emoji="x", choice=Choice.REJECT, counted=True)
    bench.apply(bench.here().id, Voted(vote=no))
    here, sentence = ended(bench)
    assert "left as it is, as was asked for" in sentence
    assert any(isinstance(one.event, GateRejected) for one in store.events(here.id))


def test_silence_leaves_it_as_it_is_and_the_campaign_is_done(store: Store) -> None:
    bench = at_the_end(store, LEFT, speed=20_000.0)
    bench.votes.choice = None
    assert bench.advance().state is State.GATED
    bench.opened()
    assert "nobody answered in time" in ended(bench)[1]


def test_a_group_that_cannot_go_back_is_left_where_it_is(store: Store) -> None:
    nowhere = regroup(LEFT, "Cluster Group", possible_owners=("EXN2",))
    bench = at_the_end(store, nowhere, speed=1_000.0)
    here, sentence = ended(bench)
    assert "because of GROUP-MOVE-PLAN" in sentence
    blocked = [one.event.stop.final for one in store.events(here.id) if isinstance(one.event, Blocked)]
    assert blocked == [False], "it is read again quietly for a while, however slow this machine is"


def test_what_was_tried_and_failed_is_looked_at_by_people(store: Store) -> None:
    bench = at_the_end(store, LEFT)
    tried = Outcome(step="s03", attempt=1, kind=OutcomeKind.FAILED, sentence="tried")
    failed = replace(bench.here(), outcomes=(*bench.here().outcomes, tried))
    from bot.engine.gating import _let_be
    from bot.engine.turn import Turn
    from state.words import Check, Stop, Verdict, When

    lease = store.leases.take(failed.id)
    assert lease is not None
    turn = Turn(bench.engine.rooms, lease)
    bad = Check(rule="GROUPS-SNAPSHOT", when=When.GATE, verdict=Verdict.BLOCK, sentence="'Cluster Group' is Failed.")
    stop = Stop(rule=bad.rule, sentence=bad.sentence, step="s03", checks=(bad,), final=True)
    assert _let_be(turn, bench.here(), stop) is not None
    assert _let_be(turn, failed, stop) is None
    assert _let_be(turn, bench.here(), replace(stop, final=False)) is None, "only when patience is over"
    assert _let_be(turn, bench.here(), replace(stop, rule="JOBS-KNOWN", checks=())) is None, "that is never optional"


def test_a_node_that_somebody_paused_meanwhile_is_said_at_the_end_with_its_command(store: Store) -> None:
    bench = at_the_end(store, node_state(LEFT, "EXN1", NodeStatus.PAUSED), speed=1_000.0)
    here, _ = ended(bench)
    finished = store.events(here.id)[-1].event
    assert isinstance(finished, Finished)
    assert "EXN1 is Paused" in finished.sentence
    assert finished.by_hand == (("let EXN1 take groups again", "cluster.exe node EXN1 /resume"),)
    seen = store.showing.get(here.id).seen
    assert seen is not None
    assert ("EXN1", "Paused") in seen.nodes
