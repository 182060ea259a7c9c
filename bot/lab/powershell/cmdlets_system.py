"""Cmdlets over the machine: services, processes, the event log, access lists, signatures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from bot.lab.powershell.cmdlet import Call, cmdlet
from bot.lab.powershell.cmdlets_items import each_path, touching
from bot.lab.powershell.convert import cast, to_int, to_list, to_string
from bot.lab.powershell.dotnet_process import Started, process_object
from bot.lab.powershell.enums import ENUMS
from bot.lab.powershell.regexes import wildcard
from bot.lab.powershell.values import CmdletError, EnumValue, NetError, PSObject
from bot.lab.windows.services import Service, ServiceError

CONTROLLER = "System.ServiceProcess.ServiceController"
STATUS = "System.ServiceProcess.ServiceControllerStatus"
COMMAND_FAILED = "Microsoft.PowerShell.Commands.ServiceCommandException"


def service_object(call: Call, service: Service) -> PSObject:
    """A service as Get-Service shows it; Status is read anew after Refresh."""
    state = service.state.replace(" ", "")
    services = call.machine.services
    made = PSObject(
        {"Name": service.name, "CanStop": state == "Running", "DisplayName": service.display, "MachineName": ".",
         "ServiceName": service.name, "Status": EnumValue(state, ENUMS[STATUS].get(state, 4), STATUS),
         "ServicesDependedOn": list(service.depends_on)},
        (CONTROLLER, "System.Object"), text=CONTROLLER)  # fmt: skip

    def refresh() -> None:
        now = service.state.replace(" ", "")
        made["Status"] = EnumValue(now, ENUMS[STATUS].get(now, 4), STATUS)

    def wait(wanted: Any, limit: Any = None) -> None:
        end = None if limit is None else call.machine.clock.now() + limit.seconds
        while service.state.replace(" ", "").casefold() != to_string(wanted).casefold():
            if end is not None and call.machine.clock.now() >= end:
                raise NetError(
                    "Time out has expired and the operation has not been completed.",
                    "System.ServiceProcess.TimeoutException",
                )
            call.session.sleep(0.25)
        refresh()

    made.methods.update({"Refresh": refresh, "WaitForStatus": wait, "Start": lambda: services.start(service.name),
                         "Stop": lambda: services.stop(service.name, force=True), "Close": lambda: None})  # fmt: skip
    return made


@cmdlet("Get-Service", "Name", "DisplayName", "ComputerName", "Include", "Exclude", "DependentServices?", "RequiredServices?",
        "InputObject", positional=("Name",), pipe="Name")  # fmt: skip
def get_service(call: Call) -> Iterable[Any]:
    """Services by name."""
    for service in _services(call, "Name" if "DisplayName" not in call.params else "DisplayName"):
        yield service if isinstance(service, CmdletError) else service_object(call, service)


def _services(call: Call, by: str = "Name") -> Iterable[Service | CmdletError]:
    names = [
        to_string(v["Name"]) if isinstance(v, PSObject) and "Name" in v else to_string(v)
        for v in to_list(call.get(by) or ["*"])
    ]
    for name in names:
        shape = wildcard(name)
        found = [s for s in call.machine.services.all() if shape.match(s.display if by == "DisplayName" else s.name)]
        if not found and not any(c in name for c in "*?["):
            word = "display" if by == "DisplayName" else "service"
            yield CmdletError(f"Cannot find any service with {word} name '{name}'.", "NoServiceFoundForGivenName", False,
                              category="ObjectNotFound", target=name, exception=COMMAND_FAILED)  # fmt: skip
        yield from found


def _control(verb: str, act: Callable[[Call, Service], None], word: str) -> None:
    def run(call: Call) -> Iterable[Any]:
        for service in _services(call):
            if isinstance(service, CmdletError):
                yield service
                continue
            try:
                act(call, service)
            except ServiceError as refused:
                yield CmdletError(f"Service '{service.display} ({service.name})' cannot be {word} due to the following error: {refused}",
                                  f"CouldNot{verb}Service", False, category="OpenError", target=service.name,
                                  exception=COMMAND_FAILED)  # fmt: skip
                continue
            if call.on("PassThru"):
                yield service_object(call, service)

    cmdlet(f"{verb}-Service", "Name", "DisplayName", "Force?", "PassThru?", "Include", "Exclude", "Confirm?", "WhatIf?",
           positional=("Name",), pipe="Name")(run)  # fmt: skip


def _start(call: Call, service: Service) -> None:
    if service.state != "Running":
        call.machine.services.start(service.name)


def _stop(call: Call, service: Service) -> None:
    if service.state != "Stopped":
        call.machine.services.stop(service.name, force=call.on("Force"))


def _restart(call: Call, service: Service) -> None:
    _stop(call, service)
    _start(call, service)


_control("Start", _start, "started")
_control("Stop", _stop, "stopped")
_control("Restart", _restart, "stopped")


@cmdlet("Set-Service", "Name", "StartupType", "Status", "DisplayName", "Description", "PassThru?", "Confirm?", "WhatIf?",
        positional=("Name",), pipe="Name", required=("Name",))  # fmt: skip
def set_service(call: Call) -> Iterable[Any]:
    """A service's start mode."""
    modes = {"automatic": "Auto", "manual": "Manual", "disabled": "Disabled"}
    for service in _services(call):
        if isinstance(service, CmdletError):
            yield service
        elif "StartupType" in call.params:
            call.machine.services.set_mode(service.name, modes.get(call.text("StartupType").casefold(), "Manual"))


