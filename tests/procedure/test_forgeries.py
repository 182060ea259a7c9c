"""Transcripts forged by somebody who has the code: every byte hashed again, and `rollup-bot verify` says no by the document.

Each forgery is the record of a campaign that went well, rewritten consistently: the plan, the gates, the approvals and
the jobs agree with each other, and only the procedure is broken.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import click
import pytest

from bot.cli import cli
from bot.procedure.planner import restart_after
from state import words as w
from state.audit import event_line, first_link, header_line, key_file, read_transcript, sign, transcript
from tests.procedure import record
from tests.procedure.build import ccr, plan_of, scc
from tests.procedure.moments import PLAN
from tests.procedure.record import ALICE, BOB, ID, recorded

EVENTS = record.events(PLAN, ccr())
Events = list[w.Event]


def written(events: Events) -> bytes:
    """A whole transcript of these events, its chain and footer right."""
    header = header_line(ID, PLAN.package.kb, "rollup-bot 0.1.0")
    prev, lines = first_link(header), list[bytes]()
    for one in recorded(events):
        lines.append(event_line(one.event, version=one.version, at=one.at, prev=prev))
        prev = str(json.loads(lines[-1])["hash"])
    return transcript(header, lines)


def block(step: str, events: Events = EVENTS) -> Events:
    """Everything from a step's gate to its end."""
    begin = next(n for n, e in enumerate(events) if isinstance(e, w.GatePrepared) and e.gate.step == step)
    end = next(n for n, e in enumerate(events) if isinstance(e, w.StepEnded) and e.outcome.step == step)
    return events[begin : end + 1]


def ordered(*steps: str) -> Events:
    """The same campaign with its steps planned and carried out in another order, or some of them left out."""
    plan = replace(PLAN, steps=tuple(next(s for s in PLAN.steps if s.id == one) for one in steps))
    head = [replace(e, plan=plan) if isinstance(e, w.PlanMade) else e for e in EVENTS[:4]]
    return [*head, *(event for one in steps for event in block(one)), EVENTS[-1]]


def changed(kind: type, step: str, **what: object) -> Events:
    """One event of a step with fields of its gate, intent, order or outcome changed."""
    made: Events = []
    for event in EVENTS:
        if isinstance(event, kind):
            match event:
                case w.GatePrepared() if event.gate.step == step:
                    event = replace(event, gate=replace(event.gate, **what))  # type: ignore[arg-type]
                case w.GateConsumed() if event.intent.step == step:
                    event = replace(event, intent=replace(event.intent, **what))  # type: ignore[arg-type]
                case w.StepEnded() if event.outcome.step == step:
                    event = replace(event, outcome=replace(event.outcome, **what))  # type: ignore[arg-type]
                case _:
                    pass
        made.append(event)
    return made


def gate_of(step: str) -> w.Gate:
    event = block(step)[0]
    assert isinstance(event, w.GatePrepared)
    return event.gate


def commanded(step: str, place: int, **what: object) -> Events:
    """One command of a step, the same in its gate and in its job."""
    old = gate_of(step).commands[place]
    new = replace(old, **what)  # type: ignore[arg-type]
    made: Events = []
    for event in EVENTS:
        match event:
            case w.GatePrepared() if event.gate.step == step:
                commands = tuple(new if one == old else one for one in event.gate.commands)
                event = replace(event, gate=replace(event.gate, commands=commands))
            case w.JobOpened() if event.order.command == old and f".{step}." in event.order.gate:
                event = replace(event, order=replace(event.order, command=new))
            case _:
                pass
        made.append(event)
    return made


def put_in(place: int, *events: w.Event) -> Events:
    return [*EVENTS[:place], *events, *EVENTS[place:]]


def at(kind: type, step: str) -> int:
    whole = block(step)
    return EVENTS.index(next(event for event in whole if isinstance(event, kind)))


def less(kind: type, step: str) -> Events:
    gone = [event for event in block(step) if isinstance(event, kind)]
    return [event for event in EVENTS if event not in gone]


def ended(step: str, **what: object) -> Events:
    """The end of a step with fields of the event itself changed."""
    place = at(w.StepEnded, step)
    event = EVENTS[place]
    assert isinstance(event, w.StepEnded)
    return [*EVENTS[:place], replace(event, **what), *EVENTS[place + 1 :]]  # type: ignore[arg-type]


def on_the_active_node() -> Events:
    """s02 and s03 done to EXN1, which holds the mail server, in plan, gates and jobs alike."""
    text = [repr_swap(event) for event in EVENTS[:4]]
    return [*text, *(repr_swap(e) for one in ("s01", "s02", "s03") for e in block(one)), EVENTS[-1]]


