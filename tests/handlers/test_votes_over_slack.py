"""Reactions on gates as people make them, and the recount that decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.lab.workspace.acts import act
from state.words import (
    Actor,
    Choice,
    GateConsumed,
    GatePrepared,
    GateStatus,
    GateVoided,
    Intent,
    Paused,
    Policy,
    Started,
    State,
)
from tests.handlers.conftest import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    GUEST,
    OPS,
    POLICY,
    ROBOT,
    STRANGER,
    Bench,
    a_gate,
    until,
)


def ballot(bench: Bench):
    campaign = bench.campaign()
    assert campaign.gate is not None
    return bench.edge.recount(campaign, campaign.gate)


def consume(bench: Bench, users: tuple[str, ...] = (BOB,)) -> None:
    campaign = bench.campaign()
    gate, lease = campaign.gate, bench.store.leases.take(campaign.id)
    assert gate is not None
    assert lease is not None
    intent = Intent(
        gate=gate.id,
        step=gate.step,
        attempt=gate.attempt,
        digest=gate.digest,
        approved_by=users,
        users=users,
        fence=lease.fence,
        token=lease.token,
        version=campaign.version,
        not_after=2e9,
    )
    bench.apply(GateConsumed(intent=intent), lease=lease)
    bench.store.leases.release(lease)


def test_an_approvers_reaction_is_seen_counted_and_recounted(bench: Bench) -> None:
    gate = bench.gated()
    bench.reacts(BOB, gate.ts)
    vote = until(lambda: bench.campaign().votes)[0]
    assert (vote.user, vote.counted, vote.choice) == (BOB, True, Choice.APPROVE)
    assert bench.woken.advanced[-1] == "CLUSTER01-1"
    found = ballot(bench)
    assert found.intact
    assert not found.unreadable
    assert found.approvals == (BOB,)
    until(lambda: bench.store.inbox_list() == [])


def test_the_requesters_own_approval_is_refused_in_words_only_the_requester_sees(bench: Bench) -> None:
    gate = bench.gated()
    bench.reacts(ALICE, gate.ts)
    said = until(lambda: [w for w in bench.whispers(ALICE) if "does not count" in w])[0]
    assert "Every step needs a second person" in said
    assert f"<@{BOB}>" in said
    assert not any("does not count" in w for w in bench.whispers(BOB))
    assert [v.counted for v in bench.campaign().votes] == [False]
    assert ballot(bench).approvals == ()


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (DAVE, "not listed as an approver"),
        (GUEST, "guest"),
        (STRANGER, "another workspace"),
    ],
)
def test_people_who_may_not_approve_are_told_why(bench: Bench, who: str, words: str) -> None:
    gate = bench.gated()
    bench.reacts(who, gate.ts)
    assert words in until(lambda: [w for w in bench.whispers(who) if "does not count" in w])[0]
    assert ballot(bench).approvals == ()


def test_a_bot_never_counts_though_it_is_listed(bench: Bench) -> None:
    gate = bench.gated()
    bench.reacts(ROBOT, gate.ts)
    bench.space.react(bench.space.app.user_id, "white_check_mark", OPS, gate.ts, add=True)
    until(lambda: bench.campaign().votes)
    assert ballot(bench).approvals == ()


def test_skin_tones_and_aliases_count_and_other_emoji_say_nothing(bench: Bench) -> None:
    gate = bench.gated()
    bench.reacts(CAROL, gate.ts, "eyes")
    bench.reacts(BOB, gate.ts, "+1::skin-tone-3")
    until(lambda: bench.campaign().votes)
    assert ballot(bench).approvals == (BOB,)
    assert bench.whispers(CAROL) == []


def test_a_rejection_beats_approvals_and_counts_from_the_requester_too(bench: Bench) -> None:
    gate = bench.gated()
    bench.reacts(BOB, gate.ts)
    bench.reacts(ALICE, gate.ts, "no_entry")
    until(lambda: len(bench.campaign().votes) == 2)
    assert ballot(bench).rejections == (ALICE,)
    bench.reacts(DAVE, gate.ts, "no_entry")
    until(lambda: bench.whispers(DAVE))
    assert ballot(bench).rejections == (ALICE,)


def test_taking_a_reaction_back_before_the_step_withdraws_it(bench: Bench) -> None:
    gate = bench.gated()
    bench.reacts(BOB, gate.ts)
    until(lambda: bench.campaign().votes)
    bench.reacts(BOB, gate.ts, take_back=True)
    until(lambda: not any(v.counted for v in bench.campaign().votes))
    assert ballot(bench).approvals == ()


def test_taking_it_back_after_the_intent_is_recorded_and_stops_nothing(bench: Bench) -> None:
    gate = bench.gated()
    bench.reacts(BOB, gate.ts)
    until(lambda: bench.campaign().votes)
    consume(bench)
    bench.reacts(BOB, gate.ts, take_back=True)
    until(lambda: "recorded and stops nothing" in (bench.edge.project("CLUSTER01-1") or bench.thread()))
    assert bench.campaign().state is State.ACTING


def test_a_reaction_on_an_old_gate_is_answered_and_changes_nothing(bench: Bench) -> None:
    old = bench.gated()
    bench.apply(Paused(by=Actor(user=CAROL, person=CAROL)))
    before = bench.campaign().version
    bench.reacts(BOB, old.ts)
    said = until(lambda: bench.whispers(BOB))[0]
    assert "no longer open" in said
    assert "paused" in said
    assert bench.campaign().version == before


def test_a_reaction_after_expiry_does_not_count_and_says_so(bench: Bench) -> None:
    bench.started()  # its own time is not the gate's
    gate = bench.gated(expires_at=bench.clock.lab() + 3.0)
    until(lambda: bench.clock.lab() > gate.expires_at)
    bench.reacts(BOB, gate.ts)
    assert "ran out" in until(lambda: bench.whispers(BOB))[0]
    assert ballot(bench).approvals == ()


def test_a_reaction_on_any_other_message_is_ignored(bench: Bench) -> None:
    campaign = bench.started()
    ts = bench.says(DAVE, "lunch?")
    bench.reacts(BOB, ts)
    bench.reacts(BOB, campaign.thread_ts)
    until(lambda: bench.store.inbox_list() == [])
    assert bench.whispers(BOB) == []


def test_a_vote_that_comes_before_the_gate_is_open_waits_and_is_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = bench.started()
    bench.apply(GatePrepared(gate=a_gate(campaign)))
    real = bench.store.apply
    seen: list[int] = []

    def slowly(ident: str, events, **other):
        if other["op_id"].startswith("open-"):  # the message stands; its ts is not in state yet
            bench.reacts(BOB, bench.posts("rollup_gate")[0].ts)
            until(lambda: seen.append(1) or bench.store.inbox_list())
        return real(ident, events, **other)

    monkeypatch.setattr(bench.store, "apply", slowly)
    bench.edge.project(campaign.id)
    assert seen
    assert until(lambda: bench.campaign().votes or (bench.edge.dispatch_inbox(all_of_it=True) and None))[0].user == BOB


def test_a_person_with_two_accounts_counts_once(bench: Bench) -> None:
    bench.policy = Policy(requesters=(ALICE,), approvers=(BOB, CAROL), persons=((BOB, "bob"), (CAROL, "bob")), quorum=1)
    bench.planned()
    campaign = bench.campaign()
    assert campaign.barred == (ALICE,)
    bench.apply(Started(by=Actor(user=ALICE, person=ALICE)))
    gate = bench.gated()
    bench.reacts(BOB, gate.ts)
    until(lambda: len(bench.campaign().votes) == 1)
    bench.reacts(CAROL, gate.ts)
    assert "another account of yours" in until(lambda: bench.whispers(CAROL))[0]
    assert ballot(bench).approvals == ("bob",)


def test_an_approver_added_after_opening_is_told_to_wait_for_the_next_gate(bench: Bench) -> None:
    gate = bench.gated()
    bench.policy = replace(POLICY, approvers=(*POLICY.approvers, ERIN))
    bench.reacts(ERIN, gate.ts)
    assert "after this gate opened" in until(lambda: bench.whispers(ERIN))[0]
    assert ballot(bench).approvals == ()


def test_an_approver_taken_off_the_list_no_longer_counts(bench: Bench) -> None:
    gate = bench.gated()
    bench.reacts(BOB, gate.ts)
    until(lambda: bench.campaign().votes)
    bench.policy = replace(POLICY, approvers=(CAROL,))
    assert ballot(bench).approvals == ()


def test_an_account_switched_off_after_its_vote_no_longer_counts(bench: Bench) -> None:
    gate = bench.gated()
    bench.reacts(BOB, gate.ts)
    until(lambda: bench.campaign().votes)
    bench.space.people[BOB] = replace(bench.space.people[BOB], deleted=True)
    until(lambda: ballot(bench).approvals == ())


def test_a_deleted_gate_message_is_not_intact_and_wakes_the_engine(bench: Bench) -> None:
    gate = bench.gated()
    before = len(bench.woken.advanced)
    bench.deps.client.chat_delete(channel=OPS, ts=gate.ts)
    found = ballot(bench)
    assert (found.intact, found.unreadable) == (False, False)
    until(lambda: len(bench.woken.advanced) > before)


def test_a_gate_message_whose_words_were_changed_is_not_intact(bench: Bench) -> None:
    gate = bench.gated()
    bench.reacts(BOB, gate.ts)
    bench.deps.client.chat_update(channel=OPS, ts=gate.ts, text="Approve lunch")
    assert not ballot(bench).intact


def test_a_slack_that_does_not_answer_makes_the_ballot_unreadable_and_nothing_is_raised(bench: Bench) -> None:
    bench.gated()
    bench.server.fault("conversations.replies", "http_500", times=1)
    assert ballot(bench).unreadable
    bench.server.stop()
    assert ballot(bench).unreadable


def test_a_person_slack_cannot_name_is_not_counted_and_a_rejection_by_one_makes_the_ballot_unreadable(
    bench: Bench,
) -> None:
    gate = bench.gated()
    with bench.space.lock:
        bench.space.messages[OPS][gate.ts].reactions["white_check_mark"] = [BOB]
    del bench.space.people[BOB]
    assert ballot(bench).approvals == ()
    with bench.space.lock:
        bench.space.messages[OPS][gate.ts].reactions["no_entry"] = [BOB]
    assert ballot(bench).unreadable


def test_reacting_to_a_gate_opened_twice_in_a_row_only_ever_counts_the_open_one(bench: Bench) -> None:
    gate = bench.gated()
    act(bench.space, {"as": BOB, "type": "react", "channel": OPS, "ts": gate.ts, "emoji": "white_check_mark"})
    until(lambda: bench.campaign().votes)
    bench.apply(GateVoided(gate=gate.id, differences=("EXN2 owns a group",)))
    fresh = bench.gated()
    assert fresh.ts != gate.ts
    assert fresh.status is GateStatus.OPENED
    assert ballot(bench).approvals == ()
