"""/lab/…: what the practice range adds to Slack: acting as a person, the whole state, live changes, the page."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.lab.workspace import acts, shapes
from bot.lab.workspace.faults import Fault, Faults
from bot.lab.workspace.words import SlackError
from bot.lab.workspace.workspace import Workspace

FILES = Path(__file__).with_name("page")
KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
LOOK_EVERY_S = 0.4  # how often the estate is looked at while somebody watches
QUEUE_MOST = 2000  # changes a slow browser may be behind before it has to load the state anew
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
DISCONNECTS = ("warning", "refresh_requested", "link_disabled")  # the reasons Slack gives in a disconnect frame
LOCAL_HOSTS = {"127.0.0.1", "localhost", "[::1]"}

EstateState = Callable[[], dict[str, Any]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Controls:
    """What the page may ask of the range; None leaves the control out."""

    speed: Callable[[float], None] | None = None  # lab seconds a wall second
    start_again: Callable[[str], None] | None = None  # with a scenario's name
    scenarios: Sequence[tuple[str, str]] = ()  # name, one line about it
    scenario: Callable[[], str] | None = None  # the name of the one being played
    kill_bot: Callable[[], None] | None = None  # SIGKILL; the range starts it again


@web.middleware
async def only_from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer only requests that name this machine, and only pages of our own: no foreign site may act here."""
    host = request.headers.get("Host", "").rsplit(":", 1)[0] or "127.0.0.1"
    origin = request.headers.get("Origin")
    if host not in LOCAL_HOSTS or (origin and origin.split("//", 1)[-1].rsplit(":", 1)[0] not in LOCAL_HOSTS):
        return web.Response(status=403, text="this practice workspace answers requests from this machine only")
    return await handler(request)


