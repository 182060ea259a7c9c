"""transition.lua by itself: each refusal, their order, and that a refusal leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import redis

from state.appending import continuation, creation, record
from state.fold import evolve
from state.keys import Keys
from state.scripts import Change, Scripts
from state.store import Store
from state.words import Campaign, PlanMade, Progress, Seen, Started
from tests.state.samples import ALICE, Walk, plan, requested


@pytest.fixture
def scripts(store_client: redis.Redis) -> Scripts:
    return Scripts(store_client, Keys())


def change(before: Campaign, event: Any, **other: Any) -> Change:
    line, recorded = record(before, event, at=1.0, prev=before.head)
    after = evolve(before, recorded)
    made = continuation(before, (line,), (event,), after, op_id="op", lease=None, inbox=None)
    return replace(made, **other)


def everything(client: redis.Redis) -> dict[Any, Any]:
    return {key: client.dump(key) for key in client.scan_iter()}


HELLO = Progress(step="", sentence="hello")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"op_id": "CLUSTER01-1.op1", "expected": 1, "token": "x", "prev": "x"}, "DUP"),
        ({"expected": 1, "token": "x", "prev": "x"}, "CONFLICT"),
        ({"expected": 3, "token": "x", "prev": "x"}, "CONFLICT"),
        ({"token": "x", "prev": "x"}, "FENCED"),
        ({"prev": "x"}, "CHAIN"),
        ({}, "LOCKED"),
    ],
)
def test_refusals_come_in_their_order_and_write_nothing(
    store: Store, store_client: redis.Redis, scripts: Scripts, wrong: dict[str, Any], word: str
) -> None:
    holder, walk = Walk(store, "CLUSTER02"), Walk(store)
    holder.to_ready(locks=("CLUSTER02", "SCR1"))
    walk.do(PlanMade(plan=plan(locks=("CLUSTER01", "SCR1")), expires_at=5000.0))
    before = everything(store_client)
    answer = scripts.transition(change(walk.campaign, Started(by=ALICE), **wrong))
    assert answer.word == word
    assert everything(store_client) == before
    if word == "LOCKED":
        assert (answer.lock, answer.campaign) == ("scr1", holder.campaign.id)
        store_client.hdel(Keys().locks, "scr1")
        assert scripts.transition(change(walk.campaign, Started(by=ALICE))).word == "OK"


def test_a_dup_carries_the_token_of_the_lease_as_it_is_now(store: Store, scripts: Scripts) -> None:
    walk = Walk(store)
    one = change(walk.campaign, HELLO)
    assert scripts.transition(one).word == "OK"
    lease = walk.take()
    again = scripts.transition(one)
    assert (again.word, again.version, again.token) == ("DUP", 2, lease.token)


def test_a_dup_takes_the_event_out_of_the_inbox(store: Store, scripts: Scripts) -> None:
    walk = Walk(store)
    scripts.transition(change(walk.campaign, HELLO))
    store.inbox_put("Ev1", {})
    assert scripts.transition(change(walk.campaign, HELLO, inbox="Ev1")).word == "DUP"
    assert store.inbox_list() == []


def test_a_creation_is_made_once_and_its_number_is_nobody_elses(store: Store, scripts: Scripts) -> None:
    one, _ = creation(requested(), number=1, package="", bot="b", op_id="a", at=1.0, inbox=None)
    other, _ = creation(requested(nonce="other"), number=1, package="", bot="b", op_id="b", at=1.0, inbox=None)
    skipping, _ = creation(
        requested(campaign="CLUSTER01-3"), number=3, package="", bot="b", op_id="c", at=1.0, inbox=None
    )
    assert scripts.transition(one).word == "OK"
    assert scripts.transition(other).word == "CONFLICT"
    assert scripts.transition(skipping).word == "CONFLICT"
    again = scripts.transition(one)
    assert (again.word, again.campaign) == ("DUP", "CLUSTER01-1")
    minted_again, _ = creation(
        requested(campaign="CLUSTER01-2"), number=2, package="", bot="b", op_id="a", at=1.0, inbox=None
    )
    again = scripts.transition(minted_again)
    assert (again.word, again.campaign) == ("DUP", "CLUSTER01-1")
    assert [one.id for one in store.all()] == ["CLUSTER01-1"]


def test_the_server_itself_refuses_a_second_entry_of_one_version(store: Store, store_client: redis.Redis) -> None:
    walk = Walk(store)
    with pytest.raises(redis.ResponseError, match="equal or smaller"):
        store_client.xadd(Keys().events(walk.campaign.id), {"line": "forged"}, id="1-0")


def test_a_stale_holder_is_replaced_only_if_it_is_still_the_one_that_was_looked_at(
    store: Store, scripts: Scripts
) -> None:
    seen = store.leases.take("c")
    assert seen is not None
    store.leases.release(seen)
    quicker = store.leases.take("c")
    assert quicker is not None
    taken = scripts.lease_take("c", token="mine", owner="{}", ttl_s=30.0, stale=seen.token)
    assert (taken.ours, taken.token) == (False, quicker.token)
    assert scripts.lease_take("c", token="mine", owner="{}", ttl_s=30.0, stale=quicker.token).ours


def test_every_script_and_every_key_is_listed_in_keys(store: Store, store_client: redis.Redis) -> None:
    from importlib.resources import files

    import state.keys

    page = state.keys.__doc__ or ""
    for script in files("state").joinpath("lua").iterdir():
        assert f"`{script.name}`" in page
    walk = Walk(store)
    walk.to_ready()
    walk.to_open_gate()
    store.inbox_put("Ev1", {})
    store.showing.reading("CLUSTER01-1", Seen(at=1.0))
    for key in store_client.scan_iter():
        name = key.decode().removeprefix("{rollup}:")
        shapes = {
            "c:CLUSTER01-1": "c:<campaign>",
            "c:CLUSTER01-1:ev": "c:<campaign>:ev",
            "c:CLUSTER01-1:shown": "c:<campaign>:shown",
            "seen:Ev1": "seen:<event id>",
            "made:plan-CLUSTER01": "made:<operation id>",
            "n:CLUSTER01": "n:<cluster>",
            "ix:cluster:CLUSTER01": "ix:cluster:<cluster>",
            "ix:state:gated": "ix:state:<state>",
        }
        assert f"`{shapes.get(name, name)}`" in page, name


def test_a_prefix_that_is_no_hash_tag_is_refused() -> None:
    for bad in ("rollup", "{}", "{rollup", "x{rollup}"):
        with pytest.raises(ValueError, match="hash tag"):
            Keys(bad)
