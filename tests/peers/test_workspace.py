"""`rollup-bot lab workspace`: Slack's own clients connect, and a bolt app that knows nothing of us works there."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.aiohttp import SocketModeClient as AiohttpClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.socket_mode.websocket_client import SocketModeClient as WebsocketClient
from slack_sdk.socket_mode.websockets import SocketModeClient as WebsocketsClient
from slack_sdk.web.async_client import AsyncWebClient

from handlers import hang_up
from tests.peers.conftest import Running, free_ports, rollup_bot
from tests.peers.slack_client import People
from tests.waiting import until

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("plain_surroundings")]


@dataclass
class Served:
    """A running `lab workspace` and what it printed."""

    port: int
    said: dict[str, Any]
    people: People

    @property
    def channel(self) -> str:
        return str(self.people.state()["channels"][0]["id"])

    def sockets(self) -> int:
        return int(self.people.state()["sockets"])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("workspace"), free_ports(1)
    running = Running(folder, "lab", "workspace", "--scenario", "ccr", "--port", str(port), "--speed", "60")
    said = running.announced()
    yield Served(port, said, People(said["page"]))
    assert running.end() == 0


def test_the_line_says_where_it_is_with_which_tokens_and_who_is_there(served: Served) -> None:
    assert set(served.said) == {"api", "page", "bot_token", "app_token", "users"}
    assert served.said["api"] == f"http://127.0.0.1:{served.port}/api/"
    assert served.said["page"] == f"http://127.0.0.1:{served.port}/"
    assert served.said["bot_token"].startswith("xoxb-")
    assert served.said["app_token"].startswith("xapp-")
    assert served.said["users"] == {p["real_name"]: p["id"] for p in served.people.state()["people"] if not p["is_bot"]}
    assert set(served.said["users"]) == {"Alice", "Bob", "Carol", "Dave"}


@pytest.mark.parametrize("client_class", [SocketModeClient, WebsocketClient])
def test_a_blocking_socket_mode_client_connects_and_acknowledges(served: Served, client_class: Any) -> None:
    heard: list[SocketModeRequest] = []

    def listen(client: Any, request: SocketModeRequest) -> None:
        heard.append(request)
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload={"text": "heard"}))

    client = client_class(app_token=served.said["app_token"], web_client=WebClient(base_url=served.said["api"]))
    client.socket_mode_request_listeners.append(listen)
    try:
        client.connect()
        until(lambda: served.sockets() == 1)
        line = f"/rollup status {client_class.__module__}"
        assert served.people.act(as_="Alice", type="command", channel=served.channel, text=line)["ok"]
        until(lambda: heard)
        assert heard[0].type == "slash_commands"
        assert f"/rollup {heard[0].payload['text']}" == line
        assert heard[0].payload["user_id"] == served.said["users"]["Alice"]
        until(lambda: "heard" in served.people.texts())
    finally:
        client.close()
    until(lambda: served.sockets() == 0)


@pytest.mark.parametrize("client_class", [AiohttpClient, WebsocketsClient])
def test_an_async_socket_mode_client_connects_and_acknowledges(served: Served, client_class: Any) -> None:
    async def talk() -> None:
        heard: list[SocketModeRequest] = []

        async def listen(client: Any, request: SocketModeRequest) -> None:
            heard.append(request)
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

        web = AsyncWebClient(base_url=served.said["api"])
        client = client_class(app_token=served.said["app_token"], web_client=web)
        client.socket_mode_request_listeners.append(listen)
        try:
            await client.connect()
            await asyncio.to_thread(until, lambda: served.sockets() == 1)
            words = {"as_": "Bob", "type": "message", "channel": served.channel, "text": client_class.__module__}
            assert (await asyncio.to_thread(lambda: served.people.act(**words)))["ok"]
            await asyncio.to_thread(until, lambda: heard)
            assert heard[0].payload["event"]["text"] == client_class.__module__
        finally:
            await client.close()

    before = len(served.people.state()["log"]["not_acked"])
    asyncio.run(talk())
    until(lambda: served.sockets() == 0)
    assert len(served.people.state()["log"]["not_acked"]) == before


class Bolted:
    """A bolt app as its documentation shows one: it answers a command and a reaction."""

    def __init__(self, served: Served) -> None:
        self.listeners = ThreadPoolExecutor(5, thread_name_prefix="listeners")
        client = WebClient(token=served.said["bot_token"], base_url=served.said["api"])
        self.app = App(client=client, listener_executor=self.listeners)
        self.handler = SocketModeHandler(self.app, served.said["app_token"])

        @self.app.command("/rollup")
        def command(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
            ack(f"working on {body['text']}")
            client.chat_postMessage(channel=body["channel_id"], text=f"gate for {body['text']}")

        @self.app.event("reaction_added")
        def reacted(event: dict[str, Any], client: WebClient) -> None:
            client.chat_postMessage(
                channel=event["item"]["channel"],
                thread_ts=event["item"]["ts"],
                text=f"<@{event['user']}> said {event['reaction']}",
            )

        @self.app.event("message")
        def anything(event: dict[str, Any]) -> None:
            pass


@pytest.fixture
def bolted(served: Served) -> Iterator[Bolted]:
    app = Bolted(served)
    app.handler.connect()
    until(lambda: served.sockets() == 1)
    yield app
    hang_up(app.handler)
    app.listeners.shutdown()


@pytest.mark.usefixtures("bolted")
def test_a_bolt_app_answers_a_command_a_reaction_and_both_again_after_a_disconnect_frame(served: Served) -> None:
    people, channel = served.people, served.channel

    def campaign(name: str, emoji: str) -> None:
        assert people.act(as_="Alice", type="command", channel=channel, text=f"/rollup plan {name}")["ok"]
        gate = until(lambda: [m for m in people.messages() if m["text"] == f"gate for plan {name}"])[0]
        told = until(lambda: [m for m in people.messages() if m["text"] == f"working on plan {name}"])
        assert told[0]["only_for"] == served.said["users"]["Alice"]
        assert people.act(as_="Bob", type="react", channel=channel, emoji=emoji, ts=gate["ts"])["ok"]
        wanted = f"<@{served.said['users']['Bob']}> said {emoji}"
        answer = until(lambda: [m for m in people.messages() if m["text"] == wanted and m["thread_ts"] == gate["ts"]])
        assert answer[0]["user"] == people.state()["app"]["user"]

    campaign("ONE", "white_check_mark")
    assert people.control("disconnect", "refresh_requested")["ok"]
    campaign("TWO", "+1::skin-tone-3")
    until(lambda: served.sockets() == 1)
    assert people.state()["log"]["unknown_methods"] == {}


def test_a_wrong_token_and_an_unknown_method_are_refused_as_slack_refuses_them(served: Served) -> None:
    api = served.said["api"]
    for token, call, error in (
        ("xoxb-guessed", "auth.test", "invalid_auth"),
        (served.said["bot_token"], "chat.postMesage", "unknown_method"),
        (served.said["bot_token"], "apps.connections.open", "not_allowed_token_type"),
    ):
        with pytest.raises(SlackApiError) as refused:
            WebClient(token=token, base_url=api).api_call(call)
        assert refused.value.response["error"] == error


def test_a_person_nobody_knows_and_one_who_is_not_there_cannot_act(served: Served) -> None:
    assert served.people.act(as_="Mallory", type="message", text="hello")["error"] == "user_not_found"
    assert served.people.act(as_="Alice", type="message", channel="C0NOWHERE", text="x")["error"] == "channel_not_found"


def test_a_port_that_is_taken_is_said_in_one_plain_sentence() -> None:
    port = free_ports(1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        done = rollup_bot("lab", "workspace", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: port {port} is taken by another program; choose another with --port\n"


def test_it_ends_when_it_is_interrupted(run_on: Callable[..., Running]) -> None:
    running = run_on("lab", "workspace")
    assert running.announced()["page"].startswith("http://127.0.0.1:")
    assert running.end(signal.SIGINT) == 130
    assert running.err.read_text(encoding="utf-8") == ""
