"""Writes `docs/rules.md` from the table, as a page a Windows administrator would keep."""

from __future__ import annotations

import re

from bot.procedure.rules.case import Rule
from bot.procedure.rules.table import HELD_ELSEWHERE, RULES
from state.words import StepKind

_HEAD = """\
# The rules

This page is generated from the rule table in `bot/procedure/rules` (`make docs`); do not edit it by hand.

Every rule is judged on facts read from the machines, at the moments named below. There are four answers:

- **pass**: the rule is kept, or does not apply, and the line says why;
- **warn**: know this before you approve;
- **block**: the rule is broken, and nothing is done;
- **unknown**: a fact could not be read. That is never a pass: it stops the step like a block.

*Waivable* means that a second engineer may set the rule aside for one step, with a reason, in a message of its own.
Everything else has no override. S4, S10 and so on are the sentences of Microsoft's page "Applying Exchange 2007
Update Rollups to Clustered Mailbox Servers"; where it says "recommend", the bot stops. `facts/exchange.md` and DESIGN
are the notes the bot was designed from, with their sources (kb, ms and bb numbers are Microsoft's pages); they are
named so that a row can be traced, and are not needed to use it.

A *CMS* is a clustered mailbox server: the group with Exchange in it, Online or not. *CCR* keeps a copy of its storage
groups on a passive node, *SCC* has one copy on shared disks, *SCR* keeps one more copy on a target elsewhere. A
*handoff* moves a CMS to another node with Exchange's own cmdlet, an *evacuation* moves every other group off a node
and pauses it.
"""


def render_rules() -> str:
    """`docs/rules.md`, generated from the table."""
    lines = [_HEAD, "| rule | in one sentence | judged | verdict | waivable |", "|---|---|---|---|---|"]
    lines += [
        f"| [{rule.id}](#{rule.id}) | {_cell(rule.says)} | {_moments(rule)} | {rule.verdict.partition(';')[0]} "
        f"| {'yes' if rule.waivable else 'no'} |"
        for rule in RULES
    ]
    for rule in RULES:
        lines += ["", f'<a id="{rule.id}"></a>', f"## {rule.id}", "", f"**{rule.says}**", ""]
        lines.append(f"- Source: {rule.source}{_sentences(rule)}")
        lines.append(f"- Judged: {_moments(rule)}")
        lines.append(f"- Rests on: {'; '.join(rule.needs)}")
        lines.append(f"- Verdict: {rule.verdict}")
        lines.append(f"- Why: {rule.stops}")
        lines.append(f"- What to do: {rule.remedy}")
        lines.append(f"- Waivable: {rule.waivable or 'no'}")
    lines += [
        "",
        "## Rules held elsewhere",
        "",
        "These hold by the way the bot is built, or are judged outside this table.",
    ]
    for held in HELD_ELSEWHERE:
        lines += ["", f'<a id="{held.id}"></a>', f"### {held.id}", "", f"**{held.says}**", ""]
        lines += [f"- Source: {held.source}", f"- Where: {held.where}"]
    return "\n".join(lines) + "\n"


_NAMES = {
    StepKind.EVACUATE: "evacuation",
    StepKind.INSTALL: "install",
    StepKind.RESTART: "restart",
    StepKind.HANDOFF: "handoff",
    StepKind.RESTORE: "restore",
}


def _sentences(rule: Rule) -> str:
    """The sentences a rule stands for, where its source does not begin with them."""
    left = [one for one in rule.sentences if re.search(rf"\b{one}\b", rule.source) is None]
    return f" ({', '.join(left)})" if left else ""


def _moments(rule: Rule) -> str:
    found = ["when the plan is made"] if rule.plan else []
    if rule.gate:
        found.append(f"before {_kinds(rule.gate)}")
    if rule.after:
        found.append(f"after {_kinds(rule.after)}")
    if rule.close:
        found.append("at the end")
    return ", ".join(found)


def _kinds(kinds: frozenset[StepKind]) -> str:
    if kinds == frozenset(StepKind):
        return "every step"
    return " and ".join(_NAMES[kind] for kind in StepKind if kind in kinds)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
