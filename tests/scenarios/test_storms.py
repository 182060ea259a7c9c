"""The judge of the storms sees each thing no campaign may do; and every storm drawn is a scenario the range understands."""

from __future__ import annotations

from typing import Any

import pytest
import tomli_w

from bot.lab.scenario import parse
from tests.storm_files import NEW, OLD, storm
from tests.storms import forbidden

SCENARIO: dict[str, Any] = {
    "play": {"command": "/rollup plan CLUSTER01"},
    "clusters": [{
        "nodes": [{"name": "EXN1", "build": OLD}, {"name": "EXN2", "build": OLD}],
        "cms": [{"name": "CMS1", "storage_groups": [{"name": "SG1", "standby": [{"machine": "SCR1"}]}]}],
    }],
    "machines": [{"name": "SCR1", "build": OLD}],
}  # fmt: skip


def start(node: str, **more: Any) -> dict[str, Any]:
    return {"did": "install_started", "node": node, "owned_groups": [], "holds_cms": []} | more


def end(node: str, build: str = NEW) -> dict[str, Any]:
    return {"did": "install_finished", "node": node, "build": build, "rc": 0}


def moved(to: str, by: str = "cmdlet") -> dict[str, Any]:
    return {"did": "cms_moved", "cms": "CMS1", "from": "EXN1", "to": to, "by": by, "job": "CLUSTER01-1-n-s03-1-1"}


RIGHT = [start("SCR1"), end("SCR1"), start("EXN2"), end("EXN2"), moved("EXN2"), start("EXN1"), end("EXN1")]


@pytest.mark.parametrize(
    ("truth", "word"),
    [
        ([start("EXN2"), end("EXN2")], "before SCR1"),
        ([start("SCR1"), end("SCR1", OLD), start("EXN2")], "before SCR1"),
        ([*RIGHT[:3], start("EXN1")], "while EXN2 was"),
        ([*RIGHT[:2], start("EXN2", owned_groups=["Cluster Group"])], "owned"),
        ([*RIGHT[:2], start("EXN2", holds_cms=["CMS1"])], "ran"),
        ([*RIGHT[:2], moved("EXN2")], "handed to EXN2"),
        ([*RIGHT[:4], moved("EXN2", "cluster.exe")], "by cluster.exe"),
        ([{"did": "command_started", "node": "EXN2", "line": "hostname", "job": "CLUSTER01-1-n-s01-1-1"}], "hostname"),
    ],
)
def test_the_judge_sees_what_no_campaign_may_do(truth: list[dict[str, Any]], word: str) -> None:
    assert any(word in found for found in forbidden(SCENARIO, truth))


def test_the_judge_has_nothing_against_a_good_campaign() -> None:
    assert forbidden(SCENARIO, RIGHT) == []


def test_every_storm_is_a_scenario_of_its_own() -> None:
    drawn = [tomli_w.dumps(storm(seed)) for seed in range(60)]
    assert len(set(drawn)) == 60
    for text in drawn:
        parse(text, "storm")  # raises for a key, a kind or a name the range does not know
