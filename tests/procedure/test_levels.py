"""The catalogue, builds as integers, and the level of a machine from three sources."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.procedure.facts import LevelFacts, PatchFacts, Unknown
from bot.procedure.levels import (
    Build,
    catalogue,
    find,
    hints,
    is_rollup,
    level_of,
    lower_of,
    row_of,
    updated,
)
from state.words import Package
from tests.procedure.build import BASE, NEW, OLD, PACKAGE, level

builds = st.builds(Build, st.just(8), st.integers(0, 3), st.integers(0, 999), st.integers(0, 30))


def test_all_52_rows_of_the_list_are_in_the_catalogue() -> None:
    text = (files("bot.procedure") / "rollups.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 52
    assert len(catalogue()) == 52
    assert {str(row.build) for row in catalogue()} == {row["build"] for row in rows}


@pytest.mark.parametrize(
    ("text", "same"),
    [("8.03.0517.000", "8.3.517.0"), ("08.03.0517.000", "8.3.517.0"), (" 8.3.83.6 ", "8.3.83.6")],
)
def test_a_build_is_four_integers_however_it_is_padded(text: str, same: str) -> None:
    assert Build.parse(text) == Build.parse(same)
    assert str(Build.parse(text)) == same


def test_nine_comes_before_ten() -> None:
    assert Build.parse("8.3.9.1") < Build.parse("8.3.10.0")
    assert Build.parse("8.3.297.2") < Build.parse("8.3.1000.0")


@pytest.mark.parametrize(
    "text", ["", "8.3.517", "8.3.517.0.1", "8.3.517.x", "Version 8.3", "8.3.517.-1", "123456.1.1.1"]
)
def test_what_is_no_build_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a build"):
        Build.parse(text)


@given(builds, builds)
def test_order_of_builds_is_order_of_their_numbers(one: Build, other: Build) -> None:
    parts = [(b.major, b.minor, b.build, b.revision) for b in (one, other)]
    assert (one < other) == (parts[0] < parts[1])
    assert Build.parse(str(one)) == one


def test_withdrawn_packages_name_what_replaced_them() -> None:
    replaced = {str(row.build): str(row.superseded_by) for row in catalogue() if row.superseded_by}
    assert replaced == {"8.3.159.0": "8.3.159.2", "8.3.279.3": "8.3.279.6", "8.3.279.5": "8.3.279.6"}
    assert all(row_of(Build.parse(by)) for by in replaced.values())


@pytest.mark.parametrize(
    ("read", "means"), [("8.3.297.1", "8.3.297.2"), ("8.03.0298.001", "8.3.298.3"), ("8.3.348.1", "8.3.348.2")]
)
def test_a_file_with_a_number_of_its_own_is_at_the_rollup_it_came_with(read: str, means: str) -> None:
    """Between ExSetup and the patch list that is no disagreement, and the level is the one the catalogue lists."""
    here = LevelFacts(exsetup=read, patches=level(means).patches, base=BASE)
    assert level_of(here) == Build.parse(means)
    assert updated(level_of(here), Build.parse(means)) is True
    other = LevelFacts(exsetup=means, patches=level(read).patches, base=BASE)
    assert level_of(other) == Build.parse(means)


def test_no_equivalent_build_is_a_level_of_the_catalogue_itself() -> None:
    others = [also for row in catalogue() for also in row.also]
    assert len(others) == 3
    assert not [one for one in others if row_of(one)]


def test_one_kb_number_may_stand_for_two_packages() -> None:
    assert [row.rollup for row in hints("KB2756497")] == ["8-v2", "8-v3"]
    assert [row.rollup for row in hints("2756497")] == ["8-v2", "8-v3"]
    assert hints("rollup") == ()


def declared(kb: str, build: str) -> Package:
    return Package(kb=kb, build=build, path="C:\\p.msp", sha256="0" * 64)


def test_only_declared_packages_are_found_and_the_build_decides() -> None:
    here = (declared("KB2756497", "8.3.279.5"), declared("KB2756497-v3", "8.3.279.6"), PACKAGE)
    assert find("kb4011325", here) == (PACKAGE,)
    assert find("4011325", here) == (PACKAGE,)
    assert find("8.03.0517.000", here) == (PACKAGE,)
    assert find("KB2756497", here) == (here[0],)  # the exact name wins
    assert find("2756497", here) == here[:2]  # both are meant: the caller asks
    assert find("KB2788321", here) == ()  # in the catalogue, but nobody declared it
    assert find("", here) == here
    assert find("rubbish", here) == ()


def test_three_sources_that_agree_are_the_level() -> None:
    assert level_of(level(OLD)) == Build.parse(OLD)
    assert level_of(level(BASE)) == Build.parse(BASE)
    padded = LevelFacts(exsetup="08.03.0485.001", patches=level(OLD).patches, base=BASE)
    assert level_of(padded) == Build.parse(OLD)


def test_a_patch_without_a_build_in_its_name_is_looked_up_by_its_number() -> None:
    named = PatchFacts(name="Update Rollup 8-v2 for Exchange Server 2007 Service Pack 3", state=1)
    assert level_of(LevelFacts(exsetup="8.3.279.5", patches=(named,), base=BASE)) == Build.parse("8.3.279.5")


def test_superseded_patches_do_not_count() -> None:
    newer_but_superseded = PatchFacts(name=f"Update Rollup 23 for Exchange Server 2007 {NEW}", state=2)
    here = LevelFacts(exsetup=OLD, patches=(*level(OLD).patches, newer_but_superseded), base=BASE)  # type: ignore[misc]
    assert level_of(here) == Build.parse(OLD)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (Unknown("no answer"), "no answer"),
        (LevelFacts(exsetup=Unknown("not found"), patches=(), base=BASE), "ExSetup"),
        (LevelFacts(exsetup=OLD, patches=Unknown("access denied"), base=BASE), "access denied"),
        (LevelFacts(exsetup=OLD, patches=(), base=Unknown("no key")), "no key"),
        (LevelFacts(exsetup=NEW, patches=level(OLD).patches, base=BASE), "disagree"),
        (LevelFacts(exsetup=OLD, patches=(), base=BASE), "disagree"),
        (LevelFacts(exsetup=OLD, patches=level(OLD).patches, base="8.2.176.2"), "disagree"),
        (LevelFacts(exsetup="8.3.83.7", patches=(), base="8.3.83.7"), "catalogue"),
        (LevelFacts(exsetup="eight", patches=(), base=BASE), "ExSetup"),
        (LevelFacts(exsetup="15.0.1.1", patches=(), base="15.0.1.1"), "Exchange Server 2007"),
    ],
)
def test_a_level_that_is_not_certain_is_unknown_with_its_reason(facts: LevelFacts | Unknown, why: str) -> None:
    found = level_of(facts)
    assert isinstance(found, Unknown)
    assert why in found.why


def test_a_waived_disagreement_believes_the_lower_source() -> None:
    assert lower_of(LevelFacts(exsetup=NEW, patches=level(OLD).patches, base=BASE)) == Build.parse(OLD)
    assert lower_of(LevelFacts(exsetup=OLD, patches=level(NEW).patches, base=BASE)) == Build.parse(OLD)
    assert isinstance(lower_of(LevelFacts(exsetup=OLD, patches=Unknown("x"), base=BASE)), Unknown)


def test_updated_means_same_service_pack_and_at_least_the_target() -> None:
    target = Build.parse("8.3.502.0")
    assert updated(Build.parse(NEW), target) is True
    assert updated(Build.parse(OLD), target) is False
    assert isinstance(updated(Build.parse("8.2.305.3"), target), Unknown)
    assert isinstance(updated(Unknown("x"), target), Unknown)


def test_only_update_rollups_are_rollups() -> None:
    assert is_rollup(PatchFacts(name="Update Rollup 8-v2 for Exchange Server 2007", state=1))
    assert not is_rollup(PatchFacts(name="Interim Update for Exchange Server 2007 (KB123456)", state=1))
