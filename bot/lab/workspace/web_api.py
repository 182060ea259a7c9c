"""/api/…: decodes a call, judges token, scope and rate, runs the method, answers as Slack does."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from bot.lab.workspace import acts, faults
from bot.lab.workspace.arguments import Arguments, read
from bot.lab.workspace.methods import METHODS, Method
from bot.lab.workspace.sockets import Sockets
from bot.lab.workspace.words import SlackError
from bot.lab.workspace.workspace import Workspace

OPEN = "apps.connections.open"
UPLOAD_MOST = 5_000_000


class _Slow(Exception):
    """Rate limited: try again after so many (lab) seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def add_routes(app: web.Application, space: Workspace, sockets: Sockets, coming: faults.Faults, reply_s: float) -> None:
    """Web API, the socket endpoint, response URLs and files."""

    async def call(request: web.Request) -> web.StreamResponse:
        if reply_s:
            await asyncio.sleep(reply_s / space.clock.speed)
        return await _call(request, space, sockets, coming)

    async def respond(request: web.Request) -> web.Response:
        try:
            body = await request.json()
            acts.respond(space, request.match_info["key"], body if isinstance(body, dict) else {})
        except (SlackError, ValueError) as refused:
            code = refused.code if isinstance(refused, SlackError) else "invalid_payload"
            return web.json_response({"ok": False, "error": code}, status=404 if code.endswith("_url") else 200)
        return web.Response(text="ok")

    async def upload(request: web.Request) -> web.Response:
        held = space.files.get(request.match_info["id"])
        if not held:
            return web.Response(status=404)
        content = b""
        if request.content_type == "multipart/form-data":
            for part in (await request.post()).values():
                content = part.file.read() if isinstance(part, web.FileField) else str(part).encode()
        else:
            content = await request.read()
        if len(content) > UPLOAD_MOST:
            return web.Response(status=413)
        held["content"] = content
        return web.Response(text=f"OK - {len(content)}")

    async def download(request: web.Request) -> web.Response:
        held = space.files.get(request.match_info["id"])
        if not held or held["content"] is None:
            return web.Response(status=404)
        return web.Response(
            body=held["content"],
            content_type="text/plain",
            charset="utf-8",
            headers={"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"},
        )

    app.router.add_route("*", "/api/{method}", call)
    app.router.add_get("/link/", sockets.accept)
    app.router.add_post("/commands/{team}/{key}", respond)
    app.router.add_post("/upload/{id}", upload)
    app.router.add_get("/files/{id}/{name}", download)


async def _call(request: web.Request, space: Workspace, sockets: Sockets, coming: faults.Faults) -> web.StreamResponse:
    name = request.match_info["method"]
    headers = {"x-oauth-scopes": ",".join(sorted(space.app.scopes))}
    fault = coming.take(name)
    try:
        if fault and (instead := await faults.before(fault, request)) is not None:
            return instead
        token, arguments = await read(request)
        with space.lock:
            answer = _answer(space, sockets, name, token, arguments)
    except SlackError as refused:
        with space.lock:
            space.log.refusals[f"{name}: {refused.code}"] += 1
            if refused.code == "unknown_method":
                space.log.unknown_methods[name] += 1
            space.changed("refused", method=name, error=refused.code)
        return web.json_response({"ok": False, "error": refused.code, **refused.parts}, headers=headers)
    except _Slow as slow:
        return web.json_response(
            {"ok": False, "error": "ratelimited"}, status=429, headers=headers | {"Retry-After": str(slow.seconds)}
        )
    if fault and fault.kind == "lose_reply":
        return faults.cut(request)
    return web.json_response({"ok": True, **answer}, headers=headers)


def _answer(space: Workspace, sockets: Sockets, name: str, token: str, arguments: Arguments) -> dict[str, Any]:
    method = METHODS.get(name)
    if not method and name != OPEN:
        raise SlackError("unknown_method", req_method=name)
    if not token:
        raise SlackError("not_authed")
    if token not in {space.app.bot_token, space.app.app_token}:
        raise SlackError("invalid_auth")
    if (token == space.app.app_token) != (name == OPEN):
        raise SlackError("not_allowed_token_type")
    space.log.calls[name] += 1
    if not method:
        return sockets.open_connection()
    _has_scope(space, method, arguments)
    if seconds := space.limits.wait(name, method.tier, arguments.text("channel"), space.clock.now()):
        raise _Slow(seconds)
    return method.run(space, arguments)


def _has_scope(space: Workspace, method: Method, arguments: Arguments) -> None:
    needed = method.scopes
    if len(needed) > 1:  # which of channels:, groups:, im: depends on the conversation
        channel = space.channels.get(arguments.text("channel"))
        kind = {"channel": "channels:", "group": "groups:", "im": "im:"}[channel.type if channel else "channel"]
        needed = tuple(scope for scope in needed if scope.startswith(kind))
    if needed and not set(needed) & space.app.scopes:
        raise SlackError("missing_scope", needed=",".join(needed), provided=",".join(sorted(space.app.scopes)))
