# survey.ps1, version 1. Reads what only some moments need to know of this machine. Changes nothing.
#
# Parameters: kinds (of sections).

# Several sections need the snap-in, and what is there already cannot be added again.
$script:exchange = $false
function Use-Exchange {
    if (-not $script:exchange) {
        Add-PSSnapin Microsoft.Exchange.Management.PowerShell.Admin
        $script:exchange = $true
    }
}

# The mail servers that may run on this machine.
function Get-Mine {
    foreach ($server in @(Get-MailboxServer)) {
        if (@($server.RedundantMachines | ForEach-Object { ([string]$_).Split('.')[0] }) -contains $env:COMPUTERNAME) {
            $server.Name
        }
    }
}

# The lines as they are: their words differ with the language of Windows, names and numbers do not.
Section 'writers' 'writers' {
    foreach ($line in @(vssadmin.exe list writers)) {
        Say 'writer' @($line)
    }
    if ($LASTEXITCODE) {
        throw ('vssadmin ended with ' + $LASTEXITCODE)
    }
}

Section 'volumes' 'volumes' {
    Say 'system.drive' @($env:SystemDrive)
    foreach ($volume in @(Get-WmiObject -Class Win32_Volume)) {
        if ($volume.DriveType -eq 3) {
            Say 'volume' @($volume.Name, $volume.DirtyBitSet)
        }
    }
}

# Which of the cluster's networks this machine is in follows from its addresses.
Section 'networks' 'networks' {
    foreach ($network in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_Network)) {
        Say 'network' @($network.Name, $network.Address, $network.AddressMask, $network.Role)
    }
    foreach ($adapter in @(Get-WmiObject -Class Win32_NetworkAdapterConfiguration)) {
        foreach ($address in @($adapter.IPAddress | Where-Object { $_ })) {
            Say 'address' @($address)
        }
    }
    foreach ($resource in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_Resource)) {
        if ($resource.Type -eq 'Network Name') {
            $private = $resource.PrivateProperties
            Say 'name' @($private.Name, $private.HostRecordTTL)
        }
    }
}

Section 'servers' 'servers' {
    Use-Exchange
    foreach ($server in @(Get-ExchangeServer)) {
        Say 'server' @($server.Name, $server.ServerRole, $server.AdminDisplayVersion)
    }
}

# WinHTTP's proxy is the machine's, not the account's: what this request reaches, SYSTEM reaches too.
Section 'crl' 'crl' {
    $request = New-Object -ComObject WinHttp.WinHttpRequest.5.1
    $request.SetTimeouts(5000, 5000, 5000, 5000)
    $request.Open('HEAD', 'http://crl.microsoft.com/pki/crl/products/CSPCA.crl', $false)
    try {
        $request.Send()
        Say 'crl' @($request.Status, '')
    }
    catch {
        Say 'crl' @('', $_.Exception.Message)
    }
}

# Every mail server that was ever configured here has a key; its value names one node.
Section 'oab' 'oab' {
    foreach ($key in @(Get-ChildItem HKLM:\SYSTEM\CurrentControlSet\Services\MSExchangeSA\Parameters | Where-Object { $_ })) {
        Say 'oab' @($key.PSChildName, (Get-ItemProperty $key.PSPath).EnableOabGenOnThisNode)
    }
}

# A second hop: without delegation it fails, and says so.
Section 'queues' 'queues' {
    Use-Exchange
    foreach ($server in @(Get-ExchangeServer | Where-Object { [string]$_.ServerRole -match 'HubTransport' })) {
        try {
            foreach ($queue in @(Get-Queue -Server $server.Name)) {
                Say 'queue' @($server.Name, $queue.NextHopDomain, $queue.MessageCount)
            }
            Say 'hub' @($server.Name, '')
        }
        catch {
            Say 'hub' @($server.Name, $_.Exception.Message)
        }
    }
}

