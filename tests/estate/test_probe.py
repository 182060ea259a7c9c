"""These tests verify that answers become the right facts, and that a doubtful answer becomes Unknown."""

from __future__ import annotations

import hashlib

import pytest

from bot.estate import probe
from bot.estate.reply import Malformed, read, ticks
from bot.procedure.facts import (
    ClusterView,
    CmsFacts,
    CustomScript,
    GroupStatus,
    MachineFacts,
    NodeStatus,
    QuorumModel,
    ServiceFacts,
    Unknown,
)
from tests.estate.replies import BOOT, CLUSTER, EXCHANGE, NOW, Rows, text

SAFE = "O:BAG:DUD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"


def facts(rows: Rows, *answered: str, failed: dict[str, str] | None = None, end: bool = True) -> MachineFacts:
    sections = dict.fromkeys(answered, "") | (failed or {})
    return probe.machine_facts("EXN1", read(text(rows, sections=sections, end=end)), read_at=NOW, skew_s=0.0)


def cluster(rows: Rows) -> ClusterView | Unknown | None:
    return facts(rows, "cluster", "cluster.exe").cluster


def changed(rows: Rows, *key: str, to: tuple[str, ...]) -> Rows:
    """Rows with the one that begins with `key` replaced."""
    assert sum(row[: len(key)] == key for row in rows) == 1
    return [to if row[: len(key)] == key else row for row in rows]


def test_the_machine_itself() -> None:
    seen = facts(
        [("host", "EXN1"), ("boot", str(ticks(BOOT))), ("windows", "6.0.6002"), ("powershell", "2.0")], "system"
    )
    assert (seen.host, seen.boot_time, seen.os_version, seen.powershell) == ("EXN1", BOOT, "6.0", "2.0")
    assert isinstance(seen.cluster, Unknown)
    assert isinstance(seen.jobs, Unknown)


def test_a_build_is_compared_as_numbers() -> None:
    assert probe.build("08.03.0517.000") == "8.3.517.0"
    with pytest.raises(Malformed):
        probe.build("8.3.517")


def test_the_three_sources_of_a_level() -> None:
    rows: Rows = [
        ("exsetup", "08.03.0485.001"),
        ("base", "8.3.83.6"),
        ("patch", "Update Rollup 22 for Exchange Server 2007 SP3 (KB3184712) 8.3.502.0", "1", "20161213"),
    ]
    level = facts(rows, "exsetup", "patches").level
    assert not isinstance(level, Unknown)
    assert (level.exsetup, level.base) == ("8.3.485.1", "8.3.83.6")
    assert isinstance(level.patches, tuple)
    assert (level.patches[0].state, level.patches[0].installed) == (1, "20161213")


def test_a_section_that_failed_makes_only_its_own_facts_unknown() -> None:
    seen = facts(CLUSTER, "cluster", failed={"services": "Invalid class"})
    assert seen.services == Unknown("services: Invalid class")
    assert isinstance(seen.cluster, ClusterView)
    assert ("services", "Invalid class") in seen.missing


def test_a_cluster_is_read_from_numbers_and_paths() -> None:
    view = cluster(CLUSTER)
    assert isinstance(view, ClusterView)
    assert (view.name, view.seen_from) == ("CLUSTER01", "EXN1")
    assert view.nodes == (("EXN1", NodeStatus.UP), ("EXN2", NodeStatus.UP))
    assert (view.quorum, view.witness, view.witness_ok) == (QuorumModel.NODE_SHARE, "\\\\HUB1\\FSW", True)
    core, storage, cms = view.groups
    assert (core.owner, core.core, core.state, core.possible_owners) == ("EXN2", True, GroupStatus.ONLINE, ())
    assert (storage.owner, storage.core, storage.state) == ("EXN2", False, GroupStatus.OFFLINE)
    assert (cms.owner, cms.holds_exchange, cms.possible_owners) == ("EXN1", True, ("EXN1",))


