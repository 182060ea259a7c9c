"""`rollup-bot lab estate`: clients nobody here wrote ask the machines, and get what a node would say."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import winrm
from pypsrp.exceptions import AuthenticationError
from pypsrp.shell import Process, WinRS
from pypsrp.wsman import WSMan
from winrm.exceptions import InvalidCredentialsError

from tests.peers.conftest import Running, environment, free_ports, rollup_bot

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("plain_surroundings")]

SHELL = "Add-PSSnapin Microsoft.Exchange.Management.PowerShell.Admin; Get-ClusteredMailboxServerStatus"
GROUPS = """\
Listing status for all available resource groups:

Group                Node            Status
-------------------- --------------- ------
Cluster Group        {core}            Online
Available Storage    EXN2            Offline
CMS1                 EXN1            Online
"""
STATUS = """\
Identity                        : CMS1
ClusteredMailboxServerName      : cms1.lab.example
State                           : Online
OperationalMachines             : {EXN1 <Active>, EXN2 <Quorum Owner>}
FailedResources                 : {}
OperationalReplicationHostNames : {exn1, exn2}
FailedReplicationHostNames      : {}
InUseReplicationHostNames       : {exn1, exn2}
IsValid                         : True
ObjectState                     : Unchanged
"""


@dataclass
class Served:
    """A running `lab estate` and what it printed."""

    base: int
    said: dict[str, Any]
    truth: Path

    def port(self, machine: str) -> int:
        return self.base + list(self.said["machines"]).index(machine)

    def pypsrp(self, machine: str, *words: str, password: str = "") -> tuple[int, str, str]:
        """What a command says through pypsrp's WinRS, as it comes."""
        client = WSMan(
            "127.0.0.1",
            port=self.port(machine),
            ssl=False,
            auth="ntlm",
            username=self.said["username"],
            password=password or self.said["password"],
            encryption="always",
        )
        with client, WinRS(client) as shell:
            process = Process(shell, words[0], list(words[1:]))
            process.invoke()
            return process.rc, process.stdout.decode("cp437"), process.stderr.decode("cp437")

    def pywinrm(self, machine: str, password: str = "") -> winrm.Session:
        return winrm.Session(
            self.said["machines"][machine],
            auth=(self.said["username"], password or self.said["password"]),
            transport="ntlm",
            message_encryption="always",
        )

    def truths(self, did: str) -> list[dict[str, Any]]:
        lines = map(json.loads, self.truth.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line["did"] == did]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("estate")
    base, truth = free_ports(3), folder / "truth"
    running = Running(
        folder, "lab", "estate", "--scenario", "ccr", "--port", str(base), "--truth", truth, "--speed", "60"
    )
    yield Served(base, running.announced(), truth)
    running.end()


