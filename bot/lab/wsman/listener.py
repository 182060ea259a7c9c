"""One machine's WinRM listener: HTTP by hand, since every leg of a handshake must stay on its connection."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import TYPE_CHECKING

from bot.lab.doors import close_door
from bot.lab.wsman import envelope
from bot.lab.wsman.auth import Authentication, Refused
from bot.lab.wsman.envelope import SHELL, TRANSFER, BadEnvelope, Fault, Request, Words
from bot.lab.wsman.shells import MAX_TIMEOUT_S, Command, ShellHost

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine

_MAX_BODY = 4 * 2**20
_SOAP = "application/soap+xml;charset=UTF-8"
_GATHER_S = 0.03  # output of a command that is about to end is sent together with its end


class _Broken(Exception):
    """The client sent something that is not HTTP, or went away."""


class Listener:
    """Serves one machine on one port. Lives on the server's event loop."""

    def __init__(self, machine: Machine, *, allow_unencrypted: bool = False) -> None:
        self.machine = machine
        self.host = ShellHost(machine)
        self.requests = 0
        self._allow_unencrypted = allow_unencrypted
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._changed: dict[int, asyncio.Event] = {}
        self._waking: set[asyncio.Event] = set()

    async def start(self, port: int) -> int:
        """Listen on 127.0.0.1; returns the port (`port` 0: any free one)."""
        self._loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.machine.on_network.append(self._network_changed)
        self.machine.services.on_change.append(self._service_changed)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, drop connections and shells."""
        self.machine.on_network.remove(self._network_changed)
        self.machine.services.on_change.remove(self._service_changed)
        if self._server is not None:
            await close_door(self._loop, self._server.sockets[0])
        self.host.delete_all()
        self._cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    # --- the network and the service ---

    def answering(self) -> bool:
        """Whether a client gets through to a running WinRM service."""
        service = self.machine.services.get("WinRM")
        return self.machine.online and self.machine.reachable and (service is None or service.state == "Running")

    def _network_changed(self) -> None:
        """From any thread: online or reachable changed."""
        if not self.machine.online:
            self.host.delete_all()
        self._loop.call_soon_threadsafe(self._check)

    def _service_changed(self, service: object, what: str) -> None:
        if getattr(service, "name", "") == "WinRM" and what == "state":
            if getattr(service, "state", "") == "Stopped":
                self.host.delete_all()
            self._loop.call_soon_threadsafe(self._check)

    def _check(self) -> None:
        if not self.answering():
            self._cut()

    def _cut(self) -> None:
        for writer in list(self._open):
            _reset(writer)

    # --- HTTP ---

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.answering():
            _reset(writer)
            return
        self._open.add(writer)
        who = Authentication(self.machine, allow_unencrypted=self._allow_unencrypted)
        try:
            while self.answering():
                line, headers, body = await _read(reader, writer)
                if not self.answering():
                    break
                self.requests += 1
                status, extra, kind, answer = await self._answer(who, line, headers, body, reader)
                if not self.answering():
                    # Went down meanwhile: what a dying machine wanted to say does not arrive.
                    break
                keep = headers.get("connection", "").casefold() != "close"
                writer.write(_response(status, extra, kind, answer, keep=keep))
                await writer.drain()
                if not keep:
                    break
        except (_Broken, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open.discard(writer)
            self.host.hung_up(reader)
            if self.answering():
                writer.close()
            else:
                _reset(writer)

    async def _answer(
        self, who: Authentication, line: str, headers: dict[str, str], body: bytes, reader: asyncio.StreamReader
    ) -> tuple[int, list[tuple[str, str]], str, bytes]:
        """Status, further headers, content type and body of the answer to one HTTP request."""
        method, path = (*line.split(" "), "", "")[:2]
        if not path.casefold().rstrip("/").endswith(("/wsman", "/wsman-anon/identify")):
            return 404, [], "", b""
        if method != "POST":
            return 405, [("Allow", "POST")], "", b""
        if "wsmanidentify" in headers or path.casefold().startswith("/wsman-anon"):
            return 200, [], _SOAP, envelope.identity()
        extra: list[tuple[str, str]] = []
        if header := headers.get("authorization", ""):
            try:
                token = who.step(header)
            except Refused:
                return _unauthorised(who)
            if token:
                extra.append(("WWW-Authenticate", token))
            if not who.user:
                return 401, extra, "", b""
        if not who.user:
            return _unauthorised(who)
        if not body:
            return 200, extra, "", b""
        sealed = "multipart/encrypted" in headers.get("content-type", "").casefold()
        if not sealed and not self._allow_unencrypted:
            return 500, extra, "", b""  # AllowUnencrypted is off: Windows says nothing more
        try:
            text = who.unseal(body) if sealed else body
        except Refused:
            return 400, extra, "", b""
        status, reply = await self._soap(text, who.user, reader)
        if sealed:
            kind, reply = who.seal(reply)
            return status, extra, kind, reply
        return status, extra, _SOAP, reply

    # --- SOAP ---

    async def _soap(self, text: bytes, user: str, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        message_id = ""
        try:
            request = envelope.read(text)
            message_id = request.message_id
            if request.action == "Identify":
                return 200, envelope.identity()
            return 200, envelope.answer(request, await self._dispatch(request, user, reader))
        except BadEnvelope as broken:
            refused = Words(2150858770, "s:Sender", f"The request is not well-formed: {broken} ")
            return 500, envelope.fault(refused, self.machine.name)
        except Fault as refused:
            return 500, envelope.fault(refused.words, self.machine.name, message_id)

    async def _dispatch(self, request: Request, user: str, reader: asyncio.StreamReader) -> str:
        host = self.host
        host.line = reader
        match request.action:
            case action if action == f"{TRANSFER}/Create":
                return host.create(request, user)
            case action if action == f"{TRANSFER}/Delete":
                host.delete(host.find(request, user).id)
                return ""
            case action if action == f"{SHELL}/Command":
                return host.command(request, user, self._command_changed)
            case action if action == f"{SHELL}/Send":
                return host.send(request, user)
            case action if action == f"{SHELL}/Signal":
                return host.signal(request, user)
            case action if action == f"{SHELL}/Receive":
                return await self._receive(request, user, reader)
        raise Fault(envelope.NO_ACTION)

    def _command_changed(self, command: Command) -> None:
        """From the command's thread: wake the Receive that waits for it, if there is one."""
        event = self._changed.get(id(command))
        if event is None or event in self._waking:
            return  # a wake that is on its way finds this output too
        self._waking.add(event)
        try:
            self._loop.call_soon_threadsafe(self._wake, event)
        except RuntimeError:
            return  # the server has stopped

    def _wake(self, event: asyncio.Event) -> None:
        self._waking.discard(event)
        event.set()

    async def _receive(self, request: Request, user: str, reader: asyncio.StreamReader) -> str:
        shell, command, wanted = self.host.wanted(request, user)
        end = time.monotonic() + min(request.timeout_s or MAX_TIMEOUT_S, MAX_TIMEOUT_S)
        event = self._changed[id(command)] = asyncio.Event()
        shell.busy += 1
        try:
            while command.exit_code is None and not command.waiting():
                if shell.id not in self.host.shells or command.cancelled.is_set():
                    raise Fault(envelope.SHELL_GONE if shell.id not in self.host.shells else envelope.COMMAND_GONE)
                if time.monotonic() >= end:
                    raise Fault(envelope.TIMED_OUT)
                await _wait(event, min(end - time.monotonic(), 0.25))
                if reader.at_eof():
                    raise _Broken  # the client hung up: its output waits for another Receive
            if command.exit_code is None:
                await _wait(event, _GATHER_S)
                gathered = time.monotonic() + _GATHER_S
                while command.exit_code is None and time.monotonic() < gathered:
                    await _wait(event, _GATHER_S)
            if reader.at_eof():
                raise _Broken
            return self.host.receive(shell, command, wanted)
        finally:
            shell.busy -= 1
            self.host.touch(shell)
            self._changed.pop(id(command), None)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    event.clear()
    try:
        await asyncio.wait_for(event.wait(), max(seconds, 0.001))
    except TimeoutError:
        return


