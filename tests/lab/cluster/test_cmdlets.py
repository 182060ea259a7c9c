"""The Exchange snap-in's cmdlets, called with their parameters bound."""

from __future__ import annotations

from typing import Any

import pytest

from bot.lab.powershell.values import CmdletError
from bot.lab.scenario import load
from tests.lab.cluster.stage import WITHOUT_HOP, Stage, changed, stage

MOVE: dict[str, Any] = {"Identity": "CMS1", "TargetMachine": "EXN2", "MoveComment": "CLUSTER01-1", "Confirm": False}


def refusal(s: Stage, name: str, machine: str = "EXN2", **params: Any) -> str:
    with pytest.raises(CmdletError) as caught:
        s.cmdlet(machine, name, **params)
    return caught.value.message


def test_a_handoff_dismounts_moves_and_mounts_in_this_order() -> None:
    with stage() as s:
        s.cmdlet("EXN2", "Move-ClusteredMailboxServer", **MOVE)
        cms = s.estate.exchange.cms["cms1"]
        assert (cms.group.owner, cms.mail_up) == ("EXN2", True)
        order = [r["did"] for r in s.truth.since(0) if r["did"].startswith(("cms_", "db_", "command"))]
        assert order == [
            "command_started",
            "db_dismounted",
            "db_dismounted",
            "cms_offline",
            "cms_moved",
            "cms_online",
            "db_mounted",
            "db_mounted",
        ]
        assert s.did("cms_moved")[0]["by"] == "cmdlet"
        on_target = [(e["Source"], e["EventID"]) for e in s.machine("EXN2").event_log]
        assert ("MSExchangeRepl", 100) in on_target
        assert on_target.count(("MSExchangeIS Mailbox Store", 9523)) == 2
        assert s.machine("EXN1").services.get("MSExchangeIS").state == "Stopped"  # type: ignore[union-attr]


def test_the_core_group_does_not_follow_a_handoff() -> None:
    with stage() as s:
        s.run("EXN2", 'cluster.exe group "Cluster Group" /move:EXN1')
        s.cmdlet("EXN2", "Move-ClusteredMailboxServer", **MOVE)
        assert s.owner("Cluster Group") == "EXN1"


def test_validation_changes_nothing_and_is_no_command() -> None:
    with stage() as s:
        s.cmdlet("EXN2", "Move-ClusteredMailboxServer", **MOVE, ValidateOnly=True)
        assert not s.truth.since(0)


def test_a_handoff_without_comment_or_confirmation_fails_as_without_a_console() -> None:
    with stage() as s:
        said = refusal(s, "Move-ClusteredMailboxServer", Identity="CMS1", TargetMachine="EXN2", Confirm=False)
        assert "MoveComment" in said
        said = refusal(s, "Move-ClusteredMailboxServer", Identity="CMS1", TargetMachine="EXN2", MoveComment="x")
        assert "NonInteractive" in said
        assert not s.did("cms_offline")


def test_a_handoff_is_refused_while_a_copy_is_initializing() -> None:
    with stage("ccr-initializing") as s:
        said = refusal(s, "Move-ClusteredMailboxServer", **MOVE)
        assert "failed, seeding, suspended or initializing" in said
        assert "SG2 (Initializing)" in said
        assert not s.did("cms_offline")


def test_mail_ends_initializing_of_a_quiet_storage_group() -> None:
    with stage("ccr-quiet-sg") as s:
        s.cmdlet("EXN2", "Move-ClusteredMailboxServer", **MOVE)
        cms = s.estate.exchange.cms["cms1"]

        def states() -> list[str]:
            return [str(c["SummaryCopyStatus"]) for c in s.cmdlet("EXN1", "Get-StorageGroupCopyStatus", Server="CMS1")]

        s.until(lambda: states() == ["Healthy", "Initializing"])
        assert "SG2 (Initializing)" in refusal(
            s, "Move-ClusteredMailboxServer", "EXN1", **{**MOVE, "TargetMachine": "EXN1"}
        )
        s.estate.exchange.mail(cms, "SG2")
        assert states() == ["Healthy", "Healthy"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cluster.exe node EXN2 /pause", "paused"),
        ("net stop MSExchangeRepl", "Replication service is not running"),
    ],
)
def test_an_unfit_target_is_refused(line: str, said: str) -> None:
    with stage() as s:
        s.run("EXN2", line)
        assert said in refusal(s, "Move-ClusteredMailboxServer", "EXN1", **MOVE)


