"""What reaches stdout and stderr: default formatting, tables, lists, CLIXML, the command line of powershell.exe."""

from __future__ import annotations

import base64
from xml.etree import ElementTree as ET

from bot.lab.powershell.values import PSObject
from bot.lab.windows.machine import CmdletSpec
from tests.lab.powershell.conftest import Shell


def give(shell: Shell, *objects: object) -> None:
    shell.machine.cmdlets["get-thing"] = CmdletSpec("Get-Thing", lambda _s, _p, _i: list(objects), ())


def test_five_properties_make_a_list_with_arrays_in_braces(shell: Shell) -> None:
    give(shell, PSObject([("Identity", "CMS1"), ("State", "Online"), ("OperationalMachines", ["EXN1 <Active>", "EXN2"]),
                          ("FailedResources", []), ("IsValid", True)], ("Fabrikam.Status",)))  # fmt: skip
    assert shell.run("Get-Thing").out.split("\r\n") == [
        "", "",
        "Identity            : CMS1",
        "State               : Online",
        "OperationalMachines : {EXN1 <Active>, EXN2}",
        "FailedResources     : {}",
        "IsValid             : True",
        "", "", "", "",
    ]  # fmt: skip


def test_four_properties_make_a_table_that_shares_the_width(shell: Shell) -> None:
    give(
        shell,
        PSObject([("Name", "SG1"), ("Queue", 0)], ("Fabrikam.Copy",)),
        PSObject([("Name", "SG2"), ("Queue", 12)], ("Fabrikam.Copy",)),
    )
    lines = shell.run("Get-Thing").out.split("\r\n")
    assert lines[1] == "Name".ljust(39) + " " + "Queue".rjust(39)
    assert lines[2] == "----".ljust(39) + " " + "-----".rjust(39)
    assert lines[4] == "SG2".ljust(39) + " " + "12".rjust(39)


def test_a_list_of_more_than_four_is_cut_until_the_limit_is_raised(shell: Shell) -> None:
    give(shell, PSObject([("Nodes", ["A", "B", "C", "D", "E"])], ("Fabrikam.Nodes",)))
    assert "Nodes : {A, B, C, D...}" in shell.run("Get-Thing | Format-List").out
    assert "Nodes : {A, B, C, D, E}" in shell.run("$FormatEnumerationLimit = -1; Get-Thing | fl").out


def test_the_properties_shown_are_the_ones_the_object_names(shell: Shell) -> None:
    give(shell, PSObject([("Name", "SG1"), ("Hidden", "x")], ("Fabrikam.Copy",), show=("Name",)))
    out = shell.run("Get-Thing").out
    assert "SG1" in out
    assert "Hidden" not in out
    assert "Hidden : x" in shell.run("Get-Thing | Format-List Name, Hidden").out


def test_format_table_takes_properties_and_sizes_itself(shell: Shell) -> None:
    said = shell.run("'ab','c' | Format-Table @{Label='Text';Expression={$_}}, Length -AutoSize")
    assert said.out.split("\r\n")[:5] == ["", "Text Length", "---- ------", "ab        2", "c         1"]


def test_long_values_wrap_in_a_list_at_80_columns(shell: Shell) -> None:
    give(shell, PSObject([("Text", "word " * 30)], ("Fabrikam.Long",)))
    assert all(len(line) <= 80 for line in shell.run("Get-Thing | fl").out.split("\r\n"))


def test_write_host_keeps_its_place_among_the_output(shell: Shell) -> None:
    assert (
        shell.run("1; Write-Host 'two' -ForegroundColor Red; 3; Write-Host a b -NoNewline").out
        == "1\r\ntwo\r\n3\r\na b"
    )
    assert shell.run("$x = Write-Host 'shown'; $x -eq $null").lines == ["shown", "True"]


def test_a_warning_is_printed_and_is_no_output(shell: Shell) -> None:
    assert shell.run("$x = Write-Warning 'careful'; $x -eq $null; Write-Verbose 'no'; Write-Debug 'no'").lines == [
        "WARNING: careful",
        "True",
    ]


def test_console_out_goes_past_the_pipeline(shell: Shell) -> None:
    said = shell.run("$x = & { [Console]::Out.WriteLine('direct'); 'kept' }; [Console]::Error.WriteLine('bad'); $x")
    assert (said.lines, said.err) == (["direct", "kept"], "bad\r\n")


