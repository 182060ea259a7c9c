"""The document as a table: one row for every rule, judged on facts, with the sentence a person reads."""

from __future__ import annotations

from dataclasses import replace

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts
from bot.procedure.rules.case import Case, Rule
from bot.procedure.rules.page import render_rules
from bot.procedure.rules.table import HELD_ELSEWHERE, RULES, version
from state.words import Check, Package, Plan, Step, Verdict, When

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
    check = Check(
        rule=rule.id,
        when=case.when,
        verdict=found.verdict,
        sentence=found.sentence,
        remedy=found.remedy,
        link=f"rules.md#{rule.id}",
        facts=found.facts,
        waivable=waivable,
        applicable=found.applicable,
        patience_s=found.patience_s,
        source=rule.source,
    )
    waiver = next((one for one in case.waivers(rule.id) if set(one.facts) == set(check.values)), None)
    if not waivable or not check.stops or waiver is None:
        return check
    people = ", ".join(waiver.approved_by)
    return replace(
        check,
        verdict=Verdict.WARN,
        sentence=f"{check.sentence} Waived by {people}: {waiver.reason}",
        waived_by=waiver.approved_by,
    )
