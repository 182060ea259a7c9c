"""Closes campaigns: done, aborted, or ended by a return."""

from __future__ import annotations

from bot.engine.outcomes import after_checks
from bot.engine.stops import stop_on
from bot.engine.turn import Turn
from bot.procedure.rules import blocking
from state.words import (
    Aborted,
    AbortRequested,
    Blocked,
    Campaign,
    Finished,
    OutcomeKind,
)


def finish(turn: Turn, campaign: Campaign) -> float | None:
    """Every step is done: judge the whole once more and close."""
    checks = after_checks(turn, campaign)
    now = turn.rooms.lab()
    if checks is None:
        return now + turn.rooms.config.pace.recheck_s
    bad = blocking(checks)
    if bad:
        turn.write(campaign, Blocked(stop=stop_on(campaign, bad, now)), "block")
        return None
    build = campaign.package.build if campaign.package else (campaign.plan.package.build if campaign.plan else "")
    turn.write(
        campaign,
        Finished(
            sentence=f"{campaign.cluster} and its SCR targets are at {build}.",
            user_downtime_s=campaign.user_downtime_s,
            checks=checks,
        ),
        "finish",
    )
    return None


def finish_abort(turn: Turn, campaign: Campaign) -> None:
    """No name is open any more: let go of the locks and say what was left behind."""
    done = [o.step for o in campaign.outcomes if o.kind is OutcomeKind.DONE]
    words = [f"Steps done: {', '.join(done)}." if done else "No step had been done."]
    for node in campaign.paused_nodes:
        words.append(f"{node} is still paused: run `cluster.exe node {node} /resume` on it.")
    turn.write(campaign, Aborted(sentence=" ".join(words)), "aborted")


def end_return(turn: Turn, campaign: Campaign) -> None:
    """The mail server is back: what was planned rests on it being elsewhere, so the campaign ends, and says so."""
    step = campaign.plan.steps[-1] if campaign.plan else None
    if step is None:
        return
    reason = f"{step.cms} was returned to {step.target}"
    words = (
        f"{reason}; this campaign ends with that. The nodes are at different levels: plan again when it is known why."
    )
    turn.write(campaign, (AbortRequested(by=campaign.requester, reason=reason), Aborted(sentence=words)), "returned")
