"""Rules about backups: one stands before anything is changed, and none is running that a step would end."""

from __future__ import annotations

from bot.procedure.facts import ClusterKind, Unknown, WriterFacts
from bot.procedure.rules.case import (
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
from bot.procedure.rules.copies import ACTS, affected
from bot.procedure.window import WRITE_SPANS, Span, spans
from state.words import Fact, Step, StepKind

_STABLE, _BACKING_UP = 1, {2, 3, 4, 5}  # VSS_WRITER_STATE, which vssadmin prints in brackets
_WRITERS = "`vssadmin list writers`"


def backup_running(case: Case) -> Finding:
    """S13/§9: a move ends a running backup, and so does an install on the passive copy it reads from."""
    step, mail = case.step, affected(case)
    if step is None:
        return _schedule(case)
    if step.kind is not StepKind.HANDOFF and not case.in_main(step.target):
        return _stand_alone(case, step)
    if isinstance(mail, Finding):
        return mail
    found = []
    for cms in mail:
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
    found += _writers(case, step)
    if not found:
        return not_needed("There are no databases.")
    return together(found, "No backup is running.")


def _stand_alone(case: Case, step: Step) -> Finding:
    """An SCR target: what it holds for the cluster is not backed up there, its own databases may be."""
    if case.is_node(step.target):
        return not_needed("No backup of a mail server runs on a node of a standby cluster.")
    writers = case.surveyed(step.target, lambda one: one.writers)
    if isinstance(writers, Unknown):
        return unknown(f"Whether a backup of {step.target} itself runs is not known: {writers.why}.", _WRITERS)
    mine = [_writer(one, step) for one in writers if one.name.casefold().startswith("microsoft exchange")]
    fact = Fact(name="Exchange writer", value="listed" if mine else "none", machine=step.target)
    return together((*mine, passes("", fact)), f"No backup of {step.target}'s own databases is running.")


def _writers(case: Case, step: Step) -> list[Finding]:
    """The shadow copy writer of the passive copy (CCR): a backup of that copy is seen there and nowhere else.

    On a passive node the Information Store does not run, so every Exchange writer there is the Replication service's.
    """
    if case.cluster is not None and case.cluster.kind is ClusterKind.SCC:
        return []  # one copy only, on the active node
    name = step.target
    writers = case.surveyed(name, lambda one: one.writers)
    if isinstance(writers, Unknown):
        return [unknown(f"Whether a backup reads the copy on {name} is not known: {writers.why}.", _WRITERS)]
    mine = [one for one in writers if one.name.casefold().startswith("microsoft exchange")]
    return [_writer(one, step) for one in mine] or [_no_writer(case, name)]


def _writer(writer: WriterFacts, step: Step) -> Finding:
    name, fact = step.target, Fact(name=writer.name, value=f"state {writer.state}", machine=step.target)
    if writer.state == _STABLE:
        return passes("", fact)
    busy = writer.state in _BACKING_UP
    what = "the copy there" if step.role == "node" else "its own databases"
    said = f"a backup of {what} is running" if busy else "its last backup failed, and the next may be trying"
    return blocks(
        f"The {writer.name} on {name} is in state [{writer.state}], not [{_STABLE}]: {said}.",
        "Wait until it is done, and keep the next one out of the way." if busy else f"Find out on {name}: {_WRITERS}",
        fact,
        waivable=step.kind is not StepKind.HANDOFF,
    )


def _no_writer(case: Case, name: str) -> Finding:
    """No Exchange writer: right while the Replication service is stopped, and only then."""
    services = case.said(name, lambda one: one.services)
    if isinstance(services, Unknown):
        return unknown(f"{name} lists no Exchange writer, and its services are not known: {services.why}.", _WRITERS)
    running = any(one.name.casefold() == "msexchangerepl" and one.state == "Running" for one in services)
    if running:
        return unknown(f"The Replication service runs on {name} and its writer is not listed.", _WRITERS)
    return passes("", Fact(name="Exchange writer", value="none, the Replication service is stopped", machine=name))


def _schedule(case: Case) -> Finding:
    """§9: the plan asks when backups run; one that overlaps with the maintenance window has to be moved."""
    name, declared, now = case.main.name, case.facts.inventory.backups, case.facts.now
    if isinstance(case.main.cms, tuple) and not case.main.cms:
        return not_needed(f"{name} holds no mail server.")
    if not declared:
        return warns(
            f"When the backups of {name} run is not declared; an install or a handoff would end one.",
            f'Ask whoever runs them, or declare it: backups = "Mon-Fri 01:00-05:00 +01:00" in [clusters.{name}].',
        )
    window = case.facts.inventory.window
    need = sum(step.expected_s for step in case.plan.steps) if case.plan else 0.0
    try:
        # Without a window the campaign may begin now, and takes as long as its steps do.
        ours = spans(window, now) if window else (Span(now, now + need),)
        theirs = spans(declared, now)
    except ValueError as error:
        return unknown(
            f"When backups of {name} run, or its window, cannot be read: {error}.", f"backups: {WRITE_SPANS}"
        )
    fact = Fact(name="declared backups", value=declared, machine=name)
    if any(one.begin < other.end and other.begin < one.end and one.end > now for one in ours for other in theirs):
        what = f"the maintenance window ({window})" if window else "the time from now on that the steps need"
        return blocks(
            f"The declared backups of {name} ({declared}) overlap with {what}: a step would end one.",
            "Move the backups, or make sure that none runs then, and accept it with a reason.",
            fact,
            waivable=True,
        )
    return passes("No declared backup runs while the plan may be carried out.", fact)


def backup_recent(case: Case) -> Finding:
    """S13: a full backup of every database stands before anything is changed (CCR-HOWTO)."""
    mail = mail_servers(case)
    if isinstance(mail, Finding):
        return mail
    limit = case.context.limits.backup_age_s
    found = []
    for cms in mail:
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


RULES = (
    Rule(
        id="BACKUP-RUNNING",
        says="No backup is running that this step would end.",
        source="S13; MOVE-HOWTO: running backups of the CMS are aborted; facts/exchange.md §9",
        sentences=("S13",),
        plan=True,
        gate=ACTS,
        needs=(
            "BackupInProgress of every database",
            "the Exchange writers (`vssadmin list writers`) of the node (CCR) or of the stand-alone target",
            "the declared backups and the maintenance window, at the plan",
        ),
        verdict="block; warn at the plan where no backups are declared",
        stops="The backup would be lost.",
        remedy="Wait until it is done; keep backups out of the maintenance window.",
        waivable="at the plan and before an install, with a reason; never before a handoff",
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
