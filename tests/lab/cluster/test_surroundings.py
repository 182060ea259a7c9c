"""What stands around a clustered mailbox server: its disks and their owners, its name, its networks, its address book."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bot.lab.cluster.build import CHKDSK_S
from bot.lab.powershell.values import CmdletError
from bot.lab.scenario import Scenario, load
from bot.lab.scenario_words import Server
from tests.lab.cluster.stage import stage

MOVE: dict[str, Any] = {"Identity": "CMS1", "TargetMachine": "EXN2", "MoveComment": "test", "Confirm": False}


def told(base: str, **fields: Any) -> Scenario:
    """A scenario that comes with the bot, with keys of its mail server changed."""
    made = load(base)
    cluster = made.clusters[0]
    cms = msgspec.structs.replace(cluster.cms[0], **fields)
    return msgspec.structs.replace(made, clusters=(msgspec.structs.replace(cluster, cms=(cms,)), *made.clusters[1:]))


def wmi(made: Any, machine: str, query: str) -> list[str]:
    code, said = made.run(machine, f'powershell.exe -NoProfile -NonInteractive -Command "{query}"')
    assert code == 0, said
    return [line.strip() for line in said.splitlines() if line.strip()]


def test_a_dirty_disk_is_checked_before_it_comes_online_elsewhere_and_is_clean_then() -> None:
    with stage(told("scc-1-1", dirty_volume=True), speed=40_000.0) as s:
        assert s.run("EXN1", "fsutil dirty query E:")[1] == "Volume - E: is Dirty\r\n"
        before = s.clock.now()
        s.cmdlet("EXN1", "Move-ClusteredMailboxServer", **MOVE)
        s.until(lambda: s.did("cms_online"))
        assert s.clock.now() - before > CHKDSK_S
        assert s.run("EXN2", "fsutil dirty query E:")[1] == "Volume - E: is NOT Dirty\r\n"
        assert s.cluster.group("CMS1").start_s < CHKDSK_S


def test_a_disk_that_may_not_run_on_a_node_keeps_the_whole_group_from_it() -> None:
    with stage(told("scc-1-1", disk_owners=("EXN1",))) as s:
        links = "Get-WmiObject -Namespace root\\MSCluster -Class MSCluster_ResourceToPossibleOwner"
        owners = wmi(s, "EXN1", f"{links} | ForEach-Object {{ $_.GroupComponent + ' ' + $_.PartComponent }}")
        disk = [line for line in owners if "Disk E:" in line]
        assert len(disk) == 1
        assert "EXN1" in disk[0]
        assert sum("Network Name (CMS1)" in line for line in owners) == 2
        with pytest.raises(CmdletError):
            s.cmdlet("EXN1", "Move-ClusteredMailboxServer", **MOVE)
        assert s.owner("CMS1") == "EXN1"


def test_nodes_of_two_sites_are_in_two_networks_for_clients_and_share_the_heartbeat() -> None:
    made = load("ccr")
    one, two = made.clusters[0].nodes
    nodes = (one, msgspec.structs.replace(two, subnet="10.2.0.0/16"))
    cluster = msgspec.structs.replace(made.clusters[0], nodes=nodes)
    with stage(msgspec.structs.replace(made, clusters=(cluster, *made.clusters[1:]))) as s:
        networks = "Get-WmiObject -Namespace root\\MSCluster -Class MSCluster_Network"
        said = wmi(s, "EXN1", f"{networks} | ForEach-Object {{ $_.Address + '/' + $_.AddressMask + ' ' + $_.Role }}")
        assert said == ["10.1.0.0/255.255.0.0 3", "10.2.0.0/255.255.0.0 3", "192.168.250.0/255.255.255.0 1"]
        adapters = "Get-WmiObject Win32_NetworkAdapterConfiguration | Where-Object { $_.IPEnabled }"
        assert wmi(s, "EXN2", f"{adapters} | ForEach-Object {{ $_.IPAddress }}") == ["10.2.0.12", "192.168.250.12"]


@pytest.mark.parametrize(("os", "ttl"), [("2008", ["CMS1 1200"]), ("2003", ["CMS1"])])
def test_only_newer_clusters_have_a_ttl_for_their_names(os: str, ttl: list[str]) -> None:
    made = told("ccr", ttl_s=1200)
    made = msgspec.structs.replace(
        made, clusters=(msgspec.structs.replace(made.clusters[0], os=os), *made.clusters[1:])
    )
    with stage(made) as s:
        names = "Get-WmiObject -Namespace root\\MSCluster -Class MSCluster_Resource | Where-Object { $_.Name -like 'Network Name*' }"
        show = "ForEach-Object { $_.PrivateProperties.Name + ' ' + $_.PrivateProperties.HostRecordTTL }"
        assert wmi(s, "EXN1", f"{names} | {show}") == ttl


def test_the_node_that_makes_the_address_book_stands_in_every_nodes_registry() -> None:
    with stage(told("ccr", oab_node="EXN1")) as s:
        key = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MSExchangeSA\\Parameters\\CMS1"
        for node in ("EXN1", "EXN2"):
            assert s.machine(node).registry.value(key, "EnableOabGenOnThisNode") == "EXN1"


def test_other_servers_stand_in_the_directory_and_hold_mail_in_their_queues() -> None:
    made = load("ccr")
    far = (Server(name="HUB7", roles=("HubTransport",), base="8.2.176.2", queued=3), Server(name="UM1", roles=()))
    with stage(msgspec.structs.replace(made, servers=far)) as s:
        found = {o["Name"]: str(o["AdminDisplayVersion"]) for o in s.cmdlet("EXN1", "Get-ExchangeServer")}
        assert found["HUB7"] == "Version 8.2 (Build 176.2)"
        (queue,) = s.cmdlet("EXN1", "Get-Queue", Server="HUB7")
        assert (queue["MessageCount"], queue["NextHopDomain"]) == (3, "cms1.lab.example")
        with pytest.raises(CmdletError):
            s.cmdlet("EXN1", "Get-Queue", Server="UM1")


@pytest.mark.parametrize(("host", "said"), [("crl.microsoft.com", "The operation timed out"), ("", "200")])
def test_a_request_of_winhttp_reaches_what_the_machine_reaches(host: str, said: str) -> None:
    with stage() as s:
        s.machine("EXN1").no_route |= {host} - {""}
        code = (
            "$r = New-Object -ComObject WinHttp.WinHttpRequest.5.1; $r.SetTimeouts(1, 5000, 1, 1); "
            "$r.Open('HEAD', 'http://crl.microsoft.com/x.crl', $false); "
            "try { $r.Send(); $r.Status } catch { $_.Exception.Message }"
        )
        assert said in " ".join(wmi(s, "EXN1", code))
