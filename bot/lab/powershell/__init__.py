"""A PowerShell 2.0 subset: it evaluates what a simulated machine is sent, and fails on the rest as a node would."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.lab.windows.machine import Session


def run_powershell(session: Session, argv: list[str], raw: str) -> int:
    """The native tool powershell.exe; see `host.run_powershell`. Imported late: only machines that run it pay for it."""
    from bot.lab.powershell.host import run_powershell as run

    return run(session, argv, raw)
