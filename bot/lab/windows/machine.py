"""A simulated Windows machine, and the seams where cluster and Exchange behaviour is plugged in.

This file is the contract between `windows/` and `powershell/` (how a machine listens and runs what it is
sent) and `cluster/` (how nodes behave). A `Machine` holds generic Windows parts; `cluster/` registers
native tools, cmdlets, WMI classes and services with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from bot.lab.clock import LabClock

if TYPE_CHECKING:
    from bot.lab.windows.filesystem import FileSystem
    from bot.lab.windows.processes import Processes
    from bot.lab.windows.registry import Registry
    from bot.lab.windows.services import Services
    from bot.lab.windows.tasks import Tasks


@dataclass(frozen=True)
class Principal:
    """Who a command runs as."""

    user: str  # "LAB\\svc-rollup", "NT AUTHORITY\\SYSTEM"
    second_hop: bool  # may reach other machines and Active Directory in its own name
    exchange: bool  # holds the Exchange Server Administrator role
    in_shell: bool = False  # child of a WinRM shell: job object, 150 MB quota


@dataclass
class Session:
    """One running command's surroundings: output streams, principal, machine, working directory."""

    machine: Machine
    principal: Principal
    out: Callable[[str], None]
    err: Callable[[str], None]
    stdin: str = ""
    cwd: str = "C:\\"
    env: dict[str, str] = field(default_factory=dict)
    job: str = ""  # job folder's name when the command line or script ran from inside one; "" else
    cancelled: threading.Event = field(default_factory=threading.Event)  # shell closed, signal, reboot
    pid: int = 0  # the process this runs in; set by Processes.start
    feed: Callable[[], str] | None = None  # standard input that is still to come; blocks until its end
    charge: Callable[[float], bool] | None = None  # the shell's memory quota; None outside of a shell
    used_mb: list[float] = field(default_factory=list)  # what this process took of it, given back at its end

    def use_memory(self, megabytes: float) -> bool:
        """Take (or with a negative number give back) memory; False: the shell's 150 MB do not hold it, none taken.

        Whoever gets False fails as the process would: MemoryError, or an OutOfMemoryException in PowerShell.
        """
        if self.charge is None:
            return True
        if not self.charge(megabytes):
            return False
        self.used_mb.append(megabytes)
        return True

    def read_input(self) -> str:
        """All of standard input: `stdin` when it is already here, else wait for the client to send and end it."""
        if self.stdin or self.feed is None:
            return self.stdin
        self.stdin = self.feed()
        return self.stdin

    def sleep(self, lab_seconds: float) -> None:
        """Let lab time pass; raises Cancelled when the session is ended meanwhile."""
        end = self.machine.clock.now() + lab_seconds
        while (left := end - self.machine.clock.now()) > 0:
            if self.cancelled.wait(min(left / self.machine.clock.speed, 0.25)):
                raise Cancelled
        if self.cancelled.is_set():
            raise Cancelled


class Cancelled(Exception):
    """The session was ended from outside: shell deleted, process killed, machine rebooted."""


class Native(Protocol):
    """A native tool: `argv` is the C runtime's split of the line after cmd's own parsing; `raw` the line's tail."""

    def __call__(self, session: Session, argv: list[str], raw: str) -> int:
        """Run to the end and return the exit code."""
        ...


class Cmdlet(Protocol):
    """A cmdlet: bound parameters by canonical name, pipeline input as a list; yields PowerShell objects.

    Objects are `bot.lab.powershell.values.PSObject` (ordered properties, type name) or plain Python scalars.
    Raise `bot.lab.powershell.values.CmdletError(message, error_id, terminating=...)` to fail as on a node.
    """

    def __call__(self, session: Session, params: Mapping[str, Any], piped: list[Any]) -> Iterable[Any]:
        """Yield what the cmdlet writes to the pipeline."""
        ...


@dataclass(frozen=True)
class CmdletSpec:
    """A cmdlet and the parameters it has; an unknown parameter fails as on a node."""

    name: str
    run: Cmdlet
    parameters: tuple[str, ...]  # canonical names; switches end in "?"
    positional: tuple[str, ...] = ()
    snapin: str = ""  # "" = always there; else only after Add-PSSnapin of that name


WmiProvider = Callable[[Session], Iterable[Any]]


