"""Played people, against a bot that is nothing but metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.lab import players
from bot.lab.clock import LabClock
from bot.lab.moments import Ending, Moment
from bot.lab.players import Players
from bot.lab.scenario import parse
from bot.lab.truth import TruthLog
from bot.lab.workspace import Channel, Person, RunningWorkspace, Workspace, serve_workspace
from tests.lab.workspace.conftest import START
from tests.waiting import until

SCENARIO = """
title = "people"
[[packages]]
kb = "KB4011325"
build = "8.3.517.0"
[[clusters]]
name = "CLUSTER01"
[[clusters.nodes]]
name = "EXN1"
build = "8.3.485.1"
[[clusters.nodes]]
name = "EXN2"
build = "8.3.485.1"
[play]
start_after_s = 10.0
approve_after_s = 5.0
"""


class Stage:
    """A workspace, the players, and the bot's part spoken by the test."""

    def __init__(self, play: str) -> None:
        self.clock = LabClock(START, 200.0)
        self.truth = TruthLog(self.clock)
        self.scenario = parse(SCENARIO + play, "people")
        people = [Person(id=f"U0{p.name.upper()}", name=p.name.lower(), real_name=p.name) for p in self.scenario.people]
        self.space = Workspace(people, [Channel(id="C0OPS", name="exchange-ops")], self.clock, truth=self.truth.write)
        self.server: RunningWorkspace = serve_workspace(self.space, ack_s=0.1)
        self.slack = WebClient(token=self.space.app.bot_token, base_url=self.server.api_url)
        self.killed: list[float] = []
        self.faults: list[str] = []
        self.players = Players(
            self.scenario,
            self.space,
            self.clock,
            truth=self.truth,
            kill_bot=lambda: self.killed.append(self.clock.now()),
            estate=lambda what: self.faults.append(what.kind),
        )
        self.players.begin()

    def say(self, event_type: str, **payload: Any) -> str:
        thread = self.thread if event_type != "rollup_card" else None
        ts = self.slack.chat_postMessage(
            channel="C0OPS",
            text="never read",
            thread_ts=thread,
            metadata={"event_type": event_type, "event_payload": payload},
        )["ts"]
        if event_type == "rollup_card":
            self.thread = ts
        return str(ts)

    thread: str | None = None

    def gate(self, step: str, attempt: int = 1) -> str:
        return self.say(
            "rollup_gate", campaign="CLUSTER01-1", step=step, attempt=attempt, gate=f"CLUSTER01-1.{step}.{attempt}"
        )

    def refuse(self, user: str) -> None:
        block = {"type": "section", "block_id": "refused", "text": {"type": "mrkdwn", "text": "never read"}}
        self.slack.chat_postEphemeral(channel="C0OPS", user=user, text="never read", blocks=[block])

    def said(self, did: str) -> list[tuple[str, str]]:
        return [(r["user"], r.get("text") or r["emoji"]) for r in self.truth.since(0) if r["did"] == did]

    def reactions(self, ts: str) -> dict[str, list[str]]:
        return self.space.message("C0OPS", ts).reactions

    def close(self) -> None:
        self.players.stop()
        self.server.stop()


@pytest.fixture
def stage() -> Iterator[Callable[[str], Stage]]:
    made: list[Stage] = []

    def make(play: str = "") -> Stage:
        made.append(Stage(play))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_the_requester_plans_starts_and_another_person_approves_until_it_is_closed(stage: Callable[..., Stage]) -> None:
    on = stage()
    until(lambda: on.said("typed"))
    assert on.said("typed") == [("U0ALICE", "/rollup plan CLUSTER01 KB4011325")]
    on.say("rollup_card", campaign="CLUSTER01-1")
    on.say("rollup_plan", campaign="CLUSTER01-1", event=3)
    until(lambda: ("U0ALICE", "/rollup start CLUSTER01-1") in on.said("typed"))
    ts = on.gate("s01")
    until(lambda: on.reactions(ts))
    assert on.reactions(ts) == {"white_check_mark": ["U0BOB"]}
    assert on.players.wait(0) is None
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="done", rule="", step="")
    assert on.players.wait(60) == Ending("CLUSTER01-1", "done", "", "")


def test_approvers_take_turns_by_gate_and_wait_a_moment_of_lab_time(stage: Callable[..., Stage]) -> None:
    on = stage('approvers = ["Bob", "Carol"]')
    first = on.gate("s01")
    second = on.gate("s02")
    until(lambda: on.reactions(second))
    assert on.reactions(first) == {"white_check_mark": ["U0BOB"]}
    assert on.reactions(second) == {"white_check_mark": ["U0CAROL"]}
    times = {r["ts"]: START.timestamp() + r["t"] for r in on.truth.since(0) if r["did"] == "reacted"}
    assert times[first] - float(first) >= 5.0


