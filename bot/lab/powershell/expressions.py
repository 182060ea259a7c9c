"""Expressions: what each kind of them is made into, and what they ask of the process they run in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.lab.powershell import calling, operators  # noqa: F401 - calling adds its kinds
from bot.lab.powershell import nodes as n
from bot.lab.powershell.convert import cast, to_bool, to_int, to_list, to_number, to_string
from bot.lab.powershell.core import Core
from bot.lab.powershell.making import MAKERS, Evaluate, evaluator, find_type, valuer
from bot.lab.powershell.scope import CONSTANTS
from bot.lab.powershell.storing import storer
from bot.lab.powershell.typenames import resolve
from bot.lab.powershell.values import NOTHING, ArrayList, Hashtable, NetError, Nothing, PSType, ScriptBlock, net_error

_OPS = {"+=": "+", "-=": "-", "*=": "*", "/=": "/", "%=": "%"}
_SCOPES = frozenset({"global", "script", "local", "private", "variable"})
_OWN = frozenset({"_", "input", "args", "matches", "lastexitcode", "ofs"})  # strict mode lets these be missing


class Expressions(Core):
    """What expressions ask of the process they run in."""

    def ev(self, node: n.Node) -> Any:
        """The value of an expression node."""
        return evaluator(node)(self)

    def variable(self, prefix: str, name: str) -> Any:
        """A variable's value; a missing one is null, under strict mode an error."""
        if prefix and prefix not in _SCOPES:
            return self._drive_value(prefix, name)
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name == "?":
            return self.last_ok
        start = self.scope.named(prefix)
        found = start.find(name) if prefix not in {"local", "private"} else start
        if found is not None and name in found.variables:
            return found.variables[name]
        if name == "pwd":
            return self.session.cwd
        if self.strict and name not in _OWN:
            raise net_error(f"The variable '${name}' cannot be retrieved because it has not been set.")
        return None

    def _drive_value(self, prefix: str, name: str) -> Any:
        if prefix == "env":
            folded = name.casefold()
            return next((v for k, v in self.session.env.items() if k.casefold() == folded), None)
        if prefix == "function":
            found = self.scope.function(name)
            return None if found is None else ScriptBlock(found[1], found[1].text)
        raise net_error(f"Cannot find drive. A drive with the name '{prefix}' does not exist.",
                        "System.Management.Automation.DriveNotFoundException")  # fmt: skip

    def set_variable(self, prefix: str, name: str, value: Any) -> None:
        """`$prefix:name = value`."""
        if prefix == "env":
            folded = name.casefold()
            key = next((k for k in self.session.env if k.casefold() == folded), name)
            if value is None or value == "":
                self.session.env.pop(key, None)
            else:
                self.session.env[key] = to_string(value)
            return
        if prefix == "function" and isinstance(value, ScriptBlock):
            self.scope.functions[name] = (name, value.code)
            return
        self.scope.named(prefix).set(name, value)

    def value_of(self, node: n.Node) -> Any:
        """What a statement gives when its output is taken as a value."""
        return valuer(node)(self)

    def remember_match(self, table: Hashtable) -> None:
        """Keep $matches."""
        self.scope.variables["matches"] = table


def _literal(node: n.Literal) -> Evaluate:
    value = node.value
    return lambda _core: value


def _variable(node: n.Variable) -> Evaluate:
    prefix, name = node.scope, node.name
    if prefix or name == "?":
        return lambda core: core.variable(prefix, name)
    if name in CONSTANTS:
        constant = CONSTANTS[name]
        return lambda _core: constant

    def nearest(core: Core) -> Any:
        scope: Any = core.scope
        while scope is not None:
            variables = scope.variables
            if name in variables:
                return variables[name]
            scope = scope.parent
        return core.variable("", name)  # $pwd, or what strict mode says

    return nearest


def _expand(node: n.Expand) -> Evaluate:
    parts = tuple(part if isinstance(part, str) else evaluator(part) for part in node.parts)

    def run(core: Core) -> str:
        ofs = core.variable("", "ofs")
        separator = " " if ofs is None else to_string(ofs)
        return "".join([p if isinstance(p, str) else to_string(p(core), separator) for p in parts])

    return run


def _array(node: n.ArrayLiteral) -> Evaluate:
    items = tuple(evaluator(item) for item in node.items)

    def run(core: Core) -> list[Any]:
        return [None if (value := item(core)).__class__ is Nothing else value for item in items]

    return run


def _array_expression(node: n.ArrayExpression) -> Evaluate:
    body = node.body
    if len(body.statements) == 1:
        only = valuer(body.statements[0])

        def single(core: Core) -> list[Any]:
            value = only(core)
            if isinstance(value, ArrayList) or not isinstance(value, list):
                return to_list(value)
            return list(value)

        return single

    def several(core: Core) -> list[Any]:
        out: list[Any] = []
        core.run_block(body, out.append)
        return out

    return several


def _subexpression(node: n.SubExpression) -> Evaluate:
    body = node.body
    if len(body.statements) == 1 and not body.traps:
        return valuer(body.statements[0])

    def run(core: Core) -> Any:
        out: list[Any] = []
        core.run_block(body, out.append)
        return NOTHING if not out else out[0] if len(out) == 1 else out

    return run


def _paren(node: n.Paren) -> Evaluate:
    body = node.body
    if isinstance(body, n.Pipeline) and len(body.stages) == 1:
        only = body.stages[0]
        if isinstance(only, n.ExpressionCommand) and isinstance(only.value, n.Increment):
            return evaluator(only.value)
    return valuer(body)


