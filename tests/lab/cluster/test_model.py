"""A failover cluster behaves: moves, pause, failover, failback, quorum."""

from __future__ import annotations

import pytest

from bot.lab.cluster.model import ClusterError
from bot.lab.scenario_words import Act
from tests.lab.cluster.stage import changed, stage


def test_a_group_moves_and_keeps_its_state() -> None:
    with stage() as s:
        assert s.run("EXN2", 'cluster.exe group "Cluster Group" /move:EXN1', job="j1")[0] == 0
        assert s.run("EXN2", 'cluster.exe group "Available Storage" /move:EXN1')[0] == 0
        assert (s.owner("Cluster Group"), s.owner("Available Storage")) == ("EXN1", "EXN1")
        assert s.cluster.group("Available Storage").state == "Offline"
        moved = s.did("group_moved")[0]
        assert (moved["from"], moved["to"], moved["by"], moved["job"]) == ("EXN2", "EXN1", "cluster.exe", "j1")


def test_a_move_to_the_present_owner_succeeds_and_changes_nothing() -> None:
    with stage() as s:
        assert s.run("EXN1", 'cluster.exe group "Cluster Group" /move:EXN2')[0] == 0
        assert not s.did("group_moved")
        assert s.did("command_started")


def test_a_paused_node_takes_nothing() -> None:
    with stage() as s:
        s.run("EXN1", "cluster.exe node EXN1 /pause")
        code, said = s.run("EXN1", 'cluster.exe group "Cluster Group" /move:EXN1')
        assert code == 5070
        assert "paused" in said
        assert s.owner("Cluster Group") == "EXN2"


def test_a_pending_group_cannot_be_moved_again() -> None:
    with stage(speed=50) as s:
        group, node = s.cluster.group("Cluster Group"), s.cluster.node("EXN1")
        s.cluster.move(group, node, "cluster.exe")
        assert group.state == "Pending"
        with pytest.raises(ClusterError) as refused:
            s.cluster.move(group, node, "cluster.exe")
        assert refused.value.code == 5012


def test_stopping_the_cluster_service_fails_its_groups_over() -> None:
    with stage() as s:
        assert s.run("EXN2", "net stop ClusSvc")[0] == 0
        s.until(lambda: s.owner("Cluster Group") == "EXN1" and s.cluster.group("Cluster Group").state == "Online")
        assert s.did("group_moved")[0]["by"] == "failover"
        code, said = s.run("EXN2", "cluster.exe group")
        assert code == 1753
        assert "endpoint mapper" in said
        s.run("EXN2", "net start ClusSvc")
        s.until(lambda: s.cluster.node("EXN2").up)


def test_the_cms_of_a_node_whose_cluster_service_stops_fails_over_with_an_outage() -> None:
    with stage() as s:
        s.run("EXN1", "net stop ClusSvc")
        cms = s.estate.exchange.cms["cms1"]
        s.until(lambda: cms.mail_up and cms.group.owner == "EXN2")
        order = [r["did"] for r in s.truth.since(0) if r["did"].startswith(("cms_", "db_"))]
        assert order == [
            "db_dismounted",
            "db_dismounted",
            "cms_offline",
            "cms_moved",
            "cms_online",
            "db_mounted",
            "db_mounted",
        ]
        assert s.machine("EXN2").services.get("MSExchangeIS").state == "Running"  # type: ignore[union-attr]


def test_groups_that_land_on_a_paused_node_stay_offline_until_it_is_resumed() -> None:
    with stage() as s:
        s.run("EXN2", "cluster.exe node EXN2 /pause")
        s.run("EXN1", "net stop ClusSvc")
        cms = s.estate.exchange.cms["cms1"]
        s.until(lambda: cms.group.owner == "EXN2" and not cms.group.phase)
        assert cms.state == "Offline"
        assert not cms.mail_up
        s.run("EXN2", "cluster.exe node EXN2 /resume")
        s.until(lambda: cms.mail_up)


def test_losing_the_second_vote_stops_the_cluster_and_the_mail() -> None:
    with stage(changed('[[faults]]\nkind = "witness_down"\nmachine = "EXN1"\n')) as s:
        s.run("EXN2", "net stop ClusSvc")
        assert s.did("quorum_lost")
        assert not s.estate.exchange.cms["cms1"].mail_up
        assert s.run("EXN1", "cluster.exe group")[0] == 1753
        s.run("EXN2", "net start ClusSvc")
        s.until(lambda: s.estate.exchange.cms["cms1"].mail_up)


