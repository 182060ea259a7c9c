"""`rollup-bot lab`: the practice range for people, until they have had enough."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from bot.lab.scenario import load, names
from bot.lab.session import PracticeSession
from bot.lab.workspace.lab_routes import Controls

Folders = Callable[[], AbstractContextManager[tuple[Path, str]]]


def demo(
    name: str, *, port: int, speed: float, truth: Path | None, folders: Folders, say: Callable[[str], None]
) -> int:
    """Serve the page until SIGINT (130) or SIGTERM (0); "start again" on the page swaps the scenario in place.

    Raises ScenarioError, OSError when the port is taken.
    """
    over, again = threading.Event(), threading.Event()
    caught: list[int] = []
    wanted = name
    load(name)

    def stop(number: int, _frame: object) -> None:
        caught.append(number)
        over.set()
        again.set()

    def start_again(scenario: str) -> None:
        nonlocal wanted
        wanted = scenario
        again.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    told = False
    while not over.is_set():
        again.clear()
        scenario = load(wanted)
        about = tuple((one, load(one).title) for one in names())
        with folders() as (folder, url):
            session = PracticeSession(scenario, folder=folder, redis_url=url, speed=speed, truth=truth)
            try:
                session.start(port, Controls(start_again=start_again, scenarios=about, scenario=lambda: wanted))
                if not told and session.workspace.served is not None:
                    _welcome(session, say)
                    told = True
                again.wait()
                speed = session.clock.speed
            finally:
                session.stop()
    return 130 if signal.SIGINT in caught else 0


def _welcome(session: PracticeSession, say: Callable[[str], None]) -> None:
    served = session.workspace.served
    cluster = session.scenario.clusters[0].name
    say(f"The practice range is open: {served.url if served else ''}")
    say("Three lines to try there:")
    say(f"  1. as Alice:  /rollup plan {cluster}")
    say(f"  2. as Alice:  /rollup start {cluster}")
    say("  3. as Bob:    react with ✅ to each gate, and watch the machines beside the chat")
    say("Ctrl-C ends it; nothing is left behind.")
