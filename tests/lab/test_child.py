"""The bot as a child of the practice range."""

from __future__ import annotations

import sys
from pathlib import Path

from bot.lab.child import Child
from tests.waiting import until


def child(code: str, log: Path) -> Child:
    return Child((sys.executable, "-c", code), {}, log, told=lambda kind, text: None)


def test_a_bot_that_cannot_use_its_settings_is_heard(tmp_path: Path) -> None:
    """It would end the same way however often it is started: a play that waited for it would only say that it is not there."""
    bot = child("import sys; print('reading'); print('unknown field `expire_minutes`'); sys.exit(2)", tmp_path / "log")
    bot.start()
    assert until(lambda: bot.refused) == "unknown field `expire_minutes`"
    bot.stop()


def test_a_bot_that_died_otherwise_is_started_again_and_refuses_nothing(tmp_path: Path) -> None:
    bot = child("raise SystemExit(1)", tmp_path / "log")
    bot.start()
    until(lambda: bot.starts > 2)
    bot.stop()
    assert not bot.refused
