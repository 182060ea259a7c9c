"""The truth log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from bot.lab.clock import LabClock
from bot.lab.truth import TruthLog


def test_each_record_is_one_flushed_line_that_begins_with_did_and_t(tmp_path: Path) -> None:
    truth = TruthLog(LabClock(datetime(2026, 3, 14, tzinfo=UTC)), tmp_path / "t")
    truth.write("cms_offline", cms="CMS1", node="EXN1", job="")
    truth.write("typed", user="U1", text="zwei\nZeilen", job="j")
    lines = (tmp_path / "t").read_text(encoding="utf-8").splitlines()  # before close: every line was flushed
    first, second = [json.loads(line) for line in lines]
    assert list(first) == ["did", "t", "cms", "node"]
    assert second["text"] == "zwei\nZeilen"
    assert second["job"] == "j"
    truth.close()


def test_a_listener_may_write_itself() -> None:
    truth = TruthLog(LabClock(datetime(2026, 3, 14, tzinfo=UTC)))
    truth.listen(lambda r: truth.write("echo", of=r["did"]) if r["did"] != "echo" else None)
    truth.write("restarted", node="A")
    assert [r["did"] for r in truth.since(0)] == ["restarted", "echo"]
