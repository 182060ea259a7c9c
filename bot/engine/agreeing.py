"""What the voters of a gate agree to, of whichever kind the gate is."""

from __future__ import annotations

from bot.engine.rooms import Rooms
from bot.procedure.digest import Agreed
from bot.procedure.rules import RULES_VERSION
from state.words import Campaign, Check, Command, Forecast, Policy, Step, Waiver


def agreed(
    rooms: Rooms,
    campaign: Campaign,
    step: Step,
    policy: Policy,
    *,
    gate: str,
    place: str,
    commands: tuple[Command, ...],
    waivers: tuple[Waiver, ...],
    forecast: Forecast,
    checks: tuple[Check, ...],
) -> Agreed:
    """Gather what a gate's digest is taken of: what this gate shows, and what holds for every gate of the campaign.

    `place` is the step's id, or where a risk is to be accepted.

    Raises ValueError when the campaign has no plan.
    """
    if campaign.plan is None:
        raise ValueError(campaign.id)
    return Agreed(
        nonce=campaign.nonce,
        gate=gate,
        step=place,
        attempt=campaign.attempt,
        target=step.target,
        commands=commands,
        scripts=rooms.config.scripts,
        package=campaign.plan.package,
        plan=campaign.plan,
        rules_version=RULES_VERSION,
        bot_version=rooms.config.bot_version,
        policy=policy,
        inventory=rooms.config.fingerprint(campaign.cluster),
        waivers=waivers,
        forecast=forecast,
        checks=checks,
    )
