"""Files, folders and the registry through cmdlets and .NET."""

from __future__ import annotations

import pytest

from tests.lab.powershell.conftest import Shell

CASES: list[tuple[str, list[str]]] = [
    (
        "[void](New-Item C:\\a -ItemType directory); Set-Content C:\\a\\f.txt 'one','two'; Get-Content C:\\a\\f.txt",
        ["one", "two"],
    ),
    ("md C:\\a | Out-Null; 'x' > C:\\a\\g.txt; 'y' >> C:\\a\\g.txt; Get-Content C:\\a\\g.txt", ["x", "y"]),
    (
        "Test-Path C:\\Windows; Test-Path C:\\nope; Test-Path C:\\Windows -PathType Leaf; Test-Path HKLM:\\NOPE",
        ["True", "False", "False", "False"],
    ),
    (
        "Set-Content C:\\f 'abc'; (Get-Item C:\\f).Length; (Get-Item C:\\f).Name; Remove-Item C:\\f; Test-Path C:\\f",
        ["5", "f", "False"],
    ),
    (
        "Set-Content C:\\f 1; Rename-Item C:\\f g; Move-Item C:\\g C:\\h; Copy-Item C:\\h C:\\i; (Get-ChildItem C:\\ | ? { !$_.PSIsContainer } | % { $_.Name }) -join ','",
        ["h,i"],
    ),
    (
        "[IO.File]::WriteAllText('C:\\t', \"a`nb\"); [IO.File]::ReadAllText('C:\\t').Length; [IO.File]::Exists('C:\\t'); [IO.File]::Exists('C:\\Windows')",
        ["3", "True", "False"],
    ),
    (
        "[IO.File]::AppendAllText('C:\\t', 'a'); [IO.File]::AppendAllText('C:\\t', 'b'); [IO.File]::ReadAllText('C:\\t')",
        ["ab"],
    ),
    (
        "[void][IO.Directory]::CreateDirectory('C:\\p\\q'); [IO.Directory]::Move('C:\\p\\q', 'C:\\p\\r'); [IO.Directory]::Exists('C:\\p\\r')",
        ["True"],
    ),
    (
        (
            "$s = [IO.File]::Open('C:\\n', [IO.FileMode]::CreateNew, [IO.FileAccess]::Write, [IO.FileShare]::None); $s.Close(); "
            "try { [IO.File]::Open('C:\\n', [IO.FileMode]::CreateNew) } catch { $_.Exception.InnerException.Message }"
        ),
        ["The file 'C:\\n' already exists."],
    ),
    (
        (
            "[IO.File]::WriteAllText('C:\\t', 'hello world'); $s = [IO.File]::OpenRead('C:\\t'); [void]$s.Seek(6, 'Begin'); $b = New-Object byte[] 5; "
            "$s.Read($b, 0, 5); [Text.Encoding]::ASCII.GetString($b); $s.Length; $s.Close()"
        ),
        ["5", "world", "11"],
    ),
    (
        "$w = New-Object IO.StreamWriter('C:\\w'); $w.WriteLine('x'); $w.Write('y'); $w.Close(); [IO.File]::ReadAllText('C:\\w').Length",
        ["4"],
    ),
    (
        "Split-Path C:\\a\\b.txt; Split-Path -Leaf C:\\a\\b.txt; Split-Path -Parent C:\\a; Join-Path C:\\a\\ b",
        ["C:\\a", "b.txt", "C:\\", "C:\\a\\b"],
    ),
    (
        "Set-Location C:\\Windows; (Get-Location).Path; Set-Content rel.txt x; Test-Path C:\\Windows\\rel.txt",
        ["C:\\Windows", "True"],
    ),
    (
        (
            "New-Item HKLM:\\SOFTWARE\\T | Out-Null; Set-ItemProperty HKLM:\\SOFTWARE\\T v 5 -Type DWord; (Get-ItemProperty HKLM:\\SOFTWARE\\T).V; "
            "(Get-ItemProperty Registry::HKEY_LOCAL_MACHINE\\SOFTWARE\\T -Name v).v"
        ),
        ["5", "5"],
    ),
    (
        (
            "New-Item HKLM:\\SOFTWARE\\T\\Sub -Force | Out-Null; @(Get-ChildItem HKLM:\\SOFTWARE\\T)[0].PSChildName; "
            "@(Get-ChildItem HKLM:\\SOFTWARE\\T) | % { (Get-Item $_.PSPath).Name }"
        ),
        ["Sub", "HKEY_LOCAL_MACHINE\\SOFTWARE\\T\\Sub"],
    ),
    ("(Get-Acl C:\\Windows).Owner; (Get-Acl C:\\Windows).Access.Length -gt 0", ["BUILTIN\\Administrators", "True"]),
    (
        "$env:FOO = 'bar'; $env:foo; Test-Path env:FOO; (Get-Item env:FOO).Value; Remove-Item env:FOO; $env:FOO -eq $null",
        ["bar", "True", "bar", "True"],
    ),
    ("'a1','b2' | Out-File C:\\o.txt -Encoding ASCII; [IO.File]::ReadAllBytes('C:\\o.txt').Length", ["8"]),
    ("'a' | Out-File C:\\o.txt; ([IO.File]::ReadAllBytes('C:\\o.txt')[0..1]) -join ','", ["255,254"]),
    (
        "Set-Content C:\\l.log 1; Set-Content C:\\m.txt 1; (Get-ChildItem C:\\*.log).Name; (Get-ChildItem C:\\ -Filter *.txt).Name",
        ["l.log", "m.txt"],
    ),
    ('[int](Get-Item C:\\Windows).Attributes; "$((Get-Item C:\\Windows).Attributes)"', ["16", "Directory"]),
    (
        "Set-Content C:\\x.ps1 'param($a) \"got $a from $($MyInvocation.MyCommand.Path)\"'; & C:\\x.ps1 5; . C:\\x.ps1 -a 6",
        ["got 5 from C:\\x.ps1", "got 6 from C:\\x.ps1"],
    ),
    ("Set-Content C:\\lib.ps1 'function Hello { \"hello $args\" }'; . C:\\lib.ps1; Hello you", ["hello you"]),
]


