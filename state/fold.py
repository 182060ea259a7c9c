"""How each event changes a campaign. Pure: the snapshot is nothing but the fold of its events.

Events are facts by the time they arrive here: nothing is refused, `state.campaign.decide` did that. The one thing a
fold takes from the table is the next state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from state.campaign import FINAL, next_state
from state.words import (
    Aborted,
    AbortRequested,
    Asked,
    Blocked,
    Campaign,
    CampaignRequested,
    GateConsumed,
    GateExpired,
    GateOpened,
    GatePrepared,
    GateRejected,
    GateStatus,
    GateVoided,
    Job,
    JobEnded,
    JobOpened,
    JobStarted,
    JobState,
    MailDown,
    MailUp,
    OutcomeKind,
    Paused,
    PlanMade,
    PlanRefused,
    Rechecked,
    Recorded,
    Retried,
    ReturnAsked,
    Risk,
    Started,
    State,
    StepEnded,
    StepKind,
    Stop,
    ThreadOpened,
    Unblocked,
    Unlocked,
    Voted,
    VoteWithdrawn,
    Waiting,
    WaiverAsked,
    WaiverDropped,
)


def evolve(campaign: Campaign | None, recorded: Recorded) -> Campaign:
    """The campaign after one recorded event. Raises ValueError for an event its state does not take."""
    event = recorded.event
    if campaign is None:
        if not isinstance(event, CampaignRequested):
            raise ValueError(f"a campaign begins with a request, not with {type(event).__name__}")
        return _requested(event, recorded)
    state = next_state(campaign, event)
    if state is None:
        raise ValueError(f"{campaign.state.value} takes no {type(event).__name__}")
    changed = _FOLDS.get(type(event), _nothing)(campaign, event, recorded.at)
    return replace(
        changed,
        state=state,
        version=recorded.version,
        head=recorded.hash,
        changed_at=recorded.at,
        holds_locks=changed.holds_locks and state not in FINAL,
    )


def _requested(event: CampaignRequested, recorded: Recorded) -> Campaign:
    return Campaign(
        id=event.campaign,
        nonce=event.nonce,
        cluster=event.cluster,
        channel=event.channel,
        state=State.PLANNING,
        version=recorded.version,
        head=recorded.hash,
        requester=event.by,
        package_ref=event.package_ref,
        options=event.options,
        barred=(event.by.person,),
        created_at=recorded.at,
        changed_at=recorded.at,
    )


def _nothing(campaign: Campaign, event: Any, at: float) -> Campaign:  # noqa: ARG001
    return campaign


def _bar(campaign: Campaign, person: str) -> Campaign:
    return campaign if person in campaign.barred else replace(campaign, barred=(*campaign.barred, person))


def _thread(campaign: Campaign, event: ThreadOpened, at: float) -> Campaign:  # noqa: ARG001
    return replace(campaign, thread_ts=event.ts)


def _plan_made(campaign: Campaign, event: PlanMade, at: float) -> Campaign:  # noqa: ARG001
    return replace(
        campaign, plan=event.plan, package=event.plan.package, plan_expires_at=event.expires_at, step_index=0, attempt=1
    )


def _plan_refused(campaign: Campaign, event: PlanRefused, at: float) -> Campaign:
    return replace(
        campaign,
        stop=Stop(
            rule=event.rule, sentence=event.sentence, remedy=event.remedy, since=at, checks=event.checks, final=True
        ),
    )


def _started(campaign: Campaign, event: Started, at: float) -> Campaign:  # noqa: ARG001
    return replace(_bar(campaign, event.by.person), holds_locks=True)


def _gate_prepared(campaign: Campaign, event: GatePrepared, at: float) -> Campaign:  # noqa: ARG001
    # The before-image of a machine is taken once, before the first attempt that touches it.
    had = {image.machine for image in campaign.images}
    new = tuple(image for image in event.images if image.machine not in had)
    return replace(
        campaign,
        gate=event.gate,
        votes=(),
        images=(*campaign.images, *new),
        not_before=0.0,
        wait_reason="",
        stop=None,
        risk=campaign.risk if event.gate.kind == "risk" else None,
    )


def _gate_opened(campaign: Campaign, event: GateOpened, at: float) -> Campaign:  # noqa: ARG001
    if campaign.gate is None:
        return campaign
    return replace(
        campaign,
        gate=replace(
            campaign.gate, status=GateStatus.OPENED, channel=event.channel, ts=event.ts, posted_hash=event.posted_hash
        ),
    )


def _voted(campaign: Campaign, event: Voted, at: float) -> Campaign:  # noqa: ARG001
    kept = tuple(v for v in campaign.votes if (v.user, v.emoji) != (event.vote.user, event.vote.emoji))
    return replace(campaign, votes=(*kept, event.vote))


def _withdrawn(campaign: Campaign, event: VoteWithdrawn, at: float) -> Campaign:  # noqa: ARG001
    return replace(campaign, votes=tuple(v for v in campaign.votes if (v.user, v.emoji) != (event.user, event.emoji)))


def _close_gate(campaign: Campaign, status: GateStatus) -> Campaign:
    """A gate that was not consumed is over, and its number is used up."""
    if campaign.gate is None or campaign.gate.status not in (GateStatus.PREPARED, GateStatus.OPENED):
        return campaign
    return replace(
        campaign, gate=replace(campaign.gate, status=status), votes=(), attempt=campaign.attempt + 1, risk=None
    )


def _voided(campaign: Campaign, event: GateVoided, at: float) -> Campaign:  # noqa: ARG001
    return _close_gate(campaign, GateStatus.VOIDED)


def _expired(campaign: Campaign, event: GateExpired, at: float) -> Campaign:  # noqa: ARG001
    return _close_gate(campaign, GateStatus.EXPIRED)


def _rejected(campaign: Campaign, event: GateRejected, at: float) -> Campaign:  # noqa: ARG001
    return _close_gate(campaign, GateStatus.REJECTED)


def _consumed(campaign: Campaign, event: GateConsumed, at: float) -> Campaign:  # noqa: ARG001
    gate = None if campaign.gate is None else replace(campaign.gate, status=GateStatus.CONSUMED)
    if gate is not None and gate.waiver is not None:
        # No intent comes of it, so nothing can run; the step gets a gate of its own, with its own number.
        waiver = replace(gate.waiver, approved_by=event.intent.approved_by)
        others = tuple(w for w in campaign.waivers if (w.step, w.rule) != (waiver.step, waiver.rule))
        return replace(
            campaign, gate=gate, waivers=(*others, waiver), votes=(), risk=None, attempt=campaign.attempt + 1
        )
    return replace(campaign, gate=gate, intent=event.intent, jobs=())


def _job_opened(campaign: Campaign, event: JobOpened, at: float) -> Campaign:
    job = Job(order=event.order, state=JobState.OPENED, opened_at=at)
    return replace(
        campaign, jobs=(*campaign.jobs, job), known_jobs=(*campaign.known_jobs, (event.order.name, event.order.version))
    )


def _job_started(campaign: Campaign, event: JobStarted, at: float) -> Campaign:
    return replace(
        campaign,
        jobs=tuple(
            replace(job, state=JobState.STARTED, started_at=at) if job.order.name == event.job else job
            for job in campaign.jobs
        ),
    )


def _job_ended(campaign: Campaign, event: JobEnded, at: float) -> Campaign:
    jobs, paused = [], campaign.paused_nodes
    for job in campaign.jobs:
        if job.order.name != event.job:
            jobs.append(job)
            continue
        jobs.append(
            replace(
                job,
                state=event.state,
                ended_at=at,
                exit_code=event.exit_code,
                detail=event.detail,
                downtime_s=event.downtime_s,
            )
        )
        if jobs[-1].worked:
            verb, _, node = job.order.command.effect.partition(":")
            if verb in ("pause", "resume") and node:
                paused = tuple(n for n in paused if n != node) + ((node,) if verb == "pause" else ())
    return replace(campaign, jobs=tuple(jobs), paused_nodes=paused)


def _waiting(campaign: Campaign, event: Waiting, at: float) -> Campaign:  # noqa: ARG001
    return replace(campaign, not_before=event.until, wait_reason=event.reason)


def _step_ended(campaign: Campaign, event: StepEnded, at: float) -> Campaign:  # noqa: ARG001
    plan, index, attempt = campaign.plan, campaign.step_index, campaign.attempt
    # A waiver dies with the attempt it was given for, however that ended.
    waivers = tuple(w for w in campaign.waivers if w.step != event.outcome.step)
    if plan is not None and event.insert is not None:
        # After the step that is done; before one that is tried again once this has mended what it left.
        place = index + 1 if event.advance else index
        plan = replace(plan, steps=(*plan.steps[:place], event.insert, *plan.steps[place:]))
    if event.advance:
        index += 1
        following = plan.steps[index].id if plan is not None and index < len(plan.steps) else ""
        # A step that is come back to goes on counting: gate ids and job names never repeat.
        attempt = 1 + max((o.attempt for o in campaign.outcomes if o.step == following), default=0)
    else:
        attempt += 1
    paused, step = campaign.paused_nodes, campaign.step
    needless = event.outcome.kind is OutcomeKind.DONE and not campaign.jobs
    if step is not None and step.kind is StepKind.INSTALL and needless:
        paused = tuple(
            node for node in paused if node.casefold() != step.target.casefold()
        )  # nothing was left to run: a person resumed it
    return replace(
        campaign,
        plan=plan,
        paused_nodes=paused,
        step_index=index,
        attempt=attempt,
        waivers=waivers,
        gate=None,
        votes=(),
        intent=None,
        jobs=(),
        outcomes=(*campaign.outcomes, event.outcome),
        not_before=event.not_before,
        wait_reason=event.wait_reason,
        stop=None,
        risk=None,
        user_downtime_s=campaign.user_downtime_s + (event.outcome.downtime_s or 0.0),
    )


def _stopped(campaign: Campaign, event: Blocked | Asked, at: float) -> Campaign:  # noqa: ARG001
    return replace(campaign, stop=event.stop, risk=None)


def _waiver_asked(campaign: Campaign, event: WaiverAsked, at: float) -> Campaign:
    risk = Risk(rule=event.rule, step=event.step, reason=event.reason, by=event.by, at=at)
    return replace(_bar(campaign, event.by.person), risk=risk, stop=None)


def _return_asked(campaign: Campaign, event: ReturnAsked, at: float) -> Campaign:
    closed = _bar(_close_gate(campaign, GateStatus.CLOSED), event.by.person)
    plan = closed.plan
    if plan is not None:
        plan = replace(plan, steps=(*plan.steps[: closed.step_index], event.step))
    risk = Risk(rule=event.step.rule, step=event.step.id, reason=event.reason, by=event.by, at=at)
    return replace(closed, plan=plan, attempt=1, risk=risk, waivers=(), stop=None, not_before=0.0, wait_reason="")


def _mail_down(campaign: Campaign, event: MailDown, at: float) -> Campaign:  # noqa: ARG001
    return replace(campaign, outages=(*campaign.outages, event.outage))


def _mail_up(campaign: Campaign, event: MailUp, at: float) -> Campaign:  # noqa: ARG001
    return replace(campaign, outages=tuple(one for one in campaign.outages if one.cms != event.cms))


def _waiver_dropped(campaign: Campaign, event: WaiverDropped, at: float) -> Campaign:  # noqa: ARG001
    return replace(campaign, risk=None)


def _moving(campaign: Campaign, event: Unblocked | Rechecked, at: float) -> Campaign:  # noqa: ARG001
    return replace(campaign, stop=None)


def _retried(campaign: Campaign, event: Retried, at: float) -> Campaign:  # noqa: ARG001
    return replace(
        _bar(campaign, event.by.person),
        stop=None,
        risk=None,
        intent=None,
        jobs=(),
        votes=(),
        not_before=0.0,
        wait_reason="",
        attempt=campaign.attempt + 1,
    )


def _paused(campaign: Campaign, event: Paused, at: float) -> Campaign:  # noqa: ARG001
    return replace(_close_gate(campaign, GateStatus.CLOSED), stop=None, risk=None)


def _abort_requested(campaign: Campaign, event: AbortRequested, at: float) -> Campaign:  # noqa: ARG001
    return replace(_close_gate(campaign, GateStatus.CLOSED), risk=None)


def _unlocked(campaign: Campaign, event: Unlocked | Aborted, at: float) -> Campaign:  # noqa: ARG001
    return replace(campaign, holds_locks=False)


_FOLDS: Mapping[type[Any], Callable[[Campaign, Any, float], Campaign]] = {
    ThreadOpened: _thread,
    PlanMade: _plan_made,
    PlanRefused: _plan_refused,
    Started: _started,
    GatePrepared: _gate_prepared,
    GateOpened: _gate_opened,
    Voted: _voted,
    VoteWithdrawn: _withdrawn,
    GateVoided: _voided,
    GateExpired: _expired,
    GateRejected: _rejected,
    GateConsumed: _consumed,
    JobOpened: _job_opened,
    JobStarted: _job_started,
    JobEnded: _job_ended,
    Waiting: _waiting,
    StepEnded: _step_ended,
    Blocked: _stopped,
    Asked: _stopped,
    Unblocked: _moving,
    Rechecked: _moving,
    WaiverAsked: _waiver_asked,
    WaiverDropped: _waiver_dropped,
    MailDown: _mail_down,
    MailUp: _mail_up,
    ReturnAsked: _return_asked,
    Retried: _retried,
    Paused: _paused,
    AbortRequested: _abort_requested,
    Unlocked: _unlocked,
    Aborted: _unlocked,
}
