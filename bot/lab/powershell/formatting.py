"""How objects are printed: default formatting, Format-List and Format-Table, at 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.lab.powershell.convert import to_string
from bot.lab.powershell.dotnet import INSTANCE, SPELLED
from bot.lab.powershell.errors import render
from bot.lab.powershell.netformat import date_text
from bot.lab.powershell.times import DateTime, TimeSpan, Version
from bot.lab.powershell.typenames import name_of
from bot.lab.powershell.values import ErrorRecord, Hashtable, NetError, Nothing, PSObject, PSType, ScriptBlock

WIDTH = 80
NL = "\r\n"
Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class FormatText:
    """What Format-* hands on: text that is printed as it stands."""

    text: str


@dataclass(frozen=True)
class Column:
    """One column or line: its label, how its value is read, its width (0 = share what is left)."""

    label: str
    read: Reader
    width: int = 0
    right: bool | None = None  # None: by the first value, numbers to the right


def cell(value: Any, limit: int = 4) -> str:
    """A value inside a table or list; an array is cut after `limit` items (-1 = never)."""
    if value is None or isinstance(value, Nothing):
        return ""
    if isinstance(value, DateTime):
        return date_text(value, "G")
    if isinstance(value, list | tuple | bytearray | bytes):
        shown = list(value) if limit < 0 else list(value)[:limit]
        return "{" + ", ".join(cell(v, limit) for v in shown) + ("..." if len(shown) < len(value) else "") + "}"
    if isinstance(value, Hashtable):
        keys = value.keys()
        shown = keys if limit < 0 else keys[:limit]
        return "{" + ", ".join(to_string(k) for k in shown) + ("..." if len(shown) < len(keys) else "") + "}"
    return to_string(value)


def held(value: PSObject, name: str) -> Any:
    """A property as a formatter reads it: one that fails or is computed shows nothing or its result."""
    found = value.get(name)
    if callable(found):
        try:
            return found()
        except NetError:
            return None
    return found


def property_names(value: Any) -> list[str]:
    """The names a value's display and `select *` go through."""
    if isinstance(value, PSObject):
        return value.names()
    own = getattr(type(value), "net_type", "") or name_of(value)
    table = INSTANCE.get(own, ({}, {}))[0]
    return [SPELLED[own + ".", low] for low in table]


def columns_of(value: Any, names: Iterable[str] | None = None) -> list[Column]:
    """Columns for a value's own properties."""
    chosen = list(names) if names is not None else list(
        value.show if isinstance(value, PSObject) and value.show else property_names(value))  # fmt: skip
    return [Column(name, _reader(name)) for name in chosen]


def _reader(name: str) -> Reader:
    def read(value: Any) -> Any:
        if isinstance(value, PSObject):
            return held(value, name)
        if isinstance(value, Hashtable):
            return value[name]
        own = getattr(type(value), "net_type", "") or name_of(value)
        member = INSTANCE.get(own, ({}, {}))[0].get(name.casefold())
        return None if member is None else member(None, value)

    return read


