"""The order checker: accepts or rejects any plan, live campaign or transcript by the document alone."""

from __future__ import annotations

from dataclasses import dataclass

from bot.procedure.facts import EstateFacts
from state.words import Campaign, Plan, Recorded, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing the document forbids."""

    rule: str
    sentence: str
    step: str = ""
    version: int = 0


def check_plan(plan: Plan, facts: EstateFacts | None = None) -> tuple[Violation, ...]:
    """What is wrong with a plan's order; () accepts it. Without facts the plan's own machine lines are believed."""
    raise NotImplementedError


def check_events(recorded: tuple[Recorded, ...]) -> tuple[Violation, ...]:
    """What is wrong with a recorded campaign from its first event on; () accepts it."""
    raise NotImplementedError


def check_next(campaign: Campaign, step: Step) -> tuple[Violation, ...]:
    """What speaks against starting this step now, by the campaign's own record; () allows it."""
    raise NotImplementedError
