"""The language: small scripts and the lines that PowerShell 2.0 prints for them."""

from __future__ import annotations

import pytest

from tests.lab.powershell.conftest import Shell

CASES: list[tuple[str, list[str]]] = [
    # literals, strings
    ("1+2*3", ["7"]),
    ("'a' + 1", ["a1"]),
    ("1 + '2'", ["3"]),
    ("'5' * 3", ["555"]),
    ("7/2; 8/2; 7%3; -7%3", ["3.5", "4", "1", "-1"]),
    ("1kb; 2MB; 0x1F; 1.5e3; 1GB", ["1024", "2097152", "31", "1500", "1073741824"]),
    ("0xFFFFFFFF", ["-1"]),
    ("1/3", ["0.333333333333333"]),
    ("[math]::Pow(10,20)", ["1E+20"]),
    ("2147483647 + 1", ["2147483648"]),
    ("$x = 'v'; \"a $x b\"; 'a $x b'", ["a v b", "a $x b"]),
    ("$x = @{k=1}; \"a$($x['k'])b $($x.k + 1)\"", ["a1b 2"]),
    ('"tab`tq`"q""q`$x"', ['tab\tq"q"q$x']),
    ("'it''s'", ["it's"]),
    ('$a = 1,2,3; "$a"; $OFS = \'-\'; "$a"', ["1 2 3", "1-2-3"]),
    ('"$env:COMPUTERNAME\\x"', ["EXN1\\x"]),
    ("$s = @'\na $x\n b\n'@\n$s", ["a $x", " b"]),
    ('$x=5\n$s = @"\na $x $($x+1)\n"@\n$s', ["a 5 6"]),
    ('${odd name} = 3; "${odd name}"', ["3"]),
    ('"$null|$true|$false"', ["|True|False"]),
    ('"$(1.5) $(10000000000) $([char]65)"', ["1.5 10000000000 A"]),
    # arrays, ranges, hashtables
    ("1..4", ["1", "2", "3", "4"]),
    ("(3..1)[0]; (1..5)[-1]; (1..5)[1..2]", ["3", "5", "2", "3"]),
    ("$n = 3; foreach ($i in 1..$n) { $i }", ["1", "2", "3"]),
    ("@(5).Count; @().Count; (1,2,3).Length", ["1", "0", "3"]),
    ("$a = ,5; $a.Count", ["1"]),
    ("$a = 1,2; $a += 3; $a.Length; $a[2]", ["3", "3"]),
    ("$a = @(); $a += 'x'; $a += 'y'; \"$a\"", ["x y"]),
    ("$h = @{b=1}; $h['B']; $h.b; $h.Count; $h.ContainsKey('b')", ["1", "1", "1", "True"]),
    ("$h = @{}; $h.x = 1; $h['y'] = 2; ($h.Keys | Sort-Object) -join ','", ["x,y"]),
    ('$a, $b = 1, 2, 3; $a; "$b"', ["1", "2 3"]),
    ("$a = $b = 7; $a; $b", ["7", "7"]),
    ("$x = 5; $x++; $x; ++$x; $x--; $x", ["6", "6"]),
    ("$x = 5; ($x++); $x; $y = ++$x; $y", ["5", "6", "7"]),
    ("$x = 10; $x -= 3; $x *= 2; $x /= 7; $x %= 2; $x", ["0"]),
    # comparison
    ("'A' -eq 'a'; 'A' -ceq 'a'; 1 -eq '1'; '1' -eq 1", ["True", "False", "True", "True"]),
    ("1,2,3,2 -eq 2", ["2", "2"]),
    ("(1,2,3 -ne 2) -join ','", ["1,3"]),
    ("1,2,3 -contains 2; 'a','b' -notcontains 'A'", ["True", "False"]),
    ("'abc' -like 'A*'; 'abc' -notlike 'b*'; 'a[b' -like 'a`[b'", ["True", "True", "True"]),
    ("'KB2756497' -match '(\\d+)'; $matches[1]", ["True", "2756497"]),
    ("'x=1' -match '^(?<k>\\w)=(?<v>\\d)$' | Out-Null; $matches['k'] + $matches.v", ["x1"]),
    ("'a1b2' -replace '\\d','#'; 'ab' -replace '(a)(b)','$2$1'; 'abc' -replace 'B'", ["a#b#", "ba", "ac"]),
    ("'a,b;c' -split '[,;]'", ["a", "b", "c"]),
    ("(-split ' a  b ') -join '|'", ["a|b"]),
    ("-join ('a','b')", ["ab"]),
    ("$null -eq $null; $null -eq 0; '' -eq $null", ["True", "False", "False"]),
    ("5 -gt 10; '5' -gt '10'; 5 -lt '10'", ["False", "True", "True"]),
    ("(5 -band 3); (5 -bor 2); (5 -bxor 1)", ["1", "7", "4"]),
    ("-not 1; !$null; $true -and 0; 0 -or 'x'; 1 -xor 1", ["False", "True", "False", "True", "False"]),
    ("5 -is [int]; 'a' -is [string]; @() -is [array]; 1.5 -is [double]; @{} -is [hashtable]", ["True"] * 5),
    ("('5' -as [int]) + 1; ('x' -as [int]) -eq $null", ["6", "True"]),
    ("[bool]''; [bool]'False'; [bool]@(); [bool]@(0); [bool](1,2)", ["False", "True", "False", "False", "True"]),
    ("[int]'12'; [int]2.5; [int]3.5; [int]'0x1f'; [string]12; [char]65", ["12", "2", "4", "31", "12", "A"]),
    ("[int[]]('1','2') -join '+'", ["1+2"]),
    ("[version]'8.3.517.0' -gt [version]'8.3.83.6'", ["True"]),
    ("'{0:N2} {1,5}|{2,-4}|{3:X} {4:D3} {0:F1}' -f 1234.567, 'ab', 'c', 255, 7", ["1,234.57    ab|c   |FF 007 1234.6"]),
    ("'{0:yyyy-MM-dd HH:mm}' -f [datetime]'2017-03-21 14:05:00'", ["2017-03-21 14:05"]),
    ("'{{x}} {0}' -f 1", ["{x} 1"]),
    # statements
    ("if (0) { 'a' } elseif ('x') { 'b' } else { 'c' }", ["b"]),
    ("$x = if ($true) { 'yes' } else { 'no' }; $x", ["yes"]),
    ("$i = 0; while ($i -lt 3) { $i++; if ($i -eq 2) { continue }; $i }", ["1", "3"]),
    ("for ($i = 0; $i -lt 10; $i++) { if ($i -gt 2) { break }; $i }", ["0", "1", "2"]),
    ("$i = 0; do { $i++ } while ($i -lt 5); $i", ["5"]),
    ("$i = 0; do { $i++ } until ($i -ge 3); $i", ["3"]),
    (
        ':outer foreach ($a in 1,2,3) { foreach ($b in 1,2) { if ($a -eq 2) { continue outer }; "$a$b" } }',
        ["11", "12", "31", "32"],
    ),
    ("switch (2) { 1 { 'one' } 2 { 'two' } default { 'other' } }", ["two"]),
    ("switch ('b') { 'a' { 1 } default { 2 } }", ["2"]),
    ('switch (1,2,3) { { $_ -gt 1 } { "big $_" } }', ["big 2", "big 3"]),
    ("switch -regex ('abc') { '^a' { 'starts' } 'c$' { 'ends'; break } 'b' { 'never' } }", ["starts", "ends"]),
    ("switch -wildcard ('abc') { 'A*' { 'w' } }", ["w"]),
    # functions and scopes
    ("function f($a, $b = 2) { $a + $b }; f 1; f 1 5; f -b 1 -a 10", ["3", "6", "11"]),
    (
        'function f { param([string]$x, [switch]$s) "$x/$s/$($args.Length)" }; f 1 -s 2 3; f -s:$false q',
        ["1/True/2", "q/False/0"],
    ),
    ("function f { $args[1] }; f 1 2 3", ["2"]),
    ("function f { 1; 2; return 3; 4 }; (f) -join ','", ["1,2,3"]),
    ("function f { $input | % { $_ * 2 } }; 1,2 | f", ["2", "4"]),
    ("function f { begin { 'b' } process { \"p$_\" } end { 'e' } }; 1,2 | f", ["b", "p1", "p2", "e"]),
    ("filter g { $_ + 1 }; 1,2 | g", ["2", "3"]),
    ("$x = 1; function f { $x = 2; $x }; f; $x", ["2", "1"]),
    ("$x = 1; function f { $script:x = 2 }; f; $x", ["2"]),
    ("function f { $x }; function g { $x = 'dynamic'; f }; g", ["dynamic"]),
    ("$x = 1; & { $x = 2 }; $x; . { $x = 3 }; $x", ["1", "3"]),
    ("$x = 1; 1..2 | % { $x += $_ }; $x", ["4"]),
    ("$b = { param($a) $a * 2 }; & $b 21", ["42"]),
    ('$p = @{a=1; b=2}; function f($a, $b) { "$a-$b" }; f @p', ["1-2"]),
    ("$l = 'x','y'; function f($a, $b) { \"$a-$b\" }; f @l", ["x-y"]),
    ("function f([int]$n) { $n.GetType().Name }; f '5'", ["Int32"]),
    ("function Get-It { 'it' }; get-IT", ["it"]),
    ("function f { return ,@(1,2) }; (f).Length", ["2"]),
    ("Invoke-Expression '$y = 3; $y + 1'; $y", ["4", "3"]),
    ("$cmd = 'Write-Output'; & $cmd hello", ["hello"]),
    # trouble 2.0 knows and later versions do not
    ("foreach ($x in $null) { 'once' }", ["once"]),
    ("foreach ($x in @()) { 'never' }; 'end'", ["end"]),
    ("$null | % { 'once' }", ["once"]),
    ("(5).Count -eq $null; 'abc'.Count -eq $null", ["True", "True"]),
    ("$o = New-Object PSObject; $o | Add-Member NoteProperty a 1; ((,$o + $o).a) -eq $null", ["True"]),
    ("$PSItem -eq $null; $PSScriptRoot -eq $null", ["True", "True"]),
    ("(New-Object PSObject).missing -eq $null", ["True"]),
]


