"""The document as a table: one row for every rule, judged on facts, with the sentence a person reads."""

from __future__ import annotations

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts
from bot.procedure.rules.case import Case, Finding, Rule
from bot.procedure.rules.page import render_rules
from bot.procedure.rules.table import HELD_ELSEWHERE, RULES, version
from state.words import Check, Fact, Package, Plan, Step, Verdict, Waiver, When

__all__ = ["HELD_ELSEWHERE", "RULES", "RULES_VERSION", "blocking", "evaluate", "judge", "render_rules"]

RULES_VERSION: str = version()
"""SHA-256 of the table."""

_STOPS = (Verdict.BLOCK, Verdict.UNKNOWN)


def evaluate(
    when: When,
    facts: EstateFacts,
    *,
    package: Package,
    context: Context,
    plan: Plan | None = None,
    step: Step | None = None,
) -> tuple[Check, ...]:
    """Judge every rule of that moment, in table order. AFTER without a step is the close of the campaign.

    GATE: before the step's gate opens and again before its intent. AFTER an install: between the install job and
    the resume job. A check whose verdict is BLOCK or UNKNOWN stops the step; `patience_s` says how long it may be
    re-read quietly first. `facts` hold every machine of the campaign, slow facts included.
    """
    return judge(Case(when=when, facts=facts, package=package, context=context, plan=plan, step=step))


def judge(case: Case) -> tuple[Check, ...]:
    """`evaluate` on a case that stands already, with the pictures it has made."""
    return tuple(_check(rule, case) for rule in RULES if rule.applies(case.when, case.step))


def blocking(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """The checks that stop things: what is certainly broken first, then what is unknown, each in table order."""
    return tuple(check for verdict in _STOPS for check in checks if check.verdict is verdict)


def _check(rule: Rule, case: Case) -> Check:
    found = rule.judge(case)
    waivable = found.waivable and bool(rule.waivable)
    verdict, sentence = found.verdict, found.sentence
    waiver = _waiver(rule, case, found) if waivable and verdict in _STOPS else None
    if waiver is not None:
        verdict = Verdict.WARN
        sentence = f"{sentence} Waived by {', '.join(waiver.approved_by)}: {waiver.reason}"
    return Check(
        rule=rule.id,
        when=case.when,
        verdict=verdict,
        sentence=sentence,
        remedy=found.remedy,
        link=f"rules.md#{rule.id}",
        facts=found.facts,
        waivable=waivable,
        applicable=found.applicable,
        patience_s=found.patience_s,
        source=rule.source,
    )


def _waiver(rule: Rule, case: Case, found: Finding) -> Waiver | None:
    """The waiver that covers exactly this: rule, step, values, and not expired."""
    if not case.waives(rule.id):
        return None
    step = case.step.id if case.step else "plan"
    for one in case.context.waivers:
        expired = bool(one.expires_at) and one.expires_at <= case.facts.now
        same = not one.facts or _still(one.facts) == _still(found.facts)
        if one.rule == rule.id and one.step == step and one.approved_by and not expired and same:
            return one
    return None


def _still(facts: tuple[Fact, ...]) -> frozenset[tuple[str, str, str]]:
    return frozenset((fact.machine, fact.name, fact.value) for fact in facts if not fact.moving)
