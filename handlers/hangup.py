"""How the bot leaves Slack: what came in is answered, and nothing more is taken."""

from __future__ import annotations

import socket

from slack_bolt.adapter.socket_mode import SocketModeHandler


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
    client.current_session_state.terminated = True
    session = client.current_session
    if session is not None and session.sock is not None:
        try:
            session.sock.shutdown(socket.SHUT_RDWR)  # ends the reader's wait
        except OSError:  # Slack was quicker
            pass
    handler.close()  # type: ignore[no-untyped-call]
