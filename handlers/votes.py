"""Which reactions count for a gate: one pure function, used when a reaction is seen and when votes are recounted.

DESIGN §6: right emoji (skin tones cut, aliases folded, custom emoji never), an active full member of this
workspace, eligible when the gate opened AND now, a different person from everyone barred; a person counts
once; a rejection by any eligible approver or by the requester counts and beats approvals. An empty policy denies.
The caller has made sure that it is the right message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handlers.trust import Account
from state.words import Choice, Gate, Policy, Vote, VoteRefusal

# Slack's own second names (emoji-datasource 16): same picture, two words in events.
ALIASES = {"thumbsup": "+1", "thumbsdown": "-1"}
# The only emoji a policy may give a meaning: Slack's own. A workspace's custom emoji never count, whatever a
# settings file says, because anyone may redraw them.
STANDARD = frozenset({
    "white_check_mark", "heavy_check_mark", "ballot_box_with_check", "+1", "ok",
    "no_entry", "no_entry_sign", "x", "-1", "negative_squared_cross_mark", "octagonal_sign",
})  # fmt: skip


def emoji_name(raw: str) -> str:
    """An emoji's canonical name: `+1::skin-tone-3` and `thumbsup` are both `+1`."""
    name = raw.split("::", 1)[0].strip(":")
    return ALIASES.get(name, name)


def choice_of(raw: str, policy: Policy) -> Choice | None:
    """What an emoji says under a policy, or None. A rejection wins where a policy lists one emoji as both."""
    name = emoji_name(raw)
    if name not in STANDARD:
        return None
    if name in {emoji_name(e) for e in policy.reject}:
        return Choice.REJECT
    if name in {emoji_name(e) for e in policy.approve}:
        return Choice.APPROVE
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything a reaction is judged by, besides who reacted."""

    gate: Gate
    policy: Policy
    requester: str  # the person who asked for the campaign
    us: str  # our own Slack user id
    expired: bool = False


def _account_refusal(account: Account) -> VoteRefusal | None:
    if account.bot:
        return VoteRefusal.BOT
    if account.deleted:
        return VoteRefusal.INACTIVE
    if account.external:
        return VoteRefusal.EXTERNAL
    if account.guest:
        return VoteRefusal.GUEST
    return None


def _standing_refusal(rules: Rules, user: str, choice: Choice) -> VoteRefusal | None:
    """Whether this person may vote so on this gate at all, accounts aside."""
    person = rules.policy.person(user)
    # Both the person as mapped now and as mapped when the gate opened: a map edited meanwhile frees nobody.
    then = {a.person for a in rules.gate.approvers if a.user == user}
    persons = {person, user, *then}
    named = {*rules.gate.barred, rules.requester}
    barred = persons & {*named, *(rules.policy.person(name) for name in named)}
    listed = user in rules.policy.approvers
    if choice is Choice.REJECT and (rules.requester in persons or (listed and (then or barred))):
        return None  # saying no is always safe: also by an approver who started it, also by who asked
    if choice is Choice.APPROVE and barred:
        return VoteRefusal.OWN_REQUEST
    if not listed:
        return VoteRefusal.NOT_LISTED
    if not then:
        return VoteRefusal.NOT_LISTED_AT_OPEN
    return None


def judge(rules: Rules, user: str, emoji: str, account: Account | None, *, event_id: str = "") -> Vote | None:
    """One reaction as a vote, counted or refused with its reason; None for an emoji that says nothing.

    `account` is None when Slack could not say who this is: such a vote never counts.
    """
    choice = choice_of(emoji, rules.policy)
    if choice is None:
        return None
    refusal: VoteRefusal | None
    if user in {rules.us, "USLACKBOT"}:
        refusal = VoteRefusal.BOT
    else:
        refusal = (_account_refusal(account) if account is not None else None) or _standing_refusal(rules, user, choice)
        if refusal is None and account is None:
            refusal = VoteRefusal.UNREADABLE
        if refusal is None and rules.expired:
            refusal = VoteRefusal.EXPIRED
    return Vote(
        gate=rules.gate.id,
        user=user,
        person=rules.policy.person(user),
        emoji=emoji_name(emoji),
        choice=choice,
        counted=refusal is None,
        refusal=refusal,
        event_id=event_id,
    )


def once_per_person(votes: Iterable[Vote]) -> tuple[Vote, ...]:
    """The same votes, a second account of somebody already counted for that choice refused."""
    counted: dict[tuple[str, Choice], str] = {}
    out: list[Vote] = []
    for vote in votes:
        first = counted.setdefault((vote.person, vote.choice), vote.user) if vote.counted else vote.user
        if first != vote.user:
            vote = Vote(
                gate=vote.gate,
                user=vote.user,
                person=vote.person,
                emoji=vote.emoji,
                choice=vote.choice,
                counted=False,
                refusal=VoteRefusal.SAME_PERSON,
                event_id=vote.event_id,
            )
        out.append(vote)
    return tuple(out)


def tally(
    rules: Rules, reactions: Iterable[tuple[str, tuple[str, ...]]], accounts: Mapping[str, Account]
) -> tuple[Vote, ...]:
    """Every reaction on a gate's message, judged: (emoji, people) pairs in Slack's order."""
    votes = (judge(rules, user, emoji, accounts.get(user)) for emoji, users in reactions for user in users)
    return once_per_person(vote for vote in votes if vote is not None)


def voters(rules: Rules, reactions: Iterable[tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """Whose accounts must be looked up: everyone whose reaction could count at all."""
    wanted = [
        user
        for emoji, users in reactions
        for user in users
        if (choice := choice_of(emoji, rules.policy)) is not None
        and user != rules.us
        and _standing_refusal(rules, user, choice) is None
    ]
    return tuple(dict.fromkeys(wanted))
