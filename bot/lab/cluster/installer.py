"""Windows Installer with an Exchange rollup: what `msiexec /update` does to a machine, its services and its cluster."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from bot.lab.cluster import catalogue, packages, software
from bot.lab.cluster.exchange import Exchange
from bot.lab.cluster.model import FailoverCluster
from bot.lab.cluster.packages import Rollup
from bot.lab.cluster.world import World, short
from bot.lab.windows.machine import Machine, Session
from bot.lab.windows.services import ServiceError

DEFAULT_LOG = "C:\\Windows\\Temp\\MSI4e1f2.LOG"
SUCCESS = {0, 1641, 3010}
STEPS = 40  # the log grows this many times during an install
# Parts of the whole time at which things happen; Ngen fills the long quiet end.
STOP_AT, WMI_DOWN_AT, FILES_AT, WMI_UP_AT, CLUSTER_UP_AT, SERVICES_AT = 0.06, 0.12, 0.45, 0.6, 0.8, 0.9


class Interrupted(Exception):
    """The machine went down in the middle."""


class Installer:
    """The Windows Installer service of one machine: one transaction at a time."""

    def __init__(
        self,
        world: World,
        machine: Machine,
        exchange: Exchange,
        cluster: FailoverCluster | None,
        record: Callable[[Session, str], None],
    ) -> None:
        self.world = world
        self.machine = machine
        self.exchange = exchange
        self.cluster = cluster
        self.record = record
        self.busy = threading.Lock()
        self.active = False  # while it runs, service modes change for a moment only
        self.log_path = DEFAULT_LOG
        self.job = ""

    def __call__(self, session: Session, argv: list[str], raw: str) -> int:
        """`msiexec`: the exit code is the Installer's."""
        self.record(session, "msiexec.exe " + raw.strip())
        file, log = _options(argv[1:])
        if not file:
            return 1639
        if session.principal.in_shell:
            # A child of the WinRM shell: network-logon token and the shell's memory quota end it at once.
            session.sleep(2)
            return 1601
        if not self.busy.acquire(blocking=False):
            return 1618
        boot = self.machine.boot_time
        result: list[int] = []
        self.job, self.log_path = self.world.job(session), log or DEFAULT_LOG
        done = threading.Event()

        def serve() -> None:
            try:
                result.append(self._transaction(file, boot))
            except Interrupted:
                pass
            finally:
                self.active = False
                self.world.doing.pop(short(self.machine.name), None)
                self.busy.release()
                done.set()

        # The service does the work: ending msiexec.exe does not end the installation.
        threading.Thread(target=serve, name=f"installer {self.machine.name}", daemon=True).start()
        while not done.wait(0.005):
            if session.cancelled.is_set():
                session.sleep(0)
        return result[0] if result else 1603

    # --- the transaction --------------------------------------------------------------------------

    def _transaction(self, file: str, boot: float) -> int:
        self._log(
            f"=== Verbose logging started: {self._now():%m/%d/%Y  %H:%M:%S}  Build type: SHIP UNICODE "
            "4.00.6001.00  Calling process: C:\\Windows\\system32\\msiexec.exe ===",
            first=True,
        )
        self._pass(3, boot)
        planned = self.world.faults("exit_code", machine=self.machine.name, moment="install")
        refused = self._refuse(file, int(planned) if planned is not None else 0)
        if isinstance(refused, int):
            self._log(f"MSI (s) (A4:5C): MainEngineThread is returning {refused}")
            return refused
        rollup = refused
        name = file.replace("/", "\\").rsplit("\\", 1)[-1]
        owned, held = self._owns()
        self.active = True
        self.world.truth.write(
            "install_started",
            node=self.machine.name,
            package=name,
            kb=rollup.kb,
            build=rollup.build,
            owned_groups=owned,
            holds_cms=held,
            job=self.job,
        )
        code = self._apply(rollup, boot, int(planned) if planned is not None else 0)
        self.active = False
        self.world.truth.write(
            "install_finished", node=self.machine.name, build=software.level(self.machine), rc=code, job=self.job
        )
        self._log(f"MSI (s) (A4:5C): MainEngineThread is returning {code}")
        self._log(f"=== Verbose logging stopped: {self._now():%m/%d/%Y  %H:%M:%S} ===")
        return code

    def _refuse(self, file: str, planned: int) -> Rollup | int:
        """What the Installer says before it changes anything: an exit code, or the rollup to apply."""
        machine = self.machine
        if planned in {1601, 1602, 1618, 1619, 1620, 1625, 1633, 1635, 1636, 1637, 1638, 1642, 1643}:
            return planned
        if not machine.fs.is_file(file):
            return 1635 if file.casefold().endswith(".msp") else 1619
        rollup = packages.understand(machine.fs.read(file))
        if rollup is None:
            return 1636
        if rollup.base != software.base(machine):
            self._log(
                "The upgrade patch cannot be installed by the Windows Installer service because the program to "
                "be upgraded may be missing, or the upgrade patch may update a different version of the program."
            )
            return 1642
        if catalogue.number(rollup.build) <= catalogue.number(software.listed(machine)):
            self._log("Action start: SetPatchStates. Patch is already installed or superseded.")
            return 1642
        return rollup

    def _apply(self, rollup: Rollup, boot: float, planned: int) -> int:
        machine, fault = self.machine, self.world.faults
        total = rollup.seconds or self.world.timing.install_s
        slow = fault("slow", machine=machine.name, moment="install")
        total = float(slow) if slow else total
        if (
            software.CRL_HOST in machine.no_route
            and machine.registry.value(software.WINTRUST, "State") == software.CRL_ON
        ):
            total *= 5  # every native image waits for the revocation list to time out
        silent = fault("silent", machine=machine.name, moment="install")
        fails = self._must_fail(planned)
        saved: dict[str, tuple[str, str]] = {}
        moments: list[tuple[float, Callable[[], None]]] = [
            (0.03, self._custom_action),
            (STOP_AT, lambda: saved.update(self._stop_services())),
            (WMI_DOWN_AT, lambda: self._service("Winmgmt", start=False)),
            (FILES_AT, lambda: None if fails else self._new_files(rollup)),
            (WMI_UP_AT, lambda: self._service("Winmgmt", start=True)),
            (CLUSTER_UP_AT, self._cluster_back),
            (SERVICES_AT, lambda: self._services_back(saved)),
        ]
        for step in range(STEPS):
            part = step / STEPS
            while moments and moments[0][0] <= part:
                moments.pop(0)[1]()
            if fails and part >= FILES_AT:
                return self._roll_back(moments, planned if planned not in SUCCESS else 1603)
            self.world.doing[short(machine.name)] = f"installing {rollup.kb}, {part:.0%}"
            self._log(
                f"MSI (s) (A4:5C) Action {step + 1}: {_ACTIONS[min(step * len(_ACTIONS) // STEPS, len(_ACTIONS) - 1)]}"
            )
            if silent and step == STEPS // 2:
                self._pass(float(silent), boot)
            self._pass(total / STEPS, boot)
        for _, moment in moments:
            moment()
        if fault("services_disabled", machine=machine.name, moment="install") is not None:
            self._leave_disabled()
        if fault("pending_rename", machine=machine.name, moment="install") is not None:
            software.owe_reboot(machine)
        if planned == 1641:
            software.owe_reboot(machine)
            self.world.restart_jobs[short(machine.name)] = self.job
            machine.reboot(self.world.timing.reboot_s)
            return 1641
        if rollup.reboot or planned == 3010:
            software.owe_reboot(machine)
            return 3010
        return planned if planned in SUCCESS else 0

    def _must_fail(self, planned: int) -> str:
        """Why this install will be rolled back, "" when it will not: 1603, or the code the scenario names."""
        if planned and planned not in SUCCESS:
            return f"planned {planned}"
        if software.interim_update(self.machine):
            return "an interim update must be removed first"
        if float(self.machine.powershell_version.split(".")[0]) >= 3:
            return "Windows Management Framework 3.0 is present"
        return ""

    def _roll_back(self, moments: list[tuple[float, Callable[[], None]]], code: int) -> int:
        self._log(f"CustomAction CA_SAVEDATA returned actual error code {code}")
        self._log(f"Action ended {self._now():%H:%M:%S}: InstallFinalize. Return value 3.")
        left = self.world.faults("services_disabled", machine=self.machine.name, moment="install") is not None
        for position, moment in moments:
            if position in {WMI_UP_AT, CLUSTER_UP_AT} or (position == SERVICES_AT and not left):
                moment()
        if left:
            self._leave_disabled()
        return code

    # --- its parts --------------------------------------------------------------------------------

    def _owns(self) -> tuple[list[str], list[str]]:
        if self.cluster is None:
            return [], []
        with self.world.lock:
            groups = self.cluster.owned(self.cluster.node(self.machine.name))
            return [g.name for g in groups], [g.cms for g in groups if g.cms]

    def _custom_action(self) -> None:
        fs = self.machine.fs
        if not fs.is_file(software.CUSTOM) or catalogue.number(software.base(self.machine))[1] < 2:
            return
        self._log("Action: CA_CustomPatchInstallerActions PrePatchInstallActions")
        fs.write("C:\\ExchangeSetupLogs.txt", b"CustomPatchInstallerActions.ps1 was run\r\n", mode="append")

    def _stop_services(self) -> dict[str, tuple[str, str]]:
        """ServiceControl: remember, disable and stop Exchange's services, then the Cluster service."""
        services = self.machine.services
        saved: dict[str, tuple[str, str]] = {}
        for name in software.exchange_services(self.machine):
            service = services.get(name)
            assert service is not None  # noqa: S101 - listed just now
            saved[name] = (service.state, service.start_mode)
        if self.cluster is not None:
            # First the cluster lets go: whatever the node owns fails over, or goes offline if nothing can take it.
            self._service("ClusSvc", start=False)
        for name in saved:
            services.set_mode(name, "Disabled")
            services.set_state(name, "Stopped")
        return saved

    def _services_back(self, saved: dict[str, tuple[str, str]]) -> None:
        services = self.machine.services
        for name, (_, mode) in saved.items():
            services.set_mode(name, mode)
        for name, (state, mode) in saved.items():
            if state == "Running" and mode == "Auto":
                services.set_state(name, "Running")

    def _leave_disabled(self) -> None:
        for name in software.exchange_services(self.machine):
            self.machine.services.set_mode(name, "Disabled")
            self.machine.services.set_state(name, "Stopped")
            self.world.truth.write("service_mode", node=self.machine.name, service=name, mode="Disabled", job=self.job)

    def _cluster_back(self) -> None:
        if self.cluster is None:
            return
        if self.world.faults("cluster_service_down", machine=self.machine.name, moment="install") is not None:
            return
        self._service("ClusSvc", start=True)

    def _service(self, name: str, *, start: bool) -> None:
        services = self.machine.services
        with self.world.acting(self.machine.name, self.job):
            try:
                if start:
                    services.start(name)
                else:
                    services.stop(name, force=True)
            except ServiceError as refused:
                self._log(f"ServiceControl: {name}: {refused}")

    def _new_files(self, rollup: Rollup) -> None:
        software.level_up(self.machine, rollup.build, rollup.kb, f"{self._now():%Y%m%d}")

    def _pass(self, seconds: float, boot: float) -> None:
        """Let lab time pass; raises Interrupted when the machine goes down."""
        clock = self.world.clock
        end = clock.now() + seconds
        while (left := end - clock.now()) > 0:
            if not self.machine.online or self.machine.boot_time != boot:
                raise Interrupted
            threading.Event().wait(min(left / clock.speed, 0.1))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.machine.now(), UTC)

    def _log(self, line: str, *, first: bool = False) -> None:
        # Installer logs are UTF-16 with a byte order mark.
        data = (line + "\r\n").encode("utf-16-le")
        try:
            self.machine.fs.write(
                self.log_path, (b"\xff\xfe" if first else b"") + data, mode="create" if first else "append"
            )
        except OSError:
            return  # as on Windows: an unwritable log does not stop the installation


_ACTIONS = (
    "InstallInitialize",
    "CA_STOP_SERVICES",
    "StopServices",
    "PatchFiles",
    "InstallFiles",
    "WriteRegistryValues",
    "RegisterUser",
    "CA_START_CLUSTER",
    "CA_NGEN C:\\Windows\\Microsoft.NET\\Framework64\\v2.0.50727\\ngen.exe",
    "StartServices",
    "InstallFinalize",
)


def _options(words: list[str]) -> tuple[str, str]:
    """The package and the log file a command line names."""
    file = log = ""
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        if word.casefold() in {"/update", "-update", "/p", "-p"}:
            file = following
        elif re.fullmatch(r"[/-]l[iwearucmopvx+!*]*", word, re.IGNORECASE):
            log = following
    return file, log
