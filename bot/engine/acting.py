"""Runs an attempt's jobs one after another: open the name, start, observe. A lost reply is not a failure.

No conclusion is drawn while a job's name is open, that is while it could still begin without our knowing.
"""

from __future__ import annotations

import hashlib
import logging

from bot.engine.evidence import gather
from bot.engine.moves import Move
from bot.engine.outcomes import failed, look_after, not_started
from bot.engine.show import show_line
from bot.engine.stops import ask, ask_about, damaged
from bot.engine.turn import Turn
from bot.estate.errors import EstateError
from bot.procedure.order import check_next
from bot.procedure.rules import blocking
from state import audit
from state.words import (
    Campaign,
    Command,
    Gate,
    Intent,
    Job,
    JobEnded,
    JobKind,
    JobOpened,
    JobOrder,
    JobReport,
    JobSeen,
    JobStarted,
    JobState,
    Progress,
    State,
)

log = logging.getLogger(__name__)

_ENDS = {
    JobSeen.ENDED: JobState.ENDED,
    JobSeen.REFUSED: JobState.REFUSED,
    JobSeen.VOID: JobState.CLOSED,
    JobSeen.CUT_OFF: JobState.CUT_OFF,
}


def open_job(turn: Turn, campaign: Campaign, move: Move) -> float | None:
    """Write down the next job, check lease and deadline, start it once."""
    rooms, gate, intent, step = turn.rooms, campaign.gate, campaign.intent, campaign.step
    if gate is None or intent is None or step is None:
        return None
    if not audit.is_ours(intent, rooms.key) or not audit.is_ours(gate, rooms.key):
        not_started(turn, campaign, "the intent in the store does not carry our signature")
        return None
    command = gate.commands[move.index]
    if move.index == 0 and intent.token != turn.lease.token:
        # Somebody else wrote this intent and never opened its job, and now never can: its lease is gone.
        not_started(turn, campaign, "the worker that held the approval stopped before it started anything")
        return None
    if intent.token != turn.lease.token and (damage := damaged(rooms, campaign)) is not None:
        # We carry on what another turn began, perhaps before the store was put back to an older copy.
        ask_about(turn, campaign, damage)
        return None
    if command.effect.startswith("resume:") and move.index > 0:
        until = _after_first(turn, campaign)
        if until is not None:
            return until
        campaign = turn.rooms.store.get(campaign.id) or campaign
        if campaign.state not in (State.ACTING, State.PAUSING) or campaign.intent != intent:
            return None
    elif move.index > 0 and intent.token != turn.lease.token and not _still_the_same(turn, campaign, gate, move.index):
        not_started(turn, campaign, "what is left of this step is no longer what was approved")
        return None
    if check_next(campaign, step):
        not_started(turn, campaign, "the order of the document speaks against it now")
        return None
    _start(turn, campaign, gate, intent, command, move.index)
    return None


def _start(turn: Turn, campaign: Campaign, gate: Gate, intent: Intent, command: Command, index: int) -> None:
    rooms = turn.rooms
    now = rooms.lab()
    if index == 0 and now > intent.not_after:
        not_started(turn, campaign, "too much time went by between the approval and the start")
        return
    order = JobOrder(
        name=f"{campaign.id}-{campaign.nonce}-{gate.step}-{gate.attempt}-{index + 1}",
        campaign=campaign.id,
        version=campaign.version + 1,
        gate=gate.id,
        command=command,
        command_hash=hashlib.sha256(command.text.encode()).hexdigest(),
        not_after=now + rooms.clock.speed * rooms.config.start_within_s,
    )
    campaign = turn.write(campaign, JobOpened(order=order, token=turn.lease.token), f"open-{index}")
    turn.still_ours()
    try:
        report = rooms.estate.start(order)
    except EstateError as err:
        log.warning("%s: the start's reply was lost or refused: %s", order.name, err)
        return  # its name is open; the next look settles it
    absorb(turn, campaign, campaign.open_job, report)


def settle(turn: Turn, campaign: Campaign, job: Job) -> float | None:
    """Nobody knows whether this job was started: close its name, or adopt what stands there."""
    rooms = turn.rooms
    try:
        report = rooms.estate.close(job.order)
    except EstateError as err:
        return _out_of_reach(turn, campaign, job, str(err))
    return absorb(turn, campaign, job, report)


def observe(turn: Turn, campaign: Campaign, job: Job) -> float | None:
    """Look at a started job."""
    rooms = turn.rooms
    try:
        report = rooms.estate.observe(job.order)
        if report.seen is JobSeen.WAITING and rooms.lab() > job.opened_at + max(job.order.command.timeout_s, 300.0):
            report = rooms.estate.close(job.order)  # it was handed over and never began: now it never can
    except EstateError as err:
        return _out_of_reach(turn, campaign, job, str(err))
    return absorb(turn, campaign, job, report)


