"""The cmdlets that change something: handoff, stop and start of a clustered mailbox server, mount, copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.lab.cluster.exchange import Cms, CopyOf, Database, StorageGroup
from bot.lab.cluster.model import ClusterError
from bot.lab.cluster.shell import Params, Shell, confirm, mandatory, named, not_found, same, spell, text
from bot.lab.cluster.world import Operation, short
from bot.lab.powershell.values import CmdletError
from bot.lab.windows.machine import Session

MOUNT_LIMIT_S = 120.0  # after that the move reports success with databases left dismounted
UNHEALTHY = (
    "Clustered mailbox server '{0}' cannot be moved to '{1}'. One or more storage group copies on the target are "
    "failed, seeding, suspended or initializing and the replication health check did not pass: {2}."
)


class Acts:
    """Cmdlets with effects; each is recorded before it does anything."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.exchange = shell.exchange
        self.world = shell.world

    # --- handoff --------------------------------------------------------------------------------------

    def move(self, session: Session, params: Params, piped: list[Any]) -> Iterator[Any]:
        """Move-ClusteredMailboxServer: validates, then dismounts, goes offline, moves, comes online, mounts."""
        mandatory(params, ["Identity", "TargetMachine", "MoveComment"])
        dry = bool(params.get("ValidateOnly"))
        if not dry:
            self.shell.record(session, spell("Move-ClusteredMailboxServer", params))
        self.shell.begin(session)
        target, comment = text(params["TargetMachine"]), text(params["MoveComment"])
        cms = self.shell.cms(named(params, piped))
        with self.world.lock:
            self._validate(cms, target, ignore_dismounted=bool(params.get("IgnoreDismounted")))
        session.sleep(3)
        if dry:
            return
        if params.get("WhatIf"):
            session.out(f'What if: Moving clustered mailbox server "{cms.name}" to "{target}".\r\n')
            return
        confirm(params)
        if self.world.faults("move_refused", cms=cms.name, machine=target) is not None:
            raise self._refusal(
                f"Clustered mailbox server '{cms.name}' cannot be moved to '{target}': the Microsoft "
                "Exchange Replication service on the target did not answer."
            )
        began = self.world.clock.now()
        job = self.world.job(session)
        with self.world.lock:
            old = cms.owner
            self._validate(cms, target, ignore_dismounted=bool(params.get("IgnoreDismounted")))
            self.exchange.event(
                old.machine,
                "MSExchangeRepl",
                102,
                "Information",
                f"The handoff of clustered mailbox server '{cms.name}' to '{target}' was initiated. Comment: {comment}",
            )
            operation = self._begin(lambda: cms.cluster.move(cms.group, cms.cluster.node(target), "cmdlet", job), cms)
        operation.wait(session)
        if operation.error is not None:
            raise self._refusal(f"Moving clustered mailbox server '{cms.name}' failed: {operation.error}")
        if cms.group.wanted:
            self._wait_for_mounts(session, cms)
        took = self.world.clock.now() - began
        self.exchange.event(
            cms.owner.machine,
            "MSExchangeRepl",
            100,
            "Information",
            f"The handoff of clustered mailbox server '{cms.name}' from '{old.name}' to "
            f"'{cms.owner.name}' has completed. Total time: {took:.0f} seconds. Comment: {comment}",
        )
        yield from ()

    def _wait_for_mounts(self, session: Session, cms: Cms) -> None:
        end = self.world.clock.now() + MOUNT_LIMIT_S
        while not cms.mail_up and self.world.clock.now() < end:
            session.sleep(1)

    def _validate(self, cms: Cms, target: str, *, ignore_dismounted: bool) -> None:
        """The checks the cluster tools skip; raises the refusal."""
        self.shell.need_cluster(cms)
        cluster = cms.cluster
        try:
            node = cluster.node(target)
        except ClusterError as error:
            raise self._refusal(
                f"Machine '{target}' is not a member of the cluster that hosts clustered mailbox server '{cms.name}'."
            ) from error
        if not any(same(r, target) for r in cms.redundant):
            raise self._refusal(
                f"Machine '{target}' is not in the list of redundant machines of clustered mailbox server '{cms.name}'."
            )
        if same(cms.group.owner, target):
            raise self._refusal(f"Clustered mailbox server '{cms.name}' is already hosted by machine '{target}'.")
        if any(g.cms for g in cluster.owned(node)):
            raise self._refusal(f"Machine '{target}' already hosts another clustered mailbox server.")
        if not node.up or node.paused:
            state = "paused" if node.up else "down"
            raise self._refusal(
                f"Machine '{target}' cannot host clustered mailbox server '{cms.name}': the cluster node is {state}."
            )
        if cms.group.phase:
            raise self._refusal(
                f"Clustered mailbox server '{cms.name}' is in state '{cms.state}'; wait until the "
                "operation in progress has ended."
            )
        if not cms.ccr:
            return
        repl = node.machine.services.get("MSExchangeRepl")
        if repl is None or repl.state != "Running":
            raise self._refusal(f"The Microsoft Exchange Replication service is not running on '{target}'.")
        bad = []
        for group in cms.storage_groups:
            if group.copy is None or (ignore_dismounted and not any(d.mounted for d in group.databases)):
                continue
            status = self.exchange.status(cms, group, group.copy)
            if status != "Healthy":
                bad.append(f"{cms.name}\\{group.name} ({status})")
        if bad:
            raise self._refusal(UNHEALTHY.format(cms.name, target, ", ".join(bad)))

    def _begin(self, start: Any, cms: Cms) -> Operation:
        try:
            operation: Operation = start()
        except ClusterError as error:
            raise self._refusal(
                f"The cluster refused the operation on clustered mailbox server '{cms.name}'. {error}"
            ) from error
        return operation

    @staticmethod
    def _refusal(message: str) -> CmdletError:
        return CmdletError(message, "ClusteredMailboxServerOperationFailed", category="InvalidOperation")

    # --- stop and start ---------------------------------------------------------------------------------

    def stop(self, session: Session, params: Params, piped: list[Any]) -> Iterator[Any]:
        """Stop-ClusteredMailboxServer: down for good, also over reboots, until Start-."""
        self.shell.record(session, spell("Stop-ClusteredMailboxServer", params))
        mandatory(params, ["StopReason"])
        self.shell.begin(session)
        cms = self.shell.cms(named(params, piped))
        self.shell.need_cluster(cms)
        if cms.state not in {"Online", "PartiallyOnline"}:
            raise self._refusal(
                f"Clustered mailbox server '{cms.name}' is in state '{cms.state}' and cannot be stopped."
            )
        if params.get("WhatIf"):
            return
        confirm(params)
        job = self.world.job(session)
        cms.cluster.take_offline(cms.group, job).wait(session)
        yield from ()

    def start(self, session: Session, params: Params, piped: list[Any]) -> Iterator[Any]:
        """Start-ClusteredMailboxServer."""
        self.shell.record(session, spell("Start-ClusteredMailboxServer", params))
        self.shell.begin(session)
        cms = self.shell.cms(named(params, piped))
        self.shell.need_cluster(cms)
        if cms.state in {"Online", "PartiallyOnline", "OnlinePending"}:
            raise self._refusal(f"Clustered mailbox server '{cms.name}' is already running.")
        if params.get("WhatIf"):
            return
        if params.get("Confirm"):  # unlike Move- and Stop- it asks only when told to
            confirm(params)
        job = self.world.job(session)
        self._begin(lambda: cms.cluster.bring_online(cms.group, job), cms).wait(session)
        self._wait_for_mounts(session, cms)
        yield from ()

    # --- databases ----------------------------------------------------------------------------------------

    def mount(self, session: Session, params: Params, piped: list[Any]) -> Iterator[Any]:
        """Mount-Database."""
        self.shell.record(session, spell("Mount-Database", params))
        self.shell.begin(session)
        cms, database = self._database(named(params, piped))
        if not cms.group.online or cms.group.phase:
            raise self._refusal(
                f"Failed to mount database '{database.name}'. Error: MapiExceptionCallFailed: Unable to mount "
                "database. (hr=0x80004005, ec=-2147467259)"
            )
        session.sleep(self.world.timing.mount_s)
        self.exchange.mount(cms, database, self.world.job(session))
        yield from ()

    def dismount(self, session: Session, params: Params, piped: list[Any]) -> Iterator[Any]:
        """Dismount-Database."""
        self.shell.record(session, spell("Dismount-Database", params))
        self.shell.begin(session)
        cms, database = self._database(named(params, piped))
        confirm(params)
        self.exchange.dismount(cms, database, self.world.job(session))
        yield from ()

    def _database(self, identity: str) -> tuple[Cms, Database]:
        for cms in self.exchange.cms.values():
            for group in cms.storage_groups:
                for database in group.databases:
                    full = f"{cms.name}\\{group.name}\\{database.name}"
                    if identity.casefold() in {full.casefold(), database.name.casefold()}:
                        return cms, database
        raise not_found(identity)

    # --- copies -------------------------------------------------------------------------------------------

    def suspend_copy(self, session: Session, params: Params, piped: list[Any]) -> Iterator[Any]:
        """Suspend-StorageGroupCopy."""
        self._force(session, "Suspend-StorageGroupCopy", params, piped, "Suspended")
        yield from ()

    def resume_copy(self, session: Session, params: Params, piped: list[Any]) -> Iterator[Any]:
        """Resume-StorageGroupCopy."""
        self._force(session, "Resume-StorageGroupCopy", params, piped, "")
        yield from ()

    def update_copy(self, session: Session, params: Params, piped: list[Any]) -> Iterator[Any]:
        """Update-StorageGroupCopy: seeds anew; the simulated database is small."""
        self._force(session, "Update-StorageGroupCopy", params, piped, "Seeding")
        session.sleep(120)
        self._force(session, "", params, piped, "")
        yield from ()

    def _force(self, session: Session, cmdlet: str, params: Params, piped: list[Any], status: str) -> None:
        if cmdlet:
            self.shell.record(session, spell(cmdlet, params))
            self.shell.begin(session)
        identity, standby = named(params, piped), text(params.get("StandbyMachine"))
        cms, _, copy = self._copy(identity, standby)
        with self.world.lock:
            copy.forced = status
            copy.fresh, copy.since = True, self.world.clock.now()
            self.exchange.judge(cms, self.world.job(session))

    def _copy(self, identity: str, standby: str) -> tuple[Cms, StorageGroup, CopyOf]:
        for cms in self.exchange.cms.values():
            for group in cms.storage_groups:
                if identity.casefold() not in {f"{cms.name}\\{group.name}".casefold(), group.name.casefold()}:
                    continue
                copies = [c for c in group.standbys if short(c.machine) == short(standby)] if standby else [group.copy]
                for copy in copies:
                    if copy is not None:
                        return cms, group, copy
        raise not_found(identity)
