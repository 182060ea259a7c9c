"""Judges an attempt when nothing of it can run any more: by its effect, by its exit code, by the machines."""

from __future__ import annotations

import logging

from bot.engine.codes import meaning
from bot.engine.moves import went_well
from bot.engine.outcomes import done, end, failed, look_after, not_started, restore_of
from bot.engine.stops import ask
from bot.engine.turn import Turn
from bot.procedure.planner import restart_after, restore_before
from bot.procedure.rules import blocking
from state.words import (
    Campaign,
    Check,
    Job,
    JobState,
    OutcomeKind,
    StepKind,
    Stop,
    Verdict,
)

log = logging.getLogger(__name__)


AGAIN_S = 600.0  # lab: after a 1618, until the other installation may have ended


def conclude(turn: Turn, campaign: Campaign) -> float | None:
    """Give the attempt its outcome. Returns a lab time to look again at, or None."""
    step = campaign.step
    if step is None:
        return None
    bad = next((job for job in campaign.jobs if not went_well(job)), None)
    if bad is None:
        return _check_effect(turn, campaign)
    match bad.state:
        case JobState.CLOSED:
            not_started(turn, campaign, "its start was never received, and now it can never run")
        case JobState.REFUSED:
            end(turn, campaign, OutcomeKind.REFUSED, f"{bad.order.command.node} refused the job: {bad.detail}")
        case JobState.CUT_OFF:
            return _cut_off(turn, campaign, bad)
        case _ if bad.order.command.effect.startswith("move:"):
            return _moved_or_not(turn, campaign, bad)
        case _:
            return _by_code(turn, campaign, bad)
    return None


def _check_effect(turn: Turn, campaign: Campaign) -> float | None:
    now = turn.rooms.lab()
    after = look_after(turn, campaign)
    if after is None:
        return now + turn.rooms.config.pace.recheck_s
    bad = blocking(after.checks)
    if bad:
        ended = max((job.ended_at or 0.0 for job in campaign.jobs), default=now)
        now = turn.rooms.lab()
        if now - ended < min(check.patience_s for check in bad):
            return now + turn.rooms.config.pace.poll_s
        failed(turn, campaign, after.checks, bad[0])
        return None
    done(turn, campaign, after)
    return None


def _moved_or_not(turn: Turn, campaign: Campaign, job: Job) -> float | None:
    """A group's move that did not return 0: its code says nothing, the owner of the group does (S12).

    The group may still be on its way, so it is looked at until patience is over. What is left of the step, the
    other groups and the pause, is asked for by a new gate in either case.
    """
    step = campaign.step
    if step is None:
        return None
    now = turn.rooms.lab()
    code = job.exit_code if job.exit_code is not None else -1
    words = f"“{job.order.command.text}” ended with {code}" + (f" ({job.detail.rstrip('.')})" if job.detail else "")
    after = look_after(turn, campaign)
    checks = after.checks if after is not None else None
    rule = "NODE-EMPTY" if step.kind is StepKind.EVACUATE else "GROUPS-SNAPSHOT"
    stays = [check for check in blocking(checks or ()) if check.rule == rule]
    ended = job.ended_at or now
    if checks is None or (stays and now - ended < stays[0].patience_s):
        return now + turn.rooms.config.pace.poll_s
    group = job.order.command.effect.removeprefix("move:").rpartition(":")[0]
    if not any(f"'{group}'" in check.sentence for check in stays):
        end(
            turn,
            campaign,
            OutcomeKind.FAILED,
            f"{step.title}: {words}, but the group has left; a new gate asks for the rest.",
        )
        return None
    worst = stays[0]
    sentence = f"{words}. {worst.sentence}"
    end(
        turn,
        campaign,
        OutcomeKind.FAILED,
        f"{step.title}: {sentence}",
        rule=worst.rule,
        checks=checks,
        stop=Stop(
            rule=worst.rule,
            step=step.id,
            sentence=sentence,
            remedy=f"{worst.remedy} Find out what keeps it there: cluster.exe res, and the cluster log.",
            since=now,
            checks=tuple(stays),
            final=True,
        ),
    )
    return None


