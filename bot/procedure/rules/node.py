"""Rules about the node itself: S6, S7 and S10 of the document. Passive, empty, a member, and the only one out."""

from __future__ import annotations

from bot.procedure.facts import Unknown, same_name
from bot.procedure.picture import word
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

_EXCHANGE_SERVICES = ("MSExchangeIS", "MSExchangeSA")


def node_passive(case: Case) -> Finding:
    """S6/S7: three independent signs say that no CMS runs here; one that says otherwise is enough."""
    step = case.step
    if step is None or case.cluster is None:
        return alone(case) or not_needed("No node is being patched.")
    name, picture = step.target, case.cluster
    signs: list[Finding] = []
    if isinstance(picture.cms, Unknown):
        signs.append(unknown(f"Where the mail servers are active could not be read: {picture.cms.why}.", "Recheck."))
    else:
        for cms in picture.cms:
            signs.append(_active_mark(name, cms.name, cms.active_node))
    held = picture.cms_groups_on(name)
    signs.append(
        blocks(
            f"{name} owns {_quoted(group.name for group in held)}, a clustered mailbox server.",
            "Move it with Move-ClusteredMailboxServer, never with cluster.exe; then recheck.",
            Fact(name="Exchange groups", value=", ".join(group.name for group in held), machine=name),
        )
        if held
        else passes("", Fact(name="Exchange groups", value="none", machine=name))
    )
    signs.append(_services_stopped(case, name))
    return together(
        signs,
        f"{name} is passive: no CMS is active there, it owns no Exchange group, "
        "and Information Store and System Attendant are stopped.",
    )


def _quoted(names: object) -> str:
    return ", ".join(f"'{name}'" for name in names)  # type: ignore[attr-defined]


def _active_mark(name: str, cms: str, active: str | Unknown) -> Finding:
    if isinstance(active, Unknown):
        return unknown(f"Where {cms} is active is not known: {active.why}.", "Get-ClusteredMailboxServerStatus")
    fact = Fact(name=f"{cms} active on", value=active or "no node")
    if active and same_name(active, name):
        return blocks(
            f"{cms} is active on {name}.", f"Hand {cms} over first; only a passive node may be patched.", fact
        )
    return passes("", fact)


def _services_stopped(case: Case, name: str) -> Finding:
    services = case.said(name, lambda one: one.services)
    if isinstance(services, Unknown):
        return unknown(f"The services of {name} could not be read: {services.why}.", "Recheck.")
    found = []
    for wanted in _EXCHANGE_SERVICES:
        service = next((one for one in services if one.name.casefold() == wanted.casefold()), None)
        if service is None:
            found.append(unknown(f"{name} does not list the service {wanted}.", "Recheck."))
            continue
        fact = Fact(name=service.name, value=service.state, machine=name)
        if service.state.casefold() != "stopped":
            found.append(
                blocks(
                    f"{service.name} is {service.state} on {name}, so a mail server may run there.",
                    "Find out which CMS that is: Get-ClusteredMailboxServerStatus",
                    fact,
                )
            )
        else:
            found.append(passes("", fact))
    return together(found, "")


def node_no_cms_group(case: Case) -> Finding:
    """S7: an offline or failed CMS group is still a clustered mailbox server the node contains."""
    if case.step is None or case.cluster is None:
        return alone(case) or not_needed("No node is being patched.")
    name, picture = case.step.target, case.cluster
    if not picture.views:
        return unknown(f"The groups of {picture.name} could not be read.", "Recheck.")
    held = picture.cms_groups_on(name)
    if held:
        said = ", ".join(f"'{group.name}' ({word(group.state)})" for group in held)
        return blocks(
            f"{name} contains {said}; an offline mail server counts too.",
            "Hand it over with Move-ClusteredMailboxServer first.",
            Fact(name="Exchange groups", value=said, machine=name),
        )
    return passes(
        f"{name} owns no group with Exchange resources.", Fact(name="Exchange groups", value="none", machine=name)
    )


def node_empty(case: Case) -> Finding:
    """S10: no group of any kind, in any state, the default group included ("recommend" is read as "must")."""
    if case.step is None or case.cluster is None:
        return alone(case) or not_needed("No node is being patched.")
    name, picture = case.step.target, case.cluster
    if not picture.views:
        return unknown(f"The groups of {picture.name} could not be read.", "Recheck.")
    owned = picture.owned(name)
    if len(picture.nodes) == 1 and not picture.cms_groups_on(name):
        return not_needed(
            f"{picture.name} has one node and no mail server: its groups have nowhere to go. "
            "This standby cluster goes fully offline during the install."
        )
    if owned:
        said = ", ".join(f"'{group.name}' ({word(group.state)})" for group in owned)
        fixed = [group for group in owned if picture.destination(group, name) is None]
        first = owned[0].name
        move = f'Move it: cluster.exe group "{first}" /move:<node> (a CMS only with Move-ClusteredMailboxServer).'
        add = "No other node that is Up may own it: bring one up, or cluster.exe res <name of a resource> /addowner:<node>."
        return blocks(
            f"{name} still owns {said}.",
            add if fixed and not picture.cms_groups_on(name) else move,
            Fact(name="groups owned", value=said, machine=name),
            patience_s=case.context.limits.views_s if case.when is When.AFTER else 0.0,
        )
    return passes(f"{name} owns no group of any kind.", Fact(name="groups owned", value="none", machine=name))


RULES = (
    Rule(
        id="NODE-PASSIVE",
        says="No clustered mailbox server is active on the node, by three independent signs.",
        source="S6: update rollups should be installed only on passive nodes",
        sentences=("S6", "S7"),
        gate=NODE_STEPS,
        needs=(
            "the <Active> mark of every CMS",
            "owners of the Exchange groups",
            "MSExchangeIS and MSExchangeSA there",
        ),
        stops="The install would take mail down.",
        remedy="Hand the CMS over first.",
        judge=node_passive,
    ),
    Rule(
        id="NODE-NO-CMS-GROUP",
        says="The node owns no group with Exchange resources, in any state.",
        source="S7: a passive node does not contain a clustered mailbox server",
        sentences=("S7",),
        gate=NODE_STEPS,
        needs=("groups, their resource types and owners",),
        stops="An offline CMS group is still a CMS.",
        remedy="Move it with Move-ClusteredMailboxServer.",
        judge=node_no_cms_group,
    ),
    Rule(
        id="NODE-EMPTY",
        says="The node owns no cluster group of any kind, the default group included.",
        source="S10: we recommend that this node not contain any other cluster groups",
        sentences=("S10",),
        gate=DISRUPTIVE,
        after=frozenset({StepKind.EVACUATE}),
        needs=("groups and owners as every running node sees them",),
        stops="The Cluster service stops during the install: what the node owns fails over or goes offline. "
        "The install job looks once more on the node itself and refuses, so that nobody can set this aside.",
        remedy='`cluster.exe group "<name>" /move:<node>`',
        judge=node_empty,
    ),
)
