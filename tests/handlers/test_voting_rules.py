"""The counting rules as one pure function, guard by guard and as invariants."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.trust import Account
from handlers.votes import Rules, choice_of, emoji_name, judge, once_per_person, tally, voters
from state.words import Actor, Choice, Command, Forecast, Gate, JobKind, Policy, VoteRefusal

POLICY = Policy(requesters=("U1",), approvers=("U2", "U3", "U4"), persons=(("U4", "three"), ("U3", "three")), quorum=1)
GATE = Gate(
    id="C-1.s01.1", campaign="C-1", step="s01", attempt=1, target="EXN2", kind="step", title="t", digest="d" * 64,
    commands=(Command(text="x", kind=JobKind.SHELL, node="n", purpose="p"),), checks=(),
    forecast=Forecast(step_s=1, downtime_s=0, basis="b"),
    approvers=tuple(Actor(user=u, person=POLICY.person(u)) for u in POLICY.approvers), barred=("U1",), quorum=1,
    opened_at=0.0, expires_at=10.0,
)  # fmt: skip
RULES = Rules(gate=GATE, policy=POLICY, requester="U1", us="UBOT")


def one(
    user: str, emoji: str = "white_check_mark", *, rules: Rules = RULES, **account: bool
) -> VoteRefusal | str | None:
    vote = judge(rules, user, emoji, Account(user=user, **account))
    return "silent" if vote is None else vote.refusal


def test_a_listed_second_person_counts() -> None:
    assert one("U2") is None


@pytest.mark.parametrize(
    ("flag", "why"),
    [
        ("bot", VoteRefusal.BOT),
        ("deleted", VoteRefusal.INACTIVE),
        ("guest", VoteRefusal.GUEST),
        ("external", VoteRefusal.EXTERNAL),
    ],
)
def test_only_active_full_members_count(flag: str, why: VoteRefusal) -> None:
    assert one("U2", **{flag: True}) is why
    assert one("U2", "no_entry", **{flag: True}) is why


def test_whoever_asked_may_reject_and_not_approve() -> None:
    assert one("U1") is VoteRefusal.OWN_REQUEST
    assert one("U1", "no_entry") is None


def test_a_second_account_of_whoever_asked_is_the_same_person() -> None:
    mapped = replace(POLICY, persons=(("U1", "one"), ("U2", "one")))
    rules = replace(RULES, policy=mapped, requester="one", gate=replace(GATE, barred=("one",)))
    assert one("U2", rules=rules) is VoteRefusal.OWN_REQUEST
    # also when the map came only after the campaign was asked for: it was barred under its Slack id
    assert one("U2", rules=replace(RULES, policy=mapped)) is VoteRefusal.OWN_REQUEST


def test_a_barred_approver_may_still_say_no() -> None:
    rules = replace(RULES, gate=replace(GATE, barred=("U1", "U2"), approvers=GATE.approvers[1:]))
    assert one("U2", rules=rules) is VoteRefusal.OWN_REQUEST
    assert one("U2", "x", rules=rules) is None


def test_eligible_means_when_it_opened_and_now() -> None:
    assert one("U5") is VoteRefusal.NOT_LISTED
    later = replace(RULES, policy=replace(POLICY, approvers=(*POLICY.approvers, "U5")))
    assert one("U5", rules=later) is VoteRefusal.NOT_LISTED_AT_OPEN
    assert one("U2", rules=replace(RULES, policy=replace(POLICY, approvers=("U3",)))) is VoteRefusal.NOT_LISTED


def test_an_empty_policy_denies_everybody() -> None:
    assert one("U2", rules=replace(RULES, policy=Policy())) is VoteRefusal.NOT_LISTED


def test_who_cannot_be_named_does_not_count() -> None:
    vote = judge(RULES, "U2", "white_check_mark", None)
    assert vote is not None
    assert vote.refusal is VoteRefusal.UNREADABLE


def test_after_expiry_nothing_counts() -> None:
    assert one("U2", rules=replace(RULES, expired=True)) is VoteRefusal.EXPIRED


def test_our_own_reaction_is_a_bots() -> None:
    assert one("UBOT") is VoteRefusal.BOT


@pytest.mark.parametrize("emoji", ["eyes", "", "ballot_box_with_check", "+1x", "white_check_mark2", "?"])
def test_other_emoji_say_nothing(emoji: str) -> None:
    assert one("U2", emoji) == "silent"


def test_a_custom_emoji_never_counts_even_where_the_settings_name_it() -> None:
    assert choice_of("lgtm", replace(POLICY, approve=("lgtm",))) is None


def test_skin_tones_are_cut_and_aliases_folded() -> None:
    assert emoji_name("+1::skin-tone-6") == emoji_name(":thumbsup:") == "+1"
    assert choice_of("thumbsdown::skin-tone-2", POLICY) is Choice.REJECT


def test_an_emoji_that_is_listed_as_both_rejects() -> None:
    assert choice_of("x", replace(POLICY, approve=("x",))) is Choice.REJECT


def test_two_accounts_of_one_person_count_once_and_a_rejection_by_the_second_is_never_lost() -> None:
    accounts = {u: Account(user=u) for u in ("U3", "U4")}
    votes = tally(RULES, (("+1", ("U3", "U4")), ("x", ("U4",))), accounts)
    assert [v.refusal for v in votes] == [None, VoteRefusal.SAME_PERSON, None]
    assert votes[2].choice is Choice.REJECT


def test_only_people_whose_vote_could_count_are_looked_up() -> None:
    assert voters(RULES, (("+1", ("U2", "U1", "U9", "UBOT")), ("eyes", ("U3",)), ("x", ("U1",)))) == ("U2", "U1")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["+1", "thumbsup", "white_check_mark", "x", "no_entry", "eyes"]),
            st.lists(st.sampled_from(["U1", "U2", "U3", "U4", "U9", "UBOT"]), max_size=6).map(tuple),
        ),
        max_size=6,
    )
)
def test_no_set_of_reactions_lets_the_requester_or_an_unlisted_person_approve(
    reactions: list[tuple[str, tuple[str, ...]]],
) -> None:
    accounts = {u: Account(user=u) for u in ("U1", "U2", "U3", "U4", "U9", "UBOT")}
    votes = tally(RULES, reactions, accounts)
    approving = {v.user for v in votes if v.counted and v.choice is Choice.APPROVE}
    assert approving <= {"U2", "U3", "U4"}
    said_no = {u for emoji, users in reactions if emoji in {"x", "no_entry"} for u in users} & {"U1", "U2", "U3", "U4"}
    assert bool(said_no) == any(v.counted and v.choice is Choice.REJECT for v in votes)
    per_person = [v.person for v in votes if v.counted and v.choice is Choice.APPROVE]
    assert len({(v.person, v.user) for v in votes if v.counted and v.choice is Choice.APPROVE}) == len(set(per_person))
    assert once_per_person(votes) == votes
