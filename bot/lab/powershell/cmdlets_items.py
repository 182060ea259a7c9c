"""Cmdlets over paths: files and folders, registry keys, environment and variable drives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from bot.lab.powershell.cmdlet import Call, cmdlet
from bot.lab.powershell.convert import to_string
from bot.lab.powershell.items import item_at, key_at, not_found
from bot.lab.powershell.members import from_python
from bot.lab.powershell.paths import drive_of, full_path, is_registry, registry_name
from bot.lab.powershell.regexes import wildcard
from bot.lab.powershell.values import CmdletError, PSObject
from bot.lab.windows.paths import name_of, parent_of

WILD = frozenset("*?[")


@contextmanager
def touching(path: str) -> Iterator[None]:
    """Turn a disk's refusal into the cmdlet's error."""
    try:
        yield
    except OSError as wrong:
        found = from_python(wrong)
        denied = found.types[0] == "System.UnauthorizedAccessException"
        raise CmdletError(found.message.rstrip(), "ItemExistsUnauthorizedAccessError" if denied else found.types[0].rpartition(".")[2],
                          False, category="PermissionDenied" if denied else "WriteError", target=path,
                          exception=found.types[0]) from None  # fmt: skip


def given_paths(call: Call) -> list[tuple[str, bool]]:
    """The paths a call names, each with whether wildcards count; piped objects by their own path."""
    out: list[tuple[str, bool]] = []
    for name, wild in (("Path", True), ("LiteralPath", False)):
        value = call.get(name)
        for item in value if isinstance(value, list) else [value] if value is not None else []:
            if isinstance(item, PSObject) and "PSPath" in item:
                out.append((to_string(item["PSPath"]), False))
            elif isinstance(item, PSObject) and "FullName" in item:
                out.append((to_string(item["FullName"]), False))
            else:
                out.append((to_string(item), wild))
    for text, _ in out:
        if not text:
            raise CmdletError("Cannot bind argument to parameter 'Path' because it is an empty string.",
                              "ParameterArgumentValidationErrorEmptyStringNotAllowed", category="InvalidData",
                              exception="System.Management.Automation.ParameterBindingException")  # fmt: skip
    return out


def need_paths(call: Call) -> list[tuple[str, bool]]:
    """The same, refusing a call that was given null."""
    for name in ("Path", "LiteralPath"):
        if name in call.params and call.params[name] is None:
            raise CmdletError(f"Cannot bind argument to parameter '{name}' because it is null.",
                              "ParameterArgumentValidationErrorNullNotAllowed", category="InvalidData",
                              exception="System.Management.Automation.ParameterBindingException")  # fmt: skip
    return given_paths(call)


def resolve(call: Call, path: str, wild: bool) -> list[str]:
    """Full file paths a path means; a pattern may mean none. Raises CmdletError when nothing is there."""
    fs = call.machine.fs
    if wild and WILD & set(path):
        return [str(p) for p in fs.glob(full_path(call.session, path))]
    full = full_path(call.session, path)
    if not fs.exists(full):
        raise not_found(path if drive_of(path) or path[1:2] == ":" or path.startswith("\\\\") else full)
    return [full]


def resolve_key(call: Call, path: str) -> PSObject:
    """A registry key. Raises CmdletError when it is not there."""
    key = key_at(call.session, path)
    if key is None:
        raise not_found(path)
    return key


def each_path(call: Call) -> Iterator[str | CmdletError]:
    """Every file path of a call, or the error of one that is not there."""
    for path, wild in need_paths(call):
        try:
            yield from resolve(call, path, wild)
        except CmdletError as missing:
            yield missing


_PATHS = {"pspath": "LiteralPath", "fullname": "Path"}


@cmdlet("Test-Path", "Path", "LiteralPath", "PathType", "IsValid?", "Include", "Exclude", positional=("Path",), pipe="Path",
        aliases={**_PATHS, "type": "PathType"})  # fmt: skip
def test_path(call: Call) -> Iterable[Any]:
    """Whether something is there."""
    kind = call.text("PathType", "Any").casefold()
    for path, wild in need_paths(call):
        drive = drive_of(path)
        if is_registry(path):
            yield key_at(call.session, path) is not None and kind != "leaf"
        elif drive in {"env", "variable", "function", "alias", "hku", "cert", "wsman"}:
            yield drive in {"env", "variable", "function"} and drive_item(call, path) is not None
        else:
            try:
                found = resolve(call, path, wild)
            except CmdletError:
                found = []
            fs = call.machine.fs
            yield any(kind == "any" or fs.is_dir(p) is (kind == "container") for p in found)


def drive_item(call: Call, path: str) -> PSObject | None:
    """One entry of env:, variable: or function:."""
    drive, _, name = path.partition(":")
    name = name.lstrip("\\/")
    try:
        value = call.interpreter.variable(
            "" if drive.lower() == "variable" else drive.lower(), name if drive.lower() == "env" else name.lower()
        )
    except Exception:  # noqa: BLE001 - strict mode complains about a missing one
        value = None
    if value is None:
        return None
    return PSObject(
        {"Name": name, "Key": name, "Value": value}, ("System.Collections.DictionaryEntry", "System.Object")
    )


def _on_drive(call: Call, path: str) -> Iterable[Any]:
    drive = drive_of(path)
    if drive == "env" and not path.partition(":")[2].strip("\\/*"):
        for name, value in sorted(call.session.env.items()):
            if not name.startswith("="):
                yield PSObject(
                    {"Name": name, "Key": name, "Value": value}, ("System.Collections.DictionaryEntry", "System.Object")
                )
        return
    if drive not in {"env", "variable", "function"}:
        yield CmdletError(f"Cannot find drive. A drive with the name '{drive}' does not exist.", "DriveNotFound", False,
                          category="ObjectNotFound", target=drive, exception="System.Management.Automation.DriveNotFoundException")  # fmt: skip
        return
    found = drive_item(call, path)
    yield found if found is not None else not_found(path)


@cmdlet(
    "Get-Item",
    "Path",
    "LiteralPath",
    "Force?",
    "Include",
    "Exclude",
    "Filter",
    positional=("Path",),
    pipe="Path",
    aliases=_PATHS,
)
def get_item(call: Call) -> Iterable[Any]:
    """The thing at a path."""
    for path, wild in need_paths(call):
        try:
            if is_registry(path):
                yield resolve_key(call, path)
            elif drive_of(path):
                yield from _on_drive(call, path)
            else:
                for full in resolve(call, path, wild):
                    item = item_at(call.session, full)
                    if "Hidden" in to_string(item["Attributes"]) and not call.on("Force"):
                        yield CmdletError(f"Could not find item {full}.", "IOException", False, category="ObjectNotFound", target=full,
                                          exception="System.IO.IOException")  # fmt: skip
                    else:
                        yield item
        except CmdletError as missing:
            yield missing


@cmdlet("Get-ChildItem", "Path", "LiteralPath", "Filter", "Include", "Exclude", "Recurse?", "Force?", "Name?",
        positional=("Path", "Filter"), pipe="Path", aliases=_PATHS)  # fmt: skip
def get_childitem(call: Call) -> Iterable[Any]:
    """What is in folders and keys."""
    paths = need_paths(call) or [(call.session.cwd, False)]
    for path, wild in paths:
        try:
            if is_registry(path):
                yield from _subkeys(call, resolve_key(call, path))
            elif drive_of(path):
                yield from _on_drive(call, path)
            else:
                yield from _children(call, path, wild)
        except CmdletError as missing:
            yield missing


def _subkeys(call: Call, key: PSObject) -> Iterable[Any]:
    for name in call.machine.registry.subkeys(to_string(key["Name"])):
        child = key_at(call.session, f"Registry::{key['Name']}\\{name}")
        if child is None:
            continue
        yield name if call.on("Name") else child
        if call.on("Recurse"):
            yield from _subkeys(call, child)


def _children(call: Call, path: str, wild: bool) -> Iterable[Any]:
    fs = call.machine.fs
    found = resolve(call, path, wild)
    pattern = wild and bool(WILD & set(path))
    for full in found:
        if fs.is_dir(full) and not pattern:
            yield from _listing(call, full, call.on("Recurse"))
        elif pattern and call.on("Recurse") and fs.is_dir(full):
            yield from _listing(call, full, True)
        else:
            yield from _shown(call, full)


def _listing(call: Call, folder: str, deep: bool) -> Iterable[Any]:
    fs = call.machine.fs
    base = folder.rstrip("\\")
    names = fs.listdir(folder)
    # the file system provider gives folders first in 2.0
    for name in sorted(names, key=lambda n: not fs.is_dir(f"{base}\\{n}")):
        yield from _shown(call, f"{base}\\{name}")
    if deep:
        for name in names:
            if fs.is_dir(f"{base}\\{name}"):
                yield from _listing(call, f"{base}\\{name}", True)


def _shown(call: Call, full: str) -> Iterable[Any]:
    name = name_of(full)
    if "Filter" in call.params and not wildcard(call.text("Filter").replace("*.*", "*")).match(name):
        return
    if "Include" in call.params and not any(wildcard(p).match(name) for p in call.texts("Include")):
        return
    if any(wildcard(p).match(name) for p in call.texts("Exclude")):
        return
    try:
        item = item_at(call.session, full, short=True)
    except FileNotFoundError:
        return  # gone between listing and looking
    if "Hidden" in to_string(item["Attributes"]) and not call.on("Force"):
        return
    yield name if call.on("Name") else item


@cmdlet("Resolve-Path", "Path", "LiteralPath", "Relative?", positional=("Path",), pipe="Path", aliases=_PATHS)
def resolve_path(call: Call) -> Iterable[Any]:
    """Full paths."""
    for full in each_path(call):
        if isinstance(full, CmdletError):
            yield full
        else:
            true = call.machine.fs.true_name(full)
            yield PSObject({"Path": true, "ProviderPath": true}, ("System.Management.Automation.PathInfo", "System.Object"), text=true,
                           view="table", show=("Path",))  # fmt: skip


@cmdlet("Split-Path", "Path", "LiteralPath", "Parent?", "Leaf?", "Qualifier?", "NoQualifier?", "IsAbsolute?", "Resolve?",
        positional=("Path",), pipe="Path")  # fmt: skip
def split_path(call: Call) -> Iterable[Any]:
    """A part of a path."""
    for path, _ in need_paths(call):
        text = path.replace("/", "\\").rstrip("\\") or path
        head, _, leaf = text.rpartition("\\")
        if call.on("Leaf"):
            yield leaf
        elif call.on("Qualifier"):
            yield text.partition(":")[0] + ":"
        elif call.on("NoQualifier"):
            yield text.partition(":")[2] if ":" in text else text
        elif call.on("IsAbsolute"):
            yield ":" in text or text.startswith("\\\\")
        else:
            yield head + "\\" if head.endswith(":") and head.count("\\") == 0 else head


@cmdlet(
    "Join-Path",
    "Path",
    "ChildPath",
    "Resolve?",
    positional=("Path", "ChildPath"),
    pipe="Path",
    required=("Path", "ChildPath"),
)
def join_path(call: Call) -> Iterable[Any]:
    """Two paths put together."""
    for name in ("Path", "ChildPath"):
        if call.params[name] is None:
            raise CmdletError(f"Cannot bind argument to parameter '{name}' because it is null.",
                              "ParameterArgumentValidationErrorNullNotAllowed", category="InvalidData",
                              exception="System.Management.Automation.ParameterBindingException")  # fmt: skip
    for head in call.texts("Path"):
        drive = head[0].upper() + ":" if head[1:2] == ":" else ""
        if drive and drive not in call.machine.fs.drives:
            yield CmdletError(f"Cannot find drive. A drive with the name '{head[0]}' does not exist.", "DriveNotFound", False,
                              category="ObjectNotFound", target=head[0],
                              exception="System.Management.Automation.DriveNotFoundException")  # fmt: skip
            continue
        yield head.replace("/", "\\").rstrip("\\") + "\\" + call.text("ChildPath").replace("/", "\\").lstrip("\\")


def place_for(call: Call, source: str, target: str) -> str:
    """Where a copied or moved thing goes: into a folder that is there, else to that name."""
    full = full_path(call.session, target)
    if call.machine.fs.is_dir(full):
        return full.rstrip("\\") + "\\" + name_of(call.machine.fs.true_name(source))
    return full


__all__ = [
    "each_path",
    "given_paths",
    "need_paths",
    "parent_of",
    "place_for",
    "registry_name",
    "resolve",
    "resolve_key",
    "touching",
]
