"""One real Valkey for the whole run; every test that asks for it finds it empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from state.server import EmbeddedServer
from state.store import Store


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """The session's server, on a directory of its own."""
    server = EmbeddedServer(Path(tmp_path_factory.mktemp("valkey")))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _valkey_client(valkey: EmbeddedServer) -> Iterator[redis.Redis]:
    client = valkey.client()
    yield client
    client.close()


@pytest.fixture
def store_client(_valkey_client: redis.Redis) -> redis.Redis:
    """A client of an empty real server."""
    _valkey_client.flushall()
    return _valkey_client


@pytest.fixture
def store(store_client: redis.Redis) -> Store:
    """A store on an empty real server."""
    return Store(store_client, bot="rollup-bot 0.1.0")