# Agents of monitoring, software rollout, backup and file scanning, by the names of their services.
Section 'agents' 'agents' {
    foreach ($service in @(Get-WmiObject -Class Win32_Service)) {
        if ($service.State -eq 'Running' -and $service.Name -match '^(HealthService|MOM|CcmExec|BESClient|KNTCMA_Primary|PatrolAgent|NSClient.*|nscp|OvCtrl|BackupExecAgent.*|NetBackup .*|GxCVD.*|McShield|Symantec AntiVirus|ekrn)$') {
            Say 'agent' @($service.Name)
        }
    }
}

# How fast a storage group fills the volume of its logs. A log's number counts every one that was made, whatever a
# backup has deleted since: the newest is compared with the last one older than four hours, else with the oldest there.
Section 'logs' 'logs' {
    Use-Exchange
    $volumes = @(Get-WmiObject -Class Win32_Volume | Where-Object { $_.DriveType -eq 3 })
    $since = [DateTime]::UtcNow.AddHours(-4)
    foreach ($name in @(Get-Mine)) {
        foreach ($group in @(Get-StorageGroup -Server $name)) {
            $folder = ([string]$group.LogFolderPath).TrimEnd('\') + '\'
            $pattern = '^' + $group.LogFilePrefix + '[0-9A-F]{8}\.log$'
            $volume = $newest = $before = $oldest = $null
            try {
                foreach ($one in $volumes) {
                    if ($folder.ToLower().StartsWith(([string]$one.Name).ToLower()) -and (-not $volume -or $one.Name.Length -gt $volume.Name.Length)) {
                        $volume = $one
                    }
                }
                Get-ChildItem -LiteralPath $folder | Where-Object { $_.Name -match $pattern } | ForEach-Object {
                    if (-not $newest -or $_.Name -gt $newest.Name) {
                        $newest = $_
                    }
                    if ($_.LastWriteTimeUtc -lt $since) {
                        if (-not $before -or $_.Name -gt $before.Name) {
                            $before = $_
                        }
                    }
                    elseif (-not $oldest -or $_.Name -lt $oldest.Name) {
                        $oldest = $_
                    }
                }
                if (-not $before) {
                    $before = $oldest
                }
                Say 'log' @($name, $group.Name, $volume.Name, $volume.FreeSpace, $newest.Name, $before.Name, $before.LastWriteTimeUtc.Ticks, '')
            }
            catch {
                Say 'log' @($name, $group.Name, $volume.Name, '', '', '', '', $_.Exception.Message)
            }
        }
    }
}

# Every SCR copy in the organisation that this machine holds, or feeds from storage groups of its own. One it holds is
# asked of itself, whatever server the copy is of; one it feeds is asked of the other machine.
Section 'scr' 'scr' {
    Use-Exchange
    foreach ($group in @(Get-StorageGroup)) {
        $identity = [string]$group.Identity
        foreach ($standby in @($group.StandbyMachines | Where-Object { $_ })) {
            if (@($identity.Split('\')[0], ([string]$standby.NodeName).Split('.')[0]) -contains $env:COMPUTERNAME) {
                try {
                    $copy = Get-StorageGroupCopyStatus -Identity $identity -StandbyMachine $standby.NodeName
                    Say 'scr' @($identity, $standby.NodeName, $copy.SummaryCopyStatus, '')
                }
                catch {
                    Say 'scr' @($identity, $standby.NodeName, '', $_.Exception.Message)
                }
            }
        }
    }
}

# Whether mail is up, by the cluster's own word. No snap-in is loaded: nothing of Exchange is held open by it, so it may
# be asked of a machine that is being patched.
Section 'mail' 'mail' {
    foreach ($resource in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_Resource)) {
        if ($resource.Type -like 'Microsoft Exchange *') {
            Say 'resource' @($resource.Name, $resource.Type, $resource.State)
        }
    }
}

# How many mailboxes a mail server holds. They go by one at a time: a shell has 150 MB.
Section 'users' 'users' {
    Use-Exchange
    foreach ($name in @(Get-Mine)) {
        $count = 0
        Get-Mailbox -Server $name -ResultSize Unlimited | ForEach-Object {
            $count = $count + 1
        }
        Say 'users' @($name, $count)
    }
}
