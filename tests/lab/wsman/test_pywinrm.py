"""Unmodified pywinrm over sealed NTLM: shells, output, faults, quotas, cut connections, reboots."""

from __future__ import annotations

import socket
import threading

import pytest
import requests
import winrm
from winrm.exceptions import (
    InvalidCredentialsError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)

from bot.lab.windows.machine import Cancelled, Machine, Principal, Session
from bot.lab.wsman import EstateServer, serve_machines
from bot.lab.wsman.shells import CHUNK
from tests.lab.wsman.conftest import PASSWORD, USER, Connect, run
from tests.waiting import until

SHELL_GONE, TIMED_OUT, MANY_SHELLS, MANY_OPERATIONS = 2150858843, 2150858793, 2150859173, 2150859174


def slow(session: Session, argv: list[str], raw: str) -> int:
    """A tool that takes ten lab hours unless it is ended."""
    session.out("begun\r\n")
    session.sleep(36000)
    return 0


def test_a_session_costs_eight_requests_as_on_windows(server: EstateServer) -> None:
    session = winrm.Session(server.url("EXN1"), auth=(USER, PASSWORD), transport="ntlm")
    answer = session.run_cmd("hostname & whoami & exit /b 3")
    assert (answer.std_out, answer.status_code) == (b"EXN1\r\nlab\\svc-rollup\r\n", 3)
    assert server.listeners["EXN1"].requests == 8


@pytest.mark.parametrize("user", ["svc-rollup", "LAB\\SVC-ROLLUP", "EXN1\\svc-rollup", "svc-rollup@lab.test"])
def test_every_spelling_of_the_account_is_the_same_user(connect: Connect, user: str) -> None:
    protocol = connect(user=user)
    shell = protocol.open_shell()
    assert run(protocol, shell, "whoami")[0] == b"lab\\svc-rollup\r\n"


@pytest.mark.parametrize(
    ("user", "password"), [(USER, "wrong"), ("LAB\\nobody", PASSWORD), ("ELSEWHERE\\svc-rollup", PASSWORD), (USER, "")]
)
def test_a_wrong_password_or_account_is_refused(connect: Connect, user: str, password: str) -> None:
    with pytest.raises(InvalidCredentialsError):
        connect(user=user, password=password).open_shell()


def test_basic_and_unsealed_messages_are_refused(server: EstateServer) -> None:
    basic = winrm.Protocol(server.url("EXN1"), transport="basic", username="svc-rollup", password=PASSWORD)
    with pytest.raises(InvalidCredentialsError):
        basic.open_shell()
    open_text = winrm.Protocol(
        server.url("EXN1"), transport="ntlm", username=USER, password=PASSWORD, message_encryption="never"
    )
    with pytest.raises(WinRMTransportError):
        open_text.open_shell()
    for protocol in (basic, open_text):
        protocol.transport.close_session()


def test_a_lab_that_allows_it_takes_basic(machine: Machine) -> None:
    server = serve_machines([machine], allow_unencrypted=True)
    session = winrm.Session(server.url("EXN1"), auth=("svc-rollup", PASSWORD), transport="basic")
    assert session.run_cmd("hostname").std_out == b"EXN1\r\n"
    server.stop()


def test_a_kept_shell_takes_three_requests_a_command(connect: Connect, server: EstateServer) -> None:
    protocol = connect()
    shell = protocol.open_shell()
    before = server.listeners["EXN1"].requests
    for number in range(5):
        assert run(protocol, shell, f"echo {number}")[0] == f"{number}\r\n".encode()
    assert server.listeners["EXN1"].requests - before == 15


def test_output_that_outgrows_an_envelope_comes_in_pieces(connect: Connect, machine: Machine) -> None:
    text = "x" * (3 * CHUNK)
    machine.natives["much"] = lambda session, argv, raw: session.out(text) or 0
    protocol = connect()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "much")
    pieces, done = [], False
    while not done:
        out, _, code, done = protocol.get_command_output_raw(shell, command)
        pieces.append(out)
    assert b"".join(pieces) == text.encode()
    assert len(pieces) >= 3
    assert code == 0


