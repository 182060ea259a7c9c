"""The guards beside the table: what must fit before an event may be appended. Pure.

A guard answers None to let the event pass, or one word that says why not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from state.returning import way_back, why_not
from state.words import (
    Aborted,
    Campaign,
    Check,
    Finished,
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
    PlanExpired,
    PlanMade,
    Retried,
    ReturnAsked,
    State,
    StepEnded,
    Unlocked,
    Voted,
    VoteWithdrawn,
    Waiver,
    WaiverAsked,
    WaiverDropped,
    When,
)

_OPEN = (JobState.OPENED, JobState.STARTED)
_WITHOUT_ATTEMPT = (OutcomeKind.DONE, OutcomeKind.LEFT)  # it is so already, or nobody wanted it
PLAN = "plan"  # what stands for a step before the start: in gate ids, waivers and risks


def free(campaign: Campaign, event: Any, now: float) -> str | None:  # noqa: ARG001
    """No guard: the table alone decides."""
    return None


def _plan_expired(campaign: Campaign, event: PlanExpired, now: float) -> str | None:  # noqa: ARG001
    return None if now >= campaign.plan_expires_at else "plan_still_good"


def _gate_prepared(campaign: Campaign, event: GatePrepared, now: float) -> str | None:
    gate = event.gate
    if campaign.step is None or gate.step != place(campaign):
        return "not_the_step_in_hand"
    if gate.attempt != campaign.attempt or gate.id != gate_id(campaign):
        return "not_the_attempt_in_hand"
    if gate.campaign != campaign.id or gate.kind not in ("step", "risk"):
        return "not_a_step_gate"
    if gate.kind == "step" and (gate.waiver is not None or campaign.state is not State.READY):
        return "not_a_step_gate"
    if gate.kind == "risk" and not _allows_what_was_asked(campaign, gate.waiver, gate.commands):
        return "not_the_risk_asked_for"
    if gate.status is not GateStatus.PREPARED or gate.ts or gate.channel:
        return "gate_has_lived_before"
    if gate.quorum < 1 or not set(campaign.barred) <= set(gate.barred):
        return "gate_too_weak"
    return "gate_expired" if now >= gate.expires_at else None


def _allows_what_was_asked(campaign: Campaign, waiver: Waiver | None, commands: tuple[Any, ...]) -> bool:
    risk = campaign.risk
    if risk is None or waiver is None or commands:
        return False
    asked = (risk.rule, risk.step, risk.reason, risk.by.person)
    given = (waiver.rule, waiver.step, waiver.reason, waiver.by)
    bounded = bool(waiver.facts) and waiver.expires_at > 0 and not waiver.approved_by
    return asked == given and bounded and risk.by.person in campaign.barred


def _waiver_asked(campaign: Campaign, event: WaiverAsked, now: float) -> str | None:  # noqa: ARG001
    if campaign.risk is not None:
        return "asked_already"
    if event.step != place(campaign):
        return "not_the_step_in_hand"
    if not event.reason.strip():
        return "no_reason"
    return None if event.rule in {check.rule for check in waivable_blocks(campaign)} else "not_waivable"


def _return_asked(campaign: Campaign, event: ReturnAsked, now: float) -> str | None:  # noqa: ARG001
    if not event.reason.strip():
        return "no_reason"
    return why_not(campaign) or (None if event.step == way_back(campaign) else "not_the_way_back")


def _waiver_dropped(campaign: Campaign, event: WaiverDropped, now: float) -> str | None:  # noqa: ARG001
    risk = campaign.risk
    return None if risk is not None and (risk.rule, risk.step) == (event.rule, event.step) else "not_asked"


def _mail_down(campaign: Campaign, event: MailDown, now: float) -> str | None:  # noqa: ARG001
    if not campaign.holds_locks:
        return "not_started"
    return "told" if event.outage.cms in {one.cms for one in campaign.outages} else None


def _mail_up(campaign: Campaign, event: MailUp, now: float) -> str | None:  # noqa: ARG001
    return None if event.cms in {one.cms for one in campaign.outages} else "not_down"


def _paused(campaign: Campaign, event: Paused, now: float) -> str | None:  # noqa: ARG001
    return None if campaign.holds_locks else "not_started"  # a plan nobody started cannot be resumed into a step


def waivable_blocks(campaign: Campaign) -> tuple[Check, ...]:
    """The checks that block now, if a risk gate may set every one of them aside; else none."""
    if campaign.state is State.PROPOSED:
        found, when = open_blocks(campaign, campaign.changed_at), When.PLAN
    elif campaign.state is State.BLOCKED and campaign.stop is not None:
        step = campaign.step
        if (
            step is None
            or campaign.stop.step != step.id
            or campaign.stop.rule not in {c.rule for c in campaign.stop.checks}
        ):
            return ()
        found, when = tuple(check for check in campaign.stop.checks if check.stops), When.GATE
    else:
        return ()
    return found if all(check.waivable and check.when is when for check in found) else ()


def open_blocks(campaign: Campaign, now: float) -> tuple[Check, ...]:
    """The plan's checks that stop it and that no waiver of the plan, standing at lab time `now`, sets aside."""
    checks = campaign.plan.checks if campaign.plan is not None else ()
    return tuple(
        check
        for check in checks
        if check.stops
        and not any(
            w.rule == check.rule and w.step == PLAN and w.approved_by and w.expires_at > now and w.facts == check.values
            for w in campaign.waivers
        )
    )


