"""The parts of a failover cluster: nodes, groups, resources, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.lab.cluster import quorum
from bot.lab.cluster.world import World, short
from bot.lab.windows.machine import Machine


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
    possible: list[str] = field(default_factory=list)  # nodes it may run on; [] = those of its group


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
        return (
            "Partially Online" if self.partial or self.partly() or any(r.failed for r in self.resources) else "Online"
        )


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


class ClusterState:
    """Who owns what in one cluster, and who is Up. Read it under the world's lock."""

    def __init__(
        self,
        world: World,
        name: str,
        model: str,
        nodes: list[Node],
        *,
        os: str = "2008",
        witness: str = "",
        witness_ok: bool = True,
    ) -> None:
        self.world = world
        self.name = name
        self.model = model
        self.os = os
        self.nodes = nodes
        self.groups: list[Group] = []
        self.witness = witness
        self.witness_ok = witness_ok
        self.networks: list[tuple[str, str, int]] = []  # (name, subnet, role: 1 cluster, 2 clients, 3 both)
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
