"""Played people: they carry a scenario's campaign to its end in the practice workspace.

They read message metadata and the name of an answer's first block, never a text, and act through the same functions
as the page.
What they do stands in the scenario's `[play]` section: docs/scenarios.md.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from bot.lab.clock import LabClock
from bot.lab.moments import GOES_ON, Ending, Mending, Moment, meant
from bot.lab.scenario_words import Act, Scenario
from bot.lab.truth import TruthLog
from bot.lab.workspace.acts import act
from bot.lab.workspace.words import SlackError
from bot.lab.workspace.workspace import Workspace

LOOK_S = 0.1  # wall seconds at most between two looks at the clock: its speed may change
TYPE_AGAIN = 5  # how often somebody repeats a command that the bot did not answer
TYPE_AGAIN_AFTER_S = 5.0  # lab seconds
REFUSED = "refused"  # block_id of the answer to a command that was not carried out
NOT_BEGUN = "not_begun"  # the outcome of a play whose first command was refused
WAITING = "waiting"  # the outcome of a play in which the campaign stands open and nobody will ever go on with it
LOOKS = ("status", "show", "level", "downtime", "history", "help")  # words that change nothing
MOST_GATES = 10  # for one step, one after the other
REFUSED_WALL_S = 10.0  # so long after the last refusal, unless the campaign goes on by what somebody else did
REST_WALL_S = 20.0  # the same for a campaign that was paused, with QUIET_S
QUIET_WALL_S, QUIET_S = (
    60.0,
    3600.0,
)  # a stop at which everything was done and nothing came of it for so long is the end


class Players:
    """The people of a scenario. `kill_bot` and `estate` carry out those two kinds of act.

    `begin()` types the command; `wait()` gives the ending. One thread of their own; no act happens in another.
    """

    def __init__(
        self,
        scenario: Scenario,
        space: Workspace,
        clock: LabClock,
        *,
        truth: TruthLog | None = None,
        kill_bot: Callable[[], None] | None = None,
        estate: Callable[[Act], None] | None = None,
    ) -> None:
        self._scenario, self._play, self._space, self._clock = scenario, scenario.play, space, clock
        self._kill_bot, self._estate = kill_bot, estate
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._woken = threading.Condition()
        self._ended = threading.Event()
        self._stopped = False
        self._ending: Ending | None = None
        self._seen: set[str] = set()  # ts of messages already acted on
        self._gates: list[str] = []  # gate ids in the order they were first seen
        self._asked = ("", 0)  # the step of the last gate, and how many gates in a row it has had
        self._coming = 0  # acts whose moment has come and that have not happened yet
        self._rests = False  # somebody typed pause, and nobody anything since that goes on
        self._told = 0  # messages of the bot about the campaign
        self._started: set[str] = set()
        self._counts: Counter[int] = Counter()  # act's place -> how many such moments there were
        self._last_gate = Moment("gate")
        self._last_typed: dict[str, str] = {}
        self._typed_again = 0
        self._mending: Mending | None = None
        self.requester = self._play.by or next((p.name for p in scenario.people if "requester" in p.roles), "")
        self._requester_id = space.person(self.requester).id
        self._unwatch = space.watch(self._changed)
        if truth and any(each.when == "truth" for each in self._play.act):
            truth.listen(self._truth)
        self._thread = threading.Thread(target=self._run, name="lab-players", daemon=True)

    def begin(self) -> None:
        """Type the scenario's command; from here on everything follows from metadata."""
        self._thread.start()
        self._happen(Moment("start"))
        self._later(0.0, lambda: self._type(self.requester, self.command()))

    def command(self) -> str:
        """What the requester types first."""
        if self._play.command:
            return self._play.command
        package = self._scenario.packages[0].kb if self._scenario.packages else ""
        return f"/rollup plan {self._scenario.clusters[0].name} {package}".rstrip()

    def wait(self, wall_seconds: float | None = None) -> Ending | None:
        """The ending, or None when there was none in time."""
        return self._ending if self._ended.wait(wall_seconds) else None

    def stop(self) -> None:
        """Let everybody go home."""
        self._unwatch()
        with self._woken:
            self._stopped = True
            self._woken.notify_all()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    # --- what they notice (any thread; nothing is done here) ------------------------------------

    def _changed(self, what: str, parts: Mapping[str, Any]) -> None:
        if what != "message":
            return
        message = parts["message"]
        if message.get("only_for"):
            if message["user"] == "USLACKBOT":  # Slack itself: the command got no answer
                self._later(TYPE_AGAIN_AFTER_S, lambda: self._again(message["only_for"]))
            elif (message.get("blocks") or [{}])[0].get("block_id") == REFUSED:
                self._refused(message["only_for"])
            return
        metadata = message.get("metadata")
        if not metadata or "bot_id" not in message or message["ts"] in self._seen:
            return
        self._seen.add(message["ts"])
        self._told += 1
        if self._mending and not self._mending.left:
            self._mending.went_on = True
        payload = metadata["event_payload"]
        found = {name: str(payload.get(name) or "") for name in ("campaign", "step", "gate", "outcome")}
        place = {
            "channel": message["channel"],
            "ts": message["ts"],
            "thread_ts": message.get("thread_ts") or message["ts"],
        }
        if metadata["event_type"] == "rollup_plan":
            self._plan(Moment("plan", **found, **place))
        elif metadata["event_type"] == "rollup_gate":
            self._gate(Moment("gate", **found, **place))
        elif metadata["event_type"] == "rollup_closed":
            self._closed(Moment("closed", **found, **place), str(payload.get("rule") or ""))

    def _truth(self, record: Mapping[str, Any]) -> None:
        self._happen(Moment("truth", did=str(record["did"]), machine=str(record.get("node") or "")))

    # --- what they do about it ---------------------------------------------------------------

    def _plan(self, moment: Moment) -> None:
        self._happen(moment)
        if self._play.start and moment.campaign not in self._started:
            self._started.add(moment.campaign)
            self._later(
                self._play.start_after_s, lambda: self._type(self.requester, f"/rollup start {moment.campaign}")
            )

    def _gate(self, moment: Moment) -> None:
        gate = moment.gate or f"{moment.campaign}.{moment.step}.{moment.ts}"
        if gate not in self._gates:
            self._gates.append(gate)
        step, times = self._asked
        self._asked = (moment.step, times + 1 if step == moment.step else 1)
        acts = self._happen(moment)
        if self._asked[1] >= MOST_GATES and not self._coming and not self._awaited(moment):
            self._end(Ending(moment.campaign, WAITING, "", moment.step))
            return
        if any(each.instead for each in acts):
            return
        approvers = self._approvers()
        if approvers:
            who = approvers[self._gates.index(gate) % len(approvers)]
            self._later(self._play.approve_after_s, lambda: self._react(who, self._play.emoji, moment, add=True))

    def _awaited(self, moment: Moment) -> bool:
        """Whether somebody will do something at a later gate of this step."""
        acts = enumerate(self._play.act)
        return any(meant(each, moment) and self._counts[place] < each.nth for place, each in acts)

    def _approvers(self) -> tuple[str, ...]:
        if self._play.approvers:
            return self._play.approvers
        listed = (p.name for p in self._scenario.people if "approver" in p.roles)
        first = next((name for name in listed if self._space.person(name).id != self._requester_id), None)
        return (first,) if first else ()

    def _closed(self, moment: Moment, rule: str) -> None:
        ending = Ending(moment.campaign, moment.outcome, rule, moment.step)
        self._asked = ("", 0)
        with self._woken:  # no act is done before it is known what it mends
            acts = self._happen(moment)
            if acts:
                self._mending = Mending(ending, moment.ts, len(acts))
            elif self._mending and self._mending.left and moment.outcome in GOES_ON:
                self._mending.ending = ending  # somebody is still about to mend what stopped it before
            else:
                self._end(ending)

    def _refused(self, user: str) -> None:
        """A command was not carried out. Nothing can come of a play, or of a stop, if that was all that was tried."""
        first = any(each.when == "start" and each.do == "type" for each in self._play.act)
        if not self._seen and user == self._requester_id and not first:
            self._end(Ending("", NOT_BEGUN, "", ""))
        with self._woken:
            mending = self._mending
            if mending and user in mending.waiting:
                mending.waiting.remove(user)
                mending.refused += 1
        self._look_for_the_end()

    def _acted(self, moment: Moment) -> None:
        """One of the acts of a stop has happened."""
        with self._woken:
            mending = self._mending
            if not mending or mending.ts != moment.ts or moment.when != "closed":
                return
            mending.left -= 1
            if not mending.left:
                self._later(max(QUIET_WALL_S * self._clock.speed, QUIET_S), partial(self._quiet, mending))
        self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        mending = self._mending
        if mending and mending.refused and not mending.waiting and not mending.left:
            self._later(REFUSED_WALL_S * self._clock.speed, partial(self._quiet, mending))

    def _quiet(self, mending: Mending) -> None:
        if mending is self._mending and not mending.went_on:
            self._end(mending.ending)

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        self._ended.set()

    def _happen(self, moment: Moment) -> list[Act]:
        """Plan the acts that this moment brings; the ones planned."""
        coming = []
        with self._woken:
            if moment.when == "gate":
                self._last_gate = moment
            elif moment.when == "truth":  # happens on a machine: whoever reacts to it does so at the gate last seen
                gate = self._last_gate
                moment = replace(
                    moment, campaign=gate.campaign, channel=gate.channel, ts=gate.ts, thread_ts=gate.thread_ts
                )
            for place, each in enumerate(self._play.act):
                if not meant(each, moment):
                    continue
                self._counts[place] += 1
                count = self._counts[place]
                if count >= each.nth and (not each.times or count < each.nth + each.times):
                    coming.append(each)
                    self._coming += 1
                    self._later(each.after_s, partial(self._do, each, moment))
        return coming

    def _do(self, what: Act, moment: Moment) -> None:
        with self._woken:
            self._coming -= 1
        if what.do == "kill_bot":
            if self._kill_bot:
                self._kill_bot()
        elif what.do == "estate":
            if self._estate:
                self._estate(what)
        elif what.do in {"react", "unreact"}:
            self._react(what.who, what.emoji, moment, add=what.do == "react")
        else:
            text = what.text.replace("{campaign}", moment.campaign or next(iter(self._started), ""))
            who = what.who or self.requester
            if what.do == "type":
                if moment.when == "closed" and self._mending and self._mending.ts == moment.ts:
                    self._mending.waiting.append(self._space.person(who).id)
                self._type(who, text)
            else:
                self._note(text)
                self._try(
                    {
                        "as": who,
                        "type": "message",
                        "text": text,
                        "channel": moment.channel,
                        "thread_ts": moment.thread_ts,
                    }
                )
        self._acted(moment)

    def _type(self, who: str, line: str) -> None:
        self._last_typed[self._space.person(who).id] = line
        self._try({"as": who, "type": "command", "text": line})
        self._note(line)

    def _note(self, line: str) -> None:
        """Remember whether the campaign was told to rest."""
        word = "".join(line.split()[1:2])
        if word == "pause":
            self._rests = True
            self._rest(self._told)
        elif word not in LOOKS:
            self._rests = False

    def _rest(self, told: int) -> None:
        """A campaign that rests, and about which nothing was said for long, waits for a person whom nobody plays."""

        def look() -> None:
            if not self._rests:
                return
            if self._coming or self._told != told:
                self._rest(self._told)
            else:
                self._end(Ending(self._last_gate.campaign, WAITING, "", self._last_gate.step))

        self._later(max(REST_WALL_S * self._clock.speed, QUIET_S), look)

    def _again(self, user: str) -> None:
        if self._typed_again < TYPE_AGAIN and user in self._last_typed:
            self._typed_again += 1
            self._try({"as": user, "type": "command", "text": self._last_typed[user]})

    def _react(self, who: str, emoji: str, moment: Moment, *, add: bool) -> None:
        self._try(
            {
                "as": who,
                "type": "react" if add else "unreact",
                "emoji": emoji,
                "channel": moment.channel,
                "ts": moment.ts,
            }
        )

    def _try(self, order: dict[str, Any]) -> None:
        try:
            act(self._space, order)
        except SlackError:
            pass  # the message is gone, or the emoji is there already: a person shrugs and goes on

    # --- lab time ----------------------------------------------------------------------------

    def _later(self, lab_seconds: float, do: Callable[[], None]) -> None:
        with self._woken:
            heapq.heappush(self._due, (self._clock.now() + lab_seconds, next(self._order), do))
            self._woken.notify_all()

    def _run(self) -> None:
        while True:
            with self._woken:
                if self._stopped:
                    return
                left = (self._due[0][0] - self._clock.now()) / self._clock.speed if self._due else LOOK_S
                if left > 0:
                    self._woken.wait(min(left, LOOK_S))
                    continue
                do = heapq.heappop(self._due)[2]
            do()
