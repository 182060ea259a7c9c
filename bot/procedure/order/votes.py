"""Votes in a recorded campaign: on the gate that stood open, by people who may vote, and enough of them at the intent.

A recorded vote is a bell and the recount decides (DESIGN §6); but the bot writes down, before an intent, what the recount
found and no bell had told. So a record shows a vote for every name in an intent, and no rejection that still stands.
"""

from __future__ import annotations

from bot.procedure.order.walk import SET_BACK_S, Walk
from state import words as w

_EMOJI = frozenset({
    "white_check_mark", "heavy_check_mark", "ballot_box_with_check", "+1", "ok",
    "no_entry", "no_entry_sign", "x", "-1", "negative_squared_cross_mark", "octagonal_sign",
})  # fmt: skip
"""Slack's own; nobody may give another one a meaning, for anyone may redraw a custom emoji."""
_NEVER_RECORDED = (w.VoteRefusal.OLD_GATE, w.VoteRefusal.NOT_A_GATE, w.VoteRefusal.EMOJI)


def opened(walk: Walk, event: w.GateOpened) -> None:
    """A gate stands once, in the campaign's channel and thread, as a message of its own."""
    if event.gate not in walk.gates:
        walk.no("APPROVAL-FRESH", f"Gate {event.gate} was opened but never prepared.")
    if event.gate in walk.posted or event.gate != walk.open:
        walk.no("APPROVAL-FRESH", f"Gate {event.gate} was opened and was not the gate in hand.")
    if not walk.thread or not event.ts or event.ts in walk.messages:
        walk.no("APPROVAL-FRESH", f"Gate {event.gate} has no message of its own in the campaign's thread.")
    if walk.request is not None and event.channel != walk.request.channel:
        walk.no("APPROVAL-FRESH", f"Gate {event.gate} stood in another channel than the campaign's.")
    walk.messages.add(event.ts)
    walk.posted.add(event.gate)


def voted(walk: Walk, vote: w.Vote) -> None:
    """A vote belongs to the open gate; whether it counts is what the gate's own lists say."""
    gate = walk.gates.get(vote.gate)
    if gate is None or vote.gate != walk.open or vote.gate not in walk.posted:
        walk.no("APPROVAL-FRESH", f"{vote.user} voted on {vote.gate}, which was not open.")
        return
    again = walk.votes.get((vote.user, vote.emoji)) == vote or vote.event_id in walk.bells
    walk.bells |= {vote.event_id} - {""}
    walk.votes[vote.user, vote.emoji] = vote
    walk.voters.add((vote.gate, vote.user, vote.emoji))
    listed = {actor.user for actor in gate.approvers}
    wrong = ""
    if again:
        wrong = "is told twice"
    elif not vote.user or not vote.person or vote.emoji not in _EMOJI:
        wrong = "is by nobody, or says nothing"
    elif vote.counted != (vote.refusal is None) or vote.refusal in _NEVER_RECORDED:
        wrong = "is counted and refused at once"
    elif vote.counted and vote.choice is w.Choice.APPROVE and vote.user not in listed:
        wrong = "counts, and the gate does not list who may approve it so"
    elif vote.counted and vote.choice is w.Choice.APPROVE and vote.person in walk.barred:
        wrong = "counts, and is by somebody who asked for it"
    elif vote.refusal is w.VoteRefusal.NOT_LISTED_AT_OPEN and vote.user in listed:
        wrong = "was refused as by a stranger, and the gate lists who cast it"
    elif vote.refusal is w.VoteRefusal.OWN_REQUEST and vote.choice is w.Choice.REJECT:
        wrong = "was refused as by who asked, and they may always say no"
    elif vote.refusal is w.VoteRefusal.EXPIRED and walk.at < gate.expires_at - SET_BACK_S:
        wrong = "was refused as too late, and was not"
    if wrong:
        walk.no("APPROVAL-FRESH", f"The vote of {vote.user or 'nobody'} on {vote.gate} {wrong}.")


