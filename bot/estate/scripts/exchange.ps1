# exchange.ps1, version 1. Reads what Exchange knows here. Changes nothing: -ValidateOnly and Test- are reads.
#
# Parameters: kinds, validate (lines of cms<TAB>target).

# Machines are named short or in full, in any case.
function Get-Short {
    param($Name)
    ([string]$Name).Split('.')[0].ToLower()
}

function Get-Ticks {
    param($Time)
    if ($Time) {
        $Time.ToUniversalTime().Ticks
    }
}

$me = Get-Short $env:COMPUTERNAME
$servers = New-Object Collections.ArrayList
$sources = New-Object Collections.ArrayList

Section 'fast' 'snapin' {
    Add-PSSnapin Microsoft.Exchange.Management.PowerShell.Admin
}

# Every clustered mailbox server that may run on this machine, and this machine if it is a mailbox server.
Section 'fast' 'cms' {
    foreach ($server in @(Get-MailboxServer)) {
        $nodes = @($server.RedundantMachines | Where-Object { $_ })
        if ((Get-Short $server.Name) -eq $me) {
            [void]$sources.Add($server.Name)
        }
        if (@($nodes | ForEach-Object { Get-Short $_ }) -contains $me) {
            [void]$servers.Add($server.Name)
            [void]$sources.Add($server.Name)
            Say 'cms' @($server.Name, $server.ClusteredStorageType)
            foreach ($node in $nodes) {
                Say 'cms.redundant' @($server.Name, $node)
            }
        }
    }
}

Section 'fast' 'status' {
    foreach ($name in $servers) {
        $status = Get-ClusteredMailboxServerStatus -Identity $name
        Say 'cms.state' @($name, $status.State)
        foreach ($machine in @($status.OperationalMachines | Where-Object { $_ })) {
            Say 'cms.operational' @($name, $machine)
        }
    }
}

Section 'fast' 'version' {
    foreach ($name in $servers) {
        Say 'cms.version' @($name, (Get-ExchangeServer -Identity $name).AdminDisplayVersion)
    }
}

Section 'fast' 'databases' {
    foreach ($name in $servers) {
        $kinds = @{ database = @(Get-MailboxDatabase -Server $name -Status); public = @(Get-PublicFolderDatabase -Server $name -Status) }
        foreach ($kind in $kinds.Keys) {
            foreach ($database in $kinds[$kind]) {
                Say $kind @($name, $database.StorageGroupName, $database.Name, $database.Mounted, $database.BackupInProgress, (Get-Ticks $database.LastFullBackup))
            }
        }
    }
}

Section 'fast' 'standby' {
    foreach ($name in $sources) {
        foreach ($group in @(Get-StorageGroup -Server $name)) {
            Say 'group' @($name, $group.Name)
            foreach ($standby in @($group.StandbyMachines | Where-Object { $_ })) {
                Say 'standby' @($name, $group.Name, $standby.NodeName, $standby.ReplayLagTime.TotalSeconds)
            }
        }
    }
}

Section 'slow' 'copies' {
    foreach ($name in $servers) {
        foreach ($copy in @(Get-StorageGroupCopyStatus -Server $name)) {
            Say 'copy' @($name, $copy.Name, '', $copy.SummaryCopyStatus, $copy.CopyQueueLength, $copy.ReplayQueueLength)
        }
        foreach ($group in @(Get-StorageGroup -Server $name)) {
            foreach ($standby in @($group.StandbyMachines | Where-Object { $_ })) {
                $copy = Get-StorageGroupCopyStatus -Identity ($name + '\' + $group.Name) -StandbyMachine $standby.NodeName
                Say 'copy' @($name, $group.Name, $standby.NodeName, $copy.SummaryCopyStatus, $copy.CopyQueueLength, $copy.ReplayQueueLength)
            }
        }
    }
}

# New with Service Pack 1: without the cmdlet there is nothing to test.
Section 'slow' 'health' {
    if (Get-Command Test-ReplicationHealth -ErrorAction SilentlyContinue) {
        foreach ($item in @(Test-ReplicationHealth)) {
            Say 'health' @($item.Check, $item.Result, $item.Error)
        }
    }
    else {
        Say 'health.none' @('')
    }
}

Section 'validate' 'validate' {
    foreach ($line in $Given['validate'].Split("`n")) {
        $pair = $line.Split("`t")
        if ($pair.Length -eq 2) {
            try {
                Move-ClusteredMailboxServer -Identity $pair[0] -TargetMachine $pair[1] -MoveComment 'rollup-bot: validation only' -ValidateOnly -Confirm:$false | Out-Null
                Say 'validate' @($pair[0], $pair[1], '')
            }
            catch {
                Say 'validate' @($pair[0], $pair[1], $_.Exception.Message)
            }
        }
    }
}

Section 'slow' 'mapi' {
    foreach ($name in $servers) {
        foreach ($test in @(Test-MapiConnectivity -Server $name)) {
            Say 'mapi' @($test.Database, $test.Result)
        }
    }
}

# What a stand-alone machine does beside being a standby.
Section 'slow' 'roles' {
    foreach ($server in @(Get-ExchangeServer | Where-Object { (Get-Short $_.Name) -eq $me })) {
        Say 'roles' @($server.ServerRole)
        Say 'mailboxes' @(@(Get-Mailbox -Server $server.Name -ResultSize Unlimited).Count)
    }
}
