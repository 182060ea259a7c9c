"""Puts the ordered acts into words: each step with its rule, its fact, its title and how long it should take."""

from __future__ import annotations

from bot.procedure.context import Durations
from bot.procedure.facts import NodeStatus, Unknown, same_name, short
from bot.procedure.levels import Build
from bot.procedure.ordering import Act, Seat, Target, Topology
from bot.procedure.picture import Picture
from bot.procedure.rules.case import Case
from bot.procedure.rules.network import apart, host_ttl
from bot.procedure.rules.software import crl_state
from state.words import MachineLine, Options, Step, StepKind


def groups_by_node(case: Case) -> dict[str, list[str]]:
    """The groups each node owns now that are no CMS; the draft moves them along, to say who owns what by then."""
    return {
        short(node): [group.name for group in picture.other_groups(node)]
        for picture in case.clusters
        for node in picture.nodes
    }


def topology_of(case: Case) -> Topology | None:
    """The seats to play on, or None where a level or a list could not be read."""
    main = case.main
    if isinstance(main.cms, Unknown) or isinstance(case.standbys, Unknown) or not main.views:
        return None
    if any(isinstance(case.needs(name), Unknown) for name in main.nodes):
        return None
    seats = tuple(_seat(case, main, node) for node in main.nodes)
    targets: list[Target] = []
    for target in case.standbys:
        if case.in_main(target.name) or any(isinstance(case.needs(one), Unknown) for one in target.machines):
            continue
        picture = case.picture(target.cluster) if target.cluster else None
        mine = tuple(_seat(case, picture, case.name(one)) for one in target.machines)
        if target.cluster and any(t.cluster == target.cluster for t in targets):
            continue  # two targets in one standby cluster: its nodes are patched once
        machine = case.machine(target.name)
        own = machine.own_standbys if machine else ()
        relations = () if isinstance(own, Unknown) else own
        named = dict.fromkeys(case.name(one.node_name) for _, listed in relations for one in listed)
        targets.append(Target(cluster=target.cluster, seats=mine, own=tuple(named)))
    allowed = []
    for cms in main.cms:
        if not isinstance(cms.redundant, Unknown):
            group = next((g for g in main.groups if same_name(g.name, cms.name)), None)
            owners = group.possible_owners if group else ()
            nodes = tuple(
                node
                for node in main.nodes
                if any(same_name(node, one) for one in cms.redundant)
                and (not owners or any(same_name(node, one) for one in owners))
            )
            allowed.append((cms.name, nodes))
    return Topology(seats=seats, targets=tuple(targets), allowed=tuple(allowed))


def _seat(case: Case, picture: Picture | None, node: str) -> Seat:
    held = picture.cms_on(node) if picture else ()
    machine = case.machine(node)
    pending = machine.reboot_pending if machine else ()
    return Seat(
        node=node,
        cms=held[0].name if held else "",
        done=case.needs(node) is False,
        up=picture is None or picture.status(node) is NodeStatus.UP,
        groups=len(picture.other_groups(node)) if picture else 0,
        reboot_first=bool(pending) and not isinstance(pending, Unknown),
    )


def step_of(case: Case, act: Act, name: str, options: Options, durations: Durations, owned: tuple[str, ...]) -> Step:
    """One act as a step; `owned` are the groups the node owns by then."""
    level = case.level(act.node)
    cluster = act.target if act.standby else case.main.name
    expected, downtime = _expected(case, act, durations)
    rule, because, title = _why(case, act, level, owned)
    option = act.option
    if act.kind is StepKind.HANDOFF and options.stop_move_start:
        option = "+".join(filter(None, (option, "stop-move-start")))
    return Step(
        id=name,
        kind=act.kind,
        target=case.name(act.node),
        title=title,
        rule=rule,
        because=because,
        cluster=cluster,
        cms=act.cms,
        source=case.name(act.source) if act.source else "",
        to=act.to,
        option=option,
        role="scr-target" if act.standby else "node",
        expected_s=expected,
        downtime_s=downtime,
    )