def _hash(node: n.HashLiteral) -> Evaluate:
    pairs = tuple((evaluator(key), valuer(value)) for key, value in node.pairs)

    def run(core: Core) -> Hashtable:
        table = Hashtable()
        for key_of, value_of in pairs:
            key = key_of(core)
            if key in table:
                raise net_error(f"Item has already been added. Key in dictionary: '{to_string(key)}'  Key being added: "
                                f"'{to_string(key)}'", "System.ArgumentException")  # fmt: skip
            value = value_of(core)
            table[key] = None if isinstance(value, Nothing) else value
        return table

    return run


def _type(node: n.TypeLiteral) -> Evaluate:
    name, found = node.name, resolve(node.name)
    if found is None:
        return lambda _core: PSType(find_type(name))
    known = PSType(found)
    return lambda _core: known


_UNARY: dict[str, Callable[[Any], Any]] = {
    "!": lambda value: not to_bool(value),
    "-not": lambda value: not to_bool(value),
    "-": lambda value: -to_number(value),
    "+": to_number,
    ",": lambda value: [None if isinstance(value, Nothing) else value],
    "-bnot": lambda value: ~to_int(value, "System.Int64"),
    "-join": lambda value: operators.join(value, ""),
    "-split": operators.unary_split,
    "-isplit": operators.unary_split,
    "-csplit": operators.unary_split,
}


def _unary(node: n.Unary) -> Evaluate:
    operand, apply, op = evaluator(node.operand), _UNARY.get(node.op), node.op

    def run(core: Core) -> Any:
        value = operand(core)
        if apply is None:
            raise net_error(f"Unexpected token '{op}' in expression or statement.")
        return apply(value)

    return run


def _binary(node: n.Binary) -> Evaluate:
    op, spot = node.op, node.spot
    left, right = evaluator(node.left), evaluator(node.right)
    if op == "-and":
        return lambda core: to_bool(left(core)) and to_bool(right(core))
    if op == "-or":
        return lambda core: to_bool(left(core)) or to_bool(right(core))
    if op == "-xor":
        return lambda core: to_bool(left(core)) != to_bool(right(core))
    direct = operators.DIRECT.get(op)
    if direct is not None:
        return _direct(direct, left, right, spot)
    apply = operators.operator(op)
    copied = op == "-replace" and isinstance(node.right, n.ArrayLiteral)

    def run(core: Core) -> Any:
        a, b = left(core), right(core)
        try:
            return apply(a, list(b) if copied else b, core.remember_match)
        except NetError as wrong:
            wrong.spot = wrong.spot or spot
            raise

    return run


def _direct(apply: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate, spot: n.Spot) -> Evaluate:
    """An operator that needs nothing but its two sides."""

    def run(core: Core) -> Any:
        a, b = left(core), right(core)
        try:
            return apply(a, b)
        except NetError as wrong:
            wrong.spot = wrong.spot or spot
            raise

    return run


def _cast(node: n.Cast) -> Evaluate:
    operand, spot, named, known = evaluator(node.operand), node.spot, node.type, resolve(node.type)

    def run(core: Core) -> Any:
        kind = known or find_type(named)
        value = operand(core)
        try:
            return cast(value, kind)
        except NetError as wrong:
            wrong.spot = wrong.spot or spot
            raise

    def void(core: Core) -> Any:
        operand(core)
        return NOTHING

    def text(core: Core) -> str:
        return to_string(operand(core))

    return void if known == "System.Void" else text if known == "System.String" else run


def _increment(node: n.Increment) -> Evaluate:
    target, store, delta, prefix = evaluator(node.target), storer(node.target), node.delta, node.prefix

    def run(core: Core) -> Any:
        before = target(core)
        old = 0 if before is None else before
        if isinstance(old, str | list):
            raise net_error("The '++' operator works only on numbers. The operand is a '" + type(old).__name__ + "'.")
        after = operators.add(old, delta)
        store(core, after)
        return after if prefix else old

    return run


def _assign(node: n.Assign) -> Evaluate:
    """An assignment; its value counts in `$a = $b = 1` and `($a = 1)`."""
    value_of, store = valuer(node.value), storer(node.target)
    if node.op == "=":

        def plain(core: Core) -> Any:
            value = value_of(core)
            if isinstance(value, Nothing):
                value = None
            store(core, value)
            return value

        return plain
    old, apply = evaluator(node.target), operators.operator(_OPS[node.op])

    def combined(core: Core) -> Any:
        value = value_of(core)
        value = apply(old(core), value, None)
        if isinstance(value, Nothing):
            value = None
        store(core, value)
        return value

    return combined


def _block(node: n.ScriptBlockLiteral) -> Evaluate:
    code = node.code
    return lambda _core: ScriptBlock(code, code.text)


MAKERS.update(
    {
        n.Literal: _literal,
        n.Expand: _expand,
        n.Variable: _variable,
        n.ArrayLiteral: _array,
        n.ArrayExpression: _array_expression,
        n.SubExpression: _subexpression,
        n.Paren: _paren,
        n.HashLiteral: _hash,
        n.TypeLiteral: _type,
        n.Unary: _unary,
        n.Binary: _binary,
        n.Cast: _cast,
        n.Increment: _increment,
        n.Assign: _assign,
        n.ScriptBlockLiteral: _block,
    }
)
