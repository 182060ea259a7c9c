"""Prepares gates, and consumes them: the one place where votes and facts become an intent.

At consume the order is: facts, then what they were agreed to be, then the policy, then the votes last. Nothing is
stored between the recount and the intent, and the intent is refused if anything was stored meanwhile.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.engine.gate_lines import gate_lines
from bot.engine.reading import image_of, read_for
from bot.engine.rooms import Rooms
from bot.engine.turn import Turn
from bot.procedure.context import Context, context_of
from bot.procedure.digest import Agreed, differences, digest
from bot.procedure.facts import EstateFacts
from bot.procedure.order import check_next
from bot.procedure.rules import RULES_VERSION, blocking, evaluate
from bot.procedure.steps import Unrenderable, commands
from state import audit
from state.errors import Broken
from state.words import (
    Actor,
    Asked,
    Ballot,
    Blocked,
    Campaign,
    Check,
    Command,
    Fact,
    Forecast,
    Gate,
    GateConsumed,
    GateExpired,
    GatePrepared,
    GateRejected,
    GateVoided,
    Intent,
    JobSeen,
    Outcome,
    OutcomeKind,
    Package,
    Policy,
    Step,
    StepEnded,
    Stop,
    Unblocked,
    Verdict,
    When,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Facts read now and what they say about a step."""

    facts: EstateFacts
    package: Package
    context: Context
    checks: tuple[Check, ...]
    commands: tuple[Command, ...]
    written: bool = True  # False: the commands could not be written, and a rule says why

    @property
    def already_so(self) -> bool:
        """Nothing is left to run: only the checks after the step are."""
        return self.written and not self.commands


def prepare(turn: Turn, campaign: Campaign) -> float | None:
    """Read, judge, and either prepare a gate, or say which rule blocks. Returns a lab time to wait for, or None."""
    step = campaign.step
    if step is None:
        return None
    if (damage := damaged(turn.rooms, campaign)) is not None:
        ask_about(turn, campaign, damage)
        return None
    evidence = gather(turn.rooms, campaign, step)
    if isinstance(evidence, Stop):
        turn.write(campaign, Blocked(stop=evidence), "block")
        return None
    if evidence.already_so:
        return _already_so(turn, campaign, step, evidence)
    if (stop := why_not(turn, campaign, step, evidence)) is not None:
        turn.write(campaign, Blocked(stop=stop), "block")
        return None
    gate = build_gate(turn.rooms, campaign, step, evidence)
    known = {image.machine for image in campaign.images}
    fresh = () if step.target in known else tuple(filter(None, (image_of(evidence.facts, step.target),)))
    turn.write(campaign, GatePrepared(gate=gate, images=fresh), "gate")
    return None


def damaged(rooms: Rooms, campaign: Campaign) -> str | None:
    """What is wrong with the record, or None. The chain covers events only: an edited snapshot shows in the replay."""
    try:
        rooms.store.replay(campaign.id)
    except Broken as err:
        return err.why
    unknown = rooms.slack.unknown_event(campaign)
    if unknown is not None:
        return (
            f"the thread in Slack shows an entry {unknown} that the store does not hold so: an older copy was put back"
        )
    return None


def ask_about(turn: Turn, campaign: Campaign, damage: str) -> None:
    """Stop for people: nothing is done on a record like this."""
    ask(
        turn,
        campaign,
        "RECORD-WHOLE",
        f"The campaign's record in Redis does not hold together: {damage}.",
        "Nothing more is done on a record like this. Export it (`rollup-bot export`), find out who wrote to Redis, "
        "and abort the campaign.",
    )