class Machine:
    """One simulated machine. `cluster/` fills it; `wsman/` serves it."""

    def __init__(self, name: str, clock: LabClock, *, domain: str = "LAB", os_version: str = "6.0") -> None:
        from bot.lab.windows.filesystem import FileSystem
        from bot.lab.windows.processes import Processes
        from bot.lab.windows.registry import Registry
        from bot.lab.windows.services import Services
        from bot.lab.windows.tasks import Tasks

        self.name = name
        self.clock = clock
        self.domain = domain
        self.os_version = os_version  # "5.2" | "6.0" | "6.1"
        self.powershell_version = "2.0"
        self.snapins: set[str] = set()  # registered on this machine
        self.snapin_load: dict[
            str, Callable[[Session], None]
        ] = {}  # lower-case: run by Add-PSSnapin, may take time or fail
        self.accounts: dict[str, str] = {}  # user (no domain) -> password, for the WinRM listener
        self.delegated_only = False  # scenario: second_hop = "delegated"
        self._online = True
        self._reachable = True
        self.on_network: list[Callable[[], None]] = []  # called after `online` or `reachable` changed
        self.on_shutdown: list[Callable[[], None]] = []  # called when it goes down, before services stop
        self.boot_time = clock.now()
        self.reboot_s = 180.0  # how long a restart takes, lab seconds
        self.skew_s = 0.0  # what its clock is off, wall seconds: a real clock is off by as much at any speed
        self.fs: FileSystem = FileSystem(self)
        self.registry: Registry = Registry()
        self.services: Services = Services(self)
        self.processes: Processes = Processes(self)
        self.tasks: Tasks = Tasks(self)
        self.natives: dict[str, Native] = {}  # lower-case name with and without .exe resolve to one
        self.cmdlets: dict[str, CmdletSpec] = {}  # lower-case
        self.wmi: dict[tuple[str, str], WmiProvider] = {}  # (namespace lower, class lower)
        self.event_log: list[Any] = []  # PSObjects of Get-EventLog, newest last
        self.on_boot: list[Callable[[], None]] = []
        self.on_command: list[Callable[[Session, str], None]] = []  # told of every program started, with its line
        self.com: dict[str, Callable[[Session], Any]] = {}  # lower-case ProgID -> an object of it
        self.no_route: set[str] = set()  # hosts that do not answer, lower-case
        self.addresses: tuple[str, ...] = ()  # IPv4, without those the cluster brings online here
        self.language = "en"  # of the tools' words: "en" | "de"
        self.vss_writers: dict[str, str] = {"System Writer": "", "Registry Writer": "", "WMI Writer": ""}
        self.pending_shutdown: threading.Event | None = None  # set it to call a shutdown off
        self.lock = threading.RLock()
        self._power = threading.Lock()
        from bot.lab.windows.tools import install

        install(self)

    @property
    def online(self) -> bool:
        """False: does not answer the network (rebooting, dead)."""
        return self._online

    @online.setter
    def online(self, value: bool) -> None:
        self._online = value
        for told in list(self.on_network):
            told()

    @property
    def reachable(self) -> bool:
        """False: partition between the bot and this machine."""
        return self._reachable

    @reachable.setter
    def reachable(self, value: bool) -> None:
        self._reachable = value
        for told in list(self.on_network):
            told()

    def go_down(self) -> None:
        """Power goes: the network first, so that no answer of a dying command gets out, then every session."""
        self.online = False
        for told in list(self.on_shutdown):
            told()
        self.processes.kill_all()
        self.tasks.power_off()
        self.services.power_off()

    def come_up(self) -> None:
        """Windows starts: new boot time, new pids, automatic services, `on_boot` hooks, then the network."""
        self.boot_time = self.now()
        self.processes.boot()
        self.tasks.boot()
        self.services.boot()
        for hook in list(self.on_boot):
            hook()
        self.online = True

    def reboot(self, seconds: float = 180.0) -> threading.Thread:
        """Go down now and come up after `seconds` of lab time, in a thread of its own, which is returned.

        A reboot of a machine that is already down changes nothing.
        """

        def carry_out() -> None:
            with self._power:
                if not self.online:
                    return
                self.go_down()
            self.clock.sleep(seconds)
            self.come_up()

        thread = threading.Thread(target=carry_out, name=f"reboot {self.name}", daemon=True)
        thread.start()
        return thread

    def now(self) -> float:
        """What this machine's clock shows, Unix seconds."""
        return self.clock.now() + self.skew_s * self.clock.speed
