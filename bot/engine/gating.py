"""Prepares gates: reads, judges, and either asks people or says which rule blocks."""

from __future__ import annotations

from dataclasses import replace

from bot.engine.agreeing import agreed
from bot.engine.evidence import Evidence, eligible, gather, why_not, why_not_done
from bot.engine.gate_lines import gate_lines
from bot.engine.outcomes import took_effect
from bot.engine.reading import image_of, just_read
from bot.engine.rooms import Rooms
from bot.engine.stops import ask_about, damaged
from bot.engine.turn import Turn
from bot.procedure.context import Context
from bot.procedure.digest import Agreed, digest
from state import audit
from state.guards import declined
from state.words import (
    Blocked,
    Campaign,
    Command,
    Event,
    Forecast,
    Gate,
    GateExpired,
    GatePrepared,
    Outcome,
    OutcomeKind,
    Policy,
    Step,
    StepEnded,
    StepKind,
    Stop,
    Unblocked,
)


def prepare(turn: Turn, campaign: Campaign) -> float | None:
    """Read, judge, and either prepare a gate, or say which rule blocks. Returns a lab time to wait for, or None."""
    step = campaign.step
    if step is None:
        return None
    if (damage := damaged(turn.rooms, campaign)) is not None:
        ask_about(turn, campaign, damage)
        return None
    evidence = _gathered(turn, campaign, step)
    if isinstance(evidence, Stop):
        turn.write(campaign, Blocked(stop=evidence), "block")
        return None
    turn.seen = evidence.facts
    if evidence.already_so:
        return _already_so(turn, campaign, step, evidence)
    if (stop := why_not(turn, campaign, step, evidence)) is not None:
        turn.write(campaign, _let_be(turn, campaign, stop) or Blocked(stop=stop), "block")
        return None
    gate = build_gate(turn.rooms, campaign, step, evidence)
    known = {image.machine for image in campaign.images}
    fresh = () if step.target in known else tuple(filter(None, (image_of(evidence.facts, step.target),)))
    turn.write(campaign, GatePrepared(gate=gate, images=fresh), "gate")
    return None


def _gathered(turn: Turn, campaign: Campaign, step: Step) -> Evidence | Stop:
    """What a gate is prepared on. What this turn has just read is enough to ask people, and for nothing else.

    A Stop, or that nothing is left to do, is never concluded from it: something may have been under way just then.
    """
    seen = just_read(turn.rooms, campaign, turn.seen, step)
    if seen is not None:
        evidence = gather(turn.rooms, campaign, step, seen)
        if not isinstance(evidence, Stop) and not evidence.already_so and not why_not(turn, campaign, step, evidence):
            return evidence
    return gather(turn.rooms, campaign, step)


def recheck(turn: Turn, campaign: Campaign) -> float | None:
    """Read again what blocked. Unblocks, keeps waiting, or stops for people when patience is over."""
    now = turn.rooms.lab()
    again = now + turn.rooms.config.pace.recheck_s
    step = campaign.step
    if step is None:
        turn.write(campaign, Unblocked(sentence="Looking at the whole again."), "unblock")
        return None
    evidence = gather(turn.rooms, campaign, step)
    stop: Stop | None
    if isinstance(evidence, Stop):
        stop = evidence
    elif evidence.already_so:  # a mail server that has moved is no longer fit to be moved: judged by the rules after it
        stop, _ = why_not_done(turn, campaign, step, evidence)
    else:
        stop = why_not(turn, campaign, step, evidence)
    if stop is None:
        turn.seen = None if isinstance(evidence, Stop) else evidence.facts
        was = campaign.stop.rule if campaign.stop else "what stopped it"
        # What stopped it may be judged only after the step: nobody has seen yet that it is mended.
        asks = "Every rule that is judged before this step passes; a new gate asks for another attempt."
        done_or_judged = isinstance(evidence, Stop) or evidence.already_so or was in {c.rule for c in evidence.checks}
        sentence = f"{was} no longer blocks." if done_or_judged else asks
        turn.write(campaign, Unblocked(sentence=sentence), "unblock")
        return None
    if campaign.stop is None or stop.rule != campaign.stop.rule or stop.final != campaign.stop.final:
        was = campaign.stop.rule if campaign.stop else "it"
        left = _let_be(turn, campaign, stop)
        going_on = Unblocked(sentence=f"{was} stops only a step that may be left undone.")
        turn.write(campaign, (going_on, left) if left else Blocked(stop=stop), "block")
        return None
    return again


