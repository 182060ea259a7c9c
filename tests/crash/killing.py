"""A practice range whose connections can be broken at chosen moments, and judges that believe only the truth log."""

from __future__ import annotations

import json
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from bot.lab.play import Result, play
from bot.lab.scenario import Act, Scenario, load
from bot.lab.session import PracticeSession
from bot.lab.wsman import shells
from bot.procedure.order import check_events
from state.audit import read_transcript
from state.connect import connect
from state.replay import untaken
from state.server import EmbeddedServer
from state.store import Store
from state.words import Campaign, GateConsumed, GateOpened
from tests.crash.node_proxy import NodeProxy
from tests.crash.redis_proxy import RedisProxy, Transition

SPEED = 300.0
LIMIT_S = 240.0  # wall seconds a play may take on a busy computer; an idle one needs a tenth of it

# What a person on call does when the bot asks: look again. It approves nothing and disqualifies nobody.
LOOK_AGAIN = tuple(
    Act(when="closed", outcome=outcome, do="type", text="/rollup recheck {campaign}", after_s=120.0, times=0)
    for outcome in ("asking", "blocked")
)


def quick(name: str, *acts: Act, look_again: bool = True, install_s: float = 150.0) -> Scenario:
    """A scenario with shorter installs and further acts; what happens is the same."""
    found = load(name)
    timing = msgspec.structs.replace(found.timing, install_s=install_s, snapin_s=5.0)
    act = (*found.play.act, *(LOOK_AGAIN if look_again else ()), *acts)
    return msgspec.structs.replace(found, timing=timing, play=msgspec.structs.replace(found.play, act=act))


@dataclass
class Range:
    """A started range: kill the bot, stop the server, ask what the store says."""

    folder: Path
    server: EmbeddedServer
    session: PracticeSession
    redis: RedisProxy
    nodes: dict[str, NodeProxy] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def kill(self) -> None:
        """SIGKILL the bot; it is started again at once."""
        child = self.session.child
        if child is not None:
            child.starts = 0  # no growing pause between starts
            child.kill()

    @property
    def store(self) -> Store:
        """The store itself, past the proxy."""
        return Store(connect(self.server.url))

    def campaign(self) -> Campaign | None:
        """The one campaign of the range."""
        found = self.store.all(limit=1)
        return found[0] if found else None

    def truth(self) -> list[dict[str, Any]]:
        """What really happened so far."""
        return records(self.folder / "truth.jsonl")

    def log(self) -> str:
        """What the bot said of itself: for a failed test's message, never for judging."""
        return (self.folder / "bot.log").read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True)
class Played:
    """What a played campaign left behind."""

    result: Result
    truth: list[dict[str, Any]]
    transitions: int
    transcript: bytes
    killed: tuple[str, ...]
    locks: Mapping[str, str]
    log: str

    def wrong(self, *, outcome: str = "done") -> list[str]:
        """Every reason why this is no good campaign; [] when there is none."""
        ending = self.result.ending
        found = [] if ending and ending.outcome == outcome else [f"ended with {ending}, {self.result.unexpected}"]
        found += doubled(self.truth) + not_approved(self.truth) + out_of_order(self.transcript)
        found += not_on_its_gate(self.truth, self.transcript)
        if self.locks and outcome in ("done", "aborted"):
            found.append(f"locks are left: {dict(self.locks)}")
        return found

    def story(self) -> str:
        """For a failed test's message."""
        kinds = ("typed", "command_started", "install_started", "install_finished", "cms_moved", "job_refused")
        lines = [json.dumps(line) for line in self.truth if line["did"] in kinds]
        posts = [
            f"{line['t']} {line['metadata']}" for line in self.truth if line["did"] == "posted" and line.get("metadata")
        ]
        return "\n".join((f"killed: {self.killed}", *lines, "---", *posts[-12:], "---", self.log[-4000:]))


@contextmanager
def range_of(
    scenario: Scenario,
    *,
    speed: float = SPEED,
    at: Callable[[Range, Transition], str] = lambda _range, _transition: "",
    broken: Callable[[Range], None] = Range.kill,
    watched: bool = False,
) -> Iterator[Range]:
    """Everything started in a folder of its own. `at` says what befalls a transition, `broken` does it."""
    with tempfile.TemporaryDirectory(prefix="rl-") as name, _shells_age_fast():
        folder = Path(name)
        server = EmbeddedServer(folder / "r")
        server.start()
        if watched:
            server.watch(0.1)
        made: list[Range] = []
        proxy = RedisProxy(
            folder / "p.sock",
            str(server.socket),
            at=lambda transition: at(made[0], transition),
            broken=lambda: broken(made[0]),
        )
        session = PracticeSession(
            scenario, folder=folder, redis_url=proxy.url, speed=speed, truth=folder / "truth.jsonl"
        )
        made.append(Range(folder, server, session, proxy))
        _between(made[0])
        try:
            session.start(0)
            yield made[0]
        finally:
            session.stop()
            proxy.close()
            for node in made[0].nodes.values():
                node.close()
            server.stop()


@contextmanager
def _shells_age_fast() -> Iterator[None]:
    """A dead bot's shells count against WinRM's quota of five until they are idle for three minutes.

    Here minutes are less than a second, and a bot dies every few: let the range keep up.
    """
    was, shells.MIN_IDLE_WALL_S = shells.MIN_IDLE_WALL_S, 3.0
    try:
        yield
    finally:
        shells.MIN_IDLE_WALL_S = was


