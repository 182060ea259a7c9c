"""What a campaign needs next, as a pure function of its snapshot and the time. No I/O.

The worker asks `next_move`, does that one thing, appends its event and asks again until the answer is `Wait`.
Times are lab seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from state.words import Campaign, Choice, GateStatus, Job, JobState, State


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the engine looks again. Lab seconds."""

    poll_s: float = 15.0  # a running job
    recheck_s: float = 60.0  # a blocking rule
    recount_s: float = 45.0  # an open gate's reactions, should every event about them have been lost
    unreachable_s: float = 30.0  # a node that does not answer while a name is open
    watch_s: float = 120.0  # whether mail is up, while a campaign holds its locks
    confirm_s: float = 30.0  # what looks like an outage is looked at once more: a database may just be mounting
    plan_expiry_s: float = 86400.0  # a plan nobody started


class Do(StrEnum):
    """The one thing to do next."""

    MAKE_PLAN = "make_plan"
    EXPIRE_PLAN = "expire_plan"
    PREPARE_GATE = "prepare_gate"
    PREPARE_RISK = "prepare_risk"  # a waiver was asked for
    EXPIRE_GATE = "expire_gate"
    RECOUNT = "recount"  # ask Slack; consume, reject or leave open
    OPEN_JOB = "open_job"
    SETTLE_JOB = "settle_job"  # opened, and nobody knows whether it was started: close its name or adopt it
    OBSERVE_JOB = "observe_job"
    CONCLUDE = "conclude"  # the attempt has nothing left to run: judge it
    RECHECK = "recheck"
    GO_ON = "go_on"  # people were asked about a node that has answered since
    FINISH = "finish"
    END_RETURN = "end_return"  # the mail server is back on its old node: the campaign ends
    FINISH_ABORT = "finish_abort"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Move:
    """A thing to do, or a time to wait for (None: until somebody does something)."""

    do: Do
    until: float | None = None
    job: Job | None = None
    index: int = 0  # OPEN_JOB: which command of the gate


def next_move(campaign: Campaign, now: float, pace: Pace) -> Move:
    """The one next thing. Total: every state has an answer."""
    match campaign.state:
        case State.PLANNING:
            return Move(Do.MAKE_PLAN)
        case State.PROPOSED:
            end = (campaign.plan.made_at if campaign.plan else campaign.created_at) + pace.plan_expiry_s
            if campaign.risk is not None and now < end:
                return Move(Do.PREPARE_RISK)
            return Move(Do.EXPIRE_PLAN) if now >= end else Move(Do.WAIT, until=end)
        case State.READY if campaign.risk is not None:
            return Move(Do.PREPARE_RISK)
        case State.READY:
            if now < campaign.not_before:
                return Move(Do.WAIT, until=campaign.not_before)
            if campaign.step is None and campaign.plan is not None and campaign.plan.steps[-1].option == "return":
                return Move(Do.END_RETURN)
            return Move(Do.PREPARE_GATE if campaign.step is not None else Do.FINISH)
        case State.GATED:
            return _gated(campaign, now, pace)
        case State.ACTING | State.PAUSING:
            return _acting(campaign, now, pace)
        case State.ABORTING:
            return _aborting(campaign, now, pace)
        case State.BLOCKED if campaign.stop is not None and campaign.stop.rule == "EXIT-CODE":
            return Move(Do.WAIT)  # a command ran and ended badly: no reading tells that its cause is mended, people do
        case State.BLOCKED:
            return _again(campaign, now, pace)
        case State.ASKING:
            if campaign.open_job is not None:  # keep looking: the node may answer by itself
                return _job(campaign.open_job, now, pace)
            answered = campaign.stop is not None and campaign.stop.rule == "JOB-OPEN" and campaign.intent is not None
            return Move(Do.GO_ON) if answered else Move(Do.WAIT)
        case _:
            return Move(Do.WAIT)  # paused, or over


def _gated(campaign: Campaign, now: float, pace: Pace) -> Move:
    gate = campaign.gate
    if gate is None or gate.status is GateStatus.PREPARED:
        return Move(Do.WAIT, until=now + pace.recount_s)  # until its message stands in Slack
    if now >= gate.expires_at:
        return Move(Do.EXPIRE_GATE)
    cast = [v for v in campaign.votes if v.gate == gate.id and v.counted]
    approvals = {v.person for v in cast if v.choice is Choice.APPROVE}
    if len(approvals) >= max(1, gate.quorum) or any(v.choice is Choice.REJECT for v in cast):
        return Move(Do.RECOUNT)
    return Move(Do.WAIT, until=min(gate.expires_at, now + pace.recount_s))


def _acting(campaign: Campaign, now: float, pace: Pace) -> Move:
    gate = campaign.gate
    if (job := campaign.open_job) is not None:
        return _job(job, now, pace)
    if gate is None or campaign.intent is None:  # cannot be by the table; conclude rather than guess
        return Move(Do.CONCLUDE)
    if any(not went_well(job) for job in campaign.jobs):
        return Move(Do.CONCLUDE)
    if len(campaign.jobs) < len(gate.commands):
        return Move(Do.OPEN_JOB, index=len(campaign.jobs))
    return Move(Do.CONCLUDE)


def _aborting(campaign: Campaign, now: float, pace: Pace) -> Move:
    if (job := campaign.open_job) is not None:
        return _job(job, now, pace)
    return Move(Do.FINISH_ABORT)


def _job(job: Job, _now: float, _pace: Pace) -> Move:
    return Move(Do.SETTLE_JOB if job.state is JobState.OPENED else Do.OBSERVE_JOB, job=job)


def _again(campaign: Campaign, now: float, pace: Pace) -> Move:
    since = campaign.stop.since if campaign.stop is not None else now
    if campaign.changed_at + pace.recheck_s <= now:
        return Move(Do.RECHECK)
    return Move(Do.WAIT, until=max(since, campaign.changed_at) + pace.recheck_s)


def went_well(job: Job) -> bool:
    """Whether a job of an attempt allows the next one to be opened."""
    if job.order.command.effect.startswith("restart") and job.state is JobState.CUT_OFF:
        return True  # a restart never returns; the later boot time proves it
    return job.worked
