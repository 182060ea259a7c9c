# look.ps1, version 1. Stands after the prelude where a job's folder is read. Changes nothing.

# The end of a file that someone may still be writing to.
function Get-Tail {
    param($Path)
    $stream = [IO.File]::Open($Path, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]::ReadWrite)
    try {
        if ($stream.Length -gt 4000) {
            [void]$stream.Seek($stream.Length - 4000, [IO.SeekOrigin]::Begin)
        }
        $buffer = New-Object byte[] 4000
        $count = $stream.Read($buffer, 0, 4000)
        [Convert]::ToBase64String($buffer, 0, $count)
    }
    finally {
        $stream.Close()
    }
}

# Is the process that wrote `begun` still there? Its number may be another's by now.
function Test-Alive {
    param($Begun)
    foreach ($process in @(Get-Process | Where-Object { [string]$_.Id -eq $Begun['pid'] })) {
        try {
            if ([string]$process.StartTime.ToUniversalTime().Ticks -eq $Begun['started']) {
                return $true
            }
        }
        catch {
            # Windows hides the start of its own processes: then it is not one of ours.
            continue
        }
    }
    return $false
}

function Read-Pairs {
    param($Path)
    $found = @{}
    foreach ($line in [IO.File]::ReadAllText($Path).Split("`n")) {
        $pair = $line.Trim("`r").Split("`t")
        if ($pair.Length -eq 2) {
            $found[$pair[0]] = $pair[1]
        }
    }
    $found
}

# What stands in one folder. The process is looked for before `rc` is read: a job writes that while it
# lives, so "gone, and no exit code" is said only of a job that was cut off.
function Show-Folder {
    param($Folder, [switch]$Tail)
    if (-not (Test-Path -LiteralPath $Folder)) {
        return
    }
    $name = Split-Path -Leaf $Folder
    Say 'folder' @($name)
    $begun = Join-Path $Folder 'begun'
    $has = Test-Path -LiteralPath $begun
    $alive = $false
    if ($has) {
        $alive = Test-Alive (Read-Pairs $begun)
    }
    foreach ($file in @('job.txt', 'begun', 'rc', 'refused', 'void', 'error', 'timeline')) {
        $path = Join-Path $Folder $file
        if (Test-Path -LiteralPath $path) {
            Say 'file' @($name, $file, [IO.File]::ReadAllText($path))
        }
    }
    if ($has) {
        Say 'alive' @($name, $alive)
    }
    if ($Tail) {
        $logs = @(Get-ChildItem $Folder | Where-Object { $_.Name -eq 'log' -or $_.Name -like '*.log' })
        $newest = @($logs | Sort-Object LastWriteTime | Select-Object -Last 1)
        if ($newest.Count -gt 0) {
            Say 'log' @($name, $newest[0].Name, $newest[0].LastWriteTimeUtc.Ticks, (Get-Tail $newest[0].FullName))
        }
    }
}
