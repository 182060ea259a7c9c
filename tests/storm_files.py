"""Scenario files drawn at random, of everything docs/scenarios.md has a key for; tests/storms.py plays and judges them."""

from __future__ import annotations

import random
from typing import Any

OLD, NEW, AHEAD = "8.3.485.1", "8.3.517.0", "8.3.502.0"
Table = dict[str, Any]

# kind -> keys that make sense of it; group, cms and the nodes a thing goes to are drawn from what is there
FAULTS: dict[str, Table] = {
    "exit_code": {"value": (1601.0, 1602.0, 1603.0, 1612.0, 1618.0, 1635.0, 1636.0, 1642.0, 1722.0, 3010.0, 1641.0, 42.0,
                            3221225477.0)},
    "services_disabled": {}, "slow": {"value": (3000.0,)}, "silent": {"value": (5400.0,)}, "pending_rename": {},
    "cluster_service_down": {}, "group_stuck": {}, "database_dismounted": {}, "move_refused": {}, "snapin_fails": {},
    "dies": {"value": (0.0, 400.0, 1500.0)}, "unreachable": {"value": (90.0, 900.0)},
    "partition": {"value": (300.0, 1800.0)}, "witness_down": {}, "foreign_move": {}, "group_moved": {},
    "backup": {"to": ("active", "passive"), "value": (600.0,)}, "seeding": {},
    "copy_status": {"to": ("Failed", "Suspended", "Initializing")}, "task_fires_again": {}, "package_swapped": {},
    "pause": {}, "resume": {}, "clock_skew": {"value": (100.0, -100.0, 30.0)},
    "service_stopped": {"to": ("MSExchangeRepl", "MSExchangeIS", "MSExchangeSA")}, "mount": {}, "start_cms": {}, "mail": {},
    "patched": {}, "restart": {}, "dismount": {},
}  # fmt: skip
MENDS: tuple[Table, ...] = (
    {"kind": "resume"}, {"kind": "witness_up"}, {"kind": "copy_status", "to": "Healthy"}, {"kind": "mail"},
    {"kind": "mount"}, {"kind": "start_cms"}, {"kind": "service_started", "to": "MSExchangeRepl"},
    {"kind": "clock_skew", "value": 0.0},
)  # fmt: skip
MOMENTS = ("start", "at", "install", "after_install", "handoff", "after_handoff", "restarted", "evacuated", "approved")
ODD: tuple[Table, ...] = (
    {"paused": True}, {"reboot_pending": True}, {"hidden": True}, {"forefront": True}, {"language": "de"},
    {"crl": "unreachable"}, {"crl": "off"}, {"custom_actions": "'x'"}, {"agents": ["HealthService"]}, {"runner": False},
    {"free_mb": 900}, {"skew_s": 45.0}, {"execution_policy": "AllSigned"}, {"interim_update": "KB999001"}, {"down": True},
)  # fmt: skip
# Rules whose waiver changes nothing of what the judge looks for.
WAIVED = (
    "BACKUP-RUNNING",
    "SEEDING-NONE",
    "REBOOT-PENDING",
    "AV",
    "SPARE-UP",
    "GROUPS-SNAPSHOT",
    "BACKUP-RECENT",
    "FAILBACK-OFF",
)