def left_undone(turn: Turn, campaign: Campaign, why: str) -> StepEnded:
    """The end of an optional step that nothing was run for. `why` ends the sentence about it."""
    step = campaign.step
    return StepEnded(
        advance=True,
        outcome=Outcome(
            step=step.id if step else "",
            attempt=campaign.attempt,
            kind=OutcomeKind.LEFT,
            at=turn.rooms.lab(),
            sentence=f"{step.title if step else ''}: left as it is, {why}.",
        ),
    )


def _let_be(turn: Turn, campaign: Campaign, stop: Stop) -> StepEnded | None:
    """An optional step that a rule keeps from being asked for is left undone; None where people must hear of it.

    They must when it was tried already: what a failed attempt left is no longer optional.
    """
    step = campaign.step
    if step is None or not step.optional or any(outcome.step == step.id for outcome in campaign.outcomes):
        return None
    if not stop.final or not (stop.checks or stop.rule == "TWO-PEOPLE"):
        return None
    return left_undone(turn, campaign, f"because of {stop.rule}: {stop.sentence.rstrip('.')}")


def _already_so(turn: Turn, campaign: Campaign, step: Step, evidence: Evidence) -> float | None:
    """The step's effect is there already: judged like an outcome, never by asking for a vote on nothing."""
    stop, after = why_not_done(turn, campaign, step, evidence)
    if stop is not None:
        turn.write(campaign, Blocked(stop=stop), "block")
        return None
    outcome = Outcome(
        step=step.id,
        attempt=campaign.attempt,
        kind=OutcomeKind.DONE,
        at=turn.rooms.lab(),
        checks=after,
        sentence=f"{step.title}: already so, nothing was run.",
    )
    turn.write(campaign, took_effect(turn, campaign, step, outcome, evidence.facts), "already")
    return None


def build_gate(rooms: Rooms, campaign: Campaign, step: Step, evidence: Evidence) -> Gate:
    """The gate as it would be opened on this evidence: also built at consume, to compare digests."""
    policy = rooms.people.policy(campaign.cluster)
    gate_id = f"{campaign.id}.{step.id}.{campaign.attempt}"
    now = rooms.lab()
    forecast = forecast_of(step, evidence.context)
    gate = Gate(
        id=gate_id,
        campaign=campaign.id,
        step=step.id,
        attempt=campaign.attempt,
        target=step.target,
        kind="step",
        title=step.title,
        digest=digest(step_agreed(rooms, campaign, step, evidence, policy, gate_id)),
        commands=evidence.commands,
        checks=evidence.checks,
        forecast=forecast,
        approvers=eligible(policy, campaign),
        barred=campaign.barred,
        quorum=max(1, policy.quorum),
        opened_at=now,
        expires_at=now + rooms.config.gate_expiry_s,
        notes=(*gate_lines(campaign, step, forecast), *_installed_already(step, evidence.commands)),
    )
    return audit.sign(gate, rooms.key)


def _installed_already(step: Step, commands: tuple[Command, ...]) -> tuple[str, ...]:
    """What a gate says whose title promises an install and whose commands hold none: somebody or something was faster."""
    if step.kind is not StepKind.INSTALL or any(command.effect == "install" for command in commands):
        return ()
    return (f"Nothing is installed: {step.target} is at the level already. This asks for what is left of the step.",)


def step_agreed(
    rooms: Rooms, campaign: Campaign, step: Step, evidence: Evidence, policy: Policy, gate_id: str
) -> Agreed:
    """Everything the voters of this gate agree to."""
    return agreed(
        rooms, campaign, step, policy,
        gate=gate_id, place=step.id, commands=evidence.commands, waivers=campaign.waivers,
        forecast=forecast_of(step, evidence.context), checks=evidence.checks,
    )  # fmt: skip


def forecast_of(step: Step, context: Context) -> Forecast:
    """How long it should take; the category, not the number, enters the digest."""
    known = context.durations
    return Forecast(
        step_s=known.expected(step),
        downtime_s=step.downtime_s,
        basis=known.basis(step.kind),
        category=known.category(step.kind),
    )


def expire(turn: Turn, campaign: Campaign) -> None:
    """Nobody approved in time: an optional step is left undone, else a new gate will be opened with new facts."""
    if campaign.gate is None:
        return
    events: list[Event] = [GateExpired(gate=campaign.gate.id)]
    if declined(campaign):
        after = replace(campaign, attempt=campaign.attempt + 1)  # its gate used a number
        events.append(left_undone(turn, after, "nobody answered in time"))
    turn.write(campaign, events, "expire")