def test_a_dead_active_node_is_missed_and_its_cms_picked_up() -> None:
    with stage(
        changed('[[faults]]\nkind = "dies"\nmachine = "EXN1"\nwhen = "at"\nafter_s = 5.0\nvalue = 600.0\n')
    ) as s:
        cms = s.estate.exchange.cms["cms1"]
        s.until(lambda: cms.group.owner == "EXN2" and cms.mail_up)
        assert s.did("cms_moved")[0]["by"] == "failover"
        s.until(lambda: s.cluster.node("EXN1").up)
        assert s.did("restarted")[0]["node"] == "EXN1"


def test_a_group_with_failback_returns_by_itself() -> None:
    with stage() as s:
        group = s.cluster.group("Cluster Group")
        group.auto_failback, group.preferred = 1, ["EXN2"]
        s.run("EXN2", "net stop ClusSvc")
        s.until(lambda: s.owner("Cluster Group") == "EXN1")
        s.run("EXN2", "net start ClusSvc")
        s.until(lambda: s.owner("Cluster Group") == "EXN2")
        assert s.did("group_moved")[-1]["by"] == "failback"


def test_a_pause_survives_a_restart() -> None:
    with stage() as s:
        s.run("EXN2", "cluster.exe node EXN2 /pause")
        s.machine("EXN2").reboot(60)
        s.until(lambda: s.did("restarted"))
        s.until(lambda: s.cluster.node("EXN2").up)
        assert s.cluster.node("EXN2").paused


def test_a_stuck_group_is_given_up_and_stays_where_it_was() -> None:
    with stage(changed('[[faults]]\nkind = "group_stuck"\ngroup = "Cluster Group"\n')) as s:
        code, _ = s.run("EXN2", 'cluster.exe group "Cluster Group" /move:EXN1')
        assert code == 997
        s.settled()
        assert s.owner("Cluster Group") == "EXN2"


def test_behind_a_partition_two_nodes_tell_two_stories() -> None:
    with stage(changed('[[faults]]\nkind = "partition"\nmachine = "EXN2"\n')) as s:
        assert "CMS1                 EXN1" in s.run("EXN1", "cluster.exe group")[1]
        assert "CMS1                 EXN2" in s.run("EXN2", "cluster.exe group")[1]
        assert "Down" in s.run("EXN2", "cluster.exe node")[1]


def test_cluster_exe_speaks_the_language_of_its_node() -> None:
    with stage(changed("")) as s:
        s.machine("EXN1").natives["cluster"].say = __import__("bot.lab.cluster.words", fromlist=["GERMAN"]).GERMAN  # type: ignore[attr-defined]
        said = s.run("EXN1", "cluster.exe node")[1]
        assert "Knoten" in said
        assert "Aktiv" in said


def test_a_cms_moved_by_cluster_tools_leaves_a_database_behind() -> None:
    with stage() as s:
        assert s.run("EXN1", "cluster.exe group CMS1 /move:EXN2 /wait")[0] == 0
        cms = s.estate.exchange.cms["cms1"]
        s.until(lambda: any(d.mounted for d in cms.databases))
        assert s.did("cms_moved")[0]["by"] == "cluster.exe"
        assert not all(d.mounted for d in cms.databases)


def test_when_only_a_paused_node_comes_back_everything_lands_there_offline() -> None:
    with stage() as s:
        s.run("EXN2", "cluster.exe node EXN2 /pause")
        s.run("EXN2", "net stop ClusSvc")
        s.until(lambda: s.owner("Cluster Group") == "EXN1" and not s.cluster.group("Cluster Group").phase)
        s.estate.act(Act(when="start", do="estate", kind="dies", on="EXN1"))
        s.until(lambda: not s.machine("EXN1").online and not s.cluster.node("EXN1").up)
        s.run("EXN2", "net start ClusSvc")
        s.until(lambda: s.owner("CMS1") == "EXN2")
        assert s.cluster.group("CMS1").state == "Offline"
        s.run("EXN2", "cluster.exe node EXN2 /resume")
        s.until(lambda: s.estate.exchange.cms["cms1"].mail_up)
