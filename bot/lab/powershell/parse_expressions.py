"""Expressions: from tree-sitter's nodes to ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.lab.powershell import nodes as n
from bot.lab.powershell.parse import NEWER_OPERATORS, ParseFailed, spot_of

if TYPE_CHECKING:
    from tree_sitter import Node as Tree

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": ""}
_MULTIPLES = {"kb": 1024, "mb": 1024**2, "gb": 1024**3, "tb": 1024**4, "pb": 1024**5}
_NUMBER = re.compile(r"^(0x[0-9a-f]+|\d*\.?\d+(?:e[+-]?\d+)?|\d+\.)(l|d)?(kb|mb|gb|tb|pb)?$", re.IGNORECASE)
_BINARY = frozenset({"logical", "bitwise", "comparison", "additive", "multiplicative", "format", "range"})


def number(text: str) -> Any:
    """A numeric literal's value, or None when the text is none."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    digits, suffix, multiple = match.groups()
    value: Any
    if digits.lower().startswith("0x"):
        value = int(digits, 16)
        if 0x7FFFFFFF < value <= 0xFFFFFFFF and not suffix:
            value -= 0x1_0000_0000
    elif re.fullmatch(r"\d+", digits):
        value = int(digits)
    else:
        value = float(digits)
    if multiple:
        value *= _MULTIPLES[multiple.lower()]
    return value


def unescape(text: str, *, quotes: bool = True) -> str:
    """The inside of a double-quoted string with its backticks and doubled quotes resolved."""
    if "`" not in text and '""' not in text:
        return text
    pattern = r'`(.)|""' if quotes else r"`(.)"
    return re.sub(
        pattern,
        lambda m: '"' if m.group(1) is None else ESCAPES.get(m.group(1), m.group(1)),
        text,
        flags=re.DOTALL,
    )


