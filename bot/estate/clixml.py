"""Reads what powershell.exe writes to its error stream: CLIXML, often progress only, sometimes several in a row."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

_MARK = "#< CLIXML"
_NAMESPACE = "{http://schemas.microsoft.com/powershell/2004/04}"
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DOCUMENT = re.compile(r"<Objs\b.*?</Objs>", re.DOTALL)


def error_text(stderr: str) -> str:
    """The error lines of a PowerShell command's error stream; other text is passed through.

    Progress, verbose and warning records are no errors (facts/winrm.md §1.5).
    """
    if _MARK not in stderr:
        return stderr.strip()
    said: list[str] = []
    for document in _DOCUMENT.findall(stderr):
        try:
            root = ET.fromstring(document)  # noqa: S314 - from a node we are logged on to; expat refuses nothing here
        except ET.ParseError:
            continue
        said += [node.text or "" for node in root.iter(f"{_NAMESPACE}S") if node.get("S") == "Error"]
    outside = _DOCUMENT.sub("", stderr).replace(_MARK, "").strip()
    text = _ESCAPE.sub(lambda m: chr(int(m.group(1), 16)), "".join(said)).strip()
    return "\n".join(part for part in (outside, text) if part)
