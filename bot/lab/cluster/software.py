"""What is installed on a simulated machine: Exchange's files, registry and services, and its level."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from bot.lab.cluster import catalogue, packages
from bot.lab.cluster.exchange import ACTIVE_SERVICES
from bot.lab.scenario_words import Machine as MachineWords
from bot.lab.scenario_words import Package
from bot.lab.windows.machine import Machine

HOME = "C:\\Program Files\\Microsoft\\Exchange Server\\"
EXSETUP = HOME + "bin\\ExSetup.exe"
CUSTOM = HOME + "Scripts\\Customization\\CustomPatchInstallerActions.ps1"
SETUP_KEY = "HKLM\\SOFTWARE\\Microsoft\\Exchange\\v8.0\\Setup"
PRODUCT_KEY = (
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\UserData\\S-1-5-18\\Products\\"
    "461C2B4266EDEF444B864AD6D9E5B613"
)
SESSION_MANAGER = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"
WINTRUST = "HKU\\S-1-5-18\\Software\\Microsoft\\Windows\\CurrentVersion\\WinTrust\\Trust Providers\\Software Publishing"
SNAPIN = "Microsoft.Exchange.Management.PowerShell.Admin"
SYSTEM_ATTENDANT = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MSExchangeSA\\Parameters"
CRL_HOST = "crl.microsoft.com"
CRL_OFF, CRL_ON = 0x23E00, 0x23C00  # WinTrust State: revocation not checked, checked

EVERYWHERE = {
    "MSExchangeADTopology": "Microsoft Exchange Active Directory Topology Service",
    "MSExchangeRepl": "Microsoft Exchange Replication Service",
    "MSExchangeServiceHost": "Microsoft Exchange Service Host",
    "MSExchangeTransportLogSearch": "Microsoft Exchange Transport Log Search",
    "MSFTESQL-Exchange": "Microsoft Search  (Exchange)",
}
WITH_THE_CMS = {
    "MSExchangeIS": "Microsoft Exchange Information Store",
    "MSExchangeSA": "Microsoft Exchange System Attendant",
    "MSExchangeMailboxAssistants": "Microsoft Exchange Mailbox Assistants",
    "MSExchangeMailSubmission": "Microsoft Exchange Mail Submission",
    "MSExchangeSearch": "Microsoft Exchange Search Indexer",
}
OF_ROLES = {
    "HubTransport": {
        "MSExchangeTransport": "Microsoft Exchange Transport",
        "MSExchangeEdgeSync": "Microsoft Exchange EdgeSync",
    },
    "ClientAccess": {
        "MSExchangeFDS": "Microsoft Exchange File Distribution",
        "MSExchangePOP3": "Microsoft Exchange POP3",
    },
    "UnifiedMessaging": {"MSExchangeUM": "Microsoft Exchange Unified Messaging"},
}
FOREFRONT = {
    "FSCController": "Forefront Server Security Controller",
    "FSEIMC": "Forefront Server Security for Exchange",
}
WINDOWS = {
    "Winmgmt": "Windows Management Instrumentation",
    "RemoteRegistry": "Remote Registry",
    "W3SVC": "World Wide Web Publishing Service",
    "msiserver": "Windows Installer",
}


def install(machine: Machine, told: MachineWords, *, clustered: bool, roles: Iterable[str] = ("Mailbox",)) -> None:
    """Put Exchange at the told level on a machine, and whatever else the scenario says of its software."""
    base = told.base or catalogue.base_of(told.build)
    machine.powershell_version = told.powershell
    machine.snapins.add(SNAPIN)
    registry = machine.registry
    registry.set(SETUP_KEY, "MsiInstallPath", HOME)
    registry.set(PRODUCT_KEY + "\\InstallProperties", "DisplayName", "Microsoft Exchange Server")
    registry.set(PRODUCT_KEY + "\\InstallProperties", "DisplayVersion", base)
    registry.set(PRODUCT_KEY + "\\InstallProperties", "InstallLocation", HOME)
    registry.create(PRODUCT_KEY + "\\Patches")
    registry.create(SESSION_MANAGER)
    registry.create(SYSTEM_ATTENDANT)
    machine.fs.set_version(EXSETUP, catalogue.long_form(base))
    listed = told.listed or told.build
    if listed != base:
        level_up(machine, listed, "", "20160925")
    machine.fs.set_version(EXSETUP, catalogue.long_form(told.build))
    if told.interim_update:
        _patch(machine, f"Interim Update ({told.interim_update}) {told.build}", told.interim_update, 1, "20160930")
    _services(machine, clustered=clustered, roles=tuple(roles), forefront=told.forefront)
    for name in told.agents:
        machine.services.add(name, name)
    if told.crl != "reachable":
        machine.no_route.add(CRL_HOST)
    registry.set(WINTRUST, "State", CRL_OFF if told.crl == "off" else CRL_ON)
    if told.execution_policy:
        registry.set(
            "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\PowerShell", "ExecutionPolicy", told.execution_policy
        )
    if told.reboot_pending:
        owe_reboot(machine)
    if told.custom_actions:
        machine.fs.makedirs(CUSTOM.rsplit("\\", 1)[0])
        machine.fs.write(CUSTOM, told.custom_actions.encode())
    machine.fs.drives["C:"].free = told.free_mb * 2**20


def level(machine: Machine) -> str:
    """The build on the machine, from ExSetup.exe's version."""
    return ".".join(str(n) for n in catalogue.number(machine.fs.stat(EXSETUP).version))


