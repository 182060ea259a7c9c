"""Looks whether mail is up while a campaign holds its locks, and tells people once when it goes and when it is back.

Cheap on purpose: one node, the cluster's own word, no snap-in; a second node only where the first says that mail is
down. Nothing is decided by it. What people were told stands in the campaign, so a restart repeats nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.engine.rooms import Rooms
from bot.engine.turn import Declined, Turn
from bot.procedure.asked import MAIL
from bot.procedure.facts import Unknown, same_name
from bot.procedure.mail import mail_of
from state.campaign import FINAL
from state.errors import Conflict
from state.words import Campaign, Event, MailDown, MailUp, Outage, State, StepKind

Found = dict[str, "tuple[str, tuple[str, ...] | None]"]  # mail server: (node that says so, as `mail_of`)


@dataclass(slots=True)
class Watch:
    """What one process remembers between its looks; losing it costs one look."""

    rooms: Rooms
    looked: dict[str, float] = field(default_factory=dict)  # campaign: lab time of the last look
    doubts: dict[tuple[str, str], float] = field(default_factory=dict)  # (campaign, mail server): first seen down
    well: dict[tuple[str, str], float] = field(default_factory=dict)  # the same: last seen up
    answered: dict[str, str] = field(default_factory=dict)  # campaign: the node that answered last

    def until(self, campaign: Campaign, until: float | None) -> float | None:
        """When to come back at the latest."""
        if not _applies(campaign):
            return until
        due = self._due(campaign)
        return due if until is None else min(until, due)

    def look(self, turn: Turn, campaign: Campaign, *, at_once: bool = False) -> bool:
        """Look if it is time. Whether something was written down."""
        now = self.rooms.lab()
        if not _applies(campaign) or (now < self._due(campaign) and not at_once):
            return False
        self.looked[campaign.id] = now
        found = self._ask(campaign)
        events = [event for cms, (node, down) in found.items() if (event := self._news(campaign, cms, node, down, now))]
        if not events:
            return False
        try:
            turn.write(campaign, events, "mail")
        except (Conflict, Declined):
            return False  # somebody wrote first: the next look tells it
        return True

    def _due(self, campaign: Campaign) -> float:
        pace = self.rooms.config.pace
        soon = campaign.outages or any(key[0] == campaign.id for key in self.doubts)
        # The first look of a process is due when the campaign has stood still for as long as any other.
        last = self.looked.setdefault(campaign.id, self.rooms.lab())
        return last + (pace.confirm_s if soon else pace.watch_s)

    def _news(self, campaign: Campaign, cms: str, node: str, down: tuple[str, ...] | None, now: float) -> Event | None:
        """What people are to be told of one mail server, if anything."""
        told, key = any(one.cms == cms for one in campaign.outages), (campaign.id, cms)
        if down is None:
            self.well[key] = now
        if down is None or told:
            self.doubts.pop(key, None)
            return MailUp(cms=cms, seen_from=node, since=now) if told and down is None else None
        since = self.doubts.setdefault(key, now)
        if now - since < self.rooms.config.pace.confirm_s:
            return None
        self.doubts.pop(key)
        return MailDown(
            outage=Outage(cms=cms, databases=down, seen_from=node, since=since, last_up=self.well.get(key, 0.0))
        )

    def _ask(self, campaign: Campaign) -> Found:
        """What the nodes say; a mail server on which they do not agree, or of which none can speak, is left out."""
        servers, found = campaign.plan.cms if campaign.plan else (), Found()
        denied: set[str] = set()
        for node in self._nodes(campaign):
            survey = self.rooms.estate.survey(node, (MAIL,))
            resources = survey if isinstance(survey, Unknown) else survey.mail
            if isinstance(resources, Unknown):
                continue
            if not found and not denied:
                self.answered[campaign.id] = node
            for cms in servers:
                down = mail_of(resources, cms)
                if isinstance(down, Unknown) or (cms in found and (found[cms][1] is None) != (down is None)):
                    denied.add(cms)
                else:
                    found.setdefault(cms, (node, down))
            if all(cms in found and found[cms][1] is None for cms in servers):
                break  # all is well by one node: nobody else has to be asked
        return {cms: said for cms, said in found.items() if cms not in denied}

    def _nodes(self, campaign: Campaign) -> list[str]:
        """The cluster's nodes, the one that answered last first, the one a job runs on last."""
        inventory = self.rooms.config.inventory(campaign.cluster)
        job, last = campaign.open_job, self.answered.get(campaign.id, "")
        busy = job.order.command.node if job is not None else ""
        nodes = inventory.nodes if inventory is not None else ()
        return sorted(nodes, key=lambda node: (same_name(node, busy), not same_name(node, last)))


def _applies(campaign: Campaign) -> bool:
    """Whether mail is watched now. While a handoff is carried out it is away on purpose: MOVE-DONE judges that."""
    if not campaign.holds_locks or campaign.state in FINAL or campaign.plan is None or not campaign.plan.cms:
        return False
    step = campaign.step
    moving = step is not None and step.kind is StepKind.HANDOFF and campaign.intent is not None
    asked = campaign.state is State.ASKING and campaign.open_job is None
    return not moving or asked
