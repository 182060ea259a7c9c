"""Turns a script's text into our small tree, by way of tree-sitter-pwsh; says what a PowerShell 2.0 parser would refuse.

Parses are cached by text. tree-sitter raises a few false alarms on valid one-line code; such text is parsed
again with line breaks put where they change nothing.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import tree_sitter
import tree_sitter_pwsh

from bot.lab.powershell.nodes import Assign, Code, ExpressionCommand, Literal, Pipeline, Problem, Spot
from bot.lab.powershell.parse_repair import TOKENS, with_calls_wrapped, with_line_breaks, with_words_quoted

if TYPE_CHECKING:
    from tree_sitter import Node as Tree

NEWER = frozenset(
    {
        "class_statement",
        "enum_statement",
        "using_statement",
        "ternary_expression",
        "null_coalesce_expression",
        "null_coalesce_argument_expression",
        "ternary_argument_expression",
        "pipeline_chain_tail",
        "inlinescript_statement",
        "parallel_statement",
        "sequence_statement",
        "stop_parsing",
    }
)
"""Syntax that came after 2.0 and has node types of its own."""

NEWER_OPERATORS = frozenset({"-in", "-notin", "-cin", "-iin", "-cnotin", "-inotin", "-shl", "-shr"})
NEWER_REDIRECTIONS = re.compile(r"^(\*>>?|[3-6]>>?|[3-6\*]>&[12])$")


class ParseFailed(Exception):
    """The text is no PowerShell 2.0 script."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Cache:
    """The last few scripts, by text; bounded by their total length, because memory is counted."""

    def __init__(self, characters: int = 200_000) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Code] = OrderedDict()
        self._room = characters
        self._used = 0

    def get(self, text: str) -> Code | None:
        with self._lock:
            code = self._kept.get(text)
            if code is not None:
                self._kept.move_to_end(text)
            return code

    def put(self, text: str, code: Code) -> None:
        with self._lock:
            if text in self._kept:
                return
            self._kept[text] = code
            self._used += len(text)
            while self._used > self._room and len(self._kept) > 1:
                self._used -= len(self._kept.popitem(last=False)[0])


_CACHE = _Cache()
_LANGUAGE = tree_sitter.Language(tree_sitter_pwsh.language())


def parse(text: str) -> Code:
    """The script as a tree. Raises ParseFailed with PowerShell's sentence."""
    kept = _CACHE.get(text)
    if kept is not None:
        return kept
    data = _DATA_FIRST.match(text)
    code = _with_data(text, data) if data is not None else None
    if code is None:
        code = _parse_fresh(text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff"))
        _CACHE.put(text, code)
    return code


_DATA_FIRST = re.compile(r"\$\w+ = @'\n(?P<data>(?!'@)[^\r\n]*(?:\n(?!'@)[^\r\n]*)*)\n'@\n(?=[^\r]*\Z)")
"""A script that begins by putting a here-string into a variable. Nothing in a single-quoted one is code: it ends at
the first line that begins with '@."""


_LINE = re.compile(r"[^\n]+")


def _with_data(text: str, found: re.Match[str]) -> Code | None:
    """The tree of such a script, made from that of the same script with an x for every line of data.

    That one is kept, so that a script which is sent again and again with other data is parsed once. None when
    the parser sees something else in it.
    """
    masked = text[: found.start("data")] + _LINE.sub("x", found["data"]) + text[found.end("data") :]
    if masked == text:
        return None
    try:
        code = parse(masked)
    except ParseFailed:
        return None  # the whole text is to say where it fails
    body = code.end
    first = body.statements[0] if body is not None and body.statements else None
    if not isinstance(first, Assign) or not isinstance(first.value, Pipeline):
        return None
    stage = first.value.stages[0]
    if len(first.value.stages) > 1 or not isinstance(stage, ExpressionCommand) or not isinstance(stage.value, Literal):
        return None
    stage = replace(stage, value=Literal(found["data"]))
    first = replace(first, value=replace(first.value, stages=(stage,)))
    assert body is not None  # noqa: S101 - it has a first statement
    return replace(code, end=replace(body, statements=(first, *body.statements[1:])), text=text)


class Misread(Exception):
    """The grammar took one thing for two: a method call standing as a command's argument."""


def _parse_fresh(text: str) -> Code:
    from bot.lab.powershell.parse_statements import Builder

    problem: Problem | None = None
    for repair in _REPAIRS:
        repaired = repair(text)
        root, source = _tree(repaired)
        trouble = _first_trouble(root)
        if trouble is not None:
            problem = problem or _explain(text, trouble)
            continue
        try:
            return Builder(source, repaired).script(root)
        except Misread:
            continue
    raise ParseFailed(problem or Problem("Unexpected token '(' in expression or statement.", "UnexpectedToken"))


_REPAIRS: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    with_calls_wrapped,
    with_words_quoted,
    with_line_breaks,
    lambda text: with_words_quoted(with_calls_wrapped(text)),
    lambda text: with_line_breaks(with_words_quoted(with_calls_wrapped(text))),
)


