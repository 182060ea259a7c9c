"""Registry, services, processes, tasks, reboot."""

from __future__ import annotations

import threading
import time

import pytest

from bot.lab.windows.machine import Cancelled, Machine, Principal, Session
from bot.lab.windows.services import DISABLED, RUNNING, STOPPED, Service, ServiceError
from bot.lab.windows.wmi import cim_time
from tests.lab.windows.conftest import ADMIN, Console
from tests.waiting import until

SYSTEM = Principal("NT AUTHORITY\\SYSTEM", second_hop=False, exchange=False)


def test_registry_names_have_no_case_and_every_spelling_of_a_hive_works(machine: Machine) -> None:
    machine.registry.set("HKLM\\SOFTWARE\\Microsoft\\Exchange\\v8.0\\Setup", "MsiInstallPath", "C:\\Ex")
    long = "Registry::HKEY_LOCAL_MACHINE\\software\\microsoft\\exchange\\V8.0\\setup"
    assert machine.registry.value(long, "msiinstallpath") == "C:\\Ex"
    assert machine.registry.get("HKLM:\\SOFTWARE\\Microsoft\\Exchange\\v8.0\\Setup") == {"MsiInstallPath": "C:\\Ex"}
    assert machine.registry.subkeys("HKLM\\SOFTWARE\\Microsoft\\Exchange") == ["v8.0"]
    assert machine.registry.get("HKLM\\SOFTWARE\\Nothing") is None
    assert machine.registry.delete("HKLM\\SOFTWARE\\Microsoft\\Exchange")
    assert machine.registry.get(long) is None


def test_a_service_starts_what_it_depends_on_and_tells_its_hooks(machine: Machine) -> None:
    seen: list[tuple[str, str]] = []
    machine.services.add("ClusSvc", "Cluster Service", STOPPED)
    machine.services.add("MSExchangeSA", "Attendant", STOPPED, depends_on=("ClusSvc",))
    machine.services.on_change.append(lambda service, what: seen.append((service.name, service.state)))
    machine.services.start("msexchangesa")
    assert [name for name, state in seen if state == RUNNING] == ["ClusSvc", "MSExchangeSA"]
    with pytest.raises(ServiceError) as refused:
        machine.services.stop("ClusSvc")
    assert refused.value.code == 1051
    machine.services.stop("ClusSvc", force=True)
    assert [s.state for s in machine.services.all() if s.name in {"ClusSvc", "MSExchangeSA"}] == [STOPPED, STOPPED]


@pytest.mark.parametrize(("call", "code"), [("start", 1058), ("stop", 1062)])
def test_a_disabled_service_is_refused_with_its_number(machine: Machine, call: str, code: int) -> None:
    machine.services.add("MSExchangeIS", "Store", STOPPED, DISABLED)
    with pytest.raises(ServiceError) as refused:
        getattr(machine.services, call)("MSExchangeIS")
    assert refused.value.code == code


def test_a_service_that_refuses_to_start_stays_stopped(machine: Machine) -> None:
    def refuse() -> None:
        raise ServiceError(1053)

    machine.services.add("Slow", "Slow", STOPPED, on_start=refuse)
    with pytest.raises(ServiceError):
        machine.services.start("Slow")
    found = machine.services.get("Slow")
    assert isinstance(found, Service)
    assert found.state == STOPPED


def test_a_killed_process_ends_alone_and_its_parent_goes_on(machine: Machine, console: Console) -> None:
    def slow(session: Session, argv: list[str], raw: str) -> int:
        session.sleep(3600)
        return 0

    machine.natives["slow"] = slow
    answers: list[str] = []
    worker = threading.Thread(target=lambda: answers.append(console("slow & echo rc %ERRORLEVEL% & echo after").out))
    worker.start()
    assert until(lambda: any(p.name == "slow.exe" for p in machine.processes.all()))
    process = next(p for p in machine.processes.all() if p.name == "slow.exe")
    assert machine.processes.kill(process.pid)
    worker.join(60)
    assert answers == ["rc 0 \r\nafter\r\n"]
    assert machine.processes.get(process.pid) is None


def test_a_task_runs_outside_the_shell_as_its_principal(machine: Machine, console: Console) -> None:
    who: list[Principal] = []

    def tell(session: Session, argv: list[str], raw: str) -> int:
        who.append(session.principal)
        return 7

    machine.natives["tell"] = tell
    said = console('schtasks /create /tn rollup-bot\\x /tr "tell" /sc once /sd 12/12/2011 /st 23:00 /ru SYSTEM')
    assert said.rc == 0, said
    assert console("schtasks /run /tn rollup-bot\\x").out.startswith("SUCCESS: Attempted to run")
    assert until(lambda: bool(who) and machine.tasks.status("rollup-bot\\x") == "Ready")
    assert who == [SYSTEM]
    task = machine.tasks.get("\\Rollup-Bot\\X")
    assert task is not None
    assert task.last_result == 7


def test_a_task_started_by_hand_fires_again_at_its_time(machine: Machine) -> None:
    runs = threading.Semaphore(0)

    def count(session: Session, argv: list[str], raw: str) -> int:
        runs.release()
        return 0

    machine.natives["count"] = count
    machine.tasks.create("again", "count", SYSTEM, machine.now() + 30)  # half a wall second away
    machine.tasks.run("again")
    assert runs.acquire(timeout=30)
    assert runs.acquire(timeout=30), "the trigger did not fire"
    assert not runs.acquire(timeout=0.05), "once is once"


