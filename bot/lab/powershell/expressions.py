"""Evaluating expressions: variables, strings, operators, members, calls, assignments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.lab.powershell import members, operators
from bot.lab.powershell import nodes as n
from bot.lab.powershell.convert import cast, enumerates, to_bool, to_int, to_list, to_number, to_string
from bot.lab.powershell.core import Core
from bot.lab.powershell.dotnet import call_static, get_static, set_static
from bot.lab.powershell.scope import CONSTANTS
from bot.lab.powershell.typenames import resolve
from bot.lab.powershell.values import (
    NOTHING,
    ArrayList,
    CmdletError,
    Hashtable,
    NetError,
    Nothing,
    PSType,
    ScriptBlock,
    net_error,
)
from bot.lab.windows.services import ServiceError

_OPS = {"+=": "+", "-=": "-", "*=": "*", "/=": "/", "%=": "%"}


def find_type(name: str) -> str:
    """A type's full name, or PowerShell's complaint."""
    found = resolve(name)
    if found is None:
        raise net_error(f"Unable to find type [{name}]: make sure that the assembly containing this type is loaded.")
    return found


class Expressions(Core):
    """`ev` gives an expression's value."""

    def ev(self, node: n.Node) -> Any:
        """The value of an expression node."""
        return _EVALUATORS[type(node)](self, node)

    # variables

    def variable(self, prefix: str, name: str) -> Any:
        """A variable's value; a missing one is null, under strict mode an error."""
        if prefix and prefix not in {"global", "script", "local", "private", "variable"}:
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
        if self.strict and name not in {"_", "input", "args", "matches", "lastexitcode", "ofs"}:
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

    def assign(self, target: n.Node, value: Any) -> None:
        """Put a value where the target stands."""
        if isinstance(value, Nothing):
            value = None
        if isinstance(target, n.Variable):
            self._set_variable(target.scope, target.name, value)
        elif isinstance(target, n.Cast):
            kind = find_type(target.type)
            if isinstance(target.operand, n.Variable):
                scope = self.scope.named(target.operand.scope)
                scope.types[target.operand.name] = kind
            self.assign(target.operand, cast(value, kind))
        elif isinstance(target, n.Member):
            self._set_member(target, value)
        elif isinstance(target, n.Index):
            members.set_index(self.ev(target.target), self.ev(target.index), value)
        elif isinstance(target, n.ArrayLiteral):
            items = to_list(value)
            last = len(target.items) - 1
            for i, part in enumerate(target.items):
                rest = items[i:]
                self.assign(part, (rest[0] if len(rest) == 1 else rest or None) if i == last else
                            items[i] if i < len(items) else None)  # fmt: skip
        elif isinstance(target, n.Paren):
            raise net_error("The assignment expression is not valid. The input to an assignment operator must be an "
                            "object that is able to accept assignments, such as a variable or a property.")  # fmt: skip
        else:
            raise net_error("Invalid assignment expression. The left hand side of an assignment operator needs to be "
                            "something that can be assigned to like a variable or a property.")  # fmt: skip

    def _set_variable(self, prefix: str, name: str, value: Any) -> None:
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

    def _set_member(self, target: n.Member, value: Any) -> None:
        name = self._name(target.name)
        if target.static:
            holder = self.ev(target.target)
            set_static(self, holder.name if isinstance(holder, PSType) else to_string(holder), name, value)
            return
        members.set_property(self.ev(target.target), name, value)

    def _name(self, name: str | n.Node) -> str:
        return name if isinstance(name, str) else to_string(self.ev(name))

    def assignment(self, node: n.Assign) -> Any:
        """Run an assignment; its value, for `$a = $b = 1` and `($a = 1)`."""
        value = self.value_of(node.value)
        if node.op != "=":
            value = operators.binary(_OPS[node.op], self.ev(node.target), value)
        if isinstance(value, Nothing):
            value = None
        self.assign(node.target, value)
        return value

    def value_of(self, node: n.Node) -> Any:
        """What a statement gives when its output is taken as a value."""
        if isinstance(node, n.Assign):
            return self.assignment(node)
        if isinstance(node, n.Pipeline) and len(node.stages) == 1:
            only = node.stages[0]
            if isinstance(only, n.ExpressionCommand) and not only.redirections:
                value = self.ev(only.value)
                self.last_ok = True
                return value
        out: list[Any] = []
        self.execute(node, out.append)
        return NOTHING if not out else out[0] if len(out) == 1 else out

    def truth(self, node: n.Node) -> bool:
        """A condition."""
        return to_bool(self.value_of(node))

    # the rest, one function a node

    def _expand(self, node: n.Expand) -> str:
        ofs = self.variable("", "ofs")
        separator = " " if ofs is None else to_string(ofs)
        return "".join(p if isinstance(p, str) else to_string(self.ev(p), separator) for p in node.parts)

    def _variable(self, node: n.Variable) -> Any:
        return self.variable(node.scope, node.name)

    def _array_expression(self, node: n.ArrayExpression) -> list[Any]:
        statements = node.body.statements
        if len(statements) == 1:
            value = self.value_of(statements[0])
            if isinstance(value, ArrayList) or not isinstance(value, list):
                return to_list(value)
            return list(value)
        out: list[Any] = []
        self.run_block(node.body, out.append)
        return out

    def _subexpression(self, node: n.SubExpression) -> Any:
        statements = node.body.statements
        if len(statements) == 1 and not node.body.traps:
            return self.value_of(statements[0])
        out: list[Any] = []
        self.run_block(node.body, out.append)
        return NOTHING if not out else out[0] if len(out) == 1 else out

    def _hash(self, node: n.HashLiteral) -> Hashtable:
        table = Hashtable()
        for key_node, value_node in node.pairs:
            key = self.ev(key_node)
            if key in table:
                raise net_error(f"Item has already been added. Key in dictionary: '{to_string(key)}'  Key being added: "
                                f"'{to_string(key)}'", "System.ArgumentException")  # fmt: skip
            value = self.value_of(value_node)
            table[key] = None if isinstance(value, Nothing) else value
        return table

    def _unary(self, node: n.Unary) -> Any:
        value = self.ev(node.operand)
        match node.op:
            case "!" | "-not":
                return not to_bool(value)
            case "-":
                return -to_number(value)
            case "+":
                return to_number(value)
            case ",":
                return [None if isinstance(value, Nothing) else value]
            case "-bnot":
                return ~to_int(value, "System.Int64")
            case "-join":
                return operators.join(value, "")
            case "-split" | "-isplit" | "-csplit":
                return operators.unary_split(value)
            case _:
                raise net_error(f"Unexpected token '{node.op}' in expression or statement.")

    def _binary(self, node: n.Binary) -> Any:
        if node.op == "-and":
            return to_bool(self.ev(node.left)) and to_bool(self.ev(node.right))
        if node.op == "-or":
            return to_bool(self.ev(node.left)) or to_bool(self.ev(node.right))
        if node.op == "-xor":
            return to_bool(self.ev(node.left)) != to_bool(self.ev(node.right))
        left = self.ev(node.left)
        right = self.ev(node.right)
        if node.op == "-replace" and isinstance(node.right, n.ArrayLiteral):
            right = list(right)
        try:
            return operators.binary(node.op, left, right, self._remember_match)
        except NetError as wrong:
            wrong.spot = wrong.spot or node.spot
            raise

    def _remember_match(self, table: Hashtable) -> None:
        self.scope.variables["matches"] = table

    def _cast(self, node: n.Cast) -> Any:
        kind = find_type(node.type)
        if kind == "System.Void":
            self.ev(node.operand)
            return NOTHING
        value = self.ev(node.operand)
        try:
            return cast(value, kind)
        except NetError as wrong:
            wrong.spot = wrong.spot or node.spot
            raise

    def _type(self, node: n.TypeLiteral) -> PSType:
        return PSType(find_type(node.name))

    def _member(self, node: n.Member) -> Any:
        holder = self.ev(node.target)
        name = self._name(node.name)
        if node.static:
            return get_static(self, holder.name if isinstance(holder, PSType) else _type_of(holder), name)
        return members.get_property(self, holder, name)

    def _index(self, node: n.Index) -> Any:
        target, index = self.ev(node.target), self.ev(node.index)
        try:
            return members.get_index(target, index)
        except NetError as wrong:
            wrong.spot = wrong.spot or node.spot
            raise

    def _invoke(self, node: n.Invoke) -> Any:
        holder = self.ev(node.target)
        name = self._name(node.name)
        arguments = [self.ev(a) for a in node.arguments]
        arguments = [None if isinstance(a, Nothing) else a for a in arguments]
        try:
            if node.static:
                kind = holder.name if isinstance(holder, PSType) else _type_of(holder)
                made = call_static(self, kind, name, arguments)
            else:
                made = members.call_method(self, holder, name, arguments)
            return NOTHING if made is None else made  # a void method writes nothing into the pipeline
        except (OSError, ValueError, OverflowError, ServiceError) as wrong:
            failed: NetError = members.from_python(wrong)
        except CmdletError as wrong:
            failed = net_error(wrong.message, wrong.exception)
        except (TypeError, AttributeError, LookupError) as wrong:
            if not arguments:
                raise
            raise net_error(f'Cannot convert argument "0", with value: "{to_string(arguments[0])}", for "{name}" to the type it '
                            "needs.", "System.Management.Automation.MethodException") from wrong  # fmt: skip
        except NetError as wrong:
            wrong.spot = wrong.spot or node.spot
            if wrong.types[0].startswith("System.Management.Automation."):
                raise
            failed = wrong
        outer = net_error(f'Exception calling "{name}" with "{len(arguments)}" argument(s): "{failed.message}"',
                          "System.Management.Automation.MethodInvocationException", inner=failed)  # fmt: skip
        outer.spot = node.spot
        raise outer

    def _increment(self, node: n.Increment) -> Any:
        before = self.ev(node.target)
        old = 0 if before is None else before
        if isinstance(old, str | list):
            raise net_error("The '++' operator works only on numbers. The operand is a '" + type(old).__name__ + "'.")
        after = operators.add(old, node.delta)
        self.assign(node.target, after)
        return after if node.prefix else old

    def _array(self, node: n.ArrayLiteral) -> list[Any]:
        return [None if isinstance(v, Nothing) else v for v in (self.ev(item) for item in node.items)]

    def _paren(self, node: n.Paren) -> Any:
        if isinstance(node.body, n.Pipeline) and isinstance(node.body.stages[0], n.ExpressionCommand) \
                and len(node.body.stages) == 1 and isinstance(node.body.stages[0].value, n.Increment):  # fmt: skip
            return self.ev(node.body.stages[0].value)
        return self.value_of(node.body)


