"""What may happen to a campaign in which state: the table, and the guards beside it. Pure."""

from __future__ import annotations

from state.words import Campaign, Event, Refusal, State

FINAL = frozenset({State.DONE, State.NOTHING_TO_DO, State.REFUSED, State.EXPIRED, State.ABORTED})


def decide(campaign: Campaign | None, event: Event, *, now: float, locks_held_by: str | None = None
           ) -> tuple[Event, ...] | Refusal:
    """The events to append, or why not. `now` is lab time by the server's TIME; `locks_held_by` another campaign."""
    raise NotImplementedError
