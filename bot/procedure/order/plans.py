"""Sets the board from facts, or from a plan's own machine lines, and plays the plan on it."""

from __future__ import annotations

from bot.procedure.facts import ClusterView, EstateFacts, NodeStatus, Unknown, label, same_name, short
from bot.procedure.levels import Build, machine_level
from bot.procedure.order.board import Board, Machine, Quorum, Violation
from state.words import Check, Plan


def check_plan(plan: Plan, facts: EstateFacts | None = None) -> tuple[Violation, ...]:
    """What is wrong with a plan's order; () accepts it. Without facts the plan's own machine lines are believed."""
    try:
        board = board_of(plan) if facts is None else board_from(plan, facts)
    except ValueError as error:
        return (Violation(rule="PKG-NAME", sentence=str(error)),)
    if facts is not None:
        _complete(plan, board)
    seen: set[str] = set()
    for step in plan.steps:
        if step.id in seen:
            board.no("PRE-COMPLETE", f"Step {step.id} is there twice.")
        seen.add(step.id)
        if step.optional:
            board.no("PRE-COMPLETE", f"Step {step.id} is part of the plan and may not be optional.")
        board.play(step)
    board.close()
    return tuple(board.found)


def left_out(checks: tuple[Check, ...]) -> frozenset[str]:
    """The SCR targets these checks leave as they are: SCR-TARGETS-FIRST stops for them, and that may be waived.

    Only what could not be known may be left out; a target that is known to be below the level never.
    """
    return frozenset(
        short(fact.machine)
        for check in checks
        if check.rule == "SCR-TARGETS-FIRST" and check.stops and check.waivable
        for fact in check.facts
        if fact.name == "level" and fact.value == "unknown"
    )


def _complete(plan: Plan, board: Board) -> None:
    """What the plan says of machines and locks is what the facts say."""
    listed = {short(line.name) for line in plan.machines}
    sources = {key for key, one in board.machines.items() if not one.standby} | {short(cms) for cms in board.at}
    for key, machine in board.machines.items():
        if key not in listed:
            board.no("PRE-COMPLETE", f"The plan does not know {machine.name}.")
        lock = machine.cluster or machine.name
        if not any(same_name(lock, one) for one in plan.lock_set):
            board.no("ONE-AT-A-TIME", f"{lock} is not locked by the plan.")
        back = machine.standby and (machine.own_targets & sources or board.leads_to(key, key))
        if back and not any(check.rule == "SCR-CYCLE" and check.stops for check in plan.checks):
            board.no(
                "SCR-CYCLE", f"{machine.name} stands by for a source that stands by for it, and the plan is silent."
            )


def board_of(plan: Plan) -> Board:
    """The board as the plan's machine lines set it. Raises ValueError if the package has no build."""
    machines: dict[str, Machine] = {}
    at: dict[str, str] = {}
    aside = left_out(plan.checks)
    for line in plan.machines:
        node = line.role in {"active", "passive"}
        cluster = plan.cluster if node else line.cluster
        held = [group for group in line.owns if any(same_name(group, cms) for cms in plan.cms)]
        machines[short(line.name)] = Machine(
            name=line.name,
            cluster=cluster,
            level=_build(line.level),
            groups={group for group in line.owns if group not in held},
            standby=not node,
            left_out=not node and short(line.name) in aside and _build(line.level) is None,
        )
        for cms in plan.cms:
            if node and any(same_name(group, cms) for group in line.owns):
                at[cms] = line.name
        if line.role == "active" and not held:  # a CMS whose group goes by another name
            rest = [cms for cms in plan.cms if cms not in at]
            moved = next((s.cms for s in plan.steps if s.cms and same_name(s.source, line.name)), "")
            at[moved or (rest[0] if rest else f"the mail server on {line.name}")] = line.name
    sha256 = plan.package.sha256.casefold()
    return Board(Build.parse(plan.package.build), plan.cluster, machines, at, sha256=sha256)


