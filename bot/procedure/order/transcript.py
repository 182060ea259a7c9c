"""Walks a recorded campaign from its first event: who approved what, one intent a gate, jobs only after intents."""

from __future__ import annotations

from dataclasses import replace

from bot.procedure.facts import same_name
from bot.procedure.order.board import Violation
from bot.procedure.order.complete import unjudged, unlocked
from bot.procedure.order.evidence import unlike_its_facts
from bot.procedure.order.forms import misshapen
from bot.procedure.order.jobs import job_ended, job_opened, job_started, unlike_its_jobs
from bot.procedure.order.live import record
from bot.procedure.order.plans import board_of, check_plan
from bot.procedure.order.proofs import follows, needless, shown_at_close, shown_at_end, shown_at_gate
from bot.procedure.order.restores import left_out, restored_as_found
from bot.procedure.order.risks import PLAN, risk, started, under_waivers
from bot.procedure.order.rows import Place
from bot.procedure.order.stops import stopped
from bot.procedure.order.twice import out_of_form, unlike_its_gate, unlike_its_image, unlike_itself, unlike_the_request
from bot.procedure.order.votes import approved, opened, people_of, rejected, taken_back_late, voted, withdrawn
from bot.procedure.order.walk import SET_BACK_S, Walk
from state import words as w

_STOPS = (w.Verdict.BLOCK, w.Verdict.UNKNOWN)


def check_events(recorded: tuple[w.Recorded, ...]) -> tuple[Violation, ...]:
    """What is wrong with a recorded campaign from its first event on; () accepts it."""
    walk = Walk()
    if not recorded or not isinstance(recorded[0].event, w.CampaignRequested):
        walk.no("APPROVAL-FRESH", "The record does not begin with a request.")
    for one in recorded:
        if one.at < walk.at:
            walk.no("PRE-COMPLETE", "This is older than what stands before it.")
        walk.version, walk.at = one.version, one.at
        if walk.finished:
            walk.no("BOTH-NODES", "Something follows the end of the campaign.")
        _event(walk, one.event)
    return tuple(walk.found)


def _event(walk: Walk, event: w.Event) -> None:
    asked = getattr(event, "by", None)
    if isinstance(asked, w.Actor) and not asked.person:
        walk.no("APPROVAL-FRESH", "Nobody asked for this.")
    stopped(walk, event)
    match event:
        case w.CampaignRequested():
            if walk.barred:
                walk.no("APPROVAL-FRESH", "The campaign was asked for twice.")
            walk.barred.add(event.by.person)
            walk.request = event
        case w.ThreadOpened():
            if walk.thread or not event.ts:
                walk.no("PRE-COMPLETE", "The campaign's thread was opened twice, or nowhere.")
            walk.thread = event.ts
        case w.PlanMade():
            if walk.plan is not None:
                walk.no("PRE-COMPLETE", "Another plan was put in the place of the first.")
            walk.plan_until = event.expires_at
            _plan(walk, event.plan)
            if not event.plan.made_at - SET_BACK_S <= walk.at <= event.expires_at:
                walk.no("PRE-COMPLETE", "The plan was made later than it was told, or had expired by then.")
        case w.Started():
            walk.barred.add(event.by.person)
            if walk.plan is None or walk.started or walk.at > walk.plan_until:
                walk.no(
                    "PRE-COMPLETE", "The campaign was started twice, without a plan, or after its plan had expired."
                )
            started(walk)
        case w.Retried():
            walk.barred.add(event.by.person)
            if walk.running:
                walk.no("ONE-AT-A-TIME", f"A new attempt was asked for while {walk.running} was open.")
            # People were asked how an attempt ended and want another: with that the one under way is over.
            walk.intent, walk.jobs, walk.failed, walk.wrong, walk.not_before = None, [], False, "", 0.0
        case w.Waiting():
            walk.not_before = event.until
        case w.WaiverAsked():
            walk.barred.add(event.by.person)
            walk.risk = event
        case w.WaiverDropped():
            walk.risk = None
        case w.ReturnAsked():
            walk.barred.add(event.by.person)
            walk.open = ""
            if event.step.kind is not w.StepKind.HANDOFF or "return" not in event.step.option.split("+"):
                walk.no("MIXED-LEVEL-MOVE", f"Step {event.step.id} is no return, and it takes the place of the plan.")
            walk.risk = w.WaiverAsked(by=event.by, rule=event.step.rule, step=event.step.id, reason=event.reason)
            walk.steps = [*walk.steps[: walk.index], event.step]
            walk.waivers, walk.not_before = {}, 0.0
        case w.GatePrepared():
            _prepared(walk, event)
        case w.GateOpened():
            opened(walk, event)
        case w.Voted():
            voted(walk, event.vote)
        case w.VoteWithdrawn():
            withdrawn(walk, event)
        case w.LateWithdrawal():
            taken_back_late(walk, event)
        case w.GateConsumed():
            _consumed(walk, event)
        case w.GateVoided() | w.GateExpired() | w.GateRejected() | w.Paused():
            if isinstance(event, w.GateRejected):
                rejected(walk, event)
            walk.open, walk.risk = "", None
        case w.AbortRequested():
            walk.open, walk.aborting = "", True
        case w.JobOpened():
            job_opened(walk, event)
        case w.JobStarted():
            job_started(walk, event)
        case w.JobEnded():
            job_ended(walk, event)
        case w.StepEnded():
            _ended(walk, event)
        case w.Finished():
            _finished(walk, event)
        case _:
            pass


