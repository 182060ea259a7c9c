"""These tests read every fact of probe.ps1 and exchange.ps1 from the ccr scenario and compare each one.

The machines run the scripts themselves: a script that asks a wrong property, class or key fails here.
"""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from bot.lab.cluster.happenings import Fault as Happening
from bot.procedure.facts import (
    ClusterView,
    CmsFacts,
    CopyFacts,
    DatabaseFacts,
    GroupFacts,
    GroupStatus,
    LevelFacts,
    MachineFacts,
    NodeStatus,
    PackageFacts,
    PatchFacts,
    QuorumModel,
    ServiceFacts,
    StandbyFacts,
    Unknown,
)
from tests.estate.conftest import Range, closed, opened

CORE = ("Network Name", "IP Address", "File Share Witness")
CMS = (
    "IP Address",
    "Network Name",
    "Microsoft Exchange System Attendant",
    "Microsoft Exchange Information Store",
    "Microsoft Exchange Database Instance",
    "Microsoft Exchange Database Instance",
)
EVERYWHERE = (
    "ClusSvc",
    "MSExchangeADTopology",
    "MSExchangeRepl",
    "MSExchangeServiceHost",
    "MSExchangeTransportLogSearch",
    "MSFTESQL-Exchange",
    "RemoteRegistry",
    "W3SVC",
)
WITH_CMS = (
    "MSExchangeIS",
    "MSExchangeMailboxAssistants",
    "MSExchangeMailSubmission",
    "MSExchangeSA",
    "MSExchangeSearch",
)
ROLLUP_21 = PatchFacts(
    name="Update Rollup 21 for Exchange Server 2007 Service Pack 3 (KB3184711) 8.3.485.1", state=1, installed="20160925"
)


def services(*, active: bool, clustered: bool = True) -> tuple[ServiceFacts, ...]:
    here = [ServiceFacts(name=n, state="Running", start="Auto") for n in EVERYWHERE if clustered or n != "ClusSvc"]
    state = "Running" if active else "Stopped"
    start = "Manual" if clustered else "Auto"
    here += [ServiceFacts(name=n, state=state, start=start) for n in WITH_CMS]
    return tuple(sorted(here, key=lambda s: s.name.casefold()))


def expected(lab: Range, name: str) -> MachineFacts:
    """Everything a probe of one node of the ccr scenario says."""
    clustered = name != "SCR1"
    machine = next(m for m in lab.lab.machines if m.name == name)
    package = lab.package
    return MachineFacts(
        name=name,
        reached=True,
        skew_s=pytest.approx(0, abs=30.0),
        host=name,
        boot_time=pytest.approx(machine.boot_time, abs=1.0),
        os_version="6.0",
        powershell="2.0",
        machine_policy="",
        job_root_ok=True,
        runner_ok=True,
        level=LevelFacts(exsetup="8.3.485.1", patches=(ROLLUP_21,), base="8.3.83.6"),
        package=PackageFacts(
            path=package.path,
            present=True,
            sha256=package.sha256,
            size=len(machine.fs.read(package.path)),
            signature="Valid",
        ),
        cluster=cluster(name) if clustered else None,
        cluster_service=ServiceFacts(name="ClusSvc", state="Running", start="Auto") if clustered else None,
        services=services(active=name != "EXN2", clustered=clustered),
        cms=(cms(lab, name),) if clustered else (),
        health=(),
        validate=(("CMS1", ""),) if name == "EXN2" else Unknown("validate: the script did not answer it"),
        mapi=(("MBX1", "Success"), ("MBX2", "Success")) if clustered else (),
        reboot_pending=(),
        system_drive="C:",
        disk_free_mb=(("C:", 40_000), *((("L:", pytest.approx(40_000, abs=200)),) if clustered else ())),
        jobs=(),
        mailboxes=0,
        roles=() if clustered else ("Mailbox",),
        own_standbys=(),
        software=(("crl", str(0x23C00)),),
        missing=(),
    )


