"""[Diagnostics.Process], ProcessStartInfo and [Diagnostics.FileVersionInfo]."""

from __future__ import annotations

import threading
from typing import Any

from bot.lab.powershell.convert import to_int, to_string
from bot.lab.powershell.dotnet import constructor, instance, static
from bot.lab.powershell.dotnet_streams import Stream, StreamReader
from bot.lab.powershell.paths import full_path
from bot.lab.powershell.times import DateTime
from bot.lab.powershell.typenames import known
from bot.lab.powershell.values import PSObject, net_error
from bot.lab.windows import programs
from bot.lab.windows.machine import Cancelled

INFO = "System.Diagnostics.ProcessStartInfo"
PROCESS = "System.Diagnostics.Process"
known(PROCESS, "System.Diagnostics.FileVersionInfo")


def _info(_i: Any, name: Any = "", arguments: Any = "") -> PSObject:
    return PSObject({
        "FileName": to_string(name), "Arguments": to_string(arguments), "WorkingDirectory": "", "UseShellExecute": True,
        "RedirectStandardOutput": False, "RedirectStandardError": False, "RedirectStandardInput": False,
        "CreateNoWindow": False, "WindowStyle": "Normal", "Verb": "",
    }, (INFO, "System.Object"))  # fmt: skip


class Started:
    """A process we started: runs beside us, can be waited for."""

    net_type = PROCESS
    type_name = PROCESS

    def __init__(self, interpreter: Any, info: PSObject | None = None) -> None:
        self.interpreter = interpreter
        self.info = info if info is not None else _info(interpreter)
        self.ended = threading.Event()
        self.code = 0
        self.pid = 0
        self.name = ""
        self.began = 0.0
        self.text = {"out": "", "err": ""}

    def start(self) -> bool:
        """CreateProcess. Raises NetError when there is no such program."""
        session = self.interpreter.session
        name, arguments = to_string(self.info["FileName"]), to_string(self.info["Arguments"])
        try:
            program = programs.find(session, name, extensions=(".cmd", ".bat") if self.info["UseShellExecute"] else ())
        except programs.BadImage:
            raise net_error(
                "The specified executable is not a valid Win32 application", "System.ComponentModel.Win32Exception"
            ) from None
        if program is None:
            raise net_error("The system cannot find the file specified", "System.ComponentModel.Win32Exception")
        child = programs.child_of(session)
        if self.info["WorkingDirectory"]:
            child.cwd = to_string(self.info["WorkingDirectory"])
        own = self.info["UseShellExecute"]
        child.out = self._sink("out") if self.info["RedirectStandardOutput"] else (_drop if own else session.out)
        child.err = self._sink("err") if self.info["RedirectStandardError"] else (_drop if own else session.err)
        self.name = program.name
        self.began = session.machine.now()
        entered = threading.Event()

        def run() -> None:
            try:
                self.code = programs.run_found(child, program, f"{name} {arguments}".strip(), arguments)
            except Cancelled:
                self.code = programs.TERMINATED
            finally:
                entered.set()
                self.ended.set()

        known_before = {p.pid for p in session.machine.processes.all()}
        threading.Thread(target=run, name=f"{session.machine.name} {program.name}", daemon=True).start()
        entered.wait(0.005)
        self.pid = next((p.pid for p in session.machine.processes.all() if p.pid not in known_before
                         and p.name == program.name), 0)  # fmt: skip
        return True

    def _sink(self, stream: str) -> Any:
        def take(text: str) -> None:
            self.text[stream] += text

        return take

    def wait(self, milliseconds: float | None = None) -> bool:
        """Wait in lab time; False when it still runs. Raises Cancelled when we are ended meanwhile."""
        session = self.interpreter.session
        clock = session.machine.clock
        end = None if milliseconds is None else clock.now() + milliseconds / 1000
        while not self.ended.is_set():
            left = 0.05 if end is None else (end - clock.now()) / clock.speed
            if left <= 0:
                return False
            self.ended.wait(min(left, 0.05))
            if session.cancelled.is_set():
                raise Cancelled
        return True

    def exit_code(self) -> int:
        """The exit code; an error while it runs."""
        if not self.ended.is_set():
            raise net_error(
                "Process must exit before requested information can be determined.", "System.InvalidOperationException"
            )
        return self.code


def _drop(_text: str) -> None:
    return


def _start(interpreter: Any, first: Any, arguments: Any = "") -> Started:
    info = first if isinstance(first, PSObject) else _info(interpreter, first, arguments)
    process = Started(interpreter, info)
    process.start()
    return process


