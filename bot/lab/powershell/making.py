"""How a node of a script becomes the Python function that runs: once a node, at its first use.

A script is parsed once and run many times, so what can be decided by looking at a node (which operator, which
scope, a constant or not) is decided when its function is made. Nothing is raised then: an error in a line that
never runs must not be seen. The makers of the kinds of expressions stand in expressions.py and calling.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from bot.lab.powershell import nodes as n
from bot.lab.powershell.convert import enumerates, to_string
from bot.lab.powershell.core import Core
from bot.lab.powershell.typenames import resolve
from bot.lab.powershell.values import NOTHING, Nothing, net_error

Evaluate = Callable[[Core], Any]
_Made = TypeVar("_Made")

MAKERS: dict[type[n.Node], Callable[[Any], Evaluate]] = {}
"""By kind of expression, what makes its function."""


def evaluator(node: n.Node) -> Evaluate:
    """The function that gives an expression's value; made once a node."""
    try:
        return node.evaluate
    except AttributeError:
        return kept(node, "evaluate", MAKERS.get(type(node), _no_expression)(node))


def kept(node: n.Node, slot: str, made: _Made) -> _Made:
    """Note in a node what it was made into."""
    object.__setattr__(node, slot, made)
    return made


def valuer(node: n.Node) -> Evaluate:
    """The function that runs a statement and gives its output as one value: nothing, the only one, or a list."""
    if isinstance(node, n.Assign):
        return evaluator(node)
    if isinstance(node, n.Pipeline) and len(node.stages) == 1:
        only = node.stages[0]
        if isinstance(only, n.ExpressionCommand) and not only.redirections:
            expression = evaluator(only.value)

            def plain(core: Core) -> Any:
                value = expression(core)
                core.last_ok = True
                return value

            return plain

    def gathered(core: Core) -> Any:
        out: list[Any] = []
        core.execute(node, out.append)
        return NOTHING if not out else out[0] if len(out) == 1 else out

    return gathered


def _no_expression(node: n.Node) -> Evaluate:
    def fail(_core: Core) -> Any:
        raise KeyError(type(node))

    return fail


def namer(name: str | n.Node) -> Evaluate:
    """A member's name, which an expression may give."""
    if isinstance(name, str):
        return lambda _core: name
    computed = evaluator(name)
    return lambda core: to_string(computed(core))


def find_type(name: str) -> str:
    """A type's full name, or PowerShell's complaint."""
    found = resolve(name)
    if found is None:
        raise net_error(f"Unable to find type [{name}]: make sure that the assembly containing this type is loaded.")
    return found


def emit(value: Any, out: Callable[[Any], None]) -> None:
    """Hand a value to a pipeline: arrays item by item, nothing not at all."""
    if enumerates(value):
        for item in list(value):
            out(item)
    elif not isinstance(value, Nothing):
        out(value)