def recheck(turn: Turn, campaign: Campaign) -> float | None:
    """Read again what blocked. Unblocks, keeps waiting, or stops for people when patience is over."""
    now = turn.rooms.lab()
    again = now + turn.rooms.config.pace.recheck_s
    step = campaign.step
    if step is None:
        turn.write(campaign, Unblocked(sentence="Looking at the whole again."), "unblock")
        return None
    evidence = gather(turn.rooms, campaign, step)
    if isinstance(evidence, Stop):
        stop: Stop | None = evidence
    elif evidence.already_so:  # a mail server that has moved is no longer fit to be moved: judged by the rules after it
        stop = _why_not_done(turn, campaign, step, evidence)[0]
    else:
        stop = why_not(turn, campaign, step, evidence)
    if stop is None:
        was = campaign.stop.rule if campaign.stop else "what stopped it"
        turn.write(campaign, Unblocked(sentence=f"{was} no longer blocks."), "unblock")
        return None
    if campaign.stop is None or stop.rule != campaign.stop.rule or stop.final != campaign.stop.final:
        turn.write(campaign, Blocked(stop=stop), "block")
        return None
    return again


def gather(rooms: Rooms, campaign: Campaign, step: Step) -> Evidence | Stop:
    """Read everything for a step now and judge it, or the Stop that says why that is impossible."""
    facts = read_for(rooms, campaign, step)
    package = rooms.package(campaign)
    now = rooms.lab()
    if facts is None or package is None:
        return Stop(
            rule="INVENTORY",
            step=step.id,
            since=now,
            final=True,
            sentence=f"{campaign.cluster} or its package is no longer declared in rollup.toml.",
            remedy="Put the declaration back and type `/rollup recheck`.",
        )
    context = context_of(campaign, limits=rooms.config.limits, durations=rooms.config.durations)
    checks = evaluate(When.GATE, facts, package=package, context=context, plan=campaign.plan, step=step)
    try:
        rendered = commands(step, facts, package, campaign=campaign.id, images=campaign.images)
    except Unrenderable as err:
        if blocking(checks):  # why it cannot be written stands in the rules, in their order: facts before consequences
            return Evidence(facts, package, context, checks, (), written=False)
        return Stop(rule=err.rule, step=step.id, sentence=err.sentence, remedy=err.remedy, since=now, final=True)
    return Evidence(facts, package, context, checks, rendered)


def why_not(turn: Turn, campaign: Campaign, step: Step, evidence: Evidence) -> Stop | None:
    """The Stop that keeps this step's gate from opening, or None."""
    now = turn.rooms.lab()
    if (stop := strangers(campaign, step, evidence.facts, now)) is not None:
        return stop
    for violation in check_next(campaign, step):
        return Stop(
            rule=violation.rule,
            step=step.id,
            sentence=violation.sentence,
            since=now,
            final=True,
            remedy="This is a fault of the plan, not of the cluster: abort the campaign and plan again.",
        )
    bad = blocking(evidence.checks)
    if bad:
        worst = bad[0]
        since = campaign.stop.since if campaign.stop is not None and campaign.stop.rule == worst.rule else now
        patience = min(check.patience_s for check in bad)
        return Stop(
            rule=worst.rule,
            step=step.id,
            sentence=worst.sentence,
            remedy=worst.remedy,
            since=since,
            checks=bad,
            final=now - since >= patience,
        )
    policy = turn.rooms.people.policy(campaign.cluster)
    able = eligible(policy, campaign)
    need = max(1, policy.quorum)
    if len({actor.person for actor in able}) < need:
        return Stop(
            rule="TWO-PEOPLE",
            step=step.id,
            since=now,
            final=True,
            sentence=f"This step needs {need} approval(s) by people who neither planned, started nor retried it, "
            f"and only {len(able)} of the listed approvers are left.",
            remedy="Add an approver under [people] in rollup.toml and type `/rollup recheck`.",
        )
    return None


