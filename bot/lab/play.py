"""`lab --play`: played people carry one campaign to its end, and the thread is printed as it grows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.lab.moments import Ending
from bot.lab.players import Players
from bot.lab.scenario import Expect
from bot.lab.scenario_names import leaves
from bot.lab.session import PracticeSession

CONNECT_S = 60.0  # wall seconds the bot may take to come up
LIMIT_S = 1800.0  # wall seconds a played campaign may take in all, on a loaded machine too
WIDTH = 2000  # a line of the printed thread; the page shows everything


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended, and every way in which that is not what the scenario expects."""

    campaign: str
    ending: Ending | None
    unexpected: tuple[str, ...]


def play(session: PracticeSession, *, say: Callable[[str], None], limit_s: float = LIMIT_S) -> Result:
    """Play a started session to its end. Never raises for a campaign that goes wrong: the result says so."""
    space, served = session.workspace.space, session.workspace.served
    if served is None:
        raise RuntimeError("the session was not started")
    end = time.monotonic() + CONNECT_S
    while served.connected() == 0:
        if session.child is not None and session.child.refused:
            why = f"the bot does not start with these [settings]: {session.child.refused}"
            return Result("", None, (why,))
        if time.monotonic() > end:
            return Result("", None, ("the bot did not connect to the workspace",))
        time.sleep(0.05)
    printed: set[tuple[str, str]] = set()

    def show(what: str, parts: Mapping[str, Any]) -> None:
        if what != "message":
            return
        message = parts["message"]
        text = str(message.get("text") or "").strip()
        if not text or (message["ts"], text) in printed:
            return
        printed.add((message["ts"], text))
        who = space.people[message["user"]].real_name if message["user"] in space.people else message["user"]
        when = datetime.fromtimestamp(session.clock.now(), UTC).strftime("%H:%M:%S")
        only = " (only to " + space.person(message["only_for"]).real_name + ")" if message.get("only_for") else ""
        say(f"[{when}] {who}{only}: {text[:WIDTH]}")

    unwatch = space.watch(show)
    players = Players(
        session.scenario,
        space,
        session.clock,
        truth=session.truth,
        kill_bot=session.kill_bot,
        estate=session.estate.estate.act,
    )
    try:
        players.begin()
        ending = players.wait(limit_s)
    finally:
        players.stop()
        unwatch()
    return Result(ending.campaign if ending else "", ending, compare(session.scenario.expect, ending))


def compare(expect: Expect, ending: Ending | None) -> tuple[str, ...]:
    """Every difference between the ending and what the scenario says; () when it ended as it should."""
    if ending is None:
        return ("the campaign came to no end",)
    exits = "" if expect.outcome or expect.exit is None else str(expect.exit)  # an outcome says it already
    pairs = (
        ("exit", exits, str(leaves(ending.outcome))),
        ("outcome", expect.outcome, ending.outcome),
        ("rule", expect.rule, ending.rule),
        ("step", expect.step, ending.step),
    )
    return tuple(
        f"{name} is {found or 'nothing'}, expected {wanted}"
        for name, wanted, found in pairs
        if wanted and wanted != found
    )
