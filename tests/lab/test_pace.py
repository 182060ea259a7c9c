"""Lab time slows down where a loaded host keeps the range or the bot waiting, and the bot follows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import settings
from bot.lab import clock as clocks
from bot.lab.child import Child
from bot.lab.clock import LabClock
from bot.lab.pace import DEBT_S, HOLD_S, LEAST, SLACK, Pace, Share, Waiting
from bot.lab.scenario import load
from bot.lab.session import PracticeSession
from bot.told import ToldTime
from state.clock import Clock
from tests.waiting import until

START = datetime(2026, 3, 14, 20, 0, tzinfo=UTC)


class Wall:
    """Both of a machine's clocks, moved by the test."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def time(self) -> float:
        return self.at

    monotonic = time


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    made = Wall()
    monkeypatch.setattr(clocks, "time", made)
    return made


@pytest.mark.parametrize("waits", [0.0, 0.3, 0.6])
def test_little_is_waited_and_lab_time_runs_at_its_full_speed(waits: float) -> None:
    share = Share()
    assert [share.after(0.1, 0.1 * waits) for _ in range(5)] == [1.0] * 5


@pytest.mark.parametrize("waits", [0.7, 0.75, 0.8, 0.9])
def test_lab_time_runs_for_thrice_what_was_not_waited(waits: float) -> None:
    share, used, beats = Share(), [1.0], 200
    for _ in range(beats):
        used.append(share.after(0.1, 0.1 * waits))
    ran = sum(used[:-1]) * 0.1
    assert ran == pytest.approx(0.1 * beats * SLACK * (1 - waits), abs=0.2), (
        "what was run too much at first is made up for"
    )


def test_however_long_it_waited_lab_time_goes_on_and_is_soon_itself_again() -> None:
    share = Share()
    assert {share.after(0.1, 0.1) for _ in range(1000)} == {LEAST}
    idle = [share.after(0.1, 0.0) for _ in range(int(DEBT_S / 0.1) + 10)]
    assert idle[-1] == 1.0


def test_a_beat_that_comes_too_late_costs_no_more_than_the_clock_ran() -> None:
    share = Share()
    share.after(30.0, 30.0)  # everything stood still for half a minute; the clock did after HOLD_S
    idle = [share.after(0.1, 0.0) for _ in range(10)]
    assert sum(1.0 - one for one in idle) * 0.1 == pytest.approx(HOLD_S, abs=0.11)


def test_lab_time_runs_at_its_share_and_stands_still_without_a_beat(wall: Wall) -> None:
    clock = LabClock(START, 600.0)
    wall.at += 1
    assert clock.elapsed() == pytest.approx(600)
    clock.beat(0.25, HOLD_S)
    wall.at += 0.4
    assert clock.elapsed() == pytest.approx(600 + 0.4 * 150)
    wall.at += 3600
    assert clock.elapsed() == pytest.approx(600 + HOLD_S * 150)
    clock.beat(1.0, HOLD_S)
    wall.at += 0.1
    assert clock.elapsed() == pytest.approx(600 + HOLD_S * 150 + 60)


def test_a_start_without_an_offset_is_utc_wherever_the_range_runs(wall: Wall) -> None:
    assert LabClock(START.replace(tzinfo=None)).now() == START.timestamp()


def test_the_bot_follows_beat_by_beat(wall: Wall, tmp_path: Path) -> None:
    lab = LabClock(START, 600.0)
    file = tmp_path / "lab-time.json"
    bot = Clock(wall=wall.time)
    bot.follow(START.timestamp(), wall.at, 600.0, ToldTime(file))
    wall.at += 1
    assert bot.lab() == pytest.approx(lab.now()), "the line in rollup.toml, as long as nothing is told"
    pace = Pace(lab, file, lambda: None)
    for share in (1.0, 0.1, 0.5):
        pace._tell(share)
        for passed in (0.1, 0.3, 5.0):
            wall.at += passed
            assert bot.lab() == pytest.approx(lab.now())
    assert bot.speed == 600.0
    stands = bot.lab()
    file.write_text("{")
    assert bot.lab() == stands, "a file that cannot be read is not time that passes"


def test_what_the_slowest_thread_of_each_of_these_processes_waited_since_the_last_look_is_told(tmp_path: Path) -> None:
    def thread(process: int, number: int, waited_s: float) -> None:
        folder = tmp_path / str(process) / "task" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schedstat").write_text(f"77 {int(waited_s * 1e9)} 5\n")

    thread(1, 1, 10.0)
    thread(1, 2, 20.0)
    thread(2, 2, 30.0)
    thread(3, 3, 40.0)
    waiting = Waiting(tmp_path)
    assert waiting.since((1, 2)) == 0.0
    thread(1, 2, 20.25)
    thread(2, 2, 30.5)
    thread(3, 3, 99.0)
    thread(1, 1, 10.125)
    thread(2, 9, 0.125)
    assert waiting.since((1, 2, 4711)) == pytest.approx(0.75)
    assert waiting.since((1, 2)) == 0.0


def test_a_pace_beats_by_itself_until_it_is_stopped(tmp_path: Path) -> None:
    file = tmp_path / "lab-time.json"
    pace = Pace(LabClock(START, 600.0), file, lambda: None)
    pace.start()
    first = json.loads(file.read_text())
    until(lambda: json.loads(file.read_text())["wall"] > first["wall"])
    pace.stop()
    last = file.read_text()
    assert json.loads(last)["lab"] > first["lab"]
    assert file.read_text() == last


@pytest.mark.parametrize("paced", [True, False])
def test_a_paced_session_tells_its_bot_where_lab_time_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paced: bool
) -> None:
    monkeypatch.setattr(Child, "start", lambda self: None)
    session = PracticeSession(load("ccr"), folder=tmp_path, redis_url="redis://127.0.0.1:1", speed=1.0, paced=paced)
    session.start(0)
    try:
        lab = settings.load(session.config).lab
        assert lab is not None
        bot = Clock()
        bot.follow(lab.start, lab.anchor, lab.speed, ToldTime(Path(lab.told)) if lab.told else None)
        assert bool(lab.told) == paced
        before = session.clock.now()
        assert before <= bot.lab() + 60 <= session.clock.now() + 120, "the same time, as near as two calls are"
    finally:
        session.stop()
