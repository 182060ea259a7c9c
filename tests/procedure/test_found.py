"""What a campaign left otherwise than it found it, and the optional step that puts it back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.procedure.context import Context
from bot.procedure.facts import ClusterView, EstateFacts, NodeStatus, ServiceFacts, same_name
from bot.procedure.found import Moved, left_behind, moved_by_us, put_back
from bot.procedure.order import check_events, check_next, check_plan
from bot.procedure.rules import evaluate
from bot.procedure.steps import commands
from state import words as w
from tests.procedure.build import NEW, NOW, PACKAGE, ccr, change, node_state, plan_of, regroup, services, silent
from tests.procedure.record import ALICE, attempt, events, recorded

FOUND = ccr(n2=NEW, scr=NEW, active="EXN2", home="EXN1")  # only EXN1 is left to do, and it owns the default group
LEFT = ccr(n1=NEW, n2=NEW, scr=NEW, active="EXN2", home="EXN2")
PLAN = plan_of(FOUND)


def image(facts: EstateFacts, name: str) -> w.NodeImage:
    machine = facts.machine(name)
    assert machine is not None
    assert isinstance(machine.cluster, ClusterView)
    assert isinstance(machine.services, tuple)
    return w.NodeImage(
        machine=name,
        groups=tuple((group.name, group.owner) for group in machine.cluster.groups),
        services=tuple((s.name, s.state, s.start) for s in machine.services),
    )


IMAGES = (image(FOUND, "EXN1"),)
MOVED = (
    Moved(node="EXN1", group="Cluster Group", to="EXN2"),
    Moved(node="EXN1", group="Available Storage", to="EXN2"),
)
HERE = w.Campaign(
    id="CLUSTER01-7", nonce="n", cluster="CLUSTER01", channel="C", state=w.State.ACTING, version=9, head="h",
    requester=ALICE, plan=PLAN, images=IMAGES, step_index=1,
)  # fmt: skip


def said(facts: EstateFacts, campaign: w.Campaign = HERE, moved: tuple[Moved, ...] = MOVED) -> str:
    return left_behind(campaign, moved, facts).sentence


def test_a_group_we_moved_is_said_with_the_command_that_puts_it_back() -> None:
    left = left_behind(HERE, MOVED, LEFT)
    assert "'Cluster Group' is on EXN2; it was found on EXN1." in left.sentence
    assert ("move 'Cluster Group' to EXN1", 'cluster.exe group "Cluster Group" /move:EXN1') in left.by_hand


def test_where_nothing_differs_nothing_is_said() -> None:
    assert said(replace(FOUND, machines=LEFT.machines), moved=()) == ""
    assert said(FOUND) == ""
    assert put_back(HERE, MOVED, FOUND) is None


def test_what_somebody_else_moved_is_theirs() -> None:
    assert said(LEFT, moved=MOVED[1:]).count("'") == 2
    assert "Cluster Group" not in said(LEFT, moved=(replace(MOVED[0], to="EXN3"),))


def test_a_mail_server_and_an_empty_group_are_never_put_back() -> None:
    elsewhere = replace(HERE, images=(image(ccr(active="EXN1", home="EXN1"), "EXN1"),))
    assert "CMS1" not in said(LEFT, elsewhere, (*MOVED, Moved(node="EXN1", group="CMS1", to="EXN2")))
    assert "Available Storage" not in said(regroup(LEFT, "Available Storage", resource_types=()))


def test_the_default_group_stays_beside_the_mail_server_it_was_found_beside() -> None:
    together = replace(HERE, images=(image(ccr(active="EXN1", home="EXN1"), "EXN1"),))
    assert "Cluster Group" not in said(LEFT, together)
    assert "Available Storage" in said(LEFT, together), "only the default group has a reason to stay"
    assert "Cluster Group" in said(LEFT), "it stood alone, so it is not at home beside the mail server"


def test_a_node_still_paused_comes_first_even_when_it_cannot_be_seen() -> None:
    paused = node_state(LEFT, "EXN1", NodeStatus.PAUSED)
    assert left_behind(HERE, MOVED, paused).by_hand[0][1] == "cluster.exe node EXN1 /resume"
    gone = silent(silent(LEFT, "EXN1"), "EXN2")
    assert "cannot be read" in said(gone, replace(HERE, paused_nodes=("EXN1",)))
    assert "is Paused" not in said(paused, replace(HERE, images=(replace(IMAGES[0], paused=True),)))


def test_services_that_differ_are_said_and_put_back_before_the_groups() -> None:
    now = (*services()[:3], ServiceFacts(name="MSExchangeServiceHost", state="Stopped", start="Disabled"))
    off = change(LEFT, "EXN1", services=(*now, *services()[4:]))
    left = left_behind(HERE, MOVED, off)
    assert "MSExchangeServiceHost on EXN1 is Stopped, Disabled; it was found Running, Auto." in left.sentence
    assert left.by_hand[0][1] == 'sc.exe \\\\EXN1 config "MSExchangeServiceHost" start= auto'
    step = put_back(HERE, MOVED, off)
    assert step is not None
    assert (step.option, step.optional, step.id) == ("services", True, "s03")
    asked = replace(HERE, plan=replace(PLAN, steps=(*PLAN.steps, step)))
    after = put_back(asked, MOVED, off)
    assert after is not None
    assert (after.option, after.id) == ("owners", "s04")
    again = replace(asked, plan=replace(PLAN, steps=(*PLAN.steps, step, after)))
    assert put_back(again, MOVED, off) is None, "nobody is asked twice"


def test_what_could_not_be_read_is_said_and_nothing_is_proposed_from_it() -> None:
    gone = silent(silent(LEFT, "EXN1"), "EXN2")
    assert "services of EXN1 could not be compared: it did not answer" in said(gone)
    assert "Where the groups of CLUSTER01 are could not be read" in said(gone)
    assert put_back(HERE, MOVED, gone) is None
    split = change(LEFT, "EXN1", cluster=FOUND.machines[0].cluster)
    assert "its nodes disagree" in said(split)
    assert put_back(HERE, MOVED, split) is None


def test_moves_count_by_our_own_jobs_and_not_where_they_can_never_have_run() -> None:
    def job(name: str, group: str, to: str, node: str = "EXN1") -> w.JobOpened:
        text = w.Command(text="t", kind=w.JobKind.SHELL, node=node, purpose="p", effect=f"move:{group}:{to}")
        order = w.JobOrder(
            name=name, campaign="C", version=1, gate="g", command=text, command_hash="h", not_after=0.0
        )  # fmt: skip
        return w.JobOpened(order=order, token="t")

    found = moved_by_us(
        (
            job("a", "A", "EXN2"),
            w.JobEnded(job="a", state=w.JobState.ENDED, exit_code=5),
            job("b", "B", "EXN2"),
            w.JobEnded(job="b", state=w.JobState.CLOSED),
            job("c", "A", "EXN3"),
        )
    )
    assert found == (Moved(node="EXN1", group="A", to="EXN3"),)
    there_and_back = moved_by_us((job("a", "A", "EXN2"), job("b", "A", "EXN1", "EXN2"), job("c", "A", "EXN2")))
    assert [one.to for one in there_and_back] == ["EXN1", "EXN2"], "the latest stands last"


# --- the step ---------------------------------------------------------------------------------------------


def step() -> w.Step:
    made = put_back(HERE, MOVED, LEFT)
    assert made is not None
    return made


def test_the_step_moves_each_group_home_with_the_documents_own_command_and_no_other() -> None:
    made = commands(step(), LEFT, PACKAGE, campaign="CLUSTER01-7")
    assert [one.text for one in made] == [
        'cluster.exe group "Cluster Group" /move:EXN1',
        'cluster.exe group "Available Storage" /move:EXN1',
    ]
    half = regroup(LEFT, "Cluster Group", owner="EXN1")
    assert len(commands(step(), half, PACKAGE, campaign="CLUSTER01-7")) == 1


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (node_state(LEFT, "EXN1", NodeStatus.PAUSED), "GROUP-MOVE-PLAN"),
        (node_state(LEFT, "EXN1", NodeStatus.DOWN), "GROUP-MOVE-PLAN"),
        (regroup(LEFT, "Cluster Group", possible_owners=("EXN2",)), "GROUP-MOVE-PLAN"),
        (regroup(LEFT, "Cluster Group", resource_types=("Microsoft Exchange Information Store",)), "GROUP-MOVE-NOT-CMS"),
        (change(LEFT, "EXN1", cluster=FOUND.machines[0].cluster), "VIEW-AGREE"),
        (silent(LEFT, "EXN1"), "PRE-COMPLETE"),
    ],
)  # fmt: skip
def test_the_rules_of_a_group_move_hold_for_it_too(facts: EstateFacts, rule: str) -> None:
    checks = evaluate(w.When.GATE, facts, package=PACKAGE, context=Context(images=IMAGES), plan=PLAN, step=step())
    assert rule in {check.rule for check in checks if check.stops}


def test_a_good_gate_passes_and_the_step_counts_as_done_only_when_the_groups_are_home() -> None:
    def judged(when: w.When, facts: EstateFacts, before: tuple[w.Check, ...] = ()) -> tuple[w.Check, ...]:
        context = Context(images=IMAGES, gate_checks=before)
        return evaluate(when, facts, package=PACKAGE, context=context, plan=PLAN, step=step())

    gate = judged(w.When.GATE, LEFT)
    assert not [check for check in gate if check.stops]
    assert [check.rule for check in judged(w.When.AFTER, LEFT, gate) if check.stops] == ["GROUPS-SNAPSHOT"]
    home = regroup(regroup(LEFT, "Cluster Group", owner="EXN1"), "Available Storage", owner="EXN1")
    assert not [check for check in judged(w.When.AFTER, home, gate) if check.stops]


# --- the order checker --------------------------------------------------------------------------------------


def record(wanted: w.Step, *, left_out: bool = False, evidence: bool = True) -> list[w.Event]:
    """A whole campaign with the step at its end, carried out or left out."""
    made = events(PLAN, FOUND)
    first = next(i for i, one in enumerate(made) if isinstance(one, w.GatePrepared))
    prepared = made[first]
    assert isinstance(prepared, w.GatePrepared)
    made[first] = replace(prepared, images=IMAGES if evidence else ())
    finished = made.pop()
    last = made[-1]
    assert isinstance(last, w.StepEnded)
    made[-1] = replace(last, insert=wanted)
    checks = evaluate(w.When.GATE, LEFT, package=PACKAGE, context=Context(images=IMAGES), plan=PLAN, step=step())
    if left_out:
        outcome = w.Outcome(step=wanted.id, attempt=1, kind=w.OutcomeKind.LEFT, sentence="left", at=NOW)
        return [*made, w.StepEnded(outcome=outcome, advance=True), finished]
    rendered = commands(wanted, LEFT, PACKAGE, campaign="CLUSTER01-7")
    return [*made, *attempt(wanted, checks, (), rendered), finished]


def test_a_record_with_the_step_done_or_left_out_is_accepted() -> None:
    assert check_events(recorded(record(step()))) == ()
    assert check_events(recorded(record(step(), left_out=True))) == ()


@pytest.mark.parametrize(
    ("wanted", "evidence"),
    [
        (replace(step(), groups=(("Fax", "EXN1"),)), True),
        (replace(step(), groups=(("Cluster Group", "EXN3"),)), True),
        (step(), False),
    ],
)
def test_a_record_that_puts_back_something_else_is_rejected(wanted: w.Step, evidence: bool) -> None:
    found = check_events(recorded(record(wanted, left_out=True, evidence=evidence)))
    assert "GROUPS-SNAPSHOT" in {one.rule for one in found}


def test_only_an_optional_step_may_be_left_out_and_only_a_restore_may_be_optional() -> None:
    kept = check_events(recorded(record(replace(step(), optional=False), left_out=True)))
    assert "PRE-COMPLETE" in {one.rule for one in kept}
    wrong = replace(step(), kind=w.StepKind.HANDOFF, groups=())
    assert "PRE-COMPLETE" in {one.rule for one in check_events(recorded(record(wrong, left_out=True)))}


def test_no_step_of_a_plan_is_optional() -> None:
    easy = replace(PLAN, steps=(PLAN.steps[0], replace(PLAN.steps[1], optional=True)))
    assert [one.rule for one in check_plan(easy, FOUND)] == ["PRE-COMPLETE"]


def test_a_step_may_follow_one_that_was_left_out() -> None:
    first, second = step(), replace(step(), id="s04")
    done = tuple(w.Outcome(step=one.id, attempt=1, kind=w.OutcomeKind.DONE, sentence="", at=NOW) for one in PLAN.steps)
    left = w.Outcome(step=first.id, attempt=1, kind=w.OutcomeKind.LEFT, sentence="", at=NOW)
    here = replace(
        HERE, plan=replace(PLAN, steps=(*PLAN.steps, first, second)), outcomes=(*done, left), step_index=3
    )  # fmt: skip
    assert check_next(here, second) == ()
    assert same_name(first.target, "EXN1")
