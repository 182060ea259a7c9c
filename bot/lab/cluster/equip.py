"""What stands on every machine of the estate: tools, cmdlets, packages, the runner task, and who follows what happens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.lab.cluster import signature, snapin, software, wmi
from bot.lab.cluster.cluster_exe import Tool
from bot.lab.cluster.installer import Installer
from bot.lab.cluster.model import FailoverCluster
from bot.lab.cluster.shell import Shell
from bot.lab.cluster.world import World, short
from bot.lab.powershell.times import DateTime
from bot.lab.powershell.values import PSObject
from bot.lab.scenario_words import Machine as MachineWords
from bot.lab.windows.machine import Machine, Principal, Session

if TYPE_CHECKING:
    from bot.lab.cluster.estate import Estate

JOB_ROOT = "C:\\rollup-bot\\jobs"
RUNNER_TASK = "rollup-bot-runner"
# Programs with effects of their own that other rooms run; cluster.exe and msiexec record themselves.
_WITH_EFFECT = re.compile(
    r'^"?(?:\S*\\)?(?:shutdown|(?:net1?)(?:\.exe)?"?\s+(?:start|stop)\s+\S|'
    r'sc(?:\.exe)?"?\s+(?:start|stop|config)\s)',
    re.IGNORECASE,
)


def equip(estate: Estate, machine: Machine, told: MachineWords, cluster: FailoverCluster | None, runner: bytes) -> None:
    """Put tools, cmdlets, packages and the runner task on a machine, and follow what happens to it."""
    world = estate.world
    machine.language = told.language
    record = recorder(world)
    shell = Shell(
        world, estate.exchange, machine, cluster, estate.stand_alone, record, estate.clusters, estate.scenario.servers
    )
    hidden = frozenset(short(n.name) for c in estate.scenario.clusters for n in c.nodes if n.hidden)
    snapin.register(machine, shell, hidden=hidden)
    signature.register(machine)
    installer = Installer(world, machine, estate.exchange, cluster, record)
    machine.natives["msiexec"] = installer
    if cluster is not None:
        machine.natives["cluster"] = Tool(world, cluster, cluster.node(machine.name), told.language, record)
        wmi.register(machine, cluster)
    for package in estate.scenario.packages:
        software.place(machine, package)
    machine.fs.makedirs(JOB_ROOT)
    for folder in ("C:\\rollup-bot", JOB_ROOT):
        machine.fs.set_security(
            folder,
            owner="BUILTIN\\Administrators",
            acl=[("NT AUTHORITY\\SYSTEM", "FullControl"), ("BUILTIN\\Administrators", "FullControl")],
        )
    if told.runner:
        machine.fs.write(f"{JOB_ROOT}\\runner.cmd", runner)
        account = Principal(f"{machine.domain}\\svc-rollup-runner", second_hop=True, exchange=True)
        machine.tasks.create(RUNNER_TASK, f"{JOB_ROOT}\\runner.cmd", account, author=f"{machine.domain}\\Administrator")
    _follow(world, estate, machine, installer, record)
    estate.exchange.event = write_event
    if told.down:
        machine.online = False
    if not told.reachable:
        machine.reachable = False


def recorder(world: World) -> Callable[[Session, str], None]:
    """Writes `command_started` to the truth."""

    def record(session: Session, line: str) -> None:
        world.truth.write("command_started", node=session.machine.name, line=line, job=world.job(session))

    return record


def _follow(
    world: World, estate: Estate, machine: Machine, installer: Installer, record: Callable[[Session, str], None]
) -> None:
    """Follow what commands of other rooms, services and the power do to this machine."""
    name = short(machine.name)

    def commanded(session: Session, line: str) -> None:
        if session.principal.in_shell and _is_first(machine, session):
            session.sleep(estate.scenario.lab.reply_s)  # a machine takes its time before it starts anything
        if _WITH_EFFECT.match(line.strip()):
            record(session, line.strip())
            if "shutdown" in line.casefold():
                world.restart_jobs[name] = world.job(session)

    def changed(service: object, what: str) -> None:
        named, state, mode = (
            getattr(service, "name", ""),
            getattr(service, "state", ""),
            getattr(service, "start_mode", ""),
        )
        if what == "state" and named == "MSExchangeRepl" and state in {"Running", "Stopped"}:
            estate.exchange.replication_service(
                machine, state, installer.job if installer.active else world.cause(name)
            )
        if what == "start_mode" and not installer.active:
            world.truth.write("service_mode", node=machine.name, service=named, mode=mode, job=world.cause(name))

    def going() -> None:
        world.doing[name] = "restarting"

    def back() -> None:
        software.paid_reboot(machine)
        world.power_cut.discard(name)
        world.doing.pop(name, None)
        world.truth.write("restarted", node=machine.name, job=world.restart_jobs.pop(name, ""))

    def written(path: str) -> None:
        folder, _, file = path.replace("/", "\\").rpartition("\\")
        root, _, job = folder.rpartition("\\")
        if file.casefold() == "refused" and root.casefold() == JOB_ROOT.casefold():
            reason = machine.fs.read(path).decode("utf-8", "replace").strip()
            world.truth.write("job_refused", node=machine.name, job=job, reason=reason)

    machine.fs.on_write.append(written)
    machine.on_command.append(commanded)
    machine.services.on_change.append(changed)
    machine.on_shutdown.append(going)
    machine.on_boot.append(back)


def _is_first(machine: Machine, session: Session) -> bool:
    """Whether this is what the remote side asked for, not something started below it."""
    process = machine.processes.get(session.pid)
    above = machine.processes.get(process.parent) if process else None
    return above is None or (above.name == "cmd.exe" and above.parent == 0)


def write_event(machine: Machine, source: str, number: int, kind: str, message: str) -> None:
    """Write to the Application event log."""
    machine.event_log.append(
        PSObject(
            [
                ("Index", len(machine.event_log) + 1),
                ("TimeGenerated", DateTime.from_unix(machine.now())),
                ("TimeWritten", DateTime.from_unix(machine.now())),
                ("EntryType", kind),
                ("Source", source),
                ("InstanceId", number),
                ("EventID", number),
                ("Message", message),
                ("MachineName", machine.name),
                ("LogName", "Application"),
            ],
            ("System.Diagnostics.EventLogEntry", "System.Object"),
        )
    )
