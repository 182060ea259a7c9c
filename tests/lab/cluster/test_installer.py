"""The rollup installer: what it changes, and how it hurts where a rule was broken."""

from __future__ import annotations

import pytest

from bot.lab.cluster import software
from bot.lab.scenario import Scenario
from tests.lab.cluster.stage import INSTALL, SYSTEM, Stage, changed, stage


def _empty(s: Stage, node: str = "EXN2", to: str = "EXN1") -> None:
    for group in ("Cluster Group", "Available Storage"):
        s.run(node, f'cluster.exe group "{group}" /move:{to}')
    s.run(node, f"cluster.exe node {node} /pause")


def test_an_install_on_an_emptied_passive_node_harms_nobody() -> None:
    with stage() as s:
        _empty(s)
        assert s.run("EXN2", INSTALL, SYSTEM, job="C1-n-s03-1-1")[0] == 0
        started, finished = s.did("install_started")[0], s.did("install_finished")[0]
        assert (started["owned_groups"], started["holds_cms"], started["job"]) == ([], [], "C1-n-s03-1-1")
        assert (finished["build"], finished["rc"]) == ("8.3.517.0", 0)
        assert software.level(s.machine("EXN2")) == "8.3.517.0"
        assert [r["state"] for r in s.did("cluster_service")] == ["stopped", "running"]
        assert not s.did("cms_offline")
        assert s.estate.exchange.cms["cms1"].mail_up
        log = s.machine("EXN2").fs.read("C:\\install.log").decode("utf-16")
        assert "MainEngineThread is returning 0" in log
        s.until(lambda: [c["state"] for c in s.did("copy_state")].count("Healthy") == 2)
        assert [c["state"] for c in s.did("copy_state") if c["storage_group"] == "SG1"] == [
            "ServiceDown",
            "Initializing",
            "Healthy",
        ]


def test_an_install_on_the_active_node_throws_the_mail_off() -> None:
    with stage() as s:
        s.run("EXN1", INSTALL, SYSTEM)
        assert s.did("install_started")[0]["holds_cms"] == ["CMS1"]
        assert s.did("cms_offline")
        assert s.did("cms_moved")[0]["by"] == "failover"


def test_an_install_with_groups_still_there_throws_them_over() -> None:
    with stage() as s:
        s.run("EXN2", INSTALL, SYSTEM)
        assert s.did("install_started")[0]["owned_groups"] == ["Cluster Group", "Available Storage"]
        assert {r["by"] for r in s.did("group_moved")} == {"failover"}


def test_an_install_while_the_witness_is_away_takes_the_whole_cluster_down() -> None:
    with stage(changed('[[faults]]\nkind = "witness_down"\nmachine = "EXN1"\n')) as s:
        _empty(s)
        s.run("EXN2", INSTALL, SYSTEM)
        assert s.did("quorum_lost")
        assert s.did("cms_offline")


@pytest.mark.parametrize("code", [1618, 1635, 1636, 1642])
def test_the_installer_refuses_before_it_touches_anything(code: int) -> None:
    fault = f'[[faults]]\nkind = "exit_code"\nmachine = "EXN2"\nwhen = "install"\nvalue = {code}.0\n'
    with stage(changed(fault)) as s:
        assert s.run("EXN2", INSTALL, SYSTEM)[0] == code
        assert not s.did("install_started")


def test_any_other_code_is_rolled_back_and_told_as_it_is() -> None:
    fault = '[[faults]]\nkind = "exit_code"\nmachine = "EXN2"\nwhen = "install"\nvalue = 1722.0\n'
    with stage(changed(fault)) as s:
        _empty(s)
        assert s.run("EXN2", INSTALL, SYSTEM)[0] == 1722
        assert software.level(s.machine("EXN2")) == "8.3.485.1"
        assert s.did("install_finished")[0]["rc"] == 1722


def test_a_failed_install_leaves_services_disabled_when_told_so() -> None:
    faults = "".join(
        f'[[faults]]\nkind = "{k}"\nmachine = "EXN2"\nwhen = "install"\nvalue = {v}.0\n'
        for k, v in (("exit_code", 1603), ("services_disabled", 0))
    )
    with stage(changed(faults)) as s:
        _empty(s)
        assert s.run("EXN2", INSTALL, SYSTEM)[0] == 1603
        assert software.level(s.machine("EXN2")) == "8.3.485.1"
        repl = s.machine("EXN2").services.get("MSExchangeRepl")
        assert repl is not None
        assert (repl.state, repl.start_mode) == ("Stopped", "Disabled")
        assert "Return value 3" in s.machine("EXN2").fs.read("C:\\install.log").decode("utf-16")


def test_a_second_install_at_the_same_time_gets_1618() -> None:
    import threading

    with stage(speed=2000) as s:
        first = threading.Thread(target=s.run, args=("SCR1", INSTALL, SYSTEM))
        first.start()
        s.until(lambda: s.did("install_started"))
        assert s.run("SCR1", INSTALL, SYSTEM)[0] == 1618
        first.join()
        assert len(s.did("install_started")) == 1


def test_the_package_decides_what_is_installed() -> None:
    scenario = changed("")
    other = scenario.packages[0].__class__(kb="KB979784", build="8.2.247.2", base="8.2.176.2")
    wrong: Scenario = __import__("msgspec").structs.replace(scenario, packages=(other,))
    with stage(wrong) as s:
        line = INSTALL.replace("KB4011325", "KB979784")
        assert s.run("SCR1", line, SYSTEM)[0] == 1642


@pytest.mark.parametrize(
    ("files", "listed", "code"),
    [("8.3.485.1", "8.3.517.0", 1642), ("8.3.517.0", "8.3.485.1", 0), ("8.3.485.1", "8.3.83.6", 0)],
)
def test_the_installer_goes_by_its_own_list_and_puts_both_right(files: str, listed: str, code: int) -> None:
    scenario = changed("")
    replace = __import__("msgspec").structs.replace
    apart = replace(scenario.machines[0], build=files, listed=listed)
    with stage(replace(scenario, machines=(apart,))) as s:
        assert (software.level(s.machine("SCR1")), software.listed(s.machine("SCR1"))) == (files, listed)
        assert s.run("SCR1", INSTALL, SYSTEM)[0] == code
        if code == 0:
            assert software.level(s.machine("SCR1")) == software.listed(s.machine("SCR1")) == "8.3.517.0"


def test_a_file_that_is_no_package_is_refused() -> None:
    with stage() as s:
        s.machine("SCR1").fs.write("C:\\x.msp", b"not an msp")
        assert s.run("SCR1", "msiexec /update C:\\x.msp /quiet", SYSTEM)[0] == 1636
        assert s.run("SCR1", "msiexec /update C:\\none.msp /quiet", SYSTEM)[0] == 1635


def test_an_install_cut_off_by_a_restart_has_no_end() -> None:
    fault = '[[faults]]\nkind = "dies"\nmachine = "EXN2"\nwhen = "install"\nafter_s = 200.0\nvalue = 300.0\n'
    with stage(changed(fault)) as s:
        _empty(s)
        s.run("EXN2", INSTALL, SYSTEM)
        s.until(lambda: s.did("restarted"))
        assert s.did("install_started")
        assert not s.did("install_finished")
        assert software.level(s.machine("EXN2")) == "8.3.485.1"
