"""Closes campaigns: done, aborted, or ended by a return."""

from __future__ import annotations

from bot.engine.outcomes import look_at_all, moves_of
from bot.engine.reading import read_for
from bot.engine.show import show
from bot.engine.stops import stop_on
from bot.engine.turn import Turn
from bot.procedure.found import Left, left_behind
from bot.procedure.rules import blocking
from state.words import (
    Aborted,
    AbortRequested,
    Blocked,
    Campaign,
    Finished,
    JobState,
    OutcomeKind,
    Verdict,
)


def finish(turn: Turn, campaign: Campaign) -> float | None:
    """Every step is done: judge the whole once more and close."""
    after = look_at_all(turn, campaign)
    now = turn.rooms.lab()
    if after is None:
        return now + turn.rooms.config.pace.recheck_s
    bad = blocking(after.checks)
    if bad:
        turn.write(campaign, Blocked(stop=stop_on(campaign, bad, now)), "block")
        return None
    told = [check.sentence for check in after.checks if check.rule == "BOTH-NODES" and check.verdict is Verdict.WARN]
    build = campaign.package.build if campaign.package else (campaign.plan.package.build if campaign.plan else "")
    left = left_behind(campaign, moves_of(turn, campaign), after.facts)
    targets = campaign.plan is not None and bool(campaign.plan.scr_targets)
    whole = (
        f"{campaign.cluster} and its SCR targets are at {build}." if targets else f"{campaign.cluster} is at {build}."
    )
    words = (*((f"Every node of {campaign.cluster} is at {build}.", *told) if told else (whole,)), left.sentence)
    turn.write(
        campaign,
        Finished(
            sentence=" ".join(filter(None, words)),
            user_downtime_s=campaign.user_downtime_s,
            checks=after.checks,
            by_hand=left.by_hand,
        ),
        "finish",
    )
    return None


def finish_abort(turn: Turn, campaign: Campaign) -> None:
    """No name is open any more: let go of the locks and say what was left behind, read once more where that can be."""
    done = [o.step for o in campaign.outcomes if o.kind is OutcomeKind.DONE]
    words = f"Steps done: {', '.join(done)}." if done else "No step had been done."
    ran = [job.order.command.purpose for job in campaign.jobs if job.state in {JobState.ENDED, JobState.CUT_OFF}]
    if ran and campaign.step is not None:
        words += f" Step {campaign.step.id} was not finished, but this of it ran: {'; '.join(ran)}."
    left = _left(turn, campaign)
    told = " ".join(filter(None, (words, left.sentence)))
    turn.write(campaign, Aborted(sentence=told, by_hand=left.by_hand), "aborted")


def _left(turn: Turn, campaign: Campaign) -> Left:
    """What differs from how it was found. Nothing was touched, so nothing is read, where there is no before-image."""
    if not campaign.images:
        return Left()
    facts = read_for(turn.rooms, campaign, None)
    if facts is None:
        return Left(unread=("What differs from how it was found could not be read: the settings no longer name it.",))
    show(turn.rooms, campaign, facts)
    return left_behind(campaign, moves_of(turn, campaign), facts)


def end_return(turn: Turn, campaign: Campaign) -> None:
    """The mail server is back: what was planned rests on it being elsewhere, so the campaign ends, and says so."""
    step = campaign.plan.steps[-1] if campaign.plan else None
    if step is None:
        return
    reason = f"{step.cms} was returned to {step.target}"
    words = (
        f"{reason}; this campaign ends with that. The nodes are at different levels: plan again when it is known why."
    )
    left = _left(turn, campaign)
    ended = Aborted(sentence=" ".join(filter(None, (words, left.sentence))), by_hand=left.by_hand)
    turn.write(campaign, (AbortRequested(by=campaign.requester, reason=reason), ended), "returned")
