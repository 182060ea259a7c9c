"""The WMI classes every Windows has: operating system, computer, services, processes and disks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot.lab.windows.cmd_builtins import BUILDS
from bot.lab.windows.services import MANUAL, ServiceError
from bot.lab.windows.tools_system import os_name

if TYPE_CHECKING:
    from bot.lab.powershell.values import PSObject
    from bot.lab.windows.machine import Session


def cim_time(at: float) -> str:
    """A CIM datetime: `yyyymmddHHMMSS.mmmmmm+UUU`, here always in UTC (offset in minutes)."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%d%H%M%S.%f") + "+000"


def wmi_object(session: Session, name: str, properties: dict[str, Any], key: str, **methods: Any) -> PSObject:
    """One instance as Get-WmiObject gives it, with the system properties scripts look at."""
    from bot.lab.powershell.values import PSObject

    host = session.machine.name.upper()
    path = f'\\\\{host}\\root\\cimv2:{name}.{key}="{properties[key]}"'
    system = {
        "__CLASS": name,
        "__SERVER": host,
        "__NAMESPACE": "root\\cimv2",
        "__PATH": path,
        "__RELPATH": path.partition(":")[2],
    }
    return PSObject(
        properties | system,
        (f"System.Management.ManagementObject#root\\cimv2\\{name}", "System.Management.ManagementObject"),
        text=path,
        methods=methods,
    )


def operating_system(session: Session) -> Iterator[PSObject]:
    """Win32_OperatingSystem."""
    machine = session.machine

    def reboot(*_: Any) -> PSObject:
        from bot.lab.powershell.values import PSObject

        machine.reboot(machine.reboot_s)
        return PSObject({"ReturnValue": 0})

    yield wmi_object(
        session,
        "Win32_OperatingSystem",
        {
            "CSName": machine.name.upper(),
            "Caption": os_name(machine),
            "Version": BUILDS.get(machine.os_version, machine.os_version),
            "BuildNumber": BUILDS.get(machine.os_version, "0").rpartition(".")[2],
            "LastBootUpTime": cim_time(machine.boot_time),
            "LocalDateTime": cim_time(machine.now()),
            "CurrentTimeZone": 0,
            "OSArchitecture": "64-bit",
            "SystemDirectory": "C:\\Windows\\system32",
            "Name": f"{os_name(machine)}|C:\\Windows|\\Device\\Harddisk0\\Partition1",
        },
        "Name",
        Reboot=reboot,
        Win32Shutdown=reboot,
    )


def computer_system(session: Session) -> Iterator[PSObject]:
    """Win32_ComputerSystem."""
    machine = session.machine
    yield wmi_object(
        session,
        "Win32_ComputerSystem",
        {
            "Name": machine.name.upper(),
            "Domain": f"{machine.domain.casefold()}.test",
            "PartOfDomain": True,
            "DomainRole": 3,
            "Manufacturer": "rollup-bot practice range",
            "TotalPhysicalMemory": 16 * 2**30,
        },
        "Name",
    )


def services(session: Session) -> Iterator[PSObject]:
    """Win32_Service, with StartService, StopService and ChangeStartMode."""
    found = session.machine.services
    codes = {1056: 10, 1058: 14, 1060: 1, 1062: 5, 1051: 3, 1068: 15}

    def asked(call: Any) -> Any:
        def method(*arguments: Any) -> PSObject:
            from bot.lab.powershell.values import PSObject

            try:
                call(*arguments)
            except ServiceError as refused:
                return PSObject({"ReturnValue": codes.get(refused.code, 7)})
            return PSObject({"ReturnValue": 0})

        return method

    for service in found.all():
        name = service.name

        def start(*_: Any, name: str = name) -> None:
            found.start(name)

        def stop(*_: Any, name: str = name) -> None:
            found.stop(name)

        def mode(wanted: str = "", *_: Any, name: str = name) -> None:
            found.set_mode(name, {"automatic": "Auto", "manual": MANUAL, "disabled": "Disabled"}[wanted.casefold()])

        yield wmi_object(
            session,
            "Win32_Service",
            {
                "Name": name,
                "DisplayName": service.display,
                "State": service.state,
                "StartMode": service.start_mode,
                "Started": service.state == "Running",
                "Status": "OK",
                "StartName": service.account,
                "ProcessId": 0,
                "ExitCode": 0,
            },
            "Name",
            StartService=asked(start),
            StopService=asked(stop),
            ChangeStartMode=asked(mode),
        )


def processes(session: Session) -> Iterator[PSObject]:
    """Win32_Process, with Terminate."""
    from bot.lab.powershell.values import PSObject

    running = session.machine.processes
    for process in running.all():

        def terminate(*_: Any, pid: int = process.pid) -> PSObject:
            return PSObject({"ReturnValue": 0 if running.kill(pid) else 2})

        yield wmi_object(
            session,
            "Win32_Process",
            {
                "Name": process.name,
                "ProcessId": process.pid,
                "Handle": str(process.pid),
                "ParentProcessId": process.parent,
                "CommandLine": process.commandline or None,
                "CreationDate": cim_time(process.started),
            },
            "Handle",
            Terminate=terminate,
        )


def logical_disks(session: Session) -> Iterator[PSObject]:
    """Win32_LogicalDisk."""
    for drive in session.machine.fs.drives.values():
        if drive.online:
            yield wmi_object(
                session,
                "Win32_LogicalDisk",
                {
                    "DeviceID": drive.letter,
                    "Name": drive.letter,
                    "DriveType": 3,
                    "FileSystem": drive.filesystem,
                    "FreeSpace": drive.left,
                    "Size": drive.size,
                    "VolumeName": drive.label,
                    "VolumeDirty": drive.dirty,
                },
                "DeviceID",
            )


def volumes(session: Session) -> Iterator[PSObject]:
    """Win32_Volume."""
    for drive in session.machine.fs.drives.values():
        if drive.online:
            yield wmi_object(
                session,
                "Win32_Volume",
                {
                    "DeviceID": f"\\\\?\\Volume{{{ord(drive.letter[0]):08x}-0000-0000-0000-000000000000}}\\",
                    "DriveLetter": drive.letter,
                    "DriveType": 3,
                    "Name": drive.letter + "\\",
                    "Label": drive.label,
                    "Capacity": drive.size,
                    "FreeSpace": drive.left,
                    "DirtyBitSet": drive.dirty,
                    "FileSystem": drive.filesystem,
                },
                "DeviceID",
            )


def network_adapters(session: Session) -> Iterator[PSObject]:
    """Win32_NetworkAdapterConfiguration: one adapter per address, and one that is not bound to TCP/IP."""
    for index, address in enumerate(("", *session.machine.addresses)):
        yield wmi_object(
            session,
            "Win32_NetworkAdapterConfiguration",
            {
                "Index": index,
                "Description": "WAN Miniport (L2TP)" if not address else f"Ethernet Adapter #{index}",
                "IPEnabled": bool(address),
                "IPAddress": [address] if address else None,
                "IPSubnet": ["255.255.0.0"] if address else None,
                "DHCPEnabled": False,
            },
            "Index",
        )


CLASSES = {
    "win32_operatingsystem": operating_system,
    "win32_computersystem": computer_system,
    "win32_service": services,
    "win32_process": processes,
    "win32_logicaldisk": logical_disks,
    "win32_volume": volumes,
    "win32_networkadapterconfiguration": network_adapters,
}
