"""The commands that live inside cmd.exe. Each returns its exit code, or None to leave ERRORLEVEL alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.lab.windows import environment
from bot.lab.windows.cmd_external import run_external, start
from bot.lab.windows.cmd_files import FILE_COMMANDS
from bot.lab.windows.cmd_flow import EndBatch, EndShell, Goto, Streams

if TYPE_CHECKING:
    from bot.lab.windows.cmd import CmdShell

Builtin = Callable[["CmdShell", str, Streams], int | None]

BUILDS = {"5.2": "5.2.3790", "6.0": "6.0.6002", "6.1": "6.1.7601"}


def cut_builtin(text: str) -> tuple[str, str]:
    """A built-in's lower-case name and what follows it; ("", "") when the first word is no built-in."""
    found = re.match(r"[A-Za-z]+", text)
    if not found or found.group(0).casefold() not in BUILTINS:
        return "", ""
    name, rest = found.group(0).casefold(), text[found.end() :]
    if rest and rest[0] not in ' \t,;=/.:\\+[]("<>&|':
        return "", ""
    if re.match(r"\.(exe|com|cmd|bat)\b", rest, re.IGNORECASE):
        return "", ""
    return name, rest


def _echo(shell: CmdShell, rest: str, io: Streams) -> None:
    word = rest.strip().casefold()
    if rest[:1] in {"", " ", "\t"}:
        if word == "":
            io.out(f"ECHO is {'on' if shell.echo else 'off'}.\r\n")
            return
        if word in {"on", "off"}:
            shell.echo = word == "on"
            return
    io.out(rest[1:] + "\r\n")


def _set(shell: CmdShell, rest: str, io: Streams) -> int | None:
    text = rest.strip(" \t")
    env = shell.session.env
    if re.match(r"/p\b", text, re.IGNORECASE):
        name, _, prompt = rest.lstrip(" \t")[2:].lstrip().partition("=")
        io.out(prompt.strip('"'))
        line = shell.read_line(io)
        if line is None or line == "":
            return 1
        environment.put(env, name.strip(' "'), line)
        return None
    if re.match(r"/a\b", text, re.IGNORECASE):
        return _set_sum(shell, text[2:].strip().strip('"'), io)
    text = text[1 : text.rfind('"')] if text.startswith('"') and text.rfind('"') > 0 else rest.lstrip(" \t")
    if "=" not in text:
        wanted = text.strip().casefold()
        shown = sorted((k, v) for k, v in env.items() if not k.startswith("=") and k.casefold().startswith(wanted))
        for name, value in shown:
            io.out(f"{name}={value}\r\n")
        if not shown:
            io.err(f"Environment variable {text.strip()} not defined\r\n")
            return 1
        return None
    name, _, value = text.partition("=")
    environment.put(env, name, value)
    return None


def _set_sum(shell: CmdShell, text: str, io: Streams) -> int | None:
    found = re.fullmatch(r"(\w+)\s*([-+*/%]?)=\s*(.+)", text)
    expression = found.group(3) if found else text
    if found and found.group(2):
        expression = f"{found.group(1)}{found.group(2)}({expression})"
    plain = re.sub(r"[A-Za-z_]\w*", lambda m: shell.lookup(m.group(0)) or "0", expression)
    if not re.fullmatch(r"[\d\s()+\-*/%]+", plain):
        io.err("Missing operator.\r\n")
        return 1073750989
    try:
        value = int(_sum(plain))
    except (ZeroDivisionError, ValueError):
        io.err("Divide by zero error.\r\n")
        return 1073750993
    if found:
        environment.put(shell.session.env, found.group(1), str(value))
    else:
        io.out(str(value))
    return None


def _sum(text: str) -> int:
    """Whole-number arithmetic with the usual precedence."""
    tokens = re.findall(r"\d+|[()+\-*/%]", text)

    def atom() -> int:
        part = tokens.pop(0) if tokens else ""
        if part == "(":
            value = added()
            if tokens:
                tokens.pop(0)
            return value
        if part in {"-", "+"}:
            return -atom() if part == "-" else atom()
        return int(part)

    def multiplied() -> int:
        value = atom()
        while tokens and tokens[0] in {"*", "/", "%"}:
            sign, right = tokens.pop(0), atom()
            value = (
                value * right
                if sign == "*"
                else int(value / right)
                if sign == "/"
                else value - right * int(value / right)
            )
        return value

    def added() -> int:
        value = multiplied()
        while tokens and tokens[0] in {"+", "-"}:
            value = value + multiplied() if tokens.pop(0) == "+" else value - multiplied()
        return value

    return added()