def listed(machine: Machine) -> str:
    """The build the Installer believes in: its applied rollup, whatever files lie there, else the service pack."""
    patches = PRODUCT_KEY + "\\Patches"
    for key in machine.registry.subkeys(patches):
        name = str(machine.registry.value(f"{patches}\\{key}", "DisplayName"))
        if name.startswith("Update Rollup") and machine.registry.value(f"{patches}\\{key}", "State") == 1:
            return name.rpartition(" ")[2]
    return base(machine)


def base(machine: Machine) -> str:
    """The service pack's build."""
    return str(machine.registry.value(PRODUCT_KEY + "\\InstallProperties", "DisplayVersion"))


def level_up(machine: Machine, build: str, kb: str, day: str) -> None:
    """A rollup is on: file versions, Patches keys (earlier ones superseded), the bulletins' key."""
    patches = PRODUCT_KEY + "\\Patches"
    for key in machine.registry.subkeys(patches):
        if str(machine.registry.value(f"{patches}\\{key}", "DisplayName")).startswith("Update Rollup"):
            machine.registry.set(f"{patches}\\{key}", "State", 2)
    name = catalogue.title(build, kb)
    _patch(machine, name, build, 1, day)
    kb = kb.removeprefix("KB") or catalogue.BUILDS.get(build, ("", "", ""))[2]
    if kb:
        machine.registry.set(
            f"HKLM\\SOFTWARE\\Microsoft\\Updates\\Exchange 2007\\SP{base(machine).split('.')[1]}\\KB{kb}",
            "PackageName",
            name,
        )
    machine.fs.set_version(EXSETUP, catalogue.long_form(build))


def _patch(machine: Machine, name: str, seed: str, state: int, day: str) -> None:
    packed = hashlib.md5(seed.encode(), usedforsecurity=False).hexdigest().upper()
    key = f"{PRODUCT_KEY}\\Patches\\{packed}"
    machine.registry.set(key, "DisplayName", name)
    machine.registry.set(key, "State", state)
    machine.registry.set(key, "Installed", day)


def interim_update(machine: Machine) -> bool:
    """Whether an interim update is in the way of a rollup."""
    patches = PRODUCT_KEY + "\\Patches"
    return any(
        str(machine.registry.value(f"{patches}\\{key}", "DisplayName")).startswith("Interim Update")
        for key in machine.registry.subkeys(patches)
    )


def owe_reboot(machine: Machine) -> None:
    """Files are waiting for a restart."""
    machine.registry.set(SESSION_MANAGER, "PendingFileRenameOperations", ["\\??\\C:\\Config.Msi\\4e1f2a.rbf", ""])


def paid_reboot(machine: Machine) -> None:
    """The restart renamed them."""
    machine.registry.delete(SESSION_MANAGER, "PendingFileRenameOperations")


def exchange_services(machine: Machine) -> list[str]:
    """Names of Exchange's own services on the machine, and those its installer stops with them."""
    return [
        s.name
        for s in machine.services.all()
        if s.name.startswith("MSExchange") or s.name in {"MSFTESQL-Exchange", "W3SVC"}
    ]


def place(machine: Machine, package: Package) -> None:
    """Put a package where the scenario says, good or swapped, or not at all."""
    name = machine.name.casefold()
    if name in {m.casefold() for m in package.absent_on}:
        return
    where = packages.path(package)
    kind = "swapped" if name in {m.casefold() for m in package.swapped_on} else "good"
    machine.fs.makedirs(where.rsplit("\\", 1)[0])
    machine.fs.write(where, packages.content(package, kind=kind))


def _services(machine: Machine, *, clustered: bool, roles: tuple[str, ...], forefront: bool) -> None:
    services = machine.services
    for name, display in WINDOWS.items():
        if services.get(name) is None:
            manual = name == "msiserver"
            services.add(name, display, "Stopped" if manual else "Running", "Manual" if manual else "Auto")
    for name, display in EVERYWHERE.items():
        services.add(name, display)
    for name in ACTIVE_SERVICES:
        # On a cluster node the cluster starts these where the clustered mailbox server is.
        services.add(name, WITH_THE_CMS[name], "Stopped" if clustered else "Running", "Manual" if clustered else "Auto")
    for role in roles:
        for name, display in OF_ROLES.get(role, {}).items():
            services.add(name, display)
    if forefront:
        for name, display in FOREFRONT.items():
            services.add(name, display)