def _type_of(holder: Any) -> str:
    """`$x::Name`: the type of the value, or the type a string names."""
    from bot.lab.powershell.typenames import name_of

    return name_of(holder)


def emit(value: Any, out: Callable[[Any], None]) -> None:
    """Hand a value to a pipeline: arrays item by item, nothing not at all."""
    if enumerates(value):
        for item in list(value):
            out(item)
    elif not isinstance(value, Nothing):
        out(value)


_EVALUATORS: dict[type[n.Node], Callable[[Any, Any], Any]] = {
    n.Literal: lambda _i, node: node.value,
    n.Expand: Expressions._expand,  # noqa: SLF001 - the dispatch table of this very class
    n.Variable: Expressions._variable,  # noqa: SLF001
    n.ArrayLiteral: Expressions._array,  # noqa: SLF001
    n.ArrayExpression: Expressions._array_expression,  # noqa: SLF001
    n.SubExpression: Expressions._subexpression,  # noqa: SLF001
    n.Paren: Expressions._paren,  # noqa: SLF001
    n.HashLiteral: Expressions._hash,  # noqa: SLF001
    n.TypeLiteral: Expressions._type,  # noqa: SLF001
    n.Unary: Expressions._unary,  # noqa: SLF001
    n.Binary: Expressions._binary,  # noqa: SLF001
    n.Cast: Expressions._cast,  # noqa: SLF001
    n.Member: Expressions._member,  # noqa: SLF001
    n.Index: Expressions._index,  # noqa: SLF001
    n.Invoke: Expressions._invoke,  # noqa: SLF001
    n.Increment: Expressions._increment,  # noqa: SLF001
    n.Assign: Expressions.assignment,
    n.ScriptBlockLiteral: lambda _i, node: ScriptBlock(node.code, node.code.text),
}