def _gate_at_hand(campaign: Campaign, event: Any, now: float) -> str | None:  # noqa: ARG001
    live = campaign.gate is not None and campaign.gate.status in (GateStatus.PREPARED, GateStatus.OPENED)
    return None if live and campaign.gate is not None and event.gate == campaign.gate.id else "not_the_gate_in_hand"


def _gate_opened(campaign: Campaign, event: GateOpened, now: float) -> str | None:
    if campaign.gate is not None and campaign.gate.status is GateStatus.OPENED:
        return "gate_open_already"
    return _gate_at_hand(campaign, event, now)


def _gate_expired(campaign: Campaign, event: GateExpired, now: float) -> str | None:
    if campaign.gate is not None and now < campaign.gate.expires_at:
        return "gate_still_good"
    return _gate_at_hand(campaign, event, now)


def _voted(campaign: Campaign, event: Voted, now: float) -> str | None:
    return _gate_at_hand(campaign, event.vote, now) or _gate_is_open(campaign)


def _withdrawn(campaign: Campaign, event: VoteWithdrawn, now: float) -> str | None:
    return _gate_at_hand(campaign, event, now) or _gate_is_open(campaign)


def _gate_is_open(campaign: Campaign) -> str | None:
    opened = campaign.gate is not None and campaign.gate.status is GateStatus.OPENED
    return None if opened else "gate_not_open"


def _gate_consumed(campaign: Campaign, event: GateConsumed, now: float) -> str | None:
    gate, intent = campaign.gate, event.intent
    if gate is None or intent.gate != gate.id or intent.step != gate.step or intent.attempt != gate.attempt:
        return "not_the_gate_in_hand"
    if gate.status is not GateStatus.OPENED:
        return "gate_not_open"
    if intent.digest != gate.digest:
        return "another_digest"
    if intent.version != campaign.version:
        return "something_happened_since_the_votes_were_read"
    if now >= gate.expires_at:
        return "gate_expired"
    barred = set(campaign.barred) | set(gate.barred)
    if len(set(intent.approved_by) - barred) < max(1, gate.quorum):
        return "not_enough_approvals"
    return None


def _job_opened(campaign: Campaign, event: JobOpened, now: float) -> str | None:  # noqa: ARG001
    order, intent, gate = event.order, campaign.intent, campaign.gate
    if intent is None or gate is None or order.gate != intent.gate or order.campaign != campaign.id:
        return "no_intent"
    if campaign.open_job is not None:
        return "a_job_is_open"
    if not all(_over(job) for job in campaign.jobs):
        return "an_earlier_job_did_not_end"
    if not re.fullmatch(re.escape(job_prefix(campaign)) + r"[0-9]{1,3}", order.name):
        return "not_a_job_name_of_this_attempt"
    if order.name in dict(campaign.known_jobs):
        return "job_name_used_before"
    if order.version not in (campaign.version, campaign.version + 1):
        return "another_version"
    if len(campaign.jobs) >= len(gate.commands) or order.command != gate.commands[len(campaign.jobs)]:
        return "not_the_gates_next_command"
    if order.command_hash != hashlib.sha256(order.command.text.encode()).hexdigest():
        return "another_command_hash"
    return None


def _over(job: Job) -> bool:
    # The command that restarts its own node is always cut off: the later boot time proves it.
    restarted = job.state is JobState.CUT_OFF and job.order.command.effect.startswith("restart")
    return job.state is JobState.ENDED or restarted


