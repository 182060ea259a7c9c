"""A whole `ccr` campaign on the page, typed and clicked: the real bot, the simulated cluster, nothing stood in for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Pages
from tests.browser.hands import GATES, Hands

TALKING, WORKING = "20", "120"  # lab seconds a second: while people talk (a gate is good for an hour of it), and after
PATIENCE_S = 240.0  # wall seconds a campaign may take here


class Range:
    """`rollup-bot lab`, as `make demo` starts it, on a free port."""

    def __init__(self, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROLLUP_", "SLACK_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "lab", "--scenario", "ccr", "--port", "0", "--speed", TALKING],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=kept | {"HOME": str(folder)},
        )
        self.lines: list[str] = []
        self._open = threading.Event()
        self.url = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._open.wait(60)
        if not self.url:
            self.stop()
            raise AssertionError("the range did not open:\n" + "".join(self.lines))

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                self.url = found[0]
                self._open.set()
        self._open.set()  # it ended: nothing more will come

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(60)
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[Range]:
    opened = Range(tmp_path)
    yield opened
    opened.stop()


def show(hands: Hands, what: str) -> None:
    hands.page.evaluate("(what) => [...document.querySelectorAll(what)].at(-1).scrollIntoView({block: 'start'})", what)


def played(hands: Hands, picture: Callable[[str], Any]) -> None:
    """Alice plans and starts, tries to approve herself, Dave tries too, Bob approves every gate to the end."""
    hands.page.wait_for_function("() => document.querySelector('.life.on')", timeout=60_000)
    hands.be("alice")
    hands.command("/rollup plan CLUSTER01")
    hands.wait_for_text("CLUSTER01-1")
    hands.open_thread()
    hands.page.wait_for_selector(".thread [data-kind=plan], .thread [data-kind=closed]", timeout=60_000)
    show(hands, ".thread [data-kind=plan]")
    picture("plan")
    hands.command("/rollup start CLUSTER01-1")
    hands.open_thread()
    hands.wait_for_gates(1)
    show(hands, GATES)
    picture("gate")
    hands.approve()
    hands.wait_for_text("you planned, started or retried")
    picture("refusal")
    hands.be("dave")
    hands.approve()
    hands.wait_for_text("you are not listed as an approver")
    hands.be("bob")
    hands.set_speed(WORKING)
    end, approved = time.monotonic() + PATIENCE_S, 0
    while not hands.page.locator(".thread [data-kind=closed]").count():
        assert time.monotonic() < end, "the campaign came to no end"
        if hands.gates() > approved:
            approved = hands.gates()
            hands.approve()
        hands.page.wait_for_timeout(100)
    hands.page.locator(".thread [data-kind=closed]", has_text="The handoffs took mail away for").wait_for()
    hands.page.locator(".thread [data-kind=closed]", has_text="Done:").wait_for()
    show(hands, ".thread [data-kind=closed]")
    picture("end")


@pytest.mark.scenario
@pytest.mark.parametrize("surface", [{}, {"phone": True}, {"keyboard": True}], ids=["mouse", "phone", "keyboard"])
def test_a_whole_campaign_is_played_on_the_page(
    surface: dict[str, bool], practice: Range, pages: Pages, picture: Callable[..., None]
) -> None:
    hands = pages.open(practice.url, **surface)
    try:
        played(hands, lambda name: picture(hands, name, keep=not surface))
    except BaseException:
        picture(hands, "failed", keep=False)
        print("".join(practice.lines[-60:]))  # what the range said, beside the failure
        raise
    levels = hands.page.evaluate("() => [...document.querySelectorAll('.level')].map((each) => each.textContent)")
    assert len(levels) == 3
    assert all(level.startswith("8.3.517.0") for level in levels)
