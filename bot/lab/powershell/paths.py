"""Paths as PowerShell spells them: provider prefixes, registry drives, and how text files are read and written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.lab.windows.paths import normalise

if TYPE_CHECKING:
    from bot.lab.windows.machine import Session

_PROVIDER = re.compile(r"^(?:microsoft\.powershell\.core\\)?filesystem::", re.IGNORECASE)
_REGISTRY = re.compile(r"^(?:(?:microsoft\.powershell\.core\\)?registry::|hk(?:lm|cu):)", re.IGNORECASE)
_DRIVE = re.compile(r"^([A-Za-z][A-Za-z0-9]+):")
_HIVES = {"HKLM": "HKEY_LOCAL_MACHINE", "HKU": "HKEY_USERS", "HKCU": "HKEY_CURRENT_USER"}


def is_registry(path: str) -> bool:
    """Whether a path lies in the registry provider."""
    return _REGISTRY.match(path) is not None


def drive_of(path: str) -> str:
    """The drive's name when it is longer than a letter (`env`, `hklm`, `variable` …), else empty."""
    match = _DRIVE.match(path)
    return match[1].lower() if match and "::" not in path[: match.end() + 1] else ""


def full_path(session: Session, path: str) -> str:
    """A file system path in full."""
    return normalise(_PROVIDER.sub("", path), session.cwd)


def registry_name(path: str) -> str:
    """A registry path as a key's Name prints it: `HKEY_LOCAL_MACHINE\\SOFTWARE`."""
    text = re.sub(r"^(?:microsoft\.powershell\.core\\)?registry::", "", path.replace("/", "\\"), flags=re.IGNORECASE)
    head, _, rest = text.strip("\\").partition("\\")
    head = head.rstrip(":").upper()
    return _HIVES.get(head, head) + ("\\" + rest if rest else "")


def decode(data: bytes, encoding: str = "") -> str:
    """A text file's content: by its byte order mark, else by `encoding`, else UTF-8 where it is, else Windows-1252."""
    for mark, codec in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(codec, "replace")
    if encoding:
        return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


ENCODINGS = {
    "ascii": ("ascii", b""), "unicode": ("utf-16-le", b"\xff\xfe"), "utf8": ("utf-8", b"\xef\xbb\xbf"),
    "utf7": ("utf-7", b""), "utf32": ("utf-32-le", b"\xff\xfe\x00\x00"), "default": ("cp1252", b""),
    "oem": ("cp437", b""), "bigendianunicode": ("utf-16-be", b"\xfe\xff"), "string": ("utf-16-le", b"\xff\xfe"),
    "unknown": ("utf-16-le", b"\xff\xfe"),
}  # fmt: skip
"""What -Encoding may be: the codec and the mark at a file's beginning."""
