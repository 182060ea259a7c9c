"""[DateTime], [TimeSpan], [Version], [Math], [Guid], and WMI's dates."""

from __future__ import annotations

import math
import random
import uuid
from typing import Any

from bot.lab.powershell.convert import cast, to_int, to_number, to_string
from bot.lab.powershell.dotnet import constructor, instance, static
from bot.lab.powershell.enums import from_number
from bot.lab.powershell.netformat import date_text
from bot.lab.powershell.times import (
    EPOCH_TICKS,
    TICKS,
    DateTime,
    TimeSpan,
    Version,
    dmtf,
    parse_date,
    parse_span,
    to_dmtf,
)
from bot.lab.powershell.values import EnumValue, net_error


def now(interpreter: Any, kind: str = "Local") -> DateTime:
    """What the machine's clock shows."""
    return DateTime.from_unix(interpreter.machine.now(), kind)


def _span(units: float) -> Any:
    return lambda _i, number: TimeSpan(round(to_number(number) * units * TICKS))


def _add(units: float) -> Any:
    return lambda _i, d, number: DateTime(d.ticks + round(to_number(number) * units * TICKS), d.kind)


def _add_months(_i: Any, d: DateTime, number: Any) -> DateTime:
    when = d.python
    months = when.year * 12 + when.month - 1 + to_int(number)
    year, month = divmod(months, 12)
    last = [31, 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    moved = when.replace(year=year, month=month + 1, day=min(when.day, last[month]))
    return DateTime(d.ticks + round((moved - when).total_seconds()) * TICKS, d.kind)


def _parse(_i: Any, text: Any, *_rest: Any) -> DateTime:
    found = parse_date(to_string(text))
    if found is None:
        raise net_error("String was not recognized as a valid DateTime.", "System.FormatException")
    return found


def _parse_exact(_i: Any, text: Any, form: Any, *_rest: Any) -> DateTime:
    from datetime import UTC, datetime

    from bot.lab.powershell.times import from_python

    shape = to_string(form)
    for theirs, ours in (
        ("yyyy", "%Y"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("mm", "%M"),
        ("ss", "%S"),
        ("'", ""),
    ):
        shape = shape.replace(theirs, ours)
    try:
        return from_python(datetime.strptime(to_string(text), shape).replace(tzinfo=UTC), "Unspecified")
    except ValueError:
        raise net_error("String was not recognized as a valid DateTime.", "System.FormatException") from None


def _make_date(_i: Any, *parts: Any) -> DateTime:
    if not parts:
        return DateTime(0, "Unspecified")
    if len(parts) <= 2 and isinstance(parts[0], int):
        return DateTime(parts[0], to_string(parts[1]) if len(parts) == 2 else "Unspecified")
    numbers = [to_int(p) for p in parts if not isinstance(p, EnumValue)]
    numbers += [0] * (7 - len(numbers))
    from datetime import UTC, datetime

    from bot.lab.powershell.times import from_python

    try:
        made = datetime(*numbers[:6], numbers[6] * 1000, tzinfo=UTC)  # type: ignore[misc, arg-type]
    except (ValueError, TypeError):
        raise net_error("Year, Month, and Day parameters describe an un-representable DateTime.",
                        "System.ArgumentOutOfRangeException") from None  # fmt: skip
    return from_python(made, to_string(parts[-1]) if isinstance(parts[-1], EnumValue) else "Unspecified")


static("System.DateTime", {
    "UtcNow": lambda i: now(i, "Utc"), "Now": now,
    "Today": lambda i: DateTime(now(i).ticks // (86400 * TICKS) * 86400 * TICKS),
    "MinValue": lambda _i: DateTime(0, "Unspecified"), "MaxValue": lambda _i: DateTime(3155378975999999999, "Unspecified"),
}, {
    "Parse": _parse, "ParseExact": _parse_exact,
    "FromFileTime": lambda _i, n: DateTime(to_int(n, "System.Int64") + 504911232000000000),
    "FromFileTimeUtc": lambda _i, n: DateTime(to_int(n, "System.Int64") + 504911232000000000, "Utc"),
    "SpecifyKind": lambda _i, d, kind: DateTime(d.ticks, to_string(kind)),
    "Compare": lambda _i, a, b: int(a > b) - int(a < b),
})  # fmt: skip
constructor("System.DateTime", _make_date)

instance("System.DateTime", {
    "Ticks": lambda _i, d: d.ticks, "Year": lambda _i, d: d.python.year, "Month": lambda _i, d: d.python.month,
    "Day": lambda _i, d: d.python.day, "Hour": lambda _i, d: d.python.hour, "Minute": lambda _i, d: d.python.minute,
    "Second": lambda _i, d: d.python.second, "Millisecond": lambda _i, d: d.python.microsecond // 1000,
    "DayOfYear": lambda _i, d: d.python.timetuple().tm_yday,
    "DayOfWeek": lambda _i, d: from_number("System.DayOfWeek", (d.python.weekday() + 1) % 7),
    "Date": lambda _i, d: DateTime(d.ticks // (86400 * TICKS) * 86400 * TICKS, d.kind),
    "TimeOfDay": lambda _i, d: TimeSpan(d.ticks % (86400 * TICKS)),
    "Kind": lambda _i, d: EnumValue(d.kind, {"Unspecified": 0, "Utc": 1, "Local": 2}[d.kind], "System.DateTimeKind"),
    "DateTime": lambda _i, d: date_text(d, "F"),
}, {
    "ToUniversalTime": lambda _i, d: DateTime(d.ticks, "Utc"), "ToLocalTime": lambda _i, d: DateTime(d.ticks, "Local"),
    "AddDays": _add(86400), "AddHours": _add(3600), "AddMinutes": _add(60), "AddSeconds": _add(1),
    "AddMilliseconds": _add(0.001), "AddMonths": _add_months, "AddYears": lambda i, d, n: _add_months(i, d, to_int(n) * 12),
    "AddTicks": lambda _i, d, n: DateTime(d.ticks + to_int(n, "System.Int64"), d.kind),
    "Add": lambda _i, d, s: DateTime(d.ticks + s.ticks, d.kind),
    "Subtract": lambda _i, d, o: TimeSpan(d.ticks - o.ticks) if isinstance(o, DateTime) else DateTime(d.ticks - o.ticks, d.kind),
    "ToString": lambda _i, d, form="G", *_r: date_text(d, to_string(form)),
    "ToFileTime": lambda _i, d: d.ticks - 504911232000000000, "ToFileTimeUtc": lambda _i, d: d.ticks - 504911232000000000,
    "ToShortDateString": lambda _i, d: date_text(d, "d"), "ToShortTimeString": lambda _i, d: date_text(d, "t"),
    "ToLongDateString": lambda _i, d: date_text(d, "D"), "ToLongTimeString": lambda _i, d: date_text(d, "T"),
    "ToOADate": lambda _i, d: (d.ticks - EPOCH_TICKS) / TICKS / 86400 + 25569,
})  # fmt: skip


def _whole(size: int, modulus: int) -> Any:
    return lambda _i, s: int(math.copysign(abs(s.ticks) // TICKS // size % modulus, s.ticks)) if s.ticks else 0


def _make_span(_i: Any, *parts: Any) -> TimeSpan:
    if len(parts) == 1:
        return TimeSpan(to_int(parts[0], "System.Int64"))
    numbers = [to_int(p) for p in parts]
    if len(numbers) == 3:
        numbers = [0, *numbers]
    numbers += [0] * (5 - len(numbers))
    days, hours, minutes, seconds, thousandths = numbers
    return TimeSpan((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * TICKS + thousandths * (TICKS // 1000))


static("System.TimeSpan", {"Zero": lambda _i: TimeSpan(0)}, {
    "FromDays": _span(86400), "FromHours": _span(3600), "FromMinutes": _span(60), "FromSeconds": _span(1),
    "FromMilliseconds": _span(0.001), "FromTicks": lambda _i, n: TimeSpan(to_int(n, "System.Int64")),
    "Parse": lambda _i, text: parse_span(to_string(text)) or cast(text, "System.TimeSpan"),
})  # fmt: skip
constructor("System.TimeSpan", _make_span)
instance("System.TimeSpan", {
    "Ticks": lambda _i, s: s.ticks, "Days": _whole(86400, 10**9), "Hours": _whole(3600, 24), "Minutes": _whole(60, 60),
    "Seconds": _whole(1, 60), "Milliseconds": lambda _i, s: abs(s.ticks) // 10000 % 1000,
    "TotalDays": lambda _i, s: s.seconds / 86400, "TotalHours": lambda _i, s: s.seconds / 3600,
    "TotalMinutes": lambda _i, s: s.seconds / 60, "TotalSeconds": lambda _i, s: s.seconds,
    "TotalMilliseconds": lambda _i, s: s.seconds * 1000,
}, {
    "Add": lambda _i, s, o: TimeSpan(s.ticks + o.ticks), "Subtract": lambda _i, s, o: TimeSpan(s.ticks - o.ticks),
    "Negate": lambda _i, s: TimeSpan(-s.ticks), "Duration": lambda _i, s: TimeSpan(abs(s.ticks)),
    "ToString": lambda _i, s, *_r: str(s),
})  # fmt: skip

instance("System.Version", {
    "Major": lambda _i, v: v.parts[0], "Minor": lambda _i, v: v.parts[1], "Build": lambda _i, v: v.parts[2],
    "Revision": lambda _i, v: v.parts[3],
}, {"ToString": lambda _i, v, *n: ".".join(str(v).split(".")[: to_int(n[0])] if n else [str(v)])})  # fmt: skip


def _make_version(_i: Any, *parts: Any) -> Version:
    text = to_string(parts[0]) if len(parts) == 1 else ".".join(to_string(p) for p in parts)
    made = cast(text, "System.Version")
    assert isinstance(made, Version)  # noqa: S101 - what cast promises
    return made


constructor("System.Version", _make_version)


def _round(_i: Any, number: Any, places: Any = 0, *_rest: Any) -> float:
    return float(round(float(to_number(number)), to_int(places) if not isinstance(places, str) else 0))


def _same(kind: Any) -> Any:
    return lambda _i, *numbers: kind(*(to_number(n) for n in numbers))


static("System.Math", {"PI": lambda _i: math.pi, "E": lambda _i: math.e}, {
    "Round": _round, "Floor": lambda _i, n: float(math.floor(to_number(n))), "Ceiling": lambda _i, n: float(math.ceil(to_number(n))),
    "Truncate": lambda _i, n: float(math.trunc(to_number(n))), "Abs": _same(abs), "Max": _same(max), "Min": _same(min),
    "Pow": _same(lambda a, b: float(a) ** b), "Sqrt": _same(math.sqrt), "Sign": _same(lambda n: (n > 0) - (n < 0)),
    "Log": _same(math.log), "Log10": _same(math.log10),
})  # fmt: skip

static(
    "System.Guid",
    {"Empty": lambda _i: "00000000-0000-0000-0000-000000000000"},
    {"NewGuid": lambda _i: str(uuid.uuid4())},
)


def _dmtf(_i: Any, text: Any) -> DateTime:
    found = dmtf(to_string(text))
    if found is None:
        raise net_error("Specified argument was out of the range of valid values.\r\nParameter name: dmtfDate",
                        "System.ArgumentOutOfRangeException")  # fmt: skip
    return found


static("System.Management.ManagementDateTimeConverter", None, {
    "ToDateTime": _dmtf, "ToDmtfDateTime": lambda _i, d: to_dmtf(cast(d, "System.DateTime")),
})  # fmt: skip


class Random:
    """A [Random]."""

    net_type = "System.Random"
    type_name = "System.Random"

    def __init__(self, seed: Any = None) -> None:
        self.source = random.Random(None if seed is None else to_int(seed))


constructor("System.Random", lambda _i, seed=None: Random(seed))
instance("System.Random", None, {
    "Next": lambda _i, r, *b: r.source.randrange(*(to_int(n) for n in b)) if b else r.source.randrange(0x7FFFFFFF),
    "NextDouble": lambda _i, r: r.source.random(),
})  # fmt: skip
