"""Leases: who may act on a campaign right now. The fence only grows, the token is random, time is the server's.

A lease that ran out means "ask who has it", never "start again": whoever takes it next finds the open intent first.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import replace

from state.audit import canonical, typed
from state.errors import Fenced
from state.owner import is_gone, this_process
from state.scripts import Scripts, Taken
from state.words import Lease, Owner

LEASE_S = 30.0  # wall seconds; renew at a third of it


class Leases:
    """Takes, renews and releases leases. Names: a campaign's id, or `publish:<campaign>` for its projection."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def take(self, name: str, *, ttl_s: float = LEASE_S, owner: Owner | None = None) -> Lease | None:
        """The lease for this process, or None while somebody else (another thread too) holds it.

        A holder on this host whose process is gone is replaced at once. `owner` is this process unless a test says
        otherwise. Raises Unavailable.
        """
        me = owner or this_process()
        # A resend by redis-py takes the lease twice and answers "held by this very token": that is ours.
        token = secrets.token_hex(16)
        taken = self._scripts.lease_take(name, token=token, owner=owner_text(me), ttl_s=ttl_s)
        if not taken.ours and taken.token != token and is_gone(_owner(taken.owner)):
            taken = self._scripts.lease_take(name, token=token, owner=owner_text(me), ttl_s=ttl_s, stale=taken.token)
        if not taken.ours and taken.token != token:
            return None
        return Lease(name=name, fence=taken.fence, token=token, owner=me, until=taken.until)

    def renew(self, lease: Lease, *, ttl_s: float = LEASE_S) -> Lease:
        """The same lease, longer. Raises Fenced when it is not ours any more, Unavailable."""
        until = self._scripts.lease_renew(lease.name, token=lease.token, owner=owner_text(lease.owner), ttl_s=ttl_s)
        if until is None:
            raise Fenced(lease.name)
        return replace(lease, until=until)

    def release(self, lease: Lease) -> bool:
        """Give it back; False when it was not ours any more. The fence stays."""
        return self._scripts.lease_release(lease.name, token=lease.token, owner=owner_text(lease.owner))

    def holds(self, lease: Lease) -> bool:
        """The check before an effect: token and owner are ours and the time is not over, by server TIME."""
        owner = owner_text(lease.owner)
        return self._scripts.lease_renew(lease.name, token=lease.token, owner=owner, ttl_s=0) is not None

    def current(self, name: str) -> Lease | None:
        """Who holds a lease now, by server TIME."""
        held = self._scripts.lease_look(name)
        return None if held is None else _lease(name, held)


def owner_text(owner: Owner) -> str:
    """An owner as it stands in Redis and is compared there, byte for byte."""
    return canonical(
        {"host": owner.host, "boot_id": owner.boot_id, "pid": owner.pid, "pid_started": owner.pid_started}
    ).decode()


def _owner(text: str) -> Owner:
    made: Owner = typed(Owner, json.loads(text))
    return made


def _lease(name: str, held: Taken) -> Lease:
    return Lease(name=name, fence=held.fence, token=held.token, owner=_owner(held.owner), until=held.until)