def _by_code(turn: Turn, campaign: Campaign, job: Job) -> float | None:
    step, plan = campaign.step, campaign.plan
    if step is None or plan is None:
        return None
    code = job.exit_code if job.exit_code is not None else -1
    now = turn.rooms.lab()
    if job.order.command.effect != "install":
        words = f"“{job.order.command.text}” ended with {code}" + (f": {job.detail}" if job.detail else "")
        end(
            turn,
            campaign,
            OutcomeKind.FAILED,
            f"{step.title}: {words}.",
            rule="EXIT-CODE",
            stop=Stop(
                rule="EXIT-CODE",
                step=step.id,
                sentence=f"{words}.",
                since=now,
                final=True,
                remedy="Read the job folder's log on the node, mend the cause, then `/rollup retry`: a new gate asks again.",
            ),
        )
        return None
    kind, words = meaning(code)
    sentence = f"{step.title}: the installer ended with {code}: {words}."
    if kind is OutcomeKind.NEEDS_RESTART:
        end(turn, campaign, kind, sentence, advance=True, insert=restart_after(step))
        return None
    if kind is OutcomeKind.RETRY_LATER:
        words = "another installation is running on the node"
        end(turn, campaign, kind, sentence, not_before=now + AGAIN_S, wait_reason=words)
        return None
    left = _left_by(turn, campaign)
    if left is None and now - (job.ended_at or now) < turn.rooms.config.limits.settle_s:
        return now + turn.rooms.config.pace.poll_s  # the installer may have stopped what the services are read with
    also = f" It left behind: {left.sentence}" if left is not None and left.verdict is Verdict.BLOCK else ""
    end(
        turn,
        campaign,
        OutcomeKind.FAILED,
        sentence + also,
        rule="EXIT-CODE",
        stop=Stop(
            rule="EXIT-CODE",
            step=step.id,
            sentence=sentence + also,
            since=now,
            final=True,
            checks=(left,) if also and left is not None else (),
            remedy=f"Read the installer's log in the job folder on {step.target}, mend the cause, then `/rollup retry`"
            + (": a gate asks first for putting the services back as they were found." if also else "."),
        ),
        insert=restore_before(step, plan) if also else None,
    )
    return None


def _left_by(turn: Turn, campaign: Campaign) -> Check | None:
    """What a failed install did to the services, against the before-image; None while they cannot be read."""
    after = look_after(turn, campaign)
    checks = after.checks if after is not None else ()
    found = next((check for check in checks if check.rule == "SERVICES-SNAPSHOT"), None)
    return None if found is None or found.verdict is Verdict.UNKNOWN else found


def _cut_off(turn: Turn, campaign: Campaign, job: Job) -> float | None:
    """It began and will never say how it ended. Node facts may tell; else people must. Never repeated alone."""
    step = campaign.step
    if step is None:
        return None
    now = turn.rooms.lab()
    after = look_after(turn, campaign)
    bad = blocking(after.checks) if after is not None else ()
    ended = job.ended_at or now
    if after is not None and not bad and len(campaign.jobs) == len(campaign.gate.commands if campaign.gate else ()):
        done(turn, campaign, after, ", by what the machines show (its own exit code was lost)")
        return None
    if bad and now - ended < max(check.patience_s for check in bad):
        return now + turn.rooms.config.pace.poll_s
    if after is not None and not bad:
        end(
            turn,
            campaign,
            OutcomeKind.CUT_OFF,
            f"{step.title}: cut off before it could say how it ended; the machines show that it took effect. "
            "A new gate asks for what is left of the step.",
        )
        return None
    rest = tuple(
        check for check in bad if check.rule != "SCR-COPY-OK"
    )  # its copies wait for the service that stands still
    if (
        after is not None and (more := restore_of(campaign, step, rest)) is not None
    ):  # it took effect: that alone is left
        sentence = f"{step.title}: cut off before it could say how it ended; the machines show that it took effect. "
        worst = rest[0]
        end(
            turn,
            campaign,
            OutcomeKind.CUT_OFF,
            sentence + worst.sentence,
            rule=worst.rule,
            checks=after.checks,
            stop=Stop(
                rule=worst.rule,
                step=step.id,
                sentence=sentence + worst.sentence,
                remedy=worst.remedy,
                since=now,
                checks=bad,
                final=True,
            ),
            insert=more,
        )
        return None
    why = bad[0].sentence if bad else "the machines could not be read"
    ask(
        turn,
        campaign,
        "CUT-OFF",
        f"“{job.order.command.text}” began on {job.order.command.node} and was cut off; {why}",
        "Find out on the node how it ended. `/rollup recheck` looks again; `/rollup retry` opens a new gate for the step.",
    )
    return None
