"""A machine's registry: keys and values, names without case."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

Value = str | int | list[str] | bytes

_HIVES = {
    "HKEY_LOCAL_MACHINE": "HKLM",
    "HKEY_USERS": "HKU",
    "HKEY_CURRENT_USER": "HKCU",
    "HKEY_CLASSES_ROOT": "HKLM\\SOFTWARE\\Classes",
    "HKCR": "HKLM\\SOFTWARE\\Classes",
}


@dataclass
class _Key:
    name: str
    values: dict[str, tuple[str, Value]] = field(default_factory=dict)
    children: dict[str, _Key] = field(default_factory=dict)


def normalise(key: str) -> str:
    """A key's path beginning with `HKLM\\` or `HKU\\`; long hive names, `HKLM:\\` and `Registry::` are understood."""
    text = key.strip().strip('"').replace("/", "\\")
    for prefix in ("registry::", "microsoft.powershell.core\\registry::"):
        if text.casefold().startswith(prefix):
            text = text[len(prefix) :]
    head, _, rest = text.strip("\\").partition("\\")
    hive = _HIVES.get(head.rstrip(":").upper(), head.rstrip(":").upper())
    if hive == "HKCU":
        hive = "HKU\\.DEFAULT"
    parts = [hive, *[part for part in rest.split("\\") if part]]
    return "\\".join(parts)


class Registry:
    """Keys of one machine. Thread-safe; answers are copies."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._root = _Key("")

    def _find(self, key: str) -> _Key | None:
        node = self._root
        for part in normalise(key).split("\\"):
            child = node.children.get(part.casefold())
            if child is None:
                return None
            node = child
        return node

    def get(self, key: str) -> dict[str, Value] | None:
        """All values of a key by name ("" is the default value), or None when there is no such key."""
        with self._lock:
            node = self._find(key)
            return None if node is None else dict(node.values.values())

    def value(self, key: str, name: str) -> Value | None:
        """One value, or None when key or value is missing."""
        with self._lock:
            node = self._find(key)
            found = node.values.get(name.casefold()) if node else None
            return found[1] if found else None

    def subkeys(self, key: str) -> list[str]:
        """Names of the keys directly below; empty when there is no such key."""
        with self._lock:
            node = self._find(key)
            return [] if node is None else [child.name for child in node.children.values()]

    def set(self, key: str, name: str = "", value: Value = "") -> None:
        """Set one value, making the key and those above it."""
        with self._lock:
            self._make(key).values[name.casefold()] = (name, value)

    def create(self, key: str) -> None:
        """Make a key and those above it, without values."""
        with self._lock:
            self._make(key)

    def _make(self, key: str) -> _Key:
        node = self._root
        for part in normalise(key).split("\\"):
            node = node.children.setdefault(part.casefold(), _Key(part))
        return node

    def delete(self, key: str, name: str | None = None) -> bool:
        """Remove one value, or with `name=None` the key with all below it. False: it was not there."""
        with self._lock:
            if name is not None:
                node = self._find(key)
                return node is not None and node.values.pop(name.casefold(), None) is not None
            head, _, last = normalise(key).rpartition("\\")
            parent = self._find(head) if head else self._root
            return parent is not None and parent.children.pop(last.casefold(), None) is not None
