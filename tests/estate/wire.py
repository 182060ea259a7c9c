"""A wire between bot and node that can be cut at message N, before or after the node has heard it."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Wire:
    """Forwards TCP to one address. `cut_at(n)` breaks the connection at the n-th HTTP request from now."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = (str(parts.hostname), int(parts.port or 0))
        self._server = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._left: int | None = None
        self._heard = False
        self._sent_bodies: list[bytes] = []
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/wsman"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def bodies(self) -> bytes:
        """Everything the client sent."""
        return b"".join(self._sent_bodies)

    def cut_at(self, request: int, *, heard: bool) -> None:
        """Break at the n-th request from now; `heard`: the node still gets it, only its answer is lost."""
        with self._lock:
            self._left, self._heard = request, heard

    def cut_now(self) -> None:
        """Break every connection that is open."""
        with self._lock:
            for one in self._open:
                _shut(one)
            self._open.clear()

    def close(self) -> None:
        _shut(self._server)  # closing alone wakes nobody who waits in accept
        self._server.close()
        self.cut_now()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._to)
            except OSError:  # nobody is there: so are we not
                near.close()
                continue
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open += [near, far]
            threading.Thread(target=self._forward, args=(near, far), daemon=True).start()
            threading.Thread(target=self._back, args=(far, near), daemon=True).start()

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        while data := _receive(near):
            self._sent_bodies.append(data)
            cut = False
            with self._lock:
                if self._left is not None:
                    self._left -= data.count(b"POST /wsman")
                    cut = self._left <= 0
                    self._left = None if cut else self._left
            if cut and not self._heard:
                break
            if cut:
                # The rest of this request, then nothing of its answer.
                with contextlib.suppress(OSError):  # the client was quicker
                    near.shutdown(socket.SHUT_WR)
                self._deaf(far, data + _rest(near, data))
                break
            try:
                far.sendall(data)
            except OSError:
                break
        for one in (near, far):
            _shut(one)
            one.close()

    @staticmethod
    def _deaf(far: socket.socket, data: bytes) -> None:
        try:
            far.sendall(data)
            far.settimeout(2.0)
            far.recv(1)  # the node has answered: it has done what it was asked
        except OSError:
            pass

    def _back(self, far: socket.socket, near: socket.socket) -> None:
        while data := _receive(far):
            try:
                near.sendall(data)
            except OSError:
                return
        _shut(near)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other end was quicker
        one.shutdown(socket.SHUT_RDWR)


def _receive(one: socket.socket) -> bytes:
    try:
        return one.recv(65_536)
    except OSError:
        return b""


def _rest(near: socket.socket, begun: bytes) -> bytes:
    """What is still missing of a request whose beginning was read."""
    head, _, body = begun.rpartition(b"POST /wsman")[2].partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    more = b""
    while len(body) + len(more) < length:
        data = _receive(near)
        if not data:
            break
        more += data
    return more
