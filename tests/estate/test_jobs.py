"""These tests verify that a job runs once, says how it ended, and can be closed, on machines that behave.

Every order is carried out by the scripts themselves on a simulated node; the truth log says what happened.
"""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bot.estate.errors import Fault, Uncertain
from bot.estate.estate import WindowsEstate
from bot.lab.windows.machine import Session
from bot.procedure.facts import ClusterView, LevelFacts
from state.words import Command, JobKind, JobOrder, JobReport, JobSeen, Package
from tests.estate.conftest import Range
from tests.estate.wire import Wire
from tests.waiting import until

MOVE = 'cluster.exe group "Cluster Group" /move:EXN1'
INSTALL = 'msiexec.exe /update "%ROLLUP_FOLDER%\\{file}" /quiet /norestart /l*v "%ROLLUP_FOLDER%\\install.log"'
HANDOFF = (
    "Move-ClusteredMailboxServer -Identity 'CMS1' -TargetMachine 'EXN2' -MoveComment 'CLUSTER01-1 s05' -Confirm:$false"
)


def order(command: Command, now: float, *, name: str = "CLUSTER01-1-abc123-s01-1-1", late: bool = False) -> JobOrder:
    return JobOrder(
        name=name,
        campaign="CLUSTER01-1",
        version=12,
        gate="CLUSTER01-1.s01.1",
        command=command,
        command_hash=hashlib.sha256(command.text.encode()).hexdigest(),
        not_after=now + (-10 if late else 3600),
    )


def move(lab: Range, **changes: object) -> JobOrder:
    command = Command(text=MOVE, kind=JobKind.SHELL, node="EXN2", purpose="move", effect="move:Cluster Group:EXN1")
    return order(command, lab.clock.now(), **changes)  # type: ignore[arg-type]


def install(lab: Range, node: str, *, guard: str = "", package: Package | None = None) -> JobOrder:
    told = package or lab.package
    command = Command(
        text=INSTALL.format(file=told.path.rsplit("\\", 1)[-1]),
        kind=JobKind.TASK,
        node=node,
        purpose="install",
        guard=guard,
        package=told,
        effect="install",
    )
    return order(command, lab.clock.now())


def handoff(lab: Range) -> JobOrder:
    command = Command(
        text=HANDOFF,
        kind=JobKind.RUNNER,
        node="EXN2",
        purpose="handoff",
        language="powershell",
        effect="handoff:CMS1:EXN2",
    )
    return order(command, lab.clock.now())


def ended(lab: Range, told: JobOrder, *, seconds: float = 40.0) -> JobReport:
    """Look until the job is over."""
    end = time.monotonic() + seconds
    while True:
        report = lab.estate.observe(told)
        if report.seen not in {JobSeen.WAITING, JobSeen.RUNNING}:
            return report
        assert time.monotonic() < end, f"still {report}"
        time.sleep(0.05)


def owner(lab: Range, group: str) -> str:
    view = lab.estate.read(lab.inventory, ("EXN1",), slow=False).machines[0].cluster
    assert isinstance(view, ClusterView)
    return next(g.owner for g in view.groups if g.name == group)


def test_a_short_command_runs_in_the_shell_and_its_end_is_reported_at_once(ccr: Range) -> None:
    told = move(ccr)
    report = ccr.estate.start(told)
    assert (report.seen, report.exit_code) == (JobSeen.ENDED, 0)
    assert report.begun_at is not None
    assert report.ended_at is not None
    assert report.begun_at <= report.ended_at
    assert owner(ccr, "Cluster Group") == "EXN1"
    assert [r["line"] for r in ccr.truth("command_started", job=told.name)] == [MOVE]
    assert [r["by"] for r in ccr.truth("group_moved", group="Cluster Group")] == ["cluster.exe"]


def test_a_job_started_a_second_time_is_only_looked_at(ccr: Range) -> None:
    told = move(ccr)
    first = ccr.estate.start(told)
    again = ccr.estate.start(told)
    assert (again.seen, again.begun_at) == (JobSeen.ENDED, first.begun_at)
    assert len(ccr.truth("command_started", job=told.name)) == 1


