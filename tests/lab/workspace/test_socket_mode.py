"""Socket Mode as slack_sdk's four clients and an unmodified bolt app see it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import pytest
from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.aiohttp import SocketModeClient as AiohttpClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.socket_mode.websocket_client import SocketModeClient as WebsocketClient
from slack_sdk.socket_mode.websockets import SocketModeClient as WebsocketsClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.lab.workspace import RunningWorkspace, Workspace
from bot.lab.workspace.acts import act
from handlers import hang_up
from tests.lab.workspace.conftest import CHANNEL
from tests.waiting import until

ALICE, BOB = "U0ALICE00", "U0BOB0000"


@pytest.mark.peer
@pytest.mark.parametrize("client_class", [SocketModeClient, WebsocketClient])
def test_a_blocking_client_connects_gets_an_envelope_and_acknowledges_it(
    client_class: Any, server: RunningWorkspace, space: Workspace
) -> None:
    got: list[SocketModeRequest] = []

    def listen(client: Any, request: SocketModeRequest) -> None:
        got.append(request)
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload={"text": "heard"}))

    client = client_class(app_token=space.app.app_token, web_client=WebClient(base_url=server.api_url))
    client.socket_mode_request_listeners.append(listen)
    try:
        client.connect()
        until(server.connected)
        act(space, {"as": "alice", "type": "command", "text": "/rollup status"})
        until(lambda: got)
        assert (got[0].type, got[0].payload["command"], got[0].payload["text"]) == (
            "slash_commands",
            "/rollup",
            "status",
        )
        heard = until(lambda: [m for m in space.messages[CHANNEL].values() if m.only_for])
        assert (heard[0].text, heard[0].only_for) == ("heard", ALICE)
    finally:
        client.close()


async def _async_client(client_class: Any, server: RunningWorkspace, space: Workspace) -> None:
    got: list[SocketModeRequest] = []

    async def listen(client: Any, request: SocketModeRequest) -> None:
        got.append(request)
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client = client_class(app_token=space.app.app_token, web_client=AsyncWebClient(base_url=server.api_url))
    client.socket_mode_request_listeners.append(listen)
    try:
        await client.connect()
        await asyncio.to_thread(until, server.connected)
        act(space, {"as": "alice", "type": "message", "text": "hello"})
        await asyncio.to_thread(until, lambda: got)
        assert got[0].payload["event"]["text"] == "hello"
        await asyncio.to_thread(until, lambda: not server.sockets.waiting)
        assert not space.log.not_acked
    finally:
        await client.close()


@pytest.mark.peer
@pytest.mark.parametrize("client_class", [AiohttpClient, WebsocketsClient])
def test_an_async_client_connects_gets_an_envelope_and_acknowledges_it(
    client_class: Any, server: RunningWorkspace, space: Workspace
) -> None:
    asyncio.run(_async_client(client_class, server, space))


class Bolted:
    """An unmodified bolt app, and what it heard."""

    def __init__(self, server: RunningWorkspace, space: Workspace) -> None:
        self.heard: list[dict[str, Any]] = []
        self.listeners = ThreadPoolExecutor(5, thread_name_prefix="listeners")
        client = WebClient(token=space.app.bot_token, base_url=server.api_url)
        self.app = App(client=client, listener_executor=self.listeners)
        self.handler = SocketModeHandler(self.app, space.app.app_token)

        @self.app.command("/rollup")
        def command(ack: Ack, body: dict[str, Any], respond: Callable[..., Any], client: WebClient) -> None:
            ack(f"working on {body['text']}")
            respond("here it is", response_type="in_channel")
            client.reactions_add(
                channel=body["channel_id"],
                name="eyes",
                timestamp=client.chat_postMessage(channel=body["channel_id"], text="gate")["ts"],
            )

        @self.app.event("reaction_added")
        @self.app.event("reaction_removed")
        @self.app.event("message")
        @self.app.event("app_mention")
        @self.app.event("app_home_opened")
        def event(body: dict[str, Any]) -> None:
            self.heard.append(body["event"])

        @self.app.action("go")
        def clicked(ack: Ack, body: dict[str, Any]) -> None:
            ack()
            self.heard.append(body)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.heard if each["type"] == kind]


@pytest.fixture
def bolted(server: RunningWorkspace, space: Workspace) -> Iterator[Bolted]:
    bolt = Bolted(server, space)
    bolt.handler.connect()
    until(server.connected)
    yield bolt
    hang_up(bolt.handler)
    bolt.listeners.shutdown()


def texts(space: Workspace, *, ephemeral: bool) -> list[str]:
    return [m.text for m in space.messages[CHANNEL].values() if bool(m.only_for) == ephemeral]


@pytest.mark.peer
def test_a_bolt_app_answers_a_command_in_its_ack_by_response_url_and_by_posting(
    bolted: Bolted, space: Workspace
) -> None:
    act(space, {"as": "alice", "type": "command", "text": "/rollup plan CLUSTER01"})
    until(lambda: any("eyes" in m.reactions for m in space.messages[CHANNEL].values()))
    assert texts(space, ephemeral=True) == ["working on plan CLUSTER01"]
    assert sorted(texts(space, ephemeral=False)) == ["gate", "here it is"]


@pytest.mark.peer
def test_a_bolt_app_hears_reactions_mentions_and_changes_but_not_its_own_posts(
    bolted: Bolted, space: Workspace
) -> None:
    ts = act(space, {"as": "alice", "type": "message", "text": "@rollup status"})["ts"]
    act(space, {"as": "bob", "type": "react", "emoji": "+1::skin-tone-3", "ts": ts})
    act(space, {"as": "bob", "type": "unreact", "emoji": "+1::skin-tone-3", "ts": ts})
    act(space, {"as": "alice", "type": "edit", "ts": ts, "text": "never mind"})
    act(space, {"as": "alice", "type": "delete", "ts": ts})
    act(space, {"as": "alice", "type": "home"})
    until(lambda: bolted.of("app_home_opened"))  # in what order they come, and how often, is not promised
    until(lambda: bolted.of("app_mention") and bolted.of("reaction_added") and bolted.of("reaction_removed"))
    until(lambda: {each.get("subtype") for each in bolted.of("message")} >= {"message_changed", "message_deleted"})
    assert bolted.of("app_mention")[0]["text"] == f"<@{space.app.user_id}> status"
    assert bolted.of("reaction_added")[0]["reaction"] == "+1::skin-tone-3"
    assert bolted.of("reaction_removed")[0]["item"] == {"type": "message", "channel": CHANNEL, "ts": ts}
    assert {each.get("subtype", "") for each in bolted.of("message")} <= {"", "message_changed", "message_deleted"}
    assert bolted.of("app_home_opened")[0]["tab"] == "home"


@pytest.mark.peer
def test_a_bolt_app_survives_a_disconnect_frame_and_loses_nothing(
    bolted: Bolted, server: RunningWorkspace, space: Workspace
) -> None:
    first = server.sockets.links[0]
    server.disconnect("refresh_requested")
    until(lambda: server.connected() == 1 and server.sockets.links[0] is not first)
    for n in range(5):
        act(space, {"as": "alice", "type": "message", "text": f"after {n}"})
    until(lambda: {each["text"] for each in bolted.of("message")} == {f"after {n}" for n in range(5)})


@pytest.mark.peer
def test_a_click_on_a_button_reaches_the_app_with_its_value(bolted: Bolted, space: Workspace) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go", "value": "s01"}
    ts = bolted.app.client.chat_postMessage(
        channel=CHANNEL, text="?", blocks=[{"type": "actions", "elements": [button]}]
    )["ts"]
    act(space, {"as": "bob", "type": "click", "ts": ts, "action_id": "go"})
    clicked = until(lambda: bolted.of("block_actions"))[0]
    assert (clicked["user"]["id"], clicked["actions"][0]["value"]) == (BOB, "s01")


class RawClient:
    """A socket in our own hands: says nothing unless told to."""

    def __init__(self, server: RunningWorkspace, space: Workspace, *, acks: bool) -> None:
        self.frames: list[dict[str, Any]] = []
        self.pongs = 0
        self._acks, self._stop = acks, threading.Event()
        self.url = WebClient(token=space.app.app_token, base_url=server.api_url).apps_connections_open(
            app_token=space.app.app_token
        )["url"]
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        until(lambda: self.frames)

    async def _run(self) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(self.url, autoping=False) as socket:
            await socket.ping(b"sdk-ping-pong:1")
            while not self._stop.is_set():
                try:
                    frame = await socket.receive(timeout=0.05)
                except TimeoutError:
                    continue
                if frame.type == aiohttp.WSMsgType.PONG:
                    self.pongs += frame.data == b"sdk-ping-pong:1"
                elif frame.type == aiohttp.WSMsgType.TEXT:
                    body = json.loads(frame.data)
                    self.frames.append(body)
                    if self._acks and "envelope_id" in body:
                        await socket.send_json({"envelope_id": body["envelope_id"]})
                else:
                    return

    def envelopes(self) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if "envelope_id" in frame]

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def raw(server: RunningWorkspace, space: Workspace) -> Iterator[Callable[..., RawClient]]:
    made: list[RawClient] = []

    def make(*, acks: bool = True) -> RawClient:
        made.append(RawClient(server, space, acks=acks))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_the_first_frame_is_hello_and_a_ping_is_echoed(raw: Callable[..., RawClient], space: Workspace) -> None:
    client = raw()
    assert client.frames[0]["type"] == "hello"
    assert client.frames[0]["connection_info"]["app_id"] == space.app.app_id
    until(lambda: client.pongs == 1)


def test_an_unacknowledged_event_comes_three_times_more_with_new_envelope_and_same_event_id(
    raw: Callable[..., RawClient], space: Workspace
) -> None:
    client = raw(acks=False)
    act(space, {"as": "alice", "type": "message", "text": "anyone?"})
    until(lambda: len(space.log.not_acked) == 4)
    tries = client.envelopes()
    assert len({each["envelope_id"] for each in tries}) == 4
    assert len({each["payload"]["event_id"] for each in tries}) == 1
    assert [each["retry_attempt"] for each in tries] == [0, 1, 2, 3]
    assert [each["retry_reason"] for each in tries] == ["", "timeout", "timeout", "timeout"]
    assert [each["given_up"] for each in space.log.not_acked] == [False, False, False, True]


def test_an_unanswered_command_is_not_repeated_and_its_user_is_told(
    raw: Callable[..., RawClient], space: Workspace
) -> None:
    client = raw(acks=False)
    act(space, {"as": "alice", "type": "command", "text": "/rollup plan CLUSTER01"})
    told = until(lambda: [m for m in space.messages[CHANNEL].values() if m.only_for == ALICE])
    assert "got no answer" in told[0].text
    assert len(client.envelopes()) == 1


def test_an_event_goes_to_one_socket_and_may_be_acknowledged_on_another(
    raw: Callable[..., RawClient], server: RunningWorkspace, space: Workspace
) -> None:
    clients = [raw() for _ in range(3)]
    for n in range(20):
        act(space, {"as": "alice", "type": "message", "text": str(n)})
    until(lambda: sum(len(each.envelopes()) for each in clients) == 20)
    assert sum(bool(each.envelopes()) for each in clients) > 1  # chance of one socket getting all: 3 / 3**20
    until(lambda: not server.sockets.waiting)
    assert not space.log.not_acked


def test_an_event_is_kept_for_a_moment_until_a_socket_is_there(
    raw: Callable[..., RawClient], space: Workspace, server: RunningWorkspace
) -> None:
    act(space, {"as": "alice", "type": "message", "text": "early"})
    client = raw()
    assert until(client.envelopes)[0]["payload"]["event"]["text"] == "early"


def test_a_ticket_is_good_for_one_socket_only(raw: Callable[..., RawClient]) -> None:
    url = raw().url

    async def again() -> int:
        async with aiohttp.ClientSession() as session:
            try:
                async with session.ws_connect(url):
                    return 101
            except aiohttp.WSServerHandshakeError as refused:
                return refused.status

    assert asyncio.run(again()) == 403


def test_the_eleventh_socket_is_sent_away(raw: Callable[..., RawClient], server: RunningWorkspace) -> None:
    for _ in range(10):
        raw()
    assert raw().frames[0] == {**raw().frames[0], "type": "disconnect", "reason": "too_many_websockets"}
    assert server.connected() == 10


def test_a_warning_leaves_the_socket_in_use(
    raw: Callable[..., RawClient], server: RunningWorkspace, space: Workspace
) -> None:
    client = raw()
    server.disconnect("warning")
    until(lambda: client.frames[-1].get("reason") == "warning")
    act(space, {"as": "alice", "type": "message", "text": "still here?"})
    until(client.envelopes)


def test_a_disabled_link_opens_no_connection(server: RunningWorkspace, space: Workspace) -> None:
    server.disconnect("link_disabled")
    answer = WebClient(base_url=server.api_url).api_call(
        "auth.test", headers={"Authorization": f"Bearer {space.app.bot_token}"}
    )
    assert answer["ok"]
    with pytest.raises(Exception, match="link_disabled"):
        WebClient(base_url=server.api_url).apps_connections_open(app_token=space.app.app_token)
