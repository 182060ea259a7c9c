"""The one object the engine sees of Slack: recount a gate's votes, bring the thread up to date."""

from __future__ import annotations

import logging

from handlers.calls import Accounts, Calls, SlackError
from handlers.deps import Deps
from handlers.intake import Intake
from handlers.recount import Recount
from handlers.thread import Projector
from state.errors import StateError
from state.words import Ballot, Campaign, Gate

log = logging.getLogger(__name__)
LEFT_OVER_S = 5.0  # wall seconds after which an inbox entry is a leftover: its listener has died or waits


class SlackEdge:
    """Implements bot.engine.ports.Slack. Safe to call from several threads."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps
        self.calls = Calls(deps.client, deps.clock, deps.sleep)
        accounts = Accounts(self.calls, deps.clock, deps.identity.team_id)
        self.intake = Intake(deps, self.calls, accounts)
        self._recount = Recount(deps, self.calls, accounts)
        self._projector = Projector(deps, self.calls, gate_opened=self._early_votes)

    def recount(self, campaign: Campaign, gate: Gate) -> Ballot:
        """Read the gate's message and reactions back from Slack and judge every vote. Never raises."""
        return self._recount(campaign, gate)

    def project(self, campaign_id: str) -> None:
        """Bring Slack up to the campaign's version: card, lines, gate messages.

        Raises nothing for a Slack outage: what is missing is posted by the next call, or by `catch_up`.
        """
        self._projector.project(campaign_id)

    def catch_up(self) -> int:
        """Ask for a projection of every thread that lags behind; returns how many. Never raises."""
        try:
            lagging = self._projector.lagging()
        except StateError as down:
            log.warning("the threads wait: %s", down)
            return 0
        for campaign_id in lagging:
            self.deps.wake.publish(campaign_id)
        return len(lagging)

    def rebuild(self, campaign_id: str) -> bool:
        """Post again whatever is missing in a campaign's thread; False when it has to be asked for again."""
        return self._projector.rebuild(campaign_id)

    def unknown_event(self, campaign: Campaign) -> int | None:
        """The first event our own thread carries and the store does not hold so: an older copy was put back.

        None when all fits, or Slack could not be read.
        """
        try:
            return self._projector.unknown_event(campaign)
        except SlackError as lost:
            log.warning("the thread of %s could not be read: %s", campaign.id, lost)
            return None

    def dispatch_inbox(self, *, all_of_it: bool = False) -> int:
        """Handle again what was received and not finished; returns how many entries were looked at. Never raises.

        For the sweeper, as often as it likes: entries that have lain there for a while, and threads that lag behind.
        At start `all_of_it`: nothing can be in hand yet.
        """
        self.catch_up()
        try:
            return self.intake.dispatch_inbox(0.0 if all_of_it else LEFT_OVER_S)
        except StateError as down:
            log.warning("the inbox waits: %s", down)
            return 0

    def _early_votes(self) -> None:
        try:
            self.intake.early_votes()
        except StateError as down:
            log.warning("early votes wait: %s", down)
