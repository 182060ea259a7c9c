"""Every small forgery of a record: each event left out, told twice, put elsewhere; each value of each event changed.

A forger has the code: what depends on an event's place (versions, links, hashes, times, what an intent says of its gate)
is made anew by `record.recorded`. What is left over is one thing that is not so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from bot.procedure.order import check_events
from state import words as w
from state.replay import untaken
from tests.procedure.record import recorded

Path = tuple[str | int, ...]


def refused(made: list[w.Event]) -> bool:
    """Whether `rollup-bot verify` says no."""
    events = recorded(made)
    return untaken(events) is not None or bool(check_events(events))


def displaced(events: list[w.Event]) -> Iterator[tuple[str, list[w.Event]]]:
    """(what was done to which kind of event, the record): left out, told twice, swapped with the next, told again at the end."""
    for i, event in enumerate(events):
        name = type(event).__name__
        before, after = events[:i], events[i + 1 :]
        yield f"without {name}", [*before, *after]
        yield f"twice {name}", [*before, event, *events[i:]]
        if len(after) > 1:
            yield f"{type(after[0]).__name__} before {name}", [*before, after[0], event, *after[1:]]
            yield f"{name} later", [*before, *after[:-1], event, after[-1]]
            yield f"{name} again", [*events[:-1], event, after[-1]]


def changed(events: list[w.Event]) -> Iterator[tuple[str, str, list[w.Event]]]:
    """(which value, what it became, the record): every value once for each kind of event, rule and fact it stands under."""
    others = _others(events)
    done: set[str] = set()
    for i, event in enumerate(events):
        for path, value in _leaves(event):
            where = _named(event, path)
            if where in done or path[-1] in _PROSE or where in _MADE_ANEW:
                continue
            done.add(where)
            for other in _instead(value, others[where]):
                yield where, f"{value!r} → {other!r}", [*events[:i], _put(event, path, other), *events[i + 1 :]]


# Free text: nothing else in a record repeats it.
_PROSE = frozenset({
    "sentence", "title", "purpose", "remedy", "link", "because", "notes", "source", "detail", "name", "reason",
    "wait_reason", "basis", "category", "by_hand", "patience_s", "waivable", "applicable",
})  # fmt: skip


# What `record.recorded` fills in for whoever put an event somewhere; test_mutations.py spoils it afterwards.
_MADE_ANEW = frozenset({
    "GateConsumed.intent.version", "GateConsumed.intent.not_after", "JobOpened.order.version", "JobOpened.order.not_after",
    "StepEnded.outcome.took_s", "StepEnded.outcome.at",
})  # fmt: skip


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if is_dataclass(value):
        for one in fields(value):
            yield from _leaves(getattr(value, one.name), (*path, one.name))
    elif isinstance(value, tuple):
        if path and value and is_dataclass(value[0]):
            yield path, value
        for n, one in enumerate(value):
            yield from _leaves(one, (*path, n))
    else:
        yield path, value


def _named(value: Any, path: Path) -> str:
    said = type(value).__name__
    for key in path:
        value = value[key] if isinstance(key, int) else getattr(value, key)
        if isinstance(key, str):
            said += f".{key}"
        elif isinstance(value, w.Check):
            said += f"[{value.rule}]"
        elif isinstance(value, w.Fact):
            said += f"[{' '.join(word for word in value.name.split() if word.isalpha())}]"
    return said


def _put(value: Any, path: Path, other: Any) -> Any:
    if not path:
        return other
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        return (*value[:key], _put(value[key], rest, other), *value[key + 1 :])
    return replace(value, **{key: _put(getattr(value, key), rest, other)})


def _others(events: list[w.Event]) -> dict[str, list[str]]:
    """The texts that stand at each place anywhere in the record."""
    found: dict[str, list[str]] = {}
    for event in events:
        for path, value in _leaves(event):
            here = found.setdefault(_named(event, path), [])
            if isinstance(value, str) and value not in here:
                here.append(value)
    return found


def _instead(value: Any, others: list[str]) -> list[Any]:
    """Other values for one: the next that stands in its place elsewhere, and one that makes no sense."""
    match value:
        case bool():
            return [not value]
        case Enum():
            return [one for one in type(value) if one is not value]
        case int():
            return [value + 1, 3010]
        case float():
            return [value + 3600.5, -1.0]
        case str():
            return [*[one for one in others if one != value][:1], "zz"]
        case tuple():
            return [value[1:]]
        case _:
            return []
