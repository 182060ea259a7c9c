"""Commands, pipelines and redirections: from tree-sitter's nodes to ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.lab.powershell import nodes as n
from bot.lab.powershell.parse import NEWER, NEWER_REDIRECTIONS, Misread, ParseFailed, parse
from bot.lab.powershell.parse_expressions import ExpressionBuilder, number, unescape

if TYPE_CHECKING:
    from tree_sitter import Node as Tree

_ARITHMETIC = re.compile(r"^(\d+(?:\.\d+)?(?:[kmgtp]b)?)(\.\.|[-+*/%])(?=[\d$(-])", re.IGNORECASE)


class CommandBuilder(ExpressionBuilder):
    """Adds commands and pipelines to expressions."""

    def pipeline(self, node: Tree) -> n.Node:
        """A pipeline, an assignment or a bare expression as a statement."""
        if any(c.type in NEWER for c in node.children):
            tail = next(c for c in node.children if c.type in NEWER)
            raise ParseFailed(n.Problem(f"The token '{self.text(tail).strip()}' is not a valid statement separator in "
                                        "this version.", "InvalidEndOfLine", self.spot(tail)))  # fmt: skip
        inner = [c for c in node.named_children if c.type != "comment"]
        if len(inner) == 1 and inner[0].type == "assignment_expression":
            return self._assignment(inner[0])
        if len(inner) == 1 and inner[0].type == "pipeline_chain":
            return self.chain(inner[0])
        return self.chain(node)

    def _assignment(self, node: Tree) -> n.Node:
        parts = [c for c in node.named_children if c.type != "comment"]
        left, op, value = parts[0], parts[1], parts[2]
        target = self.expression(left)
        return n.Assign(target, self.text(op).strip(), self.value_statement(value), self.spot(node))

    def value_statement(self, node: Tree) -> n.Node:
        """What stands right of `=`."""
        if node.type == "assignment_expression":
            return self._assignment(node)
        if node.type == "assignment_value":
            inner = [c for c in node.named_children if c.type != "comment"]
            return self.value_statement(inner[0])
        return self.statement(node)

    def chain(self, node: Tree) -> n.Node:
        """`a | b | c`."""
        stages: list[n.Command | n.ExpressionCommand] = []
        value: n.Node | None = None
        redirections: list[n.Redirection] = []
        spot = self.spot(node)
        for child in node.children:
            kind = child.type
            if kind in {"comment", "|"} or (not child.is_named and kind.strip() in {"|", ""}):
                continue
            if kind == "command":
                stage = self._command(child)
                if isinstance(stage, n.Command):
                    stages.append(stage)
                else:
                    value = stage
                    spot = self.spot(child)
            elif kind in {"redirection", "redirections"}:
                redirections += self._redirections(child)
            else:
                value = self.expression(child)
                spot = self.spot(child)
        if value is not None:
            stages.insert(0, n.ExpressionCommand(value, tuple(redirections), spot))
        return n.Pipeline(tuple(stages), self.spot(node))

    def _command(self, node: Tree) -> n.Command | n.Node:
        operator = ""
        name: n.Node = n.Literal("")
        spot = self.spot(node)
        elements: list[n.Argument | n.Parameter] = []
        redirections: list[n.Redirection] = []
        for child in node.children:
            kind = child.type
            if kind == "command_invocation_operator":
                operator = self.text(child).strip()
            elif kind in {"command_name", "path_command_name"}:
                word = self.text(child)
                if _ARITHMETIC.match(word) and not operator:
                    return self._arithmetic(self.text(node))
                name = self._word(child) if child.named_children else n.Literal(unescape(word, quotes=False))
            elif kind == "command_name_expr":
                inner = child.named_children[0]
                if inner.type in {"command_name", "path_command_name", "generic_token"}:
                    name = self._word(inner)
                else:
                    name = self.expression(inner)
            elif kind == "command_elements":
                self._elements(child, elements, redirections)
            elif kind in {"redirection", "redirections"}:
                redirections += self._redirections(child)
            elif kind in NEWER:
                raise self.refuse(child, self.text(child).strip().split()[0])
        return n.Command(operator, name, tuple(elements), tuple(redirections), spot)

    def _arithmetic(self, text: str) -> n.Node:
        """`1..$n` and `7/2`, which the grammar takes for a command's name."""
        code = parse("(" + _ARITHMETIC.sub(r"\1 \2 ", text) + ")")
        body = code.end
        if body is None or len(body.statements) != 1:
            raise ParseFailed(n.Problem("Missing operand.", "ExpectedExpression"))
        inner = body.statements[0]
        if isinstance(inner, n.Pipeline) and isinstance(inner.stages[0], n.ExpressionCommand):
            return inner.stages[0].value
        return n.Paren(inner)

    def _elements(self, node: Tree, elements: list[n.Argument | n.Parameter], out: list[n.Redirection]) -> None:
        waiting = False
        for child in node.children:
            kind = child.type
            text = self.text(child)
            if kind == "command_argument_sep":
                if ":" in text and elements and isinstance(elements[-1], n.Parameter):
                    waiting = True
                continue
            if kind == "comment":
                continue
            if (
                text.startswith("(")
                and child.prev_sibling is not None
                and _is_member(child.prev_sibling, child.start_byte)
            ):
                raise Misread
            if kind in {"redirection", "redirections"}:
                out += self._redirections(child)
                continue
            if kind in NEWER:
                raise self.refuse(child, text.strip().split()[0])
            if kind == "argument_list":
                self._parenthesised(child, elements)
                continue
            if kind == "command_parameter":
                if not re.match(r"^-[A-Za-z_?]", text):
                    elements.append(n.Argument(n.Literal(text), text))
                    continue
                bare, colon, rest = text.partition(":")
                elements.append(n.Parameter(bare[1:], n.Literal(rest) if colon and rest else None, text))
                waiting = bool(colon) and not rest
                continue
            value = self._argument(child)
            last = elements[-1] if elements else None
            if waiting and isinstance(last, n.Parameter):
                elements[-1] = n.Parameter(last.name, value, last.text.rstrip(":") + ":" + text)
                waiting = False
            else:
                elements.append(n.Argument(value, text))

    def _parenthesised(self, node: Tree, elements: list[n.Argument | n.Parameter]) -> None:
        """`(…)` right behind an argument: a method's arguments, or a new argument of its own."""
        values = [
            self.expression(c) for group in node.named_children for c in group.named_children if c.type != "comment"
        ]
        last = elements[-1] if elements else None
        if isinstance(last, n.Argument) and isinstance(last.value, n.Member):
            called = n.Invoke(last.value.target, last.value.name, tuple(values), last.value.static, last.value.spot)
            elements[-1] = n.Argument(called, last.text + self.text(node))
            return
        value = values[0] if len(values) == 1 else n.ArrayLiteral(tuple(values))
        elements.append(n.Argument(value, self.text(node)))

    def _argument(self, node: Tree) -> n.Node:
        kind = node.type
        if kind == "generic_token":
            text = self.text(node)
            found = number(text)
            return n.Literal(unescape(text, quotes=False) if found is None else found)
        if kind == "bareword_argument_list":
            return n.ArrayLiteral(tuple(self._argument(c) for c in node.named_children if c.type != "comment"))
        if kind in {"concatenated_command_argument", "expandable_bareword", "path_command_name"}:
            return self._word(node)
        return self.expression(node)

    def _word(self, node: Tree) -> n.Node:
        """A word put together from text, strings and variables."""
        parts: list[str | n.Node] = []
        at = node.start_byte
        for child in node.named_children:
            gap = self.source[at : child.start_byte].decode("utf-8", "surrogatepass")
            if gap:
                parts.append(unescape(gap, quotes=False))
            at = child.end_byte
            if child.type in {"generic_token", "escape_character", "path_command_name_token", "simple_name"}:
                parts.append(unescape(self.text(child), quotes=False))
                continue
            part = self._word(child) if child.type == "expandable_bareword" else self.expression(child)
            parts.append(part.value if isinstance(part, n.Literal) and isinstance(part.value, str) else part)
        gap = self.source[at : node.end_byte].decode("utf-8", "surrogatepass")
        if gap:
            parts.append(unescape(gap, quotes=False))
        if all(isinstance(part, str) for part in parts):
            return n.Literal("".join(part for part in parts if isinstance(part, str)))
        alone = parts[0] if len(parts) == 1 else ""
        return n.Expand(tuple(parts)) if isinstance(alone, str) else alone  # `& $block` runs the block, not its text

    def _redirections(self, node: Tree) -> list[n.Redirection]:
        if node.type == "redirections":
            return [r for c in node.named_children for r in self._redirections(c)]
        op = self.text(node.named_children[0]).strip().replace("1>", ">")
        if NEWER_REDIRECTIONS.match(op):
            raise self.refuse(node, op)
        if node.named_children[0].type == "merging_redirection_operator":
            if op != "2>&1":
                raise ParseFailed(n.Problem(f"The redirection operator '{op}' is not supported yet.",
                                            "RedirectionNotSupported", self.spot(node)))  # fmt: skip
            return [n.Redirection("2>&1", None)]
        target = next(c for c in node.named_children[1].named_children if c.type != "command_argument_sep")
        return [n.Redirection(op, self._argument(target))]


def _is_member(node: Tree, end: int) -> bool:
    """Whether a node is `x.name` and ends where a parenthesis begins: one call, not two arguments."""
    while node.type == "unary_expression" and node.named_child_count == 1:
        node = node.named_children[0]
    return node.type == "member_access" and node.end_byte == end
