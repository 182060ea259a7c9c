"""Every script runs against stub cmdlets with the documented output shapes, and what it says becomes the facts it should.

Twice: in a real PowerShell where a `pwsh` is on the PATH (skipped by name elsewhere), and in the practice range's own, so that
the stubs themselves are never untested.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.estate import bootstrap, probe, survey
from bot.estate.reply import Reply, read
from bot.lab.clock import LabClock
from bot.lab.powershell import run_powershell
from bot.lab.windows import environment
from bot.lab.windows.machine import Machine, Principal, Session
from bot.procedure.facts import ClusterView, MachineFacts, NodeStatus, QuorumModel, Unknown
from state.words import JobReport, JobSeen

HERE = Path(__file__).parent
PWSH = shutil.which("pwsh")
NAME = "CLUSTER01-7-0f9e8d7c6b5a4f3e-s01-1-1"
PACKAGE = b"not really a rollup"
COMMAND = "hostname"
JOB = {
    "name": NAME, "campaign": "CLUSTER01-7", "nonce": "0f9e8d7c6b5a4f3e", "version": "12", "gate": "CLUSTER01-7.s01.1",
    "command_hash": hashlib.sha256(COMMAND.encode()).hexdigest(),
}  # fmt: skip
BODY = JOB | {"kind": "task", "language": "cmd", "file": "command.cmd", "guard": "empty", "not_after": "939000000000000000",
              "package": "", "sha256": "", "cms": ""}  # fmt: skip
JOB_TEXT = "".join(f"{key}\t{value}\n" for key, value in BODY.items())


@dataclass
class Place:
    """Somewhere a script can run: its job root, a folder that passes for Exchange's, a package, and how to run text."""

    root: str
    exchange: str
    package: str
    run: Callable[[str], str]
    job: Callable[[str], int]  # runs job.ps1 of a folder behind the stubs; its exit code

    @property
    def folder(self) -> str:
        """The job's folder."""
        return f"{self.root}{'/' if '/' in self.root else chr(92)}{NAME}"

    def say(self, script: str, **values: str) -> Reply:
        """What a script answers there."""
        return read(self.run(stubs(self.exchange) + bootstrap.text(script, values)))


def stubs(exchange: str) -> str:
    """The stub cmdlets, with what they need to know of the place."""
    text = HERE.joinpath("stubs.ps1").read_text(encoding="ascii")
    return f"$Stub = @{{ name = '{NAME}'; exchange = '{exchange}' }}\n{text}\n"


