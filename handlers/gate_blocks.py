"""The gate's message: everything a second person agrees to, or no gate at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.blocks import (
    TEXT,
    Block,
    code,
    context,
    divider,
    esc,
    header,
    marked,
    people,
    preformatted,
    problems,
    section,
    sections,
    span,
    when,
)
from state.words import Campaign, Check, Gate, JobKind, Policy, Realm, Verdict, Waiver

MARK = {Verdict.PASS: "✓", Verdict.WARN: "!", Verdict.BLOCK: "✗", Verdict.UNKNOWN: "?"}
ORDER = {Verdict.BLOCK: 0, Verdict.UNKNOWN: 1, Verdict.WARN: 2, Verdict.PASS: 3}
HOW = {
    JobKind.SHELL: "in the WinRM shell",
    JobKind.TASK: "as SYSTEM, in a scheduled task",
    JobKind.RUNNER: "through the node's runner task",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message ready to post: the plain text for notifications, and its blocks."""

    text: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class DoesNotFit:
    """Commands or failing checks do not fit into one Slack message, so there is no gate."""

    why: str


def sorted_checks(checks: Sequence[Check]) -> list[Check]:
    """Failing ones first, then unknown, warnings, passes; the rule table's order within."""
    return sorted(checks, key=lambda check: (ORDER[check.verdict], not check.applicable))


def check_line(check: Check, *, facts: bool = True) -> str:
    """One check with the facts it rests on."""
    mark = MARK[check.verdict]
    words = {Verdict.BLOCK: "*blocks*  ", Verdict.UNKNOWN: "*unknown*  ", Verdict.WARN: "*warning*  "}.get(
        check.verdict, ""
    )
    line = f"{mark}  {words}{code(check.rule)} {esc(check.sentence)}"
    if check.remedy and check.verdict is not Verdict.PASS:
        line += f" _{esc(check.remedy)}_"
    if facts and check.facts:
        shown = "; ".join(
            f"{esc(fact.machine)}: {esc(fact.name)} = {esc(fact.value)}"
            if fact.machine
            else f"{esc(fact.name)} = {esc(fact.value)}"
            for fact in check.facts
        )
        line += f"\n      {shown}"
    return line


def _together(checks: Sequence[Check]) -> list[str]:
    """What does not apply here, one line for each reason: a machine without a cluster has a dozen rules with the same."""
    reasons: dict[str, list[str]] = {}
    for check in checks:
        reasons.setdefault(check.sentence, []).append(code(check.rule))
    return [f"{MARK[Verdict.PASS]}  {', '.join(rules)} {esc(why)}" for why, rules in reasons.items()]


def _checks(checks: Sequence[Check], level: int) -> list[Block]:
    """Level 0: all with facts. 1: passing ones without facts. 2: passing ones by name. Others are always whole."""
    ordered = sorted_checks(checks)
    failing = [check for check in ordered if check.verdict is not Verdict.PASS]
    passing = [check for check in ordered if check.verdict is Verdict.PASS]
    lines = [check_line(check) for check in failing]
    if level < 2:
        lines += [check_line(check, facts=level == 0) for check in passing if check.applicable]
        lines += _together([check for check in passing if not check.applicable])
    elif passing:
        lines.append(f"✓  {len(passing)} more pass: " + ", ".join(code(check.rule) for check in passing))
    count = f"{len(passing)} of {len(ordered)} pass" if failing else f"all {len(ordered)} pass"
    return sections(lines, lead=f"*Checked just now* ({count})") if ordered else [section("*Nothing was checked.*")]


def _emoji(names: Sequence[str]) -> str:
    return " or ".join(f":{name}:" for name in names)


