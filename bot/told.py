"""Lab time as the practice range tells it: one small file, written anew many times a second."""

from __future__ import annotations

from pathlib import Path

import msgspec

from state.clock import Line


class ToldTime:
    """Reads the file each time somebody wants to know; the last line that could be read counts until there is another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: Line | None = None

    def __call__(self) -> Line | None:
        """Where lab time stands; None when it was never told."""
        try:
            self._last = msgspec.json.decode(self._path.read_bytes(), type=Line)
        except (OSError, msgspec.DecodeError):
            pass  # the range is leaving; the line it told last ends by itself
        return self._last
