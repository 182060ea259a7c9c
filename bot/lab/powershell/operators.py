"""Operators between values: arithmetic, comparison (without case, filtering arrays), -like, -match, -replace …"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from bot.lab.powershell.convert import cast, enumerates, to_bool, to_int, to_list, to_number, to_string
from bot.lab.powershell.netformat import compose
from bot.lab.powershell.regexes import Regex, compiled, matches_table, substitute, wildcard
from bot.lab.powershell.times import DateTime, TimeSpan, Version
from bot.lab.powershell.typenames import is_instance, name_of, resolve
from bot.lab.powershell.values import ArrayList, EnumValue, Hashtable, NetError, Nothing, PSObject, PSType, net_error

MatchSink = Callable[[Hashtable], None]
"""Takes $matches after a successful -match of one string."""


def _failed(message: str, type_name: str = "System.Management.Automation.RuntimeException") -> NetError:
    return net_error(message, type_name)


def _plain(value: Any) -> Any:
    return None if isinstance(value, Nothing) else value


# arithmetic


def add(left: Any, right: Any) -> Any:
    """`+`: the left side's type decides."""
    if left.__class__ is str:
        return left + to_string(right)
    left, right = _plain(left), _plain(right)
    if isinstance(left, EnumValue):
        left = left.number if not isinstance(right, str) or isinstance(right, EnumValue) else str(left)
    if isinstance(left, str):
        return str(left) + to_string(right)
    if isinstance(left, (list, bytearray, bytes)):
        return [*left, *to_list(right)]
    if isinstance(left, Hashtable):
        if not isinstance(right, Hashtable):
            raise _failed("You can add another hash table only to a hash table.")
        for key in right.keys():  # noqa: SIM118 - not a dict
            if key in left:
                raise _failed(f"Item has already been added. Key in dictionary: '{to_string(key)}'  Key being added: "
                              f"'{to_string(key)}'", "System.ArgumentException")  # fmt: skip
        return Hashtable([*left.items(), *right.items()])
    if left is None:
        return right
    if isinstance(left, DateTime):
        return DateTime(left.ticks + _to_span(right).ticks, left.kind)
    if isinstance(left, TimeSpan):
        return TimeSpan(left.ticks + _to_span(right).ticks)
    if isinstance(left, (int, float)):
        if isinstance(right, list):
            raise _no_method(right, "op_Addition")
        return _fit(to_number(left) + to_number(right))
    raise _no_method(left, "op_Addition")


def _no_method(value: Any, name: str) -> NetError:
    return _failed(f"Method invocation failed because [{name_of(value)}] doesn't contain a method named '{name}'.")


def _fit(value: float) -> int | float:
    """Whole numbers past 64 bits become doubles."""
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value)
    return value


def _to_span(value: Any) -> TimeSpan:
    made = cast(value, "System.TimeSpan")
    assert isinstance(made, TimeSpan)  # noqa: S101 - what cast promises
    return made


def subtract(left: Any, right: Any) -> Any:
    """`-`."""
    left, right = _plain(left), _plain(right)
    if isinstance(left, DateTime):
        if isinstance(right, TimeSpan):
            return DateTime(left.ticks - right.ticks, left.kind)
        return TimeSpan(left.ticks - cast(right, "System.DateTime").ticks)
    if isinstance(left, TimeSpan):
        return TimeSpan(left.ticks - _to_span(right).ticks)
    if isinstance(left, list | Hashtable | PSObject):
        raise _no_method(left, "op_Subtraction")
    return _fit(to_number(left) - to_number(right))


def multiply(left: Any, right: Any) -> Any:
    """`*`: repeats strings and arrays."""
    left = _plain(left)
    if isinstance(left, str) and not isinstance(left, EnumValue):
        return left * to_int(right)
    if isinstance(left, list):
        return list(left) * to_int(right)
    return _fit(to_number(left) * to_number(right))


def divide(left: Any, right: Any) -> Any:
    """`/`: whole when it comes out even, else a double."""
    a, b = to_number(left), to_number(right)
    if b == 0 and not isinstance(a, float) and not isinstance(b, float):
        raise _failed("Attempted to divide by zero.", "System.DivideByZeroException")
    if isinstance(a, int) and isinstance(b, int):
        return a // b if a % b == 0 else a / b
    if b == 0:
        return math.nan if a == 0 else math.copysign(math.inf, a)
    return a / b


def modulo(left: Any, right: Any) -> Any:
    """`%`: the sign of the left side."""
    a, b = to_number(left), to_number(right)
    if b == 0:
        raise _failed("Attempted to divide by zero.", "System.DivideByZeroException")
    found = math.fmod(a, b)
    return int(found) if isinstance(a, int) and isinstance(b, int) else found


