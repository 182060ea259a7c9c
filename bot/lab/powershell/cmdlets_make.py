"""Cmdlets that make objects and say what they have: New-Object, Add-Member, Get-Member, Add-Type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.lab.powershell.cmdlet import Call, cmdlet
from bot.lab.powershell.convert import enumerates, to_int, to_list, to_string
from bot.lab.powershell.dotnet import CONSTRUCTORS, INSTANCE, SPELLED, _no_overload
from bot.lab.powershell.formatting import property_names
from bot.lab.powershell.members import from_python, set_property
from bot.lab.powershell.regexes import wildcard
from bot.lab.powershell.typenames import name_of, resolve
from bot.lab.powershell.values import ArrayList, CmdletError, Hashtable, NetError, PSObject, ScriptBlock, net_error


@cmdlet(
    "New-Object",
    "TypeName",
    "ArgumentList",
    "ComObject",
    "Property",
    "Strict?",
    positional=("TypeName", "ArgumentList"),
)
def new_object(call: Call) -> Iterable[Any]:
    """An instance of one of the known .NET types."""
    if "ComObject" in call.params:
        name = call.text("ComObject")
        if name.casefold() in call.machine.com:
            yield call.machine.com[name.casefold()](call.session)
            return
        raise CmdletError(f"Cannot load COM type {name}.", "NoCOMClassIdentified", category="ResourceUnavailable",
                          exception="System.Management.Automation.PSArgumentException")  # fmt: skip
    typed = call.text("TypeName")
    made = _construct(call, typed, _arguments(call))
    settings = call.get("Property")
    if isinstance(settings, Hashtable):
        for key, value in settings.items():
            if isinstance(made, PSObject):
                made[to_string(key)] = value
            else:
                set_property(made, to_string(key), value)
    yield made


def _arguments(call: Call) -> list[Any]:
    given = call.get("ArgumentList")
    return [] if given is None else list(given) if isinstance(given, list | bytearray) else [given]


def _construct(call: Call, typed: str, arguments: list[Any]) -> Any:
    if typed.casefold() in {"psobject", "object", "management.automation.psobject", "system.object", "pscustomobject",
                            "management.automation.pscustomobject", "system.management.automation.psobject"}:  # fmt: skip
        return PSObject()
    full = resolve(typed)
    if full is not None and full.endswith("[]"):
        size = to_int(arguments[0] if arguments else 0)
        if full == "System.Byte[]":
            return bytearray(size)
        empty: Any = (
            0 if full in {"System.Int32[]", "System.Int64[]"} else False if full == "System.Boolean[]" else None
        )
        return [empty] * size
    if full == "System.Collections.Hashtable":
        return Hashtable()
    if full in {"System.Collections.ArrayList", "System.Collections.Generic.List"}:
        made = ArrayList(to_list(arguments[0]) if arguments and enumerates(arguments[0]) else [])
        made.type_name = full
        return made
    if full == "System.String":
        return to_string(arguments[0]) * (to_int(arguments[1]) if len(arguments) > 1 else 1) if arguments else ""
    maker = CONSTRUCTORS.get(full or "")
    if maker is None:
        raise CmdletError(f"Cannot find type [{typed}]: make sure the assembly containing this type is loaded.", "TypeNotFound",
                          category="InvalidType", exception="System.Management.Automation.PSArgumentException")  # fmt: skip
    try:
        return maker(call.interpreter, *arguments)
    except TypeError as wrong:
        if wrong.__traceback__ is not None and wrong.__traceback__.tb_next is None:
            found = _no_overload(".ctor", arguments)
            raise CmdletError(str(found), "ConstructorInvokedThrowException", category="InvalidOperation",
                              exception="System.Management.Automation.MethodException") from None  # fmt: skip
        raise
    except (OSError, NetError, ValueError) as wrong:
        inner = wrong if isinstance(wrong, NetError) else from_python(wrong)
        raise net_error(f'Exception calling ".ctor" with "{len(arguments)}" argument(s): "{inner.message}"',
                        "System.Management.Automation.MethodInvocationException", inner=inner) from None  # fmt: skip


@cmdlet("Add-Member", "MemberType", "Name", "Value", "SecondValue", "InputObject", "PassThru?", "Force?",
        positional=("MemberType", "Name", "Value"), pipe="InputObject", required=("MemberType",))  # fmt: skip
def add_member(call: Call) -> Iterable[Any]:
    """A note or script property on an object."""
    target = call.get("InputObject")
    if isinstance(target, PSObject):
        value, name = call.get("Value"), call.text("Name")
        if name in target and not call.on("Force"):
            yield CmdletError(f'Cannot add a member with the name "{name}" because a member with that name already exists. If you '
                              "want to overwrite the member anyway, use the Force parameter to overwrite it.",
                              "MemberAlreadyExists", False, category="InvalidOperation")  # fmt: skip
            return
        if call.text("MemberType").casefold() == "scriptproperty" and isinstance(value, ScriptBlock):
            block = value
            target[name] = lambda: call.interpreter.call_block(block, [], this=target)
        else:
            target[name] = value
    if call.on("PassThru"):
        yield target


@cmdlet("Get-Member", "Name", "MemberType", "InputObject", "Force?", "Static?", positional=("Name",), mode="all")
def get_member(call: Call) -> Iterable[Any]:
    """The members of each kind of object in the input."""
    if not call.input:
        yield CmdletError("No object has been specified to the get-member cmdlet.", "NoObjectInGetMember", False,
                          category="CloseError")  # fmt: skip
    seen: set[str] = set()
    shapes = [wildcard(x) for x in call.texts("Name")]
    for item in call.input:
        kind = name_of(item)
        if kind in seen:
            continue
        seen.add(kind)
        methods = [SPELLED[kind + ".", low].rstrip("()") for low in INSTANCE.get(kind, ({}, {}))[1]]
        if isinstance(item, PSObject):
            methods += list(item.methods)
        note = "NoteProperty" if kind.endswith("PSCustomObject") else "Property"
        rows = [(m, "Method") for m in sorted(methods)] + [(p, note) for p in sorted(property_names(item))]
        for name, member in rows:
            if (not shapes or any(s.match(name) for s in shapes)) and call.text("MemberType", member).casefold() in {
                member.casefold(), "properties" if member != "Method" else "methods"}:  # fmt: skip
                yield PSObject({"TypeName": kind, "Name": name, "MemberType": member, "Definition": name}, view="table",
                               show=("Name", "MemberType", "Definition"))  # fmt: skip


@cmdlet("Add-Type", "TypeDefinition", "AssemblyName", "Path", "MemberDefinition", "Name", "Namespace", "PassThru?", "Language",
        "ReferencedAssemblies", positional=("TypeDefinition",))  # fmt: skip
def add_type(call: Call) -> None:
    """Assemblies of the framework load; no compiler stands behind this."""
    for name in call.texts("AssemblyName"):
        if name.casefold().split(",")[0] not in _ASSEMBLIES:
            raise CmdletError(f"Cannot add type. The assembly '{name}' could not be found.", "ASSEMBLY_NOT_FOUND",
                              category="ObjectNotFound", target=name)  # fmt: skip
    if "AssemblyName" not in call.params:
        raise CmdletError("Cannot add type. There were compilation errors.", "COMPILER_ERRORS", category="InvalidData")


_ASSEMBLIES = frozenset({
    "system", "system.core", "system.management", "system.serviceprocess", "system.xml", "system.data", "system.security",
    "system.web", "system.configuration", "mscorlib", "system.directoryservices",
})  # fmt: skip
