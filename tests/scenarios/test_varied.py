"""Scenarios made of docs/scenarios.md alone, as somebody would who knows nothing else; `make soak PART=scenarios` plays them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.lab.scenario import load

VARIED = sorted((Path(__file__).parent / "varied").glob("*.toml"))


@pytest.mark.parametrize("path", VARIED, ids=lambda path: path.stem)
def test_a_scenario_made_of_the_docs_alone_can_be_read_and_says_how_it_ends(path: Path) -> None:
    scenario = load(str(path))
    assert scenario.clusters
    assert "[expect]" in path.read_text(encoding="utf-8")
    assert scenario.expect.exit == (0 if scenario.expect.outcome == "done" else 3)
