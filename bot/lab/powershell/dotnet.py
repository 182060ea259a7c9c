"""The whitelist of .NET: which static and instance members exist, and how they are called.

The tables are filled by the `dotnet_*` modules; docs/lab-powershell.md lists exactly what stands in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bot.lab.powershell.enums import ENUMS, enum_static
from bot.lab.powershell.typenames import known
from bot.lab.powershell.values import net_error

if TYPE_CHECKING:
    from bot.lab.powershell.core import Core

Member = Callable[..., Any]

STATIC: dict[str, tuple[dict[str, Member], dict[str, Member]]] = {}
"""Full type name → (properties, methods), by lower-case member name; each takes the interpreter first."""
INSTANCE: dict[str, tuple[dict[str, Member], dict[str, Member]]] = {}
"""The same for members of values; each takes the interpreter and the value first."""
SETTERS: dict[tuple[str, str], Member] = {}
"""Static properties that can be set: (type, lower-case name)."""
CONSTRUCTORS: dict[str, Member] = {}
"""Types New-Object can make, by full name; each takes the interpreter first."""
SPELLED: dict[tuple[str, str], str] = {}
"""How a member is spelled, for the documentation: (type with `::` or `.`, lower-case name)."""


def fold(table: Mapping[str, Member]) -> dict[str, Member]:
    """A table by lower-case name."""
    return {name.casefold(): member for name, member in table.items()}


def static(
    type_name: str, properties: Mapping[str, Member] | None = None, methods: Mapping[str, Member] | None = None
) -> None:
    """Add static members of a type."""
    known(type_name)
    _add(STATIC, type_name, "::", properties or {}, methods or {})


def instance(
    type_name: str, properties: Mapping[str, Member] | None = None, methods: Mapping[str, Member] | None = None
) -> None:
    """Add members of a type's values."""
    known(type_name)
    _add(INSTANCE, type_name, ".", properties or {}, methods or {})


def constructor(type_name: str, make: Member) -> None:
    """Let New-Object make a type."""
    known(type_name)
    CONSTRUCTORS[type_name] = make


def _add(tables: dict[str, tuple[dict[str, Member], dict[str, Member]]], type_name: str, mark: str,
         properties: Mapping[str, Member], methods: Mapping[str, Member]) -> None:  # fmt: skip
    own = tables.setdefault(type_name, ({}, {}))
    own[0].update(fold(properties))
    own[1].update(fold(methods))
    for name in (*properties, *methods):
        SPELLED[type_name + mark, name.casefold()] = name + ("()" if name in methods else "")


def call_table(member: Member, name: str, interpreter: Core, value: Any, arguments: list[Any]) -> Any:
    """Call a member with a value; a wrong count of arguments is .NET's overload error."""
    try:
        return member(interpreter, value, *arguments)
    except TypeError as wrong:
        if wrong.__traceback__ is not None and wrong.__traceback__.tb_next is None:
            raise _no_overload(name, arguments) from None
        raise


def _no_overload(name: str, arguments: list[Any]) -> Exception:
    return net_error(f'Cannot find an overload for "{name}" and the argument count: "{len(arguments)}".',
                     "System.Management.Automation.MethodException")  # fmt: skip


def get_static(interpreter: Core, type_name: str, name: str) -> Any:
    """`[type]::name`."""
    if type_name in ENUMS:
        member = enum_static(type_name, name)
        if member is not None:
            return member
    found = STATIC.get(type_name, ({}, {}))[0].get(name.casefold())
    if found is None:
        return None
    return found(interpreter)


def set_static(interpreter: Core, type_name: str, name: str, value: Any) -> None:
    """`[type]::name = value`."""
    setter = SETTERS.get((type_name, name.casefold()))
    if setter is None:
        raise net_error(f"Property '{name}' cannot be found on this object; make sure it exists and is settable.")
    setter(interpreter, value)


def call_static(interpreter: Core, type_name: str, name: str, arguments: list[Any]) -> Any:
    """`[type]::name(arguments)`."""
    found = STATIC.get(type_name, ({}, {}))[1].get(name.casefold())
    if found is None:
        raise net_error(f"Method invocation failed because [{type_name}] doesn't contain a method named '{name}'.")
    return call_member(found, name, interpreter, arguments)


def call_member(member: Member, name: str, interpreter: Core, arguments: list[Any]) -> Any:
    """Call a static member; a wrong count of arguments is .NET's overload error."""
    try:
        return member(interpreter, *arguments)
    except TypeError as wrong:
        if wrong.__traceback__ is not None and wrong.__traceback__.tb_next is None:
            raise _no_overload(name, arguments) from None
        raise


def static_method(type_name: str, name: str) -> Member | None:
    """The method `[type]::name(…)` calls, None when there is none: the tables do not change once they are filled."""
    return STATIC.get(type_name, ({}, {}))[1].get(name.casefold())


def static_property(type_name: str, name: str) -> Member | None:
    """What gives `[type]::name`, None when there is none or the type is an enumeration."""
    if type_name in ENUMS:
        return None
    return STATIC.get(type_name, ({}, {}))[0].get(name.casefold())
