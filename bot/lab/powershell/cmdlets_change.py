"""Cmdlets that make, remove, move and copy things at paths, and read and write what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.lab.powershell.cmdlet import Call, cmdlet
from bot.lab.powershell.cmdlets_items import each_path, need_paths, place_for, resolve, resolve_key, touching
from bot.lab.powershell.cmdlets_output import encode
from bot.lab.powershell.convert import to_int, to_list, to_string
from bot.lab.powershell.items import item_at, not_found, properties_of
from bot.lab.powershell.paths import ENCODINGS, decode, drive_of, full_path, is_registry, registry_name
from bot.lab.powershell.values import CmdletError, PSObject
from bot.lab.windows.paths import name_of, parent_of

_PATHS = {"pspath": "LiteralPath"}
_ASKS = ("Confirm?", "WhatIf?", "Force?")


@cmdlet("New-Item", "Path", "Name", "ItemType", "Value", *_ASKS, positional=("Path",), aliases={"type": "ItemType"})
def new_item(call: Call) -> Iterable[Any]:
    """A file, folder or key."""
    for base in call.texts("Path") or ["."]:
        path = base.rstrip("\\") + "\\" + call.text("Name") if "Name" in call.params else base
        if is_registry(path):
            key = registry_name(path)
            if call.machine.registry.get(key) is not None and not call.on("Force"):
                yield CmdletError(
                    "A key in this path already exists.",
                    "System.IO.IOException",
                    False,
                    category="ResourceExists",
                    target=path,
                )
                continue
            call.machine.registry.create(key)
            yield resolve_key(call, path)
            continue
        yield from _new_on_disk(call, full_path(call.session, path))


def _new_on_disk(call: Call, full: str) -> Iterable[Any]:
    fs = call.machine.fs
    kind = call.text("ItemType", "file").casefold()
    folder = kind in {"directory", "d", "container", "dir"} or "directory".startswith(kind)
    if not folder and not ("file".startswith(kind) or kind == "leaf"):
        raise CmdletError("The type is not a known type for the file system. Only \"file\" and \"directory\" can be specified.",
                          "Argument", category="InvalidArgument", exception="System.ArgumentException")  # fmt: skip
    with touching(full):
        if folder:
            if fs.exists(full) and not (call.on("Force") and fs.is_dir(full)):
                yield CmdletError(f"Item with specified name {full} already exists.", "DirectoryExist", False, category="ResourceExists",
                                  target=full, exception="System.IO.IOException")  # fmt: skip
                return
            fs.makedirs(full)
        else:
            if fs.is_dir(full):
                raise PermissionError(5, "Access is denied", full)
            data = to_string(call.get("Value", "")).encode("cp1252", "replace")
            if fs.exists(full) and not call.on("Force"):
                yield CmdletError(f"The file '{full}' already exists.", "NewItemIOError", False, category="WriteError", target=full,
                                  exception="System.IO.IOException")  # fmt: skip
                return
            if call.on("Force"):
                fs.makedirs(parent_of(full))
            fs.write(full, data, mode="create" if call.on("Force") else "create_new")
    yield item_at(call.session, full)


@cmdlet("mkdir", "Path", "Name", "Force?", positional=("Path",))
def mkdir(call: Call) -> Iterable[Any]:
    """The function mkdir: New-Item for a folder."""
    call.params["ItemType"] = "directory"
    yield from new_item(call) or ()


@cmdlet("Remove-Item", "Path", "LiteralPath", "Recurse?", "Include", "Exclude", "Filter", *_ASKS, positional=("Path",), pipe="Path",
        aliases=_PATHS)  # fmt: skip
def remove_item(call: Call) -> Iterable[Any]:
    """Delete files, folders, keys, variables."""
    for path, wild in need_paths(call):
        drive = drive_of(path)
        if is_registry(path):
            if not call.machine.registry.delete(registry_name(path)):
                yield not_found(path)
            continue
        if drive == "env":
            call.session.env.pop(
                next((k for k in call.session.env if k.casefold() == path[4:].lstrip("\\").casefold()), ""), None
            )
            continue
        if drive in {"variable", "function"}:
            name = path.partition(":")[2].lstrip("\\").lower()
            scope = call.interpreter.scope.find(name)
            if drive == "function":
                call.interpreter.scope.root().functions.pop(name, None)
            elif scope is not None:
                scope.variables.pop(name, None)
            continue
        try:
            for full in resolve(call, path, wild):
                yield from _remove(call, full)
        except CmdletError as missing:
            yield missing


def _remove(call: Call, full: str) -> Iterable[Any]:
    fs = call.machine.fs
    if fs.is_dir(full) and fs.listdir(full) and not call.on("Recurse"):
        yield CmdletError("Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.",
                          "InvalidOperation", category="InvalidOperation",
                          exception="System.Management.Automation.PSInvalidOperationException")  # fmt: skip
        return
    try:
        stat = fs.stat(full)
        if stat.attributes & {"ReadOnly", "Hidden"} and not call.on("Force"):
            raise CmdletError(f"Cannot remove item {full}: Not Enough permission to perform operation.",
                              "RemoveFileSystemItemUnAuthorizedAccess", False, category="PermissionDenied", target=full,
                              exception="System.IO.IOException")  # fmt: skip
        with touching(full):
            fs.delete(full, call.on("Recurse"))
    except CmdletError as refused:
        refused.message = (
            refused.message
            if refused.message.startswith("Cannot remove")
            else f"Cannot remove item {full}: {refused.message}"
        )
        yield refused


@cmdlet("Rename-Item", "Path", "NewName", "PassThru?", *_ASKS, positional=("Path", "NewName"), pipe="Path", aliases={"pspath": "Path"},
        required=("NewName",))  # fmt: skip
def rename_item(call: Call) -> Iterable[Any]:
    """Give something another name."""
    for path, _wild in need_paths(call):
        try:
            full = resolve(call, path, False)[0]
            target = parent_of(full).rstrip("\\") + "\\" + name_of(call.text("NewName"))
            with touching(full):
                call.machine.fs.rename(full, target)
            if call.on("PassThru"):
                yield item_at(call.session, target)
        except CmdletError as refused:
            yield refused


@cmdlet("Move-Item", "Path", "LiteralPath", "Destination", "PassThru?", "Include", "Exclude", *_ASKS, positional=("Path", "Destination"),
        pipe="Path", aliases=_PATHS)  # fmt: skip
def move_item(call: Call) -> Iterable[Any]:
    """Put something elsewhere; a file that is there is replaced only with -Force."""
    for full in each_path(call):
        if isinstance(full, CmdletError):
            yield full
            continue
        target = place_for(call, full, call.text("Destination", "."))
        if parent_of(full) == full:
            yield CmdletError(f"Cannot move item because the item at '{full}' is in use.", "InvalidOperation", False,
                              category="InvalidOperation", target=full)  # fmt: skip
            continue
        try:
            with touching(full):
                call.machine.fs.rename(full, target, replace=call.on("Force"))
            if call.on("PassThru"):
                yield item_at(call.session, target)
        except CmdletError as refused:
            yield refused


@cmdlet("Copy-Item", "Path", "LiteralPath", "Destination", "Recurse?", "Container?", "PassThru?", "Include", "Exclude", "Filter", *_ASKS,
        positional=("Path", "Destination"), pipe="Path", aliases=_PATHS)  # fmt: skip
def copy_item(call: Call) -> Iterable[Any]:
    """A copy elsewhere."""
    for full in each_path(call):
        if isinstance(full, CmdletError):
            yield full
            continue
        target = place_for(call, full, call.text("Destination", "."))
        try:
            with touching(target):
                _copy(call, full, target)
            if call.on("PassThru"):
                yield item_at(call.session, target)
        except CmdletError as refused:
            yield refused


def _copy(call: Call, source: str, target: str) -> None:
    fs = call.machine.fs
    if not fs.is_dir(source):
        fs.write(target, fs.read(source))
        return
    fs.makedirs(target)
    if call.on("Recurse"):
        for name in fs.listdir(source):
            _copy(call, source.rstrip("\\") + "\\" + name, target.rstrip("\\") + "\\" + name)


@cmdlet("Get-Content", "Path", "LiteralPath", "TotalCount", "ReadCount", "Encoding", "Delimiter", "Wait?", "Force?", "Include",
        "Exclude", "Filter", positional=("Path",), pipe="Path", aliases=_PATHS)  # fmt: skip
def get_content(call: Call) -> Iterable[Any]:
    """A file's lines, or its bytes."""
    for full in each_path(call):
        if isinstance(full, CmdletError):
            yield full
            continue
        if call.machine.fs.is_dir(full):
            yield CmdletError(f"Access to the path '{full}' is denied.", "GetContentReaderUnauthorizedAccessError", False,
                              category="PermissionDenied", target=full, exception="System.UnauthorizedAccessException")  # fmt: skip
            continue
        data = call.machine.fs.read(full)
        if call.text("Encoding").casefold() == "byte":
            yield from data[: to_int(call.params["TotalCount"])] if "TotalCount" in call.params else data
            continue
        codec = ENCODINGS.get(call.text("Encoding").casefold(), ("", b""))[0]
        lines = (
            decode(data, codec).replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n") if data else []
        )
        yield from lines[: to_int(call.params["TotalCount"])] if "TotalCount" in call.params else lines


