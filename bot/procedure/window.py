"""Reads a maintenance window as written in rollup.toml: `Sat 22:00-04:00 +01:00; Sun 01:00-05:00 +01:00`.

Each part is days, from-to, and the offset from UTC (default +00:00). Days are `Mon`, `Mon-Fri`, `Sat,Sun`, or left
out for every day. A window that ends before it begins goes over midnight and belongs to the day it begins on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

WRITE_SPANS = 'written like "Sat 22:00-04:00 +01:00"'
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(
    r"^(?:(?P<days>[A-Za-z][A-Za-z,-]*)\s+)?(?P<from>\d{1,2}:\d{2})-(?P<to>\d{1,2}:\d{2})(?:\s+(?P<zone>[+-]\d{2}:\d{2}|UTC))?$"
)


@dataclass(frozen=True, slots=True)
class Span:
    """One opening of a window, Unix seconds."""

    begin: float
    end: float


def spans(window: str, now: float, days: int = 8) -> tuple[Span, ...]:
    """The openings of a window around `now` and in the days after it, in order. Raises ValueError."""
    found = []
    for part in (one.strip() for one in window.split(";")):
        if part:
            found += _part(part, now, days)
    if not found:
        raise ValueError("the window has no opening")
    return _joined(sorted(found, key=lambda span: span.begin))


def _joined(found: list[Span]) -> tuple[Span, ...]:
    """Openings that meet or overlap as one: “Sat 22:00-24:00; Sun 00:00-04:00” is open for six hours."""
    made: list[Span] = []
    for span in found:
        if made and span.begin <= made[-1].end:
            made[-1] = Span(made[-1].begin, max(made[-1].end, span.end))
        else:
            made.append(span)
    return tuple(made)


def current(window: str, now: float) -> Span | None:
    """The opening that `now` lies in. Raises ValueError."""
    return next((span for span in spans(window, now) if span.begin <= now < span.end), None)


def _part(text: str, now: float, days: int) -> list[Span]:
    found = _PART.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not written like 'Sat 22:00-04:00 +01:00'")
    zone = _zone(found["zone"] or "+00:00")
    wanted = _days(found["days"] or "")
    begin, end = _clock(found["from"]), _clock(found["to"])
    length = (end - begin) if end > begin else (end - begin) + timedelta(days=1)
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    made = []
    for ahead in range(-2, days):
        day = today + timedelta(days=ahead)
        if day.weekday() in wanted:
            at = (day + begin).timestamp()
            made.append(Span(at, at + length.total_seconds()))
    return made


def _zone(text: str) -> timezone:
    if text == "UTC":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    return timezone((1 if text[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))


def _clock(text: str) -> timedelta:
    hours, minutes = (int(one) for one in text.split(":"))
    if hours > 24 or minutes > 59:
        raise ValueError(f"{text} is no time of day")
    return timedelta(hours=hours, minutes=minutes)


def _days(text: str) -> set[int]:
    wanted: set[int] = set()
    for one in filter(None, text.casefold().split(",")):
        first, _, last = one.partition("-")
        if first[:3] not in _DAYS or (last and last[:3] not in _DAYS):
            raise ValueError(f"{one!r} is no day of the week")
        begin = _DAYS.index(first[:3])
        end = _DAYS.index(last[:3]) if last else begin
        wanted |= {(begin + step) % 7 for step in range((end - begin) % 7 + 1)}
    return wanted or set(range(7))
