"""Writes docs/refusals.md from the tables of texts.py: `python -m handlers.refusals_page > docs/refusals.md`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from handlers.texts import ENDINGS, GATES, OUTCOMES, REFUSALS, VOTES, Words, fill

K = TypeVar("K", bound=StrEnum)

HEAD = """# What the bot says when it does not do something

This page is generated from `handlers/texts.py` (`python -m handlers.refusals_page > docs/refusals.md`); do not edit it.
Each row is one kind: what is said with an example's names in it, the rule behind it, and what to do.
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;") or " "


def _table(title: str, lead: str, table: Mapping[K, Words]) -> str:
    rows = [f"## {title}", "", lead, "", "| kind | it says | the rule | what to do |", "|---|---|---|---|"]
    for kind, words in table.items():
        parts = dict(words.sample)
        cells = (_cell(fill(piece, parts)) for piece in (words.says, words.rule, words.do))
        rows.append(f'| <a id="{kind.value}"></a>`{kind.value}` | ' + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def page() -> str:
    """The whole page as Markdown."""
    sections = (
        _table("Commands that were refused", "Only the person who typed sees these. Nothing was changed.", REFUSALS),
        _table("Reactions that do not count", "Only the person who reacted sees these.", VOTES),
        _table("Gates that are no longer open", "A line in the thread, under the gate.", GATES),
        _table("How an attempt of a step ended", "A line in the thread.", OUTCOMES),
        _table("How a campaign ended or stopped", "A message in the thread, and in the channel's first card.", ENDINGS),
    )
    return HEAD + "\n" + "\n".join(sections)


if __name__ == "__main__":
    sys.stdout.write(page())
