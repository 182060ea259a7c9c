"""`/rollup status`, `level`, `downtime`, `history`, `show`: what is answered to whoever only looks."""

from __future__ import annotations

from collections.abc import Sequence

from handlers import lookup, status
from handlers.answers import Reply, blocks_reply
from handlers.blocks import code, section
from handlers.deps import Deps
from handlers.grammar import Ask
from handlers.night import Night
from handlers.stands import STATE_WORDS
from state import history
from state.words import Campaign, Refusal

OLD_S = 120.0  # lab: a reading older than this is asked for anew by whoever wants the status
LOGS_OLD_S = 1800.0  # lab: and so is a reading of the log volumes, which change slowly
MEASURED = 100  # of how many campaigns the durations are taken, newest first


class Views:
    """Answers from the store. May raise StateError."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def of(self, ask: Ask, thread_campaign: str = "") -> Reply | Refusal:
        """The answer to a word that only looks; a mention inside a thread need not name its campaign."""
        deps, name = self._deps, ask.verb.name
        target = ask.target or thread_campaign
        if name in {"level", "history"}:
            return self._cluster_view(name, ask.target)
        if not target:
            chosen = deps.store.active() if name == "status" else deps.store.all(limit=10)
            if name == "downtime":
                return blocks_reply(status.downtime_blocks(chosen, deps.realm), "Downtime")
            links = [lookup.thread_link(deps, each) for each in chosen]
            names = [place.cluster for place in deps.places()]
            return blocks_reply(status.overview_blocks(chosen, links, names, deps.realm), _first(chosen))
        found = lookup.campaign(deps, target, ended_too=True)
        if isinstance(found, Refusal):
            return self._no_campaign_yet(found, target) if name == "status" else found
        link = lookup.thread_link(deps, found)
        if name == "show":
            return blocks_reply(status.show_blocks(found, deps.realm, link), f"{found.id}: {STATE_WORDS[found.state]}")
        if name == "downtime":
            return blocks_reply(status.downtime_blocks([found], deps.realm), "Downtime")
        blocks = status.status_blocks(self._night(found), deps.realm, link)
        return blocks_reply(blocks, _first([found]))

    def _no_campaign_yet(self, refused: Refusal, target: str) -> Reply | Refusal:
        place = lookup.cluster(self._deps, target)
        if isinstance(place, Refusal) or self._deps.store.by_cluster(place.cluster):
            return refused
        words = f"*Safe to walk away: yes*, there was no campaign on {code(place.cluster)} yet. `/rollup plan {place.cluster}` makes a plan."
        return blocks_reply([section(words)], f"No campaign on {place.cluster}")

    def _cluster_view(self, name: str, typed: str) -> Reply | Refusal:
        deps = self._deps
        if typed:
            place = lookup.cluster(deps, typed)
            if isinstance(place, Refusal):
                return place
            found = deps.store.by_cluster(place.cluster)
        else:
            found = deps.store.all(limit=30)
        if name == "level":
            newest: dict[str, Campaign] = {}
            for campaign in sorted((c for c in found if c.plan), key=lambda c: c.created_at):
                newest[campaign.cluster] = campaign
            return blocks_reply(status.level_blocks(tuple(newest.values()), deps.realm), "Levels")
        links = [lookup.thread_link(deps, each, "thread") for each in found]
        return blocks_reply(status.history_blocks(found, links, deps.realm), "History")

    def _night(self, campaign: Campaign) -> Night:
        store = self._deps.store
        now = self._deps.clock.lab(store.server_time())
        shown = store.showing.get(campaign.id)
        seen = shown.seen
        old = seen is None or now - seen.at > OLD_S or now - seen.log_hours_at > LOGS_OLD_S
        if old:
            store.showing.ask(campaign.id, store.server_time())
            self._deps.wake.advance(campaign.id)
        return Night(
            campaign=campaign, policy=self._deps.policy(campaign.cluster), now=now, asked=old,
            shown=shown, took=history.steps(store.all(limit=MEASURED)),
            job_root=self._deps.job_root,
        )  # fmt: skip


def _first(campaigns: Sequence[Campaign]) -> str:
    return "; ".join(f"{c.id}: {STATE_WORDS[c.state]}" for c in campaigns) or "No campaign is open."
