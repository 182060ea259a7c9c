"""Clients nobody here wrote, beside pywinrm: pypsrp's WinRS and Ansible."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pypsrp.exceptions import WSManFaultError
from pypsrp.shell import Process, WinRS
from pypsrp.wsman import WSMan

from bot.lab.wsman import EstateServer
from tests.lab.wsman.conftest import PASSWORD, USER

CTRL_C = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/ctrl_c"

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_pypsrp_runs_commands_in_a_shell_it_named_itself(server: EstateServer, auth: str) -> None:
    client = WSMan(
        "127.0.0.1",
        port=server.ports["EXN1"],
        ssl=False,
        auth=auth,
        username=USER,
        password=PASSWORD,
        encryption="always",
    )
    wanted = "11111111-2222-3333-4444-555555555555"
    with client, WinRS(client, id=wanted, environment={"A": "1"}, working_directory="C:\\Windows") as shell:
        assert shell.id == wanted
        assert shell.owner == USER
        process = Process(shell, "cmd.exe", ["/c", "echo", "hi", "%A%", "&", "cd"])
        process.invoke()
        process.signal(CTRL_C)
        assert (process.rc, process.stdout) == (0, b"hi 1 \r\nC:\\Windows\r\n")
        reading = Process(shell, "more")
        reading.begin_invoke()
        reading.send(b"one\r\n", end=False)
        reading.send(b"two\r\n", end=True)
        reading.end_invoke()
        assert reading.stdout == b"one\r\ntwo\r\n"
        with pytest.raises(WSManFaultError) as refused:
            shell.receive(command_id="87E77BEB-6761-4C48-9D70-A00266B8459A")
        assert refused.value.code == 2150858843


def test_ansible_raw_runs_on_the_machine(server: EstateServer, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(
        f"exn1 ansible_host=127.0.0.1 ansible_port={server.ports['EXN1']} ansible_connection=winrm"
        " ansible_winrm_transport=ntlm ansible_winrm_scheme=http ansible_winrm_message_encryption=always"
        f" ansible_user=svc-rollup@lab.test ansible_password='{PASSWORD}'\n",
        encoding="utf-8",
    )
    ansible = Path(sys.executable).parent / "ansible"
    done = subprocess.run(
        [str(ansible), "exn1", "-i", str(inventory), "-m", "raw", "-a", "hostname"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"),
            "LC_ALL": "C.UTF-8",
            "no_proxy": "127.0.0.1",
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exn1 | CHANGED | rc=0 >>\nEXN1" in done.stdout
