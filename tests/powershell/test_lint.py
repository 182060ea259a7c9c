"""These tests verify that the linter sees what PowerShell 2.0 does not have, and nothing else."""

from __future__ import annotations

import pytest

from tests.powershell.lint import findings

NEWER = {
    "a class": "class A {\n    $x\n}\n",
    "an enum": "enum E {\n    One\n}\n",
    "a ternary": "$x = $a ? 1 : 2\n",
    "null coalescing": "$x = $a ?? 3\n",
    "a pipeline chain": "cluster.exe group && cluster.exe node\n",
    "-in": "if ($a -in $b) {\n    $a\n}\n",
    "$PSItem": "Get-Process | ForEach-Object { $PSItem.Id }\n",
    "$PSScriptRoot": "Join-Path $PSScriptRoot 'x'\n",
    "[pscustomobject]": "[pscustomobject]@{ a = 1 }\n",
    "[ordered]": "[ordered]@{ a = 1 }\n",
    "a simplified where": "Get-Process | Where-Object Id -eq 4\n",
    "a simplified foreach": "Get-Process | ForEach-Object Id\n",
    "::new()": "[Text.StringBuilder]::new()\n",
    "Get-CimInstance": "Get-CimInstance Win32_Service\n",
    "ConvertTo-Json": "ConvertTo-Json $x\n",
    "Get-ClusterGroup": "Get-ClusterGroup\n",
    "Get-FileHash": "Get-FileHash C:\\x\n",
    "an alias": "gwmi Win32_Service\n",
    "-Raw": "Get-Content C:\\x -Raw\n",
    "-Directory": "Get-ChildItem C:\\x -Directory\n",
    "try alone": "try {\n    Get-Date\n}\nGet-Date\n",
    "an unclosed brace": "if ($a) {\n    Get-Date\n",
    "param on one line": "$x = { param($a) $a }\n",
}


@pytest.mark.parametrize("what", sorted(NEWER))
def test_what_is_newer_than_powershell_2_is_found(what: str) -> None:
    assert findings(NEWER[what])


def test_plain_powershell_2_passes() -> None:
    script = (
        "function Get-Thing {\n    param($Name)\n    try {\n        Get-Item $Name\n    }\n"
        "    catch {\n        $_.Exception.Message\n    }\n}\n"
        "foreach ($x in @(Get-WmiObject -Class Win32_Service | Where-Object { $_.Name -like 'a*' })) {\n"
        "    Get-Thing $x.Name\n}\n"
    )
    assert findings(script) == []
