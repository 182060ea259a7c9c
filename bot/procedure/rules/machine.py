"""Rules about the machine under Exchange: restarts owed, disks, services, PowerShell, antivirus, the runner task."""

from __future__ import annotations

from bot.procedure.commands import follows_cms
from bot.procedure.facts import ServiceFacts, Unknown
from bot.procedure.rules.case import (
    DISRUPTIVE,
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

_INSTALL = frozenset({StepKind.INSTALL})


def reboot_pending(case: Case) -> Finding:
    """§9: an install on top of a pending restart may fail; block*, because some nodes always look like that."""
    found = []
    for name in case.subjects:
        pending = case.said(name, lambda one: one.reboot_pending)
        if isinstance(pending, Unknown):
            found.append(unknown(f"Whether {name} owes a restart is not known: {pending.why}.", "Recheck."))
            continue
        fact = Fact(name="restart pending", value=", ".join(pending) or "no", machine=name)
        if pending:
            found.append(
                blocks(
                    f"{name} waits for a restart: {', '.join(pending)}.",
                    f"Restart {name} while it is empty and passive, or accept it with a reason "
                    "(PendingFileRenameOperations is nearly permanent on some servers).",
                    fact,
                    waivable=True,
                )
            )
        else:
            found.append(passes("", fact))
    return together(found, f"{', '.join(case.subjects)}: no restart is pending.")


def disk(case: Case) -> Finding:
    """§8: room for the Installer's cache, the rollback and native images on the system and package drives."""
    limit = case.context.limits.disk_free_mb
    found, looked_at = [], set()
    for name in case.subjects:
        free = case.said(name, lambda one: one.disk_free_mb)
        if isinstance(free, Unknown):
            found.append(unknown(f"The free space of {name} is not known: {free.why}.", "Recheck."))
            continue
        system = case.said(name, lambda one: one.system_drive)
        if isinstance(system, Unknown) or not system:
            why = system.why if isinstance(system, Unknown) else "it was not given"
            found.append(unknown(f"Which drive of {name} Windows is on is not known: {why}.", "Recheck."))
            continue
        wanted = {system.upper(), case.package.path[:2].upper()}
        looked_at |= wanted
        drives = {drive.rstrip("\\").upper(): mb for drive, mb in free}
        for drive in sorted(wanted):
            if drive not in drives:
                found.append(unknown(f"{name} does not list drive {drive}.", "Recheck."))
                continue
            fact = Fact(name=f"free on {drive}", value=f"{drives[drive]} MB", machine=name, moving=True)
            if drives[drive] < limit:
                found.append(
                    blocks(f"Drive {drive} of {name} has less than {limit} MB free.", f"Free {limit} MB there.", fact)
                )
            else:
                found.append(passes("", fact))
    return together(found, f"{', '.join(case.subjects)}: at least {limit} MB free on {' and '.join(sorted(looked_at))}")


def services_snapshot(case: Case) -> Finding:
    """§8: start mode and state of every Exchange service before; none Disabled or stopped by the install after."""
    step = case.step
    if step is None:
        return not_needed("Nothing was installed.")
    if step.groups:
        return not_needed("This step moves groups and touches no service.")
    services = case.said(step.target, lambda one: one.services)
    if isinstance(services, Unknown):
        return unknown(
            f"The services of {step.target} could not be read: {services.why}.",
            "Recheck.",
            patience_s=case.context.limits.settle_s if case.when is When.AFTER else 0.0,
        )
    if not services:
        return unknown(f"{step.target} listed no services.", "Recheck.")
    facts = tuple(
        Fact(name=f"service {one.name}", value=f"{one.state}, {one.start}", machine=step.target) for one in services
    )
    if case.when is When.AFTER:
        return _services_after(case, services, facts)
    return passes(f"State and start mode of {len(services)} services of {step.target} are noted.", *facts)


def _services_after(case: Case, services: tuple[ServiceFacts, ...], facts: tuple[Fact, ...]) -> Finding:
    name = case.step.target if case.step else ""
    before = case.before("SERVICES-SNAPSHOT")
    for image in case.context.images:
        if image.machine.casefold() == name.casefold():
            # As found before the first attempt: what an attempt that failed left is no state to come back to.
            before |= {f"service {one}": f"{state}, {start}" for one, state, start in image.services}
    if not before:
        return unknown(f"How the services of {name} were before is not on record.", "Compare them by hand.", *facts)
    found = [passes("", *facts)]
    disabled: list[tuple[ServiceFacts, str]] = []
    for one in services:
        state, _, start = before.get(f"service {one.name}", "").partition(", ")
        if one.start.casefold() == "disabled" and start and start.casefold() != "disabled":
            disabled.append((one, start))
        elif state.casefold() == "running" and one.state.casefold() != "running" and not follows_cms(one.name):
            found.append(
                blocks(
                    f"{one.name} on {name} is {one.state}; before it was running.",
                    f"net start {one.name}. If it times out (event 7000/7009), the certificate revocation list may be "
                    "out of reach.",
                    Fact(name=f"service {one.name}", value=f"{one.state}, {one.start}", machine=name),
                    patience_s=case.context.limits.settle_s,
                )
            )
    if disabled:
        found.insert(1, _left_disabled(name, disabled, case.step))
    return together(found, f"The services of {name} run and start as before.")


def _left_disabled(name: str, disabled: list[tuple[ServiceFacts, str]], step: Step | None) -> Finding:
    """All of them in one sentence: an install that failed leaves a dozen. After an install the engine offers a restore."""
    modes = ", ".join(f"{one.name} (before: {start})" for one, start in disabled)
    commands = "; ".join(
        f"sc config {one.name} start= {'auto' if start.casefold().startswith('auto') else 'demand'}"
        for one, start in disabled
    )
    installed = step is not None and step.kind is StepKind.INSTALL
    return blocks(
        f"Disabled on {name}: {modes}. A failed install leaves services like that.",
        ("`/rollup recheck`: a gate asks for putting them back. Or by hand: " if installed else "") + commands,
        *(Fact(name=f"service {one.name}", value=f"{one.state}, {one.start}", machine=name) for one, _ in disabled),
    )


RULES = (
    Rule(
        id="REBOOT-PENDING",
        says="The machine does not wait for a restart.",
        source="facts/exchange.md §8 and §9",
        sentences=("S3",),
        gate=_INSTALL,
        needs=("PendingFileRenameOperations, component servicing, Windows Update",),
        stops="The install may fail or end in a forced restart.",
        remedy="Restart the emptied node first; the planner puts that step in when it sees it.",
        waivable="with a reason",
        judge=reboot_pending,
    ),
    Rule(
        id="DISK",
        says="The system drive and the package's drive have room.",
        source="facts/exchange.md §8; no figure is published, 3 GB by default",
        sentences=("S3",),
        plan=True,
        gate=_INSTALL,
        needs=("free space per drive", "the drive Windows is on, and the one the package lies on"),
        stops="The Installer's cache, rollback and native images need it.",
        remedy="Free space there.",
        judge=disk,
    ),
    Rule(
        id="SERVICES-SNAPSHOT",
        says="State and start mode of the services are noted before; none is Disabled or stopped by the install after.",
        source="facts/exchange.md §5 and §8: after a failed run services may stay Disabled",
        sentences=("S8",),
        gate=DISRUPTIVE,
        after=DISRUPTIVE | {StepKind.RESTORE},
        needs=("state and start mode of MSExchange*, ClusSvc, RemoteRegistry, W3SVC",),
        stops="Exchange does not fully run there.",
        remedy="`sc config <service> start= auto`, `net start <service>`, or the restore step.",
        judge=services_snapshot,
    ),
)
