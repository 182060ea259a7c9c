"""A proxy before the server that lets a request through and swallows the reply: how a write is lost and is not."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path


class LossyProxy:
    """Listens on a Unix socket. After `swallow(marker)` the reply to the next request holding it is dropped, once."""

    def __init__(self, listen: Path, server: Path) -> None:
        self._server = str(server)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(listen))
        self._listener.listen(16)
        self._marker: bytes | None = None
        self._clients: list[socket.socket] = []
        self.swallowed = 0
        self.requests = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self, marker: bytes) -> None:
        self._marker = marker

    def cut(self) -> None:
        """End every connection there is; new ones are welcome."""
        for end in self._clients:
            _shut(end)

    def close(self) -> None:
        _shut(self._listener)  # closing alone wakes nobody who waits in accept
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            try:
                server.connect(self._server)
            except OSError:  # the server is away: so are we
                return
            drop = threading.Event()
            back = threading.Thread(target=self._back, args=(server, client, drop), daemon=True)
            back.start()
            while data := _read(client):
                if self._marker is not None and self._marker in data:
                    self._marker = None
                    drop.set()
                if b"EVALSHA" in data:
                    self.requests += 1
                try:
                    server.sendall(data)
                except OSError:
                    break
            _shut(server)
            back.join()

    def _back(self, server: socket.socket, client: socket.socket, drop: threading.Event) -> None:
        while data := _read(server):
            if drop.is_set():
                self.swallowed += 1
                # The client sees a connection that died before the answer: was it done or not?
                _shut(client)
                return
            try:
                client.sendall(data)
            except OSError:
                return


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other end was quicker
        end.shutdown(socket.SHUT_RDWR)


def _read(end: socket.socket) -> bytes:
    try:
        return end.recv(1 << 20)
    except OSError:
        return b""
