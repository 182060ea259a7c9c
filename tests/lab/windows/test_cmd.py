"""cmd.exe: lines and batch files."""

from __future__ import annotations

import pytest

from bot.lab.windows.machine import Machine, Session
from bot.lab.windows.programs import split_line
from tests.lab.windows.conftest import Console


@pytest.mark.parametrize(
    ("line", "out", "rc"),
    [
        ("echo a&echo b", "a\r\nb\r\n", 0),
        ("ver >nul && echo yes|| echo no", "yes\r\n", 0),
        ("type C:\\none 2>nul && echo yes || echo no", "no\r\n", 0),
        ('echo "a & b" ^& c', '"a & b" & c\r\n', 0),
        ('(echo a & echo b) | find /c /v ""', "2\r\n", 0),
        ("if 1==1 (echo yes) else echo no", "yes\r\n", 0),
        ("if /i not A==a echo yes", "", 0),
        ("if 10 GTR 9 echo more", "more\r\n", 0),
        ("if exist C:\\Windows echo there", "there\r\n", 0),
        ("set X=5& cmd /c exit 3& if errorlevel 3 echo three", "three\r\n", 0),
        ('cmd /c "exit /b 5"', "", 5),
        ("exit 7", "", 7),
        ("echo %COMPUTERNAME%", "EXN1\r\n", 0),
        ("echo %NOPE%", "%NOPE%\r\n", 0),
        ("for %i in (a b) do @echo %i", "a\r\nb\r\n", 0),
        ("for /l %i in (1,2,5) do echo %i", "1\r\n3\r\n5\r\n", 0),
        ('for /f "tokens=2 delims=," %i in ("a,b,c") do echo %i', "b\r\n", 0),
        ("for /f \"tokens=1,* delims= \" %a in ('echo one two three') do echo %b-%a", "two three-one\r\n", 0),
        ("ver", "\r\nMicrosoft Windows [Version 6.0.6002]\r\n", 0),
        ("vol C:", " Volume in drive C is System\r\n Volume Serial Number is 0000-0043\r\n", 0),
        ("hostname", "EXN1\r\n", 0),
        ("C:\\Windows\\System32\\HOSTNAME.EXE", "EXN1\r\n", 0),
        ("cd /d C:\\Windows & cd", "C:\\Windows\r\n", 0),
        ("set /a 2*(3+4)", "14", 0),
        ("echo.", "\r\n", 0),
    ],
)
def test_a_line_does_what_cmd_does(console: Console, line: str, out: str, rc: int) -> None:
    said = console(line)
    assert (said.out, said.rc) == (out, rc), said


def test_an_unknown_command_is_said_in_windows_words(console: Console) -> None:
    said = console("foo bar")
    assert (
        said.err == "'foo' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
    )
    assert said.rc == 1
    console.put("C:\\t.cmd", "@foo 2>nul", "@echo %ERRORLEVEL%", "@exit /b %ERRORLEVEL%")
    assert console("C:\\t.cmd").out == "9009\r\n"


def test_a_line_over_8191_characters_is_refused(console: Console) -> None:
    assert console("echo " + "x" * 8186).rc == 0
    said = console("echo " + "x" * 8187)
    assert (said.rc, said.err) == (1, "The command line is too long.\r\n")


def test_redirections_go_where_they_point(machine: Machine, console: Console) -> None:
    console("echo one>C:\\log & echo two>>C:\\log & type C:\\none >>C:\\log 2>&1")
    text = machine.fs.read("C:\\log").decode()
    assert text == "one \r\ntwo \r\nThe system cannot find the file specified.\r\n"
    assert console("echo x> C:\\no\\such\\folder & echo after").err == "The system cannot find the path specified.\r\n"
    assert console("set /p LINE=<C:\\log & call echo [%LINE%]").out == " [one ]\r\n"


def test_a_log_can_be_read_while_it_is_written(machine: Machine, console: Console) -> None:
    seen: list[bytes] = []

    def installer(session: Session, argv: list[str], raw: str) -> int:
        session.out("begin\r\n")
        seen.append(machine.fs.read("C:\\log"))
        return 3010

    machine.natives["installer"] = installer
    assert console("installer /quiet > C:\\log 2>&1").rc == 3010
    assert seen == [b"begin\r\n"]


def test_a_batch_file_with_blocks_labels_calls_and_arguments(console: Console) -> None:
    console.put(
        "C:\\jobs\\a b\\t.cmd",
        "@echo off",
        "setlocal",
        "set NEXT=",
        'set /p NEXT=<"%~dp0next.txt"',
        "if not defined NEXT (",
        "  echo nothing",
        "  exit /b 2",
        ")",
        'if exist "%~dp0%NEXT%\\void" exit /b 3',
        "call :sub one two",
        "echo back %ERRORLEVEL% %~1 [%2] %~nx3 %*",
        "goto end",
        "echo never",
        ":sub",
        "echo sub %1-%2 %0",
        "exit /b 4",
        ":END",
        'for /f "usebackq tokens=1,2 delims=:" %%a in ("%~dp0pairs.txt") do (',
        "  if %%a==x (echo %%b) else (",
        "    echo other %%b",
        "  )",
        ")",
        "exit /b 9",
    )
    assert console('"C:\\jobs\\a b\\t.cmd"').rc == 2
    console.put("C:\\jobs\\a b\\next.txt", "C1-7")
    console.put("C:\\jobs\\a b\\pairs.txt", "x:1", ";comment:2", "y:3")
    said = console('"C:\\jobs\\a b\\t.cmd" "p q" C:\\dir\\f.txt,z')
    assert said.out == 'sub one-two :sub\r\nback 4 p q [C:\\dir\\f.txt] z "p q" C:\\dir\\f.txt,z\r\n1\r\nother 3\r\n'
    assert said.rc == 9


