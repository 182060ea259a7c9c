"""A proxy in front of one node's WinRM port that can refuse, swallow, cut or hold back a single request.

Bodies are sealed, so requests are told apart by their order alone: the ones with a body, counted since `arm`.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

WAYS = ("refuse", "swallow", "cut", "hold")


class NodeProxy:
    """Forwards HTTP/1.1 over kept connections. `arm(n, way)`: the n-th request with a body from now on meets a fault.

    refuse: it never arrives. swallow: it arrives, its reply does not. cut: half of its reply does. hold: it is
    held back until `held()` has returned, and then delivered late.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._count = self._at = 0
        self._way = ""
        self._held: Callable[[], None] = lambda: None
        self.struck = 0
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._server.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/wsman"
        threading.Thread(target=self._accept, name="node-proxy", daemon=True).start()

    def arm(self, number: int, way: str, held: Callable[[], None] = lambda: None) -> None:
        """Let the `number`-th request from now on meet a fault, once."""
        with self._lock:
            self._count, self._at, self._way, self._held = 0, number, way, held

    def close(self) -> None:
        """Stop listening; open connections end with their peers."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            node = socket.create_connection(("127.0.0.1", self._port))
        except OSError:  # the node is away: so are we
            client.close()
            return
        for one in (client, node):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked, answered = client.makefile("rb"), node.makefile("rb")
        try:
            while request := _message(asked):
                way = self._meets(request)
                if way == "refuse":
                    break
                if way == "hold":
                    self._held()
                node.sendall(request)
                reply = _message(answered)
                if not reply or way == "swallow":
                    break
                client.sendall(reply[: len(reply) // 2] if way == "cut" else reply)
                if way == "cut":
                    break
        except OSError:
            pass
        finally:
            for each in (asked, answered, client, node):
                with suppress(OSError):
                    each.close()

    def _meets(self, request: bytes) -> str:
        if request.partition(b"\r\n\r\n")[2] == b"":
            return ""  # a handshake
        with self._lock:
            self._count += 1
            if not self._way or self._count != self._at:
                return ""
            way, self._way = self._way, ""
            self.struck += 1
            return way


def _message(stream: BinaryIO) -> bytes:
    """One request or reply with its body; b"" at the end of the connection."""
    head = b""
    length = 0
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return b""
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        head += line
    return head + (stream.read(length) if length else b"")
