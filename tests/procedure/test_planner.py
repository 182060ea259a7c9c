"""Plans for the clusters the document names, in health and half done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.procedure.context import Context, context_of
from bot.procedure.facts import EstateFacts, NodeStatus, QuorumModel, StandbyFacts, Unknown
from bot.procedure.order import check_plan
from bot.procedure.planner import Nothing, PlanRefusal, make_plan, restart_after, still_to_read
from bot.procedure.rules import blocking, evaluate
from state.words import Actor, Campaign, Options, Outcome, OutcomeKind, Plan, State, StepKind, Verdict, When
from tests.procedure.build import (
    NEW,
    NOW,
    OLD,
    PACKAGE,
    ccr,
    change,
    cluster,
    each_view,
    estate,
    machine,
    node_state,
    plan_of,
    recms,
    scc,
    silent,
    standing_by,
)
from tests.procedure.walk import campaign

Kinds = list[tuple[str, str, str]]


def shape(plan: Plan) -> Kinds:
    return [(step.kind.value, step.target, step.cms or step.to) for step in plan.steps]


def refused(facts: EstateFacts, **more: object) -> PlanRefusal:
    made = make_plan(facts, PACKAGE, Options(), context=more.pop("context", Context()))  # type: ignore[arg-type]
    assert isinstance(made, PlanRefusal), made
    return made


def test_a_healthy_ccr_cluster_with_its_target() -> None:
    plan = plan_of(ccr())
    assert shape(plan) == [
        ("install", "SCR1", ""),
        ("evacuate", "EXN2", "EXN1"),
        ("install", "EXN2", ""),
        ("handoff", "EXN2", "CMS1"),
        ("evacuate", "EXN1", "EXN2"),
        ("install", "EXN1", ""),
    ]
    assert [step.id for step in plan.steps] == ["s01", "s02", "s03", "s04", "s05", "s06"]
    assert plan.lock_set == ("CLUSTER01", "SCR1")
    assert plan.machine_set == ("SCR1", "EXN1", "EXN2")
    assert plan.scr_targets == ("SCR1",)
    assert plan.old_level == OLD
    assert plan.downtime_s == 180.0
    assert all(step.rule and step.because and step.title for step in plan.steps)
    assert "by then" in plan.steps[4].because  # Cluster Group followed s02


@pytest.mark.parametrize(
    "facts",
    [ccr(), ccr(scr=None), ccr(active="EXN2", home="EXN1"), scc(3, 1, scr=OLD), scc(5, 2)],
    ids=["ccr", "no-scr", "swapped", "scc-3-1", "scc-5-2"],
)
def test_every_gate_and_every_check_after_it_passes_when_all_goes_well(facts: EstateFacts) -> None:
    plan = plan_of(facts)
    for step, gate, after, _left in campaign(plan, facts):
        assert [(step.id, c.rule, c.sentence) for c in (*blocking(gate), *blocking(after))] == []
    left = campaign(plan, facts)[-1][3]
    closing = evaluate(When.AFTER, left, package=PACKAGE, context=Context(), plan=plan)
    assert "BOTH-NODES" in {c.rule for c in closing}
    assert blocking(closing) == ()
    again = make_plan(left, PACKAGE, Options(), context=Context())
    assert isinstance(again, Nothing)


def test_the_same_facts_make_the_same_plan() -> None:
    assert plan_of(ccr()) == plan_of(ccr())


def test_a_half_done_cluster_goes_on_where_it_stands() -> None:
    assert shape(plan_of(ccr(scr=NEW, n2=NEW))) == [
        ("handoff", "EXN2", "CMS1"),
        ("evacuate", "EXN1", "EXN2"),
        ("install", "EXN1", ""),
    ]
    assert shape(plan_of(ccr(scr=NEW, n2=NEW, active="EXN2", home="EXN1"))) == [
        ("evacuate", "EXN1", "EXN2"),
        ("install", "EXN1", ""),
    ]
    assert shape(plan_of(ccr(n1=NEW, n2=NEW))) == [("install", "SCR1", "")]


def test_a_cluster_at_the_level_has_nothing_to_do() -> None:
    made = make_plan(ccr(n1=NEW, n2=NEW, scr=NEW), PACKAGE, Options(), context=Context())
    assert isinstance(made, Nothing)
    assert "nothing to do" in made.sentence
    assert all(check.verdict is Verdict.PASS for check in made.checks)


def test_at_the_level_but_paused_is_not_done() -> None:
    facts = node_state(ccr(n1=NEW, n2=NEW, scr=NEW), "EXN1", NodeStatus.PAUSED)
    assert refused(facts).rule == "NODE-MEMBER"


def test_a_package_missing_everywhere_does_not_hide_that_nothing_is_to_do() -> None:
    from bot.procedure.facts import PackageFacts

    facts = ccr(n1=NEW, n2=NEW, scr=NEW)
    for name in ("EXN1", "EXN2", "SCR1"):
        facts = change(facts, name, package=PackageFacts(path="x", present=False))
    assert isinstance(make_plan(facts, PACKAGE, Options(), context=Context()), Nothing)


def test_failback_brings_each_mail_server_home_in_reverse() -> None:
    plan = plan_of(ccr(), options=Options(failback=True))
    assert shape(plan)[-1] == ("handoff", "EXN1", "CMS1")
    assert plan.steps[-1].option == "failback"
    many = plan_of(scc(3, 1), options=Options(failback=True))
    back = [(s.cms, s.target) for s in many.steps if s.option == "failback"]
    assert back == [("CMS3", "N3"), ("CMS2", "N2"), ("CMS1", "N1")]
    assert check_plan(many, scc(3, 1)) == ()


def test_stop_move_start_is_an_option_of_every_handoff() -> None:
    plan = plan_of(ccr(), options=Options(failback=True, stop_move_start=True))
    assert [s.option for s in plan.steps if s.kind is StepKind.HANDOFF] == [
        "stop-move-start",
        "failback+stop-move-start",
    ]


def test_a_pending_restart_puts_a_restart_between_emptying_and_installing() -> None:
    plan = plan_of(change(ccr(), "EXN2", reboot_pending=("RebootPending",)))
    assert shape(plan)[1:4] == [("evacuate", "EXN2", "EXN1"), ("restart", "EXN2", ""), ("install", "EXN2", "")]
    assert plan.steps[2].option == "reboot-first"


def standby(
    nodes: tuple[str, ...], *, builds: dict[str, str] | None = None, typed: str = "sb1.lab.example"
) -> EstateFacts:
    main = standing_by(ccr(scr=None), "CMS1", ("SG1", (typed,)), ("SG2", ()))
    return estate(
        "CLUSTER01",
        ("EXN1", "EXN2"),
        (*main.machines, *cluster("STANDBY01", nodes, builds=builds, quorum=QuorumModel.NODE_SHARE)),
    )


def test_a_standby_cluster_is_patched_whole_and_first_named_node_first() -> None:
    facts = standby(("SB2", "SB1"))
    plan = plan_of(facts)
    assert shape(plan)[:4] == [
        ("evacuate", "SB1", "SB2"),
        ("install", "SB1", ""),
        ("evacuate", "SB2", "SB1"),
        ("install", "SB2", ""),
    ]
    assert {step.cluster for step in plan.steps[:4]} == {"STANDBY01"}
    assert {step.role for step in plan.steps[:4]} == {"scr-target"}
    assert plan.lock_set == ("CLUSTER01", "STANDBY01")
    assert set(plan.machine_set) == {"SB1", "SB2", "EXN1", "EXN2"}
    for _step, gate, after, _left in campaign(plan, facts)[:4]:
        assert [(c.rule, c.sentence) for c in (*blocking(gate), *blocking(after)) if c.rule != "SCR-COPY-OK"] == []


@pytest.mark.parametrize("done", ["SB1", "SB2", "SB3"])
def test_a_partly_updated_standby_cluster_is_accepted_by_the_plan_s_own_lines_too(done: str) -> None:
    plan = plan_of(standby(("SB1", "SB2", "SB3"), builds={done: NEW}))
    assert done not in {step.target for step in plan.steps}
    assert check_plan(plan) == ()
    two = plan_of(standby(("SB1", "SB2"), builds={"SB2": NEW}))
    assert [step.target for step in two.steps][:2] == ["SB1", "SB1"]
    assert check_plan(two) == ()


def test_a_cluster_of_one_node_with_a_mail_server_is_refused() -> None:
    """Only a standby cluster may go down whole: there is no mail on it."""
    made = make_plan(scc(1, 0), PACKAGE, Options(), context=Context())
    assert isinstance(made, PlanRefusal)
    assert made.rule == "QUORUM-SURVIVES"
    assert "has one node, and it holds 'CMS1'" in made.sentence


def test_a_one_node_standby_cluster_is_only_installed_and_says_so() -> None:
    facts = standby(("SB1",))
    plan = plan_of(facts)
    assert shape(plan)[0] == ("install", "SB1", "")
    gate = campaign(plan, facts)[0][1]
    spoken = {c.rule: c for c in gate}
    for rule in ("QUORUM-SURVIVES", "SPARE-UP", "NODE-EMPTY"):
        assert not spoken[rule].applicable
        assert "fully offline" in spoken[rule].sentence
    assert blocking(gate) == ()


def test_targets_shared_by_groups_and_spelled_in_two_ways_are_one_machine() -> None:
    facts = recms(
        ccr(),
        "CMS1",
        standbys=(("SG1", (StandbyFacts(node_name="SCR1"),)), ("SG2", (StandbyFacts(node_name="scr1.LAB.example"),))),
    )
    assert [s.target for s in plan_of(facts).steps].count("SCR1") == 1


def test_what_the_facts_name_and_nobody_read_is_named_once() -> None:
    facts = ccr()
    only_nodes = replace(facts, machines=facts.machines[:2])
    assert still_to_read(only_nodes) == ("SCR1",)
    assert still_to_read(facts) == ()
    nobody = replace(facts, machines=())
    assert still_to_read(nobody) == ("EXN1", "EXN2")
    assert still_to_read(replace(facts, machines=facts.machines[:1])) == ("SCR1", "EXN2")


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (silent(ccr(), "EXN1"), "PRE-COMPLETE"),
        (silent(ccr(n1=NEW, n2=NEW), "SCR1"), "SCR-TARGETS-FIRST"),
        (silent(change(ccr(), "EXN2", powershell="3.0"), "SCR1"), "WMF-VERSION"),
        (node_state(ccr(), "EXN2", NodeStatus.PAUSED), "NODE-MEMBER"),
        (each_view(ccr(), lambda v: replace(v, witness_ok=False)), "QUORUM-SURVIVES"),
        (ccr(n1="8.3.517.0", n2="8.3.517.0", scr="8.3.83.6", window="never"), "WINDOW"),
        (change(ccr(), "EXN2", powershell="3.0"), "WMF-VERSION"),
        (recms(ccr(), "CMS1", standbys=Unknown("access denied")), "SCR-APPLICABLE"),
    ],
)
def test_a_refusal_names_the_rule_that_stops_the_plan(facts: EstateFacts, rule: str) -> None:
    found = refused(facts)
    assert found.rule == rule, found.sentence
    assert found.sentence
    assert found.remedy
    assert found.checks


def test_a_node_above_the_package_is_refused_and_a_target_above_it_is_fine() -> None:
    older = replace(PACKAGE, build="8.3.502.0", kb="KB3184712", path="C:\\p\\Exchange2007-KB3184712-x64-EN.msp")
    found = make_plan(ccr(n1=NEW), older, Options(), context=Context())
    assert isinstance(found, PlanRefusal)
    assert found.rule == "PKG-NEWER"
    plan = make_plan(ccr(scr=NEW), older, Options(), context=Context())
    assert isinstance(plan, PlanRefusal | Plan)
    assert "SCR1" not in [s.target for s in plan.steps] if isinstance(plan, Plan) else plan.rule == "PKG-HASH"


def test_the_facts_may_spell_nodes_in_full_and_in_any_case() -> None:
    facts = recms(ccr(), "CMS1", active_node="exn1.lab.example", redundant=("exn1.lab.example", "EXN2.lab.example"))
    assert shape(plan_of(facts)) == shape(plan_of(ccr()))


def test_the_restart_after_3010_belongs_to_its_install() -> None:
    install = plan_of(ccr()).steps[2]
    restart = restart_after(install)
    assert (restart.kind, restart.target, restart.cluster, restart.id) == (
        StepKind.RESTART,
        "EXN2",
        "CLUSTER01",
        "s03r",
    )
    assert restart.option == ""


def test_an_all_passive_cluster_is_planned_without_handoffs() -> None:
    facts = estate("SB", ("SB1", "SB2"), cluster("SB", ("SB1", "SB2")))
    assert [k for k, *_ in shape(plan_of(facts))] == ["evacuate", "install", "evacuate", "install"]


def test_the_record_of_a_campaign_says_who_is_not_finished() -> None:
    plan = plan_of(ccr())
    base = Campaign(
        id="CLUSTER01-7",
        nonce="n",
        cluster="CLUSTER01",
        channel="C",
        state=State.READY,
        version=9,
        head="h",
        requester=Actor(user="U1", person="alice"),
        plan=plan,
        step_index=2,
    )

    def seen(*outcomes: tuple[str, OutcomeKind]) -> Context:
        made = tuple(Outcome(step=step, attempt=1, kind=kind, sentence="", at=NOW) for step, kind in outcomes)
        return context_of(replace(base, outcomes=made))

    assert seen().done == ()
    assert seen(("s03", OutcomeKind.FAILED)).unverified == ("EXN2",)
    assert seen(("s03", OutcomeKind.FAILED), ("s03", OutcomeKind.DONE)).unverified == ()
    owed = seen(("s03", OutcomeKind.NEEDS_RESTART))
    assert (owed.restarts_owed, owed.unverified) == (("EXN2",), ("EXN2",))
    restarted = replace(
        base, plan=replace(plan, steps=(*plan.steps[:3], restart_after(plan.steps[2]), *plan.steps[3:]))
    )
    after = context_of(
        replace(
            restarted,
            outcomes=(
                Outcome(step="s03", attempt=1, kind=OutcomeKind.NEEDS_RESTART, sentence=""),
                Outcome(step="s03r", attempt=1, kind=OutcomeKind.DONE, sentence=""),
            ),
        )
    )
    assert (after.restarts_owed, after.unverified) == ((), ())


def test_a_target_of_another_machine_is_left_alone() -> None:
    facts = ccr(scr=None)
    lonely = replace(facts, machines=(*facts.machines, machine("SCR9")))
    assert "SCR9" not in plan_of(lonely).machine_set
