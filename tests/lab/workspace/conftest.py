"""A served workspace with Alice, Bob, Carol and Dave, and one channel with the app in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.lab.clock import LabClock
from bot.lab.workspace import App, Channel, Person, RunningWorkspace, Workspace, serve_workspace
from bot.lab.workspace.words import ALL_SCOPES

START = datetime(2026, 3, 14, 20, 0, tzinfo=UTC)
CHANNEL = "C0EXCHANGE"
PEOPLE = (
    Person(id="U0ALICE00", name="alice", real_name="Alice", roles=("requester",)),
    Person(id="U0BOB0000", name="bob", real_name="Bob", roles=("approver",)),
    Person(id="U0CAROL00", name="carol", real_name="Carol", roles=("approver",), tz="America/New_York"),
    Person(id="U0DAVE000", name="dave", real_name="Dave", is_restricted=True),
    Person(id="U0GONE000", name="gone", real_name="Gone", deleted=True),
)


class Said(list[dict[str, Any]]):
    """A truth log in memory."""

    def __call__(self, did: str, **fields: Any) -> None:
        self.append({"did": did, **fields})


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def clock() -> LabClock:
    return LabClock(START)


@pytest.fixture
def space(said: Said, clock: LabClock) -> Workspace:
    channels = [
        Channel(id=CHANNEL, name="exchange-ops"),
        Channel(id="C0ELSEWHE", name="elsewhere", members={"U0ALICE00"}),
    ]
    return Workspace(
        PEOPLE,
        channels,
        clock,
        truth=said,
        app=App(scopes=ALL_SCOPES),
        groups={"S0EXCHANG": ("U0ALICE00", "U0BOB0000")},
    )


@pytest.fixture
def server(space: Workspace) -> Iterator[RunningWorkspace]:
    running = serve_workspace(space, ack_s=0.6, retry_after=(0.0, 0.3, 0.5))
    yield running
    running.stop()


@pytest.fixture
def slack(server: RunningWorkspace, space: Workspace) -> WebClient:
    return WebClient(token=space.app.bot_token, base_url=server.api_url)
