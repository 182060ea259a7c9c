"""Rules about the node among its peers: a member that is Up, Paused while it is out, and the only one out."""

from __future__ import annotations

from bot.procedure.facts import NodeStatus, Unknown, same_name
from bot.procedure.picture import Cms, Picture, word
from bot.procedure.rules.case import (
    DISRUPTIVE,
    NODE_STEPS,
    Case,
    Finding,
    Rule,
    alone,
    blocks,
    not_needed,
    passes,
    together,
    unknown,
)
from state.words import Fact, StepKind, When

_HANDOFF = frozenset({StepKind.HANDOFF})


def node_member(case: Case) -> Finding:
    """S6/S7: the node is Up in its cluster, and every CMS it serves names it."""
    found = []
    for name in case.subjects:
        if not case.is_node(name):
            continue
        picture = case.picture(case.step.cluster) if case.step and case.step.cluster else _picture_with(case, name)
        if picture is None:
            found.append(unknown(f"No view shows {name} in a cluster.", "Recheck."))
            continue
        found.append(_up(case, picture, name))
        if case.in_main(name):
            found.append(_redundant(case, name))
    if not found:
        return alone(case) or not_needed("No cluster node is to be patched.")
    nodes = ", ".join(name for name in case.subjects if case.is_node(name))
    return together(found, f"{nodes}: in the cluster, and where the mail servers' own lists expect it.")


def _picture_with(case: Case, name: str) -> Picture | None:
    return next((one for one in case.clusters if any(same_name(node, name) for node in one.nodes)), None)


def _up(case: Case, picture: Picture, name: str) -> Finding:
    status = picture.status(name)
    fact = Fact(name="node state", value=word(status), machine=name)
    receiving = case.step is not None and case.step.kind is StepKind.HANDOFF
    if status is NodeStatus.UP:
        return passes("", fact)
    if status is NodeStatus.UNKNOWN:
        return unknown(f"The state of node {name} is not known.", "Look at: cluster.exe node", fact)
    if status is NodeStatus.PAUSED and not receiving and case.step is not None and case.paused_by_us(name):
        return passes("", fact)
    if status is NodeStatus.PAUSED:
        return blocks(
            f"Node {name} is Paused: nothing can fail over to it, and no CMS can be moved there.",
            f"Find out who paused it and why, then: cluster.exe node {name} /resume",
            fact,
        )
    return blocks(
        f"Node {name} is {word(status)}.",
        f"Bring it up first: on {name}, net start clussvc",
        fact,
        patience_s=case.context.limits.settle_s if case.step is not None else 0.0,
    )


def _redundant(case: Case, name: str) -> Finding:
    if isinstance(case.main.cms, Unknown):
        return unknown(f"The clustered mailbox servers could not be listed: {case.main.cms.why}.", "Recheck.")
    if not case.main.cms:
        return passes("")
    only = case.step.cms if case.step is not None and case.step.kind is StepKind.HANDOFF else ""
    listed = False
    for cms in case.main.cms:
        if only and not same_name(cms.name, only):
            continue
        if isinstance(cms.redundant, Unknown):
            return unknown(f"The nodes of {cms.name} could not be read: {cms.redundant.why}.", "Recheck.")
        if any(same_name(one, name) for one in cms.redundant):
            listed = True
            if (missing := _operational(case, cms, name)) is not None:
                return missing
    if listed:
        return passes("")
    whose = only or "any clustered mailbox server"
    return blocks(
        f"{name} is not among the redundant machines of {whose}.",
        "Check with: Get-MailboxServer | fl Name,RedundantMachines",
        Fact(name="redundant", value="not listed", machine=name),
    )


def _operational(case: Case, cms: Cms, name: str) -> Finding | None:
    """A node that is Up and yet no operational machine of its CMS could not be seen to have taken it (§2)."""
    if case.main.status(name) is not NodeStatus.UP:
        return None
    if isinstance(cms.operational, Unknown):
        return unknown(f"The operational machines of {cms.name} could not be read: {cms.operational.why}.", "Recheck.")
    if any(same_name(one, name) for one in cms.operational):
        return None
    return blocks(
        f"{name} is Up in the cluster, but Exchange does not list it among the operational machines of {cms.name}.",
        f"Find out why before anything else: Get-ClusteredMailboxServerStatus -Identity {cms.name} "
        "| fl OperationalMachines,FailedResources",
        Fact(name=f"operational machine of {cms.name}", value="not listed", machine=name),
        patience_s=case.context.limits.settle_s if case.step is not None else 0.0,
    )


