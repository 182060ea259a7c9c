"""The rule about the end of a handoff: S14 of the document. The mail server is there, and users can work."""

from __future__ import annotations

from bot.procedure.facts import ClusterKind, DatabaseFacts, Unknown, same_name
from bot.procedure.picture import Cms
from bot.procedure.rules.case import Case, Finding, Rule, blocks, not_needed, passes, together, unknown
from bot.procedure.rules.copies import BROKEN, KNOWN
from bot.procedure.rules.handoff import databases, mail_server
from bot.procedure.rules.mailflow import indexing, queues
from state.words import Fact, StepKind

_HANDOFF = frozenset({StepKind.HANDOFF})


def move_done(case: Case) -> Finding:
    """S14: the mail server is online on the target and every database that was mounted is mounted again."""
    step, cms = case.step, mail_server(case)
    if isinstance(cms, Finding):
        return cms
    if step is None:
        return not_needed("No mail server was moved.")
    patience = case.context.limits.views_s
    active, state = cms.active_node, cms.state
    found = []
    if isinstance(active, Unknown) or isinstance(state, Unknown):
        why = active.why if isinstance(active, Unknown) else state.why if isinstance(state, Unknown) else ""
        found.append(unknown(f"{cms.name}: {why}.", "Get-ClusteredMailboxServerStatus", patience_s=patience))
    else:
        facts = (Fact(name=f"{cms.name} active on", value=active or "no node"), Fact(name=cms.name, value=state))
        if not same_name(active, step.target):
            found.append(
                blocks(
                    f"{cms.name} is on {active or 'no node'}, not on {step.target}.",
                    "Read the job's log; the move was refused or failed.",
                    *facts,
                    patience_s=patience if not active else 0.0,
                )
            )
        elif state != "Online":
            found.append(
                blocks(
                    f"{cms.name} is {state} on {step.target}.",
                    f"Mail may be down. By hand, now: Start-ClusteredMailboxServer -Identity {cms.name}",
                    *facts,
                    patience_s=patience,
                )
            )
        else:
            found.append(passes("", *facts))
    before = {name: value for name, value in case.before("MOVE-READY").items() if name.startswith("database ")}
    for one in databases(cms):
        names = {fact.name for fact in one.facts}
        if any(before.get(name) == "dismounted" for name in names):
            continue
        found.append(
            Finding(
                one.verdict,
                one.sentence.replace("; a move would leave it out of its checks", " after the move"),
                one.remedy.replace(", or find out why it is down", ""),
                one.facts,
                patience_s=patience,
            )
        )
    if not isinstance(cms.databases, Unknown):
        known = {f"database {db.storage_group}\\{db.name}" for db in cms.databases}
        found += [
            unknown(
                f"{name.removeprefix('database ')} of {cms.name} was {before[name]} before the move and is not listed now.",
                f"Get-MailboxDatabase (or Get-PublicFolderDatabase) -Server {cms.name} -Status",
                patience_s=patience,
            )
            for name in before
            if name not in known
        ]
        found += _connectivity(case, step.target, cms.databases)
    found += [*_copies(case, cms), *queues(case, step), indexing(case, step)]
    return together(found, f"{cms.name} is Online on {step.target} and every database is mounted.")


def _copies(case: Case, cms: Cms) -> list[Finding]:
    """§8: the copies come back within a limit. One that still initializes holds up the next handoff only (§9)."""
    if case.cluster is not None and case.cluster.kind is ClusterKind.SCC:
        return []
    patience, how = case.context.limits.settle_s, f"Get-StorageGroupCopyStatus -Server {cms.name} | fl"
    if isinstance(cms.copies, Unknown):
        said = f"The copies of {cms.name} could not be read after the move: {cms.copies.why}."
        return [unknown(said, how, patience_s=patience)]
    found = []
    for copy in cms.copies:
        if copy.standby:
            continue
        fact = Fact(name=f"copy of {copy.storage_group}", value=copy.status, machine=cms.name)
        state = copy.status.replace(" ", "").casefold()
        if state in BROKEN:
            said = f"The copy of {copy.storage_group} is {copy.status} after the move: it does not follow any more."
            found.append(
                blocks(said, f"{how} says why; then Resume- or Update-StorageGroupCopy.", fact, patience_s=patience)
            )
        elif state not in KNOWN:
            said = f"The copy of {copy.storage_group} is {copy.status!r} after the move, a word nobody here knows."
            found.append(unknown(said, how, fact, patience_s=patience))
        else:
            found.append(passes("", fact))
    return found


def _connectivity(case: Case, name: str, mounted: tuple[DatabaseFacts, ...]) -> list[Finding]:
    """Test-MapiConnectivity must have succeeded for every mailbox database (§9): mounted is not yet open to users."""
    results, patience = case.said(name, lambda one: one.mapi), case.context.limits.views_s
    how = f"Test-MapiConnectivity -Server {case.step.cms if case.step else ''}"
    if isinstance(results, Unknown):
        return [unknown(f"Whether users can log on could not be tried: {results.why}.", how, patience_s=patience)]
    found = [
        blocks(
            f"Test-MapiConnectivity to {database}: {result}.",
            "Mounted, but clients cannot log on: check the Information Store and Active Directory.",
            Fact(name=f"MAPI {database}", value=result, machine=name),
            patience_s=patience,
        )
        if result.casefold() not in {"success", "passed"}
        else passes("", Fact(name=f"MAPI {database}", value=result, machine=name))
        for database, result in results
    ]
    tried = {database.casefold() for database, _ in results}
    asked = [db.name for db in mounted if db.mounted is True and not db.public]  # it logs on to mailboxes only
    left = [name for name in asked if name.casefold() not in tried]
    if left:
        said = f"Test-MapiConnectivity says nothing of {', '.join(left)}."
        found.append(unknown(said, how, patience_s=patience))
    return found


RULES = (
    Rule(
        id="MOVE-DONE",
        says="After the move the mail server is Online on the target, every database is mounted, and mail flows to it.",
        source="S14; MOVE-HOWTO: the transition can complete while some databases stay dismounted",
        sentences=("S14",),
        after=_HANDOFF,
        needs=(
            "Get-ClusteredMailboxServerStatus",
            "Get-MailboxDatabase -Status and Get-PublicFolderDatabase -Status",
            "Get-StorageGroupCopyStatus (CCR)",
            "Test-MapiConnectivity to every mounted mailbox database",
            "Get-Queue on every Hub Transport server; one that cannot be asked from the node is told, and stops nothing",
            "the services of content indexing: only a warning",
        ),
        verdict="block; warn for queues that could not be asked and for content indexing",
        stops="Mail is down, for some or for all.",
        remedy="Mount-Database; Start-ClusteredMailboxServer. Nobody waits for a second vote with mail down.",
        judge=move_done,
    ),
)
