"""Rules about standby continuous replication: S15 of the document. Which targets there are, and where."""

from __future__ import annotations

from bot.procedure.facts import ClusterKind, Unknown, same_name
from bot.procedure.rules.case import (
    NODE_STEPS,
    Case,
    Finding,
    Rule,
    blocks,
    not_needed,
    passes,
    scr_targets,
    together,
    unknown,
)
from state.words import Fact


def scr_applicable(case: Case) -> Finding:
    """S15: SCR exists since SP1; from then on the targets of every storage group must be read."""
    picture = case.main
    if isinstance(picture.cms, Unknown):
        return unknown(f"The mail servers of {picture.name} could not be listed: {picture.cms.why}.", "Recheck.")
    if not picture.cms:
        return not_needed(f"{picture.name} holds no clustered mailbox server: nothing is replicated from it.")
    levels = [case.level(node) for node in picture.nodes]
    known = [level for level in levels if not isinstance(level, Unknown)]
    if known and len(known) == len(levels) and all(level.service_pack == "RTM" for level in known):
        return not_needed("Exchange 2007 without a service pack has no standby continuous replication.")
    found = []
    for cms in picture.cms:
        if isinstance(cms.standbys, Unknown):
            found.append(
                unknown(
                    f"The SCR targets of {cms.name} could not be read: {cms.standbys.why}.",
                    "Get-StorageGroup -Server <CMS> | fl Name,StandbyMachines",
                )
            )
            continue
        if unread := cms.without_targets:
            found.append(unknown(f"The SCR targets of {', '.join(unread)} on {cms.name} were not read.", "Recheck."))
        else:
            value = ", ".join(f"{name}: {_names(targets)}" for name, targets in cms.standbys) or "no storage groups"
            found.append(passes("", Fact(name="SCR targets", value=value, machine=cms.name)))
    targets = () if isinstance(case.standbys, Unknown) else case.standbys
    said = ", ".join(target.name for target in targets) or "none"
    return together(found, f"The SCR targets of every storage group were read: {said}.")


def _names(targets: tuple[object, ...]) -> str:
    return " and ".join(str(getattr(one, "node_name", one)) for one in targets) or "none"


def target_passive(case: Case) -> Finding:
    """SCR-REF: a clustered target is a node of a cluster without any CMS."""
    targets = scr_targets(case)
    if isinstance(targets, Finding):
        return targets
    found = []
    for target in targets:
        if case.step is not None and not any(same_name(case.step.target, one) for one in target.machines):
            continue
        if case.step is None and target.name in case.unheard:
            continue  # nothing is planned for it: SCR-TARGETS-FIRST speaks of it
        machine = case.machine(target.name)
        if machine is None:
            found.append(unknown(f"{case.silent(target.name)}.", "Bring it back and recheck."))
            continue
        if isinstance(machine.cluster, Unknown):
            found.append(
                unknown(
                    f"Whether the SCR target {target.name} is a cluster node is not known: {machine.cluster.why}.",
                    "Recheck.",
                )
            )
            continue
        if not target.cluster or case.in_main(target.name):
            continue
        picture = case.picture(target.cluster)
        kind = picture.kind
        if isinstance(kind, Unknown):
            found.append(unknown(f"What {target.cluster} holds could not be read: {kind.why}.", "Recheck."))
        elif kind is not ClusterKind.STANDBY:
            found.append(
                blocks(
                    f"The SCR target {target.name} is in {target.cluster}, which holds a clustered mailbox server.",
                    f"Plan a rollup for {target.cluster} by itself first.",
                    Fact(name="kind of cluster", value=str(kind), machine=target.cluster),
                )
            )
        else:
            found.append(
                passes(
                    f"{target.cluster} holds no mail server: a standby cluster.",
                    Fact(name="kind of cluster", value="standby", machine=target.cluster),
                )
            )
    if not found:
        return not_needed("No SCR target is in a cluster.")
    return together(found, " ".join(dict.fromkeys(one.sentence for one in found)))


RULES = (
    Rule(
        id="SCR-APPLICABLE",
        says="From SP1 on the SCR targets of every storage group of every CMS are read.",
        source="S15: SP1 includes standby continuous replication",
        sentences=("S15",),
        plan=True,
        needs=("StandbyMachines of every storage group", "the service pack"),
        stops="A target nobody knows of cannot be patched first.",
        remedy="`Get-StorageGroup -Server <CMS> | fl Name,StandbyMachines` as the bot's account.",
        judge=scr_applicable,
    ),
    Rule(
        id="SCR-TARGET-PASSIVE",
        says="A clustered SCR target is in a cluster without any clustered mailbox server.",
        source="facts/exchange.md §1.4 and §8",
        sentences=("S16",),
        plan=True,
        gate=NODE_STEPS,
        needs=("the target's own cluster",),
        stops="Patching it would be a campaign of its own.",
        remedy="Plan that cluster first.",
        judge=target_passive,
    ),
)
