"""[IO.File], [IO.Directory], [IO.Path], streams, readers and writers, GZip and SHA-256, over the machine's disks."""

from __future__ import annotations

from typing import Any

from bot.lab.powershell.convert import cast, to_list, to_string
from bot.lab.powershell.dotnet import static
from bot.lab.powershell.dotnet_convert import Encoding
from bot.lab.powershell.dotnet_streams import FileStream, StreamReader, net_path
from bot.lab.powershell.paths import decode
from bot.lab.powershell.times import DateTime
from bot.lab.powershell.values import net_error


def _is(interpreter: Any, path: Any, *, folder: bool) -> bool:
    try:
        full = net_path(interpreter, path)
    except Exception:  # noqa: BLE001 - File.Exists answers false for anything it cannot read
        return False
    fs = interpreter.machine.fs
    return bool(fs.is_dir(full) if folder else fs.exists(full) and not fs.is_dir(full))


def _text(interpreter: Any, path: Any, encoding: Any = None) -> str:
    return decode(
        interpreter.machine.fs.read(net_path(interpreter, path)),
        encoding.codec if isinstance(encoding, Encoding) else "utf-8",
    )


def _encoded(text: str, encoding: Any) -> bytes:
    if isinstance(encoding, Encoding):
        return encoding.mark + text.encode(encoding.codec, "replace")
    return text.encode("utf-8", "surrogatepass")


def _write(interpreter: Any, path: Any, data: bytes, mode: str = "create") -> None:
    interpreter.machine.fs.write(net_path(interpreter, path), data, mode=mode)


def _append(interpreter: Any, path: Any, text: Any, encoding: Any = None) -> None:
    full = net_path(interpreter, path)
    fresh = not interpreter.machine.fs.exists(full)
    mark = encoding.mark if isinstance(encoding, Encoding) and fresh else b""
    codec = encoding.codec if isinstance(encoding, Encoding) else "utf-8"
    interpreter.machine.fs.write(full, mark + to_string(text).encode(codec, "replace"), mode="append")


def _delete(interpreter: Any, path: Any) -> None:
    try:
        interpreter.machine.fs.delete(net_path(interpreter, path))
    except FileNotFoundError:
        return


def _copy(interpreter: Any, src: Any, dst: Any, over: Any = False) -> None:
    data = interpreter.machine.fs.read(net_path(interpreter, src))
    target = net_path(interpreter, dst)
    if interpreter.machine.fs.exists(target) and not over:
        raise net_error(f"The file '{target}' already exists.", "System.IO.IOException")
    interpreter.machine.fs.write(target, data)


def _stamp(kind: str, field: str) -> Any:
    return lambda i, path: DateTime.from_unix(getattr(i.machine.fs.stat(net_path(i, path)), field), kind)


static("System.IO.File", None, {
    "Exists": lambda i, path=None: _is(i, path, folder=False),
    "ReadAllText": _text, "ReadAllBytes": lambda i, path: bytearray(i.machine.fs.read(net_path(i, path))),
    "ReadAllLines": lambda i, path, e=None: _text(i, path, e).splitlines(),
    "WriteAllText": lambda i, path, text, e=None: _write(i, path, _encoded(to_string(text), e)),
    "WriteAllBytes": lambda i, path, data: _write(i, path, bytes(cast(data, "System.Byte[]"))),
    "WriteAllLines": lambda i, path, lines, e=None: _write(i, path, _encoded("".join(to_string(x) + "\r\n" for x in to_list(lines)), e)),
    "AppendAllText": _append, "Delete": _delete, "Copy": _copy,
    "Move": lambda i, src, dst: i.machine.fs.rename(net_path(i, src), net_path(i, dst)),
    "Open": lambda i, path, mode, access="ReadWrite", share="None": FileStream(i, path, to_string(mode), to_string(access), to_string(share)),
    "OpenRead": lambda i, path: FileStream(i, path, "Open", "Read", "Read"),
    "OpenWrite": lambda i, path: FileStream(i, path, "OpenOrCreate", "Write", "None"),
    "Create": lambda i, path: FileStream(i, path, "Create", "ReadWrite", "None"),
    "OpenText": lambda i, path: StreamReader(FileStream(i, path, "Open", "Read", "Read")),
    "GetLastWriteTimeUtc": _stamp("Utc", "modified"), "GetLastWriteTime": _stamp("Local", "modified"),
    "GetCreationTimeUtc": _stamp("Utc", "created"),
    "GetAttributes": lambda i, path: cast(",".join(sorted(i.machine.fs.stat(net_path(i, path)).attributes)) or "Normal",
                                          "System.IO.FileAttributes"),
})  # fmt: skip