def repr_swap(event: w.Event) -> w.Event:
    """EXN1 for EXN2 and the other way round, in steps, commands and gates; the plan's machine lines stay true."""

    def swap(text: str) -> str:
        return text.replace("EXN1", "\0").replace("EXN2", "EXN1").replace("\0", "EXN2")

    def other(command: w.Command) -> w.Command:
        return replace(command, node=swap(command.node), text=swap(command.text), effect=swap(command.effect))

    match event:
        case w.PlanMade():
            steps = tuple(
                replace(s, target=swap(s.target), to=swap(s.to), source=swap(s.source)) for s in event.plan.steps[:3]
            )
            return replace(event, plan=replace(event.plan, steps=steps))
        case w.GatePrepared():
            gate = event.gate
            commands = tuple(other(one) for one in gate.commands)
            return replace(event, gate=replace(gate, target=swap(gate.target), commands=commands))
        case w.JobOpened():
            return replace(event, order=replace(event.order, command=other(event.order.command)))
        case _:
            return event


def two_out() -> Events:
    """N3 and N4 of an SCC emptied before either is patched."""
    facts = scc(2, 2)
    plan = plan_of(facts)
    events = record.events(plan, facts)
    names = [step.id for step in plan.steps]
    names[1], names[2] = names[2], names[1]
    steps = tuple(next(s for s in plan.steps if s.id == one) for one in names)
    head = [replace(e, plan=replace(plan, steps=steps)) if isinstance(e, w.PlanMade) else e for e in events[:4]]
    return [*head, *(event for one in names for event in block(one, events)), events[-1]]


FORGED: dict[str, tuple[Callable[[], Events], str]] = {
    "the installs swapped": (lambda: ordered("s01", "s05", "s06", "s04", "s02", "s03"), "NODE-PASSIVE"),
    "an install without its evacuation": (lambda: ordered("s01", "s03", "s04", "s05", "s06"), "NODE-EMPTY"),
    "a handoff before the SCR target": (lambda: ordered("s02", "s03", "s04", "s01", "s05", "s06"), "SCR-TARGETS-FIRST"),
    "a handoff to a node not updated": (lambda: ordered("s01", "s04", "s02", "s03", "s05", "s06"), "MIXED-LEVEL-MOVE"),
    "the node with the mail server patched": (on_the_active_node, "NODE-PASSIVE"),
    "two nodes out at once": (two_out, "ONE-AT-A-TIME"),
    "a handoff while a node is out": (lambda: ordered("s01", "s02", "s04", "s03", "s05", "s06"), "ONE-AT-A-TIME"),
    "one node left behind": (lambda: ordered("s01", "s02", "s03", "s04"), "BOTH-NODES"),
    "approved by who asked": (lambda: changed(w.GateConsumed, "s03", approved_by=("alice",)), "APPROVAL-FRESH"),
    "approved by who asked, listed": (
        lambda: [
            replace(e, gate=replace(e.gate, approvers=(ALICE, BOB), barred=()))
            if isinstance(e, w.GatePrepared)
            else replace(e, intent=replace(e.intent, approved_by=("alice",)))
            if isinstance(e, w.GateConsumed)
            else e
            for e in EVENTS
        ],
        "APPROVAL-FRESH",
    ),
    "an end without an intent": (lambda: less(w.GateConsumed, "s03"), "APPROVAL-FRESH"),
    "an end without its jobs": (
        lambda: [e for e in EVENTS if e not in [x for x in block("s03") if type(x).__name__.startswith("Job")]],
        "APPROVAL-FRESH",
    ),
    "an end that nobody checked": (lambda: changed(w.StepEnded, "s03", checks=()), "LEVEL-REACHED"),
    "a handoff that nobody checked": (lambda: changed(w.StepEnded, "s04", checks=()), "MOVE-DONE"),
    "a failed job that counts as done": (
        lambda: [
            replace(e, exit_code=1603) if isinstance(e, w.JobEnded) and e.job == f"{ID}-n-s01-1-0" else e
            for e in EVENTS
        ],
        "PRE-COMPLETE",
    ),
    "another mail server moved": (
        lambda: commanded("s04", 0, effect="handoff:CMS9:EXN2", text="Move-ClusteredMailboxServer -Identity 'CMS9'"),
        "PRE-COMPLETE",
    ),
    "the mail server moved elsewhere": (
        lambda: commanded("s04", 0, text=gate_of("s04").commands[0].text.replace("'EXN2'", "'EXN1'")),
        "PRE-COMPLETE",
    ),
    "another node paused": (lambda: commanded("s02", -1, text="cluster.exe node EXN1 /pause"), "PRE-COMPLETE"),
    "a group moved to the node itself": (
        lambda: commanded("s02", 0, text='cluster.exe group "Cluster Group" /move:EXN2', effect="move:Cluster Group:EXN2"),
        "PRE-COMPLETE",
    ),
    "two commands in one": (
        lambda: commanded("s02", -1, text="cluster.exe node EXN2 /pause & shutdown /r /m \\\\EXN1"),
        "PRE-COMPLETE",
    ),
    "another package": (
        lambda: commanded("s03", 0, package=replace(PLAN.package, sha256="cd" * 32)),
        "PRE-COMPLETE",
    ),
    "an install that does not look first": (lambda: commanded("s03", 0, guard=""), "PRE-COMPLETE"),
    "a gate for another machine": (lambda: changed(w.GatePrepared, "s03", target="EXN1"), "PRE-COMPLETE"),
    "a plan in the place of the first": (lambda: put_in(4, EVENTS[2]), "PRE-COMPLETE"),
    "a start that came too late": (
        lambda: [replace(e, expires_at=1.0) if isinstance(e, w.PlanMade) else e for e in EVENTS],
        "PRE-COMPLETE",
    ),
    "a start without a plan": (lambda: [*EVENTS[:2], EVENTS[3], EVENTS[2], *EVENTS[4:]], "PRE-COMPLETE"),
    "a step nobody had planned": (
        lambda: ended("s03", insert=replace(PLAN.steps[5], id="s03a", target="EXN1")),
        "PRE-COMPLETE",
    ),
    "a restart of another node": (
        lambda: ended(
            "s03",
            insert=replace(restart_after(PLAN.steps[2]), target="EXN1"),
            outcome=w.Outcome(step="s03", attempt=1, kind=w.OutcomeKind.NEEDS_RESTART, sentence=""),
        ),
        "ONE-AT-A-TIME",
    ),
    "a restart that never comes": (
        lambda: ended(
            "s03", outcome=w.Outcome(step="s03", attempt=1, kind=w.OutcomeKind.NEEDS_RESTART, sentence="")
        ),
        "ONE-AT-A-TIME",
    ),
    "a return that is none": (
        lambda: put_in(at(w.GatePrepared, "s05"), w.ReturnAsked(by=BOB, step=PLAN.steps[5], reason="x")),
        "MIXED-LEVEL-MOVE",
    ),
    "a good end after an abort": (
        lambda: [*EVENTS[: at(w.GatePrepared, "s05")], w.AbortRequested(by=BOB), EVENTS[-1]],
        "BOTH-NODES",
    ),
    "a job that ends twice": (lambda: put_in(at(w.StepEnded, "s01"), EVENTS[at(w.JobEnded, "s01")]), "ONE-AT-A-TIME"),
    "an SCR target's role for a node": (
        lambda: [
            replace(e, plan=replace(e.plan, steps=tuple(replace(s, role="scr-target") for s in e.plan.steps)))
            if isinstance(e, w.PlanMade)
            else replace(
                e, gate=replace(e.gate, checks=tuple(c for c in e.gate.checks if c.rule != "SCR-TARGETS-FIRST"))
            )
            if isinstance(e, w.GatePrepared)
            else e
            for e in EVENTS
        ],
        "SCR-TARGETS-FIRST",
    ),
    "a plan that knows no mail server": (
        lambda: [
            replace(e, plan=replace(e.plan, cms=())) if isinstance(e, w.PlanMade) else e
            for e in ordered("s01", "s02", "s03", "s05", "s06")
        ],
        "NODE-PASSIVE",
    ),
}  # fmt: skip