def test_a_machine_outside_every_cluster_has_none() -> None:
    assert cluster([("cluster.none", "")]) is None


@pytest.mark.parametrize(
    "said", ["cms1  exn2  Online", "CMS1 EXN2 Online", "CMS1                 EXN2            Teilweise online"]
)
def test_the_two_sources_of_an_owner_must_agree(said: str) -> None:
    said = said.replace("cms1", "CMS1")
    view = cluster([*CLUSTER, ("cluster.exe", said)])
    assert isinstance(view, Unknown)
    assert "CMS1 is on EXN2" in view.why


def test_a_group_named_like_the_beginning_of_another_does_not_confuse_the_second_source() -> None:
    lines: Rows = [("cluster.exe", "Cluster Group        EXN2            Online")]
    more: Rows = [
        ("cluster.group", "Cluster", "0", "0"),
        (
            "cluster.links",
            "MSCluster_NodeToActiveGroup",
            'MSCluster_Node.Name="EXN1"',
            'X.MSCluster_ResourceGroup.Name="Cluster"',
        ),
    ]
    assert isinstance(cluster(CLUSTER + more + lines), ClusterView)


def test_a_group_without_an_owner_makes_the_cluster_unknown() -> None:
    rows = [
        row
        for row in CLUSTER
        if row[1:]
        != ("MSCluster_NodeToActiveGroup", 'MSCluster_Node.Name="EXN1"', 'MSCluster_ResourceGroup.Name="CMS1"')
    ]
    assert isinstance(cluster(rows), Unknown)


@pytest.mark.parametrize(
    ("kind", "quorum", "private", "model"),
    [
        ("Physical Disk", "Majority", ("", ""), QuorumModel.NODE_DISK),
        ("Physical Disk", "No Majority", ("", ""), QuorumModel.DISK_ONLY),
        ("Physical Disk", "", ("", ""), QuorumModel.DISK_2003),
        ("Majority Node Set", "", ("", ""), QuorumModel.MNS),
        ("Majority Node Set", "", ("", "\\\\HUB1\\MNS"), QuorumModel.MNS_SHARE),
        ("Local Quorum", "", ("", ""), QuorumModel.LOCAL),
    ],
)
def test_a_quorum_model_follows_from_its_resource(
    kind: str, quorum: str, private: tuple[str, str], model: QuorumModel
) -> None:
    rows = changed(CLUSTER, "cluster", to=("cluster", "CLUSTER01", quorum))
    rows = changed(rows, "cluster.resource", "Witness", to=("cluster.resource", "Witness", kind, "2", "True", *private))
    view = cluster(rows)
    assert isinstance(view, ClusterView)
    assert view.quorum is model


def test_a_quorum_resource_of_an_unknown_type_is_unknown() -> None:
    rows = changed(
        CLUSTER, "cluster.resource", "Witness", to=("cluster.resource", "Witness", "Cloud", "2", "True", "", "")
    )
    view = cluster(rows)
    assert isinstance(view, ClusterView)
    assert isinstance(view.quorum, Unknown)


def test_a_witness_that_is_not_online_is_not_well() -> None:
    rows = changed(
        CLUSTER,
        "cluster.resource",
        "Witness",
        to=("cluster.resource", "Witness", "File Share Witness", "4", "True", "", ""),
    )
    view = cluster(rows)
    assert isinstance(view, ClusterView)
    assert view.witness_ok is False


EXCHANGE_SECTIONS = ("snapin", "cms", "status", "version", "databases", "standby", "copies")


def cms(rows: Rows, *sections: str, failed: dict[str, str] | None = None) -> CmsFacts:
    found = facts(rows, *(sections or EXCHANGE_SECTIONS), failed=failed).cms
    assert isinstance(found, tuple)
    assert len(found) == 1
    return found[0]


