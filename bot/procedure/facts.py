"""What was read from the machines: frozen and three-valued, never a guess.

A fact that could not be read is `Unknown(why)`, not a default. Names of machines, clusters and CMSs are
compared through `same_name` (short and fully qualified forms, any case). Numbers and dates arrive as
numbers: nothing here was parsed out of localised text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import lru_cache

from state.words import JobFolder


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that could not be read, and why."""

    why: str


@lru_cache(maxsize=4096)  # every comparison of two names comes through here
def short(name: str) -> str:
    """A machine's name as the bot compares it: cut at the first dot, folded. An address has no short form."""
    return label(name).casefold()


def label(name: str) -> str:
    """A machine's name without its domain, as it is spelled."""
    text = name.strip()
    return text if text.replace(".", "").isdigit() else text.split(".", 1)[0]


def same_name(a: str, b: str) -> bool:
    """Whether two spellings name one machine."""
    return short(a) == short(b)


class NodeStatus(IntEnum):
    """clusapi node states (MSCluster_Node.State)."""

    UNKNOWN = -1
    UP = 0
    DOWN = 1
    PAUSED = 2
    JOINING = 3


class GroupStatus(IntEnum):
    """clusapi group states (MSCluster_ResourceGroup.State)."""

    UNKNOWN = -1
    ONLINE = 0
    OFFLINE = 1
    FAILED = 2
    PARTIAL = 3
    PENDING = 4


class QuorumModel(StrEnum):
    """How a cluster decides that it may run."""

    LOCAL = "local"  # local quorum, one node (2003)
    DISK_2003 = "disk-2003"  # shared quorum disk (2003)
    MNS = "mns"  # majority node set (2003)
    MNS_SHARE = "mns-share"  # majority node set with file share witness (2003)
    NODE = "node-majority"
    NODE_DISK = "node-and-disk"
    NODE_SHARE = "node-and-share"
    DISK_ONLY = "disk-only"


class ClusterKind(StrEnum):
    """What kind of cluster a machine belongs to."""

    CCR = "ccr"
    SCC = "scc"
    STANDBY = "standby"  # no CMS in it


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFacts:
    """One cluster group as one node sees it."""

    name: str
    owner: str
    state: GroupStatus
    resource_types: tuple[str, ...] = ()
    auto_failback: int | Unknown = 0
    preferred: tuple[str, ...] = ()
    possible_owners: tuple[str, ...] = ()  # nodes every resource may run on; empty = all
    core: bool = False  # holds the cluster name and quorum: the default group, whatever it is called

    @property
    def holds_exchange(self) -> bool:
        """Whether the group contains Exchange resources: then it is a CMS, online or not."""
        return any(t.casefold().startswith("microsoft exchange") for t in self.resource_types)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """A cluster as one Up node sees it."""

    name: str
    seen_from: str
    nodes: tuple[tuple[str, NodeStatus], ...]
    groups: tuple[GroupFacts, ...]
    quorum: QuorumModel | Unknown
    witness: str = ""  # share or disk; "" = none
    witness_ok: bool | Unknown = True  # by the cluster's own state


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """One database of a CMS, of mailboxes or of public folders."""

    name: str
    storage_group: str
    mounted: bool | Unknown
    backup_running: bool | Unknown = False
    last_full_backup: float | Unknown | None = None  # Unix seconds; None = never
    public: bool = False  # of public folders: nobody logs on to it, so Test-MapiConnectivity leaves it out


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyFacts:
    """One SCR relation of a storage group: the target as the administrator typed it."""

    node_name: str
    replay_lag_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFacts:
    """One storage group copy (CCR: the passive copy; SCR: the copy on `standby`)."""

    storage_group: str
    status: str  # SummaryCopyStatus, exactly as Exchange says it
    copy_queue: int | Unknown
    replay_queue: int | Unknown
    standby: str = ""  # SCR target, "" for the CCR copy


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsFacts:
    """A clustered mailbox server as one node of its cluster sees it."""

    name: str
    seen_from: str
    state: str | Unknown  # Online, Offline, PartiallyOnline … blanks removed
    active_node: str | Unknown  # from the <Active …> mark of OperationalMachines
    operational: tuple[str, ...] | Unknown
    redundant: tuple[str, ...] | Unknown  # RedundantMachines
    storage_type: str | Unknown  # NonShared (CCR) | Shared (SCC)
    build: str | Unknown = ""  # AdminDisplayVersion: describes the service pack, never the rollup
    databases: tuple[DatabaseFacts, ...] | Unknown = ()
    standbys: tuple[tuple[str, tuple[StandbyFacts, ...]], ...] | Unknown = ()  # (storage group, targets)
    copies: tuple[CopyFacts, ...] | Unknown = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthItem:
    """One line of Test-ReplicationHealth, passed or not."""

    check: str
    result: str
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchFacts:
    """One applied patch of the Exchange product from the Installer's registry."""

    name: str
    state: int  # 1 applied, 2 superseded, 4 obsoleted
    installed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFacts:
    """The three sources of a machine's level."""

    exsetup: str | Unknown  # file version of ExSetup.exe
    patches: tuple[PatchFacts, ...] | Unknown
    base: str | Unknown  # DisplayVersion of the product: the service pack


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts:
    """The declared package file as it lies on one machine."""

    path: str
    present: bool | Unknown
    sha256: str | Unknown = ""
    size: int | Unknown = 0
    signature: str | Unknown = ""  # Get-AuthenticodeSignature status


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """One Windows service."""

    name: str
    state: str  # Running, Stopped …
    start: str  # Auto, Manual, Disabled


