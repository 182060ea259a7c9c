"""How the bot leaves Slack: what came in is answered, and nothing more is taken."""

from __future__ import annotations

import contextlib
import logging
import socket
import time

from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.socket_mode.builtin.client import SocketModeClient

log = logging.getLogger(__name__)
PATIENCE_S = 10.0  # wall


def hang_up(handler: SocketModeHandler) -> None:
    """Close the socket after the last answer has gone over it.

    The SDK's own `close` drops the socket under whoever is just acknowledging (a traceback in the log, and Slack sends
    that event again), and waits: a second for the next message, up to three for its reader. What arrives meanwhile is
    not acknowledged, so Slack keeps it for the next connection.
    """
    client = handler.client
    client.auto_reconnect_enabled = False
    client.closed = True
    client.message_queue.put(None)  # ends the wait for the next message
    client.message_processor.shutdown()  # type: ignore[no-untyped-call]
    client.message_workers.shutdown()  # each answers what it has
    if _stop_reading(client):
        handler.close()  # type: ignore[no-untyped-call]
    else:  # its `close` would wait for that thread for ever
        log.warning("the thread that reads from Slack does not end; it is left to the end of the process")


def _stop_reading(client: SocketModeClient) -> bool:
    """End the thread that reads. Whether it has ended.

    It takes back the word that ends it whenever it begins anew, so a thread that was just beginning is told again.
    """
    runner = client.current_session_runner
    runner.event.set()  # it does not begin once more
    end = time.monotonic() + PATIENCE_S
    while runner.is_alive() and time.monotonic() < end:
        client.current_session_state.terminated = True
        session = client.current_session
        if session is not None and session.sock is not None:
            with contextlib.suppress(OSError):  # Slack was quicker
                session.sock.shutdown(socket.SHUT_RDWR)  # ends the reader's wait
        runner.thread.join(0.05)
    return not runner.is_alive()
