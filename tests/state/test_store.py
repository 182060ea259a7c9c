"""The store on a real server: one whole campaign, and everything that must be refused on the way."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from state.connect import connect
from state.errors import Broken, Conflict, Fenced, Unavailable, UnknownCampaign, WrongRealm
from state.server import EmbeddedServer
from state.store import Cursor, GateRef, Store
from state.words import (
    Aborted,
    AbortRequested,
    Actor,
    Campaign,
    Finished,
    GateConsumed,
    JobOpened,
    NothingToDo,
    Options,
    PlanMade,
    Progress,
    Realm,
    Refusal,
    RefusalKind,
    Started,
    State,
    ThreadOpened,
    Unlocked,
)
from tests.state.lossy import LossyProxy
from tests.state.samples import ALICE, BOB, Walk, intent, order, plan

HELLO = Progress(step="s01", sentence="hello")


def test_a_whole_campaign_goes_from_request_to_done_and_replays_to_its_snapshot(store: Store) -> None:
    walk = Walk(store)
    assert walk.campaign.id == "CLUSTER01-1"
    walk.to_ready()
    assert store.locks() == {"cluster01": walk.campaign.id, "scr1": walk.campaign.id}
    lease = walk.take()
    walk.whole_step(lease)
    walk.whole_step(lease)
    done = walk.do(Finished(sentence="all at level", user_downtime_s=5.0))
    assert done.state is State.DONE
    assert done.user_downtime_s == 5.0
    assert store.locks() == {}
    assert store.replay(done.id) == done == store.get(done.id)
    assert store.active() == []
    assert store.due() == []
    assert [one.version for one in store.events(done.id)] == list(range(1, done.version + 1))
    assert [one.version for one in store.events(done.id, after=5)] == list(range(6, done.version + 1))


# --- the order of refusals


def test_a_resend_of_the_same_operation_applies_nothing_and_answers_the_campaign(store: Store) -> None:
    walk = Walk(store)
    first = store.apply(walk.campaign.id, HELLO, op_id="same", at=1.0)
    again = store.apply(walk.campaign.id, Progress(step="s01", sentence="other"), op_id="same", at=2.0)
    assert first == again
    assert len(store.events(walk.campaign.id)) == 2


def test_a_late_resend_is_recognised_after_fifteen_further_operations(store: Store) -> None:
    walk = Walk(store)
    store.apply(walk.campaign.id, HELLO, op_id="early", at=1.0)
    for n in range(15):
        store.apply(walk.campaign.id, HELLO, op_id=f"later-{n}", at=1.0)
    store.apply(walk.campaign.id, HELLO, op_id="early", at=1.0)
    assert len(store.events(walk.campaign.id)) == 17


def test_a_resend_by_someone_who_lost_the_lease_is_told_to_stop(store: Store) -> None:
    walk = Walk(store)
    lease = walk.take()
    store.apply(walk.campaign.id, HELLO, op_id="mine", at=1.0, lease=lease)
    assert store.leases.release(lease)
    walk.take()
    with pytest.raises(Fenced):
        store.apply(walk.campaign.id, HELLO, op_id="mine", at=1.0, lease=lease)


def test_no_event_is_older_than_the_one_before_it(store: Store) -> None:
    """A time is taken before it is written; another writer, or a clock that is set back, may be in between."""
    walk = Walk(store)
    last = walk.campaign.changed_at + 100.0
    store.apply(walk.campaign.id, HELLO, op_id="now", at=last)
    after = store.apply(walk.campaign.id, HELLO, op_id="then", at=last - 50.0)
    assert isinstance(after, Campaign)
    assert [one.at for one in store.events(walk.campaign.id)][-2:] == [last, last]
    assert after.changed_at == last


def test_a_second_writer_of_the_same_version_is_refused(store: Store) -> None:
    walk = Walk(store)
    store.apply(walk.campaign.id, HELLO, op_id="a", at=1.0, expected=1)
    with pytest.raises(Conflict) as refused:
        store.apply(walk.campaign.id, HELLO, op_id="b", at=1.0, expected=1)
    assert (refused.value.expected, refused.value.actual) == (1, 2)
    assert len(store.events(walk.campaign.id)) == 2


def test_writers_without_a_version_of_their_own_are_put_one_after_the_other(
    store: Store, valkey: EmbeddedServer
) -> None:
    walk = Walk(store)

    def write(name: str) -> None:
        mine = Store(valkey.client())
        for n in range(10):
            assert isinstance(mine.apply(walk.campaign.id, HELLO, op_id=f"{name}-{n}", at=1.0), Campaign)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.events(walk.campaign.id)) == 41
    assert store.replay(walk.campaign.id).version == 41


def test_a_writer_with_a_lease_that_is_not_his_is_fenced_and_nothing_is_written(store: Store) -> None:
    walk = Walk(store)
    lease = walk.take()
    for stale in (replace(lease, token="0" * 32), replace(lease, owner=replace(lease.owner, pid=1))):
        with pytest.raises(Fenced):
            store.apply(walk.campaign.id, HELLO, op_id="x", at=1.0, lease=stale)
    with pytest.raises(Fenced):
        store.apply(walk.campaign.id, HELLO, op_id="x", at=1.0, lease=replace(lease, name="another"))
    assert len(store.events(walk.campaign.id)) == 1
    store.apply(walk.campaign.id, HELLO, op_id="x", at=1.0, lease=lease)


def test_a_lease_that_ran_out_fences_even_if_nobody_took_it(store: Store) -> None:
    walk = Walk(store)
    lease = store.leases.take(walk.campaign.id, ttl_s=0.0)
    assert lease is not None
    with pytest.raises(Fenced):
        store.apply(walk.campaign.id, HELLO, op_id="x", at=1.0, lease=lease)


def test_an_intent_and_a_job_are_written_only_with_the_lease_they_name(store: Store) -> None:
    walk = Walk(store)
    walk.to_ready()
    walk.to_open_gate()
    lease = walk.take()
    for wrong in (intent(walk.campaign, lease, token="x"), intent(walk.campaign, lease, fence=99)):
        with pytest.raises(Fenced):
            walk.try_to(GateConsumed(intent=wrong), lease=lease)
    with pytest.raises(Fenced):
        walk.try_to(GateConsumed(intent=intent(walk.campaign, lease)))
    walk.do(GateConsumed(intent=intent(walk.campaign, lease)), lease=lease)
    with pytest.raises(Fenced):
        walk.try_to(JobOpened(order=order(walk.campaign), token="x"), lease=lease)
    with pytest.raises(Fenced):
        walk.try_to(JobOpened(order=order(walk.campaign), token=lease.token))


def test_a_head_that_is_not_ours_breaks_the_chain_and_refuses_the_write(
    store: Store, store_client: redis.Redis
) -> None:
    walk = Walk(store)
    store_client.hset(f"{{rollup}}:c:{walk.campaign.id}", "head", "0" * 64)
    with pytest.raises(Broken):
        store.apply(walk.campaign.id, HELLO, op_id="x", at=1.0)


def test_a_refusal_of_the_table_writes_nothing_and_keeps_the_inbox_entry(store: Store) -> None:
    walk = Walk(store)
    store.inbox_put("Ev1", {"type": "x"})
    answer = store.apply(walk.campaign.id, Started(by=ALICE), op_id="Ev1", at=1.0, inbox_id="Ev1")
    assert isinstance(answer, Refusal)
    assert answer.kind is RefusalKind.WRONG_STATE
    assert len(store.events(walk.campaign.id)) == 1
    assert [entry.id for entry in store.inbox_list()] == ["Ev1"]


def test_several_events_are_appended_in_one_call_or_not_at_all(store: Store) -> None:
    walk = Walk(store)
    both = store.apply(walk.campaign.id, [HELLO, PlanMade(plan=plan(), expires_at=5000.0)], op_id="two", at=1.0)
    assert isinstance(both, Campaign)
    assert (both.version, both.state) == (3, State.PROPOSED)
    bad = store.apply(walk.campaign.id, [HELLO, NothingToDo(sentence="no")], op_id="bad", at=1.0)
    assert isinstance(bad, Refusal)
    assert len(store.events(walk.campaign.id)) == 3
    with pytest.raises(ValueError, match="nothing to apply"):
        store.apply(walk.campaign.id, [], op_id="none", at=1.0)


def test_a_campaign_that_does_not_exist_is_named(store: Store) -> None:
    assert store.get("CLUSTER01-9") is None
    with pytest.raises(UnknownCampaign):
        store.apply("CLUSTER01-9", HELLO, op_id="x", at=1.0)
    with pytest.raises(UnknownCampaign):
        store.export("CLUSTER01-9")


# --- creation


def asked_for(store: Store, by: Actor, op_id: str, inbox_id: str | None = None) -> Campaign | Refusal:
    """A plan for CLUSTER01."""
    return store.create(
        cluster="CLUSTER01", channel="C1", by=by, package_ref="", options=Options(), realm=Realm.LAB, op_id=op_id, at=1.0,
        inbox_id=inbox_id,
    )  # fmt: skip


def test_numbers_are_minted_per_cluster_and_a_resend_answers_the_campaign_it_made(store: Store) -> None:
    first = Walk(store).campaign
    again = Walk(store).campaign
    assert (first.id, again) == ("CLUSTER01-1", first)
    assert Walk(store, "CLUSTER02").campaign.id == "CLUSTER02-1"
    second = asked_for(store, BOB, "another")
    assert isinstance(second, Campaign)
    assert second.id == "CLUSTER01-2"
    assert second.nonce != first.nonce


def test_racing_creations_mint_no_number_twice(store: Store, valkey: EmbeddedServer) -> None:
    made: list[str] = []

    def create(n: int) -> None:
        one = Store(valkey.client()).create(
            cluster="CLUSTER01",
            channel="C1",
            by=ALICE,
            package_ref="",
            options=Options(),
            realm=Realm.LAB,
            op_id=f"op-{n}",
            at=1.0,
        )
        assert isinstance(one, Campaign)
        made.append(one.id)

    threads = [threading.Thread(target=create, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == sorted(f"CLUSTER01-{n + 1}" for n in range(8))


def test_a_creation_takes_its_event_out_of_the_inbox_also_when_it_is_sent_again(store: Store) -> None:
    for _ in range(2):
        store.inbox_put("Ev1", {})
        asked_for(store, ALICE, "Ev1", inbox_id="Ev1")
        assert store.inbox_list() == []
    assert len(store.all()) == 1


# --- locks


def test_a_start_takes_all_locks_or_none(store: Store) -> None:
    one, two = Walk(store, "CLUSTER01"), Walk(store, "CLUSTER02")
    one.to_ready(locks=("CLUSTER01", "SCR1"))
    two.do(PlanMade(plan=plan(locks=("CLUSTER02", "scr1.corp.example")), expires_at=5000.0))
    answer = two.try_to(Started(by=ALICE))
    assert isinstance(answer, Refusal)
    assert (answer.kind, answer.part("holder")) == (RefusalKind.BUSY, one.campaign.id)
    assert store.locks() == {"cluster01": "CLUSTER01-1", "scr1": "CLUSTER01-1"}
    assert store.lock_holder("Scr1.other.example") == "CLUSTER01-1"


def test_of_many_racing_starts_one_gets_the_locks(store: Store, valkey: EmbeddedServer) -> None:
    walks = [Walk(store, f"CLUSTER0{n}") for n in range(6)]
    for walk in walks:
        walk.do(PlanMade(plan=plan(locks=("SCR1", walk.campaign.cluster)), expires_at=5000.0))
    answers: list[Campaign | Refusal] = []

    def start(walk: Walk) -> None:
        answers.append(Store(valkey.client()).apply(walk.campaign.id, Started(by=ALICE), op_id="go", at=1.0))

    threads = [threading.Thread(target=start, args=(walk,)) for walk in walks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [one for one in answers if isinstance(one, Campaign)]
    assert len(winners) == 1
    assert set(store.locks().values()) == {winners[0].id}
    assert all(one.kind is RefusalKind.BUSY for one in answers if isinstance(one, Refusal))


def test_a_plan_on_a_locked_cluster_is_refused_and_names_the_campaign(store: Store) -> None:
    walk = Walk(store)
    walk.to_ready()
    answer = asked_for(store, BOB, "second")
    assert isinstance(answer, Refusal)
    assert (answer.kind, answer.part("holder")) == (RefusalKind.BUSY, walk.campaign.id)


def test_an_abort_keeps_the_locks_until_it_is_over_unless_a_person_unlocks(store: Store) -> None:
    walk = Walk(store)
    walk.to_ready()
    walk.do(AbortRequested(by=ALICE))
    assert store.locks()
    other = Walk(store, "CLUSTER02")
    other.to_ready(locks=("CLUSTER02",))
    walk.do(Unlocked(by=BOB, job=""))
    assert store.locks() == {"cluster02": other.campaign.id}
    walk.do(Aborted(sentence="over"))
    assert store.get(walk.campaign.id) == store.replay(walk.campaign.id)


# --- indexes


def test_threads_gates_clusters_and_states_find_their_campaigns(store: Store) -> None:
    walk, other = Walk(store), Walk(store, "CLUSTER02")
    walk.do(ThreadOpened(ts="16.1"))
    walk.to_ready()
    walk.to_open_gate()
    gate = walk.campaign.gate
    assert gate is not None
    assert store.find_by_thread("C1", "16.1") == walk.campaign.id
    assert store.find_by_thread("C2", "16.1") is None
    assert store.find_by_gate("C1", gate.ts) == GateRef(campaign=walk.campaign.id, gate=gate.id)
    assert store.find_by_gate("C1", "0.0") is None
    assert [one.id for one in store.by_cluster("CLUSTER01")] == [walk.campaign.id]
    assert [one.id for one in store.active()] == [walk.campaign.id, other.campaign.id]
    assert [one.id for one in store.all()] == [walk.campaign.id, other.campaign.id]
    other.do(NothingToDo(sentence="at level"))
    assert [one.id for one in store.active()] == [walk.campaign.id]
    counts = store.counts()
    assert (counts[State.GATED], counts[State.NOTHING_TO_DO], counts[State.PLANNING]) == (1, 1, 0)
    store.index_thread(other.campaign.id, "C1", "99.9")
    assert store.find_by_thread("C1", "99.9") == other.campaign.id


# --- due, inbox, cursor, realm


def test_a_change_makes_a_campaign_due_at_once_and_a_sweep_moves_it_on(store: Store) -> None:
    walk = Walk(store)
    assert store.due(again_s=60.0) == [walk.campaign.id]
    assert store.due(again_s=60.0) == []
    walk.do(HELLO)
    assert store.due(again_s=0.0) == [walk.campaign.id]
    assert store.look_again(walk.campaign.id, store.server_time() + 60.0, version=2)
    assert store.due() == []


def test_a_due_time_decided_on_an_old_version_does_not_put_off_a_newer_event(store: Store) -> None:
    walk = Walk(store)
    walk.do(HELLO)
    assert not store.look_again(walk.campaign.id, store.server_time() + 60.0, version=1)
    assert store.due() == [walk.campaign.id]


def test_an_event_is_put_down_once_and_leaves_with_its_transition(store: Store) -> None:
    walk = Walk(store)
    assert store.inbox_put("Ev1", {"text": "grüße \ud800"})
    assert not store.inbox_put("Ev1", {"text": "again"})
    assert store.inbox_put("Ev2", {})
    entries = store.inbox_list()
    assert [entry.id for entry in entries] == ["Ev1", "Ev2"]
    assert entries[0].body == {"text": "grüße �"}
    assert abs(entries[0].at - store.server_time()) < 5.0
    assert store.inbox_list(older_than_s=60.0) == []
    store.apply(walk.campaign.id, HELLO, op_id="Ev1", at=1.0, inbox_id="Ev1")
    store.inbox_drop("Ev2")
    assert store.inbox_list() == []
    assert not store.inbox_put("Ev1", {})


def test_a_resent_transition_takes_the_entry_out_that_a_crash_left_behind(store: Store) -> None:
    walk = Walk(store)
    store.apply(walk.campaign.id, HELLO, op_id="Ev1", at=1.0)
    store.inbox_put("Ev1", {})
    store.apply(walk.campaign.id, HELLO, op_id="Ev1", at=1.0, inbox_id="Ev1")
    assert store.inbox_list() == []


def test_the_cursor_moves_only_with_the_projections_own_lease(store: Store) -> None:
    walk = Walk(store)
    assert store.cursor(walk.campaign.id) == Cursor(version=0, note={})
    lease = store.leases.take(f"publish:{walk.campaign.id}")
    assert lease is not None
    store.move_cursor(walk.campaign.id, Cursor(version=3, note={"card": "16.1"}), lease=lease)
    assert store.cursor(walk.campaign.id) == Cursor(version=3, note={"card": "16.1"})
    for wrong in (walk.take(), replace(lease, token="x")):
        with pytest.raises(Fenced):
            store.move_cursor(walk.campaign.id, Cursor(version=4), lease=wrong)
    store.leases.release(lease)
    lapsed = store.leases.take(f"publish:{walk.campaign.id}", ttl_s=0.0)
    assert lapsed is not None
    for late in (lease, lapsed):
        with pytest.raises(Fenced):
            store.move_cursor(walk.campaign.id, Cursor(version=4), lease=late)


def test_a_store_belongs_to_one_realm_for_ever(store: Store) -> None:
    assert store.realm(Realm.LAB) is Realm.LAB
    assert store.realm(Realm.LAB) is Realm.LAB
    with pytest.raises(WrongRealm) as refused:
        store.realm(Realm.PRODUCTION)
    assert refused.value.found == "lab"


# --- tampering in the store


def test_an_edited_snapshot_is_found_by_replay(store: Store, store_client: redis.Redis) -> None:
    walk = Walk(store)
    key = f"{{rollup}}:c:{walk.campaign.id}"
    raw = store_client.hget(key, "snap")
    assert isinstance(raw, bytes)
    store_client.hset(key, "snap", raw.replace(b"alice", b"malice"))
    with pytest.raises(Broken, match="not the fold"):
        store.replay(walk.campaign.id)
    store_client.hset(key, "snap", raw.replace(b'"version":1', b'"version":"1"'))
    with pytest.raises(Broken):
        store.get(walk.campaign.id)


def test_an_edited_or_missing_event_is_found_by_every_reader(store: Store, store_client: redis.Redis) -> None:
    walk = Walk(store)
    for _ in range(3):
        walk.do(HELLO)
    key = f"{{rollup}}:c:{walk.campaign.id}:ev"
    ((_, entry),) = store_client.xrange(key, min="3-0", max="3-0")
    store_client.xdel(key, "3-0")
    for read in (store.events, store.replay, store.export):
        with pytest.raises(Broken):
            read(walk.campaign.id)
    rest = store_client.xrange(key)
    store_client.delete(key)
    for name, fields in [*rest[:2], (b"3-0", {b"line": entry[b"line"].replace(b"hello", b"hullo")}), *rest[2:]]:
        store_client.xadd(key, fields, id=name)
    for read in (store.events, store.replay, store.export):
        with pytest.raises(Broken):
            read(walk.campaign.id)


# --- lost replies, replicas, outages


def test_a_swallowed_reply_is_sent_again_by_the_client_and_applied_once(
    store: Store, valkey: EmbeddedServer, tmp_path: Path
) -> None:
    walk = Walk(store)
    proxy = LossyProxy(tmp_path / "p", valkey.socket)
    lossy = Store(connect(f"unix://{tmp_path / 'p'}"))
    lossy.apply(walk.campaign.id, HELLO, op_id="warm", at=1.0)
    before = proxy.requests
    proxy.swallow(b"told-once")
    answer = lossy.apply(walk.campaign.id, HELLO, op_id="told-once", at=1.0)
    assert isinstance(answer, Campaign)
    assert (proxy.swallowed, proxy.requests - before) == (1, 2)
    assert len(store.events(walk.campaign.id)) == 3
    proxy.swallow(b"lease-one")
    lease = lossy.leases.take("lease-one")
    assert lease is not None
    assert lossy.leases.holds(lease)
    assert lease.fence == 1
    proxy.close()


@pytest.fixture
def replicated(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server of its own with one replica that keeps up."""
    first, second = EmbeddedServer(tmp_path / "1"), EmbeddedServer(tmp_path / "2")
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with first.start().client() as client, second.start().client() as replica:
            client.config_set("bind", "127.0.0.1")
            client.config_set("repl-diskless-sync-delay", "0")
            client.config_set("port", str(port))
            replica.replicaof("127.0.0.1", port)
            end = time.monotonic() + 20.0
            while replica.info("replication")["master_link_status"] != "up":
                assert time.monotonic() < end
                time.sleep(0.01)
        yield first
    finally:
        first.stop()
        second.stop()


