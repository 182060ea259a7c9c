# job.ps1, version 1. Runs the one command that stands beside it, once, and leaves its exit code in `rc`.
#
# Beside it: job.txt (what was ordered), command.cmd or command.ps1 (what the gate showed, byte for byte).
# It writes: begun, then refused or rc; log, error, timeline. It never starts twice and ends no process.

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$folder = Split-Path -Parent $MyInvocation.MyCommand.Path

function Get-Now {
    [DateTime]::UtcNow.Ticks
}

function Write-Note {
    param($Name, $Text)
    [IO.File]::WriteAllText((Join-Path $folder $Name), $Text)
}

function Write-Refusal {
    param($Reason)
    Write-Note 'refused' $Reason
    exit 10
}

function Get-Hash {
    param($Path)
    # SHA256Managed is refused where FIPS is enforced; the other class needs .NET 3.5.
    try {
        Add-Type -AssemblyName System.Core
        $algorithm = New-Object Security.Cryptography.SHA256CryptoServiceProvider
    }
    catch {
        $algorithm = New-Object Security.Cryptography.SHA256Managed
    }
    $stream = [IO.File]::OpenRead($Path)
    try {
        $hash = $algorithm.ComputeHash($stream)
    }
    finally {
        $stream.Close()
    }
    [BitConverter]::ToString($hash).Replace('-', '').ToLower()
}

# What follows 'Name="' in the path of a cluster object.
function Get-LinkName {
    param($Path)
    $Path.Substring($Path.IndexOf('"') + 1).TrimEnd('"')
}

# Names of the groups this machine owns, of any kind and in any state.
function Get-OwnedGroups {
    foreach ($link in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_NodeToActiveGroup)) {
        if ((Get-LinkName $link.GroupComponent) -eq $env:COMPUTERNAME) {
            Get-LinkName $link.PartComponent
        }
    }
}

# Whether every one of these cluster resources is online (2). A cluster that cannot be asked is neither.
function Get-Outage {
    param($Watched)
    try {
        foreach ($resource in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_Resource)) {
            if ($Watched -contains $resource.Name -and $resource.State -ne 2) {
                return 'down'
            }
        }
        return 'up'
    }
    catch {
        return 'unknown'
    }
}

# --- the claim: whoever moves its own note to `begun` first has it; nobody gets it twice ------------------

$boot = ''
try {
    $system = Get-WmiObject -Class Win32_OperatingSystem
    $boot = [Management.ManagementDateTimeConverter]::ToDateTime($system.LastBootUpTime).ToUniversalTime().Ticks
}
catch {
    # Without WMI the process number and its start still say whether the job lives.
    $boot = ''
}
$started = (Get-Process -Id $PID).StartTime.ToUniversalTime().Ticks
$mine = 'begun.' + [string]$PID
Write-Note $mine ("boot`t$boot`npid`t$PID`nstarted`t$started`nat`t" + (Get-Now) + "`n")
try {
    [IO.File]::Move((Join-Path $folder $mine), (Join-Path $folder 'begun'))
}
catch {
    Remove-Item -LiteralPath (Join-Path $folder $mine)
    exit 11
}
if (Test-Path -LiteralPath (Join-Path $folder 'void')) {
    exit 12
}

