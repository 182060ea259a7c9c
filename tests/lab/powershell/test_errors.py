"""Errors: which end a statement, which a script, what is printed, what `$?`, $Error and the exit code say."""

from __future__ import annotations

import pytest

from tests.lab.powershell.conftest import Shell

FLOW: list[tuple[str, list[str]]] = [
    ("try { Get-Item C:\\nope -ErrorAction Stop } catch { 'caught' }", ["caught"]),
    ("try { Get-Item C:\\nope -ea SilentlyContinue; 'on' } catch { 'caught' }", ["on"]),
    (
        "$ErrorActionPreference = 'Stop'; try { Get-Item C:\\nope } catch { \"$_\" }",
        ["Cannot find path 'C:\\nope' because it does not exist."],
    ),
    (
        "try { Get-Foo } catch { $_.Exception.GetType().Name; $_.FullyQualifiedErrorId }",
        ["CommandNotFoundException", "CommandNotFoundException"],
    ),
    ("try { throw 'boom' } catch { $_.Exception.Message; $_.TargetObject }", ["boom", "boom"]),
    (
        "try { throw (New-Object InvalidOperationException 'bad') } catch [InvalidOperationException] { 'typed' }",
        ["typed"],
    ),
    ("try { [IO.File]::ReadAllText('C:\\q') } catch [IO.FileNotFoundException] { 'fnf' } catch { 'any' }", ["fnf"]),
    (
        "try { [IO.File]::ReadAllText('C:\\q') } catch { $_.Exception.Message }",
        ['Exception calling "ReadAllText" with "1" argument(s): "Could not find file \'C:\\q\'."'],
    ),
    (
        "try { [IO.File]::ReadAllText('C:\\q') } catch { $_.Exception.InnerException.GetType().FullName }",
        ["System.IO.FileNotFoundException"],
    ),
    ("try { 1/0 } catch { 'div' }", ["div"]),
    ("try { [int]'x' } catch { 'cast' } finally { 'fin' }", ["cast", "fin"]),
    ("try { try { throw 'a' } finally { 'inner' } } catch { \"outer $_\" }", ["inner", "outer a"]),
    ("try { try { throw 'a' } catch { throw } } catch { \"again $_\" }", ["again a"]),
    ("function f { try { return 1 } finally { 'f' } }; f", ["1", "f"]),
    ("trap { 'trapped'; continue } throw 'x'; 'after'", ["trapped", "after"]),
    ("function f { trap { 't'; continue } Get-Foo; 'next' }; f", ["t", "next"]),
    ("$x = Get-Item C:\\nope -ea 0; $x -eq $null; $?", ["True", "True"]),
    ("Get-Item C:\\nope -ea 0; $?; $Error.Count; $Error[0].CategoryInfo.Category", ["False", "1", "ObjectNotFound"]),
    (
        'Get-Item C:\\nope -ea 0 -ErrorVariable bad; $bad.Count; "$($bad[0])"',
        ["1", "Cannot find path 'C:\\nope' because it does not exist."],
    ),
    ("'a','b' | % { Get-Item \"C:\\$_\" -ea 0; $_ }", ["a", "b"]),
    ("Write-Error 'x' -ea 0; $?", ["False"]),
    ("foreach ($i in 1,2) { try { throw 'x' } catch { continue }; 'never' }; 'end'", ["end"]),
    ("$e = $null; try { $null.Foo() } catch { $e = $_ }; $e.FullyQualifiedErrorId", ["InvokeMethodOnNull"]),
    ("try { $a = $null; $a[0] } catch { $_.FullyQualifiedErrorId }", ["NullArray"]),
    (
        "try { 'x'.Nope() } catch { \"$_\" }",
        ["Method invocation failed because [System.String] doesn't contain a method named 'Nope'."],
    ),
    (
        'try { [Foo.Bar]::x } catch { "$_" }',
        ["Unable to find type [Foo.Bar]: make sure that the assembly containing this type is loaded."],
    ),
    (
        'try { New-Object Foo.Bar } catch { "$_" }',
        ["Cannot find type [Foo.Bar]: make sure the assembly containing this type is loaded."],
    ),
    (
        'Set-StrictMode -Version 2; try { $nope } catch { "$_" }',
        ["The variable '$nope' cannot be retrieved because it has not been set."],
    ),
    (
        "Set-StrictMode -Version 2; try { 'a'.nope } catch { \"$_\" }",
        ["Property 'nope' cannot be found on this object. Make sure that it exists."],
    ),
    (
        "try { 'abc'.Substring(9) } catch { $_.Exception.InnerException.GetType().Name }",
        ["ArgumentOutOfRangeException"],
    ),
    ('try { $true = 5 } catch { "$_" }', ["Cannot overwrite variable true because it is read-only or constant."]),
]


@pytest.mark.parametrize(("script", "lines"), FLOW, ids=[c[0][:70] for c in FLOW])
def test_errors_go_where_powershell_sends_them(shell: Shell, script: str, lines: list[str]) -> None:
    said = shell.run(script)
    assert (said.lines, said.err) == (lines, "")


