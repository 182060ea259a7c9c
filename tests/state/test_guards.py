"""What the table allows and a guard still refuses, and what each event leaves behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from state.campaign import decide
from state.fold import evolve
from state.words import (
    Aborted,
    AbortRequested,
    Actor,
    Asked,
    Campaign,
    Event,
    Finished,
    GateConsumed,
    GateExpired,
    GateOpened,
    GatePrepared,
    GateRejected,
    GateStatus,
    GateVoided,
    JobEnded,
    JobOpened,
    JobStarted,
    JobState,
    NodeImage,
    OutcomeKind,
    Paused,
    PlanExpired,
    PlanMade,
    Rechecked,
    Recorded,
    Refusal,
    RefusalKind,
    Resumed,
    Retried,
    Started,
    State,
    Step,
    StepEnded,
    StepKind,
    Stop,
    Unblocked,
    Unlocked,
    Voted,
    VoteWithdrawn,
    Waiting,
)
from tests.state.samples import ALICE, BOB, command, gate, intent, order, outcome, plan, requested, step, vote

CAROL = Actor(user="U3", person="carol")


def play(campaign: Campaign | None, *events: Event, now: float = 30.0) -> Campaign:
    for event in events:
        allowed = decide(campaign, event, now=now)
        assert not isinstance(allowed, Refusal), allowed
        for one in allowed:
            version = 1 if campaign is None else campaign.version + 1
            campaign = evolve(campaign, Recorded(version=version, at=now, event=one, prev="p", hash=f"h{version}"))
    assert campaign is not None
    return campaign


def why(campaign: Campaign, event: Event, now: float = 30.0) -> str:
    answer = decide(campaign, event, now=now)
    assert isinstance(answer, Refusal), f"allowed: {event}"
    assert (answer.part("campaign"), answer.part("state")) == (campaign.id, campaign.state.value)
    return answer.part("why")


def ready() -> Campaign:
    return play(None, requested(), PlanMade(plan=plan(), expires_at=5000.0), Started(by=ALICE))


def prepared(*commands: Any) -> Campaign:
    here = ready()
    return play(here, GatePrepared(gate=gate(here, *commands)))


def opened(*commands: Any) -> Campaign:
    here = prepared(*commands)
    assert here.gate is not None
    return play(here, GateOpened(gate=here.gate.id, channel="C1", ts="1.2", posted_hash="p"))


def acting(*commands: Any) -> Campaign:
    here = opened(*commands)
    return play(here, GateConsumed(intent=intent(here)))


def working(*commands: Any) -> Campaign:
    here = acting(*commands)
    return play(here, JobOpened(order=order(here), token="t"))


def test_a_start_is_refused_while_another_campaign_holds_a_lock_and_names_it() -> None:
    here = play(None, requested(), PlanMade(plan=plan(), expires_at=5000.0))
    answer = decide(here, Started(by=ALICE), now=30.0, locks_held_by="CLUSTER01-9")
    assert isinstance(answer, Refusal)
    assert (answer.kind, answer.part("holder")) == (RefusalKind.BUSY, "CLUSTER01-9")
    assert decide(here, Started(by=ALICE), now=30.0, locks_held_by=here.id) == (Started(by=ALICE),)


def test_a_plan_is_expired_only_when_its_time_is_over_and_started_only_before() -> None:
    here = play(None, requested(), PlanMade(plan=plan(), expires_at=100.0))
    assert why(here, PlanExpired(), now=99.9) == "plan_still_good"
    assert why(here, Started(by=ALICE), now=100.0) == "plan_expired"
    assert play(here, PlanExpired(), now=100.0).state is State.EXPIRED


@pytest.mark.parametrize("bad", [plan(0), plan(locks=()), replace(plan(), steps=(step(1), step(1)))])
def test_a_plan_without_steps_or_locks_or_with_a_step_twice_is_refused(bad: Any) -> None:
    assert why(play(None, requested()), PlanMade(plan=bad, expires_at=1.0)) == "not_a_plan"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"step": "s02"}, "not_the_step_in_hand"),
        ({"attempt": 2}, "not_the_attempt_in_hand"),
        ({"id": "CLUSTER01-1.s01.7"}, "not_the_attempt_in_hand"),
        ({"campaign": "CLUSTER01-2"}, "not_a_step_gate"),
        ({"kind": "other"}, "not_a_step_gate"),
        ({"ts": "1.2"}, "gate_has_lived_before"),
        ({"status": GateStatus.OPENED}, "gate_has_lived_before"),
        ({"quorum": 0}, "gate_too_weak"),
        ({"barred": ()}, "gate_too_weak"),
        ({"expires_at": 30.0}, "gate_expired"),
    ],
)
def test_a_gate_that_is_not_the_one_of_this_attempt_is_refused(change: dict[str, Any], word: str) -> None:
    here = ready()
    assert why(here, GatePrepared(gate=gate(here, **change))) == word


def test_a_gate_opens_once_and_only_if_it_is_the_one_at_hand() -> None:
    here = prepared()
    assert here.gate is not None
    opening = GateOpened(gate=here.gate.id, channel="C1", ts="1.2", posted_hash="p")
    assert why(here, replace(opening, gate="CLUSTER01-1.s01.9")) == "not_the_gate_in_hand"
    assert why(play(here, opening), opening) == "gate_open_already"


def test_a_vote_waits_until_its_gate_is_open_and_a_second_one_of_the_same_reaction_replaces_the_first() -> None:
    early = prepared()
    assert why(early, Voted(vote=vote(early))) == "gate_not_open"
    here = opened()
    assert why(here, Voted(vote=vote(here, gate="CLUSTER01-1.s01.9"))) == "not_the_gate_in_hand"
    here = play(here, Voted(vote=vote(here)), Voted(vote=vote(here)), Voted(vote=vote(here, emoji="+1")))
    assert [v.emoji for v in here.votes] == ["white_check_mark", "+1"]
    assert here.gate is not None
    here = play(here, VoteWithdrawn(gate=here.gate.id, user="U2", emoji="+1"))
    assert [v.emoji for v in here.votes] == ["white_check_mark"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"gate": "CLUSTER01-1.s01.9"}, "not_the_gate_in_hand"),
        ({"step": "s02"}, "not_the_gate_in_hand"),
        ({"attempt": 2}, "not_the_gate_in_hand"),
        ({"digest": "e" * 64}, "another_digest"),
        ({"version": 4}, "something_happened_since_the_votes_were_read"),
        ({"approved_by": ()}, "not_enough_approvals"),
        ({"approved_by": ("alice",)}, "not_enough_approvals"),
    ],
)
def test_an_intent_that_does_not_fit_the_open_gate_is_refused(change: dict[str, Any], word: str) -> None:
    here = opened()
    assert why(here, GateConsumed(intent=intent(here, **change))) == word


def test_a_gate_is_consumed_only_while_it_is_open_and_in_time() -> None:
    early = prepared()
    assert why(early, GateConsumed(intent=intent(early))) == "gate_not_open"
    here = opened()
    assert why(here, GateConsumed(intent=intent(here)), now=1000.0) == "gate_expired"
    consumed = play(here, GateConsumed(intent=intent(here)))
    assert (consumed.state, consumed.gate and consumed.gate.status) == (State.ACTING, GateStatus.CONSUMED)


def test_a_gate_is_expired_only_after_its_time() -> None:
    here = opened()
    assert here.gate is not None
    assert why(here, GateExpired(gate=here.gate.id), now=999.0) == "gate_still_good"
    assert play(here, GateExpired(gate=here.gate.id), now=1000.0).state is State.READY


@pytest.mark.parametrize("over", ["voided", "expired", "rejected", "closed"])
def test_a_gate_that_was_not_consumed_uses_up_its_number(over: str) -> None:
    here = opened()
    assert here.gate is not None
    first = here.gate.id
    if over == "voided":
        here = play(here, GateVoided(gate=first, differences=("owner of CMS1",)))
    elif over == "expired":
        here = play(here, GateExpired(gate=first), now=1000.0)
    elif over == "rejected":
        here = play(here, GateRejected(gate=first, by=("bob",)), Resumed(by=ALICE))
    else:
        here = play(here, Paused(by=ALICE), Resumed(by=ALICE))
    assert (here.state, here.attempt, here.votes) == (State.READY, 2, ())
    assert here.gate is not None
    assert here.gate.status.value == over
    here = play(here, GatePrepared(gate=gate(here)))
    assert here.gate is not None
    assert here.gate.id == "CLUSTER01-1.s01.2"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"gate": "CLUSTER01-1.s01.9"}, "no_intent"),
        ({"campaign": "CLUSTER01-2"}, "no_intent"),
        ({"name": "CLUSTER01-1-n0nce-s01-2-0"}, "not_a_job_name_of_this_attempt"),
        ({"name": "CLUSTER01-1-other-s01-1-0"}, "not_a_job_name_of_this_attempt"),
        ({"version": 2}, "another_version"),
        ({"command": command("cluster.exe group X /offline")}, "not_the_gates_next_command"),
        ({"command_hash": "0" * 64}, "another_command_hash"),
    ],
)
def test_a_job_that_is_not_the_next_command_of_the_approved_gate_is_refused(change: dict[str, Any], word: str) -> None:
    here = acting()
    assert why(here, JobOpened(order=order(here, **change), token="t")) == word


def test_no_job_is_opened_before_the_one_before_it_ended() -> None:
    two = (command("first"), command("second"))
    here = working(*two)
    second = order(here)
    assert why(here, JobOpened(order=second, token="t")) == "a_job_is_open"
    name = here.jobs[0].order.name
    closed = play(here, JobEnded(job=name, state=JobState.CLOSED))
    assert why(closed, JobOpened(order=order(closed), token="t")) == "an_earlier_job_did_not_end"
    ended = play(here, JobEnded(job=name, state=JobState.ENDED, exit_code=0))
    assert why(ended, JobOpened(order=order(ended, name=name), token="t")) == "job_name_used_before"
    assert play(ended, JobOpened(order=order(ended), token="t")).open_job is not None


def test_a_restart_is_always_cut_off_and_the_next_command_follows() -> None:
    here = working(command("shutdown /r", effect="restart"), command("second"))
    here = play(here, JobEnded(job=here.jobs[0].order.name, state=JobState.CUT_OFF))
    assert play(here, JobOpened(order=order(here), token="t")).open_job is not None


def test_there_are_no_more_jobs_than_commands() -> None:
    here = working()
    here = play(here, JobEnded(job=here.jobs[0].order.name, state=JobState.ENDED, exit_code=0))
    assert why(here, JobOpened(order=order(here), token="t")) == "not_the_gates_next_command"


def test_only_the_open_job_starts_and_ends_and_an_end_has_its_exit_code() -> None:
    here = working()
    name = here.jobs[0].order.name
    assert why(here, JobStarted(job="other")) == "not_that_job"
    assert why(here, JobEnded(job="other", state=JobState.CLOSED)) == "not_that_job"
    assert why(here, JobEnded(job=name, state=JobState.STARTED)) == "not_an_end"
    assert why(here, JobEnded(job=name, state=JobState.ENDED)) == "no_exit_code"
    started = play(here, JobStarted(job=name))
    assert why(started, JobStarted(job=name)) == "not_that_job"
    ended = play(started, JobEnded(job=name, state=JobState.ENDED, exit_code=0))
    assert why(ended, JobEnded(job=name, state=JobState.ENDED, exit_code=0)) == "not_that_job"


def test_nothing_is_concluded_while_a_job_name_is_open() -> None:
    here = working()
    assert why(here, StepEnded(outcome=outcome(here), advance=True)) == "a_job_is_open"
    asking = play(here, Asked(stop=Stop(rule="NEVER-TWICE", sentence="cannot see")))
    assert why(asking, Retried(by=BOB)) == "a_job_is_open"
    aborting = play(here, AbortRequested(by=ALICE))
    assert why(aborting, Aborted(sentence="over")) == "a_job_is_open"
    assert aborting.holds_locks


def test_a_step_advances_only_on_success_and_only_as_the_attempt_in_hand() -> None:
    here = acting()
    assert why(here, StepEnded(outcome=outcome(here, OutcomeKind.FAILED), advance=True)) == "nothing_to_advance_on"
    assert why(here, StepEnded(outcome=outcome(here, attempt=2), advance=True)) == "not_the_attempt_in_hand"
    assert why(here, StepEnded(outcome=outcome(here, step="s02"), advance=True)) == "not_the_attempt_in_hand"


def test_a_failed_attempt_gets_a_new_number_and_a_finished_step_gives_way_to_the_next() -> None:
    here = acting()
    failed = play(here, StepEnded(outcome=outcome(here, OutcomeKind.FAILED, downtime_s=2.0), advance=False))
    assert (failed.step_index, failed.attempt, failed.intent, failed.jobs) == (0, 2, None, ())
    done = play(
        here, StepEnded(outcome=outcome(here, downtime_s=3.5), advance=True, not_before=900.0, wait_reason="soak")
    )
    assert (done.step_index, done.attempt, done.not_before, done.wait_reason) == (1, 1, 900.0, "soak")
    assert (failed.user_downtime_s, done.user_downtime_s) == (2.0, 3.5)


def test_without_an_intent_a_step_can_be_found_done_but_not_failed() -> None:
    here = ready()
    assert why(here, StepEnded(outcome=outcome(here, OutcomeKind.FAILED), advance=False)) == "nothing_was_attempted"
    assert play(here, StepEnded(outcome=outcome(here), advance=True)).step_index == 1


def optional() -> Campaign:
    made = plan(1)
    steps = (replace(made.steps[0], kind=StepKind.RESTORE, optional=True), step(2))
    return play(None, requested(), PlanMade(plan=replace(made, steps=steps), expires_at=5000.0), Started(by=ALICE))


def test_only_an_optional_step_can_be_left_undone_and_only_before_anything_was_attempted() -> None:
    here = ready()
    left = StepEnded(outcome=outcome(here, OutcomeKind.LEFT), advance=True)
    assert why(here, left) == "not_to_be_left"
    assert why(acting(), left) == "not_to_be_left"
    assert why(optional(), replace(left, advance=False)) == "not_to_be_left"
    assert play(optional(), left).step_index == 1
    opened_ = play(optional(), GatePrepared(gate=gate(optional())))
    assert opened_.gate is not None
    opened_ = play(opened_, GateOpened(gate=opened_.gate.id, channel="C1", ts="1.2", posted_hash="p"))
    attempted = play(opened_, GateConsumed(intent=intent(opened_)))
    assert why(attempted, left) == "not_to_be_left"


def test_a_no_to_an_optional_step_pauses_nothing() -> None:
    for here, state in ((optional(), State.READY), (ready(), State.PAUSED)):
        asked = play(here, GatePrepared(gate=gate(here)))
        assert asked.gate is not None
        assert play(asked, GateRejected(gate=asked.gate.id, by=("bob",))).state is state


def test_a_step_put_in_comes_next_and_must_be_new() -> None:
    here = acting()
    ended = StepEnded(
        outcome=outcome(here, OutcomeKind.NEEDS_RESTART), advance=True, insert=replace(step(1), id="s01r")
    )
    after = play(here, ended)
    assert after.plan is not None
    assert [one.id for one in after.plan.steps] == ["s01", "s01r", "s02"]
    assert after.step is not None
    assert after.step.id == "s01r"
    for bad in ("s02", "s01", "restart", "s01.r"):
        assert why(here, replace(ended, insert=replace(step(1), id=bad))) == "not_a_new_step_id"


def test_who_plans_starts_or_retries_is_barred_once() -> None:
    here = play(None, requested(), PlanMade(plan=plan(), expires_at=5000.0), Started(by=CAROL))
    assert here.barred == ("alice", "carol")
    blocked = play(here, Asked(stop=Stop(rule="R", sentence="s")), Retried(by=BOB))
    assert blocked.barred == ("alice", "carol", "bob")
    assert blocked.attempt == 2


def test_pause_resume_and_recheck_bar_nobody() -> None:
    here = play(ready(), Paused(by=BOB), Resumed(by=BOB), Rechecked(by=BOB))
    assert here.barred == ("alice",)


def test_a_pause_while_acting_takes_hold_when_the_attempt_has_ended() -> None:
    here = play(working(), Paused(by=ALICE))
    assert here.state is State.PAUSING
    here = play(here, JobEnded(job=here.jobs[0].order.name, state=JobState.ENDED, exit_code=0))
    here = play(here, StepEnded(outcome=outcome(here), advance=True))
    assert here.state is State.PAUSED


def test_asking_goes_back_to_the_attempt_while_an_intent_stands() -> None:
    stop = Asked(stop=Stop(rule="R", sentence="s"))
    here = play(working(), stop)
    name = here.jobs[0].order.name
    seen = play(here, JobEnded(job=name, state=JobState.ENDED, exit_code=0))
    assert seen.state is State.ASKING
    assert play(seen, Unblocked(sentence="the node answered")).state is State.ACTING
    assert play(seen, Rechecked(by=BOB)).state is State.ACTING
    assert play(ready(), stop, Rechecked(by=BOB)).state is State.READY
    again = play(seen, Retried(by=BOB))
    assert (again.state, again.intent, again.jobs, again.attempt, again.stop) == (State.READY, None, (), 2, None)


def test_nodes_we_paused_are_known_until_we_resume_them() -> None:
    here = working(command("pause", effect="pause:EXN2"), command("resume", effect="resume:EXN2"))
    failed = play(here, JobEnded(job=here.jobs[0].order.name, state=JobState.ENDED, exit_code=5))
    assert failed.paused_nodes == ()
    here = play(here, JobEnded(job=here.jobs[0].order.name, state=JobState.ENDED, exit_code=0))
    assert here.paused_nodes == ("EXN2",)
    here = play(here, JobOpened(order=order(here), token="t"))
    here = play(here, JobEnded(job=here.jobs[1].order.name, state=JobState.ENDED, exit_code=0))
    assert here.paused_nodes == ()


def test_a_node_that_somebody_else_resumed_is_not_paused_by_us_any_more() -> None:
    here = working(command("pause", effect="pause:EXN2"), command("resume", effect="resume:EXN2"))
    here = play(here, JobEnded(job=here.jobs[0].order.name, state=JobState.ENDED, exit_code=0))
    here = play(here, JobOpened(order=order(here), token="t"))
    other = play(here, JobEnded(job=here.jobs[1].order.name, state=JobState.ENDED, exit_code=5))
    assert (other.jobs[1].worked, other.paused_nodes) == (False, ("EXN2",))
    here = play(here, JobEnded(job=here.jobs[1].order.name, state=JobState.ENDED, exit_code=5058))
    assert (here.jobs[1].worked, here.paused_nodes) == (True, ())


def test_an_install_with_nothing_left_to_run_means_that_a_person_resumed_the_node() -> None:
    step = Step(id="s01", kind=StepKind.INSTALL, target="EXN2", title="t", because="b", rule="r")
    here = replace(ready(), paused_nodes=("EXN2", "EXN3"))
    assert here.plan is not None
    here = replace(here, plan=replace(here.plan, steps=(step, *here.plan.steps)))
    assert play(here, StepEnded(outcome=outcome(here), advance=True)).paused_nodes == ("EXN3",)
    handoff = replace(here, plan=replace(here.plan, steps=(replace(step, kind=StepKind.HANDOFF), *here.plan.steps)))
    assert play(handoff, StepEnded(outcome=outcome(here), advance=True)).paused_nodes == ("EXN2", "EXN3")


def test_every_job_name_ever_opened_stays_known_with_its_version() -> None:
    here = working()
    name, version = here.jobs[0].order.name, here.jobs[0].order.version
    here = play(here, JobEnded(job=name, state=JobState.CLOSED))
    here = play(here, StepEnded(outcome=outcome(here, OutcomeKind.NOT_STARTED), advance=False))
    assert here.jobs == ()
    assert here.known_jobs == ((name, version),)


def test_the_before_image_of_a_machine_is_kept_as_it_was_first_taken() -> None:
    here = ready()
    here = play(here, GatePrepared(gate=gate(here), images=(NodeImage(machine="EXN2", level="old"),)))
    assert here.gate is not None
    here = play(here, GateVoided(gate=here.gate.id, differences=()))
    here = play(
        here, GatePrepared(gate=gate(here), images=(NodeImage(machine="EXN2", level="new"), NodeImage(machine="EXN1")))
    )
    assert [(one.machine, one.level) for one in here.images] == [("EXN2", "old"), ("EXN1", "")]


def test_a_campaign_is_finished_only_when_no_step_is_left() -> None:
    here = ready()
    assert why(here, Finished(sentence="done", user_downtime_s=0.0)) == "steps_are_left"
    for _ in range(2):
        here = play(here, StepEnded(outcome=outcome(here), advance=True))
    done = play(here, Finished(sentence="done", user_downtime_s=0.0))
    assert (done.state, done.holds_locks) == (State.DONE, False)


def test_unlock_frees_the_locks_of_a_campaign_that_is_aborting_and_only_once() -> None:
    here = play(working(), AbortRequested(by=ALICE))
    unlocked = play(here, Unlocked(by=BOB, job=here.jobs[0].order.name))
    assert (unlocked.state, unlocked.holds_locks) == (State.ABORTING, False)
    assert why(unlocked, Unlocked(by=BOB, job="")) == "holds_no_lock"
    assert why(working(), Unlocked(by=BOB, job="")) == "table"


def test_waiting_sets_a_time_and_the_next_gate_clears_it() -> None:
    here = play(ready(), Waiting(until=77.0, reason="soak"))
    assert (here.state, here.not_before, here.wait_reason) == (State.READY, 77.0, "soak")
    here = play(here, GatePrepared(gate=gate(here)))
    assert (here.not_before, here.wait_reason) == (0.0, "")


def test_evolve_refuses_what_the_table_refuses() -> None:
    with pytest.raises(ValueError, match="ready takes no Started"):
        evolve(ready(), Recorded(version=9, at=1.0, event=Started(by=ALICE), prev="", hash=""))
    with pytest.raises(ValueError, match="begins with a request"):
        evolve(None, Recorded(version=1, at=1.0, event=Started(by=ALICE), prev="", hash=""))
