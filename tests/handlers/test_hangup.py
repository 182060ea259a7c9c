"""The bot leaves Slack: what it is just answering is answered, at once, and nothing in its log looks like a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.socket_mode.builtin import client
from slack_sdk.socket_mode.builtin.connection import ConnectionState

from bot.lab.workspace.acts import act
from handlers import hang_up
from tests.handlers.conftest import ALICE, OPS, Bench
from tests.waiting import until


def test_what_is_being_answered_when_the_bot_leaves_is_answered(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    busy, go_on = threading.Event(), threading.Event()

    def slowly(next: Callable[[], Any]) -> Any:  # noqa: A002 - bolt passes its arguments by these names
        busy.set()
        go_on.wait(60)
        return next()

    bench.app.use(slowly)
    act(bench.space, {"as": ALICE, "type": "command", "channel": OPS, "text": "/rollup help"})
    until(busy.is_set)
    leaving = threading.Thread(target=hang_up, args=(bench.handler,))
    leaving.start()
    time.sleep(0.1)
    assert leaving.is_alive()
    go_on.set()
    leaving.join(60)
    assert not leaving.is_alive()
    until(lambda: bench.whispers(ALICE))
    assert not bench.space.log.not_acked
    assert [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"] == []


def test_a_bot_that_has_nothing_to_do_leaves_at_once(bench: Bench) -> None:
    slack = bench.handler.client
    get = slack.message_queue.get
    slack.message_queue.get = lambda timeout: get(timeout=600)  # type: ignore[method-assign]  # the SDK waits a second
    slack.current_session.sock.settimeout(600)  # type: ignore[union-attr]  # and its reader three
    bench.types(ALICE, "help")
    leaving = threading.Thread(target=hang_up, args=(bench.handler,), daemon=True)
    leaving.start()
    leaving.join(60)
    assert not leaving.is_alive()
    until(lambda: not bench.server.connected())


class Deaf(ConnectionState):
    """What a reader that is just beginning makes of the word that ends it: it takes it back, twice."""

    told = 0

    @property
    def terminated(self) -> bool:
        return self.told > 2

    @terminated.setter
    def terminated(self, value: bool) -> None:
        self.told += value


def test_a_reader_that_takes_back_the_word_that_ends_it_is_told_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen once in a thousand runs: the SDK's own `close` then waits for ever."""
    monkeypatch.setattr(client, "ConnectionState", Deaf)
    second = SocketModeHandler(bench.app, bench.space.app.app_token)
    second.connect()  # type: ignore[no-untyped-call]
    until(lambda: isinstance(second.client.current_session_state, Deaf) and second.client.is_connected())
    time.sleep(0.3)  # it reads
    leaving = threading.Thread(target=hang_up, args=(second,), daemon=True)
    leaving.start()
    leaving.join(60)
    assert not leaving.is_alive()
    assert not second.client.is_connected()
