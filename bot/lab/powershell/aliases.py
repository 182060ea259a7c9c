"""The aliases PowerShell 2.0 comes with, for the cmdlets of this room."""

ALIASES: dict[str, str] = {
    "?": "Where-Object", "%": "ForEach-Object", "foreach": "ForEach-Object", "where": "Where-Object",
    "select": "Select-Object", "sort": "Sort-Object", "group": "Group-Object", "measure": "Measure-Object",
    "compare": "Compare-Object", "diff": "Compare-Object", "echo": "Write-Output", "write": "Write-Output",
    "iex": "Invoke-Expression", "gcm": "Get-Command", "gc": "Get-Content", "cat": "Get-Content", "type": "Get-Content",
    "sc": "Set-Content", "ac": "Add-Content", "gci": "Get-ChildItem", "ls": "Get-ChildItem", "dir": "Get-ChildItem",
    "gi": "Get-Item", "ni": "New-Item", "ri": "Remove-Item", "rm": "Remove-Item", "del": "Remove-Item",
    "erase": "Remove-Item", "rd": "Remove-Item", "rmdir": "Remove-Item", "rni": "Rename-Item", "ren": "Rename-Item",
    "mi": "Move-Item", "mv": "Move-Item", "move": "Move-Item", "cpi": "Copy-Item", "cp": "Copy-Item", "copy": "Copy-Item",
    "gp": "Get-ItemProperty", "sp": "Set-ItemProperty", "rp": "Remove-ItemProperty", "gwmi": "Get-WmiObject",
    "iwmi": "Invoke-WmiMethod", "gsv": "Get-Service", "sasv": "Start-Service", "spsv": "Stop-Service",
    "gps": "Get-Process", "ps": "Get-Process", "spps": "Stop-Process", "kill": "Stop-Process", "saps": "Start-Process",
    "start": "Start-Process", "gv": "Get-Variable", "sv": "Set-Variable", "set": "Set-Variable", "rv": "Remove-Variable",
    "gm": "Get-Member", "fl": "Format-List", "ft": "Format-Table", "oh": "Out-Host", "sleep": "Start-Sleep",
    "gl": "Get-Location", "pwd": "Get-Location", "sl": "Set-Location", "cd": "Set-Location", "chdir": "Set-Location",
    "rvpa": "Resolve-Path", "asnp": "Add-PSSnapin", "gsnp": "Get-PSSnapin", "gal": "Get-Alias", "sal": "Set-Alias",
    "nal": "New-Alias", "gu": "Get-Unique", "sls": "Select-String", "tee": "Tee-Object", "ipcsv": "Import-Csv",
    "epcsv": "Export-Csv", "clear": "Clear-Host", "md": "mkdir", "ipmo": "Import-Module",
}  # fmt: skip
