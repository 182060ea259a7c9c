"""Socket Mode: tickets, sockets, envelopes, acknowledgements and what happens when there are none.

Every envelope goes to one socket chosen at random; an acknowledgement may come back on any other socket of
the app. Events are tried four times (new envelope_id, same event_id); commands and clicks once.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from bot.lab.workspace.words import SlackError
from bot.lab.workspace.workspace import Delivery, Workspace

MOST_SOCKETS = 10
ACK_S = 3.0  # wall seconds the app has for an acknowledgement
RETRY_AFTER = (0.0, 60.0, 300.0)  # lab seconds before the second, third and fourth try
TICKET_S = 30.0  # wall seconds
SESSION_S = 18060  # told in hello, as Slack tells it


@dataclass(eq=False, slots=True)
class Link:
    """One open socket."""

    ws: web.WebSocketResponse
    leaving: bool = False  # was told to disconnect: gets no new envelopes


@dataclass(slots=True)
class Sockets:
    """All sockets of the app. Lives in the server's loop; only `submit` may be called from other threads."""

    space: Workspace
    loop: asyncio.AbstractEventLoop
    ack_s: float = ACK_S
    retry_after: tuple[float, ...] = RETRY_AFTER
    disabled: bool = False
    links: list[Link] = field(default_factory=list)
    tickets: dict[str, float] = field(default_factory=dict)
    waiting: dict[str, asyncio.Future[dict[str, Any] | None]] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def open_connection(self) -> dict[str, Any]:
        """apps.connections.open: a URL good for one connection."""
        if self.disabled:
            raise SlackError("link_disabled")
        ticket = uuid.uuid4().hex
        self.tickets[ticket] = self.loop.time() + TICKET_S
        url = self.space.base_url.replace("http://", "ws://")
        return {"url": f"{url}/link/?ticket={ticket}&app_id={self.space.app.app_id}"}

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """The /link/ endpoint."""
        until = self.tickets.pop(request.query.get("ticket", ""), 0.0)
        if until < self.loop.time():
            return web.Response(status=403, text="this ticket was used, is too old, or never existed")
        socket = web.WebSocketResponse(autoping=True, compress=False, max_msg_size=1 << 20)
        await socket.prepare(request)
        if len(self.links) >= MOST_SOCKETS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": self._debug()})
            await socket.close()
            return socket
        link = Link(socket)
        self.links.append(link)
        self._count_changed()
        try:
            await socket.send_json(
                {
                    "type": "hello",
                    "num_connections": len(self.links),
                    "debug_info": self._debug(),
                    "connection_info": {"app_id": self.space.app.app_id},
                }
            )
            self.arrived.set()
            async for frame in socket:
                if frame.type == WSMsgType.TEXT:
                    self._heard(frame.data)
        except ConnectionError:
            pass  # the client vanished; what it did not acknowledge is tried again
        finally:
            self.links.remove(link)
            if not self._ready():
                self.arrived.clear()
            self._count_changed()
        return socket

    def _debug(self) -> dict[str, Any]:
        return {"host": "applink-practice", "started": "", "build_number": 1, "approximate_connection_time": SESSION_S}

    def _count_changed(self) -> None:
        with self.space.lock:
            self.space.changed("sockets", count=len(self.links))

    def _ready(self) -> list[Link]:
        return [link for link in self.links if not link.leaving and not link.ws.closed]

    def _heard(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            return
        future = self.waiting.pop(str(frame.get("envelope_id")), None) if isinstance(frame, dict) else None
        if future and not future.done():
            payload = frame.get("payload")
            future.set_result(payload if isinstance(payload, dict) else {})

    def submit(self, delivery: Delivery) -> None:
        """Send something to the app; from any thread."""
        self.loop.call_soon_threadsafe(self._begin, delivery)

    def _begin(self, delivery: Delivery) -> None:
        task = self.loop.create_task(self._carry(delivery))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _carry(self, delivery: Delivery) -> None:
        pauses = (None, *self.retry_after) if delivery.type == "events_api" else (None,)
        for attempt, pause in enumerate(pauses):
            if pause:
                await asyncio.sleep(max(0.2, pause / self.space.clock.speed))
            answer = await self._once(delivery, attempt)
            if answer is not None:
                self._answered(delivery, answer)
                return
            self._not_acked(delivery, attempt, last=attempt + 1 == len(pauses))
        self._answered(delivery, None)

    def _answered(self, delivery: Delivery, answer: dict[str, Any] | None) -> None:
        if delivery.on_answer:
            try:
                delivery.on_answer(answer)
            except SlackError as refused:
                with self.space.lock:
                    self.space.log.refusals[f"ack payload: {refused.code}"] += 1
                delivery.on_answer(None)

    async def _once(self, delivery: Delivery, attempt: int) -> dict[str, Any] | None:
        """The acknowledgement's payload ({} for a bare one); None when none came in time."""
        try:
            async with asyncio.timeout(self.ack_s):
                while not (ready := self._ready()):
                    self.arrived.clear()
                    await self.arrived.wait()
                envelope_id = str(uuid.UUID(bytes=secrets.token_bytes(16)))
                envelope: dict[str, Any] = {
                    "envelope_id": envelope_id,
                    "type": delivery.type,
                    "payload": delivery.payload,
                    "accepts_response_payload": delivery.type != "events_api",
                }
                if delivery.type == "events_api":
                    envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
                future: asyncio.Future[dict[str, Any] | None] = self.loop.create_future()
                self.waiting[envelope_id] = future
                try:
                    await random.choice(ready).ws.send_str(json.dumps(envelope, separators=(",", ":")))
                    return await future
                finally:
                    self.waiting.pop(envelope_id, None)
        except (TimeoutError, ConnectionError, RuntimeError):
            return None

    def _not_acked(self, delivery: Delivery, attempt: int, *, last: bool) -> None:
        with self.space.lock:
            entry = {
                "type": delivery.type,
                "about": delivery.about,
                "attempt": attempt,
                "given_up": last,
                "event_id": delivery.payload.get("event_id", ""),
                "at": self.space.clock.now(),
            }
            self.space.log.not_acked.append(entry)
            self.space.changed("not_acked", **entry)

    async def disconnect(self, reason: str, *, close_after: float = 2.0) -> None:
        """Tell every socket to go away ("warning", "refresh_requested"); the stragglers are closed."""
        told = list(self.links)
        for link in told:
            link.leaving = reason != "warning"
            await link.ws.send_json({"type": "disconnect", "reason": reason, "debug_info": self._debug()})
        if reason == "warning":
            return
        await asyncio.sleep(close_after)
        for link in told:
            if link in self.links:
                await link.ws.close()

    async def close(self) -> None:
        """Stop everything that is still under way."""
        for task in tuple(self.tasks):
            task.cancel()
        for link in tuple(self.links):
            await link.ws.close(code=1001)
