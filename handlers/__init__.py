"""The Slack edge: what people type and react comes in here as transitions, what happened goes out as a thread.

`register(app, deps)` wires a bolt App and returns the `SlackEdge` the engine talks to.
"""

from __future__ import annotations

from slack_bolt import App

from handlers.deps import Deps, Identity, Place, Wake, read_identity
from handlers.edge import SlackEdge

__all__ = ["Deps", "Identity", "Place", "SlackEdge", "Wake", "read_identity", "register"]


def register(app: App, deps: Deps) -> SlackEdge:
    """Hang every listener on the app. Call `edge.dispatch_inbox()` once Slack is reachable, and from the sweeper."""
    edge = SlackEdge(deps)
    return edge
