"""What `root\\MSCluster` answers on a node: the classes of the cluster's own provider, numbers and object paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Network
from typing import Any

from bot.lab.cluster.model import FailoverCluster, Group, Node, Resource
from bot.lab.cluster.world import short
from bot.lab.powershell.values import CmdletError, PSObject
from bot.lab.windows.machine import Machine, Session, WmiProvider

NAMESPACE = "root\\mscluster"
GROUP_STATES = {"Online": 0, "Offline": 1, "Failed": 2, "Partially Online": 3, "Pending": 4}
RESOURCE_STATES = {"Online": 2, "Offline": 3, "Failed": 4, "Online Pending": 129, "Offline Pending": 130}
UP, DOWN, PAUSED, JOINING = 0, 1, 2, 3


def register(machine: Machine, cluster: FailoverCluster) -> None:
    """Give a node the classes of `root\\MSCluster`."""
    me = cluster.node(machine.name)
    classes: dict[str, Callable[[], Iterable[PSObject]]] = {
        "MSCluster_Cluster": lambda: [_cluster(cluster, me)],
        "MSCluster_Node": lambda: [_node(cluster, me, n) for n in cluster.nodes],
        "MSCluster_ResourceGroup": lambda: [_group(cluster, me, g) for g in cluster.groups],
        "MSCluster_Resource": lambda: [_resource(cluster, me, g, r) for g in cluster.groups for r in g.resources],
        "MSCluster_Network": lambda: [_network(me, *n) for n in cluster.networks],
        "MSCluster_NodeToActiveGroup": lambda: [
            _link(me, "MSCluster_NodeToActiveGroup", ("Node", owner_seen(cluster, me, g)), ("ResourceGroup", g.name))
            for g in cluster.groups
        ],
        "MSCluster_ResourceGroupToResource": lambda: [
            _link(me, "MSCluster_ResourceGroupToResource", ("ResourceGroup", g.name), ("Resource", r.name))
            for g in cluster.groups
            for r in g.resources
        ],
        "MSCluster_ResourceGroupToPreferredNode": lambda: [
            _link(me, "MSCluster_ResourceGroupToPreferredNode", ("ResourceGroup", g.name), ("Node", p))
            for g in cluster.groups
            for p in g.preferred
        ],
        "MSCluster_ResourceToPossibleOwner": lambda: [
            _link(me, "MSCluster_ResourceToPossibleOwner", ("Resource", r.name), ("Node", n.name))
            for g in cluster.groups
            for r in g.resources
            for n in cluster.nodes
            if cluster.may_run(g, r, n)
        ],
        "MSCluster_ClusterToQuorumResource": lambda: [
            _link(me, "MSCluster_ClusterToQuorumResource", ("Cluster", cluster.name), ("Resource", r.name))
            for g in cluster.groups
            for r in g.resources
            if r.properties.get("_quorum")
        ],
        "MSCluster_ResourceTypeToResource": lambda: [
            _link(me, "MSCluster_ResourceTypeToResource", ("ResourceType", r.type), ("Resource", r.name))
            for g in cluster.groups
            for r in g.resources
        ],
    }
    for name, answer in classes.items():
        machine.wmi[NAMESPACE, name.casefold()] = _provider(cluster, me, answer)


def _provider(cluster: FailoverCluster, me: Node, answer: Callable[[], Iterable[PSObject]]) -> WmiProvider:
    def provide(_session: Session) -> list[PSObject]:
        with cluster.world.lock:
            winmgmt = me.machine.services.get("Winmgmt")
            if me.service != "running" or (winmgmt is not None and winmgmt.state != "Running"):
                # The provider talks to the local Cluster service and has nobody to ask.
                raise CmdletError(
                    "The RPC server is unavailable. (Exception from HRESULT: 0x800706BA)",
                    "GetWMICOMException",
                    exception="System.Runtime.InteropServices.COMException",
                    category="InvalidOperation",
                )
            return list(answer())

    return provide


def owner_seen(cluster: FailoverCluster, viewer: Node, group: Group) -> str:
    """Who owns a group as one node sees it: behind a partition each side counts on itself."""
    owner = cluster.node(group.owner)
    return owner.name if cluster.seen(viewer, owner) else viewer.name


def state_seen(cluster: FailoverCluster, viewer: Node, group: Group) -> str:
    """A group's state as one node sees it."""
    return group.state if cluster.seen(viewer, cluster.node(group.owner)) else "Offline"


def node_state(cluster: FailoverCluster, viewer: Node, node: Node) -> int:
    """Up, Down, Paused or Joining, as clusapi numbers them."""
    if not cluster.seen(viewer, node) or not node.machine.online or node.service == "stopped":
        return DOWN
    if node.service == "starting":
        return JOINING
    return PAUSED if node.paused else UP