def storm(seed: int) -> Table:
    """One scenario file as a table."""
    draw = random.Random(seed)
    cluster, targets = _cluster(draw)
    clusters = [cluster]
    if targets and draw.random() < 0.15:
        clusters.append(_standby_cluster(draw, cluster["os"]))
        copied = draw.choice(cluster["cms"])["storage_groups"][0]
        copied["standby"] = [*copied.get("standby", []), {"machine": "STB1"}]
    machines: list[Table] = [
        {"name": name, "build": draw.choice((OLD, OLD, AHEAD, NEW)), "os": cluster["os"]} for name in targets
    ]
    for machine in machines:
        odd = draw.choice(ODD)
        if draw.random() < 0.05 and not {"paused", "hidden"} & set(odd):
            machine |= odd
    package: Table = {"kb": "KB4011325", "build": NEW, "reboot": draw.random() < 0.1}
    everybody = [n["name"] for c in clusters for n in c["nodes"]] + targets
    if draw.random() < 0.04:
        package |= draw.choice(
            ({"damaged": True}, {"absent_on": [draw.choice(everybody)]}, {"swapped_on": [draw.choice(everybody)]})
        )
    options = draw.choice(("", "", "", " --failback", " --stop-move-start", " --stop-move-start --failback"))
    lab = {"second_hop": "delegated"} if draw.random() < 0.03 else {}
    return {
        "title": f"A storm drawn from {seed}",
        "lab": lab,
        "play": {"command": f"/rollup plan CLUSTER01 KB4011325{options}", "act": _acts(draw, clusters)},
        "packages": [package],
        "clusters": clusters,
        "machines": machines,
        "faults": [_fault(draw, clusters, everybody) for _ in range(draw.choice((0, 1, 1, 2, 3)))],
        "timing": {"install_s": 300.0, "snapin_s": 5.0},
        "expect": {"outcome": ""},
    }  # fmt: skip


def _cluster(draw: random.Random) -> tuple[Table, list[str]]:
    scc = draw.random() < 0.35
    count = draw.choice((2, 3, 3, 4, 5, 6)) if scc else 2
    active = draw.randint(1, count - 1)
    names = [f"EXN{n}" for n in range(1, count + 1)]
    draw.shuffle(names)
    half = draw.random() < 0.3
    nodes: list[Table] = [{"name": name, "build": draw.choice((NEW, OLD, OLD)) if half else OLD} for name in names]
    for node in nodes:
        if draw.random() < 0.06:
            node |= draw.choice(ODD)
    targets = [f"SCR{n}" for n in range(1, draw.choice((2, 2, 3, 4)))] if draw.random() < 0.7 else []
    cms = []
    for place in range(active):
        groups = []
        for number in range(1, draw.choice((2, 3))):
            group: Table = {"name": f"SG{number}", "databases": [{"name": f"MBX{place}{number}"}]}
            if targets and draw.random() < 0.8:
                group["standby"] = [
                    {"machine": name, "typed": draw.choice((name, f"{name.lower()}.lab.example"))}
                    for name in draw.sample(targets, draw.choice((1, 1, min(2, len(targets)))))
                ]
            if draw.random() < 0.05:
                group |= draw.choice(({"quiet": True}, {"copy": {"status": "Suspended"}}, {"copy": {"copy_queue": 40}}))
            groups.append(group)
        cms.append({"name": f"CMS{place + 1}", "owner": names[place], "storage_groups": groups,
                    "names": draw.choice(("short", "fqdn"))})  # fmt: skip
    old_windows = draw.random() < 0.25
    models = {
        (True, True): ("disk-2003",), (False, True): ("mns-share", "mns-share", "mns"),
        (True, False): ("node-and-disk", "node-and-disk", "disk-only", "node-majority"),
    }  # fmt: skip
    core = draw.choice(("Cluster Group", "Cluster Group", "Clustergruppe"))
    there: list[Table] = [{"name": core, "owner": draw.choice(names), "core": True}]
    if not old_windows:
        there.append({"name": "Available Storage", "owner": draw.choice(names), "state": "Offline"})
    if draw.random() < 0.2:
        there.append({"name": "File Share Group 1", "owner": draw.choice(names)})
    return {
        "name": "CLUSTER01", "kind": "scc" if scc else "ccr",
        "os": "2003" if old_windows else draw.choice(("2008", "2008", "2008r2")),
        "quorum": draw.choice(models.get((scc, old_windows), ("node-and-share",))),
        "nodes": nodes, "cms": cms, "groups": there,
    }, targets  # fmt: skip


