"""These tests verify what happens between the bot and a node: results, limits, deadlines, cut connections.

The node is the practice range's: real HTTP, real NTLM, sealed messages, WinRM 2.0's quotas.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from bot.estate.access import Access, Unsafe
from bot.estate.errors import Denied, EstateError, Fault, Uncertain, Unreachable
from bot.estate.winrm import Connection
from bot.lab.clock import LabClock
from bot.lab.windows.machine import Machine
from bot.lab.wsman.server import EstateServer, serve_machines
from tests.estate.wire import Wire
from tests.waiting import until

PASSWORD = "correct horse battery"
ACCESS = Access(transport="ntlm", username="LAB\\svc-rollup", password=lambda: PASSWORD, operation_s=2, read_s=4)


@pytest.fixture
def node() -> Machine:
    machine = Machine("EXN1", LabClock(datetime(2026, 3, 14, 20, tzinfo=UTC)))
    machine.accounts["svc-rollup"] = PASSWORD
    return machine


@pytest.fixture
def server(node: Machine) -> Iterator[EstateServer]:
    running = serve_machines([node])
    yield running
    running.stop()


@pytest.fixture
def after() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def wire(server: EstateServer) -> Iterator[Wire]:
    one = Wire(server.url("EXN1"))
    yield one
    one.close()


@pytest.fixture
def connection(wire: Wire, after: ThreadPoolExecutor) -> Iterator[Connection]:
    one = Connection("EXN1", wire.url, ACCESS, after)
    yield one
    one.close()


def shells(server: EstateServer) -> dict[str, object]:
    return dict(server.listeners["EXN1"].host.shells)


def marks(node: Machine) -> list[str]:
    """The folders that `md C:\\mark-…` left: what really ran."""
    return sorted(name for name in node.fs.listdir("C:\\") if name.startswith("mark"))


def test_a_command_answers_with_output_errors_and_exit_code(connection: Connection) -> None:
    output = connection.run("hostname & echo oops 1>&2 & exit 3", deadline_s=10)
    assert (output.stdout.strip(), output.stderr, output.exit_code, output.complete) == ("EXN1", "oops", 3, True)


def test_what_goes_over_the_wire_is_sealed(connection: Connection, wire: Wire) -> None:
    connection.run("echo do-not-read-this", deadline_s=10)
    assert b"do-not-read-this" not in wire.bodies
    assert b"HTTP-SPNEGO-session-encrypted" in wire.bodies


def test_forty_commands_run_into_no_quota_and_leave_one_shell(connection: Connection, server: EstateServer) -> None:
    seen = set()
    for _ in range(40):
        assert connection.run("hostname", deadline_s=10).exit_code == 0
        seen |= set(shells(server))
        assert len(shells(server)) == 1
    assert len(seen) == 4  # 12 commands in a shell, WinRM 2.0 allows 15


def test_closing_leaves_no_shell_behind(connection: Connection, server: EstateServer) -> None:
    connection.run("hostname", deadline_s=10)
    connection.close()
    assert shells(server) == {}


def test_a_finished_command_is_given_back_after_the_result(connection: Connection, server: EstateServer) -> None:
    connection.run("hostname", deadline_s=10)
    host = server.listeners["EXN1"].host
    until(lambda: all(not shell.commands for shell in host.shells.values()))


def test_a_wrong_password_is_denied_and_never_told(wire: Wire, after: ThreadPoolExecutor) -> None:
    access = Access(transport="ntlm", username="LAB\\svc-rollup", password=lambda: "s3cret-and-wrong")
    with pytest.raises(Denied) as caught:
        Connection("EXN1", wire.url, access, after).run("hostname", deadline_s=10, effect=True)
    assert "s3cret" not in repr(caught.value) + str(caught.value) + repr(access)
    assert caught.value.__cause__ is None


def test_a_machine_nobody_listens_on_is_unreachable_and_certainly_untouched(after: ThreadPoolExecutor) -> None:
    gone = Connection("EXN1", "http://127.0.0.1:1/wsman", ACCESS, after)
    for effect in (False, True):
        with pytest.raises(Unreachable):
            gone.run("hostname", deadline_s=5, effect=effect)


def test_a_node_that_went_down_is_unreachable_and_works_again_when_it_is_back(
    connection: Connection, node: Machine
) -> None:
    connection.run("hostname", deadline_s=10)
    node.reachable = False
    with pytest.raises(Unreachable):
        connection.run("hostname", deadline_s=10)
    node.reachable = True
    assert connection.run("hostname", deadline_s=10).stdout.strip() == "EXN1"


def test_a_read_past_its_deadline_is_ended_on_the_node(connection: Connection, node: Machine) -> None:
    output = connection.run("echo begun & ping -n 60 127.0.0.1", deadline_s=1.2)
    assert not output.complete
    assert "begun" in output.stdout
    until(lambda: not [p for p in node.processes.all() if p.name.casefold().startswith("ping")])


def test_an_effect_past_its_deadline_is_uncertain_and_goes_on(connection: Connection, node: Machine) -> None:
    with pytest.raises(Uncertain):
        connection.run("ping -n 60 127.0.0.1", deadline_s=1.2, effect=True)
    assert [p for p in node.processes.all() if p.name.casefold().startswith("ping")]


def test_after_a_cut_connection_a_read_goes_on_in_the_same_shell(
    connection: Connection, wire: Wire, server: EstateServer
) -> None:
    connection.run("hostname", deadline_s=10)
    before = set(shells(server))
    wire.cut_now()
    assert connection.run("hostname", deadline_s=10).stdout.strip() == "EXN1"
    assert set(shells(server)) == before


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("request_number", [1, 2])
def test_an_effect_whose_answer_is_lost_is_uncertain_and_not_sent_again(
    connection: Connection, wire: Wire, node: Machine, after: ThreadPoolExecutor, request_number: int, heard: bool
) -> None:
    connection.run("hostname", deadline_s=10)
    after.submit(lambda: None).result()  # the Signal of that command is not one of the requests counted
    wire.cut_at(request_number, heard=heard)  # 1 = Command, 2 = Receive
    with pytest.raises(Uncertain):
        connection.run("md C:\\mark-%RANDOM%", deadline_s=10, effect=True)
    connection.run("hostname", deadline_s=10)
    assert len(marks(node)) == (1 if heard or request_number == 2 else 0)


@pytest.mark.parametrize("heard", [False, True])
def test_a_read_whose_answer_is_lost_is_asked_again(
    connection: Connection, wire: Wire, after: ThreadPoolExecutor, heard: bool
) -> None:
    connection.run("hostname", deadline_s=10)
    after.submit(lambda: None).result()
    wire.cut_at(2, heard=heard)
    assert connection.run("hostname", deadline_s=10).stdout.strip() == "EXN1"


@pytest.mark.parametrize("request_number", [1, 2, 3])
def test_an_effect_whose_logon_is_cut_was_certainly_not_started(
    wire: Wire, after: ThreadPoolExecutor, node: Machine, request_number: int
) -> None:
    wire.cut_at(request_number, heard=True)
    connection = Connection("EXN1", wire.url, ACCESS, after)
    with pytest.raises(Unreachable):
        connection.run("md C:\\mark", deadline_s=10, effect=True)
    assert marks(node) == []
    connection.run("md C:\\mark", deadline_s=10, effect=True)
    assert b"C:\\mark" not in wire.bodies  # sealed after a failed handshake, too
    assert marks(node) == ["mark"]
    connection.close()


def test_an_effect_after_a_pause_goes_out_on_a_connection_that_has_just_answered(
    wire: Wire, after: ThreadPoolExecutor, node: Machine
) -> None:
    now = [100.0]
    connection = Connection("EXN1", wire.url, ACCESS, after, monotonic=lambda: now[0])
    connection.run("hostname", deadline_s=10)
    now[0] += 30
    wire.cut_now()
    assert connection.run("md C:\\mark", deadline_s=10, effect=True).exit_code == 0
    assert marks(node) == ["mark"]
    connection.close()


@pytest.mark.parametrize("effect", [False, True])
def test_a_shell_the_node_took_away_is_replaced(connection: Connection, server: EstateServer, effect: bool) -> None:
    connection.run("hostname", deadline_s=10)
    server.listeners["EXN1"].host.delete_all()
    assert connection.run("hostname", deadline_s=10, effect=effect).stdout.strip() == "EXN1"


def test_a_full_quota_of_shells_is_a_fault_with_its_number(
    connection: Connection, wire: Wire, after: ThreadPoolExecutor
) -> None:
    others = [Connection("EXN1", wire.url, ACCESS, after) for _ in range(5)]
    for other in others:
        other.run("hostname", deadline_s=10)
    with pytest.raises(Fault) as caught:
        connection.run("hostname", deadline_s=10, effect=True)
    assert caught.value.code == 2150859173
    for other in others:
        other.close()
    assert connection.run("hostname", deadline_s=10).exit_code == 0


def test_threads_share_one_connection_in_turn(connection: Connection) -> None:
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda n: connection.run(f"echo {n}", deadline_s=20).stdout.strip(), range(24)))
    assert said == [str(n) for n in range(24)]


def test_the_environments_proxy_is_not_used(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert connection.run("hostname", deadline_s=10).exit_code == 0


@pytest.mark.parametrize("transport", ["basic", "plaintext", "ssl", "auto", ""])
def test_basic_is_refused(transport: str) -> None:
    with pytest.raises(Unsafe):
        Access(transport=transport)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["ftp://x", "EXN1", "http://user:secret@exn1:5985/wsman"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - Unsafe is one
        ACCESS.check(url)


def test_a_certificate_needs_https() -> None:
    with pytest.raises(Unsafe):
        Access(transport="certificate").check("http://exn1:5985/wsman")


def test_every_error_of_the_estate_has_one_root() -> None:
    assert issubclass(Uncertain, EstateError)
    assert not issubclass(Uncertain, Unreachable)