def process_object(session: Any, process: Any) -> PSObject:
    """A running process as Get-Process shows it."""
    started = DateTime.from_unix(process.started)
    own = process.session is None
    made = PSObject({
        "Handles": 100, "NPM": 8, "PM": 8 * 2**20, "WS": 12 * 2**20, "VM": 90 * 2**20, "CPU": 0.1, "Id": process.pid,
        "ProcessName": process.name.removesuffix(".exe"), "Name": process.name.removesuffix(".exe"), "SessionId": 0,
        "MachineName": ".", "HasExited": False, "Path": None if own else f"C:\\Windows\\system32\\{process.name}",
    }, (PROCESS, "System.Object"), text=f"System.Diagnostics.Process ({process.name.removesuffix('.exe')})",
        methods={"Kill": lambda: session.machine.processes.kill(process.pid), "Refresh": lambda: None,
                 "WaitForExit": lambda *_a: True})  # fmt: skip
    if own and session.principal.user.upper() != "NT AUTHORITY\\SYSTEM":
        made["StartTime"] = _denied
    else:
        made["StartTime"] = started
    return made


def _denied() -> None:
    raise net_error('Exception getting "StartTime": "Access is denied"', "System.Management.Automation.GetValueInvocationException",
                    net_error("Access is denied", "System.ComponentModel.Win32Exception"))  # fmt: skip


def _current(interpreter: Any) -> PSObject:
    session = interpreter.session
    found = session.machine.processes.get(session.pid)
    if found is None:
        from bot.lab.windows.processes import Process

        found = Process(session.pid, session.machine.now(), "powershell.exe", "", session.principal.user, 0, session)
    return process_object(session, found)


def _by_id(interpreter: Any, pid: Any) -> PSObject:
    found = interpreter.machine.processes.get(to_int(pid))
    if found is None:
        raise net_error(f"Process with an Id of {to_int(pid)} is not running.", "System.ArgumentException")
    return process_object(interpreter.session, found)


static(PROCESS, None, {
    "GetCurrentProcess": _current, "GetProcessById": _by_id, "Start": _start,
    "GetProcesses": lambda i: [process_object(i.session, p) for p in i.machine.processes.all()],
})  # fmt: skip
constructor(INFO, _info)
constructor(PROCESS, Started)
instance(PROCESS, {
    "Id": lambda _i, p: p.pid, "ExitCode": lambda _i, p: p.exit_code(), "HasExited": lambda _i, p: p.ended.is_set(),
    "StartInfo": lambda _i, p: p.info, "StartTime": lambda _i, p: DateTime.from_unix(p.began),
    "ProcessName": lambda _i, p: p.name.removesuffix(".exe"),
    "StandardOutput": lambda _i, p: _captured(p, "out"), "StandardError": lambda _i, p: _captured(p, "err"),
}, {
    "Start": lambda _i, p: p.start(),
    "WaitForExit": lambda _i, p, ms=None: p.wait(None if ms is None else to_int(ms)) if ms is not None else p.wait() and None,
    "Kill": lambda i, p: i.machine.processes.kill(p.pid) and None, "Close": lambda _i, _p: None, "Dispose": lambda _i, _p: None,
    "Refresh": lambda _i, _p: None,
})  # fmt: skip
Started.net_setters = {"StartInfo": lambda p, info: setattr(p, "info", info)}  # type: ignore[attr-defined]


def _captured(process: Started, stream: str) -> StreamReader:
    process.wait()
    return StreamReader(Stream(process.text[stream].encode()))


def version_info(session: Any, path: str) -> PSObject:
    """A file's version resource."""
    stat = session.machine.fs.stat(path)
    numbers = [int(part) for part in stat.version.split(".") if part.isdigit()] if stat.version else []
    numbers += [0] * (4 - len(numbers))
    return PSObject({
        "FileVersion": stat.version or None, "ProductVersion": stat.version or None, "FileName": path,
        "FileMajorPart": numbers[0], "FileMinorPart": numbers[1], "FileBuildPart": numbers[2], "FilePrivatePart": numbers[3],
        "ProductMajorPart": numbers[0], "ProductMinorPart": numbers[1], "ProductBuildPart": numbers[2],
        "ProductPrivatePart": numbers[3], "CompanyName": "Microsoft Corporation" if stat.version else None,
    }, ("System.Diagnostics.FileVersionInfo", "System.Object"), view="table", show=("ProductVersion", "FileVersion", "FileName"))  # fmt: skip


static("System.Diagnostics.FileVersionInfo", None, {
    "GetVersionInfo": lambda i, path: version_info(i.session, full_path(i.session, to_string(path))),
})  # fmt: skip