def resource_state(group: Group, resource: Resource) -> str:
    """A resource's state in clusapi's words."""
    if resource.failed:
        return "Failed"
    if group.phase:
        return group.phase
    state = {"Failed": "Failed", "Offline": "Offline"}.get(group.state, "Online")
    return "Offline" if state == "Online" and resource.dismounted() else state


def path(machine: str, kind: str, name: str) -> str:
    """An object path as associations carry it: backslashes and quotes inside a key are escaped."""
    key = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'\\\\{machine}\\root\\MSCluster:MSCluster_{kind}.Name="{key}"'


def _make(me: Node, kind: str, name: str, properties: dict[str, Any]) -> PSObject:
    cls = f"MSCluster_{kind}"
    system = {
        "__CLASS": cls,
        "__SERVER": me.name,
        "__NAMESPACE": "root\\MSCluster",
        "__PATH": path(me.name, kind, name),
    }
    types = (f"System.Management.ManagementObject#root\\MSCluster\\{cls}", "System.Management.ManagementObject")
    return PSObject(
        {**system, "Caption": name, "Name": name, "Description": "", **properties},
        types,
        text=path(me.name, kind, name),
    )


def _link(me: Node, cls: str, whole: tuple[str, str], part: tuple[str, str]) -> PSObject:
    types = (f"System.Management.ManagementObject#root\\MSCluster\\{cls}", "System.Management.ManagementObject")
    return PSObject(
        {
            "__CLASS": cls,
            "__SERVER": me.name,
            "__NAMESPACE": "root\\MSCluster",
            "GroupComponent": path(me.name, *whole),
            "PartComponent": path(me.name, *part),
        },
        types,
    )


def quorum_type(cluster: FailoverCluster) -> str | None:
    """MSCluster_Cluster.QuorumType: "Majority" or "No Majority" since 2008; 2003 has no such property."""
    if cluster.os == "2003":
        return None
    return "No Majority" if cluster.model == "disk-only" else "Majority"


def _cluster(cluster: FailoverCluster, me: Node) -> PSObject:
    return _make(
        me,
        "Cluster",
        cluster.name,
        {
            "QuorumType": quorum_type(cluster),
            "QuorumPath": cluster.witness,
            "MaxNumberOfNodes": 16,
            "Status": "OK",
            "DefaultNetworkRole": 3,
        },
    )


def _node(cluster: FailoverCluster, me: Node, node: Node) -> PSObject:
    state = node_state(cluster, me, node)
    return _make(
        me,
        "Node",
        node.name,
        {
            "State": state,
            "Id": str(node.id),
            "Status": "OK" if state in {UP, PAUSED} else "Error",
            "NodeHighestVersion": 400_817,
            "MajorVersion": 5 if cluster.os == "2003" else 6,
            "MinorVersion": {"2003": 2, "2008": 0}.get(cluster.os, 1),
        },
    )


def _network(me: Node, name: str, subnet: str, role: int) -> PSObject:
    where = IPv4Network(subnet)
    return _make(
        me,
        "Network",
        name,
        {
            "Address": str(where.network_address),
            "AddressMask": str(where.netmask),
            "Role": role,
            "State": 3,
            "Status": "OK",
        },
    )


def _group(cluster: FailoverCluster, me: Node, group: Group) -> PSObject:
    return _make(
        me,
        "ResourceGroup",
        group.name,
        {
            "State": GROUP_STATES[state_seen(cluster, me, group)],
            "AutoFailbackType": group.auto_failback,
            "FailbackWindowStart": -1,
            "FailbackWindowEnd": -1,
            "FailoverThreshold": 10,
            "FailoverPeriod": 6,
            "PersistentState": group.wanted,
            "Status": "OK",
        },
    )


def _resource(cluster: FailoverCluster, me: Node, group: Group, resource: Resource) -> PSObject:
    seen = cluster.seen(me, cluster.node(group.owner))
    state = resource_state(group, resource) if seen else "Offline"
    private = {k: v for k, v in resource.properties.items() if not k.startswith("_")}
    return _make(
        me,
        "Resource",
        resource.name,
        {
            "Type": resource.type,
            "State": RESOURCE_STATES[state],
            "CoreResource": group.core,
            "QuorumCapable": bool(resource.properties.get("_quorum")),
            "PersistentState": group.wanted,
            "RestartAction": 2,
            "PendingTimeout": 180_000,
            "Status": "OK",
            "PrivateProperties": PSObject(private, "System.Management.ManagementBaseObject#\\MSCluster_Property"),
        },
    )


def same(a: str, b: str) -> bool:
    """Whether two spellings name one machine."""
    return short(a) == short(b)