def span(left: Any, right: Any) -> list[int]:
    """`a..b`."""
    a, b = to_int(left), to_int(right)
    return list(range(a, b + 1)) if a <= b else list(range(a, b - 1, -1))


# comparison


def equal(left: Any, right: Any, *, case: bool = False) -> bool:
    """`-eq` between two single values; the left side's type decides."""
    left, right = _plain(left), _plain(right)
    if left is None or right is None:
        return left is None and right is None
    try:
        if isinstance(left, EnumValue) and isinstance(right, int):
            return left.number == right
        if isinstance(left, str):
            other = to_string(right)
            return str(left) == other if case else left.casefold() == other.casefold()
        if isinstance(left, bool):
            return left == to_bool(right)
        if isinstance(left, int | float):
            return left == to_number(right)
        if isinstance(left, DateTime):
            return bool(left == cast(right, "System.DateTime"))
        if isinstance(left, TimeSpan):
            return left == _to_span(right)
        if isinstance(left, Version):
            return bool(left == cast(right, "System.Version"))
        if isinstance(left, PSType):
            return left.name == (right.name if isinstance(right, PSType) else to_string(right))
    except NetError:
        return False
    if left is right:
        return True
    if isinstance(left, PSObject) and left.text is not None and not enumerates(right):
        other = to_string(right)
        return left.text == other if case else left.text.casefold() == other.casefold()
    if isinstance(right, str) and not isinstance(left, Hashtable | list):
        return to_string(left).casefold() == right.casefold()
    return False


def order(left: Any, right: Any, *, case: bool = False) -> int:
    """-1, 0 or 1 for `-lt`, `-gt` and sorting. Raises NetError where .NET cannot compare."""
    left, right = _plain(left), _plain(right)
    if left is None or right is None:
        if isinstance(left, int | float) or isinstance(right, int | float):
            left, right = to_number(left), to_number(right)
        else:
            return (left is not None) - (right is not None)
    if isinstance(left, EnumValue):
        left = left.number if not isinstance(right, str) or isinstance(right, EnumValue) else str(left)
    a: Any
    b: Any
    if isinstance(left, str):
        a, b = str(left), to_string(right)
        if not case:
            a, b = a.casefold(), b.casefold()
    elif isinstance(left, bool | int | float):
        a, b = to_number(left), to_number(right)
    elif isinstance(left, DateTime | TimeSpan | Version):
        a, b = left, cast(right, name_of(left))
    elif isinstance(left, PSObject) and left.text is not None:
        a, b = left.text.casefold(), to_string(right).casefold()
    else:
        raise _failed(f'Cannot compare "{to_string(left)}" because it is not IComparable.')
    return int(a > b) - int(a < b)


_ORDERS: dict[str, Callable[[int], bool]] = {
    "lt": lambda o: o < 0, "le": lambda o: o <= 0, "gt": lambda o: o > 0, "ge": lambda o: o >= 0,
}  # fmt: skip


def _pattern(value: Any, case: bool) -> re.Pattern[str]:
    if isinstance(value, Regex):
        return value.program
    return compiled(to_string(value), 0 if case else re.IGNORECASE)


def _test(word: str, case: bool, right: Any) -> Callable[[Any], bool]:
    """The test of one item for a filtering operator."""
    if word in {"eq", "ne"}:
        wanted = word == "eq"
        return lambda item: equal(item, right, case=case) is wanted
    if word in _ORDERS:
        check = _ORDERS[word]
        return lambda item: check(order(item, right, case=case))
    if word in {"like", "notlike"}:
        shape = wildcard(to_string(right))
        if case:
            shape = re.compile(shape.pattern, re.DOTALL)
        wanted = word == "like"
        return lambda item: (shape.match(to_string(item)) is not None) is wanted
    pattern = _pattern(right, case)
    wanted = word == "match"
    return lambda item: (pattern.search(to_string(item)) is not None) is wanted


def compare(word: str, case: bool, left: Any, right: Any, sink: MatchSink | None = None) -> Any:
    """A comparison operator; an array on the left is filtered instead."""
    if isinstance(left, _FILTERED):
        test = _test(word, case, right)
        return [item for item in left if test(item)]
    if word in {"match", "notmatch"}:
        found = _pattern(right, case).search(to_string(left))
        if found is not None and sink is not None:
            sink(matches_table(found))
        return (found is not None) is (word == "match")
    return _test(word, case, right)(left)


def contains(left: Any, right: Any, *, case: bool = False) -> bool:
    """`-contains`."""
    return any(equal(item, right, case=case) for item in to_list(left))