def plain(text: str) -> str:
    """A console's text: its line ends and the blank lines around it do not matter, its columns do."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip("\n").split("\n")) + "\n"


def test_the_line_says_where_every_machine_is_and_with_which_account(served: Served) -> None:
    assert set(served.said) == {"machines", "username", "password"}
    assert served.said["machines"] == {
        name: f"http://127.0.0.1:{served.base + place}/wsman" for place, name in enumerate(("EXN1", "EXN2", "SCR1"))
    }
    assert served.said["username"] == "LAB\\svc-rollup"


@pytest.mark.parametrize("machine", ["EXN1", "EXN2", "SCR1"])
def test_pypsrp_is_told_the_machines_name(served: Served, machine: str) -> None:
    assert served.pypsrp(machine, "hostname") == (0, f"{machine}\r\n", "")


@pytest.mark.parametrize("machine", ["EXN1", "EXN2"])
def test_pypsrp_sees_the_table_of_cluster_exe(served: Served, machine: str) -> None:
    code, out, err = served.pypsrp(machine, "cluster.exe", "group")
    assert (code, err) == (0, "")
    assert plain(out) == GROUPS.format(core="EXN2")
    code, out, err = served.pypsrp(machine, "cluster.exe", "group", '"Cluster Group"')
    assert (code, err) == (0, "")
    assert plain(out).splitlines()[0] == "Listing status for resource group 'Cluster Group':"
    assert plain(out).splitlines()[-1] == "Cluster Group        EXN2            Online"


@pytest.mark.parametrize("machine", ["EXN1", "EXN2"])
def test_pypsrp_sees_the_list_of_the_exchange_cmdlet(served: Served, machine: str) -> None:
    code, out, err = served.pypsrp(machine, "powershell", "-Command", f'"{SHELL}"')
    assert (code, err) == (0, "")
    assert plain(out) == STATUS
    # What field scripts do with it: the active node is the one with the mark, never the quorum's owner.
    code, out, err = served.pypsrp(
        machine,
        "powershell",
        "-Command",
        f"\"{SHELL} | ForEach-Object {{ $_.OperationalMachines }} | Where-Object {{ $_ -match '<Active' }}\"",
    )
    assert (code, plain(out), err) == (0, "EXN1 <Active>\n", "")


def test_a_machine_outside_the_cluster_knows_neither_the_tool_nor_a_clustered_mailbox_server(served: Served) -> None:
    code, out, err = served.pypsrp("SCR1", "cluster.exe", "group")
    assert (code, out) == (1, "")
    assert "'cluster.exe' is not recognized as an internal or external command" in err
    code, out, err = served.pypsrp("SCR1", "powershell", "-Command", f'"{SHELL}"')
    assert (code, out.strip()) == (1, "")
    assert err.startswith("Get-ClusteredMailboxServerStatus : ")
    assert "CategoryInfo" in err
    assert "FullyQualifiedErrorId" in err


def test_what_powershell_does_not_know_fails_as_on_a_node(served: Served) -> None:
    code, out, err = served.pypsrp("EXN1", "powershell", "-Command", '"Get-ClusterGroup"')
    assert (code, out.strip()) == (1, "")
    said = "".join(err.split("\r\n"))  # the console breaks lines at 79 columns, wherever that is
    assert said.startswith("The term 'Get-ClusterGroup' is not recognized as the name of a cmdlet, function, script ")
    code, out, err = served.pypsrp("EXN1", "powershell", "-Command", '"Get-ClusteredMailboxServerStatus"')
    assert code == 1, "without its snap-in the cmdlet is not there"
    assert "is not recognized" in err


def test_pywinrm_is_told_the_same(served: Served) -> None:
    session = served.pywinrm("EXN2")
    done = session.run_cmd("hostname")
    assert (done.status_code, done.std_out, done.std_err) == (0, b"EXN2\r\n", b"")
    done = session.run_cmd("cluster.exe", ["group"])
    assert plain(done.std_out.decode("cp437")) == GROUPS.format(core="EXN2")
    done = session.run_ps(SHELL)
    assert (done.status_code, done.std_err) == (0, b"")
    assert plain(done.std_out.decode("cp437")) == STATUS


def ansible(served: Served, folder: Path, command: str, *, hosts: str = "all", password: str = "") -> dict[str, str]:
    """What `ansible HOSTS -m raw -a COMMAND` says of each host."""
    inventory = folder / "hosts.ini"
    machines = "".join(
        f"{name.lower()} ansible_host=127.0.0.1 ansible_port={served.port(name)}\n" for name in served.said["machines"]
    )
    inventory.write_text(
        f"[all]\n{machines}[all:vars]\nansible_connection=winrm\nansible_winrm_transport=ntlm\n"
        f"ansible_winrm_scheme=http\nansible_winrm_message_encryption=always\n"
        f"ansible_user={served.said['username']}\nansible_password={password or served.said['password']}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible", hosts, "-i", inventory, "-m", "raw", "-a", command],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=environment(HOME=str(folder), LC_ALL="C.UTF-8", ANSIBLE_LOCAL_TEMP=str(folder / "tmp"), NO_COLOR="1"),
    )
    said = re.split(r"(?m)^(\w+) \| ", done.stdout)[1:]
    assert said, done.stdout + done.stderr
    return dict(zip(said[::2], said[1::2], strict=True))


def test_ansible_raw_is_told_every_machines_name(served: Served, tmp_path: Path) -> None:
    said = ansible(served, tmp_path, "hostname")
    assert {host: plain(text) for host, text in said.items()} == {
        name.lower(): f"CHANGED | rc=0 >>\n{name}\n" for name in ("EXN1", "EXN2", "SCR1")
    }


def test_ansible_raw_sees_the_table_and_the_list(served: Served, tmp_path: Path) -> None:
    said = ansible(served, tmp_path, "cluster.exe group", hosts="exn1:exn2")
    assert plain(said["exn1"]) == plain(said["exn2"]) == "CHANGED | rc=0 >>\n" + GROUPS.format(core="EXN2")
    said = ansible(served, tmp_path, f'powershell -Command "{SHELL}"', hosts="exn1")
    head, _, body = said["exn1"].replace("\r\n", "\n").partition("\n")
    assert head == "CHANGED | rc=0 >>"
    assert plain(body) == STATUS


def test_nobody_with_a_wrong_password_is_told_anything(served: Served, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError):
        served.pypsrp("EXN1", "hostname", password="guessed")
    with pytest.raises(InvalidCredentialsError):
        served.pywinrm("EXN1", password="guessed").run_cmd("hostname")
    said = ansible(served, tmp_path, "hostname", hosts="exn1", password="guessed")
    assert said["exn1"].startswith("UNREACHABLE!")
    assert "rejected" in said["exn1"]


def test_a_group_moved_by_such_a_client_has_moved_for_all_and_the_truth_says_by_what(served: Served) -> None:
    def moved(to: str) -> None:
        code, out, err = served.pypsrp("EXN2", "cluster.exe", "group", '"Cluster Group"', f"/move:{to}")
        assert (code, err) == (0, "")
        assert plain(out).splitlines()[-1] == f"Cluster Group        {to}            Online"

    moved("EXN1")
    try:
        assert plain(served.pypsrp("EXN1", "cluster.exe", "group")[1]) == GROUPS.format(core="EXN1")
        (told,) = served.truths("group_moved")
        assert (told["group"], told["from"], told["to"], told["by"]) == ("Cluster Group", "EXN2", "EXN1", "cluster.exe")
        (started,) = served.truths("command_started")
        assert (started["node"], started["line"]) == ("EXN2", 'cluster.exe group "Cluster Group" /move:EXN1')
    finally:
        moved("EXN2")


# --- what keeps it from starting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 2])
def test_a_port_that_is_taken_is_said_in_one_plain_sentence(place: int) -> None:
    base = free_ports(3)
    with socket.socket() as other:
        other.bind(("127.0.0.1", base + place))
        other.listen()
        done = rollup_bot("lab", "estate", "--port", str(base))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: port {base + place} is taken by another program; choose another with --port\n"


def test_an_unknown_scenario_gets_the_nearest_names() -> None:
    done = rollup_bot("lab", "estate", "--scenario", "crc")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"Error: crc: no scenario of that name and no such file; did you mean ccr\b.*\?\n", done.stderr)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--truth", "/no/such/folder/t"), "Error: /no/such/folder/t: No such file or directory\n"),
        (("--config", "/no/such/folder/c"), "Error: /no/such/folder: No such file or directory\n"),
        (("--port", "65534"), "Error: there are not enough ports above that one; choose a lower one with --port\n"),
    ],
)
def test_what_cannot_be_written_or_opened_is_said_in_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    done = rollup_bot("lab", "estate", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)


def test_a_file_that_is_no_toml_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    config = tmp_path / "rollup.toml"
    config.write_text("[slack\n", encoding="utf-8")
    done = rollup_bot("lab", "estate", "--config", config)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {config} is not valid TOML: ")
    assert config.read_text(encoding="utf-8") == "[slack\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_when_it_is_told_to(run_on: Callable[..., Running], number: signal.Signals, code: int) -> None:
    running = run_on("lab", "estate", "--scenario", "ccr")
    said = running.announced()
    assert len(set(said["machines"].values())) == 3
    assert running.end(number) == code
    assert running.err.read_text(encoding="utf-8") == ""
