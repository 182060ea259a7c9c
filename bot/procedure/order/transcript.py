"""Walks a recorded campaign from its first event: who approved what, one intent a gate, jobs only after intents."""

from __future__ import annotations

from dataclasses import replace

from bot.procedure.order.board import Violation
from bot.procedure.order.complete import unjudged, unlocked
from bot.procedure.order.evidence import unlike_its_facts
from bot.procedure.order.live import record
from bot.procedure.order.plans import board_of, check_plan
from bot.procedure.order.proofs import follows, needless, shown_at_end, shown_at_gate
from bot.procedure.order.restores import left_out, restored_as_found
from bot.procedure.order.risks import PLAN, risk, started, under_waivers
from bot.procedure.order.walk import Walk
from state import words as w

_STOPS = (w.Verdict.BLOCK, w.Verdict.UNKNOWN)


def check_events(recorded: tuple[w.Recorded, ...]) -> tuple[Violation, ...]:
    """What is wrong with a recorded campaign from its first event on; () accepts it."""
    walk = Walk()
    if not recorded or not isinstance(recorded[0].event, w.CampaignRequested):
        walk.no("APPROVAL-FRESH", "The record does not begin with a request.")
    for one in recorded:
        walk.version, walk.at = one.version, one.at
        if walk.finished:
            walk.no("BOTH-NODES", "Something follows the end of the campaign.")
        _event(walk, one.event)
    return tuple(walk.found)


def _event(walk: Walk, event: w.Event) -> None:
    match event:
        case w.CampaignRequested():
            if walk.barred:
                walk.no("APPROVAL-FRESH", "The campaign was asked for twice.")
            walk.barred.add(event.by.person)
        case w.PlanMade():
            if walk.plan is not None:
                walk.no("PRE-COMPLETE", "Another plan was put in the place of the first.")
            walk.plan_until = event.expires_at
            _plan(walk, event.plan)
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
            walk.intent, walk.jobs, walk.failed, walk.wrong = None, [], False, ""
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
            walk.waivers = {}
        case w.GatePrepared():
            walk.images += event.images
            _prepared(walk, event.gate)
        case w.GateOpened():
            if event.gate not in walk.gates:
                walk.no("APPROVAL-FRESH", f"Gate {event.gate} was opened but never prepared.")
            walk.posted.add(event.gate)
        case w.GateConsumed():
            _consumed(walk, event.intent)
        case w.GateVoided() | w.GateExpired() | w.GateRejected() | w.Paused():
            walk.open, walk.risk = "", None
        case w.AbortRequested():
            walk.open, walk.aborting = "", True
        case w.JobOpened():
            _job(walk, event.order)
        case w.JobEnded():
            _job_ended(walk, event)
        case w.StepEnded():
            _ended(walk, event)
        case w.Finished():
            _finished(walk)
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
    stopping = [check.rule for check in plan.checks if check.verdict in _STOPS and not check.waivable]
    if stopping:
        walk.no(stopping[0], f"The plan was made although {', '.join(stopping)} stopped it.")
    walk.plan = plan
    walk.steps = list(plan.steps)
    try:
        walk.board = board_of(plan)
    except ValueError as error:
        walk.no("PKG-NAME", str(error))


def _prepared(walk: Walk, gate: w.Gate) -> None:
    step = walk.step
    if walk.aborting:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was prepared after an abort.")
    if gate.id in walk.gates:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was prepared twice.")
    if walk.intent is not None:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was prepared while a step was under way.")
    if walk.open:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was prepared while {walk.open} was open.")
    walk.gates[gate.id] = gate
    walk.open = gate.id
    if not walk.barred <= set(gate.barred):
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} does not bar everyone who asked for it.")
    if step is None or gate.step != (step.id if walk.started else PLAN):
        walk.no("PRE-COMPLETE", f"Gate {gate.id} is for {gate.step}, which is not the next step.")
        return
    if gate.kind == "risk":
        risk(walk, gate)
    elif walk.started:
        shown_at_gate(walk, gate, step)
    else:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was prepared before anybody started the plan.")