NOT_ASKED = Unknown("not asked at this moment")


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterFacts:
    """One shadow copy writer as `vssadmin list writers` shows it."""

    name: str
    state: int  # VSS_WRITER_STATE: 1 stable, 2 to 5 a backup is on its way, 6 and more failed


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFacts:
    """A fixed volume as the machine sees it, mount points included."""

    name: str  # "E:\\" or "E:\\SG1\\"
    dirty: bool | Unknown  # it is checked before it comes online again
    system: bool = False  # the drive Windows is on


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """An Exchange server of the organisation as the directory knows it."""

    name: str
    roles: tuple[str, ...]  # ClientAccess, HubTransport, Mailbox …
    base: str | Unknown  # AdminDisplayVersion: the service pack's build, never a rollup's


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """What one Hub Transport server holds for one destination."""

    server: str
    next_hop: str  # for a mailbox server its full name; "" if the server has no queue
    waiting: int | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomScript:
    """CustomPatchInstallerActions.ps1 as it lies on a machine: a rollup runs it from Service Pack 2 on."""

    sha256: str  # over the text in UTF-8
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFacts:
    """A cluster resource of Exchange as one node sees it."""

    name: str  # "SG1/MBX1 (CMS1)": Exchange itself names them so, with the mail server in brackets
    type: str
    state: int  # MSCluster_Resource.State: 2 online, 3 offline, 4 failed, 128 and more on its way


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrFacts:
    """One SCR copy that a machine holds or feeds, as that machine tells it: of any server of the organisation."""

    server: str  # whose storage group it is: a CMS or a stand-alone mailbox server
    storage_group: str
    standby: str  # the machine that keeps the copy, as the administrator typed it
    status: str | Unknown  # SummaryCopyStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """How a storage group's transaction logs fill their volume, as one node that may run its mail server sees it."""

    cms: str
    storage_group: str
    volume: str  # "L:\\" or "L:\\SG1\\"; "" where none holds the folder
    free_mb: float | Unknown
    per_h: float | Unknown  # logs made in an hour; one is a megabyte (Exchange 2007)


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyFacts:
    """What only some moments need to know of a machine: each part is Unknown where it was not asked for."""

    writers: tuple[WriterFacts, ...] | Unknown = NOT_ASKED
    volumes: tuple[VolumeFacts, ...] | Unknown = NOT_ASKED
    client_networks: tuple[str, ...] | Unknown = NOT_ASKED  # cluster networks for clients it has an address in
    host_ttl: tuple[tuple[str, int], ...] | Unknown = NOT_ASKED  # (network name, HostRecordTTL in seconds)
    servers: tuple[ServerFacts, ...] | Unknown = NOT_ASKED  # every Exchange server of the organisation
    crl: str | Unknown = NOT_ASKED  # "" the host of the revocation list answers; else what came instead
    queues: tuple[QueueFacts, ...] | Unknown = NOT_ASKED  # of every Hub Transport server of the organisation
    agents: tuple[str, ...] | Unknown = (
        NOT_ASKED  # running services of monitoring, backup, file scanning, software rollout
    )
    oab_pins: tuple[tuple[str, str], ...] | Unknown = NOT_ASKED  # (CMS, node that makes its offline address book)
    mail: tuple[ResourceFacts, ...] | Unknown = NOT_ASKED  # every resource of Exchange in its cluster
    scr: tuple[ScrFacts, ...] | Unknown = NOT_ASKED  # every SCR copy in the organisation that it holds or feeds
    users: tuple[tuple[str, int], ...] | Unknown = NOT_ASKED  # (CMS that may run here, its mailboxes)
    logs: tuple[LogFacts, ...] | Unknown = NOT_ASKED  # every storage group of every CMS that may run here


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """Everything one probe of one machine answered."""

    name: str
    reached: bool
    why_not: str = ""  # if not reached
    read_at: float = 0.0  # wall seconds by server TIME when the reading ENDED
    skew_s: float | Unknown = 0.0  # node clock minus server TIME, wall seconds
    host: str | Unknown = ""
    boot_time: float | Unknown = 0.0
    os_version: str | Unknown = ""  # "5.2", "6.0", "6.1"
    powershell: str | Unknown = ""  # engine version
    machine_policy: str | Unknown = ""  # execution policy set by GPO, "" or Undefined = none
    job_root_ok: bool | Unknown = True
    runner_ok: bool | Unknown = True  # the runner task is registered
    level: LevelFacts | Unknown = field(default_factory=lambda: Unknown("not read"))
    package: PackageFacts | Unknown = field(default_factory=lambda: Unknown("not read"))
    cluster: ClusterView | Unknown | None = None  # None: not a cluster node
    cluster_service: ServiceFacts | Unknown | None = None
    services: tuple[ServiceFacts, ...] | Unknown = ()
    cms: tuple[CmsFacts, ...] | Unknown = ()  # every CMS of its cluster, seen from here
    health: tuple[HealthItem, ...] | Unknown | None = None  # None: Test-ReplicationHealth not applicable
    validate: tuple[tuple[str, str], ...] | Unknown = ()  # (cms, "" or the refusal) of -ValidateOnly to this node
    mapi: tuple[tuple[str, str], ...] | Unknown = ()  # (database, result) of Test-MapiConnectivity
    reboot_pending: tuple[str, ...] | Unknown = ()
    disk_free_mb: tuple[tuple[str, int], ...] | Unknown = ()
    system_drive: str | Unknown = ""  # where Windows is: "C:"
    jobs: tuple[JobFolder, ...] | Unknown = ()
    mailboxes: int | Unknown = 0  # stand-alone SCR target: mailboxes of its own
    roles: tuple[str, ...] | Unknown = ()
    own_standbys: tuple[tuple[str, tuple[StandbyFacts, ...]], ...] | Unknown = field(
        default_factory=lambda: Unknown("not read")
    )  # stand-alone mailbox server: (its own storage group, SCR targets)
    survey: SurveyFacts | Unknown = NOT_ASKED
    custom_actions: CustomScript | Unknown | None = None  # None: the administrator put none there
    software: tuple[tuple[str, str], ...] = ()  # further named facts: crl, forefront
    missing: tuple[tuple[str, str], ...] = ()  # (section of the probe, why it could not be read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What rollup.toml declares about one cluster."""

    cluster: str
    nodes: tuple[str, ...]
    channel: str
    machines: tuple[str, ...] = ()  # every machine with an address, SCR targets included
    soak_s: float = 900.0
    window: str = ""
    backups: str = ""  # when its backups run, written like the window; "" = not declared
    windows: tuple[tuple[str, str], ...] = ()  # (machine, its own window), where one is declared
    installs_outside_window: bool = True  # whether passive nodes may be patched while the window is closed

    def window_of(self, machine: str) -> str:
        """The window a stand-alone machine is bound to: its own, else the cluster's."""
        return next((text for name, text in self.windows if same_name(name, machine)), self.window)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateFacts:
    """One reading of everything a decision rests on."""

    inventory: Inventory
    machines: tuple[MachineFacts, ...]
    now: float  # lab seconds
    read_at: float  # wall seconds by server TIME when the OLDEST reading ended

    def machine(self, name: str) -> MachineFacts | None:
        """One machine's facts by any spelling of its name."""
        key = short(name)
        return next((m for m in self.machines if short(m.name) == key), None)
