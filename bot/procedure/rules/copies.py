"""Rules about copies that an install or a move would cut off, or that must go on after it."""

from __future__ import annotations

from bot.procedure.facts import ClusterKind, Unknown, same_name, short
from bot.procedure.picture import Cms
from bot.procedure.rules.case import (
    DISRUPTIVE,
    Case,
    Finding,
    Rule,
    blocks,
    mail_servers,
    not_needed,
    passes,
    together,
    unknown,
    warns,
)
from state.words import Fact, Step, StepKind

BROKEN = {"failed", "suspended", "failedandsuspended", "disabled", "stopped", "notsupported"}
_COMING = {"servicedown"}
_GOING_ON = {"copying", "seeding", "initializing", "resynchronizing"}
KNOWN = BROKEN | _COMING | _GOING_ON | {"healthy"}  # words of SummaryCopyStatus (§2)
_LIST = "Get-StorageGroup | fl Identity,StandbyMachines as the bot's account"
ACTS = DISRUPTIVE | {StepKind.HANDOFF}


def affected(case: Case) -> tuple[Cms, ...] | Finding:
    """The mail servers whose copies or backups the step could cut off."""
    step, mail = case.step, mail_servers(case)
    if step is not None and step.kind is StepKind.HANDOFF and not isinstance(mail, Finding):
        return tuple(one for one in mail if same_name(one.name, step.cms))
    return mail


def seeding_none(case: Case) -> Finding:
    """§9: an install or a move kills a seeding, possibly days of work."""
    step, mail = case.step, affected(case)
    if step is None:
        return not_needed("Nothing is done yet.")
    if isinstance(mail, Finding):
        return mail
    found = []
    for cms in mail:
        if isinstance(cms.copies, Unknown):
            found.append(unknown(f"The copies of {cms.name} could not be read: {cms.copies.why}.", "Recheck."))
            continue
        concerned = [copy for copy in cms.copies if _concerned(case, step, copy.standby)]
        found += [_seeding(cms.name, copy.storage_group, copy.standby, copy.status) for copy in concerned]
        listed = {(copy.storage_group.casefold(), short(copy.standby)) for copy in concerned}
        found += [
            unknown(
                f"The copy of {group} {_where(standby)} was not listed, so nobody can say that it is not Seeding.",
                f"Get-StorageGroupCopyStatus '{cms.name}\\{group}'{f' -StandbyMachine {standby}' if standby else ''}",
            )
            for group, standby in _expected(case, cms)
            if _concerned(case, step, standby) and (group.casefold(), short(standby)) not in listed
        ]
    if not case.in_main(step.target):
        found += _elsewhere(case, step, mail)
    if not found:
        return not_needed(f"No storage group copy is kept on {step.target}.")
    return together(found, "No copy is Seeding.")


def _elsewhere(case: Case, step: Step, mail: tuple[Cms, ...]) -> list[Finding]:
    """The copies an SCR target holds of other servers, and those it feeds itself: its own word, nobody else is read."""
    name = step.target
    copies = case.surveyed(name, lambda one: one.scr)
    if isinstance(copies, Unknown):
        return [
            unknown(f"What {name} keeps of other servers, and feeds itself, could not be read: {copies.why}.", _LIST)
        ]
    listed = {(short(one.server), one.storage_group.casefold()) for one in copies if same_name(one.standby, name)}
    found = [
        unknown(f"{name} does not list its copy of {cms.name}\\{group}: its list of copies is not whole.", _LIST)
        for cms in mail
        for group, targets in (() if isinstance(cms.standbys, Unknown) else cms.standbys)
        if any(same_name(one.node_name, name) for one in targets) and (short(cms.name), group.casefold()) not in listed
    ]
    for one in copies:
        if any(same_name(one.server, cms.name) for cms in mail):
            continue  # judged by what its own cluster says
        group = f"{one.server}\\{one.storage_group}"
        if isinstance(one.status, Unknown):
            found.append(
                unknown(
                    f"Whether the copy of {group} on {one.standby} is Seeding could not be read: {one.status.why}.",
                    f"Get-StorageGroupCopyStatus '{group}' -StandbyMachine {one.standby}",
                    Fact(name=f"copy of {group} on {one.standby}", value="unknown"),
                    waivable=True,
                )
            )
        else:
            found.append(_seeding(one.server, one.storage_group, one.standby, one.status))
    return found


def _concerned(case: Case, step: Step, standby: str) -> bool:
    """Whether a copy (of the passive node, or on a standby) is one the step could cut off."""
    if step.kind is StepKind.HANDOFF:
        return True
    if not case.in_main(step.target):
        return bool(standby) and same_name(standby, step.target)
    return not standby  # a passive node holds the CCR copy, an SCR target the standby copy


def _expected(case: Case, cms: Cms) -> list[tuple[str, str]]:
    """The copies there must be: of every storage group one on the passive node (CCR), and one on each standby."""
    own = [(group, "") for group in cms.storage_groups] if case.main.kind is not ClusterKind.SCC else []
    relations = () if isinstance(cms.standbys, Unknown) else cms.standbys
    named = [(group, one.node_name) for group, targets in relations for one in targets]
    aside = (*case.unheard, *case.left_out)  # people accepted that nothing is known of these
    return [*own, *((group, name) for group, name in named if not any(same_name(name, one) for one in aside))]


def _where(standby: str) -> str:
    return f"on {standby}" if standby else "on the passive node"


def _seeding(server: str, group: str, standby: str, status: str) -> Finding:
    where = _where(standby)
    fact = Fact(name=f"copy of {server}\\{group} {where}", value=status)
    state = status.replace(" ", "").casefold()
    if state == "seeding":
        return blocks(
            f"The copy of {server}\\{group} {where} is Seeding; this step would cut it off.",
            "Let it finish, or accept that it starts again.",
            fact,
            waivable=True,
        )
    if state not in KNOWN:
        return unknown(
            f"The copy of {server}\\{group} {where} is {status!r}, a word nobody here knows: it may be seeding.",
            "Get-StorageGroupCopyStatus | fl Name,SummaryCopyStatus,Seeding",
            fact,
        )
    return passes("", fact)


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
    if word in BROKEN:
        return blocks(f"The copy of {group} on {target} is {status}.", how, fact, patience_s=patience)
    if word in _GOING_ON:
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
        verdict="block; warn while the copy is still coming",
        stops="Logs pile up on the source.",
        remedy="Resume-StorageGroupCopy, after finding out why.",
        judge=scr_copy_ok,
    ),
    Rule(
        id="SEEDING-NONE",
        says="No copy that this machine holds or feeds is being seeded.",
        source="facts/exchange.md §9, Copies",
        sentences=("S14",),
        gate=ACTS,
        needs=(
            "Get-StorageGroupCopyStatus, with -StandbyMachine for SCR",
            "the same on an SCR target for every storage group of the organisation that it stands by for or feeds",
        ),
        stops="The seeding would have to start again.",
        remedy="Let it finish.",
        waivable="when a copy is Seeding, or one of another server cannot be read: with a reason",
        judge=seeding_none,
    ),
)
