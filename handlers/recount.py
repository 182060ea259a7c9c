"""Reads a gate's votes back from Slack: the message first, then who reacted, then who they are. Never raises."""

from __future__ import annotations

from collections.abc import Sequence

from handlers import trust, votes
from handlers.calls import Accounts, Calls, Outage, Refused, SlackError
from handlers.deps import Deps
from handlers.prints import fingerprint
from state.errors import StateError
from state.words import Ballot, Campaign, Choice, Gate, VoteRefusal

GONE = frozenset({"message_not_found", "thread_not_found", "channel_not_found", "is_archived"})


class Recount:
    """Implements ports.Slack.recount."""

    def __init__(self, deps: Deps, calls: Calls, accounts: Accounts) -> None:
        self._deps = deps
        self._calls = calls
        self._accounts = accounts

    def __call__(self, campaign: Campaign, gate: Gate) -> Ballot:
        """The ballot as Slack has it now; `unreadable` when anything could not be asked."""
        read_at = 0.0
        try:
            # The time of the START of the read, by the store's clock: a reaction taken back before is never missed.
            read_at = self._deps.store.server_time()
            return self._read(campaign, gate, read_at)
        except SlackError as lost:
            return _unreadable(gate, read_at, f"Slack could not be asked: {lost}")
        except StateError as lost:
            return _unreadable(gate, read_at, f"the store could not be asked: {type(lost).__name__}")
        except Exception as broken:  # noqa: BLE001 - the port promises never to raise: an unforeseen answer is "could not tell"
            return _unreadable(gate, read_at, f"the votes could not be read: {type(broken).__name__}")

    def _read(self, campaign: Campaign, gate: Gate, read_at: float) -> Ballot:
        if not gate.ts or not gate.channel or not gate.posted_hash:
            return _void(gate, read_at, "the gate has no message in Slack")
        message = self._message(campaign, gate)
        if message is None:
            return _void(gate, read_at, "the gate's message is gone")
        if wrong := self._tampered(gate, message):
            return _void(gate, read_at, wrong)
        reactions = self._reactions(gate, message)
        if reactions is None:
            return _unreadable(gate, read_at, "Slack did not list everyone who reacted")
        policy = self._deps.policy(campaign.cluster)
        rules = votes.Rules(
            gate=gate, policy=policy, requester=campaign.requester.person, us=self._deps.identity.user_id,
            expired=self._deps.clock.lab(read_at) >= gate.expires_at,
        )  # fmt: skip
        accounts = {user: self._accounts.get(user) for user in votes.voters(rules, reactions)}
        counted = votes.tally(rules, reactions, {user: a for user, a in accounts.items() if a is not None})
        for vote in counted:
            # A rejection that could not be checked may be a real one: it must not be overlooked.
            if vote.refusal is VoteRefusal.UNREADABLE and vote.choice is Choice.REJECT:
                return _unreadable(gate, read_at, f"Slack did not say who {vote.user} is, who rejects")
        return Ballot(gate=gate.id, read_at=read_at, intact=True, votes=counted)

    def _message(self, campaign: Campaign, gate: Gate) -> trust.Standing | None:
        try:
            answer = self._calls(
                "conversations.replies", patience_s=0.0, channel=gate.channel, ts=campaign.thread_ts or gate.ts,
                oldest=gate.ts, latest=gate.ts, inclusive=True, include_all_metadata=True, limit=10,
            )  # fmt: skip
        except Refused as refused:
            if refused.code in GONE:
                return None
            raise
        page = trust.messages(answer)
        if isinstance(page, trust.Rejected):
            raise Outage("conversations.replies", page.why, sent=False)
        return next((message for message in page if message.ts == gate.ts), None)

    def _tampered(self, gate: Gate, message: trust.Standing) -> str:
        us = self._deps.identity
        if not message.bot_id or message.bot_id != us.bot_id:
            return "the gate's message is not ours"
        if us.app_id and message.app_id and message.app_id != us.app_id:
            return "the gate's message is another app's"
        if message.edited:
            return "the gate's message was edited"
        if fingerprint(message.text, message.blocks) != gate.posted_hash:
            return "the gate's message does not say what was posted"
        if message.event_type != "rollup_gate" or message.payload.get("event") is None:
            return "the gate's message does not carry its mark"
        if message.payload.get("campaign") != gate.campaign or gate_of(message.payload) != gate.id:
            return "the gate's message carries another gate's mark"
        return ""

    def _reactions(self, gate: Gate, message: trust.Standing) -> Sequence[tuple[str, tuple[str, ...]]] | None:
        try:
            answer = self._calls("reactions.get", patience_s=0.0, channel=gate.channel, timestamp=gate.ts, full=True)
        except SlackError:
            return None if message.reactions_cut else message.reactions
        found = trust.reaction_list(answer)
        if isinstance(found, trust.Rejected):
            return None if message.reactions_cut else message.reactions
        listed, cut = found
        return None if cut else listed


def gate_of(payload: object) -> str:
    """The gate id a message's metadata names: `<campaign>.<step>.<attempt>`."""
    if not isinstance(payload, dict):
        return ""
    return f"{payload.get('campaign')}.{payload.get('step')}.{payload.get('attempt')}"


def _void(gate: Gate, read_at: float, why: str) -> Ballot:
    return Ballot(gate=gate.id, read_at=read_at, intact=False, why_not=why)


def _unreadable(gate: Gate, read_at: float, why: str) -> Ballot:
    return Ballot(gate=gate.id, read_at=read_at, intact=False, why_not=why, unreadable=True)