def test_a_non_terminating_error_is_printed_and_the_script_goes_on(shell: Shell) -> None:
    said = shell.run("Get-Item C:\\nope; 'after'")
    assert said.lines == ["after"]
    assert said.code == 0
    assert said.err.split("\r\n")[:5] == [
        "Get-Item : Cannot find path 'C:\\nope' because it does not exist.",
        "At line:1 char:9",
        "+ Get-Item <<<<  C:\\nope; 'after'",
        "    + CategoryInfo          : ObjectNotFound: (C:\\nope:String) [Get-Item], Item",
        "   NotFoundException",
    ]
    assert "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand" in said.err.replace("\r\n   ", "")


def test_an_unknown_command_ends_only_its_statement(shell: Shell) -> None:
    said = shell.run("Foo; 'after'")
    assert said.lines == ["after"]
    assert said.err.startswith("The term 'Foo' is not recognized as the name of a cmdlet, function, script file")


def test_throw_ends_the_script(shell: Shell) -> None:
    said = shell.run("'a'; throw 'boom'; 'b'")
    assert (said.code, said.lines) == (1, ["a"])
    assert said.err.startswith("boom\r\nAt line:1 char:11\r\n+ 'a'; throw <<<<  'boom'; 'b'\r\n")


def test_stop_as_preference_ends_the_script_at_the_first_error(shell: Shell) -> None:
    said = shell.run("$ErrorActionPreference = 'Stop'; Get-Item C:\\nope; 'never'")
    assert (said.code, said.out) == (1, "")
    assert "is set to Stop: Cannot find path" in said.err.replace("\r\n", "")


@pytest.mark.parametrize(("script", "code"), [
    ("'x'", 0),
    ("exit 7", 7),
    ("Get-Item C:\\nope", 1),
    ("Get-Item C:\\nope; 'fine'", 0),
    ("throw 'x'", 1),
    ("Foo", 1),
    ("cmd /c exit 3", 1),
    ("cmd /c exit 3; exit $LASTEXITCODE", 3),
    ("try { Foo } catch { exit 9 }", 9),
    ("& { exit 5 }; 'never'", 5),
    ("function f { exit 6 }; 1..3 | % { f }", 6),
    ("1 -in 2", 1),
])  # fmt: skip
def test_exit_codes_of_a_command(shell: Shell, script: str, code: int) -> None:
    assert shell.run(script).code == code


def test_an_unknown_parameter_is_named(shell: Shell) -> None:
    said = shell.run("Get-Item -Foo x")
    assert said.err.startswith("Get-Item : A parameter cannot be found that matches parameter name 'Foo'.")
    assert "NamedParameterNotFound" in said.err.replace("\r\n   ", "")


def test_a_unique_beginning_of_a_parameter_is_enough_and_an_ambiguous_one_is_refused(shell: Shell) -> None:
    assert shell.run("1..5 | Select-Object -fi 2").lines == ["1", "2"]
    assert "is ambiguous" in shell.run("1..5 | Select-Object -E a").err.replace("\r\n", "")


def test_a_second_positional_word_without_a_place_is_refused(shell: Shell) -> None:
    assert "A positional parameter cannot be found that accepts argument 'b'." in shell.run("Get-Item a b").err.replace(
        "\r\n", ""
    )


def test_errors_of_a_native_tool_flow_with_the_output_when_they_are_merged(shell: Shell) -> None:
    said = shell.run(
        "$x = cmd /c 'echo out& echo bad 1>&2' 2>&1; $x.Length; $x | % { $_.GetType().Name }; \"$($x[1])\".Trim()"
    )
    assert said.lines == ["2", "String", "ErrorRecord", "bad"]


def test_merged_errors_of_a_native_tool_stop_a_script_that_stops_at_errors(shell: Shell) -> None:
    said = shell.run(
        "$ErrorActionPreference = 'Stop'; try { cmd /c 'echo bad 1>&2' 2>&1; 'on' } catch { \"caught $_\".Trim() }"
    )
    assert said.lines == ["caught bad"]


def test_errors_can_be_thrown_away_or_written_to_a_file(shell: Shell) -> None:
    said = shell.run("Get-Item C:\\nope 2>$null; Foo 2> C:\\err.txt; cmd /c 'echo x 1>&2' 2>$null")
    assert said.err.startswith("The term 'Foo'")  # the command was never found, so its redirection never began
    assert shell.run("Get-Item C:\\nope 2> C:\\e2.txt; Get-Content C:\\e2.txt | Select-Object -First 1").lines == [
        "Get-Item : Cannot find path 'C:\\nope' because it does not exist."
    ]


def test_functions_that_call_themselves_for_ever_end_with_an_error(shell: Shell) -> None:
    said = shell.run("function f { f }; f; 'after'")
    assert said.code == 1
    assert "call depth overflow" in said.err.replace("\r\n", "")
