"""Cmdlets and .NET calls: what they give on a simulated machine."""

from __future__ import annotations

import pytest

from tests.lab.powershell.conftest import Shell

OBJECTS: list[tuple[str, list[str]]] = [
    ("1..5 | Where-Object { $_ -gt 3 }", ["4", "5"]),
    ("1..5 | ? { $_ % 2 } | % { $_ * 10 }", ["10", "30", "50"]),
    ("1..3 | % { 'begin' } { $_ } { 'end' }", ["begin", "1", "2", "3", "end"]),
    ("3,1,2 | Sort-Object; 3,1,2 | sort -Descending", ["1", "2", "3", "3", "2", "1"]),
    ("'b','A','c' | Sort-Object", ["A", "b", "c"]),
    ("1,1,2 | Sort-Object -Unique", ["1", "2"]),
    ("(1..9 | Select-Object -First 2 -Last 1) -join ','", ["1,2,9"]),
    ("(1..9 | Select-Object -Skip 7) -join ','", ["8,9"]),
    ("(1,1,2 | Select-Object -Unique).Length", ["2"]),
    (
        "$o = 'ab','c' | Select-Object Length, @{Name='Up';Expression={$_.ToUpper()}}; $o[0].Up; $o[1].Length",
        ["AB", "1"],
    ),
    ("@{a=1;b=2}.GetEnumerator() | Sort-Object Name | % { $_.Key + $_.Value }", ["a1", "b2"]),
    ("(Get-Service | Select-Object -ExpandProperty Name) -contains 'WinRM'", ["True"]),
    ("(1..4 | Measure-Object -Sum -Average -Maximum).Sum", ["10"]),
    ("('a','b' | Measure-Object).Count", ["2"]),
    ("'x','y','x' | Group-Object | % { \"$($_.Name)=$($_.Count)\" }", ["x=2", "y=1"]),
    ('Compare-Object (1,2,3) (2,3,4) | % { "$($_.InputObject)$($_.SideIndicator)" }', ["4=>", "1<="]),
    ("$o = New-Object PSObject; $o | Add-Member NoteProperty A 5; $o.a", ["5"]),
    ("$o = New-Object PSObject -Property @{N='x'}; $o.N; \"$o\"", ["x", "@{N=x}"]),
    ("Set-Variable q 3; $q; (Get-Variable q).Value; Test-Path variable:q", ["3", "3", "True"]),
    ("Write-Output 1,2 | % { $_ + 1 }", ["2", "3"]),
    ("'abc' | Out-Null; (1,2 | Out-String -Stream) -join '|'", ["1|2"]),
    ("(Get-Command Get-Item).CommandType; (Get-Command foo -ea SilentlyContinue) -eq $null", ["Cmdlet", "True"]),
    ("(Get-Host).Name; $Host.Name; $PSVersionTable.PSVersion.ToString()", ["ConsoleHost", "ConsoleHost", "2.0"]),
    ("'one','two','three' | Select-String 't' | % { $_.Line }", ["two", "three"]),
    ("(Get-Culture).DateTimeFormat.ShortDatePattern", ["M/d/yyyy"]),
    ("(New-TimeSpan -Minutes 90).TotalHours", ["1.5"]),
    ("$x = 'v'; Invoke-Command { param($a) \"$x $a\" } -ArgumentList 7", ["v 7"]),
]

