"""Get-AuthenticodeSignature: whether a file on a simulated machine is signed by Microsoft, as that Windows can tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.lab.cluster import packages
from bot.lab.cluster.shell import Params, text
from bot.lab.powershell.values import CmdletError, EnumValue, PSObject
from bot.lab.windows.machine import CmdletSpec, Machine, Session
from bot.lab.windows.paths import normalise

STATUS = "System.Management.Automation.SignatureStatus"
SIGNER = "CN=Microsoft Corporation, OU=MOPR, O=Microsoft Corporation, L=Redmond, S=Washington, C=US"


def register(machine: Machine) -> None:
    """Give a machine the cmdlet."""
    machine.cmdlets["get-authenticodesignature"] = CmdletSpec(
        "Get-AuthenticodeSignature", _run, ("FilePath",), ("FilePath",)
    )


def _run(session: Session, params: Params, piped: list[Any]) -> Iterator[PSObject]:
    given = params.get("FilePath") or piped
    for one in given if isinstance(given, list) else [given]:
        path = normalise(text(one), session.cwd)
        if not session.machine.fs.is_file(path):
            raise CmdletError(
                f"File {path} was not found.",
                "FileNotFound",
                category="ObjectNotFound",
                exception="System.IO.FileNotFoundException",
            )
        status, number = _judge(session.machine, session.machine.fs.read(path))
        certificate = PSObject([("Subject", SIGNER)], "System.Security.Cryptography.X509Certificates.X509Certificate2")
        yield PSObject(
            [
                ("SignerCertificate", certificate if status == "Valid" else None),
                ("TimeStamperCertificate", None),
                ("Status", EnumValue(status, number, STATUS)),
                ("StatusMessage", ""),
                ("Path", path),
            ],
            ("System.Management.Automation.Signature", "System.Object"),
            show=("SignerCertificate", "Status", "Path"),
            view="table",
        )


def _judge(machine: Machine, data: bytes) -> tuple[str, int]:
    if not data.startswith(packages.MAGIC) or b"Signature: " not in data:
        return "NotSigned", 2
    # Windows Server 2003 knows no SHA-2.
    return ("UnknownError", 1) if machine.os_version == "5.2" else ("Valid", 0)
