"""The views Windows ships for its own types: processes, services, files, event log entries, snap-ins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.lab.powershell.convert import to_string
from bot.lab.powershell.formatting import NL, Column, columns_of, held, list_text, table_text
from bot.lab.powershell.netformat import date_text
from bot.lab.powershell.values import PSObject

View = Callable[[list[Any], int], str]


def _at(name: str) -> Callable[[PSObject], Any]:
    return lambda value: held(value, name)


def _thousands(name: str) -> Callable[[PSObject], Any]:
    return lambda value: int(held(value, name) or 0) // 1024


def _megabytes(name: str) -> Callable[[PSObject], Any]:
    return lambda value: int(held(value, name) or 0) // 2**20


_PROCESS = [
    Column("Handles", _at("Handles"), 7, right=True), Column("NPM(K)", _at("NPM"), 7, right=True),
    Column("PM(K)", _thousands("PM"), 8, right=True), Column("WS(K)", _thousands("WS"), 10, right=True),
    Column("VM(M)", _megabytes("VM"), 5, right=True), Column("CPU(s)", _at("CPU"), 8, right=True),
    Column("Id", _at("Id"), 6, right=True), Column("ProcessName", _at("ProcessName"), 20, right=False),
]  # fmt: skip
_SERVICE = [Column("Status", _at("Status"), 8, right=False), Column("Name", _at("Name"), 18, right=False),
            Column("DisplayName", _at("DisplayName"), 38, right=False)]  # fmt: skip
_EVENT = [
    Column("Index", _at("Index"), 8, right=True),
    Column("Time", lambda v: date_text(v["TimeGenerated"], "MMM dd HH:mm"), 13, right=False),
    Column("EntryType", _at("EntryType"), 11, right=False), Column("Source", _at("Source"), 20, right=False),
    Column("InstanceID", lambda v: v.get("InstanceId", v.get("EventID")), 12, right=True),
    Column("Message", _at("Message"), 10, right=False),
]  # fmt: skip
_FILE = [
    Column("Mode", _at("Mode"), 7, right=False),
    Column("LastWriteTime", lambda v: date_text(v["LastWriteTime"], "d").rjust(10) + "  "
           + date_text(v["LastWriteTime"], "t").rjust(8), 25, right=True),
    Column("Length", lambda v: v.get("Length") if not v.get("PSIsContainer") else "", 10, right=True),
    Column("Name", _at("Name"), 34, right=False),
]  # fmt: skip


def _files(values: list[Any], limit: int) -> str:
    parent = to_string(values[0].get("PSParentPath")).rpartition("::")[2]
    return f"{NL}{NL}    Directory: {parent}{NL}{NL}" + table_text(values, _FILE, limit)


def _keys(values: list[Any], limit: int) -> str:
    parent = to_string(values[0].get("PSParentPath")).rpartition("::")[2]
    columns = [Column("SKC", _at("SubKeyCount"), 3, right=True), Column("VC", _at("ValueCount"), 3, right=True),
               Column("Name", _at("PSChildName"), 30, right=False), Column("Property", _at("Property"), right=False)]  # fmt: skip
    return f"{NL}{NL}    Hive: {parent}{NL}{NL}" + table_text(values, columns, limit)


def _list(*names: str) -> View:
    return lambda values, limit: list_text(values, lambda v: columns_of(v, names), limit)


VIEWS: dict[str, View] = {
    "System.Diagnostics.Process": lambda values, limit: table_text(values, _PROCESS, limit),
    "System.ServiceProcess.ServiceController": lambda values, limit: table_text(values, _SERVICE, limit),
    "System.Diagnostics.EventLogEntry": lambda values, limit: table_text(values, _EVENT, limit),
    "System.IO.FileInfo": _files,
    "System.IO.DirectoryInfo": _files,
    "Microsoft.Win32.RegistryKey": _keys,
    "System.Management.Automation.PSSnapInInfo": _list("Name", "PSVersion", "Description"),
    "System.Collections.DictionaryEntry": lambda values, limit: table_text(
        values, [Column("Name", _at("Name"), 30, right=False), Column("Value", _at("Value"), right=False)], limit),
}  # fmt: skip


def register_view(type_name: str, view: View) -> None:
    """Give a type a view of its own, as a snap-in's format file does."""
    VIEWS[type_name] = view
