"""Both halves of the practice range, the bot and a worker, each started by hand: a campaign from plan to done."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers.conftest import BOT, Running, environment, rollup_bot
from tests.peers.halves import Range, started
from tests.waiting import until

pytestmark = pytest.mark.peer

DONE_S = 240.0  # wall seconds a campaign may take on a busy machine


@pytest.fixture
def both(tmp_path: Path, run_on: Callable[..., Running]) -> Range:
    return started(tmp_path, run_on)


def plan(both: Range) -> None:
    both.people.act(as_="Alice", type="command", channel=both.channel, text="/rollup plan CLUSTER01 KB4011325")


def carry(both: Range, *, planned: bool = False) -> str:
    """Alice plans and starts, Bob and Carol approve whatever gate is open, until the campaign is closed; its id."""
    people, who = both.people, ("Bob", "Carol")
    channel = both.channel
    until(lambda: people.state()["sockets"] > 0, 90)
    if not planned:
        plan(both)
    proposed = until(lambda: people.marked("rollup_plan"), 90)[0]
    campaign = str(proposed["metadata"]["event_payload"]["campaign"])
    people.act(as_="Alice", type="command", channel=channel, text=f"/rollup start {campaign}")
    approved: list[str] = []
    end = time.monotonic() + DONE_S
    while not (closed := people.marked("rollup_closed")):
        for gate in people.marked("rollup_gate"):
            name = gate["metadata"]["event_payload"]["gate"]
            if name not in approved:
                approved.append(name)
                voter = who[len(approved) % 2]
                assert people.act(as_=voter, type="react", channel=channel, emoji="white_check_mark", ts=gate["ts"])[
                    "ok"
                ]
        assert time.monotonic() < end, "\n".join(people.texts()[-8:])
        time.sleep(0.1)
    assert closed[0]["metadata"]["event_payload"]["outcome"] == "done", people.texts()[-3:]
    assert len(approved) == len(set(approved)) == 6, "one gate for each of the six steps, none voided"
    return campaign


def settled(both: Range, campaign: str) -> None:
    """What stands in the truth, the transcript and the exit codes after a campaign that is done."""
    truths = both.truths()
    assert [t["node"] for t in truths if t["did"] == "install_started"] == ["SCR1", "EXN2", "EXN1"]
    assert not [t for t in truths if t["did"] == "install_started" and t["owned_groups"]]
    assert [t["to"] for t in truths if t["did"] == "cms_moved"] == ["EXN2"]
    # Both halves count `t` from one moment, so one file tells one story: no install before its gate was approved.
    reacted = [t["t"] for t in truths if t["did"] == "reacted"]
    installs = [t["t"] for t in truths if t["did"] == "install_started"]
    assert reacted[0] < installs[0]
    assert max(installs) < truths[-1]["t"]


def exported(both: Range, campaign: str, folder: Path) -> Path:
    """The transcript by `export`, on standard output as in a file."""
    file = folder / "transcript"
    done = rollup_bot("export", campaign, "--config", both.config, "-o", file, env=both.secrets)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    piped = subprocess.run(
        [BOT, "export", campaign, "--config", both.config],
        capture_output=True,
        timeout=60,
        check=True,
        env=environment(**both.secrets),
    )
    assert piped.stdout == file.read_bytes()
    return file


def test_a_campaign_goes_from_plan_to_done_and_its_transcript_verifies(
    both: Range, run_on: Callable[..., Running], tmp_path: Path
) -> None:
    bot = run_on("run", "--config", both.config, env=both.secrets)
    campaign = carry(both)
    settled(both, campaign)
    assert bot.end() == 0
    assert "Traceback" not in bot.err.read_text(encoding="utf-8")
    for secret in both.secrets.values():
        assert secret not in bot.words()

    file = exported(both, campaign, tmp_path)
    done = rollup_bot("verify", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{campaign}: ")
    head = json.loads(file.read_bytes().splitlines()[-1])["head"]
    assert rollup_bot("verify", file, "--head", head[:12].upper()).returncode == 0
    assert rollup_bot("verify", file, "--head", "0" * 12).returncode == 1
    raw = file.read_bytes()
    for spoiled in (raw + b"\n", raw[:-1], raw.replace(b'"SCR1"', b'"SCR2"', 1)):
        file.write_bytes(spoiled)
        done = rollup_bot("verify", file)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"{file}: ")


def test_an_edge_without_a_worker_and_a_worker_beside_it_do_the_same(
    both: Range, run_on: Callable[..., Running], tmp_path: Path
) -> None:
    edge = run_on("run", "--config", both.config, "--no-worker", env=both.secrets)
    until(lambda: both.people.state()["sockets"] > 0, 90)
    plan(both)
    until(both.people.texts, 30)
    assert both.people.marked("rollup_plan") == [], "an edge answers, and leaves the machines to the workers"
    worker = run_on("worker", "--config", both.config, env=both.secrets)
    campaign = carry(both, planned=True)
    settled(both, campaign)
    ends = [threading.Thread(target=one.end) for one in (edge, worker)]
    for end in ends:
        end.start()
    for end in ends:
        end.join()
    assert (edge.process.returncode, worker.process.returncode) == (0, 0)
    assert rollup_bot("verify", exported(both, campaign, tmp_path)).returncode == 0
