"""Rules about levels: S4 of the document, and what an install must have reached."""

from __future__ import annotations

from bot.procedure.facts import LevelFacts, Unknown, same_name
from bot.procedure.levels import Build, machine_level, row_of
from bot.procedure.rules.case import (
    FIX_BUILD,
    NO_BUILD,
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
from state.words import Fact, StepKind

_INSTALL = frozenset({StepKind.INSTALL})


def level_agree(case: Case) -> Finding:
    """§3: ExSetup, the highest applied patch and the product agree on every machine."""
    found = []
    for name in case.everyone:
        machine = case.machine(name)
        level = machine_level(machine, name)
        if isinstance(level, Build):
            found.append(passes("", Fact(name="level", value=str(level), machine=name)))
        elif machine is None or isinstance(machine.level, Unknown) or _unread(machine.level):
            found.append(
                unknown(f"The level of {name} could not be read: {level.why}.", "Recheck when the machine answers.")
            )
        else:
            found.append(
                blocks(
                    f"The level of {name} is not certain: {level.why}.",
                    "Find out which rollup is really there (ExSetup.exe and Add/Remove Programs) before patching.",
                    Fact(name="level", value=level.why, machine=name),
                    waivable=case.lower(name) is not None and not isinstance(case.target_build, Unknown),
                )
            )
    levels = ", ".join(f"{f.machine} {f.value}" for one in found for f in one.facts)
    return together(found, f"All sources agree: {levels}.")


def _unread(level: LevelFacts) -> bool:
    return any(isinstance(one, Unknown) for one in (level.exsetup, level.patches, level.base))


def no_wu(case: Case) -> Finding:
    """S4: whether a machine needs the rollup comes from its build and the catalogue, never from Microsoft Update."""
    found = []
    for name in case.everyone:
        level = case.level(name)
        if isinstance(level, Unknown):
            found.append(
                unknown(
                    f"Whether {name} needs the rollup cannot be said: {level.why}.",
                    "Microsoft Update does not detect rollups on clusters and is not asked.",
                )
            )
        else:
            row = row_of(level)
            found.append(passes("", Fact(name="rollup", value=row.title if row else str(level), machine=name)))
    return together(found, "Levels come from the builds on the machines; Microsoft Update is not asked.")


def level_reached(case: Case) -> Finding:
    """After an install the build read from the machine is the package's."""
    build = case.target_build
    if isinstance(build, Unknown):
        return unknown(NO_BUILD, FIX_BUILD)
    if case.step is None or case.step.option == "reboot-first":
        return not_needed("This restart comes before the install; the level is judged after it.")
    name = case.step.target
    level = case.level(name)
    patience = case.context.limits.settle_s
    if isinstance(level, Unknown):
        return unknown(
            f"The level of {name} after the install is not certain: {level.why}.",
            "Read install.log in the job folder; look for 'Return value 3'.",
            patience_s=patience,
        )
    fact = Fact(name="level", value=str(level), machine=name)
    if level < build:
        return blocks(
            f"{name} is still at {level}, not at {build}.",
            "Read install.log in the job folder; look for 'Return value 3'. Then `/rollup retry` or abort.",
            fact,
        )
    return passes(f"{name} is at {level}.", fact)


def both_nodes(case: Case) -> Finding:
    """The run is complete only when every machine is at the level (CCR-HOWTO: mixed levels are unsupported)."""
    build = case.target_build
    found = []
    for name in case.scope:
        needs = case.needs(name)
        if needs is not False and any(same_name(name, one) for one in case.left_out):
            found.append(
                warns(
                    f"The SCR target {name} was left out of this campaign and is not known to be at {build}.",
                    "Plan again when it answers, or disable the relation.",
                    Fact(name="level", value="left out", machine=name),
                )
            )
        elif isinstance(needs, Unknown):
            found.append(unknown(f"Whether {name} is at the level is not known: {needs.why}.", "Recheck."))
        elif needs:
            found.append(
                blocks(
                    f"{name} is at {case.level(name)}, below {build}: the cluster is supported only when all are equal.",
                    "Plan again: it goes on where it stands.",
                    Fact(name="level", value=str(case.level(name)), machine=name),
                )
            )
        else:
            found.append(passes("", Fact(name="level", value=str(case.level(name)), machine=name)))
    return together(found, f"Every machine is at {build}.")


RULES = (
    Rule(
        id="LEVEL-AGREE",
        says="ExSetup.exe, the highest applied patch and the installed product agree on the level of each machine.",
        source="facts/exchange.md §3 and §9, Software on the node",
        sentences=("S4",),
        plan=True,
        gate=_INSTALL,
        needs=("file version of ExSetup.exe", "the Installer's patches and base version", "the catalogue"),
        stops="Nobody knows what is really installed.",
        remedy="Compare ExSetup.exe with Add/Remove Programs on that machine.",
        waivable="when both values are shown and a second engineer accepts the lower one",
        judge=level_agree,
    ),
    Rule(
        id="NO-WU",
        says="Need and level come from builds and the catalogue, never from Microsoft Update or the hotfix list.",
        source="S4: update rollups are not detected for clustered mailbox servers by Microsoft Update",
        sentences=("S4",),
        plan=True,
        needs=("the level of each machine",),
        stops="A level that is not in the catalogue is no level.",
        remedy="Add the build to the catalogue only from a Microsoft source.",
        judge=no_wu,
    ),
    Rule(
        id="LEVEL-REACHED",
        says="After the install the machine is at the package's level.",
        source="facts/exchange.md §5: 0, 1641 and 3010 are successes, but verify the build anyway",
        sentences=("S4",),
        after=frozenset({StepKind.INSTALL, StepKind.RESTART}),
        needs=("the level of the machine",),
        stops="The install did not do what its exit code says.",
        remedy="Read install.log in the job folder; `/rollup retry` or abort.",
        judge=level_reached,
    ),
    Rule(
        id="BOTH-NODES",
        says="At the end every machine is at the level.",
        source="facts/exchange.md §1.1 no. 4: the cluster is supported only once both nodes are on the level",
        close=True,
        needs=("the level of each machine",),
        verdict="block; warn for a target that was left out on purpose",
        stops="The campaign is not complete.",
        remedy="Plan again: it goes on where the cluster stands.",
        judge=both_nodes,
    ),
)
