"""The Get- cmdlets of Exchange 2007: servers, databases, storage groups, copies, queues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.lab.cluster import catalogue, software
from bot.lab.cluster.exchange import Cms, CopyOf, Database, StorageGroup
from bot.lab.cluster.shell import Params, Shell, StandAlone, enum, named, not_found, same, text
from bot.lab.cluster.world import short
from bot.lab.powershell.times import TICKS, DateTime, TimeSpan
from bot.lab.powershell.values import CmdletError, PSObject
from bot.lab.windows.machine import Session

STATES = ("Online", "PartiallyOnline", "OnlinePending", "Offline", "OfflinePending", "Failed")
COPY_STATES = (
    "Disabled",
    "Failed",
    "Seeding",
    "Copying",
    "Stopped",
    "Healthy",
    "Suspended",
    "Initializing",
    "NotSupported",
    "ServiceDown",
    "Resynchronizing",
)

OWN_GROUP = "First Storage Group"  # what setup calls it on a stand-alone server


class Reads:
    """Cmdlets that only look."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.exchange = shell.exchange
        self.world = shell.world

    # --- the clustered mailbox server ---------------------------------------------------------------

    def cms_status(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:
        """Get-ClusteredMailboxServerStatus."""
        self.shell.begin(session)
        identity = named(params, piped)
        wanted = [self.shell.cms(identity)] if identity else self.shell.cms_here()
        if not wanted:
            raise CmdletError(
                f"Machine '{self.shell.machine.name}' is not a member of a cluster that hosts a clustered "
                "mailbox server.",
                "NoClusteredMailboxServer",
                category="ObjectNotFound",
            )
        for cms in wanted:
            with self.world.lock:
                self.shell.need_cluster(cms)
                status = self._status(cms)
            yield status

    def _status(self, cms: Cms) -> PSObject:
        state = cms.state
        failed = [f"{r.name} ({cms.name})" for r in cms.group.resources if r.failed]
        replication = (
            []
            if self.shell.rtm
            else [
                ("OperationalReplicationHostNames", self._operational_hosts(cms)),
                ("FailedReplicationHostNames", []),
                ("InUseReplicationHostNames", self._operational_hosts(cms)),
            ]
        )
        return PSObject(
            [
                ("Identity", cms.name),
                ("ClusteredMailboxServerName", self.shell.fqdn(cms.name)),
                (
                    "State",
                    enum(
                        state,
                        STATES.index(state) if state in STATES else 5,
                        "Management.SystemConfigurationTasks.ClusteredMailboxServerState",
                    ),
                ),
                ("OperationalMachines", self._operational(cms)),
                ("FailedResources", failed),
                *replication,
                ("IsValid", True),
                ("ObjectState", enum("Unchanged", 1, "Data.ObjectState")),
            ],
            _types("Management.SystemConfigurationTasks.ClusteredMailboxServerStatus"),
            text=cms.name,
            view="list",
        )

    def _operational_hosts(self, cms: Cms) -> list[str]:
        return [n.name.lower() for n in cms.cluster.nodes if n.up] if cms.ccr else []

    def _operational(self, cms: Cms) -> list[str]:
        """Machines that could host it; the suffix says which does and where the quorum is."""
        cluster, machines = cms.cluster, []
        core = next((g for g in cluster.groups if g.core), None)
        for node in cluster.nodes:
            if not node.up or short(node.name) in self.hidden:
                continue
            marks = ["Active"] if same(node.name, cms.group.owner) else []
            marks += ["Quorum Owner"] if core is not None and same(core.owner, node.name) else []
            name = self.shell.fqdn(node.name) if cms.fqdn else node.name
            machines.append(f"{name} <{', '.join(marks)}>" if marks else name)
        return machines

    hidden: frozenset[str] = frozenset()  # nodes OperationalMachines never lists

    # --- servers --------------------------------------------------------------------------------------

    def mailbox_server(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:
        """Get-MailboxServer: clustered mailbox servers by their own name, never a node."""
        self.shell.begin(session)
        identity = named(params, piped)
        found = False
        for cms in self.exchange.cms.values():
            if not identity or same(cms.name, identity):
                found = True
                yield self._mailbox_server(
                    cms.name,
                    ("NonShared", 1) if cms.ccr else ("Shared", 2),
                    [self.shell.fqdn(n) if cms.fqdn else n for n in cms.redundant],
                )
        for other in self.shell.stand_alone.values():
            if "Mailbox" in other.roles and (not identity or same(other.machine.name, identity)):
                found = True
                yield self._mailbox_server(other.machine.name, ("Disabled", 0), [])
        if identity and not found:
            raise not_found(identity)

    def _mailbox_server(self, name: str, storage: tuple[str, int], redundant: list[str]) -> PSObject:
        return PSObject(
            [
                ("Name", name),
                ("Identity", name),
                ("ClusteredStorageType", enum(*storage, "Data.ClusteredStorageType")),
                ("RedundantMachines", redundant),
                ("IsValid", True),
                ("ObjectState", "Unchanged"),
            ],
            _types("Data.Directory.Management.MailboxServer"),
            text=name,
        )

    def exchange_server(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:
        """Get-ExchangeServer."""
        self.shell.begin(session)
        identity = named(params, piped)
        found = False
        for cms in self.exchange.cms.values():
            if not identity or same(cms.name, identity):
                found = True
                yield self._exchange_server(cms.name, cms.build, ("Mailbox",), member="Yes")
        for other in self.shell.stand_alone.values():
            if not identity or same(other.machine.name, identity):
                found = True
                base = software.base(other.machine)
                yield self._exchange_server(other.machine.name, base, other.roles, member="No")
        for server in self.shell.servers:
            if not identity or same(server.name, identity):
                found = True
                yield self._exchange_server(server.name, server.base, server.roles, member="No")
        if identity and not found:
            raise not_found(identity)

    def _exchange_server(self, name: str, base: str, roles: tuple[str, ...], *, member: str) -> PSObject:
        major, minor, build, revision = catalogue.number(base)
        return PSObject(
            [
                ("Name", name),
                ("Site", f"{'lab.example'}/Configuration/Sites/HQ"),
                ("ServerRole", ", ".join(roles)),
                ("Edition", "Enterprise"),
                ("AdminDisplayVersion", f"Version {major}.{minor} (Build {build}.{revision})"),
                ("Fqdn", self.shell.fqdn(name)),
                ("Identity", name),
                ("IsMailboxServer", "Mailbox" in roles),
                ("IsMemberOfCluster", enum(member, int(member == "Yes"), "Data.IsMemberOfCluster")),
                ("IsValid", True),
            ],
            _types("Data.Directory.Management.ExchangeServer"),
            text=name,
            show=("Name", "Site", "ServerRole", "Edition", "AdminDisplayVersion"),
            view="table",
        )

    # --- databases and storage groups -------------------------------------------------------------------

    def database(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:
        """Get-MailboxDatabase; mounted, backup state and times only with -Status."""
        return self._databases(session, params, piped, public=False)

    def public_folder_database(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:
        """Get-PublicFolderDatabase: the same of the other kind."""
        return self._databases(session, params, piped, public=True)

    def _databases(self, session: Session, params: Params, piped: list[Any], *, public: bool) -> Iterator[PSObject]:
        self.shell.begin(session)
        server, identity = text(params.get("Server")), named(params, piped)
        if server and self._own(server) is not None:
            return
        known = [self.shell.cms(server)] if server else list(self.exchange.cms.values())
        found = False
        for cms in known:
            for group in cms.storage_groups:
                for database in (one for one in group.databases if one.public is public):
                    full = f"{cms.name}\\{group.name}\\{database.name}"
                    if not identity or identity.casefold() in {full.casefold(), database.name.casefold()}:
                        found = True
                        yield self._database(cms, group, database, status=bool(params.get("Status")))
        if identity and not found:
            raise not_found(identity)

    def _own(self, server: str) -> StandAlone | None:
        return self.shell.stand_alone.get(short(server))

    def _database(self, cms: Cms, group: StorageGroup, database: Database, *, status: bool) -> PSObject:
        with self.world.lock:
            backup = DateTime.from_unix(database.last_full_backup) if database.last_full_backup is not None else None
            full = f"{cms.name}\\{group.name}\\{database.name}"
            parent = PSObject(
                [("Name", group.name)], _types("Data.Directory.ADObjectId"), text=f"{cms.name}\\{group.name}"
            )
            return PSObject(
                [
                    ("Name", database.name),
                    ("Server", cms.name),
                    ("StorageGroup", parent),
                    ("StorageGroupName", group.name),
                    ("Recovery", False),
                    ("Identity", full),
                    ("Mounted", database.mounted if status else None),
                    # What the store knows: a backup of the passive copy runs inside the Replication service.
                    ("BackupInProgress", database.backup == "active" if status else None),
                    ("LastFullBackup", backup if status else None),
                    ("IsValid", True),
                ],
                _types(
                    f"Data.Directory.SystemConfiguration.{'PublicFolder' if database.public else 'Mailbox'}Database"
                ),
                text=full,
                show=("Name", "Server", "StorageGroup", "Recovery"),
                view="table",
            )

    def storage_group(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:
        """Get-StorageGroup."""
        self.shell.begin(session)
        server, identity = text(params.get("Server")), named(params, piped)
        yield from self._own_groups(server or "", identity)
        if server and self._own(server) is not None:
            return
        found = False
        for cms in [self.shell.cms(server)] if server else list(self.exchange.cms.values()):
            for group in cms.storage_groups:
                full = f"{cms.name}\\{group.name}"
                if not identity or identity.casefold() in {full.casefold(), group.name.casefold()}:
                    found = True
                    standbys = (
                        []
                        if self.shell.rtm
                        else [("StandbyMachines", [self._standby(c.typed, c.replay_lag_h) for c in group.standbys])]
                    )
                    logs = [("LogFolderPath", group.log_folder), ("LogFilePrefix", group.log_prefix)]
                    yield self._storage_group(cms.name, group.name, "Cluster" if cms.ccr else "None", standbys + logs)
        if identity and not found:
            raise not_found(identity)

    def _own_groups(self, server: str, identity: str) -> Iterator[PSObject]:
        """Storage groups of a stand-alone server that is itself an SCR source."""
        for other in self.shell.stand_alone.values():
            if identity or (server and not same(other.machine.name, server)) or not other.standby_of:
                continue
            lines = [self._standby(target, 24.0) for target in other.standby_of]
            yield self._storage_group(other.machine.name, OWN_GROUP, "None", [("StandbyMachines", lines)])

    def _storage_group(self, server: str, name: str, replicated: str, extra: list[tuple[str, Any]]) -> PSObject:
        full = f"{server}\\{name}"
        return PSObject(
            [
                ("Name", name),
                ("Server", server),
                ("Replicated", replicated),
                ("Recovery", False),
                ("Identity", full),
                *extra,
                ("IsValid", True),
            ],
            _types("Data.Directory.SystemConfiguration.StorageGroup"),
            text=full,
            show=("Name", "Server", "Replicated", "Recovery"),
            view="table",
        )

    def _standby(self, typed: str, lag_h: float) -> PSObject:
        return PSObject(
            [
                ("NodeName", typed),
                ("ReplayLagTime", TimeSpan(int(lag_h * 3600 * TICKS))),
                ("TruncationLagTime", TimeSpan(0)),
            ],
            _types("Data.Directory.SystemConfiguration.StandbyMachine"),
            text=f"{typed}",
        )

    # --- copies -------------------------------------------------------------------------------------------

    def copy_status(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:
        """Get-StorageGroupCopyStatus: the CCR copies, or with -StandbyMachine the SCR copies on that machine."""
        self.shell.begin(session)
        server, identity = text(params.get("Server")), named(params, piped)
        standby = text(params.get("StandbyMachine"))
        own = list(self._own_copies(identity, standby)) if identity and standby else []
        yield from own
        found = bool(own)
        for cms in (
            [self.shell.cms(server)] if server and self._own(server) is None else list(self.exchange.cms.values())
        ):
            if not server and not identity and cms.cluster is not self.shell.cluster:
                continue
            for group in cms.storage_groups:
                full = f"{cms.name}\\{group.name}"
                if identity and identity.casefold() not in {full.casefold(), group.name.casefold()}:
                    continue
                if standby:
                    copies = [c for c in group.standbys if same(c.typed or c.machine, standby)]
                    if identity and not copies:
                        raise CmdletError(
                            f"Storage group '{full}' has no standby machine '{standby}'.",
                            "StandbyMachineNotFound",
                            category="InvalidArgument",
                        )
                else:
                    copies = [group.copy] if group.copy else [None]  # type: ignore[list-item]
                for copy in copies:
                    found = True
                    yield self._copy(cms, group, copy)
        if identity and not found:
            raise not_found(identity)

    def _own_copies(self, identity: str, standby: str) -> Iterator[PSObject]:
        """SCR copies of a stand-alone server's own storage group: the range keeps them Healthy."""
        for other in self.shell.stand_alone.values():
            full = f"{other.machine.name}\\{OWN_GROUP}"
            if identity.casefold() == full.casefold() and any(same(one, standby) for one in other.standby_of):
                yield self._copy_entry(full, OWN_GROUP, "Healthy", queues=(0, 53), target=None)

    def _copy(self, cms: Cms, group: StorageGroup, copy: CopyOf | None) -> PSObject:
        with self.world.lock:
            status = self.exchange.status(cms, group, copy) if copy else "Disabled"
            queues = (copy.copy_queue, copy.replay_queue) if copy else (0, 0)
            target = getattr(cms.passive(), "name", None)
            return self._copy_entry(f"{cms.name}\\{group.name}", group.name, status, queues=queues, target=target)

    def _copy_entry(self, full: str, name: str, status: str, *, queues: tuple[int, int], target: Any) -> PSObject:
        with self.world.lock:
            asked = status not in {"ServiceDown", "Disabled"}
            inspected = DateTime.from_unix(self.world.clock.now() - 40) if asked and status != "Initializing" else None
            return PSObject(
                [
                    ("Identity", full),
                    ("StorageGroupName", name),
                    ("Name", name),
                    (
                        "SummaryCopyStatus",
                        enum(status, COPY_STATES.index(status), "Management.SystemConfigurationTasks.CopyStatus"),
                    ),
                    ("CopyQueueLength", queues[0] if asked else 0),
                    ("ReplayQueueLength", queues[1] if asked else 0),
                    ("LastInspectedLogTime", inspected),
                    ("Failed", status == "Failed"),
                    ("FailedMessage", "The log copying was interrupted." if status == "Failed" else None),
                    ("Seeding", status == "Seeding"),
                    ("Suspend", status == "Suspended"),
                    ("SuspendComment", None),
                    ("CCRTargetNode", target),
                    ("IsValid", True),
                ],
                _types("Management.SystemConfigurationTasks.StorageGroupCopyStatusEntry"),
                text=full,
                view="table",
                show=("Name", "SummaryCopyStatus", "CopyQueueLength", "ReplayQueueLength", "LastInspectedLogTime"),
            )

    # --- people and queues --------------------------------------------------------------------------------

    def mailbox(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:
        """Get-Mailbox: enough of it to be counted."""
        self.shell.begin(session)
        server = named(params, piped, "Server")
        limit = text(params.get("ResultSize")) or "1000"
        most = int(limit) if limit.isdigit() else 1_000_000
        own = self._own(server) if server else None
        count = (
            own.mailboxes
            if own
            else sum(
                d.mailboxes
                for c in ([self.shell.cms(server)] if server else self.exchange.cms.values())
                for d in c.databases
            )
        )
        for number in range(min(count, most)):
            alias = f"user{number:04}"
            yield PSObject(
                [
                    ("Name", alias),
                    ("Alias", alias),
                    ("ServerName", (server or "").lower()),
                    ("ProhibitSendQuota", "unlimited"),
                ],
                _types("Data.Directory.Management.Mailbox"),
                text=alias,
            )

    def queue(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:  # noqa: ARG002
        """Get-Queue: only a Hub Transport server answers."""
        self.shell.begin(session)
        server = text(params.get("Server")) or self.shell.machine.name
        own = self._own(server)
        far = next((one for one in self.shell.servers if same(one.name, server)), None)
        if "HubTransport" not in (own.roles if own else far.roles if far else ()):
            raise CmdletError(
                f'Unable to connect to the Microsoft Exchange Transport service on server "{server}". Verify '
                "that the service is started.",
                "QueueViewerRpc",
                category="ResourceUnavailable",
            )
        for number, cms in enumerate(self.exchange.cms.values()):
            waiting = (0 if cms.mail_up else 7) + (far.queued if far else 0)
            yield PSObject(
                [
                    ("Identity", f"{server}\\{number + 1}"),
                    ("DeliveryType", "MapiDelivery"),
                    ("Status", "Ready" if cms.mail_up else "Retry"),
                    ("MessageCount", waiting),
                    ("NextHopDomain", self.shell.fqdn(cms.name)),
                ],
                _types("Data.QueueViewer.QueueInfo"),
                view="table",
            )


def _types(name: str) -> tuple[str, str]:
    return f"Microsoft.Exchange.{name}", "System.Object"
