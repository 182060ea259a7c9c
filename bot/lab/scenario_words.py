"""The shapes of a scenario file: one frozen Struct per table; docs/scenarios.md lists every key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0)]  # lab seconds
Count = Annotated[int, msgspec.Meta(ge=0)]
Place = Annotated[int, msgspec.Meta(ge=1)]  # the n-th
Role = Literal["requester", "approver", "guest", "none"]
Quorum = Literal[
    "local", "disk-2003", "mns", "mns-share", "node-majority", "node-and-disk", "node-and-share", "disk-only"
]
GroupState = Literal["Online", "Offline", "Failed", "Partially Online"]
CopyState = Literal[
    "Healthy",
    "Failed",
    "Seeding",
    "Copying",
    "Stopped",
    "Suspended",
    "Initializing",
    "ServiceDown",
    "Disabled",
    "NotSupported",
    "Resynchronizing",
]
FaultKind = Literal[
    "exit_code",
    "services_disabled",
    "slow",
    "silent",
    "pending_rename",
    "cluster_service_down",
    "group_stuck",
    "database_dismounted",
    "move_refused",
    "snapin_fails",
    "dies",
    "unreachable",
    "partition",
    "witness_down",
    "witness_up",
    "foreign_move",
    "group_moved",
    "backup",
    "seeding",
    "copy_status",
    "task_fires_again",
    "package_swapped",
    "pause",
    "resume",
    "clock_skew",
    "service_stopped",
    "service_started",
    "mail",
    "mount",
    "dismount",
    "start_cms",
    "patched",
    "restart",
    "jobs_deleted",
]
Moment = Literal[
    "start", "at", "install", "after_install", "handoff", "after_handoff", "restarted", "evacuated", "approved"
]


class Lab(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the practice range begins and how its protocols answer."""

    start: datetime = datetime(2026, 3, 14, 20, 0, tzinfo=UTC)
    second_hop: Literal["works", "delegated"] = "works"
    reply_s: Seconds = 0.2  # lab seconds a machine takes before it starts a command
    slack_reply_s: Seconds = 0.05  # lab seconds the workspace takes to answer
    username: str = "svc-rollup"
    domain: str = "LAB"


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Someone in the workspace."""

    name: str
    roles: tuple[Role, ...] = ()
    tz: str = "UTC"
    same_person_as: str = ""  # another account of that human
    bot: bool = False
    guest: bool = False
    external: bool = False
    deactivated: bool = False


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing a played person (or nobody in particular) does beside the usual run of a campaign."""

    when: Literal["start", "plan", "gate", "closed", "truth"]
    do: Literal["type", "react", "unreact", "message", "kill_bot", "estate"]
    who: str = ""
    step: str = ""  # when = gate or closed: only of this step
    outcome: str = ""  # when = closed: only this outcome
    did: str = ""  # when = truth: the truth log's kind
    machine: str = ""  # when = truth: only of this node
    nth: Place = 1  # the n-th such moment
    times: Count = 1  # for how many such moments in a row; 0 = every one
    after_s: Seconds = 0.0  # lab seconds after the moment
    text: str = ""  # do = type or message; {campaign} is filled in
    emoji: str = "white_check_mark"
    instead: bool = False  # when = gate: the usual approval of that gate is left out
    kind: FaultKind | None = None  # do = estate: what happens there
    on: str = ""  # do = estate: the machine it happens to
    cms: str = ""
    group: str = ""
    storage_group: str = ""
    database: str = ""
    to: str = ""
    value: float = 0.0


