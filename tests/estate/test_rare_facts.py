"""Facts that a healthy ccr cluster does not show: each one is read from machines on which it is there to be read."""

from __future__ import annotations

import pytest

from bot.estate.reply import ticks
from bot.lab.cluster.happenings import Fault as Happening
from bot.procedure.facts import ClusterView, MachineFacts
from tests.estate.conftest import Range, closed, opened
from tests.estate.test_jobs import move

POLICY = "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\PowerShell"
SESSION = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"
CURRENT = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion"
CUSTOM = "Scripts\\Customization\\CustomPatchInstallerActions.ps1"
SETUP = "HKLM\\SOFTWARE\\Microsoft\\Exchange\\v8.0\\Setup"


def first(lab: Range) -> MachineFacts:
    return lab.estate.read(lab.inventory, lab.names[:1], slow=False).machines[0]


def test_an_execution_policy_set_by_the_domain_is_seen(ccr: Range) -> None:
    ccr.lab.machines[0].registry.set(POLICY, "ExecutionPolicy", "AllSigned")
    assert first(ccr).machine_policy == "AllSigned"


def test_every_reason_for_a_restart_is_seen_and_said_once(ccr: Range) -> None:
    registry = ccr.lab.machines[0].registry
    waiting = ["\\??\\C:\\Windows\\Temp\\old.dll", "", "\\??\\C:\\Windows\\Temp\\new.dll"]
    registry.set(SESSION, "PendingFileRenameOperations", waiting)
    assert first(ccr).reboot_pending == ("PendingFileRenameOperations",)
    registry.create(CURRENT + "\\Component Based Servicing\\RebootPending")
    registry.create(CURRENT + "\\WindowsUpdate\\Auto Update\\RebootRequired")
    assert first(ccr).reboot_pending == ("PendingFileRenameOperations", "RebootPending", "RebootRequired")


def test_the_text_of_the_administrators_own_installer_script_is_seen(ccr: Range) -> None:
    machine = ccr.lab.machines[0]
    folder = str(machine.registry.value(SETUP, "MsiInstallPath")).rstrip("\\")
    machine.fs.makedirs(f"{folder}\\{CUSTOM}".rsplit("\\", 1)[0])
    machine.fs.write(f"{folder}\\{CUSTOM}", b"Stop-Service Forefront", mode="create")
    assert dict(first(ccr).software)["custom-actions"] == "Stop-Service Forefront"


def test_why_a_handoff_would_be_refused_is_seen_in_exchanges_own_words(ccr: Range) -> None:
    ccr.lab._happenings.happen(Happening(kind="pause", machine="EXN2"))
    facts = ccr.estate.read(ccr.inventory, ("EXN2",), slow=False, validate=(("CMS1", "EXN2"),)).machines[0]
    assert isinstance(facts.validate, tuple)
    ((name, why),) = facts.validate
    assert name == "CMS1"
    assert "EXN2" in why


@pytest.mark.parametrize("scenario", ["ccr-2003", "scc-disk-quorum-2003", "scc-3-1"])
def test_the_quorum_is_the_one_the_cluster_has(scenario: str) -> None:
    lab = opened(scenario, 120.0)
    try:
        told = lab.lab.scenario.clusters[0]
        view = first(lab).cluster
    finally:
        closed(lab)
    assert isinstance(view, ClusterView)
    assert view.quorum == told.quorum
    assert view.witness_ok is True
    if scenario == "ccr-2003":
        assert view.witness == "\\\\HUB1\\FSW_CLUSTER01"
    else:
        assert view.witness, "the quorum's disk"


def test_begun_names_the_boot_the_process_and_its_start(ccr: Range) -> None:
    """Without the boot time a number that another process has after a restart could pass for the job."""
    job, machine = move(ccr), ccr.lab.machines[1]
    ccr.estate.start(job)
    text = machine.fs.read(f"C:\\rollup-bot\\jobs\\{job.name}\\begun").decode()
    begun = dict(line.split("\t") for line in text.splitlines())
    assert set(begun) == {"boot", "pid", "started", "at"}
    assert int(begun["boot"]) == pytest.approx(ticks(machine.boot_time), abs=10**7)
    assert int(begun["pid"]) > 0
    assert ticks(machine.boot_time) < int(begun["started"]) <= int(begun["at"]) <= ticks(machine.now())
