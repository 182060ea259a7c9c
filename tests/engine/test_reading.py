"""What a turn has just read may stand for a second reading before people are asked, and only then."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.engine import gating
from bot.engine.reading import STILL_FRESH_S, just_read, read_for
from bot.engine.rooms import Rooms
from bot.engine.turn import Turn
from bot.procedure.facts import EstateFacts
from state.showing import Shown
from state.store import Store
from state.words import Actor, Campaign, Plan, State, Step, StepKind
from tests.engine.bench import Bench
from tests.procedure.build import NEW, PACKAGE, ccr, plan_of, regroup, silent

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
        store=SimpleNamespace(
            server_time=lambda: SEEN.read_at + later, showing=SimpleNamespace(get=lambda _campaign: Shown())
        ),
        lab=lambda: SEEN.now,
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


@dataclass
class WithADeadAddress(Asked):
    """SCR1 says nothing, and that takes 30 s; each reading ends when the clock stands where it stood."""

    now: float = 100.0
    back: bool = False

    def read(self, _inventory: object, machines: tuple[str, ...], **more: Any) -> EstateFacts:
        self.machines.append(machines)
        self.now += 30.0 if "SCR1" in machines and not self.back else 2.0
        seen = SEEN if self.back else silent(SEEN, "SCR1")
        answers = tuple(replace(m, read_at=self.now) for m in seen.machines if m.name in machines)
        return replace(SEEN, machines=answers, read_at=self.now)


def test_a_target_that_was_left_out_is_asked_first_so_that_its_silence_ages_nobody_else() -> None:
    plan = plan_of(silent(SEEN, "SCR1"))
    asked = WithADeadAddress()
    facts = read_for(rooms(asked), campaign(plan), plan.steps[0])
    assert facts is not None
    assert [sorted(one) for one in asked.machines] == [["SCR1"], ["EXN1", "EXN2"]]
    assert {machine.name for machine in facts.machines} == {"EXN1", "EXN2", "SCR1"}
    assert facts.read_at == asked.now  # as old as the nodes' answers
    returned = WithADeadAddress(back=True)
    facts = read_for(rooms(returned), campaign(plan), plan.steps[0])
    assert facts is not None
    assert facts.read_at == returned.now - 2.0  # it answers: then its answer counts like any other
    planned = Asked()
    assert read_for(rooms(planned), campaign(), step(StepKind.EVACUATE)) is not None
    assert len(planned.machines) == 1


def prepared(store: Store, seen: EstateFacts) -> tuple[Campaign, list[tuple[str, ...]]]:
    """A gate prepared in a turn that has just read `seen`, on machines where nothing is amiss; and what was read for it."""
    found = ccr(scr=NEW)
    bench = Bench(store, found)
    here = bench.begin(plan_of(found))
    lease = store.leases.take(here.id)
    assert lease is not None
    rooms = bench.engine.rooms
    machines = tuple(replace(m, read_at=store.server_time()) for m in seen.machines)
    gating.prepare(Turn(rooms, lease, replace(seen, machines=machines, read_at=store.server_time())), here)
    return bench.here(), bench.machines.asked


def test_people_are_asked_on_what_was_just_read(store: Store) -> None:
    here, read = prepared(store, ccr(scr=NEW))
    assert (here.state, read) == (State.GATED, [])


def test_what_keeps_a_gate_from_opening_is_read_anew(store: Store) -> None:
    under_way = regroup(ccr(scr=NEW), "Cluster Group", auto_failback=1, preferred=("EXN2",))
    here, read = prepared(store, under_way)
    assert here.state is State.GATED, here.stop
    assert [set(machines) for machines in read] == [{"EXN1", "EXN2", "SCR1"}]