def verified(events: Events, folder: Path, *more: str) -> tuple[int, str]:
    """What `rollup-bot verify` answers and prints."""
    file = folder / "c.jsonl"
    file.write_bytes(written(events))
    with redirect_stdout(StringIO()) as out, redirect_stderr(out):
        code = cli.main(["verify", str(file), *more], standalone_mode=False)
    return code, out.getvalue()


def test_the_record_that_is_forged_is_a_good_one(tmp_path: Path) -> None:
    assert verified(EVENTS, tmp_path)[0] == 0
    assert verified(ordered(*(step.id for step in PLAN.steps)), tmp_path)[0] == 0


@pytest.mark.parametrize("name", list(FORGED))
def test_a_forgery_whose_every_hash_is_right_is_rejected_by_the_document(name: str, tmp_path: Path) -> None:
    make, rule = FORGED[name]
    code, said = verified(make(), tmp_path)
    assert code == 1, said
    assert f": {rule}: " in said, said


def test_with_the_key_nothing_of_a_gate_or_an_intent_can_be_changed(tmp_path: Path) -> None:
    file = tmp_path / "signing.key"
    key = key_file(file)
    signed: Events = []
    for one in read_transcript(written(EVENTS))[1]:  # a number is written as what it reads back as
        match one.event:
            case w.GatePrepared():
                signed.append(replace(one.event, gate=sign(one.event.gate, key)))
            case w.GateConsumed():
                signed.append(replace(one.event, intent=sign(one.event.intent, key)))
            case _:
                signed.append(one.event)
    assert verified(signed, tmp_path, "--key", str(file)) == verified(signed, tmp_path)
    assert verified(signed, tmp_path, "--key", str(file))[0] == 0
    place = at(w.GatePrepared, "s03")
    event = signed[place]
    assert isinstance(event, w.GatePrepared)
    quiet = [*signed[:place], replace(event, gate=replace(event.gate, notes=("another",))), *signed[place + 1 :]]
    assert verified(quiet, tmp_path)[0] == 0, "a note is said once"
    code, said = verified(quiet, tmp_path, "--key", str(file))
    assert code == 1
    assert f"event {place + 1}: RECORD-WHOLE: " in said
    other = tmp_path / "other.key"
    key_file(other)
    assert verified(signed, tmp_path, "--key", str(other))[0] == 1
    with pytest.raises(click.ClickException):
        verified(signed, tmp_path, "--key", str(tmp_path / "none.key"))
