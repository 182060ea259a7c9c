"""Conversions: to string, number, truth, and to a named type, by PowerShell's rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from bot.lab.powershell import times
from bot.lab.powershell.times import DateTime, TimeSpan, Version
from bot.lab.powershell.typenames import SIZES, name_of, resolve
from bot.lab.powershell.values import (
    ArrayList,
    Char,
    EnumValue,
    ErrorRecord,
    Hashtable,
    NetError,
    Nothing,
    PSObject,
    PSType,
    ScriptBlock,
    net_error,
)

ARRAYS = (list, tuple, bytearray, bytes)
"""What is an array here. A tuple: a union would be put together anew at each of very many questions."""


def enumerates(value: Any) -> bool:
    """Whether a pipeline hands the value on item by item."""
    return isinstance(value, ARRAYS)


def float_text(value: float) -> str:
    """A double as .NET prints it: 15 digits, no trailing zeros."""
    if value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "Infinity" if value > 0 else "-Infinity"
    text = format(value, ".15g")
    if "e" in text:
        mantissa, _, power = text.partition("e")
        return f"{mantissa}E{power[0]}{power[1:].lstrip('0').zfill(2)}"
    return text


def to_string(value: Any, ofs: str = " ") -> str:
    """A value inside a string, or as an argument that wants one."""
    if value.__class__ is str:  # the usual case; its subclasses below are made plain
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, Nothing):
        return ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, ARRAYS):
        return ofs.join(to_string(item) for item in value)
    if isinstance(value, PSObject):
        if value.text is not None:
            return value.text
        if value.types[0] == "System.Management.Automation.PSCustomObject":
            return "@{" + "; ".join(f"{k}={to_string(v)}" for k, v in value.items()) + "}"
        return value.types[0]
    if isinstance(value, ErrorRecord):
        return value.message
    if isinstance(value, NetError):
        return f"{value.types[0]}: {value.message}"
    if isinstance(value, ScriptBlock | DateTime | TimeSpan | Version):
        return str(value)
    if isinstance(value, PSType):
        return value.name
    return name_of(value)


def to_bool(value: Any) -> bool:
    """Truth: empty string, zero, null and empty arrays are false; an array of one is its item's truth."""
    if value.__class__ is bool:
        return value
    if isinstance(value, list | tuple):
        if len(value) == 1:
            inner = value[0]
            return bool(inner) if enumerates(inner) else to_bool(inner)
        return len(value) > 1
    if isinstance(value, bool | int | float | str | Nothing) or value is None:
        return bool(value)
    return True


def _no_conversion(value: Any, type_name: str, reason: str = "") -> NetError:
    text = f'Cannot convert value "{to_string(value)}" to type "{type_name}".'
    if reason:
        text += f' Error: "{reason}"'
    else:
        text = (f'Cannot convert the "{to_string(value)}" value of type "{name_of(value)}" to type "{type_name}".')  # fmt: skip
    return net_error(text, "System.Management.Automation.PSInvalidCastException")


_INTEGER = re.compile(r"^\s*([+-]?)(0x[0-9a-f]+|\d+)\s*$", re.IGNORECASE)
_REAL = re.compile(r"^\s*[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?\s*$", re.IGNORECASE)


def to_number(value: Any, type_name: str = "System.Int32") -> int | float:
    """A number for arithmetic; raises NetError when the text is none."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if value is None or isinstance(value, Nothing):
        return 0
    if isinstance(value, EnumValue):
        return value.number
    if isinstance(value, Char):
        return ord(value)
    if isinstance(value, str):
        match = _INTEGER.match(value)
        if match:
            size = int(match[2], 16 if match[2].lower().startswith("0x") else 10)
            return -size if match[1] == "-" else size
        if _REAL.match(value):
            return float(value.replace(",", ""))
        if not value.strip():
            return 0
        raise _no_conversion(value, type_name, "Input string was not in a correct format.")
    if isinstance(value, PSObject) and value.text is not None:
        return to_number(value.text, type_name)
    raise _no_conversion(value, type_name)


def to_int(value: Any, type_name: str = "System.Int32") -> int:
    """[int] and its family: half goes to even; out of range is an error."""
    found = to_number(value, type_name)
    if isinstance(found, float):
        if found != found or abs(found) == float("inf"):  # noqa: PLR0124 - NaN
            raise _no_conversion(value, type_name, "Value was either too large or too small.")
        found = round(found)
    low, high = SIZES[type_name]
    if not low <= found <= high:
        short = type_name.rpartition(".")[2]
        short = "an unsigned byte" if short == "Byte" else f"an {short}" if short[0] == "I" else f"a {short}"
        raise _no_conversion(value, type_name, f"Value was either too large or too small for {short}.")
    return found


def to_list(value: Any) -> list[Any]:
    """@(value): a fresh list of its items; null is a list of one null."""
    if isinstance(value, Nothing):
        return []
    return list(value) if enumerates(value) else [value]


def collapse(items: list[Any]) -> Any:
    """What an assignment keeps of a pipeline's output: nothing, the one value, or an array."""
    if not items:
        return None
    return items[0] if len(items) == 1 else items


