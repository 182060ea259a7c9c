"""Building the estate: every machine, cluster and clustered mailbox server as the administrators left them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.lab.cluster import catalogue, snapin, software, wmi
from bot.lab.cluster.cluster_exe import Tool
from bot.lab.cluster.exchange import Cms, CopyOf, Database, StorageGroup
from bot.lab.cluster.installer import Installer
from bot.lab.cluster.model import FailoverCluster, Group, Node, Resource
from bot.lab.cluster.shell import Shell, StandAlone
from bot.lab.cluster.world import World, short
from bot.lab.powershell.times import DateTime
from bot.lab.powershell.values import PSObject
from bot.lab.scenario_words import Cluster as ClusterWords
from bot.lab.scenario_words import Cms as CmsWords
from bot.lab.scenario_words import Machine as MachineWords
from bot.lab.scenario_words import Standby as StandbyWords
from bot.lab.scenario_words import StorageGroup as StorageGroupWords
from bot.lab.windows.filesystem import Drive
from bot.lab.windows.machine import Machine, Principal, Session

if TYPE_CHECKING:
    from bot.lab.cluster.estate import Estate

OS = {"2003": "5.2", "2008": "6.0", "2008r2": "6.1"}
JOB_ROOT = "C:\\rollup-bot\\jobs"
RUNNER_TASK = "rollup-bot-runner"
# Programs with effects of their own that other rooms run; cluster.exe and msiexec record themselves.
_WITH_EFFECT = re.compile(r'^"?(?:\S*\\)?(?:shutdown|(?:net1?)(?:\.exe)?"?\s+(?:start|stop)\s+\S|'
                          r'sc(?:\.exe)?"?\s+(?:start|stop|config)\s)', re.IGNORECASE)


def fill(estate: Estate, runner: bytes) -> None:
    """Put everything of the scenario into the estate."""
    for told in estate.scenario.clusters:
        estate.clusters.append(_cluster(estate, told))
    for alone in estate.scenario.machines:
        machine = _machine(estate, alone, alone.os)
        software.install(machine, alone, clustered=False, roles=alone.roles)
        estate.stand_alone[short(alone.name)] = StandAlone(machine, alone.roles, alone.mailboxes, alone.standby_of)
    clusters = {short(n.name): c for c in estate.clusters for n in c.nodes}
    for told_cluster, cluster in zip(estate.scenario.clusters, estate.clusters, strict=True):
        for told_cms in told_cluster.cms:
            _cms(estate, cluster, told_cluster, told_cms)
    words: list[MachineWords] = [n for c in estate.scenario.clusters for n in c.nodes]
    words += estate.scenario.machines
    for machine, told_machine in zip(estate.machines, words, strict=True):
        _equip(estate, machine, told_machine, clusters.get(short(machine.name)), runner)


def _machine(estate: Estate, told: MachineWords, os: str) -> Machine:
    lab = estate.scenario.lab
    machine = Machine(told.name, estate.world.clock, domain=lab.domain, os_version=OS[os])
    machine.accounts[lab.username] = estate.password
    machine.delegated_only = lab.second_hop == "delegated"
    machine.skew_s = told.skew_s
    machine.reboot_s = estate.scenario.timing.reboot_s
    machine.boot_time = machine.now() - 40 * 86_400
    estate.machines.append(machine)
    estate.world.machines[short(told.name)] = machine
    return machine


# --- clusters -----------------------------------------------------------------------------------------


def _cluster(estate: Estate, told: ClusterWords) -> FailoverCluster:
    nodes = []
    for number, node in enumerate(told.nodes, 1):
        machine = _machine(estate, node, told.os)
        software.install(machine, node, clustered=True)
        nodes.append(Node(node.name, number, machine, paused=node.paused))
    witness = told.witness.name or _default_witness(told)
    cluster = FailoverCluster(estate.world, told.name, told.quorum, nodes, os=told.os, witness=witness,
                              witness_ok=told.witness.state == "Online")
    listed = [g for g in told.groups if g.core]
    if not listed:
        cluster.groups.append(Group("Cluster Group", nodes[0].name, _core_resources(cluster), core=True))
    for group in told.groups:
        resources = [Resource(r.name, r.type) for r in group.resources]
        cluster.groups.append(Group(
            group.name, group.owner, _core_resources(cluster) if group.core else resources, core=group.core,
            online=group.state in {"Online", "Partially Online"}, wanted=group.state != "Offline",
            failed=group.state == "Failed", partial=group.state == "Partially Online",
            auto_failback=int(group.failback), preferred=list(group.preferred), possible=list(group.possible)))
    for words, made in zip(told.nodes, nodes, strict=True):
        _cluster_service(estate.world, cluster, made, down=words.down)
    return cluster


def _default_witness(told: ClusterWords) -> str:
    if told.quorum in {"node-and-share", "mns-share"}:
        return f"\\\\HUB1\\FSW_{told.name}"
    return "Q:\\MSCS\\" if told.quorum in {"node-and-disk", "disk-only", "disk-2003"} else ""


def _core_resources(cluster: FailoverCluster) -> list[Resource]:
    """Cluster name, address and what decides the quorum; on 2003 the share is a private property only."""
    core = [Resource("Cluster Name", "Network Name"), Resource("Cluster IP Address", "IP Address")]
    bad = not cluster.witness_ok
    if cluster.model == "node-and-share":
        core.append(Resource(f"File Share Witness ({cluster.witness})", "File Share Witness", bad,
                             properties={"SharePath": cluster.witness, "_quorum": "1"}))
    elif cluster.model in {"node-and-disk", "disk-only", "disk-2003"}:
        core.append(Resource("Disk Q:", "Physical Disk", bad, properties={"_quorum": "1"}))
    elif cluster.model in {"mns", "mns-share"}:
        share = {"MNSFileShare": cluster.witness} if cluster.model == "mns-share" else {}
        core.append(Resource("Majority Node Set", "Majority Node Set", properties={**share, "_quorum": "1"}))
    elif cluster.model == "local":
        core.append(Resource("Local Quorum", "Local Quorum", properties={"_quorum": "1"}))
    return core


def _cluster_service(world: World, cluster: FailoverCluster, node: Node, *, down: bool) -> None:
    """Tie Windows' ClusSvc on a node to the cluster, both ways, and both to the machine's power."""
    machine = node.machine
    machine.services.add("ClusSvc", "Cluster Service", on_start=lambda: cluster.starting(node, world.cause(node.name)),
                         on_stop=lambda: cluster.stopped(node, world.cause(node.name)))

    def power_goes() -> None:
        sudden = short(node.name) in world.power_cut
        job = world.restart_jobs.get(short(node.name), "")
        cluster.stopped(node, job, graceful=not sudden, wants=True)

    machine.on_shutdown.append(power_goes)
    cluster.service_state = _service_state
    if down:
        node.service, node.wants = "stopped", False


def _service_state(node: Node, state: str) -> None:
    service = node.machine.services.get("ClusSvc")
    if service is not None and service.state not in {state, "Stop Pending"}:
        node.machine.services.set_state("ClusSvc", state)


# --- clustered mailbox servers ----------------------------------------------------------------------------


def _cms(estate: Estate, cluster: FailoverCluster, told_cluster: ClusterWords, told: CmsWords) -> None:
    groups = [_storage_group(estate, told_cluster, g) for g in told.storage_groups or (StorageGroupWords(name="SG1"),)]
    label = f"({told.name})"
    resources = [Resource(f"IP Address {label}", "IP Address"), Resource(f"Network Name {label}", "Network Name", properties={"HostRecordTTL": str(told.ttl_s)}),
                 Resource(f"Microsoft Exchange System Attendant {label}", "Microsoft Exchange System Attendant"),
                 Resource(f"Microsoft Exchange Information Store {label}", "Microsoft Exchange Information Store")]
    resources += [Resource(f"{g.name}/{d.name} {label}", "Microsoft Exchange Database Instance")
                  for g in groups for d in g.databases]
    letter = ""
    if told_cluster.kind == "scc":
        letter = f"{chr(ord('E') + len(estate.exchange.cms))}:"
        resources.append(Resource(f"Disk {letter} {label}", "Physical Disk"))
    on = told.state in {"Online", "PartiallyOnline"}
    redundant = list(told.redundant or [n.name for n in told_cluster.nodes])
    group = Group(told.name, told.owner, resources, online=on, wanted=told.state != "Offline",
                  failed=told.state == "Failed", partial=told.state == "PartiallyOnline",
                  auto_failback=int(told.failback), preferred=list(told.preferred), possible=redundant, cms=told.name)
    if not on:
        for storage_group in groups:
            for database in storage_group.databases:
                database.mounted = False
    cluster.groups.append(group)
    cms = Cms(told.name, cluster, group, told_cluster.kind == "ccr", groups, redundant,
              software.base(cluster.node(told.owner).machine), told.ttl_s, told.names == "fqdn", told.dirty_volume)
    estate.exchange.adopt(cms)
    if letter:
        _shared_disk(estate, cms, letter)


def _storage_group(estate: Estate, cluster: ClusterWords, told: StorageGroupWords) -> StorageGroup:
    start = estate.world.clock.now()
    databases = [Database(d.name, d.mounted, d.mounted,
                          None if d.last_full_backup_h < 0 else start - d.last_full_backup_h * 3600, d.backup, d.mailboxes)
                 for d in told.databases]
    if not databases:
        databases = [Database(told.name.replace("SG", "MBX"), True, True, start - 36_000)]
    copy = None
    if cluster.kind == "ccr":
        copy = CopyOf("", copy_queue=told.copy.copy_queue, replay_queue=told.copy.replay_queue)
        _found(copy, told.copy.status)
    return StorageGroup(told.name, databases, told.quiet, copy, [_standby(s) for s in told.standby])


def _standby(told: StandbyWords) -> CopyOf:
    copy = CopyOf(told.machine, told.typed or told.machine, copy_queue=told.copy_queue, replay_queue=told.replay_queue,
                  replay_lag_h=told.replay_lag_h)
    _found(copy, told.status)
    return copy


def _found(copy: CopyOf, status: str) -> None:
    """What a copy is found in it stays in until somebody acts; Initializing ends with mail."""
    copy.forced = "" if status == "Healthy" else status


def _shared_disk(estate: Estate, cms: Cms, letter: str) -> None:
    """A disk that only the owning node sees online."""
    drives: dict[str, Drive] = {}
    for node in cms.cluster.nodes:
        drive = Drive(letter, cms.name, dirty=cms.dirty_volume, online=short(node.name) == short(cms.group.owner))
        drives[short(node.name)] = node.machine.fs.add_drive(drive)

    def follow(record: dict[str, object]) -> None:
        if record["did"] == "cms_moved" and record["cms"] == cms.name:
            for name, drive in drives.items():
                drive.online = name == short(str(record["to"]))

    estate.world.truth.listen(follow)


# --- what stands on every machine ----------------------------------------------------------------------------


def _equip(estate: Estate, machine: Machine, told: MachineWords, cluster: FailoverCluster | None, runner: bytes) -> None:
    world = estate.world
    record = recorder(world)
    shell = Shell(world, estate.exchange, machine, cluster, estate.stand_alone, record, estate.clusters)
    hidden = frozenset(short(n.name) for c in estate.scenario.clusters for n in c.nodes if n.hidden)
    snapin.register(machine, shell, hidden=hidden)
    installer = Installer(world, machine, estate.exchange, cluster, record)
    machine.natives["msiexec"] = installer
    if cluster is not None:
        machine.natives["cluster"] = Tool(world, cluster, cluster.node(machine.name), told.language, record)
        wmi.register(machine, cluster)
    for package in estate.scenario.packages:
        software.place(machine, package)
    machine.fs.makedirs(JOB_ROOT)
    for folder in ("C:\\rollup-bot", JOB_ROOT):
        machine.fs.set_security(folder, owner="BUILTIN\\Administrators", acl=[
            ("NT AUTHORITY\\SYSTEM", "FullControl"), ("BUILTIN\\Administrators", "FullControl")])
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


def _follow(world: World, estate: Estate, machine: Machine, installer: Installer,
            record: Callable[[Session, str], None]) -> None:
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
        named, state, mode = getattr(service, "name", ""), getattr(service, "state", ""), getattr(service, "start_mode", "")
        if what == "state" and named == "MSExchangeRepl" and state in {"Running", "Stopped"}:
            estate.exchange.replication_service(machine, state, installer.job if installer.active else world.cause(name))
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
    machine.event_log.append(PSObject([
        ("Index", len(machine.event_log) + 1), ("TimeGenerated", DateTime.from_unix(machine.now())),
        ("TimeWritten", DateTime.from_unix(machine.now())), ("EntryType", kind), ("Source", source),
        ("InstanceId", number), ("EventID", number), ("Message", message), ("MachineName", machine.name),
        ("LogName", "Application"),
    ], ("System.Diagnostics.EventLogEntry", "System.Object")))


def is_rtm(machine: Machine) -> bool:
    """Whether a machine has no service pack."""
    return catalogue.is_rtm(software.base(machine))
