"""A list that came back empty, or short, where it cannot be: not read, and never "there is none"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from bot.procedure.facts import ClusterKind, CopyFacts, EstateFacts, GroupFacts, GroupStatus, MachineFacts, Unknown
from bot.procedure.planner import PlanRefusal, make_plan
from bot.procedure.reach import picture_of
from bot.procedure.rules import blocking
from state.words import Options, Verdict, When
from tests.procedure import moments
from tests.procedure.build import (
    EXCHANGE,
    PACKAGE,
    ccr,
    change,
    cluster,
    database,
    each_view,
    judge,
    machine,
    recms,
    scc,
    silent,
    standing_by,
    ungroup,
)
from tests.procedure.moments import Context

BLOCK, UNKNOWN = Verdict.BLOCK, Verdict.UNKNOWN


def everywhere(**fields: Any) -> Callable[[EstateFacts], EstateFacts]:
    return lambda facts: replace(facts, machines=tuple(replace(one, **fields) for one in facts.machines))


def no_groups(facts: EstateFacts) -> EstateFacts:
    return each_view(facts, lambda view: replace(view, groups=()))


def cms(**fields: Any) -> Callable[[EstateFacts], EstateFacts]:
    return lambda facts: recms(facts, "CMS1", **fields)


def _copies(facts: EstateFacts) -> tuple[CopyFacts, ...]:
    return next(c.copies for m in facts.machines if isinstance(m.cms, tuple) for c in m.cms)  # type: ignore[return-value]


def first_copy_only(facts: EstateFacts) -> EstateFacts:
    return cms(copies=_copies(facts)[:1])(facts)


def own_copies_only(facts: EstateFacts) -> EstateFacts:
    return cms(copies=tuple(one for one in _copies(facts) if not one.standby))(facts)


def in_german(facts: EstateFacts) -> EstateFacts:
    return cms(copies=tuple(replace(one, status="Seeding wird ausgeführt") for one in _copies(facts)))(facts)


def one_database_gone(facts: EstateFacts) -> EstateFacts:
    return cms(databases=(database("MBX-CMS1-SG1", "SG1"),))(facts)


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
    # Storage groups have databases, targets, copies: where a list leaves them out it is not whole.
    Row("plan", "BACKUP-RECENT", cms(databases=()), "no database was listed, though there is SG1 and SG2"),
    Row("gate_install", "BACKUP-RUNNING", cms(databases=()), "no database was listed"),
    Row("gate_handoff", "MOVE-READY", cms(databases=()), "no database was listed"),
    Row("after_handoff", "MOVE-DONE", cms(databases=()), "no database was listed"),
    Row("gate_evacuate", "SCR-TARGETS-FIRST", cms(standbys=()), "the SCR targets of SG1, SG2 on CMS1 were not read"),
    Row("gate_handoff", "SCR-TARGETS-FIRST", cms(standbys=(("SG1", ()),)), "of SG2 on CMS1 were not read"),
    Row("gate_install", "SEEDING-NONE", cms(copies=()), "SG1 on the passive node was not listed"),
    Row("gate_install", "SEEDING-NONE", first_copy_only, "SG2 on the passive node was not listed"),
    Row("gate_handoff", "SEEDING-NONE", own_copies_only, "SG1 on scr1.lab.example was not listed"),
    Row("gate_scr", "SEEDING-NONE", own_copies_only, "SG2 on scr1.lab.example was not listed"),
    Row("gate_install", "SEEDING-NONE", in_german, "may be seeding"),
    # After a move what was mounted is looked for by name, and every database is tried.
    Row("after_handoff", "MOVE-DONE", one_database_gone, "SG2\\MBX-CMS1-SG2 of CMS1 was mounted before the move"),
    Row("after_handoff", "MOVE-DONE", everywhere(mapi=Unknown("timed out")), "could not be tried: timed out"),
    Row("after_handoff", "MOVE-DONE", everywhere(mapi=()), "says nothing of MBX-CMS1-SG1, MBX-CMS1-SG2"),
    Row("gate_handoff", "MOVE-READY", everywhere(health=()), "made no test at all"),
    # A machine without services has not answered.
    Row("plan", "AV", everywhere(services=()), "listed none at all"),
    Row("gate_install", "AV", everywhere(services=()), "listed none at all"),
    Row("gate_handoff", "AV", everywhere(services=()), "listed none at all"),
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


def test_a_mail_server_without_storage_groups_has_no_databases_and_that_is_an_answer() -> None:
    facts = cms(databases=(), standbys=(), copies=())(ccr(scr=None))
    found = picture_of(facts, "CLUSTER01").cms
    assert not isinstance(found, Unknown)
    assert found[0].databases == ()


def test_a_list_of_one_node_is_taken_from_another_that_has_it() -> None:
    facts = ccr(scr=None)
    first, second = facts.machines[:2]
    assert isinstance(first.cms, tuple)
    blind = replace(first, cms=tuple(replace(one, databases=()) for one in first.cms))
    found = picture_of(replace(facts, machines=(blind, second)), "CLUSTER01").cms
    assert not isinstance(found, Unknown)
    assert isinstance(found[0].databases, tuple)
    assert len(found[0].databases) == 2


def test_the_next_move_of_targets_waits_for_what_one_of_them_feeds() -> None:
    """With two targets the order between them hangs on their own targets; with one there is nothing to order."""
    unread = Unknown("access denied")
    one = change(ccr(), "SCR1", own_standbys=unread)
    step = moments.SCR
    assert judge("SCR-TARGETS-FIRST", When.GATE, one, step=step, plan=moments.PLAN).verdict is Verdict.PASS
    two = standing_by(
        replace(one, machines=(*one.machines, machine("SCR2"))), "CMS1", ("SG1", ("SCR1", "SCR2")), ("SG2", ())
    )
    check = judge("SCR-TARGETS-FIRST", When.GATE, two, step=step, plan=moments.PLAN)
    assert check.verdict is UNKNOWN
    assert "could not be read: access denied" in check.sentence


def test_a_target_that_was_left_out_is_not_asked_for_its_copy() -> None:
    seen = silent(own_copies_only(ccr()), "SCR1")
    step = next(one for one in moments.PLAN.steps if one.target == "EXN2" and one.cms)
    assert judge("SEEDING-NONE", When.GATE, seen, step=step, plan=moments.PLAN).verdict is Verdict.PASS


def test_what_a_target_itself_serves_is_told_or_said_to_be_unread() -> None:
    for field in ("mailboxes", "roles"):
        check = judge("NOTICE", When.PLAN, change(ccr(), "SCR1", **{field: Unknown("no rights")}), plan=moments.PLAN)
        assert "is unknown: no rights" in check.sentence
        assert "ask whose mail is there" in check.sentence


def test_every_cluster_that_was_seen_is_named() -> None:
    facts = standing_by(ccr(scr=None), "CMS1", ("SG1", ("SB1",)), ("SG2", ()))
    both = replace(facts, machines=(*facts.machines, *cluster("STANDBY", ("SB1", "SB2"))))
    said = judge("VIEW-AGREE", When.PLAN, both).sentence
    assert said == "CLUSTER01 looks the same from EXN1, EXN2. STANDBY looks the same from SB1, SB2."
