"""The list of facts/exchange.md §9 at two in the morning, walked item by item: there, in order, or said to be unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handlers.night import ITEMS, Night
from handlers.status import status_blocks
from state.history import Measured
from state.showing import Shown
from state.words import (
    Command,
    Job,
    JobKind,
    JobLine,
    JobOrder,
    JobState,
    MailSeen,
    Realm,
    Seen,
    State,
    StepKind,
)
from tests.handlers.conftest import POLICY, _words
from tests.handlers.test_blocks import a_campaign, a_gate_of

# Section 9's own order, by the words an engineer sees.
ORDER = (
    "*Mail:*", "*Failover now:*", "*Nodes Paused:*", "*Running:*", "*Cluster Group and quorum:*", "*Level:*",
    "*Copies and SCR:*", "Log volumes:", "*Age of facts:*", "*Next point of no return:*", "*Who may approve:*",
    "*Safe to walk away:", "*By hand, if mail is down:*", "*If the bot is dead:*",
)  # fmt: skip
NOW = 10_000.0
SEEN = Seen(
    at=NOW - 240,
    mail=(
        MailSeen(cms="CMS1", up=True, said="Online on EXN1, 2 of 2 databases mounted", since=100.0, failover=False,
                 failover_said="EXN2 is Paused"),
        MailSeen(cms="CMS2", up=False, said="Offline", since=NOW - 300),
    ),
    nodes=(("EXN1", "Up"), ("EXN2", "Paused")),
    group="'Cluster Group' on EXN1, Online",
    quorum="node-and-share: 2 of 3 votes, 2 needed; one more loss = cluster down",
    levels=(("EXN1", "8.3.485.1"), ("EXN2", "8.3.517.0")),
    copies=("CMS1\\SG1 ServiceDown",),
)  # fmt: skip


def said(campaign: Any, shown: Shown | None = None, **more: Any) -> str:
    night = Night(campaign=campaign, policy=POLICY, now=NOW, shown=shown or Shown(), **more)
    return _words(status_blocks(night, Realm.LAB, "<#C1>"))


def job(kind: JobKind = JobKind.TASK, effect: str = "install") -> Job:
    command = Command(text="x", kind=kind, node="EXN2", purpose="install KB4011325 on EXN2", effect=effect)
    order = JobOrder(
        name="C-n-s02-1-1", campaign="C", version=1, gate="g", command=command, command_hash="h", not_after=1.0
    )
    return Job(order=order, state=JobState.STARTED, opened_at=NOW - 700, started_at=NOW - 600)


def the_list_is_whole(text: str) -> None:
    places = [text.find(label) for label in ORDER]
    missing = [label for label, place in zip(ORDER, places, strict=True) if place < 0]
    assert not missing, missing
    assert places == sorted(places), [label for _, label in sorted(zip(places, ORDER, strict=True))]
    for label, following in zip(ORDER, (*ORDER[1:], "campaign"), strict=True):
        words = text[text.index(label) + len(label) : text.index(following, text.index(label) + 1)].strip(" .*\n")
        assert len(words) > 1, f"{label} says nothing"


@pytest.mark.parametrize("shown", [Shown(), Shown(seen=SEEN)], ids=["nothing read yet", "read"])
@pytest.mark.parametrize("state", list(State))
def test_every_item_is_there_in_order_in_every_state(state: State, shown: Shown) -> None:
    campaign = a_campaign(state)
    if state is State.PLANNING:
        campaign = replace(campaign, plan=None)
    the_list_is_whole(said(campaign, shown))
    if state in {State.ACTING, State.ABORTING}:
        the_list_is_whole(said(replace(campaign, jobs=(job(),)), shown))


def test_what_was_never_read_says_unknown_in_every_item_that_needs_a_reading() -> None:
    lines = dict(ITEMS)
    night = Night(campaign=a_campaign(), policy=POLICY, now=NOW)
    for name in ("Mail", "Failover now", "Nodes Paused", "Cluster Group and quorum", "Copies and SCR", "Age of facts"):
        assert "unknown" in lines[name](night)[0], name


def test_mail_is_up_or_down_for_each_server_and_since_when() -> None:
    text = said(a_campaign(), Shown(seen=SEEN))
    assert "CMS1 is up, so since" in text
    assert "CMS2 is *DOWN*, so since" in text
    assert "CMS1 *NOT possible*, EXN2 is Paused" in text
    assert "one more loss = cluster down" in text
    assert "*Safe to walk away: NO*, CMS2 is down by the last reading." in text


def test_a_running_job_is_held_against_its_p90_and_shows_its_last_line_and_where_it_lies() -> None:
    step = replace(a_campaign().plan.steps[0], kind=StepKind.INSTALL)  # type: ignore[union-attr]
    plan = replace(a_campaign().plan, steps=(step,))  # type: ignore[type-var]
    campaign = a_campaign(State.ACTING, jobs=(job(),), plan=plan)
    text = said(campaign)
    assert "for 10 min (default" in text
    assert "last log line unknown, not read yet" in text
    line = JobLine(job="C-n-s02-1-1", line="MSI (s) InstallFiles", at=NOW - 30, age_s=15.0)
    text = said(campaign, Shown(line=line), took={StepKind.INSTALL: Measured(900.0, 4)}, job_root="D:\\jobs")
    assert "for 10 min (p90 15 min of 4 measured); last log line 45 s ago: `MSI (s) InstallFiles`" in text
    assert "`D:\\jobs\\C-n-s02-1-1`" in text
    assert "task `rollup-bot-C-n-s02-1-1`" in text
    assert "`D:\\jobs\\C-n-s02-1-1\\install.log`" in text
    other = replace(line, job="another")
    assert "not read yet" in said(campaign, Shown(line=other)), "another job's line is not this one's"


@pytest.mark.parametrize("state", [State.DONE, State.ABORTED, State.ABORTING])
@pytest.mark.parametrize("ours", [True, False])
def test_a_node_still_paused_when_it_is_over_is_the_first_line(state: State, ours: bool) -> None:
    campaign = a_campaign(state, paused_nodes=("EXN2",) if ours else ())
    blocks = status_blocks(
        Night(campaign=campaign, policy=POLICY, now=NOW, shown=Shown(seen=None if ours else SEEN)), Realm.LAB, "l"
    )
    first = blocks[1]["text"]["text"]
    assert first.startswith("*STILL PAUSED: EXN2.*")
    assert "cluster.exe node EXN2 /resume" in first
    assert "Safe to walk away: NO" in _words(blocks)


def test_while_it_goes_on_a_paused_node_is_no_alarm() -> None:
    text = said(a_campaign(State.GATED, gate=a_gate_of(a_campaign()), paused_nodes=("EXN2",)))
    assert "STILL PAUSED" not in text
    assert "*Nodes Paused:* *EXN2* by us" in text


def test_nothing_is_left_to_approve_or_to_come_while_a_campaign_is_aborted() -> None:
    text = said(a_campaign(State.ABORTING))
    assert "*Who may approve:* nothing is left to approve" in text
    assert "*Next point of no return:* none, the campaign is being aborted" in text


def test_a_handoff_back_is_followed_by_no_point_of_no_return() -> None:
    """The plan ends with it: the node it goes to was never patched, and will not be by this campaign."""
    campaign = a_campaign(State.GATED)
    assert campaign.plan is not None
    back = replace(campaign.plan.steps[0], id="s99", kind=StepKind.HANDOFF, option="return")
    text = said(
        replace(
            campaign,
            plan=replace(campaign.plan, steps=(*campaign.plan.steps, back)),
            step_index=len(campaign.plan.steps),
        )
    )
    assert "*Next point of no return:* none; the handoff back is the campaign's last step" in text


def test_a_node_under_an_install_is_resumed_only_when_that_has_ended() -> None:
    busy = said(a_campaign(State.ACTING, jobs=(job(),), paused_nodes=("EXN2",)))
    assert "To let EXN2 take groups again, once the job there has ended:" in busy
    idle = said(a_campaign(State.GATED, gate=a_gate_of(a_campaign()), paused_nodes=("EXN2",)))
    assert "To let EXN2 take groups again:" in idle