NET: list[tuple[str, list[str]]] = [
    ("[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes('h\u00e9'))", ["aMOp"]),
    ("[Text.Encoding]::Unicode.GetString([Convert]::FromBase64String('YQBiAA=='))", ["ab"]),
    ("[Convert]::ToInt32('ff', 16); [Convert]::ToInt32('12'); [Convert]::ToString(255, 2)", ["255", "12", "11111111"]),
    ("[BitConverter]::ToString([byte[]](1,171,255))", ["01-AB-FF"]),
    (
        "[string]::Join('-', @('a','b')); [string]::Format('{0}/{1}', 1, 2); [string]::IsNullOrEmpty('')",
        ["a-b", "1/2", "True"],
    ),
    ("[math]::Round(2.567, 1); [math]::Max(3, 9); [math]::Floor(2.9); [math]::Round(2.5)", ["2.6", "9", "2", "2"]),
    ("'a-b'.Replace('-', '+'); 'a b'.Split(' ')[1]; ' x '.Trim(); 'abcdef'.Substring(2, 3)", ["a+b", "b", "x", "cde"]),
    ("'aXb'.ToLower(); 'abc'.StartsWith('ab'); 'abc'.IndexOf('c'); '7'.PadLeft(3, '0')", ["axb", "True", "2", "007"]),
    ("'a,,b'.Split(',').Length; 'a,,b'.Split(',', [StringSplitOptions]::RemoveEmptyEntries).Length", ["3", "2"]),
    ("'abc'.Length; 'abc'[1]; 'abc'[-1]; 'x'.GetType().FullName", ["3", "b", "c", "System.String"]),
    (
        "(5).GetType().Name; (5.5).GetType().Name; @(1).GetType().Name; @{}.GetType().Name; (3000000000).GetType().Name",
        ["Int32", "Double", "Object[]", "Hashtable", "Int64"],
    ),
    (
        "$d = [datetime]'2017-03-21 10:00:00'; $d.AddHours(2).ToString('HH:mm'); $d.DayOfWeek; ($d - $d.AddDays(-1)).TotalHours",
        ["12:00", "Tuesday", "24"],
    ),
    ("[DateTime]::UtcNow.Ticks -gt 636266000000000000; [DateTime]::UtcNow.Kind", ["True", "Utc"]),
    (
        "(New-Object DateTime 2017,4,1).Ticks; [TimeSpan]::FromMinutes(90).ToString()",
        ["636266016000000000", "01:30:00"],
    ),
    (
        "[Management.ManagementDateTimeConverter]::ToDateTime('20170401120000.000000+060').ToUniversalTime().ToString('HH:mm')",
        ["11:00"],
    ),
    (
        "[Environment]::MachineName; [Environment]::NewLine.Length; [Environment]::GetEnvironmentVariable('computername')",
        ["EXN1", "2", "EXN1"],
    ),
    ("[Security.Principal.WindowsIdentity]::GetCurrent().Name", ["LAB\\svc-rollup"]),
    (
        "[regex]::Matches('a1b22', '\\d+') | % { $_.Value }; [regex]::Replace('abc', 'b', 'X'); [regex]::IsMatch('A', 'a')",
        ["1", "22", "aXc", "False"],
    ),
    ("$r = [regex]'(?<n>\\d+)'; $r.Match('ab12').Groups['n'].Value", ["12"]),
    ("$l = New-Object Collections.ArrayList; [void]$l.Add(3); $l.Add(4); $l.Count; $l.Contains(3)", ["1", "2", "True"]),
    (
        (
            "$m = New-Object IO.MemoryStream(,[Text.Encoding]::UTF8.GetBytes('line1`nline2'.Replace('`n', \"`n\"))); "
            "$r = New-Object IO.StreamReader($m); $r.ReadLine(); $r.ReadToEnd()"
        ),
        ["line1", "line2"],
    ),
    (
        "$a = New-Object Security.Cryptography.SHA256Managed; [BitConverter]::ToString($a.ComputeHash([Text.Encoding]::ASCII.GetBytes('abc'))).Substring(0, 11)",
        ["BA-78-16-BF"],
    ),
    (
        "[IO.Path]::Combine('C:\\a', 'b.txt'); [IO.Path]::GetFileNameWithoutExtension('C:\\x\\y.tar.gz'); [IO.Path]::GetExtension('a.b')",
        ["C:\\a\\b.txt", "y.tar", ".b"],
    ),
    ("[Guid]::NewGuid().ToString().Length", ["36"]),
    ("[int][char]'A'; [char[]]'ab' -join '-'", ["65", "a-b"]),
    (
        "[IO.FileMode]::CreateNew; [int][IO.FileMode]::CreateNew; 'Open' -eq [IO.FileMode]::Open",
        ["CreateNew", "1", "True"],
    ),
    ("[Threading.Thread]::Sleep(5000); 'awake'", ["awake"]),
    (
        "(Get-Process -Id $PID).Id -eq $PID; (Get-Process -Id $PID).StartTime.ToUniversalTime().Ticks -gt 0",
        ["True", "True"],
    ),
]


