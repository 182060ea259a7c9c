"""The tables of docs/lab-powershell.md, made from the tables the evaluator itself uses.

`python -m bot.lab.powershell.documented` writes them anew into that page.
"""

from __future__ import annotations

import re
from pathlib import Path

from bot.lab.powershell import builtins  # noqa: F401 - fills the tables
from bot.lab.powershell.aliases import ALIASES
from bot.lab.powershell.cmdlet import BUILT_IN
from bot.lab.powershell.dotnet import CONSTRUCTORS, INSTANCE, SPELLED, STATIC
from bot.lab.powershell.enums import ENUMS
from bot.lab.powershell.typenames import ACCELERATORS

PAGE = Path(__file__).parents[3] / "docs" / "lab-powershell.md"


def cmdlets() -> str:
    """Every cmdlet with its parameters; positional ones first in order, switches in italics."""
    rows = ["| cmdlet | positional | further parameters | aliases |", "| --- | --- | --- | --- |"]
    for spec in sorted(BUILT_IN.values(), key=lambda s: s.name.casefold()):
        rest = [f"*{p[:-1]}*" if p.endswith("?") else p for p in spec.parameters if p not in spec.positional]
        short = sorted(a for a, target in ALIASES.items() if target.casefold() == spec.name.casefold())
        rows.append(
            f"| {spec.name} | {', '.join(spec.positional)} | {', '.join(rest)} | {' '.join(f'`{a}`' for a in short)} |"
        )
    return "\n".join(rows)


def members() -> str:
    """Every .NET type with what can be read and called on it."""
    rows = ["| type | static | of a value | New-Object |", "| --- | --- | --- | --- |"]
    for name in sorted({*STATIC, *INSTANCE, *CONSTRUCTORS}):
        shared = sorted(SPELLED[name + "::", low] for table in STATIC.get(name, ({}, {})) for low in table)
        own = sorted(SPELLED[name + ".", low] for table in INSTANCE.get(name, ({}, {})) for low in table)
        made = "yes" if name in CONSTRUCTORS else ""
        rows.append(f"| {name.removeprefix('System.')} | {', '.join(shared)} | {', '.join(own)} | {made} |")
    return "\n".join(rows)


def enumerations() -> str:
    """Every enumeration with its members."""
    rows = ["| enumeration | members |", "| --- | --- |"]
    rows += [f"| {name.removeprefix('System.')} | {', '.join(found)} |" for name, found in sorted(ENUMS.items())]
    return "\n".join(rows)


def short_types() -> str:
    """Type names that may stand in brackets without a namespace."""
    return ", ".join(f"`[{name}]`" for name in sorted(ACCELERATORS))


PARTS = {"cmdlets": cmdlets, "members": members, "enumerations": enumerations, "types": short_types}


def filled(page: str) -> str:
    """The page with every marked part made anew."""
    for name, make in PARTS.items():
        mark = re.compile(
            rf"(<!-- {name}: made by bot\.lab\.powershell\.documented -->\n).*?(\n<!-- end -->)", re.DOTALL
        )
        found = mark.search(page)
        if found is None:
            raise ValueError(f"no part {name} in the page")
        page = page[: found.end(1)] + make() + page[found.start(2) :]
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
