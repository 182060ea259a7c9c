# jobs.ps1, version 1. Shows the folders of jobs on this machine. Changes nothing.
#
# Parameters: root, name (one folder, or empty for all of them).

Section 'jobs' 'jobs' {
    try {
        Say 'boot' @((Get-BootTime))
    }
    catch {
        # An installer stops WMI for a while. A job's process is no worse witness: it survives no restart.
        Say 'boot' @('')
    }
    if ($Given['name']) {
        Show-Folder (Join-Path $Given['root'] $Given['name']) -Tail
    }
    else {
        # What begins with ~ was being prepared and never became a job.
        foreach ($folder in @(Get-ChildItem $Given['root'] | Where-Object { $_.PSIsContainer -and $_.Name -notlike '~*' })) {
            Show-Folder $folder.FullName
        }
    }
}
