"""A risk that a second person accepts, played through the real protocols, and one that would need accepting again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.scenario
BOT = (sys.executable, "-m", "bot.cli")
RISKS = Path(__file__).parent / "risk"  # `make soak PART=scenarios` plays all of them


def events(transcript: Path) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, transcript.read_text().splitlines()) if "type" in line]


def played(
    scenario: str, folder: Path, speed: str = "300"
) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]], list[dict[str, Any]]]:
    transcript, truth = folder / "c", folder / "t"
    ran = subprocess.run(
        (*BOT, "lab", "--play", "--scenario", str(RISKS / f"{scenario}.toml"), "--speed", speed,
         "--transcript", str(transcript), "--truth", str(truth)),
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    checked = subprocess.run((*BOT, "verify", str(transcript)), capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout
    return ran, events(transcript), [json.loads(line) for line in truth.read_text().splitlines()]


def test_a_silent_scr_target_is_left_out_when_two_people_accept_that_at_every_step(tmp_path: Path) -> None:
    ran, recorded, truth = played("waived-unreachable", tmp_path, speed="600")
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    gates = [e["data"]["gate"] for e in recorded if e["type"] == "gate_prepared"]
    risks = [gate for gate in gates if gate["kind"] == "risk"]
    assert [gate["step"] for gate in risks] == ["plan", "s01", "s02", "s03", "s04", "s05"]
    assert {(gate["waiver"]["rule"], tuple(gate["commands"])) for gate in risks} == {("SCR-TARGETS-FIRST", ())}
    ran_from = {e["data"]["order"]["gate"] for e in recorded if e["type"] == "job_opened"}
    assert not ran_from & {gate["id"] for gate in risks}
    for gate in (one for one in gates if one["kind"] == "step"):
        shown = [check for check in gate["checks"] if check["waived_by"]]
        assert [(one["rule"], one["verdict"]) for one in shown] == [("SCR-TARGETS-FIRST", "warn")]
    assert [e["node"] for e in truth if e["did"] == "install_started"] == ["EXN2", "EXN1"]
    end = next(e["data"]["sentence"] for e in recorded if e["type"] == "finished")
    assert "SCR1 was left out" in end


def test_a_level_that_two_sources_tell_differently_is_taken_for_the_lower_one_where_two_people_accept_that(
    tmp_path: Path,
) -> None:
    ran, recorded, truth = played("waived-level", tmp_path, speed="600")
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    gates = [e["data"]["gate"] for e in recorded if e["type"] == "gate_prepared"]
    risks = [gate for gate in gates if gate["kind"] == "risk"]
    assert [(gate["step"], gate["waiver"]["rule"]) for gate in risks] == [
        ("plan", "LEVEL-AGREE"),
        ("s02", "LEVEL-AGREE"),
    ]
    for gate in risks:
        (check,) = [one for one in gate["checks"] if one["rule"] == "LEVEL-AGREE"]
        assert "ExSetup.exe says 8.3.485.1, the highest applied patch 8.3.389.2" in check["sentence"]
    install = next(gate for gate in gates if gate["kind"] == "step" and gate["step"] == "s02")
    (shown,) = [check for check in install["checks"] if check["waived_by"]]
    assert (shown["rule"], shown["verdict"]) == ("LEVEL-AGREE", "warn")
    assert "8.3.389.2" in str(shown["facts"])
    assert [e["node"] for e in truth if e["did"] == "install_started"] == ["EXN2"]
    started = next(i for i, e in enumerate(recorded) if e["type"] == "started")
    accepted = next(i for i, e in enumerate(recorded) if e["type"] == "gate_consumed")
    assert accepted < started, "such a plan is started by nobody before a second person has accepted it"


def test_a_returned_mail_server_is_where_it_was_and_the_campaign_has_ended(tmp_path: Path) -> None:
    ran, recorded, truth = played("returned", tmp_path)
    assert ran.returncode == 3, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert [(e["from"], e["to"]) for e in truth if e["did"] == "cms_moved"] == [("EXN1", "EXN2"), ("EXN2", "EXN1")]
    assert "EXN1" not in {e["node"] for e in truth if e["did"] == "install_started"}
    kinds = [e["data"]["gate"]["kind"] for e in recorded if e["type"] == "gate_prepared"]
    assert kinds[-2:] == ["risk", "step"]


def test_failback_and_stop_move_start_work_to_the_end(tmp_path: Path) -> None:
    ran, recorded, truth = played("options", tmp_path)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert [(e["from"], e["to"]) for e in truth if e["did"] == "cms_moved"] == [("EXN1", "EXN2"), ("EXN2", "EXN1")]
    gates = [e["data"]["gate"] for e in recorded if e["type"] == "gate_prepared"]
    moves = [gate for gate in gates if "Move-ClusteredMailboxServer" in gate["commands"][0]["text"]]
    assert len(moves) == 2
    assert all(gate["commands"][0]["text"].startswith("Stop-ClusteredMailboxServer") for gate in moves)
    assert all(any("--stop-move-start" in note for note in gate["notes"]) for gate in moves)
