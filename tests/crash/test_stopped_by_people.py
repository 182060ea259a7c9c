"""Abort and pause in the middle of an install: msiexec is never ended, and locks are held until its job has ended."""

from __future__ import annotations

import pytest

from bot.lab.scenario import Act
from state.audit import read_transcript
from state.words import Aborted, AbortRequested, JobEnded
from tests.crash.killing import Range, played, quick, range_of
from tests.crash.redis_proxy import Transition

pytestmark = pytest.mark.crash


def said(one: Range) -> str:
    """Everything the bot posted."""
    space = one.session.workspace.space
    return "\n".join(
        m.text + str(m.blocks) for channel in space.messages.values() for m in channel.values() if m.by_app
    )


def test_an_abort_in_the_middle_of_an_install_ends_nothing_and_keeps_the_locks_until_it_is_over() -> None:
    locked: list[bool] = []

    def at(one: Range, transition: Transition) -> str:
        campaign = one.campaign()
        if {"job_ended", "aborted"} & set(transition.types) and campaign and campaign.state == "aborting":
            locked.append("cluster01" in {name.casefold() for name in one.store.locks()})
        return ""

    abort = Act(
        when="truth", did="install_started", machine="EXN2", do="type", text="/rollup abort {campaign} the phone rang",
        after_s=30.0,
    )  # fmt: skip
    with range_of(quick("ccr", abort, install_s=900.0), at=at) as one:
        end = played(one)
        words = said(one)
    assert end.wrong(outcome="aborted") == [], end.story()
    finished = [line for line in end.truth if line["did"] == "install_finished" and line["node"] == "EXN2"]
    assert [line["rc"] for line in finished] == [0], end.story()
    typed = next(line["t"] for line in end.truth if line["did"] == "typed" and " abort " in line["text"])
    assert typed < finished[0]["t"], "the install was over before anybody aborted"
    assert not [line for line in end.truth if line["did"] == "command_started" and line["t"] > typed], end.story()
    assert locked, end.story()
    assert all(locked), "the locks were let go while the installer ran"
    kinds = [type(r.event) for r in read_transcript(end.transcript)[1]]
    assert kinds.index(AbortRequested) < len(kinds) - 1 - kinds[::-1].index(JobEnded) < kinds.index(Aborted)
    assert "cluster.exe node EXN2 /resume" in words, "nobody is told that EXN2 is still paused"


def test_a_pause_in_the_middle_of_an_install_lets_it_end_and_opens_no_gate_until_it_is_resumed() -> None:
    pause = Act(
        when="truth", did="install_started", machine="EXN2", do="type", text="/rollup pause {campaign}", after_s=30.0
    )
    resume = Act(
        when="truth", did="node_resumed", machine="EXN2", do="type", text="/rollup resume {campaign}", after_s=900.0
    )
    with range_of(quick("ccr", pause, resume, install_s=900.0)) as one:
        end = played(one)
    assert end.wrong() == [], end.story()
    times = {word: line["t"] for line in end.truth if line["did"] == "typed"
             for word in ("pause", "resume") if f" {word} " in f"{line['text']} "}  # fmt: skip
    between = [line for line in end.truth if times["pause"] < line["t"] < times["resume"]]
    assert "install_finished" in {line["did"] for line in between}, end.story()
    gates = [line for line in between if line["did"] == "posted"
             and (line.get("metadata") or {}).get("event_type") == "rollup_gate"]  # fmt: skip
    assert gates == []
