"""Consumes gates: the one place where votes and facts become an intent.

The order is: facts, then what they were agreed to be, then the policy, then the votes last. Nothing is stored
between the recount and the intent, and the intent is refused if anything was stored meanwhile.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from bot.engine.evidence import Evidence, gather, why_not
from bot.engine.gating import expire, left_undone, step_agreed
from bot.engine.stops import damaged
from bot.engine.turn import Turn
from bot.procedure.digest import differences, digest
from state import audit
from state.guards import declined
from state.words import (
    Ballot,
    Campaign,
    Event,
    Fact,
    Gate,
    GateConsumed,
    GateRejected,
    GateVoided,
    Intent,
    Outcome,
    OutcomeKind,
    StepEnded,
    Stop,
    Verdict,
    Vote,
    Voted,
    VoteRefusal,
    VoteWithdrawn,
)

log = logging.getLogger(__name__)


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
    if digest(step_agreed(rooms, campaign, step, evidence, policy, gate.id)) != gate.digest:
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
        expire(turn, campaign)
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
    news = untold(campaign, gate, ballot)
    if ballot.rejections:
        events: list[Event] = [*news, GateRejected(gate=gate.id, by=ballot.rejections)]
        if declined(campaign):
            after = replace(campaign, attempt=campaign.attempt + 1)  # its gate used a number
            events.append(left_undone(turn, after, "as was asked for"))
        turn.write(campaign, events, "reject")
        return False, None
    if news:
        turn.write(campaign, news, "votes")
        return False, None  # then everything is read again: nothing is stored between a recount and its intent
    enough = len(approvers_of(ballot, campaign, gate)) >= max(1, gate.quorum)
    return enough, None if enough else pause


def untold(campaign: Campaign, gate: Gate, ballot: Ballot) -> tuple[Event, ...]:
    """What a recount found and no bell had told: votes that count, or count no more, and votes taken back.

    The record names everyone whose vote opened or closed a gate, also when the events about it were lost. A person
    Slack could not tell of just now is no news.
    """
    told = {(vote.user, vote.emoji): vote for vote in campaign.votes if vote.gate == gate.id}
    shown: dict[tuple[str, str], Vote] = {}
    for vote in ballot.votes:  # two skin tones of one emoji are one vote
        same = shown.get((vote.user, vote.emoji))
        if same is None or (vote.counted and not same.counted):
            shown[vote.user, vote.emoji] = vote
    found: list[Event] = []
    for key, vote in shown.items():
        known = told.pop(key, None)
        if vote.refusal is VoteRefusal.UNREADABLE or (known is None and not vote.counted):
            continue
        if known is None or (known.counted, known.person, known.choice) != (vote.counted, vote.person, vote.choice):
            found.append(Voted(vote=vote))
    found += [VoteWithdrawn(gate=gate.id, user=user, emoji=emoji) for (user, emoji), one in told.items() if one.counted]
    return tuple(found)


def approvers_of(ballot: Ballot, campaign: Campaign, gate: Gate) -> tuple[str, ...]:
    """The persons whose approval opens this gate: the Slack edge's judgement, and the floor once more."""
    barred = set(campaign.barred) | set(gate.barred) | {campaign.requester.person}
    listed = {actor.person for actor in gate.approvers}
    return tuple(p for p in ballot.approvals if p and p not in barred and p in listed)


def _resting_on(evidence: Evidence) -> tuple[Fact, ...]:
    found = (fact for check in evidence.checks if check.verdict is not Verdict.WARN for fact in check.facts)
    return tuple(dict.fromkeys(fact for fact in found if not fact.moving))