@pytest.fixture(params=["pwsh", "range"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return _pwsh(tmp_path) if request.param == "pwsh" else _range()


def _pwsh(folder: Path) -> Place:
    if PWSH is None:
        pytest.skip("there is no pwsh on the PATH")
    for name in ("jobs", "exchange", "tools"):
        folder.joinpath(name).mkdir()
    folder.joinpath("rollup.msp").write_bytes(PACKAGE)
    path = os.environ["PATH"]
    if os.name != "nt":  # a job starts it as a process
        cmd = folder / "tools" / "cmd.exe"
        cmd.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
        cmd.chmod(0o755)
        path = f"{cmd.parent}{os.pathsep}{path}"

    def ran(text: str) -> subprocess.CompletedProcess[str]:
        script = folder / "script.ps1"
        script.write_text(HERE.joinpath("stubs-pwsh.ps1").read_text(encoding="ascii") + text, encoding="ascii")
        return subprocess.run(
            (str(PWSH), "-NoProfile", "-NonInteractive", "-File", str(script)),
            env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def run(text: str) -> str:
        said = ran(text)
        assert "[rollup-end]" in said.stdout, said.stdout + said.stderr
        return said.stdout

    def job(where: str) -> int:
        return ran(f"{stubs(str(folder / 'exchange'))}& '{where}/job.ps1'\nexit $LASTEXITCODE\n").returncode

    return Place(str(folder / "jobs"), str(folder / "exchange"), str(folder / "rollup.msp"), run, job)


def _range() -> Place:
    machine = Machine("EXN2", LabClock(datetime(2026, 3, 14, 20, 0, tzinfo=UTC), 1.0))
    machine.fs.mkdir("C:\\jobs")
    machine.fs.write("C:\\rollup.msp", PACKAGE)

    def ran(text: str) -> tuple[int, str]:
        out: list[str] = []
        session = Session(machine, Principal("LAB\\svc-rollup", True, True), out.append, out.append, stdin="")
        session.env = environment.fresh(machine, "LAB\\svc-rollup")
        machine.processes.start("powershell.exe", "powershell", session)
        code = run_powershell(session, ["powershell", "-NoProfile", "-ExecutionPolicy", "Bypass", "-Command", text], "")
        return code, "".join(out)

    def run(text: str) -> str:
        said = ran(text)[1]
        assert "[rollup-end]" in said, said
        return said

    def job(where: str) -> int:
        return ran(f"{stubs('C:/Exchange')}& '{where}\\job.ps1'\nexit $LASTEXITCODE\n")[0]

    return Place("C:\\jobs", "C:\\Exchange", "C:\\rollup.msp", run, job)


def facts(place: Place) -> tuple[MachineFacts, Reply]:
    reply = place.say(
        "probe", kinds="fast,jobs,package,slow,validate", root=place.root, runner="rollup-bot-runner", name="",
        package=place.package, validate="CMS1\tEXN2",
    )  # fmt: skip
    return probe.machine_facts("EXN2", reply, read_at=0.0, skew_s=0.0), reply


def test_the_probe_leaves_no_question_unanswered(place: Place) -> None:
    found, reply = facts(place)
    assert reply.whole
    assert found.missing == ()
    assert {name: why for name, why in reply.sections.items() if why} == {}


def test_the_probe_reads_windows_and_the_cluster(place: Place) -> None:
    found, reply = facts(place)
    assert (found.host, found.os_version, found.boot_time) == ("EXN2", "6.0", 1773432000.0)
    assert (found.level.exsetup, found.level.base) == ("8.3.485.1", "8.3.83.6")  # type: ignore[union-attr]
    assert found.job_root_ok is True
    assert found.runner_ok is True
    assert found.reboot_pending == ("PendingFileRenameOperations",)
    assert (found.system_drive, found.disk_free_mb) == ("C:", (("C:", 40960),))
    assert probe.package_facts(place.package, reply).sha256 == hashlib.sha256(PACKAGE).hexdigest()
    cluster = found.cluster
    assert isinstance(cluster, ClusterView)
    assert cluster.nodes == (("EXN2", NodeStatus.PAUSED), ("EXN1", NodeStatus.UP))
    assert (cluster.quorum, cluster.witness) == (QuorumModel.NODE_SHARE, "\\\\HUB1\\FSW_CLUSTER01")
    assert {group.name: group.owner for group in cluster.groups} == {"Cluster Group": "EXN1", "CMS1": "EXN1"}


def test_the_probe_reads_exchange(place: Place) -> None:
    found, _ = facts(place)
    (cms,) = found.cms  # type: ignore[misc]
    assert (cms.active_node, cms.state, cms.redundant) == ("EXN1", "Online", ("exn1.lab.example", "EXN2"))
    assert [(db.name, db.mounted, db.backup_running, db.last_full_backup, db.public) for db in cms.databases] == [
        ("MBX1", True, False, 1773403200.0, False), ("MBX2", False, False, None, False), ("PF1", False, True, None, True),
    ]  # fmt: skip
    assert cms.standbys[0][1][0].node_name == "scr1.lab.example"
    assert cms.standbys[0][1][0].replay_lag_s == 86400.0
    assert {(copy.storage_group, copy.standby): copy.status for copy in cms.copies} == {
        ("SG1", ""): "Healthy", ("SG2", ""): "Initializing", ("SG1", "scr1.lab.example"): "Healthy",
    }  # fmt: skip
    assert [(item.check, item.result) for item in found.health] == [  # type: ignore[union-attr]
        ("ClusterNetwork", "Passed"), ("SGCopyInitializing", "*FAILED*"),
    ]  # fmt: skip
    assert "seeding or suspended" in found.validate[0][1]  # type: ignore[index]


KINDS = ("writers", "volumes", "networks", "servers", "crl", "oab", "logs", "scr", "mail", "users")


def test_the_survey_reads_what_only_some_moments_need(place: Place) -> None:
    reply = place.say("survey", kinds=",".join(KINDS))
    assert {name: why for name, why in reply.sections.items() if why} == {}
    found = survey.facts(reply, KINDS)
    assert [(one.name, one.state) for one in found.writers] == [  # type: ignore[union-attr]
        ("System Writer", 1), ("Microsoft Exchange Replica Writer", 5),
    ]  # fmt: skip
    assert [(one.name, one.dirty, one.system) for one in found.volumes] == [  # type: ignore[union-attr]
        ("C:\\", False, True), ("D:\\Logs\\", True, False),
    ]  # fmt: skip
    assert found.client_networks == ("Public",)
    assert found.host_ttl == (("CLUSTER01", 1200),)
    assert [(one.name, one.roles, one.base) for one in found.servers] == [("CMS1", ("Mailbox",), "8.3.83.6")]  # type: ignore[union-attr]
    assert found.crl == ""
    assert found.oab_pins == (("CMS1", "EXN1"),)
    assert [(one.name, one.state) for one in found.mail] == [("IS (CMS1)", 2)]  # type: ignore[union-attr]
    assert [(one.server, one.storage_group, one.standby, one.status) for one in found.scr] == [  # type: ignore[union-attr]
        ("CMS9", "SG9", "exn2.lab.example", "Seeding"),
        ("CMS9", "SG8", "exn2.lab.example", Unknown("The Microsoft Exchange Replication Service does not answer.")),
        ("EXN2", "SG7", "scr1.lab.example", "Healthy"),
    ]
    assert found.users == (("CMS1", 3),)
    assert isinstance(found.logs, tuple), found.logs
    first, second = found.logs
    assert (first.cms, first.storage_group, first.volume, first.free_mb) == ("CMS1", "SG1", "D:\\Logs\\", 100.0)
    begin, end = probe.node_clock(reply)  # the stub's logs are as old as it says when they are listed, between the two
    assert 10 / 12 <= first.per_h <= 10 / (12 - (end - begin) / 3600)  # type: ignore[operator]  # 0xA19 - 0xA0F
    assert (second.storage_group, second.volume) == ("SG2", "C:\\")
    assert second.free_mb == second.per_h == Unknown("Access to the path C:\\SG2\\ is denied.")


def test_every_script_that_is_ever_sent_is_run_on_this_page() -> None:
    assert set(bootstrap.SCRIPTS) == {"probe", "survey", "start", "jobs", "close", "tidy"}


def start(place: Place, machine: str = "EXN2", command: str = COMMAND) -> Reply:
    return place.say(
        "start", kinds="start", machine=machine, root=place.root, name=NAME, kind="task", runner="rollup-bot-runner",
        job=JOB_TEXT, file="command.cmd", command=command,
    )  # fmt: skip


def report(place: Place) -> JobReport:
    reply = place.say("jobs", kinds="jobs", root=place.root, name=NAME)
    return probe.job_report(NAME, "EXN2", reply, JOB)


def seen(place: Place) -> JobSeen:
    return report(place).seen


def test_a_job_runs_its_command_once_and_leaves_its_exit_code(place: Place) -> None:
    start(place)
    assert place.job(place.folder) == 0
    assert (report(place).seen, report(place).exit_code) == (JobSeen.ENDED, 0)
    assert place.job(place.folder) == 11


def test_a_job_refuses_a_command_that_is_not_the_approved_one(place: Place) -> None:
    start(place, command="shutdown")
    assert place.job(place.folder) == 10
    assert seen(place) is JobSeen.REFUSED


def test_a_job_is_started_once_and_only_on_its_machine(place: Place) -> None:
    assert start(place, "EXN9").why_missing("start")
    assert seen(place) is JobSeen.ABSENT
    first, again = start(place), start(place)
    assert first.first("created") == (NAME,)
    assert first.first("unstarted") is None
    assert again.first("created") is None
    assert again.first("standing") is not None
    assert seen(place) is JobSeen.WAITING


def test_a_name_that_was_closed_can_never_be_started(place: Place) -> None:
    reply = place.say("close", kinds="close", machine="EXN2", root=place.root, name=NAME, job=JOB_TEXT)
    assert reply.why_missing("close") == ""
    assert seen(place) is JobSeen.VOID
    assert start(place).first("created") is None


def test_closing_takes_begun_from_a_job_that_has_not_begun(place: Place) -> None:
    start(place)
    place.say("close", kinds="close", machine="EXN2", root=place.root, name=NAME, job=JOB_TEXT)
    assert seen(place) is JobSeen.VOID


def test_the_task_of_a_finished_job_is_deleted(place: Place) -> None:
    reply = place.say("tidy", kinds="tidy", name=NAME)
    assert reply.first("deleted") == (f"rollup-bot-{NAME}", "0")
