"""What the page's panel shows of the estate: nodes, groups, levels, copies, mail, as plain JSON (docs/lab.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.lab.cluster import software
from bot.lab.cluster.exchange import Cms
from bot.lab.cluster.model import FailoverCluster, Node
from bot.lab.cluster.wmi import node_state
from bot.lab.cluster.world import short

if TYPE_CHECKING:
    from bot.lab.cluster.estate import Estate
    from bot.lab.windows.machine import Machine

NODE_STATES = ("Up", "Down", "Paused", "Joining")


def state(estate: Estate) -> dict[str, Any]:
    """The estate now."""
    with estate.world.lock:
        return {
            "now": round(estate.world.clock.now(), 1),
            "clusters": [
                _cluster(estate, c, kind.kind)
                for c, kind in zip(estate.clusters, estate.scenario.clusters, strict=True)
            ],
            "machines": [
                {**_machine(estate, a.machine), "roles": list(a.roles), "standby_for": _standby_for(estate, a.machine)}
                for a in estate.stand_alone.values()
            ],
        }


def _cluster(estate: Estate, cluster: FailoverCluster, kind: str) -> dict[str, Any]:
    count = cluster.count()
    return {
        "name": cluster.name,
        "kind": kind,
        "os": cluster.os,
        "quorum": {
            "model": cluster.model,
            "votes": count.votes,
            "needed": count.needed,
            "margin": count.margin,
            "witness": cluster.witness,
            "witness_ok": cluster.witness_ok,
        },
        "nodes": [_node(estate, cluster, n) for n in cluster.nodes],
        "groups": [
            {"name": g.name, "owner": g.owner, "state": g.phase or g.state, "core": g.core, "cms": g.cms}
            for g in cluster.groups
        ],
        "cms": [_cms(estate, c) for c in estate.exchange.cms.values() if c.cluster is cluster],
    }


def _node(estate: Estate, cluster: FailoverCluster, node: Node) -> dict[str, Any]:
    owned = cluster.owned(node)
    status = NODE_STATES[node_state(cluster, node if node.up else _viewer(cluster, node), node)]
    return {
        **_machine(estate, node.machine),
        "state": status,
        "groups": [g.name for g in owned],
        "cms": [g.cms for g in owned if g.cms],
        "standby_for": _standby_for(estate, node.machine),
    }


def _viewer(cluster: FailoverCluster, node: Node) -> Node:
    return next((n for n in cluster.nodes if n.up), node)


def _machine(estate: Estate, machine: Machine) -> dict[str, Any]:
    doing = estate.world.doing.get(short(machine.name), "")
    return {
        "name": machine.name,
        "level": software.level(machine),
        "online": machine.online,
        "reachable": machine.reachable,
        "doing": doing if machine.online else doing or "down",
    }


def _cms(estate: Estate, cms: Cms) -> dict[str, Any]:
    now = estate.world.clock.now()
    copies = []
    for group in cms.storage_groups:
        for copy in ([group.copy] if group.copy else []) + group.standbys:
            place = copy.machine or getattr(cms.passive(), "name", "")
            copies.append(
                {
                    "storage_group": group.name,
                    "kind": "scr" if copy.machine else "ccr",
                    "machine": place,
                    "state": estate.exchange.status(cms, group, copy),
                    "copy_queue": copy.copy_queue,
                    "replay_queue": copy.replay_queue,
                }
            )
    return {
        "name": cms.name,
        "node": cms.group.owner,
        "state": cms.state,
        "mail": "up" if cms.mail_up else "down",
        "since": round(cms.since, 1),
        "down_s": round(now - cms.down_since, 1) if cms.down_since is not None else 0.0,
        "databases": [
            {"name": d.name, "storage_group": g.name, "mounted": d.mounted}
            for g in cms.storage_groups
            for d in g.databases
        ],
        "copies": copies,
    }


def _standby_for(estate: Estate, machine: Machine) -> list[str]:
    return [
        f"{c.name}\\{g.name}"
        for c in estate.exchange.cms.values()
        for g in c.storage_groups
        for s in g.standbys
        if short(s.machine) == short(machine.name)
    ]
