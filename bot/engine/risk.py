"""Risk gates: one person asks to set a waivable rule aside, another accepts it, and nothing runs from that.

A risk gate is read, compared, counted and written exactly like a step's gate. What comes of it is a waiver: for one
rule, for the values shown, for one step (or for the plan before its start). It enters that step's own gate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.engine import consuming
from bot.engine.agreeing import agreed
from bot.engine.consuming import intent_of
from bot.engine.evidence import eligible, gather, strangers, unlisted
from bot.engine.gate_lines import risk_lines
from bot.engine.planning import drafted
from bot.engine.stops import damaged
from bot.engine.turn import Turn
from bot.procedure.digest import Agreed, differences, digest
from bot.procedure.rules import blocking
from state import audit
from state.guards import PLAN, gate_id, open_blocks, place
from state.words import (
    Blocked,
    Campaign,
    Check,
    Forecast,
    Gate,
    GateConsumed,
    GatePrepared,
    GateVoided,
    Intent,
    Plan,
    Policy,
    State,
    Step,
    Stop,
    Waiver,
    WaiverDropped,
)

FORECAST = Forecast(step_s=0.0, downtime_s=0.0, basis="a risk gate runs nothing", category="risk")


@dataclass(frozen=True, slots=True)
class Found:
    """The checks that stop the step (or the plan) on facts read now, and when reading was over (wall)."""

    checks: tuple[Check, ...]
    read_at: float


def consume_any(turn: Turn, campaign: Campaign) -> float | None:
    """Consume the gate in hand, of whichever kind it is."""
    gate = campaign.gate
    if gate is not None and gate.kind == "risk":
        return consume(turn, campaign, gate)
    return consuming.consume(turn, campaign)


def prepare(turn: Turn, campaign: Campaign) -> float | None:
    """Open a risk gate for what was asked, or say why there is nothing to accept. A lab time to wait for, or None."""
    risk = campaign.risk
    if risk is None:
        return None
    found = _look(turn, campaign)
    why = found if isinstance(found, str) else _why_not(found, risk.rule)
    if why or isinstance(found, str):
        turn.write(campaign, WaiverDropped(rule=risk.rule, step=risk.step, sentence=why or ""), "drop")
        return None
    policy = turn.rooms.people.policy(campaign.cluster)
    if len({actor.person for actor in eligible(policy, campaign)}) < max(1, policy.quorum):
        _too_few(turn, campaign)
        return None
    turn.write(campaign, GatePrepared(gate=_gate(turn, campaign, found, policy)), "risk-gate")
    return None


def consume(turn: Turn, campaign: Campaign, gate: Gate) -> float | None:
    """Facts, agreement, policy, votes, waiver: as for a step, in one transition that starts nothing."""
    rooms = turn.rooms
    if not audit.is_ours(gate, rooms.key):
        _void(turn, campaign, gate, "the gate in the store does not carry our signature")
        return None
    if (damage := damaged(rooms, campaign)) is not None:
        _void(turn, campaign, gate, f"the campaign's record is damaged: {damage}")
        return None
    found = _look(turn, campaign)
    if isinstance(found, str):
        _void(turn, campaign, gate, found)
        return None
    if gate.waiver is None or (why := _why_not(found, gate.waiver.rule)):
        _void(turn, campaign, gate, why if gate.waiver else "the gate does not say what it allows")
        return None
    policy = rooms.people.policy(campaign.cluster)
    waiver = replace(gate.waiver, facts=_check(found, gate.waiver.rule).values)
    if digest(_agreed(turn, campaign, found, policy, waiver)) != gate.digest:
        changed = differences(gate.checks, found.checks, (), ())
        said = changed or ("the people who may approve, the settings or the bot itself changed",)
        turn.write(campaign, GateVoided(gate=gate.id, differences=said), "void")
        return None
    answer = intent_of(turn, campaign, gate, found.read_at)
    if not isinstance(answer, Intent):
        return answer
    turn.write(campaign, GateConsumed(intent=answer, facts=waiver.facts), "accept")
    return None


def _look(turn: Turn, campaign: Campaign) -> Found | str:
    """What stops the step in hand, or the plan, by facts read now; or why a waiver would change nothing."""
    step = campaign.step
    if step is None or campaign.plan is None:
        return "There is no step to waive anything for."
    if place(campaign) == PLAN:
        again = drafted(turn.rooms, campaign)
        if not isinstance(again, Plan):
            return f"{again} Plan again."
        if _steps(again) != _steps(campaign.plan):
            return "A plan made now has other steps than this one. Plan again."
        fresh = {check.rule: check for check in again.checks}
        now = turn.rooms.lab()
        for check in open_blocks(campaign, now):
            other = fresh.get(check.rule)
            if other is None or not other.stops or set(other.values) != set(check.values):
                return f"{check.rule} is no longer as this plan shows it. Plan again."
        known = {check.rule for check in campaign.plan.checks if check.stops}
        new = [check for check in blocking(again.checks) if check.rule not in known]
        if new:
            return f"{new[0].rule}: {new[0].sentence} Plan again."
        return Found(open_blocks(campaign, now), turn.rooms.store.server_time())
    evidence = gather(turn.rooms, campaign, step)
    if isinstance(evidence, Stop):
        return evidence.sentence
    now = turn.rooms.lab()
    for stop in (strangers(campaign, step, evidence.facts, now), unlisted(turn, campaign, step, evidence.facts, now)):
        if stop is not None:
            return stop.sentence
    return Found(blocking(evidence.checks), evidence.facts.read_at)


def _steps(plan: Plan) -> tuple[tuple[str, ...], ...]:
    return tuple((s.id, s.kind, s.target, s.cms, s.source, s.to, s.option) for s in plan.steps)


def _why_not(found: Found, rule: str) -> str:
    """Why this rule cannot be waived by these facts; "" when it can."""
    others = [check for check in found.checks if not check.waivable]
    if rule not in {check.rule for check in found.checks}:
        return f"{rule} does not block any more."
    if others:
        return f"{others[0].rule} blocks as well, and nobody may set it aside: {others[0].sentence}"
    return ""


def _check(found: Found, rule: str) -> Check:
    return next(check for check in found.checks if check.rule == rule)


def _gate(turn: Turn, campaign: Campaign, found: Found, policy: Policy) -> Gate:
    rooms, risk, step = turn.rooms, campaign.risk, campaign.step
    if risk is None or step is None or campaign.plan is None:
        raise ValueError(campaign.id)
    now = rooms.lab()
    check = _check(found, risk.rule)
    before_start = place(campaign) == PLAN
    until = now + rooms.config.gate_expiry_s + rooms.config.waiver_s  # a whole hour is left however late it is accepted
    until = campaign.plan_expires_at if before_start else until
    waiver = Waiver(
        rule=risk.rule, step=risk.step, reason=risk.reason, by=risk.by.person, approved_by=(), facts=check.values,
        expires_at=until, gate=gate_id(campaign),
    )  # fmt: skip
    gate = Gate(
        id=gate_id(campaign),
        campaign=campaign.id,
        step=place(campaign),
        attempt=campaign.attempt,
        target=campaign.cluster if before_start else step.target,
        kind="risk",
        title=f"Risk: {risk.rule} for {'the plan' if before_start else step.title}",
        digest=digest(_agreed(turn, campaign, found, policy, waiver)),
        commands=(),
        checks=found.checks,
        forecast=FORECAST,
        approvers=eligible(policy, campaign),
        barred=campaign.barred,
        quorum=max(1, policy.quorum),
        opened_at=now,
        expires_at=min(now + rooms.config.gate_expiry_s, until),
        notes=_notes(check, step, before_start),
        waiver=waiver,
    )
    return audit.sign(gate, rooms.key)


def _notes(check: Check, step: Step, before_start: bool) -> tuple[str, ...]:
    """What accepting it means, in the order an approver needs it."""
    what = "this plan may be started" if before_start else f"the gate of “{step.title}” may open"
    lines = [
        f"Accepted, {what} although {check.rule} says no. The rule is judged as before everywhere else.",
        "It holds for exactly the values above: if one of them changes, it is void.",
        "It runs nothing and approves no step: every step still waits for its own gate.",
        *risk_lines("the plan" if before_start else f"“{step.title}”"),
    ]
    if check.remedy:
        lines.insert(1, f"Instead of accepting it: {check.remedy}")
    return tuple(lines)


def _agreed(turn: Turn, campaign: Campaign, found: Found, policy: Policy, waiver: Waiver) -> Agreed:
    """Everything the voters of a risk gate agree to: the finding, the waiver, and what else a step's voters would."""
    if campaign.step is None:
        raise ValueError(campaign.id)
    return agreed(
        turn.rooms, campaign, campaign.step, policy,
        gate=gate_id(campaign), place=place(campaign), commands=(), waivers=(*campaign.waivers, waiver),
        forecast=FORECAST, checks=found.checks,
    )  # fmt: skip


def _too_few(turn: Turn, campaign: Campaign) -> None:
    risk = campaign.risk
    sentence = "Nobody is left who may accept it: everyone listed planned, started, retried or asked."
    if risk is not None and campaign.state is State.PROPOSED:
        turn.write(campaign, WaiverDropped(rule=risk.rule, step=risk.step, sentence=sentence), "drop")
        return
    stop = Stop(
        rule="TWO-PEOPLE", step=campaign.step.id if campaign.step else "", sentence=sentence, since=turn.rooms.lab(),
        remedy="Add an approver under [people] in rollup.toml and type `/rollup recheck`.", final=True,
    )  # fmt: skip
    turn.write(campaign, Blocked(stop=stop), "block")


def _void(turn: Turn, campaign: Campaign, gate: Gate, why: str) -> None:
    turn.write(campaign, GateVoided(gate=gate.id, differences=(why,)), "void")
