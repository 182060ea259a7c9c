"""A board with the machines on it, on which steps are played one by one; each forbidden move is a violation."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.procedure.facts import QuorumModel, same_name, short
from bot.procedure.levels import Build
from state.words import Step, StepKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing the document forbids."""

    rule: str
    sentence: str
    step: str = ""
    version: int = 0


@dataclass(slots=True)
class Machine:
    """One machine on the board."""

    name: str
    cluster: str  # "" for a stand-alone machine
    level: Build | None  # None: not known, which counts as below
    up: bool = True
    votes: bool = True  # its Cluster service runs: Up or Paused
    groups: set[str] = field(default_factory=set)  # groups it owns that are no CMS
    standby: bool = False  # SCR target, or a node of a target's cluster
    installed: bool = False
    out: bool = False  # emptied (and so paused), not yet patched and checked
    own_targets: set[str] = field(default_factory=set)  # keys of the machines that stand by for its own storage groups
    left_out: bool = False  # an SCR target that does not answer, and that people accept to leave as it is


@dataclass(slots=True)
class Quorum:
    """How a cluster stays formed: None where it was not read."""

    model: QuorumModel | None = None
    witness: bool = True


@dataclass(slots=True)
class Board:
    """Where everything stands. `at` says which node holds each CMS."""

    target: Build
    main: str
    machines: dict[str, Machine]
    at: dict[str, str]
    quorums: dict[str, Quorum] = field(default_factory=dict)
    sha256: str = ""  # of the package, where a record tells which file was approved
    moved: dict[str, int] = field(default_factory=dict)
    home: dict[str, str] = field(default_factory=dict)
    found: list[Violation] = field(default_factory=list)
    step: str = ""
    version: int = 0

    def __post_init__(self) -> None:
        self.home = dict(self.at)

    def no(self, rule: str, sentence: str) -> None:
        """Note a violation."""
        self.found.append(Violation(rule=rule, sentence=sentence, step=self.step, version=self.version))

    def get(self, name: str) -> Machine | None:
        """A machine by any spelling."""
        return self.machines.get(short(name))

    def nodes(self, cluster: str) -> list[Machine]:
        """The nodes of a cluster."""
        return [one for one in self.machines.values() if cluster and one.cluster.casefold() == cluster.casefold()]

    def updated(self, machine: Machine) -> bool:
        """Same service pack and at least the target."""
        level = machine.level
        same = level is not None and (level.major, level.minor) == (self.target.major, self.target.minor)
        return machine.installed or (same and level is not None and level >= self.target)

    def holds(self, machine: Machine) -> list[str]:
        """The CMSs on a node."""
        return [cms for cms, node in self.at.items() if same_name(node, machine.name)]

    # --- playing a step ---------------------------------------------------------------------------------

    def play(self, step: Step) -> None:
        """Judge a step as if it were done now, and do it."""
        self.step = step.id
        machine = self.get(step.target)
        if machine is None:
            self.no("NODE-MEMBER", f"{step.target} is no machine of this campaign.")
            return
        if step.kind is StepKind.HANDOFF:
            self._handoff(step, machine)
        elif step.kind is StepKind.RESTORE:
            self._restore(step, machine)
        else:
            self._patching(step, machine)

    def _patching(self, step: Step, machine: Machine) -> None:
        """S6, S7, S8, S9, S16/S17 and one at a time hold for every step that takes a machine out."""
        if machine.left_out:
            self.no("SCR-TARGETS-FIRST", f"{machine.name} was to be left as it is: nothing is done to it (S16).")
        held = self.holds(machine)
        if held:
            self.no("NODE-PASSIVE", f"{machine.name} holds {', '.join(held)}: only a passive node may be patched (S6).")
        if not machine.standby:
            self._targets_first()
        else:
            self._own_targets_first(machine)
        if machine.cluster:
            self._others(machine)
        if step.kind is StepKind.EVACUATE:
            self._evacuate(step, machine)
        elif step.kind is StepKind.INSTALL:
            self._install(machine)
        elif step.kind is StepKind.RESTART:
            self._empty(machine)
            if machine.installed:
                machine.out = False

    def _targets_first(self) -> None:
        late = [
            one.name for one in self.machines.values() if one.standby and not self.updated(one) and not one.left_out
        ]
        if late:
            self.no("SCR-TARGETS-FIRST", f"SCR target {', '.join(late)} comes before any node of {self.main} (S16).")

    def leads_to(self, start: str, end: str) -> bool:
        """Whether SCR relations lead from one machine to another, directly or through others on the board."""
        waiting, seen = [start], set[str]()
        while waiting:
            one = self.machines.get(waiting.pop())
            for name in one.own_targets - seen if one else ():
                if name == end:
                    return True
                seen.add(name)
                waiting.append(name)
        return False

    def _own_targets_first(self, machine: Machine) -> None:
        """S16 holds for a target that is a source itself; the document gives a cycle no order."""
        me = short(machine.name)
        for name in sorted(machine.own_targets - {me}):
            other = self.machines.get(name)
            if other is None or not other.standby or other.left_out or self.leads_to(name, me):
                continue
            if not self.updated(other):
                self.no("SCR-TARGETS-FIRST", f"{other.name} stands by for {machine.name} and comes first (S16).")

    def _others(self, machine: Machine) -> None:
        nodes = self.nodes(machine.cluster)
        rest = [one for one in nodes if one is not machine]
        out = [one.name for one in rest if one.out]
        if out:
            self.no("ONE-AT-A-TIME", f"{', '.join(out)} is still out while {machine.name} is taken.")
        if rest:
            self._quorum(machine, nodes)
            self._spare(machine, nodes)

    def _quorum(self, machine: Machine, nodes: list[Machine]) -> None:
        quorum = self.quorums.get(machine.cluster.casefold(), Quorum())
        rest = sum(1 for one in nodes if one is not machine and one.votes)
        if quorum.model is None:
            return
        if quorum.model in {QuorumModel.DISK_2003, QuorumModel.DISK_ONLY}:
            kept = rest > 0 and quorum.witness
        else:
            shared = quorum.model in {QuorumModel.MNS_SHARE, QuorumModel.NODE_DISK, QuorumModel.NODE_SHARE}
            votes = len(nodes) + (1 if shared else 0)
            kept = rest + (1 if shared and quorum.witness else 0) >= votes // 2 + 1
        if not kept:
            self.no(
                "QUORUM-SURVIVES", f"Without {machine.name} the cluster {machine.cluster} does not stay formed (S8)."
            )

    def _spare(self, machine: Machine, nodes: list[Machine]) -> None:
        """Never the last able node while another order avoids it: with two free nodes one of them waits."""
        free = [one for one in nodes if one.up and not self.holds(one)]
        if not self.at and machine.cluster:  # a cluster without any CMS: any other node can take its groups
            free = [one for one in nodes if one.up]
        able = [one for one in free if one is not machine and not one.out]
        if machine in free and len(free) > 1 and not able:
            self.no("SPARE-UP", f"{machine.name} is the last node that could take a mail server, and need not be (S9).")
        if not [one for one in nodes if one is not machine and one.up and not one.out]:
            self.no("SPARE-UP", f"While {machine.name} is out, no other node of {machine.cluster} is there (S9).")

    def _evacuate(self, step: Step, machine: Machine) -> None:
        if not machine.cluster:
            self.no("NODE-EMPTY", f"{machine.name} is a stand-alone machine: there is nothing to empty.")
        if machine.out:
            self.no("NODE-EMPTY", f"{machine.name} is out already.")
        goal = self.get(step.to) if step.to else None
        if goal is not None and (goal is machine or goal.out or goal.cluster.casefold() != machine.cluster.casefold()):
            self.no("GROUP-MOVE-PLAN", f"The groups of {machine.name} cannot go to {step.to}.")
        elif goal is not None:
            goal.groups |= machine.groups
            machine.groups = set()
        elif machine.groups:
            self.no("GROUP-MOVE-PLAN", f"Nobody says where the groups of {machine.name} go.")
        machine.out = True

    def _restore(self, step: Step, machine: Machine) -> None:
        """Groups given back stand on their nodes again: an install that still comes finds them there."""
        for group, home in step.groups:
            goal = self.get(home)
            if goal is None or goal.out or goal.cluster.casefold() != machine.cluster.casefold():
                self.no("GROUP-MOVE-PLAN", f"'{group}' cannot go back to {home}.")
                continue
            for one in self.nodes(machine.cluster):
                one.groups = {name for name in one.groups if name.casefold() != group.casefold()}
            goal.groups.add(group)

    def _empty(self, machine: Machine) -> None:
        if machine.groups and len(self.nodes(machine.cluster)) > 1:
            owned = ", ".join(f"'{group}'" for group in sorted(machine.groups))
            self.no("NODE-EMPTY", f"{machine.name} still owns {owned} (S10).")

    def _install(self, machine: Machine) -> None:
        if machine.installed:
            self.no("PKG-NEWER", f"{machine.name} is patched twice.")
        elif self.updated(machine):
            self.no("PKG-NEWER", f"{machine.name} is at {machine.level} already.")
        self._empty(machine)
        machine.installed = True
        machine.out = False

    def _handoff(self, step: Step, machine: Machine) -> None:
        name = next((cms for cms in self.at if same_name(cms, step.cms)), "")
        source = self.get(step.source)
        if not name or source is None or source.cluster.casefold() != machine.cluster.casefold():
            self.no("MOVE-READY", f"{step.cms or 'No CMS'} cannot go from {step.source} to {step.target}.")
            return
        options = step.option.split("+")
        if "return" not in options:  # S17: with the move the mail server itself is updated
            self._targets_first()
        if not same_name(self.at[name], step.source):
            self.no("MOVE-READY", f"{name} is on {self.at[name]}, not on {step.source}.")
        if self.holds(machine):
            self.no("MOVE-READY", f"{machine.name} holds {', '.join(self.holds(machine))} already.")
        if not machine.up or any(one.out for one in self.nodes(machine.cluster)):
            self.no("ONE-AT-A-TIME", f"{name} is moved while a node is out.")
        if "return" not in options and not self.updated(machine):
            self.no("MIXED-LEVEL-MOVE", f"{machine.name} is not updated: {name} may not go there yet.")
        if "failback" in options:
            if not same_name(self.home.get(name, ""), machine.name):
                self.no("MOVE-READY", f"{name} does not come from {machine.name}: that is no failback.")
        elif "return" not in options:
            if self.updated(source):
                self.no("MOVE-READY", f"{name} has no reason to leave {source.name}, which is updated.")
            self.moved[name] = self.moved.get(name, 0) + 1
            if self.moved[name] > 1:
                self.no("MOVE-READY", f"{name} is moved more than once (kb 941707).")
        self.at[name] = machine.name

    def close(self) -> None:
        """S17 and CCR-HOWTO: at the end every machine is at the level and none is out."""
        self.step = ""
        for machine in self.machines.values():
            if not self.updated(machine) and not machine.left_out:
                self.no("BOTH-NODES", f"{machine.name} is not updated at the end.")
            if machine.out:
                self.no("NODE-PAUSED", f"{machine.name} is still out at the end.")
