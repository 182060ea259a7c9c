"""Faults strike at their moment, as often as the scenario says, where it says."""

from __future__ import annotations

from bot.lab.cluster import software
from bot.lab.scenario_words import Act
from tests.lab.cluster.stage import INSTALL, PACKAGE, SYSTEM, changed, stage

MOVE = {"Identity": "CMS1", "TargetMachine": "EXN2", "MoveComment": "x", "Confirm": False}


def test_a_fault_may_wait_for_another_machines_install() -> None:
    fault = '[[faults]]\nkind = "dies"\nmachine = "EXN1"\nwhen = "install"\non = "EXN2"\nafter_s = 60.0\n'
    with stage(changed(fault)) as s:
        s.run("SCR1", INSTALL, SYSTEM)
        assert s.machine("EXN1").online
        s.run("EXN2", INSTALL, SYSTEM)
        assert not s.machine("EXN1").online
        assert s.did("cms_offline")


def test_the_second_strike_is_counted() -> None:
    fault = '[[faults]]\nkind = "package_swapped"\nmachine = "EXN2"\nwhen = "approved"\nnth = 2\n'
    with stage(changed(fault)) as s:
        before = s.machine("EXN2").fs.read(PACKAGE)
        s.truth.write("reacted", user="U1", emoji="no_entry", ts="1")
        s.truth.write("reacted", user="U1", emoji="white_check_mark", ts="1")
        s.clock.sleep(200)
        assert s.machine("EXN2").fs.read(PACKAGE) == before
        s.truth.write("reacted", user="U2", emoji="white_check_mark", ts="2")
        s.until(lambda: s.machine("EXN2").fs.read(PACKAGE) != before)
        assert s.machine("EXN1").fs.read(PACKAGE) == before


def test_a_fault_that_waits_for_its_point_strikes_the_nth_time_the_point_comes() -> None:
    fault = '[[faults]]\nkind = "exit_code"\nmachine = "SCR1"\nwhen = "install"\nnth = 2\nvalue = 1618.0\n'
    with stage(changed(fault + fault.replace("nth = 2", "nth = 1").replace("1618", "1602"))) as s:
        assert [s.run("SCR1", INSTALL, SYSTEM)[0] for _ in range(3)] == [1602, 1618, 0]


def test_a_fault_without_end_strikes_every_time() -> None:
    with stage("ccr-stuck-group") as s:
        for _ in range(2):
            assert s.run("EXN2", 'cluster.exe group "Cluster Group" /move:EXN1')[0] == 997
            s.settled()
        assert s.run("EXN2", 'cluster.exe group "Available Storage" /move:EXN1')[0] == 0


def test_a_silent_install_is_only_longer() -> None:
    fault = '[[faults]]\nkind = "silent"\nmachine = "SCR1"\nwhen = "install"\nvalue = 5400.0\n'
    with stage(changed(fault), speed=20_000) as s:
        assert s.run("SCR1", INSTALL, SYSTEM)[0] == 0
        took = s.did("install_finished")[0]["t"] - s.did("install_started")[0]["t"]
        assert took >= 5400 + 500


def test_files_waiting_for_a_restart_are_gone_after_it() -> None:
    fault = '[[faults]]\nkind = "pending_rename"\nmachine = "SCR1"\nwhen = "install"\n'
    with stage(changed(fault)) as s:
        s.run("SCR1", INSTALL, SYSTEM)
        key = (software.SESSION_MANAGER, "PendingFileRenameOperations")
        assert s.machine("SCR1").registry.value(*key)
        s.run("SCR1", "shutdown /r /t 0", job="C1-n-s02-1-1")
        s.until(lambda: s.did("restarted"))
        assert not s.machine("SCR1").registry.value(*key)
        assert s.did("restarted")[0]["job"] == "C1-n-s02-1-1"
        assert s.did("command_started")[-1]["line"].startswith("shutdown")


def test_somebody_elses_handoff_is_nobodys_job() -> None:
    with stage() as s:
        s.estate.act(Act(when="start", do="estate", kind="foreign_move", cms="CMS1", to="EXN2"))
        s.until(lambda: s.owner("CMS1") == "EXN2" and s.estate.exchange.cms["cms1"].mail_up)
        moved = s.did("cms_moved")[0]
        assert moved["by"] == "cmdlet"
        assert "job" not in moved


def test_a_cluster_service_that_does_not_come_back_leaves_its_node_down() -> None:
    fault = '[[faults]]\nkind = "cluster_service_down"\nmachine = "EXN2"\nwhen = "install"\n'
    with stage(changed(fault)) as s:
        assert s.run("EXN2", INSTALL, SYSTEM)[0] == 0
        assert not s.cluster.node("EXN2").up
        assert "Down" in s.run("EXN1", "cluster.exe node EXN2")[1]


def test_the_service_mode_somebody_sets_is_written_down() -> None:
    with stage() as s:
        s.run("SCR1", "sc config MSExchangeRepl start= disabled")
        assert s.did("service_mode")[0]["mode"] == "Disabled"
        assert s.did("command_started")


def test_the_runner_task_stands_where_the_administrator_put_it() -> None:
    with stage() as s:
        for machine in s.estate.machines:
            task = machine.tasks.get("rollup-bot-runner")
            assert task is not None
            assert task.command == "C:\\rollup-bot\\jobs\\runner.cmd"
            assert task.run_as.second_hop
            assert machine.fs.stat("C:\\rollup-bot\\jobs").acl == [
                ("NT AUTHORITY\\SYSTEM", "FullControl"),
                ("BUILTIN\\Administrators", "FullControl"),
            ]


def test_people_install_restart_and_tidy_up_by_hand() -> None:
    with stage() as s:
        folder = "C:\\rollup-bot\\jobs\\C1-n-s02-1-1"
        s.machine("EXN2").fs.makedirs(folder)
        s.estate.act(Act(when="closed", do="estate", kind="jobs_deleted", on="EXN2"))
        assert not s.machine("EXN2").fs.exists(folder)
        assert s.machine("EXN2").fs.exists("C:\\rollup-bot\\jobs\\runner.cmd")
        s.estate.act(Act(when="closed", do="estate", kind="patched", on="EXN2"))
        assert software.level(s.machine("EXN2")) == "8.3.517.0"
        assert [line["node"] for line in s.did("patched_by_hand")] == ["EXN2"]
        s.estate.act(Act(when="closed", do="estate", kind="restart", on="SCR1"))
        s.until(lambda: s.did("restarted"))
        assert s.did("restarted")[0]["node"] == "SCR1"