def strangers(campaign: Campaign, step: Step, facts: EstateFacts, now: float) -> Stop | None:
    """A job folder our state does not account for blocks and asks: Redis may have been rewound, or a twin lives."""
    known = dict(campaign.known_jobs)
    for machine in facts.machines:
        if not isinstance(machine.jobs, tuple):
            return Stop(
                rule="JOBS-KNOWN",
                step=step.id,
                since=now,
                final=False,
                sentence=f"The job folders on {machine.name} could not be listed: {machine.jobs.why}.",
                remedy="The bot never acts without knowing every job on every machine; it looks again by itself.",
            )
        for folder in machine.jobs:
            ours = folder.nonce == campaign.nonce
            finished = folder.seen in (JobSeen.ENDED, JobSeen.REFUSED, JobSeen.VOID)
            if ours and folder.name not in known:
                return Stop(
                    rule="JOBS-KNOWN",
                    step=step.id,
                    since=now,
                    final=True,
                    sentence=f"{machine.name} holds a job of this campaign, {folder.name}, that its record does not know.",
                    remedy="The record may have been put back to an older copy. Look at that folder before anything else.",
                )
            if not ours and not finished:
                return Stop(
                    rule="JOBS-KNOWN",
                    step=step.id,
                    since=now,
                    final=True,
                    sentence=f"{machine.name} holds an unfinished job of another campaign, {folder.name}.",
                    remedy="Find out whether it still runs; when it has ended or its folder was removed, type `/rollup recheck`.",
                )
    return None


def eligible(policy: Policy, campaign: Campaign) -> tuple[Actor, ...]:
    """Approvers who are no one that planned, started, retried or edited."""
    barred = set(campaign.barred) | {campaign.requester.person}
    found = (Actor(user=user, person=policy.person(user)) for user in dict.fromkeys(policy.approvers))
    return tuple(actor for actor in found if actor.person not in barred and actor.user != campaign.requester.user)


def forecast_of(step: Step, context: Context) -> Forecast:
    """How long it should take; the category, not the number, enters the digest."""
    basis = context.durations.basis
    return Forecast(step_s=step.expected_s, downtime_s=step.downtime_s, basis=basis, category=f"{basis}:{step.kind}")


def build_gate(rooms: Rooms, campaign: Campaign, step: Step, evidence: Evidence) -> Gate:
    """The gate as it would be opened on this evidence: also built at consume, to compare digests."""
    policy = rooms.people.policy(campaign.cluster)
    gate_id = f"{campaign.id}.{step.id}.{campaign.attempt}"
    now = rooms.lab()
    gate = Gate(
        id=gate_id,
        campaign=campaign.id,
        step=step.id,
        attempt=campaign.attempt,
        target=step.target,
        kind="step",
        title=step.title,
        digest=digest(agreed(rooms, campaign, step, evidence, policy, gate_id)),
        commands=evidence.commands,
        checks=evidence.checks,
        forecast=forecast_of(step, evidence.context),
        approvers=eligible(policy, campaign),
        barred=campaign.barred,
        quorum=max(1, policy.quorum),
        opened_at=now,
        expires_at=now + rooms.config.gate_expiry_s,
        notes=gate_lines(campaign, step),
    )
    return audit.sign(gate, rooms.key)


def agreed(rooms: Rooms, campaign: Campaign, step: Step, evidence: Evidence, policy: Policy, gate_id: str) -> Agreed:
    """Everything the voters of this gate agree to."""
    if campaign.plan is None:
        raise ValueError(campaign.id)
    return Agreed(
        nonce=campaign.nonce,
        gate=gate_id,
        step=step.id,
        attempt=campaign.attempt,
        target=step.target,
        commands=evidence.commands,
        scripts=rooms.config.scripts,
        package=campaign.plan.package,
        plan=campaign.plan,
        rules_version=RULES_VERSION,
        bot_version=rooms.config.bot_version,
        policy=policy,
        inventory=rooms.config.fingerprint(campaign.cluster),
        waivers=campaign.waivers,
        forecast=forecast_of(step, evidence.context),
        checks=evidence.checks,
    )