def _write_content(call: Call, append: bool) -> Iterable[Any]:
    values = call.piped or to_list(call.get("Value"))
    for path, _ in need_paths(call):
        full = full_path(call.session, path)
        if call.text("Encoding").casefold() == "byte":
            data = bytes(to_int(v, "System.Byte") for v in values)
        else:
            fresh = not append or not call.machine.fs.exists(full)
            data = encode(call, "".join(to_string(v) + "\r\n" for v in values), "default", fresh=fresh)
        try:
            with touching(full):
                call.machine.fs.write(full, data, mode="append" if append else "create")
        except CmdletError as refused:
            yield refused


@cmdlet(
    "Set-Content",
    "Path",
    "Value",
    "Encoding",
    "PassThru?",
    *_ASKS,
    positional=("Path", "Value"),
    mode="all",
    required=("Path",),
)
def set_content(call: Call) -> Iterable[Any]:
    """Write lines in place of what was there."""
    return _write_content(call, append=False)


@cmdlet(
    "Add-Content",
    "Path",
    "Value",
    "Encoding",
    "PassThru?",
    *_ASKS,
    positional=("Path", "Value"),
    mode="all",
    required=("Path",),
)
def add_content(call: Call) -> Iterable[Any]:
    """Write lines behind what is there."""
    return _write_content(call, append=True)


