"""The Slack edge: what people type and react comes in here as transitions, what happened goes out as a thread.

`register(app, deps)` wires a bolt App and returns the `SlackEdge` the engine talks to.
"""

from __future__ import annotations

import re
from typing import Any

from slack_bolt import Ack, App, BoltContext, Respond

from handlers.deps import Deps, Identity, Place, Wake, read_identity
from handlers.edge import SlackEdge
from handlers.hangup import hang_up
from handlers.middleware import ENTRY, keep

__all__ = ["Deps", "Identity", "Place", "SlackEdge", "Wake", "hang_up", "read_identity", "register"]

ANYTHING = re.compile(".*", re.DOTALL)


def register(app: App, deps: Deps) -> SlackEdge:
    """Hang every listener on the app, which must be made with `ignoring_self_events_enabled=False`.

    bolt otherwise takes the deletion of our own gate message for an event of our own and swallows it.

    Call `edge.dispatch_inbox(all_of_it=True)` once Slack is reachable, and without arguments from the sweeper.
    """
    edge = SlackEdge(deps)
    app.use(keep(deps))

    def on_event(body: dict[str, Any], context: BoltContext) -> None:
        entry_id = context.get(ENTRY)
        if entry_id:
            edge.intake.handle(entry_id, body)

    def on_command(ack: Ack, body: dict[str, Any], context: BoltContext, respond: Respond) -> None:
        ack()
        entry_id = context.get(ENTRY)
        if entry_id:
            edge.intake.handle(entry_id, body, respond)

    def nothing_to_do(ack: Ack) -> None:
        ack()  # buttons, shortcuts and views of other versions: acknowledged, so that nobody sees an error

    app.event(ANYTHING)(on_event)
    app.command(ANYTHING)(on_command)
    app.action(ANYTHING)(nothing_to_do)
    app.shortcut(ANYTHING)(nothing_to_do)
    app.view(ANYTHING)(nothing_to_do)
    app.options(ANYTHING)(nothing_to_do)
    return edge