def _why_not_done(
    turn: Turn, campaign: Campaign, step: Step, evidence: Evidence
) -> tuple[Stop | None, tuple[Check, ...]]:
    """What the rules after a step say of one that has nothing left to run: the Stop or None, and all of them."""
    now = turn.rooms.lab()
    package = evidence.package
    if (stop := strangers(campaign, step, evidence.facts, now)) is not None:
        return stop, ()
    after = evaluate(
        When.AFTER, evidence.facts, package=package, context=evidence.context, plan=campaign.plan, step=step
    )
    bad = blocking(after)
    if not bad:
        return None, after
    worst = bad[0]
    since = campaign.stop.since if campaign.stop is not None and campaign.stop.rule == worst.rule else now
    return Stop(
        rule=worst.rule,
        step=step.id,
        sentence=worst.sentence,
        remedy=worst.remedy,
        since=since,
        checks=bad,
        final=now - since >= min(check.patience_s for check in bad),
    ), after


def _already_so(turn: Turn, campaign: Campaign, step: Step, evidence: Evidence) -> float | None:
    """The step's effect is there already: judged like an outcome, never by asking for a vote on nothing."""
    stop, after = _why_not_done(turn, campaign, step, evidence)
    if stop is not None:
        turn.write(campaign, Blocked(stop=stop), "block")
        return None
    turn.write(
        campaign,
        StepEnded(
            outcome=Outcome(
                step=step.id,
                attempt=campaign.attempt,
                kind=OutcomeKind.DONE,
                at=turn.rooms.lab(),
                checks=after,
                sentence=f"{step.title}: already so, nothing was run.",
            ),
            advance=True,
        ),
        "already",
    )
    return None


def expire(turn: Turn, campaign: Campaign) -> None:
    """Nobody approved in time; a new gate will be opened with new facts."""
    if campaign.gate is not None:
        turn.write(campaign, GateExpired(gate=campaign.gate.id), "expire")


def recount(turn: Turn, campaign: Campaign) -> bool:
    """Ask Slack without acting: the bell's check when events may have been lost. Whether the approvals are there."""
    gate = campaign.gate
    if gate is None:
        return False
    ballot = turn.rooms.slack.recount(campaign, gate)
    return _judge(turn, campaign, gate, ballot)[0]


def _judge(turn: Turn, campaign: Campaign, gate: Gate, ballot: Ballot) -> tuple[bool, float | None]:
    """Handle everything but approval. Whether the approvals suffice, and if not a lab time to look again at."""
    pause = turn.rooms.lab() + turn.rooms.config.pace.recount_s
    if ballot.unreadable:
        log.warning("votes of %s could not be read: %s", gate.id, ballot.why_not)
        return False, pause
    if not ballot.intact:
        turn.write(campaign, GateVoided(gate=gate.id, differences=(ballot.why_not,)), "void")
        return False, None
    if ballot.rejections:
        turn.write(campaign, GateRejected(gate=gate.id, by=ballot.rejections), "reject")
        return False, None
    enough = len(approvers_of(ballot, campaign, gate)) >= max(1, gate.quorum)
    return enough, None if enough else pause


def approvers_of(ballot: Ballot, campaign: Campaign, gate: Gate) -> tuple[str, ...]:
    """The persons whose approval opens this gate: the Slack edge's judgement, and the floor once more."""
    barred = set(campaign.barred) | set(gate.barred) | {campaign.requester.person}
    listed = {actor.person for actor in gate.approvers}
    return tuple(p for p in ballot.approvals if p and p not in barred and p in listed)


