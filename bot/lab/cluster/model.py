"""A failover cluster: what happens when a node is paused, goes or comes, and when votes are lost."""

from __future__ import annotations

from collections.abc import Callable

from bot.lab.cluster import quorum
from bot.lab.cluster.moving import MovingCluster
from bot.lab.cluster.parts import ClusterError, Group, Node, Resource
from bot.lab.cluster.world import short

__all__ = ["ClusterError", "FailoverCluster", "Group", "Node", "Resource"]

REFORM_S = 60.0  # the service control manager restarts a failed Cluster service after a minute


class FailoverCluster(MovingCluster):
    """One cluster. All methods take the world's lock; what takes time goes on in the timeline."""

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
            if came:
                self._inherit(job)
            for node in came:
                self._pick_up(node, job)
                self._fail_back(node)

    def _inherit(self, job: str) -> None:
        """Groups of nodes that are gone land on one that is here, a Paused one too if there is no other."""
        for group in self.groups:
            owner = self.node(group.owner)
            heir = None if owner.up or group.phase or group.online else self.candidate(group, owner)
            if heir is not None and heir.paused:
                group.owner = heir.name
                self._tell_moved(group, owner.name, heir.name, "failover", job)

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
