"""Words become one well-formed command or one refusal; nothing is guessed and nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.grammar import BY_NAME, VERBS, Ask, clean, help_lines, nearest, parse
from state.words import Options, Refusal, RefusalKind


def asked(text: str, **how: object) -> Ask:
    found = parse(text, **how)  # type: ignore[arg-type]
    assert isinstance(found, Ask), found
    return found


def refused(text: str) -> Refusal:
    found = parse(text)
    assert isinstance(found, Refusal), found
    return found


def test_a_full_plan_line_is_read() -> None:
    ask = asked("plan CLUSTER01 KB4011325 --failback --stop-move-start")
    assert (ask.verb.name, ask.target, ask.word) == ("plan", "CLUSTER01", "KB4011325")
    assert ask.options == Options(failback=True, stop_move_start=True)


@pytest.mark.parametrize(
    "typed",
    [
        "plan CLUSTER01 —failback",
        "PLAN “CLUSTER01” --FAILBACK",
        "plan  CLUSTER01\u00a0--failback",
        "plan <http://CLUSTER01|CLUSTER01> –failback",
    ],
)
def test_what_phones_and_slack_do_to_a_line_is_undone(typed: str) -> None:
    ask = asked(typed)
    assert (ask.target, ask.options.failback) == ("CLUSTER01", True)


def test_a_reason_is_kept_verbatim_with_its_apostrophes() -> None:
    assert asked('pause CLUSTER01-7 don\'t like "this" -- at all').reason == 'don\'t like "this" -- at all'


def test_in_a_thread_the_campaign_may_be_left_out_and_the_words_are_the_reason() -> None:
    ask = asked("pause backups are late", in_thread=True, is_name=lambda word: word == "CLUSTER01")
    assert (ask.target, ask.reason) == ("", "backups are late")
    named = asked("pause CLUSTER01 late", in_thread=True, is_name=lambda word: word == "CLUSTER01")
    assert (named.target, named.reason) == ("CLUSTER01", "late")


@pytest.mark.parametrize(
    "typed",
    [
        "plan",
        "start",
        "abort",
        "plan A B C",
        "plan A --force",
        "plan 'A",
        "start A --now",
        "plan A --failback --failback",
        "status A B",
        "abort --now",
    ],
)
def test_malformed_arguments_are_refused_with_that_commands_usage(typed: str) -> None:
    found = refused(typed)
    assert found.kind is RefusalKind.USAGE
    assert found.part("usage").startswith(f"/rollup {typed.split(maxsplit=1)[0]}")
    assert found.part("problem")


def test_a_typo_is_told_the_nearest_command_and_nonsense_none() -> None:
    assert refused("strat X").part("nearest") == "start"
    assert refused("qqqqqq").part("nearest") == ""


def test_nothing_typed_is_help() -> None:
    assert asked("").verb.name == "help"


def test_a_return_takes_a_reason_and_a_waiver_demands_one() -> None:
    assert asked("return CLUSTER01-7").reason == ""
    assert asked("return CLUSTER01 clients cannot connect").reason == "clients cannot connect"
    waived = asked("waive CLUSTER01-7 backup-recent the data is a copy")
    assert (waived.target, waived.word, waived.reason) == ("CLUSTER01-7", "BACKUP-RECENT", "the data is a copy")
    assert refused("waive CLUSTER01-7 BACKUP-RECENT").part("problem").startswith("no reason")


def test_every_verb_is_in_help_and_every_usage_begins_with_its_name() -> None:
    lines = help_lines()
    assert not isinstance(lines, Refusal)
    for verb in VERBS:
        assert verb.usage.split()[0] == verb.name
        assert any(f"/rollup {verb.usage}" in line for line in lines)


def test_nearest_forgives_case() -> None:
    assert nearest("clustre01", ("CLUSTER01", "MAILBOX")) == ("CLUSTER01",)


@given(st.text(max_size=80))
def test_any_text_at_all_is_a_command_or_a_refusal(text: str) -> None:
    found = parse(text)
    assert isinstance(found, Ask | Refusal)
    if isinstance(found, Ask):
        assert found.verb is BY_NAME[found.verb.name]
        assert clean(text).casefold().lstrip("/").startswith(found.verb.name) or found.verb.name == "help"
