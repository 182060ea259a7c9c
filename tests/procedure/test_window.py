"""The maintenance window as people write it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.procedure.window import current, spans


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


SATURDAY = "2026-03-14T20:00"


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    window = "Sat 22:00-04:00"
    assert current(window, at("2026-03-14T23:00")) is not None
    assert current(window, at("2026-03-15T03:59")) is not None
    assert current(window, at("2026-03-15T04:00")) is None
    assert current(window, at("2026-03-15T22:30")) is None


def test_the_offset_moves_the_window() -> None:
    assert current("Sat 22:00-23:00 +01:00", at("2026-03-14T21:30")) is not None
    assert current("Sat 22:00-23:00 +01:00", at("2026-03-14T22:30")) is None
    assert current("Sat 22:00-23:00 -02:00", at("2026-03-15T00:30")) is not None


def test_several_parts_and_ranges_of_days() -> None:
    window = "Mon-Fri 01:00-02:00; Sat,Sun 20:00-23:00"
    assert current(window, at("2026-03-13T01:30")) is not None
    assert current(window, at("2026-03-14T01:30")) is None
    assert current(window, at(SATURDAY)) is not None
    assert current("20:00-21:00", at(SATURDAY)) is not None


def test_openings_come_in_order_and_have_their_length() -> None:
    found = spans("Sat 22:00-04:00; Sun 10:00-11:00", at(SATURDAY))
    assert [span.begin for span in found] == sorted(span.begin for span in found)
    assert {span.end - span.begin for span in found} == {6 * 3600.0, 3600.0}


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("Sat 22:00-24:00; Sun 00:00-04:00", 6),
        ("Sat 22:00-02:00; Sun 01:00-04:00", 6),
        ("Sat 22:00-00:00; Sun 00:01-04:00", 2),
        ("Sun 00:00-04:00; Sat 22:00-24:00", 6),
    ],
)
def test_openings_that_meet_are_one(text: str, hours: int) -> None:
    """Ten minutes before midnight four hours are left, if the window goes on."""
    found = current(text, at("2026-03-14T23:50"))
    assert found is not None
    assert found.end - found.begin == hours * 3600.0


def test_a_window_opens_at_its_first_second_and_is_closed_at_its_last() -> None:
    assert current("Sat 22:00-23:00", at("2026-03-14T22:00")) is not None
    assert current("Sat 22:00-23:00", at("2026-03-14T22:00") - 0.001) is None
    assert current("Sat 22:00-23:00", at("2026-03-14T23:00") - 0.001) is not None
    assert current("Sat 22:00-23:00", at("2026-03-14T23:00")) is None


@pytest.mark.parametrize("text", ["", "whenever", "Sat 22-04", "Xyz 22:00-23:00", "Sat 22:00-23:61", ";"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        spans(text, at(SATURDAY))