def test_a_clustered_mailbox_server_is_read_with_everything_that_hangs_on_it() -> None:
    one = cms(EXCHANGE)
    assert (one.name, one.state, one.active_node, one.storage_type) == ("CMS1", "PartiallyOnline", "EXN1", "NonShared")
    assert one.operational == ("EXN1", "EXN2")
    assert one.redundant == ("exn1.lab.example", "EXN2")
    assert one.build == "8.3.83.6"
    assert isinstance(one.databases, tuple)
    first, second = one.databases
    assert (first.name, first.storage_group, first.mounted, first.backup_running) == ("MBX1", "SG1", True, False)
    assert first.last_full_backup == NOW - 36_000
    assert isinstance(second.mounted, Unknown)
    assert isinstance(second.backup_running, Unknown)
    assert second.last_full_backup is None
    assert isinstance(one.standbys, tuple)
    (group, targets), (other, none) = one.standbys
    assert (group, targets[0].node_name, targets[0].replay_lag_s) == ("SG1", "scr1.lab.example", 86400.0)
    assert (other, none) == ("SG2", ())
    assert isinstance(one.copies, tuple)
    assert [(c.standby, c.status, c.copy_queue) for c in one.copies] == [
        ("", "Healthy", 0),
        ("scr1.lab.example", "Healthy", 1),
    ]
    assert isinstance(one.copies[1].replay_queue, Unknown)


def test_the_quorum_owner_is_not_taken_for_the_active_node() -> None:
    rows = [row for row in EXCHANGE if row != ("cms.operational", "CMS1", "EXN1 <Active>")]
    assert isinstance(cms(rows).active_node, Unknown)


def test_both_marks_on_one_node_are_read() -> None:
    rows = changed(
        EXCHANGE,
        "cms.operational",
        "CMS1",
        "EXN1 <Active>",
        to=("cms.operational", "CMS1", "EXN1 <Active, Quorum Owner>"),
    )
    assert cms(rows).active_node == "EXN1"


def test_two_active_nodes_are_none() -> None:
    rows = changed(
        EXCHANGE, "cms.operational", "CMS1", "EXN2 <Quorum Owner>", to=("cms.operational", "CMS1", "EXN2 <Active>")
    )
    assert isinstance(cms(rows).active_node, Unknown)


def test_without_the_snap_in_nothing_is_said_of_any_cms() -> None:
    seen = facts(EXCHANGE, "cms", failed={"snapin": "the snap-in is not installed"})
    assert seen.cms == Unknown("snapin: the snap-in is not installed")


def test_a_status_that_could_not_be_read_is_unknown_and_the_rest_is_not() -> None:
    one = cms(EXCHANGE, "snapin", "cms", "standby", failed={"status": "The operation could not be performed"})
    assert isinstance(one.state, Unknown)
    assert isinstance(one.active_node, Unknown)
    assert isinstance(one.standbys, tuple)
    assert isinstance(one.copies, Unknown)


def test_health_lists_every_check_with_its_result_so_that_what_was_looked_at_is_known() -> None:
    rows: Rows = [("health", "ClusterNetwork", "Passed", ""), ("health", "ReplayService", "*FAILED*", "It is stopped")]
    found = facts(rows, "health").health
    assert isinstance(found, tuple)
    assert [(h.check, h.result, h.error) for h in found] == [
        ("ClusterNetwork", "Passed", ""),
        ("ReplayService", "*FAILED*", "It is stopped"),
    ]
    assert facts([("health.none", "")], "health").health is None
    assert isinstance(facts([]).health, Unknown)


def test_validation_is_kept_for_handoffs_to_this_machine() -> None:
    rows: Rows = [("validate", "CMS1", "exn1.lab.example", ""), ("validate", "CMS2", "EXN2", "not healthy")]
    assert facts(rows, "validate").validate == (("CMS1", ""),)