@pytest.mark.parametrize(("script", "lines"), CASES, ids=[c[0][:60] for c in CASES])
def test_a_script_prints_what_powershell_prints(shell: Shell, script: str, lines: list[str]) -> None:
    said = shell.run(script)
    assert (said.lines, said.err) == (lines, "")


NEWER = [
    ("Get-CimInstance Win32_OperatingSystem", "The term 'Get-CimInstance' is not recognized"),
    ("1 | ConvertTo-Json", "The term 'ConvertTo-Json' is not recognized"),
    ("Invoke-WebRequest x", "The term 'Invoke-WebRequest' is not recognized"),
    ("1 -in 1,2", "Unexpected token '-in'"),
    ("1 -notin 1,2", "Unexpected token '-notin'"),
    ("[pscustomobject]@{a=1}", "Unable to find type [pscustomobject]"),
    ("[ordered]@{a=1}", "Unable to find type [ordered]"),
    ("Get-Process | Where-Object Name", "Cannot bind parameter 'FilterScript'"),
    ("Get-Process | Where-Object Id -eq 4", "A parameter cannot be found that matches parameter name 'eq'"),
    ("'a' ?? 'b'", "Unexpected token '??'"),
    ("hostname && hostname", "The token '&&' is not a valid statement separator"),
    ("hostname || hostname", "The token '||' is not a valid statement separator"),
    ("class A { }", "Unexpected token 'class'"),
    ("enum E { a }", "Unexpected token 'enum'"),
    ("$x = $true ? 1 : 2", "Unexpected token"),
    ("hostname *> x.txt", "Unexpected token '*>'"),
    ("Get-ChildItem C:\\ -File", "A parameter cannot be found that matches parameter name 'File'"),
    ("Get-ChildItem C:\\ -Directory", "A parameter cannot be found that matches parameter name 'Directory'"),
    ("Get-Content C:\\x -Raw", "A parameter cannot be found that matches parameter name 'Raw'"),
    ("Get-Content C:\\x -Tail 5", "A parameter cannot be found that matches parameter name 'Tail'"),
    ("Get-Item C:\\nope -ErrorAction Ignore", 'Cannot convert value "Ignore"'),
    ("[IO.MemoryStream]::new()", "doesn't contain a method named 'new'"),
    ("(1,2).ForEach({ $_ })", "doesn't contain a method named 'ForEach'"),
    ("try { 1 }", "The Try statement is missing its Catch or Finally block"),
    ("Get-FileHash C:\\x", "The term 'Get-FileHash' is not recognized"),
    ("Export-ScheduledTask", "The term 'Export-ScheduledTask' is not recognized"),
]


