"""A risk gate in the engine: what was accepted is what was shown, or nothing was accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.procedure.facts import EstateFacts
from state.store import Store
from state.words import Choice, GateStatus, GateVoided, State, Vote, Voted, WaiverAsked
from tests.engine.bench import ALICE, Bench
from tests.engine.test_gate_lines import ORDER, the_items_are_whole
from tests.procedure.build import NEW, ccr, plan_of, regroup

BACK: dict[str, Any] = {"auto_failback": 1, "preferred": ("EXN2",)}


def asked(store: Store) -> Bench:
    """The evacuation of EXN2 blocked by a group that would come back by itself; its risk gate approved by Bob."""
    found = ccr(scr=NEW)
    bench = Bench(store, regroup(found, "Cluster Group", **BACK))
    bench.begin(plan_of(found))
    here = bench.advance()
    assert (here.state, here.stop.rule if here.stop else "") == (State.BLOCKED, "FAILBACK-OFF"), here.stop
    bench.apply(here.id, WaiverAsked(by=ALICE, rule="FAILBACK-OFF", step="s01", reason="it is known"))
    assert bench.advance().state is State.GATED
    gate = bench.opened()
    assert gate.kind == "risk"
    the_items_are_whole(tuple(line for line in gate.notes if line.startswith(ORDER)))
    vote = Vote(gate=gate.id, user="U2", person="bob", emoji="+1", choice=Choice.APPROVE, counted=True)
    bench.apply(here.id, Voted(vote=vote))
    return bench


def test_a_risk_accepted_as_it_was_shown_becomes_a_waiver(store: Store) -> None:
    bench = asked(store)
    here = bench.advance()
    assert [(w.rule, w.approved_by, w.gate) for w in here.waivers] == [("FAILBACK-OFF", ("bob",), "CLUSTER01-1.s01.1")]
    assert here.gate is not None
    assert here.gate.kind == "step", "and the step's own gate follows"


@pytest.mark.parametrize(
    "changed",
    [
        lambda facts: regroup(facts, "Available Storage", **BACK),
        lambda facts: regroup(facts, "Cluster Group", auto_failback=0),
    ],
    ids=["another group too", "none any more"],
)
def test_a_risk_gate_is_void_when_the_value_it_would_accept_changes(
    store: Store, changed: Callable[[EstateFacts], EstateFacts]
) -> None:
    bench = asked(store)
    gate = bench.here().gate
    assert gate is not None
    assert gate.status is GateStatus.OPENED
    bench.machines.facts = changed(bench.machines.facts)
    here = bench.advance()
    assert here.waivers == ()
    voided = [e.event for e in store.events(here.id) if isinstance(e.event, GateVoided)]
    assert [one.gate for one in voided] == [gate.id]
    assert any("FAILBACK-OFF" in line for line in voided[0].differences), voided
