"""Rules about the order of standby continuous replication: S16 and S17 of the document. Targets first, then the cluster."""

from __future__ import annotations

from bot.procedure.facts import Unknown, same_name, short
from bot.procedure.levels import updated
from bot.procedure.reach import Standby
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
from state.words import Fact, StepKind, When

_GONE = "If the machine is gone for good, disable the relation: Disable-StorageGroupCopy -StandbyMachine {name}"

_EVICT = (
    "If that node is gone for good, take it out of its cluster: cluster.exe node {node} /evict, "
    "or disable the relation: Disable-StorageGroupCopy -StandbyMachine {name}"
)


def targets_first(case: Case) -> Finding:
    """S16/S17: every SCR target of any CMS of the cluster is updated before any node of the cluster."""
    step = case.step
    if step is not None and not case.in_main(step.target):
        return _own_targets(case, step.target)
    targets = scr_targets(case)
    if isinstance(targets, Finding):
        return targets
    if not targets:
        return not_needed(f"No storage group of {case.main.name} has an SCR target.")
    if isinstance(case.target_build, Unknown):
        return unknown("The package's build is not known.", "Correct rollup.toml.")
    found = []
    for target in targets:
        if case.in_main(target.name):
            continue  # SCR-CYCLE says what is wrong with that
        found += [_one_target(case, target, machine) for machine in target.machines]
    if not found:
        return not_needed("The only SCR targets are nodes of the cluster itself; see SCR-CYCLE.")
    names = ", ".join(target.name for target in targets)
    if case.when is When.PLAN:
        return together(found, f"SCR targets come first: {names}.")
    return together(found, f"Every SCR target is updated: {names}.")


def _own_targets(case: Case, name: str) -> Finding:
    """S16 once more: a target that is a source itself comes after its own targets, as far as the campaign has them."""
    machine = case.machine(name)
    targets = () if isinstance(case.standbys, Unknown) else case.standbys
    own = machine.own_standbys if machine else ()
    if isinstance(own, Unknown) and len(targets) > 1:
        return unknown(f"Which machines stand by for {name} itself could not be read: {own.why}.", "Recheck.")
    listed = () if isinstance(own, Unknown) else tuple(one.node_name for _, ones in own for one in ones)
    found = [
        _one_target(case, target, target.name)
        for target in targets
        if any(same_name(target.name, one) for one in listed)
        and not same_name(target.name, name)
        and target.name not in case.unheard
        and not _leads_to(case, target.name, name)  # a cycle has no order: SCR-CYCLE was accepted
    ]
    if not found:
        return not_needed(f"{name} is itself an SCR target.")
    return together(found, f"{name} is itself an SCR target, and its own targets are updated.")


def _leads_to(case: Case, first: str, last: str) -> bool:
    """Whether SCR relations lead from one stand-alone machine to another."""
    waiting, seen = [first], {short(first)}
    while waiting:
        machine = case.machine(waiting.pop())
        own = machine.own_standbys if machine else ()
        for one in () if isinstance(own, Unknown) else (each.node_name for _, ones in own for each in ones):
            if same_name(one, last):
                return True
            if short(one) not in seen:
                seen.add(short(one))
                waiting.append(one)
    return False


def _one_target(case: Case, target: Standby, name: str) -> Finding:
    level = case.level(name)
    whose = ", ".join(dict.fromkeys(f"{cms}\\{group}" for cms, group in target.sources))
    itself = same_name(name, target.name)
    what = f"the SCR target of {whose}" if itself else f"in the cluster of {target.name}, the SCR target of {whose}"
    build = case.target_build
    there = updated(level, build) if not isinstance(build, Unknown) else build
    gone = _GONE.format(name=target.name) if itself else _EVICT.format(node=name, name=target.name)
    if isinstance(there, Unknown):
        machine = case.machine(name)
        why = case.silent(name) if machine is None else there.why
        said = f"{name} is {what}, and whether it is updated is not known: {why}."
        fact = Fact(name="level", value="unknown", machine=name)
        if case.when is not When.PLAN or all(case.machine(one) is None for one in target.machines):
            return unknown(said, f"Bring it back and recheck. {gone}", fact, waivable=True)
        return _in_part(case, target, said, fact, f"Bring {name} back and plan again. {gone}")
    fact = Fact(name="level", value=str(level), machine=name)
    if there:
        return passes(f"{name} is at {level}.", fact)
    if case.when is When.PLAN:
        return passes(f"{name} is at {level} and is patched before any node.", fact)
    return blocks(
        f"{name}, {what}, is at {level}, below {build}; no node of the source goes before it.",
        f"Patch {name} first.",
        fact,
    )


