"""What may happen to a campaign in which state: the table, and the one way to ask it. Pure.

Two rules of this file. Everything that moves a campaign's state lives here. Nothing here knows who asks: whether a
person is listed is judged at the Slack edge and again by the engine, never by the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

from state.guards import GUARDS, declined, free, open_blocks
from state.words import (
    Aborted,
    AbortRequested,
    Asked,
    Blocked,
    Campaign,
    CampaignRequested,
    Event,
    Finished,
    GateConsumed,
    GateExpired,
    GateOpened,
    GatePrepared,
    GateRejected,
    GateVoided,
    JobEnded,
    JobOpened,
    JobStarted,
    LateWithdrawal,
    MailDown,
    MailUp,
    NothingToDo,
    Paused,
    PlanExpired,
    PlanMade,
    PlanRefused,
    PolicyChanged,
    Progress,
    Rechecked,
    Refusal,
    RefusalKind,
    Resumed,
    Retried,
    ReturnAsked,
    Started,
    State,
    StepEnded,
    ThreadOpened,
    Unblocked,
    Unlocked,
    Voted,
    VoteWithdrawn,
    Waiting,
    WaiverAsked,
    WaiverDropped,
)


def type_name(event: type[Any]) -> str:
    """An event's name in the stream: the class name in snake case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()


EVENTS: Mapping[str, type[Any]] = {type_name(kind): kind for kind in get_args(Event)}

FINAL = frozenset({State.DONE, State.NOTHING_TO_DO, State.REFUSED, State.EXPIRED, State.ABORTED})

Resolver = Callable[[Campaign], State]
Ways = Mapping[type[Any], "State | Resolver"]


def stay(campaign: Campaign) -> State:
    """Recorded, and nothing moves."""
    return campaign.state


def back_to_the_attempt(campaign: Campaign) -> State:
    """To ACTING while an intent stands (the attempt is not over until it has an outcome), else to READY."""
    return State.ACTING if campaign.intent is not None else State.READY


def back_from_the_gate(campaign: Campaign) -> State:
    """To READY; a risk gate of a plan that nobody has started leads back to the plan."""
    return State.READY if campaign.holds_locks else State.PROPOSED


def after_consent(campaign: Campaign) -> State:
    """To ACTING. A risk gate allows a waiver and nothing else: from it nothing may ever run."""
    risk = campaign.gate is not None and campaign.gate.kind == "risk"
    return back_from_the_gate(campaign) if risk else State.ACTING


def after_rejection(campaign: Campaign) -> State:
    """To PAUSED; a plan that nobody has started is only not started, an optional step only not taken."""
    if not campaign.holds_locks:
        return State.PROPOSED
    return State.READY if declined(campaign) else State.PAUSED


# Where a resolver may lead: for the diagram and for the model checker.
TARGETS: Mapping[Resolver, tuple[State, ...]] = {
    back_to_the_attempt: (State.ACTING, State.READY),
    back_from_the_gate: (State.READY, State.PROPOSED),
    after_consent: (State.ACTING, State.READY, State.PROPOSED),
    after_rejection: (State.PAUSED, State.PROPOSED, State.READY),
}

_ALWAYS: Ways = {
    ThreadOpened: stay,
    LateWithdrawal: stay,
    Progress: stay,
    MailDown: stay,
    MailUp: stay,
    AbortRequested: State.ABORTING,
}

