"""Reads Exchange's rows: clustered mailbox servers as one machine sees them, copies, health, validation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bot.estate.reply import Malformed, Reply, expect, flag, number, part, seconds
from bot.procedure.facts import CmsFacts, CopyFacts, DatabaseFacts, HealthItem, StandbyFacts, Unknown, same_name

_MARKED = re.compile(r"^(.*?)\s*<([^<>]*)>\s*$")
_VERSION = re.compile(r"Version (\d+)\.(\d+) \(Build (\d+)\.(\d+)\)")


def every_cms(machine: str, reply: Reply) -> tuple[CmsFacts, ...] | Unknown:
    """Every clustered mailbox server that may run on that machine."""
    for section in ("snapin", "cms"):
        why = reply.why_missing(section)
        if why:
            return Unknown(why)
    try:
        return tuple(_cms(machine, reply, *expect(fields, 2)) for fields in reply.all("cms"))
    except Malformed as error:
        return Unknown(f"cms: {error}")


def _cms(machine: str, reply: Reply, name: str, storage_type: str) -> CmsFacts:
    status = reply.why_missing("status")
    machines = [] if status else [_marked(f[1]) for f in _rows(reply, "cms.operational", name, 2)]
    active = [node for node, marks in machines if "active" in marks]
    return CmsFacts(
        name=name,
        seen_from=machine,
        state=Unknown(status) if status else _state(reply, name),
        active_node=Unknown(status) if status else _active(active),
        operational=Unknown(status) if status else tuple(node for node, _ in machines),
        redundant=tuple(f[1] for f in _rows(reply, "cms.redundant", name, 2)),
        storage_type=storage_type or Unknown("ClusteredStorageType was not given"),
        build=part(reply, "version", lambda r: _version(r, name)),
        databases=part(reply, "databases", lambda r: _databases(r, name)),
        standbys=part(reply, "standby", standbys(name)),
        copies=part(reply, "copies", lambda r: tuple(_copy(f) for f in _rows(r, "copy", name, 6))),
    )


def _rows(reply: Reply, key: str, cms: str, count: int) -> list[tuple[str, ...]]:
    return [fields for fields in (expect(f, count) for f in reply.all(key)) if same_name(fields[0], cms)]


def _marked(text: str) -> tuple[str, tuple[str, ...]]:
    """A machine and its marks: "EXN1 <Active, Quorum Owner>" is EXN1 with active and quorum owner."""
    match = _MARKED.match(text)
    if match is None:
        return text.strip(), ()
    return match[1], tuple(mark.strip().casefold() for mark in match[2].split(","))


def _active(active: list[str]) -> str | Unknown:
    """The node with the Active mark. The Quorum Owner mark says nothing about where the CMS runs."""
    if len(active) == 1:
        return active[0]
    return Unknown("no machine carries the Active mark" if not active else f"Active is on {' and '.join(active)}")


def _state(reply: Reply, name: str) -> str | Unknown:
    rows = _rows(reply, "cms.state", name, 2)
    word = "".join(rows[0][1].split()) if rows else ""  # "Partially Online" is PartiallyOnline
    return word or Unknown("status: no state was given")


def _version(reply: Reply, name: str) -> str:
    rows = _rows(reply, "cms.version", name, 2)
    return display_version(rows[0][1] if rows else "")


def display_version(text: str) -> str:
    """The build in an AdminDisplayVersion such as "Version 8.3 (Build 83.6)". Raises Malformed."""
    match = _VERSION.search(text)
    if match is None:
        raise Malformed("AdminDisplayVersion cannot be read")
    return ".".join(match.groups())


def _databases(reply: Reply, cms: str) -> tuple[DatabaseFacts, ...]:
    """Its mailbox databases, then its public folder databases: a mail server may hold these alone."""
    return (
        *(_database(fields) for fields in _rows(reply, "database", cms, 6)),
        *(replace(_database(fields), public=True) for fields in _rows(reply, "public", cms, 6)),
    )


def _database(fields: tuple[str, ...]) -> DatabaseFacts:
    _, group, name, mounted, backup, last_full = fields
    return DatabaseFacts(
        name=name,
        storage_group=group,
        mounted=flag(mounted) if mounted else Unknown("Mounted was not given"),
        backup_running=flag(backup) if backup else Unknown("BackupInProgress was not given"),
        last_full_backup=seconds(last_full) if last_full else None,
    )


def standbys(server: str) -> Callable[[Reply], tuple[tuple[str, tuple[StandbyFacts, ...]], ...]]:
    """A reader of a mailbox server's (storage group, SCR targets); () for a machine that is none itself."""

    def read(reply: Reply) -> tuple[tuple[str, tuple[StandbyFacts, ...]], ...]:
        targets = _rows(reply, "standby", server, 4)
        return tuple(
            (group, tuple(_standby(node, lag) for _, of, node, lag in targets if of == group))
            for _, group in _rows(reply, "group", server, 2)
        )

    return read


def _standby(node: str, lag: str) -> StandbyFacts:
    try:
        return StandbyFacts(node_name=node, replay_lag_s=float(lag or 0))
    except ValueError as error:
        raise Malformed(f"a replay lag of {lag[:40]!r}") from error


def _copy(fields: tuple[str, ...]) -> CopyFacts:
    _, group, standby, status, copy_queue, replay_queue = fields
    return CopyFacts(
        storage_group=group,
        status=status,
        copy_queue=number(copy_queue) if copy_queue else Unknown("CopyQueueLength was not given"),
        replay_queue=number(replay_queue) if replay_queue else Unknown("ReplayQueueLength was not given"),
        standby=standby,
    )


def health(reply: Reply) -> tuple[HealthItem, ...] | None:
    """Every check of Test-ReplicationHealth with its result: what passed says what was looked at. None: no such test."""
    if reply.first("health.none") is not None:
        return None
    return tuple(HealthItem(check=c, result=r, error=e) for c, r, e in (expect(f, 3) for f in reply.all("health")))


def validate(machine: str) -> Callable[[Reply], tuple[tuple[str, str], ...]]:
    """A reader of (cms, "" or the refusal) for handoffs to that machine."""

    def read(reply: Reply) -> tuple[tuple[str, str], ...]:
        rows = [expect(f, 3) for f in reply.all("validate")]
        return tuple((cms, refusal) for cms, target, refusal in rows if same_name(target, machine))

    return read


def mapi(reply: Reply) -> tuple[tuple[str, str], ...]:
    """(database, result) of Test-MapiConnectivity."""
    return tuple((name, result) for name, result in (expect(f, 2) for f in reply.all("mapi")))


def roles(reply: Reply) -> tuple[str, ...]:
    """Server roles of the machine's own Exchange server object; a cluster node has none."""
    found = reply.first("roles")
    return () if found is None else tuple(r.strip() for r in expect(found, 1)[0].split(",") if r.strip())


def mailboxes(reply: Reply) -> int:
    """How many mailboxes the machine serves by itself."""
    found = reply.first("mailboxes")
    return 0 if found is None else number(expect(found, 1)[0])
