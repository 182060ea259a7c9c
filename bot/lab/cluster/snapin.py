"""The Exchange 2007 snap-in: which cmdlets it brings, with the parameters each has, and what loading it costs."""

from __future__ import annotations

from bot.lab.cluster.cmdlets_act import Acts
from bot.lab.cluster.cmdlets_read import Reads
from bot.lab.cluster.cmdlets_test import Tests
from bot.lab.cluster.shell import Shell
from bot.lab.cluster.software import SNAPIN
from bot.lab.powershell.values import CmdletError
from bot.lab.windows.machine import Cmdlet, CmdletSpec, Machine, Session

SNAPIN_MB = 100.0  # with PowerShell itself just under the shell's 150 MB; no published figure (facts/exchange.md §9)
CONFIRMABLE = ("Confirm?", "WhatIf?", "DomainController")


def register(machine: Machine, shell: Shell, *, hidden: frozenset[str] = frozenset()) -> None:
    """Give a machine the snap-in's cmdlets; on RTM without those that Service Pack 1 brought."""
    reads, acts, tests = Reads(shell), Acts(shell), Tests(shell)
    reads.hidden = hidden
    rtm = shell.rtm
    newer = () if rtm else ("IgnoreDismounted?", "ValidateOnly?")
    standby = () if rtm else ("StandbyMachine",)

    def add(name: str, run: Cmdlet, parameters: tuple[str, ...], positional: tuple[str, ...] = ("Identity",)) -> None:
        machine.cmdlets[name.casefold()] = CmdletSpec(name, run, parameters, positional, SNAPIN)

    add("Get-ClusteredMailboxServerStatus", reads.cms_status, ("Identity", "DomainController"))
    add("Get-MailboxServer", reads.mailbox_server, ("Identity", "Status?", "DomainController"))
    add("Get-ExchangeServer", reads.exchange_server, ("Identity", "Status?", "Domain", "DomainController"))
    add(
        "Get-MailboxDatabase",
        reads.database,
        ("Identity", "Server", "StorageGroup", "Status?", "IncludePreExchange2007?", "DomainController"),
    )
    add(
        "Get-PublicFolderDatabase",
        reads.public_folder_database,
        ("Identity", "Server", "StorageGroup", "Status?", "IncludePreExchange2007?", "DomainController"),
    )
    add("Get-StorageGroup", reads.storage_group, ("Identity", "Server", "IncludePreExchange2007?", "DomainController"))
    add(
        "Get-StorageGroupCopyStatus",
        reads.copy_status,
        ("Identity", "Server", *standby, "DumpsterStatistics?", "DomainController"),
    )
    add("Get-Mailbox", reads.mailbox, ("Identity", "Server", "Database", "ResultSize", "Filter", "DomainController"))
    add("Get-Queue", reads.queue, ("Identity", "Server", "Filter", "ResultSize"))
    add("Move-ClusteredMailboxServer", acts.move, ("Identity", "TargetMachine", "MoveComment", *newer, *CONFIRMABLE))
    add("Stop-ClusteredMailboxServer", acts.stop, ("Identity", "StopReason", *CONFIRMABLE))
    add("Start-ClusteredMailboxServer", acts.start, ("Identity", *CONFIRMABLE))
    add("Mount-Database", acts.mount, ("Identity", "Force?", *CONFIRMABLE))
    add("Dismount-Database", acts.dismount, ("Identity", *CONFIRMABLE))
    add("Suspend-StorageGroupCopy", acts.suspend_copy, ("Identity", *standby, "SuspendComment", *CONFIRMABLE))
    add("Resume-StorageGroupCopy", acts.resume_copy, ("Identity", *standby, *CONFIRMABLE))
    add(
        "Update-StorageGroupCopy",
        acts.update_copy,
        ("Identity", *standby, "DeleteExistingFiles?", "Force?", "ManualResume?", *CONFIRMABLE),
    )
    if not rtm:
        add(
            "Test-ReplicationHealth",
            tests.replication,
            ("ActiveDirectoryTimeout", "DomainController", "MonitoringContext", "TransientEventSuppressionWindow"),
            (),
        )
    add(
        "Test-MapiConnectivity",
        tests.mapi,
        (
            "Identity",
            "Server",
            "Database",
            "PerConnectionTimeout",
            "AllConnectionsTimeout",
            "ActiveDirectoryTimeout",
            "MonitoringContext",
            "DomainController",
        ),
    )

    def load(session: Session) -> None:
        """Loading takes its time and its share of a WinRM shell's 150 MB; where they are gone, or a fault says so, it fails."""
        session.sleep(shell.world.timing.snapin_s)
        room = session.use_memory(SNAPIN_MB)
        if not room or shell.world.faults("snapin_fails", machine=machine.name) is not None:
            raise CmdletError(
                "Cannot load Windows PowerShell snap-in Microsoft.Exchange.Management.PowerShell.Admin because "
                "of the following error: Exception of type 'System.OutOfMemoryException' was thrown.",
                "AddPSSnapInRead",
                category="OpenError",
            )

    machine.snapin_load[SNAPIN.casefold()] = load