def _tree(text: str) -> tuple[Tree, bytes]:
    source = text.encode("utf-8", "surrogatepass")
    return tree_sitter.Parser(_LANGUAGE).parse(source).root_node, source


def labelled_jump(node: Tree) -> bool:
    """Whether an ERROR node is only `break label` or `continue label`, which the grammar does not know."""
    return (
        node.type == "ERROR"
        and node.child_count == 2
        and node.children[0].type in {"break", "continue"}
        and node.children[1].type == "simple_name"
    )


def _first_trouble(root: Tree) -> Tree | None:
    if not root.has_error:
        return None
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_missing or (node.is_error and not labelled_jump(node)):
            return node
        if not node.is_error:
            stack.extend(reversed([c for c in node.children if c.has_error or c.is_missing]))
    return None


def spot_of(node: Tree, lines: list[str]) -> Spot:
    """Line, column and text of a tree-sitter node."""
    row, column = node.start_point
    text = lines[row] if row < len(lines) else ""
    return Spot(row + 1, column + 1, text)


_CLOSERS = {
    "}": ("Missing closing '}' in statement block.", "MissingEndCurlyBrace"),
    ")": ("Missing closing ')' in expression.", "MissingEndParenthesisInExpression"),
    "]": ("Missing ] at end of type token.", "EndSquareBracketExpectedAtEndOfType"),
}


def _explain(text: str, node: Tree) -> Problem:
    spot = spot_of(node, text.split("\n"))
    if node.is_missing and node.type in _CLOSERS:
        message, error_id = _CLOSERS[node.type]
        return Problem(message, error_id, spot)
    open_text = _unbalanced(text)
    if open_text:
        if open_text in _CLOSERS:
            message, error_id = _CLOSERS[open_text]
            return Problem(message, error_id, spot)
        return Problem(f"The string starting:\n{spot.text}\nis missing the terminator: {open_text}.",
                       "TerminatorExpectedAtEndOfString", spot)  # fmt: skip
    raw = (node.text or b"").decode("utf-8", "replace").strip()
    token = raw.split()[0] if raw.split() else ""
    if token.startswith("|") or text.rstrip().endswith("|"):
        return Problem("An empty pipe element is not permitted.", "EmptyPipeElement", spot)
    return Problem(f"Unexpected token '{token}' in expression or statement.", "UnexpectedToken", spot)


def _unbalanced(text: str) -> str:
    """The closing sign that is missing, or the quote; empty when all pairs match."""
    waiting: list[str] = []
    for match in TOKENS.finditer(text):
        if match.lastgroup == "quote":
            return match.group()
        if match.lastgroup == "open":
            waiting.append({"(": ")", "{": "}", "[": "]"}[match.group()[-1]])
        elif match.lastgroup == "close":
            if not waiting or waiting[-1] != match.group():
                return ""
            waiting.pop()
    return waiting[-1] if waiting else ""