def _plan(walk: Walk, plan: w.Plan) -> None:
    walk.found += [
        Violation(rule=one.rule, sentence=one.sentence, step=one.step, version=walk.version) for one in check_plan(plan)
    ]
    for rule in unjudged(plan.checks, None):
        walk.no(rule, f"The plan does not show that {rule} was judged.")
    for rule, said in unlocked(plan):
        walk.no(rule, said)
    for rule, said in unlike_its_facts(plan):
        walk.no(rule, f"The plan is not what was read: {said}.")
    for rule, said in (
        *out_of_form(plan.checks, w.When.PLAN),
        *unlike_itself(plan),
        *(unlike_the_request(plan, walk.request) if walk.request else ()),
    ):
        walk.no(rule, f"The plan {said}.")
    stopping = [check.rule for check in plan.checks if check.verdict in _STOPS and not check.waivable]
    if stopping:
        walk.no(stopping[0], f"The plan was made although {', '.join(stopping)} stopped it.")
    walk.plan = plan
    walk.steps = list(plan.steps)
    try:
        walk.board = board_of(plan)
    except ValueError as error:
        walk.no("PKG-NAME", str(error))
        return
    for rule, said in misshapen(plan.checks, Place(plan, walk.board, w.When.PLAN)):
        walk.no(rule, f"The plan says that {said}.")


def _prepared(walk: Walk, event: w.GatePrepared) -> None:
    step, gate = walk.step, event.gate
    if walk.aborting:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was prepared after an abort.")
    if gate.id in walk.gates:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was prepared twice.")
    if walk.intent is not None:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was prepared while a step was under way.")
    if walk.open:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was prepared while {walk.open} was open.")
    if not gate.opened_at - SET_BACK_S <= walk.at < gate.expires_at:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} had expired when it was prepared, or comes from later.")
    if gate.kind == "step" and walk.at < walk.not_before - SET_BACK_S:
        walk.no("PRE-COMPLETE", f"Gate {gate.id} was prepared before the time to wait was over.")
    walk.not_before = 0.0
    walk.gates[gate.id] = gate
    walk.open, walk.votes = gate.id, {}
    people_of(walk, gate)
    for rule, said in out_of_form(gate.checks, w.When.GATE if walk.started else w.When.PLAN):
        walk.no(rule, f"Gate {gate.id} {said}.")
    if step is None or gate.step != (step.id if walk.started else PLAN):
        walk.no("PRE-COMPLETE", f"Gate {gate.id} is for {gate.step}, which is not the next step.")
        return
    for rule, said in unlike_its_image(gate, event.images):
        walk.no(rule, f"Gate {gate.id} {said}.")
    walk.images += event.images
    if gate.kind == "risk":
        risk(walk, gate)
    elif walk.started:
        shown_at_gate(walk, gate, step)
        if not any(same_name(image.machine, gate.target) for image in walk.images):
            walk.no("GROUPS-SNAPSHOT", f"Gate {gate.id} is for {gate.target}, of which no before-image was taken.")
    else:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was prepared before anybody started the plan.")


