"""Turns facts into a plan: judges every rule, orders the steps, and says of each which rule and fact put it there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.procedure import order
from bot.procedure.context import Context, Durations
from bot.procedure.facts import EstateFacts, NodeStatus, Unknown, same_name, short
from bot.procedure.levels import Build
from bot.procedure.ordering import ORDERING, Act, Seat, Stuck, Target, Topology
from bot.procedure.ordering import order as order_acts
from bot.procedure.picture import Picture, word
from bot.procedure.reach import still_to_read
from bot.procedure.rules import RULES_VERSION, blocking, evaluate
from bot.procedure.rules.case import Case
from state.words import Check, MachineLine, Options, Package, Plan, Step, StepKind, When

__all__ = ["Nothing", "PlanRefusal", "make_plan", "restart_after", "return_step", "still_to_read"]

_ORDER_OF_RULES = {"S8": "QUORUM-SURVIVES"}  # ordering rules that are held by a row of the table


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRefusal:
    """No plan can be made: the first rule that stops it, with everything that was judged."""

    rule: str
    sentence: str
    remedy: str
    checks: tuple[Check, ...]
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Every machine is at the level already, and healthy."""

    sentence: str
    checks: tuple[Check, ...]


def make_plan(
    facts: EstateFacts,
    package: Package,
    options: Options,
    *,
    context: Context,
    bot_version: str = "",
    ordering: frozenset[str] = ORDERING,
) -> Plan | PlanRefusal | Nothing:
    """The plan for `facts.inventory.cluster`; `made_at` is `facts.now`. Pure: same facts, same plan.

    `ordering` is only ever shortened by tests, which show that the order checker notices.
    """
    case = Case(when=When.PLAN, facts=facts, package=package, context=context)
    if case.scope and all(case.needs(name) is False for name in case.scope):
        return _nothing(case)
    drafted = _draft(case, options, context.durations, ordering, bot_version)
    plan = drafted if isinstance(drafted, Plan) else None
    checks = evaluate(When.PLAN, facts, package=package, context=context, plan=plan)
    waived = {_ORDER_OF_RULES[name] for name in ORDERING - ordering if name in _ORDER_OF_RULES}
    stops = [check for check in blocking(checks) if check.rule not in waived]
    if stops:
        return _refusal(stops[0], checks, facts)
    if isinstance(drafted, Stuck):
        return PlanRefusal(
            rule="MOVE-READY",
            sentence=f"No order lets {drafted.cms} leave {drafted.source}: no node that it may run on becomes free.",
            remedy="Check RedundantMachines of each mail server, and that a passive node is Up.",
            checks=checks,
            parts=(("cms", drafted.cms), ("node", drafted.source)),
        )
    if plan is None:
        return PlanRefusal(
            rule="PRE-COMPLETE",
            sentence="The cluster could not be read well enough to order the steps.",
            remedy="Recheck.",
            checks=checks,
        )
    plan = replace(plan, checks=checks)
    if ordering == ORDERING:
        wrong = order.check_plan(plan, facts)
        if wrong:  # the checker knows only the document: if it says no, there is no plan
            return PlanRefusal(rule=wrong[0].rule, sentence=wrong[0].sentence, remedy="Report this plan.", checks=checks)
    return plan


def _refusal(stop: Check, checks: tuple[Check, ...], facts: EstateFacts) -> PlanRefusal:
    parts = [("cluster", facts.inventory.cluster), ("waivable", "yes" if stop.waivable else "no"), ("link", stop.link)]
    return PlanRefusal(
        rule=stop.rule, sentence=stop.sentence, remedy=stop.remedy, checks=checks, parts=tuple(parts)
    )


def _nothing(case: Case) -> Nothing | PlanRefusal:
    """Equal is done only if the checks after an install would pass too (§9): each node Up, its service back."""
    checks = tuple(
        check
        for check in evaluate(When.PLAN, case.facts, package=case.package, context=case.context)
        if check.rule in {"PRE-COMPLETE", "VIEW-AGREE", "LEVEL-AGREE", "NO-WU", "PKG-TRAIN", "PKG-NEWER"}
    )
    stops = blocking(checks)
    if stops:
        return _refusal(stops[0], checks, case.facts)
    for node in case.main.nodes:
        status = case.main.status(node)
        if status is not NodeStatus.UP:
            return PlanRefusal(
                rule="NODE-MEMBER",
                sentence=f"Every machine is at {case.target_build}, but node {node} is {word(status)}.",
                remedy=f"Find out why, then: cluster.exe node {node} /resume (or start its Cluster service).",
                checks=checks,
            )
    levels = ", ".join(case.scope)
    return Nothing(sentence=f"{levels}: all at {case.target_build} or above. There is nothing to do.", checks=checks)


