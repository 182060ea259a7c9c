"""The projector against a real workspace: everything once, in order, whatever breaks in between."""

from __future__ import annotations

import threading

import pytest

from handlers.answers import Answers, sentence_reply
from handlers.calls import Calls, Outage
from handlers.edge import SlackEdge
from handlers.posting import Posting
from state.words import (
    Aborted,
    AbortRequested,
    Actor,
    Asked,
    Blocked,
    Command,
    GatePrepared,
    GateStatus,
    JobKind,
    Paused,
    PlanRefused,
    Progress,
    State,
    Stop,
)
from tests.handlers.conftest import ALICE, BOB, OPS, Bench, a_gate, check
from tests.waiting import until


def events_posted(bench: Bench) -> list[int]:
    return [m.metadata["event_payload"]["event"] for m in bench.posts() if m.metadata["event_type"] != "rollup_card"]


def progress(bench: Bench, *sentences: str) -> None:
    for sentence in sentences:
        bench.apply(Progress(step="s01", sentence=sentence))


def test_the_thread_opens_with_a_card_and_the_plan_hangs_below_it(bench: Bench) -> None:
    campaign = bench.planned()
    card, plan = bench.posts()
    assert card.metadata["event_type"] == "rollup_card"
    assert card.ts == campaign.thread_ts
    assert plan.metadata == {
        "event_type": "rollup_plan",
        "event_payload": {"campaign": "CLUSTER01-1", "event": plan.metadata["event_payload"]["event"]},
    }
    assert plan.thread_ts == card.ts
    assert "PRACTICE" in bench.thread()
    assert "/rollup start CLUSTER01-1" in bench.thread()


def test_a_gate_carries_its_mark_and_its_ts_comes_back_as_an_event(bench: Bench) -> None:
    gate = bench.gated()
    (post,) = bench.posts("rollup_gate")
    payload = post.metadata["event_payload"]
    assert payload["gate"] == gate.id
    assert (payload["campaign"], payload["step"], payload["attempt"]) == ("CLUSTER01-1", "s01", 1)
    assert (gate.channel, gate.ts) == (OPS, post.ts)
    assert gate.status is GateStatus.OPENED
    words = bench.thread()
    for shown in (
        'cluster.exe group "Cluster Group" /move:EXN1',
        "NODE-EMPTY",
        "d1d1d1d1",
        f"<@{BOB}>",
        "Nothing happens until",
        "<!date^",
    ):
        assert shown in words, shown


def test_projecting_again_posts_nothing_new(bench: Bench) -> None:
    bench.gated()
    before = [m.ts for m in bench.posts()]
    for _ in range(3):
        bench.edge.project("CLUSTER01-1")
    assert [m.ts for m in bench.posts()] == before


def test_lines_come_in_the_order_of_events_and_the_card_says_the_newest(bench: Bench) -> None:
    bench.started()
    progress(bench, "alpha", "bravo", "charlie")
    bench.apply(Paused(by=Actor(user=BOB, person=BOB)))
    bench.edge.project("CLUSTER01-1")
    assert events_posted(bench) == sorted(set(events_posted(bench)))
    words = bench.thread()
    assert words.index("alpha") < words.index("bravo") < words.index("charlie")
    assert "*Paused*" in "".join(
        b["text"]["text"] for b in bench.posts("rollup_card")[0].blocks if b["type"] == "section"
    )


@pytest.mark.parametrize("kind", ["lose_reply", "http_500", "lose_request"])
def test_a_lost_reply_never_posts_a_line_twice(bench: Bench, kind: str) -> None:
    bench.started()
    bench.server.fault("chat.postMessage", kind, times=1)
    progress(bench, "only once")
    bench.edge.project("CLUSTER01-1")
    bench.edge.project("CLUSTER01-1")
    assert bench.thread().count("only once") == 2  # its text and its block, of one message
    assert len(events_posted(bench)) == len(set(events_posted(bench)))


def test_a_gate_whose_reply_was_lost_is_found_and_opened_not_posted_again(bench: Bench) -> None:
    campaign = bench.started()
    bench.server.fault("chat.postMessage", "lose_reply", times=1)
    bench.apply(GatePrepared(gate=a_gate(campaign)))
    bench.edge.project(campaign.id)
    assert bench.campaign().gate.status is GateStatus.PREPARED
    bench.edge.project(campaign.id)
    (post,) = bench.posts("rollup_gate")
    assert bench.campaign().gate.ts == post.ts
    found = bench.edge.recount(bench.campaign(), bench.campaign().gate)
    assert found.intact


