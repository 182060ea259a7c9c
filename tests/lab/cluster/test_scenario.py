"""Reading scenarios: what is wrong is named, and the docs list every key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from bot.lab import scenario_words
from bot.lab.moments import Ending
from bot.lab.play import compare
from bot.lab.scenario import ScenarioError, load, names, parse

DOCS = Path(__file__).parents[3] / "docs" / "scenarios.md"


@pytest.mark.parametrize("name", names())
def test_every_scenario_that_comes_with_the_bot_can_be_read(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    assert scenario.title
    assert scenario.clusters


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "title"),
        ("title = 1", "str"),
        ('title = "x"\nfoo = 1', "'foo'"),
        ('title = "x"\n[[clusters]]\nname = "C"\nkindd = "ccr"', "'kindd' (at clusters[0])"),
        ('title = "x"\n[[clusters]]\nname = "C"\nkind = "dag"', "clusters[0].kind"),
        ('title = "x"\n[[clusters]]\nname = "C"', "no nodes"),
        (
            'title = "x"\n[[clusters]]\nname = "C"\nkind = "ccr"\nnodes = [{ name = "A", build = "8.3.83.6" }]',
            "two nodes",
        ),
        ('title = "x"\n[play]\nby = "Zoe"', "'Zoe'"),
        ('title = "x"\n[[machines]]\nname = "SÜD1"\nbuild = "8.3.83.6"', "machine 'SÜD1': a name is letters A to Z"),
        (
            (
                'title = "x"\n[[clusters]]\nname = "C"\nkind = "scc"\nnodes = [{ name = "A", build = "8.3.83.6" }]'
                '\ngroups = [{ name = "G", owner = "A", possible = ["A"] }]'
            ),
            "group 'G': possible owners are its resources'",
        ),
        ('title = "x"\n[[faults]]\nkind = "dies"\nmachine = "A"', "'A'"),
        ('title = "x"\n[[faults]]\nkind = "explodes"', "faults[0].kind"),
        (
            'title = "x"\n[[clusters]]\nname = "C"\nkind = "scc"\nnodes = ['
            + ", ".join(f'{{ name = "N{n}", build = "8.3.83.6" }}' for n in range(9))
            + "]",
            "cluster 'C' has 9 nodes; a failover cluster has at most 8",
        ),
        ('title = "x"\n[[machines]]\nname = "A"\nbuild = "newest"', "machine 'A': build 'newest' is not four numbers"),
        ('title = "x"\n[[machines]]\nname = "A"\nbuild = ""', "machine 'A': build '' is not four numbers"),
        ('title = "x"\n[[machines]]\nname = "A"\nbuild = "15.0.516.32"', "which begin 8.0, 8.1, 8.2, 8.3"),
        ('title = "x"\n[[packages]]\nkb = "KB1"\nbuild = "8.3.517"', "package 'KB1': build '8.3.517' is not four"),
        ('title = "x"\n[timing]\ninstall_s = -5', "(at timing.install_s)"),
        ('title = "x"\n[[faults]]\nkind = "slow"\nnth = 0\nvalue = 9', "(at faults[0].nth)"),
        ('title = "x"\n[[faults]]\nkind = "dies"\nvalue = -1', "faults.value: -1 is below zero"),
        ('title = "x"\nname = "y"', "'name'"),
        ("title = ", "TOML"),
    ],
)
def test_a_wrong_scenario_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text, "mine")
    assert said in caught.value.why


def test_an_owner_that_is_no_node_is_refused() -> None:
    text = """title = "x"
