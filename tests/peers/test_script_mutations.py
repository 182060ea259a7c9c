"""A script that asks a wrong property, or uses what PowerShell 2.0 has not, makes tests fail: each here in a copy.

The range runs what it is sent, so a wrong word is an empty answer there as on a node. These are a few of them; `make soak
PART=scripts` spoils every property, method and class of every script.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.mutants import HARMLESS, ROOT, SCRIPTS, Tree, every_word, spelled

FACTS, LINT = "tests/estate/test_ccr.py", "tests/powershell/test_scripts.py"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    return Tree(tmp_path_factory.mktemp("mutants") / "tree")


def test_the_copy_as_it_is_passes(tree: Tree) -> None:
    done = tree.run(FACTS, LINT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("script", "expression", "after"),
    [
        ("exchange", "$status.OperationalMachines", "OperationalMachine"),
        ("exchange", "$database.Mounted", "Mount"),
        ("exchange", "$copy.SummaryCopyStatus", "CopyStatus"),
        ("probe", "$group.AutoFailbackType", "FailbackType"),
        ("probe", "$service.StartMode", "StartType"),
    ],
)
def test_a_wrong_property_makes_a_test_fail(tree: Tree, script: str, expression: str, after: str) -> None:
    failed = tree.noticed(spelled(script, expression, after), FACTS)
    assert failed.startswith("FAILED tests/estate/test_ccr.py::test_every_fact_is_what_the_machine_says")


def test_a_cmdlet_newer_than_powershell_2_makes_a_test_fail(tree: Tree) -> None:
    path = tree.folder / SCRIPTS / "probe.ps1"
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(text.replace("Get-WmiObject -Class", "Get-CimInstance -ClassName"), encoding="utf-8")
        lint, facts = tree.run(LINT), tree.run(FACTS)
    finally:
        path.write_text(text, encoding="utf-8")
    assert lint.returncode == facts.returncode == 1
    assert "test_a_script_is_powershell_2[probe.ps1]" in lint.stdout
    assert "test_every_fact_is_what_the_machine_says" in facts.stdout


def test_the_list_of_words_is_read_from_the_scripts_themselves() -> None:
    names = sorted(p.stem for p in (ROOT / SCRIPTS).glob("*.ps1"))
    words = [mutant for name in names for mutant in every_word(name)]
    assert len(words) > 200
    assert {m.before for m in words} >= {
        "OperationalMachines",
        "StartMode",
        "FileVersion",
        "Win32_Service",
        "ReadAllText",
    }
    assert {(m.script, m.within) for m in words} >= set(HARMLESS), "a reason for a word that is no longer there"
    for mutant in words:
        assert mutant.applied((ROOT / SCRIPTS / Path(f"{mutant.script}.ps1")).read_bytes())
