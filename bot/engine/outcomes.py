"""Writes how an attempt ended: done, failed, not started, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass

from bot.engine.reading import just_read, read_for
from bot.engine.show import show
from bot.engine.turn import Turn
from bot.procedure.context import context_of
from bot.procedure.facts import EstateFacts
from bot.procedure.found import Moved, moved_by_us, put_back
from bot.procedure.planner import restore_before
from bot.procedure.rules import blocking, evaluate
from state.words import (
    Blocked,
    Campaign,
    Check,
    Event,
    Outcome,
    OutcomeKind,
    State,
    Step,
    StepEnded,
    StepKind,
    Stop,
    Verdict,
    When,
)


@dataclass(frozen=True, slots=True)
class After:
    """Facts read now, and the checks after a step on them."""

    facts: EstateFacts
    checks: tuple[Check, ...]


def look_after(turn: Turn, campaign: Campaign) -> After | None:
    """Read and judge what a step left; None if settings no longer allow reading."""
    facts = read_for(turn.rooms, campaign, campaign.step, When.AFTER)
    return _judged(turn, campaign, facts)


def look_at_all(turn: Turn, campaign: Campaign) -> After | None:
    """The same when every step is done, on what the last step's checks have just read if nothing came in between."""
    seen = just_read(turn.rooms, campaign, turn.seen, None)
    if seen is not None and (after := _judged(turn, campaign, seen)) is not None and not blocking(after.checks):
        return after
    return _judged(turn, campaign, read_for(turn.rooms, campaign, None, When.AFTER))


def _judged(turn: Turn, campaign: Campaign, facts: EstateFacts | None) -> After | None:
    package = turn.rooms.package(campaign)
    if facts is None or package is None:
        return None
    turn.seen = facts
    show(turn.rooms, campaign, facts)
    context = context_of(campaign, limits=turn.rooms.config.limits, durations=turn.rooms.durations())
    return After(
        facts, evaluate(When.AFTER, facts, package=package, context=context, plan=campaign.plan, step=campaign.step)
    )


def asked_next(turn: Turn, campaign: Campaign, facts: EstateFacts) -> Step | None:
    """After the last step: the optional one that puts back what this campaign left otherwise than it was found."""
    plan = campaign.plan
    if plan is None or campaign.step_index + 1 < len(plan.steps) or "return" in plan.steps[-1].option:
        return None
    return put_back(campaign, moves_of(turn, campaign), facts)


def moves_of(turn: Turn, campaign: Campaign) -> tuple[Moved, ...]:
    """The groups this campaign's own jobs moved, from its events."""
    return moved_by_us(one.event for one in turn.rooms.store.events(campaign.id))


def done(turn: Turn, campaign: Campaign, after: After, how: str = "") -> None:
    """The step took effect, as the checks after it say: on to the next, a handoff's soak first. `how` ends the sentence."""
    step = campaign.step
    if step is None:
        return
    now = turn.rooms.lab()
    outcome = Outcome(
        step=step.id,
        attempt=campaign.attempt,
        kind=OutcomeKind.DONE,
        checks=after.checks,
        at=now,
        sentence=f"{step.title}: done{how}.",
        took_s=_took(campaign, now),
        downtime_s=_downtime(campaign),
        exit_codes=_codes(campaign),
    )
    turn.write(campaign, took_effect(turn, campaign, step, outcome, after.facts), "done")


def took_effect(turn: Turn, campaign: Campaign, step: Step, outcome: Outcome, facts: EstateFacts) -> StepEnded:
    """The end of a step that took effect, with what follows from it: a handoff's soak, the step asked for at the end."""
    not_before, why = _soak(turn, campaign, step, outcome.at)
    return StepEnded(
        outcome=outcome,
        advance=True,
        insert=asked_next(turn, campaign, facts),
        not_before=not_before,
        wait_reason=why,
    )


