"""The judges of these tests can say no."""

from __future__ import annotations

from typing import Any

from tests.crash.killing import doubled, not_approved, too_many

ASKED: dict[str, Any] = {"did": "typed", "user": "UALICE", "text": "/rollup plan CLUSTER01"}
STARTED: dict[str, Any] = {"did": "typed", "user": "UALICE", "text": "/rollup start CLUSTER01-1"}
GATE: dict[str, Any] = {
    "did": "posted",
    "ts": "1.1",
    "metadata": {
        "event_type": "rollup_gate",
        "event_payload": {"campaign": "CLUSTER01-1", "step": "s01", "gate": "CLUSTER01-1.s01.1", "attempt": 1},
    },
}


def command(job: str = "CLUSTER01-1-abcd-s01-1-1", line: str = "msiexec.exe", node: str = "EXN2") -> dict[str, Any]:
    return {"did": "command_started", "node": node, "line": line, "job": job}


def vote(user: str, ts: str = "1.1") -> dict[str, Any]:
    return {"did": "reacted", "user": user, "emoji": "white_check_mark", "ts": ts}


def test_a_job_with_two_commands_is_doubled() -> None:
    assert doubled([command(line="one"), command(line="two")]) == ["CLUSTER01-1-abcd-s01-1-1: 2 commands"]


def test_stop_move_and_start_are_one_command_once_and_in_this_order() -> None:
    whole = [command(line=f"{verb}-ClusteredMailboxServer -Identity CMS1") for verb in ("Stop", "Move", "Start")]
    assert too_many(whole) == []
    for bad in (whole[::-1], whole[:2], [*whole, whole[2]], [whole[0], *whole]):
        assert too_many(bad) == [f"CLUSTER01-1-abcd-s01-1-1: {len(bad)} commands"]


def test_one_command_by_two_jobs_is_doubled() -> None:
    assert doubled([command(), command("CLUSTER01-1-abcd-s01-2-1")]) == ["EXN2: 2 times msiexec.exe"]
    assert doubled([command(), command("CLUSTER01-1-abcd-s02-1-1", node="EXN1")]) == []


def test_two_installs_of_one_machine_are_doubled() -> None:
    assert doubled([{"did": "install_started", "node": "EXN2"}] * 2) == ["EXN2: 2 installs"]


def test_a_command_needs_an_earlier_vote_by_somebody_else_on_its_own_gate() -> None:
    good = [ASKED, STARTED, GATE, vote("UBOB"), command()]
    assert not_approved(good) == []
    for bad in (
        [ASKED, STARTED, GATE, command(), vote("UBOB")],  # too late
        [ASKED, STARTED, GATE, vote("UALICE"), command()],  # who asked
        [ASKED, STARTED, GATE, vote("UBOB", "2.2"), command()],  # another message
        [ASKED, STARTED, GATE, vote("UBOB"), command("CLUSTER01-1-abcd-s01-2-1")],  # another attempt's gate
        [ASKED, STARTED, GATE, vote("UBOB"), {**command(), "job": ""}],  # of no job
    ):
        assert not_approved(bad), bad
