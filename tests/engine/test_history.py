"""Forecasts come from what was measured, and say where they come from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.engine.history import History, measured
from bot.procedure.context import Durations
from state.history import Measured, outages, p90, steps
from state.store import Store
from state.words import Campaign, Outcome, OutcomeKind, StepKind
from tests.procedure.build import ccr, plan_of
from tests.state.test_guards import ready

PLAN = plan_of(ccr())


def campaign(*took: tuple[StepKind, float, float], kind: OutcomeKind = OutcomeKind.DONE) -> Campaign:
    """One outcome each: of a step of that kind, how long it took, how long mail was away."""
    ids = {one.kind: one.id for one in PLAN.steps}
    made = tuple(
        Outcome(step=ids[what], attempt=n, kind=kind, sentence="", took_s=s, downtime_s=away or None)
        for n, (what, s, away) in enumerate(took, 1)
    )
    return replace(ready(), plan=PLAN, outcomes=made)


def test_p90_is_a_value_that_was_measured() -> None:
    assert p90([5.0]) == 5.0
    assert p90([1.0, 2.0, 3.0]) == 3.0
    assert p90([float(n) for n in range(1, 11)]) == 9.0


def test_fewer_than_three_measurements_say_nothing_and_failures_never_count() -> None:
    two = campaign((StepKind.INSTALL, 600.0, 0.0), (StepKind.INSTALL, 700.0, 0.0))
    assert steps([two]) == {}
    assert steps([two, campaign((StepKind.INSTALL, 9000.0, 0.0), kind=OutcomeKind.FAILED)]) == {}
    assert steps([two, campaign((StepKind.INSTALL, 0.0, 0.0))]) == {}, "already so: nothing was run"
    assert steps([two, campaign((StepKind.INSTALL, 650.0, 0.0))]) == {StepKind.INSTALL: Measured(700.0, 3)}


def test_outages_are_measured_apart() -> None:
    assert outages([campaign(*[(StepKind.HANDOFF, 300.0, away) for away in (100.0, 130.0, 110.0)])]) == Measured(
        130.0, 3
    )
    assert outages([campaign((StepKind.HANDOFF, 300.0, 100.0))]) is None


def test_a_measured_figure_takes_the_place_of_the_default_and_of_the_plans_and_says_so() -> None:
    base = Durations()
    known = measured({StepKind.INSTALL: Measured(1200.0, 4)}, Measured(95.0, 3), base)
    assert (known.install_s, known.downtime_s, known.handoff_s) == (1200.0, 95.0, base.handoff_s)
    assert known.install_without_crl_s == base.install_without_crl_s, "waiting for the list is not the usual install"
    install = next(one for one in PLAN.steps if one.kind is StepKind.INSTALL)
    handoff = next(one for one in PLAN.steps if one.kind is StepKind.HANDOFF)
    assert (known.expected(install), known.expected(handoff)) == (1200.0, handoff.expected_s)
    assert known.basis(StepKind.INSTALL) == "p90 of 4 measured"
    assert known.basis(StepKind.HANDOFF) == "default, not measured yet"
    assert known.category(StepKind.INSTALL) == measured({StepKind.INSTALL: Measured(9.0, 9)}, None, base).category(
        StepKind.INSTALL
    ), "the number itself is in no digest"
    assert known.category(StepKind.HANDOFF) != replace(known, measured=((StepKind.HANDOFF, 1.0, 3),)).category(
        StepKind.HANDOFF
    )


def test_the_store_is_read_at_most_once_a_minute(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(Store, "all", lambda _self, limit: asked.append(limit) or [])
    history = History()
    assert history.durations(store, Durations()) == Durations()
    history.durations(store, Durations())
    assert len(asked) == 1
