"""Plans that a waivable rule stops: what they would do, that nobody can start them unseen, and that they come to an end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts, LevelFacts, NodeStatus, StandbyFacts, Unknown
from bot.procedure.order import check_events, check_next, check_plan
from bot.procedure.planner import PlanRefusal, make_plan
from bot.procedure.rules import blocking, evaluate
from state import words as w
from tests.procedure import record
from tests.procedure.build import (
    BASE,
    NEW,
    OLD,
    PACKAGE,
    ccr,
    change,
    cluster,
    each_view,
    estate,
    judge,
    level,
    machine,
    plan_of,
    recms,
    silent,
    standing_by,
    verdicts,
)
from tests.procedure.record import recorded
from tests.procedure.walk import campaign, waivers

FIRST = "SCR-TARGETS-FIRST"
UNSURE = LevelFacts(exsetup=NEW, patches=level(OLD).patches, base=BASE)
CYCLE = (("SG9", (StandbyFacts(node_name="cms1.lab.example"),)),)


def stops(plan: w.Plan) -> list[str]:
    return [check.rule for check in plan.checks if check.stops]


def two_targets() -> EstateFacts:
    facts = ccr()
    both = (("SG1", (StandbyFacts(node_name="SCR1"), StandbyFacts(node_name="SCR2"))), ("SG2", ()))
    copies = next(cms.copies for cms in facts.machines[0].cms)  # type: ignore[union-attr]
    more = tuple(replace(one, standby="SCR2") for one in copies if one.standby)  # type: ignore[union-attr]
    facts = replace(facts, machines=(*facts.machines, machine("SCR2")))
    return recms(facts, "CMS1", standbys=both, copies=(*copies, *more))  # type: ignore[misc]


def standby_cluster(*quiet: str, seen: NodeStatus = NodeStatus.UP) -> EstateFacts:
    """SB1 of a standby cluster of two is the target; the quiet nodes do not answer, and the others see them so."""
    main = ccr(scr=None)
    facts = estate("CLUSTER01", ("EXN1", "EXN2"), (*main.machines, *cluster("STANDBY", ("SB1", "SB2"))))
    facts = standing_by(facts, "CMS1", ("SG1", ("SB1",)), ("SG2", ()))
    for name in quiet:
        facts = silent(facts, name)
    return each_view(
        facts,
        lambda view: replace(view, nodes=tuple((n, seen if n in quiet else was) for n, was in view.nodes)),
        "STANDBY",
    )


@pytest.mark.parametrize(
    ("facts", "rule", "patched"),
    [
        (silent(ccr(), "SCR1"), FIRST, {"EXN1", "EXN2"}),
        (silent(two_targets(), "SCR1"), FIRST, {"EXN1", "EXN2", "SCR2"}),
        (standby_cluster("SB1", "SB2"), FIRST, {"EXN1", "EXN2"}),
        (
            recms(ccr(scr=None), "CMS1", standbys=(("SG1", (StandbyFacts(node_name="GONE9"),)), ("SG2", ()))),
            FIRST,
            {"EXN1", "EXN2"},
        ),
        (change(ccr(), "EXN2", level=UNSURE), "LEVEL-AGREE", {"EXN1", "EXN2", "SCR1"}),
        (change(ccr(), "EXN1", level=UNSURE), "LEVEL-AGREE", {"EXN1", "EXN2", "SCR1"}),
        (change(ccr(), "SCR1", level=UNSURE), "LEVEL-AGREE", {"EXN1", "EXN2", "SCR1"}),
        (change(ccr(), "SCR1", own_standbys=CYCLE), "SCR-CYCLE", {"EXN1", "EXN2", "SCR1"}),
    ],
    ids=["silent", "one-of-two", "standby-cluster", "stale", "node-unsure", "active-unsure", "target-unsure", "cycle"],
)
def test_a_plan_stands_with_its_one_stop_and_goes_to_its_end_under_waivers_only(
    facts: EstateFacts, rule: str, patched: set[str]
) -> None:
    plan = plan_of(facts)
    assert stops(plan) == [rule]
    assert {step.target for step in plan.steps if step.kind is w.StepKind.INSTALL} == patched
    assert check_plan(plan, facts) == () == check_plan(plan)
    for step, gate, after, _left in campaign(plan, facts, (rule,)):
        assert [(step.id, c.rule, c.sentence) for c in (*blocking(gate), *blocking(after))] == []
    left = campaign(plan, facts, (rule,))[-1][3]
    closing = evaluate(w.When.AFTER, left, package=PACKAGE, context=Context(), plan=plan)
    assert verdicts(closing)["BOTH-NODES"] is (w.Verdict.WARN if rule == FIRST else w.Verdict.PASS)
    made = record.events(plan, facts, (rule,))
    assert check_events(recorded(made)) == ()
    asked = [event for event in made if isinstance(event, w.WaiverAsked)]
    assert asked[0].step == "plan"
    for place, event in enumerate(made):  # without any one of the approvals the record is rejected
        if isinstance(event, w.GateConsumed) and event.intent.digest.startswith("risk"):
            found = check_events(
                recorded([*made[:place], w.GateRejected(gate=event.intent.gate, by=("bob",)), *made[place + 1 :]])
            )
            assert rule in {one.rule for one in found}, event


def test_nothing_but_the_targets_stands_in_the_way_of_a_target_that_does_not_answer() -> None:
    facts = silent(ccr(), "SCR1")
    plan = plan_of(facts)
    assert "SCR1" in plan.machine_set  # it is read again before each step
    assert plan.lock_set == ("CLUSTER01", "SCR1")  # and nobody else patches it meanwhile
    finding = next(check for check in plan.checks if check.rule == FIRST)
    assert finding.waivable
    assert ("SCR1", "unknown") in {(fact.machine, fact.value) for fact in finding.facts}


@pytest.mark.parametrize("seen", [NodeStatus.UP, NodeStatus.DOWN])
@pytest.mark.parametrize(
    ("quiet", "answers", "way_on"),
    [
        ("SB2", "SB1", "cluster.exe node SB2 /evict, or disable the relation: Disable-StorageGroupCopy -StandbyMachine SB1"),
        ("SB1", "SB2", "disable the relation: Disable-StorageGroupCopy -StandbyMachine SB1"),
    ],
)  # fmt: skip
def test_a_standby_cluster_that_answers_in_part_is_refused_by_every_rule_that_speaks_of_it(
    quiet: str, answers: str, way_on: str, seen: NodeStatus
) -> None:
    facts = standby_cluster(quiet, seen=seen)
    made = make_plan(facts, PACKAGE, w.Options(), context=Context())
    assert isinstance(made, PlanRefusal)
    assert [(check.rule, check.waivable) for check in blocking(made.checks)] == [
        *([("VIEW-AGREE", False)] if seen is NodeStatus.UP else []),
        (FIRST, False),
    ]
    check = judge(FIRST, w.When.PLAN, facts)
    assert f"{answers} answered, so STANDBY is neither left out nor patched without it" in check.sentence
    assert check.remedy.endswith(way_on)


def test_a_node_of_a_standby_cluster_that_falls_silent_later_may_be_accepted_at_a_step() -> None:
    """Its cluster is done by then, and not acted on any more: what is left to accept is a level nobody can read."""
    planned = plan_of(standby_cluster())
    step = next(one for one in planned.steps if one.target == "EXN2")
    done = change(standby_cluster("SB2"), "SB1", level=level(NEW))
    stops = blocking(evaluate(w.When.GATE, done, package=PACKAGE, context=Context(), plan=planned, step=step))
    assert [(check.rule, check.waivable) for check in stops] == [(FIRST, True)]


def test_a_target_that_comes_back_below_the_level_is_not_covered_by_any_waiver() -> None:
    gone = silent(ccr(), "SCR1")
    plan = plan_of(gone)
    step = plan.steps[0]
    asked = evaluate(w.When.GATE, gone, package=PACKAGE, context=Context(), plan=plan, step=step)
    context = Context(waivers=waivers(step.id, asked, (FIRST,)))
    assert blocking(evaluate(w.When.GATE, gone, package=PACKAGE, context=context, plan=plan, step=step)) == ()
    back = blocking(evaluate(w.When.GATE, ccr(), package=PACKAGE, context=context, plan=plan, step=step))
    assert [(check.rule, check.waivable) for check in back] == [(FIRST, False)]
    up = evaluate(w.When.GATE, ccr(scr=NEW), package=PACKAGE, context=context, plan=plan, step=step)
    assert verdicts(up)[FIRST] is w.Verdict.PASS


def test_a_node_that_does_not_answer_is_never_left_out() -> None:
    made = make_plan(silent(ccr(), "EXN2"), PACKAGE, w.Options(), context=Context())
    assert isinstance(made, PlanRefusal)
    assert made.rule == "PRE-COMPLETE"


def test_levels_that_cannot_be_read_or_are_of_two_service_packs_cannot_be_accepted() -> None:
    for odd in (
        LevelFacts(exsetup=Unknown("no answer"), patches=(), base=BASE),
        LevelFacts(exsetup="8.2.305.3", patches=level(OLD).patches, base=BASE),
        LevelFacts(exsetup="8.3.999.9", patches=level(OLD).patches, base=BASE),
    ):
        made = make_plan(change(ccr(), "EXN2", level=odd), PACKAGE, w.Options(), context=Context())
        assert isinstance(made, PlanRefusal), odd


# --- what the order checker lets through -----------------------------------------------------------------------


def forged(plan: w.Plan, facts: EstateFacts) -> w.Plan:
    """A plan for reachable machines that claims its SCR target may be left out."""
    claim = next(check for check in plan_of(silent(facts, "SCR1")).checks if check.rule == FIRST)
    checks = tuple(claim if check.rule == FIRST else check for check in plan.checks)
    return replace(plan, checks=checks, steps=tuple(step for step in plan.steps if step.target != "SCR1"))


def test_a_target_that_answers_is_not_left_out_whatever_the_plan_claims() -> None:
    plan = forged(plan_of(ccr()), ccr())
    assert {one.rule for one in check_plan(plan, ccr())} >= {FIRST, "BOTH-NODES"}
    assert FIRST in {one.rule for one in check_plan(plan)}  # its own lines name the target's level


def test_a_plan_may_not_leave_a_target_out_and_patch_it_later() -> None:
    facts = silent(ccr(), "SCR1")
    plan = plan_of(facts)
    late = replace(plan.steps[1], id="s99", target="SCR1", cluster="", role="scr-target")
    assert FIRST in {one.rule for one in check_plan(replace(plan, steps=(*plan.steps, late)), facts)}


def test_a_living_campaign_is_stopped_if_nobody_waived_what_stops_its_plan() -> None:
    plan = plan_of(silent(ccr(), "SCR1"))
    living = w.Campaign(
        id=record.ID, nonce="n", cluster="CLUSTER01", channel="C", state=w.State.READY, version=1, head="",
        requester=record.ALICE, plan=plan,
    )  # fmt: skip
    assert {one.rule for one in check_next(living, plan.steps[0])} == {FIRST}
    waived = replace(living, waivers=waivers("plan", plan.checks, (FIRST,)))
    assert check_next(waived, plan.steps[0]) == ()
    for odd in (
        replace(waived.waivers[0], approved_by=()),
        replace(waived.waivers[0], step="s01"),
        replace(waived.waivers[0], facts=()),
        replace(waived.waivers[0], rule="SCR-CYCLE"),
    ):
        assert check_next(replace(waived, waivers=(odd,)), plan.steps[0]) != ()


def gates(made: list[w.Event], spoil: dict[str, object], rule: str) -> list[w.Event]:
    """The same record with one rule's check changed at every gate that shows it."""
    return [
        w.GatePrepared(
            gate=replace(
                event.gate,
                checks=tuple(replace(c, **spoil) if c.rule == rule else c for c in event.gate.checks),  # type: ignore[arg-type]
            )
        )
        if isinstance(event, w.GatePrepared)
        else event
        for event in made
    ]