def test_two_bots_that_start_one_job_at_the_same_moment_run_it_once(ccr: Range) -> None:
    told = move(ccr)
    bots = [WindowsEstate(ccr.config()) for _ in range(3)]
    for bot in bots:
        bot.observe(told)
    with ThreadPoolExecutor(3) as pool:
        seen = {report.seen for report in pool.map(lambda bot: bot.start(told), bots)}
    assert seen <= {JobSeen.ENDED, JobSeen.RUNNING, JobSeen.WAITING}
    ended(ccr, told)
    assert len(ccr.truth("command_started", job=told.name)) == 1
    for bot in bots:
        bot.shut()


def test_a_closed_name_never_runs(ccr: Range) -> None:
    told = move(ccr)
    assert ccr.estate.close(told).seen is JobSeen.VOID
    assert ccr.estate.close(told).seen is JobSeen.VOID
    assert ccr.estate.start(told).seen is JobSeen.VOID
    assert ccr.truth("command_started") == []
    assert owner(ccr, "Cluster Group") == "EXN2"


def test_closing_a_job_that_ended_reports_its_end(ccr: Range) -> None:
    told = move(ccr)
    ccr.estate.start(told)
    report = ccr.estate.close(told)
    assert (report.seen, report.exit_code) == (JobSeen.ENDED, 0)


def test_a_lost_answer_leaves_a_job_that_is_found_again(ccr: Range) -> None:
    told = move(ccr)
    wire = Wire(ccr.server.url("EXN2"))
    bot = WindowsEstate(ccr.config({"EXN2": wire.url}))
    bot.observe(told)
    bot._connections["EXN2"]._quiet_since = 0.0  # as after a pause
    wire.cut_at(5, heard=True)  # three for the logon, Command, Receive
    with pytest.raises(Uncertain):
        bot.start(told)
    until(lambda: bool(ccr.truth("command_started", job=told.name)))
    report = bot.close(told)
    while report.seen in {JobSeen.RUNNING, JobSeen.WAITING}:
        report = bot.observe(told)
    assert (report.seen, report.exit_code) == (JobSeen.ENDED, 0)
    assert len(ccr.truth("command_started", job=told.name)) == 1
    bot.shut()
    wire.close()


def test_a_name_closed_in_the_very_moment_of_its_start_either_runs_or_is_void_never_both(ccr: Range) -> None:
    for number in range(6):
        told = move(ccr, name=f"CLUSTER01-1-abc123-s01-1-{number + 1}")
        other = WindowsEstate(ccr.config())
        with ThreadPoolExecutor(2) as pool:
            started = pool.submit(ccr.estate.start, told)
            closed = pool.submit(other.close, told)
            started.result()
            closed.result()
        report = ended(ccr, told)
        assert report.seen in {JobSeen.VOID, JobSeen.ENDED}
        assert len(ccr.truth("command_started", job=told.name)) == (1 if report.seen is JobSeen.ENDED else 0)
        other.shut()


def test_a_folder_of_that_name_with_another_order_is_foreign(ccr: Range) -> None:
    told = move(ccr)
    ccr.estate.start(told)
    report = ccr.estate.start(replace(told, gate="CLUSTER01-1.s01.2"))
    assert (report.seen, report.exit_code) == (JobSeen.FOREIGN, None)
    assert len(ccr.truth("command_started")) == 1


def test_a_late_start_is_refused_by_the_node(ccr: Range) -> None:
    report = ccr.estate.start(move(ccr, late=True))
    assert report.seen is JobSeen.REFUSED
    assert report.detail.startswith("late")
    assert ccr.truth("command_started") == []


def test_a_command_that_is_not_the_approved_one_is_refused(ccr: Range) -> None:
    report = ccr.estate.start(replace(move(ccr), command_hash="0" * 64))
    assert report.seen is JobSeen.REFUSED
    assert report.detail.startswith("command")
    assert ccr.truth("command_started") == []


