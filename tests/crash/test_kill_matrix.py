"""The bot dies with SIGKILL at the transitions of a campaign: before the store heard of them, and after.

Several deaths share one campaign, so that a few campaigns cover every transition both ways. `make soak PART=kills` kills at
each one alone, and in pairs.
"""

from __future__ import annotations

import pytest

from tests.crash.killing import play_and_kill

pytestmark = pytest.mark.crash

LAST = 72  # a campaign without any fault has about 64 transitions; resends after a death count too
EVERY = 9  # transitions between two deaths of one campaign


def deaths(first: int) -> dict[int, str]:
    """Every EVERY-th transition from `first` on, before and after by turns; the next campaign has it the other way round."""
    ways = ("before", "after") if first <= EVERY else ("after", "before")
    start = (first - 1) % EVERY + 1
    return {number: ways[place % 2] for place, number in enumerate(range(start, LAST, EVERY))}


@pytest.mark.parametrize("first", [1, 5, 8, 12])
def test_a_bot_killed_again_and_again_finishes_and_does_nothing_twice(first: int) -> None:
    end = play_and_kill("ccr", deaths(first))
    assert end.wrong() == [], end.story()
    assert len(end.killed) >= len(deaths(first)) - 2, end.killed
