"""Rules about moving groups: S10, S11 and S12 of the document, and the state of every group before and after."""

from __future__ import annotations

from bot.procedure.commands import bad_name
from bot.procedure.facts import GroupFacts, GroupStatus, NodeStatus, Unknown, same_name
from bot.procedure.levels import upper_of
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
)
from state.words import Fact, Step, StepKind, When

_MOVES = frozenset({StepKind.EVACUATE, StepKind.RESTORE})
NO_GROUPS = "This step moves no group."
# How good a state is; a move returns resources to their persistent state, so "no worse than before" is asked (§9).
_RANK = {"Online": 0, "Partially Online": 1, "Offline": 2, "Pending": 3, "Unknown": 3, "Failed": 4}


def _preferred(case: Case, name: str) -> str:
    if case.step is not None:
        return case.step.to
    steps = case.plan.steps if case.plan else ()
    return next((s.to for s in steps if s.kind is StepKind.EVACUATE and same_name(s.target, name)), "")


def group_move_plan(case: Case) -> Finding:
    """S11: every group that must leave has an Up, unpaused node that may own it."""
    if case.step is not None and case.step.kind is StepKind.RESTORE:
        return _home_is_there(case, case.step)
    found = []
    for picture, name in case.leaving:
        if len(picture.nodes) == 1:
            found.append(not_needed(f"{picture.name} has one node: its groups have nowhere to go and stay."))
            continue
        for group in picture.other_groups(name):
            to = picture.destination(group, name, _preferred(case, name))
            unseen = [
                one for one in picture.nodes if not same_name(one, name) and picture.status(one) is NodeStatus.UNKNOWN
            ]
            if to is None and unseen:
                found.append(
                    unknown(
                        f"Where '{group.name}' can go is not known: the state of {', '.join(unseen)} "
                        "could not be read.",
                        "Look at: cluster.exe node",
                    )
                )
            elif to is None:
                possible = ", ".join(group.possible_owners) or "any node"
                found.append(
                    blocks(
                        f"'{group.name}' must leave {name}, but no other node that may own it ({possible}) is Up.",
                        "Bring such a node up, or add a possible owner.",
                        Fact(name=f"group '{group.name}'", value=f"{group.owner} {word(group.state)}"),
                    )
                )
            else:
                found.append(passes(f"'{group.name}' goes to {to}.", Fact(name=f"'{group.name}' goes to", value=to)))
    if not found:
        return not_needed("No node to be patched owns a group that must move.")
    return together(found, " ".join(dict.fromkeys(one.sentence for one in found)))


def _home_is_there(case: Case, step: Step) -> Finding:
    """The node each group was found on is Up, not Paused, and may own it."""
    picture = case.cluster
    if not step.groups or picture is None:
        return not_needed(NO_GROUPS)
    found = []
    for name, home in step.groups:
        group = picture.group(name)
        fact = Fact(name=f"'{name}' goes to", value=home)
        if group is None:
            found.append(unknown(f"'{name}' is not listed.", "Look at: cluster.exe group"))
        elif same_name(group.owner, home):
            found.append(passes(f"'{name}' is on {home} already.", fact))
        elif picture.may_take(group, home):
            found.append(passes(f"'{name}' goes back to {home}.", fact))
        else:
            found.append(
                blocks(
                    f"'{name}' cannot go back to {home}: that node is {word(picture.status(home))}, or may not own it.",
                    "Look at: cluster.exe node",
                    fact,
                    patience_s=case.context.limits.views_s,
                )
            )
    return together(found, " ".join(one.sentence for one in found))


def group_move_not_cms(case: Case) -> Finding:
    """S11/§8: cluster.exe never moves a clustered mailbox server; there is no override."""
    if case.step is None or case.cluster is None:
        return not_needed("No group is moved here.")
    if case.step.kind is StepKind.RESTORE:
        named = [group for name, _ in case.step.groups if (group := case.cluster.group(name)) is not None]
        held = tuple(group for group in named if case.cluster.is_cms_group(group))
        others = tuple(group for group in named if group not in held)
    else:
        held = case.cluster.cms_groups_on(case.step.target)
        others = case.cluster.other_groups(case.step.target)
    if held:
        said = ", ".join(f"'{group.name}'" for group in held)
        return blocks(
            f"{said} is a clustered mailbox server; cluster.exe would skip Exchange's own checks.",
            "Use Move-ClusteredMailboxServer.",
            Fact(name="Exchange groups", value=said, machine=case.step.target),
        )
    moving = ", ".join(f"'{group.name}'" for group in others) or "nothing"
    return passes(f"cluster.exe moves {moving}: no mail server among it.", Fact(name="moves", value=moving))


def group_move_cmd(case: Case) -> Finding:
    """S12: names come from the cluster's own list and can be written into a command safely."""
    found = []
    for picture in case.clusters:
        if not picture.views:
            found.append(unknown(f"The names in {picture.name} could not be read.", "Recheck."))
        for name in (*picture.nodes, *(group.name for group in picture.groups)):
            why = bad_name(name)
            if why:
                found.append(
                    blocks(f"The name {name!r} {why}: it cannot be written into a command safely.", "Rename it.")
                )
    if not found and not case.clusters:
        return not_needed("No cluster command is written.")
    return together(found or (passes(""),), "Every name comes from the cluster's own list and is safe to write.")