def test_an_order_for_another_machine_is_a_fault_and_leaves_nothing(ccr: Range) -> None:
    urls = {"EXN1": ccr.server.url("EXN2")}
    told = move(ccr)
    wrong = replace(told, command=replace(told.command, node="EXN1"))
    bot = WindowsEstate(ccr.config(urls))
    with pytest.raises(Fault, match="this machine is EXN2"):
        bot.start(wrong)
    assert ccr.estate.folders(("EXN1", "EXN2")) == ()
    assert not bot.read(ccr.inventory, ("EXN1",), slow=False).machines[0].reached
    bot.shut()


def test_an_exit_code_other_than_zero_comes_with_the_last_line(ccr: Range) -> None:
    told = move(ccr)
    text = 'cluster.exe group "No Such Group" /move:EXN1'
    command = replace(told.command, text=text)
    told = replace(told, command=command, command_hash=hashlib.sha256(text.encode()).hexdigest())
    report = ccr.estate.start(told)
    assert report.seen is JobSeen.ENDED
    assert report.exit_code not in {0, None}
    assert report.detail


def test_an_install_on_a_node_that_owns_something_is_refused_before_msiexec(ccr: Range) -> None:
    for node in ("EXN1", "EXN2"):
        told = install(ccr, node, guard="empty")
        ccr.estate.start(told)
        report = ended(ccr, told)
        assert report.seen is JobSeen.REFUSED
        assert "owns" in report.detail
        ccr.estate.tidy(told)
    assert ccr.truth("install_started") == []


def test_a_package_that_was_swapped_is_refused(ccr: Range) -> None:
    told = install(ccr, "SCR1", package=replace(ccr.package, sha256="0" * 64))
    ccr.estate.start(told)
    report = ended(ccr, told)
    assert report.seen is JobSeen.REFUSED
    assert report.detail.startswith("package")
    assert ccr.truth("install_started") == []


def test_an_install_runs_as_a_task_until_its_exit_code_is_there(ccr: Range) -> None:
    told = install(ccr, "SCR1")
    assert ccr.estate.start(told).seen in {JobSeen.WAITING, JobSeen.RUNNING}
    report = ended(ccr, told)
    assert (report.seen, report.exit_code) == (JobSeen.ENDED, 0)
    assert report.log_tail
    level = ccr.estate.read(ccr.inventory, ("SCR1",), slow=False).machines[0].level
    assert isinstance(level, LevelFacts)
    assert level.exsetup == ccr.package.build
    tasks = ccr.lab.machines[-1].tasks
    assert any(told.name in task.name for task in tasks.all())
    ccr.estate.tidy(told)
    assert not any(told.name in task.name for task in tasks.all())
    ccr.estate.tidy(told)
    assert len(ccr.truth("install_started", node="SCR1")) == 1


def in_the_middle(lab: Range) -> JobOrder:
    """An install on SCR1 that has begun and takes a long time."""
    lab.lab.world.truth.listen(lambda r: lab.clock.set_speed(2.0) if r["did"] == "install_started" else None)
    told = install(lab, "SCR1")
    lab.estate.start(told)
    until(lambda: bool(lab.truth("install_started", node="SCR1")))
    return told


def test_a_restart_in_the_middle_of_an_install_cuts_it_off(ccr: Range) -> None:
    told = in_the_middle(ccr)
    machine = ccr.lab.machines[-1]
    restart = machine.reboot(60.0)
    until(lambda: not machine.online)
    ccr.clock.set_speed(120.0)
    restart.join()
    report = ended(ccr, told)
    assert (report.seen, report.exit_code) == (JobSeen.CUT_OFF, None)


def test_a_job_whose_process_was_killed_is_cut_off(ccr: Range) -> None:
    told = in_the_middle(ccr)
    machine = ccr.lab.machines[-1]
    for process in machine.processes.all():
        if "job.ps1" in process.commandline:
            machine.processes.kill(process.pid)
    assert ended(ccr, told).seen is JobSeen.CUT_OFF


