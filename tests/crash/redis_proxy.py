"""A proxy in front of Redis that knows when campaign state is about to change, and can break there.

It parses requests only as far as needed: an EVALSHA whose keys hold a campaign's event stream is a transition.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO


@dataclass(frozen=True, slots=True)
class Transition:
    """One call that is about to append events: which one it is (from 1, resends too), and the events' types and data."""

    number: int
    events: tuple[tuple[str, dict[str, Any]], ...]

    @property
    def types(self) -> tuple[str, ...]:
        """The events' types in order."""
        return tuple(kind for kind, _ in self.events)

    def job(self, kind: str) -> str:
        """The name of the job that an event of this kind opens, starts or ends; "" when there is none."""
        for found, data in self.events:
            if found == kind:
                return str(data["order"]["name"] if "order" in data else data.get("job", ""))
        return ""


@dataclass(slots=True)
class _Swallowed:
    """Says to the thread of the replies that the next one is not for the client."""

    wanted: bool = False
    came: threading.Event = field(default_factory=threading.Event)


class RedisProxy:
    """Listens on a Unix socket, forwards to another. `at(transition)` is asked for each transition.

    It answers "" (forward), "before" (call `broken`, forward nothing) or "after" (forward, keep the reply, then call
    `broken`). Either way the connection is cut once `broken` has returned.
    """

    def __init__(
        self, listen: Path, target: str, *, at: Callable[[Transition], str], broken: Callable[[], None]
    ) -> None:
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
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                server.connect(self._target)
            except OSError:  # the server is away: so are we
                client.close()
                server.close()
                continue
            swallowed = _Swallowed()
            threading.Thread(target=self._requests, args=(client, server, swallowed), daemon=True).start()
            threading.Thread(target=_replies, args=(server, client, swallowed), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, swallowed: _Swallowed) -> None:
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
                    what = self._at(Transition(number, _events(words)))
                if what == "after":
                    swallowed.wanted = True
                    server.sendall(raw)
                    swallowed.came.wait(60)
                if what:
                    self._broken()  # while the client still waits: it must not live to see its connection cut
                    break
                server.sendall(raw)
        except OSError:
            pass
        finally:
            _shut(server)
            _shut(client)
            reader.close()
            client.close()


def _replies(server: socket.socket, client: socket.socket, swallowed: _Swallowed) -> None:
    try:
        while data := server.recv(65536):
            if swallowed.wanted:
                swallowed.came.set()
                continue
            client.sendall(data)
    except OSError:
        pass
    finally:
        swallowed.came.set()
        _shut(client)
        server.close()


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def _request(reader: BinaryIO) -> tuple[bytes, list[bytes]]:
    """One request: its bytes and its words; (b"", []) at the end."""
    head = reader.readline()
    if not head:
        return b"", []
    raw, words = [head], []
    for _ in range(int(head[1:])):
        length = reader.readline()
        if not length:
            return b"", []  # cut in the middle
        body = reader.read(int(length[1:]) + 2)
        raw += [length, body]
        words.append(body[:-2])
    return b"".join(raw), words


def _events(words: list[bytes]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The event lines among a call's arguments."""
    found = []
    for word in words:
        if word.startswith(b"{") and b'"prev":' in word and b'"type":' in word:
            line = json.loads(word)
            if "v" in line:
                found.append((str(line["type"]), line["data"]))
    return tuple(found)
