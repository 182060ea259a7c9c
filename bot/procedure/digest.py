"""The digest: SHA-256 over everything a voter agrees to (DESIGN §6), and its differences in words."""

from __future__ import annotations

from dataclasses import dataclass

from state.words import Check, Command, Forecast, Package, Plan, Policy, Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """Everything a voter agrees to, gathered by the engine when a gate is prepared and again at consume."""

    nonce: str
    gate: str
    step: str
    attempt: int
    target: str
    commands: tuple[Command, ...]
    scripts: tuple[tuple[str, str], ...]  # (script file name, SHA-256)
    package: Package
    plan: Plan
    rules_version: str
    bot_version: str
    policy: Policy
    inventory: str  # fingerprint of inventory and declared packages
    waivers: tuple[Waiver, ...]
    forecast: Forecast
    checks: tuple[Check, ...]


def digest(agreed: Agreed) -> str:
    """64 hex digits; moving facts enter by verdict only, forecasts by category only."""
    raise NotImplementedError


def differences(
    old_checks: tuple[Check, ...],
    new_checks: tuple[Check, ...],
    old_commands: tuple[Command, ...],
    new_commands: tuple[Command, ...],
) -> tuple[str, ...]:
    """What changed between a gate as opened and the facts of now, one sentence each."""
    raise NotImplementedError