def _to_date(value: Any) -> DateTime:
    if isinstance(value, DateTime):
        return value
    if isinstance(value, str):
        found = times.parse_date(value)
        if found is None:
            raise _no_conversion(value, "System.DateTime", "The string was not recognized as a valid DateTime. There "
                                 "is an unknown word starting at index 0.")  # fmt: skip
        return found
    if isinstance(value, int):
        return DateTime(value, "Unspecified")
    raise _no_conversion(value, "System.DateTime")


def cast(value: Any, type_name: str) -> Any:
    """`[type]value`. Raises NetError when it cannot be converted."""
    if isinstance(value, Nothing):
        value = None
    if type_name in SIZES:
        return to_int(value, type_name)
    if type_name.endswith("[]"):
        inner = type_name[:-2]
        if inner == "System.Byte":
            if isinstance(value, (bytearray, bytes)):
                return value
            return bytearray(to_int(item, inner) for item in to_list(value))
        if inner == "System.Char" and isinstance(value, str):
            return [Char(c) for c in value]
        if value is None:
            return None
        return [cast(item, inner) for item in to_list(value)]
    match type_name:
        case "System.String":
            return to_string(value)
        case "System.Boolean" | "System.Management.Automation.SwitchParameter":
            return to_bool(value)
        case "System.Double" | "System.Single" | "System.Decimal":
            return float(to_number(value, type_name))
        case "System.Char":
            if isinstance(value, str) and len(value) == 1:
                return Char(value)
            if isinstance(value, int) and 0 <= value <= 0xFFFF:
                return Char(chr(value))
            raise _no_conversion(value, type_name)
        case "System.Array":
            return None if value is None else to_list(value)
        case "System.Object" | "System.Management.Automation.PSObject":
            return value
        case "System.DateTime":
            return _to_date(value)
        case "System.TimeSpan":
            return _to_span(value)
        case "System.Version":
            made = value if isinstance(value, Version) else Version.parse(to_string(value))
            if made is None:
                raise _no_conversion(value, type_name, "Version string portion was too short or too long.")
            return made
        case "System.Text.RegularExpressions.Regex":
            from bot.lab.powershell.regexes import Regex

            return value if isinstance(value, Regex) else Regex(to_string(value))
        case "System.Collections.ArrayList" | "System.Collections.Generic.List":
            return ArrayList(to_list(value))
        case "System.Void":
            return Nothing()
        case "System.Type":
            found = value.name if isinstance(value, PSType) else resolve(to_string(value))
            if found is None:
                raise _no_conversion(value, type_name)
            return PSType(found)
        case "System.Guid":
            if not re.fullmatch(r"\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?", to_string(value)):
                raise _no_conversion(value, type_name)
            return to_string(value).strip("{}").lower()
        case "System.Exception":
            return value if isinstance(value, NetError) else net_error(to_string(value), "System.Exception")
        case _:
            from bot.lab.powershell.enums import enum_member

            member = enum_member(type_name, value)
            if member is not None:
                return member
    if type_name in (value.types if isinstance(value, PSObject | NetError) else (name_of(value),)):
        return value
    if isinstance(value, Hashtable) and type_name == "System.Collections.Hashtable":
        return value
    raise _no_conversion(value, type_name)


def _to_span(value: Any) -> TimeSpan:
    if isinstance(value, TimeSpan):
        return value
    if isinstance(value, int):
        return TimeSpan(value)
    found = times.parse_span(to_string(value))
    if found is None:
        raise _no_conversion(value, "System.TimeSpan", "Input string was not in a correct format.")
    return found


def join(items: Iterable[Any], by: str) -> str:
    """Strings of items put together."""
    return by.join(to_string(item) for item in items)