class Page:
    """The lab's endpoints, and the browsers that are watching."""

    def __init__(
        self,
        space: Workspace,
        loop: asyncio.AbstractEventLoop,
        estate_state: EstateState | None,
        controls: Controls,
        sockets: Callable[[], int],
        disconnect: Callable[[str], None],
    ) -> None:
        self._space, self._loop, self._estate_state, self._controls = space, loop, estate_state, controls
        self._disconnect = disconnect
        self.sockets = sockets  # how many the app has open
        self._watching: set[asyncio.Queue[str | None]] = set()
        self._looker: asyncio.Task[None] | None = None
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="lab-controls")
        self._estate: dict[str, Any] | None = None
        self._unwatch = space.watch(self._changed)

    def add_routes(self, app: web.Application, faults: Faults) -> None:
        """Register /lab/… and the page."""

        async def fault(request: web.Request) -> web.Response:
            try:
                faults.add(Fault(**(await request.json())))
            except (TypeError, ValueError) as wrong:
                return web.json_response({"ok": False, "error": str(wrong)}, status=400)
            return web.json_response({"ok": True})

        app.router.add_post("/lab/act", self._act)
        app.router.add_get("/lab/state", self._state)
        app.router.add_get("/lab/events", self._events)
        app.router.add_post("/lab/control", self._control)
        app.router.add_post("/lab/fault", fault)
        app.router.add_get("/", self._file)
        app.router.add_get("/page/{name:.+}", self._file)
        app.router.add_get("/archives/{channel}/{message}", self._permalink)

    def state(self) -> dict[str, Any]:
        """Everything: the workspace, the estate, what the page may control."""
        controls = {
            "speed": bool(self._controls.speed),
            "start_again": bool(self._controls.start_again),
            "kill_bot": bool(self._controls.kill_bot),
            "scenarios": [{"name": name, "about": about} for name, about in self._controls.scenarios],
            "scenario": self._controls.scenario() if self._controls.scenario else "",
        }
        return shapes.state(self._space) | {"controls": controls, "estate": self._look(), "sockets": self.sockets()}

    def _look(self) -> dict[str, Any] | None:
        return self._estate_state() if self._estate_state else None

    async def _act(self, request: web.Request) -> web.Response:
        try:
            order = await request.json()
            done = acts.act(self._space, order if isinstance(order, dict) else {})
        except SlackError as refused:
            return web.json_response({"ok": False, "error": refused.code, **refused.parts})
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_json"}, status=400)
        return web.json_response({"ok": True, **done})

    async def _state(self, _request: web.Request) -> web.Response:
        state = await self._loop.run_in_executor(self._aside, self.state)
        return web.json_response(state, headers={"Cache-Control": "no-store"})

    async def _control(self, request: web.Request) -> web.Response:
        try:
            order = await request.json()
            what, value = order["what"], order.get("value")
        except (ValueError, KeyError, TypeError, AttributeError):
            return web.json_response({"ok": False, "error": "invalid_arguments"}, status=400)
        run: Callable[[], None] | None = None
        if what == "speed" and (speed := self._controls.speed) and isinstance(value, int | float) and 0 < value <= 1000:
            run = lambda: speed(float(value))  # noqa: E731 - three one-line choices
        elif (
            what == "start_again"
            and (again := self._controls.start_again)
            and isinstance(value, str)
            and value in {name for name, _ in self._controls.scenarios}
        ):
            run = lambda: again(value)  # noqa: E731
        elif what == "kill_bot":
            run = self._controls.kill_bot
        elif what == "disconnect" and value in DISCONNECTS:
            run = lambda: self._disconnect(str(value))  # noqa: E731
        if not run:
            return web.json_response({"ok": False, "error": "invalid_arguments"}, status=400)
        future = self._loop.run_in_executor(self._aside, run)
        if what != "start_again":  # starting again may end this very server
            await future
        with self._space.lock:
            self._space.changed("clock", now=self._space.clock.now(), speed=self._space.clock.speed)
        return web.json_response({"ok": True})

    # --- live changes ------------------------------------------------------------------------

    def _changed(self, what: str, parts: dict[str, Any]) -> None:
        if self._watching:
            line = json.dumps({"what": what, **parts}, separators=(",", ":"))
            self._loop.call_soon_threadsafe(self._spread, line)

    def _spread(self, line: str) -> None:
        for queue in tuple(self._watching):
            if queue.qsize() >= QUEUE_MOST:
                self._watching.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(line)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._watching.add(queue)
        if self._looker is None or self._looker.done():
            self._looker = self._loop.create_task(self._keep_looking())
        try:
            await response.write(b'retry: 700\n\ndata: {"what":"ready"}\n\n')
            while True:
                try:
                    async with asyncio.timeout(15):
                        line = await queue.get()
                except TimeoutError:
                    line = '{"what":"alive"}'
                if line is None:
                    break
                await response.write(b"data: " + line.encode() + b"\n\n")
        except ConnectionError:
            pass  # the browser went away
        finally:
            self._watching.discard(queue)
        return response

    async def _keep_looking(self) -> None:
        speed = self._space.clock.speed
        while self._watching:
            if self._estate_state:
                estate = await self._loop.run_in_executor(self._aside, self._estate_state)
                # `now` always moves; a change is what moves besides.
                if self._estate is None or {**estate, "now": 0} != {**self._estate, "now": 0}:
                    self._estate = estate
                    self._spread(json.dumps({"what": "estate", "estate": estate}, separators=(",", ":")))
            if self._space.clock.speed != speed:
                speed = self._space.clock.speed
                self._spread(json.dumps({"what": "clock", "now": self._space.clock.now(), "speed": speed}))
            await asyncio.sleep(LOOK_EVERY_S)

    async def close(self) -> None:
        """Send the browsers away; they come back when the range is up again."""
        self._unwatch()
        if self._looker:
            self._looker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looker
        for queue in tuple(self._watching):
            queue.put_nowait(None)
        self._aside.shutdown(wait=False, cancel_futures=True)

    # --- the page ----------------------------------------------------------------------------

    async def _file(self, request: web.Request) -> web.Response:
        path = (FILES / request.match_info.get("name", "index.html")).resolve()
        if not path.is_relative_to(FILES) or path.suffix not in KINDS or not path.is_file():
            return web.Response(status=404, text="there is no such file")
        return web.Response(
            body=path.read_bytes(),
            content_type=KINDS[path.suffix],
            charset="utf-8",
            headers={
                "Content-Security-Policy": CSP,
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-cache",
            },
        )

    async def _permalink(self, request: web.Request) -> web.Response:
        digits = request.match_info["message"].removeprefix("p")
        target = f"/#{request.match_info['channel']}/{digits[:-6]}.{digits[-6:]}"
        raise web.HTTPFound(target)
