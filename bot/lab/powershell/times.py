"""[DateTime], [TimeSpan] and [Version] as .NET has them: ticks of 100 ns since year 1; the lab's machines live in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import total_ordering

TICKS = 10_000_000
EPOCH_TICKS = 621_355_968_000_000_000  # 1970-01-01


@dataclass(frozen=True, order=True)
class TimeSpan:
    """A duration in ticks."""

    ticks: int

    @property
    def seconds(self) -> float:
        """The whole duration in seconds."""
        return self.ticks / TICKS

    def __str__(self) -> str:
        whole, part = divmod(abs(self.ticks), TICKS)
        days, rest = divmod(whole, 86400)
        clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
        return ("-" if self.ticks < 0 else "") + (f"{days}." if days else "") + clock + (f".{part:07d}" if part else "")


@total_ordering
@dataclass(frozen=True, eq=False)
class DateTime:
    """A point in time. `kind` is Utc, Local or Unspecified; it changes no tick, since local time is UTC here."""

    ticks: int
    kind: str = "Local"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DateTime) and other.ticks == self.ticks

    def __lt__(self, other: DateTime) -> bool:
        return self.ticks < other.ticks

    def __hash__(self) -> int:
        return hash(self.ticks)

    @classmethod
    def from_unix(cls, seconds: float, kind: str = "Local") -> DateTime:
        """From Unix seconds, to the microsecond."""
        return cls(EPOCH_TICKS + round(seconds * 1_000_000) * 10, kind)

    @property
    def unix(self) -> float:
        """Unix seconds."""
        return (self.ticks - EPOCH_TICKS) / TICKS

    @property
    def python(self) -> datetime:
        """The same moment as Python has it."""
        return datetime(1, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.ticks // 10)

    def __str__(self) -> str:
        return self.python.strftime("%m/%d/%Y %H:%M:%S")  # PowerShell casts with the invariant culture


def from_python(moment: datetime, kind: str = "Local") -> DateTime:
    """A DateTime from a Python datetime (naive = UTC)."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - datetime(1, 1, 1, tzinfo=UTC)
    return DateTime(((delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds) * 10, kind)


_FORMS = (
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%m/%d/%Y",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%B %d, %Y", "%H:%M:%S", "%H:%M",
)  # fmt: skip


def parse_date(text: str) -> DateTime | None:
    """[datetime]'…' for the forms en-US knows; None when it is none."""
    text = text.strip()
    iso = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,7})?(Z|[+-]\d\d:\d\d)?", text)
    if iso:
        moment = datetime.fromisoformat(iso[1] + (iso[3] or "Z").replace("Z", "+00:00"))
        part = int((iso[2] or ".0")[1:].ljust(7, "0"))
        made = from_python(moment.astimezone(UTC), "Local" if iso[3] else "Unspecified")
        return DateTime(made.ticks + part, made.kind)
    for form in _FORMS:
        try:
            return from_python(datetime.strptime(text, form).replace(tzinfo=UTC), "Unspecified")
        except ValueError:
            continue
    return None


def parse_span(text: str) -> TimeSpan | None:
    """[timespan]'d.hh:mm:ss.f'; None when it is none."""
    match = re.fullmatch(r"\s*(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?\s*", text)
    if match is None:
        return TimeSpan(int(text) * 86400 * TICKS) if re.fullmatch(r"\s*-?\d+\s*", text) else None
    sign, days, hours, minutes, seconds, part = match.groups()
    ticks = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds or 0)
    total = ticks * TICKS + int((part or "0").ljust(7, "0"))
    return TimeSpan(-total if sign else total)


@total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    """[version]: two to four numbers; a missing one is -1 and sorts first."""

    parts: tuple[int, int, int, int]

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """From `a.b[.c[.d]]`; None when it is no version."""
        if not re.fullmatch(r"\s*\d+(\.\d+){1,3}\s*", text):
            return None
        found = [int(part) for part in text.strip().split(".")]
        found += [-1] * (4 - len(found))
        return cls((found[0], found[1], found[2], found[3]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and other.parts == self.parts

    def __lt__(self, other: Version) -> bool:
        return self.parts < other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.parts if part >= 0)


def dmtf(text: str) -> DateTime | None:
    """WMI's `yyyymmddHHMMSS.ffffff±UUU` as local time (ManagementDateTimeConverter.ToDateTime)."""
    match = re.fullmatch(r"(\d{14})\.(\d{6})([+-]\d{3})", text.strip())
    if match is None:
        return None
    moment = datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    moment += timedelta(microseconds=int(match[2])) - timedelta(minutes=int(match[3]))
    return from_python(moment)


def to_dmtf(moment: DateTime) -> str:
    """A point in time as WMI writes it."""
    return moment.python.strftime("%Y%m%d%H%M%S.%f") + "+000"
