"""Campaigns nobody thought of: scenario files drawn at random, played, and judged by what no campaign may ever do.

`python -m tests.storms [--seed N] [--count N]`, and a part of `make soak`. What a storm ends with is its own affair; that
nothing forbidden happened on the machines, that the record verifies and that the bot said how it ended is not.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import tomli_w

from tests.crash.killing import not_approved, records

OLD, NEW, AHEAD = "8.3.485.1", "8.3.517.0", "8.3.502.0"
ROOT = Path(__file__).parents[1]
SPEED = "600"
LIMIT_S = 900.0  # wall seconds on a busy computer
Table = dict[str, Any]

# kind -> keys that make sense of it
FAULTS: dict[str, Table] = {
    "exit_code": {"value": (1603.0, 1618.0, 1635.0, 1636.0, 1642.0, 3010.0, 1641.0, 1602.0, 42.0)},
    "services_disabled": {}, "slow": {"value": (3000.0,)}, "silent": {"value": (5400.0,)}, "pending_rename": {},
    "cluster_service_down": {}, "group_stuck": {"group": ("Cluster Group", "Available Storage")},
    "database_dismounted": {}, "move_refused": {}, "snapin_fails": {}, "dies": {"value": (0.0, 400.0, 1500.0)},
    "unreachable": {"value": (90.0, 900.0)}, "partition": {"value": (300.0, 1800.0)}, "witness_down": {},
    "foreign_move": {}, "group_moved": {"group": ("Cluster Group",)}, "backup": {"to": ("active", "passive"), "value": (600.0,)},
    "seeding": {}, "copy_status": {"to": ("Failed", "Suspended", "Initializing")}, "task_fires_again": {},
    "package_swapped": {}, "pause": {}, "resume": {}, "clock_skew": {"value": (100.0, -100.0, 30.0)},
    "service_stopped": {"to": ("MSExchangeRepl", "MSExchangeIS", "MSExchangeSA")},
}  # fmt: skip
MOMENTS = ("start", "at", "install", "after_install", "handoff", "after_handoff", "restarted", "evacuated", "approved")


def storm(seed: int) -> Table:
    """One scenario file as a table."""
    draw = random.Random(seed)
    scc = draw.random() < 0.35
    count = draw.choice((2, 3, 3, 4, 5)) if scc else 2
    active = draw.randint(1, count - 1)
    names = [f"EXN{n}" for n in range(1, count + 1)]
    draw.shuffle(names)
    half = draw.random() < 0.3
    nodes = [{"name": name, "build": NEW if half and draw.random() < 0.4 else OLD} for name in names]
    for node in nodes:
        if draw.random() < 0.05:
            node |= draw.choice(({"paused": True}, {"reboot_pending": True}, {"hidden": True}, {"forefront": True},
                                 {"language": "de"}, {"crl": "unreachable"}, {"custom_actions": "'x'"}))  # fmt: skip
    targets = [f"SCR{n}" for n in range(1, draw.choice((1, 1, 2, 3)))] if draw.random() < 0.7 else []
    cms = []
    for place in range(active):
        groups = []
        for number in range(1, draw.choice((2, 3))):
            group: Table = {"name": f"SG{number}", "databases": [{"name": f"MBX{place}{number}"}]}
            if targets and draw.random() < 0.8:
                group["standby"] = [{"machine": draw.choice(targets)}]
            if draw.random() < 0.05:
                group["quiet"] = True
            groups.append(group)
        cms.append({"name": f"CMS{place + 1}", "owner": names[place], "storage_groups": groups,
                    "names": draw.choice(("short", "fqdn"))})  # fmt: skip
    old_windows = draw.random() < 0.25
    quorum = {(True, True): "disk-2003", (True, False): "node-and-disk", (False, True): "mns-share"}.get(
        (scc, old_windows), "node-and-share"
    )
    groups_there: list[Table] = [{"name": "Cluster Group", "owner": draw.choice(names), "core": True}]
    if not old_windows:
        groups_there.append({"name": "Available Storage", "owner": draw.choice(names), "state": "Offline"})
    if draw.random() < 0.2:
        groups_there.append({"name": "File Share Group 1", "owner": draw.choice(names)})
    machines = [{"name": name, "build": draw.choice((OLD, OLD, OLD, NEW))} for name in targets]
    faults = [_fault(draw, [*names, *targets]) for _ in range(draw.choice((0, 1, 1, 2, 3)))]
    options = draw.choice(("", "", "", " --failback", " --stop-move-start"))
    acts: list[Table] = [
        {
            "when": "closed",
            "outcome": outcome,
            "do": "type",
            "text": "/rollup recheck {campaign}",
            "after_s": 300.0,
            "times": 2,
        }
        for outcome in ("blocked", "asking")
    ]
    if draw.random() < 0.5:
        did = draw.choice(("install_started", "node_paused", "cms_offline", "install_finished", "command_started"))
        acts.append(
            {
                "when": "truth",
                "did": did,
                "nth": draw.choice((1, 2)),
                "after_s": draw.choice((0.0, 60.0)),
                "do": "kill_bot",
            }
        )
    if draw.random() < 0.2:
        word, moment = (
            draw.choice(("pause", "abort", "recheck", "retry")),
            {"when": "gate", "nth": draw.choice((1, 2, 3, 5))},
        )
        acts.append({**moment, "do": "type", "text": f"/rollup {word} {{campaign}} storm"})
        if word == "pause":  # else nothing would ever happen again
            acts.append({**moment, "do": "type", "text": "/rollup resume {campaign}", "after_s": 300.0})
    return {
        "title": f"A storm drawn from {seed}",
        "play": {"command": f"/rollup plan CLUSTER01 KB4011325{options}", "act": acts},
        "packages": [{"kb": "KB4011325", "build": NEW, "reboot": draw.random() < 0.1}],
        "clusters": [{
            "name": "CLUSTER01", "kind": "scc" if scc else "ccr", "os": "2003" if old_windows else "2008",
            "quorum": quorum, "nodes": nodes, "cms": cms, "groups": groups_there,
        }],
        "machines": machines,
        "faults": faults,
        "timing": {"install_s": 300.0, "snapin_s": 5.0},
        "expect": {"outcome": ""},
    }  # fmt: skip


def _fault(draw: random.Random, machines: list[str]) -> Table:
    kind = draw.choice(sorted(FAULTS))
    fault: Table = {"kind": kind, "machine": draw.choice(machines), "when": draw.choice(MOMENTS)}
    if fault["when"] == "at":
        fault["after_s"] = draw.choice((30.0, 300.0, 900.0, 2000.0))
    elif draw.random() < 0.4:
        fault |= {"after_s": draw.choice((5.0, 60.0, 200.0)), "nth": draw.choice((1, 1, 2))}
    if fault["when"] != "start" and draw.random() < 0.5:
        fault["on"] = draw.choice(machines)
    for key, values in FAULTS[kind].items():
        fault[key] = draw.choice(values)
    return fault


def forbidden(scenario: Table, truth: list[dict[str, Any]]) -> list[str]:
    """Everything in a truth log that no campaign may ever do."""
    cluster = scenario["clusters"][0]
    found = not_approved(truth)
    jobs = Counter(line["job"] for line in truth if line["did"] == "command_started" and line.get("job"))
    most = 3 if "--stop-move-start" in scenario["play"]["command"] else 1
    found += [f"{job}: {n} commands" for job, n in jobs.items() if n > most]
    installs = [line for line in truth if line["did"] == "install_started"]
    found += [f"{line['node']} was patched while it ran {line['holds_cms']}" for line in installs if line["holds_cms"]]
    found += [
        f"{line['node']} was patched while it owned {line['owned_groups']}" for line in installs if line["owned_groups"]
    ]
    return [*found, *_order(scenario, {n["name"] for n in cluster["nodes"]}, truth)]


def _order(scenario: Table, nodes: set[str], truth: list[dict[str, Any]]) -> list[str]:
    """SCR targets first (S16, S17); one node at a time; no mail server handed to a node that is behind."""
    found: list[str] = []
    level = {m["name"]: m["build"] for m in (*scenario["clusters"][0]["nodes"], *scenario["machines"])}
    used = {
        s["machine"] for c in scenario["clusters"][0]["cms"] for g in c["storage_groups"] for s in g.get("standby", [])
    }
    busy: set[str] = set()
    for line in truth:
        if line["did"] == "install_started":
            behind = sorted(name for name in used if level[name] != NEW)
            if line["node"] in nodes and behind:
                found.append(f"{line['node']} was patched before {', '.join(behind)}")
            if line["node"] in nodes and busy & nodes:
                found.append(f"{line['node']} was patched while {', '.join(busy & nodes)} was")
            busy.add(line["node"])
        elif line["did"] == "install_finished":
            busy.discard(line["node"])
            level[line["node"]] = line["build"]
        elif line["did"] == "restarted":
            busy.discard(line["node"])
        elif line["did"] == "cms_moved" and line["by"] == "cmdlet" and line.get("job") and level[line["to"]] != NEW:
            found.append(f"{line['cms']} was handed to {line['to']}, which is at {level[line['to']]}")
        elif line["did"] == "cms_moved" and line["by"] == "cluster.exe":
            found.append(f"{line['cms']} was moved by cluster.exe")
    return found


def judged(seed: int, keep: Path | None = None) -> tuple[str, list[str]]:
    """How a storm ended, and what was wrong with it."""
    scenario = storm(seed)
    with tempfile.TemporaryDirectory(prefix="rl-storm-") as name:
        folder = keep or Path(name)
        folder.mkdir(exist_ok=True, parents=True)
        file, truth, transcript = (folder / f"storm-{seed}.{end}" for end in ("toml", "truth", "transcript"))
        file.write_text(tomli_w.dumps(scenario), encoding="utf-8")
        try:
            ran = subprocess.run(
                (sys.executable, "-m", "bot.cli", "lab", "--play", "--scenario", str(file), "--speed", SPEED,
                 "--truth", str(truth), "--transcript", str(transcript)),
                cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return "no end", ["it came to no end"]
        if keep is not None:
            folder.joinpath(f"storm-{seed}.out").write_text(ran.stdout + ran.stderr, encoding="utf-8")
        wrong = [] if ran.returncode in (0, 3) else [f"exit {ran.returncode}: {(ran.stderr or ran.stdout)[-600:]}"]
        happened = records(truth) if truth.exists() else []
        wrong += forbidden(scenario, happened)
        if transcript.exists():
            verified = subprocess.run(
                (sys.executable, "-m", "bot.cli", "verify", str(transcript)), cwd=ROOT, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            wrong += [] if verified.returncode == 0 else [f"verify: {verified.stdout[-300:]}{verified.stderr[-300:]}"]
        closed = [line["metadata"]["event_payload"] for line in happened
                  if line["did"] == "posted" and (line.get("metadata") or {}).get("event_type") == "rollup_closed"]  # fmt: skip
        return (f"{closed[-1].get('outcome')} {closed[-1].get('rule')}" if closed else f"exit {ran.returncode}"), wrong


def main(seed: int, count: int, keep: Path | None = None) -> int:
    """Play storms one after another; how many went wrong."""
    bad = 0
    for number in range(seed, seed + count):
        end, wrong = judged(number, keep)
        bad += bool(wrong)
        print(
            f"{'WRONG' if wrong else 'ok   '} storm {number}: {end}" + "".join(f"\n      {w}" for w in wrong),
            flush=True,
        )
    return bad


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="Play scenario files drawn at random.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="a folder for the files of every storm")
    parser.add_argument("--show", action="store_true", help="print the first file instead of playing")
    given = parser.parse_args()
    if given.show:
        print(json.dumps(storm(given.seed), indent=1))
        sys.exit(0)
    sys.exit(1 if main(given.seed, given.count, given.keep) else 0)
