"""Rules about moving groups: S10, S11 and S12 of the document."""

from __future__ import annotations

from bot.procedure.commands import bad_name
from bot.procedure.facts import NodeStatus, Unknown, same_name
from bot.procedure.levels import upper_of
from bot.procedure.picture import word
from bot.procedure.rules.case import (
    Case,
    Finding,
    Rule,
    blocks,
    not_needed,
    passes,
    together,
    unknown,
)
from state.words import Fact, Step, StepKind

_MOVES = frozenset({StepKind.EVACUATE, StepKind.RESTORE})
NO_GROUPS = "This step moves no group."


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
                others = [one for one in picture.nodes if not same_name(one, name) and picture.may_own(group, one)]
                states = " and ".join(f"{one} is {word(picture.status(one))}" for one in others)
                found.append(
                    blocks(
                        f"'{group.name}' must leave {name}, but no other node can take it: "
                        + (f"{states}." if states else f"only {name} may own it."),
                        "Bring or resume such a node, or add a possible owner.",
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
    return passes(f"cluster.exe moves {moving}: no mail server is among them.", Fact(name="moves", value=moving))


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
