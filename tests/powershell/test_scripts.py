"""These tests verify that every script we send is PowerShell 2.0, readable, and fits into one command line."""

from __future__ import annotations

import base64
import gzip
import re
from importlib.resources import files

import pytest

from bot.estate import bootstrap
from bot.procedure.asked import KINDS
from tests.powershell.lint import findings, functions

SCRIPTS = sorted(f.name for f in files("bot.estate").joinpath("scripts").iterdir() if f.name.endswith(".ps1"))


GIVEN = frozenset(functions(bootstrap.source("prelude")) | functions(bootstrap.source("look")))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_powershell_2(name: str) -> None:
    alone = name in {"job.ps1", "prelude.ps1"}
    assert findings(bootstrap.source(name.removesuffix(".ps1")), given=frozenset() if alone else GIVEN) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_its_name_its_version_and_what_it_does(name: str) -> None:
    assert re.match(rf"# {re.escape(name)}, version \d+\. [A-Z]", bootstrap.source(name.removesuffix(".ps1")))


@pytest.mark.parametrize("name", sorted(bootstrap.SCRIPTS))
def test_a_script_as_it_is_sent_is_powershell_2(name: str) -> None:
    assert findings(bootstrap.text(name, largest(name))) == []


def test_no_script_lies_about_that_is_never_sent() -> None:
    sent = {part for parts in bootstrap.SCRIPTS.values() for part in parts} | {bootstrap.BODY}
    assert {name.removesuffix(".ps1") for name in SCRIPTS} == sent


def test_the_job_body_cannot_end_the_string_it_travels_in() -> None:
    assert not re.search(r"(?m)^'@", bootstrap.source(bootstrap.BODY))


JOB = "SOUTHCLUSTER-117-0f9e8d7c6b5a4f3e-s12-10-12"
COMMAND = (
    'msiexec.exe /update "%ROLLUP_FOLDER%\\Exchange2007-KB4011325-v2-x64-EN.msp" /quiet /norestart '
    '/l*v "%ROLLUP_FOLDER%\\install.log"'
)
HANDOFF = (
    "Stop-ClusteredMailboxServer -Identity 'MAILBOXSERVER01' -StopReason 'SOUTHCLUSTER-117 s12' -Confirm:$false; "
    "Move-ClusteredMailboxServer -Identity 'MAILBOXSERVER01' -TargetMachine 'SOUTHMAILNODE02' "
    "-MoveComment 'SOUTHCLUSTER-117 s12' -Confirm:$false; Start-ClusteredMailboxServer -Identity 'MAILBOXSERVER01'"
)
LARGEST = {
    "machine": "southmailnode02",
    "root": "D:\\Administration\\rollup-bot\\jobs",
    "name": JOB,
    "kind": "runner",
    "runner": "rollup-bot-runner",
    "package": "D:\\Administration\\Packages\\Exchange 2007 SP3\\Exchange2007-KB4011325-v2-x64-EN.msp",
    "validate": "\n".join(f"MAILBOXSERVER0{n}\tSOUTHMAILNODE02" for n in range(4)),
    "file": "command.ps1",
    "command": max(COMMAND, HANDOFF, key=len),
    "job": "".join(
        f"{key}\t{value}\n"
        for key, value in {
            "name": JOB, "campaign": "SOUTHCLUSTER-117", "nonce": "0f9e8d7c6b5a4f3e", "version": "12345",
            "gate": "SOUTHCLUSTER-117.s12.10", "command_hash": bytes(range(32)).hex(), "kind": "runner",
            "language": "powershell", "file": "command.ps1", "guard": "empty", "not_after": "639000000000000000",
            "package": "D:\\Administration\\Packages\\Exchange 2007 SP3\\Exchange2007-KB4011325-v2-x64-EN.msp",
            "sha256": bytes(range(7, 39)).hex(), "cms": "MAILBOXSERVER01",
        }.items()
    ),
}  # fmt: skip
TAKES = {
    "probe": ("root", "runner", "name", "package", "validate"),
    "jobs": ("root", "name"),
    "start": ("machine", "root", "name", "kind", "runner", "job", "file", "command"),
    "close": ("machine", "root", "name", "job"),
    "tidy": ("name",),
    "survey": (),
}


def largest(script: str) -> dict[str, str]:
    """The longest parameters a script may realistically be sent with."""
    kinds = {"probe": "fast,jobs,package,slow,validate", "survey": ",".join(KINDS)}.get(script, script)
    return {"kinds": kinds} | {key: LARGEST[key] for key in TAKES[script]}


@pytest.mark.parametrize("name", sorted(bootstrap.SCRIPTS))
def test_a_script_with_its_largest_parameters_fits_into_one_command_line(name: str) -> None:
    assert len(bootstrap.command_line(name, largest(name))) <= 8000


def test_every_kind_of_question_has_its_section_in_the_survey() -> None:
    assert re.findall(r"Section '(\w+)' '\1'", bootstrap.source("survey")) == list(KINDS)


def test_a_script_that_does_not_fit_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(bootstrap.TooLong):
        bootstrap.command_line("start", largest("start") | {"command": bytes(range(256)).hex() * 8})


@pytest.mark.parametrize("name", sorted(bootstrap.SCRIPTS))
def test_what_a_node_unpacks_is_the_text_of_the_files(name: str) -> None:
    line = bootstrap.command_line(name, largest(name))
    packed = re.search(r"FromBase64String\('([A-Za-z0-9+/=]+)'\)", line)
    assert packed is not None
    text = gzip.decompress(base64.b64decode(packed[1])).decode()
    for part in bootstrap.SCRIPTS[name]:
        assert bootstrap.source(part) in text


@pytest.mark.parametrize(
    "value", ["'; Stop-Computer #", "x' + (Get-Date) + '", "$(whoami)", "`ncalc", "%PATHS%", '"&calc&"']
)
def test_a_name_never_becomes_part_of_the_code(value: str) -> None:
    text = bootstrap.text("jobs", {"kinds": "jobs", "name": value, "root": "C:\\x"})
    parameters = re.match(r"\$Parameters = @'\n([a-z]+\t[A-Za-z0-9+/=]*\n)+'@\n", text)
    assert parameters is not None
    assert value not in text
    assert text[parameters.end() :] == bootstrap.text("jobs", {}).removeprefix("$Parameters = @'\n'@\n")


def test_the_command_line_holds_nothing_cmd_would_expand() -> None:
    line = bootstrap.command_line("probe", largest("probe"))
    assert "%" not in line
    assert line.count('"') == 2


def test_the_runner_ends_its_lines_as_cmd_wants_them() -> None:
    text = files("bot.estate").joinpath("scripts", "runner.cmd").read_bytes()
    assert text.count(b"\n") == text.count(b"\r\n") > 5