def test_output_arrives_while_the_command_runs(connect: Connect, machine: Machine) -> None:
    machine.natives["slow"] = slow
    protocol = connect()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "slow")
    assert protocol.get_command_output_raw(shell, command) == (b"begun\r\n", b"", -1, False)
    protocol.cleanup_command(shell, command)


def test_a_silent_command_answers_with_a_timeout_fault_and_goes_on(connect: Connect, machine: Machine) -> None:
    go = threading.Event()
    machine.natives["quiet"] = lambda session, argv, raw: 0 if go.wait(60) else 1
    protocol = connect(operation_timeout_sec=1, read_timeout_sec=5)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "quiet")
    with pytest.raises(WinRMOperationTimeoutError):
        protocol.get_command_output_raw(shell, command)
    go.set()
    assert protocol.get_command_output(shell, command) == (b"", b"", 0)


def test_standard_input_code_page_folder_and_variables(connect: Connect) -> None:
    protocol = connect()
    shell = protocol.open_shell(working_directory="C:\\Windows", env_vars={"GREETING": "hällo"}, codepage=65001)
    assert (
        run(protocol, shell, "cd & echo %GREETING%")[0]
        == "C:\\Windows \r\n".replace(" ", "").encode() + "hällo\r\n".encode()
    )
    command = protocol.run_command(shell, "more")
    protocol.send_command_input(shell, command, b"one\r\n")
    protocol.send_command_input(shell, command, b"two\r\n", end=True)
    assert protocol.get_command_output(shell, command)[0] == b"one\r\ntwo\r\n"


def test_a_prompt_waits_for_input_until_the_signal(connect: Connect, machine: Machine) -> None:
    protocol = connect()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "set /p X=Sure?")
    assert protocol.get_command_output_raw(shell, command)[0] == b"Sure?"
    protocol.cleanup_command(shell, command)
    assert until(lambda: not [p for p in machine.processes.all() if p.session])


def test_without_a_shell_the_program_needs_its_full_path(connect: Connect) -> None:
    protocol = connect()
    shell = protocol.open_shell()
    with pytest.raises(WSManFaultError) as refused:
        protocol.run_command(shell, "hostname.exe", skip_cmd_shell=True)
    assert refused.value.wsman_fault_code == 2147942402
    command = protocol.run_command(shell, "C:\\Windows\\System32\\hostname.exe", skip_cmd_shell=True)
    assert protocol.get_command_output(shell, command) == (b"EXN1\r\n", b"", 0)


def test_a_command_is_a_child_of_the_shell_with_the_shells_rights(connect: Connect, machine: Machine) -> None:
    seen: list[Principal] = []
    machine.natives["tell"] = lambda session, argv, raw: seen.append(session.principal) or 0
    protocol = connect()
    shell = protocol.open_shell()
    run(protocol, shell, "tell")
    machine.delegated_only = True
    run(protocol, shell, "tell")
    assert seen == [
        Principal(USER, second_hop=True, exchange=True, in_shell=True),
        Principal(USER, second_hop=False, exchange=True, in_shell=True),
    ]


def test_children_die_with_their_shell(connect: Connect, machine: Machine) -> None:
    ended = threading.Event()

    def watched(session: Session, argv: list[str], raw: str) -> int:
        try:
            return slow(session, argv, raw)
        except Cancelled:
            ended.set()
            raise

    machine.natives["slow"] = watched
    protocol = connect()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "start slow & slow")
    protocol.get_command_output_raw(shell, command)
    protocol.close_shell(shell, close_session=False)
    assert ended.wait(60)
    assert until(lambda: not [p for p in machine.processes.all() if p.session])
    with pytest.raises(WSManFaultError) as refused:
        protocol.get_command_output_raw(shell, command)
    assert refused.value.wsman_fault_code == SHELL_GONE


def test_what_start_leaves_behind_dies_with_the_shell_too(connect: Connect, machine: Machine) -> None:
    machine.natives["slow"] = slow
    protocol = connect()
    shell = protocol.open_shell()
    assert run(protocol, shell, "start slow")[2] == 0
    assert [p.name for p in machine.processes.all() if p.session] == ["slow.exe"]
    protocol.close_shell(shell, close_session=False)
    assert until(lambda: not [p for p in machine.processes.all() if p.session])


