"""What a record must show of a step: at its gate the rules and the very commands, at its end that they ran and took effect."""

from __future__ import annotations

import re

from bot.procedure.facts import same_name
from bot.procedure.order.aftermath import worse
from bot.procedure.order.board import Board
from bot.procedure.order.complete import not_commanded, unjudged
from bot.procedure.order.evidence import contradictions
from bot.procedure.order.forms import misshapen
from bot.procedure.order.restores import moves_as_named
from bot.procedure.order.risks import kept, under_waivers
from bot.procedure.order.rows import Place
from bot.procedure.order.twice import out_of_form
from bot.procedure.order.walk import Walk
from state import words as w

_STOPS = (w.Verdict.BLOCK, w.Verdict.UNKNOWN)
_OUT = ("NODE-PASSIVE", "NODE-NO-CMS-GROUP", "ONE-AT-A-TIME", "QUORUM-SURVIVES")
_PROOF = {  # the rules of the document that a gate's checks must answer with a pass
    w.StepKind.INSTALL: (*_OUT, "NODE-EMPTY", "PKG-TRAIN", "PKG-NEWER", "IU-NONE"),
    w.StepKind.EVACUATE: (*_OUT, "GROUP-MOVE-NOT-CMS", "GROUP-MOVE-PLAN", "GROUP-MOVE-CMD"),
    w.StepKind.RESTART: (*_OUT, "NODE-EMPTY"),
    w.StepKind.HANDOFF: ("MOVE-READY", "MIXED-LEVEL-MOVE", "ONE-AT-A-TIME", "BACKUP-RUNNING"),
    w.StepKind.RESTORE: (),
}
_GIVING_BACK = ("GROUP-MOVE-NOT-CMS", "GROUP-MOVE-PLAN", "VIEW-AGREE")


def shown_at_gate(walk: Walk, gate: w.Gate, step: w.Step) -> None:
    """A gate shows that the document's rules for its step were judged, and by these commands only."""
    stopping = [check.rule for check in gate.checks if check.verdict in _STOPS]
    if stopping:
        walk.no(stopping[0], f"Gate {gate.id} was opened although {', '.join(stopping)} stopped it.")
    under_waivers(walk, gate)
    judged = {check.rule: check for check in gate.checks}
    for rule in _GIVING_BACK if step.groups else _PROOF[step.kind]:
        if not kept(judged.get(rule)):
            walk.no(rule, f"Gate {gate.id} does not show that {rule} was kept.")
    for rule in unjudged(gate.checks, step):
        walk.no(rule, f"Gate {gate.id} does not show that {rule} was judged.")
    for rule, said in not_commanded(gate, step, walk.board) if walk.board is not None else ():
        walk.no(rule, f"Gate {gate.id} {said}")
    _supported(walk, gate.checks, step, f"Gate {gate.id}")
    machine = walk.board.get(step.target) if walk.board else None
    source = step.role == "node" or (machine is not None and not machine.standby)
    if source and step.kind is not w.StepKind.RESTORE and not kept(judged.get("SCR-TARGETS-FIRST")):
        walk.no("SCR-TARGETS-FIRST", f"Gate {gate.id} does not show that the SCR targets were first.")
    if not same_name(gate.target, step.target):
        walk.no("PRE-COMPLETE", f"Gate {gate.id} is for {gate.target}, and step {step.id} for {step.target}.")
    if walk.board is not None:
        for command in gate.commands:
            if not same_name(command.node, step.target):
                walk.no("PRE-COMPLETE", f"Gate {gate.id} has a command for {command.node}, not for {step.target}.")
            held = [cms for cms in walk.board.at if f'"{cms.casefold()}"' in command.text.casefold()]
            if held and command.text.casefold().startswith("cluster"):
                walk.no("GROUP-MOVE-NOT-CMS", f"Gate {gate.id} moves {held[0]} with cluster.exe.")
            if not _meant(walk, walk.board, step, command):
                walk.no("PRE-COMPLETE", f"Gate {gate.id} shows “{command.text}”, which is not what {step.id} is for.")
    moves_as_named(walk, gate, step)
    kinds = {command.effect.split(":", 1)[0] for command in gate.commands}
    allowed = {
        w.StepKind.EVACUATE: {"move", "pause"},
        w.StepKind.INSTALL: {"install", "resume"},
        w.StepKind.RESTART: {"restart", "resume"},
        w.StepKind.HANDOFF: {"handoff"},
        w.StepKind.RESTORE: {"move"} if step.groups else {"service-mode", "service-start", "resume"},
    }[step.kind]
    if not kinds <= allowed:
        walk.no("PRE-COMPLETE", f"Gate {gate.id} does {', '.join(sorted(kinds - allowed))}, not only {step.kind}.")


def _supported(walk: Walk, checks: tuple[w.Check, ...], step: w.Step, where: str) -> None:
    """The facts under the checks allow what the checks say, and are those such a check has."""
    if walk.board is None or walk.plan is None:
        return
    for rule, fact in contradictions(checks, step, walk.board):
        walk.no(rule, f"{where} says that {rule} was kept, and its own facts say that {fact}.")
    when = w.When.GATE if where.startswith("Gate") else w.When.AFTER
    for rule, said in misshapen(checks, Place(walk.plan, walk.board, when, step)):
        walk.no(rule, f"{where} says that {said}.")


_INSTALL = re.compile(r'msiexec\.exe /update "[^"]+\.msp" /quiet /norestart /l\*v "[^"]+"')
_RESTART = re.compile(r'shutdown\.exe /r /t \d+ /d [a-z0-9:]+ /c "[^"]*"')