def wrap_value(text: str, width: int) -> list[str]:
    """A value broken into lines of `width`."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        while len(line) > width:
            cut = line.rfind(" ", 1, width + 1)
            cut = cut if cut > 0 else width
            lines.append(line[:cut])
            line = line[cut:].lstrip(" ")
        lines.append(line)
    return lines


def list_text(values: list[Any], columns: Callable[[Any], list[Column]], limit: int, width: int = WIDTH) -> str:
    """Format-List: a block an object."""
    blocks = []
    for value in values:
        lines = columns(value)
        label = max((len(c.label) for c in lines), default=0)
        out = []
        for column in lines:
            parts = wrap_value(cell(column.read(value), limit), max(width - label - 4, 1))
            out.append(f"{column.label:<{label}} : {parts[0]}")
            out += [" " * (label + 3) + part for part in parts[1:]]
        blocks.append(NL.join(out))
    return NL + NL + (NL + NL).join(blocks) + NL + NL + NL + NL


def _fit(text: str, width: int, right: bool) -> str:
    text = text.replace("\r", "").replace("\n", " ")
    if len(text) > width:
        text = text[: width - 3] + "..." if width > 3 else text[:width]
    return text.rjust(width) if right else text.ljust(width)


def table_text(values: list[Any], columns: list[Column], limit: int, *, auto: bool = False, head: bool = True,
               wrap: bool = False, width: int = WIDTH) -> str:  # fmt: skip
    """Format-Table: widths are given, shared evenly, or (auto) what the values need; the rest is cut off."""
    rows = [[cell(c.read(v), limit) for c in columns] for v in values]
    rights = [c.right if c.right is not None else bool(values) and isinstance(c.read(values[0]), int | float)
              and not isinstance(c.read(values[0]), bool) for c in columns]  # fmt: skip
    room = width - 1
    if auto:
        widths = [max([len(c.label), *(len(r[i].split("\n")[0]) for r in rows)]) for i, c in enumerate(columns)]
    else:
        fixed = sum(c.width for c in columns)
        open_ = sum(1 for c in columns if not c.width)
        share = max((room - fixed - (len(columns) - 1)) // open_, 3) if open_ else 0
        widths = [c.width or share for c in columns]
    shown = len(columns)
    while shown > 1 and sum(widths[:shown]) + shown - 1 > room:
        shown -= 1
    widths[shown - 1] = min(widths[shown - 1], max(room - sum(widths[: shown - 1]) - (shown - 1), 3))
    lines = []
    if head:
        lines.append(" ".join(_fit(columns[i].label, widths[i], rights[i]) for i in range(shown)))
        lines.append(
            " ".join(_fit("-" * min(len(columns[i].label), widths[i]), widths[i], rights[i]) for i in range(shown))
        )
    for row in rows:
        if wrap:
            parts = [wrap_value(row[i], widths[i]) for i in range(shown)]
            for k in range(max(len(p) for p in parts)):
                lines.append(
                    " ".join(_fit(p[k] if k < len(p) else "", widths[i], rights[i]) for i, p in enumerate(parts))
                )
        else:
            lines.append(" ".join(_fit(row[i], widths[i], rights[i]) for i in range(shown)))
    return (
        NL
        + NL.join(line.rstrip() if not right else line for line, right in zip(lines, [False] * len(lines), strict=True))
        + NL * 3
    )


SCALARS = (str, bool, int, float, PSType, ScriptBlock)


def _shape(value: Any) -> tuple[str, ...]:
    if isinstance(value, FormatText):
        return ("text",)
    if isinstance(value, SCALARS) or value is None:
        return ("scalar",)
    if isinstance(value, ErrorRecord):
        return ("error",)
    if isinstance(value, PSObject):
        own = ",".join(value.names()) if value.types[0].endswith("PSCustomObject") else ""
        return ("object", value.types[0], own, str(value.get("PSParentPath") or ""))
    return ("object", name_of(value))


def format_group(values: list[Any], limit: int = 4) -> str:
    """Objects of one kind, as Out-Default prints them."""
    first = values[0]
    kind = _shape(first)[0]
    if kind == "text":
        return "".join(v.text for v in values)
    if kind == "scalar":
        return "".join(cell(v, limit) + NL for v in values)
    if kind == "error":
        return "".join(render(v) for v in values)
    if isinstance(first, DateTime):
        return "".join(f"{NL}{date_text(v, 'F')}{NL}{NL}" for v in values)
    if isinstance(first, Hashtable):
        entries = [PSObject({"Name": k, "Value": v}) for table in values for k, v in table.items()]
        return table_text(entries, [Column("Name", _reader("Name"), 30, right=False), Column("Value", _reader("Value"), right=False)],
                          limit) if entries else ""  # fmt: skip
    from bot.lab.powershell.views import VIEWS

    view = VIEWS.get(name_of(first))
    if view is not None:
        return view(values, limit)
    if isinstance(first, NetError):
        return "".join(f"{v.message}{NL}" for v in values)
    if isinstance(first, TimeSpan | Version):
        names = property_names(first)
        return (list_text if isinstance(first, TimeSpan) else _table)(values, lambda v: columns_of(v, names), limit)
    if not isinstance(first, PSObject):
        return "".join(cell(v, limit) + NL for v in values)
    if not first.names():
        return NL if first.text is None else first.text + NL
    wanted = first.view or ("table" if len(first.show or first.names()) <= 4 else "list")
    if wanted == "table":
        return table_text(values, columns_of(first), limit)
    return list_text(values, columns_of, limit)


def _table(values: list[Any], columns: Callable[[Any], list[Column]], limit: int) -> str:
    return table_text(values, columns(values[0]), limit)


class Printer:
    """Out-Default: takes objects one by one, prints strings at once and others when their kind changes."""

    def __init__(self, write: Callable[[str], None], limit: Callable[[], int] = lambda: 4) -> None:
        self.write = write
        self.limit = limit
        self.waiting: list[Any] = []
        self.shape: tuple[str, ...] = ()

    def take(self, value: Any) -> None:
        """One object of the output."""
        if value is None:
            return
        if isinstance(value, list | bytearray | bytes):
            for item in value:
                self.take(item)
            return
        shape = _shape(value)
        if shape[0] in {"scalar", "text", "error"}:
            self.flush()
            self.write(format_group([value], self.limit()))
            return
        if shape != self.shape:
            self.flush()
            self.shape = shape
        self.waiting.append(value)

    def flush(self) -> None:
        """Print what is waiting."""
        if self.waiting:
            values, self.waiting = self.waiting, []
            self.shape = ()
            self.write(format_group(values, self.limit()))


def to_text(values: Iterable[Any], *, limit: int = 4) -> str:
    """What Out-String and `>` make of objects."""
    parts: list[str] = []
    printer = Printer(parts.append, lambda: limit)
    for value in values:
        printer.take(value)
    printer.flush()
    return "".join(parts)
