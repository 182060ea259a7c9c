"""Cmdlets over the shell: execution policy, commands, snap-ins, modules, aliases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.lab.powershell.aliases import ALIASES
from bot.lab.powershell.cmdlet import BUILT_IN, BuiltIn, Call, cmdlet
from bot.lab.powershell.commands import unknown
from bot.lab.powershell.convert import to_string
from bot.lab.powershell.dotnet_process import version_info
from bot.lab.powershell.paths import full_path
from bot.lab.powershell.regexes import wildcard
from bot.lab.powershell.times import Version
from bot.lab.powershell.values import CmdletError, PSObject
from bot.lab.windows import programs
from bot.lab.windows.environment import get as env_get

CORE = "Microsoft.PowerShell.Core"


@cmdlet("Get-ExecutionPolicy", "Scope", "List?", positional=("Scope",))
def get_execution_policy(call: Call) -> Iterable[Any]:
    """The policy in force: group policy's, this process's, the machine's."""
    yield policy(call.interpreter)


@cmdlet("Set-ExecutionPolicy", "ExecutionPolicy", "Scope", "Force?", "Confirm?", "WhatIf?", positional=("ExecutionPolicy", "Scope"),
        required=("ExecutionPolicy",))  # fmt: skip
def set_execution_policy(call: Call) -> None:
    """Set the policy of this process or of the machine."""
    if call.text("Scope").casefold() == "process":
        call.interpreter.policy = call.text("ExecutionPolicy")
    else:
        call.machine.registry.set(POLICY_KEY, "ExecutionPolicy", call.text("ExecutionPolicy"))


POLICY_KEY = "HKLM\\SOFTWARE\\Microsoft\\PowerShell\\1\\ShellIds\\Microsoft.PowerShell"


def policy(interpreter: Any) -> str:
    """The execution policy in force."""
    registry = interpreter.machine.registry
    group = registry.get("HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\PowerShell") or {}
    machine = registry.get(POLICY_KEY) or {}
    return to_string(
        group.get("ExecutionPolicy") or interpreter.policy or machine.get("ExecutionPolicy") or "Restricted"
    )


def _info(name: str, kind: str, definition: str, **more: Any) -> PSObject:
    return PSObject({"CommandType": kind, "Name": name, "Definition": definition, **more},
                    (f"System.Management.Automation.{kind}Info", "System.Object"), text=name, view="table",
                    show=("CommandType", "Name", "Definition"))  # fmt: skip


def _command_info(call: Call, name: str) -> PSObject | None:
    interpreter = call.interpreter
    if name.casefold() in ALIASES:
        return _info(name, "Alias", ALIASES[name.casefold()])
    function = interpreter.scope.function(name.casefold())
    if function is not None:
        return _info(function[0], "Function", function[1].text)
    spec = interpreter.find_cmdlet(name)
    if spec is not None:
        shape = " ".join(f"[-{p.rstrip('?')}{'' if p.endswith('?') else ' <Object>'}]" for p in spec.parameters)
        return _info(spec.name, "Cmdlet", f"{spec.name} {shape}", PSSnapIn=getattr(spec, "snapin", "") or CORE)
    path = _on_path(call, name)
    if path is not None:
        session = call.session
        return _info(path.rpartition("\\")[2], "Application", path, Path=path, Extension="." + path.rpartition(".")[2],
                     FileVersionInfo=lambda: version_info(session, path) if session.machine.fs.exists(path) else None)  # fmt: skip
    return None


def _on_path(call: Call, name: str) -> str | None:
    fs = call.machine.fs
    names = [name] if "." in name.rpartition("\\")[2] else [name + e for e in (".exe", ".com", ".bat", ".cmd")]
    folders = [""] if any(c in name for c in "\\/:") else (env_get(call.session.env, "Path") or "").split(";")
    for folder in folders:
        for candidate in names:
            path = full_path(call.session, f"{folder}\\{candidate}" if folder else candidate)
            if fs.is_file(path):
                return str(fs.true_name(path))
    try:
        program = programs.find(call.session, name)
    except programs.BadImage:
        return None
    return program.path if program is not None else None


@cmdlet("Get-Command", "Name", "CommandType", "Noun", "Verb", "Module", "Syntax?", "TotalCount", "ArgumentList", "All?",
        positional=("Name",), aliases={"type": "CommandType", "pssnapin": "Module"})  # fmt: skip
