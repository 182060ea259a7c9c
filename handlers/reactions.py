"""Reactions on gates: a bell that is judged, recorded and answered. The recount before the step decides."""

from __future__ import annotations

from handlers import lookup, texts, votes
from handlers.answers import Answers, sentence_reply
from handlers.blocks import people, when
from handlers.calls import Accounts
from handlers.deps import Deps
from handlers.stands import may_approve
from handlers.trust import Altered, Reacted
from state.campaign import FINAL
from state.words import (
    Campaign,
    Event,
    Gate,
    GateStatus,
    LateWithdrawal,
    Refusal,
    State,
    Vote,
    Voted,
    VoteRefusal,
    VoteWithdrawn,
)

WHY_OLD: dict[State, str] = {
    State.ACTING: "its step has begun",
    State.PAUSING: "its step has begun",
    State.PAUSED: "the campaign is paused",
    State.ABORTING: "the campaign was aborted",
    State.ASKING: "the campaign has stopped and asks people",
    State.BLOCKED: "a rule blocks the campaign",
}


class Reactions:
    """Handles one reaction. May raise StateError; the inbox entry then stays."""

    def __init__(self, deps: Deps, accounts: Accounts, answers: Answers) -> None:
        self._deps = deps
        self._accounts = accounts
        self._answers = answers

    def run(self, seen: Reacted) -> bool:
        """True when the entry is finished, False when it must wait in the inbox for its gate to open."""
        deps = self._deps
        if seen.user == deps.identity.user_id or (seen.team and seen.team != deps.identity.team_id):
            deps.store.inbox_drop(seen.id)
            return True
        ref = deps.store.find_by_gate(seen.channel, seen.ts)
        if ref is None:
            early = self._may_be_early(seen)
            ref = deps.store.find_by_gate(seen.channel, seen.ts)  # it may have opened while we looked
            if ref is None and early:
                return False
        if ref is None:
            deps.store.inbox_drop(seen.id)  # any other message: ignored before anything is asked of Slack
            return True
        campaign = deps.store.get(ref.campaign)
        if campaign is not None and votes.choice_of(seen.emoji, deps.policy(campaign.cluster)) is not None:
            gate = campaign.gate
            is_open = gate is not None and gate.id == ref.gate and gate.status is GateStatus.OPENED
            if gate is not None and is_open:
                self._on_open(seen, campaign, gate)
            else:
                self._on_old(seen, campaign, ref.gate)
        deps.store.inbox_drop(seen.id)
        return True

    def altered(self, seen: Altered) -> None:
        """A gate's message was deleted or edited: the engine looks at once, and the recount finds it not intact."""
        ref = self._deps.store.find_by_gate(seen.channel, seen.ts)
        if ref is not None:
            self._deps.wake.advance(ref.campaign)
        self._deps.store.inbox_drop(seen.id)

    def _may_be_early(self, seen: Reacted) -> bool:
        """Whether the message may be a gate whose ts is not in state yet: a vote that came before GateOpened."""
        if seen.item_user and seen.item_user != self._deps.identity.user_id:
            return False
        return any(
            campaign.channel == seen.channel
            and campaign.gate is not None
            and campaign.gate.status is GateStatus.PREPARED
            and votes.choice_of(seen.emoji, self._deps.policy(campaign.cluster)) is not None
            for campaign in self._deps.store.active()
        )

    def _on_open(self, seen: Reacted, campaign: Campaign, gate: Gate) -> None:
        if not seen.added:
            known = votes.emoji_name(seen.emoji)
            if any(vote.user == seen.user and vote.emoji == known for vote in campaign.votes):
                self._apply(campaign, VoteWithdrawn(gate=gate.id, user=seen.user, emoji=known), seen)
            return
        policy = self._deps.policy(campaign.cluster)
        now = self._deps.clock.lab(self._deps.store.server_time())
        rules = votes.Rules(
            gate=gate, policy=policy, requester=campaign.requester.person, us=self._deps.identity.user_id,
            expired=now >= gate.expires_at,
        )  # fmt: skip
        account = self._accounts.get(seen.user, patience_s=5.0)
        vote = votes.judge(rules, seen.user, seen.emoji, account, event_id=seen.id)
        if vote is None:
            return
        vote = votes.once_per_person([*(v for v in campaign.votes if v.user != seen.user), vote])[-1]
        if self._apply(campaign, Voted(vote=vote), seen):
            if vote.refusal is not None:
                self._refuse(seen, campaign, gate, vote)
        else:
            self._say(seen, campaign, VoteRefusal.OLD_GATE, {"why": WHY_OLD.get(campaign.state, "")})

    def _on_old(self, seen: Reacted, campaign: Campaign, gate_id: str) -> None:
        intent = campaign.intent
        if not seen.added:
            person = self._deps.policy(campaign.cluster).person(seen.user)
            late = intent is not None and intent.gate == gate_id and seen.user in intent.users
            late = late or any(w.gate == gate_id and person in w.approved_by for w in campaign.waivers)
            if late and campaign.state not in FINAL:
                event = LateWithdrawal(gate=gate_id, user=seen.user, emoji=votes.emoji_name(seen.emoji))
                self._apply(campaign, event, seen)
            return
        why = WHY_OLD.get(campaign.state, "")
        if campaign.state in FINAL:
            why = "the campaign has ended"
        elif campaign.gate is not None and campaign.gate.id != gate_id:
            why = "another gate took its place"
        self._say(seen, campaign, VoteRefusal.OLD_GATE, {"why": why})

    def _apply(self, campaign: Campaign, event: Event, seen: Reacted) -> bool:
        at = self._deps.clock.lab(self._deps.store.server_time())
        after = self._deps.store.apply(campaign.id, event, op_id=seen.id, at=at, inbox_id=seen.id)
        if isinstance(after, Refusal):
            return False
        self._deps.wake.advance(campaign.id)
        self._deps.wake.publish(campaign.id)
        return True

    def _refuse(self, seen: Reacted, campaign: Campaign, gate: Gate, vote: Vote) -> None:
        if vote.refusal in {None, VoteRefusal.EMOJI, VoteRefusal.BOT, VoteRefusal.INACTIVE}:
            return  # nobody there to read it
        self._say(seen, campaign, vote.refusal or VoteRefusal.UNREADABLE, {"when": when(gate.expires_at, "{time}")})

    def _say(self, seen: Reacted, campaign: Campaign, kind: VoteRefusal, more: dict[str, str]) -> None:
        policy = self._deps.policy(campaign.cluster)
        could = [user for user in may_approve(campaign, policy) if user != seen.user]
        parts = {
            "user": seen.user, "emoji": f":{votes.emoji_name(seen.emoji)}:", "campaign": campaign.id,
            "cluster": campaign.cluster, "could": people(could), "file": self._deps.config_file, **more,
        }  # fmt: skip
        gate = campaign.gate
        if gate is not None and gate.status is GateStatus.OPENED and gate.ts != seen.ts:
            parts["link"] = lookup.message_link(self._deps, campaign, gate.ts, gate.title)
        words = texts.vote(kind, parts, self._deps.docs_url)
        self._answers.send(seen.user, seen.channel, sentence_reply(words), thread=campaign.thread_ts)