def board_from(plan: Plan, facts: EstateFacts) -> Board:
    """The board as the facts set it, found without planner and rules. Raises ValueError."""
    machines: dict[str, Machine] = {}
    at: dict[str, str] = {}
    quorums: dict[str, Quorum] = {}
    aside = left_out(plan.checks)
    main_nodes = _cluster(facts, facts.inventory.nodes, facts.inventory.cluster, False, machines, at, quorums)
    for typed in _targets(facts, main_nodes):
        one = facts.machine(typed)
        name = one.name if one else label(typed)
        if short(name) in machines:
            continue
        view = one.cluster if one is not None and isinstance(one.cluster, ClusterView) else None
        if view is None:
            silent = one is None or not one.reached
            machines[short(name)] = Machine(
                name, "", _level(facts, name), standby=True, left_out=silent and short(name) in aside
            )
        else:
            _cluster(facts, tuple(node for node, _ in view.nodes), view.name, True, machines, {}, quorums)
    for key, machine in machines.items():
        read = facts.machine(machine.name)
        own = read.own_standbys if read is not None and machine.standby else ()
        for _, listed in () if isinstance(own, Unknown) else own:
            machines[key].own_targets |= {short(one.node_name) for one in listed}
    return Board(Build.parse(plan.package.build), facts.inventory.cluster, machines, at, quorums)


def _cluster(
    facts: EstateFacts,
    declared: tuple[str, ...],
    name: str,
    standby: bool,
    machines: dict[str, Machine],
    at: dict[str, str],
    quorums: dict[str, Quorum],
) -> tuple[str, ...]:
    """Put one cluster's nodes on the board."""
    views = [
        one.cluster
        for one in facts.machines
        if isinstance(one.cluster, ClusterView) and any(same_name(one.name, node) for node in declared)
    ]
    nodes = {short(node): node for node in declared}
    for view in views:
        for node, _ in view.nodes:
            nodes.setdefault(short(node), node)
    for key, node in nodes.items():
        said = {status for view in views for other, status in view.nodes if short(other) == key}
        known = facts.machine(node)
        machines[key] = Machine(
            known.name if known else node,
            name,
            _level(facts, node),
            up=said <= {NodeStatus.UP},
            votes=said <= {NodeStatus.UP, NodeStatus.PAUSED},
            standby=standby,
        )
    for view in views:
        for group in view.groups:
            owner = machines.get(short(group.owner))
            if owner is None:
                continue
            if group.holds_exchange:
                at[_cms_of(facts, group.name, owner.name)] = owner.name
            else:
                owner.groups.add(group.name)
        if not isinstance(view.quorum, Unknown):
            good = view.witness_ok is True and quorums.get(name.casefold(), Quorum()).witness
            quorums[name.casefold()] = Quorum(view.quorum, good)
    for one in facts.machines:
        if short(one.name) not in nodes or isinstance(one.cms, Unknown):
            continue
        for cms in one.cms:
            if isinstance(cms.active_node, str) and cms.active_node:
                holder = machines.get(short(cms.active_node))
                at[cms.name] = holder.name if holder else cms.active_node
    return tuple(nodes.values())


def _cms_of(facts: EstateFacts, group: str, owner: str) -> str:
    """The CMS a group is: by name, else by where it is active."""
    for one in facts.machines:
        for cms in () if isinstance(one.cms, Unknown) else one.cms:
            if same_name(cms.name, group):
                return cms.name
            if isinstance(cms.active_node, str) and same_name(cms.active_node, owner):
                return cms.name
    return group


def _targets(facts: EstateFacts, nodes: tuple[str, ...]) -> tuple[str, ...]:
    """Every machine that any storage group of any CMS of the cluster names as its standby."""
    found: dict[str, str] = {}
    for node in nodes:
        one = facts.machine(node)
        for cms in () if one is None or isinstance(one.cms, Unknown) else one.cms:
            for _, targets in () if isinstance(cms.standbys, Unknown) else cms.standbys:
                for target in targets:
                    found.setdefault(short(target.node_name), target.node_name)
    return tuple(found.values())


def _level(facts: EstateFacts, name: str) -> Build | None:
    level = machine_level(facts.machine(name), name)
    return level if isinstance(level, Build) else None


def _build(text: str) -> Build | None:
    try:
        return Build.parse(text)
    except ValueError:
        return None