def _reset(writer: asyncio.StreamWriter) -> None:
    """Cut a connection the hard way: the client sees a reset, as from a machine that is gone."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()


def _unauthorised(who: Authentication) -> tuple[int, list[tuple[str, str]], str, bytes]:
    return 401, [("WWW-Authenticate", scheme) for scheme in who.schemes], "", b""


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, dict[str, str], bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for text in lines[1:]:
        name, _, value = text.partition(":")
        headers[name.strip().casefold()] = value.strip()
    length = headers.get("content-length", "0")
    if headers.get("expect", "").casefold() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", "").casefold():
        return lines[0], headers, await _chunks(reader)
    if not length.isdigit() or int(length) > _MAX_BODY:
        raise _Broken
    return lines[0], headers, await reader.readexactly(int(length)) if int(length) else b""


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        try:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        except ValueError as broken:
            raise _Broken from broken
        if len(body) + size > _MAX_BODY:
            raise _Broken
        body += (await reader.readexactly(size + 2))[:-2]
        if size == 0:
            return bytes(body)


_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


def _response(status: int, extra: list[tuple[str, str]], kind: str, body: bytes, *, keep: bool) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", "Server: Microsoft-HTTPAPI/2.0"]
    lines += [f"{name}: {value}" for name, value in extra]
    if kind:
        lines.append(f"Content-Type: {kind}")
    if not keep:
        lines.append("Connection: close")
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
