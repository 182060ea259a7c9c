"""The page about the subset says what the code has, and what it says of later cmdlets is true."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from bot.lab.powershell import documented
from bot.lab.powershell.aliases import ALIASES
from bot.lab.powershell.cmdlet import BUILT_IN
from bot.lab.powershell.dotnet import INSTANCE, STATIC


def test_the_page_lists_exactly_the_cmdlets_and_members_of_the_code() -> None:
    page = documented.PAGE.read_text("utf-8")
    assert documented.filled(page) == page, "run python -m bot.lab.powershell.documented"
    listed = set(re.findall(r"^\| ([A-Za-z]+-[A-Za-z]+|mkdir) \|", page, re.MULTILINE))
    assert listed == {spec.name for spec in BUILT_IN.values()}
    for name in {*STATIC, *INSTANCE}:
        assert f"| {name.removeprefix('System.')} |" in page


def test_a_changed_table_makes_the_page_stale() -> None:
    page = documented.PAGE.read_text("utf-8")
    assert documented.filled(page.replace("| Get-Acl |", "| Get-Axl |")) == page
    assert page.replace("| Get-Acl |", "| Get-Axl |") != page


def test_no_cmdlet_is_newer_than_2_0() -> None:
    known = {"mkdir", "clear-host"}  # functions that 2.0 defines itself
    with (Path(__file__).parents[2] / "powershell" / "commands-2.0.csv").open(encoding="utf-8") as file:
        known |= {row["command"].casefold() for row in csv.DictReader(file)}
    assert {name for name in BUILT_IN if name not in known} == set()


def test_every_alias_stands_for_a_cmdlet_of_this_room_or_one_that_is_known_to_be_missing() -> None:
    missing = {target for target in ALIASES.values() if target.casefold() not in BUILT_IN}
    assert missing == {"Import-Csv", "Export-Csv"}
