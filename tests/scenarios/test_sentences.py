"""The document, sentence by sentence: a rule for each, a scenario in which it stops something, one in which it is kept.

The evidence is what plays recorded: shown.py holds the tables, and the play of each scenario confirms its entries.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator

import pytest

from bot.procedure.rules import RULES
from bot.procedure.rules.case import Rule
from state.words import Verdict
from tests.procedure import record
from tests.procedure.build import ccr
from tests.procedure.moments import PLAN
from tests.scenarios.shown import BLOCKS, BY_UNIT_TEST, PASSES, missing
from tests.scenarios.test_all import PLAYED

SENTENCES = tuple(f"S{number}" for number in range(4, 18))  # facts/exchange.md §8; S1 to S3 only introduce
STOPS = {rule for rules in BLOCKS.values() for rule in rules}
KEPT = {rule for rules in PASSES.values() for rule in rules}


def rules_of(sentence: str) -> list[Rule]:
    return [rule for rule in RULES if sentence in rule.sentences]


def only_warns(rule: Rule) -> bool:
    return rule.stops.startswith("It only warns")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_has_a_rule_that_is_seen_to_stop_and_one_that_is_seen_to_pass(sentence: str) -> None:
    ids = {rule.id for rule in rules_of(sentence)}
    assert ids, f"{sentence} has no rule"
    assert ids & STOPS, f"no scenario in which one of {sorted(ids)} stops something"
    assert ids & KEPT, f"no scenario in which one of {sorted(ids)} applies and passes"


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if set(rule.sentences) & set(SENTENCES)], ids=lambda rule: rule.id
)
def test_every_rule_of_a_sentence_is_seen_to_pass_and_to_stop_unless_it_only_warns(rule: Rule) -> None:
    if only_warns(rule):
        return
    assert rule.id in KEPT
    assert (rule.id in STOPS) != (rule.id in BY_UNIT_TEST), "in a scenario, or else in a test of the rule itself"


def test_every_entry_is_of_a_rule_that_exists_and_of_a_scenario_that_is_played() -> None:
    known = {rule.id for rule in RULES}
    assert (STOPS | KEPT | BY_UNIT_TEST.keys()) <= known
    # One that only the soak plays would be confirmed by nobody here.
    assert (BLOCKS.keys() | PASSES.keys()) <= set(PLAYED)


@pytest.mark.parametrize(("rule", "where"), BY_UNIT_TEST.items())
def test_the_test_that_shows_a_guard_of_our_own_is_there_and_speaks_of_it(rule: str, where: str) -> None:
    module, _, name = where.partition(":")
    test = getattr(importlib.import_module(module), name)
    rows = [row for row in _parameters(test) if getattr(row, "rule", "") == rule]
    in_a_row = any(getattr(row, "verdict", None) in {Verdict.BLOCK, Verdict.UNKNOWN} for row in rows)
    assert in_a_row or f'"{rule}"' in inspect.getsource(test)


def _parameters(test: Callable[..., object]) -> Iterator[object]:
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            yield from mark.args[1]


def test_an_entry_that_a_play_does_not_confirm_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = record.events(PLAN, ccr())
    monkeypatch.setitem(BLOCKS, "made-up", ("NODE-EMPTY",))
    monkeypatch.setitem(PASSES, "made-up", ("NODE-EMPTY", "NO-SUCH-RULE"))
    assert missing("made-up", recorded) == ["NODE-EMPTY stopped nothing", "NO-SUCH-RULE was not seen to pass"]
    assert missing("another", recorded) == []
