"""The production bot as a child process of the practice range: started with other addresses, restarted when it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

USAGE = 2  # the exit code of a bot that cannot use its settings
_FOREIGN = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without SLACK_…, ROLLUP_… and proxies, plus `extra`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SLACK_", "ROLLUP_")) and name not in _FOREIGN
    }
    return kept | dict(extra)


class Child:
    """One child process that is started again whenever it ends by itself or is killed.

    Its standard input is a leash: a pipe nobody writes to. When this process is gone, however it went, the pipe
    ends, and so does a child that was told to watch it.

    `told(kind, text)` is called with "bot_restarted" and "bot_stopped" for the page.
    """

    def __init__(
        self, command: tuple[str, ...], environ: Mapping[str, str], log: Path, *, told: Callable[[str, str], None]
    ) -> None:
        self._command, self._environ, self._log, self._told = command, dict(environ), log, told
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.refused = ""  # what it said last when it ended by itself over its settings: it would do so for ever
        self._thread = threading.Thread(target=self._watch, name="bot-child", daemon=True)

    def start(self) -> None:
        """Start it and keep it running."""
        self._spawn()
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Its process id now."""
        return self._process.pid if self._process is not None else None

    def kill(self) -> None:
        """SIGKILL, as a machine's end would be; it is started again."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)

    def stop(self) -> None:
        """End it for good: SIGTERM, and after ten seconds SIGKILL."""
        self._over.set()
        self._end()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
            self._end()  # it may have started one more between our word and the end of the last

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)
        if process.stdin is not None:
            process.stdin.close()

    def _spawn(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1

    def _watch(self) -> None:
        while not self._over.is_set():
            process = self._process
            if process is None:
                return
            code = process.wait()
            if process.stdin is not None:
                process.stdin.close()  # the leash of one that is gone
            if self._over.is_set():
                return
            if code == USAGE:
                said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                self.refused = said[-1] if said else f"it ended with {USAGE}"
            how = f"killed by signal {-code}" if code < 0 else f"ended with {code}"
            self._told("bot_stopped", f"The bot {how}; it is being started again.")
            time.sleep(min(5.0, 0.2 * self.starts))
            if self._over.is_set():
                return
            self._spawn()
            self._told("bot_restarted", "The bot was restarted. Its state is in Redis; it goes on where it stood.")
