"""Turns facts into a plan: judges every rule, orders the steps, and says of each which rule and fact put it there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.procedure import order
from bot.procedure.context import Context, Durations
from bot.procedure.draft import groups_by_node, machine_lines, step_of, topology_of
from bot.procedure.facts import EstateFacts, NodeStatus, Unknown, short
from bot.procedure.levels import Build
from bot.procedure.ordering import ORDERING, Stuck
from bot.procedure.ordering import order as order_acts
from bot.procedure.picture import word
from bot.procedure.reach import still_to_read
from bot.procedure.rules import RULES_VERSION, blocking, judge
from bot.procedure.rules.case import Case
from bot.procedure.users import in_words, mailboxes_of, of_its_own
from state.words import Check, Options, Package, Plan, Step, StepKind, When

__all__ = ["Nothing", "PlanRefusal", "make_plan", "restart_after", "restore_before", "still_to_read"]

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

    A plan whose only stops may be waived is made with those checks still blocking: it cannot be started before
    each of them has a waiver of its own (docs/decisions/risk-gates.md).

    `ordering` is only ever shortened by tests, which show that the order checker notices.
    """
    case = Case(when=When.PLAN, facts=facts, package=package, context=context)
    if case.scope and all(case.needs(name) is False for name in case.scope):
        return _nothing(case)
    drafted = _draft(case, options, context.durations, ordering, bot_version)
    plan = drafted if isinstance(drafted, Plan) else None
    crowded = next((held for held in map(case.main.cms_on, case.main.nodes) if len(held) > 1), ())
    checks = judge(replace(case, plan=plan))
    waived = {_ORDER_OF_RULES[name] for name in ORDERING - ordering if name in _ORDER_OF_RULES}
    stops = [check for check in blocking(checks) if check.rule not in waived]
    if stops and (plan is None or not plan.steps or not all(check.waivable for check in stops)):
        return _refusal(stops[0], checks, facts)
    if crowded:
        names = " and ".join(cms.name for cms in crowded)
        return PlanRefusal(
            rule="NODE-PASSIVE",
            sentence=f"{names} are on one node: a node takes one mail server, and no order is known for two.",
            remedy="Hand one of them to a free node with Move-ClusteredMailboxServer, then plan again.",
            checks=checks,
            parts=(("cluster", facts.inventory.cluster),),
        )
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
            if stops:
                return _refusal(stops[0], checks, facts)
            return PlanRefusal(
                rule=wrong[0].rule, sentence=wrong[0].sentence, remedy="Report this plan.", checks=checks
            )
    return plan


def _refusal(stop: Check, checks: tuple[Check, ...], facts: EstateFacts) -> PlanRefusal:
    parts = [("cluster", facts.inventory.cluster), ("waivable", "yes" if stop.waivable else "no"), ("link", stop.link)]
    return PlanRefusal(rule=stop.rule, sentence=stop.sentence, remedy=stop.remedy, checks=checks, parts=tuple(parts))


def _nothing(case: Case) -> Nothing | PlanRefusal:
    """Equal is done only if the checks after an install would pass too (§9): each node Up, its service back."""
    checks = tuple(
        check
        for check in judge(case)
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
    topology = topology_of(case)
    if topology is None:
        return None
    acts = order_acts(topology, ordering, failback=options.failback)
    if isinstance(acts, Stuck):
        return acts
    steps, owned = [], groups_by_node(case)
    for place, act in enumerate(acts, 1):
        steps.append(step_of(case, act, f"s{place:02d}", options, durations, tuple(owned.get(short(act.node), ()))))
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
        machines=machine_lines(case),
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
        users=(
            *((one.name, in_words(mailboxes_of(case.facts, one.name))) for one in cms),
            *((one.name, of_its_own(case.machine(one.name))) for one in standbys if not one.cluster),
        ),
    )


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


def restore_before(install: Step, plan: Plan) -> Step | None:
    """Puts back the services a failed install left Disabled or stopped, before it is tried again (StepEnded.insert).

    None when it failed so often that the letters have run out: then people put them back by hand.
    """
    known = {step.id for step in plan.steps}
    name = next((f"{install.id}{letter}" for letter in "stuvwxyz" if f"{install.id}{letter}" not in known), None)
    if name is None:
        return None
    return replace(
        install,
        id=name,
        kind=StepKind.RESTORE,
        title=f"Put back the services of {install.target}",
        rule="SERVICES-SNAPSHOT",
        because=f"The install on {install.target} failed and left services otherwise than they were found.",
        option="services",
        expected_s=Durations().restore_s,
        downtime_s=0.0,
    )
