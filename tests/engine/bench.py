"""An engine on a real store, whose estate answers with prepared facts and whose Slack always counts one vote."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from bot.engine.rooms import EngineConfig, Rooms
from bot.engine.worker import Engine
from bot.procedure.facts import EstateFacts, Inventory, MachineFacts, ResourceFacts, SurveyFacts, Unknown, short
from state.clock import Clock
from state.store import Store
from state.words import (
    Actor,
    Ballot,
    Campaign,
    Choice,
    Event,
    Gate,
    GateOpened,
    JobFolder,
    JobOrder,
    JobReport,
    Options,
    Plan,
    PlanMade,
    Policy,
    Realm,
    Refusal,
    Started,
    Vote,
)
from tests.procedure.build import NOW, PACKAGE, plan_of

ALICE = Actor(user="U1", person="alice", name="Alice")
KEY = b"k" * 32


@dataclass
class Machines:
    """The estate port: `facts` is what every reading finds; no job is ever started here."""

    facts: EstateFacts
    wall: Any = None
    asked: list[tuple[str, ...]] = field(default_factory=list)  # the machines of each reading
    more: tuple[tuple[str, str], ...] = ()  # (machine, kind) asked for by the last reading
    mail: dict[str, tuple[ResourceFacts, ...]] = field(default_factory=dict)  # what a node says when mail is watched
    watched: list[str] = field(default_factory=list)

    def read(self, inventory: Inventory, machines: tuple[str, ...], **asked: Any) -> EstateFacts:
        self.more = asked.get("asked", ())
        wanted = {short(name) for name in machines}
        self.asked.append(machines)
        at = self.wall()
        seen = tuple(replace(m, read_at=at) for m in self.facts.machines if short(m.name) in wanted)
        gone = tuple(
            MachineFacts(name=n, reached=False, why_not="not there")
            for n in machines
            if short(n) not in {short(m.name) for m in seen}
        )
        return replace(self.facts, inventory=inventory, machines=seen + gone, read_at=at)

    def survey(self, name: str, kinds: tuple[str, ...]) -> SurveyFacts | Unknown:
        self.watched.append(name)
        return SurveyFacts(mail=self.mail.get(name, Unknown("nobody said")))

    def start(self, order: JobOrder) -> JobReport:
        raise AssertionError(order.name)

    close = observe = start

    def folders(self, machines: tuple[str, ...]) -> tuple[JobFolder, ...]:
        return ()

    def tidy(self, order: JobOrder) -> None:
        raise AssertionError(order.name)


@dataclass
class Votes:
    """The Slack port: Bob approves whatever is counted, unless `choice` says otherwise; `tones` times with one emoji."""

    choice: Choice | None = Choice.APPROVE
    wall: Any = None
    tones: int = 1

    def recount(self, campaign: Campaign, gate: Gate) -> Ballot:
        votes = ()
        if self.choice is not None:
            votes = (Vote(gate=gate.id, user="U2", person="bob", emoji="+1", choice=self.choice, counted=True),)
        return Ballot(gate=gate.id, read_at=self.wall(), intact=True, votes=votes * self.tones)

    def unknown_event(self, campaign: Campaign) -> int | None:
        return None

    def project(self, campaign_id: str) -> None:
        raise AssertionError(campaign_id)


class People:
    """The people port."""

    def policy(self, cluster: str) -> Policy:
        return Policy(
            requesters=("U1",), approvers=("U2", "U3"), persons=(("U1", "alice"), ("U2", "bob"), ("U3", "carol"))
        )


class Wake:
    """The dispatch port: nobody is woken."""

    def advance(self, campaign_id: str) -> None: ...

    def publish(self, campaign_id: str) -> None: ...


@dataclass
class Bench:
    """A started campaign and everything to push it along."""

    store: Store
    facts: EstateFacts
    speed: float = 1.0
    machines: Machines = field(init=False)
    votes: Votes = field(init=False)
    engine: Engine = field(init=False)
    ops: int = 0

    def __post_init__(self) -> None:
        wall = self.store.server_time
        self.clock = Clock(start=NOW, anchor=wall(), speed=self.speed)
        self.machines, self.votes = Machines(self.facts, wall), Votes(wall=wall)
        config = EngineConfig(
            inventories={short(self.facts.inventory.cluster): self.facts.inventory},
            packages=(PACKAGE,), realm=Realm.LAB, bot_version="t",
        )  # fmt: skip
        rooms = Rooms(
            store=self.store, estate=self.machines, slack=self.votes, people=People(), wake=Wake(), clock=self.clock,
            config=config, key=KEY,
        )  # fmt: skip
        self.engine = Engine(rooms)

    def begin(self, plan: Plan | None = None) -> Campaign:
        """Planned and started by Alice."""
        made = self.store.create(
            cluster=self.facts.inventory.cluster, channel="C1", by=ALICE, package_ref=PACKAGE.kb, options=Options(),
            realm=Realm.LAB, op_id="begin", at=self.clock.lab(),
        )  # fmt: skip
        assert not isinstance(made, Refusal)
        self.apply(made.id, PlanMade(plan=plan or plan_of(self.facts), expires_at=NOW + 86400), Started(by=ALICE))
        return self.here()

    def apply(self, campaign: str, *events: Event) -> Campaign:
        self.ops += 1
        done = self.store.apply(campaign, events, op_id=f"bench-{self.ops}", at=self.clock.lab())
        assert not isinstance(done, Refusal), done
        return done

    def here(self) -> Campaign:
        found = self.store.all(limit=1)[0]
        assert found is not None
        return found

    def advance(self) -> Campaign:
        """Let the engine do whatever it can do now."""
        self.engine.advance(self.here().id)
        return self.here()

    def opened(self) -> Gate:
        """The gate in hand, as it stands once its message is in Slack."""
        gate = self.here().gate
        assert gate is not None
        self.apply(self.here().id, GateOpened(gate=gate.id, channel="C1", ts=f"{self.ops}.1", posted_hash="h"))
        return gate
