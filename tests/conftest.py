"""One real Valkey for the whole run; every test that asks for it finds it empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from state.server import EmbeddedServer
from state.store import Store
from tests.order import Pieces, place

# A busy machine is slow, which is no finding. `make test` draws the same examples each time; `make soak PART=late` new ones.
settings.register_profile("drawn", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("drawn"), derandomize=True)
settings.load_profile("same")


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long tests first, where workers share them. Alone they keep the order asked for: the soak counts on it."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place(item.nodeid))


@pytest.hookimpl(optionalhook=True)  # there is no such hook without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Pieces:
    """What `-n` hands out, and when."""
    return Pieces(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests recorded (issue 4): a passing test's output is not shown otherwise."""
    told = [found for one in terminalreporter.getreports("passed") for found in one.user_properties]
    lines = sorted(str(value) for name, value in told if name == "topologies")
    if lines:
        terminalreporter.section("topologies")
        terminalreporter.write_line("\n".join(lines))
    plays = [value for name, value in told if name == "play"]
    if plays:
        terminalreporter.section("scenarios")
    for whose, some in (("issue 4's list", [one for one in plays if one[0]]), ("all", plays)):
        if some:
            took = max(end for _, _, end in some) - min(start for _, start, _ in some)
            terminalreporter.write_line(
                f"{whose}: {len(some)} played, {took:.0f} s from the first start to the last end"
            )
