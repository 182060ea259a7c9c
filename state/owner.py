"""Which process holds a lease, and whether that process is still there."""

from __future__ import annotations

import os
import socket
import subprocess
from functools import lru_cache
from pathlib import Path

from state.words import Owner


def _boot_id() -> str:
    """A word that differs after every boot of this host, or an empty string where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        pass
    try:  # macOS
        asked = subprocess.run(
            ["sysctl", "-n", "kern.boottime"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip()


def _started(pid: int) -> str | None:
    """When a process of this host started, as the system says it; None when there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            line = stat.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # The command name may hold blanks and parentheses: count from the last one.
        fields = line.rpartition(")")[2].split()
        return None if fields[0] in {"Z", "X"} else fields[19]
    try:
        asked = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""  # cannot tell: never taken for gone
    return asked.stdout.strip() or None


@lru_cache(maxsize=4)
def _self(pid: int) -> Owner:
    return Owner(host=socket.gethostname(), boot_id=_boot_id(), pid=pid, pid_started=_started(pid) or "")


def this_process() -> Owner:
    """The owner record of the running process (also right after a fork)."""
    return _self(os.getpid())


def is_gone(owner: Owner) -> bool:
    """Whether an owner on THIS host is certainly no more. An owner on another host never is."""
    here = this_process()
    if owner.host != here.host or not owner.boot_id or not here.boot_id:
        return False
    if owner.boot_id != here.boot_id:
        # Containers share a host's boot id and may share a name; another boot id under one name is a reboot.
        return True
    started = _started(owner.pid)
    if started is None:
        return True
    return bool(started) and bool(owner.pid_started) and started != owner.pid_started
