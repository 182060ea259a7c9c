"""A reading as people ask for it at night: mail, failover, quorum margin, copies; unknown where it was not read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.procedure.asked import logs_wanted
from bot.procedure.facts import EstateFacts, LogFacts, NodeStatus, QuorumModel, Unknown
from bot.procedure.seen import seen_of
from state.words import Seen
from tests.procedure import moments
from tests.procedure.build import NEW, NOW, ccr, change, each_view, node_state, recms, scc, silent, surveyed

HERE = ccr()


def one(facts: EstateFacts, before: Seen | None = None, at: float = NOW) -> tuple[bool | None, str, float]:
    mail = seen_of(facts, at, before).mail[0]
    return mail.up, mail.said, mail.since


def failover(facts: EstateFacts) -> tuple[bool | None, str]:
    mail = seen_of(facts, NOW).mail[0]
    return mail.failover, mail.failover_said


def test_mail_is_up_only_with_every_database_mounted() -> None:
    assert one(HERE)[:2] == (True, "Online on EXN1, 2 of 2 databases mounted")
    cms = HERE.machines[0].cms[0]  # type: ignore[index,union-attr]
    first, second = cms.databases  # type: ignore[misc]
    down = recms(HERE, "CMS1", databases=(replace(first, mounted=False), second))
    assert one(down)[0] is False
    assert "dismounted" in one(down)[1]
    unread = recms(HERE, "CMS1", databases=(replace(first, mounted=Unknown("denied")), second))
    assert one(unread)[0] is None
    assert one(recms(HERE, "CMS1", state="Offline"))[:2] == (False, "Offline on EXN1")
    assert one(recms(HERE, "CMS1", state=Unknown("denied")))[:2] == (None, "denied")


def test_since_when_is_kept_while_it_stays_so_and_begins_anew_when_it_changes() -> None:
    first = seen_of(HERE, NOW)
    assert one(HERE, first, NOW + 60)[2] == NOW
    down = seen_of(recms(HERE, "CMS1", state="Offline"), NOW + 120, first)
    assert down.mail[0].since == NOW + 120
    assert one(HERE, down, NOW + 180)[2] == NOW + 180


@pytest.mark.parametrize(
    ("facts", "can", "why"),
    [
        (HERE, True, "to EXN2"),
        (node_state(HERE, "EXN2", NodeStatus.PAUSED), False, "EXN2 is Paused"),
        (node_state(HERE, "EXN2", NodeStatus.DOWN), False, "EXN2 is Down"),
        (recms(HERE, "CMS1", redundant=("EXN1",)), False, "EXN2 may not run it"),
        (recms(HERE, "CMS1", redundant=Unknown("denied")), None, "denied"),
        (recms(HERE, "CMS1", copies=Unknown("denied")), None, "its copies could not be read: denied"),
        (ccr(n1=NEW), True, "to EXN2 (EXN2 is at an older level)"),
        (scc(2, 1), True, "to N3"),
        (node_state(scc(2, 1), "N3", NodeStatus.PAUSED), False, "N2 runs CMS2; N3 is Paused"),
    ],
)  # fmt: skip
def test_whether_a_failover_is_possible_and_why_not(facts: EstateFacts, can: bool | None, why: str) -> None:
    assert failover(facts) == (can, why)


def test_copies_that_are_not_healthy_stop_a_failover_and_are_listed_with_the_scr_ones() -> None:
    cms = HERE.machines[0].cms[0]  # type: ignore[index,union-attr]
    sick = tuple(replace(copy, status="Failed") if copy.storage_group == "SG1" else copy for copy in cms.copies)  # type: ignore[union-attr]
    facts = recms(HERE, "CMS1", copies=sick)
    assert failover(facts) == (False, "its copies are not Healthy: SG1 is Failed")
    assert seen_of(facts, NOW).copies == (
        "CMS1\\SG1 Failed, 0 logs behind",
        "CMS1\\SG1 on scr1.lab.example Failed, 0 logs behind",
    )
    assert seen_of(HERE, NOW).copies == ()


def test_a_single_copy_cluster_has_no_copy_to_be_sick_unless_there_is_an_scr_target() -> None:
    single = scc(1, 1, scr="8.3.485.1")
    cms = single.machines[0].cms[0]  # type: ignore[index,union-attr]
    copies = tuple(replace(copy, status="Failed" if copy.standby else "Disabled") for copy in cms.copies)  # type: ignore[union-attr]
    said = seen_of(recms(single, "CMS1", copies=copies), NOW).copies
    assert said == ("CMS1\\SG1 on SCR1 Failed, 0 logs behind", "CMS1\\SG2 on SCR1 Failed, 0 logs behind")
    assert seen_of(scc(1, 1), NOW).copies == ("none, each storage group is there once",)
    unsure = recms(scc(1, 1), "CMS1", standbys=Unknown("denied"))
    assert "CMS1's SCR copies: unknown: denied" in seen_of(unsure, NOW).copies, "nobody says that there is none"
    unsure = recms(HERE, "CMS1", standbys=Unknown("denied"))
    assert seen_of(unsure, NOW).copies == ("CMS1's SCR copies: unknown: denied",)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (HERE, "3 of 3 votes, 2 needed; it survives 1 more loss"),
        (node_state(HERE, "EXN2", NodeStatus.DOWN), "2 of 3 votes, 2 needed; one more loss = cluster down"),
        (each_view(HERE, lambda view: replace(view, witness_ok=False)), "one more loss = cluster down"),
        (each_view(HERE, lambda view: replace(view, witness_ok=Unknown("x"))), "the witness is unknown (x) and not counted"),
        (each_view(HERE, lambda view: replace(view, quorum=QuorumModel.DISK_ONLY)), "the disk alone decides, it is up"),
        (each_view(HERE, lambda view: replace(view, quorum=Unknown("x"))), "unknown: x"),
    ],
)  # fmt: skip
def test_the_quorum_margin_says_what_one_more_loss_means(facts: EstateFacts, said: str) -> None:
    assert said in seen_of(facts, NOW).quorum


def test_what_was_not_heard_is_unknown_and_no_guess() -> None:
    gone = silent(silent(HERE, "EXN1"), "EXN2")
    seen = seen_of(gone, NOW, seen_of(HERE, NOW - 60))
    assert [(mail.cms, mail.up, mail.failover) for mail in seen.mail] == [("CMS1", None, None)]
    assert seen.group.startswith("unknown")
    assert seen.quorum.startswith("unknown")
    assert all(level.startswith("unknown") for name, level in seen.levels if name != "SCR1")
    assert seen.copies[0].startswith("unknown")
    assert seen.log_hours.startswith("unknown")
    assert dict(seen.nodes) == {"EXN1": "Unknown", "EXN2": "Unknown"}


@pytest.mark.parametrize("name", list(moments.ALL))
def test_every_moment_of_a_campaign_can_be_shown(name: str) -> None:
    seen = seen_of(moments.ALL[name].facts, NOW)
    assert seen.mail
    assert seen.group
    assert seen.quorum
    assert seen.levels


def logs(
    sg: str = "SG1", volume: str = "L:\\", free: float | Unknown = 600.0, rate: float | Unknown = 10.0
) -> LogFacts:
    return LogFacts(cms="CMS1", storage_group=sg, volume=volume, free_mb=free, per_h=rate)


def hours(*found: LogFacts, before: Seen | None = None) -> str:
    return seen_of(change(HERE, "EXN1", survey=surveyed(logs=found)), NOW, before).log_hours


def test_a_log_volume_lasts_as_long_as_all_that_write_to_it_leave() -> None:
    assert hours(logs(), logs("SG2", rate=20.0)) == "L:\\ on EXN1 ONLY 20 h left, 600 MB free, 30 logs of 1 MB an hour"
    two = hours(logs(), logs("SG2", "M:\\", 90_000.0)).split("; ")
    assert two[0] == "L:\\ on EXN1 60 h left, 600 MB free, 10 logs of 1 MB an hour"
    assert two[1] == "M:\\ on EXN1 over 30 days left, 90000 MB free, 10 logs of 1 MB an hour"
    assert hours(logs(rate=0.0)) == "L:\\ on EXN1 no log is being made, 600 MB free"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((logs(), logs("SG2", rate=Unknown("too few"))), "L:\\ on EXN1 unknown: SG2: too few"),
        ((logs(free=Unknown("denied.")),), "L:\\ on EXN1 unknown: SG1: denied"),
        ((logs(volume="", free=Unknown("none")),), "the log volume of SG1 on EXN1 unknown: SG1: none"),
        ((), "CMS1 on EXN1 unknown: no storage group of it was found there"),
    ],
)
def test_a_log_volume_that_was_not_read_is_never_a_number(found: tuple[LogFacts, ...], said: str) -> None:
    assert hours(*found) == said


def test_who_was_not_asked_for_the_log_volumes_leaves_what_was_known_with_its_age() -> None:
    first = seen_of(change(HERE, "EXN1", survey=surveyed(logs=(logs(),))), NOW)
    again = seen_of(HERE, NOW + 60, first)
    assert (again.log_hours, again.log_hours_at) == (first.log_hours, NOW)
    other = seen_of(change(HERE, "EXN1", survey=surveyed(writers=())), NOW + 60, first)
    assert other.log_hours_at == NOW
    moved = seen_of(ccr(active="EXN2"), NOW + 60, first)
    assert (moved.log_hours, moved.log_hours_at) == ("", NOW + 60), "those are other volumes"
    gone = seen_of(change(silent(HERE, "EXN1"), "EXN1"), NOW + 60, first)
    assert gone.log_hours == "CMS1 on EXN1 unknown: it did not answer (timed out)"
    failed = seen_of(change(HERE, "EXN1", survey=Unknown("timed out")), NOW + 60, first)
    assert (failed.log_hours, failed.log_hours_at) == ("CMS1 on EXN1 unknown: timed out", NOW + 60)


def test_log_volumes_are_asked_for_where_a_copy_is_not_healthy_or_somebody_wants_to_know() -> None:
    unread = seen_of(HERE, NOW)
    well = replace(unread, log_hours="L: lasts", log_hours_at=NOW)
    bad = replace(well, copies=("CMS1\\SG1 Failed",), log_hours_at=NOW)
    assert logs_wanted(None, ("EXN1", "EXN2"), NOW) == ()
    assert logs_wanted(well, ("EXN1", "EXN2"), NOW + 7200) == ()
    assert logs_wanted(unread, ("EXN1", "EXN2"), NOW) == (("EXN1", "logs"),)
    assert logs_wanted(well, ("EXN1", "EXN2"), NOW, now_please=True) == (("EXN1", "logs"),)
    assert logs_wanted(bad, ("EXN1", "EXN2"), NOW + 1799) == ()
    assert logs_wanted(bad, ("EXN1", "EXN2"), NOW + 1800) == (("EXN1", "logs"),)
    nowhere = replace(bad, mail=(replace(bad.mail[0], node=""),))
    assert logs_wanted(nowhere, ("EXN1", "EXN2"), NOW + 1800) == (("EXN1", "logs"), ("EXN2", "logs"))
