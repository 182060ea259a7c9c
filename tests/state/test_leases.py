"""Leases on a real server: one holder, a fence that only grows, and a quick take-over from the dead."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from state.errors import Fenced
from state.owner import is_gone, this_process
from state.store import Store
from state.words import Owner


def test_a_lease_has_one_holder_also_among_threads_of_one_process(store: Store) -> None:
    lease = store.leases.take("c")
    assert lease is not None
    assert store.leases.take("c") is None
    assert store.leases.current("c") == lease
    assert store.leases.holds(lease)


def test_the_fence_grows_with_every_taking_and_the_token_is_new(store: Store) -> None:
    seen = []
    for _ in range(5):
        lease = store.leases.take("c")
        assert lease is not None
        seen.append(lease)
        assert store.leases.release(lease)
        assert store.leases.current("c") is None
    assert [lease.fence for lease in seen] == [1, 2, 3, 4, 5]
    assert len({lease.token for lease in seen}) == 5


def test_a_lease_renewed_lasts_longer_and_a_lost_one_is_not_renewed(store: Store) -> None:
    lease = store.leases.take("c", ttl_s=10.0)
    assert lease is not None
    longer = store.leases.renew(lease, ttl_s=60.0)
    assert longer.until > lease.until + 40.0
    assert longer.fence == lease.fence
    store.leases.release(lease)
    other = store.leases.take("c")
    assert other is not None
    with pytest.raises(Fenced):
        store.leases.renew(lease)
    assert not store.leases.release(lease)
    assert not store.leases.holds(lease)
    assert store.leases.holds(other)


def test_a_lease_that_ran_out_is_free_for_the_next(store: Store) -> None:
    lapsed = store.leases.take("c", ttl_s=0.0)
    assert lapsed is not None
    with pytest.raises(Fenced):
        store.leases.renew(lapsed)
    taken = store.leases.take("c")
    assert taken is not None
    assert taken.fence == 2


def test_the_holder_on_another_host_is_waited_for(store: Store) -> None:
    far = replace(this_process(), host="elsewhere", pid=1)
    assert store.leases.take("c", owner=far) is not None
    assert store.leases.take("c") is None


def test_a_holder_on_this_host_whose_process_is_gone_is_replaced_at_once(store: Store) -> None:
    child = subprocess.run([sys.executable, "-c", _OWNER], capture_output=True, text=True, check=True)
    pid, started = child.stdout.split()
    dead = replace(this_process(), pid=int(pid), pid_started=started)
    assert is_gone(dead)
    first = store.leases.take("c", owner=dead)
    assert first is not None
    taken = store.leases.take("c")
    assert taken is not None
    assert (taken.fence, taken.owner) == (2, this_process())
    assert not store.leases.holds(first)


def test_a_process_that_got_the_number_of_a_dead_one_is_not_taken_for_it() -> None:
    me = this_process()
    assert not is_gone(me)
    assert is_gone(replace(me, pid_started="1"))
    assert is_gone(replace(me, boot_id="before-the-reboot"))
    assert not is_gone(replace(me, host="elsewhere", pid_started="1"))
    assert not is_gone(Owner(host=me.host, boot_id="", pid=me.pid, pid_started="1"))
    assert this_process().pid == os.getpid()


_OWNER = "from state.owner import this_process as t; print(t().pid, t().pid_started)"
