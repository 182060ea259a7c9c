"""`/rollup …` and `@rollup …`: each changing command becomes one transition, which leaves the inbox in the same call."""

from __future__ import annotations

from dataclasses import dataclass

from handlers import advice, lookup, texts
from handlers.answers import Reply, blocks_reply, refusal_reply, sentence_reply
from handlers.blocks import code, esc, preformatted, sections
from handlers.calls import Accounts, Channels, SlackError
from handlers.deps import Deps, Place
from handlers.grammar import Ask, Verb, help_lines, parse, usage_of
from handlers.stands import STATE_WORDS, state_line, walk_line
from handlers.trust import Account
from handlers.views import Views
from state.campaign import FINAL, TABLE
from state.guards import open_blocks, place, waivable_blocks
from state.returning import way_back, why_not
from state.words import (
    AbortRequested,
    Actor,
    Campaign,
    Event,
    Paused,
    Rechecked,
    Refusal,
    RefusalKind,
    Resumed,
    Retried,
    ReturnAsked,
    Started,
    Unlocked,
    WaiverAsked,
)

# What each command appends; also how "what fits now" is found in the transition table.
EVENT_OF: dict[str, type[Event]] = {
    "start": Started, "pause": Paused, "resume": Resumed, "abort": AbortRequested, "retry": Retried,
    "recheck": Rechecked, "unlock": Unlocked, "waive": WaiverAsked, "return": ReturnAsked,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Words somebody typed, wherever they typed them. `id` is the inbox entry and the transition's op id."""

    id: str
    user: str
    channel: str
    text: str
    mention: bool = False
    thread_campaign: str = ""  # a mention inside a campaign's thread need not name it


class Commands:
    """Carries out requests. May raise StateError; the inbox entry then stays and is dispatched again."""

    def __init__(self, deps: Deps, accounts: Accounts, channels: Channels) -> None:
        self._deps = deps
        self._accounts = accounts
        self._channels = channels
        self._views = Views(deps)

    def account(self, user: str) -> Account | None:
        """Who somebody is, or None when Slack could not say."""
        return self._accounts.get(user)

    def run(self, request: Request) -> Reply:
        """Do it or refuse it; either way the inbox entry is gone afterwards."""
        answer = self._run(request)
        self._deps.store.inbox_drop(request.id)  # transitions took it out already; views and refusals did not
        if isinstance(answer, Refusal):
            return refusal_reply(texts.refusal(answer, self._deps.docs_url))
        return answer

    def _run(self, request: Request) -> Reply | Refusal:
        ask = parse(
            request.text, in_thread=bool(request.thread_campaign), is_name=lambda word: lookup.is_name(self._deps, word)
        )
        if isinstance(ask, Refusal):
            return ask
        if ask.verb.name == "help":
            lines = help_lines(ask.word)
            return lines if isinstance(lines, Refusal) else blocks_reply(sections(lines), "Commands of /rollup")
        if ask.verb.name == "plan":
            return self._plan(request, ask)
        if ask.verb.changes:
            return self._change(request, ask)
        return self._views.of(ask, request.thread_campaign)

    # --- plan

    def _plan(self, request: Request, ask: Ask) -> Reply | Refusal:
        deps, store = self._deps, self._deps.store
        place = lookup.cluster(deps, ask.target)
        if isinstance(place, Refusal):
            return place
        policy = deps.policy(place.cluster)
        refused = lookup.not_listed(deps, policy, request.user, "plan", place.cluster)
        if refused is not None:
            return refused
        channel = self._channel(place)
        if isinstance(channel, Refusal):
            return channel
        if request.mention and request.channel != channel:
            return _wrong_channel(place.cluster, channel)
        package = lookup.package(deps, ask.word, place.cluster)
        if isinstance(package, Refusal):
            return package
        refused = lookup.too_few(deps, policy, (), request.user, "plan")
        if refused is not None:
            return refused
        made = store.create(
            cluster=place.cluster, channel=channel, by=self._actor(request, place.cluster), package_ref=package.kb,
            options=ask.options, realm=deps.realm, op_id=request.id, at=self._now(), inbox_id=request.id,
        )  # fmt: skip
        if isinstance(made, Refusal):
            return self._said_better(made, "plan", None)
        self._wake(made.id)
        words = (
            f"Campaign {code(made.id)}: I read {esc(place.cluster)} now and post the plan for {code(package.kb)} in "
            f"<#{channel}>. Nothing is changed by a plan."
        )
        return sentence_reply(words)

    def _channel(self, place: Place) -> str | Refusal:
        """The id of a cluster's channel, where we may write."""
        try:
            ident, problem = self._channels.find(place.channel)
        except SlackError:
            ident, problem = "", "Slack did not answer"
        if not problem:
            return ident
        shown = f"<#{ident}>" if ident else texts.escape(place.channel)
        parts = (("where", shown), ("cluster", place.cluster), ("problem", problem), ("file", self._deps.config_file))
        return Refusal(kind=RefusalKind.CHANNEL_UNREACHABLE, parts=parts)

    # --- changes

    def _change(self, request: Request, ask: Ask) -> Reply | Refusal:
        deps = self._deps
        name = ask.verb.name
        campaign = self._campaign(request, ask)
        if isinstance(campaign, Refusal):
            return campaign
        policy = deps.policy(campaign.cluster)
        refused = lookup.not_listed(deps, policy, request.user, name, campaign.cluster)
        if refused is not None:
            return refused
        if request.mention and request.channel != campaign.channel:
            return _wrong_channel(campaign.cluster, campaign.channel)
        if campaign.state in FINAL:
            return lookup.finished(deps, campaign)
        if EVENT_OF[name] not in TABLE[campaign.state]:
            return self._wrong_state(campaign, name)
        if ask.verb.bars:
            refused = lookup.too_few(deps, policy, campaign.barred, request.user, name)
            if refused is not None:
                return refused
        if name == "waive" and ask.word not in {check.rule for check in waivable_blocks(campaign)}:
            return lookup.not_waivable(deps, campaign, ask.word)
        if name == "return" and why_not(campaign):
            return lookup.no_way_back(deps, campaign, why_not(campaign))
        if name == "unlock":
            shown = self._unlock_needs(campaign, ask)
            if shown is not None:
                return shown
        event = self._event(request, ask, campaign)
        after = deps.store.apply(campaign.id, event, op_id=request.id, at=self._now(), inbox_id=request.id)
        if isinstance(after, Refusal):
            return self._said_better(after, name, campaign)
        self._wake(after.id)
        return self._told(ask.verb, after)

    def _campaign(self, request: Request, ask: Ask) -> Campaign | Refusal:
        if not ask.target and request.thread_campaign:
            found = self._deps.store.get(request.thread_campaign)
            if found is not None:
                return found
        if not ask.target:
            return usage_of(ask.verb, f"no {ask.verb.target} is named")
        if ask.verb.name == "unlock":
            holder = self._deps.store.lock_holder(ask.target)
            found = self._deps.store.get(holder) if holder else None
            if found is not None:
                return found
        return lookup.campaign(self._deps, ask.target, for_start=ask.verb.name == "start")

    def _event(self, request: Request, ask: Ask, campaign: Campaign) -> Event:
        by = self._actor(request, campaign.cluster)
        match ask.verb.name:
            case "start":
                return Started(by=by)
            case "pause":
                return Paused(by=by, reason=ask.reason)
            case "resume":
                return Resumed(by=by)
            case "abort":
                return AbortRequested(by=by, reason=ask.reason)
            case "retry":
                return Retried(by=by, reason=ask.reason)
            case "waive":
                return WaiverAsked(by=by, rule=ask.word, step=place(campaign), reason=ask.reason)
            case "return" if (step := way_back(campaign)) is not None:
                return ReturnAsked(by=by, reason=ask.reason or "no reason was given", step=step)
            case "unlock":
                return Unlocked(by=by, job=campaign.open_job.order.name if campaign.open_job else "")
            case _:
                return Rechecked(by=by)

    def _unlock_needs(self, campaign: Campaign, ask: Ask) -> Reply | None:
        """The open job must be named to release locks over it: whoever unlocks has seen it."""
        job = campaign.open_job
        if job is None or ask.word == job.order.name:
            return None
        where = f"*{esc(job.order.command.node)}*: {esc(job.order.command.purpose)}"
        lines = [
            f"*Not done yet.* A job of {code(campaign.id)} may still run on {where}.",
            *advice.where_to_look(campaign),
            "Look there first. To release the locks all the same, name the job:",
        ]
        typed = f"/rollup unlock {ask.target or campaign.cluster} {job.order.name}"
        return blocks_reply([*sections(lines), preformatted([("", typed)])], "Not done yet: a job may still run.")

    def _told(self, verb: Verb, after: Campaign) -> Reply:
        """What was done, how the cluster stands now, and what a human should run."""
        where = lookup.thread_link(self._deps, after)
        head = f"*{verb.name.capitalize()}* noted for {code(after.id)} ({where}). {state_line(after)}"
        if verb.name not in {"pause", "abort", "unlock"}:
            return sentence_reply(head)
        lines = [head, walk_line(after), *advice.state_of_the_cluster(after)]
        if verb.name == "abort" and after.images:
            lines.append(
                "When it has ended, the thread says which groups and services differ from how they were found, "
                "with the commands that put them back."
            )
        blocks = sections(lines)
        hints = advice.resume_hint(after)
        if hints:
            blocks.append(preformatted([(f"To {purpose}:", command) for purpose, command in hints]))
        return blocks_reply(blocks, f"{verb.name} noted for {after.id}")

    # --- refusals with the facts people need

    def _said_better(self, refused: Refusal, command: str, campaign: Campaign | None) -> Refusal:
        """The store's refusal with links and plain words for states."""
        if refused.kind is RefusalKind.BUSY:
            holder = self._deps.store.get(refused.part("holder") or refused.part("campaign"))
            taken = refused.part("lock") or refused.part("cluster")
            if holder is None:
                return refused
            parts = (("cluster", taken or holder.cluster), ("campaign", holder.id),
                     ("state", STATE_WORDS[holder.state]), ("link", lookup.thread_link(self._deps, holder)))  # fmt: skip
            return Refusal(kind=RefusalKind.BUSY, parts=parts)
        now = self._deps.store.get(campaign.id) if campaign is not None else None
        if now is None:
            return refused
        if refused.kind is RefusalKind.PLAN_BLOCKED:
            return lookup.plan_blocked(self._deps, now, open_blocks(now, self._now()))
        return lookup.finished(self._deps, now) if now.state in FINAL else self._wrong_state(now, command)

    def _wrong_state(self, campaign: Campaign, command: str) -> Refusal:
        ways = TABLE[campaign.state]
        job = campaign.open_job
        also = {"waive": bool(waivable_blocks(campaign)), "return": not why_not(campaign), "retry": job is None}
        fits = [verb for verb, event in EVENT_OF.items() if event in ways and also.get(verb, True)]
        allowed = [*fits, "status"]
        problem = ""
        if command == "retry" and job is not None:
            problem = f"nobody knows yet how its job on {job.order.command.node} ended"
        parts = (("command", command), ("campaign", campaign.id), ("state", STATE_WORDS[campaign.state]),
                 ("problem", problem), ("allowed", ", ".join(allowed)), ("link", lookup.thread_link(self._deps, campaign)))  # fmt: skip
        return Refusal(kind=RefusalKind.WRONG_STATE, parts=parts)

    # --- small parts

    def _actor(self, request: Request, cluster: str) -> Actor:
        account = self._accounts.get(request.user)
        person = self._deps.policy(cluster).person(request.user)
        return Actor(user=request.user, person=person, name=account.name if account is not None else "")

    def _now(self) -> float:
        return self._deps.clock.lab(self._deps.store.server_time())

    def _wake(self, campaign_id: str) -> None:
        self._deps.wake.advance(campaign_id)
        self._deps.wake.publish(campaign_id)


def _wrong_channel(cluster: str, channel: str) -> Refusal:
    return Refusal(kind=RefusalKind.WRONG_CHANNEL, parts=(("cluster", cluster), ("channel", channel)))
