"""Whether mail is up is looked at beside everything else: told once, never by one look or one node alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.engine.turn import Turn
from bot.engine.watch import Watch, _applies
from bot.procedure.facts import ResourceFacts, Unknown
from bot.procedure.mail import mail_of
from handlers.outage import pinned
from state.campaign import decide
from state.store import Store
from state.words import Campaign, MailDown, MailUp, Outage, Refusal, State, StepKind
from tests.engine.bench import Bench
from tests.procedure.build import NEW, ccr

STORE, DATABASE = "Microsoft Exchange Information Store", "Microsoft Exchange Database Instance"


def resources(store: int = 2, first: int = 2, second: int = 2) -> tuple[ResourceFacts, ...]:
    return (
        ResourceFacts(name="Microsoft Exchange Information Store (CMS1)", type=STORE, state=store),
        ResourceFacts(name="SG1/MBX1 (CMS1)", type=DATABASE, state=first),
        ResourceFacts(name="SG2/MBX2 (CMS1)", type=DATABASE, state=second),
        ResourceFacts(name="SG1/MBX1 (CMS10)", type=DATABASE, state=4),
    )


@pytest.mark.parametrize(
    ("seen", "down"),
    [
        (resources(), None),
        (resources(second=3), ("SG2\\MBX2",)),
        (resources(first=4, second=3), ("SG1\\MBX1", "SG2\\MBX2")),
        (resources(3, 3, 3), ()),
        (resources(129, 3, 3), Unknown("Microsoft Exchange Information Store (CMS1) is on its way")),
        ((), Unknown("no resource of CMS1 is in the cluster")),
    ],
)
def test_mail_is_up_when_everything_of_the_server_is_online(
    seen: tuple[ResourceFacts, ...], down: tuple[str, ...] | Unknown | None
) -> None:
    assert mail_of(seen, "CMS1") == down


class Clocked:
    """A bench whose lab time the test moves, and a watch of its own for each process."""

    def __init__(self, store: Store) -> None:
        self.bench = Bench(store, ccr(scr=NEW))
        self.bench.begin()
        self.bench.advance()
        self.bench.opened()
        self.at = self.bench.clock.lab()
        self.restart()

    def restart(self) -> None:
        rooms = replace(self.bench.engine.rooms, clock=self)  # type: ignore[arg-type]
        self.watch = Watch(rooms)
        self.watch.until(self.here, None)

    def lab(self, _wall: float = 0.0) -> float:
        return self.at

    @property
    def here(self) -> Campaign:
        return self.bench.here()

    def says(self, **nodes: tuple[ResourceFacts, ...]) -> None:
        self.bench.machines.mail = nodes

    def after(self, seconds: float) -> tuple[Outage, ...]:
        self.at += seconds
        leases = self.bench.store.leases
        lease = leases.take(self.here.id)
        assert lease is not None
        self.watch.look(Turn(self.watch.rooms, lease), self.here)
        leases.release(lease)
        return self.here.outages


@pytest.fixture
def clocked(store: Store) -> Clocked:
    return Clocked(store)


def test_one_look_is_not_enough_and_two_are_told_once(clocked: Clocked) -> None:
    clocked.says(EXN1=resources())
    clocked.after(120)
    up_at = clocked.at
    clocked.says(EXN1=resources(second=3))
    assert clocked.after(120) == ()
    since = clocked.at
    told = clocked.after(30)
    assert told == (Outage(cms="CMS1", databases=("SG2\\MBX2",), seen_from="EXN1", since=since, last_up=up_at),)
    version = clocked.here.version
    clocked.after(300)
    clocked.restart()
    clocked.after(300)
    clocked.after(300)
    assert clocked.here.version == version, "told once, by whichever process"
    assert pinned(clocked.here)[-1][1] == "Mount-Database -Identity 'CMS1\\SG2\\MBX2'"
    clocked.says(EXN1=resources())
    assert clocked.after(30) == ()
    assert pinned(clocked.here) == ()


def test_a_database_that_is_only_mounting_is_not_told(clocked: Clocked) -> None:
    clocked.says(EXN1=resources(second=3))
    assert clocked.after(120) == ()
    clocked.says(EXN1=resources())
    clocked.after(30)
    clocked.says(EXN1=resources(second=3))
    assert clocked.after(120) == ()


def test_nodes_that_do_not_agree_are_no_news(clocked: Clocked) -> None:
    clocked.says(EXN1=resources(), EXN2=resources(3, 3, 3))
    for _ in range(4):
        assert clocked.after(120) == ()
    clocked.says(EXN2=resources(3, 3, 3))  # the other is silent now
    clocked.after(120)
    assert clocked.after(30)[0].seen_from == "EXN2"


def test_while_all_is_well_one_node_is_asked(clocked: Clocked) -> None:
    clocked.says(EXN2=resources())
    clocked.after(120)
    assert clocked.bench.machines.watched == ["EXN1", "EXN2"]
    clocked.after(60)
    clocked.after(60)
    assert clocked.bench.machines.watched == ["EXN1", "EXN2", "EXN2"], "the one that answered, and not before its time"


def test_a_handoff_takes_mail_away_on_purpose(clocked: Clocked) -> None:
    here = clocked.here
    assert here.plan is not None
    assert _applies(here)
    index = next(i for i, step in enumerate(here.plan.steps) if step.kind is StepKind.HANDOFF)
    gated = replace(here, step_index=index)
    assert _applies(gated)
    acting = replace(gated, state=State.ACTING, intent=object())  # type: ignore[arg-type]
    assert not _applies(acting)
    assert _applies(replace(acting, state=State.ASKING))
    assert not _applies(replace(here, holds_locks=False))


def test_an_outage_is_told_and_ended_once(clocked: Clocked) -> None:
    down = MailDown(outage=Outage(cms="CMS1", databases=(), seen_from="EXN1", since=1.0))
    up = MailUp(cms="CMS1", seen_from="EXN1", since=2.0)
    here = clocked.here
    assert isinstance(decide(here, up, now=3.0), Refusal)
    out = replace(here, outages=(down.outage,))
    assert isinstance(decide(out, down, now=3.0), Refusal)
    assert decide(out, up, now=3.0) == (up,)
    assert isinstance(decide(replace(here, holds_locks=False), down, now=3.0), Refusal)
