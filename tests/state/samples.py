"""Events in their shortest form, and a walk of one campaign through them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from state.guards import gate_id, job_prefix
from state.store import Store
from state.words import (
    Actor,
    Campaign,
    CampaignRequested,
    Choice,
    Command,
    Event,
    Forecast,
    Gate,
    GateConsumed,
    GateOpened,
    GatePrepared,
    Intent,
    JobEnded,
    JobKind,
    JobOpened,
    JobOrder,
    JobStarted,
    JobState,
    Lease,
    Options,
    Outcome,
    OutcomeKind,
    Package,
    Plan,
    PlanMade,
    Realm,
    Refusal,
    Started,
    Step,
    StepEnded,
    StepKind,
    Vote,
    Voted,
)

ALICE = Actor(user="U1", person="alice", name="Alice")
BOB = Actor(user="U2", person="bob", name="Bob")
PACKAGE = Package(kb="KB4011325", build="8.3.517.0", path="C:\\pkg\\ru23.msp", sha256="ab" * 32)


def step(number: int, *, kind: StepKind = StepKind.EVACUATE, target: str = "EXN2") -> Step:
    return Step(
        id=f"s{number:02}", kind=kind, target=target, title=f"{kind.value} {target}", rule="S6", because="it is next"
    )


def plan(steps: int = 2, *, locks: tuple[str, ...] = ("CLUSTER01", "scr1.corp.example")) -> Plan:
    return Plan(
        cluster="CLUSTER01",
        package=PACKAGE,
        options=Options(),
        steps=tuple(step(n + 1) for n in range(steps)),
        checks=(),
        machines=(),
        cms=("CMS1",),
        scr_targets=("SCR1",),
        lock_set=locks,
        machine_set=("EXN2",),
        rules_version="1",
        bot_version="0.1.0",
        made_at=10.0,
    )


def command(
    text: str = 'cluster.exe group "Cluster Group" /move:EXN1', effect: str = "move:Cluster Group:EXN1"
) -> Command:
    return Command(text=text, kind=JobKind.SHELL, node="EXN2", purpose="move it", effect=effect)


def requested(**other: Any) -> CampaignRequested:
    return CampaignRequested(
        **{
            "campaign": "CLUSTER01-1",
            "nonce": "n0nce",
            "cluster": "CLUSTER01",
            "channel": "C1",
            "by": ALICE,
            "package_ref": "KB4011325",
            "options": Options(),
            "realm": Realm.LAB,
        }
        | other
    )


def gate(campaign: Campaign, /, *commands: Command, **other: Any) -> Gate:
    assert campaign.step is not None
    return replace(
        Gate(
            id=gate_id(campaign),
            campaign=campaign.id,
            step=campaign.step.id,
            attempt=campaign.attempt,
            target="EXN2",
            kind="step",
            title="Empty EXN2",
            digest="d" * 64,
            commands=commands or (command(),),
            checks=(),
            forecast=Forecast(step_s=60.0, downtime_s=0.0, basis="default"),
            approvers=(BOB,),
            barred=campaign.barred,
            quorum=1,
            opened_at=20.0,
            expires_at=1000.0,
        ),
        **other,
    )


def intent(campaign: Campaign, /, lease: Lease | None = None, **other: Any) -> Intent:
    assert campaign.gate is not None
    here = campaign.gate
    return replace(
        Intent(
            gate=here.id,
            step=here.step,
            attempt=here.attempt,
            digest=here.digest,
            approved_by=("bob",),
            users=("U2",),
            fence=lease.fence if lease else 1,
            token=lease.token if lease else "t",
            version=campaign.version,
            not_after=500.0,
        ),
        **other,
    )


def order(campaign: Campaign, /, **other: Any) -> JobOrder:
    assert campaign.gate is not None
    which = len(campaign.jobs)
    wanted = campaign.gate.commands[min(which, len(campaign.gate.commands) - 1)]
    return replace(
        JobOrder(
            name=f"{job_prefix(campaign)}{which}",
            campaign=campaign.id,
            version=campaign.version,
            gate=campaign.gate.id,
            command=wanted,
            command_hash=hashlib.sha256(wanted.text.encode()).hexdigest(),
            not_after=500.0,
        ),
        **other,
    )


def vote(campaign: Campaign, /, **other: Any) -> Vote:
    assert campaign.gate is not None
    return replace(
        Vote(
            gate=campaign.gate.id,
            user="U2",
            person="bob",
            emoji="white_check_mark",
            choice=Choice.APPROVE,
            counted=True,
        ),
        **other,
    )


def outcome(campaign: Campaign, /, kind: OutcomeKind = OutcomeKind.DONE, **other: Any) -> Outcome:
    assert campaign.step is not None
    return replace(Outcome(step=campaign.step.id, attempt=campaign.attempt, kind=kind, sentence="so it ended"), **other)


class Walk:
    """A campaign in a real store, moved on by hand."""

    def __init__(self, store: Store, cluster: str = "CLUSTER01") -> None:
        self.store, self.ops, self.at = store, 0, 100.0
        made = store.create(
            cluster=cluster,
            channel="C1",
            by=ALICE,
            package_ref="KB4011325",
            options=Options(),
            realm=Realm.LAB,
            op_id=f"plan-{cluster}",
            at=self.at,
        )
        assert isinstance(made, Campaign)
        self.campaign, self.lease = made, None

    def try_to(self, *events: Event, **other: Any) -> Campaign | Refusal:
        self.ops, self.at = self.ops + 1, self.at + 1.0
        answer = self.store.apply(
            self.campaign.id, events, op_id=f"{self.campaign.id}.op{self.ops}", at=self.at, **other
        )
        if isinstance(answer, Campaign):
            self.campaign = answer
        return answer

    def do(self, *events: Event, **other: Any) -> Campaign:
        answer = self.try_to(*events, **other)
        assert isinstance(answer, Campaign), answer
        return answer

    def take(self) -> Lease:
        lease = self.store.leases.take(self.campaign.id)
        assert lease is not None
        return lease

    def to_ready(self, **kinds: Any) -> Campaign:
        self.do(PlanMade(plan=plan(**kinds), expires_at=5000.0))
        return self.do(Started(by=ALICE))

    def to_open_gate(self, *commands: Command) -> Campaign:
        self.do(GatePrepared(gate=gate(self.campaign, *commands)))
        assert self.campaign.gate is not None
        return self.do(
            GateOpened(
                gate=self.campaign.gate.id, channel="C1", ts=f"17.{self.campaign.version:04}", posted_hash="p" * 64
            )
        )

    def to_acting(self, lease: Lease, *commands: Command) -> Campaign:
        self.to_open_gate(*commands)
        self.do(Voted(vote=vote(self.campaign)))
        return self.do(GateConsumed(intent=intent(self.campaign, lease)), lease=lease)

    def run_job(self, lease: Lease, exit_code: int = 0) -> Campaign:
        job = order(self.campaign)
        self.do(JobOpened(order=job, token=lease.token), lease=lease)
        self.do(JobStarted(job=job.name))
        return self.do(JobEnded(job=job.name, state=JobState.ENDED, exit_code=exit_code))

    def whole_step(self, lease: Lease) -> Campaign:
        self.to_acting(lease)
        self.run_job(lease)
        return self.do(StepEnded(outcome=outcome(self.campaign, downtime_s=2.5), advance=True))