def test_a_task_outlives_the_shell_that_started_it(connect: Connect, machine: Machine) -> None:
    done = threading.Event()
    machine.natives["work"] = lambda session, argv, raw: done.set() or 0
    protocol = connect()
    shell = protocol.open_shell()
    run(protocol, shell, "schtasks /create /tn w /tr work /sc once /sd 12/12/2011 /st 23:00 /ru SYSTEM")
    run(protocol, shell, "schtasks /run /tn w")
    protocol.close_shell(shell)
    assert done.wait(60)


def test_the_sixth_shell_of_a_user_is_refused_and_another_user_has_its_own(connect: Connect) -> None:
    protocol = connect()
    shells = [protocol.open_shell() for _ in range(5)]
    with pytest.raises(WSManFaultError) as refused:
        protocol.open_shell()
    assert refused.value.wsman_fault_code == MANY_SHELLS
    other = connect(user="other", password="secret")
    assert other.open_shell()
    protocol.close_shell(shells[0], close_session=False)
    assert protocol.open_shell()


def test_the_sixteenth_operation_is_refused_until_a_shell_is_deleted(connect: Connect) -> None:
    protocol = connect()
    shell, second = protocol.open_shell(), protocol.open_shell()
    for _ in range(14):
        run(protocol, shell, "ver")
    run(protocol, second, "ver")
    with pytest.raises(WSManFaultError) as refused:
        protocol.run_command(second, "ver")
    assert refused.value.wsman_fault_code == MANY_OPERATIONS
    protocol.close_shell(shell, close_session=False)
    assert run(protocol, second, "ver")[2] == 0


def test_another_users_shell_is_denied(connect: Connect) -> None:
    shell = connect().open_shell()
    with pytest.raises(WSManFaultError) as refused:
        connect(user="other", password="secret").run_command(shell, "whoami")
    assert refused.value.wsman_fault_code == 5


def test_four_threads_on_four_connections_do_not_disturb_each_other(connect: Connect) -> None:
    wrong: list[object] = []

    def work(name: str) -> None:
        protocol = connect()
        shell = protocol.open_shell()
        for number in range(3):
            answer = run(protocol, shell, f"echo {name}{number}")
            if answer != (f"{name}{number}\r\n".encode(), b"", 0):
                wrong.append(answer)
        protocol.close_shell(shell)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_after_a_cut_connection_the_same_shell_and_command_go_on(connect: Connect, machine: Machine) -> None:
    go = threading.Event()
    machine.natives["quiet"] = lambda session, argv, raw: session.out("late\r\n") or 0 if go.wait(60) else 1
    protocol = connect()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "quiet")
    failed: list[Exception] = []

    def receive() -> None:
        try:
            protocol.get_command_output_raw(shell, command)
        except requests.exceptions.ConnectionError as cut:
            failed.append(cut)

    waiting = threading.Thread(target=receive)
    waiting.start()
    machine.reachable = False
    waiting.join(60)
    assert len(failed) == 1
    with pytest.raises(requests.exceptions.ConnectionError):
        connect().open_shell()
    machine.reachable = True
    go.set()
    protocol.transport.close_session()
    assert protocol.get_command_output(shell, command) == (b"late\r\n", b"", 0)


def test_a_client_that_hangs_up_loses_no_output(
    connect: Connect, server: EstateServer, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    machine.natives["quiet"] = lambda session, argv, raw: session.out("late\r\n") or 0 if go.wait(60) else 1
    protocol = connect()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "quiet")
    address = ("127.0.0.1", server.ports["EXN1"])
    sockets: list[socket.socket] = []
    real = socket.create_connection
    monkeypatch.setattr(
        "urllib3.util.connection.create_connection", lambda *a, **k: sockets.append(real(address)) or sockets[-1]
    )
    protocol.transport.close_session()
    failed: list[Exception] = []

    def receive() -> None:
        try:
            protocol.get_command_output_raw(shell, command)
        except (requests.exceptions.RequestException, WinRMOperationTimeoutError) as cut:
            failed.append(cut)

    waiting = threading.Thread(target=receive)
    waiting.start()
    assert until(lambda: bool(server.listeners["EXN1"].host.shells[shell].busy))
    sockets[-1].shutdown(socket.SHUT_RDWR)
    waiting.join(60)
    assert len(failed) == 1
    assert until(lambda: not server.listeners["EXN1"].host.shells[shell].busy)
    go.set()
    second = connect()
    assert second.get_command_output(shell, command) == (b"late\r\n", b"", 0)


