# survey.ps1, version 1. Reads what only some moments need to know of this machine. Changes nothing.
#
# Parameters: kinds (of sections).

# The lines as they are: their words differ with the language of Windows, names and numbers do not.
Section 'writers' 'writers' {
    foreach ($line in @(vssadmin.exe list writers)) {
        Say 'writer' @($line)
    }
    if ($LASTEXITCODE) {
        throw ('vssadmin ended with ' + $LASTEXITCODE)
    }
}
