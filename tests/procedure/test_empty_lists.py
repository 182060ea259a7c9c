"""A list that came back empty, or short, where it cannot be: not read, and never "there is none"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from bot.procedure.facts import ClusterKind, EstateFacts, GroupFacts, GroupStatus, MachineFacts, Unknown
from bot.procedure.planner import PlanRefusal, make_plan
from bot.procedure.reach import picture_of
from bot.procedure.rules import blocking
from state.words import Options, Verdict
from tests.procedure import moments
from tests.procedure.build import EXCHANGE, PACKAGE, ccr, each_view, scc, ungroup
from tests.procedure.moments import Context

BLOCK, UNKNOWN = Verdict.BLOCK, Verdict.UNKNOWN


def everywhere(**fields: Any) -> Callable[[EstateFacts], EstateFacts]:
    return lambda facts: replace(facts, machines=tuple(replace(one, **fields) for one in facts.machines))


def no_groups(facts: EstateFacts) -> EstateFacts:
    return each_view(facts, lambda view: replace(view, groups=()))


class Row(NamedTuple):
    moment: str
    rule: str
    change: Callable[[EstateFacts], EstateFacts]
    says: str


ROWS = (
    # Every cluster has a default group: no group at all is no answer.
    Row("plan", "VIEW-AGREE", no_groups, "lists no cluster group at all"),
    Row("gate_evacuate", "FAILBACK-OFF", no_groups, "could not be read"),
    Row("gate_install", "NODE-EMPTY", no_groups, "could not be read"),
    Row("gate_install", "NODE-NO-CMS-GROUP", no_groups, "could not be read"),
    Row("gate_handoff", "GROUPS-SNAPSHOT", no_groups, "could not be read"),
    Row("after_evacuate", "NODE-EMPTY", no_groups, "could not be read"),
    # A group with Exchange in it is a mail server: where none is listed, the list is short.
    Row("plan", "SCR-APPLICABLE", everywhere(cms=()), "'CMS1' is Exchange's"),
    Row("gate_evacuate", "NODE-PASSIVE", everywhere(cms=()), "'CMS1' is Exchange's"),
    Row("gate_install", "SCR-TARGETS-FIRST", everywhere(cms=()), "'CMS1' is Exchange's"),
    Row("gate_install", "SEEDING-NONE", everywhere(cms=()), "'CMS1' is Exchange's"),
    Row("gate_install", "BACKUP-RUNNING", everywhere(cms=()), "'CMS1' is Exchange's"),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{row.moment}-{row.says[:20]}")
def test_a_list_that_cannot_be_empty_is_unknown_and_stops(row: Row) -> None:
    moment = moments.ALL[row.moment]
    seen = replace(moment, facts=row.change(moment.facts))
    check = seen.check(row.rule)
    assert check.verdict is UNKNOWN, check.sentence
    assert row.says in check.sentence
    assert check in blocking(seen.checks())


def one_short(facts: EstateFacts) -> EstateFacts:
    """Two mail servers run, and every node lists the first only."""

    def less(machine: MachineFacts) -> MachineFacts:
        return replace(machine, cms=machine.cms[:1]) if isinstance(machine.cms, tuple) else machine

    return replace(facts, machines=tuple(less(one) for one in facts.machines))


def test_a_mail_server_that_no_node_lists_makes_the_whole_list_unknown() -> None:
    """Its SCR targets are in no list either, and would be left behind."""
    picture = picture_of(one_short(scc(2, 2)), "SCC")
    assert isinstance(picture.cms, Unknown)
    assert "'CMS2' is Exchange's, but not every clustered mailbox server is listed" in picture.cms.why
    made = make_plan(one_short(scc(2, 2)), PACKAGE, Options(), context=Context())
    assert isinstance(made, PlanRefusal)


def test_one_node_that_lists_every_mail_server_is_enough() -> None:
    facts = scc(2, 2)
    short = one_short(facts)
    mixed = replace(facts, machines=(*short.machines[:3], facts.machines[3]))
    assert not isinstance(picture_of(mixed, "SCC").cms, Unknown)


def test_a_mail_server_whose_group_has_another_name_is_still_one_of_the_list() -> None:
    facts = ccr()
    renamed = each_view(
        facts, lambda view: replace(view, groups=tuple(replace(g, name="Mail") if g.holds_exchange else g for g in view.groups))
    )  # fmt: skip
    assert picture_of(renamed, "CLUSTER01").kind is ClusterKind.CCR


def test_a_cluster_without_exchange_groups_holds_no_mail_server() -> None:
    bare = everywhere(cms=())(ungroup(ccr(scr=None), "CMS1"))
    assert picture_of(bare, "CLUSTER01").kind is ClusterKind.STANDBY


def test_a_failed_group_with_exchange_in_it_counts_as_one() -> None:
    extra = GroupFacts(name="OLDCMS", owner="N4", state=GroupStatus.FAILED, resource_types=EXCHANGE)
    facts = each_view(scc(2, 2), lambda view: replace(view, groups=(*view.groups, extra)))
    assert isinstance(picture_of(facts, "SCC").cms, Unknown)
