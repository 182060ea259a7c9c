# close.ps1, version 1. Makes sure that a job which has not begun never can, or shows the one that has.
#
# Parameters: machine (whose job it is), root, name, job (text of job.txt).

Section 'close' 'close' {
    if ($env:COMPUTERNAME -ne $Given['machine']) {
        throw ('this machine is ' + $env:COMPUTERNAME + ', not ' + $Given['machine'])
    }
    $folder = Join-Path $Given['root'] $Given['name']
    $draft = Join-Path $Given['root'] ('~' + [Guid]::NewGuid().ToString())
    [void][IO.Directory]::CreateDirectory($draft)
    [IO.File]::WriteAllText((Join-Path $draft 'job.txt'), $Given['job'])
    [IO.File]::WriteAllText((Join-Path $draft 'void'), 'closed before it was started')
    try {
        # Fails if the name is taken, so only one of starter and closer ever makes this folder.
        [IO.Directory]::Move($draft, $folder)
    }
    catch {
        # The folder is there. Take `begun` before the job does; if that fails, the job has begun.
        $claim = Join-Path $draft 'begun'
        [IO.File]::WriteAllText($claim, "closed`t" + (Get-Now))
        try {
            [IO.File]::Move($claim, (Join-Path $folder 'begun'))
            [IO.File]::WriteAllText((Join-Path $folder 'void'), 'closed before it began')
        }
        catch {
            Say 'standing' @($_.Exception.Message)
        }
        Remove-Item -LiteralPath $draft -Recurse
    }
}