try {
    # --- the order ------------------------------------------------------------------------------------------

    $order = @{}
    foreach ($line in [IO.File]::ReadAllText((Join-Path $folder 'job.txt')).Split("`n")) {
        $pair = $line.Split("`t")
        if ($pair.Length -eq 2) {
            $order[$pair[0]] = $pair[1]
        }
    }
    $env:ROLLUP_JOB = $order['name']
    $env:ROLLUP_FOLDER = $folder
    if ((Get-Now) -gt [long]$order['not_after']) {
        Write-Refusal 'late: the order was to be started earlier'
    }
    $file = Join-Path $folder $order['file']
    if ((Get-Hash $file) -ne $order['command_hash']) {
        Write-Refusal 'command: the file is not the command that was approved'
    }

    # --- the guard: a node that owns anything is not touched --------------------------------------------------

    if ($order['guard'] -eq 'empty') {
        $owned = @(Get-OwnedGroups)
        if ($owned.Count -gt 0) {
            Write-Refusal ('not empty: this machine owns ' + [string]::Join(', ', $owned))
        }
        foreach ($service in @(Get-WmiObject -Class Win32_Service)) {
            if ($service.Name -eq 'MSExchangeIS' -and $service.State -ne 'Stopped') {
                Write-Refusal 'not empty: the Information Store runs here'
            }
        }
    }

    # --- the package: copied, then hashed, then used -----------------------------------------------------------

    if ($order['package']) {
        $copy = Join-Path $folder (Split-Path -Leaf $order['package'])
        Copy-Item -LiteralPath $order['package'] -Destination $copy
        if ((Get-Hash $copy) -ne $order['sha256']) {
            Write-Refusal 'package: the file is not the one that was approved'
        }
        $env:ROLLUP_PACKAGE = $copy
    }

    # --- before a handoff: what of the clustered mailbox server is online now, each database included -----------

    $watched = @()
    if ($order['cms']) {
        $groups = @{}
        foreach ($link in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_ResourceGroupToResource)) {
            $groups[(Get-LinkName $link.PartComponent)] = Get-LinkName $link.GroupComponent
        }
        foreach ($resource in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_Resource)) {
            if ($groups[$resource.Name] -eq $order['cms'] -and $resource.State -eq 2) {
                $watched += $resource.Name
            }
        }
    }

    # --- the command ---------------------------------------------------------------------------------------------

    $info = New-Object Diagnostics.ProcessStartInfo
    $info.FileName = 'cmd.exe'
    $info.UseShellExecute = $false
    $line = [IO.File]::ReadAllText($file).Trim()
    if ($order['language'] -eq 'powershell') {
        $code = '$ErrorActionPreference = ''Stop''; Add-PSSnapin Microsoft.Exchange.Management.PowerShell.Admin; Invoke-Expression ([IO.File]::ReadAllText(''' + $file + '''))'
        $line = 'powershell.exe -NoProfile -NonInteractive -Command "' + $code + '"'
    }
    $info.Arguments = '/d /s /c "' + $line + ' > "' + (Join-Path $folder 'log') + '" 2>&1"'
    $times = @{}
    $times['start'] = Get-Now
    $since = [DateTime]::Now.AddSeconds(-1)
    $process = [Diagnostics.Process]::Start($info)
    if ($watched.Count -gt 0) {
        # The outage as the cluster sees it: something left online between `up` and `left`; by `mounted`
        # everything that was online is online again.
        while (-not $process.WaitForExit(1000)) {
            if (-not $times['left']) {
                $seen = Get-Outage $watched
                if ($seen -eq 'up') {
                    $times['up'] = Get-Now
                }
                if ($seen -eq 'down') {
                    $times['left'] = Get-Now
                }
            }
        }
        $times['end'] = Get-Now
        $patience = [DateTime]::UtcNow.AddMinutes(15)
        while ((Get-Outage $watched) -ne 'up' -and [DateTime]::UtcNow -lt $patience) {
            Start-Sleep -Seconds 1
        }
        if ((Get-Outage $watched) -eq 'up') {
            $times['mounted'] = Get-Now
        }
        # The event log knows it to the second: 9523 is written for each database that starts here, 100 by
        # the Replication service for the handoff itself.
        try {
            foreach ($entry in @(Get-EventLog -LogName Application -After $since)) {
                $at = $entry.TimeGenerated.ToUniversalTime().Ticks
                if ($entry.EventID -eq 9523 -and $at -gt [long]$times['event9523']) {
                    $times['event9523'] = $at
                }
                if ($entry.Source -eq 'MSExchangeRepl' -and $entry.EventID -eq 100) {
                    $times['event100'] = $at
                }
            }
        }
        catch {
            $times['events'] = 0
        }
        $lines = ''
        foreach ($key in @($times.Keys)) {
            $lines = $lines + $key + "`t" + [string]$times[$key] + "`n"
        }
        Write-Note 'timeline' $lines
    }
    else {
        $process.WaitForExit()
    }

    # --- the exit code: whole or not there at all -----------------------------------------------------------------

    Write-Note 'rc.tmp' ([string]$process.ExitCode + "`t" + (Get-Now))
    Move-Item -LiteralPath (Join-Path $folder 'rc.tmp') -Destination (Join-Path $folder 'rc')
    exit 0
}
catch {
    # Before the command ran this is a refusal; afterwards `begun` without `rc` says that nobody knows.
    Write-Note 'error' $_.Exception.Message
    if (-not $process) {
        Write-Note 'refused' ('could not prepare: ' + $_.Exception.Message)
    }
    exit 13
}