@pytest.mark.parametrize(("script", "lines"), CASES, ids=[c[0][:70] for c in CASES])
def test_things_at_paths(shell: Shell, script: str, lines: list[str]) -> None:
    said = shell.run(script)
    assert (said.lines, said.err) == (lines, "")


@pytest.mark.parametrize(("script", "complaint"), [
    ("New-Item C:\\Windows -ItemType directory", "Item with specified name C:\\Windows already exists."),
    ("Set-Content C:\\nope\\x 1", "Could not find a part of the path 'C:\\nope\\x'."),
    ("Remove-Item C:\\nope", "Cannot find path 'C:\\nope' because it does not exist."),
    ("Remove-Item C:\\Users", "NonInteractive mode"),
    ("Get-ItemProperty HKLM:\\NOPE", "Cannot find path 'HKLM:\\NOPE' because it does not exist."),
    ("Set-Content C:\\a 1; Set-Content C:\\b 1; Move-Item C:\\a C:\\b", "Cannot create a file when that file already exists."),
    ("Get-Content $null", "Cannot bind argument to parameter 'Path' because it is null."),
    ("Get-Item ''", "Cannot bind argument to parameter 'Path' because it is an empty string."),
    ("Get-Item HKU:\\x", "A drive with the name 'hku' does not exist."),
    ("C:\\x.ps1", "The term 'C:\\x.ps1' is not recognized"),
    ("Set-Content C:\\y.ps1 1; cd C:\\; y.ps1", "The term 'y.ps1' is not recognized"),
])  # fmt: skip
def test_refusals_at_paths(shell: Shell, script: str, complaint: str) -> None:
    said = shell.run(script)
    assert complaint in said.err.replace("\r\n", "")


def test_of_two_jobs_that_claim_a_name_by_moving_only_one_succeeds(shell: Shell) -> None:
    said = shell.run("""
foreach ($n in 'one', 'two') { [IO.File]::WriteAllText("C:\\begun.$n", $n) }
foreach ($n in 'one', 'two') {
    try { [IO.File]::Move("C:\\begun.$n", 'C:\\begun'); "$n has it" } catch { "$n lost" }
}
[IO.File]::ReadAllText('C:\\begun')
""")
    assert said.lines == ["one has it", "two lost", "one"]
