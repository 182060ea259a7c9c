"""What a person or a script does at the workspace: acts over HTTP, and reads the state back."""

from __future__ import annotations

import json
import urllib.request
from typing import Any


class People:
    """The people of one running `lab workspace`."""

    def __init__(self, page: str) -> None:
        self.page = page

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self.page.rstrip("/") + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def state(self) -> dict[str, Any]:
        return self._ask("/lab/state")

    def act(self, **order: Any) -> dict[str, Any]:
        return self._ask("/lab/act", {key.rstrip("_"): value for key, value in order.items()})

    def control(self, what: str, value: Any) -> dict[str, Any]:
        return self._ask("/lab/control", {"what": what, "value": value})

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.state()["messages"]
        return found

    def texts(self) -> list[str]:
        return [str(m.get("text", "")) for m in self.messages()]

    def marked(self, kind: str) -> list[dict[str, Any]]:
        """Messages of the bot by their metadata."""
        return [m for m in self.messages() if m.get("metadata", {}).get("event_type") == kind]
