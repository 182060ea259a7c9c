"""The rule about the state of every group: S9 of the document. Told at the plan, noted before a step, no worse after it."""

from __future__ import annotations

from bot.procedure.facts import GroupFacts, GroupStatus, NodeStatus, same_name
from bot.procedure.picture import Picture, word
from bot.procedure.rules.case import (
    ALL_STEPS,
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
from bot.procedure.rules.groups import NO_GROUPS
from state.words import Fact, StepKind, When

# How good a state is; a move returns resources to their persistent state, so "no worse than before" is asked (§9).
_RANK = {"Online": 0, "Partially Online": 1, "Offline": 2, "Pending": 3, "Unknown": 3, "Failed": 4}


def groups_snapshot(case: Case) -> Finding:
    """S9: owner and state of every group, before; and no worse, after."""
    if case.when is When.PLAN:
        return together((one for picture in case.clusters for one in _found(picture)), "No group is found failed.")
    if case.cluster is None or case.step is None:
        return not_needed("A stand-alone machine has no cluster groups.")
    if case.step.kind is StepKind.RESTORE and not case.step.groups:
        return not_needed(NO_GROUPS)
    picture = case.cluster
    if not picture.views:
        patience = case.context.limits.settle_s if case.when is When.AFTER else 0.0
        return unknown(f"The groups of {picture.name} could not be read.", "cluster.exe group", patience_s=patience)
    if case.when is When.AFTER:
        return _compare(case, picture)
    facts, found = [], []
    for group in picture.groups:
        facts.append(Fact(name=f"group {group.name}", value=f"{group.owner} {word(group.state)}"))
        if group.state is GroupStatus.PENDING:
            found.append(
                blocks(
                    f"'{group.name}' is just changing state.",
                    "Wait until it is Online or Offline, then recheck.",
                    patience_s=case.context.limits.views_s,
                )
            )
        elif group.state is GroupStatus.UNKNOWN:
            found.append(unknown(f"The state of '{group.name}' is not known.", "cluster.exe group"))
        elif group.state is GroupStatus.FAILED:
            cause, first, seen = _witness(picture, group)
            found.append(
                blocks(
                    f"'{group.name}' is Failed on {group.owner} already, before anything was done{cause}.",
                    f'{first} Repair it, or take it offline on purpose: cluster.exe group "{group.name}" /offline'.strip(),
                    *seen,
                    waivable=not group.holds_exchange,
                )
            )
    found.append(passes("", *facts))
    return together(found, f"{len(picture.groups)} groups of {picture.name} noted with owner and state.")


def _found(picture: Picture) -> list[Finding]:
    """At the plan: which group a step will stop for, while there is time to mend it. It may be mended before the start."""
    if not picture.views:
        return [unknown(f"The groups of {picture.name} could not be read.", "cluster.exe group")]
    found = [passes("")]
    for group in picture.groups:
        cause, first, seen = _witness(picture, group)
        said = f"'{group.name}' is {word(group.state)} on {group.owner} already, before anything was done{cause}"
        mail, fact = picture.is_cms_group(group), Fact(name=f"group {group.name}", value=word(group.state))
        up = f"By hand, before the start: Start-ClusteredMailboxServer -Identity {group.name}"
        repair = f'Repair it before the start, or take it offline on purpose: cluster.exe group "{group.name}" /offline'
        if group.state is GroupStatus.UNKNOWN:
            found.append(unknown(f"The state of '{group.name}' is not known.", "cluster.exe group", fact))
        elif group.state is GroupStatus.FAILED:
            whose = f"the first step in {picture.name} stops for it"
            down = ", and mail is down" if mail else ""
            found.append(warns(f"{said}: {whose}{down}.", up if mail else f"{first} {repair}".strip(), fact, *seen))
        elif mail and group.state is not GroupStatus.ONLINE:
            found.append(warns(f"{said}: it is handed over only once it is Online.", up, fact))
        elif group.state is GroupStatus.PARTIAL:
            found.append(
                warns(
                    f"{said}: something in it is down, and no step stops for that.",
                    first or "Look which resource it is: cluster.exe res",
                    fact,
                    *seen,
                )
            )
    return found


def _compare(case: Case, picture: Picture) -> Finding:
    before = case.before("GROUPS-SNAPSHOT")
    found = []
    for name, home in case.step.groups if case.step else ():
        moved = picture.group(name)
        if moved is None or not same_name(moved.owner, home):
            found.append(
                blocks(
                    f"'{name}' is on {moved.owner if moved else 'no node'}, not on {home}.",
                    f'cluster.exe group "{name}" /move:{home}',
                    patience_s=case.context.limits.views_s,
                )
            )
    for group in picture.groups:
        now = f"{group.owner} {word(group.state)}"
        fact = Fact(name=f"group {group.name}", value=now)
        then = before.get(f"group {group.name}")
        if then is None:
            found.append(passes("", fact))
            continue
        owner, _, state = then.partition(" ")
        if _RANK[word(group.state)] > _RANK.get(state, 0):
            cause, first, seen = _witness(picture, group)
            found.append(
                blocks(
                    f"'{group.name}' is {word(group.state)} on {group.owner}; before the step it was {state} on {owner}"
                    f"{cause}.",
                    f"{first} {_cure(case, group)}".strip(),
                    fact,
                    *seen,
                    patience_s=case.context.limits.views_s if group.state is not GroupStatus.FAILED else 0.0,
                )
            )
        else:
            found.append(passes("", fact))
    listed = {f"group {group.name}" for group in picture.groups}
    found += [
        blocks(f"'{name[6:]}' is not listed any more.", "cluster.exe group", patience_s=case.context.limits.views_s)
        for name in before
        if name not in listed and name.startswith("group ")
    ]
    return together(found, "No group is in a worse state than before.")


def _witness(picture: Picture, group: GroupFacts) -> tuple[str, str, tuple[Fact, ...]]:
    """Cause, what comes first, and the fact, where the default group is not well because the quorum's witness is not.

    Else people read of a group first, and of the witness only when the next node's quorum is counted.
    """
    if not group.core or picture.witness_ok is not False:
        return "", "", ()
    name = picture.witness or "the witness"
    host = "the share and its host" if name.startswith("\\\\") else "the disk"
    return (
        f": the cluster's witness, {name}, is not available",
        f"Bring {name} back first ({host}): without it one more node lost may stop {picture.name}.",
        (Fact(name="witness", value="not available", machine=picture.name),),
    )


def _cure(case: Case, group: GroupFacts) -> str:
    """What ends the outage, by hand and at once. A Paused node brings nothing online, so it is resumed first."""
    picture = case.cluster
    first = ""
    if picture is not None and picture.status(group.owner) is NodeStatus.PAUSED:
        first = f"By hand, now: cluster.exe node {group.owner} /resume, then "
    if picture is not None and picture.is_cms_group(group):
        return f"{first}Start-ClusteredMailboxServer -Identity {group.name}"
    return f'{first}cluster.exe group "{group.name}" /online'


RULES = (
    Rule(
        id="GROUPS-SNAPSHOT",
        says="Owner and state of every group are noted before a step and are no worse after it.",
        source="S9: resources fail over or go offline; facts/exchange.md §9: state no worse than before",
        sentences=("S9",),
        plan=True,
        gate=ALL_STEPS,
        after=ALL_STEPS,
        needs=("owner and state of every group",),
        verdict="block; warn at the plan, where a group is found Failed, Partially Online, or a mail server not Online",
        stops="Something that ran before does not run now.",
        remedy='`cluster.exe group "<name>" /online`; for a CMS Start-ClusteredMailboxServer',
        waivable="only a non-Exchange group that had failed before we began",
        judge=groups_snapshot,
    ),
)
