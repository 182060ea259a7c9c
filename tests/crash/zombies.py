"""Two bots on one store: one is stopped in the middle of something, the other takes over, then the first wakes up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.lab.child import clean_environment
from state.keys import Keys
from tests.crash.killing import Range

PATIENCE_S = 90.0  # wall seconds something may take on a busy computer


def until(true: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition. Raises TimeoutError that says what did not come."""
    end = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


@contextmanager
def second_bot(one: Range) -> Iterator[subprocess.Popen[bytes]]:
    """Another `rollup-bot run` on the same settings."""
    secrets = one.session.workspace.secrets() | one.session.estate.secrets()
    with (one.folder / "bot.log").open("ab") as log:
        bot = subprocess.Popen(
            (sys.executable, "-m", "bot.cli", "run", "--config", str(one.session.config)),
            env=clean_environment(secrets), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield bot
    finally:
        for number in (signal.SIGCONT, signal.SIGKILL):
            if bot.poll() is None:
                bot.send_signal(number)
        bot.wait(60)


def stop_owner(one: Range, campaign: str) -> int:
    """SIGSTOP whoever holds the campaign's lease, and let his leases run out. His process id."""
    held = one.store.leases.current(campaign)
    if held is None:
        raise LookupError(f"nobody holds {campaign}")
    os.kill(held.owner.pid, signal.SIGSTOP)
    expire(one, campaign)
    return held.owner.pid


def expire(one: Range, campaign: str) -> None:
    """What half a minute of sleep does to a lease, without the half minute."""
    with one.server.client() as client:
        for name in (campaign, f"publish:{campaign}"):
            client.hset(Keys("{rollup}").lease(name), "until", "0")


def wake(pid: int) -> None:
    """SIGCONT."""
    os.kill(pid, signal.SIGCONT)
