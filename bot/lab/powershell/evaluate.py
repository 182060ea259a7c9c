"""The evaluator of one PowerShell process: its scopes, streams and error handling, put together from its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.lab.powershell import nodes as n
from bot.lab.powershell.blocks import Blocks
from bot.lab.powershell.control import ExitJump, Jump, ReturnJump, Terminating, record_of, record_of_net
from bot.lab.powershell.convert import to_string
from bot.lab.powershell.errors import render
from bot.lab.powershell.expressions import Expressions
from bot.lab.powershell.members import from_python
from bot.lab.powershell.parse import ParseFailed, parse
from bot.lab.powershell.pipeline import Pipelines
from bot.lab.powershell.scope import Scope
from bot.lab.powershell.statements import Statements
from bot.lab.powershell.times import Version
from bot.lab.powershell.values import (
    ArrayList,
    CmdletError,
    EnumValue,
    ErrorRecord,
    Hashtable,
    NetError,
    PSObject,
    net_error,
)
from bot.lab.windows.services import ServiceError

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine, Session

PREFERENCES = ("SilentlyContinue", "Stop", "Continue", "Inquire")


class Interpreter(Expressions, Statements, Pipelines, Blocks):
    """One powershell.exe: evaluates scripts for a session. Not thread-safe; make one a process."""

    def __init__(self, session: Session) -> None:
        self.session: Session = session
        self.machine: Machine = session.machine
        self.scope = Scope()
        self.snapins: list[str] = ["Microsoft.PowerShell.Core"]  # those loaded, lower-case compared
        self.errors = ArrayList()
        self.last_ok = True
        self.guarded = 0  # how many try bodies and traps stand around us
        self.failed = False  # whether the running pipeline reported an error
        self.depth = 0
        self.strict = 0
        self.default_sink: Callable[[ErrorRecord], None] = self._to_stderr
        self.error_sink: Callable[[ErrorRecord], None] = self.default_sink
        self.write_line: Callable[[str], None] = session.out
        self.side_line: Callable[[str, str], None] = lambda text, _stream: session.out(text)
        self.write_error_text: Callable[[str], None] = session.err
        self.policy = ""  # -ExecutionPolicy
        self.invocations: dict[tuple[n.Code, str, str], PSObject] = {}
        self._fill()

    def _fill(self) -> None:
        session = self.session
        version = Version.parse(self.machine.powershell_version)
        table = Hashtable([
            ("CLRVersion", Version.parse("2.0.50727.4927")), ("BuildVersion", Version.parse("6.1.7600.16385")),
            ("PSVersion", version), ("WSManStackVersion", version),
            ("PSCompatibleVersions", ArrayList([Version.parse("1.0"), version])),
            ("SerializationVersion", Version.parse("1.1.0.1")), ("PSRemotingProtocolVersion", Version.parse("2.1")),
        ])  # fmt: skip
        self.host = PSObject(
            {"Name": "ConsoleHost", "Version": version, "CurrentCulture": "en-US", "CurrentUICulture": "en-US",
             "UI": PSObject({"RawUI": PSObject({"BufferSize": PSObject({"Width": 80, "Height": 300}),
                                                "WindowTitle": "Windows PowerShell"})})},
            ("System.Management.Automation.Internal.Host.InternalHost", "System.Object"), view="list")  # fmt: skip
        profile = session.env.get("USERPROFILE", "C:\\Windows\\system32\\config\\systemprofile")
        self.scope.variables.update({
            "psversiontable": table, "host": self.host, "pid": session.pid, "home": profile,
            "pshome": "C:\\Windows\\System32\\WindowsPowerShell\\v1.0", "error": self.errors,
            "erroractionpreference": self.preference("Continue"), "warningpreference": self.preference("Continue"),
            "verbosepreference": self.preference("SilentlyContinue"),
            "debugpreference": self.preference("SilentlyContinue"),
            "progresspreference": self.preference("Continue"), "confirmpreference": "High",
            "formatenumerationlimit": 4, "outputencoding": "US-ASCII", "matches": Hashtable(), "args": [],
            "shellid": "Microsoft.PowerShell", "maximumerrorcount": 256,
        })  # fmt: skip

    @staticmethod
    def preference(name: str) -> EnumValue:
        """An action preference by its name."""
        return EnumValue(name, PREFERENCES.index(name), "System.Management.Automation.ActionPreference")

    # running

    def run(self, text: str, out: Callable[[Any], None]) -> None:
        """Parse and run text in the current scope. Raises ExitJump, Terminating."""
        try:
            code = parse(text)
        except ParseFailed as failed:
            raise Terminating(self.parse_record(failed), script=True) from None
        self.run_code(code, out)

    def run_code(self, code: n.Code, out: Callable[[Any], None]) -> None:
        """Run a parsed script's body here; `return` ends it."""
        try:
            for block in (code.begin, code.process, code.end):
                if block is not None:
                    self.run_block(block, out)
        except ReturnJump:
            return

    @staticmethod
    def parse_record(failed: ParseFailed) -> ErrorRecord:
        """The record of a syntax error."""
        problem = failed.problem
        return ErrorRecord(net_error(problem.message, "System.Management.Automation.ParseException"),
                           problem.error_id, "ParserError", problem.message.split("'")[1] if "'" in problem.message
                           else None, "", problem.spot)  # fmt: skip

    # errors

    def _to_stderr(self, record: ErrorRecord) -> None:
        self.write_error_text(render(record))

    def action(self, given: Any = None) -> str:
        """The error action in force: the parameter's, else the preference variable's."""
        value = given if given is not None else self.variable("", "erroractionpreference")
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(PREFERENCES):
            return PREFERENCES[value]
        return next((p for p in PREFERENCES if p.casefold() == to_string(value).casefold()), "Continue")

    def remember(self, record: ErrorRecord) -> None:
        """Put a record on top of $Error."""
        if not self.errors or self.errors[0] is not record:
            self.errors.insert(0, record)
            del self.errors[256:]

    def non_terminating(self, record: ErrorRecord, given: Any = None) -> None:
        """Report an error after which the command goes on; Stop makes it a terminating one."""
        self.failed = True
        action = self.action(given)
        if action == "Stop":
            raise Terminating(record, script=True, stopped=True)
        self.remember(record)
        if action != "SilentlyContinue":
            self.error_sink(record)

    def terminating(self, error: Exception, spot: n.Spot | None) -> Terminating:
        """Any failure of a statement as a Terminating."""
        if isinstance(error, Terminating):
            return error
        if isinstance(error, CmdletError):
            return Terminating(record_of(error, "", spot))
        if isinstance(error, OSError):
            error = from_python(error)
        if isinstance(error, ServiceError):
            error = net_error(f"{error}", "System.InvalidOperationException")
        if isinstance(error, NetError):
            return Terminating(record_of_net(error, spot))
        if isinstance(error, RecursionError):
            wrong = net_error("The script failed due to call depth overflow.")
            return Terminating(ErrorRecord(wrong, "CallDepthOverflow", "InvalidOperation", spot=spot), script=True)
        raise error

    def report(self, failed: Terminating) -> None:
        """Print a terminating error that nobody caught, and go on."""
        self.remember(failed.record)
        self.last_ok = False
        if self.action() != "SilentlyContinue":
            if failed.stopped and self.error_sink == self.default_sink:
                self.write_error_text(render(failed.record, stopped=True))
            else:
                self.error_sink(failed.record)

    def survives(self, failed: Terminating) -> bool:
        """Whether the script goes on after this error when no trap or catch stands around."""
        return not (failed.script or self.guarded or self.action() == "Stop")


def run_guarded(interpreter: Interpreter, text: str, out: Callable[[Any], None]) -> int | None:
    """Run text at the top: the exit code of `exit`, 1 after an uncaught terminating error, else None."""
    try:
        interpreter.run(text, out)
    except ExitJump as left:
        return left.code
    except Terminating as failed:
        interpreter.report(failed)
        return 1
    except Jump:
        return None
    except FAULTS as fault:
        return own_fault(interpreter, fault)
    return None


FAULTS = (TypeError, AttributeError, LookupError, ValueError, AssertionError, NotImplementedError)
"""What can only be a fault of this room: no script should be able to cause it."""


def own_fault(interpreter: Interpreter, fault: Exception) -> int:
    """Say loudly that the evaluator itself failed; the script ends with 1, as after an uncaught error."""
    where = fault.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_filename.rpartition('/')[2]}:{where.tb_lineno}" if where else "?"
    interpreter.write_error_text(f"The practice range's PowerShell failed by itself at {place}: {fault!r}\r\n")
    return 1
