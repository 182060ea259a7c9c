# start.ps1, version 1. Creates one job's folder and starts the job. A name can be used only once.
#
# Parameters: machine (who should run it), root, name, kind (shell, task, runner), runner (task), job (text of job.txt),
# file (command.cmd or command.ps1), command (its text). $JobScript, before this script, is job.ps1.

# Tools write to the error stream even when they succeed; their exit code is what counts.
function Invoke-Tool {
    param($Line)
    $said = @(cmd.exe /d /s /c ($Line + ' 2>&1'))
    if ($LASTEXITCODE -ne 0) {
        throw ([string]$LASTEXITCODE + ': ' + [string]::Join(' ', $said))
    }
}

Section 'start' 'start' {
    if ($env:COMPUTERNAME -ne $Given['machine']) {
        throw ('this machine is ' + $env:COMPUTERNAME + ', not ' + $Given['machine'])
    }
    $folder = Join-Path $Given['root'] $Given['name']
    $draft = Join-Path $Given['root'] ('~' + [Guid]::NewGuid().ToString())
    [void][IO.Directory]::CreateDirectory($draft)
    [IO.File]::WriteAllText((Join-Path $draft 'job.txt'), $Given['job'])
    [IO.File]::WriteAllText((Join-Path $draft $Given['file']), $Given['command'])
    [IO.File]::WriteAllText((Join-Path $draft 'job.ps1'), $JobScript)
    $ours = $true
    try {
        # Complete or not at all, and never over another folder: this rename is the first claim.
        [IO.Directory]::Move($draft, $folder)
    }
    catch {
        $ours = $false
        Remove-Item -LiteralPath $draft -Recurse
        Say 'standing' @($_.Exception.Message)
    }
    if ($ours) {
        Say 'created' @($Given['name'])
        $run = 'powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File ' + (Join-Path $folder 'job.ps1')
        $task = 'rollup-bot-' + $Given['name']
        try {
            if ($Given['kind'] -eq 'shell') {
                [void](cmd.exe /d /s /c ($run + ' 2>&1'))
            }
            if ($Given['kind'] -eq 'task') {
                # The trigger must never fire by itself. 12 December reads the same in every date format
                # but one; the task is deleted once its exit code is read.
                $year = [string]([DateTime]::Now.Year + 1)
                $day = '12/12/' + $year
                if ((Get-Culture).DateTimeFormat.ShortDatePattern.StartsWith('y')) {
                    $day = $year + '/12/12'
                }
                Invoke-Tool ('schtasks.exe /create /tn ' + $task + ' /tr "' + $run + '" /sc once /sd ' + $day + ' /st 23:00 /ru SYSTEM')
                Invoke-Tool ('schtasks.exe /run /tn ' + $task)
            }
            if ($Given['kind'] -eq 'runner') {
                [IO.File]::WriteAllText((Join-Path $Given['root'] 'runner.next'), $Given['name'])
                Invoke-Tool ('schtasks.exe /run /tn ' + $Given['runner'])
            }
        }
        catch {
            Say 'unstarted' @($_.Exception.Message)
        }
    }
}