def groups_snapshot(case: Case) -> Finding:
    """S9: owner and state of every group, before; and no worse, after."""
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
            found.append(
                blocks(
                    f"'{group.name}' is Failed on {group.owner} already, before anything was done.",
                    f'Repair it, or take it offline on purpose: cluster.exe group "{group.name}" /offline',
                    waivable=not group.holds_exchange,
                )
            )
    found.append(passes("", *facts))
    return together(found, f"{len(picture.groups)} groups of {picture.name} noted with owner and state.")


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
            found.append(
                blocks(
                    f"'{group.name}' is {word(group.state)} on {group.owner}; before the step it was {state} on {owner}.",
                    _cure(case, group),
                    fact,
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


def _cure(case: Case, group: GroupFacts) -> str:
    """What ends the outage, by hand and at once. A Paused node brings nothing online, so it is resumed first."""
    picture = case.cluster
    first = ""
    if picture is not None and picture.status(group.owner) is NodeStatus.PAUSED:
        first = f"By hand, now: cluster.exe node {group.owner} /resume, then "
    if picture is not None and picture.is_cms_group(group):
        return f"{first}Start-ClusteredMailboxServer -Identity {group.name}"
    return f'{first}cluster.exe group "{group.name}" /online'


def mixed_level_move(case: Case) -> Finding:
    """§8: a CMS does not go from a newer node back to an older one, unless people say so."""
    moves = [case.step] if case.step is not None and case.step.kind is StepKind.HANDOFF else []
    found = []
    for step in moves:
        source, target = case.level(step.source), case.level(step.target)
        machine = case.machine(step.source)
        if isinstance(source, Unknown) and machine is not None:
            source = upper_of(
                machine.level
            )  # LEVEL-AGREE was accepted: whichever source is right, it is not above that
        if isinstance(source, Unknown) or isinstance(target, Unknown):
            bad = source if isinstance(source, Unknown) else target
            why = bad.why if isinstance(bad, Unknown) else ""
            said = f"The levels of {step.source} and {step.target} are not known: {why}."
            found.append(unknown(said, "Recheck."))
            continue
        facts = (
            Fact(name="level", value=str(source), machine=step.source),
            Fact(name="level", value=str(target), machine=step.target),
        )
        if target < source:
            found.append(
                blocks(
                    f"{step.cms} would go from {source} on {step.source} back to {target} on {step.target}.",
                    "Patch the target first. Going back on purpose is `/rollup return`.",
                    *facts,
                    waivable=True,
                )
            )
        else:
            found.append(passes(f"{step.cms} goes from {source} to {target}.", *facts))
    if not found:
        return not_needed("No mail server is moved to an older node.")
    return together(found, " ".join(one.sentence for one in found))


RULES = (
    Rule(
        id="GROUP-MOVE-PLAN",
        says="Each group that must leave has a node that is Up, not Paused and may own it.",
        source="S11: these groups should be manually moved to another node, for example the active node",
        sentences=("S10", "S11"),
        plan=True,
        gate=_MOVES,
        needs=("owners, possible owners, node states",),
        stops="The group could not leave, or would go offline.",
        remedy="Bring a possible owner up.",
        judge=group_move_plan,
    ),
    Rule(
        id="GROUP-MOVE-NOT-CMS",
        says="cluster.exe never moves a clustered mailbox server.",
        source="S11; facts/exchange.md §2: the cluster tools skip Exchange's checks, databases may stay offline",
        sentences=("S11",),
        gate=_MOVES,
        needs=("the resource types of every group",),
        stops="There is no override.",
        remedy="Move-ClusteredMailboxServer",
        judge=group_move_not_cms,
    ),
    Rule(
        id="GROUP-MOVE-CMD",
        says='The command is the document\'s own, cluster.exe group "<name>" /move:<node>, with names that are safe.',
        source='S12: Cluster.exe group "Cluster Group" /move:<NodeName>',
        sentences=("S12",),
        plan=True,
        gate=_MOVES,
        needs=("names as the cluster lists them",),
        stops="A name with a quote or a control character is never written into a command.",
        remedy="Rename the group.",
        judge=group_move_cmd,
    ),
    Rule(
        id="GROUPS-SNAPSHOT",
        says="Owner and state of every group are noted before a step and are no worse after it.",
        source="S9: resources fail over or go offline; facts/exchange.md §9: state no worse than before",
        sentences=("S9",),
        gate=ALL_STEPS,
        after=ALL_STEPS,
        needs=("owner and state of every group",),
        stops="Something that ran before does not run now.",
        remedy='`cluster.exe group "<name>" /online`; for a CMS Start-ClusteredMailboxServer',
        waivable="only a non-Exchange group that had failed before we began",
        judge=groups_snapshot,
    ),
    Rule(
        id="MIXED-LEVEL-MOVE",
        says="A mail server is not moved from a newer node to an older one.",
        source="facts/exchange.md §8 and §1.3",
        sentences=("S14",),
        gate=frozenset({StepKind.HANDOFF}),
        needs=("levels of both nodes",),
        stops="Its databases have run under the newer level.",
        remedy="Patch the target first; going back on purpose is `/rollup return`.",
        waivable="with a reason (`/rollup return`)",
        judge=mixed_level_move,
    ),
)
