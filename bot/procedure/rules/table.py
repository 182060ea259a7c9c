"""The table itself, in the order in which a person would want to hear of it, and what is held elsewhere."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from bot.procedure.rules import (
    antivirus,
    backups,
    cluster,
    copies,
    group_states,
    groups,
    handoff,
    level,
    machine,
    mailflow,
    membership,
    moved,
    network,
    node,
    organisation,
    package,
    people,
    quorum,
    reading,
    scr,
    scr_order,
    software,
    storage,
)
from bot.procedure.rules.case import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A rule that holds by construction or is judged outside the table; listed so that the page is complete."""

    id: str
    says: str
    source: str
    where: str
    sentences: tuple[str, ...] = ()


_ORDER = (
    "PRE-COMPLETE", "VIEW-AGREE", "NODE-MEMBER", "SCR-APPLICABLE", "SCR-TARGETS-FIRST", "SCR-TARGET-PASSIVE",
    "SCR-CYCLE", "LEVEL-AGREE", "NO-WU", "PKG-NAME", "PKG-TRAIN", "PKG-NEWER", "PKG-LIVE", "IU-NONE", "PKG-HASH",
    "LEVEL-REACHED", "CLUSSVC-BACK", "NODE-PASSIVE", "NODE-NO-CMS-GROUP", "ONE-AT-A-TIME", "NODE-EMPTY", "NODE-PAUSED",
    "QUORUM-SURVIVES", "SPARE-UP", "GROUP-MOVE-NOT-CMS", "GROUP-MOVE-PLAN", "GROUP-MOVE-CMD", "FAILBACK-OFF",
    "WINDOW", "MIXED-LEVEL-MOVE", "BACKUP-RUNNING", "SEEDING-NONE", "MOVE-READY", "VOLUME-CLEAN", "MOVE-DONE", "DOWNTIME-MEASURED", "GROUPS-SNAPSHOT",
    "SERVICES-SNAPSHOT", "SCR-COPY-OK", "WMF-VERSION", "AV", "REBOOT-PENDING", "DISK", "RUNNER-TASK", "BACKUP-RECENT",
    "CLOCK-SKEW", "BOTH-NODES", "CUSTOM-ACTIONS", "CRL-REACH", "DNS-TTL", "ROLE-ORDER", "OAB-PIN", "EXEC-POLICY", "WITNESS-QUIET", "NOTICE", "MONITORING",
)  # fmt: skip

_ROWS = {
    rule.id: rule
    for rule in (
        *reading.RULES,
        *level.RULES,
        *package.RULES,
        *node.RULES,
        *membership.RULES,
        *quorum.RULES,
        *cluster.RULES,
        *groups.RULES,
        *group_states.RULES,
        *scr.RULES,
        *scr_order.RULES,
        *copies.RULES,
        *backups.RULES,
        *handoff.RULES,
        *moved.RULES,
        *mailflow.RULES,
        *storage.RULES,
        *network.RULES,
        *organisation.RULES,
        *machine.RULES,
        *software.RULES,
        *antivirus.RULES,
        *people.RULES,
    )
}

RULES: tuple[Rule, ...] = tuple(_ROWS[name] for name in _ORDER if name in _ROWS)

HELD_ELSEWHERE: tuple[Held, ...] = (
    Held(
        id="SESSION-LOSS-OK",
        says="Losing the session during an install is no failure: only the job's exit code or its end decides.",
        source="S8; facts/exchange.md §8",
        where="engine: jobs are observed until their exit code is there",
        sentences=("S8",),
    ),
    Held(
        id="APPROVAL-FRESH",
        says="Two different people, bound to the digest of everything shown; any change voids the approval.",
        source="facts/exchange.md §8; DESIGN §6",
        where="engine and digest.py, again at the moment of the intent",
    ),
    Held(
        id="JOB-ROOT",
        says="The job root belongs to SYSTEM and Administrators only and is no link.",
        source="DESIGN §7",
        where="engine, before each job",
    ),
    Held(
        id="JOBS-KNOWN",
        says="Every job folder on every machine is one our record knows.",
        source="DESIGN §7",
        where="engine, at start and before each intent",
    ),
)


def version() -> str:
    """SHA-256 over the table: it changes when a row's meaning does and is part of every digest."""
    rows = [
        (
            rule.id, rule.says, rule.source, rule.plan, sorted(rule.gate), sorted(rule.after), rule.close,
            rule.needs, rule.verdict, rule.stops, rule.waivable,
        )
        for rule in RULES
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(rows, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
