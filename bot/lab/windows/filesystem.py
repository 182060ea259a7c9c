"""A machine's disks: an in-memory tree with Windows' case-insensitive paths, owners and access lists."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.lab.windows.paths import name_of, normalise, parent_of

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine

Acl = list[tuple[str, str]]

_ADMINS = "BUILTIN\\Administrators"
_DEFAULT_ACL: Acl = [
    ("NT AUTHORITY\\SYSTEM", "FullControl"),
    (_ADMINS, "FullControl"),
    ("BUILTIN\\Users", "ReadAndExecute, Synchronize"),
]
_IN_USE = "The process cannot access the file because it is being used by another process"
_FIRST_FOLDERS = (
    "C:\\Windows\\System32",
    "C:\\Windows\\Temp",
    "C:\\Windows\\Installer",
    "C:\\Program Files",
    "C:\\Program Files (x86)",
    "C:\\Users\\Public",
)
_FORBIDDEN = frozenset('<>:"|?*') | {chr(code) for code in range(32)}


@dataclass(frozen=True)
class Stat:
    """What a directory entry says. Times are the machine's clock, Unix seconds; `size` is in bytes."""

    size: int
    created: float
    modified: float
    is_dir: bool
    attributes: set[str]  # "Directory", "Archive", "ReadOnly", "Hidden", "ReparsePoint"
    owner: str
    acl: Acl
    version: str  # file version resource of an exe or dll, "" without one
    name: str = ""  # as spelled when it was made


@dataclass
class Drive:
    """One volume with a letter. Sizes in bytes."""

    letter: str  # "C:"
    label: str = ""
    size: int = 146 * 2**30
    free: int = 60 * 2**30
    dirty: bool = False
    filesystem: str = "NTFS"
    online: bool = True  # False: a shared disk that another node owns right now
    readable: bool = True  # False: the volume is there, and its file system cannot be read
    grown: Callable[[], int] = lambda: 0  # what was written to it since, beyond the files that are kept here

    @property
    def left(self) -> int | None:
        """Free space now; None where the file system cannot be read."""
        return max(0, self.free - self.grown()) if self.readable else None


@dataclass
class _Entry:
    name: str
    created: float
    modified: float
    owner: str
    acl: Acl
    data: bytes | None = None  # None: a folder
    children: dict[str, _Entry] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    version: str = ""