def test_an_encoded_command_runs_and_reports_errors_as_clixml(shell: Shell) -> None:
    encoded = base64.b64encode("'fine'; Get-Item C:\\nope; Get-Item C:\\no2".encode("utf-16-le")).decode()
    said = shell.run(encoded, "-NoProfile", "-EncodedCommand")
    assert said.lines == ["fine"]
    assert said.err.startswith("#< CLIXML\r\n<Objs ")
    root = ET.fromstring(said.err.removeprefix("#< CLIXML\r\n"))  # noqa: S314 - our own words
    texts = [node.text or "" for node in root]
    assert {node.get("S") for node in root} == {"Error"}
    assert texts[0] == "Get-Item : Cannot find path 'C:\\nope' because it does not exist._x000D__x000A_"
    assert sum("no2' because" in text for text in texts) == 1


def test_pywinrms_own_reader_understands_our_clixml(shell: Shell) -> None:
    import winrm

    encoded = base64.b64encode("throw 'a < b & \"c\"'".encode("utf-16-le")).decode()
    said = shell.run(encoded, "-EncodedCommand")
    cleaned = winrm.Session("x", auth=("a", "b"))._clean_error_msg(said.err.encode())
    assert cleaned.decode().startswith('a < b & "c"')


def test_a_bad_encoded_command_is_refused(shell: Shell) -> None:
    said = shell.run("%%%", "-EncodedCommand")
    assert said.code != 0
    assert "not properly encoded" in said.err.replace("\r\n", "")


def test_commands_can_come_from_standard_input(shell: Shell) -> None:
    assert shell.run("", "-NoProfile", "-Command", "-", stdin="$x = 2\n$x + 1\n").lines == ["3"]
    assert shell.run("", "-", stdin="'plain'").lines == ["plain"]


def test_standard_input_is_what_input_enumerates(shell: Shell) -> None:
    assert shell.run('$input | % { "<$_>" }', stdin="a\r\nb\r\n").lines == ["<a>", "<b>"]
    assert shell.run("[Console]::In.ReadToEnd().Length", stdin="abc").lines == ["3"]


def test_a_script_file_gets_its_arguments_and_gives_its_exit_code(shell: Shell) -> None:
    shell.machine.fs.write("C:\\s.ps1", b'param($a, [switch]$b)\r\n"$a $b $($args[0])"\r\nexit 12')
    said = shell.run("", "-NoProfile", "-ExecutionPolicy", "Bypass", "-File", "C:\\s.ps1", "one two", "-b", "rest")
    assert (said.code, said.lines) == (12, ["one two True rest"])


def test_script_files_do_not_run_while_the_policy_forbids_it(shell: Shell) -> None:
    shell.machine.fs.write("C:\\s.ps1", b"'ran'")
    said = shell.run("", "-File", "C:\\s.ps1")
    assert said.code == 1
    assert "execution of scripts is disabled" in said.err.replace("\r\n", "")
    shell.machine.registry.set(
        "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\PowerShell", "ExecutionPolicy", "Restricted"
    )
    assert shell.run("", "-ExecutionPolicy", "Bypass", "-File", "C:\\s.ps1").code == 1  # group policy wins


def test_a_missing_script_file_is_refused(shell: Shell) -> None:
    said = shell.run("", "-ExecutionPolicy", "Bypass", "-File", "C:\\nope.ps1")
    assert said.code != 0
    assert "does not exist" in said.err


def test_words_without_an_option_are_a_command(shell: Shell) -> None:
    assert shell.run("1+1", "-NoP", "-NonI").lines == ["2"]


def test_a_throw_in_a_file_gives_1_and_a_native_failure_does_not(shell: Shell) -> None:
    shell.machine.fs.write("C:\\t.ps1", b"throw 'x'")
    shell.machine.fs.write("C:\\n.ps1", b"cmd /c exit 3")
    options = ("-ExecutionPolicy", "Bypass", "-File")
    assert shell.run("", *options, "C:\\t.ps1").code == 1
    assert shell.run("", *options, "C:\\n.ps1").code == 0


def test_redirected_output_is_formatted_and_unicode(shell: Shell) -> None:
    shell.run("@{a=1} > C:\\o.txt")
    data = shell.machine.fs.read("C:\\o.txt")
    assert data.startswith(b"\xff\xfe")
    assert "Name                           Value" in data[2:].decode("utf-16-le")
