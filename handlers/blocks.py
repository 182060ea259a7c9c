"""The few shapes every message is made of, and Slack's limits on them. Pure.

Limits: slack_sdk 3.47 and docs.slack.dev/block-kit: 50 blocks a message (100 in Home), section text 3000,
header 150, context 10 elements; blocks of about 13,200 characters together are refused (bolt-js 2509).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from handlers.wording import escape
from state.words import Realm

Block = dict[str, Any]

MESSAGE_BLOCKS, HOME_BLOCKS = 50, 100
SECTION, HEADER, CONTEXT_ELEMENTS = 3000, 150, 10
TOTAL = 12_000  # below the 13,200 at which Slack refuses
TEXT = 3_500  # below the 4,000 Slack recommends for a message's text


def esc(text: str) -> str:
    """Text from outside inside mrkdwn: Slack's three control characters made harmless, nothing else changed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str) -> str:
    """An inline code span; backticks inside would end it early."""
    return f"`{escape(text)}`"


def when(at: float, style: str = "{date_short_pretty} {time}") -> str:
    """A moment in each reader's own zone and words; UTC where Slack cannot draw it."""
    plain = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at)}^{style}|{plain}>"


def span(seconds: float) -> str:
    """A duration as people say it: `45 s`, `12 min`, `1 h 20 min`."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def people(users: Iterable[str], last: str = "or") -> str:
    """Slack ids as a list people read: `<@A>, <@B> or <@C>`."""
    names = [f"<@{user}>" for user in users]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}" if names else ""


def marked(text: str, realm: Realm) -> str:
    """A title that says PRACTICE in the practice range."""
    return f"PRACTICE · {text}" if realm is Realm.LAB else text


def header(text: str) -> Block:
    """A title."""
    cut = text if len(text) <= HEADER else text[: HEADER - 1] + "…"
    return {"type": "header", "text": {"type": "plain_text", "text": cut, "emoji": False}}


def section(text: str) -> Block:
    """One paragraph of mrkdwn, at most 3000 characters (the caller splits with `sections`)."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def sections(lines: Iterable[str], lead: str = "") -> list[Block]:
    """Lines as sections, split between lines; a line beyond the limit is split too, never lost."""
    blocks: list[Block] = []
    held = lead
    for line in lines:
        for piece in _pieces(line):
            if held and len(held) + 1 + len(piece) > SECTION:
                blocks.append(section(held))
                held = piece
            else:
                held = f"{held}\n{piece}" if held else piece
    return [*blocks, section(held)] if held else blocks


def _pieces(line: str) -> Iterator[str]:
    while len(line) > SECTION:
        at = line.rfind(" ", SECTION // 2, SECTION)
        at = SECTION if at < 0 else at
        yield line[:at]
        line = line[at:].lstrip(" ")
    yield line


def context(*texts: str) -> Block:
    """Small print, one element a text."""
    elements = [{"type": "mrkdwn", "text": text, "verbatim": True} for text in texts if text]
    return {"type": "context", "elements": elements[:CONTEXT_ELEMENTS]}


def divider() -> Block:
    """A thin line."""
    return {"type": "divider"}


def preformatted(parts: Sequence[tuple[str, str]]) -> Block:
    """(purpose, exact text) pairs as one block; the text is not mrkdwn, so every character stays what it is."""
    elements: list[Block] = []
    for purpose, text in parts:
        if purpose:
            elements.append({"type": "rich_text_section", "elements": [{"type": "text", "text": purpose}]})
        elements.append({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]})
    return {"type": "rich_text", "elements": elements}


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned plain text for `preformatted`."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def characters(node: Any) -> int:
    """The characters a reader sees, all texts together."""
    if isinstance(node, list):
        return sum(characters(each) for each in node)
    if isinstance(node, Mapping):
        return sum(
            len(value) if key == "text" and isinstance(value, str) else characters(value) for key, value in node.items()
        )
    return 0


def problems(blocks: Sequence[Block], *, home: bool = False) -> tuple[str, ...]:
    """Every reason for which Slack would refuse these blocks; empty when they fit."""
    found: list[str] = []
    most = HOME_BLOCKS if home else MESSAGE_BLOCKS
    if len(blocks) > most:
        found.append(f"{len(blocks)} blocks, Slack takes {most}")
    if characters(list(blocks)) > TOTAL:
        found.append(f"{characters(list(blocks))} characters, {TOTAL} fit")
    for block in blocks:
        kind = block["type"]
        if kind == "section" and not 0 < len(block["text"]["text"]) <= SECTION:
            found.append(f"a section of {len(block['text']['text'])} characters")
        if kind == "header" and not 0 < len(block["text"]["text"]) <= HEADER:
            found.append(f"a header of {len(block['text']['text'])} characters")
        if kind == "context" and not 0 < len(block["elements"]) <= CONTEXT_ELEMENTS:
            found.append("a context without or with too many elements")
        if kind == "context" and any(not 0 < len(each["text"]) <= SECTION for each in block["elements"]):
            found.append("a context element too long or empty")
        if kind == "rich_text" and any(not leaf.get("text") for part in block["elements"] for leaf in part["elements"]):
            found.append("an empty preformatted text")
    return tuple(found)


def fit(blocks: Sequence[Block], *, home: bool = False) -> list[Block]:
    """The first blocks that fit, with a note where some were left out. Never for gates: those fit or do not stand."""
    if not problems(blocks, home=home):
        return list(blocks)
    most = (HOME_BLOCKS if home else MESSAGE_BLOCKS) - 1
    kept: list[Block] = []
    for block in blocks[:most]:
        if characters([*kept, block]) > TOTAL - 200:
            break
        kept.append(block)
    return [*kept, context("There is more than fits here: `/rollup show` or `rollup-bot export` has all of it.")]
