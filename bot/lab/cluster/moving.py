"""Groups on the move: where one may go, how it gets there, what state it arrives in."""

from __future__ import annotations

from bot.lab.cluster.parts import ClusterError, ClusterState, Group, Node, Resource
from bot.lab.cluster.world import Operation, short

OFFLINE_WAIT_S = 180.0  # a resource that will not go offline is given up after its pending timeout


def _listed(possible: list[str], node: Node) -> bool:
    return not possible or short(node.name) in {short(p) for p in possible}


class MovingCluster(ClusterState):
    """Moves, failovers and switching of groups. What takes time goes on in the timeline."""

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
        return all(self.may_run(group, resource, node) for resource in group.resources) and _listed(
            group.possible, node
        )

    def may_run(self, group: Group, resource: Resource, node: Node) -> bool:
        """Whether the node is a possible owner of one resource."""
        return _listed(resource.possible or group.possible, node)

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
                operation.takes_s = OFFLINE_WAIT_S
                self._stick(group, operation)
                return operation
            operation.takes_s = (group.stop_s + group.start_s) or self.world.timing.group_move_s
            self._relocate(group, to, by, job, operation, graceful=True)
            return operation

    def _stick(self, group: Group, operation: Operation) -> None:
        group.phase = "Offline Pending"

        def give_up() -> None:
            with self.world.lock:
                group.phase = ""
                operation.end(ClusterError(5023))

        self.world.timeline.after(OFFLINE_WAIT_S, give_up)

    def _relocate(
        self, group: Group, to: Node, by: str, job: str, operation: Operation | None = None, *, graceful: bool
    ) -> None:
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
        operation = Operation(f"take {group.name} offline", takes_s=group.stop_s)
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
        operation = Operation(f"bring {group.name} online", takes_s=group.start_s)
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

    def _evict(self, node: Node, job: str, *, graceful: bool) -> None:
        for group in self.owned(node):
            target = self.candidate(group, node)
            if target is None:
                if group.online or group.phase:
                    self._went_offline(group, job)
                group.online, group.phase = False, ""
                continue
            self._relocate(group, target, "failover", job, graceful=graceful)
