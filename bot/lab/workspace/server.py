"""The workspace's server: Web API, Socket Mode, the lab's endpoints and the page, on 127.0.0.1, in its own thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import Any

from aiohttp import web

from bot.lab.doors import close_door
from bot.lab.workspace import lab_routes, web_api
from bot.lab.workspace.faults import Fault, Faults
from bot.lab.workspace.lab_routes import Controls, EstateState
from bot.lab.workspace.sockets import ACK_S, RETRY_AFTER, Sockets
from bot.lab.workspace.workspace import Workspace


class RunningWorkspace:
    """A served workspace. `.url` is the page, `.api_url` the Web API's base; `.stop()` ends it."""

    def __init__(
        self,
        space: Workspace,
        port: int,
        *,
        estate_state: EstateState | None,
        controls: Controls | None,
        ack_s: float,
        retry_after: tuple[float, ...],
        reply_s: float,
    ) -> None:
        self.space = space
        self.faults = Faults()
        self._reply_s = reply_s
        self._loop = asyncio.new_event_loop()
        self.sockets = Sockets(space, self._loop, ack_s=ack_s, retry_after=retry_after)
        self.page = lab_routes.Page(
            space, self._loop, estate_state, controls or Controls(), self.connected, self.disconnect
        )
        self._started: Future[int] = Future()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, args=(port,), name="lab-workspace", daemon=True)
        self._thread.start()
        self.port = self._started.result(timeout=20)
        self.url = f"{space.base_url}/"
        self.api_url = f"{space.base_url}/api/"
        space.connect(self.sockets.submit)

    def _serve(self, port: int) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._run(port))
        except OSError as trouble:
            self._started.set_exception(trouble)
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _run(self, port: int) -> None:
        app = web.Application(client_max_size=6 << 20, middlewares=[_without_the_gone, lab_routes.only_from_here])
        web_api.add_routes(app, self.space, self.sockets, self.faults, self._reply_s)
        self.page.add_routes(app, self.faults)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            door = socket.create_server(("127.0.0.1", port))
            await web.SockSite(runner, door).start()
            bound: int = door.getsockname()[1]
            self.space.base_url = f"http://127.0.0.1:{bound}"
            self._started.set_result(bound)
            await self._ended.wait()
            await self.page.close()
            await self.sockets.close()
            await close_door(self._loop, door)
        finally:
            await runner.cleanup()

    def disconnect(self, reason: str = "refresh_requested") -> None:
        """Send the app's sockets a disconnect frame: "warning", "refresh_requested" or "link_disabled"."""
        if reason == "link_disabled":
            self.sockets.disabled = True
        asyncio.run_coroutine_threadsafe(self.sockets.disconnect(reason), self._loop)

    def fault(self, method: str, kind: str, times: int = 1, value: str = "") -> None:
        """Break the next calls of a Web API method; kinds are in `faults.KINDS`."""
        self.faults.add(Fault(method, kind, times, value))

    def connected(self) -> int:
        """How many sockets the app has open."""
        return len(self.sockets.links)

    def notice(self, kind: str, text: str) -> None:
        """Say something about the range on the page: "bot_restarted", "bot_stopped"."""
        self.space.notice(kind, text)

    def state(self) -> dict[str, Any]:
        """What GET /lab/state answers."""
        return self.page.state()

    def stop(self) -> None:
        """Close every socket and the listening port; returns when it is done."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(timeout=10)


@web.middleware
async def _without_the_gone(request: web.Request, handler: lab_routes.Handler) -> web.StreamResponse:
    """A client that was killed while it asked is no fault of the range's: there is nobody left to answer."""
    try:
        return await handler(request)
    except ConnectionError:
        return web.Response(status=400)


def serve_workspace(
    space: Workspace,
    port: int = 0,
    *,
    estate_state: EstateState | None = None,
    controls: Controls | None = None,
    ack_s: float = ACK_S,
    retry_after: tuple[float, ...] = RETRY_AFTER,
    reply_s: float = 0.0,
) -> RunningWorkspace:
    """Serve a workspace on 127.0.0.1:`port` (0: any free one). Raises OSError when the port is taken.

    `estate_state()` gives the panel beside the chat its JSON, in any thread and often; see docs/lab.md for the shape.
    `ack_s` is in wall seconds; `retry_after` and `reply_s`, what each Web API call takes, in lab seconds.
    """
    return RunningWorkspace(
        space, port, estate_state=estate_state, controls=controls, ack_s=ack_s, retry_after=retry_after, reply_s=reply_s
    )