@pytest.mark.parametrize(("script", "lines"), OBJECTS + NET, ids=[c[0][:70] for c in OBJECTS + NET])
def test_commands_and_calls_give_what_they_give_on_windows(shell: Shell, script: str, lines: list[str]) -> None:
    said = shell.run(script)
    assert (said.lines, said.err) == (lines, "")


def test_gzip_goes_there_and_back(shell: Shell) -> None:
    said = shell.run("""
$m = New-Object IO.MemoryStream
$z = New-Object IO.Compression.GZipStream($m, [IO.Compression.CompressionMode]::Compress)
$b = [Text.Encoding]::UTF8.GetBytes('packed text')
$z.Write($b, 0, $b.Length)
$z.Close()
$in = New-Object IO.MemoryStream(,$m.ToArray())
$out = New-Object IO.StreamReader((New-Object IO.Compression.GZipStream($in, [IO.Compression.CompressionMode]::Decompress)))
$out.ReadToEnd()
""")
    assert (said.lines, said.err) == (["packed text"], "")


def test_start_sleep_takes_lab_time(shell: Shell) -> None:
    before = shell.machine.clock.now()
    shell.run("Start-Sleep -Seconds 20; Start-Sleep -Milliseconds 500")
    assert shell.machine.clock.now() - before >= 20.5


def test_wmi_answers_classes_filters_and_queries(shell: Shell) -> None:
    said = shell.run("(Get-WmiObject Win32_OperatingSystem).Version; "
                     "(gwmi Win32_Service -Filter \"Name='WinRM'\").State; "
                     "(Get-WmiObject -Query \"SELECT Name FROM Win32_Service WHERE State='Running' AND Name LIKE 'Win%'\" | "
                     "Select-Object -ExpandProperty Name | Sort-Object) -join ','")  # fmt: skip
    assert (said.lines, said.err) == (["6.0.6002", "Running", "Winmgmt,WinRM"], "")


def test_wmi_on_another_machine_is_a_second_hop(shell: Shell) -> None:
    script = "Get-WmiObject Win32_OperatingSystem -ComputerName EXN2"
    assert "E_ACCESSDENIED" in shell.run(script, second_hop=False).err.replace("\r\n", "")
    assert "RPC server is unavailable" in shell.run(script).err.replace("\r\n", "")
    assert shell.run("(Get-WmiObject Win32_OperatingSystem -ComputerName .).Version", second_hop=False).lines == [
        "6.0.6002"
    ]


@pytest.mark.parametrize(("script", "complaint"), [
    ("Get-WmiObject Win32_Nope", 'Invalid class "Win32_Nope"'),
    ("Get-WmiObject -Namespace root\\nope X", "Invalid namespace"),
    ("Get-WmiObject Win32_Service -Filter 'Name ='", "Invalid query"),
    ("Get-Service nope", "Cannot find any service with service name 'nope'."),
    ("Get-Process -Id 99999", "Cannot find a process with the process identifier 99999."),
    ("Add-PSSnapin Nope", "The Windows PowerShell snap-in 'Nope' is not installed on this machine."),
    ("Import-Module FailoverClusters", "The specified module 'FailoverClusters' was not loaded"),
    ("Get-EventLog Nope", "The event log 'Nope' on computer '.' does not exist."),
    ("Get-EventLog Application", "No matches found"),
    ("New-Object -ComObject Foo", "Cannot load COM type Foo."),
    ("Add-Type 'class X {}'", "Cannot add type. There were compilation errors."),
])  # fmt: skip
def test_what_is_not_there_is_refused_in_windows_words(shell: Shell, script: str, complaint: str) -> None:
    said = shell.run(script)
    assert complaint in said.err.replace("\r\n", "")
    assert said.code == 1


