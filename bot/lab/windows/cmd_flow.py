"""cmd.exe's control flow: streams, jumps, conditions of `if`, and what `for` walks over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.lab.windows.cmd import CmdShell
    from bot.lab.windows.cmd_syntax import For, Redirection


@dataclass
class Streams:
    """Where one command writes to and reads from. `stdin` None: the process's own standard input."""

    out: Callable[[str], None]
    err: Callable[[str], None]
    stdin: str | None = None


class EndBatch(Exception):
    """`exit /b`, `goto :eof`, or a batch file that handed over to another. `code` None: keep ERRORLEVEL."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class EndShell(Exception):
    """`exit`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Goto(Exception):
    """`goto label`."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


def point(shell: CmdShell, io: Streams, redirection: Redirection) -> None:
    """Turn one stream of `io` to where a redirection says. Raises OSError when the file cannot be opened."""
    fs, target = shell.session.machine.fs, redirection.target
    full = shell.path(target)
    if redirection.stream == 0:
        io.stdin = "" if target.casefold() == "nul" else shell.decode(fs.read(full))
        return

    def to_file(text: str) -> None:
        try:
            fs.write(full, shell.encode(text), mode="append")
        except OSError:
            return  # deleted or taken away under the writer: what it still says is lost

    known = {"&1": io.out, "&2": io.err, "nul": _nowhere, "con": shell.session.out}
    sink = known.get(target.casefold())
    if sink is None:
        fs.write(full, b"", mode="append" if redirection.append else "create")
        sink = to_file
    if redirection.stream == 2:
        io.err = sink
    else:
        io.out = sink


def _nowhere(_text: str) -> None:
    """NUL."""


def _exists(shell: CmdShell, text: str) -> bool:
    fs = shell.session.machine.fs
    full = shell.path(text.strip('"'))
    if full.casefold().endswith("\\nul"):
        return fs.is_dir(full[:-4])
    if text.strip('"').endswith(("\\", "/")):
        return fs.is_dir(full)
    return bool(fs.glob(full))


def test_holds(shell: CmdShell, test: tuple[str, str, str], ignore_case: bool) -> bool:
    """Whether the condition of an `if` is true."""
    kind, left, right = test
    if kind == "exist":
        return _exists(shell, left)
    if kind == "defined":
        return shell.lookup(left) is not None
    if kind == "errorlevel":
        return shell.errorlevel >= _number(left, 0)
    if kind == "cmdextversion":
        return _number(left, 99) <= 2
    if ignore_case:
        left, right = left.casefold(), right.casefold()
    if kind == "==":
        return left == right
    if re.fullmatch(r"[-+]?\d+", left) and re.fullmatch(r"[-+]?\d+", right):
        return _compare(kind, int(left) - int(right))
    return _compare(kind, (left > right) - (left < right))


def _number(text: str, default: int) -> int:
    try:
        return int(text)
    except ValueError:
        return default


def _compare(kind: str, sign: int) -> bool:
    return {
        "equ": sign == 0,
        "neq": sign != 0,
        "lss": sign < 0,
        "leq": sign <= 0,
        "gtr": sign > 0,
        "geq": sign >= 0,
    }[kind]


def walk_items(shell: CmdShell, node: For, io: Streams) -> Iterator[dict[str, str]]:
    """The variables of each turn of a `for`."""
    if node.kind == "f":
        yield from _walk_text(shell, node, io)
        return
    words = re.findall(r'"[^"]*"|[^\s,;=]+', node.items)
    if node.kind == "l":
        start, step, end = (_number(word, 0) for word in [*words, "0", "0", "0"][:3])
        while step and (start <= end if step > 0 else start >= end):
            yield {node.variable: str(start)}
            start += step
        return
    fs = shell.session.machine.fs
    for word in words:
        if any(mark in word for mark in "*?"):
            folder = word.strip('"').rpartition("\\")[0]
            for full in fs.glob(shell.path(word)):
                if fs.is_dir(full) == (node.kind == "d"):
                    yield {
                        node.variable: f"{folder}\\{full.rpartition(chr(92))[2]}"
                        if folder
                        else full.rpartition("\\")[2]
                    }
        else:
            yield {node.variable: word}


def _walk_text(shell: CmdShell, node: For, io: Streams) -> Iterator[dict[str, str]]:
    # `delims=` may hold a blank only as the last option, so it is cut off first.
    found = re.search(r"delims=(\S*.*)$", node.options, re.IGNORECASE)
    delims, options = " \t", node.options
    if found:
        value = found.group(1)
        later = re.search(r"\s+(?:tokens|skip|eol|usebackq)\b.*$", value, re.IGNORECASE)
        delims = value[: later.start()] if later else value
        options = node.options[: found.start()] + (later.group(0) if later else "")
    tokens = re.search(r"tokens=(\S+)", options, re.IGNORECASE)
    skip = re.search(r"skip=(\d+)", options, re.IGNORECASE)
    eol = re.search(r"eol=(\S?)", options, re.IGNORECASE)
    backquotes = "usebackq" in options.casefold()
    lines = _source(shell, node.items.strip(), io, backquotes=backquotes)
    for line in lines[int(skip.group(1)) if skip else 0 :]:
        if not line or line[0] == (eol.group(1) if eol else ";"):
            continue
        values = _tokens(line, delims, tokens.group(1) if tokens else "1")
        if values:
            yield {chr(ord(node.variable) + number): value for number, value in enumerate(values)}


def _source(shell: CmdShell, items: str, io: Streams, *, backquotes: bool) -> list[str]:
    command, text = ("`", "'") if backquotes else ("'", '"')
    if items.startswith(command) and items.endswith(command):
        from bot.lab.windows.cmd import CmdShell

        caught: list[str] = []
        inner = shell.process_session(Streams(caught.append, io.err, io.stdin))
        CmdShell(inner).run_line(items[1:-1])
        return "".join(caught).replace("\r", "").split("\n")
    if items.startswith(text) and items.endswith(text):
        return [items[1:-1]]
    lines: list[str] = []
    for name in re.findall(r'"[^"]*"|\S+', items):
        try:
            content = shell.session.machine.fs.read(shell.path(name))
        except OSError:
            io.err(f"The system cannot find the file {name.strip(chr(34))}.\r\n")
            continue
        lines += shell.decode(content).replace("\r", "").split("\n")
    return lines


def _tokens(line: str, delims: str, spec: str) -> list[str]:
    if not delims and spec == "1":
        return [line]
    cut = re.compile(f"[{re.escape(delims)}]+") if delims else None
    rest = line.lstrip(delims) if delims else line
    wanted: list[int] = []
    star = spec.endswith("*")
    for part in spec.rstrip("*").split(","):
        low, _, high = part.partition("-")
        if low.isdigit():
            wanted += range(int(low), int(high or low) + 1)
    words, at = [], 0
    while cut and at < len(rest) and (found := cut.search(rest, at)):
        words.append((rest[at : found.start()], found.end()))
        at = found.end()
    if at < len(rest):
        words.append((rest[at:], len(rest)))
    out = [words[number - 1][0] if number <= len(words) else "" for number in wanted]
    if star:
        last = max(wanted, default=0)
        out.append(rest[words[last - 1][1] :] if 0 < last <= len(words) else rest if last == 0 else "")
    return out if any(out) else []