def replace(left: Any, right: Any, *, case: bool = False) -> Any:
    """`-replace`."""
    parts = to_list(right)
    if len(parts) > 2:
        raise _failed("The -ireplace operator allows only two elements to follow it, not "
                      f"{len(parts)}.")  # fmt: skip
    pattern = _pattern(parts[0], case)
    new = to_string(parts[1]) if len(parts) > 1 else ""
    if isinstance(left, list):
        return [pattern.sub(lambda m: substitute(m, new), to_string(item)) for item in left]
    return pattern.sub(lambda m: substitute(m, new), to_string(left))


def split(left: Any, right: Any, *, case: bool = False) -> list[str]:
    """`-split` with a pattern, a maximum and options."""
    parts = to_list(right)
    limit = to_int(parts[1]) if len(parts) > 1 else 0
    plain = len(parts) > 2 and "simplematch" in to_string(parts[2]).lower()
    pattern = (
        re.compile(re.escape(to_string(parts[0])), 0 if case else re.IGNORECASE) if plain else _pattern(parts[0], case)
    )
    out: list[str] = []
    for item in to_list(left):
        out += [
            "" if piece is None else piece
            for piece in pattern.split(to_string(item), max(limit - 1, 0) if limit else 0)
        ]
    return out


def unary_split(value: Any) -> list[str]:
    """`-split text`: by white space."""
    return [piece for item in to_list(value) for piece in to_string(item).split()]


def join(left: Any, right: Any) -> str:
    """`-join`."""
    return to_string(right).join(to_string(item) for item in to_list(left))


def is_type(left: Any, right: Any) -> bool:
    """`-is`."""
    name = right.name if isinstance(right, PSType) else resolve(to_string(right))
    if name is None:
        raise _failed(f'Cannot convert the "{to_string(right)}" value of type "System.String" to type "System.Type".')
    return is_instance(_plain(left), name)


def as_type(left: Any, right: Any) -> Any:
    """`-as`."""
    name = right.name if isinstance(right, PSType) else resolve(to_string(right))
    try:
        return cast(left, name or "")
    except NetError:
        return None


def bitwise(word: str, left: Any, right: Any) -> int:
    """`-band`, `-bor`, `-bxor`."""
    a, b = to_int(left, "System.Int64"), to_int(right, "System.Int64")
    return {"band": a & b, "bor": a | b, "bxor": a ^ b}[word]


def format_operator(left: Any, right: Any) -> str:
    """`-f`."""
    arguments = list(right) if isinstance(right, list) and not isinstance(right, ArrayList) else to_list(right)
    return compose(to_string(left), arguments)


_COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le", "like", "notlike", "match", "notmatch"})
DIRECT: dict[str, Callable[[Any, Any], Any]] = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "%": modulo, "..": span, "-f": format_operator,
    "-join": join, "-is": is_type, "-isnot": lambda a, b: not is_type(a, b), "-as": as_type,
    "-band": lambda a, b: bitwise("band", a, b), "-bor": lambda a, b: bitwise("bor", a, b),
    "-bxor": lambda a, b: bitwise("bxor", a, b),
}  # fmt: skip


_CASED = frozenset({"contains", "notcontains", "replace", "split"})

_FILTERED = (list, bytearray)
Apply = Callable[[Any, Any, "MatchSink | None"], Any]
"""An operator: left side, right side, and what takes $matches."""


def operator(op: str) -> Apply:
    """Any binary operator but -and, -or, -xor. An unknown one fails when it is applied."""
    direct = DIRECT.get(op)
    if direct is not None:
        return lambda left, right, _sink: direct(left, right)
    word = op[1:]
    case = False
    if word not in _COMPARISONS and word[:1] in "ci" and word[1:] in _COMPARISONS | _CASED:
        case, word = word[0] == "c", word[1:]
    if word in {"eq", "ne"}:
        return _equality(word, case)
    if word in _COMPARISONS:
        return lambda left, right, sink: compare(word, case, left, right, sink)
    if word == "contains":
        return lambda left, right, _sink: contains(left, right, case=case)
    if word == "notcontains":
        return lambda left, right, _sink: not contains(left, right, case=case)
    if word == "replace":
        return lambda left, right, _sink: replace(left, right, case=case)
    if word == "split":
        return lambda left, right, _sink: split(left, right, case=case)

    def unknown(_left: Any, _right: Any, _sink: MatchSink | None) -> Any:
        raise _failed(f"Unexpected token '{op}' in expression or statement.")

    return unknown


def _equality(word: str, case: bool) -> Apply:
    wanted = word == "eq"

    def run(left: Any, right: Any, _sink: MatchSink | None) -> Any:
        if isinstance(left, _FILTERED):
            return [item for item in left if equal(item, right, case=case) is wanted]
        return equal(left, right, case=case) is wanted

    return run