@cmdlet(
    "Get-Process",
    "Name",
    "Id",
    "ComputerName",
    "Module?",
    "FileVersionInfo?",
    "InputObject",
    positional=("Name",),
    pipe="Name",
)
def get_process(call: Call) -> Iterable[Any]:
    """Running processes."""
    running = sorted(call.machine.processes.all(), key=lambda p: p.name.casefold())
    if "Id" in call.params:
        for pid in to_list(call.params["Id"]):
            found = call.machine.processes.get(to_int(pid))
            if found is None:
                yield CmdletError(f"Cannot find a process with the process identifier {to_string(pid)}.", "NoProcessFoundForGivenId", False,
                                  category="ObjectNotFound", target=pid,
                                  exception="Microsoft.PowerShell.Commands.ProcessCommandException")  # fmt: skip
            else:
                yield process_object(call.session, found)
        return
    for name in call.texts("Name") or ["*"]:
        shape = wildcard(name)
        hits = [p for p in running if shape.match(p.name.removesuffix(".exe"))]
        if not hits and not any(c in name for c in "*?["):
            yield CmdletError(f'Cannot find a process with the name "{name}". Verify the process name and call the cmdlet again.',
                              "NoProcessFoundForGivenName", False, category="ObjectNotFound", target=name,
                              exception="Microsoft.PowerShell.Commands.ProcessCommandException")  # fmt: skip
        for process in hits:
            yield process_object(call.session, process)


@cmdlet(
    "Stop-Process",
    "Id",
    "Name",
    "InputObject",
    "Force?",
    "PassThru?",
    "Confirm?",
    "WhatIf?",
    positional=("Id",),
    pipe="InputObject",
)
def stop_process(call: Call) -> Iterable[Any]:
    """End processes."""
    pids = [to_int(p) for p in to_list(call.get("Id", []))]
    pids += [
        p.pid
        for n in call.texts("Name")
        for p in call.machine.processes.all()
        if wildcard(n).match(p.name.removesuffix(".exe"))
    ]
    pids += [to_int(o["Id"]) for o in to_list(call.get("InputObject", [])) if isinstance(o, PSObject)]
    for pid in pids:
        if not call.machine.processes.kill(pid):
            yield CmdletError(f"Cannot find a process with the process identifier {pid}.", "NoProcessFoundForGivenId", False,
                              category="ObjectNotFound", target=pid,
                              exception="Microsoft.PowerShell.Commands.ProcessCommandException")  # fmt: skip