def _exit(shell: CmdShell, rest: str, _io: Streams) -> int:
    found = re.match(r"\s*(/b)?\s*(-?\d+)?", rest, re.IGNORECASE)
    code = int(found.group(2)) if found and found.group(2) else shell.errorlevel
    if found and found.group(1):
        shell.errorlevel = code
        if not shell.frames:
            raise EndShell(code)
        raise EndBatch(code)
    raise EndShell(code)


def _goto(_shell: CmdShell, rest: str, _io: Streams) -> int:
    words = rest.strip().lstrip(":").split()
    raise Goto(words[0] if words else "eof")


def _call(shell: CmdShell, rest: str, io: Streams) -> int:
    from bot.lab.windows import cmd_expand

    # A second round of %-expansion: what makes `call echo %%X%%` work.
    frame = shell.frames[-1] if shell.frames else None
    text = cmd_expand.percent(shell.session, rest, shell.lookup, frame.arguments if frame else None).lstrip()
    if text.startswith(":") and frame:
        label, _, tail = text[1:].partition(" ")
        return shell.batch(frame.path, tail, io, label=label)
    name, after = cut_builtin(text)
    if name:
        code = BUILTINS[name](shell, after, io)
        if code is not None:
            shell.errorlevel = code
        return shell.errorlevel if code is None else code
    return run_external(shell, text, io, called=True)


def _ver(shell: CmdShell, _rest: str, io: Streams) -> int:
    version = shell.session.machine.os_version
    io.out(f"\r\nMicrosoft Windows [Version {BUILDS.get(version, version)}]\r\n")
    return 0


def _shift(shell: CmdShell, _rest: str, _io: Streams) -> None:
    if shell.frames:
        del shell.frames[-1].arguments[:1]


def _setlocal(shell: CmdShell, rest: str, _io: Streams) -> None:
    if shell.frames:
        shell.frames[-1].saved.append((dict(shell.session.env), shell.delayed, shell.session.cwd))
        words = rest.casefold().split()
        if "enabledelayedexpansion" in words:
            shell.delayed = True
        if "disabledelayedexpansion" in words:
            shell.delayed = False


def _endlocal(shell: CmdShell, _rest: str, _io: Streams) -> None:
    if shell.frames and shell.frames[-1].saved:
        shell.session.env, shell.delayed, shell.session.cwd = shell.frames[-1].saved.pop()


def _pause(shell: CmdShell, _rest: str, io: Streams) -> None:
    io.out("Press any key to continue . . . ")
    shell.read_line(io)
    io.out("\r\n")


def _start(shell: CmdShell, rest: str, io: Streams) -> int:
    text = rest.strip()
    if text.startswith('"'):
        text = text[text.find('"', 1) + 1 :].strip()
    wait = False
    while found := re.match(r"/(\w+)\s*", text):
        wait = wait or found.group(1).casefold() in {"w", "wait"}
        text = text[found.end() :]
        if found.group(1).casefold() == "d":
            text = text.partition(" ")[2]
    return start(shell, text, io, wait=wait) if text else 0


def _date(shell: CmdShell, _rest: str, io: Streams) -> int:
    io.out((shell.lookup("DATE") or "") + "\r\n")
    return 0


def _time(shell: CmdShell, _rest: str, io: Streams) -> int:
    io.out((shell.lookup("TIME") or "") + "\r\n")
    return 0


def _path(shell: CmdShell, rest: str, io: Streams) -> None:
    if rest.strip():
        environment.put(shell.session.env, "Path", rest.strip(" ="))
    else:
        io.out(f"PATH={shell.lookup('Path') or '(null)'}\r\n")


def _nothing(_shell: CmdShell, _rest: str, _io: Streams) -> None:
    """Changes only what a console would show."""


BUILTINS: dict[str, Builtin] = {
    "echo": _echo,
    "set": _set,
    "exit": _exit,
    "goto": _goto,
    "call": _call,
    "ver": _ver,
    "shift": _shift,
    "setlocal": _setlocal,
    "endlocal": _endlocal,
    "pause": _pause,
    "start": _start,
    "date": _date,
    "time": _time,
    "path": _path,
    "title": _nothing,
    "color": _nothing,
    "cls": _nothing,
    "prompt": _nothing,
    "verify": _nothing,
    "break": _nothing,
    "rem": _nothing,
    **FILE_COMMANDS,
}