def test_a_gate_seen_twice_is_approved_twice_by_the_same_person(stage: Callable[..., Stage]) -> None:
    on = stage('approvers = ["Bob", "Carol"]')
    twins = [on.gate("s01"), on.gate("s01")]
    until(lambda: all(on.reactions(ts) for ts in twins))
    assert [on.reactions(ts) for ts in twins] == [{"white_check_mark": ["U0BOB"]}] * 2


def test_acts_come_at_their_moment_and_may_stand_in_for_the_approval(stage: Callable[..., Stage]) -> None:
    on = stage("""
[[play.act]]
when = "gate"
step = "s01"
do = "react"
who = "Alice"
[[play.act]]
when = "gate"
step = "s02"
do = "react"
who = "Carol"
emoji = "no_entry"
instead = true
[[play.act]]
when = "gate"
step = "s02"
do = "message"
who = "Carol"
text = "@rollup pause {campaign}"
""")
    on.say("rollup_card", campaign="CLUSTER01-1")
    first, second = on.gate("s01"), on.gate("s02")
    until(lambda: len(on.reactions(first)["white_check_mark"]) == 2 if on.reactions(first) else False)
    assert on.reactions(first) == {"white_check_mark": ["U0ALICE", "U0BOB"]}
    until(lambda: any(m.user == "U0CAROL" for m in on.space.messages["C0OPS"].values()))
    spoken = next(m for m in on.space.messages["C0OPS"].values() if m.user == "U0CAROL")
    assert (spoken.text, spoken.thread_ts) == (f"<@{on.space.app.user_id}> pause CLUSTER01-1", on.thread)
    assert on.reactions(second) == {"no_entry": ["U0CAROL"]}


def test_a_stop_that_somebody_answers_is_not_the_end(stage: Callable[..., Stage]) -> None:
    on = stage("""
[[play.act]]
when = "closed"
outcome = "blocked"
do = "type"
who = "Bob"
text = "/rollup recheck {campaign}"
""")
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="blocked", rule="copies-healthy", step="s03")
    until(lambda: ("U0BOB", "/rollup recheck CLUSTER01-1") in on.said("typed"))
    assert on.players.wait(0) is None
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="blocked", rule="copies-healthy", step="s03")
    assert on.players.wait(60) == Ending("CLUSTER01-1", "blocked", "copies-healthy", "s03")


def test_an_act_for_every_stop_does_not_take_the_end_for_one(stage: Callable[..., Stage]) -> None:
    on = stage("""
[[play.act]]
when = "closed"
times = 0
do = "type"
text = "/rollup retry {campaign}"
""")
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="asking", rule="CUT-OFF", step="s02")
    until(lambda: ("U0ALICE", "/rollup retry CLUSTER01-1") in on.said("typed"))
    assert on.players.wait(0) is None
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="done", rule="", step="")
    assert on.players.wait(60) == Ending("CLUSTER01-1", "done", "", "")


def test_the_truth_log_is_a_moment_too(stage: Callable[..., Stage]) -> None:
    on = stage(
        """
[[play.act]]
when = "truth"
did = "install_started"
machine = "EXN2"
do = "kill_bot"
[[play.act]]
when = "truth"
did = "install_finished"
do = "estate"
kind = "reboot"
machine = "EXN2"
""".replace('kind = "reboot"', 'kind = "dies"')
    )
    on.truth.write("install_started", node="EXN1")
    on.truth.write("install_started", node="EXN2")
    on.truth.write("install_finished", node="EXN2")
    until(lambda: on.faults and on.killed)
    assert (len(on.killed), on.faults) == (1, ["dies"])


def test_a_command_that_the_bot_did_not_answer_is_typed_again(stage: Callable[..., Stage]) -> None:
    on = stage()
    until(lambda: len(on.said("typed")) >= 2)
    assert len(set(on.said("typed"))) == 1


DAVE_RETRIES = """
[[play.act]]
when = "closed"
outcome = "blocked"
do = "type"
who = "Dave"
text = "/rollup retry {campaign}"
"""


def test_a_stop_ends_the_play_when_all_that_was_tried_is_refused(
    stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(players, "REFUSED_WALL_S", 0.3)
    on = stage(DAVE_RETRIES)
    on.say("rollup_card", campaign="CLUSTER01-1")
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="blocked", rule="EXIT-CODE", step="s03")
    until(lambda: ("U0DAVE", "/rollup retry CLUSTER01-1") in on.said("typed"))
    assert on.players.wait(0.2) is None
    on.refuse("U0DAVE")
    assert on.players.wait(60) == Ending("CLUSTER01-1", "blocked", "EXIT-CODE", "s03")


def test_a_refusal_beside_a_command_that_was_heard_ends_nothing(
    stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(players, "REFUSED_WALL_S", 0.1)
    on = stage(DAVE_RETRIES + DAVE_RETRIES.replace("Dave", "Alice"))
    on.say("rollup_card", campaign="CLUSTER01-1")
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="blocked", rule="EXIT-CODE", step="s03")
    until(lambda: ("U0ALICE", "/rollup retry CLUSTER01-1") in on.said("typed"))
    on.refuse("U0DAVE")
    assert on.players.wait(0.5) is None


