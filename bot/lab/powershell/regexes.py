"""[regex], its matches, and the difference between .NET's and Python's patterns."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from bot.lab.powershell.values import ArrayList, Hashtable, PSObject, net_error

_NAMED = re.compile(r"\(\?<([A-Za-z_]\w*)>")
_QUOTED = re.compile(r"\(\?'([A-Za-z_]\w*)'")
_SUBSTITUTE = re.compile(r"\$(?:(\d+)|\{(\w+)\}|(\$)|(&))")


@lru_cache(maxsize=256)
def compiled(pattern: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """A .NET pattern as Python's. Raises NetError with .NET's first words."""
    text = _QUOTED.sub(r"(?P<\1>", _NAMED.sub(r"(?P<\1>", pattern))
    text = re.sub(r"\\k<(\w+)>", r"(?P=\1)", text).replace("\\z", "\\Z")
    try:
        return re.compile(text, flags)
    except re.error as wrong:
        raise net_error(f'parsing "{pattern}" - {wrong.msg}.', "System.ArgumentException") from None


def substitute(match: re.Match[str], replacement: str) -> str:
    """`$1`, `${name}`, `$&`, `$$` in a replacement."""

    def one(found: re.Match[str]) -> str:
        number, name, dollar, _whole = found.groups()
        if dollar:
            return "$"
        if number is not None:
            return (match.group(int(number)) or "") if int(number) <= (match.re.groups or 0) else found.group()
        if name is not None:
            try:
                return match.group(int(name) if name.isdigit() else name) or ""
            except (IndexError, KeyError):
                return found.group()
        return match.group()

    return _SUBSTITUTE.sub(one, replacement)


def matches_table(match: re.Match[str]) -> Hashtable:
    """$matches: groups that took part, by number, or by name where they have one."""
    names = {number: name for name, number in match.re.groupindex.items()}
    table = Hashtable()
    for number in range((match.re.groups or 0) + 1):
        if match.group(number) is not None:
            table[names.get(number, number)] = match.group(number)
    return table


def match_object(match: re.Match[str] | None) -> PSObject:
    """A Match: Success, Value, Index, Length, Groups."""
    names = ("System.Text.RegularExpressions.Match", "System.Object")
    if match is None:
        return PSObject(
            {"Groups": GroupList(None), "Success": False, "Index": 0, "Length": 0, "Value": ""}, names, text=""
        )
    return PSObject(
        {"Groups": GroupList(match), "Success": True, "Index": match.start(), "Length": len(match.group()),
         "Value": match.group()}, names, text=match.group())  # fmt: skip


def _group(match: re.Match[str], key: int | str) -> PSObject:
    text = match.group(key) or ""
    return PSObject({"Success": match.group(key) is not None, "Index": match.start(key), "Length": len(text),
                     "Value": text}, ("System.Text.RegularExpressions.Group", "System.Object"), text=text)  # fmt: skip


class GroupList(ArrayList):
    """The groups of a match, by number and by name."""

    type_name = "System.Text.RegularExpressions.GroupCollection"

    def __init__(self, match: re.Match[str] | None) -> None:
        super().__init__([] if match is None else [_group(match, i) for i in range((match.re.groups or 0) + 1)])
        self.named = {} if match is None else {name: self[i] for name, i in match.re.groupindex.items()}


class Regex:
    """A [regex]: case matters unless its options say otherwise."""

    type_name = "System.Text.RegularExpressions.Regex"

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern = pattern
        self.program = compiled(pattern, flags)

    def all(self, text: str) -> list[Any]:
        """Every match as an object."""
        return [match_object(m) for m in self.program.finditer(text)]


def wildcard(pattern: str) -> re.Pattern[str]:
    """A -like pattern: `*`, `?`, `[a-z]`, backtick for the signs themselves."""
    out = []
    i = 0
    while i < len(pattern):
        char = pattern[i]
        if char == "`" and i + 1 < len(pattern):
            i += 1
            out.append(re.escape(pattern[i]))
        elif char == "*":
            out.append(".*")
        elif char == "?":
            out.append(".")
        elif char == "[" and "]" in pattern[i + 1 :]:
            end = pattern.index("]", i + 1)
            out.append("[" + pattern[i + 1 : end].replace("\\", "\\\\").replace("^", "\\^") + "]")
            i = end
        else:
            out.append(re.escape(char))
        i += 1
    return _whole("".join(out))


@lru_cache(maxsize=256)
def _whole(text: str) -> re.Pattern[str]:
    return re.compile(text + r"\Z", re.IGNORECASE | re.DOTALL)
