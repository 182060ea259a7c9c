"""Transaction logs: a storage group makes one of a megabyte after the other while its mail is up, and its volume fills."""

from __future__ import annotations

from collections.abc import Callable

from bot.lab.cluster.cms import Cms, StorageGroup
from bot.lab.cluster.world import World
from bot.lab.windows.filesystem import Drive
from bot.lab.windows.machine import Machine

LETTER = "L:"  # CCR: a volume of each node's own; in SCC the logs lie on the shared disk
LOG = bytes(2**20)  # one object, however many logs there are
FIRST = 0x4A1  # the number of the first log that is kept
MOST = 200  # logs kept from before the start, however long ago the last full backup was
NEVER_H = 48.0  # no full backup: as if the last one had been that long ago


class _Logs:
    """The logs of one storage group by the time each was made; the same on every node that shows them."""

    def __init__(self, world: World, cms: Cms, group: StorageGroup) -> None:
        self._world, self._cms, self._group = world, cms, group
        self._every = 3600.0 / group.logs_per_h if group.logs_per_h > 0 else 0.0
        backed_up = [d.last_full_backup for d in group.databases if d.last_full_backup is not None]
        start = world.clock.now()
        since = min(backed_up) if backed_up else start - NEVER_H * 3600
        kept = max(2, min(MOST, int((start - since) / self._every))) if self._every else 1
        old = self._every or NEVER_H * 3600
        self.at = [start - old * (kept - number) for number in range(kept)]
        self._before = kept
        self._looked = start
        self._owed = 0.0  # seconds of mail that have not made a whole log yet

    def grow(self) -> None:
        """Make what is due. While mail is down nothing is written."""
        with self._world.lock:
            now, down = self._world.clock.now(), self._cms.down_since
            until = max(self._looked, min(now, down) if down is not None else now)
            self._owed += until - self._looked
            self._looked = now
            while self._every and self._owed >= self._every:
                self._owed -= self._every
                self.at.append(until - self._owed)

    def made(self) -> int:
        """How many since the start."""
        self.grow()
        return len(self.at) - self._before


def place(world: World, cms: Cms, letter: str, free_mb: int, readable: bool) -> None:
    """Give every node the server may run on the log volume and the folders; the shared disk is there already."""
    logs = []
    for number, group in enumerate(cms.storage_groups):
        group.log_prefix = f"E{number:02}"
        group.log_folder = f"{letter}\\{cms.name}\\{group.name}"
        logs.append(_Logs(world, cms, group))
    for node in cms.cluster.nodes:
        drives = node.machine.fs.drives
        drive = drives.get(letter) or node.machine.fs.add_drive(Drive(letter, "Logs"))
        drive.free, drive.readable, drive.grown = free_mb * 2**20, readable, _written(logs)
        online, drive.online = drive.online, True  # the folders are on the disk, whichever node it is with
        for group, made in zip(cms.storage_groups, logs, strict=True):
            node.machine.fs.makedirs(group.log_folder)
            node.machine.fs.on_list[group.log_folder.casefold()] = _filler(node.machine, drive, group, made)
        drive.online = online


def _written(logs: list[_Logs]) -> Callable[[], int]:
    return lambda: sum(one.made() for one in logs) * len(LOG)


def _filler(machine: Machine, drive: Drive, group: StorageGroup, logs: _Logs) -> Callable[[], None]:
    """Write the logs that are not in the folder yet, each with its own time."""
    there = 0

    def fill() -> None:
        nonlocal there
        if not (drive.online and drive.readable):
            return
        logs.grow()
        for number, at in enumerate(logs.at[there:], there):
            path = f"{group.log_folder}\\{group.log_prefix}{FIRST + number:08X}.log"
            machine.fs.write(path, LOG)
            machine.fs.touch(path, at)
        there = len(logs.at)

    return fill