def _job_started(campaign: Campaign, event: JobStarted, now: float) -> str | None:  # noqa: ARG001
    job = campaign.open_job
    return None if job is not None and job.order.name == event.job and job.state is JobState.OPENED else "not_that_job"


def _job_ended(campaign: Campaign, event: JobEnded, now: float) -> str | None:  # noqa: ARG001
    job = campaign.open_job
    if job is None or job.order.name != event.job:
        return "not_that_job"
    if event.state in _OPEN:
        return "not_an_end"
    return "no_exit_code" if event.state is JobState.ENDED and event.exit_code is None else None


def _step_ended(campaign: Campaign, event: StepEnded, now: float) -> str | None:  # noqa: ARG001
    step, outcome = campaign.step, event.outcome
    if campaign.open_job is not None:
        return "a_job_is_open"
    if step is None or outcome.step != step.id or outcome.attempt != campaign.attempt:
        return "not_the_attempt_in_hand"
    if outcome.kind is OutcomeKind.LEFT and not (step.optional and event.advance and campaign.intent is None):
        return "not_to_be_left"
    if campaign.state is State.READY and not (event.advance and outcome.kind in _WITHOUT_ATTEMPT):
        return "nothing_was_attempted"
    if event.advance and outcome.kind not in (*_WITHOUT_ATTEMPT, OutcomeKind.NEEDS_RESTART):
        return "nothing_to_advance_on"
    if event.insert is not None and campaign.plan is not None:
        known = {other.id for other in campaign.plan.steps}
        if event.insert.id in known or not re.fullmatch(r"s[0-9]{2,3}[a-z]?", event.insert.id):
            return "not_a_new_step_id"
    return None


def _no_open_job(campaign: Campaign, event: Any, now: float) -> str | None:  # noqa: ARG001
    return "a_job_is_open" if campaign.open_job is not None else None


def _finished(campaign: Campaign, event: Finished, now: float) -> str | None:
    return "steps_are_left" if campaign.step is not None else _no_open_job(campaign, event, now)


def _unlocked(campaign: Campaign, event: Unlocked, now: float) -> str | None:  # noqa: ARG001
    return None if campaign.holds_locks else "holds_no_lock"


def _plan_made(campaign: Campaign, event: PlanMade, now: float) -> str | None:  # noqa: ARG001
    ids = [step.id for step in event.plan.steps]
    return None if ids and len(set(ids)) == len(ids) and event.plan.lock_set else "not_a_plan"


GUARDS: Mapping[type[Any], Callable[[Campaign, Any, float], str | None]] = {
    PlanMade: _plan_made,
    PlanExpired: _plan_expired,
    GatePrepared: _gate_prepared,
    WaiverAsked: _waiver_asked,
    WaiverDropped: _waiver_dropped,
    ReturnAsked: _return_asked,
    Paused: _paused,
    MailDown: _mail_down,
    MailUp: _mail_up,
    GateOpened: _gate_opened,
    Voted: _voted,
    VoteWithdrawn: _withdrawn,
    GateVoided: _gate_at_hand,
    GateRejected: _gate_at_hand,
    GateExpired: _gate_expired,
    GateConsumed: _gate_consumed,
    JobOpened: _job_opened,
    JobStarted: _job_started,
    JobEnded: _job_ended,
    StepEnded: _step_ended,
    Retried: _no_open_job,
    Aborted: _no_open_job,
    Unlocked: _unlocked,
    Finished: _finished,
}


def gate_id(campaign: Campaign) -> str:
    """The id of the gate of the attempt in hand."""
    return f"{campaign.id}.{place(campaign)}.{campaign.attempt}"


def declined(campaign: Campaign) -> bool:
    """Whether a “no” at the gate in hand only leaves an optional step undone."""
    step, gate = campaign.step, campaign.gate
    return step is not None and step.optional and gate is not None and gate.kind == "step"


def place(campaign: Campaign) -> str:
    """The step in hand; the plan itself while nobody has started it."""
    if not campaign.holds_locks:
        return PLAN
    return campaign.step.id if campaign.step else ""


def job_prefix(campaign: Campaign) -> str:
    """What every job name of the attempt in hand begins with; the job's number follows."""
    step = campaign.step
    return f"{campaign.id}-{campaign.nonce}-{step.id if step else ''}-{campaign.attempt}-"