def gate_message(campaign: Campaign, gate: Gate, policy: Policy, realm: Realm) -> Message | DoesNotFit:
    """The gate as posted. Commands and failing checks are whole or there is no gate."""
    if gate.waiver is not None:
        asker = campaign.risk.by.user if campaign.risk is not None else ""
        return risk_message(gate, gate.waiver, asker, policy, realm)
    steps = campaign.plan.steps if campaign.plan is not None else ()
    place = next((n for n, step in enumerate(steps, 1) if step.id == gate.step), 0)
    step = steps[place - 1] if place else None
    where = f"Step {place} of {len(steps)}" if place else f"Step {esc(gate.step)}"
    top = [
        header(marked(f"Gate: {gate.title}", realm)),
        section(
            f"{where} ({code(gate.step)}, attempt {gate.attempt}) on *{esc(gate.target)}*"
            + (f", because {esc(step.because)} ({code(step.rule)})" if step and step.because else "")
            + ".\n*Nothing happens until a second person approves this message.*"
        ),
        section("*What will run, exactly*"),
        preformatted([(f"{command.purpose} (on {command.node}, {HOW[command.kind]})", command.text) for command in gate.commands]),
    ]  # fmt: skip
    downtime = (
        f"users without mail for about *{span(gate.forecast.downtime_s)}*"
        if gate.forecast.downtime_s
        else "no user downtime"
    )
    # What it costs stands above the checks: at two in the morning that is read first.
    top += [
        section(
            f"*Forecast:* {downtime}, the step takes about *{span(gate.forecast.step_s)}* ({esc(gate.forecast.basis)})."
        ),
        *sections([f"•  {esc(note)}" for note in gate.notes]),
    ]
    bottom = [divider(), *_who(gate, policy)]
    text = marked(
        f"Gate: {gate.title}. {where} on {gate.target}; evidence {gate.digest[:8]}. "
        f"Waits for an approval until {when(gate.expires_at)}.",
        realm,
    )
    return _fitted(text, top, gate.checks, bottom)


def _fitted(text: str, top: list[Block], checks: Sequence[Check], bottom: list[Block]) -> Message | DoesNotFit:
    why: tuple[str, ...] = ()
    for level in (0, 1, 2):
        blocks = [*top, *_checks(checks, level), *bottom]
        why = problems(blocks)
        if not why:
            return Message(text=text[:TEXT], blocks=tuple(blocks))
    return DoesNotFit("; ".join(why))


def risk_message(gate: Gate, waiver: Waiver, asker: str, policy: Policy, realm: Realm) -> Message | DoesNotFit:
    """A risk gate: which rule, which values, why, who asked (a Slack id), and what accepting it means."""
    values = [
        f"•  {esc(fact.machine)}{': ' if fact.machine else ''}{esc(fact.name)} = {esc(fact.value)}"
        for fact in waiver.facts
    ]
    asked = f"<@{asker}>" if asker else esc(waiver.by)
    top = [
        header(marked(f"Gate: {gate.title}", realm)),
        section(
            f"{asked} asks to set {code(waiver.rule)} aside for {_what_for(gate)}.\n"
            "*A second person accepts this risk here, or it stands. Nothing runs from this message.*"
        ),
        *sections([esc(waiver.reason)], lead="*The reason*"),
        *sections(values, lead="*It would hold for exactly this*"),
    ]
    bottom = [
        *sections([f"•  {esc(note)}" for note in gate.notes], lead="*What it means*"),
        divider(),
        *_who(gate, policy),
    ]
    text = marked(
        f"Risk gate: {waiver.rule}, asked for by {waiver.by}; evidence {gate.digest[:8]}. "
        f"Waits for an approval until {when(gate.expires_at)}.",
        realm,
    )
    return _fitted(text, top, gate.checks, bottom)


def _what_for(gate: Gate) -> str:
    return "this plan, before its start" if gate.step == "plan" else f"step {code(gate.step)} on *{esc(gate.target)}*"


def _who(gate: Gate, policy: Policy) -> list[Block]:
    approvers = [actor.user for actor in gate.approvers if actor.person not in gate.barred]
    need = f"{gate.quorum} of them" if gate.quorum > 1 else "one of them"
    after = (
        "then it must be asked for again" if gate.kind == "risk" else "then a new gate with new facts takes its place"
    )
    return [
        section(
            f"*Who may approve:* {people(approvers) or 'nobody'} ({need}). React with {_emoji(policy.approve)} to approve"
            f" or {_emoji(policy.reject)} to reject; a rejection also counts from whoever asked.\n"
            f"*Good until* {when(gate.expires_at)}, {after}."
        ),
        context(f"evidence {code(gate.digest[:8])}", f"gate {code(gate.id)}"),
    ]