def _between(one: Range) -> None:
    """Put a proxy in front of every machine: the bot's settings name the proxies."""
    estate = one.session.estate
    straight = estate.urls

    def proxied() -> dict[str, str]:
        for name, url in straight().items():
            if name not in one.nodes:
                one.nodes[name] = NodeProxy(int(url.rsplit(":", 1)[1].partition("/")[0]))
        return {name: node.url for name, node in one.nodes.items()}

    estate.urls = proxied  # type: ignore[method-assign]


def played(one: Range, *, limit_s: float = LIMIT_S) -> Played:
    """Let the players carry the campaign to its end, and gather what is left behind."""
    result = play(one.session, say=lambda _line: None, limit_s=limit_s)
    campaign = one.campaign()
    store = one.store
    if campaign is not None and not result.campaign:
        result = replace(result, campaign=campaign.id)
    transcript = store.export(campaign.id) if campaign is not None else b""
    return Played(result, one.truth(), one.redis.transitions, transcript, tuple(one.killed), store.locks(), one.log())


def play_and_kill(scenario: str, at: Mapping[int, str], *, speed: float = SPEED, limit_s: float = LIMIT_S) -> Played:
    """Play with the bot killed at the given transitions: {number: "before" | "after"}."""

    def chosen(one: Range, transition: Transition) -> str:
        way = at.get(transition.number, "")
        if way:
            one.killed.append(f"{transition.number} {way} {'+'.join(transition.types)}")
        return way

    with range_of(quick(scenario), speed=speed, at=chosen) as one:
        return played(one, limit_s=limit_s)


# --- judges --------------------------------------------------------------------------------------------------------


def records(truth: Path) -> list[dict[str, Any]]:
    """The lines of a truth log."""
    return [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]


STOP_MOVE_START = [f"{verb}-ClusteredMailboxServer" for verb in ("Stop", "Move", "Start")]


def doubled(truth: list[dict[str, Any]]) -> list[str]:
    """Every job that caused more than one command, every machine installed twice, every command run twice.

    A campaign of these scenarios has no reason to run any command twice on one node, whatever breaks.
    """
    started = [line for line in truth if line["did"] == "command_started"]
    lines = Counter((line["node"], line["line"]) for line in started)
    nodes = Counter(line["node"] for line in truth if line["did"] == "install_started")
    return (
        too_many(truth)
        + [f"{node}: {n} installs" for node, n in nodes.items() if n > 1]
        + [f"{node}: {n} times {line}" for (node, line), n in lines.items() if n > 1]
    )


def too_many(truth: list[dict[str, Any]]) -> list[str]:
    """Every job that caused more than one command. `--stop-move-start` is one, that the range sees as three."""
    jobs: dict[str, list[str]] = {}
    for line in truth:
        if line["did"] == "command_started" and line.get("job"):
            jobs.setdefault(line["job"], []).append(line["line"].split()[0])
    return [
        f"{job}: {len(names)} commands" for job, names in jobs.items() if len(names) > 1 and names != STOP_MOVE_START
    ]


def not_approved(truth: list[dict[str, Any]]) -> list[str]:
    """Every command of a job before which nobody but the requester had reacted on that job's own gate."""
    asked = {
        line["user"] for line in truth if line["did"] == "typed" and line["text"].split()[1:2] in (["plan"], ["start"])
    }
    gates: dict[str, tuple[str, str, str]] = {}  # ts of a gate's message -> campaign, step, attempt
    voted: set[tuple[str, str, str]] = set()
    wrong = []
    for line in truth:
        if line["did"] == "posted" and (line.get("metadata") or {}).get("event_type") == "rollup_gate":
            payload = line["metadata"]["event_payload"]
            gates[line["ts"]] = (payload["campaign"], payload["step"], str(payload["attempt"]))
        elif line["did"] == "reacted" and line["ts"] in gates and line["user"] not in asked:
            voted.add(gates[line["ts"]])
        elif line["did"] == "command_started":
            if not line.get("job"):
                wrong.append(f"{line['line']} (of no job)")
                continue
            campaign, _nonce, step, attempt, _job = line["job"].rsplit("-", 4)
            if (campaign, step, attempt) not in voted:
                wrong.append(f"{line['line']} ({line['job']})")
    return wrong


def not_on_its_gate(truth: list[dict[str, Any]], transcript: bytes) -> list[str]:
    """Every consumed gate on whose one message, as the transcript names it, nobody but the requester had reacted."""
    if not transcript:
        return []
    _header, events, _footer = read_transcript(transcript)
    at: dict[str, str] = {}
    asked = {line["user"] for line in truth if line["did"] == "typed" and " start " in line["text"]}
    reacted = {line["ts"] for line in truth if line["did"] == "reacted" and line["user"] not in asked}
    wrong = []
    for recorded in events:
        if isinstance(recorded.event, GateOpened):
            at[recorded.event.gate] = recorded.event.ts
        elif isinstance(recorded.event, GateConsumed) and at.get(recorded.event.intent.gate) not in reacted:
            wrong.append(f"{recorded.event.intent.gate} was consumed without a vote on its message")
    return wrong


def out_of_order(transcript: bytes) -> list[str]:
    """What the transcript's reader, the transition function and the order checker object to: what `verify` asks."""
    if not transcript:
        return ["there is no transcript"]
    _header, events, _footer = read_transcript(transcript)
    if (odd := untaken(events)) is not None:
        return [f"event {odd[0]}: {odd[1]}"]
    return [f"event {v.version}: {v.rule}: {v.sentence}" for v in check_events(tuple(events))]