@pytest.mark.parametrize(("script", "complaint"), NEWER, ids=[c[0] for c in NEWER])
def test_what_is_newer_than_2_0_fails(shell: Shell, script: str, complaint: str) -> None:
    said = shell.run(script)
    assert said.code == 1
    assert complaint in said.err.replace("\r\n", "")


SYNTAX = [
    ("if (1) { 'a'", "Missing closing '}' in statement block."),
    ("foo(", "Missing closing ')' in expression."),
    ("'abc", "is missing the terminator: '."),
    ("1 |", "An empty pipe element is not permitted."),
    ("}", "Unexpected token '}'"),
]


@pytest.mark.parametrize(("script", "complaint"), SYNTAX, ids=[c[0] for c in SYNTAX])
def test_a_syntax_error_runs_nothing_and_says_where(shell: Shell, script: str, complaint: str) -> None:
    said = shell.run("'before'\n" + script)
    assert said.code == 1
    assert said.out == ""
    assert complaint in said.err.replace("\r\n", "")
    assert "ParserError" in said.err


ONE_LINERS = [
    ("& { param($a) $a } 5", ["5"]),
    ("function f { param($a) $a + 1 }; f 4", ["5"]),
    ("function f { param($a); $a + 1 }; f 4", ["5"]),
    ("switch (1) { 1 { 'a' } 2 { 'b' } default { 'c' } }", ["a"]),
    (":o while ($true) { break o }; 'out'", ["out"]),
    ("iex ('1' + '2').Replace('1', '3')", ["32"]),
    ("(1,2 | select @{n='a';e={$_}}, Length)[1].a", ["2"]),
    ("$s = 'a.b'; Write-Output $s.Split('.')", ["a", "b"]),
    ("$s = 'ab'; Write-Output $s.Substring(1, 1) $s.ToUpper()", ["b", "AB"]),
    ("Write-Output ([string]::Join('-', @('a', 'b')))", ["a-b"]),
    ("try { throw 'x' } catch { 'c' } finally { 'f' }", ["c", "f"]),
    ("1..3 | % { if ($_ -eq 2) { return }; $_ }", ["1", "3"]),
    ("@(1..3 | ? { $_ -gt 1 }).Count", ["2"]),
    ("$x = 1..3; $x[0]", ["1"]),
]


@pytest.mark.parametrize(("script", "lines"), ONE_LINERS, ids=[c[0] for c in ONE_LINERS])
def test_one_liners_that_the_grammar_stumbles_over_still_run(shell: Shell, script: str, lines: list[str]) -> None:
    said = shell.run(script)
    assert (said.lines, said.err) == (lines, "")
