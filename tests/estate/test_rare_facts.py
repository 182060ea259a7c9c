"""Facts that a healthy ccr cluster does not show: each one is read from machines on which it is there to be read."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from bot.estate.reply import ticks
from bot.lab.cluster.happenings import Fault as Happening
from bot.lab.windows import environment
from bot.procedure.facts import ClusterView, CustomScript, MachineFacts
from state.words import JobSeen
from tests.estate.conftest import Range, closed, opened
from tests.estate.test_jobs import ended, handoff, install, move, order

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
    found = first(ccr).custom_actions
    assert isinstance(found, CustomScript)
    assert found.text == "Stop-Service Forefront"
    assert found.sha256 == hashlib.sha256(b"Stop-Service Forefront").hexdigest()


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


def test_a_folder_that_never_became_a_job_is_not_listed_as_one(ccr: Range) -> None:
    ccr.lab.machines[0].fs.makedirs("C:\\rollup-bot\\jobs\\~0f9e8d7c")
    ccr.lab.machines[0].fs.makedirs("C:\\rollup-bot\\jobs\\CLUSTER01-9-abc123-s01-1-1")
    assert [folder.name for folder in ccr.estate.folders(("EXN1",))] == ["CLUSTER01-9-abc123-s01-1-1"]


@pytest.mark.parametrize("running", [True, False])
def test_a_node_that_owns_nothing_is_installed_on_only_if_no_information_store_runs_there(
    ccr: Range, running: bool
) -> None:
    for number, group in enumerate(("Cluster Group", "Available Storage"), 1):
        text = f'cluster.exe group "{group}" /move:EXN1'
        away = replace(move(ccr).command, text=text, effect=f"move:{group}:EXN1")
        ccr.estate.start(order(away, ccr.clock.now(), name=f"CLUSTER01-1-abc123-s01-1-{number}"))
    if running:
        ccr.lab.machines[1].services.start("MSExchangeIS")
    told = replace(install(ccr, "EXN2", guard="empty"), name="CLUSTER01-1-abc123-s02-1-1")
    ccr.estate.start(told)
    report = ended(ccr, told)
    if running:
        assert report.seen is JobSeen.REFUSED
        assert "the Information Store runs here" in report.detail
        assert ccr.truth("install_started") == []
    else:
        assert (report.seen, report.exit_code) == (JobSeen.ENDED, 0)
        assert len(ccr.truth("install_started", node="EXN2", owned_groups=[])) == 1


def test_of_a_long_log_the_end_is_read(ccr: Range) -> None:
    job = move(ccr)
    ccr.estate.start(job)
    log = f"C:\\rollup-bot\\jobs\\{job.name}\\log"
    ccr.lab.machines[1].fs.write(log, b"at first\r\n" + b"." * 9_000 + b"\r\nin the end\r\n", mode="truncate")
    report = ccr.estate.observe(job)
    assert report.log_tail.endswith("in the end")
    assert "at first" not in report.log_tail


def test_the_event_log_says_when_the_last_database_was_there_and_when_the_handoff_ended(ccr: Range) -> None:
    told, machine = handoff(ccr), ccr.lab.machines[1]
    ccr.estate.start(told)
    assert ended(ccr, told).exit_code == 0
    text = machine.fs.read(f"C:\\rollup-bot\\jobs\\{told.name}\\timeline").decode()
    times = {key: int(value) for key, value in (line.split("\t") for line in text.splitlines())}
    assert set(times) >= {"start", "left", "end", "mounted", "event9523", "event100"}
    second = 10**7  # the event log knows whole seconds
    for event in ("event9523", "event100"):
        assert times["start"] - second <= times[event] <= times["mounted"]


def test_a_job_that_could_not_be_prepared_says_why(ccr: Range) -> None:
    ccr.lab.machines[2].fs.delete(ccr.package.path)
    told = install(ccr, "SCR1")
    ccr.estate.start(told)
    report = ended(ccr, told)
    assert report.seen is JobSeen.REFUSED
    begin, _, why = report.detail.partition(": ")
    assert begin == "could not prepare"
    assert ccr.package.path in why
    note = ccr.lab.machines[2].fs.read(f"C:\\rollup-bot\\jobs\\{told.name}\\error").decode()
    assert note == why


def test_the_drive_windows_is_on_is_the_one_the_machine_names(ccr: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = environment.fresh
    monkeypatch.setattr(environment, "fresh", lambda machine, user: usual(machine, user) | {"SystemDrive": "D:"})
    (found,) = ccr.estate.read(ccr.inventory, ("EXN2",), slow=False).machines
    assert found.system_drive == "D:"
