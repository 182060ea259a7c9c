"""Redis is put back to an older copy in the middle of a campaign: the bot asks, and never acts again."""

from __future__ import annotations

import shutil
import threading

import pytest

from bot.lab.scenario import Act
from state.words import Campaign
from tests.crash.killing import Played, Range, doubled, played, quick, range_of
from tests.crash.redis_proxy import Transition

pytestmark = pytest.mark.crash

RECHECKS = 12


class Rewinds:
    """Copies the server's files at one transition, and puts them back at a later one while the bot is dead."""

    def __init__(self, copy_at: tuple[str, str], back_at: tuple[str, str]) -> None:
        self.copy_at, self.back_at = copy_at, back_at  # (event type, a word its data must hold)
        self.copied = False
        self.done = threading.Event()
        self.newest = 0  # version before it happened
        self.before = 0  # lines of the truth log when it happened

    def __call__(self, one: Range, transition: Transition) -> str:
        for kind, data in transition.events:
            if not self.copied and kind == self.copy_at[0] and self.copy_at[1] in str(data):
                shutil.copytree(one.server.data / "appendonlydir", one.folder / "older")
                self.copied = True
            elif self.copied and not self.done.is_set() and kind == self.back_at[0] and self.back_at[1] in str(data):
                return "after"
        return ""

    def broken(self, one: Range) -> None:
        """The bot dies, the server is stopped, its files are replaced, the server is started."""
        if self.done.is_set():
            return
        one.kill()
        campaign = one.campaign()
        self.newest = campaign.version if campaign else 0
        one.server.stop()
        shutil.rmtree(one.server.data / "appendonlydir")
        shutil.copytree(one.folder / "older", one.server.data / "appendonlydir")
        one.server.start()
        self.before = len(one.truth())
        self.done.set()


@pytest.mark.parametrize(
    ("copy_at", "back_at"),
    [
        (("gate_opened", ".s02."), ("gate_consumed", ".s03.")),  # a whole step is forgotten
        (("job_opened", "-s02-1-2"), ("step_ended", "s02")),  # in the middle of a step
    ],
)
def test_a_store_put_back_to_an_older_copy_is_noticed_and_nothing_is_run_again(
    copy_at: tuple[str, str], back_at: tuple[str, str]
) -> None:
    rewinds = Rewinds(copy_at, back_at)
    # People look again as often as the bot asks: no number of rechecks makes a forked record whole.
    again = tuple(
        Act(when="closed", outcome=outcome, do="type", text="/rollup recheck {campaign}", after_s=20.0, times=RECHECKS)
        for outcome in ("asking", "blocked")
    )
    end, campaign = _played_rewound(rewinds, *again)
    assert campaign.stop is not None
    assert campaign.stop.rule in ("RECORD-WHOLE", "JOBS-KNOWN"), campaign.stop
    assert campaign.version > rewinds.newest, "too few rechecks to outnumber what was forgotten"
    assert [line for line in end.truth[rewinds.before :] if line["did"] == "command_started"] == [], end.story()


def test_a_pause_that_the_store_forgot_is_remembered_by_the_thread() -> None:
    """No job tells of it: only the line in Slack does, however far the record has grown since."""
    rewinds = Rewinds(("gate_opened", ".s02.1"), ("resumed", ""))
    # Later than the copy, which else holds the command in its inbox and carries it out.
    pause = Act(when="gate", step="s02", do="type", text="/rollup pause {campaign}", instead=True, after_s=120.0)
    resume = Act(when="gate", step="s02", do="type", text="/rollup resume {campaign}", after_s=400.0)
    again = Act(
        when="closed", outcome="asking", do="type", text="/rollup recheck {campaign}", after_s=20.0, times=RECHECKS
    )
    end, campaign = _played_rewound(rewinds, pause, resume, again)
    assert campaign.stop is not None
    assert campaign.stop.rule == "RECORD-WHOLE", campaign.stop
    assert campaign.version > rewinds.newest, "too few rechecks to outnumber what was forgotten"
    assert [line for line in end.truth[rewinds.before :] if line["did"] == "command_started"] == [], end.story()


def _played_rewound(rewinds: Rewinds, *acts: Act) -> tuple[Played, Campaign]:
    with range_of(quick("ccr", *acts, look_again=False), at=rewinds, broken=rewinds.broken) as one:
        end = played(one)
        campaign = one.campaign()
    assert rewinds.done.is_set(), end.story()
    assert end.result.ending is not None, end.story()
    assert end.result.ending.outcome in ("asking", "blocked"), end.story()
    assert campaign is not None
    assert doubled(end.truth) == []
    return end, campaign
