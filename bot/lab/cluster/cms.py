"""The parts of a clustered mailbox server: databases, storage groups, their copies."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.lab.cluster.model import FailoverCluster, Group, Node
from bot.lab.cluster.world import short


@dataclass
class Database:
    """A mailbox database, or one of public folders."""

    name: str
    mounted: bool
    wanted: bool  # mounted by the administrator: mount it again after a move
    last_full_backup: float | None  # Unix seconds
    backup: str = ""  # "" | "active" | "passive"
    mailboxes: int = 200
    public: bool = False


@dataclass
class CopyOf:
    """One copy of a storage group, on the passive node (CCR) or on a standby machine (SCR)."""

    machine: str  # "" = whichever node is passive
    typed: str = ""  # SCR: as the administrator spelled it
    forced: str = ""  # Failed, Seeding, Suspended …: what it stays until somebody acts
    copy_queue: int = 0
    replay_queue: int = 0
    replay_lag_h: float = 24.0
    since: float = -1e12  # lab Unix seconds: the Replication service (re)opened it here
    fresh: bool = False  # was reopened: Initializing until a log has been copied
    said: str = ""  # the status the truth log last heard


@dataclass
class StorageGroup:
    """A storage group with its databases and copies."""

    name: str
    databases: list[Database]
    quiet: bool = False
    copy: CopyOf | None = None  # CCR only
    standbys: list[CopyOf] = field(default_factory=list)
    logs_per_h: float = 12.0
    log_folder: str = ""  # as Get-StorageGroup says it, the same on every node
    log_prefix: str = "E00"


@dataclass
class Cms:
    """A clustered mailbox server; the cluster group of the same name carries it."""

    name: str
    cluster: FailoverCluster
    group: Group
    ccr: bool
    storage_groups: list[StorageGroup]
    redundant: list[str]
    build: str  # the service pack's build, which AdminDisplayVersion shows
    ttl_s: int = 300
    fqdn: bool = False
    dirty_volume: bool = False
    moved_by: str = ""
    down_since: float | None = None  # lab Unix seconds since mail is down; None = mail is up
    since: float = 0.0  # lab Unix seconds since mail is as it is, up or down
    judging: bool = False  # a look at its copies is due

    @property
    def state(self) -> str:
        """Online, PartiallyOnline, OnlinePending, Offline, OfflinePending or Failed."""
        return (self.group.phase or self.group.state).replace(" ", "")

    @property
    def databases(self) -> list[Database]:
        """Every database of every storage group."""
        return [d for g in self.storage_groups for d in g.databases]

    @property
    def owner(self) -> Node:
        """The node that carries it."""
        return self.cluster.node(self.group.owner)

    @property
    def mail_up(self) -> bool:
        """Online with every database mounted that should be."""
        return self.group.online and not self.group.phase and all(d.mounted for d in self.databases if d.wanted)

    def passive(self) -> Node | None:
        """CCR: the other node."""
        others = [n for n in self.cluster.nodes if short(n.name) != short(self.group.owner)]
        return others[0] if self.ccr and others else None
