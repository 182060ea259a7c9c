"""Rules about copies and backups that an install or a move would cut off, or that must go on after it."""

from __future__ import annotations

from bot.procedure.facts import Unknown, same_name
from bot.procedure.picture import Cms
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
    warns,
)
from state.words import Fact, StepKind

_BROKEN = {"failed", "suspended", "failedandsuspended", "disabled"}
_COMING = {"servicedown"}
_ACTS = DISRUPTIVE | {StepKind.HANDOFF}


def _affected(case: Case) -> tuple[Cms, ...] | Finding:
    """The mail servers whose copies or backups the step could cut off."""
    step = case.step
    if isinstance(case.main.cms, Unknown):
        return unknown(f"The mail servers could not be read: {case.main.cms.why}.", "Recheck.")
    if step is not None and step.kind is StepKind.HANDOFF:
        return tuple(one for one in case.main.cms if same_name(one.name, step.cms))
    return case.main.cms


def seeding_none(case: Case) -> Finding:
    """§9: an install or a move kills a seeding, possibly days of work."""
    step, affected = case.step, _affected(case)
    if step is None:
        return not_needed("Nothing is done yet.")
    if isinstance(affected, Finding):
        return affected
    found = []
    for cms in affected:
        if isinstance(cms.copies, Unknown):
            found.append(unknown(f"The copies of {cms.name} could not be read: {cms.copies.why}.", "Recheck."))
            continue
        for copy in cms.copies:
            scr = bool(copy.standby)
            if step.kind is not StepKind.HANDOFF and scr != (not case.in_main(step.target)):
                continue  # a passive node holds the CCR copy, an SCR target the standby copy
            if scr and step.kind is not StepKind.HANDOFF and not same_name(copy.standby, step.target):
                continue
            where = f"on {copy.standby}" if scr else "on the passive node"
            fact = Fact(name=f"copy of {cms.name}\\{copy.storage_group} {where}", value=copy.status)
            if copy.status.casefold() == "seeding":
                found.append(
                    blocks(
                        f"The copy of {copy.storage_group} {where} is Seeding; this step would cut it off.",
                        "Let it finish, or accept that it starts again.",
                        fact,
                        waivable=True,
                    )
                )
            else:
                found.append(passes("", fact))
    if not found:
        return not_needed(f"No storage group copy is kept on {step.target}.")
    return together(found, "No copy is Seeding.")


def backup_running(case: Case) -> Finding:
    """S13/§9: a move ends a running backup, and so does an install on the passive copy it reads from."""
    step, affected = case.step, _affected(case)
    if step is None or (step.kind is not StepKind.HANDOFF and not case.in_main(step.target)):
        return not_needed("No backup of a mail server runs on this machine.")
    if isinstance(affected, Finding):
        return affected
    found = []
    for cms in affected:
        if isinstance(cms.databases, Unknown):
            found.append(unknown(f"Whether a backup of {cms.name} runs is not known: {cms.databases.why}.", "Recheck."))
            continue
        for db in cms.databases:
            if isinstance(db.backup_running, Unknown):
                found.append(
                    unknown(f"Whether {db.name} is being backed up is not known: {db.backup_running.why}.", "Recheck.")
                )
                continue
            fact = Fact(name=f"backup of {db.name}", value="running" if db.backup_running else "none", machine=cms.name)
            if db.backup_running:
                found.append(
                    blocks(
                        f"A backup of {db.name} on {cms.name} is running; this step would end it.",
                        "Wait until it is done, and keep the next one out of the way.",
                        fact,
                        waivable=step.kind is not StepKind.HANDOFF,
                    )
                )
            else:
                found.append(passes("", fact))
    writer = _writer(case, step.target)
    if writer is not None:
        found.append(writer)
    if not found:
        return not_needed("There are no databases.")
    return together(found, "No backup is running.")


def _writer(case: Case, name: str) -> Finding | None:
    """The Replica writer of the passive copy, where the probe read it (`vssadmin list writers`)."""
    machine = case.machine(name)
    state = dict(machine.software).get("replica-writer", "") if machine else ""
    if not state:
        return None
    fact = Fact(name="Exchange Replica Writer", value=state, machine=name)
    if "stable" not in state.casefold():
        return blocks(
            f"The Exchange Replica Writer on {name} is in state {state!r}: a backup of the passive copy runs.",
            "Wait until it is done.",
            fact,
            waivable=True,
        )
    return passes("", fact)


