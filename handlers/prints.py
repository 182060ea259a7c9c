"""The fingerprint of a posted message: what is compared when its votes are counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

# What Slack adds to a stored block by itself; none of it is seen by a reader.
ADDED = frozenset({"block_id", "action_id", "verbatim", "emoji", "border"})


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(k): _plain(v) for k, v in sorted(node.items()) if k not in ADDED}
    if isinstance(node, list | tuple):
        return [_plain(each) for each in node]
    return node


def fingerprint(text: str, blocks: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 (64 hex digits) over a message's text and blocks as Slack gives them back."""
    canonical = json.dumps([text, _plain(list(blocks))], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
