"""A failover cluster: nodes, groups, who owns what, and what happens when a node goes or comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.lab.cluster import quorum
from bot.lab.cluster.world import Operation, World, short
from bot.lab.windows.machine import Machine

OFFLINE_WAIT_S = 180.0  # a resource that will not go offline is given up after its pending timeout
REFORM_S = 60.0  # the service control manager restarts a failed Cluster service after a minute


class ClusterError(Exception):
    """A Win32 error of the cluster API."""

    TEXTS: dict[int, str] = {  # noqa: RUF012 - a constant table
        997: "Overlapped I/O operation is in progress.",
        1753: "There are no more endpoints available from the endpoint mapper.",
        5007: "The cluster resource could not be found.",
        5010: "The cluster node is not a possible owner of the resource or group.",
        5012: "The group is unavailable.",
        5013: "The cluster group could not be found.",
        5023: "The group or resource is not in the correct state to perform the requested operation.",
        5042: "The cluster node was not found.",
        5050: "The cluster node is down.",
        5058: "The cluster node is not paused.",
        5070: "The cluster node is paused.",
    }

    def __init__(self, code: int) -> None:
        super().__init__(self.TEXTS.get(code, ""))
        self.code = code


@dataclass
class Resource:
    """One cluster resource."""

    name: str
    type: str
    failed: bool = False
    dismounted: Callable[[], bool] = lambda: False  # a database resource is online while its database is mounted
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class Group:
    """One cluster group. `phase` is "" when it rests, else what it is in the middle of."""

    name: str
    owner: str
    resources: list[Resource]
    core: bool = False
    online: bool = True
    wanted: bool = True  # the persistent state: what a move or restart returns it to
    failed: bool = False
    partial: bool = False
    phase: str = ""  # "" | "Online Pending" | "Offline Pending"
    auto_failback: int = 0
    preferred: list[str] = field(default_factory=list)
    possible: list[str] = field(default_factory=list)
    cms: str = ""  # the clustered mailbox server in it
    # Called under the lock at the turning points of an Exchange group; set by exchange.py.
    on_offline: Callable[[Group, str], None] | None = None
    on_online: Callable[[Group, str], None] | None = None
    on_moved: Callable[[Group, str, str, str, str], None] | None = None
    partly: Callable[[], bool] = lambda: False  # a database resource is offline while the rest is online
    stop_s: float = 0.0
    start_s: float = 0.0

    @property
    def state(self) -> str:
        """Online, Offline, Failed, Partially Online or Pending, as Cluster Administrator says it."""
        if self.phase:
            return "Pending"
        if self.failed:
            return "Failed"
        if not self.online:
            return "Offline"
        return "Partially Online" if self.partial or self.partly() or any(r.failed for r in self.resources) else "Online"


@dataclass
class Node:
    """A cluster node; `service` is its Cluster service."""

    name: str
    id: int
    machine: Machine
    paused: bool = False
    service: str = "running"  # running | starting | stopped
    wants: bool = True  # would run if the cluster could form

    @property
    def up(self) -> bool:
        """Whether it takes part in the cluster."""
        return self.service == "running" and self.machine.online


class FailoverCluster:
    """One cluster. All methods take the world's lock; what takes time goes on in the timeline."""

    def __init__(self, world: World, name: str, model: str, nodes: list[Node], *, os: str = "2008",
                 witness: str = "", witness_ok: bool = True) -> None:
        self.world = world
        self.name = name
        self.model = model
        self.os = os
        self.nodes = nodes
        self.groups: list[Group] = []
        self.witness = witness
        self.witness_ok = witness_ok
        self.alone: set[str] = set()  # nodes (short) that a partition cut off: they and the others disagree
        self.service_state: Callable[[Node, str], None] = lambda _node, _state: None  # tells Windows' services

    # --- looking -------------------------------------------------------------------------------

    def node(self, name: str) -> Node:
        """A node by any spelling; raises ClusterError 5042."""
        for node in self.nodes:
            if short(node.name) == short(name):
                return node
        raise ClusterError(5042)

    def group(self, name: str) -> Group:
        """A group by name; raises ClusterError 5013."""
        for group in self.groups:
            if group.name.casefold() == name.casefold():
                return group
        raise ClusterError(5013)

    def owned(self, node: Node) -> list[Group]:
        """The groups a node owns, in any state."""
        return [g for g in self.groups if short(g.owner) == short(node.name)]

    def count(self) -> quorum.Count:
        """Votes now."""
        return quorum.count(self.model, len(self.nodes), sum(n.up for n in self.nodes), witness_ok=self.witness_ok)

    def count_without(self, node: Node) -> quorum.Count:
        """Votes if one node went."""
        up = sum(n.up and n is not node for n in self.nodes)
        return quorum.count(self.model, len(self.nodes), up, witness_ok=self.witness_ok)

    def seen(self, viewer: Node, other: Node) -> bool:
        """Whether two nodes are on the same side of a partition."""
        return (short(viewer.name) in self.alone) == (short(other.name) in self.alone)

    def set_witness(self, ok: bool) -> None:
        """The witness share or disk fails or comes back."""
        with self.world.lock:
            self.witness_ok = ok
            for group in self.groups:
                for resource in group.resources:
                    # A majority node set with a share stays online without it; disk and share resources fail.
                    if resource.properties.get("_quorum") and resource.type in {"File Share Witness", "Physical Disk"}:
                        resource.failed = not ok
            self._check_quorum("")

    # --- moving --------------------------------------------------------------------------------

    def candidate(self, group: Group, without: Node) -> Node | None:
        """Where a group fails over to: preferred owners first, then by node id; Paused only if nothing else."""
        order = [short(p) for p in group.preferred]
        able = [n for n in self.nodes if n is not without and n.up and self.may_own(group, n)]
        able.sort(key=lambda n: (n.paused, order.index(short(n.name)) if short(n.name) in order else 99, n.id))
        if group.cms:
            # Exchange keeps two clustered mailbox servers apart.
            able = [n for n in able if not any(g.cms and g is not group for g in self.owned(n))]
        return able[0] if able else None

    def may_own(self, group: Group, node: Node) -> bool:
        """Whether every resource of the group may run on the node."""
        return not group.possible or short(node.name) in {short(p) for p in group.possible}

    def move(self, group: Group, to: Node, by: str, job: str = "") -> Operation:
        """Begin a move; raises ClusterError where the API refuses. To the present owner: done at once."""
        with self.world.lock:
            operation = Operation(f"move {group.name} to {to.name}")
            if short(group.owner) == short(to.name) and not group.phase:
                operation.end()
                return operation
            if group.phase:
                raise ClusterError(5012)
            if not to.up:
                raise ClusterError(5050)
            if to.paused:
                raise ClusterError(5070)
            if not self.may_own(group, to):
                raise ClusterError(5010)
            if self.world.faults("group_stuck", group=group.name, machine=group.owner) is not None:
                self._stick(group, operation)
                return operation
            self._relocate(group, to, by, job, operation, graceful=True)
            return operation

    def _stick(self, group: Group, operation: Operation) -> None:
        group.phase = "Offline Pending"

        def give_up() -> None:
            with self.world.lock:
                group.phase = ""
                operation.end(ClusterError(5023))

        self.world.timeline.after(OFFLINE_WAIT_S, give_up)

    def _relocate(self, group: Group, to: Node, by: str, job: str, operation: Operation | None = None, *,
                  graceful: bool) -> None:
        """Take offline (if it is online), change the owner, bring to its persistent state."""
        move_s = self.world.timing.group_move_s
        was = group.online and not group.failed
        leave_s = (group.stop_s or move_s / 2) if was and graceful else 0.5
        if was or group.phase:
            group.phase = "Offline Pending"
            self._went_offline(group, job)

        def switch() -> None:
            with self.world.lock:
                target = to if to.up else self.candidate(group, to)
                if target is None:
                    group.phase, group.online = "", False
                    if operation:
                        operation.end(ClusterError(5050))
                    return
                old, group.owner = group.owner, target.name
                group.online = False
                self._tell_moved(group, old, target.name, by, job)
                if not group.wanted or target.paused:
                    group.phase = ""
                    if operation:
                        operation.end()
                    return
                group.phase = "Online Pending"
                self.world.timeline.after(group.start_s or move_s / 2, arrive)

        def arrive() -> None:
            with self.world.lock:
                if group.phase == "Online Pending":
                    if not self.node(group.owner).up:  # it died meanwhile
                        group.phase, group.online = "", False
                        self._evict(self.node(group.owner), job, graceful=False)
                    else:
                        self._arrived(group, job)
                if operation:
                    operation.end()

        self.world.timeline.after(leave_s, switch)

    def _went_offline(self, group: Group, job: str) -> None:
        if group.on_offline:
            group.on_offline(group, job)

    def _arrived(self, group: Group, job: str) -> None:
        group.phase, group.online, group.failed = "", True, False
        if group.on_online:
            group.on_online(group, job)

    def _tell_moved(self, group: Group, old: str, new: str, by: str, job: str) -> None:
        if group.on_moved:
            group.on_moved(group, old, new, by, job)
        elif short(old) != short(new):
            self.world.truth.write("group_moved", group=group.name, **{"from": old}, to=new, by=by, job=job)

    def take_offline(self, group: Group, job: str = "") -> Operation:
        """Take a group offline for good: it stays so over moves and reboots."""
        operation = Operation(f"take {group.name} offline")
        with self.world.lock:
            group.wanted = False
            if not group.online and not group.phase:
                operation.end()
                return operation
            group.phase = "Offline Pending"
            self._went_offline(group, job)

            def gone() -> None:
                with self.world.lock:
                    group.phase, group.online = "", False
                    operation.end()

            self.world.timeline.after(group.stop_s or self.world.timing.group_move_s / 2, gone)
        return operation

    def bring_online(self, group: Group, job: str = "") -> Operation:
        """Bring a group online where it is; raises ClusterError when its owner cannot."""
        operation = Operation(f"bring {group.name} online")
        with self.world.lock:
            owner = self.node(group.owner)
            if not owner.up:
                raise ClusterError(5050)
            if owner.paused:
                raise ClusterError(5070)
            group.wanted = True
            if group.online and not group.failed:
                operation.end()
                return operation
            group.phase = "Online Pending"

            def here() -> None:
                with self.world.lock:
                    if group.phase == "Online Pending":
                        self._arrived(group, job)
                    operation.end()

            self.world.timeline.after(group.start_s or self.world.timing.group_move_s / 2, here)
        return operation

    # --- nodes come and go -----------------------------------------------------------------------

    def pause(self, node: Node, job: str = "") -> None:
        """Pause: it keeps what it has and takes nothing new."""
        with self.world.lock:
            if not node.paused:
                node.paused = True
                self.world.truth.write("node_paused", node=node.name, cluster=self.name, job=job)

    def resume(self, node: Node, job: str = "") -> None:
        """Resume; groups that landed here offline come online now. Raises ClusterError 5058 if not paused."""
        with self.world.lock:
            if not node.paused:
                raise ClusterError(5058)
            node.paused = False
            self.world.truth.write("node_resumed", node=node.name, cluster=self.name, job=job)
            self._pick_up(node, job)

    def stopped(self, node: Node, job: str = "", *, graceful: bool = True, wants: bool = False) -> None:
        """A node's Cluster service ends, or the node dies (`graceful` False): what it owns fails over."""
        with self.world.lock:
            node.wants = wants
            if node.service == "stopped":
                return
            node.service = "stopped"
            self.world.truth.write("cluster_service", node=node.name, state="stopped", job=job)
            self.service_state(node, "Stopped")
            if not self._check_quorum(job):
                return
            if graceful:
                self._evict(node, job, graceful=True)
                return
            # The others need a while to miss it; what it served is gone at once.
            for group in self.owned(node):
                if group.online or group.phase:
                    self._went_offline(group, job)
                    group.online, group.phase = False, ""
            self.world.timeline.after(self.world.timing.failover_s, lambda: self._missed(node, job))

    def _missed(self, node: Node, job: str) -> None:
        with self.world.lock:
            if not node.up and any(n.up for n in self.nodes):
                self._evict(node, job, graceful=False)

    def _evict(self, node: Node, job: str, *, graceful: bool) -> None:
        for group in self.owned(node):
            target = self.candidate(group, node)
            if target is None:
                if group.online or group.phase:
                    self._went_offline(group, job)
                group.online, group.phase = False, ""
                continue
            self._relocate(group, target, "failover", job, graceful=graceful)

    def starting(self, node: Node, job: str = "") -> None:
        """A node's Cluster service starts; it is Up after a while if the cluster has or gets quorum."""
        with self.world.lock:
            node.wants = True
            if node.service != "stopped":
                return
            node.service = "starting"
            self.world.timeline.after(self.world.timing.cluster_service_s, lambda: self._try_form(job))

    def _try_form(self, job: str) -> None:
        with self.world.lock:
            ready = [n for n in self.nodes if n.machine.online and (n.up or (n.wants and n.service != "stopped"))]
            ready = [n for n in ready if n.service in {"running", "starting"}]
            votes = quorum.count(self.model, len(self.nodes), len(ready), witness_ok=self.witness_ok)
            if not votes.holds:
                if ready:
                    self.world.timeline.after(REFORM_S, lambda: self._try_form(job))
                return
            came = [n for n in ready if n.service == "starting"]
            for node in came:
                node.service = "running"
                self.world.truth.write("cluster_service", node=node.name, state="running", job=job)
                self.service_state(node, "Running")
            for node in came:
                self._pick_up(node, job)
                self._fail_back(node)

    def _pick_up(self, node: Node, job: str) -> None:
        """Groups that should be online and are nowhere: this node takes them."""
        if node.paused or not node.up:
            return
        for group in self.groups:
            if group.online or group.phase or not group.wanted:
                continue
            owner = self.node(group.owner)
            if owner is node:
                group.phase = "Online Pending"
                self.world.timeline.after(group.start_s or 2.0, self._arrival(group, job))
            elif not (owner.up and not owner.paused) and self.candidate(group, owner) is node:
                self._relocate(group, node, "failover", job, graceful=False)

    def _arrival(self, group: Group, job: str) -> Callable[[], None]:
        def arrive() -> None:
            with self.world.lock:
                if group.phase == "Online Pending" and self.node(group.owner).up:
                    self._arrived(group, job)

        return arrive

    def _fail_back(self, node: Node) -> None:
        if node.paused or not node.up:
            return
        for group in self.groups:
            home = group.preferred[0] if group.preferred else ""
            away = short(group.owner) != short(node.name)
            if group.auto_failback and short(home) == short(node.name) and away and not group.phase:
                self._relocate(group, node, "failback", "", graceful=True)

    def _check_quorum(self, job: str) -> bool:
        """False: the cluster has lost quorum and every Cluster service has stopped."""
        if self.count().holds:
            return True
        if any(n.up for n in self.nodes):  # else the last one stopped by itself
            self.world.truth.write("quorum_lost", cluster=self.name, job=job)
        for group in self.groups:
            if group.online or group.phase:
                self._went_offline(group, job)
            group.online, group.phase = False, ""
        for node in self.nodes:
            if node.up:
                node.service = "starting"  # the service control manager keeps trying
                self.world.truth.write("cluster_service", node=node.name, state="stopped", job=job)
                self.service_state(node, "Stopped")
        self.world.timeline.after(REFORM_S, lambda: self._try_form(job))
        return False
