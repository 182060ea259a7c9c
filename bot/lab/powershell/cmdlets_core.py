"""Cmdlets of the shell itself: variables, commands, snap-ins, dates, sleeping, locations."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from typing import Any

from bot.lab.powershell.cmdlet import Call, cmdlet
from bot.lab.powershell.convert import cast, to_int, to_list, to_number
from bot.lab.powershell.dotnet_system import culture
from bot.lab.powershell.dotnet_time import now
from bot.lab.powershell.netformat import date_text
from bot.lab.powershell.paths import full_path
from bot.lab.powershell.regexes import wildcard
from bot.lab.powershell.times import TICKS, DateTime, TimeSpan
from bot.lab.powershell.values import CmdletError, PSObject, ScriptBlock

CORE = "Microsoft.PowerShell.Core"


@cmdlet("Invoke-Expression", "Command", positional=("Command",), pipe="Command", required=("Command",))
def invoke_expression(call: Call) -> None:
    """Run text as code, here and now."""
    call.interpreter.run(call.text("Command"), call.out)


@cmdlet("Invoke-Command", "ScriptBlock", "ArgumentList", "ComputerName", "Session", "Credential", "InputObject",
        positional=("ScriptBlock",))  # fmt: skip
def invoke_command(call: Call) -> None:
    """Run a block here; machines of this era are not set up for remoting."""
    if "ComputerName" in call.params:
        raise CmdletError(f"[{call.text('ComputerName')}] Connecting to remote server failed with the following error message : The "
                          "client cannot connect to the destination specified in the request. Verify that the service on the "
                          "destination is running and is accepting requests.", "PSSessionStateBroken", category="OpenError")  # fmt: skip
    block = call.get("ScriptBlock")
    if isinstance(block, ScriptBlock):
        call.interpreter.stream_block(block, to_list(call.get("ArgumentList", [])), call.out)


@cmdlet("Get-Variable", "Name", "ValueOnly?", "Scope", "Include", "Exclude", positional=("Name",))
def get_variable(call: Call) -> Iterable[Any]:
    """Variables by name."""
    seen: dict[str, Any] = {}
    scope: Any = call.interpreter.scope
    while scope is not None:
        for name, value in scope.variables.items():
            if ":" not in name:
                seen.setdefault(name, value)
        scope = scope.parent
    for pattern in call.texts("Name") or ["*"]:
        shape = wildcard(pattern)
        found = [(n, v) for n, v in seen.items() if shape.match(n)]
        if not found and not any(c in pattern for c in "*?["):
            yield CmdletError(f"Cannot find a variable with name '{pattern}'.", "VariableNotFound", False, category="ObjectNotFound",
                              target=pattern, exception="System.Management.Automation.ItemNotFoundException")  # fmt: skip
        for name, value in sorted(found, key=lambda pair: pair[0]):
            yield value if call.on("ValueOnly") else PSObject({"Name": name, "Value": value},
                                                              ("System.Management.Automation.PSVariable", "System.Object"))  # fmt: skip


def _set_variable(call: Call) -> None:
    scope = call.text("Scope").casefold()
    target = call.interpreter.scope.named(scope if scope in {"global", "script"} else "")
    value = call.get("Value") if not call.piped else (call.piped[0] if len(call.piped) == 1 else call.piped)
    for name in call.texts("Name"):
        target.set(name.lower(), value)


for _name in ("Set-Variable", "New-Variable"):
    cmdlet(_name, "Name", "Value", "Scope", "Option", "Description", "Force?", "PassThru?", positional=("Name", "Value"), mode="all",
           required=("Name",))(_set_variable)  # fmt: skip


@cmdlet("Remove-Variable", "Name", "Scope", "Force?", positional=("Name",), required=("Name",))
def remove_variable(call: Call) -> Iterable[Any]:
    """Forget variables."""
    for name in call.texts("Name"):
        scope = call.interpreter.scope.find(name.lower())
        if scope is None:
            yield CmdletError(f"Cannot find a variable with name '{name}'.", "VariableNotFound", False, category="ObjectNotFound",
                              target=name, exception="System.Management.Automation.ItemNotFoundException")  # fmt: skip
        else:
            scope.variables.pop(name.lower(), None)


@cmdlet("Get-Date", "Date", "Format", "UFormat", "Year", "Month", "Day", "Hour", "Minute", "Second", "DisplayHint",
        positional=("Date",), pipe="Date")  # fmt: skip
def get_date(call: Call) -> Iterable[Any]:
    """What the machine's clock shows."""
    moment = cast(call.params["Date"], "System.DateTime") if call.get("Date") is not None else now(call.interpreter)
    parts = {
        n.lower(): to_int(call.params[n])
        for n in ("Year", "Month", "Day", "Hour", "Minute", "Second")
        if n in call.params
    }
    if parts:
        from bot.lab.powershell.times import from_python

        changed = moment.python.replace(**parts)  # type: ignore[arg-type]
        moment = from_python(changed, moment.kind)
    if "Format" in call.params:
        yield date_text(moment, call.text("Format"))
    elif "UFormat" in call.params:
        yield moment.python.strftime(call.text("UFormat"))
    else:
        yield moment