def absorb(turn: Turn, campaign: Campaign, job: Job | None, report: JobReport) -> float | None:
    """Write down what was seen of a job. Returns when to look again, or None to go on."""
    if job is None:
        return None
    rooms = turn.rooms
    if report.seen in _ENDS:
        ended = JobEnded(
            job=job.order.name,
            state=_ENDS[report.seen],
            exit_code=report.exit_code,
            detail=report.detail,
            downtime_s=report.downtime_s,
        )
        # What was over before anybody saw it run has started all the same: the record has both of every job that ran.
        unseen = job.state is JobState.OPENED and report.seen is not JobSeen.VOID
        turn.write(campaign, (JobStarted(job=job.order.name), ended) if unseen else ended, "end")
        if job.order.command.kind is not JobKind.SHELL:
            try:
                rooms.estate.tidy(job.order)
            except EstateError as err:
                log.warning("%s: its task could not be deleted yet: %s", job.order.name, err)
        return None
    if report.seen in (JobSeen.WAITING, JobSeen.RUNNING):
        if job.state is JobState.OPENED:
            turn.write(campaign, JobStarted(job=job.order.name), "started")
            return None if job.order.command.kind is JobKind.SHELL else rooms.lab() + rooms.config.pace.poll_s
        show_line(rooms, campaign, job, report)
        _tell_if_long(turn, campaign, job, report)
        return rooms.lab() + rooms.config.pace.poll_s
    if campaign.state is State.ASKING:
        return rooms.lab() + rooms.config.pace.unreachable_s
    if report.seen is JobSeen.FOREIGN:
        ask(
            turn,
            campaign,
            "JOB-FOREIGN",
            f"The folder {job.order.name} on {job.order.command.node} does not hold what the bot wrote: {report.detail}",
            "Look at that folder on the node. Nothing more is done until someone has.",
        )
    else:
        ask(
            turn,
            campaign,
            "JOB-GONE",
            f"The folder {job.order.name} on {job.order.command.node} is gone, so its result cannot be read.",
            "Wait on the node until what ran has ended: nothing more can be read of it. Put the folder back and type "
            f"`/rollup recheck`; or `/rollup abort {campaign.id}`, then "
            f"`/rollup unlock {campaign.cluster} {job.order.name}`, and plan again: that goes on where the cluster stands.",
        )
    return None


def _out_of_reach(turn: Turn, campaign: Campaign, job: Job, why: str) -> float:
    """The node does not answer: the name stays open, the locks stay held, people are told once."""
    rooms = turn.rooms
    now = rooms.lab()
    limit = max(job.order.command.timeout_s, 4 * rooms.config.pace.unreachable_s)
    if now > job.opened_at + limit and campaign.state in (State.ACTING, State.PAUSING):
        ask(
            turn,
            campaign,
            "JOB-OPEN",
            f"{job.order.command.node} does not answer ({why}), so nobody can say whether “{job.order.command.text}” ran.",
            "Nothing is concluded and nothing is repeated until the node answers. The bot keeps trying; look at the node.",
        )
    return now + rooms.config.pace.unreachable_s


def _tell_if_long(turn: Turn, campaign: Campaign, job: Job, report: JobReport) -> None:
    """Past its time a job is reported, once; nothing is ever ended."""
    now = turn.rooms.lab()
    since = job.started_at or job.opened_at
    if campaign.state not in (State.ACTING, State.PAUSING) or now - since <= job.order.command.timeout_s:
        return
    if any(o.step == job.order.name for o in campaign.outcomes):
        return
    age = f", last line of its log {int(report.log_age_s // 60)} minutes ago" if report.log_age_s else ""
    turn.rooms.store.apply(
        campaign.id,
        Progress(
            step=campaign.step.id if campaign.step else "",
            sentence=(
                f"{job.order.command.purpose} on {job.order.command.node} has run for {int((now - since) // 60)} minutes, "
                f"longer than expected{age}. It is not ended; the bot keeps watching."
            ),
        ),
        op_id=f"long:{job.order.name}",
        at=now,
        lease=turn.lease,
        expected=campaign.version,
    )


def _after_first(turn: Turn, campaign: Campaign) -> float | None:
    """Before a node is resumed: the checks after the install. A lab time to wait for, or None when they pass.

    When patience is over the attempt ends as failed and the node stays paused, which every status says first.
    """
    after = look_after(turn, campaign)
    if after is None:
        return turn.rooms.lab() + turn.rooms.config.pace.poll_s
    bad = blocking(after.checks)
    if not bad:
        return None
    now = turn.rooms.lab()
    ended = max((job.ended_at or 0.0 for job in campaign.jobs), default=now)
    if now - ended < min(check.patience_s for check in bad):
        return now + turn.rooms.config.pace.poll_s
    failed(turn, campaign, after.checks, bad[0])
    return now


def _still_the_same(turn: Turn, campaign: Campaign, gate: Gate, index: int) -> bool:
    """After a change of worker: whether the commands left, rendered from facts of now, are those approved."""
    step = campaign.step
    if step is None:
        return False
    evidence = gather(turn.rooms, campaign, step)
    return hasattr(evidence, "commands") and evidence.commands == gate.commands[index:]
