"""These tests read machines as one finds them: old Windows, other quorum models, policies, things left pending."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.procedure.facts import ClusterView, CustomScript, LevelFacts, MachineFacts, QuorumModel, StandbyFacts
from tests.estate.conftest import Range, closed, opened

SCENARIO = """
title = "A Windows 2003 cluster nobody looked after, and two machines that are standbys of each other"

[[people]]
name = "Alice"
roles = ["requester"]

[[people]]
name = "Bob"
roles = ["approver"]

[[packages]]
kb = "KB4011325"
build = "8.3.517.0"

[[clusters]]
name = "CLUSTER01"
kind = "ccr"
os = "2003"
quorum = "mns-share"
witness = { name = '\\\\HUB1\\MNS_CLUSTER01' }

[[clusters.nodes]]
name = "EXN1"
build = "8.3.485.1"
execution_policy = "AllSigned"
reboot_pending = true
forefront = true
crl = "off"
custom_actions = "Write-Host 'hello'"
interim_update = "KB2999999"
free_mb = 512
runner = false

[[clusters.nodes]]
name = "EXN2"
build = "8.3.485.1"

[[clusters.cms]]
name = "CMS1"
owner = "EXN1"
names = "fqdn"

[[clusters.cms.storage_groups]]
name = "SG1"
databases = [{ name = "MBX1", last_full_backup_h = -1 }]
standby = [{ machine = "SCR1" }]

[[clusters.groups]]
name = "Cluster Group"
owner = "EXN2"
core = true
failback = true
preferred = ["EXN1"]

[[clusters]]
name = "CLUSTER02"
kind = "scc"
os = "2008"
quorum = "disk-only"

[[clusters.nodes]]
name = "SCN1"
build = "8.3.485.1"

[[clusters.nodes]]
name = "SCN2"
build = "8.3.485.1"

[[clusters.cms]]
name = "CMS2"
owner = "SCN1"
storage_groups = [{ name = "SG9", databases = [{ name = "PF1", public = true }] }]

[[machines]]
name = "SCR1"
build = "8.3.485.1"
standby_of = ["SCR2"]
mailboxes = 12
roles = ["Mailbox", "HubTransport"]

[[machines]]
name = "SCR2"
build = "8.3.83.6"

[timing]
snapin_s = 1.0
"""


@pytest.fixture(scope="module")
def unwell() -> Iterator[Range]:
    running = opened(SCENARIO, 60.0)
    yield running
    closed(running)


@pytest.fixture(scope="module")
def seen(unwell: Range) -> dict[str, MachineFacts]:
    facts = unwell.estate.read(unwell.inventory, unwell.names, package=unwell.package)
    assert [m.why_not for m in facts.machines if not m.reached] == []
    return {m.name: m for m in facts.machines}


def view(facts: MachineFacts) -> ClusterView:
    assert isinstance(facts.cluster, ClusterView), facts.cluster
    return facts.cluster


def test_what_was_left_on_a_machine_is_read(seen: dict[str, MachineFacts]) -> None:
    node = seen["EXN1"]
    assert node.os_version == "5.2"
    assert node.machine_policy == "AllSigned"
    assert node.reboot_pending == ("PendingFileRenameOperations",)
    assert isinstance(node.disk_free_mb, tuple)
    assert dict(node.disk_free_mb)["C:"] == 512
    assert node.runner_ok is False
    software = dict(node.software)
    assert software["crl"] == str(0x23E00)
    assert software["forefront:FSCController"] == "Running"
    assert isinstance(node.custom_actions, CustomScript)
    assert node.custom_actions.text == "Write-Host 'hello'"
    assert seen["EXN2"].custom_actions is None
    assert isinstance(node.level, LevelFacts)
    assert isinstance(node.level.patches, tuple)
    assert any("KB2999999" in patch.name for patch in node.level.patches)
    assert (seen["EXN2"].machine_policy, seen["EXN2"].reboot_pending, seen["EXN2"].runner_ok) == ("", (), True)


def test_quorum_models_of_2003_and_of_a_disk_alone(seen: dict[str, MachineFacts]) -> None:
    old, disk = view(seen["EXN2"]), view(seen["SCN1"])
    assert (old.quorum, old.witness) == (QuorumModel.MNS_SHARE, "\\\\HUB1\\MNS_CLUSTER01")
    assert disk.quorum is QuorumModel.DISK_ONLY
    assert disk.witness


def test_failback_and_preferred_owners_are_read(seen: dict[str, MachineFacts]) -> None:
    group = next(g for g in view(seen["EXN2"]).groups if g.name == "Cluster Group")
    assert (group.auto_failback, group.preferred, group.core) == (1, ("EXN1",), True)


def test_every_cluster_knows_its_own_servers_only(seen: dict[str, MachineFacts]) -> None:
    servers = {name: facts.cms for name, facts in seen.items()}
    assert all(isinstance(found, tuple) for found in servers.values())
    assert {n: [c.name for c in found] for n, found in servers.items() if isinstance(found, tuple)} == {
        "EXN1": ["CMS1"],
        "EXN2": ["CMS1"],
        "SCN1": ["CMS2"],
        "SCN2": ["CMS2"],
        "SCR1": [],
        "SCR2": [],
    }


def test_full_names_and_a_backup_that_never_was(seen: dict[str, MachineFacts]) -> None:
    found = seen["EXN2"].cms
    assert isinstance(found, tuple)
    assert found[0].active_node == "exn1.lab.example"
    assert isinstance(found[0].databases, tuple)
    assert found[0].databases[0].last_full_backup is None


def test_a_machine_that_is_a_source_itself_says_so(seen: dict[str, MachineFacts]) -> None:
    assert seen["SCR1"].own_standbys == (
        ("First Storage Group", (StandbyFacts(node_name="SCR2", replay_lag_s=86_400.0),)),
    )
    assert seen["SCR2"].own_standbys == ()
    assert seen["SCR1"].mailboxes == 12
    assert set(seen["SCR1"].roles if isinstance(seen["SCR1"].roles, tuple) else ()) == {"Mailbox", "HubTransport"}


def test_a_service_pack_without_a_rollup_has_no_patches(seen: dict[str, MachineFacts]) -> None:
    assert seen["SCR2"].level == LevelFacts(exsetup="8.3.83.6", patches=(), base="8.3.83.6")


def test_a_mail_server_that_holds_public_folders_alone_has_databases(seen: dict[str, MachineFacts]) -> None:
    """SCN1 and SCN2 both tell of it; Get-MailboxDatabase lists nothing there."""
    for node in ("SCN1", "SCN2"):
        (cms,) = seen[node].cms  # type: ignore[misc]
        assert [(db.name, db.storage_group, db.mounted, db.public) for db in cms.databases] == [
            ("PF1", "SG9", True, True)
        ]
        assert isinstance(seen[node].mapi, tuple)
