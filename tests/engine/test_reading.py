"""What a turn has just read may stand for a second reading before people are asked, and only then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.engine.reading import STILL_FRESH_S, just_read
from bot.engine.rooms import Rooms
from bot.procedure.facts import EstateFacts
from state.words import Actor, Campaign, Plan, State, Step, StepKind
from tests.procedure.build import PACKAGE, ccr, plan_of

SEEN = ccr()
PLAN = plan_of(SEEN)


@dataclass
class Asked:
    """An estate that notes what it is asked for; its answers can be told from what was seen."""

    machines: list[tuple[str, ...]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    def read(self, _inventory: object, machines: tuple[str, ...], **more: Any) -> EstateFacts:
        self.machines.append(machines)
        self.more = more
        answers = tuple(replace(m, read_at=m.read_at + 1) for m in SEEN.machines if m.name in machines)
        return replace(SEEN, machines=answers, now=SEEN.now + 1)


def rooms(asked: Asked, *, later: float = 1.0) -> Rooms:
    made = SimpleNamespace(
        estate=asked,
        package=lambda _campaign: PACKAGE,
        config=SimpleNamespace(inventory=lambda _cluster: SEEN.inventory),
        store=SimpleNamespace(server_time=lambda: SEEN.read_at + later),
    )
    return cast("Rooms", made)


def campaign(plan: Plan = PLAN) -> Campaign:
    alice = Actor(user="UA", person="alice")
    return Campaign(
        id="CLUSTER01-1", nonce="n", cluster="CLUSTER01", channel="C1", state=State.READY, version=5, head="h",
        requester=alice, barred=("alice",), plan=plan,
    )  # fmt: skip


def step(kind: StepKind) -> Step:
    return next(one for one in PLAN.steps if one.kind is kind and one.target != "SCR1")


def test_the_same_machines_are_not_read_twice_in_a_row() -> None:
    asked = Asked()
    for one in (None, step(StepKind.EVACUATE)):
        assert just_read(rooms(asked), campaign(), SEEN, one) is SEEN
    assert asked.machines == []


def test_what_was_read_too_long_ago_or_of_other_machines_is_read_anew() -> None:
    asked = Asked()
    assert just_read(rooms(asked, later=STILL_FRESH_S + 0.1), campaign(), SEEN, None) is None
    assert just_read(rooms(asked), campaign(), replace(SEEN, machines=SEEN.machines[1:]), None) is None
    assert just_read(rooms(asked), campaign(), None, None) is None
    assert asked.machines == []


@pytest.mark.parametrize(
    ("kind", "machines"), [(StepKind.INSTALL, ("EXN2",)), (StepKind.HANDOFF, ("EXN1", "EXN2"))], ids=str
)
def test_only_machines_of_which_more_is_asked_are_read_again(kind: StepKind, machines: tuple[str, ...]) -> None:
    asked, wanted = Asked(), step(kind)
    facts = just_read(rooms(asked), campaign(), SEEN, wanted)
    assert facts is not None
    assert asked.machines == [machines]
    assert asked.more["validate"] == (((wanted.cms, wanted.target),) if kind is StepKind.HANDOFF else ())
    assert {target for target, _what in asked.more["asked"]} == set(machines)
    again = {m.name for m in facts.machines if m.read_at > SEEN.read_at}
    assert again == set(machines)
    assert [m.name for m in facts.machines] == [m.name for m in SEEN.machines]
    assert facts.read_at == SEEN.read_at, "as old as its oldest part"
