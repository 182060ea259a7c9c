"""Rules about the handoff: S13 and S14 of the document. Whether the move would succeed."""

from __future__ import annotations

from bot.procedure.facts import ClusterKind, Unknown, same_name
from bot.procedure.levels import Build
from bot.procedure.picture import Cms
from bot.procedure.rules.case import Case, Finding, Rule, blocks, not_needed, passes, together, unknown
from state.words import Fact, Step, StepKind

_HANDOFF = frozenset({StepKind.HANDOFF})
_WAIT = {"initializing", "resynchronizing", "servicedown", "copying"}  # get better by themselves after a restart
_MAIL = (
    "If it stays Initializing, send 1 MB of mail to a mailbox in that storage group: a copy waits for its first log."
)


def mail_server(case: Case) -> Cms | Finding:
    """The mail server of this step, or why it is not seen."""
    step = case.step
    if step is None or case.cluster is None or isinstance(case.cluster.cms, Unknown):
        why = case.cluster.cms.why if case.cluster and isinstance(case.cluster.cms, Unknown) else "no cluster was read"
        return unknown(f"The mail server could not be read: {why}.", "Recheck.")
    found = next((one for one in case.cluster.cms if same_name(one.name, step.cms)), None)
    return found or unknown(f"{step.cms} is not listed by any node.", "Get-ClusteredMailboxServerStatus")


def move_ready(case: Case) -> Finding:
    """S14: the move would succeed, and mounting would be quick."""
    step, cms = case.step, mail_server(case)
    if isinstance(cms, Finding):
        return cms
    if step is None:
        return not_needed("No mail server is moved.")
    found = [_standing(step, cms), _target_level(case, step), _free(case, step), *databases(cms), *_copies(case, cms)]
    found += [_validated(case, step, cms), *_health(case, step)]
    return together(
        found,
        f"{cms.name} can go from {step.source} to {step.target}: online, every database mounted, "
        "copies Healthy where there are any, the target free and at the level, validation clean.",
    )


def _standing(step: Step, cms: Cms) -> Finding:
    active, state = cms.active_node, cms.state
    for fact in (active, state):
        if isinstance(fact, Unknown):
            return unknown(f"{cms.name}: {fact.why}.", "Get-ClusteredMailboxServerStatus")
    facts = (Fact(name=f"{cms.name} active on", value=str(active) or "no node"), Fact(name=cms.name, value=str(state)))
    if state != "Online":
        return blocks(
            f"{cms.name} is {state}, not Online.",
            f"Bring mail up first: Start-ClusteredMailboxServer -Identity {cms.name}",
            *facts,
        )
    if not same_name(str(active), step.source):
        where = active or "no node"
        return blocks(
            f"{cms.name} is active on {where}, but the plan moves it from {step.source}: somebody moved it.",
            "Abort and plan again: the new plan goes on where the cluster stands.",
            *facts,
        )
    return passes("", *facts)


def _target_level(case: Case, step: Step) -> Finding:
    name, build = step.target, case.target_build
    level = case.level(name)
    if isinstance(level, Unknown) or isinstance(build, Unknown):
        bad = level if isinstance(level, Unknown) else build
        why = bad.why if isinstance(bad, Unknown) else ""
        return unknown(f"Whether {name} is at the level is not known: {why}.", "Recheck.")
    fact = Fact(name="level", value=str(level), machine=name)
    if level < build and "return" not in step.option:
        return blocks(
            f"{name} is at {level}, not at {build}: a mail server only goes to an updated node.",
            f"Patch {name} first.",
            fact,
        )
    return passes("", fact)


def _free(case: Case, step: Step) -> Finding:
    running = case.cluster.cms_on(step.target) if case.cluster else ()
    there = [one for one in running if not same_name(one.name, step.cms)]
    if there:
        return blocks(
            f"{step.target} already runs {there[0].name}; a node takes one mail server.",
            "Abort and plan again.",
            Fact(name="runs", value=there[0].name, machine=step.target),
        )
    return passes("")


def databases(cms: Cms) -> list[Finding]:
    """Whether every database of a mail server is mounted."""
    if isinstance(cms.databases, Unknown):
        return [
            unknown(
                f"The databases of {cms.name} could not be read: {cms.databases.why}.",
                f"Get-MailboxDatabase (or Get-PublicFolderDatabase) -Server {cms.name} -Status",
            )
        ]
    found = []
    for db in cms.databases:
        if isinstance(db.mounted, Unknown):
            found.append(unknown(f"Whether {db.name} is mounted is not known: {db.mounted.why}.", "Recheck."))
            continue
        # The group is in the name because Mount-Database needs it: a stop pins that command for a human.
        fact = Fact(
            name=f"database {db.storage_group}\\{db.name}",
            value="mounted" if db.mounted else "dismounted",
            machine=cms.name,
        )
        if not db.mounted:
            found.append(
                blocks(
                    f"Database {db.name} of {cms.name} is dismounted; a move would leave it out of its checks.",
                    f"Mount-Database '{cms.name}\\{db.storage_group}\\{db.name}', or find out why it is down.",
                    fact,
                )
            )
        else:
            found.append(passes("", fact))
    return found