def cluster(seen_from: str) -> ClusterView:
    return ClusterView(
        name="CLUSTER01",
        seen_from=seen_from,
        nodes=(("EXN1", NodeStatus.UP), ("EXN2", NodeStatus.UP)),
        groups=(
            GroupFacts(name="Cluster Group", owner="EXN2", state=GroupStatus.ONLINE, resource_types=CORE, core=True),
            GroupFacts(name="Available Storage", owner="EXN2", state=GroupStatus.OFFLINE),
            GroupFacts(name="CMS1", owner="EXN1", state=GroupStatus.ONLINE, resource_types=CMS),
        ),
        quorum=QuorumModel.NODE_SHARE,
        witness="\\\\HUB1\\FSW_CLUSTER01",
        witness_ok=True,
    )


def cms(lab: Range, seen_from: str) -> CmsFacts:
    backup = pytest.approx(
        lab.lab.scenario.lab.start.timestamp() - 36_000, abs=600.0
    )  # the range takes a moment to be built
    return CmsFacts(
        name="CMS1",
        seen_from=seen_from,
        state="Online",
        active_node="EXN1",
        operational=("EXN1", "EXN2"),
        redundant=("EXN1", "EXN2"),
        storage_type="NonShared",
        build="8.3.83.6",
        databases=(
            DatabaseFacts(
                name="MBX1", storage_group="SG1", mounted=True, backup_running=False, last_full_backup=backup
            ),
            DatabaseFacts(
                name="MBX2", storage_group="SG2", mounted=True, backup_running=False, last_full_backup=backup
            ),
        ),
        standbys=(
            ("SG1", (StandbyFacts(node_name="SCR1", replay_lag_s=86_400.0),)),
            ("SG2", (StandbyFacts(node_name="scr1.lab.example", replay_lag_s=86_400.0),)),
        ),
        copies=(
            CopyFacts(storage_group="SG1", status="Healthy", copy_queue=0, replay_queue=2),
            CopyFacts(storage_group="SG2", status="Healthy", copy_queue=0, replay_queue=2),
            CopyFacts(storage_group="SG1", status="Healthy", copy_queue=0, replay_queue=53, standby="SCR1"),
            CopyFacts(storage_group="SG2", status="Healthy", copy_queue=0, replay_queue=53, standby="scr1.lab.example"),
        ),
    )


@pytest.fixture(scope="module")
def everything(quiet: Range) -> dict[str, MachineFacts]:
    before = quiet.clock.now()
    facts = quiet.estate.read(quiet.inventory, quiet.names, package=quiet.package, validate=(("CMS1", "EXN2"),))
    assert facts.read_at == min(m.read_at for m in facts.machines)
    assert before < facts.now < quiet.clock.now()
    return {m.name: m for m in facts.machines}


@pytest.mark.parametrize("fact", [f.name for f in fields(MachineFacts) if f.name != "read_at"])
@pytest.mark.parametrize("name", ["EXN1", "EXN2", "SCR1"])
def test_every_fact_is_what_the_machine_says(
    quiet: Range, everything: dict[str, MachineFacts], name: str, fact: str
) -> None:
    found, wanted = getattr(everything[name], fact), getattr(expected(quiet, name), fact)
    if fact == "services":
        found = tuple(sorted(found, key=lambda s: s.name.casefold()))
    if fact == "health":
        assert {item.check for item in found} >= {"ReplayService"}
        assert [item for item in found if item.result != "Passed"] == []
        return
    assert found == wanted


def test_without_the_slow_questions_their_facts_are_unknown_and_the_rest_is_the_same(
    quiet: Range, everything: dict[str, MachineFacts]
) -> None:
    fast = quiet.estate.read(quiet.inventory, ("EXN1",), slow=False).machines[0]
    assert isinstance(fast.package, Unknown)
    assert isinstance(fast.health, Unknown)
    assert isinstance(fast.mapi, Unknown)
    assert isinstance(fast.cms, tuple)
    assert isinstance(fast.cms[0].copies, Unknown)
    assert replace(fast.cms[0], copies=cms(quiet, "EXN1").copies) == cms(quiet, "EXN1")
    assert fast.cluster == everything["EXN1"].cluster


# --- what is not well is seen ----------------------------------------------------------------------------------


