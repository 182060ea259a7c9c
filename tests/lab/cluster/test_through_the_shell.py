"""The same through cmd and PowerShell, as a node is asked."""

from __future__ import annotations

from tests.lab.cluster.stage import SYSTEM, WITHOUT_HOP, stage

WITHOUT_SNAPIN = 'powershell.exe -NoProfile -NonInteractive -Command "Get-ClusteredMailboxServerStatus"'


def test_the_status_reads_as_in_the_management_shell() -> None:
    with stage() as s:
        code, said = s.shell("EXN2", "Get-ClusteredMailboxServerStatus")
        assert code == 0
        assert "ClusteredMailboxServerName      : cms1.lab.example" in said
        assert "OperationalMachines             : {EXN1 <Active>, EXN2 <Quorum Owner>}" in said


def test_without_the_snapin_the_cmdlet_does_not_exist() -> None:
    with stage() as s:
        code, said = s.run("EXN2", WITHOUT_SNAPIN)
        assert code == 1
        assert "is not recognized" in said


def test_loading_the_snapin_takes_its_time() -> None:
    with stage(speed=500) as s:
        began = s.clock.now()
        s.shell("EXN2", "")
        assert s.clock.now() - began >= s.estate.scenario.timing.snapin_s


def test_a_parameter_the_cmdlet_does_not_have_is_refused() -> None:
    with stage() as s:
        code, said = s.shell("EXN2", "Move-ClusteredMailboxServer CMS1 -TargetMachine EXN2 -TerminateClients")
        assert code == 1
        assert "TerminateClients" in said
        assert not s.did("command_started")


def test_wmi_gives_numbers_and_paths_and_fails_with_the_cluster_service() -> None:
    with stage() as s:
        ask = "gwmi -Namespace root\\MSCluster -Class {} | foreach {{ {} }}"
        _, said = s.shell("EXN1", ask.format("MSCluster_ResourceGroup", "$_.Name + '=' + $_.State"))
        assert said.split("\r\n")[:3] == ["Cluster Group=0", "Available Storage=1", "CMS1=0"]
        _, said = s.shell(
            "EXN1", ask.format("MSCluster_NodeToActiveGroup", "$_.GroupComponent + ' ' + $_.PartComponent")
        )
        assert 'MSCluster_Node.Name="EXN2" ' in said.replace("\r\n", "")
        s.run("EXN1", "net stop ClusSvc")
        code, said = s.shell("EXN1", ask.format("MSCluster_ResourceGroup", "$_.Name"))
        assert code == 1
        assert "RPC server is unavailable" in said.replace("\r\n", "")


def test_wmi_is_away_in_the_middle_of_an_install() -> None:
    import threading

    from tests.lab.cluster.stage import INSTALL

    with stage(speed=300) as s:
        install = threading.Thread(target=s.run, args=("SCR1", INSTALL, SYSTEM))
        install.start()
        winmgmt = s.machine("SCR1").services.get("Winmgmt")
        assert winmgmt is not None
        s.until(lambda: winmgmt.state == "Stopped")
        code, _ = s.run("SCR1", 'powershell.exe -NoProfile -Command "Get-WmiObject Win32_OperatingSystem"')
        assert code != 0
        s.until(lambda: winmgmt.state == "Running")
        install.join()


def test_without_the_second_hop_the_cmdlets_fail_and_cluster_exe_works() -> None:
    with stage() as s:
        code, said = s.shell("EXN2", "Get-MailboxServer", WITHOUT_HOP)
        assert code == 1
        assert "Domain Controll" in said
        assert s.run("EXN2", "cluster.exe group", WITHOUT_HOP)[0] == 0


def test_system_is_no_exchange_administrator() -> None:
    with stage() as s:
        assert s.shell("EXN2", "Get-MailboxServer", SYSTEM)[0] == 1


def test_signatures_are_judged_where_they_can_be() -> None:
    ask = "(Get-AuthenticodeSignature C:\\Rollups\\Exchange2007-KB4011325-x64-EN.msp).Status"
    with stage() as s:
        assert s.shell("SCR1", ask)[1].strip() == "Valid"
    with stage("ccr-2003") as s:
        assert s.shell("EXN1", ask)[1].strip() == "UnknownError"
