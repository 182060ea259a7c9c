"""Reads what a step rests on, now, and says what it allows: the facts, the checks, the commands, or the Stop."""

from __future__ import annotations

from dataclasses import dataclass

from bot.engine.reading import read_for
from bot.engine.rooms import Rooms
from bot.engine.show import show
from bot.engine.stops import blocked_since, stop_on
from bot.engine.turn import Turn
from bot.procedure.asked import wanted
from bot.procedure.commands import Unrenderable
from bot.procedure.context import Context, context_of
from bot.procedure.facts import EstateFacts, same_name
from bot.procedure.order import check_next
from bot.procedure.reach import left_out
from bot.procedure.rules import blocking, evaluate
from bot.procedure.steps import commands
from state.words import (
    Actor,
    Campaign,
    Check,
    Command,
    JobSeen,
    Package,
    Policy,
    Step,
    StepKind,
    Stop,
    When,
)


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


def gather(rooms: Rooms, campaign: Campaign, step: Step, facts: EstateFacts | None = None) -> Evidence | Stop:
    """Read everything for a step now and judge it, or the Stop that says why that is impossible.

    `facts` were read a moment ago (`reading.just_read`); without them everything is read.
    """
    facts = facts or read_for(rooms, campaign, step)
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
    show(rooms, campaign, facts)
    context = context_of(campaign, limits=rooms.config.limits, durations=rooms.durations())
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
        return stop_on(campaign, bad, now, step.id)
    if (stop := unlisted(turn, campaign, step, evidence.facts, now)) is not None:
        return stop
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


def why_not_done(
    turn: Turn, campaign: Campaign, step: Step, evidence: Evidence
) -> tuple[Stop | None, tuple[Check, ...]]:
    """What the rules after a step say of one that has nothing left to run: the Stop or None, and all of them."""
    now = turn.rooms.lab()
    package, facts = evidence.package, evidence.facts
    if (stop := strangers(campaign, step, facts, now)) is not None:
        return stop, ()
    inventory = turn.rooms.config.inventory(campaign.cluster)
    if inventory is not None and wanted(When.AFTER, step, inventory.nodes):
        # What only the moment after a step asks for was not read for its gate: the queues to a server that moved.
        facts = read_for(turn.rooms, campaign, step, When.AFTER) or facts
    after = evaluate(When.AFTER, facts, package=package, context=evidence.context, plan=campaign.plan, step=step)
    # A node that somebody else paused is not taken for one that we emptied: whoever did it had a reason.
    whose = (c for c in evidence.checks if c.rule == "NODE-MEMBER" and step.kind is StepKind.EVACUATE)
    bad = blocking((*after, *whose))
    if not bad:
        return unlisted(turn, campaign, step, facts, now), after
    return stop_on(campaign, bad, now, step.id), after


def strangers(campaign: Campaign, step: Step, facts: EstateFacts, now: float) -> Stop | None:
    """A job folder our state does not account for blocks and asks: Redis may have been rewound, or a twin lives."""
    known = dict(campaign.known_jobs)
    for machine in facts.machines:
        for folder in machine.jobs if isinstance(machine.jobs, tuple) else ():
            ours = folder.nonce == campaign.nonce
            finished = folder.seen in (JobSeen.ENDED, JobSeen.REFUSED, JobSeen.VOID)
            if ours and folder.name not in known:
                sentence = f"{machine.name} holds a job of this campaign, {folder.name}, that its record does not know."
                remedy = "The record may have been put back to an older copy. Look at that folder before anything else."
            elif not ours and not finished:
                sentence = f"{machine.name} holds an unfinished job of another campaign, {folder.name}."
                remedy = "Find out whether it still runs; when it has ended or its folder was removed, type `/rollup recheck`."
            else:
                continue
            return Stop(rule="JOBS-KNOWN", step=step.id, since=now, final=True, sentence=sentence, remedy=remedy)
    return None


def unlisted(turn: Turn, campaign: Campaign, step: Step, facts: EstateFacts, now: float) -> Stop | None:
    """A machine whose job folders cannot be listed: nothing is done before they are known. Comes after what the rules say."""
    aside = left_out(campaign.plan) if campaign.plan else ()
    for machine in facts.machines:
        if not machine.reached and any(same_name(machine.name, one) for one in aside):
            continue  # nothing of ours was ever started there; SCR-TARGETS-FIRST speaks of it at every gate
        if not isinstance(machine.jobs, tuple):
            since = blocked_since(campaign, "JOBS-KNOWN", now)
            return Stop(
                rule="JOBS-KNOWN",
                step=step.id,
                since=since,
                final=now - since >= turn.rooms.config.limits.settle_s,
                sentence=f"The job folders on {machine.name} could not be listed: {machine.jobs.why}.",
                remedy="The bot never acts without knowing every job on every machine; it looks again by itself.",
            )
    return None


def eligible(policy: Policy, campaign: Campaign) -> tuple[Actor, ...]:
    """Approvers who are no one that planned, started, retried or edited."""
    barred = set(campaign.barred) | {campaign.requester.person}
    found = (Actor(user=user, person=policy.person(user)) for user in dict.fromkeys(policy.approvers))
    return tuple(actor for actor in found if actor.person not in barred and actor.user != campaign.requester.user)
