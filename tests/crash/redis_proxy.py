"""A proxy in front of Redis that knows when campaign state is about to change, and can break there.

It parses requests only as far as needed: an EVALSHA whose keys hold a campaign's event stream is a transition.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path


class RedisProxy:
    """Listens on a Unix socket, forwards to another. `at(number)` is asked for each transition, counted from 1.

    It answers "" (forward), "before" (call `broken`, forward nothing) or "after" (forward, then call `broken` and
    keep the reply).
    """

    def __init__(self, listen: Path, target: str, *, at: Callable[[int], str], broken: Callable[[], None]) -> None:
        self._target, self._at, self._broken = target, at, broken
        self._lock = threading.Lock()
        self.transitions = 0
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(listen))
        self._server.listen(64)
        self.url = f"unix://{listen}"
        threading.Thread(target=self._accept, name="redis-proxy", daemon=True).start()

    def close(self) -> None:
        """Stop listening; open connections end with their peers."""
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            server.connect(self._target)
            threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
            threading.Thread(target=self._replies, args=(server, client), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        reader = client.makefile("rb")
        try:
            while True:
                raw, words = _request(reader)
                if not raw:
                    break
                what = ""
                if words[0].upper() == b"EVALSHA" and any(w.endswith(b":ev") for w in words[:24]):
                    with self._lock:
                        self.transitions += 1
                        number = self.transitions
                    what = self._at(number)
                if what == "before":
                    self._broken()
                    break
                if what == "after":
                    # The reply must not get through: nobody reads it any more.
                    _shut(client)
                    server.sendall(raw)
                    server.recv(65536)
                    self._broken()
                    break
                server.sendall(raw)
        except OSError:
            pass
        finally:
            _shut(server)
            _shut(client)

    @staticmethod
    def _replies(server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(65536):
                client.sendall(data)
        except OSError:
            pass
        finally:
            _shut(client)


def _shut(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _request(reader: object) -> tuple[bytes, list[bytes]]:
    """One request: its bytes and its words; (b"", []) at the end."""
    read_line, read = reader.readline, reader.read  # type: ignore[attr-defined]
    head: bytes = read_line()
    if not head:
        return b"", []
    raw, words = [head], []
    for _ in range(int(head[1:])):
        length = read_line()
        body = read(int(length[1:]) + 2)
        raw += [length, body]
        words.append(body[:-2])
    return b"".join(raw), words