def test_a_batch_file_started_without_call_does_not_come_back(console: Console) -> None:
    console.put("C:\\inner.cmd", "@echo inner")
    console.put("C:\\outer.cmd", "@C:\\inner.cmd", "@echo never")
    console.put("C:\\calling.cmd", "@call C:\\inner.cmd", "@echo after")
    assert console("C:\\outer.cmd & echo line").out == "inner\r\nline\r\n"
    assert console("C:\\calling.cmd").out == "inner\r\nafter\r\n"


def test_variables_expand_when_the_line_is_read_unless_delayed(console: Console) -> None:
    console.put("C:\\t.cmd", "@echo off", "set X=old", "if 1==1 (", "  set X=new", "  echo %X%", ")", "echo %X%")
    assert console("C:\\t.cmd").out == "old\r\nnew\r\n"
    console.put(
        "C:\\d.cmd", "@echo off", "setlocal enabledelayedexpansion", "set X=old", "(", "set X=new", "echo !X!", ")"
    )
    assert console("C:\\d.cmd").out == "new\r\n"
    console.put("C:\\s.cmd", "@echo %TEXT:~0,3%-%TEXT:~-2%-%TEXT:b=X%")
    assert console("set TEXT=abcdef& call C:\\s.cmd").out == "abc-ef-aXcdef\r\n"


def test_of_two_who_md_the_same_folder_the_second_is_told(console: Console) -> None:
    assert console("md C:\\rollup-bot\\jobs\\one").rc == 0
    said = console("md C:\\rollup-bot\\jobs\\one && echo mine || echo taken")
    assert said.out == "taken\r\n"
    assert said.err == "A subdirectory or file C:\\rollup-bot\\jobs\\one already exists.\r\n"


def test_files_are_copied_moved_renamed_listed_and_deleted(machine: Machine, console: Console) -> None:
    machine.fs.mkdir("C:\\d")
    console.put("C:\\d\\rc.tmp", "0")
    assert console("ren C:\\d\\rc.tmp rc").rc == 0
    console.put("C:\\d\\rc.tmp", "1")
    assert console("ren C:\\d\\rc.tmp rc").rc == 1
    assert console("copy C:\\d\\rc C:\\d\\copy").out == "        1 file(s) copied.\r\n"
    assert console("move C:\\d\\copy C:\\moved").rc == 0
    assert console("dir /b C:\\d").out == "rc\r\nrc.tmp\r\n"
    assert console("del C:\\d\\none").err == "Could Not Find C:\\d\\none\r\n"
    assert console("del /q C:\\d & rd C:\\d").rc == 0
    assert not machine.fs.exists("C:\\d")
    assert machine.fs.read("C:\\moved") == b"0\r\n"


def test_outer_quotes_after_c_go_and_inner_ones_stay(console: Console) -> None:
    console.put("C:\\a b\\t.cmd", "@echo ran %~1")
    assert console('cmd /c ""C:\\a b\\t.cmd" "x y""').out == "ran x y\r\n"
    assert console('cmd /c "C:\\a b\\t.cmd"').out == "ran \r\n"
    assert console('cmd /d /s /c ""C:\\a b\\t.cmd" 1 > "C:\\a b\\log" 2>&1"').out == ""
    assert console('type "C:\\a b\\log"').out == "ran 1\r\n"


def test_a_syntax_error_ends_the_line(console: Console) -> None:
    said = console("echo a & ) & echo b")
    assert said.rc == 1
    assert "was unexpected at this time." in said.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('x "a b" c', ["x", "a b", "c"]),
        (r"x a\\b", ["x", r"a\\b"]),
        (r'x "a\"b"', ["x", 'a"b']),
        (r'x "a\\" b', ["x", "a\\", "b"]),
        ('group "Cluster Group" /move:"EX N2"', ["group", "Cluster Group", "/move:EX N2"]),
    ],
)
def test_arguments_are_split_as_the_c_runtime_splits_them(line: str, words: list[str]) -> None:
    assert split_line(line) == words


def test_services_from_the_command_line(machine: Machine, console: Console) -> None:
    assert "STATE              : 4  RUNNING" in console("sc query WinRM").out
    assert console("sc query Nope").rc == 1060
    assert console("sc config W32Time start= disabled").out == "[SC] ChangeServiceConfig SUCCESS\r\n"
    assert console("net stop W32Time").rc == 0
    said = console("net start W32Time")
    assert said.rc == 2
    assert "System error 1058" in said.err
    assert (
        '"EXN1","\\'
        in console("schtasks /create /tn x /tr y /sc once /st 23:00 /ru SYSTEM & schtasks /query /fo csv /v").out
    )


def test_registry_and_disks_from_the_command_line(machine: Machine, console: Console) -> None:
    machine.registry.set("HKLM\\SOFTWARE\\X", "State", 0x23E00)
    assert "    State    REG_DWORD    0x23e00\r\n" in console("reg query HKLM\\SOFTWARE\\X /v State").out
    assert console("reg query HKLM\\SOFTWARE\\Y").rc == 1
    assert console("fsutil dirty query C:").out == "Volume - C: is NOT Dirty\r\n"
    machine.fs.drives["C:"].dirty = True
    assert console("fsutil dirty query C:").out == "Volume - C: is Dirty\r\n"


def test_a_prompt_reads_what_was_sent(console: Console) -> None:
    assert console("set /p A=Name? & call echo [%A%]", stdin="x\r\n").out.startswith("Name? ")
    console.put("C:\\t.cmd", "@set /p A=", "@set /p B=", "@echo %B%-%A%")
    assert console("C:\\t.cmd", stdin="1\r\n2\r\n").out == "2-1\r\n"
