"""The transition table: total, closed, and drawn in the docs as it is."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from state.campaign import EVENTS, FINAL, TABLE, TARGETS, decide, next_state, stay
from state.diagram import PAGE, page
from state.words import Campaign, Options, Refusal, RefusalKind, State
from tests.state.samples import ALICE, requested


def campaign(state: State) -> Campaign:
    return Campaign(
        id="CLUSTER01-1",
        nonce="n",
        cluster="CLUSTER01",
        channel="C1",
        state=state,
        version=1,
        head="h",
        requester=ALICE,
        options=Options(),
    )


def shortest(kind: Any) -> Any:
    """The emptiest value of a type: enough to ask the table."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: shortest(hints[field.name]) for field in fields(kind)})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        return ()
    options = get_args(kind)
    if type(None) in options:
        return None
    if isinstance(kind, type) and issubclass(kind, str) and hasattr(kind, "__members__"):
        return next(iter(kind.__members__.values()))
    return kind()


def test_every_state_has_a_row_also_the_final_ones() -> None:
    assert set(TABLE) == set(State)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS.keys())
def test_every_event_in_every_state_gets_an_answer_and_never_an_exception(state: State, kind: type[Any]) -> None:
    before = campaign(state)
    answer = decide(before, shortest(kind), now=0.0)
    if isinstance(answer, Refusal):
        assert answer.kind in (RefusalKind.FINISHED, RefusalKind.WRONG_STATE)
        assert answer.part("why")
    else:
        assert kind in TABLE[state]
    assert before == campaign(state)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_state_has_no_way_out(state: State) -> None:
    assert TABLE[state] == {}
    for kind in EVENTS.values():
        answer = decide(campaign(state), shortest(kind), now=0.0)
        assert isinstance(answer, Refusal)
        assert answer.kind is RefusalKind.FINISHED


@pytest.mark.parametrize("state", sorted(set(State) - FINAL))
def test_every_other_state_can_be_aborted_and_can_reach_an_end(state: State) -> None:
    assert next_state(campaign(state), shortest(EVENTS["abort_requested"])) is State.ABORTING
    seen, todo = set(), [state]
    while todo:
        here = todo.pop()
        if here in seen:
            continue
        seen.add(here)
        for way in TABLE[here].values():
            todo += [way] if isinstance(way, State) else list(TARGETS.get(way, ()))
    assert seen & FINAL


def test_every_state_can_be_reached_from_planning() -> None:
    seen, todo = set(), [State.PLANNING]
    while todo:
        here = todo.pop()
        if here in seen:
            continue
        seen.add(here)
        for way in TABLE[here].values():
            todo += [way] if isinstance(way, State) else list(TARGETS.get(way, ()))
    assert seen == set(State)


def test_every_resolver_says_where_it_may_lead() -> None:
    resolvers = {way for row in TABLE.values() for way in row.values() if not isinstance(way, State)}
    assert resolvers - {stay} == set(TARGETS)


def test_every_event_but_the_first_has_a_place_in_the_table() -> None:
    placed = {kind for row in TABLE.values() for kind in row}
    assert set(EVENTS.values()) - placed == {EVENTS["campaign_requested"]}


def test_only_a_request_begins_a_campaign() -> None:
    assert decide(None, requested(), now=0.0) == (requested(),)
    for name, kind in EVENTS.items():
        if name != "campaign_requested":
            answer = decide(None, shortest(kind), now=0.0)
            assert isinstance(answer, Refusal)
            assert answer.kind is RefusalKind.UNKNOWN_CAMPAIGN


def test_event_names_are_the_class_names_in_snake_case() -> None:
    assert EVENTS["gate_consumed"].__name__ == "GateConsumed"
    assert EVENTS["late_withdrawal"].__name__ == "LateWithdrawal"
    assert len(EVENTS) == 39


def test_the_drawing_in_the_docs_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m state.diagram"
