"""Reads the cluster's rows: WMI numbers and object paths, with cluster.exe as the second source for owners."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable

from bot.estate.reply import Malformed, Reply, expect, flag, number
from bot.procedure.facts import ClusterView, GroupFacts, GroupStatus, NodeStatus, QuorumModel, Unknown

_PATH = re.compile(r'MSCluster_(\w+)\.Name="(.*)"$')
_ONLINE = 2  # MSCluster_Resource.State
_MINUS_ONE = 4_294_967_295  # -1 in an unsigned property

Resource = tuple[str, str, int, bool, str, str]  # name, type, state, core, share path, MNS file share


def view(machine: str) -> Callable[[Reply], ClusterView | None]:
    """A reader of the cluster as that machine sees it; None when it belongs to no cluster."""

    def read(reply: Reply) -> ClusterView | None:
        if reply.first("cluster.none") is not None:
            return None
        found = reply.first("cluster")
        if found is None:
            raise Malformed("the cluster has no name")
        name, quorum_type = expect(found, 2)
        links = _links(reply)
        resources = {row[0]: row for row in (_resource(fields) for fields in reply.all("cluster.resource"))}
        nodes = tuple((node, _node(state)) for node, state in (expect(f, 2) for f in reply.all("cluster.node")))
        names = tuple(node for node, _ in nodes)
        if not nodes:
            raise Malformed("the cluster lists no node")
        owners = {group: node for node, group in links["NodeToActiveGroup"]}
        groups = tuple(_group(fields, owners, links, resources, names) for fields in reply.all("cluster.group"))
        _agree(groups, names, [expect(f, 1)[0] for f in reply.all("cluster.exe")])
        quorum, witness, witness_ok = _quorum(quorum_type, links, resources)
        return ClusterView(
            name=name, seen_from=machine, nodes=nodes, groups=groups, quorum=quorum, witness=witness,
            witness_ok=witness_ok,
        )  # fmt: skip

    return read


def _node(text: str) -> NodeStatus:
    state = number(text)
    return NodeStatus(state) if state in list(NodeStatus) else NodeStatus.UNKNOWN


def _group_state(text: str) -> GroupStatus:
    state = number(text)
    if state == _MINUS_ONE:
        return GroupStatus.UNKNOWN
    return GroupStatus(state) if state in list(GroupStatus) else GroupStatus.UNKNOWN


def _resource(fields: tuple[str, ...]) -> Resource:
    name, kind, state, core, share, mns = expect(fields, 6)
    return name, kind, number(state), flag(core), share, mns


def _links(reply: Reply) -> dict[str, list[tuple[str, str]]]:
    """(left name, right name) by association class, without its MSCluster_."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for kind, *paths in reply.all("cluster.links"):
        if len(paths) % 2:
            raise Malformed(f"{kind} has {len(paths)} paths, which are no pairs")
        names = [_name_in(path) for path in paths]
        found[kind.removeprefix("MSCluster_")] += zip(names[::2], names[1::2], strict=True)
    return found


def _name_in(path: str) -> str:
    match = _PATH.search(path)
    if match is None:
        raise Malformed(f"{path[:80]!r} is no path of a cluster object")
    return re.sub(r"\\(.)", r"\1", match[2])


def _group(
    fields: tuple[str, ...],
    owners: dict[str, str],
    links: dict[str, list[tuple[str, str]]],
    resources: dict[str, Resource],
    nodes: tuple[str, ...],
) -> GroupFacts:
    name, state, failback = expect(fields, 3)
    if name not in owners:
        raise Malformed(f"no node is named as the owner of group {name}")
    inside = [part for group, part in links["ResourceGroupToResource"] if group == name]
    lost = [part for part in inside if part not in resources]
    if lost:
        raise Malformed(f"group {name} holds {lost[0]}, which is not among the resources")
    return GroupFacts(
        name=name,
        owner=owners[name],
        state=_group_state(state),
        resource_types=tuple(resources[part][1] for part in inside),
        auto_failback=number(failback) if failback else Unknown("AutoFailbackType was not given"),
        preferred=tuple(node for group, node in links["ResourceGroupToPreferredNode"] if group == name),
        possible_owners=_possible(inside, links["ResourceToPossibleOwner"], nodes),
        core=any(resources[part][3] for part in inside),
    )


def _possible(inside: list[str], pairs: list[tuple[str, str]], nodes: tuple[str, ...]) -> tuple[str, ...]:
    """The nodes every resource of a group may run on; () when that is all of them."""
    able = list(nodes)
    for part in inside:
        able = [node for node in able if (part, node) in pairs]
    if len(able) == len(nodes):
        return ()
    return tuple(able) or ("(none)",)


def _agree(groups: tuple[GroupFacts, ...], nodes: tuple[str, ...], lines: list[str]) -> None:
    """Raises Malformed if cluster.exe names another owner than the provider.

    Its columns move with long names and its words with the language (facts/exchange.md §1.6), so only what
    is known beforehand is looked for: a group's name, longest first, and behind it a node's name.
    """
    by_length = sorted(groups, key=lambda g: -len(g.name))
    spelled = {node.casefold(): node for node in nodes}
    for line in lines:
        group = next((g for g in by_length if line.startswith(g.name + " ")), None)
        if group is None:
            continue
        behind = line[len(group.name) :].split()
        owner = spelled.get(behind[0].casefold()) if behind else None
        if owner is not None and owner.casefold() != group.owner.casefold():
            raise Malformed(f"cluster.exe says {group.name} is on {owner}, the cluster's provider says {group.owner}")


def _quorum(
    quorum_type: str, links: dict[str, list[tuple[str, str]]], resources: dict[str, Resource]
) -> tuple[QuorumModel | Unknown, str, bool | Unknown]:
    """Model, witness, and whether the cluster itself says the witness is well.

    QuorumType is "Majority" or "No Majority" (Microsoft's MSCluster_Cluster page); the rest follows from the
    type of the quorum resource.
    """
    part = next((right for _, right in links["ClusterToQuorumResource"]), "")
    if not part:
        return QuorumModel.NODE, "", True
    if part not in resources:
        return Unknown(f"the quorum resource {part} is not among the resources"), "", Unknown("not among the resources")
    name, kind, state, _, share, mns = resources[part]
    well = state == _ONLINE
    match kind:
        case "File Share Witness":
            return QuorumModel.NODE_SHARE, share or name, well
        case "Majority Node Set":
            return (QuorumModel.MNS_SHARE, mns, well) if mns else (QuorumModel.MNS, "", True)
        case "Local Quorum":
            return QuorumModel.LOCAL, "", True
        case "Physical Disk":
            if not quorum_type:
                return QuorumModel.DISK_2003, name, well
            disk_only = quorum_type.casefold().startswith("no majority")
            return (QuorumModel.DISK_ONLY if disk_only else QuorumModel.NODE_DISK), name, well
        case _:
            return Unknown(f"a quorum resource of type {kind!r}"), name, well
