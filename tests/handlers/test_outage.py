"""Mail down: the stop and the status show at once the exact command for a human."""

from __future__ import annotations

from dataclasses import replace

from handlers.outage import pinned
from handlers.stands import walk_away
from state.words import Blocked, Fact, State, Stop, Verdict
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
    failed = replace(campaign, stop=Stop(rule="GROUPS-SNAPSHOT", sentence="x", checks=(GROUP,)))
    assert pinned(failed)[-1][1] == "Start-ClusteredMailboxServer -Identity 'CMS1'"


def test_nothing_is_pinned_while_mail_is_up_or_when_the_campaign_goes_on(bench: Bench) -> None:
    stop(bench, check("BACKUP-RUNNING", Verdict.BLOCK))
    assert pinned(bench.campaign()) == ()
    assert "Mail is down" not in bench.thread()
    assert pinned(replace(bench.campaign(), state=State.READY, stop=Stop(rule="x", sentence="x", checks=(DOWN,)))) == ()
