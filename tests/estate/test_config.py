"""These tests verify what the estate refuses before it talks to anyone, and that it never raises while reading."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from bot.estate.access import Access
from bot.estate.errors import EstateError, Fault
from bot.estate.estate import EstateConfig, WindowsEstate
from bot.procedure.facts import Inventory, Unknown
from state.words import Command, JobKind, JobOrder

NOBODY = Access(transport="ntlm", username="LAB\\x", password=lambda: "x")
INVENTORY = Inventory(cluster="CLUSTER01", nodes=("EXN1",), channel="C1")
TEXT = "cluster.exe node EXN1 /pause"
ORDER = JobOrder(
    name="CLUSTER01-1-abc-s01-1-1",
    campaign="CLUSTER01-1",
    version=3,
    gate="CLUSTER01-1.s01.1",
    command=Command(text=TEXT, kind=JobKind.SHELL, node="EXN1", purpose="pause"),
    command_hash=hashlib.sha256(TEXT.encode()).hexdigest(),
    not_after=0.0,
)


@pytest.mark.parametrize(
    "root", ["", "C:\\", "C:\\rollup bot\\jobs", "\\\\server\\share", "C:\\jobs\\", 'C:\\a"b', "jobs"]
)
def test_a_job_root_that_would_need_quoting_is_refused(root: str) -> None:
    with pytest.raises(ValueError, match="job_root"):
        EstateConfig(machines={}, job_root=root)


@pytest.mark.parametrize("task", ["", "a task", "x&calc", "..\\x"])
def test_a_task_name_that_would_need_quoting_is_refused(task: str) -> None:
    with pytest.raises(ValueError, match="runner_task"):
        EstateConfig(machines={}, runner_task=task)


@pytest.fixture
def estate() -> WindowsEstate:
    return WindowsEstate(EstateConfig(machines={"EXN1": "http://127.0.0.1:1/wsman"}, access=NOBODY))


def test_reading_never_raises(estate: WindowsEstate) -> None:
    facts = estate.read(INVENTORY, ("EXN1", "EXN9"), validate=(("CMS'1", "EXN1"),))
    assert [m.name for m in facts.machines] == ["EXN1", "EXN9"]
    assert not any(m.reached for m in facts.machines)
    assert all(isinstance(m.cluster, Unknown) for m in facts.machines)
    assert "no address" in facts.machines[1].why_not


def test_listing_folders_raises_if_one_machine_is_silent(estate: WindowsEstate) -> None:
    with pytest.raises(EstateError):
        estate.folders(("EXN1",))


@pytest.mark.parametrize("name", ["..\\x", "a b", "x&y", "", "a/b", "x" * 200])
def test_a_job_with_a_name_that_is_no_folder_is_refused(estate: WindowsEstate, name: str) -> None:
    for act in (estate.start, estate.close, estate.observe):
        with pytest.raises(Fault, match="cannot be the name"):
            act(replace(ORDER, name=name))


def test_an_order_with_control_characters_is_refused(estate: WindowsEstate) -> None:
    with pytest.raises(Fault, match="control"):
        estate.start(replace(ORDER, gate="x\tcommand_hash\tabc\n"))


def test_a_command_too_long_for_one_line_is_a_fault_before_anything_is_sent(estate: WindowsEstate) -> None:
    text = "".join(hashlib.sha512(bytes([n])).hexdigest() for n in range(40))
    command = replace(ORDER.command, text=text)
    with pytest.raises(Fault, match="characters"):
        estate.start(replace(ORDER, command=command))


def test_no_secret_shows_in_a_configuration() -> None:
    config = EstateConfig(machines={}, access=Access(username="u", password=lambda: "s3cret", cert_key_pem="key.pem"))
    assert "s3cret" not in repr(config)
    assert "key.pem" not in repr(config)
