"""Mail that goes down in a campaign's hands, played through the real protocols: people are told once, and once again after it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.scenario
BOT = (sys.executable, "-m", "bot.cli")
OUTAGES = Path(__file__).parent / "outage"


def played(scenario: str, folder: Path, speed: str) -> tuple[str, list[dict[str, Any]], list[dict[str, Any]]]:
    transcript, truth = folder / "c", folder / "t"
    ran = subprocess.run(
        (*BOT, "lab", "--play", "--scenario", scenario, "--speed", speed,
         "--transcript", str(transcript), "--truth", str(truth)),
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert "not as the scenario expects" not in ran.stdout + ran.stderr, ran.stdout[-3000:] + ran.stderr[-3000:]
    checked = subprocess.run((*BOT, "verify", str(transcript)), capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout
    events = [line for line in map(json.loads, transcript.read_text().splitlines()) if "type" in line]
    return ran.stdout, events, [json.loads(line) for line in truth.read_text().splitlines()]


def test_a_database_that_goes_down_in_a_step_is_told_once_and_once_more_when_it_is_back(tmp_path: Path) -> None:
    said, events, truth = played(str(OUTAGES / "dismounts-mid-install.toml"), tmp_path, "120")
    assert [e["db"] for e in truth if e["did"] == "db_dismounted"] == ["MBX2"]
    (down,) = [e for e in events if e["type"] == "mail_down"]
    assert down["data"]["outage"]["databases"] == ["SG2\\MBX2"]
    (back,) = [e for e in events if e["type"] == "mail_up"]
    assert back["v"] > down["v"]
    assert said.count("MAIL IS DOWN, CMS1") == 1
    assert said.count("*Mail is back:* CMS1 is up") == 1


def test_the_active_node_dying_in_a_step_is_told_once_however_often_it_is_seen(tmp_path: Path) -> None:
    """By a post of its own, or, where the end of the step is quicker, by the stop: both show what ends it."""
    said, events, truth = played("ccr-active-dies-mid-install", tmp_path, "240")
    downs = [e for e in events if e["type"] == "mail_down"]
    seen = [
        (e["data"]["outage"]["cms"], e["data"]["outage"]["databases"], e["data"]["outage"]["seen_from"]) for e in downs
    ]
    assert seen in ([("CMS1", [], "EXN2")], [])
    stopped = next(e["v"] for e in events if e["type"] == "step_ended" and e["data"]["outcome"]["kind"] == "failed")
    assert said.count("MAIL IS DOWN, CMS1") == sum(down["v"] < stopped for down in downs)
    assert "Start-ClusteredMailboxServer -Identity CMS1" in said
    assert [e for e in truth if e["did"] == "command_started" and "Start-Clustered" in e["line"]] == []
