"""Turns a scenario's people and channels into those of the workspace."""

from __future__ import annotations

from bot.lab.scenario_words import Scenario
from bot.lab.workspace.words import Channel, Person, slack_id
from bot.lab.workspace.workspace import Clock, Truth, Workspace

GENERAL = "general"


def people_of(scenario: Scenario) -> list[Person]:
    """The scenario's people with their Slack ids; `none` and `guest` are no roles to show."""
    people: list[Person] = []
    for each in scenario.people:
        login = (each.same_person_as or each.name).lower()
        people.append(Person(
            id=slack_id("U", each.name, (p.id for p in people)), name=each.name.lower(), real_name=each.name,
            roles=tuple(role for role in each.roles if role in {"requester", "approver"}), tz=each.tz,
            email=f"{login}@{scenario.lab.domain.lower()}.example", is_bot=each.bot, deleted=each.deactivated,
            is_restricted=each.guest or "guest" in each.roles, is_stranger=each.external))
    return people


def channels_of(scenario: Scenario) -> list[Channel]:
    """One channel for each that a cluster names."""
    names = dict.fromkeys(cluster.channel.lstrip("#") for cluster in scenario.clusters) or {GENERAL: None}
    return [Channel(id=slack_id("C", name), name=name, purpose="PRACTICE: every machine here is simulated.")
            for name in names]


def workspace_of(scenario: Scenario, clock: Clock, truth: Truth | None = None) -> Workspace:
    """The workspace a scenario is played in."""
    return Workspace(people_of(scenario), channels_of(scenario), clock, truth=truth)
