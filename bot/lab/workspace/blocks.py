"""Refuses the blocks that Slack refuses, and returns the others the way Slack stores them.

Limits: docs.slack.dev/block-kit and the models of slack_sdk 3.47; the total of 13,200 characters is
undocumented (bolt-js issue 2509).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
TOTAL_CHARACTERS = 13_200
ELEMENTS = {"actions": 25, "context": 10}
TEXTS = {"section": 3000, "header": 150}
RICH_PARTS = {"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"}
RICH_LEAVES = {"text", "link", "emoji", "user", "channel", "usergroup", "broadcast", "date", "color", "team"}
INTERACTIVE = {
    "button",
    "overflow",
    "static_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "external_select",
    "multi_static_select",
    "multi_users_select",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "checkboxes",
    "radio_buttons",
    "workflow_button",
    "url_text_input",
    "plain_text_input",
}
PLAIN_BLOCKS = {
    "section",
    "header",
    "context",
    "divider",
    "actions",
    "image",
    "rich_text",
    "table",
    "markdown",
    "file",
    "video",
    "input",
    "plan",
    "task_card",
    "alert",
    "card",
    "carousel",
    "container",
    "context_actions",
    "data_table",
    "data_visualization",
}


class Problem(Exception):
    """One thing Slack would not take: where (a JSON pointer) and why."""

    def __init__(self, pointer: str, why: str) -> None:
        super().__init__(f"[ERROR] {why} [json-pointer:{pointer}]")


def problems(blocks: Any, *, view: bool = False) -> list[str]:
    """Every reason to refuse these blocks, in Slack's wording; empty when they are fine."""
    if not isinstance(blocks, list):
        return ["[ERROR] must be an array [json-pointer:/blocks]"]
    most = VIEW_BLOCKS if view else MESSAGE_BLOCKS
    found = [f"[ERROR] no more than {most} items allowed [json-pointer:/blocks]"] if len(blocks) > most else []
    ids: set[str] = set()
    for at, block in enumerate(blocks):
        pointer = f"/blocks/{at}"
        try:
            _block(block, pointer)
            if block_id := block.get("block_id"):
                if block_id in ids:
                    raise Problem(pointer + "/block_id", "`block_id` already exists")
                ids.add(block_id)
        except Problem as problem:
            found.append(str(problem))
    return found


def characters(blocks: list[dict[str, Any]]) -> int:
    """The characters a reader sees in these blocks, all texts together."""
    return sum(len(text) for text in _texts(blocks))


def stored(blocks: list[dict[str, Any]], spell: Any) -> list[dict[str, Any]]:
    """The blocks as Slack gives them back: ids filled in, defaults spelled out, texts through `spell`."""
    out = []
    for block in blocks:
        kept = _stored(block, spell)
        kept.setdefault("block_id", secrets.token_urlsafe(4)[:5])
        out.append(kept)
    return out


