"""The real things: a Valkey, a served workspace, a bolt app over Socket Mode, and a campaign to push along."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.lab.clock import LabClock
from bot.lab.workspace import Channel, Person, RunningWorkspace, Workspace, serve_workspace
from bot.lab.workspace.acts import act
from handlers import Deps, Place, SlackEdge, hang_up, read_identity, register
from state.clock import Clock
from state.store import Store
from state.words import (
    Actor,
    Campaign,
    Check,
    Command,
    Event,
    Fact,
    Forecast,
    Gate,
    GatePrepared,
    GateStatus,
    JobKind,
    MachineLine,
    Options,
    Package,
    Plan,
    PlanMade,
    Policy,
    Realm,
    Refusal,
    Started,
    Step,
    StepKind,
    Verdict,
    When,
)
from tests.waiting import until

START = datetime(2026, 3, 14, 20, 0, tzinfo=UTC)
OPS, ELSEWHERE = "C0EXCHANGE", "C0ELSEWHE"
ALICE, BOB, CAROL, DAVE, ERIN = "U0ALICE00", "U0BOB0000", "U0CAROL00", "U0DAVE000", "U0ERIN000"
GUEST, GONE, STRANGER, ROBOT = "U0GUEST00", "U0GONE000", "U0STRANGE", "U0ROBOT00"
PEOPLE = (
    Person(id=ALICE, name="alice", real_name="Alice"),
    Person(id=BOB, name="bob", real_name="Bob"),
    Person(id=CAROL, name="carol", real_name="Carol"),
    Person(id=DAVE, name="dave", real_name="Dave"),
    Person(id=ERIN, name="erin", real_name="Erin"),
    Person(id=GUEST, name="guest", real_name="Guest", is_restricted=True),
    Person(id=GONE, name="gone", real_name="Gone", deleted=True),
    Person(id=STRANGER, name="stranger", real_name="Stranger", is_stranger=True),
    Person(id=ROBOT, name="robot", real_name="Robot", is_bot=True),
)
POLICY = Policy(requesters=(ALICE,), approvers=(BOB, CAROL, GUEST, STRANGER, ROBOT), quorum=1)
PACKAGE = Package(
    kb="KB4011325",
    build="8.3.517.0",
    path="C:\\pkg\\ru23.msp",
    sha256="ab" * 32,
    title="Update Rollup 23 for Exchange Server 2007 SP3",
)


def check(
    rule: str = "NODE-EMPTY", verdict: Verdict = Verdict.PASS, sentence: str = "EXN2 owns no group.", **other: Any
) -> Check:
    facts = other.pop("facts", (Fact(name="groups", value="none", machine="EXN2"),))
    return Check(rule=rule, when=When.GATE, verdict=verdict, sentence=sentence, facts=facts, **other)


def a_plan(steps: int = 3) -> Plan:
    kinds = (StepKind.EVACUATE, StepKind.INSTALL, StepKind.HANDOFF)
    made = tuple(
        Step(
            id=f"s{n + 1:02}",
            kind=kinds[n % 3],
            target="EXN2",
            title=f"{kinds[n % 3].value.capitalize()} EXN2",
            rule="S6",
            because="EXN2 is the passive node",
            cluster="CLUSTER01",
            cms="CMS1",
            source="EXN1",
            expected_s=60.0,
            downtime_s=0.0,
        )
        for n in range(steps)
    )
    return Plan(
        cluster="CLUSTER01",
        package=PACKAGE,
        options=Options(),
        steps=made,
        checks=(check(),),
        machines=(
            MachineLine(name="EXN1", role="active", level="8.3.485.1", owns=("CMS1",)),
            MachineLine(name="EXN2", role="passive", level="8.3.485.1"),
        ),
        cms=("CMS1",),
        scr_targets=("SCR1",),
        lock_set=("CLUSTER01", "SCR1"),
        machine_set=("EXN1", "EXN2"),
        rules_version="1",
        bot_version="0.1.0",
        made_at=START.timestamp(),
        downtime_s=120.0,
        duration_s=3600.0,
    )


def a_gate(campaign: Campaign, policy: Policy = POLICY, **other: Any) -> Gate:
    step = campaign.step
    assert step is not None
    now = campaign.changed_at
    approvers = tuple(
        Actor(user=u, person=policy.person(u)) for u in policy.approvers if policy.person(u) not in campaign.barred
    )
    command = Command(
        text='cluster.exe group "Cluster Group" /move:EXN1',
        kind=JobKind.SHELL,
        node="EXN2",
        purpose="move 'Cluster Group' to EXN1",
        effect="move:Cluster Group:EXN1",
    )
    made = Gate(
        id=f"{campaign.id}.{step.id}.{campaign.attempt}",
        campaign=campaign.id,
        step=step.id,
        attempt=campaign.attempt,
        target="EXN2",
        kind="step",
        title=step.title,
        digest="d1" * 32,
        commands=(command,),
        checks=(check(),),
        forecast=Forecast(step_s=60.0, downtime_s=0.0, basis="default"),
        approvers=approvers,
        barred=campaign.barred,
        quorum=policy.quorum,
        opened_at=now,
        expires_at=now + 3600.0,
        notes=("“No” costs time only.",),
    )
    return replace(made, **other)


@dataclass
class Woken:
    """The dispatch seam, remembered; `publish` projects at once when `edge` is set."""

    advanced: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    edge: SlackEdge | None = None

    def advance(self, campaign_id: str) -> None:
        self.advanced.append(campaign_id)

    def publish(self, campaign_id: str) -> None:
        self.published.append(campaign_id)
        if self.edge is not None:
            self.edge.project(campaign_id)


class Bench:
    """Everything a test touches: what people do, what the thread says, what the state holds."""

    def __init__(self, space: Workspace, server: RunningWorkspace, store: Store, clock: LabClock) -> None:
        self.space, self.server, self.store = space, server, store
        self.policy, self.packages, self.woken, self.slept = POLICY, (PACKAGE,), Woken(), [0.0]
        client = WebClient(token=space.app.bot_token, base_url=server.api_url, timeout=30)
        wall = time.time()
        self.clock = Clock(start=clock.now(), anchor=wall, speed=1.0)
        self.deps = Deps(
            store=store, client=client, policy=lambda _cluster: self.policy,
            places=lambda: (Place(cluster="CLUSTER01", channel="exchange-ops", machines=("EXN1", "EXN2")),
                            Place(cluster="CLUSTER02", channel=OPS)),
            packages=lambda: self.packages, wake=self.woken, clock=self.clock, realm=Realm.LAB,
            identity=read_identity(client, space.app.app_token), sleep=self._sleep,
        )  # fmt: skip
        self.listeners = ThreadPoolExecutor(5, thread_name_prefix="listeners")
        self.app = App(client=client, listener_executor=self.listeners, ignoring_self_events_enabled=False)
        self.edge = register(self.app, self.deps)
        self.handler = SocketModeHandler(self.app, space.app.app_token)
        self.ops = 0
        self.longest_sleep = 0.05  # waits are asked for in full, and slept in short

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(min(seconds, self.longest_sleep))

    # people
    def types(self, who: str, text: str, channel: str = OPS) -> str:
        """`/rollup text`, and the words of the answer that person alone sees."""
        before = len(self.whispers(who))
        act(self.space, {"as": who, "type": "command", "channel": channel, "text": f"/rollup {text}".strip()})
        return str(until(lambda: self.whispers(who)[before:])[-1])

    def says(self, who: str, text: str, thread: str = "", channel: str = OPS) -> str:
        return str(
            act(self.space, {"as": who, "type": "message", "channel": channel, "text": text, "thread_ts": thread})["ts"]
        )

    def reacts(self, who: str, ts: str, emoji: str = "white_check_mark", *, take_back: bool = False) -> None:
        act(
            self.space,
            {"as": who, "type": "unreact" if take_back else "react", "channel": OPS, "ts": ts, "emoji": emoji},
        )

    # what is seen
    def whispers(self, who: str) -> list[str]:
        with self.space.lock:
            found = [m for messages in self.space.messages.values() for m in messages.values() if m.only_for == who]
        return [m.text + "\n" + _words(m.blocks) for m in sorted(found, key=lambda m: float(m.ts))]

    def posts(self, kind: str = "") -> list[Any]:
        with self.space.lock:
            found = [m for m in self.space.messages[OPS].values() if m.by_app and not m.only_for and m.metadata]
        return [m for m in found if m.metadata and m.metadata["event_type"].startswith(kind or "rollup_")]

    def thread(self) -> str:
        return "\n".join(m.text + "\n" + _words(m.blocks) for m in self.posts())

    # state
    def campaign(self, ident: str = "CLUSTER01-1") -> Campaign:
        found = self.store.get(ident)
        assert found is not None
        return found

    def apply(self, *events: Event, ident: str = "CLUSTER01-1", **other: Any) -> Campaign:
        self.ops += 1
        done = self.store.apply(ident, events, op_id=f"bench-{self.ops}", at=self.clock.lab(), **other)
        assert not isinstance(done, Refusal), done
        return done

    def planned(self, steps: int = 3) -> Campaign:
        """Alice's plan, made and in the thread."""
        self.types(ALICE, "plan CLUSTER01")
        self.apply(PlanMade(plan=a_plan(steps), expires_at=self.clock.lab() + 86400))
        self.edge.project("CLUSTER01-1")
        return self.campaign()

    def started(self, steps: int = 3) -> Campaign:
        self.planned(steps)
        self.apply(Started(by=Actor(user=ALICE, person=ALICE, name="Alice")))
        self.edge.project("CLUSTER01-1")
        return self.campaign()

    def gated(self, **other: Any) -> Gate:
        """An open gate whose message stands in the thread."""
        campaign = self.started() if self.store.get("CLUSTER01-1") is None else self.campaign()
        self.apply(GatePrepared(gate=a_gate(campaign, self.policy, **other)))
        self.edge.project(campaign.id)
        gate = self.campaign().gate
        assert gate is not None
        assert gate.status is GateStatus.OPENED
        return gate


def _words(node: Any) -> str:
    if isinstance(node, list):
        return "\n".join(filter(None, (_words(each) for each in node)))
    if isinstance(node, dict):
        return "\n".join(
            v if k == "text" and isinstance(v, str) else _words(v) for k, v in node.items() if not isinstance(v, bool)
        )
    return ""


@pytest.fixture
def bench(store: Store) -> Iterator[Bench]:
    """A connected bot. When its test is over nothing of it is under way: the next one gets the same Redis, emptied."""
    clock = LabClock(START)
    channels = [
        Channel(id=OPS, name="exchange-ops"),
        Channel(id=ELSEWHERE, name="elsewhere", members={p.id for p in PEOPLE}),
    ]
    space = Workspace(PEOPLE, channels, clock)
    server = serve_workspace(space, ack_s=2.0, retry_after=(0.0, 0.3, 0.5))
    made = Bench(space, server, store, clock)
    made.handler.connect()
    until(server.connected)
    yield made
    hang_up(made.handler)
    server.stop()
    made.listeners.shutdown()
