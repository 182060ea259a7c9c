"""A script's reply as rows: finds the marks, checks the count, decodes the fields. Knows no fact's meaning."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.procedure.facts import Unknown

T = TypeVar("T")

BEGIN = "[rollup-begin]"
END = "[rollup-end]"
_EPOCH_TICKS = 621_355_968_000_000_000  # .NET ticks (100 ns since year 1) at Unix time 0


class Malformed(ValueError):
    """A reply, or one field of it, that our scripts cannot have written."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The rows between the marks.

    `whole` is False when the end mark is missing: the script was ended early, and only sections that say
    so themselves are finished. `sections` maps a section's name to "" or to why it failed.
    """

    rows: tuple[tuple[str, tuple[str, ...]], ...]
    sections: dict[str, str]
    whole: bool

    def all(self, key: str) -> tuple[tuple[str, ...], ...]:
        """The fields of every row of that key, in order."""
        return tuple(fields for name, fields in self.rows if name == key)

    def first(self, key: str) -> tuple[str, ...] | None:
        """The fields of the first row of that key."""
        return next((fields for name, fields in self.rows if name == key), None)

    def why_missing(self, section: str) -> str:
        """Why a section has no answers; "" if it has."""
        if section in self.sections:
            return self.sections[section] and f"{section}: {self.sections[section]}"
        return f"{section}: " + ("the script did not answer it" if self.whole else "the script was ended before it")


def read(stdout: str) -> Reply:
    """Rows of a script's output. Raises Malformed if there is no begin mark, or a row or the count is wrong.

    Anything before the begin mark (a profile's greeting, a tool's banner) is passed over.
    """
    _, mark, rest = stdout.partition(BEGIN)
    if not mark:
        raise Malformed("no answer of our script in what came back")
    lines = [line.rstrip("\r") for line in rest.split("\n")]
    rows: list[tuple[str, tuple[str, ...]]] = []
    whole = False
    for place, line in enumerate(lines):
        if line.startswith(END):
            whole = True
            if line.removeprefix(END).strip() != str(len(rows)):
                raise Malformed(f"{len(rows)} lines came back, the script wrote {line.removeprefix(END).strip()}")
            break
        if not line.strip() or place == len(lines) - 1:
            continue  # the last line of a reply without an end may be half a line
        key, *encoded = line.split("\t")
        rows.append((key, tuple(_decode(field) for field in encoded)))
    sections: dict[str, str] = {}
    for key, fields in rows:
        if key == "section":
            name, verdict, why = expect(fields, 3)
            sections[name] = "" if verdict == "ok" else (" ".join(why.split()) or "failed without a word")
    return Reply(tuple(rows), sections, whole)


def _decode(field: str) -> str:
    try:
        return base64.b64decode(field, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Malformed(f"a field that is not base64 of UTF-8: {field[:40]!r}") from error


def expect(fields: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The fields, if there are as many as the script writes. Raises Malformed."""
    if len(fields) != count:
        raise Malformed(f"{len(fields)} fields where the script writes {count}")
    return fields


def number(text: str) -> int:
    """A whole number as a script writes it. Raises Malformed."""
    try:
        return int(text)
    except ValueError as error:
        raise Malformed(f"{text[:40]!r} is no number") from error


def seconds(ticks: str) -> float:
    """Unix seconds of UTC ticks. Raises Malformed."""
    return (number(ticks) - _EPOCH_TICKS) / 10_000_000


def ticks(unix_seconds: float) -> int:
    """UTC ticks of Unix seconds."""
    return round(unix_seconds * 10_000_000) + _EPOCH_TICKS


def flag(text: str) -> bool:
    """True or False as PowerShell prints a Boolean. Raises Malformed."""
    if text not in {"True", "False"}:
        raise Malformed(f"{text[:40]!r} is neither True nor False")
    return text == "True"


def part(reply: Reply, section: str, answer: Callable[[Reply], T]) -> T | Unknown:
    """One fact from one section: Unknown if the section failed, was not reached, or makes no sense."""
    why = reply.why_missing(section)
    if why:
        return Unknown(why)
    try:
        return answer(reply)
    except Malformed as error:
        return Unknown(f"{section}: {error}")