@pytest.mark.parametrize(
    ("attributes", "sddl", "ok"),
    [
        ("16", SAFE, True),
        ("16", "O:S-1-5-32-544G:DUD:AI(A;OICIID;FA;;;SY)(A;OICIIOID;GA;;;CO)(A;OICIID;FA;;;BA)", True),
        ("1040", SAFE, False),
        ("16", SAFE + "(A;OICI;0x1200a9;;;BU)", False),
        ("16", SAFE + "(A;;FA;;;S-1-5-21-1-2-3-1104)", False),
        ("16", SAFE.replace("O:BA", "O:S-1-5-21-1-2-3-1104"), False),
        ("16", "O:BAG:DU", False),
        ("16", "O:BAG:DUD:NO_ACCESS_CONTROL", False),
    ],
)
def test_the_job_root_belongs_to_system_and_administrators_alone(attributes: str, sddl: str, ok: bool) -> None:
    seen = facts([("root", attributes, sddl)], "root")
    assert seen.job_root_ok is ok
    assert ok or "root" in dict(seen.missing)


def test_a_job_root_that_is_not_there_is_not_in_order() -> None:
    assert facts([("root.absent", "")], "root").job_root_ok is False


def test_services_disks_restarts_and_the_runner() -> None:
    rows: Rows = [
        ("service", "ClusSvc", "Running", "Auto"),
        ("service", "FSCController", "Running", "Auto"),
        ("disk", "C:", str(40_000 * 1024 * 1024)),
        ("reboot", "PendingFileRenameOperations", "\\??\\C:\\a"),
        ("reboot", "PendingFileRenameOperations", "\\??\\C:\\b"),
        ("reboot", "\\WindowsUpdate\\Auto Update\\RebootRequired", ""),
        ("runner", "rollup-bot-runner"),
        ("software", "crl", "146432"),
        ("software", "custom-actions", "Write-Host hello"),
    ]
    seen = facts(rows, "services", "disks", "reboot", "runner", "software", "policy")
    assert seen.cluster_service == ServiceFacts(name="ClusSvc", state="Running", start="Auto")
    assert seen.disk_free_mb == (("C:", 40_000),)
    assert seen.system_drive == Unknown("disks: no line system.drive")
    assert facts([("system.drive", "d:")], "disks").system_drive == "D:"
    assert facts([("system.drive", "")], "disks").system_drive == Unknown("disks: '' is no drive")
    assert seen.reboot_pending == ("PendingFileRenameOperations", "RebootRequired")
    assert (seen.runner_ok, seen.machine_policy) == (True, "")
    software = dict(seen.software)
    assert software["crl"] == "146432"
    assert software["forefront:FSCController"] == "Running"
    assert seen.custom_actions == CustomScript(
        sha256=hashlib.sha256(b"Write-Host hello").hexdigest(), text="Write-Host hello"
    )
    assert isinstance(facts([], failed={"software": "no such key"}).custom_actions, Unknown)
    assert isinstance(facts([], end=False).custom_actions, Unknown)


def test_a_package_is_read_or_absent_or_unknown() -> None:
    path = "C:\\Rollups\\x.msp"
    rows: Rows = [("package.size", "12"), ("package.sha256", "a" * 64), ("package.signature", "Valid")]
    found = probe.package_facts(path, read(text(rows, sections={"package": "", "signature": ""})))
    assert (found.present, found.size, found.sha256, found.signature) == (True, 12, "a" * 64, "Valid")
    absent = probe.package_facts(path, read(text([("package.absent", "")], sections={"package": "", "signature": ""})))
    assert absent.present is False
    torn = probe.package_facts(path, read(text([("package.size", "12")], sections={"package": ""}, end=False)))
    assert isinstance(torn.sha256, Unknown)
    assert isinstance(torn.signature, Unknown)


def test_a_silent_machine_has_no_fact_that_looks_well() -> None:
    lost = probe.silent("EXN1", "no answer in time", read_at=NOW)
    known = {name for name in MachineFacts.__dataclass_fields__ if not isinstance(getattr(lost, name), Unknown)}
    assert known == {"name", "reached", "why_not", "read_at", "software", "missing"}
