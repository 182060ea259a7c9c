"""How a sentence is put together from its entry in a table: parts filled in and made harmless, rule, remedy, link."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PART_LIMIT = 300  # characters of one fact inside a sentence; people type novels into commands


@dataclass(frozen=True, slots=True)
class Words:
    """One kind's sentence. `sample` fills the parts for the generated page and the tests."""

    says: str
    rule: str
    do: str
    sample: tuple[tuple[str, str], ...] = ()


_OPTIONAL = re.compile("‹([^‹›]*)›")
_NAMED = re.compile(r"\{(\w+)\}")


def escape(text: str) -> str:
    """Make text from anywhere harmless inside Slack's mrkdwn: no mentions, no links, no broken code spans."""
    flat = " ".join(text.split())
    short = flat if len(flat) <= PART_LIMIT else flat[: PART_LIMIT - 1] + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


def fill(template: str, parts: Mapping[str, str]) -> str:
    """Put parts into a template; an ‹optional› stretch with a missing part is left out, a bare one shows `?`."""

    def optional(match: re.Match[str]) -> str:
        return match.group(1) if all(parts.get(name) for name in _NAMED.findall(match.group(1))) else ""

    return _NAMED.sub(lambda m: parts.get(m.group(1)) or "?", _OPTIONAL.sub(optional, template)).strip()


def link(kind: StrEnum, docs_url: str = "", label: str = "more") -> str:
    """A link to the kind's line in docs/refusals.md, or its path in the repository where docs are not published."""
    page = f"refusals.md#{kind.value}"
    return f"<{docs_url.rstrip('/')}/{page}|{label}>" if docs_url else f"`docs/{page}`"


def sentence(kind: StrEnum, words: Words, parts: Mapping[str, str], docs_url: str = "") -> str:
    """Fact, rule, remedy and link of one entry, in this order, as one short paragraph."""
    pieces = [fill(words.says, parts), fill(words.rule, parts), fill(words.do, parts)]
    return " ".join(piece for piece in pieces if piece) + f" ({link(kind, docs_url)})"


# Parts that already are Slack markup of our own making; everything else is escaped.
MARKUP = frozenset(
    {
        "link",
        "where",
        "nearest",
        "known",
        "open",
        "declared",
        "people",
        "could",
        "eligible",
        "emoji",
        "approve",
        "reject",
        "problem",
        "title",
        "when",
    }
)


def safe(parts: Mapping[str, str]) -> dict[str, str]:
    """Parts with everything escaped that is not markup of our own making."""
    return {name: value if name in MARKUP else escape(value) for name, value in parts.items()}
