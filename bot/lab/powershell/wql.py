"""WQL as Get-WmiObject needs it: `SELECT … FROM class WHERE …` and -Filter's conditions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.lab.powershell.convert import to_string
from bot.lab.powershell.operators import equal, order
from bot.lab.powershell.values import CmdletError, NetError, PSObject

Test = Callable[[PSObject], bool]
_TOKEN = re.compile(r"\s*(?:('(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")|(<=|>=|<>|!=|=|<|>|\(|\))|([^\s()=<>!'\"]+))")
_SELECT = re.compile(r"^\s*select\s+(.+?)\s+from\s+(\w+)(?:\s+where\s+(.+?))?\s*$", re.IGNORECASE | re.DOTALL)


def invalid() -> CmdletError:
    """WMI's complaint about a query it cannot read."""
    return CmdletError("Invalid query", "GetWMIManagementException", False, category="InvalidOperation",
                       exception="System.Management.ManagementException")  # fmt: skip


def parse_query(text: str) -> tuple[list[str], str, Test]:
    """Properties (empty = all), class and condition of a query. Raises CmdletError."""
    match = _SELECT.match(text)
    if match is None:
        raise invalid()
    names = [] if match[1].strip() == "*" else [n.strip() for n in match[1].split(",")]
    return names, match[2], parse_condition(match[3] or "")


def parse_condition(text: str) -> Test:
    """The test a condition stands for; an empty one is always true."""
    if not text.strip():
        return lambda _row: True
    return _Condition(text).whole()


class _Condition:
    """A reader of one condition, by falling strength: or, and, not, comparison."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None or match.end() == at:
                raise invalid()
            self.tokens.append(next(g for g in match.groups() if g is not None))
            at = match.end()
        self.at = 0

    def whole(self) -> Test:
        test = self._or()
        if self.at != len(self.tokens):
            raise invalid()
        return test

    def _peek(self) -> str:
        return self.tokens[self.at].lower() if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        if self.at >= len(self.tokens):
            raise invalid()
        self.at += 1
        return self.tokens[self.at - 1]

    def _or(self) -> Test:
        left = self._and()
        while self._peek() == "or":
            self._take()
            left = _either(left, self._and())
        return left

    def _and(self) -> Test:
        left = self._not()
        while self._peek() == "and":
            self._take()
            left = _both(left, self._not())
        return left

    def _not(self) -> Test:
        if self._peek() == "not":
            self._take()
            inner = self._not()
            return lambda row: not inner(row)
        if self._peek() == "(":
            self._take()
            inner = self._or()
            if self._take() != ")":
                raise invalid()
            return inner
        return self._compare()

    def _compare(self) -> Test:
        name = self._take()
        op = self._take().lower()
        if op == "is":
            negated = self._peek() == "not"
            if negated:
                self._take()
            self._take()
            return lambda row: (row.get(name) is None) is not negated
        value = _literal(self._take())
        if op == "like":
            shape = re.compile("".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in to_string(value)) + r"\Z",
                               re.IGNORECASE | re.DOTALL)  # fmt: skip
            return lambda row: shape.match(to_string(row.get(name))) is not None
        if op not in _COMPARE:
            raise invalid()
        check = _COMPARE[op]
        return lambda row: _safe(check, row.get(name), value)


def _either(a: Test, b: Test) -> Test:
    return lambda row: a(row) or b(row)


def _both(a: Test, b: Test) -> Test:
    return lambda row: a(row) and b(row)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": equal, "<>": lambda a, b: not equal(a, b), "!=": lambda a, b: not equal(a, b),
    "<": lambda a, b: order(a, b) < 0, "<=": lambda a, b: order(a, b) <= 0,
    ">": lambda a, b: order(a, b) > 0, ">=": lambda a, b: order(a, b) >= 0,
}  # fmt: skip


def _safe(check: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    try:
        return check(left, right)
    except NetError:
        return False


def _literal(token: str) -> Any:
    if token[:1] in {"'", '"'}:
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    low = token.lower()
    if low in {"true", "false"}:
        return low == "true"
    if low == "null":
        return None
    try:
        return int(token)
    except ValueError:
        raise invalid() from None
