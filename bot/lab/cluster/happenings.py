"""Things that happen to the estate by themselves or by somebody else's hand: a node dies, a CMS is moved, mail comes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.lab.cluster import packages, software
from bot.lab.cluster.equip import JOB_ROOT, RUNNER_TASK
from bot.lab.cluster.exchange import Cms
from bot.lab.cluster.model import ClusterError, FailoverCluster, Node
from bot.lab.cluster.world import short
from bot.lab.scenario_words import Fault
from bot.lab.windows.machine import Machine
from bot.lab.windows.services import ServiceError

if TYPE_CHECKING:
    from bot.lab.cluster.estate import Estate


class Happenings:
    """One method a kind; docs/scenarios.md says what each needs."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate

    def happen(self, fault: Fault) -> None:
        """Let it happen; what makes no sense now (a move to where it is) simply does not."""
        method: Callable[[Fault], None] = getattr(self, "_" + fault.kind)
        try:
            with self.estate.world.lock:
                method(fault)
        except (ClusterError, ServiceError):
            return

    # --- finding ------------------------------------------------------------------------------------

    def _machine(self, fault: Fault) -> Machine:
        machine = self.estate.world.machine(fault.machine)
        return machine if machine is not None else self.estate.machines[0]

    def _place(self, fault: Fault) -> tuple[FailoverCluster, Node]:
        for cluster in self.estate.clusters:
            for node in cluster.nodes:
                if not fault.machine or short(node.name) == short(fault.machine):
                    return cluster, node
        raise ClusterError(5042)

    def _cms(self, fault: Fault) -> Cms:
        found = (
            self.estate.exchange.find(fault.cms) if fault.cms else next(iter(self.estate.exchange.cms.values()), None)
        )
        if found is None:
            raise ClusterError(5013)
        return found

    # --- machines -------------------------------------------------------------------------------------

    def _dies(self, fault: Fault) -> None:
        """Power is lost; `value` lab seconds later it comes back, 0 = never."""
        machine = self._machine(fault)
        world = self.estate.world
        world.power_cut.add(short(machine.name))
        # Not under the world's lock: sessions that end may wait for it.
        world.timeline.after(0, machine.go_down)
        if fault.value:
            world.timeline.after(fault.value, machine.come_up)

    def _unreachable(self, fault: Fault) -> None:
        """The bot cannot reach it for `value` lab seconds (0 = for good); the machine itself is well."""
        machine = self._machine(fault)
        machine.reachable = False

        def back() -> None:
            machine.reachable = True

        if fault.value:
            self.estate.world.timeline.after(fault.value, back)

    def _clock_skew(self, fault: Fault) -> None:
        self._machine(fault).skew_s = fault.value

    def _service_stopped(self, fault: Fault) -> None:
        self._machine(fault).services.stop(fault.to, force=True)

    def _service_started(self, fault: Fault) -> None:
        self._machine(fault).services.start(fault.to)

    def _task_fires_again(self, fault: Fault) -> None:
        """Every task the bot left on the machine is started once more, as its trigger would."""
        machine = self._machine(fault)
        for task in machine.tasks.all():
            if task.name.casefold().startswith("\\rollup-bot") and task.name.strip("\\") != RUNNER_TASK:
                machine.tasks.run(task.name)

    def _package_swapped(self, fault: Fault) -> None:
        """Somebody puts another file under the package's name."""
        for package in self.estate.scenario.packages:
            self._machine(fault).fs.write(packages.path(package), packages.content(package, kind="swapped"))

    def _patched(self, fault: Fault) -> None:
        """Somebody installs the first package by hand, without anybody's leave."""
        machine, package = self._machine(fault), self.estate.scenario.packages[0]
        today = datetime.fromtimestamp(machine.now(), UTC)
        software.level_up(machine, package.build, package.kb, f"{today:%Y%m%d}")
        self.estate.world.truth.write("patched_by_hand", node=machine.name, build=package.build)

    def _restart(self, fault: Fault) -> None:
        """Somebody restarts the machine."""
        machine, world = self._machine(fault), self.estate.world

        def go() -> None:
            machine.reboot(world.timing.reboot_s)

        world.timeline.after(0, go)

    def _jobs_deleted(self, fault: Fault) -> None:
        """Somebody tidies up: every job folder on the machine is gone."""
        fs = self._machine(fault).fs
        for folder in [f"{JOB_ROOT}\\{name}" for name in fs.listdir(JOB_ROOT)]:
            if fs.is_dir(folder):
                with contextlib.suppress(OSError):  # a file in it is held: that one stays
                    fs.delete(folder, recursive=True)

    # --- clusters -------------------------------------------------------------------------------------

    def _partition(self, fault: Fault) -> None:
        """The machine and the rest of its cluster lose sight of each other for `value` lab seconds."""
        cluster, node = self._place(fault)
        cluster.alone.add(short(node.name))
        if fault.value:
            self.estate.world.timeline.after(fault.value, lambda: cluster.alone.discard(short(node.name)))

    def _witness_down(self, fault: Fault) -> None:
        self._place(fault)[0].set_witness(False)

    def _witness_up(self, fault: Fault) -> None:
        self._place(fault)[0].set_witness(True)

    def _pause(self, fault: Fault) -> None:
        cluster, node = self._place(fault)
        cluster.pause(node)

    def _resume(self, fault: Fault) -> None:
        cluster, node = self._place(fault)
        cluster.resume(node)

    def _group_moved(self, fault: Fault) -> None:
        """Somebody moves a cluster group by hand."""
        cluster, _ = self._place(fault)
        cluster.move(cluster.group(fault.group), cluster.node(fault.to), "cluster.exe")

    # --- Exchange -------------------------------------------------------------------------------------

    def _foreign_move(self, fault: Fault) -> None:
        """Somebody else hands the clustered mailbox server over, by the cmdlet."""
        cms = self._cms(fault)
        to = cms.cluster.node(fault.to) if fault.to else cms.passive()
        if to is not None:
            cms.cluster.move(cms.group, to, "cmdlet")

    def _backup(self, fault: Fault) -> None:
        """A backup runs on `to` (active or passive) for `value` lab seconds (0 = on and on)."""
        cms = self._cms(fault)
        wanted = [d for d in cms.databases if fault.database in {"", d.name}]
        for database in wanted:
            database.backup = fault.to or "active"
        self.estate.exchange.backups(cms)

        def over() -> None:
            for database in wanted:
                database.backup = ""
            self.estate.exchange.backups(cms)

        if fault.value:
            self.estate.world.timeline.after(fault.value, over)

    def _seeding(self, fault: Fault) -> None:
        self._status(fault, "Seeding")

    def _copy_status(self, fault: Fault) -> None:
        self._status(fault, fault.to)

    def _status(self, fault: Fault, status: str) -> None:
        """Put copies into a state: of one storage group or all, on a standby machine or the passive node."""
        cms = self._cms(fault)
        for group in cms.storage_groups:
            if fault.storage_group.casefold() not in {"", group.name.casefold()}:
                continue
            standbys = [c for c in group.standbys if fault.machine and short(c.machine) == short(fault.machine)]
            for copy in standbys or ([group.copy] if group.copy else []):
                copy.forced = "" if status in {"", "Healthy"} else status
        self.estate.exchange.judge(cms)

    def _mail(self, fault: Fault) -> None:
        """Somebody sends a megabyte to a storage group: its copies leave Initializing."""
        self.estate.exchange.mail(self._cms(fault), fault.storage_group)

    def _mount(self, fault: Fault) -> None:
        cms = self._cms(fault)
        for database in cms.databases:
            if fault.database in {"", database.name} and cms.group.online:
                self.estate.exchange.mount(cms, database, "")

    def _dismount(self, fault: Fault) -> None:
        """A database goes down by itself, as after an error of its disk: it is still wanted."""
        cms = self._cms(fault)
        for database in cms.databases:
            if fault.database in {"", database.name}:
                wanted = database.wanted
                self.estate.exchange.dismount(cms, database, "")
                database.wanted = wanted
        self.estate.exchange.settle(cms)

    def _start_cms(self, fault: Fault) -> None:
        """Somebody runs Start-ClusteredMailboxServer by hand."""
        cms = self._cms(fault)
        cms.cluster.bring_online(cms.group)
