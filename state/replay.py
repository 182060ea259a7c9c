"""Whether a record could have come about: every event asked of the transition function again, in its place. Pure.

The chain says that nobody changed a record after it was written. This says that our own bot could have written it: each
event is one that the table and the guards take at that version, at its own time. A record whose hashes somebody made
anew, with an event left out, twice, in another place or of another attempt, is seen here.
"""

from __future__ import annotations

from collections.abc import Iterable

from state.audit import is_ours
from state.campaign import decide, type_name
from state.fold import evolve
from state.words import Campaign, GateConsumed, GatePrepared, Recorded, Refusal


def untaken(recorded: Iterable[Recorded]) -> tuple[int, str] | None:
    """(version, why in words) of the first event that the transition function does not take, or None.

    What follows from it is not looked at: it rests on a campaign that never was. Locks of other campaigns are not in
    a record and are not judged.
    """
    campaign: Campaign | None = None
    for one in recorded:
        name = type_name(type(one.event))
        if campaign is not None and one.at < campaign.changed_at:
            return one.version, f"{name} is older than the event before it"
        answer = decide(campaign, one.event, now=one.at)
        if isinstance(answer, Refusal):
            where = answer.part("state") or "a campaign nobody asked for"
            why = answer.part("why") or "table"
            return one.version, f"{name} cannot happen here: {where} does not take it ({why.replace('_', ' ')})"
        campaign = evolve(campaign, one)
    return None


def unsigned(recorded: Iterable[Recorded], key: bytes) -> tuple[int, ...]:
    """The versions of gates and intents that were not signed with this key, or were changed since."""
    found = []
    for one in recorded:
        event = one.event
        signed = (
            event.gate if isinstance(event, GatePrepared) else event.intent if isinstance(event, GateConsumed) else None
        )
        if signed is not None and not is_ours(signed, key):
            found.append(one.version)
    return tuple(found)
