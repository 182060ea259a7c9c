# tidy.ps1, version 1. Deletes the scheduled task of a job whose exit code was read. The folder stays.
#
# Parameters: name.

Section 'tidy' 'tidy' {
    $task = 'rollup-bot-' + $Given['name']
    foreach ($line in @(schtasks.exe /query /fo csv /nh)) {
        if ($line.Replace('\', '').StartsWith('"' + $task + '"')) {
            [void](cmd.exe /d /s /c ('schtasks.exe /delete /tn ' + $task + ' /f 2>&1'))
            Say 'deleted' @($task, $LASTEXITCODE)
        }
    }
}