def test_a_record_in_which_a_known_level_was_waived_is_rejected() -> None:
    facts = silent(ccr(), "SCR1")
    made = record.events(plan_of(facts), facts, (FIRST,))
    known = (w.Fact(name="level", value=OLD, machine="SCR1"),)
    spoiled = [
        w.GatePrepared(gate=replace(e.gate, waiver=replace(e.gate.waiver, facts=known)))
        if isinstance(e, w.GatePrepared) and e.gate.waiver is not None and e.gate.step != "plan"
        else e
        for e in gates(made, {"facts": known}, FIRST)
    ]
    assert FIRST in {one.rule for one in check_events(recorded(spoiled))}


def test_a_warning_that_nobody_waived_proves_nothing() -> None:
    made = record.events(plan_of(ccr()), ccr())
    for rule in ("NODE-PASSIVE", "NODE-EMPTY", FIRST, "MOVE-READY"):
        found = check_events(recorded(gates(made, {"verdict": w.Verdict.WARN}, rule)))
        assert rule in {one.rule for one in found}


@pytest.mark.parametrize("rule", ["NODE-PASSIVE", "QUORUM-SURVIVES", "MOVE-READY", "ONE-AT-A-TIME"])
def test_no_waiver_covers_what_the_document_leaves_to_nobody(rule: str) -> None:
    facts = ccr()
    made = record.events(plan_of(facts), facts)
    place = next(
        n for n, e in enumerate(made) if isinstance(e, w.GatePrepared) and rule in {c.rule for c in e.gate.checks}
    )
    event = made[place]
    assert isinstance(event, w.GatePrepared)
    shown = next(check for check in event.gate.checks if check.rule == rule)
    stop = replace(shown, verdict=w.Verdict.BLOCK, waivable=True)
    (waiver,) = waivers(event.gate.step, (stop,), (rule,))
    risk = record.accepted(waiver, (stop,), 9)
    warned = replace(shown, verdict=w.Verdict.WARN, waivable=True, waived_by=("bob",))
    spoiled = gates([*made[:place], *risk, *made[place:]], {"verdict": warned.verdict, "waived_by": ("bob",)}, rule)
    assert rule in {one.rule for one in check_events(recorded(spoiled))}
