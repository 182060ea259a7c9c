"""How Windows spells a path."""

from __future__ import annotations


def normalise(path: str, cwd: str = "C:\\") -> str:
    """An absolute path: backslashes, no dots, no trailing backslash except for a drive's root.

    UNC names (`\\\\server\\share\\…`) stay UNC: nothing here resolves them, since reaching another machine
    is a second hop.
    """
    text = path.strip().strip('"').replace("/", "\\")
    text = text.removeprefix("\\\\?\\")
    if text.startswith("\\\\"):
        return text.rstrip("\\")
    if len(text) >= 2 and text[1] == ":":
        drive, rest = text[:2], text[2:]
        if not rest.startswith("\\") and cwd[:2].casefold() == drive.casefold():
            rest = cwd[2:] + "\\" + rest
    elif text.startswith("\\"):
        drive, rest = cwd[:2], text
    else:
        drive, rest = cwd[:2], cwd[2:] + "\\" + text
    parts: list[str] = []
    for part in rest.split("\\"):
        if part in {"", "."}:
            continue
        if part == "..":
            if parts:
                parts.pop()
            continue
        parts.append(part.rstrip(" .") or part)
    return drive.upper() + "\\" + "\\".join(parts)


def parent_of(path: str) -> str:
    """The folder a normalised path lies in; a root is its own parent."""
    head = path.rpartition("\\")[0]
    return head + "\\" if len(head) == 2 else head or path


def name_of(path: str) -> str:
    """The last part of a normalised path."""
    return path.rpartition("\\")[2]
