"""shutdown, tasklist, taskkill, systeminfo, reg, fsutil and vssadmin."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.lab.windows.cmd_builtins import BUILDS

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine, Session

_NAMES = {
    "5.2": "Microsoft(R) Windows(R) Server 2003 Enterprise x64 Edition",
    "6.0": "Microsoft\u00ae Windows Server\u00ae 2008 Enterprise",
    "6.1": "Microsoft Windows Server 2008 R2 Enterprise",
}


def os_name(machine: Machine) -> str:
    """The product's name as Windows says it."""
    return _NAMES.get(machine.os_version, "Microsoft Windows Server")


def _after(machine: Machine, seconds: float, called_off: threading.Event, *, off: bool) -> None:
    end = machine.clock.now() + seconds
    while (left := end - machine.clock.now()) > 0:
        if called_off.wait(min(left / machine.clock.speed, 0.25)):
            return
    machine.pending_shutdown = None
    if called_off.is_set():
        return
    if off:
        machine.go_down()
    else:
        machine.reboot(machine.reboot_s)


def shutdown(session: Session, argv: list[str], raw: str) -> int:
    """`shutdown /r|/s|/a [/t seconds] [/f]`: returns at once; the machine goes down after `/t` (30) lab seconds."""
    machine = session.machine
    seconds, verb = 30.0, ""
    words = iter(argv[1:])
    for word in words:
        name = word[1:].casefold() if word[:1] in "/-" else ""
        if name in {"r", "s", "a"}:
            verb = name
        elif name == "t":
            value = next(words, "")
            if not value.isdigit():
                session.err("The parameter is incorrect.(87)\r\n")
                return 87
            seconds = float(value)
        elif name in {"c", "d", "m"}:
            next(words, "")
    if verb == "a":
        if machine.pending_shutdown is None:
            session.err("Unable to abort the system shutdown because no shutdown was in progress.(1116)\r\n")
            return 1116
        machine.pending_shutdown.set()
        machine.pending_shutdown = None
        return 0
    if not verb:
        session.out(
            'Usage: shutdown [/i | /l | /s | /r | /a] [/f] [/m \\\\computer][/t xxx][/d [p:]xx:yy [/c "comment"]]\r\n'
        )
        return 0
    if machine.pending_shutdown is not None:
        session.err("A system shutdown has already been scheduled.(1190)\r\n")
        return 1190
    called_off = machine.pending_shutdown = threading.Event()
    threading.Thread(
        target=_after, args=(machine, seconds, called_off), kwargs={"off": verb == "s"}, name="shutdown", daemon=True
    ).start()
    return 0


def tasklist(session: Session, argv: list[str], raw: str) -> int:
    """`tasklist [/fo csv|table] [/nh] [/fi "PID eq N" | "IMAGENAME eq X"]`."""
    lowered = [word.casefold() for word in argv]
    rows = session.machine.processes.all()
    for number, word in enumerate(lowered):
        if word == "/fi" and number + 1 < len(argv):
            field, _, wanted = argv[number + 1].partition(" eq ")
            if field.strip().casefold() == "pid":
                rows = [row for row in rows if str(row.pid) == wanted.strip()]
            elif field.strip().casefold() == "imagename":
                rows = [row for row in rows if row.name.casefold() == wanted.strip().casefold()]
    if not rows:
        session.out("INFO: No tasks are running which match the specified criteria.\r\n")
        return 0
    csv = "csv" in lowered
    if "/nh" not in lowered:
        if csv:
            session.out('"Image Name","PID","Session Name","Session#","Mem Usage"\r\n')
        else:
            session.out("\r\nImage Name                     PID Session Name        Session#    Mem Usage\r\n")
            session.out("========================= ======== ================ =========== ============\r\n")
    for row in rows:
        if csv:
            session.out(f'"{row.name}","{row.pid}","Services","0","4,096 K"\r\n')
        else:
            session.out(f"{row.name:<25} {row.pid:>8} {'Services':<16} {0:>11} {'4,096 K':>12}\r\n")
    return 0


def taskkill(session: Session, argv: list[str], raw: str) -> int:
    """`taskkill /pid N | /im NAME [/f] [/t]`."""
    processes, code = session.machine.processes, 0
    for number, word in enumerate(argv[:-1]):
        wanted = argv[number + 1]
        if word.casefold() == "/pid":
            targets = [row for row in processes.all() if str(row.pid) == wanted]
        elif word.casefold() == "/im":
            targets = [row for row in processes.all() if row.name.casefold() == wanted.casefold()]
        else:
            continue
        if not targets:
            session.err(f'ERROR: The process "{wanted}" not found.\r\n')
            code = 128
        for row in targets:
            if processes.kill(row.pid):
                session.out(f"SUCCESS: The process with PID {row.pid} has been terminated.\r\n")
            else:
                session.err(
                    f"ERROR: The process with PID {row.pid} could not be terminated.\r\nReason: Access is denied.\r\n"
                )
                code = 1
    return code


def systeminfo(session: Session, argv: list[str], raw: str) -> int:
    """`systeminfo`: the lines people look for."""
    machine = session.machine
    boot = datetime.fromtimestamp(machine.boot_time, UTC)
    for name, value in (
        ("Host Name:", machine.name.upper()),
        ("OS Name:", os_name(machine)),
        (
            "OS Version:",
            f"{BUILDS.get(machine.os_version, machine.os_version)} N/A Build {BUILDS.get(machine.os_version, '0').rpartition('.')[2]}",
        ),
        ("System Boot Time:", boot.strftime("%m/%d/%Y, %I:%M:%S %p")),
        ("System Type:", "x64-based PC"),
        ("Domain:", machine.domain.casefold() + ".test"),
    ):
        session.out(f"{name:<27}{value}\r\n")
    return 0


