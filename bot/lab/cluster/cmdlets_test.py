"""The Test- cmdlets: replication health of the node they run on, MAPI logons to every database of a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.lab.cluster.exchange import Cms, CopyOf, StorageGroup
from bot.lab.cluster.model import FailoverCluster, Node
from bot.lab.cluster.shell import Params, Shell, enum, named
from bot.lab.powershell.times import TICKS, TimeSpan
from bot.lab.powershell.values import CmdletError, PSObject
from bot.lab.windows.machine import Session

Found = tuple[str, str]  # check, error ("" = passed)


class Tests:
    """Cmdlets that try something and say how it went."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.world = shell.world

    def replication(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:  # noqa: ARG002
        """Test-ReplicationHealth: no -Identity, it tests the node it runs on."""
        self.shell.begin(session)
        session.sleep(2)
        with self.world.lock:
            found = self._node_checks() + self._copy_checks()
        for check, error in found:
            passed = not error
            yield PSObject(
                [
                    ("Server", self.shell.machine.name),
                    ("Check", check),
                    (
                        "Result",
                        enum("Passed" if passed else "*FAILED*", int(not passed), "Management.Monitoring.Result"),
                    ),
                    ("Error", error),
                ],
                ("Microsoft.Exchange.Management.SystemConfigurationTasks.ReplicationCheckOutcome", "System.Object"),
                view="table",
            )

    def _node_checks(self) -> list[Found]:
        cluster = self.shell.cluster
        if cluster is None:
            return [("ReplayService", self._replay())]
        me = cluster.node(self.shell.machine.name)
        if not me.up:
            raise CmdletError(
                "Test-ReplicationHealth cannot run because the Cluster service is not running on this machine.",
                "ClusterNotRunning",
                category="ResourceUnavailable",
            )
        found: list[Found] = []
        for cms in self.shell.cms_here():
            passive = cms.passive()
            if passive is not None:
                found.append(("PassiveNodeUp", "" if passive.up else f"Passive node '{passive.name}' is not up."))
        found.append(("ClusterNetwork", "" if not cluster.alone else "A cluster network is partitioned."))
        found.append(("QuorumGroup", self._core(cluster)))
        if "share" in cluster.model:
            found.append(
                (
                    "FileShareQuorum",
                    "" if cluster.witness_ok else f"The file share witness '{cluster.witness}' is not available.",
                )
            )
        for cms in self.shell.cms_here():
            found.append(
                ("CmsGroup", "" if cms.group.online and not cms.group.phase else f"Group '{cms.name}' is {cms.state}.")
            )
        found.append(("NodePaused", self._paused(cluster, me)))
        found.append(("DnsRegistrationStatus", ""))
        found.append(("ReplayService", self._replay()))
        for cms in self.shell.cms_here():
            down = [d.name for d in cms.databases if d.wanted and not d.mounted]
            found.append(("DBMountedFailover", f"Databases not mounted: {', '.join(down)}." if down else ""))
        return found

    @staticmethod
    def _core(cluster: FailoverCluster) -> str:
        core = next((g for g in cluster.groups if g.core), None)
        return "" if core is None or core.state == "Online" else f"Group '{core.name}' is {core.state}."

    @staticmethod
    def _paused(cluster: FailoverCluster, me: Node) -> str:
        paused = [n.name for n in cluster.nodes if n.paused and n is me]
        return f"Node {paused[0]} is paused." if paused else ""

    def _replay(self) -> str:
        service = self.shell.machine.services.get("MSExchangeRepl")
        return (
            ""
            if service and service.state == "Running"
            else "The Microsoft Exchange Replication service is not running."
        )

    def _copy_checks(self) -> list[Found]:
        named_by = {
            "SGCopySuspended": {"Suspended"},
            "SGCopyFailed": {"Failed", "ServiceDown", "Stopped"},
            "SGInitializing": {"Initializing"},
        }
        mine = list(self._copies())
        found: list[Found] = []
        for check, states in named_by.items():
            bad = [g.name for c, g, k in mine if self.shell.exchange.status(c, g, k) in states]
            found.append((check, f"Storage groups: {', '.join(bad)}." if bad else ""))
        long = [g.name for _, g, k in mine if k.copy_queue > 3]
        found.append(("SGCopyQueueLength", f"Copy queue too long: {', '.join(long)}." if long else ""))
        long = [g.name for _, g, k in mine if k.replay_queue > 20 and not k.machine]
        found.append(("SGReplayQueueLength", f"Replay queue too long: {', '.join(long)}." if long else ""))
        return found if mine else []

    def _copies(self) -> Iterator[tuple[Cms, StorageGroup, CopyOf]]:
        """The copies on this machine, and those of this cluster's own servers."""
        machine = self.shell.machine
        for cms in self.shell.exchange.cms.values():
            for group in cms.storage_groups:
                if group.copy is not None and cms.cluster is self.shell.cluster:
                    yield cms, group, group.copy
                for copy in group.standbys:
                    if self.world.machine(copy.machine) is machine:
                        yield cms, group, copy

    def mapi(self, session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:
        """Test-MapiConnectivity -Server: one logon to the system mailbox of every mailbox database."""
        self.shell.begin(session)
        server = named(params, piped, "Server") or named(params, piped)
        own = self.shell.stand_alone.get(server.split(".")[0].casefold())
        for cms in [] if own is not None else [self.shell.cms(server)] if server else self.shell.cms_here():
            for group in cms.storage_groups:
                for database in (one for one in group.databases if not one.public):
                    good = database.mounted and cms.group.online
                    yield PSObject(
                        [
                            ("Server", cms.name),
                            ("Database", database.name),
                            (
                                "Result",
                                enum("Success" if good else "*FAILURE*", int(not good), "Monitoring.MapiResult"),
                            ),
                            (
                                "Error",
                                ""
                                if good
                                else f"[{'Database is dismounted' if cms.group.online else 'Server is down'}]",
                            ),
                            ("Latency", TimeSpan(9 * TICKS // 1000)),
                            ("StorageGroup", group.name),
                        ],
                        ("Microsoft.Exchange.Monitoring.MapiTransactionOutcome", "System.Object"),
                        view="table",
                        show=("Server", "Database", "Result", "Error"),
                    )
