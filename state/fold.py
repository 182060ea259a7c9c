"""How each event changes a campaign. Pure: the snapshot is nothing but the fold of its events."""

from __future__ import annotations

from state.words import Campaign, Recorded


def evolve(campaign: Campaign | None, recorded: Recorded) -> Campaign:
    """The campaign after one recorded event."""
    raise NotImplementedError