def _consumed(walk: Walk, intent: w.Intent) -> None:
    gate = walk.gates.get(intent.gate)
    if walk.aborting:
        walk.no("APPROVAL-FRESH", "A gate was consumed after an abort.")
    if gate is None or intent.gate not in walk.posted:
        walk.no("APPROVAL-FRESH", f"Gate {intent.gate} was consumed but never stood in Slack.")
    if intent.gate != walk.open or intent.gate in walk.consumed:
        walk.no("APPROVAL-FRESH", f"Gate {intent.gate} was not open any more when it was consumed.")
    walk.consumed.add(intent.gate)
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
    persons = set(intent.approved_by)
    if len(persons) < max(1, gate.quorum):
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} needs {max(1, gate.quorum)} approvals and has {len(persons)}.")
    own = persons & (walk.barred | set(gate.barred))
    if own:
        walk.no("APPROVAL-FRESH", f"{', '.join(sorted(own))} approved what they had asked for.")
    strangers = persons - {actor.person for actor in gate.approvers}
    if strangers:
        walk.no("APPROVAL-FRESH", f"{', '.join(sorted(strangers))} may not approve gate {gate.id}.")
    if walk.at > gate.expires_at:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} had expired.")


def _job(walk: Walk, order: w.JobOrder) -> None:
    if walk.aborting:
        walk.no("APPROVAL-FRESH", f"Job {order.name} was opened after an abort.")
    if walk.intent is None or order.gate != walk.intent.gate:
        walk.no("APPROVAL-FRESH", f"Job {order.name} was opened without an intent.")
        return
    if order.name in walk.names:
        walk.no("ONE-AT-A-TIME", f"Job {order.name} was opened twice.")
    if walk.running:
        walk.no("ONE-AT-A-TIME", f"Job {order.name} was opened while {walk.running} was open.")
    if walk.failed:
        walk.no("ONE-AT-A-TIME", f"Job {order.name} was opened although the one before did not end well.")
    walk.names.add(order.name)
    walk.running = order.name
    gate = walk.gates.get(order.gate)
    place = len(walk.jobs)
    walk.jobs.append(order)
    if gate is None or place >= len(gate.commands) or gate.commands[place] != order.command:
        walk.no("APPROVAL-FRESH", f"Job {order.name} is not the command that gate {order.gate} showed next.")
    effect, _, node = order.command.effect.partition(":")
    if effect == "move":
        walk.moved.add(node.rpartition(":")[0].casefold())
    if effect == "pause":
        walk.paused.add(node.casefold())
    if effect == "resume":
        walk.paused.discard(node.casefold())
    if effect == "handoff" and walk.paused:
        walk.no("ONE-AT-A-TIME", f"A mail server was moved while {', '.join(sorted(walk.paused))} was Paused by us.")


def _job_ended(walk: Walk, event: w.JobEnded) -> None:
    if event.job not in walk.names:
        walk.no("APPROVAL-FRESH", f"Job {event.job} ended but was never opened.")
    if walk.running == event.job:
        walk.running = ""
    else:
        walk.no("ONE-AT-A-TIME", f"Job {event.job} ended and was not running.")
    order = next((one for one in walk.jobs if one.name == event.job), None)
    restart = order is not None and order.command.effect.startswith("restart")
    resume = order is not None and order.command.effect.startswith("resume:")
    # A resume that ends with 5058 found the node not Paused any more: somebody was faster.
    well = event.state is w.JobState.ENDED and (event.exit_code == 0 or (resume and event.exit_code == 5058))
    if not well and not restart:
        walk.failed = True
        walk.wrong = walk.wrong if event.state is w.JobState.CUT_OFF else event.job


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
    walk.waivers = {key: one for key, one in walk.waivers.items() if key[0] != step.id}
    if event.insert is not None:
        restored_as_found(walk, event.insert)
        walk.steps.insert(walk.index + 1 if event.advance else walk.index, event.insert)
    if event.advance:
        if not done and not left and outcome.kind is not w.OutcomeKind.NEEDS_RESTART:
            walk.no("PRE-COMPLETE", f"The campaign went on although step {step.id} ended {outcome.kind}.")
        walk.index += 1


def _finished(walk: Walk) -> None:
    walk.finished = True
    if walk.aborting or not walk.started:
        walk.no("BOTH-NODES", "The campaign was finished after an abort, or before anybody started it.")
    if walk.step is not None:
        walk.no("BOTH-NODES", f"The campaign was finished before step {walk.step.id}.")
    if walk.paused:
        walk.no("NODE-PAUSED", f"{', '.join(sorted(walk.paused))} was left Paused.")
    if walk.board is not None:
        before = len(walk.board.found)
        walk.board.version = walk.version
        walk.board.close()
        walk.found += walk.board.found[before:]