def test_a_paused_node_a_stopped_witness_and_a_dismounted_database_are_seen() -> None:
    lab = opened("ccr", 60.0)
    try:
        for happening in (
            Happening(kind="pause", machine="EXN2"),
            Happening(kind="witness_down", machine="EXN1"),
        ):
            lab.lab._happenings.happen(happening)
        lab.lab.exchange.cms["cms1"].storage_groups[1].databases[0].mounted = False
        seen = lab.estate.read(lab.inventory, ("EXN1", "EXN2"), package=lab.package)
    finally:
        closed(lab)
    first, second = seen.machines
    assert isinstance(first.cluster, ClusterView)
    assert dict(first.cluster.nodes)["EXN2"] is NodeStatus.PAUSED
    assert first.cluster.witness_ok is False
    assert isinstance(first.cms, tuple)
    assert isinstance(first.cms[0].databases, tuple)
    assert [d.mounted for d in first.cms[0].databases] == [True, False]
    assert isinstance(second.health, tuple)
    said = {h.check: h for h in second.health}
    assert said["NodePaused"].result == "*FAILED*"
    assert "EXN2" in said["NodePaused"].error
    assert "FileShareQuorum" in said
    assert dict(first.mapi if isinstance(first.mapi, tuple) else ())["MBX2"] == "*FAILURE*"


def test_a_shell_whose_memory_does_not_hold_the_snap_in_leaves_exchange_unknown_and_the_next_one_reads_it(
    quiet: Range, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.lab.wsman.shells.MAX_MEMORY_MB", 120)
    seen = quiet.estate.read(quiet.inventory, ("EXN1",)).machines[0]
    assert isinstance(seen.cms, Unknown)
    assert "OutOfMemory" in seen.cms.why
    assert isinstance(seen.cluster, ClusterView), "what needs no snap-in is read all the same"
    monkeypatch.undo()
    again = quiet.estate.read(quiet.inventory, ("EXN1",)).machines[0]
    assert isinstance(again.cms, tuple), "what ended gave its memory back"


def test_with_the_cluster_service_down_the_cluster_is_unknown_and_windows_is_not(ccr: Range) -> None:
    ccr.lab.machines[1].services.stop("ClusSvc")
    seen = ccr.estate.read(ccr.inventory, ("EXN2",)).machines[0]
    assert isinstance(seen.cluster, Unknown)
    assert "the Cluster service is Stopped" in seen.cluster.why
    assert seen.cluster_service == ServiceFacts(name="ClusSvc", state="Stopped", start="Auto")
    assert isinstance(seen.level, LevelFacts)
    assert seen.level.exsetup == "8.3.485.1"
    assert isinstance(seen.cms, tuple)
    assert isinstance(seen.cms[0].state, Unknown)


def test_a_job_root_others_may_write_to_or_that_leads_elsewhere_is_not_in_order(ccr: Range) -> None:
    first, second, _ = ccr.lab.machines
    first.fs.set_security("C:\\rollup-bot\\jobs", owner="LAB\\svc-rollup")
    second.fs.set_attributes("C:\\rollup-bot\\jobs", "ReparsePoint")
    owned, linked = ccr.estate.read(ccr.inventory, ("EXN1", "EXN2"), slow=False).machines
    assert (owned.job_root_ok, linked.job_root_ok) == (False, False)
    assert "owned by" in dict(owned.missing)["root"]
    assert "a link to somewhere else" in dict(linked.missing)["root"]


def test_a_swapped_package_has_another_hash_and_a_missing_one_is_absent(ccr: Range) -> None:
    path = ccr.package.path
    ccr.lab.machines[0].fs.write(path, b"something else", mode="truncate")
    ccr.lab.machines[1].fs.delete(path)
    first, second = ccr.estate.read(ccr.inventory, ("EXN1", "EXN2"), package=ccr.package, slow=False).machines
    assert isinstance(first.package, PackageFacts)
    assert isinstance(second.package, PackageFacts)
    assert first.package.sha256 not in {ccr.package.sha256, ""}
    assert second.package.present is False


def test_a_clock_that_is_off_is_seen_in_wall_seconds(ccr: Range) -> None:
    ccr.lab.machines[2].skew_s = 90.0
    seen = ccr.estate.read(ccr.inventory, ("SCR1",), slow=False).machines[0]
    assert seen.skew_s == pytest.approx(90.0, abs=30)


def test_a_machine_that_is_down_is_silent_and_the_others_are_not(ccr: Range) -> None:
    ccr.lab.machines[1].reachable = False
    first, second = ccr.estate.read(ccr.inventory, ("EXN1", "EXN2"), slow=False).machines
    assert first.reached
    assert not second.reached
    assert second.why_not
    assert isinstance(second.cluster, Unknown)
