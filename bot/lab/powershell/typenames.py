"""Names of .NET types: PowerShell 2.0's short names, full names, and which type a value has."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from bot.lab.powershell.times import DateTime, TimeSpan, Version
from bot.lab.powershell.values import (
    ArrayList,
    Char,
    EnumValue,
    ErrorRecord,
    Hashtable,
    NetError,
    PSObject,
    PSType,
    ScriptBlock,
)

ACCELERATORS: dict[str, str] = {
    "int": "System.Int32",
    "int32": "System.Int32",
    "int16": "System.Int16",
    "int64": "System.Int64",
    "long": "System.Int64",
    "uint16": "System.UInt16",
    "uint32": "System.UInt32",
    "uint64": "System.UInt64",
    "byte": "System.Byte",
    "sbyte": "System.SByte",
    "double": "System.Double",
    "float": "System.Single",
    "single": "System.Single",
    "decimal": "System.Decimal",
    "string": "System.String",
    "char": "System.Char",
    "bool": "System.Boolean",
    "boolean": "System.Boolean",
    "switch": "System.Management.Automation.SwitchParameter",
    "array": "System.Array",
    "object": "System.Object",
    "hashtable": "System.Collections.Hashtable",
    "datetime": "System.DateTime",
    "timespan": "System.TimeSpan",
    "version": "System.Version",
    "regex": "System.Text.RegularExpressions.Regex",
    "scriptblock": "System.Management.Automation.ScriptBlock",
    "psobject": "System.Management.Automation.PSObject",
    "type": "System.Type",
    "guid": "System.Guid",
    "void": "System.Void",
    "xml": "System.Xml.XmlDocument",
    "wmi": "System.Management.ManagementObject",
    "exception": "System.Exception",
    "math": "System.Math",
    "convert": "System.Convert",
    "environment": "System.Environment",
    "enum": "System.Enum",
    "gc": "System.GC",
    "console": "System.Console",
    "bitconverter": "System.BitConverter",
    "datetimekind": "System.DateTimeKind",
    "stringsplitoptions": "System.StringSplitOptions",
    "stringcomparison": "System.StringComparison",
    "ipaddress": "System.Net.IPAddress",
    "eventargs": "System.EventArgs",
}
"""What [name] may stand for without its namespace; `System.` may always be left out."""

SIZES = {
    "System.Byte": (0, 0xFF), "System.SByte": (-0x80, 0x7F), "System.Int16": (-0x8000, 0x7FFF),
    "System.UInt16": (0, 0xFFFF), "System.Int32": (-0x80000000, 0x7FFFFFFF), "System.UInt32": (0, 0xFFFFFFFF),
    "System.Int64": (-(2**63), 2**63 - 1), "System.UInt64": (0, 2**64 - 1),
}  # fmt: skip

FULL: dict[str, str] = {}
"""Full names known here, by lower case; filled by `known`."""


@lru_cache(maxsize=1024)
def resolve(name: str) -> str | None:
    """The full name of a type as written in brackets, or None when there is no such type (here)."""
    text = name.strip()
    if text.endswith("[]"):
        inner = resolve(text[:-2])
        return None if inner is None else inner + "[]"
    low = text.lower()
    if low in ACCELERATORS:
        return ACCELERATORS[low]
    if low in FULL:
        return FULL[low]
    if low.startswith(("collections.generic.list[", "system.collections.generic.list[")):
        return "System.Collections.Generic.List"
    return None


def known(*names: str) -> None:
    """Make full type names findable with or without `System.`."""
    resolve.cache_clear()
    for name in names:
        FULL[name.lower()] = name
        if name.startswith("System."):
            FULL[name[7:].lower()] = name


known(*ACCELERATORS.values(), "System.Collections.ArrayList", "System.Collections.IEnumerable", "System.IDisposable",
      "System.Collections.ICollection", "System.Collections.IDictionary", "System.ValueType",
      "System.Management.Automation.PSCustomObject", "System.Management.Automation.ErrorRecord",
      "System.Object[]", "System.Byte[]", "System.String[]", "System.Int32[]", "System.Char[]",
      "System.Collections.IList", "System.Array")  # fmt: skip


def names_of(value: Any) -> tuple[str, ...]:
    """The type names of a value, the most derived first."""
    if isinstance(value, PSObject):
        return value.types
    if isinstance(value, NetError):
        return (*value.types, "System.Object")
    return (name_of(value), "System.Object")


def name_of(value: Any) -> str:
    """The full .NET type name of a value."""
    if isinstance(value, bool):
        return "System.Boolean"
    if isinstance(value, EnumValue):
        return value.type_name
    if isinstance(value, Char):
        return "System.Char"
    if isinstance(value, str):
        return "System.String"
    if isinstance(value, int):
        return "System.Int32" if -0x80000000 <= value <= 0x7FFFFFFF else "System.Int64"
    if isinstance(value, float):
        return "System.Double"
    if isinstance(value, ArrayList):
        return value.type_name
    if isinstance(value, list | tuple):
        return "System.Object[]"
    if isinstance(value, bytes | bytearray):
        return "System.Byte[]"
    for kind, name in (
        (Hashtable, "System.Collections.Hashtable"),
        (DateTime, "System.DateTime"),
        (TimeSpan, "System.TimeSpan"),
        (Version, "System.Version"),
        (ScriptBlock, "System.Management.Automation.ScriptBlock"),
        (ErrorRecord, "System.Management.Automation.ErrorRecord"),
        (PSType, "System.RuntimeType"),
    ):
        if isinstance(value, kind):
            return name
    if isinstance(value, PSObject | NetError):
        return value.types[0]
    return getattr(value, "type_name", "System.Object")


_INTERFACES: dict[str, Any] = {
    "System.Object": object,
    "System.Array": (list, bytes, bytearray),
    "System.Object[]": list,
    "System.Collections.IEnumerable": (list, Hashtable, str, bytearray, bytes),
    "System.Collections.ICollection": (list, Hashtable, bytearray, bytes),
    "System.Collections.IList": (list, bytearray, bytes),
    "System.Collections.IDictionary": Hashtable,
    "System.Management.Automation.PSObject": PSObject,
}


def is_instance(value: Any, type_name: str) -> bool:
    """`-is`."""
    if value is None:
        return False
    if type_name in {"System.Array", "System.Object[]"} and isinstance(value, ArrayList):
        return False
    wanted = _INTERFACES.get(type_name)
    if wanted is not None and isinstance(value, wanted):
        return True
    if type_name == "System.Int64" and isinstance(value, int):
        return name_of(value) == "System.Int64"
    if type_name.endswith("[]") and type_name != "System.Byte[]":
        return type_name == "System.Object[]" and isinstance(value, list)
    return type_name in names_of(value) or type_name == name_of(value)
