"""The command line as a user has it: `rollup-bot …` in processes of its own, with nothing but what it prints."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from state.server import EmbeddedServer
from tests.waiting import until

BOT = str(Path(sys.executable).parent / "rollup-bot")
READY_S = 90.0  # a busy machine with two cores may be slow to import
_DROPPED = ("SLACK_", "ROLLUP_", "ANSIBLE_")
_FOREIGN = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}


def environment(**more: str) -> dict[str, str]:
    """This environment without proxies, certificates and settings of whoever runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED) and k.upper() not in _FOREIGN}
    return kept | more


def rollup_bot(*arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [BOT, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment(**(env or {})),
    )


class Running:
    """A command that goes on until it is told to stop; what it writes goes to files beside it."""

    def __init__(self, folder: Path, *arguments: str | Path, env: Mapping[str, str] | None = None) -> None:
        self.out, self.err = folder / "out", folder / "err"
        folder.mkdir(parents=True, exist_ok=True)
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.process = subprocess.Popen(
                [BOT, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment(**(env or {})),
            )

    def announced(self) -> dict[str, Any]:
        """The one JSON line it prints when it is ready."""
        until(lambda: self.out.read_bytes().endswith(b"\n") or self.process.poll() is not None, READY_S)
        lines = self.out.read_text(encoding="utf-8").splitlines()
        assert len(lines) == 1, self.words()
        said: dict[str, Any] = json.loads(lines[0])
        return said

    def words(self) -> str:
        """Everything it wrote, for a failing assertion."""
        return self.out.read_text(encoding="utf-8") + self.err.read_text(encoding="utf-8")

    def end(self, number: signal.Signals = signal.SIGTERM, patience_s: float = 30.0) -> int:
        """Ask it to stop; its exit code. One that does not stop is killed, and the test fails."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it did not stop: {self.words()}") from None


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row, below the ones the system hands out by itself.

    They are free until somebody takes them: each worker of a run looks in a range of its own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    lowest = 20_000 + worker % 8 * 1_500
    while True:
        first = random.randrange(lowest, lowest + 1_500 - count)
        taken: list[socket.socket] = []
        try:
            for number in range(first, first + count):
                taken.append(socket.socket())
                taken[-1].bind(("127.0.0.1", number))
        except OSError:
            continue
        finally:
            for one in taken:
                one.close()
        return first


@pytest.fixture(scope="module")
def plain_surroundings() -> Iterator[None]:
    """No certificate bundle or proxy of the host's: clients follow them, the socket client even past NO_PROXY."""
    patch = pytest.MonkeyPatch()
    for name in set(os.environ) - set(environment()):
        patch.delenv(name)
    yield
    patch.undo()


@pytest.fixture
def run_on(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start commands that go on; whatever still runs at the end of the test is told to stop."""
    started: list[Running] = []

    def made(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Running:
        started.append(Running(tmp_path / f"run{len(started)}", *arguments, env=env))
        return started[-1]

    yield made
    ends = [threading.Thread(target=one.end) for one in reversed(started)]
    for end in ends:
        end.start()
    for end in ends:
        end.join()
    # The embedded server outlives the bot, as it should; a test leaves nothing behind.
    for settings in tmp_path.rglob("server.conf"):
        EmbeddedServer(settings.parent).stop()
