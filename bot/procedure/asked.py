"""What is asked of which machine only at the moments whose rules rest on it: the survey's kinds, by moment and step.

Everything else is read from every machine at every moment. A kind that was not asked for is Unknown in the facts, so
that a rule judged at a moment missing here blocks instead of passing.
"""

from __future__ import annotations

from bot.procedure.facts import same_name
from state.words import Seen, Step, StepKind, When

WRITERS = "writers"  # BACKUP-RUNNING: the state of the shadow copy writers
VOLUMES = "volumes"  # VOLUME-CLEAN: dirty bits
NETWORKS = "networks"  # DNS-TTL: subnets and the names' TTL
SERVERS = "servers"  # ROLE-ORDER: the organisation's other Exchange servers
CRL = "crl"  # CRL-REACH: whether the host of the revocation list answers
OAB = "oab"  # OAB-PIN: the node that makes the offline address book
QUEUES = "queues"  # MOVE-DONE: what the Hub Transport servers still hold
AGENTS = "agents"  # MONITORING: running services that may hold files
MAIL = "mail"  # no rule: whether mail is up, while nothing else is read
SCR = "scr"  # SEEDING-NONE: every SCR copy an SCR target holds or feeds, other servers' too
USERS = "users"  # NOTICE: mailboxes of each mail server; may take long, so once, at the plan
LOGS = "logs"  # no rule: how long the log volumes last, for who is on call
KINDS = (WRITERS, VOLUMES, NETWORKS, SERVERS, CRL, OAB, QUEUES, AGENTS, LOGS, SCR, MAIL, USERS)

LOGS_EVERY_S = 1800.0  # lab; while a copy is not Healthy

Asked = tuple[tuple[str, str], ...]  # (machine, kind); "" as the machine stands for every one


def wanted(when: When, step: Step | None, nodes: tuple[str, ...]) -> Asked:
    """What has to be asked at a moment; () where the usual reading is enough. `nodes` are the cluster's."""
    if when is When.PLAN:
        # The directory says the same everywhere: two nodes are asked, in case one is down.
        return (
            ("", CRL),
            ("", AGENTS),
            *((node, NETWORKS) for node in nodes),
            *((node, LOGS) for node in nodes),  # which of them runs a mail server is not known yet
            *((node, SERVERS) for node in nodes[:2]),
            *((node, USERS) for node in nodes[:2]),
        )
    if step is None:
        return ()
    if when is When.AFTER:
        return ((step.target, OAB), (step.target, QUEUES)) if step.kind is StepKind.HANDOFF else ()
    return _before(step)


def _before(step: Step) -> Asked:
    if step.kind in {StepKind.INSTALL, StepKind.RESTART}:
        # Of a standby cluster's node no copy is ever backed up.
        writers = ((step.target, WRITERS),) if step.role == "node" or not step.cluster else ()
        return writers if step.role == "node" else (*writers, (step.target, SCR))
    if step.kind is StepKind.HANDOFF:
        return ((step.target, WRITERS), (step.source, VOLUMES))
    return ()


def logs_wanted(seen: Seen | None, nodes: tuple[str, ...], now: float, *, now_please: bool = False) -> Asked:
    """Which nodes are asked how long their log volumes last, beside what the moment needs. `now` is lab time.

    Where a copy is not Healthy logs are not deleted and pile up: then every half hour. After a handoff, because they
    are other volumes then; else only for who asks (`now_please`). Asked are the nodes that ran a mail server by the last reading, every one where that is not known.
    """
    if seen is None:
        return ()
    if seen.log_hours and not now_please and not (seen.copies and now - seen.log_hours_at >= LOGS_EVERY_S):
        return ()
    where = [one.node for one in seen.mail]
    mine = tuple(node for node in nodes if not all(where) or any(same_name(node, one) for one in where))
    return tuple((node, LOGS) for node in mine)