def test_a_second_stop_does_not_end_what_somebody_is_about_to_mend(stage: Callable[..., Stage]) -> None:
    on = stage(DAVE_RETRIES.replace("Dave", "Alice") + "after_s = 200.0\n")
    on.say("rollup_card", campaign="CLUSTER01-1")
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="blocked", rule="GROUPS-SNAPSHOT", step="s02")
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="blocked", rule="QUORUM-SURVIVES", step="s02")
    assert on.players.wait(0.2) is None
    until(lambda: ("U0ALICE", "/rollup retry CLUSTER01-1") in on.said("typed"))
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="done", rule="", step="")
    assert on.players.wait(60) == Ending("CLUSTER01-1", "done", "", "")


def test_a_refusal_ends_nothing_that_goes_on(stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(players, "REFUSED_WALL_S", 0.5)
    on = stage(DAVE_RETRIES)
    on.say("rollup_card", campaign="CLUSTER01-1")
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="blocked", rule="EXIT-CODE", step="s03")
    until(lambda: ("U0DAVE", "/rollup retry CLUSTER01-1") in on.said("typed"))
    on.refuse("U0DAVE")
    on.gate("s03")
    assert on.players.wait(1.0) is None


def test_a_refusal_at_a_gate_ends_nothing(stage: Callable[..., Stage]) -> None:
    on = stage(DAVE_RETRIES.replace('"closed"\noutcome = "blocked"', '"gate"'))
    on.say("rollup_card", campaign="CLUSTER01-1")
    ts = on.gate("s01")
    on.refuse("U0DAVE")
    until(lambda: on.reactions(ts))
    assert on.players.wait(0.2) is None


def test_a_mend_after_which_nothing_is_heard_is_the_end_at_last(
    stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(players, "QUIET_WALL_S", 0.0)
    monkeypatch.setattr(players, "QUIET_S", 60.0)
    on = stage("""
[[play.act]]
when = "closed"
outcome = "refused"
do = "estate"
kind = "resume"
""")
    on.say("rollup_card", campaign="CLUSTER01-1")
    on.say("rollup_closed", campaign="CLUSTER01-1", outcome="refused", rule="NODE-MEMBER", step="")
    assert on.players.wait(60) == Ending("CLUSTER01-1", "refused", "NODE-MEMBER", "")
    assert on.faults == ["resume"]


def test_a_first_command_that_is_refused_begins_no_play(stage: Callable[..., Stage]) -> None:
    on = stage()
    until(lambda: on.said("typed"))
    on.refuse("U0ALICE")
    assert on.players.wait(60) == Ending("", "not_begun", "", "")


def test_a_step_that_is_asked_for_ten_times_in_a_row_ends_the_play_as_waiting(stage: Callable[..., Stage]) -> None:
    on = stage('approvers = ["Dave"]')
    on.say("rollup_card", campaign="CLUSTER01-1")
    on.gate("s01")
    for attempt in range(1, 10):
        on.gate("s02", attempt)
    assert on.players.wait(0) is None
    on.gate("s02", 10)
    assert on.players.wait(60) == Ending("CLUSTER01-1", "waiting", "", "s02")


@pytest.mark.parametrize("still", ["an act of a later gate", "an act on its way", "a stop between"])
def test_nobody_gives_up_while_somebody_is_still_to_do_something(stage: Callable[..., Stage], still: str) -> None:
    act = """
[[play.act]]
when = "gate"
do = "react"
who = "Carol"
"""
    more = {"an act of a later gate": act + "nth = 13", "an act on its way": act + "after_s = 900_000"}
    on = stage(more.get(still, 'approvers = ["Dave"]'))
    on.say("rollup_card", campaign="CLUSTER01-1")
    for attempt in range(1, 13):
        if attempt == 6 and still == "a stop between":
            on.players._closed(Moment("closed", campaign="CLUSTER01-1", step="s01", outcome="blocked"), "")
            on.players._ended.clear()
        on.gate("s01", attempt)
    assert on.players.wait(0) is None


def test_a_campaign_that_was_paused_and_rests_ends_the_play_as_waiting(
    stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(players, "REST_WALL_S", 0.5)
    monkeypatch.setattr(players, "QUIET_S", 1.0)
    paused = """
[[play.act]]
when = "gate"
do = "type"
text = "/rollup pause {campaign}"
instead = true
"""
    later = """
[[play.act]]
when = "gate"
do = "type"
text = "/rollup resume {campaign}"
after_s = 5.0
"""
    rests, goes_on = stage(paused), stage(paused + later)
    for on in (rests, goes_on):
        on.say("rollup_card", campaign="CLUSTER01-1")
        on.gate("s01")
    assert rests.players.wait(60) == Ending("CLUSTER01-1", "waiting", "", "s01")
    until(lambda: not goes_on.players._rests and not goes_on.players._due)
    assert goes_on.players.wait(0) is None