def get_command(call: Call) -> Iterable[Any]:
    """What commands there are."""
    known: dict[str, BuiltIn | Any] = {
        k: s for k, s in call.machine.cmdlets.items() if call.interpreter.find_cmdlet(k) is s
    }
    known = {**BUILT_IN, **known}
    if "Name" not in call.params:
        for key in sorted(known):
            verb, _, noun = known[key].name.partition("-")
            if all(wildcard(call.text(p)).match(v) for p, v in (("Noun", noun), ("Verb", verb)) if p in call.params):
                yield _info(known[key].name, "Cmdlet", known[key].name)
        return
    for name in call.texts("Name"):
        if any(c in name for c in "*?["):
            shape = wildcard(name)
            for key in sorted(known):
                if shape.match(known[key].name):
                    yield _info(known[key].name, "Cmdlet", known[key].name)
            continue
        found = _command_info(call, name)
        if found is not None:
            yield found
        else:
            wrong = unknown(name)
            wrong.error_id, wrong.terminating = "CommandNotFoundException", False
            yield wrong


@cmdlet("Add-PSSnapin", "Name", "PassThru?", positional=("Name",), pipe="Name", required=("Name",))
def add_pssnapin(call: Call) -> Iterable[Any]:
    """Load a registered snap-in; what loading takes is the snap-in's affair."""
    interpreter = call.interpreter
    for name in call.texts("Name"):
        if name.casefold() in {s.casefold() for s in interpreter.snapins}:
            yield CmdletError(f"Cannot add Windows PowerShell snap-in {name} because it is already added. Verify the name of the "
                              "snap-in, and then try again.", "AddPSSnapInRead", False, category="InvalidArgument", target=name,
                              exception="System.Management.Automation.PSArgumentException")  # fmt: skip
            continue
        registered = next((s for s in call.machine.snapins if s.casefold() == name.casefold()), None)
        if registered is None:
            yield CmdletError(f"The Windows PowerShell snap-in '{name}' is not installed on this machine.", "AddPSSnapInRead", False,
                              category="InvalidArgument", target=name,
                              exception="System.Management.Automation.PSArgumentException")  # fmt: skip
            continue
        load = call.machine.snapin_load.get(registered.casefold())
        if load is not None:
            load(call.session)
        interpreter.snapins.append(registered)
        if call.on("PassThru"):
            yield snapin_info(registered)


def snapin_info(name: str) -> PSObject:
    """A snap-in as Get-PSSnapin shows it."""
    return PSObject({"Name": name, "PSVersion": Version.parse("2.0" if name.startswith("Microsoft.PowerShell") else "1.0"),
                     "Description": "Admin Tasks for the Exchange Server" if "Exchange" in name else
                     "This Windows PowerShell snap-in contains cmdlets used to manage components of Windows PowerShell.",
                     "IsDefault": name.startswith("Microsoft.PowerShell"), "Version": Version.parse("2.0")},
                    ("System.Management.Automation.PSSnapInInfo", "System.Object"), text=name)  # fmt: skip


@cmdlet("Get-PSSnapin", "Name", "Registered?", positional=("Name",))
def get_pssnapin(call: Call) -> Iterable[Any]:
    """Snap-ins that are loaded, or registered."""
    names = sorted(call.machine.snapins) if call.on("Registered") else call.interpreter.snapins
    for pattern in call.texts("Name") or ["*"]:
        found = [n for n in names if wildcard(pattern).match(n)]
        if not found and not any(c in pattern for c in "*?"):
            yield CmdletError(f"No Windows PowerShell snap-ins matching the pattern '{pattern}' were found. Check the pattern and then "
                              "try the command again.", "NoPSSnapInsMatched", False, category="InvalidArgument", target=pattern,
                              exception="System.Management.Automation.PSArgumentException")  # fmt: skip
        for name in found:
            yield snapin_info(name)


@cmdlet(
    "Import-Module",
    "Name",
    "Force?",
    "PassThru?",
    "Global?",
    "DisableNameChecking?",
    positional=("Name",),
    required=("Name",),
)
def import_module(call: Call) -> Iterable[Any]:
    """No module is installed on these machines."""
    for name in call.texts("Name"):
        yield CmdletError(f"The specified module '{name}' was not loaded because no valid module file was found in any module "
                          "directory.", "Modules_ModuleNotFound", False, category="ResourceUnavailable", target=name,
                          exception="System.IO.FileNotFoundException")  # fmt: skip


@cmdlet("Get-Alias", "Name", "Definition", "Exclude", positional=("Name",))
def get_alias(call: Call) -> Iterable[Any]:
    """Aliases."""
    shape = wildcard(call.text("Name", "*"))
    for name, definition in sorted(ALIASES.items()):
        if shape.match(name):
            yield _info(name, "Alias", definition)


def _set_alias(call: Call) -> None:
    call.interpreter.scope.root().variables["alias:" + call.text("Name").casefold()] = call.text("Value")


for _name in ("Set-Alias", "New-Alias"):
    cmdlet(_name, "Name", "Value", "Scope", "Option", "Description", "Force?", "PassThru?", positional=("Name", "Value"),
           required=("Name", "Value"))(_set_alias)  # fmt: skip
