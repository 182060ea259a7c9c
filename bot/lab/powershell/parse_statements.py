"""Statements, functions and script blocks: from tree-sitter's nodes to ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.lab.powershell import nodes as n
from bot.lab.powershell.parse import NEWER, ParseFailed, labelled_jump
from bot.lab.powershell.parse_commands import CommandBuilder

if TYPE_CHECKING:
    from tree_sitter import Node as Tree

_SKIP = frozenset({"comment", "empty_statement", "requires_statement"})
_LOOPS = frozenset({"foreach_statement", "for_statement", "while_statement", "do_statement", "switch_statement"})


class Builder(CommandBuilder):
    """The whole builder: `script` is its entry."""

    def script(self, root: Tree) -> n.Code:
        """A script file or a command's text."""
        return self.code(root, self.source.decode("utf-8", "surrogatepass"))

    def code(self, node: Tree, text: str) -> n.Code:
        """The inside of a script, function or script block."""
        declared: tuple[n.Declared, ...] = ()
        binding = False
        blocks: dict[str, n.Block] = {}
        stack = [c for c in reversed(node.children) if c.is_named]
        while stack:
            child = stack.pop()
            kind = child.type
            if kind == "param_block":
                binding = any("cmdletbinding" in self.text(c).lower() for c in child.named_children
                              if c.type == "attribute_list")  # fmt: skip
                declared = self._parameters(child)
            elif kind == "function_parameter_declaration":
                declared = self._parameters(child)
            elif kind in {"script_block", "script_block_body", "named_block_list"}:
                stack.extend(c for c in reversed(child.children) if c.is_named)
            elif kind == "named_block":
                name = self.text(child.named_children[0]).strip().lower()
                blocks[name] = self._statement_block(child.named_children[-1])
            elif kind == "statement_list":
                blocks["end"] = self.block(child)
            elif kind in NEWER:
                raise self.refuse(child, self.text(child).split()[0])
        binding = binding or any(d.mandatory or d.from_pipeline or d.position is not None for d in declared)
        return n.Code(declared, blocks.get("begin"), blocks.get("process"), blocks.get("end"), text, binding)

    def _parameters(self, node: Tree) -> tuple[n.Declared, ...]:
        out = []
        for group in node.named_children:
            if group.type != "parameter_list":
                continue
            out += [self._parameter(c) for c in group.named_children if c.type == "script_parameter"]
        return tuple(out)

    def _parameter(self, node: Tree) -> n.Declared:
        types: list[str] = []
        default: n.Node | None = None
        name = ""
        mandatory = piped = by_property = False
        position: int | None = None
        aliases: tuple[str, ...] = ()
        valid: tuple[str, ...] = ()
        for child in node.named_children:
            if child.type == "variable":
                name = self.variable(self.text(child).strip()).name
            elif child.type == "script_parameter_default":
                default = self.expression(child.named_children[-1])
            elif child.type == "attribute_list":
                for attribute in child.named_children:
                    inner = attribute.named_children
                    if inner and inner[0].type == "type_literal":
                        types.append(self.type_name(inner[0]))
                        continue
                    title = self.text(inner[0]).strip().lower()
                    given = self._attribute_arguments(attribute)
                    if title == "parameter":
                        mandatory = mandatory or given.get("mandatory", "").lower() in {"$true", "1"}
                        piped = piped or given.get("valuefrompipeline", "").lower() in {"$true", "1"}
                        by_property = by_property or "valuefrompipelinebypropertyname" in given
                        position = int(given["position"]) if given.get("position", "").isdigit() else position
                    elif title == "alias":
                        aliases = tuple(k.strip("'\"") for k in given)
                    elif title == "validateset":
                        valid = tuple(k.strip("'\"") for k in given)
        return n.Declared(name, tuple(types), default, mandatory, position, piped, by_property, aliases, valid)

    def _attribute_arguments(self, node: Tree) -> dict[str, str]:
        given: dict[str, str] = {}
        for group in node.named_children:
            if group.type != "attribute_arguments":
                continue
            for item in group.named_children:
                key, equals, value = self.text(item).partition("=")
                given[key.strip().lower() if equals else key.strip()] = value.strip()
        return given

    def block(self, node: Tree) -> n.Block:
        """A statement list."""
        statements: list[n.Node] = []
        traps: list[n.Trap] = []
        label = ""
        for child in node.named_children:
            if child.type in _SKIP:
                continue
            if child.type == "label":
                label = self.text(child).strip().lstrip(":").lower()
                continue
            made = self.statement(child, label)
            label = ""
            if isinstance(made, n.Trap):
                traps.append(made)
            else:
                statements.append(made)
        return n.Block(tuple(statements), tuple(traps))

    def _statement_block(self, node: Tree) -> n.Block:
        statements: list[n.Node] = []
        traps: tuple[n.Trap, ...] = ()
        for child in node.named_children:
            if child.type == "statement_list":
                inner = self.block(child)
                statements += inner.statements
                traps += inner.traps
            elif child.type == "ERROR" and labelled_jump(child):
                statements.append(self._jump(child))
        return n.Block(tuple(statements), traps)

    def _jump(self, node: Tree) -> n.Node:
        return n.Flow(node.children[0].type, None, self.text(node.children[1]).strip().lower(), self.spot(node))

    def statement(self, node: Tree, label: str = "") -> n.Node:
        """Any statement."""
        kind = node.type
        if kind in _LOOPS:
            result: n.Node = getattr(self, "_s_" + kind)(node, label)
            return result
        handler = getattr(self, "_s_" + kind, None)
        if handler is not None:
            made: n.Node = handler(node)
            return made
        if kind in NEWER:
            raise self.refuse(node, self.text(node).split()[0])
        if kind == "pipeline":
            return self.pipeline(node)
        if kind == "pipeline_chain":
            return self.chain(node)
        if kind == "assignment_expression":
            return self._assignment(node)
        if kind == "ERROR" and labelled_jump(node):
            return self._jump(node)
        return n.Pipeline((n.ExpressionCommand(self.expression(node), (), self.spot(node)),), self.spot(node))

    def _field(self, node: Tree, name: str) -> n.Node | None:
        """The statement inside a field, through its wrapper."""
        found = node.child_by_field_name(name)
        if found is None:
            return None
        if found.type in {"for_initializer", "for_condition", "for_iterator", "while_condition"}:
            inner = [c for c in found.named_children if c.type != "comment"]
            return self.statement(inner[0]) if inner else None
        return self.statement(found)

    def _body(self, node: Tree) -> n.Block:
        return self._statement_block(next(c for c in node.named_children if c.type == "statement_block"))

    def _need(self, node: Tree, name: str) -> n.Node:
        found = self._field(node, name)
        if found is None:
            raise self.refuse(node, ")")
        return found

    def _s_if_statement(self, node: Tree) -> n.Node:
        clauses = [(self._need(node, "condition"), self._body(node))]
        otherwise: n.Block | None = None
        for child in node.named_children:
            if child.type == "elseif_clauses":
                clauses += [(self._need(c, "condition"), self._body(c)) for c in child.named_children
                            if c.type == "elseif_clause"]  # fmt: skip
            elif child.type == "else_clause":
                otherwise = self._body(child)
        return n.If(tuple(clauses), otherwise)

    def _s_foreach_statement(self, node: Tree, label: str) -> n.Node:
        inner = [c for c in node.named_children if c.type not in {"comment", "foreach_parameter"}]
        variable = self.variable(self.text(inner[0]).strip())
        return n.Foreach(variable, self.statement(inner[1]), self._body(node), label)

    def _s_for_statement(self, node: Tree, label: str) -> n.Node:
        return n.For(self._field(node, "for_initializer"), self._field(node, "for_condition"),
                     self._field(node, "for_iterator"), self._body(node), label)  # fmt: skip

    def _s_while_statement(self, node: Tree, label: str) -> n.Node:
        return n.While(self._need(node, "condition"), self._body(node), label)

    def _s_do_statement(self, node: Tree, label: str) -> n.Node:
        until = any(c.type == "until" for c in node.children)
        return n.While(self._need(node, "condition"), self._body(node), label, after=True, until=until)

    def _s_switch_statement(self, node: Tree, label: str) -> n.Node:
        options: set[str] = set()
        value: n.Node = n.Literal(None)
        clauses: list[tuple[n.Node | None, n.Block]] = []
        for child in node.named_children:
            if child.type == "switch_parameters":
                options |= {self.text(c).strip().lower().lstrip("-") for c in child.named_children}
            elif child.type == "switch_condition":
                inner = [c for c in child.named_children if c.type != "comment"]
                if inner[0].type == "switch_filename":
                    options.add("file")
                value = self.statement(inner[0])
            elif child.type == "switch_body":
                for group in child.named_children:
                    clauses += [self._clause(c) for c in group.named_children if c.type == "switch_clause"]
        return n.Switch(frozenset(options), value, tuple(clauses), label)

    def _clause(self, node: Tree) -> tuple[n.Node | None, n.Block]:
        condition, body = (c for c in node.named_children if c.type not in _SKIP)
        text = self.text(condition).strip()
        block = self._statement_block(body)
        if text.lower() == "default":
            return None, block
        inner = condition.named_children
        return (self.expression(inner[0]) if inner else n.Literal(text)), block

    def _s_try_statement(self, node: Tree) -> n.Node:
        catches: list[tuple[tuple[str, ...], n.Block]] = []
        final: n.Block | None = None
        for child in node.named_children:
            if child.type == "catch_clauses":
                for clause in child.named_children:
                    types = tuple(self.type_name(t) for c in clause.named_children if c.type == "catch_type_list"
                                  for t in c.named_children if t.type == "type_literal")  # fmt: skip
                    catches.append((types, self._body(clause)))
            elif child.type == "finally_clause":
                final = self._body(child)
        if not catches and final is None:
            raise ParseFailed(n.Problem("The Try statement is missing its Catch or Finally block.",
                                        "MissingCatchOrFinally", self.spot(node)))  # fmt: skip
        return n.Try(self._body(node), tuple(catches), final)

    def _s_trap_statement(self, node: Tree) -> n.Node:
        kind = next((self.type_name(c) for c in node.named_children if c.type == "type_literal"), "")
        return n.Trap(kind, self._body(node))

    def _s_function_statement(self, node: Tree) -> n.Node:
        word = node.children[0].type.lower()
        if word == "workflow":
            raise self.refuse(node, "workflow")
        name = self.text(next(c for c in node.named_children if c.type == "function_name")).strip()
        code = self.code(node, self.text(node))
        if word == "filter" and code.process is None:
            code = n.Code(code.parameters, None, code.end, None, code.text, code.binding)
        return n.Function(name, code)

    def _s_flow_control_statement(self, node: Tree) -> n.Node:
        inner = [c for c in node.named_children if c.type != "comment"]
        kind = node.children[0].type.lower()
        if kind in {"break", "continue"}:
            return n.Flow(kind, None, self.text(inner[0]).strip().lower() if inner else "", self.spot(node))
        return n.Flow(kind, self.statement(inner[0]) if inner else None, "", self.spot(node))
