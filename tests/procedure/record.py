"""Writes the record of a campaign that went well, event by event, for tests to spoil.

`recorded` puts events in their places: what depends on the place (versions, times) is filled in there, so that a test
that takes an event out or puts one in has a record as consistent as a forger would make it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts
from bot.procedure.rules import evaluate
from bot.procedure.steps import commands
from state import words as w
from tests.procedure.build import NOW, change
from tests.procedure.walk import campaign, image, waivers

ALICE = w.Actor(user="U1", person="alice")
BOB = w.Actor(user="U2", person="bob")
CAROL = w.Actor(user="U3", person="carol")
ID = "CLUSTER01-7"


def events(plan: w.Plan, facts: EstateFacts, waived: tuple[str, ...] = ()) -> list[w.Event]:
    """Request, plan, start, and for each step its gate, intent, jobs and end.

    `waived` rules that block are accepted, before the start and at each step, through a risk gate of their own.
    """
    made: list[w.Event] = [
        w.CampaignRequested(
            campaign=ID,
            nonce="n",
            cluster=plan.cluster,
            channel="C",
            by=ALICE,
            package_ref="",
            options=plan.options,
            realm=w.Realm.LAB,
        ),
        w.ThreadOpened(ts="1.0"),
        w.PlanMade(plan=plan, expires_at=NOW + 86400),
    ]
    for number, waiver in enumerate(waivers("plan", plan.checks, waived), 1):
        made += accepted(waiver, plan.checks, number)
    made.append(w.Started(by=ALICE))
    seen = facts
    imaged: set[str] = set()
    for step, checks, after, left in campaign(plan, facts, waived):
        asked = change(seen, step.target, validate=((step.cms, ""),)) if step.cms else seen
        rendered = commands(step, asked, plan.package, campaign=ID, images=(image(seen, step.target),))
        images = () if step.target in imaged else (image(seen, step.target),)
        imaged.add(step.target)
        number = 1
        found = tuple(replace(c, verdict=w.Verdict.BLOCK, waived_by=()) if c.waived_by else c for c in checks)
        for waiver in waivers(step.id, found, waived):
            made += accepted(waiver, found, number, step.target)
            number += 1
        made += attempt(step, checks, after, rendered, number, images)
        seen = left
    closing = evaluate(w.When.AFTER, seen, package=plan.package, context=Context(), plan=plan)
    made.append(w.Finished(sentence="done", user_downtime_s=0.0, checks=closing))
    return made


def accepted(waiver: w.Waiver, checks: tuple[w.Check, ...], number: int, target: str = "CLUSTER01") -> list[w.Event]:
    """Alice asks for a waiver, for the plan or for the machine of a step; Bob accepts it."""
    gate = w.Gate(
        id=f"{ID}.{waiver.step}.{number}",
        campaign=ID,
        step=waiver.step,
        attempt=number,
        target=target,
        kind="risk",
        title=f"Risk: {waiver.rule}",
        digest=f"risk-{waiver.step}-{number}",
        commands=(),
        checks=tuple(one for one in checks if one.stops),
        forecast=w.Forecast(step_s=0, downtime_s=0, basis="risk"),
        approvers=(BOB, CAROL),
        barred=("alice",),
        quorum=1,
        opened_at=NOW,
        expires_at=NOW + 3600,
        waiver=replace(waiver, approved_by=()),
    )
    stops = tuple(one for one in checks if one.stops)
    stop = w.Stop(rule=waiver.rule, sentence="", step=waiver.step, checks=stops, since=NOW, final=True)
    return [
        *(() if waiver.step == "plan" else (w.Blocked(stop=stop),)),
        w.WaiverAsked(by=ALICE, rule=waiver.rule, step=waiver.step, reason=waiver.reason),
        w.GatePrepared(gate=gate),
        w.GateOpened(gate=gate.id, channel="C", ts=gate.id, posted_hash="h"),
        vote(gate),
        w.GateConsumed(
            facts=waiver.facts,
            intent=w.Intent(
                gate=gate.id,
                step=gate.step,
                attempt=number,
                digest=gate.digest,
                approved_by=waiver.approved_by,
                users=("U2",),
                fence=1,
                token="t",
                version=5,
                not_after=NOW + 60,
            ),
        ),
    ]


def vote(gate: w.Gate, actor: w.Actor = BOB, /, **other: object) -> w.Voted:
    """A ✅ on a gate, counted."""
    cast = w.Vote(gate=gate.id, user=actor.user, person=actor.person, emoji="+1", choice=w.Choice.APPROVE, counted=True)
    return w.Voted(vote=replace(cast, **other))  # type: ignore[arg-type]


def rests_on(checks: tuple[w.Check, ...]) -> tuple[w.Fact, ...]:
    """The facts an intent names: all that do not move, of every check but warnings."""
    found = (fact for check in checks if check.verdict is not w.Verdict.WARN for fact in check.facts)
    return tuple(dict.fromkeys(fact for fact in found if not fact.moving))


def attempt(
    step: w.Step,
    checks: tuple[w.Check, ...],
    after: tuple[w.Check, ...],
    rendered: tuple[w.Command, ...],
    number: int = 1,
    images: tuple[w.NodeImage, ...] = (),
) -> list[w.Event]:
    """One attempt of a step, as approved by Bob."""
    gate = w.Gate(
        id=f"{ID}.{step.id}.{number}",
        campaign=ID,
        step=step.id,
        attempt=number,
        target=step.target,
        kind="step",
        title=step.title,
        digest=f"{step.id}-{number}",
        commands=rendered,
        checks=checks,
        forecast=w.Forecast(step_s=1, downtime_s=0, basis="default"),
        approvers=(BOB, CAROL),
        barred=("alice",),
        quorum=1,
        opened_at=NOW,
        expires_at=NOW + 3600,
    )
    made: list[w.Event] = [
        w.GatePrepared(gate=gate, images=images),
        w.GateOpened(gate=gate.id, channel="C", ts=gate.id, posted_hash="h"),
        vote(gate),
        w.GateConsumed(
            intent=w.Intent(
                gate=gate.id,
                step=step.id,
                attempt=number,
                digest=gate.digest,
                approved_by=("bob",),
                users=("U2",),
                fence=1,
                token="t",
                version=5,
                not_after=NOW + 60,
            ),
        ),
    ]
    for place, command in enumerate(rendered):
        name = f"{ID}-n-{step.id}-{number}-{place}"
        order = w.JobOrder(
            name=name, campaign=ID, version=5, gate=gate.id, command=command, not_after=NOW + 60,
            command_hash=hashlib.sha256(command.text.encode()).hexdigest(),
        )  # fmt: skip
        made += [
            w.JobOpened(order=order, token="t"),
            w.JobStarted(job=name),
            w.JobEnded(job=name, state=w.JobState.ENDED, exit_code=0),
        ]
    made.append(
        w.StepEnded(
            outcome=w.Outcome(step=step.id, attempt=number, kind=w.OutcomeKind.DONE, sentence="done", checks=after),
            advance=True,
        )
    )
    return made


def recorded(made: list[w.Event]) -> tuple[w.Recorded, ...]:
    """The events as they stand in a stream."""
    found: list[w.Recorded] = []
    began, codes, gates = 0.0, list[int](), dict[str, w.Gate]()
    for i, event in enumerate(made, 1):
        at = NOW + i
        match event:
            case w.GatePrepared():
                gates[event.gate.id] = event.gate
            case w.GateConsumed():
                gate = gates.get(event.intent.gate)
                facts = rests_on(gate.checks) if gate is not None and gate.waiver is None else event.facts
                intent = replace(event.intent, version=i - 1, not_after=at + 60)
                event = replace(event, intent=intent, facts=facts)
                began, codes = 0.0, []
            case w.JobOpened():
                order = replace(event.order, version=i, not_after=at + 60)
                event, began = replace(event, order=order), began or at
            case w.JobEnded():
                codes += [event.exit_code] if event.exit_code is not None else []
            case w.StepEnded():
                outcome = replace(event.outcome, at=at, took_s=at - began if began else 0.0, exit_codes=tuple(codes))
                event, began, codes = replace(event, outcome=outcome), 0.0, []
            case _:
                pass
        found.append(w.Recorded(version=i, at=at, event=event, prev=str(i - 1), hash=str(i)))
    return tuple(found)
