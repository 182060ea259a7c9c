"""These tests verify that the practice range's runner is the one the Windows administrator is given."""

from __future__ import annotations

from importlib.resources import files


def test_the_ranges_runner_is_ours_byte_for_byte() -> None:
    ours = files("bot.estate").joinpath("scripts", "runner.cmd").read_bytes()
    assert files("bot.lab").joinpath("scenarios", "runner.cmd").read_bytes() == ours
