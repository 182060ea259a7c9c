"""Members of values: properties, methods and indexes, by the tables of `dotnet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.lab.powershell.convert import enumerates, to_int, to_list, to_string
from bot.lab.powershell.dotnet import INSTANCE, call_table, fold
from bot.lab.powershell.regexes import GroupList
from bot.lab.powershell.typenames import name_of
from bot.lab.powershell.values import (
    Char,
    CmdletError,
    EnumValue,
    ErrorRecord,
    Hashtable,
    NetError,
    Nothing,
    PSObject,
    ScriptBlock,
    net_error,
)

if TYPE_CHECKING:
    from bot.lab.powershell.core import Core


def from_python(wrong: Exception) -> NetError:
    """A file system or number error of ours as the .NET exception a node would raise."""
    if isinstance(wrong, OSError):
        path = str(wrong.filename or "")
        if isinstance(wrong, FileNotFoundError):
            if wrong.errno == 3:
                return net_error(f"Could not find a part of the path '{path}'.", "System.IO.DirectoryNotFoundException")
            return net_error(f"Could not find file '{path}'.", "System.IO.FileNotFoundException")
        if isinstance(wrong, FileExistsError):
            if wrong.errno == 80:
                return net_error(f"The file '{path}' already exists.", "System.IO.IOException")
            return net_error("Cannot create a file when that file already exists.\r\n", "System.IO.IOException")
        if isinstance(wrong, PermissionError) and wrong.errno == 32:
            return net_error(f"The process cannot access the file '{path}' because it is being used by another process.",
                             "System.IO.IOException")  # fmt: skip
        if isinstance(wrong, PermissionError | IsADirectoryError):
            return net_error(f"Access to the path '{path}' is denied.", "System.UnauthorizedAccessException")
        if isinstance(wrong, NotADirectoryError):
            return net_error("The directory name is invalid.\r\n", "System.IO.IOException")
        if wrong.errno == 145:
            return net_error("The directory is not empty.\r\n", "System.IO.IOException")
        if wrong.errno == 123:
            return net_error(
                "The filename, directory name, or volume label syntax is incorrect.", "System.IO.IOException"
            )
        return net_error(str(wrong.strerror or wrong), "System.IO.IOException")
    if isinstance(wrong, OverflowError):
        return net_error("Arithmetic operation resulted in an overflow.", "System.OverflowException")
    return net_error(str(wrong), "System.ArgumentException")


def _table(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    own = getattr(type(value), "net_type", "")
    return INSTANCE.get(own or name_of(value), ({}, {}))


def get_property(interpreter: Core, value: Any, name: str) -> Any:
    """`value.name`; a missing property is null, and so is a property of an array's items: 2.0 does not unroll."""
    low = name.casefold()
    if value is None or isinstance(value, Nothing):
        if interpreter.strict:
            raise net_error(f"Property '{name}' cannot be found on this object. Make sure that it exists.")
        return None
    if isinstance(value, Hashtable) and name in value:
        return value[name]
    if isinstance(value, PSObject):
        if name in value:
            found = value[name]
            return found() if callable(found) else found
        if low == "psobject":
            return _intrinsic(value)
        found = INSTANCE.get(value.types[0], ({}, {}))[0].get(low)
        if found is not None:
            return found(interpreter, value)
    else:
        properties = _table(value)[0]
        found = properties.get(low)
        if found is None and isinstance(value, EnumValue):
            found = _ENUM.get(low)
        if found is None and isinstance(value, NetError):
            found = INSTANCE["System.Exception"][0].get(low)
        if found is None and isinstance(value, list):
            found = INSTANCE["System.Object[]"][0].get(low)
        if found is not None:
            return found(interpreter, value)
    if interpreter.strict:
        raise net_error(f"Property '{name}' cannot be found on this object. Make sure that it exists.")
    return None


_ENUM: dict[str, Any] = {"value__": lambda _i, v: v.number}


def _intrinsic(value: PSObject) -> PSObject:
    properties = [
        PSObject(
            {"MemberType": "NoteProperty", "Name": key, "Value": held}, "System.Management.Automation.PSNoteProperty"
        )
        for key, held in value.items()
    ]
    return PSObject({"Properties": properties, "TypeNames": list(value.types), "BaseObject": value})


