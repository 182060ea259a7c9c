"""What goes wrong on the estate: faults that behaviours ask for, and faults that happen at their moment."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bot.lab.cluster.world import World, short
from bot.lab.scenario_words import Fault
from bot.lab.truth import Record

# Behaviours ask for these when they come to the point; the others happen to the estate by themselves.
ASKED = {
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
}
FIELDS = ("machine", "group", "cms", "database")


@dataclass
class _Armed:
    """A fault with what is left of it."""

    fault: Fault
    left: int  # how often it may still strike; negative = for ever
    live: bool  # its moment has come
    came: int = 0  # how often its point has come, when that is its moment


class Faults:
    """The scenario's faults, watching the truth log for their moments."""

    def __init__(self, world: World, faults: tuple[Fault, ...], happen: Callable[[Fault], None]) -> None:
        self._world = world
        self._happen = happen
        self._lock = threading.Lock()
        self._armed = [
            _Armed(f, f.times or -1, f.when == "start" or (f.kind in ASKED and f.when == "install")) for f in faults
        ]
        self._seen: Counter[int] = Counter()
        self._handing_over: set[str] = set()  # cms whose last move was the cmdlet's

    def begin(self) -> None:
        """Let what is so from the start be so, and follow the truth log from here."""
        for armed in self._armed:
            fault = armed.fault
            if fault.kind in ASKED:
                if fault.when == "at":
                    self._world.timeline.after(fault.after_s, self._arming(armed))
                continue
            if fault.when in {"start", "at"}:
                armed.left -= 1
                if fault.after_s:
                    self._world.timeline.after(fault.after_s, self._striking(fault))
                else:
                    self._happen(fault)
        self._world.truth.listen(self._noticed)

    def ask(self, kind: str, **where: str) -> float | None:
        """Whether a fault of this kind strikes now: its value, or None. Strikes are used up."""
        with self._lock:
            for armed in self._armed:
                fault = armed.fault
                if fault.kind != kind or not armed.live or armed.left == 0:
                    continue
                if all(_fits(getattr(fault, name), where.get(name, "")) for name in FIELDS):
                    armed.came += 1
                    if fault.when in {"start", "install"} and armed.came < fault.nth:
                        continue
                    armed.left -= 1
                    return fault.value
        return None

    def _arming(self, armed: _Armed) -> Callable[[], None]:
        def arm() -> None:
            armed.live = True

        return arm

    def _striking(self, fault: Fault) -> Callable[[], None]:
        return lambda: self._happen(fault)

    def _noticed(self, record: Record) -> None:
        moment, machine = _moment(record)
        if not moment:
            return
        for place, armed in enumerate(self._armed):
            fault = armed.fault
            if fault.when != moment or (fault.kind in ASKED and moment == "install"):
                continue
            wanted = fault.on or (fault.machine if moment != "approved" else "")
            if wanted and short(wanted) != short(machine):
                continue
            self._seen[place] += 1
            if self._seen[place] < fault.nth or armed.left == 0:
                continue
            if fault.kind in ASKED:
                self._world.timeline.after(fault.after_s, self._arming(armed))
            else:
                armed.left -= 1
                self._world.timeline.after(fault.after_s, self._striking(fault))


def _fits(wanted: str, found: str) -> bool:
    return not wanted or not found or short(wanted) == short(found) or wanted.casefold() == found.casefold()


def _moment(record: Record) -> tuple[str, str]:
    """The moment a line of truth stands for, and whose it is."""
    did, node = record["did"], str(record.get("node", ""))
    if did == "cms_moved":
        return ("after_handoff", str(record["to"])) if record["by"] == "cmdlet" else ("", "")
    if did == "command_started":
        return ("handoff", node) if str(record["line"]).startswith("Move-Clustered") else ("", "")
    if did == "reacted":
        approving = str(record.get("emoji", "")) in {"white_check_mark", "heavy_check_mark", "+1"}
        return ("approved", "") if approving else ("", "")
    return {
        "install_started": "install",
        "install_finished": "after_install",
        "restarted": "restarted",
        "node_paused": "evacuated",
    }.get(did, ""), node
