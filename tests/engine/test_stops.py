"""How long a block is read again quietly, and that people hear of it in the end, whatever turns the reasons take."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from bot.engine.acting import absorb
from bot.engine.outcomes import restore_of
from bot.engine.stops import blocked_since, stop_on
from state.words import Check, JobOpened, JobReport, JobSeen, StepKind, Verdict, When
from tests.procedure.build import ccr, plan_of
from tests.state.test_guards import acting, order, play, ready


def check(rule: str, patience_s: float = 600.0) -> Check:
    return Check(rule=rule, when=When.GATE, verdict=Verdict.BLOCK, sentence=f"{rule}.", patience_s=patience_s)


def test_patience_runs_from_the_first_time_a_rule_blocked() -> None:
    first = stop_on(ready(), (check("A"),), 1000.0, "s01")
    assert (first.since, first.final) == (1000.0, False)
    again = stop_on(replace(ready(), stop=first), (check("A"),), 1600.0, "s01")
    assert (again.since, again.final) == (1000.0, True)


def test_the_least_patient_check_decides() -> None:
    assert stop_on(ready(), (check("A"), check("B", 0.0)), 1000.0).final


def test_nothing_is_concluded_from_a_picture_on_which_the_nodes_do_not_agree_yet() -> None:
    """A node that is joining again is seen so by one node only for some seconds: the reason comes when they agree."""
    joining = (check("VIEW-AGREE"), check("NODE-PASSIVE", 0.0))
    first = stop_on(ready(), joining, 1000.0)
    assert not first.final
    assert stop_on(replace(ready(), stop=first), joining, 1600.0).final
    agreed = stop_on(replace(ready(), stop=first), joining[1:], 1010.0)
    assert (agreed.rule, agreed.final) == ("NODE-PASSIVE", True)


def test_two_rules_that_take_turns_do_not_keep_people_from_hearing_of_it() -> None:
    stop = stop_on(ready(), (check("A"),), 0.0)
    for turn, now in enumerate(range(100, 700, 100)):
        stop = stop_on(replace(ready(), stop=stop), (check("BA"[turn % 2]),), float(now))
    assert (stop.since, stop.final) == (0.0, True)


def test_a_new_reason_after_one_people_were_told_of_has_its_own_time() -> None:
    told = replace(stop_on(ready(), (check("A", 0.0),), 0.0), final=True)
    assert blocked_since(replace(ready(), stop=told), "A", 500.0) == 0.0
    assert blocked_since(replace(ready(), stop=told), "B", 500.0) == 500.0


def test_services_an_install_left_disabled_are_put_back_by_a_step_of_their_own() -> None:
    campaign = replace(ready(), plan=plan_of(ccr()))
    assert campaign.plan is not None
    install = next(one for one in campaign.plan.steps if one.kind is StepKind.INSTALL)
    disabled = (check("SERVICES-SNAPSHOT", 0.0),)
    restore = restore_of(campaign, install, disabled)
    assert restore is not None
    assert (restore.kind, restore.target, restore.option) == (StepKind.RESTORE, install.target, "services")
    assert restore_of(campaign, install, (*disabled, check("LEVEL-REACHED"))) is None
    assert restore_of(campaign, install, (replace(disabled[0], verdict=Verdict.UNKNOWN),)) is None
    assert restore_of(campaign, replace(install, kind=StepKind.RESTART), disabled) is None
    assert restore_of(campaign, install, ()) is None


def test_a_job_folder_that_is_gone_is_told_with_a_way_out() -> None:
    """`recheck` alone would look for the folder for ever."""
    acted = acting()
    here = play(acted, JobOpened(order=order(acted), token="t"))
    asked: list[Any] = []
    turn: Any = SimpleNamespace(
        rooms=SimpleNamespace(lab=lambda: 5.0), write=lambda _campaign, event, _why: asked.append(event)
    )
    absorb(turn, here, here.open_job, JobReport(name=here.jobs[0].order.name, node="EXN2", seen=JobSeen.ABSENT))
    (stop,) = [event.stop for event in asked]
    assert stop.rule == "JOB-GONE"
    assert f"/rollup unlock {here.cluster} {here.jobs[0].order.name}" in stop.remedy
