"""The order checker: it accepts what went well and rejects each way of spoiling it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.procedure.facts import NodeStatus
from bot.procedure.order import check_events, check_next, check_plan
from bot.procedure.planner import restart_after
from state import words as w
from tests.procedure import record
from tests.procedure.build import NEW, NOW, ccr, node_state, plan_of, scc
from tests.procedure.moments import PLAN
from tests.procedure.record import ALICE, BOB, recorded

FACTS = ccr()
EVENTS = record.events(PLAN, FACTS)


def rules(found: tuple[object, ...]) -> set[str]:
    return {one.rule for one in found}  # type: ignore[attr-defined]


# --- plans ---------------------------------------------------------------------------------------------------


def spoil(*order: int) -> w.Plan:
    return replace(PLAN, steps=tuple(PLAN.steps[i] for i in order))


def test_a_good_plan_is_accepted_with_facts_and_by_its_own_lines() -> None:
    assert check_plan(PLAN, FACTS) == ()
    assert check_plan(PLAN) == ()


@pytest.mark.parametrize(
    ("plan", "rule"),
    [
        (spoil(1, 2, 0, 3, 4, 5), "SCR-TARGETS-FIRST"),
        (spoil(1, 2, 3, 4, 5), "SCR-TARGETS-FIRST"),
        (spoil(0, 2, 3, 4, 5), "NODE-EMPTY"),
        (spoil(0, 1, 2, 4, 5, 3), "NODE-PASSIVE"),
        (spoil(0, 1, 2, 4, 5), "NODE-PASSIVE"),
        (spoil(0, 3, 1, 2, 4, 5), "MIXED-LEVEL-MOVE"),
        (spoil(0, 1, 3, 2, 4, 5), "ONE-AT-A-TIME"),
        (spoil(0, 1, 2, 3, 4), "BOTH-NODES"),
        (spoil(0, 1, 2), "BOTH-NODES"),
        (spoil(0, 1, 2, 3, 4, 5, 5), "PKG-NEWER"),
        (spoil(0, 1, 2, 3, 3, 4, 5), "MOVE-READY"),
    ],
)
def test_a_plan_in_another_order_is_rejected_by_the_rule_it_breaks(plan: w.Plan, rule: str) -> None:
    assert rule in rules(check_plan(plan, FACTS))
    assert rule in rules(check_plan(plan))


def test_of_all_orders_of_the_six_steps_only_the_right_one_is_accepted() -> None:
    accepted = [order for order in permutations(range(6)) if not check_plan(spoil(*order), FACTS)]
    assert accepted == [(0, 1, 2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda s: replace(s[3], target="EXN1", source="EXN1"), "MOVE-READY"),
        (lambda s: replace(s[3], cms="CMS9"), "MOVE-READY"),
        (lambda s: replace(s[3], source="EXN2"), "MOVE-READY"),
    ],
)
def test_a_handoff_of_something_else_is_rejected(change: Callable[[tuple[w.Step, ...]], w.Step], rule: str) -> None:
    steps = (*PLAN.steps[:3], change(PLAN.steps), *PLAN.steps[4:])
    assert rule in rules(check_plan(replace(PLAN, steps=steps), FACTS))


def test_groups_that_go_nowhere_or_to_the_node_itself_are_rejected() -> None:
    for to in ("", "EXN2", "NOBODY"):
        steps = (PLAN.steps[0], replace(PLAN.steps[1], to=to), *PLAN.steps[2:])
        assert rules(check_plan(replace(PLAN, steps=steps), FACTS)) & {"GROUP-MOVE-PLAN", "NODE-EMPTY"}


def test_a_plan_that_forgets_a_machine_or_a_lock_is_rejected() -> None:
    assert "PRE-COMPLETE" in rules(check_plan(replace(PLAN, machines=PLAN.machines[1:]), FACTS))
    assert "ONE-AT-A-TIME" in rules(check_plan(replace(PLAN, lock_set=("CLUSTER01",)), FACTS))


def test_the_checker_counts_quorum_and_spares_itself() -> None:
    down = node_state(FACTS, "EXN1", NodeStatus.DOWN)
    assert {"QUORUM-SURVIVES", "SPARE-UP"} <= rules(check_plan(PLAN, down))


def test_failback_is_accepted_only_to_where_the_mail_server_came_from() -> None:
    plan = plan_of(scc(2, 2), options=w.Options(failback=True))
    assert check_plan(plan, scc(2, 2)) == ()
    wrong = replace(plan.steps[-1], target="N4")
    assert check_plan(replace(plan, steps=(*plan.steps[:-1], wrong)), scc(2, 2)) != ()


@settings(max_examples=150)
@given(st.data())
def test_dropping_swapping_or_doubling_steps_of_a_larger_plan_is_rejected(data: st.DataObject) -> None:
    facts = scc(2, 1, scr="8.3.485.1")
    plan = plan_of(facts)
    steps = list(plan.steps)
    kind = data.draw(st.sampled_from(["drop", "swap", "double"]))
    place = data.draw(st.integers(0, len(steps) - 1))
    needless = steps[place].kind is w.StepKind.EVACUATE and "owns no group" in steps[place].because
    if kind == "drop":
        del steps[place]
    elif kind == "double":
        steps.insert(place, replace(steps[place], id="s99"))
    else:
        other = data.draw(st.integers(0, len(steps) - 1).filter(lambda i: i != place))
        steps[place], steps[other] = steps[other], steps[place]
    found = check_plan(replace(plan, steps=tuple(steps)), facts)
    if kind == "drop" and needless:
        return  # a node that owns nothing may be patched without moving anything, as far as the document goes
    if kind == "double" and plan.steps[place].kind is w.StepKind.EVACUATE:
        return  # emptying an empty node again changes nothing
    if kind == "swap":
        moved = {steps[i].target for i in (place, other)}
        if len(moved) == 1 and {steps[i].kind for i in (place, other)} == {w.StepKind.EVACUATE}:
            return
    assert found, (kind, place, [s.id for s in steps])


# --- transcripts -----------------------------------------------------------------------------------------------


def test_the_record_of_a_good_campaign_is_accepted() -> None:
    assert check_events(recorded(EVENTS)) == ()


def test_an_unfinished_record_is_accepted_as_far_as_it_goes() -> None:
    for length in range(1, len(EVENTS)):
        assert check_events(recorded(EVENTS[:length])) == ()


Where = Callable[[w.Event], bool]


def at(kind: type, step: str = "") -> int:
    """The place of the first event of a kind (of a step)."""
    for place, event in enumerate(EVENTS):
        text = repr(event)
        if isinstance(event, kind) and (
            not step or f".{step}." in text or f"-{step}-" in text or f"step='{step}'" in text
        ):
            return place
    raise AssertionError(f"no {kind.__name__} of {step}")


def put(place: int, event: w.Event) -> list[w.Event]:
    return [*EVENTS[:place], event, *EVENTS[place + 1 :]]


def gate(step: str, **fields: object) -> list[w.Event]:
    place = at(w.GatePrepared, step)
    event = EVENTS[place]
    assert isinstance(event, w.GatePrepared)
    return put(place, w.GatePrepared(gate=replace(event.gate, **fields)))  # type: ignore[arg-type]


def intent(step: str, **fields: object) -> list[w.Event]:
    place = at(w.GateConsumed, step)
    event = EVENTS[place]
    assert isinstance(event, w.GateConsumed)
    return put(place, w.GateConsumed(intent=replace(event.intent, **fields)))  # type: ignore[arg-type]


def checks(step: str, rule: str, verdict: w.Verdict) -> list[w.Event]:
    event = EVENTS[at(w.GatePrepared, step)]
    assert isinstance(event, w.GatePrepared)
    return gate(step, checks=tuple(replace(c, verdict=verdict) if c.rule == rule else c for c in event.gate.checks))


def without(place: int) -> list[w.Event]:
    return [*EVENTS[:place], *EVENTS[place + 1 :]]


SPOILED = {
    "the requester approved": (intent("s03", approved_by=("alice",)), "APPROVAL-FRESH"),
    "nobody approved": (intent("s03", approved_by=()), "APPROVAL-FRESH"),
    "a stranger approved": (intent("s03", approved_by=("dave",)), "APPROVAL-FRESH"),
    "the digest differs": (intent("s03", digest="x"), "APPROVAL-FRESH"),
    "the intent is for another gate": (intent("s03", gate="CLUSTER01-7.s02.1"), "APPROVAL-FRESH"),
    "the gate had expired": (gate("s03", expires_at=NOW - 1), "APPROVAL-FRESH"),
    "quorum of two, one approval": (gate("s03", quorum=2), "APPROVAL-FRESH"),
    "the gate does not bar the requester": (gate("s03", barred=()), "APPROVAL-FRESH"),
    "the gate never stood in Slack": (without(at(w.GateOpened, "s03")), "APPROVAL-FRESH"),
    "a job without an intent": (without(at(w.GateConsumed, "s03")), "APPROVAL-FRESH"),
    "a gate twice": (
        [*EVENTS[: at(w.GatePrepared, "s03") + 1], *EVENTS[at(w.GatePrepared, "s03") :]],
        "APPROVAL-FRESH",
    ),
    "an intent twice": (
        [*EVENTS[: at(w.GateConsumed, "s03") + 1], *EVENTS[at(w.GateConsumed, "s03") :]],
        "APPROVAL-FRESH",
    ),
    "a job twice": ([*EVENTS[: at(w.JobOpened, "s03") + 1], *EVENTS[at(w.JobOpened, "s03") :]], "ONE-AT-A-TIME"),
    "a step left out": ([*EVENTS[: at(w.GatePrepared, "s02")], *EVENTS[at(w.GatePrepared, "s03") :]], "PRE-COMPLETE"),
    "an install on a node with groups": (checks("s03", "NODE-EMPTY", w.Verdict.BLOCK), "NODE-EMPTY"),
    "an install where nobody could tell": (checks("s03", "NODE-PASSIVE", w.Verdict.UNKNOWN), "NODE-PASSIVE"),
    "an install without the proof": (gate("s03", checks=()), "NODE-EMPTY"),
    "a handoff without the proof": (gate("s04", checks=()), "MOVE-READY"),
    "a handoff that was not ready": (checks("s04", "MOVE-READY", w.Verdict.BLOCK), "MOVE-READY"),
    "SCR not shown first": (checks("s02", "SCR-TARGETS-FIRST", w.Verdict.UNKNOWN), "SCR-TARGETS-FIRST"),
    "no end of the plan": (without(len(EVENTS) - 2), "BOTH-NODES"),
    "something after the end": ([*EVENTS, w.Progress(step="", sentence="")], "BOTH-NODES"),
    "no request": (EVENTS[1:], "APPROVAL-FRESH"),
    "an intent after an abort": (
        [*EVENTS[: at(w.GateConsumed, "s03")], w.AbortRequested(by=BOB), *EVENTS[at(w.GateConsumed, "s03") :]],
        "APPROVAL-FRESH",
    ),
    "a job after an abort": (
        [*EVENTS[: at(w.JobOpened, "s03")], w.AbortRequested(by=BOB), *EVENTS[at(w.JobOpened, "s03") :]],
        "APPROVAL-FRESH",
    ),
    "an intent after a pause": (
        [*EVENTS[: at(w.GateConsumed, "s03")], w.Paused(by=BOB), *EVENTS[at(w.GateConsumed, "s03") :]],
        "APPROVAL-FRESH",
    ),
    "approved by the one who retried": (
        [*EVENTS[: at(w.GatePrepared, "s03")], w.Retried(by=BOB), *EVENTS[at(w.GatePrepared, "s03") :]],
        "APPROVAL-FRESH",
    ),
}


@pytest.mark.parametrize("name", list(SPOILED))
def test_a_spoiled_record_is_rejected(name: str) -> None:
    spoiled, rule = SPOILED[name]
    found = check_events(recorded(spoiled))
    assert rule in rules(found), found
    assert all(one.sentence for one in found)


def command_of(step: str, place: int, **fields: object) -> list[w.Event]:
    event = EVENTS[at(w.GatePrepared, step)]
    assert isinstance(event, w.GatePrepared)
    made = list(event.gate.commands)
    made[place] = replace(made[place], **fields)  # type: ignore[arg-type]
    return gate(step, commands=tuple(made))


@pytest.mark.parametrize(
    ("spoiled", "rule"),
    [
        (command_of("s02", 0, text='cluster.exe group "CMS1" /move:EXN1'), "GROUP-MOVE-NOT-CMS"),
        (command_of("s02", 0, node="EXN1"), "PRE-COMPLETE"),
        (command_of("s02", 0, effect="install"), "PRE-COMPLETE"),
        (command_of("s03", 0, text="format c:"), "APPROVAL-FRESH"),
    ],
)
def test_a_gate_with_a_command_of_another_kind_is_rejected(spoiled: list[w.Event], rule: str) -> None:
    assert rule in rules(check_events(recorded(spoiled)))


def failed(good: w.StepEnded, rule: str) -> w.StepEnded:
    """The same end as if that rule had said no."""
    checks = tuple(replace(c, verdict=w.Verdict.BLOCK) if c.rule == rule else c for c in good.outcome.checks)
    return replace(
        good, outcome=replace(good.outcome, kind=w.OutcomeKind.FAILED, checks=checks, rule=rule), advance=False
    )


def test_a_job_that_failed_ends_its_attempt() -> None:
    place = at(w.JobEnded, "s03")
    event = EVENTS[place]
    assert isinstance(event, w.JobEnded)
    assert "ONE-AT-A-TIME" in rules(check_events(recorded(put(place, replace(event, exit_code=1603)))))


def test_a_node_left_paused_at_the_end_is_seen() -> None:
    place = max(i for i, e in enumerate(EVENTS) if isinstance(e, w.JobOpened) and "resume" in e.order.command.effect)
    spoiled = [*EVENTS[:place], *EVENTS[place + 3 :]]
    assert "NODE-PAUSED" in rules(check_events(recorded(spoiled)))


def test_an_attempt_that_people_were_asked_about_is_over_with_the_retry() -> None:
    begin, end = at(w.GatePrepared, "s03"), at(w.StepEnded, "s03")
    first = EVENTS[begin : begin + 6]
    order = first[4].order  # type: ignore[union-attr]
    cut = w.JobEnded(job=order.name, state=w.JobState.CUT_OFF, exit_code=None)
    asked = w.Asked(stop=w.Stop(rule="CUT-OFF", sentence="?", step="s03"))
    event, done = EVENTS[begin], EVENTS[end]
    assert isinstance(event, w.GatePrepared)
    assert isinstance(done, w.StepEnded)
    again = record.attempt(PLAN.steps[2], event.gate.checks, done.outcome.checks, event.gate.commands, 2)
    played = [*EVENTS[:begin], *first, cut, asked, w.Retried(by=ALICE), *again, *EVENTS[end + 1 :]]
    assert check_events(recorded(played)) == ()
    running = [*EVENTS[:begin], *first, asked, w.Retried(by=ALICE), *again, *EVENTS[end + 1 :]]
    assert "ONE-AT-A-TIME" in rules(check_events(recorded(running)))


@pytest.mark.parametrize(
    ("verdict", "accepted"), [(w.Verdict.PASS, True), (w.Verdict.WARN, True), (w.Verdict.BLOCK, False)]
)
def test_a_handoff_that_a_person_finished_by_hand_is_done_also_with_a_warning(
    verdict: w.Verdict, accepted: bool
) -> None:
    """The first attempt leaves a database dismounted; a person mounts it, and nothing is left to run."""
    step = next(one.id for one in PLAN.steps if one.kind is w.StepKind.HANDOFF)
    end = at(w.StepEnded, step)
    good = EVENTS[end]
    assert isinstance(good, w.StepEnded)
    stopped = failed(good, "MOVE-DONE")
    checks = tuple(replace(c, verdict=verdict) if c.rule == "MOVE-DONE" else c for c in good.outcome.checks)
    again = replace(good, outcome=replace(good.outcome, attempt=2, checks=checks))
    found = check_events(recorded([*EVENTS[:end], stopped, again, *EVENTS[end + 1 :]]))
    assert (found == ()) is accepted, found


def test_a_node_that_a_person_resumed_is_not_left_paused() -> None:
    """Attempt one stops before its resume; a person resumes, and the second attempt finds nothing left to run."""
    opened = max(i for i, e in enumerate(EVENTS) if isinstance(e, w.JobOpened) and "resume" in e.order.command.effect)
    ended = max(i for i, e in enumerate(EVENTS) if isinstance(e, w.StepEnded))
    good = EVENTS[ended]
    assert isinstance(good, w.StepEnded)
    stopped = failed(good, "CLUSSVC-BACK")
    again = replace(good, outcome=replace(good.outcome, attempt=2))
    played = [*EVENTS[:opened], stopped, again, *EVENTS[ended + 1 :]]
    assert check_events(recorded(played)) == ()

    def unseen(check: w.Check) -> w.Check:
        return replace(check, facts=tuple(f for f in check.facts if f.name != "seen as"))

    blind = replace(again, outcome=replace(again.outcome, checks=tuple(map(unseen, again.outcome.checks))))
    spoiled = [*EVENTS[:opened], stopped, blind, *EVENTS[ended + 1 :]]
    assert "NODE-PAUSED" in rules(check_events(recorded(spoiled)))


def test_a_resume_that_finds_the_node_resumed_ends_well() -> None:
    place = max(i for i, e in enumerate(EVENTS) if isinstance(e, w.JobEnded))
    event = EVENTS[place]
    assert isinstance(event, w.JobEnded)
    assert check_events(recorded(put(place, replace(event, exit_code=5058)))) == ()


def test_a_failed_attempt_and_a_retry_by_somebody_else_are_accepted() -> None:
    begin, end = at(w.GatePrepared, "s03"), at(w.StepEnded, "s03")
    first = EVENTS[begin : begin + 6]
    failed = [
        *first,
        w.JobEnded(job=first[4].order.name, state=w.JobState.ENDED, exit_code=1603),  # type: ignore[union-attr]
        w.StepEnded(
            outcome=w.Outcome(step="s03", attempt=1, kind=w.OutcomeKind.FAILED, sentence="1603"), advance=False
        ),
        w.Retried(by=ALICE),
    ]
    event = EVENTS[begin]
    assert isinstance(event, w.GatePrepared)
    done = EVENTS[end]
    assert isinstance(done, w.StepEnded)
    again = record.attempt(PLAN.steps[2], event.gate.checks, done.outcome.checks, event.gate.commands, 2)
    assert check_events(recorded([*EVENTS[:begin], *failed, *again, *EVENTS[end + 1 :]])) == ()


def test_a_restart_after_3010_is_accepted_and_skipping_it_is_not() -> None:
    begin, end = at(w.GatePrepared, "s03"), at(w.StepEnded, "s03")
    event = EVENTS[begin]
    assert isinstance(event, w.GatePrepared)
    install = EVENTS[begin : begin + 6]
    restart = restart_after(PLAN.steps[2])
    job = install[4].order.name  # type: ignore[union-attr]
    owed = [
        *install,
        w.JobEnded(job=job, state=w.JobState.ENDED, exit_code=3010),
        w.StepEnded(
            outcome=w.Outcome(step="s03", attempt=1, kind=w.OutcomeKind.NEEDS_RESTART, sentence="3010"),
            advance=True,
            insert=restart,
        ),
    ]
    reboot = w.Command(
        text='shutdown.exe /r /t 5 /d p:2:4 /c "rollup-bot"',
        kind=w.JobKind.TASK,
        node="EXN2",
        purpose="",
        effect="restart",
        guard="empty",
    )
    done = EVENTS[end]
    assert isinstance(done, w.StepEnded)
    after = record.attempt(restart, event.gate.checks, done.outcome.checks, (reboot, event.gate.commands[1]))
    assert check_events(recorded([*EVENTS[:begin], *owed, *after, *EVENTS[end + 1 :]])) == ()
    assert check_events(recorded([*EVENTS[:begin], *owed, *EVENTS[end + 1 :]])) != ()


# --- living campaigns ------------------------------------------------------------------------------------------


def living(*done: str, plan: w.Plan = PLAN, **kinds: w.OutcomeKind) -> w.Campaign:
    outcomes = [w.Outcome(step=s, attempt=1, kind=w.OutcomeKind.DONE, sentence="") for s in done]
    outcomes += [w.Outcome(step=s, attempt=1, kind=k, sentence="") for s, k in kinds.items()]
    return w.Campaign(
        id="CLUSTER01-7",
        nonce="n",
        cluster="CLUSTER01",
        channel="C",
        state=w.State.READY,
        version=1,
        head="",
        requester=ALICE,
        plan=plan,
        outcomes=tuple(outcomes),
    )


def test_each_step_may_come_when_all_before_it_are_done_and_not_earlier() -> None:
    names = [step.id for step in PLAN.steps]
    for place, step in enumerate(PLAN.steps):
        assert check_next(living(*names[:place]), step) == ()
        if place:
            assert "PRE-COMPLETE" in rules(check_next(living(*names[: place - 1]), step))
        again = check_next(living(*names[: place + 1]), step)
        assert f"Step {step.id} is done already." in {one.sentence for one in again}


def test_a_failed_install_keeps_other_nodes_away_but_not_its_own_retry() -> None:
    failed = living("s01", "s02", s03=w.OutcomeKind.FAILED)
    assert check_next(failed, PLAN.steps[2]) == ()
    assert "ONE-AT-A-TIME" in rules(check_next(failed, PLAN.steps[3]))


def test_an_install_that_owes_a_restart_lets_only_the_restart_through() -> None:
    restart = restart_after(PLAN.steps[2])
    plan = replace(PLAN, steps=(*PLAN.steps[:3], restart, *PLAN.steps[3:]))
    owed = living("s01", "s02", plan=plan, s03=w.OutcomeKind.NEEDS_RESTART)
    assert check_next(owed, restart) == ()
    assert "ONE-AT-A-TIME" in rules(check_next(owed, plan.steps[4]))
    assert check_next(replace(owed, plan=None), restart) != ()


def test_levels_at_the_target_need_no_step() -> None:
    facts = ccr(scr=NEW)
    assert check_plan(plan_of(facts), facts) == ()


def test_a_step_that_was_so_already_needs_no_gate_but_its_proof() -> None:
    begin, end = at(w.GatePrepared, "s02"), at(w.StepEnded, "s02")
    unseen, later = EVENTS[begin], EVENTS[end + 1]
    assert isinstance(unseen, w.GatePrepared)
    assert isinstance(later, w.GatePrepared)
    noted = next(check for check in later.gate.checks if check.rule == "GROUPS-SNAPSHOT")
    groups = tuple((fact.name.removeprefix("group "), fact.value.split()[0]) for fact in noted.facts)
    # The image is taken at the first gate there is, of whichever step.
    later = replace(later, images=tuple(replace(one, groups=groups, paused=True) for one in unseen.images))
    skipped = [*EVENTS[:begin], EVENTS[end], later, *EVENTS[end + 2 :]]
    assert check_events(recorded(skipped)) == ()
    done = EVENTS[end]
    assert isinstance(done, w.StepEnded)
    bare = replace(done, outcome=replace(done.outcome, checks=()))
    assert "APPROVAL-FRESH" in rules(check_events(recorded([*EVENTS[:begin], bare, *EVENTS[end + 1 :]])))


def test_groups_given_back_to_a_node_that_is_still_to_be_patched_are_found_there() -> None:
    back = w.Step(
        id="s02z", kind=w.StepKind.RESTORE, target="EXN2", title="", rule="GROUPS-SNAPSHOT", because="",
        cluster="CLUSTER01", groups=(("Cluster Group", "EXN2"),),
    )  # fmt: skip
    between = replace(PLAN, steps=(*PLAN.steps[:2], back, *PLAN.steps[2:]))
    assert "GROUP-MOVE-PLAN" in rules(check_plan(between, FACTS))  # EXN2 is out
    onto = replace(back, groups=(("Cluster Group", "EXN1"),))
    after = replace(PLAN, steps=(*PLAN.steps[:5], onto, *PLAN.steps[5:]))
    assert rules(check_plan(after, FACTS)) & {"GROUP-MOVE-PLAN", "NODE-EMPTY"}
    early = replace(back, groups=(("Cluster Group", "EXN2"),))
    assert "NODE-EMPTY" in rules(check_plan(replace(PLAN, steps=(PLAN.steps[0], early, *PLAN.steps[2:])), FACTS))
    assert check_plan(replace(PLAN, steps=(*PLAN.steps, onto)), FACTS) == ()