def _make_directory(interpreter: Any, path: Any) -> Any:
    full = net_path(interpreter, path)
    if _is(interpreter, path, folder=False):
        raise net_error(
            f'Cannot create "{full}" because a file or directory with the same name already exists.',
            "System.IO.IOException",
        )
    interpreter.machine.fs.makedirs(full)
    from bot.lab.powershell.items import item_at

    return item_at(interpreter.session, full)


def _entries(interpreter: Any, path: Any, pattern: Any = "*", *, folders: bool | None = None) -> list[str]:
    from bot.lab.powershell.regexes import wildcard

    full = net_path(interpreter, path)
    fs = interpreter.machine.fs
    if not fs.is_dir(full):
        raise net_error(f"Could not find a part of the path '{full}'.", "System.IO.DirectoryNotFoundException")
    shape = wildcard(to_string(pattern).replace("*.*", "*"))
    found = [f"{full.rstrip(chr(92))}\\{name}" for name in fs.listdir(full) if shape.match(name)]
    return [p for p in found if folders is None or fs.is_dir(p) is folders]


def _remove_directory(interpreter: Any, path: Any, recursive: Any = False) -> None:
    interpreter.machine.fs.delete(net_path(interpreter, path), bool(recursive))


static("System.IO.Directory", None, {
    "Exists": lambda i, path=None: _is(i, path, folder=True), "CreateDirectory": _make_directory, "Delete": _remove_directory,
    "Move": lambda i, src, dst: i.machine.fs.rename(net_path(i, src), net_path(i, dst)),
    "GetFiles": lambda i, path, pattern="*": _entries(i, path, pattern, folders=False),
    "GetDirectories": lambda i, path, pattern="*": _entries(i, path, pattern, folders=True),
    "GetFileSystemEntries": lambda i, path, pattern="*": _entries(i, path, pattern),
    "GetCurrentDirectory": lambda i: i.session.cwd,
})  # fmt: skip


def _combine(_i: Any, *parts: Any) -> str:
    out = ""
    for part in map(to_string, parts):
        out = part if not out or part[1:2] == ":" or part.startswith("\\") else out.rstrip("\\") + "\\" + part
    return out


def _leaf(path: Any) -> str:
    return to_string(path).replace("/", "\\").rpartition("\\")[2]


def _stem(path: Any) -> str:
    name = _leaf(path)
    return name.rpartition(".")[0] if "." in name else name


static("System.IO.Path", {"DirectorySeparatorChar": lambda _i: "\\", "PathSeparator": lambda _i: ";"}, {
    "Combine": _combine, "GetFileName": lambda _i, p: _leaf(p), "GetFileNameWithoutExtension": lambda _i, p: _stem(p),
    "GetExtension": lambda _i, p: "." + _leaf(p).rpartition(".")[2] if "." in _leaf(p) else "",
    "GetDirectoryName": lambda _i, p: _parent(to_string(p)), "GetFullPath": net_path,
    "GetTempPath": lambda i: i.session.env.get("TEMP", "C:\\Windows\\Temp").rstrip("\\") + "\\",
    "IsPathRooted": lambda _i, p: to_string(p)[1:2] == ":" or to_string(p).startswith(("\\", "/")),
    "HasExtension": lambda _i, p: "." in _leaf(p),
    "ChangeExtension": lambda _i, p, e: to_string(p).rpartition(".")[0] + "." + to_string(e).lstrip("."),
    "GetPathRoot": lambda _i, p: to_string(p)[:3] if to_string(p)[1:2] == ":" else "",
})  # fmt: skip


def _parent(path: str) -> str:
    head = path.replace("/", "\\").rpartition("\\")[0]
    return head + "\\" if head.endswith(":") else head
