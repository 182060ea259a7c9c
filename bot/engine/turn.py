"""One worker's turn at one campaign: the lease it holds, and the way it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.engine.rooms import Rooms
from bot.procedure.facts import EstateFacts
from state.store import Store
from state.words import Campaign, Event, Lease, Refusal


class Declined(Exception):
    """The table or a guard refused an event the engine thought right: look again, do nothing. Part: refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.kind)
        self.refusal = refusal


class LeaseLost(Exception):
    """The lease is not ours any more: stop at once, start nothing."""


@dataclass(slots=True)
class Turn:
    """The lease in hand. Every write carries it and the version it rests on.

    `seen` is what this turn read last, as long as nothing was done since that could have changed it.
    """

    rooms: Rooms
    lease: Lease
    seen: EstateFacts | None = None

    def write(
        self, campaign: Campaign, events: Event | Sequence[Event], what: str, *, store: Store | None = None
    ) -> Campaign:
        """Append events decided on `campaign`. The op id names lease, version and purpose: a resend is a resend.

        Raises Conflict when somebody wrote first, Fenced when the lease is gone, Declined when the table says no.
        """
        result = (store or self.rooms.store).apply(
            campaign.id,
            events,
            op_id=f"{self.lease.token}:{campaign.version}:{what}",
            at=self.rooms.lab(),
            lease=self.lease,
            expected=campaign.version,
        )
        if isinstance(result, Refusal):
            raise Declined(result)
        return result

    def still_ours(self) -> None:
        """The check before an effect. Raises LeaseLost."""
        if not self.rooms.store.leases.holds(self.lease):
            raise LeaseLost