class Play(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the played people do: ask, start, approve every gate; `act` adds to it."""

    by: str = ""  # who asks; "" = the first requester
    command: str = ""  # "" = "/rollup plan <first cluster> <first package>"
    start: bool = True
    start_after_s: Seconds = 20.0
    approvers: tuple[str, ...] = ()  # in turn; () = the first approver who did not ask
    approve_after_s: Seconds = 20.0
    emoji: str = "white_check_mark"
    act: tuple[Act, ...] = ()


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An update rollup file and where it lies."""

    kb: str
    build: str
    base: str = "8.3.83.6"  # the service pack's build it applies to
    path: str = ""  # full path on every machine; "" = C:\Rollups\Exchange2007-<KB>-x64-EN.msp
    title: str = ""
    declared: bool = True  # stands in the generated rollup.toml
    absent_on: tuple[str, ...] = ()
    swapped_on: tuple[str, ...] = ()  # another file of that name
    damaged: bool = False  # the file itself, hash and all, is none the Installer can read
    reboot: bool = False  # ends with 3010
    seconds: Seconds = 0.0  # lab seconds its install takes; 0 = timing.install_s


class Machine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What cluster nodes and stand-alone machines have in common."""

    name: str
    build: str
    base: str = ""  # service pack's build; "" = from `build`
    listed: str = ""  # what the Installer's list of patches says instead of the files; "" = the same
    powershell: str = "2.0"
    language: Literal["en", "de"] = "en"
    forefront: bool = False
    agents: tuple[str, ...] = ()  # further services that run: of monitoring, backup and the like
    custom_actions: str = ""  # text of CustomPatchInstallerActions.ps1; "" = no such file
    interim_update: str = ""  # KB of an interim update that is in the way
    reboot_pending: bool = False
    crl: Literal["reachable", "unreachable", "off"] = "reachable"
    execution_policy: str = ""  # MachinePolicy, by GPO
    free_mb: Count = 40_000
    skew_s: float = 0.0
    down: bool = False
    reachable: bool = True
    runner: bool = True  # the Windows admin registered the runner task
    hidden: bool = False  # OperationalMachines never lists it


class Server(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An Exchange server the bot never reaches: it stands in the directory and does its work."""

    name: str
    roles: tuple[str, ...] = ("ClientAccess", "HubTransport")
    base: str = "8.3.83.6"  # what AdminDisplayVersion shows: the service pack, never a rollup
    queued: Count = 0  # messages for each mail server that wait here, however well it is


class Node(Machine, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A failover cluster node."""

    paused: bool = False
    subnet: str = "10.1.0.0/16"  # where clients reach it; nodes in several make a cluster over several sites


class StandAlone(Machine, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A machine outside every cluster."""

    os: Literal["2003", "2008", "2008r2"] = "2008"
    roles: tuple[str, ...] = ("Mailbox",)
    mailboxes: Count = 0
    standby_of: tuple[str, ...] = ()  # its own storage groups are replicated to these machines (cycles)


class Database(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mailbox database, or one of public folders."""

    name: str
    mounted: bool = True
    last_full_backup_h: float = 10.0  # hours before the start; negative = never
    backup: Literal["", "active", "passive"] = ""  # a running backup and where
    mailboxes: Count = 200
    public: bool = False  # of public folders: it has no mailboxes, and no logon test asks it


class Standby(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An SCR copy of a storage group."""

    machine: str
    typed: str = ""  # how the administrator spelled the name; "" = the name itself
    status: CopyState = "Healthy"
    copy_queue: Count = 0
    replay_queue: Count = 53
    replay_lag_h: Annotated[float, msgspec.Meta(ge=0)] = 24.0
    gone: bool = False  # the machine no longer exists


class Copy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The CCR copy of a storage group as it is found."""

    status: CopyState = "Healthy"
    copy_queue: Count = 0
    replay_queue: Count = 2


class StorageGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A storage group of a clustered mailbox server."""

    name: str
    databases: tuple[Database, ...] = ()  # () = one database named after the group
    quiet: bool = False  # nobody mails there: after a handoff its copy stays Initializing
    logs_per_h: Annotated[float, msgspec.Meta(ge=0)] = 12.0  # transaction logs of 1 MB made in an hour while mail is up
    copy: Copy = Copy()
    standby: tuple[Standby, ...] = ()


class Cms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clustered mailbox server."""

    name: str
    owner: str
    state: Literal["Online", "Offline", "Failed", "PartiallyOnline"] = "Online"
    redundant: tuple[str, ...] = ()  # () = every node
    storage_groups: tuple[StorageGroup, ...] = ()
    failback: bool = False
    preferred: tuple[str, ...] = ()
    ttl_s: Count = 300  # HostRecordTTL
    dirty_volume: bool = False  # a disk of it has its dirty bit set
    disk_owners: tuple[str, ...] = ()  # SCC: possible owners of its disk; () = every node
    oab_node: str = ""  # CCR: the node its offline address book is made on, by the registry; "" = no value
    names: Literal["short", "fqdn"] = "short"  # how the cmdlets spell machine names
    log_free_mb: Count = 40_000  # free space on the volume of its logs
    log_volume: Literal["ok", "unreadable"] = "ok"


class Resource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cluster resource."""

    name: str
    type: str


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cluster group without Exchange in it."""

    name: str
    owner: str
    state: GroupState = "Online"
    core: bool = False
    failback: bool = False
    preferred: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()  # () = every node
    resources: tuple[Resource, ...] = ()


class Witness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The share or disk that votes."""

    name: str = ""  # "" = \\HUB1\FSW_<cluster> or Disk Q:
    state: Literal["Online", "Failed", "Offline"] = "Online"


class Cluster(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A failover cluster."""

    name: str
    kind: Literal["ccr", "scc", "standby"] = "ccr"
    os: Literal["2003", "2008", "2008r2"] = "2008"
    quorum: Quorum = "node-and-share"
    witness: Witness = Witness()
    channel: str = "exchange-ops"
    window: str = ""  # written into rollup.toml
    declared: bool = True  # has its own [clusters.NAME] in the generated rollup.toml
    nodes: tuple[Node, ...] = ()
    cms: tuple[Cms, ...] = ()
    groups: tuple[Group, ...] = ()  # a core group is added if none is listed


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that goes wrong on the estate."""

    kind: FaultKind
    machine: str = ""  # what it happens to
    when: Moment = "start"
    on: str = ""  # whose moment is meant; "" = the machine's own, or any if no machine is named
    nth: Place = 1  # the n-th such moment
    after_s: Seconds = 0.0
    times: Count = 1  # for how many such moments; 0 = every one
    value: float = 0.0
    group: str = ""
    cms: str = ""
    database: str = ""
    storage_group: str = ""
    to: str = ""


class Timing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many lab seconds things take."""

    install_s: Seconds = 540.0
    snapin_s: Seconds = 15.0
    cmdlet_s: Seconds = 0.5
    group_move_s: Seconds = 4.0
    cms_stop_s: Seconds = 40.0  # dismount and take offline
    cms_start_s: Seconds = 60.0  # bring online
    mount_s: Seconds = 10.0  # then mount, all databases side by side
    failover_s: Seconds = 25.0  # until a lost node's groups are picked up
    copy_start_s: Seconds = 20.0  # ServiceDown after the Replication service is back
    copy_initializing_s: Seconds = 90.0  # until mail has made a log that was copied
    cluster_service_s: Seconds = 20.0  # start of the Cluster service and joining
    reboot_s: Seconds = 240.0


class Expect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a played campaign must end."""

    exit: Literal[0, 1, 3] | None = None  # None in a file: what the outcome leaves; after reading: it does not matter
    outcome: str = "done"
    rule: str = ""
    step: str = ""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole scenario file."""

    name: str  # from the file's name, not a key
    title: str
    lab: Lab = Lab()
    people: tuple[Person, ...] = (
        Person(name="Alice", roles=("requester",), tz="Europe/Berlin"),
        Person(name="Bob", roles=("approver",), tz="Europe/Berlin"),
        Person(name="Carol", roles=("approver",), tz="America/New_York"),
        Person(name="Dave"),
    )
    play: Play = Play()
    packages: tuple[Package, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    machines: tuple[StandAlone, ...] = ()
    servers: tuple[Server, ...] = (Server(name="HUB1"),)
    faults: tuple[Fault, ...] = ()
    timing: Timing = Timing()
    settings: dict[str, Any] = {}
    expect: Expect = Expect()