def test_a_cmdlet_of_a_snapin_is_there_only_after_it_is_added(shell: Shell) -> None:
    from bot.lab.windows.machine import CmdletSpec

    loaded: list[str] = []
    shell.machine.snapins.add("Fabrikam.Admin")
    shell.machine.snapin_load["fabrikam.admin"] = lambda session: loaded.append(session.principal.user)
    shell.machine.cmdlets["get-fabric"] = CmdletSpec(
        "Get-Fabric",
        lambda _s, params, piped: [f"{params} {piped}"],
        ("Identity", "Deep?"),
        ("Identity",),
        "Fabrikam.Admin",
    )
    assert "The term 'Get-Fabric' is not recognized" in shell.run("Get-Fabric").err
    said = shell.run(
        "Add-PSSnapin fabrikam.admin; Get-Fabric x -Deep; 1,2 | Get-Fabric -Dee:$false; (Get-PSSnapin F*).Name"
    )
    assert said.lines == ["{'Deep': True, 'Identity': 'x'} []", "{'Deep': False} [1, 2]", "Fabrikam.Admin"]
    assert loaded == ["LAB\\svc-rollup"]


def test_a_machine_cmdlet_fails_as_it_says(shell: Shell) -> None:
    from bot.lab.powershell.values import CmdletError
    from bot.lab.windows.machine import CmdletSpec

    def soft(_session: object, _params: object, _piped: object) -> list[object]:
        return ["one", CmdletError("soft trouble", "Soft", False), "two"]

    def hard(_session: object, _params: object, _piped: object) -> list[object]:
        raise CmdletError("hard trouble", "Hard")

    shell.machine.cmdlets["get-soft"] = CmdletSpec("Get-Soft", soft, ())
    shell.machine.cmdlets["get-hard"] = CmdletSpec("Get-Hard", hard, ())
    said = shell.run('Get-Soft; try { Get-Hard } catch { "caught $_" }')
    assert said.lines == ["one", "two", "caught hard trouble"]
    assert said.err.startswith("Get-Soft : soft trouble\r\n")
    assert shell.run("Get-Hard; 'on'").lines == ["on"]


def test_native_tools_get_their_words_and_give_lines_and_exit_codes(shell: Shell) -> None:
    seen: list[tuple[list[str], str]] = []

    def tool(session: object, argv: list[str], raw: str) -> int:
        seen.append((argv, raw))
        session.out("first\r\nsec")  # type: ignore[attr-defined]
        session.out("ond\r\n")  # type: ignore[attr-defined]
        return 5

    shell.machine.natives["cluster"] = tool
    said = shell.run(
        "$n = 'EXN2'; $l = @(cluster.exe group \"Cluster Group\" /move:$n); $l.Count; $l[1]; $LASTEXITCODE; cluster a b; $?"
    )
    assert said.lines == ["2", "second", "5", "first", "second", "False"]
    assert seen[0] == (["cluster", "group", "Cluster Group", "/move:EXN2"], 'group "Cluster Group" /move:EXN2')


def test_event_log_entries_come_newest_first_and_filtered(shell: Shell) -> None:
    from bot.lab.powershell.times import DateTime
    from bot.lab.powershell.values import PSObject

    for number, at in ((100, 1000.0), (2000, 2000.0)):
        shell.machine.event_log.append(PSObject({
            "Index": number, "TimeGenerated": DateTime.from_unix(at), "EntryType": "Information", "Source": "MSExchangeRepl",
            "InstanceId": number, "EventID": number, "Message": "moved", "LogName": "Application"},
            ("System.Diagnostics.EventLogEntry",)))  # fmt: skip
    said = shell.run("(Get-EventLog -LogName Application -Source MSExchangeRepl | % { $_.EventID }) -join ','; "
                     "@(Get-EventLog Application -After ([datetime]'1970-01-01 00:20:00')).Count; (Get-EventLog Application -Newest 1).EventID")  # fmt: skip
    assert said.lines == ["2000,100", "1", "2000"]
