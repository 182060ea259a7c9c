"""From decided events to one call of the transition script. Pure: nothing is read or written here."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from state.audit import event_line, first_link, header_line, read_line
from state.campaign import FINAL
from state.errors import Fenced
from state.fold import evolve
from state.keys import lock_name
from state.leases import owner_text
from state.scripts import Change
from state.words import (
    Campaign,
    CampaignRequested,
    Event,
    GateConsumed,
    GateOpened,
    JobOpened,
    Lease,
    Recorded,
    Started,
    ThreadOpened,
)


def record(before: Campaign | None, event: Event, *, at: float, prev: str) -> tuple[bytes, Recorded]:
    """The event's line, and the event as it reads back from it: the fold must see what the stream holds."""
    version = 1 if before is None else before.version + 1
    line = event_line(event, version=version, at=at, prev=prev)
    return line, read_line(line, version=version, prev=prev)


def creation(
    event: CampaignRequested, *, number: int, package: str, bot: str, op_id: str, at: float, inbox: str | None
) -> tuple[Change, Campaign]:
    """The call that makes a campaign, and the campaign it makes."""
    header = header_line(event.campaign, package, bot)
    line, recorded = record(None, event, at=at, prev=first_link(header))
    made = evolve(None, recorded)
    change = Change(
        op_id=op_id,
        campaign=made.id,
        cluster=made.cluster,
        expected=0,
        head=made.head,
        snapshot=msgspec.json.encode(made),
        state=made.state.value,
        alive=True,
        lines=(line,),
        inbox=inbox,
        number=number,
        header=header.decode(),
    )
    return change, made


def continuation(
    before: Campaign,
    lines: Sequence[bytes],
    events: Sequence[Event],
    after: Campaign,
    *,
    op_id: str,
    lease: Lease | None,
    inbox: str | None,
) -> Change:
    """The call that appends events to a campaign."""
    take: list[str] = []
    gate = thread = None
    for event in events:
        if isinstance(event, Started) and before.plan is not None:
            take = sorted({lock_name(name) for name in before.plan.lock_set})
        elif isinstance(event, GateOpened):
            gate = (event.channel, event.ts, event.gate)
        elif isinstance(event, ThreadOpened):
            thread = (before.channel, event.ts)
    return Change(
        op_id=op_id,
        campaign=before.id,
        cluster=before.cluster,
        expected=before.version,
        token=lease.token if lease else "",
        owner=owner_text(lease.owner) if lease else "",
        prev=before.head,
        head=after.head,
        snapshot=msgspec.json.encode(after),
        old_state=before.state.value,
        state=after.state.value,
        alive=after.state not in FINAL,
        lines=lines,
        take=take,
        release=before.holds_locks and not after.holds_locks,
        gate=gate,
        thread=thread,
        inbox=inbox,
    )


def demand_lease(campaign: str, events: Sequence[Event], lease: Lease | None) -> None:
    """An intent and a job name are written by the holder of the lease and carry its token. Raises Fenced."""
    if lease is not None and lease.name != campaign:
        raise Fenced(campaign)
    for event in events:
        if isinstance(event, GateConsumed):
            ours = lease is not None and (event.intent.token, event.intent.fence) == (lease.token, lease.fence)
        elif isinstance(event, JobOpened):
            ours = lease is not None and event.token == lease.token
        else:
            continue
        if not ours:
            raise Fenced(campaign)
