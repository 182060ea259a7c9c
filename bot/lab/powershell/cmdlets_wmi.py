"""Get-WmiObject and Invoke-WmiMethod over the classes a machine has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.lab.powershell.cmdlet import Call, cmdlet
from bot.lab.powershell.convert import to_list, to_string
from bot.lab.powershell.dotnet_process import INFO, Started
from bot.lab.powershell.values import CmdletError, NetError, PSObject
from bot.lab.powershell.wql import invalid, parse_condition, parse_query

MANAGEMENT = "System.Management.ManagementException"


def remote_refusal(call: Call) -> CmdletError | None:
    """Why another machine does not answer: the second hop, or nobody there; None for this machine."""
    own = {
        "",
        ".",
        "localhost",
        "127.0.0.1",
        call.machine.name.casefold(),
        f"{call.machine.name}.{call.machine.domain}".casefold(),
    }
    for name in call.texts("ComputerName"):
        if name.casefold() in own or name.casefold().split(".")[0] == call.machine.name.casefold():
            continue
        if not call.session.principal.second_hop:
            return CmdletError("Access is denied. (Exception from HRESULT: 0x80070005 (E_ACCESSDENIED))", "GetWMIUnauthorizedAccessException",
                               category="NotSpecified", exception="System.UnauthorizedAccessException")  # fmt: skip
        return CmdletError("The RPC server is unavailable. (Exception from HRESULT: 0x800706BA)", "GetWMICOMException",
                           category="NotSpecified", exception="System.Runtime.InteropServices.COMException")  # fmt: skip
    return None


def instances(call: Call, namespace: str, name: str) -> Iterable[Any]:
    """The objects of a class. Raises CmdletError when namespace or class is not there."""
    space = namespace.replace("/", "\\").strip("\\").casefold()
    service = call.machine.services.get("Winmgmt")
    if service is not None and service.state != "Running":  # an Exchange rollup stops it in the middle of its install
        raise CmdletError("The RPC server is unavailable. (Exception from HRESULT: 0x800706BA)", "GetWMICOMException", False,
                          category="NotSpecified", exception="System.Runtime.InteropServices.COMException")  # fmt: skip
    provider = call.machine.wmi.get((space, name.casefold()))
    if provider is None:
        if not any(known == space for known, _ in call.machine.wmi):
            raise CmdletError(
                "Invalid namespace",
                "GetWMIManagementException",
                False,
                category="InvalidArgument",
                exception=MANAGEMENT,
            )
        raise CmdletError(
            f'Invalid class "{name}"', "GetWMIManagementException", False, category="InvalidType", exception=MANAGEMENT
        )
    return provider(call.session)


@cmdlet("Get-WmiObject", "Class", "Property", "Namespace", "ComputerName", "Filter", "Query", "Credential", "Authentication",
        "Impersonation", "EnableAllPrivileges?", "Recurse?", "List?", "Locale", "DirectRead?", "Amended?", "AsJob?", "ThrottleLimit",
        "Authority", positional=("Class", "Property"), aliases={"ns": "Namespace", "cn": "ComputerName"})  # fmt: skip
def get_wmiobject(call: Call) -> Iterable[Any]:
    """Objects of a WMI class."""
    refused = remote_refusal(call)
    if refused is not None:
        yield refused
        return
    space = call.text("Namespace", "root\\cimv2")
    if call.on("List"):
        for known, name in sorted(call.machine.wmi):
            if known == space.casefold():
                yield PSObject({"Name": name, "__CLASS": name})
        return
    try:
        if "Query" in call.params:
            names, name, test = parse_query(call.text("Query"))
        elif "Class" in call.params:
            names, name, test = call.texts("Property"), call.text("Class"), parse_condition(call.text("Filter"))
        else:
            raise invalid()
        wanted = [] if names == ["*"] else names
        for row in instances(call, space, name):
            if isinstance(row, CmdletError):
                yield row
            elif test(row):
                yield row if not wanted else _cut(row, wanted)
    except CmdletError as wrong:
        yield wrong


def _cut(row: PSObject, names: list[str]) -> PSObject:
    made = PSObject([(n, row.get(n)) for n in names if n in row], row.types, text=row.text, methods=row.methods)
    for name in row.names():
        if name.startswith("__"):
            made[name] = row[name]
    return made


@cmdlet("Invoke-WmiMethod", "Class", "Name", "ArgumentList", "InputObject", "Path", "Namespace", "ComputerName", "Credential",
        "Authentication", "EnableAllPrivileges?", "Confirm?", "WhatIf?", positional=("Class", "Name", "ArgumentList"), pipe="InputObject",
        required=("Name",))  # fmt: skip
def invoke_wmimethod(call: Call) -> Iterable[Any]:
    """Call a method of an object or of a class."""
    refused = remote_refusal(call)
    if refused is not None:
        yield refused
        return
    name, arguments = call.text("Name"), to_list(call.get("ArgumentList", []))
    target = call.get("InputObject")
    if target is None and "Path" in call.params:
        path = call.text("Path")
        cls, _, condition = path.rpartition(":")[2].partition(".")
        test = parse_condition(condition)
        target = next(
            (
                r
                for r in instances(call, call.text("Namespace", "root\\cimv2"), cls)
                if isinstance(r, PSObject) and test(r)
            ),
            None,
        )
        if target is None:
            raise CmdletError(
                "Not found ", "InvokeWMIManagementException", category="InvalidOperation", exception=MANAGEMENT
            )
    if isinstance(target, PSObject):
        for known, method in target.methods.items():
            if known.casefold() == name.casefold():
                yield method(*arguments)
                return
    elif call.text("Class").casefold() == "win32_process" and name.casefold() == "create":
        yield create_process(call, arguments)
        return
    elif target is None:
        instances(call, call.text("Namespace", "root\\cimv2"), call.text("Class"))
    raise CmdletError(
        "Invalid method Parameter(s)", "InvokeWMIManagementException", category="InvalidOperation", exception=MANAGEMENT
    )


def create_process(call: Call, arguments: list[Any]) -> PSObject:
    """Win32_Process.Create: a process that is not ours to wait for."""
    from bot.lab.windows.programs import cut_program

    name, tail = cut_program(to_string(arguments[0]) if arguments else "")
    process = Started(call.interpreter, PSObject({
        "FileName": name, "Arguments": tail, "WorkingDirectory": to_string(arguments[1]) if len(arguments) > 1 else "",
        "UseShellExecute": True, "RedirectStandardOutput": False, "RedirectStandardError": False}, (INFO,)))  # fmt: skip
    try:
        process.start()
    except NetError:
        return PSObject({"ReturnValue": 9, "ProcessId": None})
    return PSObject({"ReturnValue": 0, "ProcessId": process.pid})


def _set_wmi(call: Call) -> Iterable[Any]:
    raise CmdletError("Access denied ", "SetWMIManagementException", category="InvalidOperation", exception=MANAGEMENT)


cmdlet("Set-WmiInstance", "Class", "Arguments", "InputObject", "Path", "Namespace", "ComputerName", positional=("Class",),
       pipe="InputObject")(_set_wmi)  # fmt: skip
