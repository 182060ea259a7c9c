"""How cmd.exe reads a command line: blocks, operators, redirections and quotes, into a small tree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# What has no meaning of its own, outside and inside quotation marks.
_PLAIN = re.compile(r'[^"\n&|)^<>012]+')
_QUOTED = re.compile(r'[^"\n]+')


@dataclass(frozen=True)
class Redirection:
    """`>`, `>>` or `<` of one stream; `target` is a file name or `&1`, `&2`."""

    stream: int  # 0, 1 or 2
    append: bool
    target: str


@dataclass(frozen=True)
class Simple:
    """One command with its words as typed, quotes included."""

    text: str
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True)
class Block:
    """`( … )`."""

    body: Node
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True)
class Joined:
    """Two commands joined by `&` (also a line's end in a block), `&&`, `||` or `|`."""

    left: Node
    operator: str
    right: Node


@dataclass(frozen=True)
class If:
    """`if [/i] [not] condition command [else command]`; `test` is (kind, left, right)."""

    test: tuple[str, str, str]
    negated: bool
    ignore_case: bool
    then: Node
    otherwise: Node | None


@dataclass(frozen=True)
class For:
    """`for [/f "options" | /l] %v in (set) do command`."""

    kind: str  # "" | "f" | "l" | "d"
    options: str
    variable: str
    items: str
    body: Node


Node = Simple | Block | Joined | If | For


class Incomplete(Exception):
    """A block is still open: the next line belongs to it."""


class Unexpected(Exception):
    """What cmd answers with `… was unexpected at this time.`"""

    def __init__(self, token: str) -> None:
        super().__init__(f"{token} was unexpected at this time.")


_EMPTY = Simple("")
_COMPARE = ("equ", "neq", "lss", "leq", "gtr", "geq")


@dataclass
class _Reader:
    text: str
    at: int = 0
    depth: int = 0
    _marks: list[int] = field(default_factory=list)

    # --- characters ---

    def peek(self, more: str = "") -> str:
        while self.at < len(self.text) and self.text[self.at] in " \t,;=" + more:
            self.at += 1
        return self.text[self.at : self.at + 1]

    def word(self, stop: str = " \t\n,;=&|<>()") -> str:
        """One word, with a quoted part kept whole."""
        start, quoted = self.at, False
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                quoted = not quoted
            elif not quoted and char in stop:
                break
            self.at += 1
        return self.text[start : self.at]

    def keyword(self, *names: str) -> str:
        """Take one of the names if it stands here as a word; "" otherwise."""
        self.peek()
        for name in names:
            end = self.at + len(name)
            if self.text[self.at : end].casefold() == name and self.text[end : end + 1] in {*' \t\n("=,;:', ""}:
                self.at = end
                return name
        return ""

    # --- grammar, loosest binding first ---

    def sequence(self) -> Node:
        left = self.either()
        while True:
            self.peek()
            char = self.text[self.at : self.at + 1]
            if char == "&" or (char == "\n" and self.depth):
                self.at += 1
                self.peek("\n" if self.depth else "")
                if self.at >= len(self.text) or self.text[self.at] == ")":
                    if self.depth and self.at >= len(self.text):
                        raise Incomplete
                    return left
                left = Joined(left, "&", self.either())
            else:
                return left

    def either(self) -> Node:
        left = self.both()
        while self.peek() == "|" and self.text[self.at : self.at + 2] == "||":
            self.at += 2
            left = Joined(left, "||", self.both())
        return left

    def both(self) -> Node:
        left = self.pipe()
        while self.peek() == "&" and self.text[self.at : self.at + 2] == "&&":
            self.at += 2
            left = Joined(left, "&&", self.pipe())
        return left

    def pipe(self) -> Node:
        left = self.command()
        while self.peek() == "|" and self.text[self.at : self.at + 2] != "||":
            self.at += 1
            left = Joined(left, "|", self.command())
        return left

    def command(self) -> Node:
        while self.peek() == "@":
            self.at += 1
        char = self.text[self.at : self.at + 1]
        if char == "(":
            return self.block()
        if char in {"&", "|"} or (char == ")" and not self.depth):
            raise Unexpected(
                self.text[self.at : self.at + (2 if self.text[self.at : self.at + 2] in {"&&", "||"} else 1)]
            )
        if self.keyword("if"):
            return self.condition()
        if self.keyword("for"):
            return self.loop()
        if self.keyword("rem"):
            while self.at < len(self.text) and self.text[self.at] != "\n":
                self.at += 1
            return _EMPTY
        return self.simple()

    def block(self) -> Node:
        self.at += 1
        self.depth += 1
        self.peek("\n")
        if self.text[self.at : self.at + 1] == ")":
            raise Unexpected(")")
        body = self.sequence()
        self.peek("\n")
        if self.at >= len(self.text):
            raise Incomplete
        if self.text[self.at] != ")":
            raise Unexpected(self.word())
        self.at += 1
        self.depth -= 1
        redirections: list[Redirection] = []
        while self.peek() in {"<", ">", "1", "2"} and (found := self.redirection()):
            redirections.append(found)
        return Block(body, tuple(redirections))

    def redirection(self) -> Redirection | None:
        found = re.compile(r"([0-9]?)(>>|>|<)\s*").match(self.text, self.at)
        if not found:
            return None
        self.at = found.end()
        stream = int(found.group(1)) if found.group(1) else 0 if found.group(2) == "<" else 1
        if self.text[self.at : self.at + 1] == "&":
            target = self.text[self.at : self.at + 2]
            self.at += 2
        else:
            target = self.word(" \t\n,;=&|<>)" if self.depth else " \t\n,;=&|<>").replace('"', "")
            if not target:
                raise Unexpected(self.text[self.at : self.at + 1] or "The syntax of the command is incorrect: newline")
        return Redirection(stream, found.group(2) == ">>", target)

    def simple(self) -> Node:
        words, quoted = "", False
        redirections: list[Redirection] = []
        while self.at < len(self.text):
            plain = (_QUOTED if quoted else _PLAIN).match(self.text, self.at)
            if plain:
                words += plain.group()
                self.at = plain.end()
                continue
            char = self.text[self.at]
            if char == '"':
                quoted = not quoted
            elif char == "\n" or (not quoted and (char in "&|" or (char == ")" and self.depth))):
                break
            elif not quoted and char == "^":
                self.at += 1
                if self.text[self.at : self.at + 1] == "\n":
                    self.at += 1
                words += self.text[self.at : self.at + 1]
                self.at += 1
                continue
            elif not quoted and (
                char in "<>"
                or (
                    char in "012"
                    and words[-1:] in {"", " ", "\t"}
                    and self.text[self.at + 1 : self.at + 2] in {"<", ">"}
                )
            ):
                found = self.redirection()
                if found:
                    redirections.append(found)
                    continue
            words += char
            self.at += 1
        return Simple(words, tuple(redirections))

    def condition(self) -> Node:
        ignore_case = bool(self.keyword("/i"))
        negated = bool(self.keyword("not"))
        ignore_case = ignore_case or bool(self.keyword("/i"))
        kind = self.keyword("exist", "errorlevel", "defined", "cmdextversion")
        if kind:
            self.peek()
            test = (kind, self.word(), "")
        else:
            self.at += len(self.text[self.at :]) - len(self.text[self.at :].lstrip(" \t"))
            left = self.word(" \t\n=&|<>()")
            while self.text[self.at : self.at + 1] in {" ", "\t"}:
                self.at += 1
            if self.text[self.at : self.at + 2] == "==":
                self.at += 2
                operator = "=="
            else:
                operator = self.keyword(*_COMPARE)
                if not operator:
                    raise Unexpected(self.word() or left)
            self.peek()
            test = (operator, left, self.word())
        if self.at >= len(self.text):
            raise Unexpected("The syntax of the command is incorrect: if")
        then = self.branch()
        otherwise: Node | None = None
        mark = self.at
        if self.depth:
            self.peek()
        if isinstance(then, Block) and self.keyword("else"):
            otherwise = self.branch()
        else:
            self.at = mark
        return If(test, negated, ignore_case, then, otherwise)

    def branch(self) -> Node:
        """One command, a block, or a whole joined line: an if swallows everything behind it."""
        if self.peek() == "(":
            return self.block()
        left = self.either()
        while self.peek() == "&":
            self.at += 1
            left = Joined(left, "&", self.either())
        return left

    def loop(self) -> Node:
        kind, options = "", ""
        if self.peek() == "/":
            kind = self.word()[1:].casefold()
            if kind == "f" and self.peek() == '"':
                options = self.word().strip('"')
        self.peek()
        variable = self.word()
        if not re.fullmatch(r"%+[A-Za-z#$@?]", variable):
            raise Unexpected(variable)
        if not self.keyword("in") or self.peek() != "(":
            raise Unexpected(self.word() or "for")
        end, quote = self.at + 1, ""
        while end < len(self.text) and (quote or self.text[end] != ")"):
            char = self.text[end]
            if char in {'"', "'", "`"} and (not quote or char == quote):
                quote = "" if quote else char
            end += 1
        if end >= len(self.text):
            raise Incomplete
        items = self.text[self.at + 1 : end]
        self.at = end + 1
        if not self.keyword("do"):
            raise Unexpected(self.word())
        return For(kind, options, variable[-1], items, self.branch())


def parse(text: str) -> Node:
    """Read one logical line (after %-expansion) into its tree. Raises Incomplete or Unexpected."""
    reader = _Reader(text.replace("\r", ""))
    if not text.strip():
        return _EMPTY
    tree = reader.sequence()
    if reader.at < len(reader.text.rstrip()):
        raise Unexpected(reader.text[reader.at :].strip().split(" ")[0])
    return tree