@cmdlet("Start-Process", "FilePath", "ArgumentList", "WorkingDirectory", "Wait?", "PassThru?", "NoNewWindow?", "WindowStyle", "Verb",
        "RedirectStandardOutput", "RedirectStandardError", "RedirectStandardInput", "LoadUserProfile?", "UseNewEnvironment?",
        "Credential", positional=("FilePath", "ArgumentList"), aliases={"args": "ArgumentList", "pspath": "FilePath"},
        required=("FilePath",))  # fmt: skip
def start_process(call: Call) -> Iterable[Any]:
    """Start a program."""
    process = Started(call.interpreter)
    info = process.info
    info["FileName"], info["Arguments"] = call.text("FilePath"), " ".join(call.texts("ArgumentList"))
    info["WorkingDirectory"] = call.text("WorkingDirectory")
    info["UseShellExecute"] = not call.on("NoNewWindow")
    files = [
        (k, call.text(p))
        for k, p in (("out", "RedirectStandardOutput"), ("err", "RedirectStandardError"))
        if p in call.params
    ]
    for kind, _path in files:
        info["RedirectStandardOutput" if kind == "out" else "RedirectStandardError"] = True
    try:
        process.start()
    except NetError as refused:
        raise CmdletError(f"This command cannot be executed due to the error: {refused.message}.", "InvalidOperationException",
                          category="InvalidOperation") from None  # fmt: skip
    if call.on("Wait") or files:
        process.wait()
    for kind, path in files:
        from bot.lab.powershell.paths import full_path

        call.machine.fs.write(full_path(call.session, path), process.text[kind].encode("cp437", "replace"))
    if call.on("PassThru"):
        yield process


@cmdlet("Get-EventLog", "LogName", "Source", "After", "Before", "Newest", "EntryType", "InstanceId", "Message", "UserName", "Index",
        "ComputerName", "List?", "AsString?", "AsBaseObject?", positional=("LogName", "InstanceId"))  # fmt: skip
def get_eventlog(call: Call) -> Iterable[Any]:
    """Entries of an event log, the newest first."""
    log = call.text("LogName")
    if log.casefold() not in {"application", "system", "security"}:
        raise CmdletError(f"The event log '{log}' on computer '.' does not exist.", "InvalidOperationException",
                          category="InvalidOperation")  # fmt: skip
    found = [
        e
        for e in reversed(call.machine.event_log)
        if to_string(e.get("LogName", "Application")).casefold() == log.casefold()
    ]
    for name in ("Source", "EntryType"):
        if name in call.params:
            shapes = [wildcard(t) for t in call.texts(name)]
            found = [e for e in found if any(s.match(to_string(e.get(name))) for s in shapes)]
    if "After" in call.params:
        after = cast(call.params["After"], "System.DateTime")
        found = [e for e in found if e["TimeGenerated"] > after]
    if "Before" in call.params:
        before = cast(call.params["Before"], "System.DateTime")
        found = [e for e in found if e["TimeGenerated"] < before]
    if "InstanceId" in call.params:
        wanted = {to_int(v) for v in to_list(call.params["InstanceId"])}
        found = [e for e in found if to_int(e.get("InstanceId", e.get("EventID", 0))) in wanted]
    if "Message" in call.params:
        shape = wildcard(call.text("Message"))
        found = [e for e in found if shape.match(to_string(e.get("Message")))]
    if "Newest" in call.params:
        found = found[: to_int(call.params["Newest"])]
    if not found:
        yield CmdletError(
            "No matches found",
            "GetEventLogNoEntriesFound",
            False,
            category="ObjectNotFound",
            exception="System.ArgumentException",
        )
    yield from found


_SIDS = {
    "nt authority\\system": "SY", "builtin\\administrators": "BA", "builtin\\users": "BU", "everyone": "WD", "creator owner": "CO",
    "nt authority\\authenticated users": "AU", "nt service\\trustedinstaller":
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464", "nt authority\\network service": "NS",
    "nt authority\\local service": "LS",
}  # fmt: skip
_RIGHTS = {"fullcontrol": "FA", "modify": "0x1301bf", "readandexecute": "0x1200a9", "read": "FR", "write": "FW"}


