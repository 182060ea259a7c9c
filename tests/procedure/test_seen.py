"""A reading as people ask for it at night: mail, failover, quorum margin, copies; unknown where it was not read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.procedure.facts import EstateFacts, NodeStatus, QuorumModel, Unknown
from bot.procedure.seen import seen_of
from state.words import Seen
from tests.procedure import moments
from tests.procedure.build import NEW, NOW, ccr, each_view, node_state, recms, scc, silent

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
    assert dict(seen.nodes) == {"EXN1": "Unknown", "EXN2": "Unknown"}


@pytest.mark.parametrize("name", list(moments.ALL))
def test_every_moment_of_a_campaign_can_be_shown(name: str) -> None:
    seen = seen_of(moments.ALL[name].facts, NOW)
    assert seen.mail
    assert seen.group
    assert seen.quorum
    assert seen.levels
