"""Which machines a campaign reaches: a cluster's nodes, the SCR targets of its CMSs, the targets' own clusters.

Everything is found from what was read, by any spelling of a name; what was not read yet is named, so that the
engine can read it and ask again.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.procedure.facts import (
    ClusterView,
    CmsFacts,
    EstateFacts,
    MachineFacts,
    NodeStatus,
    Unknown,
    label,
    same_name,
    short,
)
from bot.procedure.picture import Cms, Picture
from state.words import Plan


def _view(machine: MachineFacts) -> ClusterView | None:
    return machine.cluster if machine.reached and isinstance(machine.cluster, ClusterView) else None


def cluster_name_of(facts: EstateFacts, machine: str) -> str:
    """The cluster a machine belongs to by its own view or another node's list; "" for a stand-alone machine.

    The campaign's cluster goes by its name in the inventory, whatever the cluster calls itself.
    """
    if any(same_name(node, machine) for node in facts.inventory.nodes):
        return facts.inventory.cluster
    own = facts.machine(machine)
    view = _view(own) if own is not None else None
    if view is None:
        for one in facts.machines:
            other = _view(one)
            if other is not None and any(same_name(name, machine) for name, _ in other.nodes):
                view = other
                break
    if view is None:
        return ""
    mine = any(same_name(name, node) for name, _ in view.nodes for node in facts.inventory.nodes)
    return facts.inventory.cluster if mine else view.name


def picture_of(facts: EstateFacts, cluster: str) -> Picture:
    """The picture of one cluster by its name; without any view its nodes are those of the inventory."""
    main = same_name(cluster, facts.inventory.cluster)
    views = []
    for one in facts.machines:
        view = _view(one)
        if view is None:
            continue
        declared = main and any(same_name(node, one.name) for node in facts.inventory.nodes)
        # Every cluster has its default group: a node that lists none was not read, and owns who knows what.
        if view.groups and (same_name(view.name, cluster) or declared):
            views.append(view)
    views.sort(key=lambda view: short(view.seen_from))
    nodes: dict[str, str] = {}
    for view in views:
        for name, _ in view.nodes:
            nodes.setdefault(short(name), name)
    if main:
        for name in facts.inventory.nodes:
            nodes.setdefault(short(name), name)
    unread = []
    for key, name in nodes.items():
        if any(same_name(view.seen_from, name) for view in views):
            continue
        said = {status for view in views for other, status in view.nodes if short(other) == key}
        if views and said <= {NodeStatus.DOWN}:
            continue
        unread.append((name, _why_no_view(facts.machine(name))))
    listed = _cms_of(facts, tuple(nodes.values()))
    return Picture(cluster, tuple(nodes.values()), tuple(views), tuple(unread), _all_of_them(listed, views))


def _why_no_view(machine: MachineFacts | None) -> str:
    if machine is None:
        return "it was not read"
    if not machine.reached:
        return machine.why_not or "it did not answer"
    if isinstance(machine.cluster, Unknown):
        return machine.cluster.why
    if machine.cluster is not None:
        return "it lists no cluster group at all"
    return "it says that it belongs to no cluster"


def _cms_of(facts: EstateFacts, nodes: tuple[str, ...]) -> tuple[Cms, ...] | Unknown:
    seen: dict[str, list[CmsFacts]] = {}
    names: dict[str, str] = {}
    answered = False
    why: Unknown | None = None
    for name in nodes:
        machine = facts.machine(name)
        if machine is None or not machine.reached:
            why = why or Unknown(f"{name} could not be asked for its clustered mailbox servers")
            continue
        if isinstance(machine.cms, Unknown):
            why = why or machine.cms
            continue
        answered = True
        for one in machine.cms:
            names.setdefault(short(one.name), one.name)
            seen.setdefault(short(one.name), []).append(one)
    if not answered:
        return why or Unknown("no node could be asked for its clustered mailbox servers")
    return tuple(Cms(names[key], tuple(seen[key])) for key in sorted(seen))


def _all_of_them(listed: tuple[Cms, ...] | Unknown, views: list[ClusterView]) -> tuple[Cms, ...] | Unknown:
    """The list of mail servers, if it is as long as that of the groups with Exchange in them: a short one is no list."""
    held = {group.name.casefold(): group.name for view in views for group in view.groups if group.holds_exchange}
    if isinstance(listed, Unknown) or len(held) <= len(listed):
        return listed
    unnamed = [name for name in held.values() if not any(same_name(name, cms.name) for cms in listed)]
    said = "no clustered mailbox server is listed" if not listed else "not every clustered mailbox server is listed"
    return Unknown(f"group '{(unnamed or list(held.values()))[0]}' is Exchange's, but {said}")


@dataclass(frozen=True)
class Standby:
    """One SCR target: the machine, its cluster if it is clustered, and whose storage groups it stands by for."""

    name: str
    cluster: str  # "" for a stand-alone machine
    machines: tuple[str, ...]  # itself, or every node of its cluster with the named node first
    sources: tuple[tuple[str, str], ...]  # (CMS, storage group)
    typed: tuple[str, ...]  # the spellings Exchange holds


def known_name(facts: EstateFacts, typed: str) -> str:
    """A machine's name as the facts or the inventory spell it, else as typed."""
    machine = facts.machine(typed)
    if machine is not None:
        return machine.name
    declared = (*facts.inventory.nodes, *facts.inventory.machines)
    return next((name for name in declared if same_name(name, typed)), label(typed))


