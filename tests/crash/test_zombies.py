"""A bot that slept past its lease wakes up, a request arrives late, the server dies: nothing runs twice."""

from __future__ import annotations

import os
import signal
from functools import partial

import pytest

from state.words import JobState
from tests.crash.killing import Range, played, quick, range_of
from tests.crash.redis_proxy import Transition
from tests.crash.zombies import second_bot, stop_owner, until, wake

pytestmark = pytest.mark.crash


class SleepsWhileItStarts:
    """At the chosen jobs the owner is stopped just before a request of the start leaves, and woken after the takeover.

    The request is delivered late, when another bot has closed the name or taken what stood there.
    """

    def __init__(self, jobs: dict[str, int]) -> None:
        self.jobs = jobs  # "<step>-<attempt>-<job>" -> which request is held back
        self.slept: list[str] = []
        self.trouble: list[str] = []

    def __call__(self, one: Range, transition: Transition) -> str:
        for kind, data in transition.events:
            if kind != "job_opened":
                continue
            name, campaign = data["order"]["name"], data["order"]["campaign"]
            number = self.jobs.pop("-".join(name.rsplit("-", 3)[1:]), 0)
            if number:
                node = one.nodes[data["order"]["command"]["node"]]
                node.arm(number, "hold", partial(self._held, one, campaign, name))
        return ""

    def _held(self, one: Range, campaign: str, job: str) -> None:
        def settled() -> bool:
            found = one.store.get(campaign)
            jobs = {j.order.name: j.state for j in found.jobs} if found else {}
            return jobs.get(job, JobState.CLOSED) is not JobState.OPENED

        try:
            sleeper = stop_owner(one, campaign)
        except LookupError as nobody:
            self.trouble.append(str(nobody))
            return
        try:
            until(settled, f"nobody took over {job}")
            self.slept.append(job)
        except TimeoutError as never:
            self.trouble.append(str(never))
        finally:
            wake(sleeper)


def test_a_bot_that_slept_past_its_lease_starts_nothing_when_it_wakes() -> None:
    # A group's move in the shell, an install by a task, the handoff by the runner: opening the shell, or the command itself.
    asleep = SleepsWhileItStarts({"s02-1-1": 1, "s03-1-1": 2, "s04-1-1": 1, "s06-1-1": 1})
    with range_of(quick("ccr"), at=asleep) as one, second_bot(one):
        end = played(one)
    assert end.wrong() == [], f"{asleep.slept} {asleep.trouble}\n{end.story()}"
    assert not asleep.trouble, f"{asleep.trouble}\n{end.story()}"
    assert len(asleep.slept) >= 2, end.story()


def test_a_server_that_dies_again_and_again_loses_nothing() -> None:
    at = {8: "after", 17: "before", 26: "after", 35: "before", 44: "after", 53: "before"}

    def chosen(one: Range, transition: Transition) -> str:
        way = at.get(transition.number, "")
        if way:
            one.killed.append(f"{transition.number} {way} {'+'.join(transition.types)}")
        return way

    def server_dies(one: Range) -> None:
        pid = one.server.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    with range_of(quick("ccr"), at=chosen, broken=server_dies, watched=True) as one:
        end = played(one)
        restarts = one.server.restarts
    assert end.wrong() == [], end.story()
    assert restarts >= 4, end.killed
