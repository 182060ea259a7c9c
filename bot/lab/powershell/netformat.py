""".NET format strings: `-f`, and ToString("…") of numbers, dates and spans, for the en-US culture."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bot.lab.powershell.convert import float_text, to_string
from bot.lab.powershell.times import DateTime, TimeSpan
from bot.lab.powershell.values import net_error

_ITEM = re.compile(r"\{\{|\}\}|\{(\d+)(?:,(-?\d+))?(?::((?:[^{}]|\{\{|\}\})*))?\}|[{}]")
_STANDARD_DATES = {
    "d": "M/d/yyyy",
    "D": "dddd, MMMM dd, yyyy",
    "t": "h:mm tt",
    "T": "h:mm:ss tt",
    "f": "dddd, MMMM dd, yyyy h:mm tt",
    "F": "dddd, MMMM dd, yyyy h:mm:ss tt",
    "g": "M/d/yyyy h:mm tt",
    "G": "M/d/yyyy h:mm:ss tt",
    "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
    "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
    "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "r": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "o": "yyyy'-'MM'-'dd'T'HH':'mm':'ss.fffffffK",
    "O": "yyyy'-'MM'-'dd'T'HH':'mm':'ss.fffffffK",
    "M": "MMMM dd",
    "Y": "MMMM, yyyy",
}
_DATE_TOKEN = re.compile(r"'([^']*)'|\"([^\"]*)\"|\\(.)|(d+|M+|y+|h+|H+|m+|s+|f+|F+|t+|K|z+)|(.)", re.DOTALL)


def date_text(moment: DateTime, form: str = "G") -> str:
    """A DateTime by a standard or custom format."""
    if len(form) == 1:
        if form not in _STANDARD_DATES:
            raise net_error("Input string was not in a correct format.", "System.FormatException")
        form = _STANDARD_DATES[form]
    form = form.removeprefix("%")
    when = moment.python
    part = f"{moment.ticks % 10_000_000:07d}"

    def one(match: re.Match[str]) -> str:
        quoted, doubled, escaped, token, other = match.groups()
        for plain in (quoted, doubled, escaped, other):
            if plain is not None:
                return str(plain)
        letter, size = token[0], len(token)
        match letter:
            case "d":
                return f"{when.day:0{size}d}" if size < 3 else when.strftime("%a" if size == 3 else "%A")
            case "M":
                return f"{when.month:0{size}d}" if size < 3 else when.strftime("%b" if size == 3 else "%B")
            case "y":
                return f"{when.year % 100:0{size}d}" if size < 3 else f"{when.year:0{size}d}"
            case "H":
                return f"{when.hour:0{min(size, 2)}d}"
            case "h":
                return f"{(when.hour % 12) or 12:0{min(size, 2)}d}"
            case "m":
                return f"{when.minute:0{min(size, 2)}d}"
            case "s":
                return f"{when.second:0{min(size, 2)}d}"
            case "f":
                return part[:size]
            case "F":
                return part[:size].rstrip("0")
            case "t":
                return ("AM" if when.hour < 12 else "PM")[:size]
            case "K":
                return {"Utc": "Z", "Local": "+00:00"}.get(moment.kind, "")
            case _:
                return "+0" if size == 1 else "+00" if size == 2 else "+00:00"

    return _DATE_TOKEN.sub(one, form)


def _rounded(value: float, places: int) -> str:
    return str(Decimal(repr(value) if isinstance(value, float) else value).quantize(
        Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))  # fmt: skip


def _grouped(text: str) -> str:
    sign = "-" if text.startswith("-") else ""
    whole, dot, part = text.lstrip("-").partition(".")
    return sign + f"{int(whole):,}" + dot + part


def number_text(value: float, form: str) -> str:
    """A number by a standard (`N2`, `X8`, `D3`, `F1`, `P0`) or custom (`0.00`, `#,##0`) format."""
    match = re.fullmatch(r"([A-Za-z])(\d*)", form)
    if match is None:
        return _custom_number(value, form)
    letter, digits = match[1], match[2]
    size = int(digits) if digits else None
    match letter.upper():
        case "N":
            return _grouped(_rounded(value, 2 if size is None else size))
        case "F":
            return _rounded(value, 2 if size is None else size)
        case "D" if isinstance(value, int):
            return ("-" if value < 0 else "") + str(abs(value)).zfill(size or 0)
        case "X" if isinstance(value, int):
            text = format(value & (0xFFFFFFFF if -0x80000000 <= value < 0 else 2**64 - 1), "X").zfill(size or 0)
            return text if letter == "X" else text.lower()
        case "P":
            return _grouped(_rounded(value * 100, 2 if size is None else size)) + " %"
        case "C":
            text = "$" + _grouped(_rounded(abs(value), 2 if size is None else size))
            return f"({text})" if value < 0 else text
        case "E":
            mantissa, _, power = format(value, f".{6 if size is None else size}E").partition("E")
            return f"{mantissa}E{power[0]}{power[1:].zfill(3)}"
        case "G" | "R":
            return float_text(value) if isinstance(value, float) else str(value)
        case _:
            raise net_error("Format specifier was invalid.", "System.FormatException")


def _custom_number(value: float, form: str) -> str:
    spec = re.search(r"[0#][0#,]*(?:\.([0#]*))?|\.([0#]+)", form)
    if spec is None:
        return form
    pattern = spec.group()
    whole, _, part = pattern.partition(".")
    text = _rounded(abs(value), len(part))
    head, _, tail = text.partition(".")
    head = head.lstrip("0").zfill(whole.count("0"))
    tail = tail.rstrip("0").ljust(part.count("0"), "0")
    if "," in whole and head:
        pad = len(head)
        head = f"{int(head):,}" if head == str(int(head)) else head.zfill(pad)
    made = head + ("." + tail if tail else "")
    sign = "-" if value < 0 and any(c in "123456789" for c in made) else ""
    return sign + form[: spec.start()] + made + form[spec.end() :]


def format_value(value: Any, form: str | None) -> str:
    """One value as `{0:form}` prints it."""
    if isinstance(value, DateTime):
        return date_text(value, form or "G")
    if not form:
        return to_string(value)
    if isinstance(value, bool):
        return to_string(value)
    if isinstance(value, int | float):
        return number_text(value, form)
    if isinstance(value, TimeSpan):
        return str(value)
    return to_string(value)


def compose(form: str, arguments: list[Any]) -> str:
    """`form -f arguments` and [string]::Format."""

    def one(match: re.Match[str]) -> str:
        found = match.group()
        if found in {"{{", "}}"}:
            return found[0]
        if match[1] is None:
            raise net_error("Input string was not in a correct format.", "System.FormatException")
        index = int(match[1])
        if index >= len(arguments):
            raise net_error("Index (zero based) must be greater than or equal to zero and less than the size of the "
                            "argument list.", "System.FormatException")  # fmt: skip
        text = format_value(arguments[index], match[3])
        if match[2]:
            width = int(match[2])
            text = text.ljust(-width) if width < 0 else text.rjust(width)
        return text

    return _ITEM.sub(one, form)
