"""Clustered mailbox servers: databases, storage group copies, and what a handoff or failover does to them."""

from __future__ import annotations

from collections.abc import Callable

from bot.lab.cluster.cms import Cms, CopyOf, Database, StorageGroup
from bot.lab.cluster.world import World, short
from bot.lab.windows.machine import Machine

__all__ = ["Cms", "CopyOf", "Database", "Exchange", "StorageGroup"]

# Services that run only where the clustered mailbox server is, and those that run on every node.
ACTIVE_SERVICES = (
    "MSExchangeIS",
    "MSExchangeSA",
    "MSExchangeMailboxAssistants",
    "MSExchangeMailSubmission",
    "MSExchangeSearch",
)
REPL = "MSExchangeRepl"
LOOK_AGAIN_S = 10.0  # while copies are catching up
BAD_COPIES = {"Failed", "Seeding", "Suspended", "Stopped", "Disabled", "NotSupported"}


class Exchange:
    """All of Exchange on the estate."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cms: dict[str, Cms] = {}
        # Writes an Application event on a machine; estate.py puts the real one here.
        self.event: Callable[[Machine, str, int, str, str], None] = lambda *_event: None

    def find(self, name: str) -> Cms | None:
        """A clustered mailbox server by any spelling."""
        return self.cms.get(short(name))

    def adopt(self, cms: Cms) -> None:
        """Take a clustered mailbox server in and follow its group."""
        self.cms[short(cms.name)] = cms
        timing, group = self.world.timing, cms.group
        group.stop_s, group.start_s = timing.cms_stop_s, timing.cms_start_s
        group.on_offline = lambda _g, job: self._offline(cms, job)
        group.on_online = lambda _g, job: self._online(cms, job)
        group.on_moved = lambda _g, old, new, by, job: self._moved(cms, old, new, by, job)
        group.partly = lambda: any(not d.mounted for d in cms.databases)
        mounts = {f"{g.name}/{d.name} ({cms.name})": d for g in cms.storage_groups for d in g.databases}
        for resource in group.resources:
            if resource.name in mounts:
                resource.dismounted = _dismounted(mounts[resource.name])
        if group.online:
            self._services(cms.owner.machine, on=True)
        self.backups(cms)
        cms.since = self.world.clock.now()
        if not cms.mail_up:
            cms.down_since = cms.since
        self.judge(cms, silent=True)

    # --- the group's turning points; all under the world's lock ---------------------------------

    def _offline(self, cms: Cms, job: str) -> None:
        node = cms.owner
        if cms.down_since is None:
            cms.down_since = cms.since = self.world.clock.now()
        for group in cms.storage_groups:
            for database in group.databases:
                if database.mounted:
                    database.mounted = False
                    self.event(
                        node.machine,
                        "MSExchangeIS Mailbox Store",
                        9539,
                        "Information",
                        f'The Microsoft Exchange Database "{group.name}\\{database.name}" was stopped.',
                    )
                    self.world.truth.write("db_dismounted", cms=cms.name, db=database.name, job=job)
                if database.backup == "active" or (cms.ccr and database.backup):
                    database.backup = ""  # a handoff aborts running backups
        self.backups(cms)
        if cms.group.online:
            self.world.truth.write("cms_offline", cms=cms.name, node=node.name, job=job)
        self._services(node.machine, on=False)
        self.judge(cms, job)

    def _moved(self, cms: Cms, old: str, new: str, by: str, job: str) -> None:
        cms.moved_by = by
        if short(old) != short(new):
            self.world.truth.write("cms_moved", cms=cms.name, **{"from": old}, to=new, by=by, job=job)
            for group in cms.storage_groups:
                if group.copy:
                    self._reopen(group.copy)
            self.judge(cms, job)

    def _online(self, cms: Cms, job: str) -> None:
        node = cms.owner
        self._services(node.machine, on=True)
        self.world.truth.write("cms_online", cms=cms.name, node=node.name, job=job)
        self.judge(cms, job)
        by, cms.moved_by = cms.moved_by, ""
        self.world.timeline.after(self.world.timing.mount_s, lambda: self._mount_all(cms, by, job))

    def _mount_all(self, cms: Cms, by: str, job: str) -> None:
        with self.world.lock:
            if not cms.group.online:
                return
            lossy = cms.ccr and by == "failover"
            for position, group in enumerate(cms.storage_groups):
                unusable = lossy and group.copy is not None and group.copy.forced in BAD_COPIES
                for database in group.databases:
                    # The mount-allowed mark is Exchange's own: a move by cluster tools leaves it behind.
                    forgotten = by == "cluster.exe" and position == 0
                    refused = (
                        self.world.faults(
                            "database_dismounted", cms=cms.name, database=database.name, machine=cms.owner.name
                        )
                        is not None
                        if by
                        else False
                    )
                    if database.wanted and not (unusable or forgotten or refused):
                        self._mount(cms, group, database, job)
            self.settle(cms)

    def _mount(self, cms: Cms, group: StorageGroup, database: Database, job: str) -> None:
        if database.mounted:
            return
        database.mounted = True
        self.event(
            cms.owner.machine,
            "MSExchangeIS Mailbox Store",
            9523,
            "Information",
            f'The Microsoft Exchange Database "{group.name}\\{database.name}" has been started.',
        )
        self.world.truth.write("db_mounted", cms=cms.name, db=database.name, job=job)

    def settle(self, cms: Cms) -> None:
        """Note since when mail is as it is now."""
        now = self.world.clock.now()
        if cms.mail_up != (cms.down_since is None):
            cms.since = now
        cms.down_since = None if cms.mail_up else (cms.down_since or now)
        self.judge(cms)

    def mount(self, cms: Cms, database: Database, job: str) -> None:
        """Mount-Database."""
        with self.world.lock:
            group = next(g for g in cms.storage_groups if database in g.databases)
            database.wanted = True
            self._mount(cms, group, database, job)
            self.settle(cms)

    def dismount(self, cms: Cms, database: Database, job: str) -> None:
        """Dismount-Database."""
        with self.world.lock:
            if database.mounted:
                database.mounted = False
                self.world.truth.write("db_dismounted", cms=cms.name, db=database.name, job=job)
            database.wanted = False

    def _services(self, machine: Machine, *, on: bool) -> None:
        for name in ACTIVE_SERVICES:
            service = machine.services.get(name)
            if service and service.start_mode != "Disabled":
                machine.services.set_state(name, "Running" if on and machine.online else "Stopped")

    # --- copies ----------------------------------------------------------------------------------

    def _reopen(self, copy: CopyOf) -> None:
        copy.fresh, copy.since = True, self.world.clock.now()

    def status(self, cms: Cms, group: StorageGroup, copy: CopyOf) -> str:
        """SummaryCopyStatus of a copy now."""
        place = self._place(cms, copy)
        if place is None or not place.online:
            return "ServiceDown"
        service = place.services.get(REPL)
        if service is None or service.state != "Running":
            return "ServiceDown"
        if copy.forced:
            return copy.forced
        if not copy.fresh:
            return "Healthy"
        age = self.world.clock.now() - copy.since
        if age < self.world.timing.copy_start_s:
            return "ServiceDown"
        if group.quiet or not cms.mail_up:
            return "Initializing"  # no mail, no log, nothing to copy
        if age < self.world.timing.copy_start_s + self.world.timing.copy_initializing_s:
            return "Initializing"
        copy.fresh = False
        return "Healthy"

    def _place(self, cms: Cms, copy: CopyOf) -> Machine | None:
        if copy.machine:
            return self.world.machine(copy.machine)
        passive = cms.passive()
        return passive.machine if passive else None

    def judge(self, cms: Cms, job: str = "", *, silent: bool = False) -> None:
        """Write every copy's status that changed, and look again when the next change is due."""
        with self.world.lock:
            for group in cms.storage_groups:
                for copy in ([group.copy] if group.copy else []) + group.standbys:
                    now = self.status(cms, group, copy)
                    if now == copy.said:
                        continue
                    copy.said = now
                    if not silent:
                        standby = copy.machine or getattr(cms.passive(), "name", "")
                        self.world.truth.write(
                            "copy_state", cms=cms.name, storage_group=group.name, machine=standby, state=now, job=job
                        )
            copies = [(g, c) for g in cms.storage_groups for c in ([g.copy] if g.copy else []) + g.standbys]
            if any(c.fresh and not g.quiet for g, c in copies) and not cms.judging:
                cms.judging = True
                self.world.timeline.after(LOOK_AGAIN_S, lambda: self._judge_again(cms, job))

    def _judge_again(self, cms: Cms, job: str) -> None:
        with self.world.lock:
            cms.judging = False
            self.judge(cms, job)

    def replication_service(self, machine: Machine, state: str, job: str = "") -> None:
        """The Replication service on a machine stopped or started: its copies follow; seeding dies of it."""
        with self.world.lock:
            for cms in self.cms.values():
                touched = False
                for group in cms.storage_groups:
                    for copy in ([group.copy] if group.copy else []) + group.standbys:
                        if self._place(cms, copy) is not machine:
                            continue
                        touched = True
                        if state == "Running":
                            self._reopen(copy)
                        elif copy.forced == "Seeding":
                            copy.forced = "Failed"
                if state != "Running" and cms.passive() and cms.passive().machine is machine:  # type: ignore[union-attr]
                    for database in cms.databases:
                        if database.backup == "passive":
                            database.backup = ""  # the VSS backup ran inside it
                self.backups(cms)
                if touched:
                    self.judge(cms, job)

    def backups(self, cms: Cms) -> None:
        """Let the shadow copy writers of the nodes say what is being backed up."""
        passive = cms.passive()
        kinds = {d.backup for d in cms.databases}
        busy = "[5] Waiting for completion"
        for node in cms.cluster.nodes:
            active = short(node.name) == short(cms.group.owner)
            if active:
                node.machine.vss_writers["Microsoft Exchange Writer"] = busy if "active" in kinds else ""
            if cms.ccr:
                here = node is passive and "passive" in kinds
                writers, service = node.machine.vss_writers, node.machine.services.get(REPL)
                if service is not None and service.state == "Running":
                    writers["Microsoft Exchange Replica Writer"] = busy if here else ""
                else:
                    writers.pop("Microsoft Exchange Replica Writer", None)  # it lives in the Replication service

    def mail(self, cms: Cms, storage_group: str = "") -> None:
        """Someone sends a megabyte of mail: logs are made and copied, Initializing ends."""
        with self.world.lock:
            for group in cms.storage_groups:
                if storage_group and group.name.casefold() != storage_group.casefold():
                    continue
                for copy in ([group.copy] if group.copy else []) + group.standbys:
                    if cms.mail_up and self.status(cms, group, copy) == "Initializing":
                        copy.fresh, copy.forced = False, ""
            self.judge(cms)


def _dismounted(database: Database) -> Callable[[], bool]:
    return lambda: not database.mounted
