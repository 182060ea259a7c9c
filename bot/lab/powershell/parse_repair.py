"""Repairs of text for the grammar's false alarms: same meaning, another spelling."""

from __future__ import annotations

import re

TOKENS = re.compile(
    r"""(?P<skip>@'\n.*?\n'@|@"\n.*?\n"@|'(?:[^']|'')*'|"(?:`.|""|[^"`])*"|<\#.*?\#>|(?<![\w$])\#[^\n]*|\$\{[^}]*\}|`.)"""
    r"""|(?P<quote>['"])|(?P<open>@?[({]|\[)|(?P<close>[)}\]])""",
    re.DOTALL | re.VERBOSE,
)
"""What a scan must step over (strings, comments, here-strings), and brackets."""

_GOES_ON = re.compile(r"[ \t]*(?:[)|;,.\[\]}\n-]|$|(?:else|elseif|catch|finally|while|until)\b|[\d*]?>)", re.IGNORECASE)


def with_line_breaks(text: str) -> str:
    """The same code with a line break before every `}` and after those that end a statement or a clause."""
    out: list[str] = []
    at = 0
    for match in TOKENS.finditer(text):
        out.append(text[at : match.start()])
        at = match.end()
        bracket = match.group()
        if bracket == "}":
            out.append("\n}" if _GOES_ON.match(text, at) else "\n}\n")
        else:
            out.append(bracket)
    out.append(text[at:])
    return re.sub(r"(?im)(^|[{;\n]\s*)(param\s*\((?:[^()]|\([^()]*\))*\))[ \t]*;?", r"\1\2\n", "".join(out))


_HEAD = re.compile(r"\$(?:\{[^}]*\}|[\w:?]+)")
_NAME = re.compile(r"(?:\.|::)\w+")
_ASSIGNED = re.compile(r"[ \t]*(?:[-+*/%]?=|\+\+|--)")


def _closing(text: str, at: int) -> int | None:
    """Where the bracket that opens at `at` is closed, one past it."""
    depth = 0
    for match in TOKENS.finditer(text, at):
        if match.lastgroup == "open":
            depth += 1
        elif match.lastgroup == "close":
            depth -= 1
            if depth == 0:
                return match.end()
        elif match.lastgroup == "quote":
            return None
    return None


def _chain(text: str, at: int) -> int | None:
    """The end of a method call with all that hangs on it, when one begins at `at`."""
    if text[at] == "$":
        head = _HEAD.match(text, at)
        end = head.end() if head else None
    else:
        end = _closing(text, at)
    called = named = False
    while end is not None and end < len(text):
        name = _NAME.match(text, end)
        if name:
            end, named = name.end(), True
        elif text[end] == "(" and named:
            end, named, called = _closing(text, end), False, True
        elif text[end] == "[":
            end, named = _closing(text, end), False
        else:
            break
    return end if called and end is not None and not _ASSIGNED.match(text, end) else None


def with_calls_wrapped(text: str) -> str:
    """The same code with `$x.Call(1)` after a blank written `($x.Call(1))`, so that it is one argument."""
    inserts: dict[int, str] = {}
    skip = 0
    stepped = {m.start(): m.end() for m in TOKENS.finditer(text) if m.lastgroup == "skip"}
    for at, char in enumerate(text):
        if at < skip:
            continue
        if at in stepped:
            skip = stepped[at]
            continue
        if char in "$([" and (at == 0 or text[at - 1] in " \t"):
            end = _chain(text, at)
            if end is not None:
                inserts[at] = inserts.get(at, "") + "("
                inserts[end] = ")" + inserts.get(end, "")
    out: list[str] = []
    last = 0
    for at in sorted(inserts):
        out += [text[last:at], inserts[at]]
        last = at
    return "".join([*out, text[last:]])


_LISTED = re.compile(r",[ \t]*([A-Za-z_*][\w*?.-]*)(?=[\s,|;)}]|$)")


def with_words_quoted(text: str) -> str:
    """The same code with bare words after a comma in quotes: `@{…}, Name` is `@{…}, 'Name'`."""
    out: list[str] = []
    at = 0
    for match in TOKENS.finditer(text):
        if match.lastgroup == "skip":
            out += [_LISTED.sub(r", '\1'", text[at : match.start()]), match.group()]
            at = match.end()
    return "".join([*out, _LISTED.sub(r", '\1'", text[at:])])
