"""The bot dies with SIGKILL at every kind of transition: before the store heard of it, and after, at steps of every kind.

Many deaths share one campaign. `make soak PART=kills` kills at each single transition alone, both ways, and in pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.crash.killing import Range, played, quick, range_of
from tests.crash.redis_proxy import Transition

pytestmark = pytest.mark.crash

ONCE = ("campaign_requested", "thread_opened", "plan_made", "started", "finished")
IN_A_STEP = (
    "gate_prepared", "gate_opened", "voted", "gate_consumed", "job_opened", "job_started", "job_ended", "step_ended",
)  # fmt: skip
STEPS = ("s01", "s02", "s03", "s04", "s05", "s06")
WAYS = ("before", "after")
CAMPAIGNS = 3


def deaths(campaign: int) -> dict[tuple[str, str], str]:
    """(event type, step) -> way, two deaths a step; the campaigns share out every type in both ways."""
    chosen: dict[tuple[str, str], str] = {}
    if campaign < 2:
        chosen = {(kind, ""): WAYS[(place + campaign) % 2] for place, kind in enumerate(ONCE)}
    ways = [(kind, way) for way in WAYS for kind in IN_A_STEP]
    for slot in range(2 * len(STEPS)):
        # Five and sixteen have no common divisor: every pair comes before any comes again.
        kind, way = ways[(5 * (slot + 2 * len(STEPS) * campaign)) % len(ways)]
        chosen[kind, STEPS[slot // 2]] = way
    return chosen


def step_of(kind: str, data: dict[str, Any]) -> str:
    """The step an event belongs to, or ""."""
    if kind.startswith("job_"):
        name = data["order"]["name"] if "order" in data else data["job"]
        return str(name.rsplit("-", 3)[1])
    if kind == "step_ended":
        return str(data["outcome"]["step"])
    gate = data.get("gate") or data.get("vote") or data.get("intent") or ""
    name = str((gate.get("gate") or gate.get("id")) if isinstance(gate, dict) else gate)
    return name.split(".")[1] if name.count(".") == 2 else ""


class Deaths:
    """Kills once at each chosen place."""

    def __init__(self, chosen: dict[tuple[str, str], str]) -> None:
        self.coming = dict(chosen)

    def __call__(self, one: Range, transition: Transition) -> str:
        for place in self._places(transition):
            if way := self.coming.pop(place, ""):
                one.killed.append(f"{transition.number} {way} {' '.join(place)}")
                return way
        return ""

    def _places(self, transition: Transition) -> Iterator[tuple[str, str]]:
        for kind, data in transition.events:
            yield kind, step_of(kind, data)


def test_the_campaigns_together_kill_at_every_kind_of_transition_both_ways() -> None:
    met = {(kind, way) for number in range(CAMPAIGNS) for (kind, _), way in deaths(number).items()}
    assert met >= {(kind, way) for kind in IN_A_STEP for way in WAYS}
    assert met >= {(kind, way) for kind in ONCE for way in WAYS}


@pytest.mark.parametrize("campaign", range(CAMPAIGNS))
def test_a_bot_killed_again_and_again_finishes_and_does_nothing_twice(campaign: int) -> None:
    killing = Deaths(deaths(campaign))
    with range_of(quick("ccr"), at=killing) as one:
        end = played(one)
    assert end.wrong() == [], end.story()
    # A shell's job has no transition of its own between its name and its end.
    assert {kind for kind, _ in killing.coming} <= {"job_started"}, (killing.coming, end.story())
    assert len(end.killed) >= 10, end.killed
