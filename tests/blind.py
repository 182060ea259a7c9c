"""A pytest plugin that makes one rule of the procedure blind: `BLIND_RULE=<id> pytest -p tests.blind`. For the soak.

`BLIND_HOW=gone` (the default) takes its row out of the table; `passes` lets it say that all is well, whatever it is
shown; `waivable` lets a risk gate set aside whatever it finds.
"""

from __future__ import annotations

import os
from dataclasses import replace

from bot.procedure import rules
from bot.procedure.rules.case import Case, Finding, Rule, passes

WAYS = ("gone", "passes", "waivable")


def _spoiled(rule: Rule, how: str) -> tuple[Rule, ...]:
    judge = rule.judge

    def lenient(case: Case) -> Finding:
        return replace(judge(case), waivable=True)

    return {
        "gone": (),
        "passes": (replace(rule, judge=lambda _: passes("All is well.")),),
        "waivable": (replace(rule, judge=lenient, waivable="always"),),
    }[how]


def pytest_configure() -> None:
    """Spoil the named rule in the table that is evaluated."""
    wanted, how = os.environ["BLIND_RULE"], os.environ.get("BLIND_HOW", "gone")
    if wanted not in {rule.id for rule in rules.RULES}:
        raise LookupError(f"there is no rule {wanted}")
    rules.RULES = tuple(  # what `evaluate` reads
        one for rule in rules.RULES for one in (_spoiled(rule, how) if rule.id == wanted else (rule,))
    )
