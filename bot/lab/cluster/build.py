"""Building the estate: every machine, cluster and clustered mailbox server as the administrators left them."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from bot.lab.cluster import log_volumes, software
from bot.lab.cluster.equip import equip
from bot.lab.cluster.exchange import Cms, CopyOf, Database, StorageGroup
from bot.lab.cluster.model import FailoverCluster, Group, Node, Resource
from bot.lab.cluster.shell import StandAlone
from bot.lab.cluster.world import World, short
from bot.lab.scenario_words import Cluster as ClusterWords
from bot.lab.scenario_words import Cms as CmsWords
from bot.lab.scenario_words import Machine as MachineWords
from bot.lab.scenario_words import Standby as StandbyWords
from bot.lab.scenario_words import StorageGroup as StorageGroupWords
from bot.lab.windows.filesystem import Drive
from bot.lab.windows.machine import Machine

if TYPE_CHECKING:
    from bot.lab.cluster.estate import Estate

HEARTBEAT = "192.168.250.0/24"
CHKDSK_S = 7200.0  # a dirty volume is checked before it comes online: minutes become hours
OS = {"2003": "5.2", "2008": "6.0", "2008r2": "6.1"}


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
        equip(estate, machine, told_machine, clusters.get(short(machine.name)), runner)


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
    cluster = FailoverCluster(
        estate.world,
        told.name,
        told.quorum,
        nodes,
        os=told.os,
        witness=witness,
        witness_ok=told.witness.state == "Online",
    )
    listed = [g for g in told.groups if g.core]
    if not listed:
        cluster.groups.append(Group("Cluster Group", nodes[0].name, _core_resources(cluster), core=True))
    for group in told.groups:
        resources = [Resource(r.name, r.type) for r in group.resources]
        cluster.groups.append(
            Group(
                group.name,
                group.owner,
                _core_resources(cluster) if group.core else resources,
                core=group.core,
                online=group.state in {"Online", "Partially Online"},
                wanted=group.state != "Offline",
                failed=group.state == "Failed",
                partial=group.state == "Partially Online",
                auto_failback=int(group.failback),
                preferred=list(group.preferred),
                possible=list(group.possible),
            )
        )
    _networks(cluster, told)
    for words, made in zip(told.nodes, nodes, strict=True):
        _cluster_service(estate.world, cluster, made, down=words.down)
    return cluster


def _networks(cluster: FailoverCluster, told: ClusterWords) -> None:
    """One network for clients in each subnet, one for the heartbeat, and every node's addresses in them."""
    subnets = list(dict.fromkeys(node.subnet for node in told.nodes))
    cluster.networks = [(f"Cluster Network {i}", subnet, 3) for i, subnet in enumerate(subnets, 1)]
    cluster.networks.append((f"Cluster Network {len(subnets) + 1}", HEARTBEAT, 1))
    for number, (words, node) in enumerate(zip(told.nodes, cluster.nodes, strict=True), 11):
        node.machine.addresses = tuple(str(IPv4Network(net)[number]) for net in (words.subnet, HEARTBEAT))


def _default_witness(told: ClusterWords) -> str:
    if told.quorum in {"node-and-share", "mns-share"}:
        return f"\\\\HUB1\\FSW_{told.name}"
    return "Q:\\MSCS\\" if told.quorum in {"node-and-disk", "disk-only", "disk-2003"} else ""


