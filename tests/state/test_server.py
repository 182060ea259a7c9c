"""The embedded server: one per directory, adopted when it outlived its bot, started again when it dies, nothing lost."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from state.connect import connect
from state.errors import ServerFailed, Unavailable
from state.server import EmbeddedServer, find_binary
from state.store import Store
from state.words import Progress
from tests.state.samples import Walk
from tests.waiting import until

pytestmark = pytest.mark.crash


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    one = EmbeddedServer(tmp_path / "data")
    one.start()
    yield one
    one.stop()


def kill(server: EmbeddedServer) -> None:
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_it_runs_with_the_settings_that_lose_nothing(server: EmbeddedServer) -> None:
    client = server.client()
    wanted = {
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "port": "0",
        "aof-load-truncated": "yes",
    }
    for name, value in wanted.items():
        assert client.config_get(name) == {name: value}
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    client.close()


def test_a_second_supervisor_on_the_directory_adopts_the_server_and_starts_none(server: EmbeddedServer) -> None:
    second = EmbeddedServer(server.data)
    second.start()
    assert (second.adopted, server.adopted) == (True, False)
    assert second.pid() == server.pid()


def test_a_server_that_another_supervisor_of_this_process_started_is_stopped_too(tmp_path: Path) -> None:
    first = EmbeddedServer(tmp_path / "data")
    first.start()
    pid = first.pid()
    assert pid is not None
    EmbeddedServer(tmp_path / "data").stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    first.stop()  # finds nothing to do


def test_a_server_killed_with_sigkill_comes_back_with_everything_it_acknowledged(server: EmbeddedServer) -> None:
    walk = Walk(Store(server.client()))
    for _ in range(20):
        walk.do(Progress(step="", sentence="x"))
    before = walk.campaign
    first = server.pid()
    server.watch(every_s=0.02)
    kill(server)
    until(lambda: server.restarts == 1)
    assert server.pid() not in (None, first)
    assert walk.store.replay(before.id) == before
    walk.do(Progress(step="", sentence="and on"))
    assert walk.campaign.version == before.version + 1


def test_an_adopter_watches_too_and_starts_it_again(server: EmbeddedServer) -> None:
    said: list[int] = []
    second = EmbeddedServer(server.data, on_restart=lambda: said.append(1))
    second.start()
    second.watch(every_s=0.02)
    kill(server)
    until(lambda: said == [1])
    assert second.pid() is not None
    assert not second.adopted
    second.stop()
    assert second.pid() is None


def test_a_bot_killed_with_sigkill_leaves_its_server_to_the_next_one(tmp_path: Path) -> None:
    bot = subprocess.Popen([sys.executable, "-c", _BOT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert bot.stdout is not None
    pid = int(bot.stdout.readline().split()[1])
    bot.kill()
    bot.wait()
    bot.stdout.close()
    following = EmbeddedServer(tmp_path)
    following.start()
    try:
        assert following.adopted
        assert following.pid() == pid
    finally:
        following.stop()


def test_of_four_supervisors_starting_at_once_one_starts_and_three_adopt(tmp_path: Path) -> None:
    bots = [
        subprocess.Popen([sys.executable, "-c", _BOT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = []
    for bot in bots:
        assert bot.stdout is not None
        told.append(bot.stdout.readline().split())
    try:
        assert sorted(adopted for adopted, _ in told) == ["False", "True", "True", "True"]
        assert len({pid for _, pid in told}) == 1
    finally:
        for bot in bots:
            bot.kill()
            bot.wait()
            assert bot.stdout is not None
            bot.stdout.close()
        EmbeddedServer(tmp_path).start().stop()


def test_a_directory_with_a_long_name_gets_its_socket_elsewhere_and_all_find_it(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 20) / ("longer" * 10)
    server = EmbeddedServer(deep)
    assert len(os.fsencode(server.socket)) < 100
    server.start()
    try:
        assert Store(server.client()).server_time() > 0
        assert EmbeddedServer(deep).start().adopted
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    finally:
        server.stop()
        server.socket.parent.rmdir()


def test_a_stopped_server_frees_the_directory_and_a_new_one_has_its_data(tmp_path: Path) -> None:
    first = EmbeddedServer(tmp_path)
    first.start()
    walk = Walk(Store(first.client()))
    first.stop()
    with pytest.raises(Unavailable):
        walk.store.server_time()
    second = EmbeddedServer(tmp_path)
    second.start()
    try:
        assert not second.adopted
        assert walk.store.replay(walk.campaign.id) == walk.campaign
    finally:
        second.stop()


def test_a_torn_tail_of_the_file_costs_only_what_was_never_acknowledged(tmp_path: Path) -> None:
    first = EmbeddedServer(tmp_path)
    first.start()
    walk = Walk(Store(first.client()))
    first.stop()
    log = max((tmp_path / "appendonlydir").glob("*.incr.aof"))
    with log.open("ab") as out:
        out.write(b"*3\r\n$3\r\nSET\r\n$1\r\nx")
    second = EmbeddedServer(tmp_path)
    second.start()
    try:
        assert walk.store.replay(walk.campaign.id) == walk.campaign
    finally:
        second.stop()


def test_a_server_that_cannot_start_is_said_with_its_own_last_words(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("a file where a directory belongs")
    with pytest.raises(ServerFailed, match=r"log ends: .*append"):
        EmbeddedServer(tmp_path).start()


def test_the_wheels_binary_is_found_where_path_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_binary()
    assert found.name == "valkey-server"
    assert os.access(found, os.X_OK)
    assert find_binary(str(found)) == found


def test_a_given_binary_that_is_too_old_or_missing_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "redis-server"
    old.write_text('#!/bin/sh\necho "Redis server v=6.2.14 sha=0"\n')
    old.chmod(0o755)
    for given in (str(old), str(tmp_path / "none")):
        with pytest.raises(ServerFailed, match="version 7"):
            find_binary(given)


def test_an_old_server_on_path_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "redis-server"
    old.write_text('#!/bin/sh\necho "Redis server v=6.2.14 sha=0"\n')
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary() != old


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "localhost:6379",
        "redis+sentinel://host/m",
        "redis+sentinel://host:1",
        "redis://localhost:port",
    ],
)
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ServerFailed):
        connect(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/2",
        "rediss://u:p@127.0.0.1:6380/0",
        "unix:///run/x.sock",
        "redis+sentinel://:pw@127.0.0.1:26379,127.0.0.1:26380/rollup/1",
    ],
)
def test_every_kind_of_url_makes_a_client_without_sending_anything(url: str) -> None:
    client = connect(url, password="s3cret", ca_file="/etc/ca.pem")
    settings = client.connection_pool.connection_kwargs
    own = "p" if "u:p@" in url else "pw" if ":pw@" in url else "s3cret"
    assert (settings["password"], settings["decode_responses"], settings["protocol"]) == (own, False, 3)


_BOT = """
import sys, time
from pathlib import Path
from state.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1])).start()
print(server.adopted, server.pid(), flush=True)
time.sleep(60)
"""
