"""What cmd.exe puts in place of `%NAME%`, `%1`, `%~dp0`, `!NAME!` and a loop's `%v`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bot.lab.windows.paths import name_of, normalise, parent_of

if TYPE_CHECKING:
    from bot.lab.windows.machine import Session

Lookup = Callable[[str], str | None]

_ARGUMENT = re.compile(r"%(?:\*|~([fdpnxsatz]*)([0-9])|([0-9]))", re.IGNORECASE)
_LOOP = re.compile(r"%(?:~([fdpnxsatz]+))?([A-Za-z#$@?])")


def _slice(value: str, spec: str) -> str:
    """`~start,length` of `%NAME:~start,length%`."""
    parts = spec[1:].split(",")
    try:
        start = int(parts[0] or "0")
        length = int(parts[1]) if len(parts) > 1 else None
    except ValueError:
        return value
    start = max(len(value) + start, 0) if start < 0 else min(start, len(value))
    if length is None:
        return value[start:]
    return value[start : start + length] if length >= 0 else value[start:length]


def _modified(name: str, value: str) -> str:
    _, _, spec = name.partition(":")
    if not spec:
        return value
    if spec.startswith("~"):
        return _slice(value, spec)
    old, _, new = spec.partition("=")
    if old.startswith("*"):
        at = value.casefold().find(old[1:].casefold())
        return value if at < 0 else new + value[at + len(old) - 1 :]
    return re.sub(re.escape(old), lambda _: new, value, flags=re.IGNORECASE) if old else value


def path_part(session: Session, value: str, modifiers: str) -> str:
    """`%~dpnx…` of a value: quotes off, then the asked parts of its full path."""
    text = value.strip('"')
    if not modifiers:
        return text
    full = normalise(text, session.cwd)
    if text.endswith(("\\", "/")):
        full = full.rstrip("\\") + "\\"
    drive, name = full[:2], name_of(full)
    stem, dot, extension = name.rpartition(".")
    stem, extension = (stem, dot + extension) if dot else (name, "")
    marks = modifiers.casefold()
    out = ""
    fs = session.machine.fs
    if "z" in marks:
        out += f"{fs.stat(full).size} " if fs.is_file(full) else ""
    if "f" in marks or not set(marks) & set("dpnxzta"):
        return out + full
    if "d" in marks:
        out += drive
    if "p" in marks:
        out += (full if full.endswith("\\") else parent_of(full))[2:].rstrip("\\") + "\\"
    if "n" in marks:
        out += stem
    if "x" in marks:
        out += extension
    return out.rstrip(" ") if "z" in marks else out


def percent(session: Session, text: str, lookup: Lookup, arguments: Sequence[str] | None, tail: str = "") -> str:
    """Expand one line before it is parsed. `arguments`: a batch file's `%0 %1 …`; None on the command line."""
    out: list[str] = []
    at = 0
    while True:
        mark = text.find("%", at)
        if mark < 0:
            return "".join([*out, text[at:]])
        out.append(text[at:mark])
        at = mark
        if arguments is not None:
            if text.startswith("%%", at):
                out.append("%")
                at += 2
                continue
            found = _ARGUMENT.match(text, at)
            if found:
                if found.group(0) == "%*":
                    out.append(tail)
                else:
                    number = int(found.group(2) or found.group(3))
                    value = arguments[number] if number < len(arguments) else ""
                    asked = found.group(1)
                    out.append(value if asked is None else path_part(session, value, asked) if value else "")
                at = found.end()
                continue
        end = text.find("%", at + 1)
        name = text[at + 1 : end] if end > 0 else ""
        value_of = lookup(name.partition(":")[0]) if name and "\n" not in name else None
        if value_of is not None:
            out.append(_modified(name, value_of))
            at = end + 1
        elif arguments is None:
            out.append("%")
            at += 1
        elif end > 0 and "\n" not in name:
            at = end + 1  # an undefined variable is nothing at all in a batch file
        else:
            at += 1


def delayed(text: str, lookup: Lookup) -> str:
    """`!NAME!` after `setlocal enabledelayedexpansion`."""
    return re.sub(r"!([^!\n]+)!", lambda m: _modified(m.group(1), lookup(m.group(1).partition(":")[0]) or ""), text)


def loop(session: Session, text: str, variables: Mapping[str, str]) -> str:
    """`%v` and `%~nxv` of the loops around a command. Names are case-sensitive."""
    if not variables or "%" not in text:
        return text

    def one(found: re.Match[str]) -> str:
        modifiers, name = found.group(1), found.group(2)
        if name in variables:
            value = variables[name]
            return value if modifiers is None else path_part(session, value, modifiers)
        # `%~nxf`: the last letter may be the variable and the ones before it modifiers.
        return found.group(0)

    def quoted_off(found: re.Match[str]) -> str:
        return variables[found.group(1)].strip('"') if found.group(1) in variables else found.group(0)

    text = _LOOP.sub(one, text)
    return re.sub(r"%~([A-Za-z#$@?])", quoted_off, text)