def test_a_handoff_to_where_it_is_or_to_a_stranger_is_refused() -> None:
    with stage() as s:
        assert "already hosted" in refusal(s, "Move-ClusteredMailboxServer", **{**MOVE, "TargetMachine": "EXN1"})
        assert "not a member" in refusal(s, "Move-ClusteredMailboxServer", **{**MOVE, "TargetMachine": "SCR1"})
        assert "could not be found" in refusal(s, "Move-ClusteredMailboxServer", **{**MOVE, "Identity": "CMS9"})


def test_in_a_single_copy_cluster_a_node_with_a_mailbox_server_takes_no_second_one() -> None:
    with stage("scc-3-1") as s:
        said = refusal(s, "Move-ClusteredMailboxServer", **{**MOVE, "TargetMachine": "EXN2"})
        assert "another clustered mailbox server" in said
        s.cmdlet("EXN4", "Move-ClusteredMailboxServer", **{**MOVE, "TargetMachine": "EXN4"})
        assert s.owner("CMS1") == "EXN4"


def test_a_stopped_mailbox_server_stays_down_over_a_restart_until_it_is_started() -> None:
    with stage() as s:
        cms = s.estate.exchange.cms["cms1"]
        s.cmdlet("EXN1", "Stop-ClusteredMailboxServer", Identity="CMS1", StopReason="x", Confirm=False)
        assert cms.state == "Offline"
        s.machine("EXN1").reboot(30)
        s.until(lambda: s.did("restarted"))
        s.until(lambda: s.cluster.node("EXN1").up)
        s.settled()
        assert cms.state == "Offline"
        owner = cms.group.owner
        s.cmdlet(owner, "Start-ClusteredMailboxServer", Identity="CMS1", Confirm=False)
        assert cms.mail_up


def test_a_database_that_stays_dismounted_can_be_mounted_by_hand() -> None:
    with stage("ccr-dismounted") as s:
        s.cmdlet("EXN2", "Move-ClusteredMailboxServer", **MOVE)
        found = {d["Name"]: d["Mounted"] for d in s.cmdlet("EXN2", "Get-MailboxDatabase", Server="CMS1", Status=True)}
        assert found == {"MBX1": True, "MBX2": False}
        status = s.cmdlet("EXN2", "Get-ClusteredMailboxServerStatus", Identity="CMS1")[0]
        assert status["State"] == "PartiallyOnline"
        s.cmdlet("EXN2", "Mount-Database", Identity="MBX2")
        assert s.estate.exchange.cms["cms1"].mail_up


def test_a_public_folder_database_is_listed_by_its_own_cmdlet_and_tried_by_no_logon() -> None:
    with stage() as s:
        (moved,) = [d for d in s.estate.exchange.cms["cms1"].databases if d.name == "MBX2"]
        moved.public = True
        names = {
            name: [one["Name"] for one in s.cmdlet("EXN2", name, Server="CMS1", Status=True)]
            for name in ("Get-MailboxDatabase", "Get-PublicFolderDatabase")
        }
        assert names == {"Get-MailboxDatabase": ["MBX1"], "Get-PublicFolderDatabase": ["MBX2"]}
        assert [one["Database"] for one in s.cmdlet("EXN1", "Test-MapiConnectivity", Server="CMS1")] == ["MBX1"]
        s.cmdlet("EXN1", "Dismount-Database", Identity="MBX2", Confirm=False)
        (found,) = s.cmdlet("EXN2", "Get-PublicFolderDatabase", Server="CMS1", Status=True)
        assert found["Mounted"] is False
        assert s.estate.exchange.cms["cms1"].state == "PartiallyOnline"


def test_status_marks_the_active_node_and_the_quorum_owner() -> None:
    with stage() as s:
        status = s.cmdlet("EXN2", "Get-ClusteredMailboxServerStatus")[0]
        assert status["OperationalMachines"] == ["EXN1 <Active>", "EXN2 <Quorum Owner>"]
        assert status["State"] == "Online"
        assert status["State"].number == 0
        s.run("EXN2", 'cluster.exe group "Cluster Group" /move:EXN1')
        status = s.cmdlet("EXN2", "Get-ClusteredMailboxServerStatus")[0]
        assert status["OperationalMachines"] == ["EXN1 <Active, Quorum Owner>", "EXN2"]


def test_a_node_that_is_down_is_missing_from_operational_machines() -> None:
    with stage() as s:
        s.run("EXN2", "net stop ClusSvc")
        s.settled()
        status = s.cmdlet("EXN1", "Get-ClusteredMailboxServerStatus")[0]
        assert status["OperationalMachines"] == ["EXN1 <Active, Quorum Owner>"]
        assert "endpoint mapper" in refusal(s, "Get-ClusteredMailboxServerStatus", "EXN2")