def _shown(value: object) -> tuple[str, str]:
    if isinstance(value, int):
        return "REG_DWORD", hex(value)
    if isinstance(value, list):
        return "REG_MULTI_SZ", "\\0".join(str(part) for part in value)
    if isinstance(value, bytes):
        return "REG_BINARY", value.hex().upper()
    return "REG_SZ", str(value)


def _long(key: str) -> str:
    head, _, rest = key.partition("\\")
    long = {"HKLM": "HKEY_LOCAL_MACHINE", "HKU": "HKEY_USERS", "HKCU": "HKEY_CURRENT_USER"}.get(head.upper(), head)
    return f"{long}\\{rest}"


def reg(session: Session, argv: list[str], raw: str) -> int:
    """`reg query KEY [/v NAME] [/s]`, `reg add KEY [/v NAME] [/t TYPE] [/d VALUE] [/f]`, `reg delete …`."""
    if len(argv) < 3:
        session.err('ERROR: Invalid syntax.\r\nType "REG /?" for usage.\r\n')
        return 1
    verb, key = argv[1].casefold(), argv[2]
    lowered = [word.casefold() for word in argv]
    registry = session.machine.registry
    option = {word[1:]: argv[number + 1] for number, word in enumerate(lowered[:-1]) if word in {"/v", "/t", "/d"}}
    values = registry.get(key)
    if verb == "add":
        kind, text = option.get("t", "REG_SZ").upper(), option.get("d", "")
        registry.set(key, option.get("v", ""), int(text or "0", 0) if kind == "REG_DWORD" else text)
        session.out("The operation completed successfully.\r\n\r\n")
        return 0
    missing = values is None or ("v" in option and registry.value(key, option["v"]) is None)
    if missing or values is None or verb not in {"query", "delete"}:
        session.err("ERROR: The system was unable to find the specified registry key or value.\r\n")
        return 1
    if verb == "delete":
        registry.delete(key, option.get("v"))
        session.out("The operation completed successfully.\r\n\r\n")
        return 0
    wanted = option.get("v", "").casefold()
    session.out(f"\r\n{_long(key)}\r\n")
    for name, value in values.items():
        if not wanted or name.casefold() == wanted:
            kind, text = _shown(value)
            session.out(f"    {name or '(Default)'}    {kind}    {text}\r\n")
    if not wanted:
        session.out("\r\n" + "".join(f"{_long(key)}\\{name}\r\n" for name in registry.subkeys(key)))
    return 0


def fsutil(session: Session, argv: list[str], raw: str) -> int:
    """`fsutil dirty query X:` and `fsutil volume diskfree X:`."""
    words = [word.casefold() for word in argv[1:]]
    drive = session.machine.fs.drives.get(argv[-1][:2].upper())
    if words[:2] not in (["dirty", "query"], ["volume", "diskfree"]):
        session.out(
            "---- Commands Supported ----\r\n\r\ndirty           Volume dirty bit management\r\nvolume          Volume management\r\n"
        )
        return 1
    if drive is None or not drive.online:
        session.out("Error:  The system cannot find the path specified.\r\n")
        return 1
    if words[0] == "dirty":
        session.out(f"Volume - {drive.letter} is {'' if drive.dirty else 'NOT '}Dirty\r\n")
    else:
        session.out(f"Total # of free bytes        : {drive.left or 0}\r\nTotal # of bytes             : {drive.size}\r\n"
                    f"Total # of avail free bytes  : {drive.left or 0}\r\n")  # fmt: skip
    return 0


# The words around a writer's name and state, by language; names and the numbers in brackets are the same everywhere.
_VSS_WORDS = {
    "en": ("Writer name", "Writer Id", "Writer Instance Id", "State", "Stable", "Last error: No error"),
    "de": (
        "Verfassername",
        "Verfasserkennung",
        "Verfasserinstanzkennung",
        "Status",
        "Stabil",
        "Letzter Fehler: Kein Fehler",
    ),
}


def vssadmin(session: Session, argv: list[str], raw: str) -> int:
    """`vssadmin list writers`: `machine.vss_writers` maps a writer's name to its state, "" standing for Stable."""
    session.out("vssadmin 1.1 - Volume Shadow Copy Service administrative command-line tool\r\n"
                "(C) Copyright 2001-2005 Microsoft Corp.\r\n\r\n")  # fmt: skip
    if [word.casefold() for word in argv[1:3]] != ["list", "writers"]:
        session.err("Error: Invalid command.\r\n")
        return 2
    name_, id_, instance_, state_, stable, no_error = _VSS_WORDS[session.machine.language]
    for number, (name, state) in enumerate(session.machine.vss_writers.items(), 1):
        session.out(
            f"{name_}: '{name}'\r\n   {id_}: {{{number:08x}-15f7-4bcd-987e-8e1acb462fb7}}\r\n"
            f"   {instance_}: {{{number:08x}-a9fe-43f9-a61f-86563b439453}}\r\n"
            f"   {state_}: {state or f'[1] {stable}'}\r\n   {no_error}\r\n\r\n"
        )
    return 0
