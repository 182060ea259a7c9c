"""The bot leaves Slack: what it is just answering is answered, at once, and nothing in its log looks like a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from bot.lab.workspace.acts import act
from handlers import hang_up
from tests.handlers.conftest import ALICE, OPS, Bench
from tests.waiting import until


def test_what_is_being_answered_when_the_bot_leaves_is_answered(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    busy, go_on = threading.Event(), threading.Event()

    def slowly(next: Callable[[], Any]) -> Any:  # noqa: A002 - bolt passes its arguments by these names
        busy.set()
        go_on.wait(5)
        return next()

    bench.app.use(slowly)
    act(bench.space, {"as": ALICE, "type": "command", "channel": OPS, "text": "/rollup help"})
    until(busy.is_set)
    leaving = threading.Thread(target=hang_up, args=(bench.handler,))
    leaving.start()
    time.sleep(0.1)
    assert leaving.is_alive()
    go_on.set()
    leaving.join(5)
    assert not leaving.is_alive()
    until(lambda: bench.whispers(ALICE))
    assert not bench.space.log.not_acked
    assert [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"] == []


def test_a_bot_that_has_nothing_to_do_leaves_at_once(bench: Bench) -> None:
    client = bench.handler.client
    get = client.message_queue.get
    client.message_queue.get = lambda timeout: get(timeout=60)  # type: ignore[method-assign]  # the SDK waits a second
    client.current_session.sock.settimeout(60)  # type: ignore[union-attr]  # and its reader three
    bench.types(ALICE, "help")
    leaving = threading.Thread(target=hang_up, args=(bench.handler,), daemon=True)
    leaving.start()
    leaving.join(15)
    assert not leaving.is_alive()
    until(lambda: not bench.server.connected())