def _expected(case: Case, act: Act, durations: Durations) -> tuple[float, float]:
    if act.kind is StepKind.HANDOFF:
        return durations.handoff_s, durations.downtime_s + _until_found(case, act)
    if act.kind is StepKind.INSTALL:
        waits = crl_state(case, act.node)  # not known: the usual time, and CRL-REACH says so
        slow = bool(waits) and not isinstance(waits, Unknown)
        return (durations.install_without_crl_s if slow else durations.install_s), 0.0
    return (durations.restart_s if act.kind is StepKind.RESTART else durations.evacuate_s), 0.0


def _until_found(case: Case, act: Act) -> float:
    """How much longer users wait for a name that gets another address: its TTL, where the subnets are known to differ."""
    ttl = host_ttl(case, act.cms) if apart(case, act.source, act.node) is True else 0
    return 0.0 if isinstance(ttl, Unknown) else float(ttl)


def _why(case: Case, act: Act, level: Build | Unknown, owned: tuple[str, ...]) -> tuple[str, str, str]:
    """Rule, fact and title of a step."""
    node, build = case.name(act.node), case.package.build
    if act.standby:
        return _why_standby(case, act, level)
    if act.kind is StepKind.HANDOFF:
        if "failback" in act.option:
            return (
                "NOTICE",
                f"--failback was asked for, and {act.cms} was on {node} at the beginning.",
                f"Hand {act.cms} back to {node}",
            )
        because = (
            f"{act.cms} is active on {act.source}, which is at {case.level(act.source)}; {node} is at {build} by then."
        )
        return "NODE-PASSIVE", because, f"Hand {act.cms} over to {node}"
    if act.kind is StepKind.EVACUATE:
        named = ", ".join(f"'{group}'" for group in owned)
        now = len(owned) == len(case.main.other_groups(act.node))
        because = f"{node} owns no group; it is paused before its install."
        if owned:
            because = f"{node} owns {named}{'' if now else ' by then'}."
        return "NODE-EMPTY", because, f"Empty and pause {node}"
    if act.kind is StepKind.RESTART:
        return "REBOOT-PENDING", f"{node} waits for a restart already.", f"Restart {node} before the install"
    held = [cms.name for cms in case.main.cms_on(act.node)]
    because = f"{node} is at {level} and " + (
        f"passive once {held[0]} has left it." if held else "holds no clustered mailbox server."
    )
    return "NODE-PASSIVE", because, f"Install {case.package.kb} on {node}"


def _why_standby(case: Case, act: Act, level: Build | Unknown) -> tuple[str, str, str]:
    node = case.name(act.node)
    standbys = () if isinstance(case.standbys, Unknown) else case.standbys
    target = next((one for one in standbys if any(same_name(node, name) for name in one.machines)), None)
    sources = ", ".join(f"{cms}\\{group}" for cms, group in target.sources) if target else "this cluster"
    if target is not None and same_name(target.name, node):
        because = f"{node} is the SCR target of {sources} and is at {level}."
    else:
        because = f"{node} is in the cluster of an SCR target of {sources} and is at {level}."
    titles = {
        StepKind.EVACUATE: f"Empty and pause {node}",
        StepKind.RESTART: f"Restart {node} before the install",
        StepKind.INSTALL: f"Install {case.package.kb} on SCR target {node}",
    }
    return "SCR-TARGETS-FIRST", because, titles.get(act.kind, node)


def machine_lines(case: Case) -> tuple[MachineLine, ...]:
    """Every machine as the plan shows it."""
    found = []
    standbys = () if isinstance(case.standbys, Unknown) else case.standbys
    for name in case.scope:
        level = case.level(name)
        picture = next((one for one in case.clusters if any(same_name(node, name) for node in one.nodes)), None)
        role = "passive"
        if not case.in_main(name):
            role = "scr-target" if any(same_name(one.name, name) for one in standbys) else "standby"
        elif case.main.cms_on(name):
            role = "active"
        found.append(
            MachineLine(
                name=name,
                role=role,
                level=str(level) if isinstance(level, Build) else f"unknown: {level.why}",
                owns=tuple(group.name for group in picture.owned(name)) if picture else (),
                cluster=picture.name if picture else "",
            )
        )
    return tuple(found)
