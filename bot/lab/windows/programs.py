"""Starting programs: splitting a command line, finding what it names, running it as a process."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.lab.windows import environment
from bot.lab.windows.machine import Cancelled
from bot.lab.windows.paths import name_of, normalise, parent_of
from bot.lab.windows.processes import Cancellation

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.lab.windows.machine import Native, Session

TERMINATED = 1  # exit code TerminateProcess gives
NO_MEMORY = -1073741801  # STATUS_NO_MEMORY: the job object of a WinRM shell let it have no more
# Working sets in MB as far as a shell's 150 MB quota cares; loading a snap-in comes on top (Session.use_memory).
_MEMORY_MB = {"powershell.exe": 24.0, "msiexec.exe": 80.0}
_SMALL_MB = 2.0
_SCRIPTS = (".cmd", ".bat")
# A job folder lies in a folder called `jobs`; what is started from inside one belongs to that job.
_JOB = re.compile(r"\\jobs\\([^\\]+)\\", re.IGNORECASE)


class BadImage(OSError):
    """The file is there but nothing can run it (Win32 error 193)."""


@dataclass(frozen=True)
class Program:
    """What a name on a command line turned out to be: a native tool or a batch file."""

    name: str  # process name, "cluster.exe"; batch files run in cmd.exe
    path: str
    native: Native | None  # None: `path` is a batch file


def job_of(path: str) -> str:
    """The job folder's name a path lies in, "" outside of one."""
    found = _JOB.search(path.replace("/", "\\"))
    return found.group(1) if found else ""


_PLAIN = re.compile(r'[^ \t\\"]+')
_PLAIN_QUOTED = re.compile(r'[^\\"]+')


def split_line(line: str) -> list[str]:
    """`argv` by the Microsoft C runtime's rules for quotes and backslashes; the program's name first."""
    out: list[str] = []
    i, n = 0, len(line)
    while i < n:
        if line[i] in " \t":
            i += 1
            continue
        word, quoted = "", False
        while i < n and (quoted or line[i] not in " \t"):
            plain = (_PLAIN_QUOTED if quoted else _PLAIN).match(line, i)
            if plain is not None:  # bootstraps are thousands of characters without a special one
                word += plain.group()
                i = plain.end()
                continue
            char = line[i]
            if char == "\\":
                run = 0
                while i < n and line[i] == "\\":
                    run += 1
                    i += 1
                if i < n and line[i] == '"':
                    word += "\\" * (run // 2)
                    if run % 2:
                        word += '"'
                        i += 1
                else:
                    word += "\\" * run
                continue
            if char == '"':
                if quoted and i + 1 < n and line[i + 1] == '"':
                    word += '"'
                    i += 1
                else:
                    quoted = not quoted
            else:
                word += char
            i += 1
        out.append(word)
    return out


def cut_program(line: str) -> tuple[str, str]:
    """The program's name without quotes, and the raw rest of the line after it."""
    text = line.lstrip()
    if text.startswith('"'):
        end = text.find('"', 1)
        end = len(text) if end < 0 else end
        return text[1:end], text[end + 1 :].lstrip()
    head = re.match(r"\S*", text)
    word = head.group(0) if head else ""
    return word, text[len(word) :].lstrip()


def _native(session: Session, name: str) -> Native | None:
    plain = name.casefold().removesuffix(".exe").removesuffix(".com")
    natives = session.machine.natives
    return natives.get(plain) or natives.get(plain + ".exe") or natives.get(name.casefold())


def find(session: Session, word: str, *, extensions: tuple[str, ...] = _SCRIPTS) -> Program | None:
    """What `word` names, looked for as cmd does: where it points, in the current folder, then on the path.

    `extensions`: what may be added to a bare name; CreateProcess adds none but `.exe`. Raises BadImage.
    """
    fs = session.machine.fs
    base = name_of(word.replace("/", "\\"))
    placed = "\\" in word or "/" in word or word[1:2] == ":"
    full = normalise(word, session.cwd)
    for candidate in (full, *(full + extension for extension in extensions)):
        if fs.is_file(candidate) and candidate.casefold().endswith(_SCRIPTS):
            return Program("cmd.exe", candidate, None)
    tool = _native(session, base)
    exe = base if base.casefold().endswith((".exe", ".com")) else base + ".exe"
    if placed:
        system = parent_of(full).casefold().startswith("c:\\windows")
        there = fs.is_file(full) or fs.is_file(full + ".exe")
        if tool is not None and (system or there):
            return Program(exe, full, tool)
        if there:
            raise BadImage(193, "not a valid Win32 application", full)
        return None
    return Program(exe, f"C:\\Windows\\system32\\{exe}", tool) if tool is not None else None


def child_of(session: Session, *, out: Callable[[str], None] | None = None) -> Session:
    """The surroundings of a process started by `session`: ends with it, changes of its own stay its own."""
    child = copy.copy(session)
    child.cancelled = Cancellation(session.cancelled)
    child.env = dict(session.env)
    child.used_mb = []
    if out is not None:
        child.out = out
    return child


def run_found(session: Session, program: Program, line: str, tail: str) -> int:
    """Run a found program as a process of its own and wait for its exit code.

    Raises Cancelled when `session` itself was ended; a process killed alone gives exit code 1.
    """
    machine = session.machine
    child = child_of(session)
    if not child.env:
        child.env = environment.fresh(machine, session.principal.user)
    child.job = job_of(program.path) or session.job
    process = machine.processes.start(program.name, line, child)
    needed = _MEMORY_MB.get(program.name.casefold(), _SMALL_MB)
    try:
        if not child.use_memory(needed):
            return NO_MEMORY
        for told in list(machine.on_command):
            told(child, line)
        if program.native is not None:
            return program.native(child, [program.name.removesuffix(".exe"), *split_line(tail)], tail)
        from bot.lab.windows.cmd import run_batch

        return run_batch(child, program.path, tail)
    except Cancelled:
        if session.cancelled.is_set():
            raise
        return TERMINATED
    except MemoryError:
        return NO_MEMORY
    finally:
        child.use_memory(-sum(child.used_mb))
        machine.processes.end(process.pid)
        if isinstance(session.cancelled, Cancellation) and isinstance(child.cancelled, Cancellation):
            session.cancelled.forget(child.cancelled)
            # What it started without waiting goes on in the job object, not under a process that is gone.
            child.cancelled.hand_over(session.cancelled)


def run_program(session: Session, line: str) -> int:
    """CreateProcess and wait: no cmd, no pipes, no redirection. Raises FileNotFoundError, BadImage, Cancelled."""
    word, tail = cut_program(line)
    program = find(session, word, extensions=())
    if program is None:
        raise FileNotFoundError(2, "The system cannot find the file specified", word)
    return run_found(session, program, line, tail)
