"""The main job, played through the real protocols from the command line, judged by what really happened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash.killing import doubled, not_approved

pytestmark = pytest.mark.scenario
BOT = (sys.executable, "-m", "bot.cli")


@pytest.fixture(scope="module")
def played(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]], Path]:
    folder = tmp_path_factory.mktemp("ccr")
    truth, transcript = folder / "t", folder / "c"
    ran = subprocess.run(
        (
            *BOT,
            "lab",
            "--play",
            "--scenario",
            "ccr",
            "--speed",
            "240",
            "--truth",
            str(truth),
            "--transcript",
            str(transcript),
        ),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    return ran, lines, transcript


def kinds(truth: list[dict[str, Any]], *did: str) -> list[dict[str, Any]]:
    return [line for line in truth if line["did"] in did]


def test_the_campaign_ends_as_its_scenario_says(played: Any) -> None:
    ran, _, _ = played
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]


def test_the_scr_target_comes_first_and_the_nodes_follow_passive_before_active(played: Any) -> None:
    _, truth, _ = played
    assert [line["node"] for line in kinds(truth, "install_started")] == ["SCR1", "EXN2", "EXN1"]


def test_each_node_is_emptied_paused_installed_and_resumed_and_there_is_one_handoff(played: Any) -> None:
    _, truth, _ = played
    story = [
        (line["did"], line.get("node") or line.get("to"))
        for line in kinds(truth, "node_paused", "node_resumed", "install_started", "cms_moved")
    ]
    assert story == [
        ("install_started", "SCR1"),
        ("node_paused", "EXN2"),
        ("install_started", "EXN2"),
        ("node_resumed", "EXN2"),
        ("cms_moved", "EXN2"),
        ("node_paused", "EXN1"),
        ("install_started", "EXN1"),
        ("node_resumed", "EXN1"),
    ]
    assert [line["by"] for line in kinds(truth, "cms_moved")] == ["cmdlet"]


def test_no_install_starts_on_a_node_that_owns_any_group(played: Any) -> None:
    _, truth, _ = played
    for line in kinds(truth, "install_started"):
        assert not line["owned_groups"], line
        assert not line["holds_cms"], line


def test_nothing_runs_twice_and_nothing_without_a_second_person(played: Any) -> None:
    _, truth, _ = played
    assert kinds(truth, "command_started")
    assert doubled(truth) == []
    assert not_approved(truth) == []


def test_a_transcript_verifies_and_no_byte_of_it_may_change(played: Any, tmp_path: Path) -> None:
    _, _, transcript = played
    assert subprocess.run((*BOT, "verify", str(transcript)), capture_output=True, check=False).returncode == 0
    raw = transcript.read_bytes()
    head = json.loads(raw.splitlines()[-1])["head"]
    assert (
        subprocess.run(
            (*BOT, "verify", str(transcript), "--head", head[:8]), capture_output=True, check=False
        ).returncode
        == 0
    )
    assert (
        subprocess.run(
            (*BOT, "verify", str(transcript), "--head", "0" * 8), capture_output=True, check=False
        ).returncode
        == 1
    )
    for changed in (
        raw[:100] + bytes([raw[100] ^ 1]) + raw[101:],
        raw + b"\n",
        raw[:-1],
        raw[: len(raw) // 2] + b"0" + raw[len(raw) // 2 + 1 :],
    ):
        if changed == raw:
            continue
        broken = tmp_path / "broken"
        broken.write_bytes(changed)
        ran = subprocess.run((*BOT, "verify", str(broken)), capture_output=True, text=True, check=False)
        assert ran.returncode == 1, ran.stdout
        assert "Traceback" not in ran.stderr