def node_paused(case: Case) -> Finding:
    """§9: while the node is out it is Paused, so that nothing fails over to it in the middle of an install."""
    if case.step is None or case.cluster is None:
        return alone(case) or not_needed("No node is being patched.")
    name, picture = case.step.target, case.cluster
    if len(picture.nodes) == 1:
        return not_needed(f"{name} is the only node of {picture.name}: there is nothing to keep away from it.")
    status = picture.status(name)
    fact = Fact(name="node state", value=word(status), machine=name)
    if status is NodeStatus.PAUSED:
        return passes(f"{name} is Paused: nothing fails over to it while it is patched.", fact)
    if status is NodeStatus.UNKNOWN:
        return unknown(f"Whether {name} is Paused is not known.", "Look at: cluster.exe node", fact)
    return blocks(
        f"{name} is {word(status)}, not Paused: a failover could land on it in the middle of the install.",
        f"It was not paused, or somebody resumed it. Pause it: cluster.exe node {name} /pause",
        fact,
        waivable=True,
        patience_s=case.context.limits.views_s if case.when is When.AFTER else 0.0,
    )


def one_at_a_time(case: Case) -> Finding:
    """S6: no other node of the cluster is being patched, owes a restart, or waits for its checks."""
    step = case.step
    if step is None or case.cluster is None:
        return alone(case) or not_needed("No node is being patched.")
    picture = case.cluster
    own = step.kind is not StepKind.HANDOFF
    found = []
    for node in picture.nodes:
        if own and same_name(node, step.target):
            continue
        for names, what in (
            (case.context.running, "a job of this campaign still runs there"),
            (case.context.restarts_owed, "its install asked for a restart that has not happened"),
            (case.context.unverified, "its install has not passed its checks"),
            (case.context.paused_by_us, "it is still Paused by us"),
        ):
            if any(same_name(one, node) for one in names):
                found.append(
                    blocks(
                        f"{node} is not finished: {what}.",
                        f"Finish {node} first; one node at a time.",
                        Fact(name="unfinished", value=what, machine=node),
                    )
                )
    if found:
        return together(found, "")
    return passes(f"No other node of {picture.name} is being patched.")


RULES = (
    Rule(
        id="NODE-MEMBER",
        says="The node is Up in its cluster (not Paused by somebody else) and the CMS lists name it.",
        source="S6, S7; facts/exchange.md §8",
        sentences=("S6", "S7"),
        plan=True,
        gate=NODE_STEPS | _HANDOFF,
        needs=(
            "node states as every running node sees them",
            "RedundantMachines and OperationalMachines of each CMS",
        ),
        stops="A node that is Down or Paused cannot take part.",
        remedy="`cluster.exe node <node> /resume` once you know why it was paused; start the Cluster service.",
        judge=node_member,
    ),
    Rule(
        id="NODE-PAUSED",
        says="The node is Paused from its evacuation until its install was checked.",
        source="facts/exchange.md §9, Pause",
        sentences=("S9",),
        gate=DISRUPTIVE,
        after=frozenset({StepKind.EVACUATE}),
        needs=("node states",),
        stops="A failover could land on the node in the middle of the install.",
        remedy="`cluster.exe node <node> /pause`",
        waivable="with a reason",
        judge=node_paused,
    ),
    Rule(
        id="ONE-AT-A-TIME",
        says="No other node of the same cluster is being patched, owes a restart or waits for its checks.",
        source="S6; facts/exchange.md §1.1 no. 4: one node at a time",
        sentences=("S6",),
        gate=NODE_STEPS | _HANDOFF,
        needs=("the campaign's own record",),
        stops="Two nodes out at once leave nothing to fail over to.",
        remedy="Finish the other node first.",
        judge=one_at_a_time,
    ),
)
