"""The shapes a parsed script has: a small tree of expressions, commands and statements.

Kept apart from tree-sitter's own tree so that a cached script holds no parser memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands in a script: line and column from 1, and the line's text, for error positions."""

    line: int
    char: int
    text: str


class Node:
    """Anything the evaluator can meet.

    The slots are empty until a node is first used: then they hold what it was made into, so that a script that
    is run again is not looked at again. `evaluate` gives an expression's value, `execute` runs a statement
    (expressions.py, statements.py), `signature` is how the words of a call are bound to a Code (binding.py).
    """

    __slots__ = ("evaluate", "execute", "signature")

    evaluate: Callable[[Any], Any]
    execute: Callable[[Any, Callable[[Any], None]], None]
    signature: Any


# expressions


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Node):
    """A constant."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Expand(Node):
    """A double-quoted string or a word made of parts: text and expressions."""

    parts: tuple[str | Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Variable(Node):
    """`$name`, `$scope:name`, `${drive:name}`; `splat` for `@name`. Names are lower case."""

    scope: str
    name: str
    splat: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ArrayLiteral(Node):
    """`a, b`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ArrayExpression(Node):
    """`@( … )`: always an array."""

    body: Block


@dataclass(frozen=True, slots=True, eq=False)
class SubExpression(Node):
    """`$( … )`: nothing, one value, or an array."""

    body: Block


@dataclass(frozen=True, slots=True, eq=False)
class Paren(Node):
    """`( … )` around a pipeline or an assignment."""

    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class HashLiteral(Node):
    """`@{ key = value }`."""

    pairs: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True, eq=False)
class TypeLiteral(Node):
    """`[Name]`, as written."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Node):
    """An operator before its operand, lower case."""

    op: str
    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    """An operator between two operands, lower case, with its dash."""

    op: str
    left: Node
    right: Node
    spot: Spot


@dataclass(frozen=True, slots=True, eq=False)
class Cast(Node):
    """`[type]expression`."""

    type: str
    operand: Node
    spot: Spot


@dataclass(frozen=True, slots=True, eq=False)
class Member(Node):
    """`object.name` or `[type]::name`; `name` is an expression when it is computed."""

    target: Node
    name: str | Node
    static: bool
    spot: Spot


@dataclass(frozen=True, slots=True, eq=False)
class Index(Node):
    """`object[index]`."""

    target: Node
    index: Node
    spot: Spot


@dataclass(frozen=True, slots=True, eq=False)
class Invoke(Node):
    """`object.name(arguments)` or `[type]::name(arguments)`."""

    target: Node
    name: str | Node
    arguments: tuple[Node, ...]
    static: bool
    spot: Spot


@dataclass(frozen=True, slots=True, eq=False)
class Increment(Node):
    """`$x++`, `--$x` …"""

    target: Node
    delta: int
    prefix: bool


@dataclass(frozen=True, slots=True, eq=False)
class Assign(Node):
    """`target op value`; the value is an expression, a pipeline or a statement."""

    target: Node
    op: str
    value: Node
    spot: Spot


# commands


@dataclass(frozen=True, slots=True, eq=False)
class Argument(Node):
    """A positional argument; `text` is what was typed, for native tools."""

    value: Node
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Parameter(Node):
    """`-Name` or `-Name:value`."""

    name: str
    value: Node | None
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Redirection(Node):
    """`>`, `>>`, `2>`, `2>>` with a target, or `2>&1` without."""

    op: str
    target: Node | None


@dataclass(frozen=True, slots=True, eq=False)
class Command(Node):
    """A command call; `operator` is `&`, `.` or empty."""

    operator: str
    name: Node
    elements: tuple[Argument | Parameter, ...]
    redirections: tuple[Redirection, ...]
    spot: Spot


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionCommand(Node):
    """An expression standing where a command could."""

    value: Node
    redirections: tuple[Redirection, ...]
    spot: Spot


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline(Node):
    """One or more commands joined by `|`."""

    stages: tuple[Command | ExpressionCommand, ...]
    spot: Spot


# statements


@dataclass(frozen=True, slots=True, eq=False)
class Trap(Node):
    """`trap [type] { }`; type empty = any."""

    type: str
    body: Block


@dataclass(frozen=True, slots=True, eq=False)
class Block(Node):
    """A list of statements, with the traps that stand in it."""

    statements: tuple[Node, ...]
    traps: tuple[Trap, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class If(Node):
    """`if … elseif … else`."""

    clauses: tuple[tuple[Node, Block], ...]
    otherwise: Block | None


@dataclass(frozen=True, slots=True, eq=False)
class Foreach(Node):
    """`foreach ($x in …) { }`."""

    variable: Variable
    source: Node
    body: Block
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class For(Node):
    """`for (;;) { }`."""

    first: Node | None
    condition: Node | None
    step: Node | None
    body: Block
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class While(Node):
    """`while`, `do … while`, `do … until`: `after` tests behind the body, `until` turns the test round."""

    condition: Node
    body: Block
    label: str
    after: bool = False
    until: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Switch(Node):
    """`switch [-regex|-wildcard|-exact] [-casesensitive] [-file] (value) { }`; a clause with None is the default."""

    options: frozenset[str]
    value: Node
    clauses: tuple[tuple[Node | None, Block], ...]
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Try(Node):
    """`try … catch [types] … finally`."""

    body: Block
    catches: tuple[tuple[tuple[str, ...], Block], ...]
    final: Block | None


@dataclass(frozen=True, slots=True, eq=False)
class Flow(Node):
    """`return`, `throw`, `exit`, `break`, `continue`."""

    kind: str
    value: Node | None
    label: str
    spot: Spot


@dataclass(frozen=True, slots=True, eq=False)
class Declared(Node):
    """One parameter of a function or script block."""

    name: str
    types: tuple[str, ...]
    default: Node | None
    mandatory: bool = False
    position: int | None = None
    from_pipeline: bool = False
    by_property: bool = False
    aliases: tuple[str, ...] = ()
    valid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Code(Node):
    """The inside of a script, function or script block. `end` is the plain body when there are no named blocks."""

    parameters: tuple[Declared, ...]
    begin: Block | None
    process: Block | None
    end: Block | None
    text: str
    binding: bool = False  # [CmdletBinding()] or [Parameter()]: unknown parameters are refused


@dataclass(frozen=True, slots=True, eq=False)
class ScriptBlockLiteral(Node):
    """`{ … }` as a value."""

    code: Code


@dataclass(frozen=True, slots=True, eq=False)
class Function(Node):
    """`function Name { }` and `filter Name { }`."""

    name: str
    code: Code


NOTHING = Block(())


@dataclass(slots=True)
class Problem:
    """A syntax error: PowerShell's sentence, its id, where."""

    message: str
    error_id: str
    spot: Spot = field(default_factory=lambda: Spot(1, 1, ""))
