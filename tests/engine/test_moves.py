"""The engine's next move is a pure function of the snapshot and the time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.engine.codes import meaning
from bot.engine.moves import Do, Move, Pace, next_move
from state.words import (
    Actor,
    Campaign,
    Choice,
    Command,
    Forecast,
    Gate,
    GateStatus,
    Intent,
    Job,
    JobKind,
    JobOrder,
    JobState,
    Options,
    OutcomeKind,
    Package,
    Plan,
    State,
    Step,
    StepKind,
    Stop,
    Vote,
)

PACE = Pace()
ALICE = Actor(user="UA", person="alice")
COMMANDS = tuple(
    Command(text=text, kind=kind, node="EXN2", purpose=text, effect=effect)
    for text, kind, effect in (
        ('cluster.exe group "Cluster Group" /move:EXN1', JobKind.SHELL, "move:Cluster Group:EXN1"),
        ("cluster.exe node EXN2 /pause", JobKind.SHELL, "pause:EXN2"),
    )
)
PACKAGE = Package(kb="KB4011325", build="8.3.517.0", path="C:\\x.msp", sha256="0" * 64)
STEP = Step(
    id="s01", kind=StepKind.EVACUATE, target="EXN2", title="empty EXN2", rule="NODE-EMPTY", because="it owns a group"
)
PLAN = Plan(
    cluster="CLUSTER01",
    package=PACKAGE,
    options=Options(),
    steps=(STEP,),
    checks=(),
    machines=(),
    cms=("CMS1",),
    scr_targets=(),
    lock_set=("CLUSTER01",),
    machine_set=("EXN1", "EXN2"),
    rules_version="r",
    bot_version="b",
    made_at=0.0,
)
GATE = Gate(
    id="CLUSTER01-1.s01.1",
    campaign="CLUSTER01-1",
    step="s01",
    attempt=1,
    target="EXN2",
    kind="step",
    title="empty EXN2",
    digest="d",
    commands=COMMANDS,
    checks=(),
    forecast=Forecast(step_s=1, downtime_s=0, basis="default"),
    approvers=(Actor(user="UB", person="bob"),),
    barred=("alice",),
    quorum=1,
    opened_at=0.0,
    expires_at=3600.0,
    status=GateStatus.OPENED,
)
BASE = Campaign(
    id="CLUSTER01-1",
    nonce="n",
    cluster="CLUSTER01",
    channel="C1",
    state=State.READY,
    version=5,
    head="h",
    requester=ALICE,
    barred=("alice",),
    plan=PLAN,
)
INTENT = Intent(
    gate=GATE.id,
    step="s01",
    attempt=1,
    digest="d",
    approved_by=("bob",),
    users=("UB",),
    fence=1,
    token="t",
    version=4,
    not_after=100.0,
)


def job(index: int, state: JobState, code: int | None = None) -> Job:
    order = JobOrder(
        name=f"j{index}",
        campaign=BASE.id,
        version=6,
        gate=GATE.id,
        command=COMMANDS[index],
        command_hash="c",
        not_after=1.0,
    )
    return Job(order=order, state=state, opened_at=0.0, exit_code=code)


def vote(choice: Choice, *, counted: bool = True, person: str = "bob") -> Vote:
    return Vote(gate=GATE.id, user=person, person=person, emoji="+1", choice=choice, counted=counted)


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_an_answer(state: State) -> None:
    assert next_move(replace(BASE, state=state), 10.0, PACE).do in Do


def test_a_soak_is_waited_out_before_the_next_gate() -> None:
    waiting = replace(BASE, not_before=50.0)
    assert next_move(waiting, 49.0, PACE).until == 50.0
    assert next_move(waiting, 50.0, PACE).do is Do.PREPARE_GATE


def test_a_gate_that_is_not_in_slack_yet_is_never_counted() -> None:
    prepared = replace(
        BASE, state=State.GATED, gate=replace(GATE, status=GateStatus.PREPARED), votes=(vote(Choice.APPROVE),)
    )
    assert next_move(prepared, 10.0, PACE).do is Do.WAIT


def test_refused_votes_do_not_ring_the_bell_and_counted_ones_do() -> None:
    gated = replace(BASE, state=State.GATED, gate=GATE)
    assert next_move(replace(gated, votes=(vote(Choice.APPROVE, counted=False),)), 10.0, PACE).do is Do.WAIT
    assert next_move(replace(gated, votes=(vote(Choice.APPROVE),)), 10.0, PACE).do is Do.RECOUNT
    assert next_move(replace(gated, votes=(vote(Choice.REJECT),)), 10.0, PACE).do is Do.RECOUNT


def test_an_expired_gate_expires_even_with_its_votes() -> None:
    gated = replace(BASE, state=State.GATED, gate=GATE, votes=(vote(Choice.APPROVE),))
    assert next_move(gated, 3600.0, PACE).do is Do.EXPIRE_GATE


def test_a_quorum_of_two_needs_two_persons() -> None:
    gated = replace(
        BASE, state=State.GATED, gate=replace(GATE, quorum=2), votes=(vote(Choice.APPROVE), vote(Choice.APPROVE))
    )
    assert next_move(gated, 10.0, PACE).do is Do.WAIT
    both = replace(gated, votes=(vote(Choice.APPROVE), vote(Choice.APPROVE, person="carol")))
    assert next_move(both, 10.0, PACE).do is Do.RECOUNT


def test_jobs_run_one_after_another_and_only_after_success() -> None:
    acting = replace(BASE, state=State.ACTING, gate=GATE, intent=INTENT)
    assert next_move(acting, 10.0, PACE).index == 0
    assert next_move(replace(acting, jobs=(job(0, JobState.ENDED, 0),)), 10.0, PACE).index == 1
    assert next_move(replace(acting, jobs=(job(0, JobState.ENDED, 1),)), 10.0, PACE).do is Do.CONCLUDE
    assert (
        next_move(replace(acting, jobs=(job(0, JobState.ENDED, 0), job(1, JobState.ENDED, 0))), 10.0, PACE).do
        is Do.CONCLUDE
    )


def test_a_name_that_is_open_is_settled_before_anything_else_in_every_state_that_may_hold_one() -> None:
    for state in (State.ACTING, State.PAUSING, State.ABORTING, State.ASKING):
        held = replace(BASE, state=state, gate=GATE, intent=INTENT, jobs=(job(0, JobState.OPENED),))
        assert next_move(held, 10.0, PACE).do is Do.SETTLE_JOB
        held = replace(held, jobs=(job(0, JobState.STARTED),))
        assert next_move(held, 10.0, PACE).do is Do.OBSERVE_JOB


def test_an_abort_opens_no_further_job() -> None:
    aborting = replace(BASE, state=State.ABORTING, gate=GATE, intent=INTENT, jobs=(job(0, JobState.ENDED, 0),))
    assert next_move(aborting, 10.0, PACE).do is Do.FINISH_ABORT


def test_a_command_that_ended_badly_waits_for_people_and_a_rule_that_blocks_is_read_again() -> None:
    rule = replace(BASE, state=State.BLOCKED, stop=Stop(rule="NODE-MEMBER", sentence="s", step="s01"))
    assert next_move(rule, 1e9, PACE).do is Do.RECHECK
    ended = replace(rule, stop=Stop(rule="EXIT-CODE", sentence="s", step="s01"))
    assert next_move(ended, 1e9, PACE) == Move(Do.WAIT)


def test_people_who_were_asked_about_a_silent_node_need_not_answer_once_it_does() -> None:
    asked = replace(
        BASE,
        state=State.ASKING,
        gate=GATE,
        intent=INTENT,
        jobs=(job(0, JobState.ENDED, 0),),
        stop=Stop(rule="JOB-OPEN", sentence="silent"),
    )
    assert next_move(asked, 10.0, PACE).do is Do.GO_ON
    assert next_move(replace(asked, stop=Stop(rule="CUT-OFF", sentence="?")), 10.0, PACE).do is Do.WAIT


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0, OutcomeKind.DONE),
        (3010, OutcomeKind.NEEDS_RESTART),
        (1641, OutcomeKind.NEEDS_RESTART),
        (1618, OutcomeKind.RETRY_LATER),
        (1603, OutcomeKind.FAILED),
        (1642, OutcomeKind.FAILED),
        (-1, OutcomeKind.FAILED),
        (5, OutcomeKind.FAILED),
    ],
)
def test_only_three_exit_codes_are_successes(code: int, kind: OutcomeKind) -> None:
    assert meaning(code)[0] is kind
