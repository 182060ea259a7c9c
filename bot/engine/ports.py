"""What the engine needs of the rooms it does not import: declared here, implemented elsewhere, wired in app."""

from __future__ import annotations

from typing import Protocol

from bot.procedure.facts import EstateFacts, Inventory, SurveyFacts, Unknown
from state.words import Ballot, Campaign, Gate, JobFolder, JobOrder, JobReport, Package, Policy


class Slack(Protocol):
    """The Slack edge, implemented by handlers."""

    def recount(self, campaign: Campaign, gate: Gate) -> Ballot:
        """Read the gate's message and its reactions back from Slack and judge every vote. Never raises."""

    def unknown_event(self, campaign: Campaign) -> int | None:
        """The first event our posts in the campaign's thread name and the store does not hold so; None if all fits.

        None also if Slack cannot say.
        """

    def project(self, campaign_id: str) -> None:
        """Bring Slack up to the campaign's version: card, lines, gate messages."""


class Estate(Protocol):
    """The machines, implemented by bot.estate."""

    def read(
        self,
        inventory: Inventory,
        machines: tuple[str, ...],
        *,
        package: Package | None = None,
        slow: bool = True,
        validate: tuple[tuple[str, str], ...] = (),
        asked: tuple[tuple[str, str], ...] = (),
    ) -> EstateFacts:
        """Probe machines side by side. `slow` adds copies, replication health, backups.

        `validate` is (cms, target node) pairs for Move-ClusteredMailboxServer -ValidateOnly; `asked` is (machine,
        kind) pairs of `bot.procedure.asked`, "" standing for every machine.
        Never raises: what could not be read is Unknown.
        """

    def survey(self, name: str, kinds: tuple[str, ...]) -> SurveyFacts | Unknown:
        """Ask one machine for these kinds of `bot.procedure.asked` and nothing else. Never raises."""

    def start(self, order: JobOrder) -> JobReport:
        """Create the job's folder and start it. Raises bot.estate.errors.EstateError kinds."""

    def close(self, order: JobOrder) -> JobReport:
        """Close a job's name: VOID if it can never run now, else what stands there."""

    def observe(self, order: JobOrder) -> JobReport:
        """Look at a job's folder."""

    def folders(self, machines: tuple[str, ...]) -> tuple[JobFolder, ...]:
        """List every job folder on the given machines. Raises if one cannot be listed."""

    def tidy(self, order: JobOrder) -> None:
        """Delete the scheduled task of a job whose exit code was read."""


class People(Protocol):
    """The policy of the moment, re-read from settings."""

    def policy(self, cluster: str) -> Policy:
        """Who may ask and approve for a cluster."""


class Wake(Protocol):
    """The dispatch seam."""

    def advance(self, campaign_id: str) -> None:
        """Ask for a look at a campaign soon."""

    def publish(self, campaign_id: str) -> None:
        """Ask for a projection of a campaign soon."""
