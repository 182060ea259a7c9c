"""cmd.exe's own file commands: dir, type, copy, move, ren, del, md, rd, cd and their kin."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.lab.windows.paths import name_of, parent_of

if TYPE_CHECKING:
    from bot.lab.windows.cmd import CmdShell
    from bot.lab.windows.cmd_flow import Streams

NO_FILE = "The system cannot find the file specified.\r\n"
NO_PATH = "The system cannot find the path specified.\r\n"
SYNTAX = "The syntax of the command is incorrect.\r\n"


def words(rest: str) -> tuple[list[str], set[str]]:
    """The arguments without quotes, and the switches in lower case (`/s`, `/a-d`)."""
    names: list[str] = []
    switches: set[str] = set()
    for word in re.findall(r'(?:"[^"]*"|[^\s,;="])+', rest):
        if word.startswith("/"):
            switches |= {f"/{part}".casefold() for part in word.split("/") if part}
        else:
            names.append(word.replace('"', ""))
    return names, switches


def _type(shell: CmdShell, rest: str, io: Streams) -> int:
    names, _ = words(rest)
    if not names:
        io.err(SYNTAX)
        return 1
    fs, code = shell.session.machine.fs, 0
    for name in names:
        full = shell.path(name)
        found = fs.glob(full)
        if not found:
            io.err(NO_FILE if fs.is_dir(parent_of(full)) else NO_PATH)
            code = 1
        for path in found:
            if fs.is_dir(path):
                io.err("Access is denied.\r\n")
                code = 1
            else:
                io.out(shell.decode(fs.read(path)))
    return code


def _md(shell: CmdShell, rest: str, io: Streams) -> int:
    names, _ = words(rest)
    if not names:
        io.err(SYNTAX)
        return 1
    fs, code = shell.session.machine.fs, 0
    for name in names:
        full = shell.path(name)
        try:
            fs.makedirs(parent_of(full))
            fs.mkdir(full)  # alone decides who made it: of two `md` one fails
        except FileExistsError:
            io.err(f"A subdirectory or file {name} already exists.\r\n")
            code = 1
        except OSError as refused:
            io.err(f"{refused.strerror}.\r\n")
            code = 1
    return code


def _rd(shell: CmdShell, rest: str, io: Streams) -> int:
    names, switches = words(rest)
    fs, code = shell.session.machine.fs, 0
    for name in names:
        full = shell.path(name)
        if not fs.exists(full):
            io.err(NO_FILE)
            code = 2
        elif not fs.is_dir(full):
            io.err("The directory name is invalid.\r\n")
            code = 267
        elif "/s" in switches and "/q" not in switches and not _agreed(shell, io, f"{name}, Are you sure (Y/N)? "):
            continue
        else:
            try:
                fs.delete(full, recursive="/s" in switches)
            except OSError as refused:
                io.err(f"{refused.strerror}.\r\n")
                code = refused.errno or 1
    return code


def _agreed(shell: CmdShell, io: Streams, question: str) -> bool:
    io.out(question)
    answer = shell.read_line(io) or ""
    io.out("\r\n")
    return answer.strip().casefold().startswith("y")


def _del(shell: CmdShell, rest: str, io: Streams) -> int | None:
    names, switches = words(rest)
    if not names:
        io.err(SYNTAX)
        return 1
    fs = shell.session.machine.fs
    for name in names:
        full = shell.path(name)
        if fs.is_dir(full):
            full += "\\*"
        everything = name_of(full) in {"*", "*.*"} and "/q" not in switches
        if everything and not _agreed(shell, io, f"{full}, Are you sure (Y/N)? "):
            continue
        found = [path for path in fs.glob(full) if fs.is_file(path)]
        if not found:
            io.err(f"Could Not Find {full}\r\n")
        for path in found:
            if "ReadOnly" in fs.stat(path).attributes and "/f" not in switches:
                io.err(f"{path}\r\nAccess is denied.\r\n")
                continue
            try:
                fs.delete(path)
            except OSError as refused:
                # cmd says so and still leaves ERRORLEVEL alone.
                io.err(f"{path}\r\n{refused.strerror}.\r\n")
    return None


def _copy(shell: CmdShell, rest: str, io: Streams) -> int:
    names, _ = words(rest)
    fs, count = shell.session.machine.fs, 0
    if not names:
        io.err(SYNTAX)
        return 1
    target = shell.path(names[1]) if len(names) > 1 else shell.session.cwd
    sources = [path for part in names[0].split("+") for path in fs.glob(shell.path(part)) if fs.is_file(path)]
    if not sources:
        io.err(NO_FILE)
        io.out("        0 file(s) copied.\r\n")
        return 1
    for number, source in enumerate(sources):
        place = f"{target}\\{name_of(source)}" if fs.is_dir(target) else target
        joined = "+" in names[0] and number > 0
        if source.casefold() == shell.path(place).casefold():
            io.err("The file cannot be copied onto itself.\r\n")
            io.out("        0 file(s) copied.\r\n")
            return 1
        try:
            fs.write(place, fs.read(source), mode="append" if joined else "create")
            if version := fs.stat(source).version:
                fs.set_version(place, version)
        except OSError as refused:
            io.err(f"{refused.strerror}.\r\n")
            io.out(f"        {count} file(s) copied.\r\n")
            return 1
        count += 0 if joined else 1
    io.out(f"        {count} file(s) copied.\r\n")
    return 0


def _ren(shell: CmdShell, rest: str, io: Streams) -> int:
    names, _ = words(rest)
    if len(names) != 2 or "\\" in names[1] or "/" in names[1]:
        io.err(SYNTAX)
        return 1
    fs, full = shell.session.machine.fs, shell.path(names[0])
    try:
        fs.rename(full, f"{parent_of(full)}\\{names[1]}")
    except FileNotFoundError:
        io.err(NO_FILE)
        return 1
    except FileExistsError:
        io.err("A duplicate file name exists, or the file\r\ncannot be found.\r\n")
        return 1
    except OSError as refused:
        io.err(f"{refused.strerror}.\r\n")
        return 1
    return 0


def _move(shell: CmdShell, rest: str, io: Streams) -> int:
    names, switches = words(rest)
    if not names or len(names) > 2:
        io.err(SYNTAX)
        return 1
    fs = shell.session.machine.fs
    target = shell.path(names[1]) if len(names) > 1 else shell.session.cwd
    found = fs.glob(shell.path(names[0]))
    if not found:
        io.err(NO_FILE)
        return 1
    for source in found:
        place = f"{target}\\{name_of(source)}" if fs.is_dir(target) else target
        batch = bool(shell.frames) or "/y" in switches
        if fs.exists(place) and not batch and not _agreed(shell, io, f"Overwrite {place}? (Yes/No/All): "):
            return 1
        try:
            fs.rename(source, place, replace=True)
        except OSError as refused:
            io.err(f"{refused.strerror}.\r\n")
            return 1
    io.out(f"        {len(found)} {'dir' if fs.is_dir(target) and len(found) == 1 else 'file'}(s) moved.\r\n")
    return 0


def _cd(shell: CmdShell, rest: str, io: Streams) -> int:
    text = rest.strip()
    drive = re.match(r"/d\b\s*", text, re.IGNORECASE)
    if drive:
        text = text[drive.end() :]
    text = text.strip('"')
    if not text:
        io.out(shell.session.cwd + "\r\n")
        return 0
    full = shell.path(text)
    fs = shell.session.machine.fs
    if full.startswith("\\\\"):
        io.err(f"'{text}'\r\nCMD does not support UNC paths as current directories.\r\n")
        return 1
    if not fs.is_dir(full):
        io.err("The directory name is invalid.\r\n" if fs.exists(full) else NO_PATH)
        return 1
    if drive or full[:2].casefold() == shell.session.cwd[:2].casefold():
        shell.session.cwd = fs.true_name(full)
    return 0


def _pushd(shell: CmdShell, rest: str, io: Streams) -> int:
    before = shell.session.cwd
    code = _cd(shell, f"/d {rest.strip()}", io)
    if code == 0:
        shell.folders.append(before)
    return code


def _popd(shell: CmdShell, _rest: str, _io: Streams) -> int:
    if not shell.folders:
        return 1
    shell.session.cwd = shell.folders.pop()
    return 0


def _vol(shell: CmdShell, rest: str, io: Streams) -> int:
    letter = (rest.strip() or shell.session.cwd)[:2].upper()
    drive = shell.session.machine.fs.drives.get(letter)
    if drive is None or not drive.online:
        io.err(NO_PATH)
        return 1
    io.out(f" Volume in drive {letter[0]} is {drive.label}\r\n Volume Serial Number is 0000-{ord(letter[0]):04X}\r\n")
    return 0


def _dir(shell: CmdShell, rest: str, io: Streams) -> int:
    names, switches = words(rest)
    fs = shell.session.machine.fs
    full = shell.path(names[0] if names else ".")
    folder, pattern = (full, full + "\\*") if fs.is_dir(full) else (parent_of(full), full)
    wanted = next((s[2:].lstrip(":") for s in switches if s.startswith("/a")), "")
    folders = [folder]
    if "/s" in switches:
        for here in folders:
            folders += [p for p in fs.glob(here + "\\*") if fs.is_dir(p)]
    found = []
    for here in folders:
        found += [p for p in fs.glob(f"{here}\\{name_of(pattern)}") if _wanted(shell, p, wanted)]
    if "/b" in switches:
        for path in found:
            io.out((path if "/s" in switches else name_of(path)) + "\r\n")
        if not found:
            io.err("File Not Found\r\n")
        return 0 if found else 1
    _vol(shell, folder, io)
    io.out(f"\r\n Directory of {folder}\r\n\r\n")
    total = 0
    for path in found:
        stat = fs.stat(path)
        when = datetime.fromtimestamp(stat.modified, UTC).strftime("%m/%d/%Y  %I:%M %p")
        total += stat.size
        io.out(f"{when}    {'<DIR>         ' if stat.is_dir else f'{stat.size:14,}'} {name_of(path)}\r\n")
    if not found:
        io.err("File Not Found\r\n")
        return 1
    count = sum(1 for path in found if fs.is_file(path))
    io.out(f"{count:16} File(s) {total:14,} bytes\r\n")
    io.out(f"{len(found) - count:16} Dir(s)  {fs.drives[folder[:2]].left or 0:14,} bytes free\r\n")
    return 0


def _wanted(shell: CmdShell, path: str, wanted: str) -> bool:
    if "d" not in wanted:
        return True
    return shell.session.machine.fs.is_dir(path) != ("-d" in wanted)


FILE_COMMANDS: dict[str, Callable[[CmdShell, str, Streams], int | None]] = {
    "type": _type,
    "md": _md,
    "mkdir": _md,
    "rd": _rd,
    "rmdir": _rd,
    "del": _del,
    "erase": _del,
    "copy": _copy,
    "ren": _ren,
    "rename": _ren,
    "move": _move,
    "cd": _cd,
    "chdir": _cd,
    "pushd": _pushd,
    "popd": _popd,
    "vol": _vol,
    "dir": _dir,
}