def set_property(value: Any, name: str, new: Any) -> None:
    """`value.name = new`."""
    if isinstance(value, Hashtable):
        value[name] = new
        return
    if isinstance(value, PSObject):
        setter = value.setters.get(name.casefold())
        if setter is not None:
            setter(new)
            return
        if name in value and not value.read_only:
            value[name] = new
            return
        if name in value:
            raise net_error(f"'{name}' is a ReadOnly property.")
    else:
        setters = getattr(value, "net_setters", None)
        if setters is not None and name.casefold() in fold(setters):
            fold(setters)[name.casefold()](value, new)
            return
    raise net_error(f"Property '{name}' cannot be found on this object; make sure it exists and is settable.")


_STRING = INSTANCE.setdefault("System.String", ({}, {}))[1]


def call_method(interpreter: Core, value: Any, name: str, arguments: list[Any]) -> Any:
    """`value.name(arguments)`."""
    low = name.casefold()
    if value.__class__ is str:  # most calls by far
        found = _STRING.get(low)
        if found is not None:
            return call_table(found, name, interpreter, value, arguments)
    if value is None or isinstance(value, Nothing):
        raise net_error("You cannot call a method on a null-valued expression.")
    if isinstance(value, PSObject):
        for key, method in value.methods.items():
            if key.casefold() == low:
                return method(*arguments)
        held = value.get(name)
        if isinstance(held, ScriptBlock):
            return interpreter.call_block(held, arguments, this=value)
    found = _table(value)[1].get(low)
    if found is None and isinstance(value, NetError):
        found = INSTANCE["System.Exception"][1].get(low)
    if found is None and isinstance(value, list):
        found = INSTANCE["System.Object[]"][1].get(low)
    if found is None and isinstance(value, Char | EnumValue) and low in {"tostring", "compareto", "equals"}:
        found = INSTANCE["System.String"][1].get(low)
    found = found or INSTANCE["System.Object"][1].get(low)
    if found is None:
        raise net_error(f"Method invocation failed because [{name_of(value)}] doesn't contain a method named '{name}'.")
    return call_table(found, name, interpreter, value, arguments)


def get_index(value: Any, index: Any) -> Any:
    """`value[index]`: one item, several for a list of indexes, a hashtable's value."""
    if value is None or isinstance(value, Nothing):
        raise net_error("Cannot index into a null array.")
    if isinstance(value, Hashtable):
        if isinstance(index, list):
            return [value[key] for key in index]
        return value[index]
    if isinstance(value, GroupList) and isinstance(index, str):
        return value.named.get(index)
    if isinstance(value, PSObject):
        item = value.methods.get("Item")
        if item is not None:
            return item(index)
    if isinstance(value, str | list | bytearray | bytes):
        if isinstance(index, list):
            return [got for i in index for got in [_item(value, i)] if got is not None or isinstance(value, list)]
        return _item(value, index)
    raise net_error(f"Unable to index into an object of type {name_of(value)}.")


def _item(value: Any, index: Any) -> Any:
    at = to_int(index)
    if at < 0:
        at += len(value)
    if not 0 <= at < len(value):
        return None
    return Char(value[at]) if isinstance(value, str) else value[at]


def set_index(value: Any, index: Any, new: Any) -> None:
    """`value[index] = new`."""
    if isinstance(new, Nothing):
        new = None
    if value is None:
        raise net_error("Cannot index into a null array.")
    if isinstance(value, Hashtable):
        value[index] = new
        return
    if isinstance(value, list | bytearray):
        at = to_int(index)
        at = at + len(value) if at < 0 else at
        if not 0 <= at < len(value):
            raise net_error(f"Array assignment failed because index '{at}' was out of range.")
        value[at] = to_int(new, "System.Byte") if isinstance(value, bytearray) else new
        return
    raise net_error(f"Unable to index into an object of type {name_of(value)}.")


__all__ = ["CmdletError", "ErrorRecord", "call_method", "enumerates", "from_python", "get_index", "get_property",
           "set_index", "set_property", "to_list", "to_string"]  # fmt: skip
