"""Reads a Web API call's arguments in every encoding that Slack's clients use: JSON, form, multipart, query."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bot.lab.workspace.words import SlackError

STRUCTURED = ("attachments", "blocks", "files", "message", "metadata", "view")  # JSON inside a form field
_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}


class Arguments(dict[str, Any]):
    """The arguments by name, with readers that know Slack's loose typing."""

    def text(self, name: str, default: str = "") -> str:
        """A string argument; numbers are taken as their digits."""
        value = self.get(name)
        return default if value is None else str(value)

    def flag(self, name: str) -> bool:
        """A boolean argument: true, "true", 1, "1"."""
        return str(self.get(name, "")).lower() in {"true", "1"}

    def number(self, name: str, default: int, most: int) -> int:
        """A positive whole number, at most `most`; invalid_limit when it is not one."""
        try:
            return min(most, max(1, int(self.get(name) or default)))
        except (TypeError, ValueError):
            raise SlackError("invalid_limit") from None


async def read(request: web.Request) -> tuple[str, Arguments]:
    """The token and the arguments; invalid_json, json_not_object, invalid_post_type, invalid_form_data."""
    arguments = Arguments(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            arguments.update(_json(await request.text()))
        elif request.content_type in _FORMS:
            arguments.update({name: value for name, value in (await request.post()).items() if isinstance(value, str)})
        elif await request.read():
            raise SlackError("invalid_post_type")
    for name in STRUCTURED:
        if isinstance(value := arguments.get(name), str) and value:
            try:
                arguments[name] = json.loads(value)
            except ValueError:
                raise SlackError(
                    {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}.get(
                        name, "invalid_arguments"
                    )
                ) from None
    header = request.headers.get("Authorization", "")
    given = arguments.pop("token", "")
    return (header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else str(given or "")), arguments


def _json(body: str) -> dict[str, Any]:
    if not body.strip():  # slack_sdk sends the JSON content type with nothing in it for calls without arguments
        return {}
    try:
        parsed = json.loads(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(parsed, dict):
        raise SlackError("json_not_object")
    return parsed