def _in_part(case: Case, target: Standby, said: str, fact: Fact, remedy: str) -> Finding:
    """Nobody waives this at the plan: to leave such a target out is to leave behind what can be patched, and to patch
    the rest of its cluster is to act where not every node was heard. One that is silent as a whole may be left out."""
    heard = [one for one in target.machines if case.machine(one) is not None and not same_name(one, fact.machine)]
    if heard:
        said += f" {' and '.join(heard)} answered, so {target.cluster} is neither left out nor patched without it."
    return unknown(said, remedy, fact)


def scr_cycle(case: Case) -> Finding:
    """§1.4: a source that is also a target, directly or through others, has no first machine."""
    targets = scr_targets(case)
    if isinstance(targets, Finding):
        return targets
    if not targets:
        return not_needed("There are no SCR targets.")
    found = []
    for target in targets:
        fact = Fact(name="SCR target", value=target.name, machine=case.main.name)
        if case.in_main(target.name):
            found.append(
                blocks(
                    f"{target.name} is an SCR target of {case.main.name} and one of its own nodes.",
                    "Disable that relation; a node of the source cannot be its standby.",
                    fact,
                    waivable=True,
                )
            )
            continue
        if target.name in case.unheard:
            continue  # it is not ordered at all: SCR-TARGETS-FIRST speaks of it
        way = _way_back(case, target.name)
        if isinstance(way, Unknown):
            found.append(
                unknown(
                    f"Whether {target.name} is an SCR source itself is not known: {way.why}.",
                    "Bring it back and recheck.",
                )
            )
        elif way:
            found.append(
                blocks(
                    f"{target.name} stands by for {case.main.name}, and the other way round: {' → '.join(way)}. "
                    "The document gives such a cycle no order.",
                    "Disable one of the relations, or accept it with a reason.",
                    fact,
                    waivable=True,
                )
            )
        else:
            found.append(passes("", fact))
    if not found:
        return not_needed("No SCR target answered, so none is patched; see SCR-TARGETS-FIRST.")
    return together(found, "No SCR target is a source for this cluster, directly or through others.")


def _way_back(case: Case, first: str) -> tuple[str, ...] | Unknown:
    """The chain of standbys from a target back to the cluster or to itself; () if there is none."""
    paths: list[tuple[str, ...]] = [(first,)]
    seen = {short(first)}
    while paths:
        path = paths.pop()
        own = case.said(path[-1], lambda one: one.own_standbys)
        if isinstance(own, Unknown):
            if len(path) > 1:
                continue  # a machine outside the campaign that nobody reads
            return own
        for name in dict.fromkeys(one.node_name for _, targets in own for one in targets):
            if same_name(name, first) or _is_source(case, name):
                return (*path, case.name(name))
            if short(name) not in seen:
                seen.add(short(name))
                paths.append((*path, case.name(name)))
    return ()


def _is_source(case: Case, name: str) -> bool:
    """Whether a name is one of the cluster's: a node or a CMS."""
    cms = () if isinstance(case.main.cms, Unknown) else case.main.cms
    return case.in_main(name) or any(same_name(one.name, name) for one in cms)


RULES = (
    Rule(
        id="SCR-TARGETS-FIRST",
        says="Every SCR target of any CMS in the cluster is updated before any node of the cluster.",
        source="S16, S17: apply the update rollup first to the SCR target computers",
        sentences=("S16", "S17"),
        plan=True,
        gate=NODE_STEPS | {StepKind.HANDOFF},
        needs=("StandbyMachines of every storage group", "the level read on each target itself"),
        stops="The source must not run ahead of its targets.",
        remedy="Patch the target first; if it is gone for good, disable the SCR relation.",
        waivable="when a target cannot be reached, at the plan no node of its cluster either: with a reason",
        judge=targets_first,
    ),
    Rule(
        id="SCR-CYCLE",
        says="No SCR target is, directly or through others, a source for this cluster.",
        source="facts/exchange.md §1.4 and §8: the document gives no order for a cycle",
        sentences=("S16",),
        plan=True,
        needs=("SCR relations of the targets' own storage groups",),
        stops="There is no first machine.",
        remedy="Disable one relation.",
        waivable="with a reason",
        judge=scr_cycle,
    ),
)
