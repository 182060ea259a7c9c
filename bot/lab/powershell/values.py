"""What PowerShell passes around: objects, hashtables, characters, types, and how a cmdlet says it failed.

Strings, whole and broken numbers, booleans and null are Python's own; arrays are lists, byte arrays bytearrays.
The cluster's cmdlets and WMI classes build `PSObject`s and raise `CmdletError`; nothing else here need concern them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from bot.lab.powershell.nodes import Code, Spot


class PSObject:
    """An object with ordered, case-insensitive properties and type names, the most derived first.

    `show` names the properties the default display lists (Exchange's five columns, say); `text` is what it turns
    into in a string, else the type's name as for any .NET object; `methods` take the arguments and give a value.
    """

    __slots__ = ("_names", "_values", "methods", "read_only", "setters", "show", "text", "types", "view")

    def __init__(
        self,
        properties: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        types: tuple[str, ...] | str = ("System.Management.Automation.PSCustomObject", "System.Object"),
        *,
        text: str | None = None,
        methods: Mapping[str, Callable[..., Any]] | None = None,
        show: tuple[str, ...] = (),
        view: str = "",
    ) -> None:
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        self.types = (types,) if isinstance(types, str) else tuple(types)
        self.text = text
        self.methods = dict(methods or {})
        self.setters: dict[str, Callable[[Any], None]] = {}
        self.show = show
        self.view = view  # "table" | "list" | "": table when there are at most four properties
        self.read_only = False
        for name, value in properties.items() if isinstance(properties, dict | Mapping) else properties:
            key = name.casefold()
            names.setdefault(key, name)
            values[key] = value
        self._names, self._values = names, values

    def __getitem__(self, name: str) -> Any:
        """A property's value by name in any case. Raises KeyError."""
        return self._values[name.casefold()]

    def __setitem__(self, name: str, value: Any) -> None:
        """Set or add a property, keeping the first spelling of its name."""
        key = name.casefold()
        self._names.setdefault(key, name)
        self._values[key] = value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.casefold() in self._values

    def get(self, name: str, default: Any = None) -> Any:
        """A property's value, or `default`."""
        return self._values.get(name.casefold(), default)

    def remove(self, name: str) -> None:
        """Take a property away."""
        self._values.pop(name.casefold(), None)
        self._names.pop(name.casefold(), None)

    def names(self) -> list[str]:
        """Property names in order, as first spelled."""
        return list(self._names.values())

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values in order."""
        return ((name, self._values[key]) for key, name in self._names.items())

    def __repr__(self) -> str:
        return f"PSObject({dict(self.items())!r}, {self.types[0]!r})"


class Hashtable:
    """`@{}`: keys without case when they are strings; in the order they were added."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]] = ()) -> None:
        self._pairs: dict[Any, tuple[Any, Any]] = {}
        for key, value in pairs:
            self[key] = value

    @staticmethod
    def _fold(key: Any) -> Any:
        if isinstance(key, str):
            return key.casefold()
        return (type(key).__name__, key) if isinstance(key, bool) else key

    def __getitem__(self, key: Any) -> Any:
        """The value under a key, None when there is none."""
        found = self._pairs.get(self._fold(key))
        return None if found is None else found[1]

    def __setitem__(self, key: Any, value: Any) -> None:
        folded = self._fold(key)
        self._pairs[folded] = (self._pairs[folded][0] if folded in self._pairs else key, value)

    def __contains__(self, key: object) -> bool:
        return self._fold(key) in self._pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def keys(self) -> list[Any]:
        """Keys as first spelled."""
        return [key for key, _ in self._pairs.values()]

    def values(self) -> list[Any]:
        """Values in order of their keys."""
        return [value for _, value in self._pairs.values()]

    def items(self) -> list[tuple[Any, Any]]:
        """Keys and values."""
        return list(self._pairs.values())

    def remove(self, key: Any) -> None:
        """Drop a key; a missing one is no error."""
        self._pairs.pop(self._fold(key), None)

    def clear(self) -> None:
        """Drop all."""
        self._pairs.clear()

    def copy(self) -> Hashtable:
        """A shallow copy."""
        return Hashtable(self.items())


class ArrayList(list[Any]):
    """A growing list ([System.Collections.ArrayList] or a generic List); arrays are plain lists."""

    type_name = "System.Collections.ArrayList"


class Char(str):
    """One [char]."""

    __slots__ = ()


class EnumValue(str):  # noqa: SLOT000 - a str subclass with fields cannot have slots
    """A member of a .NET enumeration: prints as its name, casts to its number."""

    number: int
    type_name: str

    def __new__(cls, name: str, number: int, type_name: str = "System.Enum") -> Self:
        """Make the member `name` with its number."""
        made = super().__new__(cls, name)
        made.number = number
        made.type_name = type_name
        return made


@dataclass(frozen=True, slots=True)
class PSType:
    """A [type]: its full .NET name."""

    name: str


@dataclass(slots=True, eq=False)
class ScriptBlock:
    """`{ … }` as a value."""

    code: Code
    text: str

    def __str__(self) -> str:
        return self.text


class Nothing:
    """What a statement without output gives: no value at all, unlike null (AutomationNull)."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False


NOTHING = Nothing()


class NetError(Exception):
    """A .NET exception: its type with base types, message, inner exception."""

    def __init__(self, message: str, *types: str, inner: NetError | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.types = types or ("System.Exception",)
        self.inner = inner
        self.spot: Spot | None = None  # where in the script it was raised


class CmdletError(Exception):
    """A cmdlet failed. `error_id` and `category` fill the record; terminating ends the statement.

    A cmdlet may also yield an instance instead of raising it: a non-terminating error, after which it goes on.
    `exception` is the .NET type's full name that `catch [type]` would match.
    """

    def __init__(
        self,
        message: str,
        error_id: str = "",
        terminating: bool = True,
        *,
        category: str = "NotSpecified",
        target: Any = None,
        exception: str = "System.InvalidOperationException",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_id = error_id
        self.terminating = terminating
        self.category = category
        self.target = target
        self.exception = exception


@dataclass(slots=True, eq=False)
class ErrorRecord:
    """One entry of $Error. `activity` is the command that failed, "" for the language itself."""

    error: NetError
    error_id: str
    category: str = "NotSpecified"
    target: Any = None
    activity: str = ""
    spot: Spot | None = None
    native: bool = False  # a line of a native tool's stderr
    thrown: Any = field(default=None)

    @property
    def message(self) -> str:
        """The exception's sentence."""
        return self.error.message


BASES: dict[str, tuple[str, ...]] = {
    "System.IO.FileNotFoundException": ("System.IO.IOException", "System.SystemException"),
    "System.IO.DirectoryNotFoundException": ("System.IO.IOException", "System.SystemException"),
    "System.IO.IOException": ("System.SystemException",),
    "System.UnauthorizedAccessException": ("System.SystemException",),
    "System.ArgumentNullException": ("System.ArgumentException", "System.SystemException"),
    "System.ArgumentOutOfRangeException": ("System.ArgumentException", "System.SystemException"),
    "System.ArgumentException": ("System.SystemException",),
    "System.FormatException": ("System.SystemException",),
    "System.OverflowException": ("System.ArithmeticException", "System.SystemException"),
    "System.DivideByZeroException": ("System.ArithmeticException", "System.SystemException"),
    "System.InvalidOperationException": ("System.SystemException",),
    "System.InvalidCastException": ("System.SystemException",),
    "System.Management.ManagementException": ("System.SystemException",),
    "System.Management.Automation.RuntimeException": ("System.SystemException",),
    "System.Management.Automation.ItemNotFoundException": (
        "System.Management.Automation.SessionStateException", "System.Management.Automation.RuntimeException"),
    "System.Management.Automation.CommandNotFoundException": ("System.Management.Automation.RuntimeException",),
    "System.Management.Automation.ParameterBindingException": ("System.Management.Automation.RuntimeException",),
    "System.Management.Automation.MethodInvocationException": (
        "System.Management.Automation.MethodException", "System.Management.Automation.RuntimeException"),
    "System.Management.Automation.PSInvalidCastException": ("System.InvalidCastException",),
    "System.Management.Automation.ParseException": ("System.Management.Automation.RuntimeException",),
}  # fmt: skip


def net_error(
    message: str, type_name: str = "System.Management.Automation.RuntimeException", inner: NetError | None = None
) -> NetError:
    """A .NET exception with the base types known for it; the language's own errors are RuntimeExceptions."""
    chain = [type_name, *BASES.get(type_name, ())]
    for base in list(chain[1:]):
        chain += [b for b in BASES.get(base, ()) if b not in chain]
    if "System.Exception" not in chain:
        chain.append("System.Exception")
    return NetError(message, *chain, inner=inner)