def test_a_trigger_that_passed_while_the_machine_was_down_does_not_fire(machine: Machine) -> None:
    ran: list[str] = []

    def note(session: Session, argv: list[str], raw: str) -> int:
        ran.append(raw)
        return 0

    machine.natives["note"] = note
    machine.go_down()
    machine.tasks.create("late", "note late", SYSTEM, machine.now() + 6)
    machine.clock.sleep(12)
    machine.come_up()
    machine.tasks.create("marker", "note marker", SYSTEM, machine.now() + 3)
    assert until(lambda: "marker" in ran)
    assert ran == ["marker"]


def test_a_name_that_is_taken_is_refused_and_without_an_answer_nothing_is_replaced(console: Console) -> None:
    line = 'schtasks /create /tn x /tr "hostname" /sc once /st 23:00 /ru SYSTEM'
    assert console(line).rc == 0
    assert console(line.replace("hostname", "whoami")).rc == 1
    assert "hostname" in console("schtasks /query /tn x /fo list /v").out
    assert console(line.replace("hostname", "whoami"), stdin="y\r\n").rc == 0
    assert console(line.replace("hostname", "ver") + " /f").rc == 0


def test_windows_2003_knows_no_task_folders_and_no_run_level(machine: Machine, console: Console) -> None:
    machine.os_version = "5.2"
    assert console("schtasks /create /tn a\\b /tr x /sc once /st 23:00:00 /ru SYSTEM").rc == 1
    assert console("schtasks /create /tn b /tr x /sc once /st 23:00:00 /ru SYSTEM /rl highest").rc == 1
    assert console("schtasks /create /tn b /tr x /sc once /st 23:00:00 /ru SYSTEM").rc == 0
    assert console("schtasks /query /fo csv /nh").out.startswith('"b",')


def test_a_reboot_ends_everything_that_runs_and_keeps_definitions_and_files(machine: Machine, console: Console) -> None:
    ended = threading.Event()

    def install(session: Session, argv: list[str], raw: str) -> int:
        try:
            session.sleep(36000)
        except Cancelled:
            ended.set()
            raise
        return 0

    machine.natives["install"] = install
    machine.services.add("MSExchangeIS", "Store", RUNNING, "Manual")
    booted: list[bool] = []
    machine.on_boot.append(lambda: booted.append(machine.online))
    console.put("C:\\jobs\\run.cmd", "@echo off", "install > C:\\jobs\\log 2>&1", "echo %ERRORLEVEL% > C:\\jobs\\rc")
    machine.tasks.create("job", "C:\\jobs\\run.cmd", SYSTEM)
    machine.tasks.run("job")
    assert until(lambda: any(p.name == "install.exe" for p in machine.processes.all()))
    before = machine.boot_time
    machine.reboot(30).join(60)
    assert ended.wait(60)
    assert until(lambda: machine.tasks.status("job") == "Ready")
    assert machine.online
    assert booted == [False], "the hooks run before the network is up"
    assert machine.boot_time >= before + 30
    assert not machine.fs.exists("C:\\jobs\\rc"), "the exit code is lost"
    states = {s.name: s.state for s in machine.services.all()}
    assert states["WinRM"] == RUNNING
    assert states["MSExchangeIS"] == STOPPED, "manual services stay down"
    assert [p.name for p in machine.processes.all() if p.session] == []


def test_shutdown_returns_at_once_and_the_machine_goes_down_later(machine: Machine, console: Console) -> None:
    machine.reboot_s = 6
    before = machine.boot_time
    assert console("shutdown /r /t 6").rc == 0
    assert machine.online
    assert console("shutdown /r /t 6").rc == 1190
    assert until(lambda: not machine.online)
    assert until(lambda: machine.online)
    assert machine.boot_time > before


def test_a_shutdown_can_be_called_off(machine: Machine, console: Console) -> None:
    console("shutdown -r -t 6")
    assert console("shutdown /a").rc == 0
    time.sleep(0.3)
    assert machine.online
    assert console("shutdown /a").rc == 1116


def test_a_cim_time_carries_its_offset() -> None:
    assert cim_time(1267430400.25) == "20100301080000.250000+000"


def test_every_running_command_has_a_pid_and_its_start(machine: Machine, console: Console) -> None:
    seen: list[tuple[int, float]] = []

    def tell(session: Session, argv: list[str], raw: str) -> int:
        process = machine.processes.get(session.pid)
        assert process is not None
        seen.append((process.pid, process.started))
        return 0

    machine.natives["tell"] = tell
    console("tell & tell")
    assert seen[0][0] != seen[1][0]
    assert all(abs(started - machine.now()) < 60 for _, started in seen)


def test_a_job_is_known_by_its_folder(machine: Machine, console: Console) -> None:
    jobs: list[str] = []

    def tell(session: Session, argv: list[str], raw: str) -> int:
        jobs.append(session.job)
        return 0

    machine.natives["tell"] = tell
    console.put("C:\\rollup-bot\\jobs\\C1-7-ab-s01-1-0\\command.cmd", "tell")
    console.put("C:\\rollup-bot\\jobs\\runner.cmd", "tell")
    console("tell")
    console("C:\\rollup-bot\\jobs\\runner.cmd")
    console("C:\\rollup-bot\\jobs\\C1-7-ab-s01-1-0\\command.cmd & tell")
    assert jobs == ["", "", "C1-7-ab-s01-1-0", ""]
    assert ADMIN.in_shell
