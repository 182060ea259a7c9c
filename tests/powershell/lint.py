"""Finds what PowerShell 2.0 would not understand in a script: syntax, operators, cmdlets, parameters, types.

The list of cmdlets is PSScriptAnalyzer's desktop-2.0 set (facts/winrm.md §4), which lacks the Exchange 2007
snap-in and native tools: those have an allow-list of their own here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import tree_sitter
import tree_sitter_pwsh

EXCHANGE_2007 = {
    "get-clusteredmailboxserverstatus", "get-mailboxserver", "get-mailboxdatabase", "get-publicfolderdatabase",
    "get-storagegroup", "get-storagegroupcopystatus", "get-queue", "get-exchangeserver", "get-mailbox", "test-replicationhealth",
    "test-mapiconnectivity", "move-clusteredmailboxserver", "stop-clusteredmailboxserver",
    "start-clusteredmailboxserver",
}  # fmt: skip
NATIVE = {"cluster.exe", "schtasks.exe", "cmd.exe", "msiexec.exe", "vssadmin.exe"}

NEWER_SYNTAX = {
    "class_statement": "class is PowerShell 5",
    "enum_statement": "enum is PowerShell 5",
    "using_statement": "using is PowerShell 5",
    "ternary_expression": "?: is PowerShell 7",
    "null_coalesce_expression": "?? is PowerShell 7",
    "pipeline_chain_tail": "&& and || are PowerShell 7",
    "inlinescript_statement": "inlinescript is PowerShell 3",
    "parallel_statement": "parallel is PowerShell 3",
    "sequence_statement": "sequence is PowerShell 3",
}
NEWER_OPERATORS = {"-in", "-notin", "-shl", "-shr"}
NEWER_VARIABLES = {
    "$psitem": "$PSItem is PowerShell 3",
    "$psscriptroot": "$PSScriptRoot is empty in scripts before PowerShell 3",
    "$pscommandpath": "$PSCommandPath is PowerShell 3",
}
NEWER_TYPES = {"pscustomobject": "a cast to [pscustomobject] is PowerShell 3", "ordered": "[ordered] is PowerShell 3"}
NEWER_PARAMETERS = {
    "get-childitem": {"-file", "-directory", "-depth", "-hidden", "-readonly", "-system", "-attributes"},
    "get-content": {"-raw", "-tail", "-stream"},
    "set-content": {"-nonewline", "-stream"},
    "out-file": {"-nonewline"},
    "export-csv": {"-append"},
    "select-object": {"-skiplast"},
    "get-process": {"-includeusername"},
    "split-path": {"-leafbase", "-extension"},
    "get-itempropertyvalue": set(),
}
FILTERS = {"where-object", "where", "?", "foreach-object", "foreach", "%"}

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_pwsh.language()))


@cache
def known_commands() -> frozenset[str]:
    """Every command PowerShell 2.0 itself has, lower case."""
    with (Path(__file__).parent / "commands-2.0.csv").open(encoding="utf-8") as file:
        return frozenset(row["command"].casefold() for row in csv.DictReader(file))


def functions(script: str) -> set[str]:
    """The functions a script defines, lower case."""
    root = _PARSER.parse(script.encode()).root_node
    named = (
        next(c for c in n.children if c.type == "function_name") for n in _walk(root) if n.type == "function_statement"
    )
    return {_text(name).casefold() for name in named}


def findings(script: str, *, given: frozenset[str] = frozenset()) -> list[str]:
    """What is wrong, as "line: what", in the order of the text. `given`: functions that stand before it."""
    root = _PARSER.parse(script.encode()).root_node
    own = functions(script) | given
    found: list[tuple[int, str]] = []
    for node in _walk(root):
        found += [(node.start_point[0] + 1, what) for what in _wrong(node, own)]
    found += [
        (place, "{ param(...) code } on one line confuses the parser: break the line")
        for place, line in enumerate(script.splitlines(), 1)
        if re.search(r"\{\s*param\s*\(.*\).*\S.*\}", line)
    ]
    return [f"{line}: {what}" for line, what in sorted(set(found))]


def _wrong(node: tree_sitter.Node, own: set[str]) -> Iterator[str]:
    text = _text(node)
    if node.type == "ERROR" or node.is_missing:
        yield f"cannot be parsed: {text[:40]!r}"
    if node.type in NEWER_SYNTAX:
        yield NEWER_SYNTAX[node.type]
    if node.type == "comparison_operator" and text.casefold() in NEWER_OPERATORS:
        yield f"{text} is PowerShell 3"
    if node.type == "variable" and text.casefold() in NEWER_VARIABLES:
        yield NEWER_VARIABLES[text.casefold()]
    if node.type == "type_literal" and text.strip("[]").casefold() in NEWER_TYPES:
        yield NEWER_TYPES[text.strip("[]").casefold()]
    if node.type == "invocation_expression" and {"::", "new"} <= {_text(c).casefold() for c in node.children}:
        yield "::new() is PowerShell 5: use New-Object"
    if node.type == "try_statement" and not any(c.type in {"catch_clauses", "finally_clause"} for c in node.children):
        yield "try without catch or finally"
    if node.type == "command":
        yield from _wrong_command(node, own)


def _wrong_command(node: tree_sitter.Node, own: set[str]) -> Iterator[str]:
    name_node = next((c for c in node.children if c.type == "command_name"), None)
    if name_node is None:
        return  # & $block or . $block
    name = _text(name_node).casefold()
    if name not in known_commands() | EXCHANGE_2007 | NATIVE | own:
        yield f"{_text(name_node)} is no command of PowerShell 2.0 or the Exchange 2007 snap-in"
    elements = [e for c in node.children if c.type == "command_elements" for e in c.children]
    parameters = {_text(e).casefold().rstrip(":") for e in elements if e.type == "command_parameter"}
    for parameter in sorted(parameters & NEWER_PARAMETERS.get(name, set())):
        yield f"{_text(name_node)} {parameter} is newer than PowerShell 2.0"
    if name in FILTERS and not any(d.type == "script_block_expression" for e in elements for d in _walk(e)):
        yield f"{_text(name_node)} without a script block is PowerShell 3"


def _walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: tree_sitter.Node | None) -> str:
    return node.text.decode() if node is not None and node.text is not None else ""
