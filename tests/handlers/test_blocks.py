"""Messages stay within Slack's limits, and a gate is whole or is not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.lab.workspace import blocks as slack_rules
from handlers import blocks as b
from handlers.advice import state_of_the_cluster
from handlers.cards import card, home, plan_message
from handlers.gate_blocks import DoesNotFit, Message, gate_message
from handlers.lines import post_for
from handlers.night import Night
from handlers.prints import fingerprint
from handlers.stands import Walk, walk_away
from handlers.status import downtime_blocks, history_blocks, level_blocks, overview_blocks, show_blocks, status_blocks
from state.campaign import TABLE
from state.showing import Shown
from state.words import (
    Actor,
    Campaign,
    Command,
    Fact,
    Finished,
    Gate,
    Job,
    JobKind,
    JobLine,
    JobOrder,
    JobState,
    MailSeen,
    Outcome,
    OutcomeKind,
    Package,
    Policy,
    Progress,
    Realm,
    Recorded,
    Seen,
    State,
    StepEnded,
    StepKind,
    Stop,
    Verdict,
)
from tests.handlers.conftest import ALICE, BOB, POLICY, a_gate, a_plan, check

NASTY = "<!channel> & `code` *bold* <@U1> \u202e" + "ß" * 40
words = st.text(min_size=1, max_size=400)


def a_campaign(state: State = State.GATED, steps: int = 3, **other: object) -> Campaign:
    made = Campaign(
        id="CLUSTER01-7",
        nonce="n",
        cluster="CLUSTER01",
        channel="C1",
        state=state,
        version=9,
        head="h" * 64,
        requester=Actor(user=ALICE, person=ALICE),
        barred=(ALICE,),
        plan=a_plan(steps),
        thread_ts="1.2",
        package=Package(kb="KB4011325", build="8.3.517.0", path="p", sha256="ab" * 32),
        changed_at=1_773_500_000.0,
    )
    return replace(made, **other)


def a_gate_of(campaign: Campaign, **other: object) -> Gate:
    return a_gate(campaign, **other)


def accepted(blocks: object) -> bool:
    """Whether our own check and the practice workspace's agree that Slack takes these."""
    listed = list(blocks)  # type: ignore[call-overload]
    return not b.problems(listed) and slack_rules.problems(listed) == [] and slack_rules.characters(listed) <= 13_200


def commands_shown(message: Message) -> list[str]:
    return [
        leaf["text"]
        for block in message.blocks
        if block["type"] == "rich_text"
        for part in block["elements"]
        if part["type"] == "rich_text_preformatted"
        for leaf in part["elements"]
    ]


def test_a_gate_shows_every_part_a_voter_agrees_to() -> None:
    campaign = a_campaign()
    failing = check("COPY-OK", Verdict.BLOCK, "A copy is Failed.", remedy="Reseed it.")
    gate = a_gate_of(campaign, checks=(check(), failing))
    message = gate_message(campaign, gate, POLICY, Realm.LAB)
    assert isinstance(message, Message)
    said = json.dumps(message.blocks, ensure_ascii=False)
    for shown in (
        "PRACTICE",
        "Step 1 of 3",
        "EXN2",
        "A copy is Failed.",
        "Reseed it.",
        "groups = none",
        f"<@{BOB}>",
        "d1d1d1d1",
        ":white_check_mark:",
        ":no_entry:",
        "<!date^",
        "costs time only",
        "Forecast",
    ):
        assert shown in said, shown
    assert said.index("A copy is Failed.") < said.index("EXN2 owns no group.")
    assert commands_shown(message) == [gate.commands[0].text]
    assert f"<@{ALICE}>" not in said.split("Who may approve")[1]
    assert accepted(message.blocks)


def test_no_gate_says_practice_in_production() -> None:
    campaign = a_campaign()
    message = gate_message(campaign, a_gate_of(campaign), POLICY, Realm.PRODUCTION)
    assert isinstance(message, Message)
    assert "PRACTICE" not in json.dumps(message.blocks)


@settings(max_examples=60)
@given(
    st.lists(words, min_size=1, max_size=12), st.lists(st.tuples(st.sampled_from(list(Verdict)), words), max_size=40)
)
def test_commands_and_failing_checks_are_whole_or_there_is_no_gate(
    texts: list[str], found: list[tuple[Verdict, str]]
) -> None:
    campaign = a_campaign()
    commands = tuple(Command(text=text, kind=JobKind.TASK, node="EXN2", purpose="p") for text in texts)
    checks = tuple(check(f"R-{n}", verdict, sentence) for n, (verdict, sentence) in enumerate(found))
    message = gate_message(campaign, a_gate_of(campaign, commands=commands, checks=checks), POLICY, Realm.LAB)
    if isinstance(message, DoesNotFit):
        assert sum(len(text) for text in texts) + sum(len(sentence) for _v, sentence in found) > 3000
        return
    assert commands_shown(message) == texts
    said = "\n".join(block["text"]["text"] for block in message.blocks if block["type"] == "section")
    flat = said.replace("\n", "")
    for verdict, sentence in found:
        if verdict is not Verdict.PASS and len(sentence) < 100:
            assert b.esc(sentence).replace("\n", "") in flat
    assert all(f"`R-{n}`" in said for n in range(len(found)))
    assert accepted(message.blocks)