def test_a_write_counts_as_copied_only_on_the_connection_that_carried_it(
    replicated: EmbeddedServer, tmp_path: Path
) -> None:
    walk = Walk(Store(replicated.client()))
    proxy = LossyProxy(tmp_path / "p", replicated.socket)
    lossy = Store(connect(f"unix://{tmp_path / 'p'}"))
    with lossy.pinned() as one:
        assert one.wait_replicas(0)
        assert not one.wait_replicas(1)  # nothing was written yet
        one.apply(walk.campaign.id, HELLO, op_id="plain", at=1.0)
        assert one.wait_replicas(1)
        assert not one.wait_replicas(2, timeout_s=0.01)
        one.apply(walk.campaign.id, HELLO, op_id="plain", at=1.0)
        assert not one.wait_replicas(1)  # a resend wrote nothing here
        proxy.swallow(b"told-once")
        one.apply(walk.campaign.id, HELLO, op_id="told-once", at=1.0)
        assert not one.wait_replicas(1)
        one.apply(walk.campaign.id, HELLO, op_id="and-on", at=1.0)
        assert one.wait_replicas(1)
        proxy.cut()
        assert not one.wait_replicas(1)
    with pytest.raises(ValueError, match="pinned"):
        lossy.wait_replicas(1)
    proxy.close()


def test_a_server_that_is_not_there_is_unavailable_and_not_a_verdict(tmp_path: Path) -> None:
    nowhere = Store(connect(f"unix://{tmp_path / 'none'}"))
    with pytest.raises(Unavailable):
        nowhere.server_time()
