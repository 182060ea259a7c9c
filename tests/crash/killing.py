"""Plays a scenario while the bot is killed with SIGKILL at chosen transitions, and judges what the truth log says."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.lab.play import Result, play
from bot.lab.scenario import load
from bot.lab.session import PracticeSession
from state.connect import connect
from state.server import EmbeddedServer
from state.store import Store
from tests.crash.redis_proxy import RedisProxy


@dataclass(frozen=True)
class Played:
    """What a played campaign left behind."""

    result: Result
    truth: list[dict[str, Any]]
    transitions: int
    transcript: bytes
    log: str


def play_and_kill(scenario: str, at: dict[int, str], *, speed: float = 600.0, limit_s: float = 120.0) -> Played:
    """Play with the bot killed at the given transitions: {number: "before" | "after"}."""
    with tempfile.TemporaryDirectory(prefix="rl-") as name:
        folder = Path(name)
        server = EmbeddedServer(folder / "r")
        server.start()
        truth = folder / "truth.jsonl"
        session: PracticeSession | None = None

        def broken() -> None:
            if session is not None:
                session.kill_bot()

        proxy = RedisProxy(folder / "p.sock", str(server.socket), at=lambda n: at.get(n, ""), broken=broken)
        try:
            session = PracticeSession(load(scenario), folder=folder, redis_url=proxy.url, speed=speed, truth=truth)
            session.start(0)
            result = play(session, say=lambda _line: None, limit_s=limit_s)
            store = Store(connect(server.url))
            transcript = store.export(result.campaign) if result.campaign else b""
        finally:
            if session is not None:
                session.stop()
            proxy.close()
            server.stop()
        log = (folder / "bot.log").read_text(errors="replace")
        lines = [json.loads(line) for line in truth.read_text().splitlines()]
        return Played(result, lines, proxy.transitions, transcript, log)


def doubled(truth: list[dict[str, Any]]) -> list[str]:
    """Every job that caused more than one command, and every machine installed more than once."""
    jobs = Counter(line["job"] for line in truth if line["did"] == "command_started" and line.get("job"))
    nodes = Counter(line["node"] for line in truth if line["did"] == "install_started")
    return [f"{job}: {n} commands" for job, n in jobs.items() if n > 1] + [
        f"{node}: {n} installs" for node, n in nodes.items() if n > 1
    ]


def not_approved(truth: list[dict[str, Any]]) -> list[str]:
    """Every command of a job before which nobody but the requester had reacted on that job's own gate."""
    asked = {
        line["user"] for line in truth if line["did"] == "typed" and line["text"].split()[1:2] in (["plan"], ["start"])
    }
    gates: dict[str, str] = {}  # ts of a gate's message -> "<campaign>-…-<step>-<attempt>"
    voted: set[tuple[str, str, str]] = set()
    wrong = []
    for line in truth:
        if line["did"] == "posted" and (line.get("metadata") or {}).get("event_type") == "rollup_gate":
            payload = line["metadata"]["event_payload"]
            gates[line["ts"]] = f"{payload['campaign']} {payload['step']} {payload['attempt']}"
        elif line["did"] == "reacted" and line["ts"] in gates and line["user"] not in asked:
            voted.add(tuple(gates[line["ts"]].split()))  # type: ignore[arg-type]
        elif line["did"] == "command_started" and line.get("job"):
            campaign, rest = line["job"].rsplit("-", 4)[0], line["job"].rsplit("-", 4)[1:]
            if (campaign, rest[1], rest[2]) not in voted:
                wrong.append(f"{line['line']} ({line['job']})")
    return wrong