class ExpressionBuilder:
    """Builds expressions. The statement builder is the other half of this class."""

    def __init__(self, source: bytes, text: str) -> None:
        self.source = source
        self.lines = text.split("\n")

    def text(self, node: Tree) -> str:
        """A node's own text."""
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass")

    def spot(self, node: Tree) -> n.Spot:
        """Where a node stands."""
        return spot_of(node, self.lines)

    def refuse(self, node: Tree, token: str) -> ParseFailed:
        """What a 2.0 parser says about a token it does not know."""
        return ParseFailed(
            n.Problem(f"Unexpected token '{token}' in expression or statement.", "UnexpectedToken", self.spot(node))
        )

    def expression(self, node: Tree) -> n.Node:
        """Any expression node."""
        kind = node.type
        handler = getattr(self, "_x_" + kind, None)
        if handler is not None:
            result: n.Node = handler(node)
            return result
        if kind.removesuffix("_expression").removesuffix("_argument") in _BINARY:
            return self._binary(node)
        if kind in {"unary_expression", "expression_with_unary_operator"}:
            return self._unary(node)
        named = node.named_children
        if len(named) == 1:
            return self.expression(named[0])
        operator = next((c for c in node.children if not c.is_named and c.type.strip() in {"??", "?", "??="}), node)
        raise self.refuse(operator, self.text(operator).strip().split("\n")[0])

    def _binary(self, node: Tree) -> n.Node:
        parts = [c for c in node.children if c.type != "comment"]
        left = self.expression(parts[0])
        for i in range(1, len(parts) - 1, 2):
            op = self.text(parts[i]).strip().lower()
            if op in NEWER_OPERATORS:
                raise self.refuse(parts[i], op)
            left = n.Binary(op, left, self.expression(parts[i + 1]), self.spot(parts[i]))
        return left

    def _unary(self, node: Tree) -> n.Node:
        parts = [c for c in node.children if c.type != "comment"]
        if len(parts) == 1:
            return self.expression(parts[0])
        op = self.text(parts[0]).strip().lower()
        operand = self.expression(parts[-1])
        if op == "-" and isinstance(operand, n.Literal) and isinstance(operand.value, int | float):
            return n.Literal(-operand.value)
        return n.Unary(op, operand)

    def _x_cast_expression(self, node: Tree) -> n.Node:
        kind, operand = (c for c in node.children if c.type != "comment")
        return n.Cast(self.type_name(kind), self.expression(operand), self.spot(node))

    def _x_type_literal(self, node: Tree) -> n.Node:
        return n.TypeLiteral(self.type_name(node))

    def type_name(self, node: Tree) -> str:
        """`[A.B[]]` → `A.B[]`."""
        return re.sub(r"\s", "", self.text(node).strip()[1:-1])

    def _x_integer_literal(self, node: Tree) -> n.Node:
        return n.Literal(number(self.text(node).strip()))

    _x_real_literal = _x_integer_literal

    def _x_string_literal(self, node: Tree) -> n.Node:
        return self.expression(node.children[0])

    def _x_verbatim_string_characters(self, node: Tree) -> n.Node:
        return n.Literal(self.text(node).strip()[1:-1].replace("''", "'"))

    def _x_verbatim_here_string_characters(self, node: Tree) -> n.Node:
        inner = self.text(node).strip()[2:-2]
        return n.Literal(inner[inner.index("\n") + 1 : inner.rindex("\n")] if inner.count("\n") > 1 else "")

    def _x_expandable_string_literal(self, node: Tree) -> n.Node:
        raw = self.source[node.start_byte : node.end_byte]
        start = node.start_byte + (len(raw) - len(raw.lstrip())) + 1
        end = node.end_byte - (len(raw) - len(raw.rstrip())) - 1
        return self._expand(node, start, end, quotes=True)

    def _x_expandable_here_string_literal(self, node: Tree) -> n.Node:
        raw = self.source[node.start_byte : node.end_byte]
        first, last = raw.index(b"\n"), raw.rindex(b"\n")
        if first == last:
            return n.Literal("")
        return self._expand(node, node.start_byte + first + 1, node.start_byte + last, quotes=False)

    def _expand(self, node: Tree, start: int, end: int, *, quotes: bool) -> n.Node:
        parts: list[str | n.Node] = []
        at = start
        for child in node.named_children:
            if child.type not in {"variable", "sub_expression"} or child.start_byte < start or child.end_byte > end:
                continue
            gap = self.source[at : child.start_byte].decode("utf-8", "surrogatepass")
            if gap:
                parts.append(unescape(gap, quotes=quotes))
            parts.append(self.expression(child))
            at = child.end_byte
        gap = self.source[at:end].decode("utf-8", "surrogatepass")
        if gap:
            parts.append(unescape(gap, quotes=quotes))
        if all(isinstance(part, str) for part in parts):
            return n.Literal("".join(part for part in parts if isinstance(part, str)))
        return n.Expand(tuple(parts))

    def _x_variable(self, node: Tree) -> n.Node:
        return self.variable(self.text(node).strip())

    def variable(self, text: str) -> n.Variable:
        """`$scope:name` in any of its forms."""
        splat = text.startswith("@")
        name = text[1:]
        if name.startswith("{"):
            name = name[1:-1].replace("`", "")
        scope, colon, rest = name.partition(":")
        if colon and rest and not rest.startswith(":"):
            return n.Variable(scope.lower(), rest.lower() if scope.lower() != "env" else rest, splat)
        return n.Variable("", name.lower().rstrip(":"), splat)

    def _x_parenthesized_expression(self, node: Tree) -> n.Node:
        inner = [c for c in node.named_children if c.type != "comment"]
        if len(inner) != 1:
            raise self.refuse(node, ")")
        return n.Paren(self.statement(inner[0]))

    def _x_array_expression(self, node: Tree) -> n.Node:
        return n.ArrayExpression(self._inner_block(node))

    def _x_sub_expression(self, node: Tree) -> n.Node:
        return n.SubExpression(self._inner_block(node))

    def _inner_block(self, node: Tree) -> n.Block:
        body = node.child_by_field_name("statements")
        return self.block(body) if body is not None else n.NOTHING

    def _x_script_block_expression(self, node: Tree) -> n.Node:
        return n.ScriptBlockLiteral(self.code(node, self.text(node).strip()[1:-1]))

    def _x_hash_literal_expression(self, node: Tree) -> n.Node:
        pairs: list[tuple[n.Node, n.Node]] = []
        for body in node.named_children:
            for entry in body.named_children:
                if entry.type != "hash_entry":
                    continue
                key, value = (c for c in entry.named_children if c.type not in {"comment", "empty_statement"})
                inner = key.named_children[0] if key.named_children else key
                word = inner.type in {"simple_name", "key_expression"}
                pairs.append((n.Literal(self.text(key).strip()) if word else self.expression(inner),
                              self.statement(value)))  # fmt: skip
        return n.HashLiteral(tuple(pairs))

    def _x_array_literal_expression(self, node: Tree) -> n.Node:
        return n.ArrayLiteral(tuple(self.expression(c) for c in node.named_children if c.type != "comment"))

    def _member_name(self, node: Tree) -> str | n.Node:
        inner = node.named_children[0] if node.named_children else node
        if inner.type in {"simple_name", "type_identifier", "member_name"}:
            return self.text(inner).strip()
        found = self.expression(inner)
        return found.value if isinstance(found, n.Literal) and isinstance(found.value, str) else found

    def _x_member_access(self, node: Tree) -> n.Node:
        parts = [c for c in node.children if c.type != "comment"]
        return n.Member(self.expression(parts[0]), self._member_name(parts[2]), parts[1].type == "::", self.spot(node))

    def _x_element_access(self, node: Tree) -> n.Node:
        parts = [c for c in node.named_children if c.type != "comment"]
        return n.Index(self.expression(parts[0]), self.expression(parts[1]), self.spot(node))

    def _x_invocation_expression(self, node: Tree) -> n.Node:
        parts = [c for c in node.children if c.type != "comment"]
        if len(parts) == 1:
            return self.expression(parts[0])
        arguments: list[n.Node] = []
        for group in parts[3].named_children:
            arguments += [self.expression(c) for c in group.named_children if c.type != "comment"]
        return n.Invoke(self.expression(parts[0]), self._member_name(parts[2]), tuple(arguments),
                        parts[1].type == "::", self.spot(node))  # fmt: skip

    def _x_magic_call(self, node: Tree, name: str) -> n.Node:
        """`.ForEach(…)` and `.Where(…)`, which 4.0 brought: here a method that no array has."""
        target, arguments = node.named_children[0], node.named_children[-1]
        if arguments.type != "argument_list":
            raise self.refuse(arguments, "{")
        given = [self.expression(c) for group in arguments.named_children for c in group.named_children]
        return n.Invoke(self.expression(target), name, tuple(given), False, self.spot(node))

    def _x_invocation_foreach_expression(self, node: Tree) -> n.Node:
        return self._x_magic_call(node, "ForEach")

    def _x_invocation_where_expression(self, node: Tree) -> n.Node:
        return self._x_magic_call(node, "Where")

    def _increment(self, node: Tree) -> n.Node:
        parts = [c for c in node.children if c.type != "comment"]
        prefix = parts[0].type in {"++", "--"}
        op, target = (parts[0], parts[1]) if prefix else (parts[1], parts[0])
        return n.Increment(self.expression(target), 1 if op.type == "++" else -1, prefix)

    _x_post_increment_expression = _increment
    _x_post_decrement_expression = _increment
    _x_pre_increment_expression = _increment
    _x_pre_decrement_expression = _increment

    # the statement builder's half

    def statement(self, node: Tree) -> n.Node:
        """See StatementBuilder."""
        raise NotImplementedError

    def block(self, node: Tree) -> n.Block:
        """See StatementBuilder."""
        raise NotImplementedError

    def code(self, node: Tree, text: str) -> n.Code:
        """See StatementBuilder."""
        raise NotImplementedError
