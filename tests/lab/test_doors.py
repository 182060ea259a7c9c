"""Both servers of the lab are stopped while clients go on connecting: nothing is left open behind them."""

from __future__ import annotations

import contextlib
import gc
import socket
import struct
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from bot.lab.clock import LabClock
from bot.lab.windows.machine import Machine
from bot.lab.workspace import Workspace, serve_workspace
from bot.lab.wsman import serve_machines

CLIENTS = 6
ROUNDS = 8


@contextlib.contextmanager
def hammered(port: int) -> Iterator[None]:
    """Clients that ask, and leave, as fast as they can."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as client:
                client.sendall(b"POST /api/auth.test HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
                client.recv(100)

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(0.05)
    yield
    over.set()
    for client in clients:
        client.join()


def a_workspace() -> tuple[int, Callable[[], None]]:
    server = serve_workspace(Workspace((), [], LabClock(datetime(2010, 3, 1, 8, tzinfo=UTC))))
    return server.port, server.stop


def a_machine() -> tuple[int, Callable[[], None]]:
    server = serve_machines([Machine("EXN1", LabClock(datetime(2010, 3, 1, 8, tzinfo=UTC)))])
    return server.ports["EXN1"], server.stop


@pytest.mark.parametrize("serve", [a_workspace, a_machine])
def test_a_server_that_stops_leaves_no_connection_behind(
    serve: Callable[[], tuple[int, Callable[[], None]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    gc.collect()
    left: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda given: left.append(repr(given.exc_value)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for _ in range(ROUNDS):
            port, stop = serve()
            with hammered(port):
                stop()
            del stop
            gc.collect()
    assert left == []


def test_an_ask_that_hangs_does_not_keep_a_stopping_server() -> None:
    for serve in (a_workspace, a_machine):
        port, stop = serve()
        with socket.create_connection(("127.0.0.1", port), timeout=2) as idle:
            idle.sendall(b"POST /api/auth.test HTTP/1.1\r\n")
            began = time.monotonic()
            stop()
            assert time.monotonic() - began < 5
            with contextlib.suppress(OSError):
                assert idle.recv(100) == b""


def test_a_client_that_dies_while_it_asks_is_not_told_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    port, stop = a_workspace()
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port), timeout=2) as dying:
            dying.sendall(
                b"POST /api/chat.postMessage HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
            )
            time.sleep(0.1)  # the range is reading the body now
            dying.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.1)
    stop()
    assert [record.getMessage() for record in caplog.records] == []