def sid(account: str) -> str:
    """An account as SDDL writes it: two letters where there are any, else a SID made from the name."""
    known = _SIDS.get(account.casefold())
    if known is not None:
        return known
    number = sum(ord(c) * 31**i for i, c in enumerate(account.casefold())) % 50000
    return f"S-1-5-21-1004336348-1177238915-682003330-{1000 + number}"


def _sddl(owner: str, acl: list[tuple[str, str]], folder: bool) -> str:
    flags = "OICI" if folder else ""
    entries = "".join(
        f"(A;{flags};{_RIGHTS.get(re.split('[, ]', rights.casefold())[0], 'FR')};;;{sid(who)})" for who, rights in acl
    )
    return f"O:{sid(owner)}G:SYD:PAI{entries}"


@cmdlet(
    "Get-Acl",
    "Path",
    "Audit?",
    "Filter",
    "Include",
    "Exclude",
    positional=("Path",),
    pipe="Path",
    aliases={"pspath": "Path"},
)
def get_acl(call: Call) -> Iterable[Any]:
    """Owner and access list."""
    for full in each_path(call):
        if isinstance(full, CmdletError):
            yield full
            continue
        with touching(full):
            stat = call.machine.fs.stat(full)
        access = [PSObject({"FileSystemRights": rights, "AccessControlType": "Allow", "IdentityReference": who, "IsInherited": False,
                            "InheritanceFlags": "ContainerInherit, ObjectInherit" if stat.is_dir else "None", "PropagationFlags": "None"},
                           ("System.Security.AccessControl.FileSystemAccessRule", "System.Object"), view="list")
                  for who, rights in stat.acl]  # fmt: skip
        kind = "DirectorySecurity" if stat.is_dir else "FileSecurity"
        yield PSObject(
            {"Path": "Microsoft.PowerShell.Core\\FileSystem::" + full, "Owner": stat.owner, "Group": "NT AUTHORITY\\SYSTEM",
             "Access": access, "AccessToString": "\n".join(f"{who} Allow  {rights}" for who, rights in stat.acl),
             "Sddl": _sddl(stat.owner, stat.acl, stat.is_dir), "AreAccessRulesProtected": True},
            (f"System.Security.AccessControl.{kind}", "System.Object"), view="list",
            show=("Path", "Owner", "Group", "AccessToString", "Sddl"),
            methods={"GetOwner": lambda _kind=None, owner=stat.owner: owner})  # fmt: skip


@cmdlet("Get-AuthenticodeSignature", "FilePath", positional=("FilePath",), pipe="FilePath", aliases={"pspath": "FilePath"},
        required=("FilePath",))  # fmt: skip
def get_signature(call: Call) -> Iterable[Any]:
    """What a file says about its signer: `Signature: CN=…` in its bytes stands for a valid one."""
    for path in call.texts("FilePath"):
        from bot.lab.powershell.items import not_found
        from bot.lab.powershell.paths import full_path

        full = full_path(call.session, path)
        if not call.machine.fs.is_file(full):
            yield not_found(path)
            continue
        data = call.machine.fs.read(full)
        signed = re.search(rb"Signature: (CN=[^\r\n]+)", data)
        broken = data.find(b"DAMAGED") >= 0
        status = "HashMismatch" if broken else "Valid" if signed else "NotSigned"
        message = {"Valid": "Signature verified.", "HashMismatch": "The contents of file do not match the hash recorded in the signature.",
                   "NotSigned": f"The file {full} is not digitally signed."}[status]  # fmt: skip
        subject = signed[1].decode("utf-8", "replace") if signed else ""
        certificate = PSObject({"Subject": subject, "Issuer": "CN=Microsoft Code Signing PCA", "Thumbprint": "0" * 40},
                               ("System.Security.Cryptography.X509Certificates.X509Certificate2", "System.Object")) if signed else None  # fmt: skip
        kind = "System.Management.Automation.SignatureStatus"
        yield PSObject({"SignerCertificate": certificate, "Status": EnumValue(status, ENUMS[kind][status], kind), "Path": full,
                        "StatusMessage": message, "TimeStamperCertificate": None},
                       ("System.Management.Automation.Signature", "System.Object"), view="table",
                       show=("SignerCertificate", "Status", "Path"))  # fmt: skip