TABLE: Mapping[State, Ways] = {
    State.PLANNING: {
        **_ALWAYS,
        PlanMade: State.PROPOSED,
        PlanRefused: State.REFUSED,
        NothingToDo: State.NOTHING_TO_DO,
    },
    State.PROPOSED: {
        **_ALWAYS,
        Started: State.READY,
        PlanExpired: State.EXPIRED,
        WaiverAsked: stay,
        WaiverDropped: stay,
        GatePrepared: State.GATED,  # a risk gate only
    },
    State.READY: {
        **_ALWAYS,
        GatePrepared: State.GATED,
        Waiting: stay,
        Rechecked: stay,
        Blocked: State.BLOCKED,
        Asked: State.ASKING,
        Paused: State.PAUSED,
        Finished: State.DONE,
        WaiverDropped: stay,
        ReturnAsked: stay,
        StepEnded: stay,  # its effect was found on the machines: nothing to approve, nothing to run
    },
    State.GATED: {
        **_ALWAYS,
        GateOpened: stay,
        Voted: stay,
        VoteWithdrawn: stay,
        PolicyChanged: stay,
        Rechecked: stay,
        GateConsumed: after_consent,
        GateVoided: back_from_the_gate,
        GateExpired: back_from_the_gate,
        GateRejected: after_rejection,
        ReturnAsked: State.READY,
        Paused: State.PAUSED,
    },
    State.ACTING: {
        **_ALWAYS,
        JobOpened: stay,
        JobStarted: stay,
        JobEnded: stay,
        Rechecked: stay,
        StepEnded: State.READY,
        Asked: State.ASKING,
        Paused: State.PAUSING,
    },
    State.PAUSING: {
        **_ALWAYS,
        # The attempt goes on to its end: a node left half evacuated is no safer for being paused.
        JobOpened: stay,
        JobStarted: stay,
        JobEnded: stay,
        Rechecked: stay,
        StepEnded: State.PAUSED,
        Asked: State.ASKING,
        Resumed: State.ACTING,
    },
    State.PAUSED: {**_ALWAYS, Resumed: State.READY, ReturnAsked: State.READY},
    State.BLOCKED: {
        **_ALWAYS,
        Blocked: stay,
        WaiverAsked: State.READY,
        ReturnAsked: State.READY,
        Unblocked: State.READY,
        Rechecked: State.READY,
        Retried: State.READY,
        Paused: State.PAUSED,
    },
    State.ASKING: {
        **_ALWAYS,
        Asked: stay,
        JobStarted: stay,
        JobEnded: stay,
        Unblocked: back_to_the_attempt,
        Rechecked: back_to_the_attempt,
        Retried: State.READY,
    },
    State.ABORTING: {**_ALWAYS, JobStarted: stay, JobEnded: stay, Unlocked: stay, Aborted: State.ABORTED},
    State.DONE: {},
    State.NOTHING_TO_DO: {},
    State.REFUSED: {},
    State.EXPIRED: {},
    State.ABORTED: {},
}


def next_state(campaign: Campaign, event: Event) -> State | None:
    """Where an event leads by the table alone, or None when this state does not take it."""
    way = TABLE[campaign.state].get(type(event))
    return way if way is None or isinstance(way, State) else way(campaign)


def decide(
    campaign: Campaign | None, event: Event, *, now: float, locks_held_by: str | None = None
) -> tuple[Event, ...] | Refusal:
    """The events to append, or why not.

    `now` is lab time by the server's TIME. `locks_held_by` is another campaign that holds a lock of our lock set.
    A refusal's parts: campaign, state, event, and `why` (a word) where a guard and not the table said no.
    """
    if campaign is None:
        if isinstance(event, CampaignRequested):
            return (event,)
        return Refusal(kind=RefusalKind.UNKNOWN_CAMPAIGN, parts=(("event", type_name(type(event))),))
    if campaign.state in FINAL:
        return _no(campaign, event, "final", RefusalKind.FINISHED)
    if next_state(campaign, event) is None:
        return _no(campaign, event, "table")
    if isinstance(event, Started):
        if locks_held_by is not None and locks_held_by != campaign.id:
            return _no(campaign, event, "locked", RefusalKind.BUSY, holder=locks_held_by)
        if now >= campaign.plan_expires_at:
            return _no(campaign, event, "plan_expired")
        if open_blocks(campaign, now):
            return _no(campaign, event, "plan_blocked", RefusalKind.PLAN_BLOCKED)
        return (event,)
    why = GUARDS.get(type(event), free)(campaign, event, now)
    return (event,) if why is None else _no(campaign, event, why)


def _no(
    campaign: Campaign, event: Event, why: str, kind: RefusalKind = RefusalKind.WRONG_STATE, holder: str = ""
) -> Refusal:
    parts = (
        ("campaign", campaign.id),
        ("cluster", campaign.cluster),
        ("state", campaign.state.value),
        ("event", type_name(type(event))),
        ("why", why),
    )
    return Refusal(kind=kind, parts=(*parts, ("holder", holder)) if holder else parts)
