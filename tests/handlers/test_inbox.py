"""Written down before the ack, handled once, and handled again when the process died in between."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt import BoltRequest

from bot.lab.workspace.acts import act
from handlers.edge import SlackEdge
from state.errors import Unavailable
from state.words import State
from tests.handlers.conftest import ALICE, BOB, DAVE, OPS, Bench
from tests.waiting import until


def dispatched(bench: Bench, body: dict[str, Any]) -> int:
    return int(bench.app.dispatch(BoltRequest(mode="socket_mode", body=body)).status)


def command(bench: Bench, text: str, trigger: str = "1.2.abc", user: str = ALICE) -> dict[str, Any]:
    return {
        "command": "/rollup",
        "text": text,
        "user_id": user,
        "channel_id": OPS,
        "team_id": bench.deps.identity.team_id,
        "trigger_id": trigger,
        "token": "secret-token",
        "response_url": f"{bench.server.url}hooks/none",
    }


def reaction(bench: Bench, user: str, ts: str, event_id: str = "Ev0001") -> dict[str, Any]:
    return {
        "type": "event_callback",
        "event_id": event_id,
        "team_id": bench.deps.identity.team_id,
        "api_app_id": "A0",
        "event": {
            "type": "reaction_added",
            "user": user,
            "reaction": "white_check_mark",
            "item_user": bench.deps.identity.user_id,
            "item": {"type": "message", "channel": OPS, "ts": ts},
            "event_ts": "1.2",
        },
    }


def die_after_the_ack(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.edge.intake, "handle", lambda *_parts, **_more: None)


def test_a_command_acked_and_lost_in_a_crash_is_carried_out_by_the_next_process(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_after_the_ack(bench, monkeypatch)
    assert dispatched(bench, command(bench, "plan CLUSTER01")) == 200
    (entry,) = until(bench.store.inbox_list)
    assert "secret-token" not in str(entry)
    assert "1.2.abc" not in str(entry)
    assert "response_url" not in entry.body
    assert bench.store.all() == []
    after = SlackEdge(bench.deps)
    assert after.dispatch_inbox(all_of_it=True) == 1
    assert bench.campaign().state is State.PLANNING
    assert bench.store.inbox_list() == []
    assert "CLUSTER01-1" in bench.whispers(ALICE)[0]


def test_a_vote_acked_and_lost_in_a_crash_is_counted_by_the_next_process(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = bench.gated()
    die_after_the_ack(bench, monkeypatch)
    bench.reacts(BOB, gate.ts)
    until(bench.store.inbox_list)
    SlackEdge(bench.deps).dispatch_inbox(all_of_it=True)
    assert [vote.user for vote in bench.campaign().votes] == [BOB]


def test_the_sweeper_leaves_what_is_in_hand_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    die_after_the_ack(bench, monkeypatch)
    dispatched(bench, command(bench, "plan CLUSTER01"))
    until(bench.store.inbox_list)
    assert SlackEdge(bench.deps).dispatch_inbox() == 0
    assert bench.store.all() == []


def test_an_event_sent_again_is_acknowledged_and_handled_once(bench: Bench) -> None:
    gate = bench.gated()
    for _ in range(3):
        assert dispatched(bench, reaction(bench, BOB, gate.ts)) == 200
    until(lambda: bench.campaign().votes)
    assert len(bench.campaign().votes) == 1
    assert sum(type(r.event).__name__ == "Voted" for r in bench.store.events("CLUSTER01-1")) == 1


def test_a_command_typed_twice_counts_twice_and_one_delivered_twice_counts_once(bench: Bench) -> None:
    for trigger in ("1.2.abc", "1.2.abc", "1.3.abd"):
        assert dispatched(bench, command(bench, "plan CLUSTER01", trigger)) == 200
    until(lambda: len(bench.store.all()) == 2 and bench.store.inbox_list() == [])
    assert len(bench.store.all()) == 2


def test_without_its_store_an_event_is_not_acknowledged_and_a_command_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = bench.gated()

    def away(*_parts: object) -> bool:
        raise Unavailable("gone")

    monkeypatch.setattr(bench.store, "inbox_put", away)
    assert dispatched(bench, reaction(bench, BOB, gate.ts)) == 500
    answer = bench.app.dispatch(BoltRequest(mode="socket_mode", body=command(bench, "status")))
    assert answer.status == 200
    assert "cannot reach my own store" in str(answer.body)


def test_an_unacknowledged_reaction_is_sent_again_by_slack_and_then_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = bench.gated()
    real, calls = bench.store.inbox_put, []

    def away_once(*parts: Any) -> bool:
        calls.append(1)
        if len(calls) == 1:
            raise Unavailable("gone")
        return real(*parts)

    monkeypatch.setattr(bench.store, "inbox_put", away_once)
    bench.reacts(BOB, gate.ts)
    assert until(lambda: bench.campaign().votes)[0].user == BOB
    assert len(calls) == 2


def test_a_store_that_goes_away_in_the_middle_keeps_the_command_and_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bench.store.create

    def away(**_more: Any) -> Any:
        raise Unavailable("gone")

    monkeypatch.setattr(bench.store, "create", away)
    assert "kept for ten minutes" in bench.types(ALICE, "plan CLUSTER01")
    monkeypatch.setattr(bench.store, "create", real)
    assert bench.edge.dispatch_inbox(all_of_it=True) == 1
    assert bench.campaign().state is State.PLANNING


def test_an_order_that_lay_too_long_is_not_carried_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    die_after_the_ack(bench, monkeypatch)
    dispatched(bench, command(bench, "plan CLUSTER01"))
    until(bench.store.inbox_list)
    real = bench.store.server_time
    monkeypatch.setattr(bench.store, "server_time", lambda: real() + 3600)
    SlackEdge(bench.deps).dispatch_inbox(all_of_it=True)
    assert bench.store.all() == []
    assert "dropped" in bench.whispers(ALICE)[0]
    assert bench.store.inbox_list() == []


@pytest.mark.parametrize(
    "body",
    [
        {"type": "event_callback", "event_id": "Ev9", "event": {"type": "team_join", "user": {}}},
        {
            "type": "event_callback",
            "event_id": "Ev9",
            "event": {"type": "message", "channel": OPS, "ts": "1.2", "text": "hi", "user": DAVE},
        },
        {
            "type": "event_callback",
            "event_id": "Ev9",
            "event": {"type": "message", "subtype": "channel_join", "channel": OPS, "ts": "1.2"},
        },
        {"type": "event_callback", "event_id": "Ev9", "event": {"type": "reaction_added", "item": 7}},
        {
            "type": "block_actions",
            "user": {"id": DAVE},
            "actions": [{"action_id": "x", "type": "button", "block_id": "b"}],
        },
        {"type": "view_submission", "user": {"id": DAVE}, "view": {"callback_id": "x", "type": "modal"}},
    ],
)
def test_nothing_goes_unacknowledged_and_nothing_of_no_use_is_written_down(bench: Bench, body: dict[str, Any]) -> None:
    assert dispatched(bench, body) == 200
    assert bench.store.inbox_list() == []


def test_the_home_tab_shows_every_open_campaign(bench: Bench) -> None:
    bench.started()
    act(bench.space, {"as": DAVE, "type": "home"})
    view = until(lambda: bench.space.views.get(DAVE))
    assert "KB4011325 on CLUSTER01" in str(view)
    assert "Safe to walk away" in str(view)
    until(lambda: bench.store.inbox_list() == [])
