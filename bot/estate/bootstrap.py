"""Turns a script of scripts/ and its parameters into the one command line a node is sent.

What runs is the text of the files, joined, with one string before it that carries the parameters as base64:
names never become part of the code. The line is packed (gzip, base64) because cmd.exe takes 8,191
characters at most (facts/winrm.md §1.5); we stop at 8,000.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LIMIT = 8_000  # characters of the whole command line

# A script by name, and the files it is made of, in order. Only these are ever sent.
SCRIPTS: dict[str, tuple[str, ...]] = {
    "probe": ("prelude", "look", "probe", "exchange", "jobs", "ending"),
    "survey": ("prelude", "survey", "ending"),
    "jobs": ("prelude", "look", "jobs", "ending"),
    "start": ("prelude", "start", "ending"),
    "close": ("prelude", "close", "ending"),
    "tidy": ("prelude", "tidy", "ending"),
}
BODY = "job"  # travels with `start` and is written into the job's folder

_BEFORE = (
    "powershell -NoProfile -NonInteractive -Command \"$b=New-Object IO.MemoryStream(,[Convert]::FromBase64String('"
)
_AFTER = (
    "'));$z=New-Object IO.Compression.GZipStream $b,([IO.Compression.CompressionMode]::Decompress);"
    '$t=(New-Object IO.StreamReader $z).ReadToEnd();Invoke-Expression $t"'
)


class TooLong(ValueError):
    """A script with these parameters does not fit into one command line; nothing was sent.

    Attributes: script, characters.
    """

    def __init__(self, script: str, characters: int) -> None:
        super().__init__(f"{script} would be {characters} characters, {LIMIT} fit")
        self.script = script
        self.characters = characters


@cache
def source(name: str) -> str:
    """The text of scripts/<name>.ps1. ASCII only: PowerShell 2.0 reads a file without a mark as ANSI."""
    return files("bot.estate").joinpath("scripts", f"{name}.ps1").read_text("ascii")


@cache
def fingerprint() -> str:
    """SHA-256 over every script we may send, for the gate's digest: 64 hex digits."""
    digest = hashlib.sha256()
    for name in sorted({part for parts in SCRIPTS.values() for part in parts} | {BODY}):
        digest.update(f"{name}\0{source(name)}\0".encode())
    return digest.hexdigest()


def parameters(values: Mapping[str, str]) -> str:
    """The string that carries the parameters: lines of key<TAB>base64(value). Base64 cannot end a string."""
    lines = "".join(f"{key}\t{_base64(value)}\n" for key, value in values.items())
    return f"$Parameters = @'\n{lines}'@\n"


def text(script: str, values: Mapping[str, str]) -> str:
    """The PowerShell text a node runs."""
    body = f"$JobScript = @'\n{source(BODY)}'@\n" if script == "start" else ""
    return parameters(values) + body + "\n".join(source(part) for part in SCRIPTS[script])


def command_line(script: str, values: Mapping[str, str]) -> str:
    """The command line a node is sent. Raises TooLong."""
    packed = base64.b64encode(gzip.compress(text(script, values).encode(), 9, mtime=0)).decode("ascii")
    line = _BEFORE + packed + _AFTER
    if len(line) > LIMIT:
        raise TooLong(script, len(line))
    return line


def _base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode("ascii")