def _moves(text: str, cms: str, to: str, stopped: bool) -> bool:
    """Whether a command is the one cmdlet that moves a mail server, with its Stop and Start where they were asked for.

    Nothing else may stand in it: -IgnoreDismounted leaves storage groups out of Exchange's own health check.
    """
    said, name, node = "'[^']*'", re.escape(f"'{cms}'"), re.escape(f"'{to}'")
    move = f"move-clusteredmailboxserver -identity {name} -targetmachine {node} -movecomment {said} -confirm:\\$false"
    stop = f"stop-clusteredmailboxserver -identity {name} -stopreason {said} -confirm:\\$false; "
    start = f"; start-clusteredmailboxserver -identity {name}"
    return re.fullmatch(f"{stop}{move}{start}" if stopped else move, text) is not None


def _meant(walk: Walk, board: Board, step: w.Step, command: w.Command) -> bool:
    """Whether a command does to the step's machine (and group, CMS, package) what its effect and the step say."""
    effect, _, rest = command.effect.partition(":")
    text, machine = command.text.casefold(), board.get(step.target)
    peers = [one for one in board.nodes(machine.cluster) if one is not machine] if machine else []
    match effect:
        case "pause" | "resume":
            return same_name(rest, step.target) and text == f"cluster.exe node {rest.casefold()} /{effect}"
        case "move":
            group, _, to = rest.rpartition(":")
            there = any(same_name(one.name, to) and not one.out for one in peers) or bool(step.groups)
            return there and text == f'cluster.exe group "{group.casefold()}" /move:{to.casefold()}'
        case "handoff":
            cms, _, to = rest.rpartition(":")
            same = same_name(cms, step.cms) and same_name(to, step.target)
            return same and _moves(text, cms.casefold(), to.casefold(), "stop-move-start" in step.option.split("+"))
        case "install":
            same = walk.plan is not None and command.package == walk.plan.package
            return same and bool(_INSTALL.fullmatch(text)) and (command.guard == "empty" or not peers)
        case "restart":
            return bool(_RESTART.fullmatch(text)) and (command.guard == "empty" or not peers)
        case _:
            return step.kind is w.StepKind.RESTORE


def shown_at_end(walk: Walk, step: w.Step, outcome: w.Outcome) -> None:
    """A step that counts as done: every command of its gate ran and ended well, and the checks after it say so."""
    stopping = [check.rule for check in outcome.checks if check.verdict in _STOPS]
    if stopping:
        walk.no(stopping[0], f"Step {step.id} counts as done although {', '.join(stopping)} says no.")
    _supported(walk, outcome.checks, step, f"The end of step {step.id}")
    for rule, said in worse(walk, step, outcome):
        walk.no(rule, f"Step {step.id} counts as done, and {said}.")
    for rule in unjudged(outcome.checks, step, end=True):
        walk.no(rule, f"Step {step.id} counts as done, and nobody judged {rule} after it.")
    gate = walk.gates.get(walk.intent.gate) if walk.intent else None
    if gate is not None and len(walk.jobs) < len(gate.commands):
        walk.no("APPROVAL-FRESH", f"Step {step.id} counts as done, and only {len(walk.jobs)} of its commands were run.")
    if walk.wrong:
        walk.no("PRE-COMPLETE", f"Step {step.id} counts as done although {walk.wrong} did not end well.")


def shown_at_close(walk: Walk, event: w.Finished) -> None:
    """The whole was judged once more before the campaign was called done, on levels that allow it."""
    for rule, said in out_of_form(event.checks, w.When.AFTER):
        walk.no(rule, f"The end {said}.")
    stopping = [check.rule for check in event.checks if check.verdict in _STOPS]
    if walk.board is not None and walk.plan is not None:
        for rule, said in misshapen(event.checks, Place(walk.plan, walk.board, w.When.AFTER)):
            walk.no(rule, f"The end says that {said}.")
    if stopping or "BOTH-NODES" not in {check.rule for check in event.checks}:
        walk.no("BOTH-NODES", f"The campaign was finished, and {', '.join(stopping) or 'nobody'} judged the whole so.")


def follows(walk: Walk, step: w.Step, event: w.StepEnded) -> None:
    """Only a restart that the step's own machine owes, or a restore, may be put in after a step; and it must be."""
    more, owed = event.insert, event.outcome.kind is w.OutcomeKind.NEEDS_RESTART
    restart = more is not None and more.kind is w.StepKind.RESTART and same_name(more.target, step.target)
    if owed and not restart:
        walk.no("ONE-AT-A-TIME", f"Step {step.id} asked for a restart of {step.target}, and none follows.")
    if more is not None and not (owed and restart) and more.kind is not w.StepKind.RESTORE:
        walk.no("PRE-COMPLETE", f"Step {more.id} was put into the plan after {step.id}; nobody had planned it.")


_SO_ALREADY = {
    w.StepKind.EVACUATE: "NODE-EMPTY",
    w.StepKind.INSTALL: "LEVEL-REACHED",
    w.StepKind.HANDOFF: "MOVE-DONE",
}


def needless(walk: Walk, step: w.Step, outcome: w.Outcome) -> bool:
    """Whether a step may be done without a gate: nothing was run, and the checks after it show that it is so already."""
    if walk.jobs:
        return False
    judged = {check.rule: check for check in outcome.checks}
    proof = judged.get(_SO_ALREADY.get(step.kind, ""))
    # MOVE-DONE also warns: mail is there, and of its queues or its index nobody could tell. Nobody can waive it.
    there = proof is not None and proof.rule == "MOVE-DONE" and proof.verdict is w.Verdict.WARN
    return step.kind is w.StepKind.RESTORE or there or kept(proof)