def test_a_handoff_runs_through_the_runner_and_measures_the_outage(ccr: Range) -> None:
    told = handoff(ccr)
    ccr.clock.set_speed(40.0)  # a look that comes a little late on a busy machine is then late by seconds
    ccr.estate.start(told)
    report = ended(ccr, told)
    assert (report.seen, report.exit_code) == (JobSeen.ENDED, 0), report
    assert [r["to"] for r in ccr.truth("cms_moved")] == ["EXN2"]
    begins = [float(str(r["t"])) for r in ccr.truth("cms_offline") + ccr.truth("db_dismounted")]
    mounted = [float(str(r["t"])) for r in ccr.truth("db_mounted")]
    assert report.downtime_s is not None
    assert report.downtime_s == pytest.approx(max(mounted) - min(begins), abs=12)


def test_without_the_runner_task_a_handoff_is_closed_and_says_why(ccr: Range) -> None:
    ccr.lab.machines[1].tasks.delete("rollup-bot-runner")
    told = handoff(ccr)
    report = ccr.estate.start(told)
    assert report.seen is JobSeen.VOID
    assert report.detail
    assert ccr.truth("command_started") == []


def test_a_task_that_fires_again_runs_nothing(ccr: Range) -> None:
    told = install(ccr, "SCR1")
    ccr.estate.start(told)
    first = ended(ccr, told)
    machine = ccr.lab.machines[-1]
    task = next(t for t in machine.tasks.all() if told.name in t.name)
    machine.tasks.run(task.name)
    until(lambda: machine.tasks.status(task.name) != "Running")
    again = ccr.estate.observe(told)
    assert (again.seen, again.exit_code, again.ended_at) == (JobSeen.ENDED, 0, first.ended_at)
    assert len(ccr.truth("install_started", node="SCR1")) == 1


def test_a_runner_that_is_started_again_runs_nothing(ccr: Range) -> None:
    told = handoff(ccr)
    ccr.estate.start(told)
    assert ended(ccr, told).seen is JobSeen.ENDED
    machine = ccr.lab.machines[1]
    machine.tasks.run("rollup-bot-runner")
    until(lambda: machine.tasks.status("rollup-bot-runner") != "Running")
    assert len(ccr.truth("command_started", job=told.name)) == 1


def test_a_task_that_could_not_be_started_is_closed_and_does_nothing_when_it_fires_later(ccr: Range) -> None:
    machine = ccr.lab.machines[-1]
    schtasks = machine.natives["schtasks"]

    def broken(session: Session, argv: list[str], raw: str) -> int:
        if "/run" in raw:
            session.err("ERROR: The system cannot find the file specified.\r\n")
            return 1
        return schtasks(session, argv, raw)

    machine.natives["schtasks"] = broken
    told = install(ccr, "SCR1")
    report = ccr.estate.start(told)
    assert report.seen is JobSeen.VOID
    assert "cannot find" in report.detail
    task = next(t for t in machine.tasks.all() if told.name in t.name)
    machine.tasks.run(task.name)
    until(lambda: machine.tasks.status(task.name) != "Running")
    assert ccr.estate.observe(told).seen is JobSeen.VOID
    assert ccr.truth("install_started") == []


def test_every_folder_on_every_machine_is_listed(ccr: Range) -> None:
    assert ccr.estate.folders(ccr.names) == ()
    told = move(ccr)
    ccr.estate.start(told)
    closed = replace(told, name="CLUSTER01-1-abc123-s01-1-2")
    ccr.estate.close(closed)
    found = {(f.machine, f.name, f.campaign, f.nonce, f.version, f.seen) for f in ccr.estate.folders(ccr.names)}
    assert found == {
        ("EXN2", told.name, "CLUSTER01-1", "abc123", 12, JobSeen.ENDED),
        ("EXN2", closed.name, "CLUSTER01-1", "abc123", 12, JobSeen.VOID),
    }
