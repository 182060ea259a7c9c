"""Every kind has its sentence, and the generated page is fresh."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from handlers import texts
from handlers.refusals_page import page
from state.words import OutcomeKind, Refusal, RefusalKind, VoteRefusal

TABLES: tuple[tuple[type[StrEnum], Mapping[StrEnum, texts.Words]], ...] = (
    (RefusalKind, texts.REFUSALS),
    (VoteRefusal, texts.VOTES),
    (OutcomeKind, texts.OUTCOMES),
    (texts.GateEnd, texts.GATES),
    (texts.Ending, texts.ENDINGS),
)


@pytest.mark.parametrize(("kinds", "table"), TABLES)
def test_every_kind_has_a_sentence_a_rule_and_a_sample_that_fills_it(
    kinds: type[StrEnum], table: Mapping[StrEnum, texts.Words]
) -> None:
    assert set(table) == set(kinds)
    for kind, words in table.items():
        said = texts.sentence(kind, words, dict(words.sample))
        assert words.says, kind
        assert words.rule or kind is RefusalKind.USAGE, kind
        assert not re.search(r"`\?`|<@\?>|:\?:| \? ", said), said
        assert "‹" not in said
        assert "›" not in said
        assert "{" not in said
        assert said.endswith(f"refusals.md#{kind.value}`)")


def test_a_missing_optional_fact_takes_its_stretch_along_and_a_missing_needed_one_shows() -> None:
    bare = texts.refusal(Refusal(kind=RefusalKind.UNKNOWN_CLUSTER, parts=(("typed", "X"),)))
    assert "Did you mean" not in bare
    assert "`X`" in bare
    assert "`?`" in bare


def test_what_people_typed_cannot_mention_link_or_break_out_of_its_code_span() -> None:
    said = texts.refusal(
        Refusal(kind=RefusalKind.UNKNOWN_CLUSTER, parts=(("typed", "`<!channel>`\n<http://evil|x> " + "y" * 999),))
    )
    assert "<!channel>" not in said
    assert "<http" not in said
    assert "&lt;!channel&gt;" in said
    assert len(said) < 1500


def test_links_point_at_the_published_page_where_there_is_one() -> None:
    assert "<https://docs.example/refusals.md#busy|more>" in texts.refusal(
        Refusal(kind=RefusalKind.BUSY), "https://docs.example/"
    )


def test_the_generated_page_is_fresh_and_has_an_anchor_for_every_kind() -> None:
    written = (Path(__file__).parents[2] / "docs" / "refusals.md").read_text("utf-8")
    assert written == page(), "run: python -m handlers.refusals_page > docs/refusals.md"
    for _kinds, table in TABLES:
        for kind in table:
            assert f'<a id="{kind.value}"></a>' in written
