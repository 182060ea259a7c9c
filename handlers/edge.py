"""The one object the engine sees of Slack: recount a gate's votes, bring the thread up to date."""

from __future__ import annotations

from handlers.deps import Deps
from state.words import Ballot, Campaign, Gate


class SlackEdge:
    """Implements bot.engine.ports.Slack. Safe to call from several threads."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps

    def recount(self, campaign: Campaign, gate: Gate) -> Ballot:
        """Read the gate's message and reactions back from Slack and judge every vote. Never raises."""
        raise NotImplementedError

    def project(self, campaign_id: str) -> None:
        """Bring Slack up to the campaign's version: card, lines, gate messages.

        Raises nothing for a Slack outage: what is missing is posted by the next call.
        """
        raise NotImplementedError

    def dispatch_inbox(self) -> int:
        """Handle again what was received and not finished; returns how many entries were looked at."""
        raise NotImplementedError
