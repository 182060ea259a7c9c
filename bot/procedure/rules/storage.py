"""Rules about the disks under a mail server."""

from __future__ import annotations

from bot.procedure.facts import ClusterKind, Unknown, same_name
from bot.procedure.rules.case import Case, Finding, Rule, blocks, not_needed, passes, together, unknown
from state.words import Fact, Step, StepKind

_DIRTY = "Get-WmiObject Win32_Volume | Select-Object Name,DirtyBitSet"


def volume_clean(case: Case) -> Finding:
    """§9: before a single copy changes its node every disk of it is clean, and may come online on the target."""
    step, cluster = case.step, case.cluster
    if step is None or cluster is None:
        return not_needed("No mail server is moved.")
    if isinstance(cluster.kind, Unknown):
        return unknown(f"The kind of {cluster.name} is not known: {cluster.kind.why}.", "Recheck.")
    if cluster.kind is not ClusterKind.SCC:
        return not_needed("Every node has disks of its own (CCR): none changes its owner.")
    return together(
        [*_volumes(case, step), _owners(case, step)],
        f"The disks {step.source} sees are clean, and {step.target} may own those of {step.cms}.",
    )


def _volumes(case: Case, step: Step) -> list[Finding]:
    """The disks of the group are online on the node that owns it and nowhere else, mount points too.

    Which volume belongs to the mail server is not told apart: every one the owner sees, but the system's, counts.
    """
    name = step.source
    volumes = case.surveyed(name, lambda one: one.volumes)
    if isinstance(volumes, Unknown):
        return [unknown(f"The dirty bits of the disks {name} owns are not known: {volumes.why}.", _DIRTY)]
    shared = [one for one in volumes if not one.system]
    if not shared:
        return [unknown(f"{name} lists no disk but the system's: those of {step.cms} are not seen.", _DIRTY)]
    found = []
    for one in shared:
        if isinstance(one.dirty, Unknown):
            found.append(unknown(f"Whether {one.name} on {name} is clean is not known: {one.dirty.why}.", _DIRTY))
            continue
        fact = Fact(name=f"volume {one.name}", value="dirty" if one.dirty else "clean", machine=name)
        if one.dirty:
            found.append(
                blocks(
                    f"{one.name} on {name} has its dirty bit set: it is checked when it comes online on {step.target}, "
                    f"and {step.cms} is away until that is done, possibly for hours.",
                    f"Plan an outage for `chkdsk {one.name} /f` on {name}, or find out why it is dirty "
                    f"(`fsutil dirty query {one.name}`).",
                    fact,
                )
            )
        else:
            found.append(passes("", fact))
    return found


def _owners(case: Case, step: Step) -> Finding:
    group = next((one for one in case.cluster.groups if same_name(one.name, step.cms)), None) if case.cluster else None
    if group is None:
        return unknown(f"The cluster lists no group of {step.cms}.", "`cluster.exe group`")
    owners = group.possible_owners
    fact = Fact(name=f"possible owners of {group.name}", value=", ".join(owners) or "every node", machine=step.target)
    if owners and not any(same_name(step.target, one) for one in owners):
        return blocks(
            f"Not every resource of {group.name} may run on {step.target}: possible owners are {', '.join(owners)}.",
            f"Find the resource (`cluster.exe res <name> /listowners`) and add {step.target}: "
            f'`cluster.exe res "<name>" /addowner:{step.target}`',
            fact,
        )
    return passes("", fact)


RULES = (
    Rule(
        id="VOLUME-CLEAN",
        says="Before a single copy (SCC) is moved no disk of it is dirty, and the target may own every one.",
        source="facts/exchange.md §9, Copies, backups, disks: chkdsk turns minutes into hours",
        sentences=("S14",),
        gate=frozenset({StepKind.HANDOFF}),
        needs=(
            "Win32_Volume.DirtyBitSet on the node that owns the disks",
            "MSCluster_ResourceToPossibleOwner of the mail server's group",
        ),
        stops="The disk would be checked on the way, with mail down; or could not come online at all.",
        remedy="Check the disk in an outage of its own; add the target as a possible owner.",
        judge=volume_clean,
    ),
)
