"""Rules about the cluster around the node: S8 and S9 of the document. A spare, failback, its service."""

from __future__ import annotations

from bot.procedure.facts import ClusterKind, NodeStatus, Unknown, same_name
from bot.procedure.picture import Picture, word
from bot.procedure.rules.case import (
    DISRUPTIVE,
    NODE_STEPS,
    Case,
    Finding,
    Rule,
    blocks,
    not_needed,
    passes,
    together,
    unknown,
    warns,
)
from bot.procedure.rules.quorum import unseen as others_unseen
from state.words import Fact, StepKind, When


def spare_up(case: Case) -> Finding:
    """S9: something is there to fail over to while the node is out."""
    found = []
    for picture, name in case.leaving:
        if case.when is When.PLAN and picture.cms_on(name):
            continue  # judged at its own gate, when its mail server has left
        found.append(_spare(picture, name))
    if not found:
        return not_needed("No cluster node is taken out.")
    return together(found, " ".join(dict.fromkeys(one.sentence for one in found)))


def _spare(picture: Picture, name: str) -> Finding:
    if len(picture.nodes) == 1:
        return not_needed(f"{picture.name} has one node: this standby cluster goes fully offline during the install.")
    up = [one for one in picture.nodes if not same_name(one, name) and picture.status(one) is NodeStatus.UP]
    fact = Fact(name="other nodes Up", value=", ".join(up) or "none", machine=picture.name)
    if not up and (unseen := others_unseen(picture, name)):
        return unknown(
            f"Whether {unseen} is Up could not be read: nobody can say what takes over while {name} is out.",
            "Look at: cluster.exe node",
            fact,
        )
    if not up:
        return blocks(
            f"No other node of {picture.name} is Up and not Paused: nothing can take over while {name} is out.",
            "Bring or resume another node first.",
            fact,
            waivable=True,
        )
    if picture.kind is ClusterKind.STANDBY:
        return passes(f"While {name} is out, {', '.join(up)} can take the groups of {picture.name}.", fact)
    able = [one for one in up if picture.able(one)]
    free = [
        one
        for one in picture.nodes
        if not same_name(one, name) and not picture.cms_on(one) and not picture.cms_groups_on(one)
    ]
    if able:
        return passes(f"While {name} is out, {', '.join(able)} can take a mail server.", fact)
    if free:
        said = ", ".join(f"{one} is {word(picture.status(one))}" for one in free)
        return blocks(
            f"{name} is the last node that could take a mail server: {said}.",
            "Bring the other passive node back first: then one is always left.",
            fact,
            waivable=True,
        )
    return warns(
        f"{name} is the only passive node: while it is out nothing can take a mail server, "
        "and a failure of an active node is an outage until a person resumes it.",
        f"If mail goes down meanwhile: cluster.exe node {name} /resume",
        fact,
    )


def failback_off(case: Case) -> Finding:
    """§9: no group returns by itself when the node comes back."""
    found = []
    for picture in case.clusters:
        if not picture.views:
            found.append(unknown(f"The groups of {picture.name} could not be read.", "Recheck."))
        for group in picture.groups:
            value = group.auto_failback
            if isinstance(value, Unknown):
                found.append(
                    unknown(
                        f"Whether '{group.name}' fails back by itself is not known: {value.why}.",
                        f'cluster.exe group "{group.name}" /prop',
                    )
                )
                continue
            fact = Fact(name=f"failback of '{group.name}'", value="on" if value else "off", machine=picture.name)
            if value:
                prefers = f" to {', '.join(group.preferred)}" if group.preferred else ""
                found.append(
                    blocks(
                        f"'{group.name}' fails back by itself{prefers} when a node comes back.",
                        f'cluster.exe group "{group.name}" /prop AutoFailbackType=0',
                        fact,
                        waivable=True,
                    )
                )
            else:
                found.append(passes("", fact))
    if not found:
        return not_needed("There are no cluster groups.")
    return together(found, "No group fails back by itself.")


def clussvc_back(case: Case) -> Finding:
    """S8: after the install the Cluster service runs again, starts by itself, and the others see the node."""
    step = case.step
    if step is None:
        return not_needed("No node was patched.")
    name, picture = step.target, case.cluster
    machine = case.machine(name)
    patience = case.context.limits.settle_s
    if machine is None:
        return unknown(f"{case.silent(name)}.", "Look at its console.", patience_s=patience)
    service = machine.cluster_service
    if picture is None and service is None:
        return not_needed(f"{name} is a stand-alone machine: it has no Cluster service.")
    if service is None or isinstance(service, Unknown):
        why = service.why if isinstance(service, Unknown) else "the service is not listed"
        return unknown(
            f"The Cluster service of {name} could not be read: {why}.", "sc query clussvc", patience_s=patience
        )
    facts = [Fact(name=service.name, value=f"{service.state}, {service.start}", machine=name)]
    if service.state.casefold() != "running" or service.start.casefold() not in {"auto", "automatic"}:
        return blocks(
            f"The Cluster service of {name} is {service.state} and starts {service.start}.",
            f"On {name}: sc config clussvc start= auto, then net start clussvc",
            *facts,
            patience_s=patience,
        )
    others = [v for v in picture.views if not same_name(v.seen_from, name)] if picture else []
    states = {
        status
        for view in (others or (picture.views if picture else ()))
        for node, status in view.nodes
        if same_name(node, name)
    }
    facts.append(Fact(name="seen as", value=", ".join(sorted(word(one) for one in states)) or "nothing", machine=name))
    if not states or not states <= {NodeStatus.UP, NodeStatus.PAUSED}:
        return blocks(
            f"The other nodes see {name} {', '.join(sorted(word(one) for one in states)) or 'not at all'}.",
            "Wait for it to join; then look at the cluster log.",
            *facts,
            patience_s=patience,
        )
    return passes(f"The Cluster service of {name} runs again and the node is back in the cluster.", *facts)


RULES = (
    Rule(
        id="SPARE-UP",
        says="Another node is Up, not Paused and, where there is one, free to take a mail server.",
        source="S9: resources fail over to a remaining node if possible, or go offline",
        sentences=("S9",),
        plan=True,
        gate=NODE_STEPS,
        needs=("node states", "which nodes hold a CMS"),
        verdict="block; warn where the node is the only passive one",
        stops="Nothing could take over. With a single passive node (CCR, N+1) it is a warning: no order avoids it.",
        remedy="Bring or resume the other node first.",
        waivable="with a reason: no failover target during the install",
        judge=spare_up,
    ),
    Rule(
        id="FAILBACK-OFF",
        says="No group, CMS groups included, returns by itself when a node comes back.",
        source="facts/exchange.md §9, Failback",
        sentences=("S9", "S10"),
        plan=True,
        gate=NODE_STEPS | {StepKind.HANDOFF},
        needs=("AutoFailbackType of every group",),
        stops="A group would land on the node in the middle of the work, or mail would move unasked.",
        remedy='`cluster.exe group "<name>" /prop AutoFailbackType=0`',
        waivable="with a reason",
        judge=failback_off,
    ),
    Rule(
        id="CLUSSVC-BACK",
        says="After the install the Cluster service runs, starts by itself, and the node is in the cluster.",
        source="S8; facts/exchange.md §8",
        sentences=("S8",),
        after=DISRUPTIVE,
        needs=("state and start mode of ClusSvc", "the node as the others see it"),
        stops="The node is no failover target; the campaign stops.",
        remedy="`sc config clussvc start= auto`, `net start clussvc`",
        judge=clussvc_back,
    ),
)