@cmdlet("Clear-Content", "Path", "LiteralPath", "Force?", positional=("Path",))
def clear_content(call: Call) -> Iterable[Any]:
    """Empty a file."""
    for full in each_path(call):
        if isinstance(full, CmdletError):
            yield full
        else:
            call.machine.fs.write(full, b"", mode="truncate")


@cmdlet("Get-ItemProperty", "Path", "LiteralPath", "Name", "Include", "Exclude", "Filter", positional=("Path", "Name"), pipe="Path",
        aliases=_PATHS)  # fmt: skip
def get_itemproperty(call: Call) -> Iterable[Any]:
    """A key's values, or a file's object."""
    for path, wild in need_paths(call):
        try:
            if is_registry(path):
                found = properties_of(call.session, path, call.texts("Name"))
                yield found if found is not None else not_found(path)
            else:
                for full in resolve(call, path, wild):
                    item = item_at(call.session, full)
                    yield (
                        item if "Name" not in call.params else PSObject([(n, item.get(n)) for n in call.texts("Name")])
                    )
        except CmdletError as refused:
            yield refused


def _set_property(call: Call) -> Iterable[Any]:
    kind = call.text("PropertyType").casefold() or call.text("Type").casefold()
    value = call.get("Value")
    for path, _ in need_paths(call):
        if not is_registry(path):
            yield from _set_file_property(call, path, value)
            continue
        try:
            resolve_key(call, path)
        except CmdletError as missing:
            yield missing
            continue
        if kind in {"dword", "qword"}:
            value = to_int(value, "System.Int64")
        elif kind == "multistring":
            value = [to_string(v) for v in to_list(value)]
        elif kind in {"string", "expandstring"} or not isinstance(value, str | int | list | bytes | bytearray):
            value = to_string(value)
        for name in call.texts("Name"):
            call.machine.registry.set(
                registry_name(path), name, bytes(value) if isinstance(value, bytearray) else value
            )


def _set_file_property(call: Call, path: str, value: Any) -> Iterable[Any]:
    try:
        full = resolve(call, path, False)[0]
    except CmdletError as missing:
        yield missing
        return
    if call.text("Name").casefold() == "isreadonly":
        call.machine.fs.set_attributes(full, "ReadOnly", on=bool(value))


for _name in ("Set-ItemProperty", "New-ItemProperty"):
    cmdlet(_name, "Path", "LiteralPath", "Name", "Value", "Type", "PropertyType", "PassThru?", *_ASKS, positional=("Path", "Name", "Value"),
           pipe="Path", aliases=_PATHS)(_set_property)  # fmt: skip


@cmdlet("Remove-ItemProperty", "Path", "LiteralPath", "Name", *_ASKS, positional=("Path", "Name"), pipe="Path", aliases=_PATHS,
        required=("Name",))  # fmt: skip
def remove_itemproperty(call: Call) -> Iterable[Any]:
    """Remove a key's values."""
    for path, _ in need_paths(call):
        for name in call.texts("Name"):
            if not call.machine.registry.delete(registry_name(path), name):
                yield CmdletError(f"Property {name} does not exist at path {registry_name(path)}.",
                                  "System.Management.Automation.PSArgumentException", False, category="InvalidArgument", target=name,
                                  exception="System.Management.Automation.PSArgumentException")  # fmt: skip
