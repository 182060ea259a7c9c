"""Orders the steps: SCR targets, passive nodes, handoffs, freed nodes, with the fewest handoffs."""

from __future__ import annotations

from dataclasses import dataclass

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts
from state.words import Check, Options, Package, Plan, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRefusal:
    """No plan can be made: the first rule that stops it, with everything that was judged."""

    rule: str
    sentence: str
    remedy: str
    checks: tuple[Check, ...]
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Every machine is at the level already, and healthy."""

    sentence: str
    checks: tuple[Check, ...]


def make_plan(
    facts: EstateFacts,
    package: Package,
    options: Options,
    *,
    context: Context,
    bot_version: str = "",
) -> Plan | PlanRefusal | Nothing:
    """The plan for `facts.inventory.cluster`; `made_at` is `facts.now`. Pure: same facts, same plan."""
    raise NotImplementedError


def still_to_read(facts: EstateFacts) -> tuple[str, ...]:
    """Machines these facts speak of (nodes, SCR targets, nodes of a target's cluster) that were not read yet.

    The engine reads, asks this, and reads again until it is empty (at most three rounds: nodes, targets, the
    targets' cluster). A name without an address in the inventory comes back unreached and blocks by its rule.
    """
    raise NotImplementedError


def restart_after(install: Step) -> Step:
    """The restart an install's 3010 or 1641 calls for, to be run next (StepEnded.insert)."""
    raise NotImplementedError