def withdrawn(walk: Walk, event: w.VoteWithdrawn) -> None:
    """Only a vote that was cast is taken back."""
    if event.gate != walk.open or (event.gate, event.user, event.emoji) not in walk.voters:
        walk.no("APPROVAL-FRESH", f"{event.user} took back a vote on {event.gate} that nobody had seen.")
    walk.votes.pop((event.user, event.emoji), None)


def taken_back_late(walk: Walk, event: w.LateWithdrawal) -> None:
    """After the intent only a vote that it rests on is worth an entry."""
    intent = walk.intents.get(event.gate)
    if intent is None or event.user not in intent.users:
        walk.no("APPROVAL-FRESH", f"{event.user} took back a vote on {event.gate}, and no intent rests on it.")


def rejected(walk: Walk, event: w.GateRejected) -> None:
    """A gate is rejected by people whose “no” stands."""
    if event.gate != walk.open or not event.by or not set(event.by) <= _standing(walk, w.Choice.REJECT):
        walk.no("APPROVAL-FRESH", f"Gate {event.gate} was rejected by people whose vote the record does not show.")


def approved(walk: Walk, gate: w.Gate, intent: w.Intent) -> None:
    """Enough people, other ones than who asked, each of them with a vote that stands; and nobody's “no”."""
    persons = set(intent.approved_by)
    if len(persons) < max(1, gate.quorum) or len(persons) != len(intent.approved_by):
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} needs {max(1, gate.quorum)} approvals and has {len(persons)}.")
    own = persons & (walk.barred | set(gate.barred))
    if own:
        walk.no("APPROVAL-FRESH", f"{', '.join(sorted(own))} approved what they had asked for.")
    strangers = persons - {actor.person for actor in gate.approvers}
    if strangers:
        walk.no("APPROVAL-FRESH", f"{', '.join(sorted(strangers))} may not approve gate {gate.id}.")
    accounts = {actor.person for actor in gate.approvers if actor.user in intent.users}
    if accounts != persons or not set(intent.users) <= {actor.user for actor in gate.approvers}:
        walk.no("APPROVAL-FRESH", f"The accounts that approved gate {gate.id} are not those of the people it names.")
    pairs = {(actor.user, actor.person) for actor in gate.approvers}
    silent = persons - {vote.person for vote in _counted(walk, w.Choice.APPROVE) if (vote.user, vote.person) in pairs}
    if silent:
        walk.no("APPROVAL-FRESH", f"No vote of {', '.join(sorted(silent))} on gate {gate.id} is on record.")
    against = _standing(walk, w.Choice.REJECT)
    if against:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} was consumed although {', '.join(sorted(against))} had said no.")


def people_of(walk: Walk, gate: w.Gate) -> None:
    """A gate keeps out everyone who asked for anything, and lists approvers by account and person."""
    if set(gate.barred) != walk.barred:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} does not bar everyone who asked for it, and nobody else.")
    accounts = [actor.user for actor in gate.approvers]
    if len(set(accounts)) != len(accounts) or not all(actor.user and actor.person for actor in gate.approvers):
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} lists an approver twice, or nobody as one.")
    own = {actor.person for actor in gate.approvers} & walk.barred
    if walk.request is not None and walk.request.by.user in accounts:
        own.add(walk.request.by.person)
    if own:
        walk.no("APPROVAL-FRESH", f"Gate {gate.id} lists {', '.join(sorted(own))}, who asked for it, as approvers.")


def _counted(walk: Walk, choice: w.Choice) -> list[w.Vote]:
    return [vote for vote in walk.votes.values() if vote.counted and vote.choice is choice]


def _standing(walk: Walk, choice: w.Choice) -> set[str]:
    """The people whose vote of that choice counts now."""
    return {vote.person for vote in _counted(walk, choice)}
