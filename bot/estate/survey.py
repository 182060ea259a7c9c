"""Reads the rows of survey.ps1: what only some moments need to know. Never raises for a bad field."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import TypeVar

from bot.estate.exchange_view import display_version
from bot.estate.reply import Malformed, Reply, expect, flag, number, part, seconds
from bot.procedure.facts import (
    NOT_ASKED,
    LogFacts,
    QueueFacts,
    ResourceFacts,
    ScrFacts,
    ServerFacts,
    SurveyFacts,
    Unknown,
    VolumeFacts,
    WriterFacts,
)

T = TypeVar("T")

_NAMED = re.compile(r"'(.+)'\s*$")  # Writer name: 'System Writer', in whatever language
_CLIENTS = 2  # MSCluster_Network.Role: 1 for the cluster itself, 2 for clients, 3 for both
_LOG = re.compile(r"([0-9A-Fa-f]{8})\.log$")
_ENOUGH_H = 4.0  # the script looks back that far: one log as old as that, and none since, is a quiet group
_STATE = re.compile(r"\[(\d+)\]")  # State: [1] Stable


def facts(reply: Reply, kinds: tuple[str, ...]) -> SurveyFacts:
    """The answers to the kinds asked for."""

    def asked(section: str, answer: Callable[[Reply], T]) -> T | Unknown:
        return part(reply, section, answer) if section in kinds else NOT_ASKED

    return SurveyFacts(
        writers=asked("writers", _writers),
        volumes=asked("volumes", _volumes),
        client_networks=asked("networks", _client_networks),
        host_ttl=asked("networks", _host_ttl),
        servers=asked("servers", _servers),
        crl=asked("crl", _crl),
        queues=asked("queues", _queues),
        agents=asked("agents", lambda r: tuple(expect(fields, 1)[0] for fields in r.all("agent"))),
        oab_pins=asked("oab", _oab_pins),
        logs=asked("logs", _logs),
        mail=asked("mail", _mail),
        scr=asked("scr", _scr),
        users=asked("users", lambda r: tuple((cms, number(n)) for cms, n in (expect(f, 2) for f in r.all("users")))),
    )


def _writers(reply: Reply) -> tuple[WriterFacts, ...]:
    """Every shadow copy writer with the number of its state (`vssadmin list writers`).

    A writer's block begins with the one line that ends in a quoted name; its first number in brackets is the state.
    """
    found: list[WriterFacts] = []
    name = ""
    for line in (expect(fields, 1)[0] for fields in reply.all("writer")):
        named, state = _NAMED.search(line), _STATE.search(line)
        if named is not None:
            if name:
                raise Malformed(f"writer {name} has no state")
            name = named[1]
        elif state is not None and name:
            found.append(WriterFacts(name=name, state=int(state[1])))
            name = ""
    if name or not found:
        raise Malformed(f"writer {name} has no state" if name else "vssadmin lists no writer")
    return tuple(found)


def _volumes(reply: Reply) -> tuple[VolumeFacts, ...]:
    """Every fixed volume the machine sees, by letter or mount point."""
    said = reply.first("system.drive")
    system = expect(said, 1)[0].rstrip("\\").casefold() if said else ""
    if not system:
        raise Malformed("the drive Windows is on was not given")
    rows = [expect(fields, 2) for fields in reply.all("volume")]
    return tuple(
        VolumeFacts(
            name=name,
            dirty=flag(dirty) if dirty else Unknown("DirtyBitSet was not given"),
            system=name.rstrip("\\").casefold() == system,
        )
        for name, dirty in rows
    )


def _client_networks(reply: Reply) -> tuple[str, ...]:
    """The cluster's networks for clients in which the machine has an address."""
    said = [expect(fields, 1)[0] for fields in reply.all("address")]
    try:
        mine = [one for one in map(ip_address, said) if isinstance(one, IPv4Address)]
        rows = [expect(fields, 4) for fields in reply.all("network")]
        subnets = [(name, IPv4Network((at, mask))) for name, at, mask, role in rows if number(role) & _CLIENTS and at]
    except ValueError as error:
        raise Malformed(str(error)) from error
    found = tuple(name for name, subnet in subnets if any(address in subnet for address in mine))
    if not found:
        raise Malformed("it has no IPv4 address in any of the cluster's networks for clients")
    return found


def _host_ttl(reply: Reply) -> tuple[tuple[str, int], ...]:
    """HostRecordTTL by network name, where it is given: Windows Server 2003 has no such property."""
    rows = [expect(fields, 2) for fields in reply.all("name")]
    return tuple((name, number(ttl)) for name, ttl in rows if ttl)