def test_a_gate_whose_commands_do_not_fit_is_none() -> None:
    campaign = a_campaign()
    huge = Command(text="x" * 12_500, kind=JobKind.TASK, node="EXN2", purpose="p")
    assert isinstance(gate_message(campaign, a_gate_of(campaign, commands=(huge,)), POLICY, Realm.LAB), DoesNotFit)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("steps", [1, 3, 60])
def test_every_view_of_every_state_fits_and_says_whether_one_may_walk_away(state: State, steps: int) -> None:
    campaign = a_campaign(state, steps, paused_nodes=("EXN2",), stop=Stop(rule="R", sentence=NASTY, remedy=NASTY))
    campaign = replace(
        campaign,
        gate=a_gate_of(campaign),
        outcomes=tuple(
            Outcome(
                step=s.id,
                attempt=1,
                kind=OutcomeKind.DONE,
                sentence="ok",
                took_s=60,
                downtime_s=95.0,
                checks=(check(),),
                at=2.0,
            )
            for s in campaign.plan.steps
        ),
    )  # type: ignore[union-attr]
    line = JobLine(job="n", line=NASTY, at=1.0)
    seen = Seen(at=1.0, mail=(MailSeen(cms=NASTY, up=None, said=NASTY),), group=NASTY, quorum=NASTY, copies=(NASTY,))
    night = Night(campaign=campaign, policy=POLICY, now=2_000_000_000.0, shown=Shown(seen=seen, line=line))
    status = status_blocks(night, Realm.LAB, "<#C1>")
    for blocks in (
        status,
        card(campaign, Realm.LAB).blocks,
        show_blocks(campaign, Realm.LAB, "l"),
        level_blocks([campaign], Realm.LAB),
        downtime_blocks([campaign] * 12, Realm.LAB),
        history_blocks([campaign] * 50, ["l"] * 50, Realm.LAB),
        overview_blocks([campaign] * 60, ["l"] * 60, ["CLUSTER01"], Realm.LAB),
    ):
        assert accepted(blocks)
    assert b.problems(home([campaign] * 90, ["l"] * 90, Realm.LAB), home=True) == ()
    assert accepted(plan_message(campaign, campaign.plan, 5.0, Realm.LAB).blocks)  # type: ignore[arg-type]


def test_one_may_not_walk_away_from_a_running_job_or_a_paused_node() -> None:
    order = JobOrder(
        name="n",
        campaign="c",
        version=1,
        gate="g",
        command=a_gate_of(a_campaign()).commands[0],
        command_hash="h",
        not_after=1,
    )
    assert not walk_away(a_campaign(State.ACTING, jobs=(Job(order=order, state=JobState.STARTED, opened_at=1.0),))).safe
    assert not walk_away(a_campaign(State.DONE, paused_nodes=("EXN2",))).safe
    assert not walk_away(a_campaign(State.ASKING)).safe
    assert walk_away(a_campaign(State.GATED)).safe
    seen = Fact(name="node state", value="Down", machine="EXN1")
    stop = Stop(rule="VIEW-AGREE", sentence="s", checks=(check("VIEW-AGREE", Verdict.UNKNOWN, "s", facts=(seen,)),))
    assert walk_away(a_campaign(State.BLOCKED, stop=stop)) == Walk(
        False, "EXN1 is Down by the last reading: if another node fails now, mail is down"
    )
    up = replace(stop, checks=(replace(stop.checks[0], facts=(replace(seen, value="Up"),)),))
    assert walk_away(a_campaign(State.BLOCKED, stop=up)).safe


def test_what_ran_in_a_step_that_was_not_finished_is_told() -> None:
    order = JobOrder(
        name="n", campaign="c", version=1, gate="g", command=a_gate_of(a_campaign()).commands[0], command_hash="h",
        not_after=1,
    )  # fmt: skip
    ran = Job(order=order, state=JobState.ENDED, opened_at=1.0, exit_code=0)
    lines = state_of_the_cluster(a_campaign(State.ABORTED, jobs=(ran,)))
    assert "Ran in a step that was not finished: move 'Cluster Group' to EXN1 on EXN2 (exit code 0)." in lines
    cut = state_of_the_cluster(a_campaign(State.ABORTED, jobs=(replace(ran, state=JobState.CUT_OFF, exit_code=None),)))
    assert any("it was cut off" in line for line in cut)
    failed = Outcome(step="s02", attempt=1, kind=OutcomeKind.FAILED, sentence="1603")
    done = replace(failed, attempt=2, kind=OutcomeKind.DONE)
    assert "Tried, and not done: 1603" in state_of_the_cluster(a_campaign(State.ABORTED, outcomes=(failed,)))
    assert not any("Tried" in line for line in state_of_the_cluster(a_campaign(State.ABORTED, outcomes=(failed, done))))
    assert state_of_the_cluster(a_campaign(State.ABORTED)) == (
        "Nothing on the cluster has been changed by this campaign.",
    )
    assert set(TABLE) == set(State)


