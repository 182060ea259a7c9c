"""The wake-ups: a message is there at once, and an idle worker leaves Redis alone."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis

from bot.engine.dispatch import Dispatch
from state.store import Store


@dataclass
class Woken:
    """A running dispatch and what its actors were called with."""

    dispatch: Dispatch
    calls: queue.Queue[tuple[str, str]]


def _wired(client: redis.Redis, store: Store) -> Woken:
    calls: queue.Queue[tuple[str, str]] = queue.Queue()
    dispatch = Dispatch(client, store)
    dispatch.wire(advance=lambda name: calls.put(("advance", name)), publish=lambda name: calls.put(("publish", name)))
    return Woken(dispatch, calls)


@pytest.fixture
def woken(store_client: redis.Redis, store: Store) -> Iterator[Woken]:
    made = _wired(store_client, store)
    made.dispatch.start(sweep_s=60.0)
    yield made
    made.dispatch.stop()


def _commands(client: redis.Redis) -> int:
    return int(client.info("stats")["total_commands_processed"])


def test_every_message_wakes_its_own_actor_once(woken: Woken) -> None:
    for number in range(40):
        woken.dispatch.advance(f"C-{number}")
        woken.dispatch.publish(f"C-{number}")
    got = [woken.calls.get(timeout=60) for _ in range(80)]
    assert sorted(got) == sorted((what, f"C-{n}") for what in ("advance", "publish") for n in range(40))
    with pytest.raises(queue.Empty):
        woken.calls.get(timeout=0.4)


def test_a_message_of_another_process_wakes_it_too(woken: Woken, store_client: redis.Redis, store: Store) -> None:
    other = _wired(store_client, store)
    other.dispatch.advance("C-1")
    assert woken.calls.get(timeout=60) == ("advance", "C-1")
    assert other.calls.empty()


def test_an_idle_worker_hardly_asks_redis(woken: Woken, store_client: redis.Redis) -> None:
    woken.dispatch.advance("C-1")
    woken.calls.get(timeout=60)
    before, began = _commands(store_client), time.monotonic()
    with pytest.raises(queue.Empty):
        woken.calls.get(timeout=1.5)
    asked = _commands(store_client) - before
    # Two queues, a wait and a look each quarter of a second, with what the look's script does counted in.
    assert asked / (time.monotonic() - began) < 60