@cmdlet("New-TimeSpan", "Start", "End", "Days", "Hours", "Minutes", "Seconds", positional=("Start", "End"))
def new_timespan(call: Call) -> Iterable[Any]:
    """A duration between two times, or of a length."""
    if "Start" in call.params or "End" in call.params:
        start = cast(call.get("Start") or now(call.interpreter), "System.DateTime")
        end = cast(call.get("End") or now(call.interpreter), "System.DateTime")
        yield TimeSpan(end.ticks - start.ticks)
        return
    total = sum(
        to_int(call.get(n, 0)) * size for n, size in (("Days", 86400), ("Hours", 3600), ("Minutes", 60), ("Seconds", 1))
    )
    yield TimeSpan(total * TICKS)


@cmdlet("Start-Sleep", "Seconds", "Milliseconds", positional=("Seconds",), pipe="Seconds")
def start_sleep(call: Call) -> None:
    """Let lab time pass."""
    milliseconds = to_number(call.params["Milliseconds"]) if "Milliseconds" in call.params else 0
    call.session.sleep(to_int(call.get("Seconds", 0)) + milliseconds / 1000)


@cmdlet("Measure-Command", "Expression", "InputObject", positional=("Expression",), required=("Expression",))
def measure_command(call: Call) -> Iterable[Any]:
    """How long a block takes, in lab time."""
    before = call.machine.clock.now()
    call.interpreter.with_item(call.params["Expression"], None, lambda _v: None)
    yield TimeSpan(round((call.machine.clock.now() - before) * TICKS))


@cmdlet("Get-Host")
def get_host(call: Call) -> Iterable[Any]:
    """The host."""
    yield call.interpreter.host


def _culture(_call: Call) -> Iterable[Any]:
    yield culture()


for _name in ("Get-Culture", "Get-UICulture"):
    cmdlet(_name)(_culture)


@cmdlet("Get-Random", "Maximum", "Minimum", "InputObject", "Count", "SetSeed", positional=("Maximum",), mode="all")
def get_random(call: Call) -> Iterable[Any]:
    """A random number, or items by lot."""
    if call.input:
        yield from random.sample(call.input, min(to_int(call.get("Count", 1)), len(call.input)))
    else:
        yield random.randrange(to_int(call.get("Minimum", 0)), to_int(call.get("Maximum", 0x7FFFFFFF)))


@cmdlet("Set-StrictMode", "Version", "Off?")
def set_strict_mode(call: Call) -> None:
    """Missing variables and properties become errors."""
    version = call.text("Version", "0").strip(" ,")
    if not re.fullmatch(r"(?i)latest|\d+(\.\d+)*", version):
        raise CmdletError(f"Cannot validate argument on parameter 'Version'. The \"{version}\" argument does not contain a valid "
                          "Windows PowerShell version.", "ParameterArgumentValidationError", category="InvalidData",
                          exception="System.Management.Automation.ParameterBindingException")  # fmt: skip
    call.interpreter.strict = (
        0 if call.on("Off") else (2 if version.casefold() == "latest" else int(version.split(".")[0]))
    )


@cmdlet("Get-Location", "PSProvider", "PSDrive", "Stack?")
def get_location(call: Call) -> Iterable[Any]:
    """Where we are."""
    yield PSObject({"Drive": call.session.cwd[:1], "Provider": "Microsoft.PowerShell.Core\\FileSystem",
                    "ProviderPath": call.session.cwd, "Path": call.session.cwd},
                   ("System.Management.Automation.PathInfo", "System.Object"), text=call.session.cwd, view="table", show=("Path",))  # fmt: skip


@cmdlet("Set-Location", "Path", "LiteralPath", "PassThru?", positional=("Path",), pipe="Path")
def set_location(call: Call) -> Iterable[Any]:
    """Go to a folder."""
    from bot.lab.powershell.items import not_found

    path = full_path(call.session, call.text("LiteralPath") or call.text("Path"))
    if not call.machine.fs.is_dir(path):
        yield not_found(path)
        return
    call.session.cwd = call.machine.fs.true_name(path)


@cmdlet("Clear-Host")
def clear_host(_call: Call) -> None:
    """Nothing to clear without a console."""


def clock_of(call: Call) -> DateTime:
    """The machine's clock."""
    return now(call.interpreter)
