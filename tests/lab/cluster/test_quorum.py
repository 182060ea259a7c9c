"""Quorum arithmetic per model."""

from __future__ import annotations

import pytest

from bot.lab.cluster.quorum import count


@pytest.mark.parametrize(
    ("model", "nodes", "up", "witness", "holds"),
    [
        ("local", 1, 1, False, True),
        ("local", 1, 0, True, False),
        ("disk-2003", 4, 1, True, True),
        ("disk-2003", 4, 4, False, False),
        ("disk-only", 3, 1, True, True),
        ("disk-only", 3, 3, False, False),
        ("mns", 3, 2, False, True),
        ("mns", 2, 1, False, False),
        ("mns-share", 2, 1, True, True),
        ("mns-share", 2, 1, False, False),
        ("node-majority", 3, 2, False, True),
        ("node-majority", 4, 2, False, False),
        ("node-and-share", 2, 1, True, True),
        ("node-and-share", 2, 1, False, False),
        ("node-and-share", 2, 2, False, True),
        ("node-and-disk", 4, 2, True, True),
        ("node-and-disk", 4, 2, False, False),
        ("node-and-disk", 8, 4, True, True),
        ("node-and-disk", 8, 3, True, False),
    ],
)
def test_a_model_holds_or_loses_quorum(model: str, nodes: int, up: int, witness: bool, holds: bool) -> None:
    assert count(model, nodes, up, witness_ok=witness).holds is holds


def test_the_margin_says_how_many_votes_may_go() -> None:
    assert count("node-and-share", 2, 2, witness_ok=True).margin == 1
    assert count("node-and-share", 2, 1, witness_ok=True).margin == 0
    assert count("node-and-share", 2, 1, witness_ok=False).margin < 0