def _servers(reply: Reply) -> tuple[ServerFacts, ...]:
    """Every Exchange server of the organisation. The list always holds at least the one that was asked."""
    rows = [expect(fields, 3) for fields in reply.all("server")]
    if not rows:
        raise Malformed("Get-ExchangeServer lists no server")
    return tuple(
        ServerFacts(name=name, roles=tuple(one.strip() for one in roles.split(",") if one.strip()), base=_base(version))
        for name, roles, version in rows
    )


def _base(version: str) -> str | Unknown:
    try:
        return display_version(version)
    except Malformed as error:
        return Unknown(str(error))


def _crl(reply: Reply) -> str:
    """ "" if the host of the revocation list answered a HEAD request with success, else what came instead."""
    said = reply.first("crl")
    status, why = expect(said, 2) if said else ("", "")
    if not status and not why:
        raise Malformed("neither a status nor an error was given")
    if not status:
        return " ".join(why.split())
    return "" if 200 <= number(status) < 400 else f"it answered with status {status}"


def _oab_pins(reply: Reply) -> tuple[tuple[str, str], ...]:
    """(CMS, node that makes its offline address book); a CMS without the value is left out."""
    return tuple((cms, node) for cms, node in (expect(fields, 2) for fields in reply.all("oab")) if node)


def _queues(reply: Reply) -> tuple[QueueFacts, ...]:
    """Every queue of every Hub Transport server; a server without a queue, or that could not be asked, is one line."""
    rows = [expect(fields, 3) for fields in reply.all("queue")]
    found = [QueueFacts(server=server, next_hop=hop, waiting=number(count)) for server, hop, count in rows]
    for server, why in (expect(fields, 2) for fields in reply.all("hub")):
        if why:
            found = [one for one in found if one.server != server]  # half a list is none
            found.append(QueueFacts(server=server, next_hop="", waiting=Unknown(" ".join(why.split()))))
        elif all(one.server != server for one in found):
            found.append(QueueFacts(server=server, next_hop="", waiting=0))
    return tuple(found)


def _mail(reply: Reply) -> tuple[ResourceFacts, ...]:
    """Every resource of Exchange in the machine's cluster."""
    rows = [expect(fields, 3) for fields in reply.all("resource")]
    return tuple(ResourceFacts(name=name, type=kind, state=number(state)) for name, kind, state in rows)


def _scr(reply: Reply) -> tuple[ScrFacts, ...]:
    """Every SCR copy the machine holds or feeds. What of one cannot be read leaves the others known."""
    return tuple(_scr_copy(*expect(fields, 4)) for fields in reply.all("scr"))


def _scr_copy(identity: str, standby: str, status: str, why: str) -> ScrFacts:
    server, _, group = identity.partition("\\")
    if not server or not group or not standby:
        raise Malformed(f"{identity[:60]!r} on {standby[:40]!r} is no SCR copy")
    missing = Unknown(" ".join(why.split()) or "SummaryCopyStatus was not given")
    return ScrFacts(server=server, storage_group=group, standby=standby, status=status or missing)


def _logs(reply: Reply) -> tuple[LogFacts, ...]:
    """Every storage group's log volume and how many logs it makes. What of one cannot be read leaves the others known."""
    now = _node_time(reply)
    return tuple(_log(expect(fields, 8), now) for fields in reply.all("log"))


def _log(fields: tuple[str, ...], now: float) -> LogFacts:
    cms, group, volume, free, newest, before, at, why = fields
    failed = Unknown(" ".join(why.split()))
    return LogFacts(
        cms=cms,
        storage_group=group,
        volume=volume,
        free_mb=failed if why else _free(volume, free),
        per_h=failed if why else _rate(newest, before, at, now),
    )


def _free(volume: str, free: str) -> float | Unknown:
    if not volume:
        return Unknown("no volume of the machine holds its log folder")
    return number(free) / 2**20 if free else Unknown(f"the free space of {volume} was not given")


def _rate(newest: str, before: str, at: str, now: float) -> float | Unknown:
    """Logs an hour, from the number of the newest and of an older one and since when that stands there."""
    if not newest or not before:
        return Unknown("there is no log in its folder")
    made, hours = _generation(newest) - _generation(before), (now - seconds(at)) / 3600
    if hours <= 0 or (made == 0 and hours < _ENOUGH_H):
        return Unknown("too few logs are there to tell how many an hour are made")
    return made / hours


def _generation(name: str) -> int:
    """The number in a log's name: E00000004A1.log is 4A1 (hexadecimal) of the group with the prefix E00."""
    found = _LOG.search(name)
    if found is None:
        raise Malformed(f"{name[:40]!r} is no log's name")
    return int(found[1], 16)


def _node_time(reply: Reply) -> float:
    said = reply.first("clock")
    if said is None:
        raise Malformed("the machine's time was not given")
    return seconds(expect(said, 1)[0])
