"""One line of the doctor's answer: how bad, about what, the fact, and what a person does about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad. UNKNOWN is a question nobody answered: it never passes for ok, and alone does not fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer."""

    level: Level
    what: str
    fact: str
    remedy: str = ""

    def __str__(self) -> str:
        """`ok       redis version: Valkey 9.1.2`, with the remedy as a sentence of its own."""
        fact = self.fact.rstrip(".")
        return f"{self.level:<8} {self.what}: {fact}" + (f". {self.remedy}" if self.remedy else "")


def ok(what: str, fact: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, what, fact)


def warn(what: str, fact: str, remedy: str = "") -> Finding:
    """Works, and somebody should look at it."""
    return Finding(Level.WARN, what, fact, remedy)


def fail(what: str, fact: str, remedy: str = "") -> Finding:
    """No campaign can or should run."""
    return Finding(Level.FAIL, what, fact, remedy)


def unknown(what: str, fact: str, remedy: str = "") -> Finding:
    """Nobody could tell."""
    return Finding(Level.UNKNOWN, what, fact, remedy)
