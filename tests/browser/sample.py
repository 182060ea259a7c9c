"""A page with something on it: sample messages of every kind, posted through the Web API by a stand-in for the bot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.lab.clock import LabClock
from bot.lab.workspace import Channel, Controls, Person, RunningWorkspace, Workspace, serve_workspace
from handlers import hang_up

CHANNEL = "C0EXCHANGEOPS"
ALICE, BOB, CAROL, DAVE = "U0ALICE00", "U0BOB0000", "U0CAROL00", "U0DAVE000"
CAMPAIGN = "CLUSTER01-1"
COMMAND = 'cluster.exe CLUSTER01 group "Cluster Group" /move:EXN1'
TABLE = """machine  role       level      owns
EXN1     active     8.3.485.1  CMS1
EXN2     passive    8.3.485.1  Cluster Group
SCR1     standby    8.3.485.1  nothing"""

Block = dict[str, Any]


def header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in texts]}


def preformatted(text: str, lead: str = "") -> Block:
    parts: list[Block] = [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}]
    if lead:
        parts.insert(0, {"type": "rich_text_section", "elements": [{"type": "text", "text": lead}]})
    return {"type": "rich_text", "elements": parts}


def estate() -> dict[str, Any]:
    """A CCR cluster and its SCR target, at rest."""

    def machine(name: str, **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "level": "8.3.485.1",
            "online": True,
            "reachable": True,
            "doing": "",
            "standby_for": [],
            **more,
        }

    def copy(group: str, kind: str, where: str) -> dict[str, Any]:
        return {
            "storage_group": group,
            "kind": kind,
            "machine": where,
            "state": "Healthy",
            "copy_queue": 0,
            "replay_queue": 2 if kind == "ccr" else 53,
        }

    return {
        "now": 0.0,
        "clusters": [
            {
                "name": "CLUSTER01",
                "kind": "ccr",
                "os": "2008",
                "quorum": {
                    "model": "node-and-share",
                    "votes": 3,
                    "needed": 2,
                    "margin": 1,
                    "witness": "",
                    "witness_ok": True,
                },
                "nodes": [
                    machine("EXN1", state="Up", groups=["CMS1"], cms=["CMS1"]),
                    machine("EXN2", state="Up", groups=["Cluster Group", "Available Storage"], cms=[]),
                ],
                "groups": [
                    {"name": "CMS1", "owner": "EXN1", "state": "Online", "core": False, "cms": "CMS1"},
                    {"name": "Cluster Group", "owner": "EXN2", "state": "Online", "core": True, "cms": ""},
                    {"name": "Available Storage", "owner": "EXN2", "state": "Offline", "core": False, "cms": ""},
                ],
                "cms": [
                    {
                        "name": "CMS1",
                        "node": "EXN1",
                        "state": "Online",
                        "mail": "up",
                        "since": 0.0,
                        "down_s": 0.0,
                        "databases": [
                            {"name": "MBX1", "storage_group": "SG1", "mounted": True},
                            {"name": "MBX2", "storage_group": "SG2", "mounted": True},
                        ],
                        "copies": [
                            copy("SG1", "ccr", "EXN2"),
                            copy("SG1", "scr", "SCR1"),
                            copy("SG2", "ccr", "EXN2"),
                            copy("SG2", "scr", "SCR1"),
                        ],
                    }
                ],
            }
        ],
        "machines": [machine("SCR1", roles=["Mailbox"], standby_for=["CMS1\\SG1", "CMS1\\SG2"])],
    }


class Sample:
    """The range with a stand-in bot that answers `/rollup plan` with a whole thread, and votes with words."""

    def __init__(self) -> None:
        self.clock = LabClock(datetime(2026, 3, 14, 20, 0, tzinfo=UTC))
        people = [
            Person(id=ALICE, name="alice", real_name="Alice", roles=("requester",)),
            Person(id=BOB, name="bob", real_name="Bob", roles=("approver",)),
            Person(id=CAROL, name="carol", real_name="Carol", roles=("approver",)),
            Person(id=DAVE, name="dave", real_name="Dave"),
        ]
        self.space = Workspace(people, [Channel(id=CHANNEL, name="exchange-ops")], self.clock)
        self.estate = estate()
        self.lock = threading.Lock()
        self.controlled: list[tuple[str, Any]] = []
        scenarios = [
            ("ccr", "A healthy two-node CCR cluster with one stand-alone SCR target"),
            ("bot-killed", "The bot is killed in the middle of an install"),
        ]
        self.server: RunningWorkspace = serve_workspace(
            self.space,
            estate_state=self.seen,
            controls=Controls(
                speed=self.clock.set_speed,
                start_again=lambda name: self.controlled.append(("again", name)),
                kill_bot=lambda: self.controlled.append(("kill", None)),
                scenarios=scenarios,
                scenario=lambda: "ccr",
            ),
        )
        self.slack = WebClient(token=self.space.app.bot_token, base_url=self.server.api_url)
        self.thread = ""
        self.gate_ts = ""
        self.listeners = ThreadPoolExecutor(5, thread_name_prefix="listeners")
        app = App(client=self.slack, listener_executor=self.listeners)

        @app.command("/rollup")
        def command(ack: Ack, body: dict[str, Any]) -> None:
            word = body["text"].split(" ")[0]
            if word == "plan":
                ack()
                self.plan(body["user_id"])
            elif word == "start":
                ack()
                self.gate()
            else:
                ack(f"There is no command `{word}`. Did you mean `/rollup plan`?")

        @app.event("reaction_added")
        def reacted(event: dict[str, Any]) -> None:
            self.vote(event["user"], event["item"]["ts"], event["reaction"])

        @app.event("reaction_removed")
        @app.event("message")
        @app.event("app_mention")
        @app.event("app_home_opened")
        def heard() -> None: ...

        self.bolt = SocketModeHandler(app, self.space.app.app_token)
        self.bolt.connect()  # type: ignore[no-untyped-call]

    def seen(self) -> dict[str, Any]:
        with self.lock:
            return {**self.estate, "now": self.clock.now()}

    def change(self, do: Callable[[dict[str, Any]], None]) -> None:
        """Change the estate; the panel follows."""
        import copy

        with self.lock:
            fresh = copy.deepcopy(self.estate)
            do(fresh)
            self.estate = fresh

    def post(self, kind: str, text: str, blocks: list[Block], *, thread: bool = True, **payload: Any) -> str:
        answer = self.slack.chat_postMessage(
            channel=CHANNEL,
            text=text,
            blocks=blocks,
            thread_ts=self.thread if thread else None,
            metadata={"event_type": f"rollup_{kind}", "event_payload": {"campaign": CAMPAIGN, **payload}},
        )
        return str(answer["ts"])

    def plan(self, user: str) -> None:
        now = int(self.clock.now())
        self.thread = self.post(
            "card",
            "PRACTICE · KB4011325 on CLUSTER01",
            [
                header("PRACTICE · KB4011325 on CLUSTER01"),
                section(
                    f"*Proposed.* <@{user}> can begin it with `/rollup start {CAMPAIGN}`.\nSafe to walk away: nothing runs."
                ),
                section(
                    "·  1. Update SCR1\n·  2. Empty EXN2\n·  3. Update EXN2\n·  4. Move CMS1 to EXN2\n·  5. Empty EXN1\n·  6. Update EXN1"
                ),
                context(
                    f"campaign `{CAMPAIGN}`",
                    f"asked for by <@{user}> <!date^{now}^{{date_short_pretty}} {{time}}|then>",
                ),
            ],
            thread=False,
        )
        self.post(
            "plan",
            "PRACTICE · Plan for KB4011325 on CLUSTER01",
            [
                header("PRACTICE · Plan: KB4011325 on CLUSTER01"),
                section(
                    "*Update Rollup 23 for Exchange Server 2007 SP3* to level `8.3.517.0`: 6 steps, 1 handoff, about 52 min. "
                    "Users without mail for about *2 min* in all.\nEvery step waits for a second person."
                ),
                preformatted(TABLE),
                section(
                    "*Steps, and what put each one there*\n1. *Update SCR1*, SCR targets come before any node (`scr-first`)\n"
                    "2. *Empty EXN2*, it is passive and owns `Cluster Group` (`node-empty`)\n3. *Update EXN2* (`passive-first`)"
                ),
                section(
                    "✓  14 checks pass: `package-declared`, `sp-matches`, `scr-first`, `copies-healthy`, `quorum-survives`"
                ),
                {"type": "divider"},
                section(
                    f"`/rollup start {CAMPAIGN}` begins it; good until <!date^{now + 86400}^{{date_short_pretty}} {{time}}|tomorrow>. "
                    "Nothing is locked or changed yet."
                ),
                context("package `KB4011325`", "sha256 `9f3b1c44a0d2e871`…", f"campaign `{CAMPAIGN}`"),
            ],
            event=3,
        )

    def gate(self) -> None:
        now = int(self.clock.now())
        self.post("line", "started", [section(":lock: Locked CLUSTER01 and SCR1. Started by <@U0ALICE00>.")])
        self.gate_ts = self.post(
            "gate",
            "PRACTICE · Gate: Empty EXN2",
            [
                header("PRACTICE · Gate: Empty EXN2"),
                section(
                    "Step 2 of 6 (`s02`, attempt 1) on *EXN2*, because it is passive and owns `Cluster Group` (`node-empty`).\n"
                    "*Nothing happens until a second person approves this message.*"
                ),
                section("*What will run, exactly*"),
                preformatted(COMMAND, "Move Cluster Group away (on EXN2, in the WinRM shell)"),
                preformatted(
                    'cluster.exe CLUSTER01 group "Available Storage" /move:EXN1', "Move Available Storage away"
                ),
                section(
                    "*Checked just now* (all 9 pass)\n✓  `node-passive` EXN2 holds no clustered mailbox server, three sources agree."
                    "\n      EXN2: groups = Cluster Group, Available Storage\n✓  `other-node-up` EXN1 is Up and not Paused."
                ),
                section("*Forecast:* no user downtime, the step takes about *8 s* (12 measured moves)."),
                {"type": "divider"},
                section(
                    f"*Who may approve:* <@{BOB}> or <@{CAROL}> (one of them). React with :white_check_mark: or :+1: to approve or "
                    f":no_entry: to reject; a rejection also counts from whoever asked.\n*Good until* "
                    f"<!date^{now + 3600}^{{date_short_pretty}} {{time}}|later>, then a new gate with new facts takes its place."
                ),
                context("evidence `4be19a02`", f"gate `{CAMPAIGN}.s02.1`"),
            ],
            step="s02",
            gate=f"{CAMPAIGN}.s02.1",
            attempt=1,
        )

    def vote(self, user: str, ts: str, emoji: str) -> None:
        if ts != self.gate_ts or emoji != "white_check_mark":
            return
        if user in {BOB, CAROL}:
            self.post(
                "line", "approved", [section(f":white_check_mark: <@{user}> approved `{CAMPAIGN}.s02.1`. Moving…")]
            )

            def moved(fresh: dict[str, Any]) -> None:
                for group in fresh["clusters"][0]["groups"]:
                    group["owner"] = "EXN1"
                fresh["clusters"][0]["nodes"][1] |= {"doing": "installing KB4011325, 42%", "state": "Paused"}

            self.change(moved)
            self.post(
                "closed",
                "PRACTICE · Done",
                [
                    header("PRACTICE · Done: KB4011325 on CLUSTER01"),
                    section("All three machines are at level `8.3.517.0`. Users were without mail for *104 s*."),
                ],
                outcome="done",
            )
            return
        asked = user == ALICE
        why = (
            "you planned this campaign yourself. Every step needs a second person."
            if asked
            else "you are not listed as an approver for CLUSTER01."
        )
        self.slack.chat_postEphemeral(
            channel=CHANNEL,
            user=user,
            thread_ts=self.thread,
            text=f"<@{user}>, your :white_check_mark: does not count: {why} <@{BOB}> or <@{CAROL}> can approve it.",
        )

    def stop(self) -> None:
        hang_up(self.bolt)
        self.server.stop()
        self.listeners.shutdown()
