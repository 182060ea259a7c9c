"""The guards beside the table: what must fit before an event may be appended. Pure.

A guard answers None to let the event pass, or one word that says why not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from state.words import (
    Aborted,
    Campaign,
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
    OutcomeKind,
    PlanExpired,
    PlanMade,
    Retried,
    State,
    StepEnded,
    Unlocked,
    Voted,
    VoteWithdrawn,
)

_OPEN = (JobState.OPENED, JobState.STARTED)


def free(campaign: Campaign, event: Any, now: float) -> str | None:  # noqa: ARG001
    """No guard: the table alone decides."""
    return None


def _plan_expired(campaign: Campaign, event: PlanExpired, now: float) -> str | None:  # noqa: ARG001
    return None if now >= campaign.plan_expires_at else "plan_still_good"


def _gate_prepared(campaign: Campaign, event: GatePrepared, now: float) -> str | None:
    gate, step = event.gate, campaign.step
    if step is None or gate.step != step.id:
        return "not_the_step_in_hand"
    if gate.attempt != campaign.attempt or gate.id != gate_id(campaign):
        return "not_the_attempt_in_hand"
    if gate.campaign != campaign.id or gate.kind != "step":
        return "not_a_step_gate"
    if gate.status is not GateStatus.PREPARED or gate.ts or gate.channel:
        return "gate_has_lived_before"
    if gate.quorum < 1 or not set(campaign.barred) <= set(gate.barred):
        return "gate_too_weak"
    return "gate_expired" if now >= gate.expires_at else None


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
    if campaign.state is State.READY and not (event.advance and outcome.kind is OutcomeKind.DONE):
        return "nothing_was_attempted"
    if event.advance and outcome.kind not in (OutcomeKind.DONE, OutcomeKind.NEEDS_RESTART):
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
    step = campaign.step
    return f"{campaign.id}.{step.id if step else ''}.{campaign.attempt}"


def job_prefix(campaign: Campaign) -> str:
    """What every job name of the attempt in hand begins with; the job's number follows."""
    step = campaign.step
    return f"{campaign.id}-{campaign.nonce}-{step.id if step else ''}-{campaign.attempt}-"
