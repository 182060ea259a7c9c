"""Judges an attempt when nothing of it can run any more, and closes campaigns."""

from __future__ import annotations

from bot.engine.codes import meaning
from bot.engine.gating import ask
from bot.engine.moves import went_well
from bot.engine.reading import read_for
from bot.engine.turn import Turn
from bot.procedure.context import context_of
from bot.procedure.planner import restart_after, restore_before
from bot.procedure.rules import blocking, evaluate
from state.words import (
    Aborted,
    Blocked,
    Campaign,
    Check,
    Event,
    Finished,
    Job,
    JobState,
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
            _end(turn, campaign, OutcomeKind.REFUSED, f"{bad.order.command.node} refused the job: {bad.detail}")
        case JobState.CUT_OFF:
            return _cut_off(turn, campaign, bad)
        case _ if bad.order.command.effect.startswith("move:"):
            return _moved_or_not(turn, campaign, bad)
        case _:
            return _by_code(turn, campaign, bad)
    return None


def after_checks(turn: Turn, campaign: Campaign) -> tuple[Check, ...] | None:
    """The checks after a step on facts read now; None if settings no longer allow reading."""
    facts = read_for(turn.rooms, campaign, None)
    package = turn.rooms.package(campaign)
    if facts is None or package is None:
        return None
    context = context_of(campaign, limits=turn.rooms.config.limits, durations=turn.rooms.config.durations)
    return evaluate(When.AFTER, facts, package=package, context=context, plan=campaign.plan, step=campaign.step)


def _check_effect(turn: Turn, campaign: Campaign) -> float | None:
    now = turn.rooms.lab()
    checks = after_checks(turn, campaign)
    if checks is None:
        return now + turn.rooms.config.pace.recheck_s
    bad = blocking(checks)
    if bad:
        ended = max((job.ended_at or 0.0 for job in campaign.jobs), default=now)
        now = turn.rooms.lab()
        if now - ended < min(check.patience_s for check in bad):
            return now + turn.rooms.config.pace.poll_s
        failed(turn, campaign, checks, bad[0])
        return None
    _done(turn, campaign, checks)
    return None


def _done(turn: Turn, campaign: Campaign, checks: tuple[Check, ...], how: str = "") -> None:
    step, plan = campaign.step, campaign.plan
    if step is None or plan is None:
        return
    now = turn.rooms.lab()
    downtime = next((j.downtime_s for j in reversed(campaign.jobs) if j.downtime_s is not None), None)
    took = now - min((j.opened_at for j in campaign.jobs), default=now)
    inventory = turn.rooms.config.inventory(campaign.cluster)
    soak = inventory.soak_s if inventory is not None and step.kind is StepKind.HANDOFF else 0.0
    last = campaign.step_index + 1 >= len(plan.steps)
    turn.write(
        campaign,
        StepEnded(
            outcome=Outcome(
                step=step.id,
                attempt=campaign.attempt,
                kind=OutcomeKind.DONE,
                checks=checks,
                at=now,
                sentence=f"{step.title}: done{how}.",
                took_s=took,
                downtime_s=downtime,
                exit_codes=_codes(campaign),
            ),
            advance=True,
            not_before=now + soak if soak and not last else 0.0,
            wait_reason=f"{step.cms} settles on {step.target} before the next node is touched"
            if soak and not last
            else "",
        ),
        "done",
    )


def failed(turn: Turn, campaign: Campaign, checks: tuple[Check, ...], worst: Check) -> None:
    """The commands ran, and the facts afterwards say no: the campaign stops on that rule."""
    step = campaign.step
    if step is None:
        return
    now = turn.rooms.lab()
    bad = blocking(checks)
    _end(
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
    )


def not_started(turn: Turn, campaign: Campaign, why: str) -> None:
    """Nothing of what is left of this attempt ran or can run: the next gate asks again."""
    step = campaign.step
    if step is not None:
        _end(turn, campaign, OutcomeKind.NOT_STARTED, f"{step.title}: not started, {why}.")


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
    checks = after_checks(turn, campaign)
    stays = [check for check in blocking(checks or ()) if check.rule == "NODE-EMPTY"]
    ended = job.ended_at or now
    if checks is None or (stays and now - ended < stays[0].patience_s):
        return now + turn.rooms.config.pace.poll_s
    group = job.order.command.effect.removeprefix("move:").rpartition(":")[0]
    if not any(f"'{group}'" in check.sentence for check in stays):
        _end(
            turn,
            campaign,
            OutcomeKind.FAILED,
            f"{step.title}: {words}, but the group has left; a new gate asks for the rest.",
        )
        return None
    worst = stays[0]
    sentence = f"{words}. {worst.sentence}"
    _end(
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
        _end(
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
        turn.write(
            campaign,
            StepEnded(
                outcome=Outcome(
                    step=step.id,
                    attempt=campaign.attempt,
                    kind=kind,
                    sentence=sentence,
                    at=now,
                    exit_codes=_codes(campaign),
                ),
                advance=True,
                insert=restart_after(step),
            ),
            "restart-owed",
        )
        return None
    if kind is OutcomeKind.RETRY_LATER:
        turn.write(
            campaign,
            StepEnded(
                outcome=Outcome(
                    step=step.id,
                    attempt=campaign.attempt,
                    kind=kind,
                    sentence=sentence,
                    at=now,
                    exit_codes=_codes(campaign),
                ),
                advance=False,
                not_before=now + 600.0,
                wait_reason="another installation is running on the node",
            ),
            "later",
        )
        return None
    left = _left_by(turn, campaign)
    if left is None and now - (job.ended_at or now) < turn.rooms.config.limits.settle_s:
        return now + turn.rooms.config.pace.poll_s  # the installer may have stopped what the services are read with
    also = f" It left behind: {left.sentence}" if left is not None and left.verdict is Verdict.BLOCK else ""
    _end(
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
    checks = after_checks(turn, campaign)
    found = next((check for check in checks or () if check.rule == "SERVICES-SNAPSHOT"), None)
    return None if found is None or found.verdict is Verdict.UNKNOWN else found


def _cut_off(turn: Turn, campaign: Campaign, job: Job) -> float | None:
    """It began and will never say how it ended. Node facts may tell; else people must. Never repeated alone."""
    step = campaign.step
    if step is None:
        return None
    now = turn.rooms.lab()
    checks = after_checks(turn, campaign)
    bad = blocking(checks) if checks is not None else ()
    ended = job.ended_at or now
    if checks is not None and not bad and len(campaign.jobs) == len(campaign.gate.commands if campaign.gate else ()):
        _done(turn, campaign, checks, ", by what the machines show (its own exit code was lost)")
        return None
    if bad and now - ended < max(check.patience_s for check in bad):
        return now + turn.rooms.config.pace.poll_s
    if checks is not None and not bad:
        _end(
            turn,
            campaign,
            OutcomeKind.CUT_OFF,
            f"{step.title}: cut off before it could say how it ended; the machines show that it took effect. "
            "A new gate asks for what is left of the step.",
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


def finish(turn: Turn, campaign: Campaign) -> float | None:
    """Every step is done: judge the whole once more and close."""
    checks = after_checks(turn, campaign)
    now = turn.rooms.lab()
    if checks is None:
        return now + turn.rooms.config.pace.recheck_s
    bad = blocking(checks)
    if bad:
        worst = bad[0]
        since = campaign.stop.since if campaign.stop is not None and campaign.stop.rule == worst.rule else now
        turn.write(
            campaign,
            Blocked(
                stop=Stop(
                    rule=worst.rule,
                    sentence=worst.sentence,
                    remedy=worst.remedy,
                    since=since,
                    checks=bad,
                    final=now - since >= min(check.patience_s for check in bad),
                )
            ),
            "block",
        )
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


def _end(
    turn: Turn,
    campaign: Campaign,
    kind: OutcomeKind,
    sentence: str,
    *,
    rule: str = "",
    checks: tuple[Check, ...] = (),
    stop: Stop | None = None,
    insert: Step | None = None,
) -> None:
    step = campaign.step
    if step is None:
        return
    now = turn.rooms.lab()
    events: list[Event] = [
        StepEnded(
            advance=False,
            insert=insert,
            outcome=Outcome(
                step=step.id,
                attempt=campaign.attempt,
                kind=kind,
                sentence=sentence,
                rule=rule,
                checks=checks,
                at=now,
                exit_codes=_codes(campaign),
            ),
        )
    ]
    if stop is not None and campaign.state is State.ACTING:  # while pausing, the pause itself is the stop
        events.append(Blocked(stop=stop))
    turn.write(campaign, events, "outcome")


def _codes(campaign: Campaign) -> tuple[int, ...]:
    return tuple(job.exit_code for job in campaign.jobs if job.exit_code is not None)