def backup_recent(case: Case) -> Finding:
    """S13: a full backup of every database stands before anything is changed (CCR-HOWTO)."""
    if isinstance(case.main.cms, Unknown):
        return unknown(f"The mail servers could not be read: {case.main.cms.why}.", "Recheck.")
    limit = case.context.limits.backup_age_s
    found = []
    for cms in case.main.cms:
        if isinstance(cms.databases, Unknown):
            found.append(unknown(f"The backups of {cms.name} are not known: {cms.databases.why}.", "Recheck."))
            continue
        for db in cms.databases:
            last = db.last_full_backup
            if isinstance(last, Unknown):
                found.append(unknown(f"The last backup of {db.name} is not known: {last.why}.", "Recheck."))
                continue
            age = None if last is None else case.facts.now - last
            said = "never" if age is None else f"{age / 3600:.0f} h ago"
            fact = Fact(name=f"last full backup of {db.name}", value=said, machine=cms.name, moving=True)
            if age is None or age > limit:
                found.append(
                    blocks(
                        f"The last full backup of {db.name} on {cms.name} was {said}; it must be within {limit / 86400:.0f} days.",
                        "Run a full backup first.",
                        fact,
                        waivable=True,
                    )
                )
            else:
                found.append(passes("", fact))
    if not found:
        return not_needed(f"{case.main.name} holds no databases.")
    return together(found, f"Every database has a full backup of the last {limit / 86400:.0f} days.")


def scr_copy_ok(case: Case) -> Finding:
    """After a target's install its copies go on: not Failed, not Suspended; the replay lag is meant to be long."""
    step = case.step
    if step is None or isinstance(case.standbys, Unknown):
        return unknown("The SCR targets are not known.", "Recheck.")
    mine = [one for one in case.standbys if any(same_name(step.target, name) for name in one.machines[:1])]
    if not mine:
        return not_needed(f"{step.target} holds no SCR copy.")
    if isinstance(case.main.cms, Unknown):
        return unknown(f"The copies could not be read: {case.main.cms.why}.", "Recheck.")
    patience = case.context.limits.initializing_s
    found = []
    for cms in case.main.cms:
        groups = [group for one in mine for name, group in one.sources if same_name(name, cms.name)]
        if not groups:
            continue
        if isinstance(cms.copies, Unknown):
            found.append(
                unknown(
                    f"The copies of {cms.name} could not be read: {cms.copies.why}.", "Recheck.", patience_s=patience
                )
            )
            continue
        for group in dict.fromkeys(groups):
            copy = next(
                (
                    c
                    for c in cms.copies
                    if c.storage_group.casefold() == group.casefold()
                    and c.standby
                    and same_name(c.standby, step.target)
                ),
                None,
            )
            found.append(_copy(f"{cms.name}\\{group}", step.target, copy.status if copy else None, patience))
    return together(found, f"Replication to {step.target} goes on.")


def _copy(group: str, target: str, status: str | None, patience: float) -> Finding:
    how = f"Get-StorageGroupCopyStatus '{group}' -StandbyMachine {target}"
    if status is None:
        return unknown(f"The copy of {group} on {target} was not listed.", how, patience_s=patience)
    fact = Fact(name=f"copy of {group}", value=status, machine=target)
    word = status.replace(" ", "").casefold()
    if word == "healthy":
        return passes("", fact)
    if word in _BROKEN:
        return blocks(f"The copy of {group} on {target} is {status}.", how, fact, patience_s=patience)
    if word in {"copying", "seeding", "initializing", "resynchronizing"}:
        return warns(f"The copy of {group} on {target} is {status}.", "", fact)
    if word in _COMING:
        return blocks(f"The copy of {group} on {target} is {status}.", how, fact, patience_s=patience)
    return unknown(
        f"The copy of {group} on {target} is {status!r}, a word nobody here knows.", how, fact, patience_s=patience
    )


RULES = (
    Rule(
        id="SCR-COPY-OK",
        says="After a target's install its copies are not Failed and not Suspended.",
        source="facts/exchange.md §8; the replay lag of 24 h is normal and not judged",
        sentences=("S16",),
        after=frozenset({StepKind.INSTALL}),
        needs=("Get-StorageGroupCopyStatus -StandbyMachine",),
        stops="Logs pile up on the source.",
        remedy="Resume-StorageGroupCopy, after finding out why.",
        judge=scr_copy_ok,
    ),
    Rule(
        id="SEEDING-NONE",
        says="No copy that this machine holds or feeds is being seeded.",
        source="facts/exchange.md §9, Copies",
        sentences=("S14",),
        gate=_ACTS,
        needs=("Get-StorageGroupCopyStatus, with -StandbyMachine for SCR",),
        stops="The seeding would have to start again.",
        remedy="Let it finish.",
        waivable="with a reason",
        judge=seeding_none,
    ),
    Rule(
        id="BACKUP-RUNNING",
        says="No backup is running that this step would end.",
        source="S13; MOVE-HOWTO: running backups of the CMS are aborted; facts/exchange.md §9",
        sentences=("S13",),
        gate=_ACTS,
        needs=("BackupInProgress of every database", "the Replica writer where it was read"),
        stops="The backup would be lost.",
        remedy="Wait until it is done.",
        waivable="before an install, with a reason; never before a handoff",
        judge=backup_running,
    ),
    Rule(
        id="BACKUP-RECENT",
        says="Every database has a recent full backup.",
        source="S13; facts/exchange.md §1.1 no. 5: full backup of the CMS before and again after",
        sentences=("S13",),
        plan=True,
        needs=("LastFullBackup of every database",),
        stops="There would be nothing to go back to.",
        remedy="Run a full backup first.",
        waivable="with a reason",
        judge=backup_recent,
    ),
)
