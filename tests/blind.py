"""A pytest plugin that makes one rule of the procedure blind: `BLIND_RULE=<id> pytest -p tests.blind`. For the soak."""

from __future__ import annotations

import os

from bot.procedure import rules


def pytest_configure() -> None:
    """Take the named rule out of the table that is evaluated."""
    wanted = os.environ["BLIND_RULE"]
    left = tuple(rule for rule in rules.RULES if rule.id != wanted)
    if len(left) == len(rules.RULES):
        raise LookupError(f"there is no rule {wanted}")
    rules.RULES = left  # what `evaluate` reads
