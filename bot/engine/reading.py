"""Reads everything a decision rests on, following the facts to the machines they speak of."""

from __future__ import annotations

from dataclasses import replace

from bot.engine.rooms import Rooms
from bot.engine.show import wants_newer
from bot.procedure.asked import logs_wanted, wanted
from bot.procedure.facts import ClusterView, EstateFacts, Inventory, same_name
from bot.procedure.planner import still_to_read
from bot.procedure.reach import left_out
from state.errors import StateError
from state.words import Campaign, NodeImage, Package, Step, StepKind, When

ROUNDS = 3  # nodes, SCR targets, the targets' own cluster
STILL_FRESH_S = 5.0  # wall; how long what a turn has just read may stand for a second reading before people are asked


def read(
    rooms: Rooms,
    inventory: Inventory,
    package: Package,
    *,
    machines: tuple[str, ...] = (),
    validate: tuple[tuple[str, str], ...] = (),
    asked: tuple[tuple[str, str], ...] = (),
    silent: tuple[str, ...] = (),
) -> EstateFacts:
    """Read the cluster's nodes (or the given machines), then whatever the facts themselves name.

    `silent` machines are expected to say nothing. They are asked before the others: what a dead address takes to time
    out would otherwise make the facts of all the others too old to act on.
    """
    named = machines or inventory.nodes
    first = tuple(name for name in named if any(same_name(name, one) for one in silent))
    rest = tuple(name for name in named if name not in first)
    early = rooms.estate.read(inventory, first, package=package, asked=asked).machines if first else ()
    facts = rooms.estate.read(inventory, rest, package=package, validate=validate, asked=asked)
    read_at = min((facts.read_at, *(one.read_at for one in early if one.reached)))
    facts = replace(facts, machines=facts.machines + early, read_at=read_at)
    for _ in range(ROUNDS):
        more = still_to_read(facts)
        if not more:
            break
        further = rooms.estate.read(inventory, more, package=package, asked=asked)
        facts = replace(
            facts,
            machines=facts.machines + further.machines,
            read_at=min(facts.read_at, further.read_at),
        )
    return facts


def read_for(rooms: Rooms, campaign: Campaign, step: Step | None, when: When = When.GATE) -> EstateFacts | None:
    """Read every machine of a campaign's plan; before a handoff its target is asked with -ValidateOnly as well.

    None when settings no longer declare the cluster.
    """
    inventory = rooms.config.inventory(campaign.cluster)
    package = rooms.package(campaign)
    if inventory is None or package is None or campaign.plan is None:
        return None
    handoff = step is not None and step.kind is StepKind.HANDOFF and when is When.GATE
    validate = ((step.cms, step.target),) if step is not None and handoff else ()
    asked = wanted(when, step, inventory.nodes) + _logs(rooms, campaign, inventory.nodes)
    plan = campaign.plan
    return read(
        rooms, inventory, package, machines=plan.machine_set, validate=validate, asked=asked, silent=left_out(plan)
    )


def _logs(rooms: Rooms, campaign: Campaign, nodes: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """What this reading asks about log volumes for who is on call; no decision rests on it, so no failure stops one."""
    try:
        shown = rooms.store.showing.get(campaign.id)
    except StateError:
        return ()
    return logs_wanted(shown.seen, nodes, rooms.lab(), now_please=wants_newer(rooms, shown))


def just_read(rooms: Rooms, campaign: Campaign, seen: EstateFacts | None, step: Step | None) -> EstateFacts | None:
    """What the same turn read a moment ago, for preparing a gate or closing; None when everything is to be read anew.

    The checks after a step and the gate of the next one look at the same machines one right after the other.
    Machines of which more is asked now are read again. Never for an effect or for a Stop: what a gate is consumed on,
    what a step left behind, and what keeps a gate from opening, is always read then.
    """
    inventory = rooms.config.inventory(campaign.cluster)
    package = rooms.package(campaign)
    if seen is None or inventory is None or package is None or campaign.plan is None:
        return None
    names = tuple(machine.name for machine in seen.machines)
    if rooms.store.server_time() - seen.read_at > STILL_FRESH_S or set(names) != set(campaign.plan.machine_set):
        return None
    validate = ((step.cms, step.target),) if step is not None and step.kind is StepKind.HANDOFF else ()
    asked = wanted(When.GATE, step, inventory.nodes)
    more = {machine for machine, _kind in asked} | {target for _cms, target in validate}
    if not more:
        return seen
    if not more <= set(names):
        return None
    further = rooms.estate.read(inventory, tuple(sorted(more)), package=package, validate=validate, asked=asked)
    fresh = {machine.name: machine for machine in further.machines}
    return replace(seen, machines=tuple(fresh.get(m.name, m) for m in seen.machines), now=further.now)


def image_of(facts: EstateFacts, machine: str) -> NodeImage | None:
    """What a machine looks like now, to be kept as its before-image; None if it could not be read."""
    found = facts.machine(machine)
    if found is None or not found.reached:
        return None
    groups: tuple[tuple[str, str], ...] = ()
    paused = False
    view = found.cluster
    if isinstance(view, ClusterView):
        groups = tuple((g.name, g.owner) for g in view.groups)
        paused = any(same_name(n, machine) and s.name == "PAUSED" for n, s in view.nodes)
    services = found.services if isinstance(found.services, tuple) else ()
    exsetup = getattr(found.level, "exsetup", "")
    return NodeImage(
        machine=machine,
        groups=groups,
        services=tuple((s.name, s.state, s.start) for s in services),
        paused=paused,
        level=exsetup if isinstance(exsetup, str) else "",
    )
