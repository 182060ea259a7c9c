"""The bot dies in the middle of an install and is started again by the range: nothing is installed twice."""

from __future__ import annotations

import pytest

from bot.lab.scenario import Act
from tests.crash.killing import played, quick, range_of

pytestmark = pytest.mark.crash


def test_a_bot_killed_in_the_middle_of_an_install_finishes_the_campaign_and_installs_once() -> None:
    killed = Act(when="truth", did="install_started", machine="EXN2", do="kill_bot", after_s=60.0)
    with range_of(quick("ccr", killed, install_s=600.0)) as one:
        end = played(one)
        restarts = one.session.child.starts if one.session.child else 0
    assert end.wrong() == [], end.story()
    assert restarts > 1, "the bot was never killed"
    installed = [line["node"] for line in end.truth if line["did"] == "install_started"]
    assert sorted(installed) == ["EXN1", "EXN2", "SCR1"], end.story()


def test_a_bot_killed_twice_in_quick_succession_installs_once() -> None:
    # The second time it is killed while it looks for what it left behind.
    acts = [
        Act(when="truth", did="install_started", machine="EXN2", do="kill_bot", after_s=after)
        for after in (0.0, 300.0, 600.0)
    ]
    with range_of(quick("ccr", *acts, install_s=900.0)) as one:
        end = played(one)
    assert end.wrong() == [], end.story()
    assert len([line for line in end.truth if line["did"] == "install_started"]) == 3, end.story()