def _stored(node: Any, spell: Any) -> Any:
    if isinstance(node, list):
        return [_stored(each, spell) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _stored(value, spell) for key, value in node.items()}
    kind = kept.get("type")
    if kind in {"mrkdwn", "plain_text"} and isinstance(kept.get("text"), str):
        if kind == "mrkdwn" or kept.get("emoji") is not False:
            kept["text"] = spell(kept["text"], kind)
        kept.setdefault(*(("verbatim", False) if kind == "mrkdwn" else ("emoji", True)))
    elif kind == "button":
        kept.setdefault("action_id", secrets.token_urlsafe(4)[:5])
    elif kind == "rich_text_preformatted":
        kept.setdefault("border", 0)
    return kept


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _texts(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in {"text", "title", "alt_text", "fallback", "description"} and isinstance(value, str):
                yield value
            elif isinstance(value, dict | list):
                yield from _texts(value)


def _block(block: Any, at: str) -> None:
    if not isinstance(block, dict):
        raise Problem(at, "must be an object")
    kind = block.get("type")
    if kind not in PLAIN_BLOCKS:
        raise Problem(at + "/type", f"unsupported type: {kind}")
    if len(str(block.get("block_id", ""))) > 255:
        raise Problem(at + "/block_id", "must be less than 256 characters")
    if kind == "section":
        _section(block, at)
    elif kind == "header":
        _text(block.get("text"), at + "/text", TEXTS["header"], kinds={"plain_text"})
    elif kind in ELEMENTS:
        _elements(block, at, str(kind))
    elif kind == "image":
        if not block.get("image_url") and not block.get("slack_file"):
            raise Problem(at, "missing required field: image_url")
        if not isinstance(block.get("alt_text"), str) or len(block["alt_text"]) > 2000:
            raise Problem(at + "/alt_text", "must be a string of less than 2001 characters")
    elif kind == "rich_text":
        _rich_text(block, at)
    elif kind == "table":
        _table(block, at)
    elif kind == "markdown" and len(str(block.get("text", ""))) > 12_000:
        raise Problem(at + "/text", "must be less than 12001 characters")


def _section(block: dict[str, Any], at: str) -> None:
    fields = block.get("fields")
    if block.get("text") is None and not fields:
        raise Problem(at, "missing required field: text or fields")
    if block.get("text") is not None:
        _text(block["text"], at + "/text", TEXTS["section"])
    if fields is not None:
        if not isinstance(fields, list) or not 1 <= len(fields) <= 10:
            raise Problem(at + "/fields", "no more than 10 items allowed")
        for n, each in enumerate(fields):
            _text(each, f"{at}/fields/{n}", 2000)
    if block.get("accessory") is not None:
        _element(block["accessory"], at + "/accessory", {*INTERACTIVE, "image"})


def _text(text: Any, at: str, most: int, kinds: set[str] | None = None) -> None:
    if not isinstance(text, dict) or text.get("type") not in (kinds or {"mrkdwn", "plain_text"}):
        raise Problem(at + "/type", "unsupported type" if isinstance(text, dict) else "must be an object")
    words = text.get("text")
    if not isinstance(words, str) or not words:
        raise Problem(at + "/text", "must be more than 0 characters")
    if len(words) > most:
        raise Problem(at + "/text", f"must be less than {most + 1} characters")


def _elements(block: dict[str, Any], at: str, kind: str) -> None:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        raise Problem(at + "/elements", "must have at least 1 item")
    if len(elements) > ELEMENTS[kind]:
        raise Problem(at + "/elements", f"no more than {ELEMENTS[kind]} items allowed")
    for n, each in enumerate(elements):
        if kind == "context" and isinstance(each, dict) and each.get("type") in {"mrkdwn", "plain_text"}:
            _text(each, f"{at}/elements/{n}", 3000)
        else:
            _element(each, f"{at}/elements/{n}", {"image"} if kind == "context" else INTERACTIVE)


def _element(element: Any, at: str, kinds: set[str]) -> None:
    if not isinstance(element, dict) or element.get("type") not in kinds:
        raise Problem(at + "/type", "unsupported type" if isinstance(element, dict) else "must be an object")
    if len(str(element.get("action_id", ""))) > 255:
        raise Problem(at + "/action_id", "must be less than 256 characters")
    if element["type"] == "button":
        _text(element.get("text"), at + "/text", 75, kinds={"plain_text"})
        if len(str(element.get("value", ""))) > 2000:
            raise Problem(at + "/value", "must be less than 2001 characters")
        if len(str(element.get("url", ""))) > 3000:
            raise Problem(at + "/url", "must be less than 3001 characters")


def _rich_text(block: dict[str, Any], at: str) -> None:
    elements = block.get("elements")
    if not isinstance(elements, list):
        raise Problem(at + "/elements", "must be an array")
    for n, part in enumerate(elements):
        here = f"{at}/elements/{n}"
        if (
            not isinstance(part, dict)
            or part.get("type") not in RICH_PARTS
            or not isinstance(part.get("elements"), list)
        ):
            raise Problem(here, "unsupported rich text element")
        if part["type"] == "rich_text_list":
            if part.get("style") not in {"bullet", "ordered"}:
                raise Problem(here + "/style", "must be a valid enum value")
            if any(not isinstance(item, dict) or item.get("type") != "rich_text_section" for item in part["elements"]):
                raise Problem(here + "/elements", "must be rich_text_section")
            leaves = [leaf for item in part["elements"] for leaf in item.get("elements", [])]
        else:
            leaves = part["elements"]
        for leaf in leaves:
            if not isinstance(leaf, dict) or leaf.get("type") not in RICH_LEAVES:
                raise Problem(here + "/elements", "unsupported rich text element")
            if leaf["type"] == "text" and not leaf.get("text"):
                raise Problem(here + "/elements", "must be more than 0 characters")


def _table(block: dict[str, Any], at: str) -> None:
    rows = block.get("rows")
    if not isinstance(rows, list) or not 1 <= len(rows) <= 100:
        raise Problem(at + "/rows", "no more than 100 items allowed")
    for n, row in enumerate(rows):
        if not isinstance(row, list) or not 1 <= len(row) <= 20:
            raise Problem(f"{at}/rows/{n}", "no more than 20 items allowed")
        for m, cell in enumerate(row):
            if not isinstance(cell, dict) or cell.get("type") not in {"raw_text", "raw_number", "rich_text"}:
                raise Problem(f"{at}/rows/{n}/{m}/type", "unsupported type")
            if cell["type"] == "raw_text" and not cell.get("text"):
                raise Problem(f"{at}/rows/{n}/{m}/text", "must be more than 0 characters")
