"""The manifest asks for exactly what the handlers use: each event has its scope, each call too, and nothing more."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
MANIFEST = yaml.safe_load((ROOT / "manifest.yml").read_text("utf-8"))
SCOPES = set(MANIFEST["oauth_config"]["scopes"]["bot"])
EVENTS = set(MANIFEST["settings"]["event_subscriptions"]["bot_events"])

# docs.slack.dev/reference/events and /methods: one of these scopes is needed. An empty tuple needs none.
EVENT_SCOPES = {
    "app_home_opened": (), "app_mention": ("app_mentions:read",), "message.channels": ("channels:history",),
    "message.groups": ("groups:history",), "reaction_added": ("reactions:read",), "reaction_removed": ("reactions:read",),
}  # fmt: skip
METHOD_SCOPES = {
    "auth.test": (), "views.publish": (), "chat.postMessage": ("chat:write",), "chat.postEphemeral": ("chat:write",),
    "chat.update": ("chat:write",), "chat.delete": ("chat:write",), "reactions.get": ("reactions:read",),
    "conversations.history": ("channels:history", "groups:history"), "conversations.replies": ("channels:history", "groups:history"),
    "conversations.info": ("channels:read", "groups:read"), "conversations.list": ("channels:read", "groups:read"),
    "users.info": ("users:read",),
}  # fmt: skip
# The rules of slackapi/manifest-schema that matter here, written down by us (docs.slack.dev/reference/app-manifest).
SCHEMA = {
    "type": "object",
    "required": ["display_information", "features", "oauth_config", "settings"],
    "additionalProperties": False,
    "properties": {
        "_metadata": {"type": "object"},
        "display_information": {
            "type": "object", "required": ["name"], "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "maxLength": 35}, "description": {"type": "string", "maxLength": 140},
                "long_description": {"type": "string", "minLength": 175, "maxLength": 4000},
                "background_color": {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"},
            },
        },
        "features": {
            "type": "object", "additionalProperties": False,
            "properties": {
                "app_home": {"type": "object"},
                "bot_user": {"type": "object", "required": ["display_name"],
                             "properties": {"display_name": {"type": "string", "maxLength": 80}}},
                "slash_commands": {"type": "array", "maxItems": 50, "items": {
                    "type": "object", "required": ["command", "description"], "additionalProperties": False,
                    "properties": {
                        "command": {"type": "string", "pattern": "^/", "maxLength": 32},
                        "description": {"type": "string", "maxLength": 2000},
                        "usage_hint": {"type": "string", "maxLength": 1000}, "should_escape": {"type": "boolean"},
                    }}},
            },
        },
        "oauth_config": {"type": "object"},
        "settings": {"type": "object", "required": ["socket_mode_enabled"]},
    },
}  # fmt: skip


def test_the_manifest_has_slacks_shape() -> None:
    jsonschema.validate(MANIFEST, SCHEMA)
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert MANIFEST["settings"]["token_rotation_enabled"] is False
    assert MANIFEST["features"]["app_home"]["home_tab_enabled"] is True
    assert [command["command"] for command in MANIFEST["features"]["slash_commands"]] == ["/rollup"]


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_every_event_has_its_scope(event: str) -> None:
    assert event in EVENT_SCOPES
    assert set(EVENT_SCOPES[event]) <= SCOPES


def test_every_method_the_handlers_call_has_its_scope() -> None:
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "handlers").glob("*.py"))
    called = set(re.findall(r'"((?:chat|conversations|users|views|reactions|auth)\.[a-zA-Z]+)"', source)) - {
        "auth.test"
    }
    assert called == set(METHOD_SCOPES) - {"auth.test"}
    for method in called:
        assert set(METHOD_SCOPES[method]) <= SCOPES, method


def test_no_scope_is_asked_for_that_nothing_needs() -> None:
    needed = {scope for table in (EVENT_SCOPES, METHOD_SCOPES) for scopes in table.values() for scope in scopes} | {
        "commands"
    }
    assert needed == SCOPES


def test_every_event_the_trust_boundary_reads_is_subscribed() -> None:
    assert {
        "app_home_opened",
        "app_mention",
        "reaction_added",
        "reaction_removed",
        "message.channels",
        "message.groups",
    } == EVENTS