def _draft(
    case: Case, options: Options, durations: Durations, ordering: frozenset[str], bot_version: str
) -> Plan | Stuck | None:
    """The plan's steps, where enough is known to order them; its checks come later."""
    topology = _topology(case)
    if topology is None:
        return None
    acts = order_acts(topology, ordering, failback=options.failback)
    if isinstance(acts, Stuck):
        return acts
    steps, owned = [], _owned(case)
    for place, act in enumerate(acts, 1):
        steps.append(_step(case, act, f"s{place:02d}", options, durations, tuple(owned.get(short(act.node), ()))))
        if act.kind is StepKind.EVACUATE:
            owned.setdefault(short(act.to), []).extend(owned.pop(short(act.node), []))
    standbys = () if isinstance(case.standbys, Unknown) else case.standbys
    cms = () if isinstance(case.main.cms, Unknown) else case.main.cms
    soaks = sum(case.facts.inventory.soak_s for step in steps[:-1] if step.kind is StepKind.HANDOFF)
    levels = [level for level in (case.level(node) for node in case.main.nodes) if isinstance(level, Build)]
    locks = [case.main.name, *(one.cluster or one.name for one in standbys)]
    return Plan(
        cluster=case.main.name,
        package=case.package,
        options=options,
        steps=tuple(steps),
        checks=(),
        machines=_lines(case),
        cms=tuple(one.name for one in cms),
        scr_targets=tuple(one.name for one in standbys),
        lock_set=tuple(dict.fromkeys(locks)),
        machine_set=case.scope,
        rules_version=RULES_VERSION,
        bot_version=bot_version,
        made_at=case.facts.now,
        downtime_s=sum(step.downtime_s for step in steps),
        duration_s=sum(step.expected_s for step in steps) + soaks,
        old_level=str(min(levels)) if levels else "",
    )


def _owned(case: Case) -> dict[str, list[str]]:
    """The groups each node owns now that are no CMS; the draft moves them along, to say who owns what by then."""
    return {
        short(node): [group.name for group in picture.other_groups(node)]
        for picture in case.clusters
        for node in picture.nodes
    }


def _topology(case: Case) -> Topology | None:
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
        targets.append(Target(cluster=target.cluster, seats=mine))
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


def _step(
    case: Case, act: Act, name: str, options: Options, durations: Durations, owned: tuple[str, ...]
) -> Step:
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
        source=act.source,
        to=act.to,
        option=option,
        role="scr-target" if act.standby else "node",
        expected_s=expected,
        downtime_s=downtime,
    )


def _expected(case: Case, act: Act, durations: Durations) -> tuple[float, float]:
    if act.kind is StepKind.HANDOFF:
        return durations.handoff_s, durations.downtime_s
    if act.kind is StepKind.INSTALL:
        machine = case.machine(act.node)
        slow = machine is not None and dict(machine.software).get("crl-reach", "") == "unreachable"
        return (durations.install_without_crl_s if slow else durations.install_s), 0.0
    return (durations.restart_s if act.kind is StepKind.RESTART else durations.evacuate_s), 0.0


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


def _lines(case: Case) -> tuple[MachineLine, ...]:
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
            )
        )
    return tuple(found)


def restart_after(install: Step) -> Step:
    """The restart an install's 3010 or 1641 calls for, to be run next (StepEnded.insert)."""
    return replace(
        install,
        id=f"{install.id}r",
        kind=StepKind.RESTART,
        title=f"Restart {install.target}",
        rule="ONE-AT-A-TIME",
        because=f"The install on {install.target} ended successfully and asked for a restart (3010 or 1641).",
        option="",
        expected_s=Durations().restart_s,
        downtime_s=0.0,
    )


def return_step(plan: Plan, cms: str, source: str, target: str, number: int) -> Step:
    """`/rollup return`: the risk-gated handoff back to a node that is still at the old level."""
    return Step(
        id=f"s{number:02d}",
        kind=StepKind.HANDOFF,
        target=target,
        title=f"Return {cms} to {target}",
        rule="MIXED-LEVEL-MOVE",
        because=f"`/rollup return` was asked for: {cms} goes back from {source} to {target}.",
        cluster=plan.cluster,
        cms=cms,
        source=source,
        option="return",
        expected_s=Durations().handoff_s,
        downtime_s=Durations().downtime_s,
    )