def _standby_cluster(draw: random.Random, os: str) -> Table:
    nodes = [{"name": f"STB{n}", "build": draw.choice((OLD, OLD, NEW))} for n in range(1, draw.choice((2, 3)))]
    quorum = "mns-share" if os == "2003" else "node-and-share"
    return {"name": "STANDBY", "kind": "standby", "os": os, "quorum": quorum, "nodes": nodes}


def _acts(draw: random.Random, clusters: list[Table]) -> list[Table]:
    acts: list[Table] = []
    mend = dict(draw.choice(MENDS)) if draw.random() < 0.4 else None
    if mend and mend["kind"] in {"resume", "service_started", "clock_skew"}:
        mend["on"] = draw.choice(clusters[0]["nodes"])["name"]
    for outcome in ("blocked", "asking"):
        if mend:
            acts.append({"when": "closed", "outcome": outcome, "do": "estate", "after_s": 120.0, "times": 2, **mend})
        word = draw.choice(("recheck", "recheck", "retry", f"waive {{campaign}} {draw.choice(WAIVED)}", "return"))
        typed = f"/rollup {word} {{campaign}}" if "waive" not in word else f"/rollup {word} a storm"
        acts.append({"when": "closed", "outcome": outcome, "do": "type", "text": typed, "after_s": 600.0, "times": 2})
    if draw.random() < 0.5:
        did = draw.choice(("install_started", "node_paused", "cms_offline", "install_finished", "command_started"))
        acts.append({"when": "truth", "did": did, "nth": draw.choice((1, 2)), "after_s": draw.choice((0.0, 60.0)),
                     "do": "kill_bot"})  # fmt: skip
    moment = {"when": "gate", "nth": draw.choice((1, 2, 3, 5))}
    if draw.random() < 0.2:
        word = draw.choice(("pause", "abort", "recheck", "retry"))
        acts.append({**moment, "do": "type", "text": f"/rollup {word} {{campaign}} storm"})
        if word == "pause":  # else nothing would ever happen again
            acts.append({**moment, "do": "type", "text": "/rollup resume {campaign}", "after_s": 300.0})
    if draw.random() < 0.2:  # somebody who may not, or the requester for herself
        acts.append({**moment, "do": "react", "who": draw.choice(("Alice", "Dave")), "times": 0, "after_s": 5.0})
    if draw.random() < 0.1:
        acts.append({**moment, "do": "type", "who": "Dave", "text": "/rollup abort {campaign} not mine to say"})
    if draw.random() < 0.1:
        acts.append({**moment, "do": "react", "who": "Carol", "emoji": "no_entry", "instead": True})
        acts.append(
            {
                "when": "closed",
                "outcome": "rejected",
                "do": "type",
                "text": "/rollup resume {campaign}",
                "after_s": 300.0,
            }
        )
    return acts


def _fault(draw: random.Random, clusters: list[Table], machines: list[str]) -> Table:
    kind = draw.choice(sorted(FAULTS))
    nodes = [n["name"] for n in clusters[0]["nodes"]]
    fault: Table = {"kind": kind, "machine": draw.choice(machines), "when": draw.choice(MOMENTS)}
    if fault["when"] == "at":
        fault["after_s"] = draw.choice((30.0, 300.0, 900.0, 2000.0))
    elif draw.random() < 0.4:
        fault |= {"after_s": draw.choice((5.0, 60.0, 200.0)), "nth": draw.choice((1, 1, 2))}
    if fault["when"] != "start" and draw.random() < 0.5:
        fault["on"] = draw.choice(machines)
    for key, values in FAULTS[kind].items():
        fault[key] = draw.choice(values)
    if kind in {"group_moved", "group_stuck"}:
        fault["group"] = draw.choice(clusters[0]["groups"])["name"]
        fault["machine"] = draw.choice(nodes)
    if kind == "group_moved" or (kind == "foreign_move" and draw.random() < 0.5):
        fault["to"] = draw.choice(nodes)
    if kind in {"foreign_move", "backup", "copy_status", "seeding", "move_refused", "database_dismounted"}:
        fault["cms"] = draw.choice(clusters[0]["cms"])["name"]
    return fault
