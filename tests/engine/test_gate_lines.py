"""What every gate says besides checks and commands (facts/exchange.md §9), item by item, for each kind of gate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.engine.gate_lines import gate_lines, risk_lines
from bot.engine.gating import _installed_already
from bot.procedure.facts import Unknown
from state.words import Campaign, Command, Forecast, JobKind, Plan, Step, StepKind
from tests.procedure.build import ccr, change, plan_of, scc
from tests.procedure.test_planner import standby
from tests.state.samples import step
from tests.state.test_guards import ready

# Section 9's own order: redundancy lost for how long, users and clients affected, what “no” costs, what happens if the
# bot or the other node dies, how to undo it, what will look red but is expected.
ORDER = ("Redundancy: ", "Users and clients: ", "“No”: ", "If the bot dies: ", "If the other node dies: ", "Undo: ", "Will look red: ")  # fmt: skip

PLANS = {"ccr": plan_of(ccr()), "scc": plan_of(scc(2, 1, scr="8.3.485.1"))}
STEPS = [(name, one) for name, plan in PLANS.items() for one in plan.steps]
EXTRA = [
    replace(step(9), kind=StepKind.RESTORE, option="services"),
    replace(step(9), kind=StepKind.RESTORE, option="owners", groups=(("Cluster Group", "EXN1"),), optional=True),
    replace(step(9), kind=StepKind.RESTART, cluster="CLUSTER01"),
    replace(step(9), kind=StepKind.RESTART),
    replace(step(9), kind=StepKind.HANDOFF, cms="CMS1", source="EXN1", target="EXN2", option="return"),
    replace(step(9), kind=StepKind.HANDOFF, cms="CMS1", source="EXN1", target="EXN2", option="failback"),
]


def the_items_are_whole(said: tuple[str, ...]) -> None:
    assert len(said) >= len(ORDER)
    for label, line in zip(ORDER, said, strict=False):
        assert line.startswith(label), (label, line)
        assert len(line) > len(label) + 4, f"{label} says nothing"
        assert "0 s" not in line.split(), line


def campaign(plan: str = "ccr") -> Campaign:
    return replace(ready(), plan=PLANS[plan])


@pytest.mark.parametrize(("plan", "one"), [*STEPS, *(("ccr", one) for one in EXTRA)])
def test_every_step_gate_says_all_of_it_in_order(plan: str, one: Step) -> None:
    the_items_are_whole(gate_lines(campaign(plan), one))


def test_every_kind_of_step_is_among_them() -> None:
    assert {one.kind for _, one in STEPS} | {one.kind for one in EXTRA} == set(StepKind)


@pytest.mark.parametrize("what", ["the plan", "“Install KB4011325 on EXN2”"])
def test_a_risk_gate_says_all_of_it_too(what: str) -> None:
    the_items_are_whole(risk_lines(what))


def test_redundancy_is_lost_until_the_node_is_resumed_not_only_for_this_step() -> None:
    evacuate = next(one for one in PLANS["ccr"].steps if one.kind is StepKind.EVACUATE)
    assert "about 42 min, until it is resumed" in gate_lines(campaign(), evacuate)[0], "the install is counted too"


@pytest.mark.parametrize(
    ("plan", "can"),
    [
        (PLANS["ccr"], {"EXN2": "CMS1 has no other node", "EXN1": "CMS1 has no other node"}),
        (plan_of(scc(2, 1)), dict.fromkeys(("N3", "N1", "N2"), "CMS1, CMS2 have no other node to fail over to")),
        (plan_of(scc(2, 2)), {"N3": "over to N4.", "N4": "over to N3.", "N1": "over to N4.", "N2": "over to N1."}),
        (plan_of(scc(1, 3)), {"N2": "N3 or N4.", "N3": "N2 or N4.", "N4": "N2 or N3.", "N1": "N3 or N4."}),
    ],
)
def test_redundancy_names_the_nodes_that_are_free_when_this_step_comes(plan: Plan, can: dict[str, str]) -> None:
    installs = [one for one in plan.steps if one.kind is StepKind.INSTALL and one.role == "node"]
    said = {one.target: gate_lines(replace(ready(), plan=plan), one) for one in installs}
    assert {node: can[node] in lines[0] for node, lines in said.items()} == dict.fromkeys(can, True), said
    assert {node: "once" in lines[4] for node, lines in said.items()} == {
        node: "no other" not in words for node, words in can.items()
    }


def test_the_one_node_of_a_standby_cluster_is_not_said_to_be_paused_or_resumed() -> None:
    """It is installed as it stands: its groups have nowhere to go, and the whole standby cluster goes offline."""
    plan = plan_of(standby(("SB1",)))
    install = next(one for one in plan.steps if one.target == "SB1")
    said = gate_lines(replace(ready(), plan=plan), install)
    assert "STANDBY01 is fully offline" in said[0]
    assert "there is no other node in STANDBY01" in said[4]
    assert not [line for line in said if "Paused" in line or "resume" in line]
    two = plan_of(standby(("SB1", "SB2")))
    install = next(one for one in two.steps if one.target == "SB1" and one.kind is StepKind.INSTALL)
    assert "stays Paused" in gate_lines(replace(ready(), plan=two), install)[2]


def test_the_forecast_of_the_gate_is_what_users_are_told() -> None:
    handoff = next(one for one in PLANS["ccr"].steps if one.kind is StepKind.HANDOFF)
    told = gate_lines(campaign(), handoff, Forecast(step_s=600.0, downtime_s=240.0, basis="p90 of 4 measured"))
    assert "without mail for about 4 min" in told[1]
    assert "everybody with a mailbox on CMS1 (400 mailboxes) is without mail for about" in told[1]
    unread = replace(campaign(), plan=replace(PLANS["ccr"], users=()))
    assert "CMS1 (how many mailboxes is unknown: they were not read at the plan)" in gate_lines(unread, handoff)[1]


def test_an_scr_target_says_whom_it_serves_itself() -> None:
    install = next(one for one in PLANS["ccr"].steps if one.target == "SCR1")
    told = gate_lines(campaign(), install)[1]
    assert "whoever uses SCR1 itself (12 mailboxes; it also serves as HubTransport), for about" in told
    nobody = plan_of(change(ccr(), "SCR1", mailboxes=0, roles=("Mailbox",)))
    told = gate_lines(replace(ready(), plan=nobody), install)[1]
    assert "none; SCR1 has no mailbox of its own and no other role" in told
    unread = plan_of(change(ccr(), "SCR1", mailboxes=Unknown("denied"), roles=Unknown("denied")))
    told = gate_lines(replace(ready(), plan=unread), install)[1]
    assert "how many mailboxes is unknown: denied; whether it has other roles is unknown: denied" in told


def test_only_the_last_node_at_the_old_level_is_the_point_of_no_return() -> None:
    installs = [one for one in PLANS["ccr"].steps if one.kind is StepKind.INSTALL]
    final = [one.target for one in installs if "Point of no return" in "\n".join(gate_lines(campaign(), one))]
    assert final == ["EXN1"]


def lines(option: str) -> str:
    made = replace(step(9), kind=StepKind.HANDOFF, cms="CMS1", source="EXN1", target="EXN2", option=option)
    return "\n".join(gate_lines(campaign(), made))


def test_stop_move_start_says_what_a_human_must_run_if_it_is_cut_off() -> None:
    said = lines("failback+stop-move-start")
    assert "Start-ClusteredMailboxServer -Identity 'CMS1'" in said
    assert "--failback" in said


def test_a_return_says_that_it_goes_to_an_older_level_and_offers_no_further_return() -> None:
    assert "older level" in lines("return")
    assert "/rollup return" not in lines("return")
    assert "/rollup return CLUSTER01-1 reason" in lines("")
    assert "older level" not in lines("")


def test_a_gate_that_installs_nothing_any_more_says_so() -> None:
    install = next(one for one in PLANS["ccr"].steps if one.kind is StepKind.INSTALL)
    resume = Command(text="cluster.exe node EXN2 /resume", kind=JobKind.SHELL, node=install.target, purpose="resume")
    (said,) = _installed_already(install, (resume,))
    assert said.startswith(f"Nothing is installed: {install.target} is at the level already.")
    assert _installed_already(install, (replace(resume, effect="install"), resume)) == ()
    assert _installed_already(replace(install, kind=StepKind.EVACUATE), (resume,)) == ()
