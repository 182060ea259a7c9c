"""Files, folders and registry keys as the objects Get-Item and Get-ChildItem give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.lab.powershell.convert import to_string
from bot.lab.powershell.enums import ENUMS, from_number
from bot.lab.powershell.paths import registry_name
from bot.lab.powershell.times import DateTime
from bot.lab.powershell.values import CmdletError, PSObject
from bot.lab.windows.paths import name_of, parent_of

if TYPE_CHECKING:
    from bot.lab.windows.machine import Session

FILE_PREFIX = "Microsoft.PowerShell.Core\\FileSystem::"
KEY_PREFIX = "Microsoft.PowerShell.Core\\Registry::"
NOT_FOUND = "System.Management.Automation.ItemNotFoundException"


def not_found(path: str) -> CmdletError:
    """Nothing stands at a path."""
    return CmdletError(f"Cannot find path '{path}' because it does not exist.", "PathNotFound", False,
                       category="ObjectNotFound", target=path, exception=NOT_FOUND)  # fmt: skip


def item_at(session: Session, full: str, *, short: bool = False) -> PSObject:
    """A file or folder; `short` when it comes from a listing, where it turns into its name. Raises FileNotFoundError."""
    fs = session.machine.fs
    stat = fs.stat(full)
    true = fs.true_name(full)
    name = name_of(true) or true
    parent = parent_of(true)
    members = ENUMS["System.IO.FileAttributes"]
    flags = sum(members[a] for a in stat.attributes if a in members) or members["Normal"]
    folder = stat.is_dir
    mode = ("d" if folder else "-") + "".join(
        letter if mark in stat.attributes else "-"
        for letter, mark in (("a", "Archive"), ("r", "ReadOnly"), ("h", "Hidden"), ("s", "System"))
    )
    common: dict[str, Any] = {
        "PSPath": FILE_PREFIX + true, "PSParentPath": FILE_PREFIX + parent, "PSChildName": name,
        "PSDrive": true[:1], "PSProvider": "Microsoft.PowerShell.Core\\FileSystem", "PSIsContainer": folder,
        "BaseName": name if folder or "." not in name else name.rpartition(".")[0], "Mode": mode, "Name": name,
    }  # fmt: skip
    extension = "." + name.rpartition(".")[2] if "." in name else ""
    times: dict[str, Any] = {
        "Exists": True, "FullName": true, "Extension": extension,
        "CreationTime": DateTime.from_unix(stat.created), "CreationTimeUtc": DateTime.from_unix(stat.created, "Utc"),
        "LastAccessTime": DateTime.from_unix(stat.modified), "LastWriteTime": DateTime.from_unix(stat.modified),
        "LastWriteTimeUtc": DateTime.from_unix(stat.modified, "Utc"),
        "Attributes": from_number("System.IO.FileAttributes", flags),
    }  # fmt: skip
    text = name if short else true
    if folder:
        return PSObject({**common, "Parent": lambda: item_at(session, parent), "Root": true[:3], **times},
                        ("System.IO.DirectoryInfo", "System.IO.FileSystemInfo", "System.Object"), text=text,
                        methods={"Delete": lambda recursive=False: fs.delete(full, bool(recursive))})  # fmt: skip
    from bot.lab.powershell.dotnet_process import version_info

    return PSObject(
        {**common, "VersionInfo": lambda: version_info(session, full), "Length": stat.size, "DirectoryName": parent,
         "Directory": lambda: item_at(session, parent), "IsReadOnly": "ReadOnly" in stat.attributes, **times},
        ("System.IO.FileInfo", "System.IO.FileSystemInfo", "System.Object"), text=text,
        methods={"Delete": lambda: fs.delete(full), "MoveTo": lambda to: fs.rename(full, to_string(to))})  # fmt: skip


def key_at(session: Session, path: str) -> PSObject | None:
    """A registry key, None when it is not there."""
    registry = session.machine.registry
    values = registry.get(registry_name(path))
    if values is None:
        return None
    full = _true_key(session, registry_name(path))
    subkeys = registry.subkeys(full)
    name = full.rpartition("\\")[2]
    return PSObject(
        {"PSPath": KEY_PREFIX + full, "PSParentPath": KEY_PREFIX + full.rpartition("\\")[0], "PSChildName": name,
         "PSProvider": "Microsoft.PowerShell.Core\\Registry", "PSIsContainer": True,
         "Property": [v or "(default)" for v in values], "SubKeyCount": len(subkeys), "ValueCount": len(values),
         "Name": full},
        ("Microsoft.Win32.RegistryKey", "System.MarshalByRefObject", "System.Object"), text=full,
        methods={
            "GetValue": lambda value="", default=None, *_o: next(
                (net_value(v) for k, v in values.items() if k.casefold() == to_string(value).casefold()), default),
            "GetValueNames": lambda: list(values), "GetSubKeyNames": lambda: subkeys, "Close": lambda: None,
            "OpenSubKey": lambda sub, *_o: key_at(session, f"Registry::{full}\\{to_string(sub)}"),
        })  # fmt: skip


def _true_key(session: Session, name: str) -> str:
    """A key's name with its parts as they were spelled when made."""
    parts = name.split("\\")
    out = [parts[0]]
    for part in parts[1:]:
        known = session.machine.registry.subkeys("\\".join(out))
        out.append(next((k for k in known if k.casefold() == part.casefold()), part))
    return "\\".join(out)


def net_value(value: Any) -> Any:
    """A registry value as PowerShell holds it."""
    return bytearray(value) if isinstance(value, bytes) else list(value) if isinstance(value, list) else value


def properties_of(session: Session, path: str, names: list[str]) -> PSObject | None:
    """Get-ItemProperty's object for a key: its values, then the PS* notes; None when the key is not there."""
    key = key_at(session, path)
    if key is None:
        return None
    values = session.machine.registry.get(registry_name(path)) or {}
    wanted = {n.casefold() for n in names}
    made = PSObject()
    for name, value in values.items():
        if not wanted or name.casefold() in wanted or "*" in wanted:
            made[name or "(default)"] = net_value(value)
    if wanted and "*" not in wanted:
        for name in names:
            if name not in made:
                raise CmdletError(f"Property {name} does not exist at path {key['Name']}.",
                                  "System.Management.Automation.PSArgumentException", False, category="InvalidArgument",
                                  target=name, exception="System.Management.Automation.PSArgumentException")  # fmt: skip
    for note in ("PSPath", "PSParentPath", "PSChildName", "PSProvider"):
        made[note] = key[note]
    return made