def _soak(turn: Turn, campaign: Campaign, step: Step, now: float) -> tuple[float, str]:
    """When (lab) the next step may begin after this one, and why: (0.0, "") at once.

    A mail server that has just come to a node settles there, whoever moved it (facts/exchange.md §9, Time).
    """
    inventory = turn.rooms.config.inventory(campaign.cluster)
    last = campaign.plan is None or campaign.step_index + 1 >= len(campaign.plan.steps)
    if step.kind is not StepKind.HANDOFF or last or inventory is None or not inventory.soak_s:
        return 0.0, ""
    return now + inventory.soak_s, f"{step.cms} settles on {step.target} before the next node is touched"


def failed(turn: Turn, campaign: Campaign, checks: tuple[Check, ...], worst: Check) -> None:
    """The commands ran, and the facts afterwards say no: the campaign stops on that rule.

    Services that an install left Disabled are asked for next, by a restore of their own.
    """
    step = campaign.step
    if step is None:
        return
    now = turn.rooms.lab()
    bad = blocking(checks)
    end(
        turn,
        campaign,
        OutcomeKind.FAILED,
        f"{step.title}: {worst.sentence}",
        rule=worst.rule,
        checks=checks,
        stop=Stop(
            rule=worst.rule,
            step=step.id,
            sentence=worst.sentence,
            remedy=worst.remedy,
            since=now,
            checks=bad,
            final=True,
        ),
        insert=restore_of(campaign, step, bad[:1]),
    )


def restore_of(campaign: Campaign, step: Step, bad: tuple[Check, ...]) -> Step | None:
    """The step that puts back what an install left Disabled or stopped, if these checks say nothing else; else None."""
    services = all(check.rule == "SERVICES-SNAPSHOT" and check.verdict is Verdict.BLOCK for check in bad)
    if not bad or not services or step.kind is not StepKind.INSTALL or campaign.plan is None:
        return None
    return restore_before(step, campaign.plan)


def not_started(turn: Turn, campaign: Campaign, why: str) -> None:
    """Nothing of what is left of this attempt ran or can run: the next gate asks again."""
    step = campaign.step
    if step is not None:
        end(turn, campaign, OutcomeKind.NOT_STARTED, f"{step.title}: not started, {why}.")


def end(
    turn: Turn,
    campaign: Campaign,
    kind: OutcomeKind,
    sentence: str,
    *,
    rule: str = "",
    checks: tuple[Check, ...] = (),
    stop: Stop | None = None,
    insert: Step | None = None,
    advance: bool = False,
    not_before: float = 0.0,
    wait_reason: str = "",
) -> None:
    """Write the attempt's outcome; `stop` blocks the campaign on it, `insert` is run next, `not_before` is lab time."""
    step = campaign.step
    if step is None:
        return
    now = turn.rooms.lab()
    events: list[Event] = [
        StepEnded(
            advance=advance,
            not_before=not_before,
            wait_reason=wait_reason,
            insert=insert,
            outcome=Outcome(
                step=step.id,
                attempt=campaign.attempt,
                kind=kind,
                sentence=sentence,
                rule=rule,
                checks=checks,
                at=now,
                took_s=_took(campaign, now),
                downtime_s=_downtime(campaign),
                exit_codes=_codes(campaign),
            ),
        )
    ]
    if stop is not None and campaign.state is State.ACTING:  # while pausing, the pause itself is the stop
        events.append(Blocked(stop=stop))
    turn.write(campaign, events, "outcome")


def _took(campaign: Campaign, now: float) -> float:
    """Lab seconds since the attempt's first job; 0 when nothing was run."""
    return now - min((job.opened_at for job in campaign.jobs), default=now)


def _downtime(campaign: Campaign) -> float | None:
    """What the handoff's job measured, also of an attempt that failed: mail was away all the same."""
    return next((job.downtime_s for job in reversed(campaign.jobs) if job.downtime_s is not None), None)


def _codes(campaign: Campaign) -> tuple[int, ...]:
    return tuple(job.exit_code for job in campaign.jobs if job.exit_code is not None)
