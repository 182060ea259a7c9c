# prelude.ps1, version 1. Stands before every script the bot sends, and changes nothing on the machine.
#
# Before it the bot writes one string, $Parameters: lines of key<TAB>base64(value). Names and texts
# arrive as data and never become part of the code.
#
# Replies are lines of key<TAB>base64(field)<TAB>base64(field)... between two marks, so that neither
# code page, nor language, nor the width of a console can change them. Times are UTC ticks.

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Read-Base64 {
    param($Text)
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($Text))
}

$Given = @{}
foreach ($line in $Parameters.Split("`n")) {
    $pair = $line.Trim("`r").Split("`t")
    if ($pair.Length -eq 2) {
        $Given[$pair[0]] = Read-Base64 $pair[1]
    }
}

$Said = @{ Lines = 0; Text = '' }

function Say {
    param($Key, $Fields)
    $Said['Lines'] = $Said['Lines'] + 1
    $line = $Key
    foreach ($field in @($Fields)) {
        $line = $line + "`t" + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([string]$field))
    }
    $Said['Text'] = $Said['Text'] + $line + "`r`n"
}

# A section's lines leave together, when it is finished.
function Send-Said {
    [Console]::Out.Write($Said['Text'])
    $Said['Text'] = ''
}

# Questions of a kind that was asked for. If one fails, only its section's answers are missing.
function Section {
    param($Kind, $Name, $Body)
    if ($Given['kinds'].Split(',') -notcontains $Kind) {
        return
    }
    try {
        & $Body
        Say 'section' @($Name, 'ok', '')
    }
    catch {
        Say 'section' @($Name, 'failed', $_.Exception.Message)
    }
    Send-Said
}

function Get-Now {
    [DateTime]::UtcNow.Ticks
}

function Get-BootTime {
    $system = Get-WmiObject -Class Win32_OperatingSystem
    [Management.ManagementDateTimeConverter]::ToDateTime($system.LastBootUpTime).ToUniversalTime().Ticks
}

[Console]::Out.WriteLine('[rollup-begin]')
Say 'clock' @((Get-Now))
