"""The native tools every Windows has, and `install`, which puts them and the usual services on a machine."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from bot.lab.windows import environment, winhttp
from bot.lab.windows.cmd import run_cmd
from bot.lab.windows.paths import normalise
from bot.lab.windows.programs import find, job_of
from bot.lab.windows.services import MANUAL, STOPPED
from bot.lab.windows.tools_services import net, sc
from bot.lab.windows.tools_system import fsutil, reg, shutdown, systeminfo, taskkill, tasklist, vssadmin
from bot.lab.windows.tools_tasks import schtasks
from bot.lab.windows.tools_text import certutil, find_text, findstr, more, sort_lines

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine, Session


def hostname(session: Session, argv: list[str], raw: str) -> int:
    """`hostname`: the NetBIOS name in upper case; takes no arguments."""
    if len(argv) > 1:
        session.err(
            "sethostname: Use the Network Control Panel Applet to set hostname.\r\nhostname -s is not supported.\r\n"
        )
        return 1
    session.out(session.machine.name.upper() + "\r\n")
    return 0


def whoami(session: Session, argv: list[str], raw: str) -> int:
    """`whoami`: the account the process runs as."""
    session.out(session.principal.user.casefold() + "\r\n")
    return 0


def cmd(session: Session, argv: list[str], raw: str) -> int:
    """`cmd [/d] [/q] [/s] /c line`: cmd within cmd, with cmd's own rule for the outer quotes."""
    text, strict = raw, False
    while found := re.match(r"\s*/([A-Za-z])(?::\w+)?\s*", text):
        switch = found.group(1).casefold()
        text = text[found.end() :]
        if switch == "s":
            strict = True
        if switch in {"c", "k", "r"}:
            return run_cmd(session, outer_quotes_off(session, text, strict=strict))
    code = 0
    for line in session.read_input().splitlines():
        code = run_cmd(session, line)
    return code


def outer_quotes_off(session: Session, text: str, *, strict: bool) -> str:
    """`cmd /?`: the first and the last quote go, unless there are exactly two around the name of a program."""
    if not text.startswith('"'):
        return text
    text = text.rstrip()
    plain = text.count('"') == 2 and not set(text) & set("&<>()@^|")
    if plain and not strict:
        inside = text[1 : text.index('"', 1)]
        if " " in inside and find(session, inside) is not None:
            return text
    last = text.rindex('"')
    return text[1:last] + text[last + 1 :] if last > 0 else text[1:]


def powershell(session: Session, argv: list[str], raw: str) -> int:
    """`powershell …`: PowerShell 2.0 lives in its own room."""
    from bot.lab.powershell import run_powershell

    for switch, word in itertools.pairwise(argv):
        if switch[:1] in "-/" and "file".startswith(switch[1:].casefold()) and switch[1:]:
            session.job = job_of(normalise(word, session.cwd)) or session.job
    return run_powershell(session, argv, raw)


def ping(session: Session, argv: list[str], raw: str) -> int:
    """`ping [-n N] host`: the poor man's sleep: one lab second between two echoes. Only this machine answers."""
    count, host = 4, ""
    words = iter(argv[1:])
    for word in words:
        if word.casefold() in {"-n", "/n"}:
            count = int(next(words, "4"))
        elif word.casefold() in {"-w", "/w", "-l", "/l"}:
            next(words, "")
        else:
            host = word
    local = host.casefold() in {"127.0.0.1", "localhost", "::1", session.machine.name.casefold()}
    session.out(f"\r\nPinging {host} with 32 bytes of data:\r\n")
    for number in range(count):
        if number:
            session.sleep(1.0)
        session.out(f"Reply from {host}: bytes=32 time<1ms TTL=128\r\n" if local else "Request timed out.\r\n")
    lost = 0 if local else count
    session.out(
        f"\r\nPing statistics for {host}:\r\n    Packets: Sent = {count}, Received = {count - lost}, Lost = {lost}\r\n"
    )
    return 1 if lost else 0


def timeout(session: Session, argv: list[str], raw: str) -> int:
    """`timeout /t N`: refuses to wait where there is no console, as in every shell and task here."""
    session.err("ERROR: Input redirection is not supported, exiting the process immediately.\r\n")
    return 1


def chcp(session: Session, argv: list[str], raw: str) -> int:
    """`chcp`: shows the code page of this console. Setting it holds for this process tree only."""
    page = argv[1] if len(argv) > 1 else environment.get(session.env, environment.CODEPAGE) or "437"
    if page not in {"437", "850", "1252", "65001"}:
        session.err("Invalid code page\r\n")
        return 1
    session.out(f"Active code page: {page}\r\n")
    return 0


def where(session: Session, argv: list[str], raw: str) -> int:
    """`where name`: the full path of what the name would run."""
    code = 0
    for word in argv[1:]:
        program = find(session, word)
        if program is None:
            session.err("INFO: Could not find files for the given pattern(s).\r\n")
            code = 1
        else:
            session.out(program.path + "\r\n")
    return code


_SERVICES = (
    ("Dhcp", "DHCP Client"),
    ("Eventlog", "Windows Event Log"),
    ("LanmanServer", "Server"),
    ("LanmanWorkstation", "Workstation"),
    ("Netlogon", "Netlogon"),
    ("RemoteRegistry", "Remote Registry"),
    ("RpcSs", "Remote Procedure Call (RPC)"),
    ("Schedule", "Task Scheduler"),
    ("W32Time", "Windows Time"),
    ("Winmgmt", "Windows Management Instrumentation"),
    ("WinRM", "Windows Remote Management (WS-Management)"),
)

TOOLS = {
    "hostname": hostname,
    "whoami": whoami,
    "cmd": cmd,
    "powershell": powershell,
    "ping": ping,
    "timeout": timeout,
    "chcp": chcp,
    "where": where,
    "schtasks": schtasks,
    "sc": sc,
    "net": net,
    "net1": net,
    "tasklist": tasklist,
    "taskkill": taskkill,
    "systeminfo": systeminfo,
    "shutdown": shutdown,
    "reg": reg,
    "fsutil": fsutil,
    "vssadmin": vssadmin,
    "find": find_text,
    "findstr": findstr,
    "more": more,
    "sort": sort_lines,
    "certutil": certutil,
}


def install(machine: Machine) -> None:
    """Put Windows' own tools, services and WMI classes on a machine; what is there already stays."""
    from bot.lab.windows.wmi import CLASSES

    machine.com.setdefault(winhttp.PROGID, winhttp.request)
    for name, tool in TOOLS.items():
        machine.natives.setdefault(name, tool)
    for name, display in _SERVICES:
        if machine.services.get(name) is None:
            machine.services.add(name, display)
    for name, display in (("msiserver", "Windows Installer"), ("VSS", "Volume Shadow Copy")):
        if machine.services.get(name) is None:
            machine.services.add(name, display, STOPPED, MANUAL)
    for key, provider in CLASSES.items():
        machine.wmi.setdefault(("root\\cimv2", key), provider)
