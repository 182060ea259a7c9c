"""How long steps and outages took in earlier campaigns and in this one. Pure.

Only attempts that ended well are counted: what was cut off or failed says nothing of how long the thing takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from state.words import Campaign, OutcomeKind, StepKind

ENOUGH = 3  # fewer say nothing about a 90th percentile
_WELL = (OutcomeKind.DONE, OutcomeKind.NEEDS_RESTART)


@dataclass(frozen=True, slots=True)
class Measured:
    """The 90th percentile of `count` measurements, lab seconds."""

    p90_s: float
    count: int


def p90(values: Sequence[float]) -> float:
    """The nearest-rank 90th percentile of at least one value."""
    return sorted(values)[math.ceil(0.9 * len(values)) - 1]


def steps(campaigns: Iterable[Campaign]) -> dict[StepKind, Measured]:
    """For each kind of step that ended well often enough: how long it took, from its first job to its checks."""
    found: dict[StepKind, list[float]] = {}
    for campaign in campaigns:
        kinds = {step.id: step.kind for step in campaign.plan.steps} if campaign.plan else {}
        for outcome in campaign.outcomes:
            if outcome.step in kinds and outcome.kind in _WELL and outcome.took_s > 0:
                found.setdefault(kinds[outcome.step], []).append(outcome.took_s)
    return {kind: Measured(p90(took), len(took)) for kind, took in found.items() if len(took) >= ENOUGH}


def outages(campaigns: Iterable[Campaign]) -> Measured | None:
    """How long users were without mail in a handoff, where enough were measured."""
    found = [o.downtime_s for c in campaigns for o in c.outcomes if o.kind in _WELL and o.downtime_s]
    return Measured(p90(found), len(found)) if len(found) >= ENOUGH else None