def test_a_gate_that_stands_twice_loses_its_twin_before_it_opens(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = bench.started()
    bench.apply(GatePrepared(gate=a_gate(campaign)))
    real = Posting.post

    def twice_and_lost(self: Posting, *parts, **more):
        real(self, *parts, **more)
        real(self, *parts, **more)
        raise Outage("chat.postMessage", "lost", sent=True)

    monkeypatch.setattr(Posting, "post", twice_and_lost)
    bench.edge.project(campaign.id)
    assert len(bench.posts("rollup_gate")) == 2
    monkeypatch.undo()
    bench.edge.project(campaign.id)
    (post,) = bench.posts("rollup_gate")
    assert bench.campaign().gate.ts == post.ts


def test_a_gate_that_was_posted_but_closed_before_it_opened_is_taken_away(bench: Bench) -> None:
    campaign = bench.started()
    bench.server.fault("chat.postMessage", "lose_reply", times=1)
    bench.apply(GatePrepared(gate=a_gate(campaign)))
    bench.edge.project(campaign.id)
    assert len(bench.posts("rollup_gate")) == 1
    bench.apply(Paused(by=Actor(user=BOB, person=BOB)))
    bench.edge.project(campaign.id)
    assert bench.posts("rollup_gate") == []


def test_another_process_takes_over_where_the_first_one_died(bench: Bench) -> None:
    bench.started()
    bench.server.fault("chat.postMessage", "lose_reply", times=1)
    progress(bench, "said before the crash", "said after it")
    bench.edge.project("CLUSTER01-1")
    SlackEdge(bench.deps).project("CLUSTER01-1")  # knows nothing but what is in the store
    assert len(events_posted(bench)) == len(set(events_posted(bench)))
    assert bench.thread().count("said before the crash") == 2
    assert "said after it" in bench.thread()


def test_a_slack_outage_delays_and_loses_nothing(bench: Bench) -> None:
    bench.started()
    bench.server.fault("chat.postMessage", "http_500", times=2)
    progress(bench, "a", "b")
    bench.edge.project("CLUSTER01-1")
    bench.edge.project("CLUSTER01-1")
    assert bench.store.cursor("CLUSTER01-1").version < bench.campaign().version
    bench.woken.edge = bench.edge
    until(lambda: bench.edge.catch_up() or bench.store.cursor("CLUSTER01-1").version == bench.campaign().version)
    assert bench.store.cursor("CLUSTER01-1").version == bench.campaign().version


def test_slacks_own_rate_limit_is_waited_out(bench: Bench) -> None:
    bench.started()
    bench.longest_sleep = 3.0
    progress(bench, "patient")
    fresh = SlackEdge(bench.deps)  # has posted nothing yet, so it does not pace itself
    for n in range(40):  # somebody else uses our budget up
        if bench.space.limits.wait("chat.postMessage", 0, OPS, bench.space.clock.now()):
            break
        assert n < 39
    bench.slept.clear()
    fresh.project("CLUSTER01-1")
    assert "patient" in bench.thread()
    assert any(waited >= 1.0 for waited in bench.slept)  # Slack's Retry-After, in whole lab seconds


def test_a_burst_of_lines_is_paced_to_one_a_second(bench: Bench) -> None:
    bench.started()
    bench.slept.clear()
    progress(bench, *(f"line {n}" for n in range(8)))
    bench.edge.project("CLUSTER01-1")
    assert sum(bench.slept) > 3.0
    assert len(events_posted(bench)) == len(set(events_posted(bench)))


def test_the_thread_can_be_rebuilt_from_state(bench: Bench) -> None:
    bench.gated()
    progress(bench, "worth keeping")
    bench.edge.project("CLUSTER01-1")
    (line,) = [m for m in bench.posts("rollup_line") if m.text == "worth keeping"]
    gates = [m.ts for m in bench.posts("rollup_gate")]
    bench.deps.client.chat_delete(channel=OPS, ts=line.ts)
    assert bench.edge.rebuild("CLUSTER01-1")
    assert len([m for m in bench.posts("rollup_line") if m.text == "worth keeping"]) == 1
    assert [m.ts for m in bench.posts("rollup_gate")] == gates
    assert sorted(events_posted(bench)) == sorted(set(events_posted(bench)))


def test_a_gate_that_does_not_fit_is_no_gate_and_pauses_the_campaign(bench: Bench) -> None:
    campaign = bench.started()
    long = Command(text="x" * 13_500, kind=JobKind.SHELL, node="EXN2", purpose="too long")
    bench.apply(GatePrepared(gate=a_gate(campaign, commands=(long,))))
    bench.edge.project(campaign.id)
    assert bench.posts("rollup_gate") == []
    assert bench.campaign().state is State.PAUSED
    (closed,) = bench.posts("rollup_closed")
    assert closed.metadata["event_payload"]["rule"] == "GATE-FITS"


def test_a_refused_plan_is_closed_with_its_rule_though_no_thread_stood_yet(bench: Bench) -> None:
    bench.types(ALICE, "plan CLUSTER01")
    bench.apply(PlanRefused(rule="PKG-TRAIN", sentence="EXN1 has Service Pack 2.", remedy="Install SP3 first."))
    bench.edge.project("CLUSTER01-1")
    (closed,) = bench.posts("rollup_closed")
    payload = closed.metadata["event_payload"]
    assert (payload["campaign"], payload["outcome"], payload["rule"]) == ("CLUSTER01-1", "refused", "PKG-TRAIN")
    assert "Install SP3 first." in bench.thread()
    assert bench.store.find_by_thread(OPS, bench.posts("rollup_card")[0].ts) == "CLUSTER01-1"
    before = len(bench.posts())
    SlackEdge(bench.deps).project("CLUSTER01-1")
    assert len(bench.posts()) == before


def test_only_a_final_stop_is_posted_and_asking_always_is(bench: Bench) -> None:
    bench.started()
    bench.apply(Blocked(stop=Stop(rule="COPY-OK", sentence="A copy is Initializing.", checks=(check(),))))
    bench.edge.project("CLUSTER01-1")
    assert bench.posts("rollup_closed") == []
    bench.apply(Blocked(stop=Stop(rule="COPY-OK", sentence="Still so.", final=True)))
    bench.edge.project("CLUSTER01-1")
    assert bench.posts("rollup_closed")[0].metadata["event_payload"]["outcome"] == "blocked"
    bench.types(ALICE, "recheck CLUSTER01")
    bench.apply(Asked(stop=Stop(rule="JOB-UNSEEN", sentence="EXN2 does not answer.")))
    bench.edge.project("CLUSTER01-1")
    assert bench.posts("rollup_closed")[1].metadata["event_payload"]["outcome"] == "asking"
    assert "Mount-Database" in bench.thread()


def test_an_aborted_plan_says_so_and_closes(bench: Bench) -> None:
    bench.planned()
    bench.apply(
        AbortRequested(by=Actor(user=BOB, person=BOB), reason="wrong night"), Aborted(sentence="No job was open.")
    )
    bench.edge.project("CLUSTER01-1")
    assert bench.posts("rollup_closed")[0].metadata["event_payload"]["outcome"] == "aborted"
    assert "wrong night" in bench.thread()


def test_pausing_closes_the_open_gate_with_a_line_that_carries_the_chains_head(bench: Bench) -> None:
    bench.gated()
    bench.types(BOB, "pause CLUSTER01")
    bench.edge.project("CLUSTER01-1")
    paused = next(r for r in bench.store.events("CLUSTER01-1") if isinstance(r.event, Paused))
    assert "This gate is closed" in bench.thread()
    assert paused.hash[:12] in bench.thread()


def test_every_event_in_the_thread_is_one_that_the_store_holds(bench: Bench) -> None:
    bench.gated()
    assert bench.edge.unknown_event(bench.campaign()) is None


def test_a_store_put_back_and_grown_again_is_known_by_what_the_thread_remembers(bench: Bench) -> None:
    bench.started()
    older = bench.store._client.dump("{rollup}:c:CLUSTER01-1"), bench.store._client.dump("{rollup}:c:CLUSTER01-1:ev")
    progress(bench, "line 1")
    bench.edge.project("CLUSTER01-1")
    lost = bench.campaign().version
    for name, copy in zip(("{rollup}:c:CLUSTER01-1", "{rollup}:c:CLUSTER01-1:ev"), older, strict=True):
        bench.store._client.restore(name, 0, copy, replace=True)
    assert bench.edge.unknown_event(bench.campaign()) == lost
    progress(bench, "another line", "and more", "than there were")
    assert bench.campaign().version > lost
    assert bench.edge.unknown_event(bench.campaign()) == lost


def test_two_projectors_at_once_post_everything_once(bench: Bench) -> None:
    bench.started()
    progress(bench, *(f"line {n}" for n in range(5)))
    edges = [SlackEdge(bench.deps) for _ in range(3)]
    threads = [threading.Thread(target=edge.project, args=("CLUSTER01-1",)) for edge in edges for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(
        lambda: (
            bench.edge.project("CLUSTER01-1") or bench.store.cursor("CLUSTER01-1").version == bench.campaign().version
        )
    )
    assert len(events_posted(bench)) == len(set(events_posted(bench)))
    assert all(f"line {n}" in bench.thread() for n in range(5))


def test_an_ephemeral_is_not_lost_where_the_person_is_not_in_the_channel(bench: Bench) -> None:
    calls = Calls(bench.deps.client, bench.clock, bench.deps.sleep)
    bench.space.channels[OPS].members.discard(BOB)
    Answers(calls).send(BOB, OPS, sentence_reply("for you alone"))
    direct = bench.space.direct(BOB)
    assert [m.text for m in bench.space.messages[direct.id].values()] == ["for you alone"]


def test_what_slack_will_not_show_as_it_is_does_not_stop_the_thread(bench: Bench) -> None:
    bench.started()
    bench.server.fault("chat.postMessage", "error", times=1, value="invalid_blocks")
    progress(bench, "odd", "after it")
    bench.edge.project("CLUSTER01-1")
    (plain,) = [m for m in bench.posts("rollup_line") if m.text == "odd"]
    assert plain.blocks == []
    assert "after it" in bench.thread()


def test_a_gate_slack_will_not_show_is_no_gate(bench: Bench) -> None:
    campaign = bench.started()
    bench.server.fault("chat.postMessage", "error", times=1, value="msg_blocks_too_long")
    bench.apply(GatePrepared(gate=a_gate(campaign)))
    bench.edge.project(campaign.id)
    bench.edge.project(campaign.id)
    assert bench.posts("rollup_gate") == []
    assert bench.campaign().state is State.PAUSED
    assert bench.posts("rollup_closed")[0].metadata["event_payload"]["rule"] == "GATE-FITS"
