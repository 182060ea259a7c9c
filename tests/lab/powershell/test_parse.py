"""Parsing: every script the bot sends is understood, in a time and memory that 50 nodes can afford."""

from __future__ import annotations

import time
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.estate import bootstrap
from bot.lab.powershell.parse import ParseFailed, _parse_fresh, parse
from bot.lab.powershell.parse_repair import with_calls_wrapped, with_line_breaks, with_words_quoted
from tests.lab.powershell.conftest import Shell

SCRIPTS = sorted((Path(__file__).parents[3] / "bot" / "estate" / "scripts").glob("*.ps1"))


@pytest.mark.parametrize("path", SCRIPTS, ids=[p.name for p in SCRIPTS])
def test_every_script_of_the_estate_parses(path: Path) -> None:
    code = parse(path.read_text("ascii"))
    assert code.end is not None
    assert code.end.statements


def test_a_parse_is_kept_by_text() -> None:
    text = "'kept' # " + "x" * 100
    assert parse(text) is parse(text)
    assert parse(text + "y") is not parse(text)


def _same(one: Any, other: Any) -> bool:
    """Whether two trees are equal, positions and all; nodes themselves compare by identity."""
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if is_dataclass(one):
        return all(_same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return bool(one == other)


DATA = (
    "kinds\tYQ==",
    "a\nbb\n\nccc",
    "",
    "$x = (",
    "# '\" @'",
    "one\n'@ + 'two'\n$z = @'\nthree",
    "one\n'@\n$y = @'\ntwo",
)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", bootstrap.SCRIPTS)
def test_a_script_that_only_differs_in_its_data_has_the_tree_of_its_own_text(name: str, data: str) -> None:
    rest = bootstrap.text(name, {}).split("'@\n", 1)[1]
    for text in (f"$Parameters = @'\n{data}\n'@\n{rest}", f"$Parameters = @'\n{data}\n'@\n"):
        assert _same(parse(text), _parse_fresh(text))


def test_such_a_script_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"$p = @'\nkey\t{number}\n'@\n'parsed once, $p'" for number in range(3)]
    parse(texts[0])
    monkeypatch.setattr("bot.lab.powershell.parse._parse_fresh", None)
    assert [parse(text).text for text in texts] == texts


def test_a_mistake_behind_data_is_told_as_ever() -> None:
    with pytest.raises(ParseFailed) as failed:
        parse("$p = @'\nit's (\n'@\n$x = (1")
    assert failed.value.problem.message == "Missing closing ')' in expression."
    assert failed.value.problem.spot.line == 4


def test_a_long_script_is_parsed_and_run_in_well_under_a_second_of_work(shell: Shell) -> None:
    text = "\n".join(
        f'function F{i} {{\n    param($a)\n    if ($a -gt {i}) {{ "big $a" }} else {{ @($a, {i}) }}\n}}\n$x{i} = F{i} {i}'
        for i in range(150)
    )
    assert len(text) > 12_000
    before = time.process_time()
    assert shell.run(text + "\n$x7 -join ','").lines == ["7,7"]
    assert time.process_time() - before < 0.5  # about 0.06 s here; the limit leaves room for a slow machine


def test_repairs_leave_strings_and_comments_alone() -> None:
    text = "'a } b' # c } d\n\"$x.y(1) } , Foo\"\n@'\n }\n'@"
    for repair in (with_calls_wrapped, with_line_breaks, with_words_quoted):
        assert repair(text) == text


@pytest.mark.parametrize(("text", "wrapped"), [
    ("foo $x.Bar(1)", "foo ($x.Bar(1))"),
    ("foo (a).b().c", "foo ((a).b().c)"),
    ("foo [x]::y(',', (1, 2)) z", "foo ([x]::y(',', (1, 2))) z"),
    ("$x.Bar(1).Baz = 5", "$x.Bar(1).Baz = 5"),
    ("if ($x) { }", "if ($x) { }"),
    ("foo $x.y", "foo $x.y"),
])  # fmt: skip
def test_a_call_that_is_an_argument_is_wrapped(text: str, wrapped: str) -> None:
    assert with_calls_wrapped(text) == wrapped


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "(",
        "'",
        '"$(',
        "@'\nx",
        "}",
        "|",
        "$x = ",
        "if",
        "a | | b",
        "1 -in 2",
        "\x00",
        "é $é",
        "@{a}",
        "foreach ($x) {}",
    ],
)
def test_nonsense_is_a_parse_error_or_a_script_but_never_a_crash(text: str, shell: Shell) -> None:
    said = shell.run(text)
    assert said.code in {0, 1}
    assert "failed by itself" not in said.err


def test_a_refused_text_says_why_and_where() -> None:
    with pytest.raises(ParseFailed) as caught:
        parse("'fine'\nif (1) {\n")
    assert caught.value.problem.message == "Missing closing '}' in statement block."
