"""Campaigns nobody thought of: scenario files drawn at random, played, and judged by what no campaign may ever do.

`python -m tests.storms [--seed N] [--count N]`, and a part of `make soak`. What a storm ends with is its own affair; that
nothing forbidden happened on the machines, that the record verifies and that the bot said how it ended is not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tomli_w

from tests.crash.killing import not_approved, records, too_many
from tests.storm_files import NEW, Table, storm

ROOT = Path(__file__).parents[1]
SPEED = "600"
LIMIT_S = 900.0  # wall seconds on a busy computer


def forbidden(scenario: Table, truth: list[dict[str, Any]]) -> list[str]:
    """Everything in a truth log that no campaign may ever do."""
    cluster = scenario["clusters"][0]
    found = [*not_approved(truth), *too_many(truth)]
    installs = [line for line in truth if line["did"] == "install_started"]
    found += [f"{line['node']} was patched while it ran {line['holds_cms']}" for line in installs if line["holds_cms"]]
    found += [
        f"{line['node']} was patched while it owned {line['owned_groups']}" for line in installs if line["owned_groups"]
    ]
    return [*found, *_order(scenario, {n["name"] for n in cluster["nodes"]}, truth)]


def _order(scenario: Table, nodes: set[str], truth: list[dict[str, Any]]) -> list[str]:
    """SCR targets first (S16, S17); one node at a time; no mail server handed to a node that is behind."""
    found: list[str] = []
    level = {m["name"]: m["build"] for c in scenario["clusters"] for m in c["nodes"]}
    level |= {m["name"]: m["build"] for m in scenario["machines"]}
    returns = any(
        "return" in act.get("text", "") for act in scenario["play"].get("act", [])
    )  # to an older node, waived
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
        elif line["did"] == "patched_by_hand":
            level[line["node"]] = line["build"]
        elif line["did"] == "restarted":
            busy.discard(line["node"])
        elif line["did"] == "cms_moved" and line["by"] == "cmdlet" and line.get("job") and level[line["to"]] != NEW:
            if returns:
                continue
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
