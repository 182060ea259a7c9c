"""The document as a table: one row for every rule, judged on facts, with the sentence a person reads."""

from __future__ import annotations

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts
from state.words import Check, Package, Plan, Step, When

RULES_VERSION: str = "0" * 64  # SHA-256 of the table


def evaluate(
    when: When,
    facts: EstateFacts,
    *,
    package: Package,
    context: Context,
    plan: Plan | None = None,
    step: Step | None = None,
) -> tuple[Check, ...]:
    """Judge every rule of that moment, worst first. AFTER without a step is the close of the campaign.

    GATE: before the step's gate opens and again before its intent. AFTER an install: between the install job and
    the resume job. A check whose verdict is BLOCK or UNKNOWN stops the step; `patience_s` says how long it may be
    re-read quietly first.
    """
    raise NotImplementedError


def blocking(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """The checks that stop things: BLOCK and UNKNOWN, in table order."""
    raise NotImplementedError


def render_rules() -> str:
    """`docs/rules.md`, generated from the table."""
    raise NotImplementedError
