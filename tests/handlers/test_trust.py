"""Whatever Slack, or somebody who plays Slack, sends: a frozen value or a rejection, never an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import trust
from handlers.mentions import words_after_mention

EVENT = {"type": "event_callback", "team_id": "T0", "event_id": "Ev1"}
REACTION = {
    "type": "reaction_added",
    "user": "U2",
    "reaction": "+1",
    "item": {"type": "message", "channel": "C1", "ts": "1.2"},
}
MENTION = {"type": "app_mention", "user": "U2", "text": "<@U0> status", "channel": "C1", "ts": "1.2"}
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "event",
                    "command",
                    "user",
                    "channel",
                    "ts",
                    "item",
                    "message",
                    "messages",
                    "text",
                    "blocks",
                    "reactions",
                    "users",
                    "name",
                    "count",
                    "metadata",
                    "event_payload",
                    "event_type",
                    "user_id",
                    "channel_id",
                    "subtype",
                    "deleted_ts",
                    "id",
                    "team_id",
                    "bot_profile",
                    "response_metadata",
                    "next_cursor",
                    "channels",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


def event(inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**EVENT, "event": {**inner, **more}}


def test_a_reaction_is_read() -> None:
    found = trust.inbound("Ev1", event(REACTION))
    assert found == trust.Reacted(id="Ev1", team="T0", added=True, user="U2", emoji="+1", channel="C1", ts="1.2")


@pytest.mark.parametrize(
    "broken",
    [
        {"user": None},
        {"user": "../x"},
        {"reaction": 7},
        {"reaction": "a b"},
        {"item": None},
        {"item": {"type": "file"}},
        {"item": {"type": "message", "channel": "C1", "ts": "soon"}},
        {"item": {"type": "message", "channel": "C 1", "ts": "1.2"}},
    ],
)
def test_a_reaction_without_its_parts_is_rejected(broken: dict[str, Any]) -> None:
    assert isinstance(trust.inbound("Ev1", event(REACTION, **broken)), trust.Rejected)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, ""),
        ({"edited": {"user": "U2"}}, "it was edited"),
        ({"bot_id": "B1"}, "a bot wrote it"),
        ({"subtype": "me_message"}, "it is not a plain new message"),
        ({"user": None}, "a bot wrote it"),
    ],
)
def test_only_a_persons_new_unedited_message_is_one(more: dict[str, Any], why: str) -> None:
    found = trust.inbound("Ev1", event(MENTION, **more))
    assert isinstance(found, trust.Said)
    assert found.why_not == why


def test_a_command_is_read_and_its_key_is_stable_and_keeps_no_handle() -> None:
    body = {
        "command": "/rollup",
        "text": "status",
        "user_id": "U2",
        "channel_id": "C1",
        "team_id": "T0",
        "trigger_id": "1.2.abc",
        "token": "t",
        "response_url": "https://hooks.slack.com/x",
    }
    key = trust.stable_id(body)
    assert key == trust.stable_id(dict(body))
    assert key != trust.stable_id({**body, "trigger_id": "1.3.abd"})
    assert "abc" not in key
    assert isinstance(trust.inbound(key, body), trust.Typed)
    kept = trust.scrub({**body, "nested": [{"token": "t", "x": 1}]})
    assert kept == {
        "command": "/rollup",
        "text": "status",
        "user_id": "U2",
        "channel_id": "C1",
        "team_id": "T0",
        "nested": [{"x": 1}],
    }


def test_deletions_and_edits_name_the_message_they_happened_to() -> None:
    gone = trust.inbound(
        "Ev1", event({"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "1.2"})
    )
    assert gone == trust.Altered(id="Ev1", team="T0", channel="C1", ts="1.2", deleted=True)
    edit = trust.inbound(
        "Ev1", event({"type": "message", "subtype": "message_changed", "channel": "C1", "message": {"ts": "1.2"}})
    )
    assert isinstance(edit, trust.Altered)


def test_an_account_of_another_or_of_no_team_is_external() -> None:
    def of(**user: Any) -> trust.Account:
        found = trust.account({"user": {"id": "U2", **user}}, team="T0")
        assert isinstance(found, trust.Account)
        return found

    assert not of(team_id="T0").external
    assert of(team_id="T1").external
    assert of().external
    assert not of(team_id="T1", enterprise_user={"teams": ["T0"]}).external
    assert of(team_id="T0", is_stranger=True).external
    assert of(team_id="T0", is_ultra_restricted=True).guest
    assert of(team_id="T0", deleted=True).deleted
    assert of(team_id="T0", is_bot=True).bot


def test_a_list_of_people_that_slack_cut_is_known_to_be_cut() -> None:
    found = trust.reaction_list({"message": {"reactions": [{"name": "+1", "users": ["U2"], "count": 2}]}})
    assert found == ((("+1", ("U2",)),), True)


def test_one_odd_message_rejects_the_page_so_that_no_gate_is_overlooked() -> None:
    assert isinstance(trust.messages({"messages": [{"ts": "1.2", "text": ""}, {"ts": None}]}), trust.Rejected)


@given(json_like)
def test_nothing_at_all_makes_a_reader_raise(body: Any) -> None:
    trust.inbound("x", body)
    trust.inbound("x", {**EVENT, "event": body})
    trust.account(body, team="T0")
    trust.account({"user": body}, team="T0")
    trust.standing(body)
    trust.messages(body)
    trust.messages({"messages": [body]})
    trust.reaction_list(body)
    trust.reaction_list({"message": body})
    trust.next_page(body)
    trust.channel(body)
    trust.channels(body)
    trust.scrub(body)
    if isinstance(body, dict):
        trust.stable_id(body)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("<@U0> status", "status"),
        ("  <@U0|rollup>: pause", "pause"),
        ("<@U0>", ""),
        ("hi <@U0> status", None),
        ("<@U01> status", None),
    ],
)
def test_a_mention_counts_only_at_the_very_beginning(text: str, rest: str | None) -> None:
    assert words_after_mention(text, "U0") == rest