def _copies(case: Case, cms: Cms) -> list[Finding]:
    if case.cluster is not None and case.cluster.kind is ClusterKind.SCC:
        return []  # one copy only: there is nothing that could lag
    if isinstance(cms.copies, Unknown):
        return [
            unknown(
                f"The copies of {cms.name} could not be read: {cms.copies.why}.",
                f"Get-StorageGroupCopyStatus -Server {cms.name}",
            )
        ]
    found: list[Finding] = []
    own = {copy.storage_group.casefold(): copy for copy in cms.copies if not copy.standby}
    for group in dict.fromkeys((*cms.storage_groups, *(c.storage_group for c in cms.copies if not c.standby))):
        copy = own.get(group.casefold())
        if copy is None:
            found.append(unknown(f"No copy of {group} was listed.", f"Get-StorageGroupCopyStatus -Server {cms.name}"))
            continue
        state = Fact(name=f"copy of {group}", value=copy.status, machine=cms.name)
        if copy.status.casefold() != "healthy":
            waits = copy.status.casefold() in _WAIT
            patience = case.context.limits.initializing_s if waits else 0.0
            found.append(
                blocks(
                    f"The copy of {group} is {copy.status}, not Healthy; the move would be refused.",
                    _MAIL if waits else f"Get-StorageGroupCopyStatus '{cms.name}\\{group}' | fl says why.",
                    state,
                    patience_s=patience,
                )
            )
            continue
        found.append(passes("", state))
        for what, value, limit in (
            ("copy queue", copy.copy_queue, case.context.limits.copy_queue),
            ("replay queue", copy.replay_queue, case.context.limits.replay_queue),
        ):
            if isinstance(value, Unknown):
                found.append(unknown(f"The {what} of {group} is not known: {value.why}.", "Recheck."))
                continue
            fact = Fact(name=f"{what} of {group}", value=f"{value} logs", machine=cms.name, moving=True)
            if value > limit:
                found.append(
                    blocks(
                        f"The {what} of {group} is over {limit} logs: mounting would take long or lose mail.",
                        "Wait until it has drained.",
                        fact,
                        patience_s=case.context.limits.initializing_s,
                    )
                )
            else:
                found.append(passes("", fact))
    return found


def _rtm(case: Case, name: str) -> bool:
    level = case.level(name)
    return isinstance(level, Build) and level.service_pack == "RTM"


def _validated(case: Case, step: Step, cms: Cms) -> Finding:
    """The dry run of the same cmdlet; new in SP1 (facts/exchange.md §2)."""
    name = step.target
    if _rtm(case, name):
        return not_needed("Exchange 2007 without a service pack has no -ValidateOnly.")
    said = case.said(name, lambda one: one.validate)
    if isinstance(said, Unknown):
        return unknown(f"The validation of the move could not be run: {said.why}.", "Recheck.")
    answer = next((text for whose, text in said if same_name(whose, cms.name)), None)
    if answer is None:
        return unknown(f"The move of {cms.name} was not validated on {name}.", "Recheck.")
    if answer:
        return blocks(
            f"Exchange itself would refuse the move: {answer}",
            "Correct what it names, then recheck.",
            Fact(name="validation", value="refused", machine=name),
            patience_s=case.context.limits.initializing_s,
        )
    return passes("", Fact(name="validation", value="clean", machine=name))


def _health(case: Case, step: Step) -> list[Finding]:
    if case.cluster is not None and case.cluster.kind is ClusterKind.SCC:
        return []
    return [_healthy(case, name) for name in (step.source, step.target)]


def _healthy(case: Case, name: str) -> Finding:
    health = case.said(name, lambda one: one.health)
    if isinstance(health, Unknown):
        return unknown(f"Test-ReplicationHealth on {name} could not be read: {health.why}.", "Recheck.")
    if health is None:
        if _rtm(case, name):
            return not_needed("Exchange 2007 without a service pack has no Test-ReplicationHealth.")
        return unknown(f"Test-ReplicationHealth does not exist on {name}.", "Is the Exchange snap-in installed?")
    if not health:
        return unknown(f"Test-ReplicationHealth on {name} made no test at all.", f"Run it by hand on {name}.")
    bad = [item for item in health if item.result.casefold() != "passed"]
    if bad:
        said = "; ".join(f"{item.check}: {(item.error or item.result).rstrip('.')}" for item in bad)
        return blocks(
            f"Test-ReplicationHealth on {name} does not pass: {said}.",
            f"Run Test-ReplicationHealth on {name} and correct what it names.",
            Fact(name="replication health", value=", ".join(item.check for item in bad), machine=name),
            patience_s=case.context.limits.initializing_s,
        )
    return passes("", Fact(name="replication health", value="passed", machine=name))


RULES = (
    Rule(
        id="MOVE-READY",
        says="The mail server is Online, all databases mounted, copies Healthy with short queues, "
        "the target free and at the level, Exchange's own validation and replication test clean.",
        source="S14: the downtime varies with moving the clustered mailbox server and bringing it online",
        sentences=("S14",),
        gate=_HANDOFF,
        needs=(
            "Get-ClusteredMailboxServerStatus",
            "Get-MailboxDatabase -Status and Get-PublicFolderDatabase -Status",
            "Get-StorageGroupCopyStatus",
            "Move-ClusteredMailboxServer -ValidateOnly",
            "Test-ReplicationHealth on both nodes",
            "the target's level",
        ),
        stops="The move would be refused, or mail would be down for long.",
        remedy="Initializing: wait, or send 1 MB of mail into the storage group. Anything else: see its own message.",
        judge=move_ready,
    ),
)