def consume(turn: Turn, campaign: Campaign) -> float | None:
    """Facts, agreement, policy, votes, intent. Returns a lab time to wait for, or None to go on at once."""
    rooms, gate, step = turn.rooms, campaign.gate, campaign.step
    if gate is None or step is None or campaign.plan is None:
        return None
    if not audit.is_ours(gate, rooms.key):
        turn.write(
            campaign,
            GateVoided(gate=gate.id, differences=("the gate in the store does not carry our signature",)),
            "void",
        )
        return None
    if (damage := damaged(rooms, campaign)) is not None:
        turn.write(
            campaign, GateVoided(gate=gate.id, differences=(f"the campaign's record is damaged: {damage}",)), "void"
        )
        return None
    evidence = gather(rooms, campaign, step)
    if isinstance(evidence, Stop):
        turn.write(campaign, GateVoided(gate=gate.id, differences=(evidence.sentence,)), "void")
        return None
    if (stop := why_not(turn, campaign, step, evidence)) is not None:
        turn.write(campaign, GateVoided(gate=gate.id, differences=(f"{stop.rule}: {stop.sentence}",)), "void")
        return None
    policy = rooms.people.policy(campaign.cluster)
    if digest(agreed(rooms, campaign, step, evidence, policy, gate.id)) != gate.digest:
        found = differences(gate.checks, evidence.checks, gate.commands, evidence.commands)
        turn.write(
            campaign,
            GateVoided(
                gate=gate.id,
                differences=found or ("the people who may approve, the settings or the bot itself changed",),
            ),
            "void",
        )
        return None
    intent = intent_of(turn, campaign, gate, evidence.facts.read_at)
    if not isinstance(intent, Intent):
        return intent
    with rooms.store.pinned() as store:
        turn.write(campaign, GateConsumed(intent=intent, facts=_resting_on(evidence)), "intent", store=store)
        if not store.wait_replicas(rooms.config.replicas):
            log.warning(
                "%s: the intent is not on %s replica(s); nothing will be started", gate.id, rooms.config.replicas
            )
            written = rooms.store.get(campaign.id)
            if written is not None:
                turn.write(
                    written,
                    StepEnded(
                        advance=False,
                        outcome=Outcome(
                            step=step.id,
                            attempt=gate.attempt,
                            kind=OutcomeKind.NOT_STARTED,
                            at=rooms.lab(),
                            sentence="The intent could not be copied to the replicas, so nothing was started.",
                        ),
                    ),
                    "short-wait",
                )
    return None


def intent_of(turn: Turn, campaign: Campaign, gate: Gate, read_at: float) -> Intent | float | None:
    """The votes, last of all, as a signed intent; else a lab time to wait for, or None when the gate was closed.

    `read_at` is when the facts it rests on were read (wall).
    """
    rooms = turn.rooms
    ballot = rooms.slack.recount(campaign, gate)
    enough, until = _judge(turn, campaign, gate, ballot)
    if not enough:
        return until
    wall = rooms.store.server_time()
    if wall - ballot.read_at > rooms.config.vote_age_s or wall - read_at > rooms.config.owner_age_s:
        log.info("%s: votes or facts grew too old while they were read; reading again", gate.id)
        return rooms.lab()
    now = rooms.clock.lab(wall)
    if now >= gate.expires_at:
        turn.write(campaign, GateExpired(gate=gate.id), "expire")
        return None
    persons = approvers_of(ballot, campaign, gate)
    intent = Intent(
        gate=gate.id,
        step=gate.step,
        attempt=gate.attempt,
        digest=gate.digest,
        approved_by=persons,
        users=tuple(v.user for v in ballot.votes if v.counted and v.person in persons),
        fence=turn.lease.fence,
        token=turn.lease.token,
        version=campaign.version,
        not_after=now + rooms.clock.speed * rooms.config.start_within_s,
    )
    return audit.sign(intent, rooms.key)


def _resting_on(evidence: Evidence) -> tuple[Fact, ...]:
    found = (fact for check in evidence.checks if check.verdict is not Verdict.WARN for fact in check.facts)
    return tuple(dict.fromkeys(fact for fact in found if not fact.moving))


def ask(turn: Turn, campaign: Campaign, rule: str, sentence: str, remedy: str) -> None:
    """Stop and ask people."""
    step = campaign.step
    turn.write(
        campaign,
        Asked(
            stop=Stop(
                rule=rule,
                sentence=sentence,
                remedy=remedy,
                step=step.id if step else "",
                since=turn.rooms.lab(),
                final=True,
            )
        ),
        "ask",
    )