def test_the_final_summary_tells_user_downtime_in_seconds() -> None:
    campaign = a_campaign(State.DONE, user_downtime_s=95.4)
    event = Finished(sentence="All machines are at 8.3.517.0.", user_downtime_s=95.4)
    post = post_for(
        campaign, Recorded(version=40, at=9.0, event=event, prev="p", hash="f" * 64), campaign, POLICY, Realm.LAB
    )
    assert post is not None
    assert "95 seconds" in json.dumps(post.blocks)
    assert post.payload == {"campaign": "CLUSTER01-7", "event": 40, "outcome": "done", "rule": "", "step": "s01"}
    assert accepted(post.blocks)


def test_the_final_summary_measures_no_handoff_that_never_was() -> None:
    campaign = a_campaign(State.DONE)
    steps = tuple(step for step in campaign.plan.steps if step.kind is not StepKind.HANDOFF)  # type: ignore[union-attr]
    campaign = replace(campaign, plan=replace(campaign.plan, steps=steps))  # type: ignore[type-var]
    done = Recorded(version=40, at=9.0, event=Finished(sentence="", user_downtime_s=0.0), prev="p", hash="f" * 64)
    post = post_for(campaign, done, campaign, POLICY, Realm.LAB)
    assert post is not None
    assert "No mail server had to be handed over." in post.text


@pytest.mark.parametrize("kind", list(OutcomeKind))
def test_every_outcome_has_its_line(kind: OutcomeKind) -> None:
    campaign = a_campaign(State.READY)
    outcome = Outcome(
        step="s01",
        attempt=1,
        kind=kind,
        sentence=NASTY,
        exit_codes=(1603,),
        took_s=61.0,
        downtime_s=12.0,
        checks=(check("COPY-OK", Verdict.UNKNOWN, NASTY),),
    )
    event = StepEnded(outcome=outcome, advance=False)
    post = post_for(
        campaign, Recorded(version=4, at=9.0, event=event, prev="p", hash="f" * 64), campaign, POLICY, Realm.LAB
    )
    assert post is not None
    assert "<!channel>" not in json.dumps(post.blocks)
    assert "12 seconds" in json.dumps(post.blocks)
    assert accepted(post.blocks)


def test_an_event_nobody_needs_to_read_about_says_nothing() -> None:
    campaign = a_campaign()
    assert post_for(
        campaign,
        Recorded(version=4, at=9.0, event=Progress(step="s", sentence="x"), prev="", hash=""),
        campaign,
        Policy(),
        Realm.LAB,
    )


@given(words)
def test_a_fingerprint_ignores_what_slack_adds_and_nothing_a_reader_sees(text: str) -> None:
    sent = [b.section("a" + text), b.header("t")]
    stored = slack_rules.stored(json.loads(json.dumps(sent)), lambda shown, _kind: shown)
    assert fingerprint("x", sent) == fingerprint("x", stored)
    stored[0]["text"]["text"] += "."
    assert fingerprint("x", sent) != fingerprint("x", stored)
    assert fingerprint("x", sent) != fingerprint("y", sent)


@given(st.lists(words, max_size=30), st.integers(0, 4000))
def test_sections_lose_no_line(lines: list[str], long: int) -> None:
    made = b.sections([*lines, "z" * long])
    assert b.problems(made[:10]) == () or b.characters(made) > b.TOTAL
    shown = "".join(block["text"]["text"] for block in made).replace("\n", "").replace(" ", "")
    assert shown == "".join([*lines, "z" * long]).replace("\n", "").replace(" ", "")


def test_durations_and_lists_read_as_people_say_them() -> None:
    assert [b.span(s) for s in (0, 59.6, 99, 100, 3600, 6000, 7200)] == [
        "0 s",
        "60 s",
        "99 s",
        "2 min",
        "60 min",
        "1 h 40 min",
        "2 h",
    ]
    assert [b.people(p) for p in ((), ("A",), ("A", "B"), ("A", "B", "C"))] == [
        "",
        "<@A>",
        "<@A> or <@B>",
        "<@A>, <@B> or <@C>",
    ]


def test_rules_that_do_not_apply_for_one_reason_stand_in_one_line() -> None:
    campaign = a_campaign()
    why = "SCR1 is a stand-alone machine: it has no cluster groups."
    checks = (
        *(replace(check(rule), sentence=why, applicable=False) for rule in ("NODE-EMPTY", "NODE-PASSIVE")),
        check("DISK"),
        replace(check("WITNESS-QUIET"), sentence="No file share witness is involved.", applicable=False),
    )
    message = gate_message(campaign, a_gate_of(campaign, checks=checks), POLICY, Realm.LAB)
    assert isinstance(message, Message)
    shown = json.dumps(message.blocks)
    assert f"`NODE-EMPTY`, `NODE-PASSIVE` {why}" in shown
    assert shown.count(why) == 1
    assert "all 4 pass" in shown
    assert shown.index("`DISK`") < shown.index("`NODE-EMPTY`") < shown.index("`WITNESS-QUIET`")
