"""Breaks the Web API on purpose: the next calls of a method fail, hang or lose their answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from bot.lab.workspace.words import SlackError

KINDS = ("error", "http_500", "lose_request", "lose_reply", "delay")


@dataclass(slots=True)
class Fault:
    """What befalls the next `times` calls of `method` ("*": of any)."""

    method: str
    kind: str
    times: int = 1
    value: str = ""  # error: Slack's error word; delay: wall seconds


@dataclass(slots=True)
class Faults:
    """The faults that are still to come."""

    coming: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Let a fault happen from now on."""
        if fault.kind not in KINDS:
            raise ValueError(f"no such fault: {fault.kind}; there are {', '.join(KINDS)}")
        self.coming.append(fault)

    def take(self, method: str) -> Fault | None:
        """The fault this call gets."""
        for fault in self.coming:
            if fault.method in {method, "*"}:
                fault.times -= 1
                if fault.times < 1:
                    self.coming.remove(fault)
                return fault
        return None


async def before(fault: Fault, request: web.Request) -> web.StreamResponse | None:
    """What the fault does before the call is carried out: an answer in its place, or None to go on."""
    if fault.kind == "error":
        raise SlackError(fault.value or "internal_error")
    if fault.kind == "http_500":
        return web.Response(status=500, text="internal error")
    if fault.kind == "delay":
        await asyncio.sleep(float(fault.value or 1))
    if fault.kind == "lose_request":
        return cut(request)
    return None


def cut(request: web.Request) -> web.StreamResponse:
    """Drop the connection: the client never learns what became of its call."""
    if request.transport:
        request.transport.abort()
    return web.Response(status=500)
