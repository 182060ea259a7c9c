"""Where an assignment puts its value: variables, members, items, and several at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.lab.powershell import members
from bot.lab.powershell import nodes as n
from bot.lab.powershell.convert import cast, to_list, to_string
from bot.lab.powershell.core import Core
from bot.lab.powershell.dotnet import set_static
from bot.lab.powershell.making import evaluator, find_type, namer
from bot.lab.powershell.scope import CONSTANTS
from bot.lab.powershell.values import Nothing, PSType, net_error

Store = Callable[[Core, Any], None]


def storer(target: n.Node) -> Store:
    """The function that puts a value where the target stands."""
    if isinstance(target, n.Variable):
        return _variable_storer(target)
    if isinstance(target, n.Cast):
        return _typed_storer(target)
    if isinstance(target, n.Member):
        return _member_storer(target)
    if isinstance(target, n.Index):
        holder, index = evaluator(target.target), evaluator(target.index)
        return lambda core, value: members.set_index(holder(core), index(core), _kept(value))
    if isinstance(target, n.ArrayLiteral):
        return _several_storer(target)
    if isinstance(target, n.Paren):
        return _refuser("The assignment expression is not valid. The input to an assignment operator must be an "
                        "object that is able to accept assignments, such as a variable or a property.")  # fmt: skip
    return _refuser("Invalid assignment expression. The left hand side of an assignment operator needs to be "
                    "something that can be assigned to like a variable or a property.")  # fmt: skip


def _kept(value: Any) -> Any:
    return None if isinstance(value, Nothing) else value


def _refuser(message: str) -> Store:
    def refuse(_core: Core, _value: Any) -> None:
        raise net_error(message)

    return refuse


def _variable_storer(target: n.Variable) -> Store:
    prefix, name = target.scope, target.name
    if prefix or name in CONSTANTS:
        return lambda core, value: core.set_variable(prefix, name, _kept(value))

    def here(core: Core, value: Any) -> None:
        if value.__class__ is Nothing:
            value = None
        scope = core.scope
        if scope.types:
            scope.set(name, value)
        else:
            scope.variables[name] = value

    return here


def _typed_storer(target: n.Cast) -> Store:
    named, operand, store = target.type, target.operand, storer(target.operand)

    def run(core: Core, value: Any) -> None:
        kind = find_type(named)
        if isinstance(operand, n.Variable):
            core.scope.named(operand.scope).types[operand.name] = kind
        store(core, cast(_kept(value), kind))

    return run


def _member_storer(target: n.Member) -> Store:
    holder_of, name_for = evaluator(target.target), namer(target.name)

    def run(core: Core, value: Any) -> None:
        name = name_for(core)
        holder = holder_of(core)
        if target.static:
            set_static(core, holder.name if isinstance(holder, PSType) else to_string(holder), name, _kept(value))
        else:
            members.set_property(holder, name, _kept(value))

    return run


def _several_storer(target: n.ArrayLiteral) -> Store:
    stores = tuple(storer(part) for part in target.items)

    def run(core: Core, value: Any) -> None:
        items = to_list(_kept(value))
        last = len(stores) - 1
        for i, store in enumerate(stores):
            rest = items[i:]
            store(core, (rest[0] if len(rest) == 1 else rest or None) if i == last else
                        items[i] if i < len(items) else None)  # fmt: skip

    return run
