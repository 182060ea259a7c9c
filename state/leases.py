"""Leases: who may act on a campaign right now. The fence only grows, the token is random, time is the server's."""

from __future__ import annotations

from state.words import Lease

LEASE_S = 30.0  # wall seconds; renew at a third of it


class Leases:
    """Takes, renews and releases leases. Names: a campaign's id, or `publish:<campaign>` for its projection."""

    def take(self, name: str, *, ttl_s: float = LEASE_S) -> Lease | None:
        """The lease for this process, or None while somebody else (another thread too) holds it.

        A holder on this host whose process is gone is replaced at once. Raises Unavailable.
        """
        raise NotImplementedError

    def renew(self, lease: Lease, *, ttl_s: float = LEASE_S) -> Lease:
        """The same lease, longer. Raises Fenced when it is not ours any more, Unavailable."""
        raise NotImplementedError

    def release(self, lease: Lease) -> bool:
        """Give it back; False when it was not ours any more. The fence stays."""
        raise NotImplementedError

    def holds(self, lease: Lease) -> bool:
        """The check before an effect: token and owner are ours and the time is not over, by server TIME."""
        raise NotImplementedError

    def current(self, name: str) -> Lease | None:
        """Who holds a lease now, by server TIME."""
        raise NotImplementedError