def test_a_reboot_cuts_the_client_and_forgets_its_shells(connect: Connect, machine: Machine) -> None:
    machine.natives["slow"] = slow
    protocol = connect()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "slow & echo %ERRORLEVEL% > C:\\rc")
    protocol.get_command_output_raw(shell, command)
    rebooting = machine.reboot(12)
    with pytest.raises(requests.exceptions.ConnectionError):
        protocol.get_command_output_raw(shell, command)
    rebooting.join(60)
    protocol.transport.close_session()
    with pytest.raises(WSManFaultError) as refused:
        protocol.run_command(shell, "ver")
    assert refused.value.wsman_fault_code == SHELL_GONE
    assert not machine.fs.exists("C:\\rc")
    assert run(protocol, protocol.open_shell(), "hostname")[0] == b"EXN1\r\n"


def test_a_stopped_winrm_service_answers_nobody(connect: Connect, machine: Machine) -> None:
    protocol = connect()
    shell = protocol.open_shell()
    machine.services.stop("WinRM")
    with pytest.raises(requests.exceptions.ConnectionError):
        protocol.run_command(shell, "ver")
    machine.services.start("WinRM")
    protocol.transport.close_session()
    assert protocol.open_shell() != shell


def test_a_shell_idles_out_in_lab_time_but_never_before_thirty_wall_seconds(
    connect: Connect, server: EstateServer, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = connect()
    shell = protocol.open_shell()
    host = server.listeners["EXN1"].host
    machine.clock.set_speed(1_000_000)
    assert until(lambda: machine.clock.now() - host.shells[shell].touched > 180)
    host.expire()
    assert shell in host.shells
    host.shells[shell].touched_wall -= 31
    host.expire()
    assert shell not in host.shells


def test_a_shell_of_a_client_that_hung_up_idles_out_after_two_wall_seconds(
    connect: Connect, server: EstateServer, machine: Machine
) -> None:
    """A bot that dies often at full speed would leave the machine no room for its next life."""
    dies, lives = connect(), connect()
    gone, kept, back = dies.open_shell(), lives.open_shell(), dies.open_shell()
    host = server.listeners["EXN1"].host
    dies.transport.close_session()
    assert until(lambda: host.shells[gone].line is None)
    assert run(dies, back, "hostname")[2] == 0, "it connects anew, and this shell is its own again"
    machine.clock.set_speed(1_000_000)
    assert until(lambda: machine.clock.now() - host.shells[back].touched > 180)
    for shell in (gone, kept, back):
        host.shells[shell].touched_wall -= 3
    host.expire()
    assert set(host.shells) == {kept, back}


def test_the_memory_quota_is_shared_by_everything_in_a_shell(connect: Connect, machine: Machine) -> None:
    go = threading.Event()

    def hungry(session: Session, argv: list[str], raw: str) -> int:
        if not session.use_memory(100):
            raise MemoryError
        go.wait(60)
        session.use_memory(-100)
        return 0

    machine.natives["hungry"] = hungry
    protocol = connect()
    shell = protocol.open_shell()
    first = protocol.run_command(shell, "hungry")
    assert until(lambda: [p.name for p in machine.processes.all() if p.session] == ["cmd.exe", "hungry.exe"])
    assert run(protocol, shell, "hungry")[2] == 0xC0000017, "a second one does not fit"
    assert run(protocol, shell, "hostname")[2] == 0, "something small does"
    system = Principal("NT AUTHORITY\\SYSTEM", second_hop=False, exchange=False)
    for name in ("free", "too"):
        machine.tasks.create(name, "hungry", system)
        machine.tasks.run(name)
    go.set()
    tasks = [machine.tasks.get(name) for name in ("free", "too")]
    assert until(lambda: all(task is not None and task.last_result == 0 for task in tasks)), "tasks have no such quota"
    assert protocol.get_command_output(shell, first)[2] == 0
    assert run(protocol, shell, "hungry")[2] == 0, "what ended gave its memory back"
