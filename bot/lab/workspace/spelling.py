"""How Slack spells texts it stores: stray `&`, `<`, `>` escaped, typed emoji as `:names:`, typed @names as ids."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_TOKEN = re.compile(r"<(?:[@#!]|https?://|mailto:|tel:)[^<>]*>|&(?:amp|lt|gt);|[&<>]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_HANDLE = re.compile(r"(?<![\w<@])@([A-Za-z0-9][\w.-]*)")
EMOJI_FILE = Path(__file__).with_name("page") / "emoji.json"


@cache
def emoji() -> Mapping[str, str]:
    """Emoji name to character: the ones this workspace draws."""
    known: dict[str, str] = json.loads(EMOJI_FILE.read_text("utf-8"))
    return known


@cache
def _drawn() -> tuple[re.Pattern[str], Mapping[str, str]]:
    names: dict[str, str] = {}
    for name, drawn in emoji().items():
        names.setdefault(drawn, name)
        names.setdefault(drawn.rstrip("\ufe0f"), name)
    longest_first = sorted((each for each in names if not each.isascii()), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), names


def spelled(text: str, kind: str = "mrkdwn") -> str:
    """The text as Slack stores it (`kind`: mrkdwn or plain_text; plain text keeps its brackets)."""
    if kind == "mrkdwn":
        text = _TOKEN.sub(lambda hit: _ESCAPES.get(hit[0], hit[0]), text)
    pattern, names = _drawn()
    return pattern.sub(lambda hit: f":{names[hit[0]]}:", text)


def typed(text: str, handles: Mapping[str, str]) -> str:
    """What a person's client sends: `@name` becomes `<@U…>` for people that are there."""

    def mention(hit: re.Match[str]) -> str:
        name = hit[1].rstrip(".-")
        user = handles.get(name.lower())
        return f"<@{user}>{hit[1][len(name) :]}" if user else hit[0]

    return spelled(_HANDLE.sub(mention, text))
