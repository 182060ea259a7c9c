"""`make bench`: the figures we promise, measured. Ratios hold between machines; absolute numbers are this one's.

* resident memory of bot, practice range and Valkey after a played `ccr`, summed
* from a reaction to the first WinRM request on a node, over every gate of played campaigns
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from bot.lab.players import Players
from bot.lab.scenario import load
from bot.lab.session import PracticeSession
from state.server import EmbeddedServer

RUNS = 5


def ask(url: str, order: dict[str, Any] | None = None) -> Any:
    """GET or POST one of the range's own endpoints."""
    data = json.dumps(order).encode() if order is not None else None
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def memory() -> dict[str, float]:
    """MB resident of each process after a whole campaign, driven from outside."""
    lab = subprocess.Popen(
        (sys.executable, "-m", "bot.cli", "lab", "--port", "18765", "--speed", "120"), stdout=subprocess.PIPE, text=True
    )
    try:
        assert lab.stdout is not None
        page = re.search(r"http://\S+", lab.stdout.readline() + lab.stdout.readline())
        base = page.group(0).rstrip("/") if page else "http://127.0.0.1:18765"
        end = time.monotonic() + 120
        approved: set[str] = set()
        started = False
        typed = 0.0
        while time.monotonic() < end:
            state = ask(f"{base}/lab/state")
            messages = [m for m in state["messages"] if m.get("metadata")]
            kinds = [(m["metadata"]["event_type"], m["metadata"]["event_payload"], m) for m in messages]
            if not kinds and time.monotonic() - typed > 4:
                typed = time.monotonic()
                ask(f"{base}/lab/act", {"as": "Alice", "type": "command", "text": "/rollup plan CLUSTER01 KB4011325"})
            for kind, payload, message in kinds:
                if kind == "rollup_plan" and not started:
                    started = True
                    ask(
                        f"{base}/lab/act",
                        {"as": "Alice", "type": "command", "text": f"/rollup start {payload['campaign']}"},
                    )
                if kind == "rollup_gate" and message["ts"] not in approved:
                    approved.add(message["ts"])
                    ask(
                        f"{base}/lab/act",
                        {
                            "as": "Bob",
                            "type": "react",
                            "emoji": "white_check_mark",
                            "channel": message["channel"],
                            "ts": message["ts"],
                        },
                    )
            if any(kind == "rollup_closed" for kind, _, _ in kinds):
                break
            time.sleep(0.1)
        else:
            raise RuntimeError("the campaign did not end")
        time.sleep(1.0)
        process = psutil.Process(lab.pid)
        found = {"lab": process.memory_info().rss / 1e6}
        for child in process.children(recursive=True):
            name = "valkey" if "valkey" in child.name() or "redis" in child.name() else "bot"
            found[name] = found.get(name, 0.0) + child.memory_info().rss / 1e6
        return found
    finally:
        lab.terminate()
        lab.wait(timeout=30)


def latency() -> list[float]:
    """Milliseconds from each approving reaction to the next WinRM request on any node, over several campaigns."""
    found: list[float] = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="rb-") as name:
            folder = Path(name)
            server = EmbeddedServer(folder / "r")
            server.start()
            session = PracticeSession(load("ccr"), folder=folder, redis_url=server.url, speed=240.0)
            requests: list[float] = []
            reactions: list[float] = []
            session.truth.listen(partial(_reacted, reactions))
            try:
                session.start(0)
                _record(session, requests)
                while session.workspace.served is not None and not session.workspace.served.connected():
                    time.sleep(0.05)
                players = Players(session.scenario, session.workspace.space, session.clock, truth=session.truth)
                players.begin()
                players.wait(120)
                players.stop()
            finally:
                session.stop()
                server.stop()
            for reacted in reactions:
                after = [at for at in requests if at >= reacted]
                if after:
                    found.append((min(after) - reacted) * 1000)
    return found


def _reacted(reactions: list[float], line: dict[str, Any]) -> None:
    if line["did"] == "reacted":
        reactions.append(time.monotonic())


def _record(session: PracticeSession, requests: list[float]) -> None:
    """Note when each WinRM request reaches a node."""
    for listener in session.estate.served.listeners.values():
        answer = listener._answer

        async def noting(*parts: Any, answer: Any = answer, **named: Any) -> Any:
            requests.append(time.monotonic())
            return await answer(*parts, **named)

        listener._answer = noting


def main() -> None:
    """Measure and print."""
    sizes = memory()
    print(
        f"resident after a played ccr: {sum(sizes.values()):.0f} MB of 200 "
        f"({', '.join(f'{name} {size:.0f}' for name, size in sizes.items())})"
    )
    times = latency()
    print(
        f"reaction to first WinRM request: p50 {statistics.median(times):.0f} ms of 150, "
        f"max {max(times):.0f} ms, {len(times)} gates in {RUNS} campaigns"
    )


if __name__ == "__main__":
    main()