def _consumed(walk: Walk, event: w.GateConsumed) -> None:
    intent = event.intent
    gate = walk.gates.get(intent.gate)
    if walk.aborting:
        walk.no("APPROVAL-FRESH", "A gate was consumed after an abort.")
    if gate is None or intent.gate not in walk.posted:
        walk.no("APPROVAL-FRESH", f"Gate {intent.gate} was consumed but never stood in Slack.")
    if intent.gate != walk.open or intent.gate in walk.intents:
        walk.no("APPROVAL-FRESH", f"Gate {intent.gate} was not open any more when it was consumed.")
    walk.intents[intent.gate] = intent
    walk.open, walk.intent, walk.jobs, walk.failed, walk.wrong = "", intent, [], False, ""
    if gate is None:
        return
    if gate.kind == "risk":  # it allows a waiver, nothing else
        walk.intent = walk.risk = None
        if gate.waiver is not None:
            waiver = replace(gate.waiver, approved_by=intent.approved_by)
            walk.waivers[gate.step, waiver.rule] = waiver
    else:
        under_waivers(walk, gate)
    if intent.digest != gate.digest or (intent.step, intent.attempt) != (gate.step, gate.attempt):
        walk.no("APPROVAL-FRESH", f"The intent is not what gate {gate.id} showed.")
    for rule, said in unlike_its_gate(gate, event):
        walk.no(rule, f"The intent of gate {gate.id} {said}.")
    approved(walk, gate, intent)
    if walk.at >= gate.expires_at or intent.not_after < walk.at:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} had expired.")


def _seen_up(outcome: w.Outcome) -> bool:
    """Whether the checks after an install saw the node Up, not Paused, from the others."""
    return any(
        fact.name == "seen as" and fact.value == "Up"
        for check in outcome.checks
        if check.rule == "CLUSSVC-BACK" and check.verdict is w.Verdict.PASS
        for fact in check.facts
    )


def _ended(walk: Walk, event: w.StepEnded) -> None:
    step, outcome = walk.step, event.outcome
    if walk.running:
        walk.no("ONE-AT-A-TIME", f"Step {outcome.step} was ended while {walk.running} was open.")
    if step is None or outcome.step != step.id:
        walk.no("PRE-COMPLETE", f"Step {outcome.step} ended, which was not under way.")
        return
    for rule, said in unlike_its_jobs(walk, event):
        walk.no(rule, f"Step {step.id} {said}.")
    for rule, said in out_of_form(outcome.checks, w.When.AFTER):
        walk.no(rule, f"The end of step {step.id} {said}.")
    walk.down_s += outcome.downtime_s or 0.0
    done = outcome.kind is w.OutcomeKind.DONE
    left = left_out(walk, step, event)
    if walk.intent is None and not left and not (done and needless(walk, step, outcome)):
        walk.no("APPROVAL-FRESH", f"Step {step.id} ended without an intent.")
    if done:
        shown_at_end(walk, step, outcome)
        if step.kind is w.StepKind.INSTALL and not walk.jobs and _seen_up(outcome):
            walk.paused.discard(step.target.casefold())  # a person resumed it, as the stop's own advice says
    follows(walk, step, event)
    if walk.board is not None:
        before = len(walk.board.found)
        walk.board.version = walk.version
        record(walk.board, step, outcome.kind)
        walk.found += walk.board.found[before:]
    walk.intent, walk.jobs, walk.failed, walk.wrong = None, [], False, ""
    walk.not_before = event.not_before
    walk.waivers = {key: one for key, one in walk.waivers.items() if key[0] != step.id}
    if event.insert is not None:
        restored_as_found(walk, event.insert, event)
        walk.steps.insert(walk.index + 1 if event.advance else walk.index, event.insert)
    if event.advance:
        if not done and not left and outcome.kind is not w.OutcomeKind.NEEDS_RESTART:
            walk.no("PRE-COMPLETE", f"The campaign went on although step {step.id} ended {outcome.kind}.")
        walk.index += 1


def _finished(walk: Walk, event: w.Finished) -> None:
    walk.finished = True
    if walk.aborting or not walk.started:
        walk.no("BOTH-NODES", "The campaign was finished after an abort, or before anybody started it.")
    if walk.step is not None:
        walk.no("BOTH-NODES", f"The campaign was finished before step {walk.step.id}.")
    if event.user_downtime_s != walk.down_s:
        walk.no(
            "DOWNTIME-MEASURED", f"The steps were {walk.down_s} s of outage, and the end says {event.user_downtime_s}."
        )
    shown_at_close(walk, event)
    if walk.paused:
        walk.no("NODE-PAUSED", f"{', '.join(sorted(walk.paused))} was left Paused.")
    if walk.board is not None:
        before = len(walk.board.found)
        walk.board.version = walk.version
        walk.board.close()
        walk.found += walk.board.found[before:]