def standbys(facts: EstateFacts, picture: Picture) -> tuple[Standby, ...] | Unknown:
    """Every distinct SCR target of any CMS in a cluster (DESIGN §8: of any CMS, before any node)."""
    if isinstance(picture.cms, Unknown):
        return picture.cms
    sources: dict[str, list[tuple[str, str]]] = {}
    typed: dict[str, dict[str, None]] = {}
    for cms in picture.cms:
        if isinstance(cms.standbys, Unknown):
            return Unknown(f"the SCR targets of {cms.name} could not be read: {cms.standbys.why}")
        if cms.without_targets:
            return Unknown(f"the SCR targets of {', '.join(cms.without_targets)} on {cms.name} were not read")
        for group, targets in cms.standbys:
            for target in targets:
                sources.setdefault(short(target.node_name), []).append((cms.name, group))
                typed.setdefault(short(target.node_name), {})[target.node_name] = None
    found: list[Standby] = []
    for key in sorted(sources):
        name = known_name(facts, next(iter(typed[key])))
        cluster = cluster_name_of(facts, name)
        machines: tuple[str, ...] = (name,)
        if cluster and not same_name(cluster, picture.name):
            nodes = picture_of(facts, cluster).nodes
            machines = (name, *(node for node in nodes if not same_name(node, name)))
        found.append(Standby(name, cluster, machines, tuple(sources[key]), tuple(typed[key])))
    return tuple(found)


def scope(facts: EstateFacts) -> tuple[str, ...]:
    """Every machine the campaign is about: SCR targets (with their whole clusters) and the cluster's nodes."""
    main = picture_of(facts, facts.inventory.cluster)
    targets = standbys(facts, main)
    found: dict[str, str] = {}
    if not isinstance(targets, Unknown):
        for target in targets:
            for name in target.machines:
                found.setdefault(short(name), known_name(facts, name))
    for name in main.nodes:
        found.setdefault(short(name), known_name(facts, name))
    return tuple(found.values())


def left_out(plan: Plan) -> tuple[str, ...]:
    """The SCR targets a plan does without: those that SCR-TARGETS-FIRST could not know, and stops for."""
    return tuple(
        fact.machine
        for check in plan.checks
        if check.rule == "SCR-TARGETS-FIRST" and check.stops and check.waivable
        for fact in check.facts
        if fact.value == "unknown"
    )


def still_to_read(facts: EstateFacts) -> tuple[str, ...]:
    """Machines these facts speak of (nodes, SCR targets, nodes of a target's cluster) that were not read yet.

    The engine reads, asks this, and reads again until it is empty (at most three rounds: nodes, targets, the
    targets' clusters). A name without an address in the inventory comes back unreached and blocks by its rule.
    """
    return tuple(name for name in scope(facts) if facts.machine(name) is None)