def _core_resources(cluster: FailoverCluster) -> list[Resource]:
    """Cluster name, address and what decides the quorum; on 2003 the share is a private property only."""
    core = [Resource("Cluster Name", "Network Name"), Resource("Cluster IP Address", "IP Address")]
    bad = not cluster.witness_ok
    if cluster.model == "node-and-share":
        core.append(
            Resource(
                f"File Share Witness ({cluster.witness})",
                "File Share Witness",
                bad,
                properties={"SharePath": cluster.witness, "_quorum": "1"},
            )
        )
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
    machine.services.add(
        "ClusSvc",
        "Cluster Service",
        on_start=lambda: cluster.starting(node, world.cause(node.name)),
        on_stop=lambda: cluster.stopped(node, world.cause(node.name)),
    )

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
    resources = [
        Resource(f"IP Address {label}", "IP Address"),
        Resource(f"Network Name {label}", "Network Name", properties=_network_name(told, told_cluster.os)),
        Resource(f"Microsoft Exchange System Attendant {label}", "Microsoft Exchange System Attendant"),
        Resource(f"Microsoft Exchange Information Store {label}", "Microsoft Exchange Information Store"),
    ]
    resources += [
        Resource(f"{g.name}/{d.name} {label}", "Microsoft Exchange Database Instance")
        for g in groups
        for d in g.databases
    ]
    letter = ""
    if told_cluster.kind == "scc":
        letter = f"{chr(ord('E') + len(estate.exchange.cms))}:"
        resources.append(Resource(f"Disk {letter} {label}", "Physical Disk", possible=list(told.disk_owners)))
    on = told.state in {"Online", "PartiallyOnline"}
    redundant = list(told.redundant or [n.name for n in told_cluster.nodes])
    group = Group(
        told.name,
        told.owner,
        resources,
        online=on,
        wanted=told.state != "Offline",
        failed=told.state == "Failed",
        partial=told.state == "PartiallyOnline",
        auto_failback=int(told.failback),
        preferred=list(told.preferred),
        possible=redundant,
        cms=told.name,
    )
    if not on:
        for storage_group in groups:
            for database in storage_group.databases:
                database.mounted = False
    cluster.groups.append(group)
    cms = Cms(
        told.name,
        cluster,
        group,
        told_cluster.kind == "ccr",
        groups,
        redundant,
        software.base(cluster.node(told.owner).machine),
        told.ttl_s,
        told.names == "fqdn",
        told.dirty_volume,
    )
    estate.exchange.adopt(cms)
    if letter:
        _shared_disk(estate, cms, letter)
    log_volumes.place(estate.world, cms, letter or log_volumes.LETTER, told.log_free_mb, told.log_volume == "ok")
    if told.oab_node:
        for node in cluster.nodes:
            node.machine.registry.set(
                f"{software.SYSTEM_ATTENDANT}\\{told.name}", "EnableOabGenOnThisNode", told.oab_node
            )


def _network_name(told: CmsWords, os: str) -> dict[str, str]:
    """Private properties of a network name; HostRecordTTL came with Windows Server 2008."""
    return {"Name": told.name} | ({} if os == "2003" else {"HostRecordTTL": str(told.ttl_s)})


def _storage_group(estate: Estate, cluster: ClusterWords, told: StorageGroupWords) -> StorageGroup:
    start = estate.world.clock.now()
    databases = [
        Database(
            d.name,
            d.mounted,
            d.mounted,
            None if d.last_full_backup_h < 0 else start - d.last_full_backup_h * 3600,
            d.backup,
            0 if d.public else d.mailboxes,
            d.public,
        )
        for d in told.databases
    ]
    if not databases:
        databases = [Database(told.name.replace("SG", "MBX"), True, True, start - 36_000)]
    copy = None
    if cluster.kind == "ccr":
        copy = CopyOf("", copy_queue=told.copy.copy_queue, replay_queue=told.copy.replay_queue)
        _found(copy, told.copy.status)
    standbys = [_standby(one) for one in told.standby]
    return StorageGroup(told.name, databases, told.quiet, copy, standbys, 0.0 if told.quiet else told.logs_per_h)


def _standby(told: StandbyWords) -> CopyOf:
    copy = CopyOf(
        told.machine,
        told.typed or told.machine,
        copy_queue=told.copy_queue,
        replay_queue=told.replay_queue,
        replay_lag_h=told.replay_lag_h,
    )
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

    if cms.dirty_volume:
        cms.group.start_s += CHKDSK_S

    def follow(record: dict[str, object]) -> None:
        if record["did"] == "cms_online" and record["cms"] == cms.name and cms.dirty_volume:
            cms.dirty_volume = False  # chkdsk has done its work
            cms.group.start_s -= CHKDSK_S
            for drive in drives.values():
                drive.dirty = False
        if record["did"] == "cms_moved" and record["cms"] == cms.name:
            for name, drive in drives.items():
                drive.online = name == short(str(record["to"]))

    estate.world.truth.listen(follow)