class FileSystem:
    """Files and folders of one machine. Every public call is atomic against the others.

    Raises Python's own FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError,
    PermissionError and OSError("directory not empty"); `filename` carries the path.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._lock = threading.RLock()
        self.drives: dict[str, Drive] = {}
        self._roots: dict[str, _Entry] = {}
        self._held: set[str] = set()
        self.on_write: list[Callable[[str], None]] = []  # told of every file written, after the fact
        self.on_list: dict[
            str, Callable[[], None]
        ] = {}  # folder, lower case: called before it is listed, may add to it
        self.add_drive(Drive("C:", "System"))
        for folder in _FIRST_FOLDERS:
            self.makedirs(folder)

    # --- volumes ---

    def add_drive(self, drive: Drive) -> Drive:
        """Add a volume under its letter; an existing letter keeps its files."""
        with self._lock:
            letter = drive.letter.upper()
            self.drives[letter] = drive
            if letter not in self._roots:
                now = self._machine.now()
                self._roots[letter] = _Entry("", now, now, _ADMINS, list(_DEFAULT_ACL), attributes={"Directory"})
            return drive

    # --- looking ---

    def _find(self, path: str) -> _Entry | None:
        drive, _, rest = path.partition("\\")
        entry = self._roots.get(drive.upper())
        if entry is None or not self.drives[drive.upper()].online:
            return None
        for part in rest.split("\\"):
            if not part:
                continue
            if entry.data is not None:
                return None
            entry = entry.children.get(part.casefold())
            if entry is None:
                return None
        return entry

    def _need(self, path: str) -> tuple[str, _Entry]:
        full = normalise(path)
        entry = self._find(full)
        if entry is None:
            raise FileNotFoundError(2, "The system cannot find the file specified", full)
        return full, entry

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        with self._lock:
            return self._find(normalise(path)) is not None

    def is_dir(self, path: str) -> bool:
        """Whether a folder is there."""
        with self._lock:
            entry = self._find(normalise(path))
            return entry is not None and entry.data is None

    def is_file(self, path: str) -> bool:
        """Whether a file is there."""
        with self._lock:
            entry = self._find(normalise(path))
            return entry is not None and entry.data is not None

    def true_name(self, path: str) -> str:
        """The path as it was spelled when its parts were made."""
        with self._lock:
            full = normalise(path)
            drive, _, rest = full.partition("\\")
            entry = self._roots.get(drive)
            parts = []
            for part in rest.split("\\"):
                entry = entry.children.get(part.casefold()) if entry else None
                parts.append(entry.name if entry else part)
            return drive + "\\" + "\\".join(parts)

    def read(self, path: str) -> bytes:
        """A file's content."""
        with self._lock:
            full, entry = self._need(path)
            if entry.data is None:
                raise IsADirectoryError(5, "Access is denied", full)
            return entry.data

    def listdir(self, path: str) -> list[str]:
        """Names in a folder, sorted as NTFS sorts them."""
        self._about_to_list(path)
        with self._lock:
            return self._names(path)

    def _names(self, path: str) -> list[str]:
        full, entry = self._need(path)
        if entry.data is not None:
            raise NotADirectoryError(267, "The directory name is invalid", full)
        if not self.drives[full[:2].upper()].readable:
            raise OSError(1393, "The disk structure is corrupted and unreadable", full)
        return [entry.children[key].name for key in sorted(entry.children)]

    def _about_to_list(self, folder: str) -> None:
        """Let whoever fills a folder do so, without our lock: they take others."""
        fill = self.on_list.get(normalise(folder).casefold())
        if fill is not None:
            fill()

    def glob(self, pattern: str) -> list[str]:
        """Full paths matching a pattern whose last part may hold `*` and `?`."""
        self._about_to_list(parent_of(normalise(pattern)))
        with self._lock:
            full = normalise(pattern)
            folder, last = parent_of(full), name_of(full)
            if not any(mark in last for mark in "*?"):
                return [self.true_name(full)] if self.exists(full) else []
            if not self.is_dir(folder):
                return []
            wanted = "*" if last == "*.*" else last.casefold().replace("[", "[[]")
            base = self.true_name(folder).rstrip("\\")
            return [f"{base}\\{name}" for name in self._names(folder) if fnmatch.fnmatchcase(name.casefold(), wanted)]

    def stat(self, path: str) -> Stat:
        """A file's or folder's directory entry."""
        with self._lock:
            _, entry = self._need(path)
            folder = entry.data is None
            return Stat(
                size=len(entry.data or b""),
                created=entry.created,
                modified=entry.modified,
                is_dir=folder,
                attributes=set(entry.attributes),
                owner=entry.owner,
                acl=list(entry.acl),
                version=entry.version,
                name=entry.name,
            )

    # --- changing ---

    def _place(self, full: str) -> tuple[_Entry, str]:
        name = name_of(full)
        if not name or _FORBIDDEN & set(name):
            raise OSError(123, "The filename, directory name, or volume label syntax is incorrect", full)
        parent = self._find(parent_of(full))
        if parent is None or parent.data is not None:
            raise FileNotFoundError(3, "The system cannot find the path specified", full)
        return parent, name

    def _check_free(self, full: str) -> None:
        if full.casefold() in self._held:
            raise PermissionError(32, _IN_USE, full)

    def write(self, path: str, data: bytes, *, mode: str = "create", owner: str = "") -> None:
        """Write a file whole: `create` (make or replace), `create_new`, `truncate` (must exist), `append`.

        `create_new` is atomic: of two writers one gets FileExistsError.
        """
        self._write(path, data, mode, owner)
        for told in list(self.on_write):
            told(path)

    def _write(self, path: str, data: bytes, mode: str, owner: str) -> None:
        if mode not in {"create", "create_new", "truncate", "append"}:
            raise ValueError(mode)
        with self._lock:
            full = normalise(path)
            now = self._machine.now()
            entry = self._find(full)
            if entry is None:
                if mode == "truncate":
                    raise FileNotFoundError(2, "The system cannot find the file specified", full)
                parent, name = self._place(full)
                parent.children[name.casefold()] = _Entry(
                    name, now, now, owner or _ADMINS, list(parent.acl), data=bytes(data), attributes={"Archive"}
                )
                parent.modified = now
                return
            if entry.data is None:
                raise PermissionError(5, "Access is denied", full)
            if mode == "create_new":
                raise FileExistsError(80, "The file exists", full)
            if "ReadOnly" in entry.attributes:
                raise PermissionError(5, "Access is denied", full)
            self._check_free(full)
            entry.data = entry.data + data if mode == "append" else bytes(data)
            entry.modified = now

    def mkdir(self, path: str, *, exist_ok: bool = False, owner: str = "") -> None:
        """Make one folder; its parent must exist. Of two makers one gets FileExistsError."""
        with self._lock:
            full = normalise(path)
            found = self._find(full)
            if found is not None:
                if exist_ok and found.data is None:
                    return
                raise FileExistsError(183, "Cannot create a file when that file already exists", full)
            parent, name = self._place(full)
            now = self._machine.now()
            parent.children[name.casefold()] = _Entry(
                name, now, now, owner or _ADMINS, list(parent.acl), attributes={"Directory"}
            )

    def makedirs(self, path: str, *, owner: str = "") -> None:
        """Make a folder and the missing ones above it, as `md` does with command extensions."""
        with self._lock:
            full = normalise(path)
            above = parent_of(full)
            if above != full and not self.exists(above):
                self.makedirs(above, owner=owner)
            if not self.exists(full):
                self.mkdir(full, owner=owner)

    def delete(self, path: str, recursive: bool = False) -> None:
        """Remove a file or folder; a folder with content only if `recursive`."""
        with self._lock:
            full, entry = self._need(path)
            if entry.data is None and entry.children and not recursive:
                raise OSError(145, "The directory is not empty", full)
            self._check_free(full)
            if any(held.startswith(full.casefold() + "\\") for held in self._held):
                raise PermissionError(32, _IN_USE, full)
            parent = self._find(parent_of(full))
            if parent is None or parent is entry:
                raise PermissionError(5, "Access is denied", full)
            del parent.children[name_of(full).casefold()]

    def rename(self, src: str, dst: str, *, replace: bool = False) -> None:
        """Rename or move in one step; an existing target raises FileExistsError unless `replace`."""
        with self._lock:
            full, entry = self._need(src)
            target = normalise(dst)
            self._check_free(full)
            standing = self._find(target)
            if standing is not None and standing is not entry:
                if not replace or standing.data is None:
                    raise FileExistsError(183, "Cannot create a file when that file already exists", target)
                self._check_free(target)
            parent, name = self._place(target)
            old = self._find(parent_of(full))
            assert old is not None  # noqa: S101 - `_need` found its child
            del old.children[name_of(full).casefold()]
            entry.name = name
            parent.children[name.casefold()] = entry

    def hold(self, path: str) -> None:
        """Keep a file open without sharing, as a running installer does; writers and deleters get error 32."""
        with self._lock:
            self._held.add(normalise(path).casefold())

    def release(self, path: str) -> None:
        """Let go of a file that `hold` keeps."""
        with self._lock:
            self._held.discard(normalise(path).casefold())

    def set_version(self, path: str, version: str) -> None:
        """Give an executable its file version; an absent file is made empty, with its folders."""
        with self._lock:
            if not self.exists(path):
                self.makedirs(parent_of(normalise(path)))
                self.write(path, b"MZ")
            self._need(path)[1].version = version

    def set_security(self, path: str, *, owner: str | None = None, acl: Acl | None = None) -> None:
        """Replace owner or access list of one file or folder."""
        with self._lock:
            entry = self._need(path)[1]
            if owner is not None:
                entry.owner = owner
            if acl is not None:
                entry.acl = list(acl)

    def set_attributes(self, path: str, *attributes: str, on: bool = True) -> None:
        """Set or clear attributes such as ReadOnly, Hidden, ReparsePoint."""
        with self._lock:
            entry = self._need(path)[1]
            entry.attributes = entry.attributes | set(attributes) if on else entry.attributes - set(attributes)

    def touch(self, path: str, modified: float) -> None:
        """Set the last write time (machine clock, Unix seconds)."""
        with self._lock:
            self._need(path)[1].modified = modified
