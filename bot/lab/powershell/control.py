"""The ways control leaves a statement: break, continue, return, exit, and terminating errors."""

from __future__ import annotations

from bot.lab.powershell.nodes import Spot
from bot.lab.powershell.values import CmdletError, ErrorRecord, NetError, net_error


class Jump(Exception):
    """`break` or `continue`, with a label or without."""

    def __init__(self, label: str = "") -> None:
        super().__init__(label)
        self.label = label


class BreakJump(Jump):
    """`break`."""


class ContinueJump(Jump):
    """`continue`."""


class ReturnJump(Exception):
    """`return`: the value has been handed on already."""


class ExitJump(Exception):
    """`exit N`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Terminating(Exception):
    """An error that ends its statement; with `script` set (throw, Stop) the whole script, unless caught."""

    def __init__(self, record: ErrorRecord, *, script: bool = False, stopped: bool = False) -> None:
        super().__init__(record.message)
        self.record = record
        self.script = script
        self.stopped = stopped  # by -ErrorAction Stop or $ErrorActionPreference


def record_of(error: CmdletError, activity: str, spot: Spot | None) -> ErrorRecord:
    """The error record of a failed cmdlet."""
    error_id = error.error_id or error.exception.rpartition(".")[2]
    if activity and "," not in error_id:
        error_id += f",{activity_class(activity)}"
    return ErrorRecord(
        net_error(error.message, error.exception), error_id, error.category, error.target, activity, spot
    )


def activity_class(activity: str) -> str:
    """`Get-Item` → `Microsoft.PowerShell.Commands.GetItemCommand`, as error ids name the cmdlet."""
    return f"Microsoft.PowerShell.Commands.{activity.replace('-', '')}Command"


_IDS = (
    ("Cannot index into a null array", "NullArray"),
    ("You cannot call a method on a null-valued", "InvokeMethodOnNull"),
    ("Unable to find type", "TypeNotFound"),
    ("Method invocation failed because", "MethodNotFound"),
    ("Property '", "PropertyNotFound"),
    ("The variable '", "VariableIsUndefined"),
    ("Cannot overwrite variable", "VariableNotWritable"),
    ("Unable to index into", "CannotIndex"),
)


def record_of_net(error: NetError, spot: Spot | None) -> ErrorRecord:
    """The error record of an exception in the language or a .NET call."""
    spot = error.spot or spot
    short = error.types[0].rpartition(".")[2]
    if short == "MethodInvocationException":
        return ErrorRecord(error, "DotNetMethodException", spot=spot)
    error_id = next((i for start, i in _IDS if error.message.startswith(start)), "RuntimeException")
    category = "InvalidOperation" if error_id != "RuntimeException" else "NotSpecified"
    return ErrorRecord(error, error_id, category, spot=spot)
