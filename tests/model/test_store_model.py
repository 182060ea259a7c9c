"""Two careless workers and two people against the real server, compared with a plain model of what must hold.

The workers resend, write on old versions, use stale leases and race for locks. Whatever they try, the store must
answer as the model does, and every campaign must replay to its snapshot.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from state.campaign import FINAL
from state.errors import Conflict, Fenced
from state.server import EmbeddedServer
from state.store import Store
from state.words import (
    Aborted,
    AbortRequested,
    Campaign,
    Event,
    Finished,
    GateConsumed,
    GateOpened,
    GatePrepared,
    GateStatus,
    GateVoided,
    JobEnded,
    JobOpened,
    JobState,
    Lease,
    Options,
    OutcomeKind,
    Paused,
    PlanMade,
    Progress,
    Realm,
    Refusal,
    RefusalKind,
    Resumed,
    Started,
    State,
    StepEnded,
    Voted,
)
from tests.state.samples import ALICE, gate, intent, order, outcome, plan, vote

EXAMPLES = int(os.environ.get("ROLLUP_MODEL_EXAMPLES", "20"))
CLUSTERS = ("CLUSTER01", "CLUSTER02", "CLUSTER03")
LOCKS = {"CLUSTER01": ("CLUSTER01", "SCR1"), "CLUSTER02": ("CLUSTER02", "SCR1"), "CLUSTER03": ("CLUSTER03", "SCR3")}
WORKERS = st.sampled_from(("w1", "w2"))
which = st.sampled_from(CLUSTERS)


def next_event(campaign: Campaign, lease: Lease | None, turn: int) -> Event:
    """One thing a worker could want to do now; `turn` chooses among several."""
    match campaign.state:
        case State.PLANNING:
            return PlanMade(plan=replace(plan(locks=LOCKS[campaign.cluster]), cluster=campaign.cluster), expires_at=1e9)
        case State.PROPOSED:
            return Started(by=ALICE)
        case State.READY:
            if campaign.step is None:
                return Finished(sentence="done", user_downtime_s=0.0)
            return GatePrepared(gate=gate(campaign, expires_at=1e9))
        case State.GATED:
            assert campaign.gate is not None
            if campaign.gate.status is GateStatus.PREPARED:
                return GateOpened(gate=campaign.gate.id, channel="C1", ts=campaign.gate.id, posted_hash="p")
            return (
                Voted(vote=vote(campaign)),
                GateConsumed(intent=intent(campaign, lease)),
                GateConsumed(intent=intent(campaign, lease)),
                GateVoided(gate=campaign.gate.id, differences=()),
            )[turn % 4]
        case State.ACTING | State.PAUSING:
            if campaign.open_job is not None:
                return JobEnded(job=campaign.open_job.order.name, state=JobState.ENDED, exit_code=turn % 2)
            if not campaign.jobs:
                return JobOpened(order=order(campaign), token=lease.token if lease else "none")
            good = turn % 3 > 0
            return StepEnded(outcome=outcome(campaign, OutcomeKind.DONE if good else OutcomeKind.FAILED), advance=good)
        case State.PAUSED:
            return Resumed(by=ALICE)
        case State.ABORTING:
            if campaign.open_job is not None:
                return JobEnded(job=campaign.open_job.order.name, state=JobState.CLOSED)
            return Aborted(sentence="over")
    return Progress(step="", sentence="too late")


class StoreModel(RuleBasedStateMachine):
    """The model: per cluster the campaign as last answered, who truly holds the lease, and every operation done."""

    def __init__(self) -> None:
        super().__init__()
        client = SERVER[0].client()
        client.flushall()
        self.client = client
        self.stores = {"w1": Store(client), "w2": Store(client)}
        self.ops = 0
        self.truth: dict[str, Campaign] = {}
        self.old: dict[str, list[Campaign]] = {cluster: [] for cluster in CLUSTERS}
        self.done: list[tuple[str, str, Event]] = []  # campaign, op id, event
        self.leases: dict[tuple[str, str], Lease] = {}  # as each worker believes
        self.holder: dict[str, str] = {}  # campaign -> worker, truly
        self.fences: dict[str, int] = {}
        self.consumed: dict[str, int] = {}

    def teardown(self) -> None:
        for campaign in self.truth.values():
            assert self.stores["w1"].replay(campaign.id) == campaign
        self.client.close()

    def _op(self) -> str:
        self.ops += 1
        return f"op-{self.ops}"

    def _learn(self, campaign: Campaign) -> None:
        self.truth[campaign.cluster] = campaign
        self.old[campaign.cluster].append(campaign)

    @initialize()
    def begin(self) -> None:
        for cluster in CLUSTERS:
            self.request(cluster)

    @rule(cluster=which)
    def request(self, cluster: str) -> None:
        now = self.truth.get(cluster)
        if now is not None and now.state not in FINAL:
            return
        locked = self.stores["w1"].lock_holder(cluster)
        assert locked is None, "a campaign that ended holds a lock"
        made = self.stores["w1"].create(
            cluster=cluster,
            channel="C1",
            by=ALICE,
            package_ref="",
            options=Options(),
            realm=Realm.LAB,
            op_id=self._op(),
            at=1.0,
        )
        assert isinstance(made, Campaign)
        assert now is None or int(made.id.rpartition("-")[2]) == int(now.id.rpartition("-")[2]) + 1
        self.old[cluster] = []
        self._learn(made)

    @rule(cluster=which, worker=WORKERS)
    def take_lease(self, cluster: str, worker: str) -> None:
        if cluster not in self.truth:
            return
        name = self.truth[cluster].id
        lease = self.stores[worker].leases.take(name)
        assert (lease is None) == (name in self.holder)
        if lease is not None:
            assert lease.fence == self.fences.get(name, 0) + 1
            self.fences[name], self.holder[name] = lease.fence, worker
            self.leases[worker, name] = lease

    @rule(cluster=which, worker=WORKERS)
    def let_lease_go(self, cluster: str, worker: str) -> None:
        if cluster not in self.truth:
            return
        name = self.truth[cluster].id
        if (lease := self.leases.get((worker, name))) is None:
            return
        held = self.holder.get(name) == worker
        assert self.stores[worker].leases.release(lease) == held
        if held:
            del self.holder[name]  # the worker keeps its stale lease and may try to use it

    @rule(cluster=which, worker=WORKERS, turn=st.integers(0, 11), times=st.integers(1, 9))
    def work_well(self, cluster: str, worker: str, turn: int, times: int) -> None:
        """As a worker should: with a lease if it can be had, on the newest version, several things in a row."""
        self.take_lease(cluster, worker)
        for n in range(times):
            self.work(cluster, worker, turn + n, back=0, bare=False)

    @rule(
        cluster=which, worker=WORKERS, turn=st.integers(0, 11), back=st.sampled_from((0, 0, 1, 3)), bare=st.booleans()
    )
    def work(self, cluster: str, worker: str, turn: int, back: int, bare: bool) -> None:
        seen = self.old[cluster]
        if not seen:
            return
        believed = seen[max(0, len(seen) - 1 - back)]
        now = self.truth[cluster]
        lease = None if bare else self.leases.get((worker, now.id))
        event = next_event(believed, lease, turn)
        op = self._op()
        fenced = lease is not None and self.holder.get(now.id) != worker
        demands = isinstance(event, (GateConsumed, JobOpened))
        try:
            answer = self.stores[worker].apply(
                now.id, event, op_id=op, at=100.0, lease=lease, expected=believed.version
            )
        except Conflict:
            assert believed.version != now.version
            return
        except Fenced:
            assert believed.version == now.version
            assert fenced or (demands and lease is None)
            return
        if isinstance(answer, Refusal):
            self._refused(answer, now, event)
            return
        assert believed.version == now.version
        assert not fenced
        assert not (demands and lease is None)
        assert answer.version == now.version + 1
        if isinstance(event, GateConsumed):
            assert event.intent.gate not in self.consumed, "one gate was consumed twice"
            self.consumed[event.intent.gate] = answer.version
        self.done.append((now.id, op, event))
        self._learn(answer)

    def _refused(self, answer: Refusal, now: Campaign, event: Event) -> None:
        if answer.kind is RefusalKind.BUSY:
            assert isinstance(event, Started)
            other = self.truth[{"CLUSTER01": "CLUSTER02", "CLUSTER02": "CLUSTER01"}[now.cluster]]
            assert other.holds_locks
            assert answer.part("holder") == other.id
            return
        assert answer.kind is RefusalKind.FINISHED
        assert now.state in FINAL

    @rule(cluster=which, abort=st.sampled_from((False, False, False, False, True)))
    def person(self, cluster: str, abort: bool) -> None:
        now = self.truth.get(cluster)
        if now is None:
            return
        event: Any = AbortRequested(by=ALICE) if abort else Paused(by=ALICE)
        op = self._op()
        answer = self.stores["w2"].apply(now.id, event, op_id=op, at=100.0)
        if isinstance(answer, Campaign):
            self.done.append((now.id, op, event))
            self._learn(answer)
        else:
            assert now.state in FINAL or not abort

    @precondition(lambda self: self.done)
    @rule(worker=WORKERS, back=st.integers(0, 7))
    def resend(self, worker: str, back: int) -> None:
        campaign, op, event = self.done[max(0, len(self.done) - 1 - back)]
        mine = [one for one in self.done if one[0] == campaign]
        if op not in [one[1] for one in mine[-16:]]:
            return
        before = self.stores[worker].get(campaign)
        assert self.stores[worker].apply(campaign, event, op_id=op, at=200.0) == before
        assert self.stores[worker].get(campaign) == before

    @invariant()
    def every_campaign_is_as_the_model_says(self) -> None:
        store = self.stores["w1"]
        for campaign in self.truth.values():
            assert store.get(campaign.id) == campaign

    @invariant()
    def locks_are_held_by_campaigns_that_say_so_and_by_no_other(self) -> None:
        locks = self.stores["w1"].locks()
        wanted = {
            name.casefold(): one.id for one in self.truth.values() if one.holds_locks for name in LOCKS[one.cluster]
        }
        assert locks == wanted
        assert not any(one.holds_locks for one in self.truth.values() if one.state in FINAL)

    @invariant()
    def no_gate_and_no_job_name_is_ever_used_twice(self) -> None:
        for campaign in self.truth.values():
            names = [name for name, _ in campaign.known_jobs]
            assert len(names) == len(set(names))

    @invariant()
    def what_lives_is_due_and_active_and_what_ended_is_neither(self) -> None:
        alive = {one.id for one in self.truth.values() if one.state not in FINAL}
        store = self.stores["w1"]
        assert {one.id for one in store.active()} == alive
        assert set(store.due(again_s=0.0)) == alive


SERVER: list[EmbeddedServer] = []


@pytest.fixture
def model_server(valkey: EmbeddedServer) -> Iterator[None]:
    SERVER.append(valkey)
    yield
    SERVER.clear()


def test_whatever_two_workers_try_the_store_answers_as_the_model_does(model_server: None) -> None:
    run_state_machine_as_test(
        StoreModel,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate,),  # a failure is told as found: shrinking it takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
