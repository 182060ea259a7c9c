"""One machine behind a real port, and the unmodified clients that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from winrm.protocol import Protocol

from bot.lab.clock import LabClock
from bot.lab.windows.machine import Machine
from bot.lab.wsman import EstateServer, serve_machines

PASSWORD = "Pa ss:wörd1"
USER = "LAB\\svc-rollup"


@pytest.fixture
def machine() -> Machine:
    """A Windows Server 2008, one wall second a lab minute."""
    made = Machine("EXN1", LabClock(datetime(2010, 3, 1, 8, tzinfo=UTC), 60))
    made.accounts |= {"svc-rollup": PASSWORD, "other": "secret"}
    return made


@pytest.fixture
def server(machine: Machine) -> Iterator[EstateServer]:
    """It answers on a port of its own."""
    running = serve_machines([machine])
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No certificate bundle or proxy of the host's: pywinrm warns about the one and follows the other."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


Connect = Callable[..., Protocol]


@pytest.fixture
def connect(server: EstateServer) -> Iterator[Connect]:
    """Opens pywinrm Protocols, unmodified, and closes their connections at the end."""
    opened: list[Protocol] = []

    def made(name: str = "EXN1", *, user: str = USER, password: str = PASSWORD, **more: object) -> Protocol:
        protocol = Protocol(
            server.url(name), transport="ntlm", username=user, password=password, message_encryption="always", **more
        )
        opened.append(protocol)
        return protocol

    yield made
    for protocol in opened:
        protocol.transport.close_session()


def run(protocol: Protocol, shell: str, line: str) -> tuple[bytes, bytes, int]:
    """Command, Receive, Signal on a kept shell."""
    command = protocol.run_command(shell, line)
    answer: tuple[bytes, bytes, int] = protocol.get_command_output(shell, command)
    protocol.cleanup_command(shell, command)
    return answer
