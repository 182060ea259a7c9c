"""Reads the rows of survey.ps1: what only some moments need to know. Never raises for a bad field."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from bot.estate.reply import Malformed, Reply, expect, part
from bot.procedure.facts import NOT_ASKED, SurveyFacts, Unknown, WriterFacts

T = TypeVar("T")

_NAMED = re.compile(r"'(.+)'\s*$")  # Writer name: 'System Writer', in whatever language
_STATE = re.compile(r"\[(\d+)\]")  # State: [1] Stable


def facts(reply: Reply, kinds: tuple[str, ...]) -> SurveyFacts:
    """The answers to the kinds asked for."""

    def asked(section: str, answer: Callable[[Reply], T]) -> T | Unknown:
        return part(reply, section, answer) if section in kinds else NOT_ASKED

    return SurveyFacts(writers=asked("writers", _writers))


def _writers(reply: Reply) -> tuple[WriterFacts, ...]:
    """Every shadow copy writer with the number of its state (`vssadmin list writers`).

    A writer's block begins with the one line that ends in a quoted name; its first number in brackets is the state.
    """
    found: list[WriterFacts] = []
    name = ""
    for line in (expect(fields, 1)[0] for fields in reply.all("writer")):
        named, state = _NAMED.search(line), _STATE.search(line)
        if named is not None:
            if name:
                raise Malformed(f"writer {name} has no state")
            name = named[1]
        elif state is not None and name:
            found.append(WriterFacts(name=name, state=int(state[1])))
            name = ""
    if name or not found:
        raise Malformed(f"writer {name} has no state" if name else "vssadmin lists no writer")
    return tuple(found)
