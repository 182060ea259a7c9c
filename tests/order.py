"""In what pieces, and in which order, the workers of pytest-xdist get the tests."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Whole campaigns: they take the longest, and wait more than they work. Each is a piece of its own, and they come first,
# so that several are under way on every core and no core is left with one of them at the end.
CAMPAIGNS = (
    "tests/scenarios/test_all.py",
    "tests/crash/",
    "tests/scenarios/test_risk.py",
    "tests/scenarios/test_outage.py",
    "tests/browser/test_campaign.py",
    "tests/peers/test_halves.py",
)
# The other files with a process or a browser to wait for, then those that compute longest; the rest ends the run.
LONG = ("tests/scenarios/", "tests/peers/", "tests/browser/", "tests/procedure/test_topologies.py", "tests/estate/")


def place(nodeid: str) -> int:
    """Where a test stands in the order of all."""
    firsts = (*CAMPAIGNS, *LONG)
    return next((number for number, first in enumerate(firsts) if nodeid.startswith(first)), len(firsts))


class Pieces(LoadScopeScheduling):
    """Campaigns one by one, every other file as a whole: what its tests share is made once, and by one worker."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the order is ours

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(CAMPAIGNS) else nodeid.partition("::")[0]
