"""These tests verify what a job's folder is taken to say, and that nothing is believed of a foreign one."""

from __future__ import annotations

import base64

import pytest

from bot.estate import probe
from bot.estate.reply import Malformed, read, ticks
from state.words import JobReport, JobSeen
from tests.estate.replies import BOOT, NOW, Rows, text

NAME = "CLUSTER01-7-abc123-s02-1-1"
ORDER = {"name": NAME, "campaign": "CLUSTER01-7", "nonce": "abc123", "version": "12", "gate": "CLUSTER01-7.s02.1",
         "command_hash": "f" * 64}  # fmt: skip
JOB = "".join(f"{k}\t{v}\n" for k, v in ORDER.items())
BEGUN = f"boot\t{ticks(BOOT)}\npid\t4711\nstarted\t{ticks(NOW - 60)}\nat\t{ticks(NOW - 59)}\n"


def look(files: dict[str, str], *, alive: bool | None = None, boot: float | None = BOOT, log: bytes = b"") -> JobReport:
    rows: Rows = [("boot", "" if boot is None else str(ticks(boot))), ("folder", NAME)]
    rows += [("file", NAME, file, content) for file, content in files.items()]
    rows += [("alive", NAME, str(alive))] if alive is not None else []
    rows += [("log", NAME, "log", str(ticks(NOW - 5)), base64.b64encode(log).decode())] if log else []
    return probe.job_report(NAME, "EXN2", read(text(rows, sections={"jobs": ""})), ORDER)


def test_no_folder_is_absent() -> None:
    reply = read(text([("boot", str(ticks(BOOT)))], sections={"jobs": ""}))
    assert probe.job_report(NAME, "EXN2", reply, ORDER).seen is JobSeen.ABSENT


@pytest.mark.parametrize(
    ("files", "alive", "seen"),
    [
        ({}, None, JobSeen.WAITING),
        ({"begun": BEGUN}, True, JobSeen.RUNNING),
        ({"begun": BEGUN}, False, JobSeen.CUT_OFF),
        ({"begun": BEGUN, "rc": f"0\t{ticks(NOW)}"}, False, JobSeen.ENDED),
        ({"begun": BEGUN, "rc": f"0\t{ticks(NOW)}"}, True, JobSeen.ENDED),
        ({"begun": BEGUN, "refused": "not empty: this machine owns CMS1"}, False, JobSeen.REFUSED),
        ({"void": "closed before it was started"}, None, JobSeen.VOID),
        ({"begun": f"closed\t{ticks(NOW)}"}, False, JobSeen.VOID),
    ],
)
def test_what_a_folder_says(files: dict[str, str], alive: bool | None, seen: JobSeen) -> None:
    assert look({"job.txt": JOB} | files, alive=alive).seen is seen


def test_a_restart_since_the_begin_cuts_a_job_off_even_if_the_number_lives_again() -> None:
    assert look({"job.txt": JOB, "begun": BEGUN}, alive=True, boot=NOW - 10).seen is JobSeen.CUT_OFF


@pytest.mark.parametrize(("alive", "seen"), [(True, JobSeen.RUNNING), (False, JobSeen.CUT_OFF)])
def test_while_wmi_is_stopped_the_jobs_own_process_decides(alive: bool, seen: JobSeen) -> None:
    assert look({"job.txt": JOB, "begun": BEGUN}, alive=alive, boot=None).seen is seen


@pytest.mark.parametrize("key", sorted(ORDER))
def test_a_folder_with_another_order_is_foreign(key: str) -> None:
    other = JOB.replace(f"{key}\t{ORDER[key]}", f"{key}\tother")
    report = look({"job.txt": other, "begun": BEGUN, "rc": f"0\t{ticks(NOW)}"}, alive=False)
    assert (report.seen, report.exit_code) == (JobSeen.FOREIGN, None)
    assert key in report.detail


def test_a_folder_without_an_order_is_foreign() -> None:
    assert look({"rc": f"0\t{ticks(NOW)}"}).seen is JobSeen.FOREIGN


def test_an_exit_code_comes_with_its_times_and_the_last_line_of_the_log() -> None:
    log = "MSI (s): Product: Exchange\r\nMainEngineThread is returning 1603\r\n".encode("utf-16")
    report = look({"job.txt": JOB, "begun": BEGUN, "rc": f"1603\t{ticks(NOW)}"}, alive=False, log=log)
    assert (report.exit_code, report.begun_at, report.ended_at) == (1603, NOW - 59, NOW)
    assert report.detail == "MainEngineThread is returning 1603"
    assert report.log_age_s == 7.0
    assert report.node_now == NOW + 2


def test_an_exit_code_that_is_none_is_malformed() -> None:
    with pytest.raises(Malformed):
        look({"job.txt": JOB, "begun": BEGUN, "rc": "fine"}, alive=False)


@pytest.mark.parametrize(
    ("timeline", "downtime"),
    [
        ({}, None),
        ({"start": 0, "end": 90}, None),
        ({"start": 0, "left": 10, "end": 90, "mounted": 130}, 120.0),
        ({"start": 0, "up": 8, "left": 10, "end": 90, "mounted": 130}, 121.0),
        ({"start": 0, "up": 88, "end": 90, "mounted": 91}, 91.0),
        ({"start": 0, "left": 10, "end": 90, "mounted": 130, "event9523": 127}, 117.0),
        ({"start": 0, "left": 10, "end": 90, "mounted": 130, "event9523": -500}, 120.0),
        ({"start": 0, "end": 90, "mounted": 91}, 91.0),
    ],
)
def test_downtime_runs_from_leaving_online_to_the_last_database(
    timeline: dict[str, int], downtime: float | None
) -> None:
    lines = "".join(f"{key}\t{ticks(NOW + value)}\n" for key, value in timeline.items())
    files = {"job.txt": JOB, "begun": BEGUN, "rc": f"0\t{ticks(NOW + 140)}", "timeline": lines}
    assert look(files, alive=False).downtime_s == downtime


def test_a_list_names_every_folder_and_whose_it_is() -> None:
    rows: Rows = [
        ("boot", str(ticks(BOOT))), ("folder", NAME), ("folder", "somebody"), ("file", NAME, "job.txt", JOB),
        ("file", NAME, "void", "closed"), ("file", "somebody", "rc", "0"),
    ]  # fmt: skip
    listed = probe.job_folders("EXN2", read(text(rows, sections={"jobs": ""})))
    assert [(f.name, f.campaign, f.nonce, f.version, f.seen) for f in listed] == [
        (NAME, "CLUSTER01-7", "abc123", 12, JobSeen.VOID),
        ("somebody", "", "", 0, JobSeen.FOREIGN),
    ]
    with pytest.raises(Malformed):
        probe.job_folders("EXN2", read(text(rows, sections={"jobs": "Access is denied"})))