def test_without_the_second_hop_nothing_of_exchange_answers() -> None:
    with stage() as s, pytest.raises(CmdletError) as caught:
        s.cmdlet("EXN2", "Get-MailboxServer", WITHOUT_HOP)
    assert "Domain Controller" in caught.value.message


def test_standby_machines_are_objects_spelled_as_the_administrator_typed_them() -> None:
    with stage() as s:
        groups = s.cmdlet("EXN1", "Get-StorageGroup", Server="CMS1")
        assert [g["StandbyMachines"][0]["NodeName"] for g in groups] == ["SCR1", "scr1.lab.example"]
        assert groups[0]["StandbyMachines"][0]["ReplayLagTime"].seconds == 86_400


def test_scr_copies_are_asked_for_by_standby_machine() -> None:
    with stage() as s:
        copy = s.cmdlet("EXN1", "Get-StorageGroupCopyStatus", Identity="CMS1\\SG1", StandbyMachine="SCR1")[0]
        assert (copy["SummaryCopyStatus"], copy["ReplayQueueLength"]) == ("Healthy", 53)
        s.run("SCR1", "net stop MSExchangeRepl")
        copy = s.cmdlet("EXN1", "Get-StorageGroupCopyStatus", Identity="CMS1\\SG1", StandbyMachine="SCR1")[0]
        assert copy["SummaryCopyStatus"] == "ServiceDown"


def test_stopping_the_replication_service_kills_a_seeding() -> None:
    with stage("scr-seeding") as s:
        s.run("SCR1", "net stop MSExchangeRepl")
        s.run("SCR1", "net start MSExchangeRepl")
        copy = s.cmdlet("EXN1", "Get-StorageGroupCopyStatus", Identity="CMS1\\SG1", StandbyMachine="SCR1")[0]
        assert copy["SummaryCopyStatus"] == "Failed"


def test_replication_health_names_what_is_wrong_on_this_node() -> None:
    with stage() as s:

        def failed(node: str) -> set[str]:
            return {c["Check"] for c in s.cmdlet(node, "Test-ReplicationHealth") if c["Result"] != "Passed"}

        assert failed("EXN1") == failed("EXN2") == set()
        s.run("EXN2", "cluster.exe node EXN2 /pause")
        assert failed("EXN2") == {"NodePaused"}
        assert failed("EXN1") == set()
        s.cluster.set_witness(False)
        assert "FileShareQuorum" in failed("EXN1")


def test_exchange_without_a_service_pack_has_neither_validation_nor_the_health_test() -> None:
    with stage("rtm-no-scr") as s:
        node = s.machine("EXN1")
        assert "test-replicationhealth" not in node.cmdlets
        assert "ValidateOnly?" not in node.cmdlets["move-clusteredmailboxserver"].parameters
        assert "StandbyMachines" not in s.cmdlet("EXN1", "Get-StorageGroup", Server="CMS1")[0]


def test_the_level_of_the_server_object_is_the_service_pack_only() -> None:
    with stage() as s:
        server = s.cmdlet("EXN1", "Get-ExchangeServer", Identity="CMS1")[0]
        assert server["AdminDisplayVersion"] == "Version 8.3 (Build 83.6)"


def test_a_mail_logon_works_only_where_the_database_is_mounted() -> None:
    with stage() as s:
        assert {t["Result"] for t in s.cmdlet("EXN1", "Test-MapiConnectivity", Server="CMS1")} == {"Success"}
        s.cmdlet("EXN1", "Dismount-Database", Identity="MBX2", Confirm=False)
        results = {t["Database"]: t["Result"] for t in s.cmdlet("EXN1", "Test-MapiConnectivity", Server="CMS1")}
        assert results == {"MBX1": "Success", "MBX2": "*FAILURE*"}


def test_a_handoff_aborts_backups() -> None:
    with stage(changed('[[faults]]\nkind = "backup"\nto = "passive"\n')) as s:
        writers = s.machine("EXN2").vss_writers
        assert "Waiting" in writers["Microsoft Exchange Replica Writer"]
        s.cmdlet("EXN2", "Move-ClusteredMailboxServer", **MOVE)
        assert not any(d.backup for d in s.estate.exchange.cms["cms1"].databases)


def test_the_panel_shows_the_estate_as_plain_json() -> None:
    import json

    for name in ("ccr", "scc-5-2", "scr-standby-cluster"):
        with stage(load(name)) as s:
            state = json.loads(json.dumps(s.estate.state()))
            assert [c["name"] for c in state["clusters"]] == [c.name for c in s.estate.clusters]
            assert all(c["mail"] == "up" for c in state["clusters"][0]["cms"])