[[clusters]]
name = "C"
nodes = [{ name = "A", build = "8.3.83.6" }, { name = "B", build = "8.3.83.6" }]
cms = [{ name = "M", owner = "Z" }]
"""
    with pytest.raises(ScenarioError) as caught:
        parse(text, "mine")
    assert "owner 'Z' is not one of its nodes" in caught.value.why


TWO = """
title = "x"
[[clusters]]
name = "C"
nodes = [{ name = "A", build = "8.3.83.6" }, { name = "B", build = "8.3.83.6" }]
cms = [{ name = "M", owner = "A", storage_groups = [{ name = "SG1" }] }]
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[faults]]\nkind = "group_stuck"\ngroup = "Clster Group"', "faults.group: there is no cluster group"),
        ('[[faults]]\nkind = "group_moved"\ngroup = "Cluster Group"\nto = "Z"', "faults.to: there is no node 'Z'"),
        ('[[faults]]\nkind = "seeding"\nstorage_group = "SG9"', "faults.storage_group: there is no storage group"),
        ('[[faults]]\nkind = "copy_status"\nto = "Helthy"', "there is no copy status 'Helthy'"),
        ('[[faults]]\nkind = "copy_status"', "copy_status needs 'to'"),
        ('[[faults]]\nkind = "exit_code"\nwhen = "install"', "exit_code needs a value"),
        ('[[faults]]\nkind = "backup"\nto = "passiv"', "not on 'passiv'"),
        ('[[play.act]]\nwhen = "closed"\ndo = "estate"', "needs a kind"),
        ('[[play.act]]\nwhen = "closed"\ndo = "estate"\nkind = "slow"\nvalue = 3.0', "a kind that happens by itself"),
        ('[[play.act]]\nwhen = "closed"\ndo = "estate"\nkind = "resume"\non = "Z"', "play.act.on: there is no machine"),
        ('[[play.act]]\nwhen = "closed"\ndo = "type"', "needs a text"),
        ('[[play.act]]\nwhen = "closed"\ndo = "kill_bot"\noutcome = "stopped"', "'stopped' is none of done"),
        ('[[play.act]]\nwhen = "truth"\ndo = "kill_bot"\ndid = "install"', "no line of the truth log"),
        ('[[play.act]]\nwhen = "gate"\ndo = "kill_bot"\nstep = "3"', "no step's id, such as s03"),
        ('[expect]\noutcome = "finished"', "expect.outcome: 'finished' is none of"),
        ('[expect]\nexit = 0\noutcome = "refused"', "refused leaves exit code 3, not 0"),
        ('[[machines]]\nname = "S"\nbuild = "8.3.83.6"\nstandby_of = ["Z"]', "standby_of 'Z'"),
        ('[[machines]]\nname = "S"\nbuild = "8.3.83.6"\nroles = ["Hub"]', "no role 'Hub'"),
        ('[[people]]\nname = "P"\nsame_person_as = "Q"', "there is no person 'Q'"),
        ('[[packages]]\nkb = "KB4011325"\nbuild = "8.3.517.0"\npath = "D:\\\\a.msp"', "is not on C:"),
        ('[[clusters.groups]]\nname = "Cluster Group"\nowner = "B"', "two groups are called 'cluster group'"),
    ],
)
def test_a_name_that_points_nowhere_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(TWO + text, "wrong")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            '[[clusters]]\nname = "c"\nkind = "scc"\nnodes = [{ name = "Z", build = "8.3.83.6" }]',
            "clusters: two are called 'c'",
        ),
        (
            '[[packages]]\nkb = "KB1"\nbuild = "8.3.517.0"\n[[packages]]\nkb = "kb1"\nbuild = "8.3.517.0"',
            "two are called 'kb1'",
        ),
        (
            '[[clusters]]\nname = "D"\nkind = "scc"\nnodes = [{ name = "Z", build = "8.3.83.6" }]\ncms = [{ name = "m", owner = "Z" }]',
            "clusters.cms: two are called 'm'",
        ),
        (
            '[[clusters]]\nname = "D"\nkind = "scc"\nnodes = [{ name = "Z", build = "8.3.83.6", subnet = "nope" }]',
            "'nope' is no IPv4 subnet",
        ),
        ('[[people]]\nname = "Bob"\nroles = ["approver"]', "nobody is a requester"),
    ],
)
def test_two_of_one_name_and_nobody_to_begin_are_refused(more: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(TWO + more, "mine")
    assert said in caught.value.why


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ('{ name = "SG1" }, { name = "sg1" }', "cms 'M', storage_groups: two are called 'sg1'"),
        ('{ name = "SG1", databases = [{ name = "D" }, { name = "d" }] }', "databases: two are called 'd'"),
        ('{ name = "S*G" }', "'S*G' cannot be a name"),
        ('{ name = "" }', "'' cannot be a name"),
    ],
)
def test_storage_has_names_that_a_machine_can_keep_apart(storage: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(TWO.replace('{ name = "SG1" }', storage), "mine")
    assert said in caught.value.why


def test_a_scenario_needs_a_cluster() -> None:
    with pytest.raises(ScenarioError, match="clusters: there is none"):
        parse('title = "x"', "mine")


@pytest.mark.parametrize(
    ("expect", "ended", "wrong"),
    [
        ("", "done", ()),
        ('outcome = "blocked"', "blocked", ()),
        ('outcome = "blocked"', "done", ("outcome is done, expected blocked",)),
        ('outcome = ""', "blocked", ()),
        ('outcome = ""\nexit = 3', "asking", ()),
        ('outcome = ""\nexit = 3', "done", ("exit is 0, expected 3",)),
        ('outcome = ""\nexit = 0', "refused", ("exit is 3, expected 0",)),
        ('outcome = ""\nstep = "s02"', "blocked", ("step is nothing, expected s02",)),
    ],
)
def test_an_ending_is_compared_with_all_that_the_file_says(expect: str, ended: str, wrong: tuple[str, ...]) -> None:
    scenario = parse(f"{TWO}\n[expect]\n{expect}", "mine")
    assert compare(scenario.expect, Ending("C-1", ended, "", "")) == wrong


def test_a_misspelled_scenario_gets_the_nearest_name() -> None:
    with pytest.raises(ScenarioError) as caught:
        load("cccr")
    assert "did you mean" in caught.value.why


def test_the_docs_list_every_key_of_every_table() -> None:
    text = DOCS.read_text(encoding="utf-8")
    described = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        described[section.splitlines()[0].strip()] = set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))
    tables = {
        "Lab": "[lab]",
        "Person": "[[people]]",
        "Play": "[play]",
        "Act": "[[play.act]]",
        "Package": "[[packages]]",
        "Cluster": "[[clusters]]",
        "Witness": "witness",
        "Node": "[[clusters.nodes]]",
        "Cms": "[[clusters.cms]]",
        "StorageGroup": "[[clusters.cms.storage_groups]]",
        "Database": "databases",
        "Copy": "copy",
        "Standby": "standby",
        "Group": "[[clusters.groups]]",
        "Resource": "resources",
        "StandAlone": "[[machines]]",
        "Fault": "[[faults]]",
        "Timing": "[timing]",
        "Expect": "[expect]",
    }
    for struct, title in tables.items():
        keys = {f.name for f in msgspec.structs.fields(getattr(scenario_words, struct))}
        assert described.get(title) == keys, f"docs/scenarios.md, section {title}"
    top = {f.name for f in msgspec.structs.fields(scenario_words.Scenario)} - {"name"}
    assert described["The file"] == top


def test_the_docs_explain_every_fault_kind_and_moment() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for word in (*get_args(scenario_words.FaultKind), *get_args(scenario_words.Moment)):
        assert f"`{word}`" in text, word


def test_the_runner_on_the_lab_machines_is_the_one_the_admin_is_given() -> None:
    root = Path(__file__).parents[3]
    ours = (root / "bot" / "lab" / "scenarios" / "runner.cmd").read_bytes()
    assert ours == (root / "bot" / "estate" / "scripts" / "runner.cmd").read_bytes()
