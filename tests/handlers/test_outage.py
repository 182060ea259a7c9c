"""Mail down: the stop and the status show at once the exact command for a human."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from handlers.outage import pinned
from handlers.stands import walk_away
from state.words import Blocked, Fact, Job, JobState, MailDown, MailUp, Outage, State, Stop, Verdict
from tests.handlers.conftest import ALICE, Bench, check

DOWN = check("MOVE-DONE", Verdict.BLOCK, "Database MBX1 of CMS1 is dismounted after the move.",
             facts=(Fact(name="CMS1", value="Online"), Fact(name="database SG1\\MBX1", value="dismounted", machine="CMS1"),
                    Fact(name="database SG2\\MBX2", value="mounted", machine="CMS1")))  # fmt: skip
OFFLINE = check("MOVE-DONE", Verdict.BLOCK, "CMS1 is Offline on EXN2.", facts=(Fact(name="CMS1", value="Offline"),))
GROUP = check(
    "GROUPS-SNAPSHOT", Verdict.BLOCK, "CMS1 is Failed.", facts=(Fact(name="group CMS1", value="EXN1 Failed"),)
)


def stop(bench: Bench, *checks: object) -> None:
    bench.started()
    bench.apply(Blocked(stop=Stop(rule="MOVE-DONE", sentence="down", step="s01", checks=checks, final=True)))  # type: ignore[arg-type]
    bench.edge.project("CLUSTER01-1")


def test_a_dismounted_database_is_mounted_by_a_command_in_the_stop_and_first_in_the_status(bench: Bench) -> None:
    stop(bench, DOWN)
    command = "Mount-Database -Identity 'CMS1\\SG1\\MBX1'"
    assert command in bench.thread()
    assert "MBX2'" not in bench.thread()
    said = bench.types(ALICE, "status CLUSTER01")
    assert command in said
    assert said.index(command) < said.index("*Mail:*")
    assert "Safe to walk away: NO" in said


def test_an_offline_mail_server_is_started_and_a_paused_node_let_back_in_first(bench: Bench) -> None:
    stop(bench, OFFLINE)
    campaign = replace(bench.campaign(), paused_nodes=("EXN2",))
    assert [command for _, command in pinned(campaign)] == [
        "cluster.exe node EXN2 /resume", "Start-ClusteredMailboxServer -Identity 'CMS1'",
    ]  # fmt: skip
    assert not walk_away(campaign).safe
    order = SimpleNamespace(command=SimpleNamespace(node="exn2"))
    running = replace(campaign, jobs=(Job(order=order, state=JobState.STARTED, opened_at=1.0),))  # type: ignore[arg-type]
    assert pinned(running)[0][0] == "let EXN2 take groups again, once what runs there has ended"
    failed = replace(campaign, stop=Stop(rule="GROUPS-SNAPSHOT", sentence="x", checks=(GROUP,)))
    assert pinned(failed)[-1][1] == "Start-ClusteredMailboxServer -Identity 'CMS1'"


def test_nothing_is_pinned_while_mail_is_up_or_when_the_campaign_goes_on(bench: Bench) -> None:
    stop(bench, check("BACKUP-RUNNING", Verdict.BLOCK))
    assert pinned(bench.campaign()) == ()
    assert "Mail is down" not in bench.thread()
    assert pinned(replace(bench.campaign(), state=State.READY, stop=Stop(rule="x", sentence="x", checks=(DOWN,)))) == ()


def outage(bench: Bench, *databases: str) -> None:
    bench.apply(
        MailDown(outage=Outage(cms="CMS1", databases=databases, seen_from="EXN2", since=5_000.0, last_up=4_400.0))
    )
    bench.edge.project("CLUSTER01-1")


def test_mail_that_went_down_is_told_with_its_command_and_then_that_it_is_back(bench: Bench) -> None:
    bench.started()
    outage(bench, "SG2\\MBX2")
    command = "Mount-Database -Identity 'CMS1\\SG2\\MBX2'"
    said = bench.thread()
    assert "*MAIL IS DOWN: CMS1* is online, but SG2\\MBX2 is dismounted. EXN2 says so since" in said
    paused = replace(bench.campaign(), paused_nodes=("EXN2",))
    assert [one for _, one in pinned(paused)] == [command], (
        "a database is mounted where its server is, whatever is Paused"
    )
    assert said.count(command) == 1
    status = bench.types(ALICE, "status CLUSTER01")
    assert status.index(command) < status.index("*Mail:*")
    assert "Safe to walk away: NO" in status
    bench.apply(MailUp(cms="CMS1", seen_from="EXN1", since=5_600.0))
    bench.edge.project("CLUSTER01-1")
    assert "*Mail is back:* CMS1 is up by EXN1" in bench.thread()
    assert "down for about 10 min, 20 min at most" in bench.thread()
    assert pinned(bench.campaign()) == ()


def test_a_stop_that_showed_the_command_already_is_not_followed_by_the_same_again(bench: Bench) -> None:
    stop(bench, DOWN)
    before = bench.thread()
    outage(bench, "SG1\\MBX1")
    assert bench.thread() == before
    assert len(pinned(bench.campaign())) == 1


def test_an_outage_ends_with_its_campaign_for_the_pinned_commands(bench: Bench) -> None:
    bench.started()
    outage(bench)
    assert pinned(bench.campaign())[0][1] == "Start-ClusteredMailboxServer -Identity 'CMS1'"
    assert pinned(replace(bench.campaign(), state=State.DONE)) == ()
