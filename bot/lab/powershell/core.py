"""What the parts of the evaluator know of each other: its state, and the methods one part gives to the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.lab.powershell import nodes as n
    from bot.lab.powershell.binding import Word
    from bot.lab.powershell.cmdlet import BuiltIn
    from bot.lab.powershell.control import Terminating
    from bot.lab.powershell.parse import ParseFailed
    from bot.lab.powershell.scope import Scope
    from bot.lab.powershell.stages import CodeStage, Stage
    from bot.lab.powershell.values import ArrayList, ErrorRecord, Hashtable, PSObject, ScriptBlock
    from bot.lab.windows.machine import CmdletSpec, Machine, Session

Out = Callable[[Any], None]


class Core:
    """State of one powershell.exe. Each method is given by the part named in its docstring."""

    session: Session
    machine: Machine
    scope: Scope
    snapins: list[str]  # those loaded
    errors: ArrayList  # $Error
    host: PSObject
    last_ok: bool  # $?
    guarded: int  # how many try bodies and traps stand around us
    failed: bool  # whether the running pipeline reported an error
    depth: int  # how deep functions have called each other
    strict: int  # Set-StrictMode's version, 0 = off
    policy: str  # -ExecutionPolicy
    invocations: dict[tuple[n.Code, str, str], PSObject]  # $MyInvocation by body, name and path
    error_sink: Callable[[ErrorRecord], None]
    default_sink: Callable[[ErrorRecord], None]
    write_line: Callable[[str], None]
    side_line: Callable[[str, str], None]
    write_error_text: Callable[[str], None]

    def ev(self, node: n.Node) -> Any:
        """expressions: the value of an expression."""
        raise NotImplementedError

    def variable(self, prefix: str, name: str) -> Any:
        """expressions: a variable's value."""
        raise NotImplementedError

    def set_variable(self, prefix: str, name: str, value: Any) -> None:
        """expressions: `$prefix:name = value`."""
        raise NotImplementedError

    def remember_match(self, table: Hashtable) -> None:
        """expressions: keep $matches."""
        raise NotImplementedError

    def value_of(self, node: n.Node) -> Any:
        """expressions: a statement's output as one value."""
        raise NotImplementedError

    def execute(self, node: n.Node, out: Out) -> None:
        """statements: run one statement."""
        raise NotImplementedError

    def run_block(self, block: n.Block, out: Out) -> None:
        """statements: run a list of statements."""
        raise NotImplementedError

    def trapped(self, statement: n.Node, traps: tuple[n.Trap, ...], out: Out) -> None:
        """statements: run a statement beside traps."""
        raise NotImplementedError

    def turn(self, body: n.Block, label: str, out: Out) -> bool:
        """statements: one turn of a loop; False when it is to end."""
        raise NotImplementedError

    def redirect(
        self, stage: Stage, redirections: tuple[n.Redirection, ...], out: Out, finish: list[Callable[[], None]]
    ) -> Out:
        """pipeline: where a stage's output goes."""
        raise NotImplementedError

    def read_lines(self, path: str) -> list[str]:
        """pipeline: a text file's lines."""
        raise NotImplementedError

    def find_stage(self, command: n.Command, name: Any, words: list[Word], *, first: bool) -> Stage:
        """commands: the stage a command call stands for."""
        raise NotImplementedError

    def find_cmdlet(self, name: str) -> BuiltIn | CmdletSpec | None:
        """commands: a cmdlet by name."""
        raise NotImplementedError

    def unalias(self, name: str) -> str:
        """commands: what an alias stands for."""
        raise NotImplementedError

    def script_stage(self, path: str, words: list[Word], *, dot: bool = False, first: bool = True) -> CodeStage:
        """commands: a script file as a stage."""
        raise NotImplementedError

    def with_item(self, block: ScriptBlock, item: Any, out: Out) -> None:
        """blocks: run a block here with `$_` set."""
        raise NotImplementedError

    def stream_block(self, block: ScriptBlock, arguments: list[Any], out: Out) -> None:
        """blocks: call a block in a scope of its own."""
        raise NotImplementedError

    def call_block(self, block: ScriptBlock, arguments: list[Any], this: Any = None) -> Any:
        """blocks: call a block for its value."""
        raise NotImplementedError

    def run(self, text: str, out: Out) -> None:
        """evaluate: parse and run text."""
        raise NotImplementedError

    def run_code(self, code: n.Code, out: Out) -> None:
        """evaluate: run a parsed body."""
        raise NotImplementedError

    def parse_record(self, failed: ParseFailed) -> ErrorRecord:
        """evaluate: the record of a syntax error."""
        raise NotImplementedError

    def action(self, given: Any = None) -> str:
        """evaluate: the error action in force."""
        raise NotImplementedError

    def remember(self, record: ErrorRecord) -> None:
        """evaluate: put a record on top of $Error."""
        raise NotImplementedError

    def non_terminating(self, record: ErrorRecord, given: Any = None) -> None:
        """evaluate: report an error after which the command goes on."""
        raise NotImplementedError

    def terminating(self, error: Exception, spot: n.Spot | None) -> Terminating:
        """evaluate: any failure of a statement as a Terminating."""
        raise NotImplementedError

    def report(self, failed: Terminating) -> None:
        """evaluate: print an error that nobody caught."""
        raise NotImplementedError

    def survives(self, failed: Terminating) -> bool:
        """evaluate: whether the script goes on after this error."""
        raise NotImplementedError
