"""Slack fails in the middle of a campaign: posts are late, gates are late, and no gate counts twice."""

from __future__ import annotations

import pytest

from tests.crash.killing import Range, played, quick, range_of
from tests.crash.redis_proxy import Transition

pytestmark = pytest.mark.crash

# What befalls Slack when the gate of a step is about to be posted.
AT_GATE = {
    "s01": (("chat.postMessage", "lose_reply", 1),),  # the gate stands, and nobody knows
    "s02": (("*", "http_500", 25),),  # everything fails for a while
    "s03": (("chat.postMessage", "lose_request", 2), ("reactions.get", "lose_reply", 2)),
    "s04": (("conversations.replies", "http_500", 3), ("chat.postMessage", "http_500", 2), ("users.info", "error", 4)),
}


def test_a_slack_that_fails_at_every_gate_delays_and_doubles_nothing() -> None:
    broken: list[str] = []

    def at(one: Range, transition: Transition) -> str:
        served = one.session.workspace.served
        for kind, data in transition.events:
            if kind == "gate_prepared" and served is not None and data["gate"]["attempt"] == 1:
                for method, how, times in AT_GATE.get(data["gate"]["step"], ()):
                    served.fault(method, how, times)
                    broken.append(f"{data['gate']['id']} {method} {how}")
        return ""

    with range_of(quick("ccr"), at=at) as one:
        end = played(one)
        standing = [
            message.metadata["event_payload"]["gate"]
            for channel in one.session.workspace.space.messages.values()
            for message in channel.values()
            if message.metadata and message.metadata["event_type"] == "rollup_gate"
        ]
    assert end.wrong() == [], f"{broken}\n{end.story()}"
    assert len(broken) >= 7, broken
    assert len(standing) == len(set(standing)), f"a gate stands twice: {standing}"


def test_sockets_that_are_cut_while_people_vote_lose_no_vote() -> None:
    def at(one: Range, transition: Transition) -> str:
        served = one.session.workspace.served
        if served is not None and {"gate_opened", "gate_consumed", "started"} & set(transition.types):
            served.disconnect()
        return ""

    with range_of(quick("ccr"), at=at) as one:
        end = played(one)
    assert end.wrong() == [], end.story()
