"""These tests verify that a reply with a hole, a wrong field or no end never passes for a whole one."""

from __future__ import annotations

import pytest

from bot.estate.reply import Malformed, flag, number, read, seconds, ticks
from tests.estate.replies import NOW, line, text


def test_rows_come_back_as_they_were_written() -> None:
    reply = read(text([("disk", "C:", "12\u00fc\t\n")], sections={"disks": ""}))
    assert reply.all("disk") == (("C:", "12\u00fc\t\n"),)
    assert reply.whole
    assert reply.why_missing("disks") == ""


def test_what_stands_before_the_begin_mark_is_passed_over() -> None:
    assert read("Welcome to EXN1\r\n" + text([("host", "EXN1")])).first("host") == ("EXN1",)


def test_a_reply_without_our_marks_is_malformed() -> None:
    with pytest.raises(Malformed):
        read("'powershell' is not recognized as an internal or external command")


def test_a_lost_line_is_noticed() -> None:
    whole = text([("host", "EXN1"), ("boot", "1")])
    with pytest.raises(Malformed, match="lines came back"):
        read(whole.replace(line("host", "EXN1") + "\r\n", ""))


def test_a_field_that_is_no_base64_is_malformed() -> None:
    with pytest.raises(Malformed):
        read(text([("host", "EXN1")]).replace(line("host", "EXN1"), "host\tEX*N1"))


def test_without_an_end_only_finished_sections_count() -> None:
    reply = read(text([("host", "EXN1")], sections={"system": ""}, end=False))
    assert not reply.whole
    assert reply.why_missing("system") == ""
    assert "ended before" in reply.why_missing("disks")


def test_a_failed_section_says_why() -> None:
    assert "Access\u00a0denied" in read(text([], sections={"root": "Access\u00a0denied"})).why_missing("root").replace(
        " ", "\u00a0"
    )


def test_ticks_and_seconds_are_one_time() -> None:
    assert ticks(0.0) == 621_355_968_000_000_000
    assert seconds(str(ticks(NOW))) == NOW


@pytest.mark.parametrize("wrong", ["", "yes", "1", "true"])
def test_a_boolean_is_true_or_false_as_powershell_says_it(wrong: str) -> None:
    with pytest.raises(Malformed):
        flag(wrong)


def test_a_number_is_a_whole_number() -> None:
    assert number("-1") == -1
    with pytest.raises(Malformed):
        number("1.234,5")
