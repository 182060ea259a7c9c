"""What Slack shows and no event had told is in the record before anything rests on it."""

from __future__ import annotations

from state.store import Store
from state.words import Choice, GateConsumed, GateRejected, Vote, Voted, VoteWithdrawn, WaiverAsked
from tests.engine.bench import ALICE, Bench
from tests.engine.test_risk_gates import BACK
from tests.procedure.build import NEW, ccr, plan_of, regroup


def at_a_risk_gate(store: Store) -> Bench:
    """Open, and Carol's vote came as an event. Slack shows Bob's, and not hers."""
    found = ccr(scr=NEW)
    bench = Bench(store, regroup(found, "Cluster Group", **BACK))
    bench.begin(plan_of(found))
    bench.advance()
    bench.apply(bench.here().id, WaiverAsked(by=ALICE, rule="FAILBACK-OFF", step="s01", reason="it is known"))
    bench.advance()
    gate = bench.opened()
    vote = Vote(gate=gate.id, user="U3", person="carol", emoji="+1", choice=Choice.APPROVE, counted=True)
    bench.apply(bench.here().id, Voted(vote=vote))
    return bench


def test_votes_that_no_event_told_and_one_taken_back_unseen_are_written_down_before_the_intent(store: Store) -> None:
    bench = at_a_risk_gate(store)
    here = bench.advance()
    assert [waiver.approved_by for waiver in here.waivers] == [("bob",)]
    events = [one.event for one in store.events(here.id)]
    intent = next(n for n, event in enumerate(events) if isinstance(event, GateConsumed))
    told, gone = events[intent - 2 : intent]
    assert isinstance(told, Voted)
    assert (told.vote.person, told.vote.counted) == ("bob", True)
    assert isinstance(gone, VoteWithdrawn)
    assert gone.user == "U3"
    written = [event for event in events if isinstance(event, (Voted, VoteWithdrawn))]
    assert len(written) == 3, "what was told is not told again"


def test_one_emoji_in_two_skin_tones_is_told_once(store: Store) -> None:
    bench = at_a_risk_gate(store)
    bench.votes.tones = 2
    here = bench.advance()
    assert [waiver.approved_by for waiver in here.waivers] == [("bob",)]
    assert len([one for one in store.events(here.id) if isinstance(one.event, Voted)]) == 2, "Carol's, and Bob's once"


def test_a_rejection_that_no_event_told_stands_before_the_gate_is_rejected(store: Store) -> None:
    bench = at_a_risk_gate(store)
    bench.votes.choice = Choice.REJECT
    here = bench.advance()
    events = [one.event for one in store.events(here.id)]
    closed = next(n for n, event in enumerate(events) if isinstance(event, GateRejected))
    votes = [event.vote for event in events[:closed] if isinstance(event, Voted)]
    assert ("bob", Choice.REJECT) in {(vote.person, vote.choice) for vote in votes}
