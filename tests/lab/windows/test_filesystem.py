"""Disks: case, atomic claims, owners, errors."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from bot.lab.windows.filesystem import Drive
from bot.lab.windows.machine import Machine
from bot.lab.windows.paths import normalise


@pytest.mark.parametrize(
    ("typed", "cwd", "meant"),
    [
        ("c:/rollup-bot/jobs/", "C:\\", "C:\\rollup-bot\\jobs"),
        ("..\\x", "C:\\a\\b", "C:\\a\\x"),
        ("\\x", "D:\\a", "D:\\x"),
        ("C:x", "C:\\a", "C:\\a\\x"),
        ("C:\\", "C:\\a", "C:\\"),
        ("C:\\..\\..", "C:\\a", "C:\\"),
        ("\\\\EXN2\\share\\f", "C:\\", "\\\\EXN2\\share\\f"),
        ("C:\\name. ", "C:\\", "C:\\name"),
    ],
)
def test_a_path_is_read_as_windows_reads_it(typed: str, cwd: str, meant: str) -> None:
    assert normalise(typed, cwd) == meant


def test_names_are_found_in_any_case_and_shown_as_they_were_made(machine: Machine) -> None:
    machine.fs.mkdir("C:\\Rollup-Bot")
    machine.fs.write("c:\\ROLLUP-bot\\Log.txt", b"x")
    assert machine.fs.read("C:\\rollup-bot\\LOG.TXT") == b"x"
    assert machine.fs.listdir("C:\\rollup-bot") == ["Log.txt"]
    assert machine.fs.true_name("c:\\rollup-BOT\\log.txt") == "C:\\Rollup-Bot\\Log.txt"


def _race(claim: Callable[[], None]) -> int:
    wins: list[int] = []
    barrier = threading.Barrier(8)

    def run() -> None:
        barrier.wait()
        try:
            claim()
        except FileExistsError:
            return
        wins.append(1)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(wins)


def test_of_eight_who_make_a_folder_one_wins(machine: Machine) -> None:
    assert _race(lambda: machine.fs.mkdir("C:\\job")) == 1


def test_of_eight_who_create_a_file_anew_one_wins(machine: Machine) -> None:
    assert _race(lambda: machine.fs.write("C:\\begun", b"", mode="create_new")) == 1


def test_a_rename_never_replaces_unless_told_to(machine: Machine) -> None:
    machine.fs.write("C:\\a", b"1")
    machine.fs.write("C:\\b", b"2")
    with pytest.raises(FileExistsError):
        machine.fs.rename("C:\\a", "C:\\B")
    assert machine.fs.read("C:\\a") == b"1"
    machine.fs.rename("C:\\a", "C:\\B", replace=True)
    assert machine.fs.read("C:\\b") == b"1"


def test_of_eight_who_move_their_folder_to_one_name_one_wins(machine: Machine) -> None:
    for number in range(8):
        machine.fs.mkdir(f"C:\\draft{number}")
    numbers = iter(range(8))
    lock = threading.Lock()

    def claim() -> None:
        with lock:
            number = next(numbers)
        machine.fs.rename(f"C:\\draft{number}", "C:\\job")

    assert _race(claim) == 1


def test_a_folder_with_content_is_deleted_only_whole(machine: Machine) -> None:
    machine.fs.makedirs("C:\\a\\b")
    with pytest.raises(OSError, match="not empty"):
        machine.fs.delete("C:\\a")
    machine.fs.delete("C:\\a", recursive=True)
    assert not machine.fs.exists("C:\\a\\b")


def test_a_held_file_is_neither_written_nor_deleted(machine: Machine) -> None:
    machine.fs.write("C:\\exsetup.log", b"")
    machine.fs.hold("C:\\ExSetup.log")
    with pytest.raises(PermissionError):
        machine.fs.write("C:\\exsetup.log", b"x")
    with pytest.raises(PermissionError):
        machine.fs.delete("C:\\exsetup.log")
    machine.fs.release("C:\\exsetup.log")
    machine.fs.write("C:\\exsetup.log", b"x")


def test_writing_below_a_missing_folder_or_an_odd_name_fails(machine: Machine) -> None:
    with pytest.raises(FileNotFoundError):
        machine.fs.write("C:\\no\\such", b"")
    with pytest.raises(OSError, match="syntax"):
        machine.fs.write("C:\\what?", b"")


def test_owner_rights_and_version_are_kept(machine: Machine) -> None:
    machine.fs.set_version("C:\\Program Files\\x\\ExSetup.exe", "8.3.517.0")
    machine.fs.set_security("C:\\Program Files\\x", owner="LAB\\mallory", acl=[("Everyone", "FullControl")])
    machine.fs.write("C:\\Program Files\\x\\new", b"")
    assert machine.fs.stat("C:\\Program Files\\x\\ExSetup.exe").version == "8.3.517.0"
    assert machine.fs.stat("C:\\Program Files\\x").owner == "LAB\\mallory"
    assert machine.fs.stat("C:\\Program Files\\x\\new").acl == [("Everyone", "FullControl")]


def test_a_shared_disk_that_another_node_owns_is_not_there(machine: Machine) -> None:
    drive = machine.fs.add_drive(Drive("S:", "SG1"))
    machine.fs.write("S:\\db.edb", b"x")
    drive.online = False
    assert not machine.fs.exists("S:\\db.edb")
    drive.online = True
    assert machine.fs.read("S:\\db.edb") == b"x"
