"""The stages of a pipeline: expressions, functions and script blocks, cmdlets, native tools."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from bot.lab.powershell import nodes as n
from bot.lab.powershell.binding import Bound, Missing, Word
from bot.lab.powershell.cmdlet import BuiltIn, Call, report
from bot.lab.powershell.control import ReturnJump, Terminating, record_of
from bot.lab.powershell.convert import to_string
from bot.lab.powershell.functions import bind_piped, enter
from bot.lab.powershell.making import Evaluate, emit
from bot.lab.powershell.members import from_python
from bot.lab.powershell.scope import Scope
from bot.lab.powershell.values import CmdletError, ErrorRecord, NetError, net_error

if TYPE_CHECKING:
    from bot.lab.powershell.core import Core
    from bot.lab.windows.machine import CmdletSpec
    from bot.lab.windows.programs import Program

MAX_DEPTH = 100
"""How deep functions may call each other; Python's own stack ends a little later."""


class Stage:
    """One stage. `out` is set by the pipeline; `sink` only where stderr is redirected."""

    def __init__(self, interpreter: Core) -> None:
        self.interpreter = interpreter
        self.out: Callable[[Any], None] = lambda _value: None
        self.sink: Callable[[ErrorRecord], None] | None = None
        self.merged = False
        self.ok = True

    def begin(self) -> None:
        """Before any input."""

    def head(self) -> None:
        """The first stage of a pipeline runs without input."""
        self.feed(None)

    def feed(self, value: Any) -> None:
        """One object."""
        self._guarded(self._process, value)

    def finish(self) -> None:
        """After the last object."""
        self._guarded(self._end)

    def _guarded(self, step: Callable[..., None], *values: Any) -> None:
        if self.sink is None:
            step(*values)
            return
        outer = self.interpreter.error_sink
        self.interpreter.error_sink = self.sink
        try:
            step(*values)
        finally:
            self.interpreter.error_sink = outer

    def _process(self, value: Any) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        return


class ExpressionStage(Stage):
    """An expression at the head of a pipeline."""

    def __init__(self, interpreter: Core, value_of: Evaluate) -> None:
        super().__init__(interpreter)
        self.value_of = value_of

    def _process(self, _value: Any) -> None:
        emit(self.value_of(self.interpreter), self.out)


class CodeStage(Stage):
    """A function, script or script block."""

    def __init__(
        self, interpreter: Core, code: n.Code, words: list[Word], *, name: str = "", dot: bool = False,
        first: bool = True, script: bool = False, path: str = "",
    ) -> None:  # fmt: skip
        super().__init__(interpreter)
        self.code = code
        self.words = words
        self.name = name
        self.first = first
        self.caller = interpreter.scope
        self.scope = interpreter.scope if dot else Scope(interpreter.scope, script=script)
        self.input: list[Any] = []
        self.path = path
        self.done = False

    def _passed(self, value: Any) -> None:
        """Hand output on in the caller's scope: the next stage's blocks belong there."""
        interpreter = self.interpreter
        inner, interpreter.scope = interpreter.scope, self.caller
        try:
            self.out(value)
        finally:
            interpreter.scope = inner

    def begin(self) -> None:
        """Bind the arguments, run the begin block."""
        enter(self)
        if self.code.begin is not None:
            self._guarded(self._run, self.code.begin)

    def head(self) -> None:
        """Without input the process block runs once."""
        if self.code.process is not None:
            self._guarded(self._run, self.code.process)

    def _run(self, block: n.Block) -> None:
        interpreter = self.interpreter
        if interpreter.depth >= MAX_DEPTH:
            wrong = net_error("The script failed due to call depth overflow.  The call depth reached 1001 and the maximum "
                              "is 1000.", "System.Management.Automation.ScriptCallDepthException")  # fmt: skip
            raise Terminating(ErrorRecord(wrong, "CallDepthOverflow", "InvalidOperation"), script=True)
        interpreter.depth += 1
        outer, interpreter.scope = interpreter.scope, self.scope
        try:
            interpreter.run_block(block, self._passed)
        except ReturnJump:
            pass
        finally:
            interpreter.scope = outer
            interpreter.depth -= 1

    def _process(self, value: Any) -> None:
        if self.code.process is None:
            self.input.append(value)
            return
        self.scope.variables["_"] = value
        bind_piped(self, value)
        self._run(self.code.process)

    def _end(self) -> None:
        if self.code.end is not None:
            if not self.first and self.code.process is None:
                self.scope.variables["input"] = self.input
            self._run(self.code.end)


