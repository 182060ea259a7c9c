"""One estate spelled in every way Exchange, the cluster and people spell it: the plan and every gate are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.procedure.context import Context
from bot.procedure.facts import ClusterView, CmsFacts, EstateFacts, MachineFacts, NodeStatus, same_name, short
from bot.procedure.order import check_events, check_plan
from bot.procedure.planner import PlanRefusal, make_plan
from bot.procedure.rules import blocking
from state.words import Options, Plan, StepKind
from tests.procedure import record
from tests.procedure.build import NEW, OLD, PACKAGE, ccr, change, each_view, node_state, plan_of, recms, regroup, scc
from tests.procedure.test_planner import standby
from tests.procedure.walk import campaign

Spell = Callable[[str], str]


def shape(plan: Plan) -> list[tuple[str, str, str]]:
    return [(step.kind.value, short(step.target), short(step.cms or step.to)) for step in plan.steps]


def spelled(facts: EstateFacts, cluster: Spell, exchange: Spell, probe: Spell) -> EstateFacts:
    """The same reading: the cluster, Exchange and the machine itself each spell machines in their own way."""

    def view(one: ClusterView) -> ClusterView:
        return replace(
            one,
            seen_from=probe(one.seen_from),
            nodes=tuple((cluster(name), status) for name, status in one.nodes),
            groups=tuple(replace(group, owner=cluster(group.owner)) for group in one.groups),
        )

    def cms(one: CmsFacts) -> CmsFacts:
        standbys = tuple(
            (group, tuple(replace(target, node_name=exchange(target.node_name)) for target in targets))
            for group, targets in one.standbys  # type: ignore[union-attr]
        )
        copies = tuple(
            replace(copy, standby=exchange(copy.standby)) if copy.standby else copy
            for copy in one.copies  # type: ignore[union-attr]
        )
        names = tuple(exchange(name) for name in one.redundant)  # type: ignore[union-attr]
        return replace(
            one, seen_from=probe(one.seen_from), active_node=exchange(str(one.active_node)), redundant=names,
            operational=names, standbys=standbys, copies=copies,
        )  # fmt: skip

    def machine(one: MachineFacts) -> MachineFacts:
        return replace(
            one,
            host=probe(str(one.host)),
            cluster=view(one.cluster) if isinstance(one.cluster, ClusterView) else one.cluster,
            cms=tuple(cms(each) for each in one.cms) if isinstance(one.cms, tuple) else one.cms,
        )

    return replace(facts, machines=tuple(machine(one) for one in facts.machines))


def short_upper(name: str) -> str:
    return name.split(".", maxsplit=1)[0].upper()


def full(name: str) -> str:
    return f"{name.split('.', maxsplit=1)[0].lower()}.lab.example"


def mixed(name: str) -> str:
    return name.split(".", maxsplit=1)[0].capitalize()


def shouted(name: str) -> str:
    return f"{name.split('.', maxsplit=1)[0].upper()}.LAB.EXAMPLE"


@pytest.mark.parametrize("facts", [ccr(), scc(3, 1, scr=OLD), scc(2, 2)], ids=["ccr", "scc-3-1-scr", "scc-2-2"])
@pytest.mark.parametrize(
    "how",
    [(full, full, full), (short_upper, full, mixed), (mixed, shouted, full), (shouted, short_upper, short_upper)],
    ids=["full", "exchange-full", "all-different", "cluster-full"],
)
def test_a_plan_does_not_depend_on_how_machines_are_spelled(
    facts: EstateFacts, how: tuple[Spell, Spell, Spell]
) -> None:
    odd = spelled(facts, *how)
    plan = plan_of(odd)
    assert shape(plan) == shape(plan_of(facts))
    assert len({short(name) for name in plan.machine_set}) == len(plan.machine_set) == len(facts.machines)
    assert check_plan(plan, odd) == () == check_plan(plan)
    for step, gate, after, _left in campaign(plan, odd):
        assert [(step.id, c.rule, c.sentence) for c in (*blocking(gate), *blocking(after))] == []
    assert check_events(record.recorded(record.events(plan, odd))) == ()


def test_groups_with_blanks_and_umlauts_and_more_than_four_of_them_all_leave() -> None:
    facts = ccr()
    more = ("Print  Server 1", "DHCP Gruppe für Köln", "MSDTC", "Quorum", "x")
    core = next(g for g in facts.machines[0].cluster.groups if g.core)  # type: ignore[union-attr]
    facts = each_view(
        facts,
        lambda view: replace(view, groups=(*view.groups, *(replace(core, name=name, core=False) for name in more))),
    )
    plan = plan_of(facts)
    assert check_plan(plan, facts) == () == check_plan(plan)
    walked = campaign(plan, facts)
    for _step, gate, after, _left in walked:
        assert [(c.rule, c.sentence) for c in (*blocking(gate), *blocking(after))] == []
    made = [e for e in record.events(plan, facts) if type(e).__name__ == "JobOpened" and ".s02." in e.order.gate]  # type: ignore[union-attr]
    assert len(made) == len(more) + 2 + 1  # the two groups of every estate, and the pause
    assert check_events(record.recorded(record.events(plan, facts))) == ()


def test_a_default_group_with_a_localised_name_moves_like_any_other() -> None:
    facts = each_view(
        ccr(),
        lambda view: replace(
            view, groups=tuple(replace(g, name="Clustergruppe") if g.core else g for g in view.groups)
        ),
    )
    plan = plan_of(facts)
    assert "'Clustergruppe'" in plan.steps[1].because
    assert check_plan(plan, facts) == ()


def test_the_default_group_goes_where_it_serves_the_next_installs_too() -> None:
    """N2 to N4 are passive and old, N2 owns the group: it goes last, so that the group leaves once, to a node that is done."""
    facts = scc(1, 3, home="N2")
    plan = plan_of(facts)
    empties = [(step.target, step.to) for step in plan.steps if step.kind is StepKind.EVACUATE]
    assert [target for target, _ in empties] == ["N3", "N4", "N2", "N1"]
    assert dict(empties)["N2"] in {"N3", "N4"}


def test_the_default_group_never_goes_to_a_node_that_is_paused_or_next() -> None:
    facts = scc(2, 2, done=("N4",), home="N3")
    paused = node_state(facts, "N4", NodeStatus.PAUSED)
    plan = plan_of(paused)  # it stands, and SPARE-UP stops it until it is accepted
    first = next(step for step in plan.steps if step.kind is StepKind.EVACUATE)
    assert (first.target, first.to) == ("N3", "N2")  # N1 is emptied before N2, and N4 is Paused


def test_two_mail_servers_on_one_node_are_refused_in_words() -> None:
    facts = regroup(recms(scc(2, 1), "CMS2", active_node="N1"), "CMS2", owner="N1")
    made = make_plan(facts, PACKAGE, Options(), context=Context())
    assert isinstance(made, PlanRefusal)
    assert "CMS1 and CMS2" in made.sentence


def test_a_standby_node_sends_its_groups_to_a_node_that_is_up() -> None:
    facts = standby(("SB1", "SB2", "SB3"), builds={"SB2": NEW, "SB3": NEW})
    for away in ("SB2", "SB3"):
        seen = each_view(
            facts,
            lambda view, away=away: replace(  # type: ignore[misc]
                view, nodes=tuple((n, NodeStatus.PAUSED if n == away else s) for n, s in view.nodes)
            ),
            "STANDBY01",
        )
        plan = plan_of(seen)
        first = next(step for step in plan.steps if step.kind is StepKind.EVACUATE)
        assert first.target == "SB1"
        assert first.to not in {away, "SB1"}


def test_a_pending_restart_of_the_node_with_the_mail_server_waits_until_it_has_left() -> None:
    plan = plan_of(change(ccr(), "EXN1", reboot_pending=("RebootPending",)))
    kinds = [(step.kind, step.target) for step in plan.steps]
    assert kinds.index((StepKind.HANDOFF, "EXN2")) < kinds.index((StepKind.RESTART, "EXN1"))
    assert check_plan(plan) == ()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("EXN1", "exn1.lab.example", True),
        (" EXN1 ", "Exn1", True),
        ("EXN1", "EXN10", False),
        ("EXN1.a.example", "EXN1.b.example", True),
        ("10.0.0.5", "10.0.0.6", False),
        ("10.0.0.5", "10.0.0.5", True),
        ("ÄPFEL", "äpfel.lab.example", True),
        ("STRASSE", "straße", True),
    ],
)
def test_two_spellings_name_one_machine(one: str, other: str, same: bool) -> None:
    """By its first label, in any case; of two addresses only the whole says anything."""
    assert same_name(one, other) is same
