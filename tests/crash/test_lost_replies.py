"""The requests that start a job are refused, lose their reply or are cut: nothing runs twice, the campaign still ends."""

from __future__ import annotations

import pytest

from tests.crash.killing import Range, played, quick, range_of
from tests.crash.redis_proxy import Transition

pytestmark = pytest.mark.crash

WAYS = ("swallow", "refuse", "cut")
REQUESTS = 6  # opening the shell, the command, its output, the look at the folder, the signals
FAULTS = tuple((number, way) for number in range(1, REQUESTS + 1) for way in WAYS)


class Faults:
    """Each first attempt's job meets the next fault of the list."""

    def __init__(self, faults: tuple[tuple[int, str], ...]) -> None:
        self.coming = list(faults)
        self.met: list[str] = []

    def __call__(self, one: Range, transition: Transition) -> str:
        for kind, data in transition.events:
            if kind == "job_opened" and self.coming:
                name = data["order"]["name"]
                if name.rsplit("-", 2)[1] == "1":
                    number, way = self.coming.pop(0)
                    one.nodes[data["order"]["command"]["node"]].arm(number, way)
                    self.met.append(f"{name}: request {number}, {way}")
        return ""


@pytest.mark.parametrize("first", [0, len(FAULTS) // 2])
def test_a_start_whose_request_or_reply_is_lost_runs_at_most_once(first: int) -> None:
    faults = Faults(FAULTS[first : first + len(FAULTS) // 2])
    with range_of(quick("ccr"), at=faults) as one:
        end = played(one)
        struck = sum(node.struck for node in one.nodes.values())
    assert end.wrong() == [], f"{faults.met}\n{end.story()}"
    assert len(faults.met) >= 6, faults.met
    assert struck >= 5, f"hardly a request met its fault: {struck} of {faults.met}"


@pytest.mark.parametrize("way", ["before", "after"])
def test_a_store_whose_every_first_answer_is_lost_is_told_everything_once(way: str) -> None:
    seen: set[str] = set()

    def at(_one: Range, transition: Transition) -> str:
        key = str(transition.events)
        if key in seen:
            return ""
        seen.add(key)
        return way

    with range_of(quick("ccr"), at=at, broken=lambda _one: None) as one:
        end = played(one)
    assert end.wrong() == [], end.story()
    assert len(seen) > 50, len(seen)
    assert end.transitions > 1.8 * len(seen), "hardly a call had to be made again"