class CmdletStage(Stage):
    """A built-in cmdlet, or one the cluster room registered."""

    def __init__(
        self, interpreter: Core, spec: BuiltIn | CmdletSpec, bound: Bound, spot: n.Spot, *, first: bool
    ) -> None:
        super().__init__(interpreter)
        self.spec = spec
        self.bound = bound
        self.spot = spot
        self.first = first
        self.kept: list[Any] = []
        # several blocks, or -Begin and -End, need all of the input in one call
        blocks = spec.name == "ForEach-Object" and (bound.rest or "Begin" in bound.params or "End" in bound.params)
        self.each = isinstance(spec, BuiltIn) and spec.mode == "each" and not blocks

    def head(self) -> None:
        """Without input the cmdlet runs once."""
        if self.each:
            self._guarded(self._each_once, [])

    def _process(self, value: Any) -> None:
        if self.each:
            self._each_once([value])
        else:
            self.kept.append(value)

    def _each_once(self, piped: list[Any]) -> None:
        spec = self.spec
        assert isinstance(spec, BuiltIn)  # noqa: S101 - `each` says so
        bound = self.bound
        if piped and spec.pipe and spec.pipe not in bound.params:
            bound = Bound({**bound.params, spec.pipe: piped[0]}, bound.common, bound.rest)
        self._call(bound, piped)

    def _end(self) -> None:
        if not self.each and (self.first or self.kept or isinstance(self.spec, BuiltIn)):
            self._call(self.bound, self.kept)

    def _call(self, bound: Bound, piped: list[Any]) -> None:
        interpreter = self.interpreter
        call = Call(interpreter, self.spec.name, bound, self.spot, self.out)
        call.piped = piped
        try:
            if isinstance(self.spec, BuiltIn):
                missing = [p for p in self.spec.required if p not in bound.params]
                if missing:
                    raise CmdletError("Cannot process command because of one or more missing mandatory parameters: "
                                      f"{' '.join(missing)}.", "MissingMandatoryParameter", category="InvalidArgument",
                                      exception="System.Management.Automation.ParameterBindingException")  # fmt: skip
                result: Iterable[Any] | None = self.spec.run(call)
            else:
                result = self.spec.run(interpreter.session, bound.params, piped)
            for item in result or ():
                if isinstance(item, CmdletError):
                    report(interpreter, bound, record_of(item, self.spec.name, self.spot))
                else:
                    self.out(item)
        except CmdletError as failed:
            record = record_of(failed, self.spec.name, self.spot)
            if not failed.terminating:
                report(interpreter, bound, record)
                return
            interpreter.failed = True
            raise Terminating(record) from None
        except OSError as failed:
            wrong = from_python(failed)
            record = ErrorRecord(
                wrong, wrong.types[0].rpartition(".")[2], "WriteError", None, self.spec.name, self.spot
            )
            report(interpreter, bound, record)
        except NetError as failed:
            raise Terminating(ErrorRecord(failed, failed.types[0].rpartition(".")[2], "NotSpecified", None,
                                          self.spec.name, self.spot)) from None  # fmt: skip


class NativeStage(Stage):
    """A native tool or batch file: lines of text out, stderr as error records where it is redirected."""

    def __init__(self, interpreter: Core, program: Program, words: list[Word], *, first: bool) -> None:
        super().__init__(interpreter)
        self.program = program
        self.words = words
        self.first = first
        self.lines: list[str] = []

    def head(self) -> None:
        """Without input nothing is fed."""
        return

    def _process(self, value: Any) -> None:
        self.lines.append(to_string(value))

    def _end(self) -> None:
        from bot.lab.windows.programs import run_found

        interpreter = self.interpreter
        tail = " ".join(quoted(word) for word in self.words)
        session = copy.copy(interpreter.session)
        stdout, stderr = LineBuffer(self.out), LineBuffer(self._complain)
        session.out = stdout.write
        redirected = interpreter.error_sink != interpreter.default_sink
        session.err = stderr.write if redirected else interpreter.session.err
        if not self.first:
            session.stdin, session.feed = "".join(line + "\r\n" for line in self.lines), None
        code = run_found(session, self.program, f"{self.program.name} {tail}".strip(), tail)
        stdout.close()
        stderr.close()
        interpreter.scope.root().variables["lastexitcode"] = code
        self.ok = code == 0

    def _complain(self, line: str) -> None:
        interpreter = self.interpreter
        wrong = net_error(line, "System.Management.Automation.RemoteException")
        record = ErrorRecord(wrong, "NativeCommandError", "NotSpecified", line, self.program.name, native=True)
        if self.merged and interpreter.action() == "Stop":
            raise Terminating(record, script=True, stopped=True)
        interpreter.remember(record)
        interpreter.error_sink(record)


class LineBuffer:
    """Cuts a stream of text into lines."""

    def __init__(self, out: Callable[[str], None]) -> None:
        self.out = out
        self.part = ""

    def write(self, text: str) -> None:
        """Take text; hand on every whole line."""
        lines = (self.part + text).replace("\r\n", "\n").split("\n")
        self.part = lines.pop()
        for line in lines:
            self.out(line)

    def close(self) -> None:
        """Hand on the last line if it had no end."""
        if self.part:
            self.out(self.part.rstrip("\r"))
        self.part = ""


def quoted(word: Word) -> str:
    """A word as PowerShell 2.0 puts it on a native tool's command line: quoted if it holds a blank."""
    if word.name:
        if isinstance(word.value, Missing):
            return word.text
        value = to_string(word.value)
        return f"-{word.name}:" + (f'"{value}"' if " " in value else value)
    if isinstance(word.value, list):
        return " ".join(quoted(Word("", item)) for item in word.value)
    value = to_string(word.value)
    if word.text and word.text[0] not in "$\"'(@{[" and not any(c in word.text for c in "$`\"'") and "," in word.text:
        value = word.text
    return f'"{value}"' if (any(c in value for c in " \t") and not value.startswith('"')) or value == "" else value
