"""The simulated .msp file: its text decides what it installs, as a real package's tables do."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from bot.lab.scenario_words import Package

# A real package is an OLE compound file; ours begins with its magic number, so that a text file is not one.
MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
_FIELD = re.compile(r"(\w+)=(\S+)")


@dataclass(frozen=True)
class Rollup:
    """What a package file says it is."""

    kb: str
    build: str
    base: str
    reboot: bool = False
    seconds: float = 0.0


def path(package: Package) -> str:
    """Where the package lies on every machine."""
    return package.path or f"C:\\Rollups\\Exchange2007-{package.kb}-x64-EN.msp"


def content(package: Package, *, kind: str = "good") -> bytes:
    """The file's bytes; `kind` good, swapped (another rollup under that name)."""
    if package.damaged:
        return MAGIC + f"DAMAGED kb={package.kb}\r\n".encode()
    build = package.build if kind == "good" else package.base
    extra = f" reboot={int(package.reboot)} seconds={package.seconds:g}"
    text = f"ROLLUP kb={package.kb} build={build} base={package.base} arch=x64 language=EN{extra}\r\n"
    signed = "Signature: CN=Microsoft Corporation\r\n" if kind == "good" else ""
    return MAGIC + (text + signed).encode()


def sha256(package: Package) -> str:
    """The hash an administrator would write into rollup.toml."""
    return hashlib.sha256(content(package)).hexdigest()


def understand(data: bytes) -> Rollup | None:
    """What the Installer reads in a file, None when it is no package."""
    text = data[len(MAGIC) :].decode("utf-8", "replace")
    if not data.startswith(MAGIC) or not text.startswith("ROLLUP "):
        return None
    said = dict(_FIELD.findall(text.splitlines()[0]))
    try:
        return Rollup(
            said["kb"], said["build"], said["base"], said.get("reboot") == "1", float(said.get("seconds", "0"))
        )
    except (KeyError, ValueError):
        return None
