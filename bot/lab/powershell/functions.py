"""Entering a function: its parameters as variables of its scope, $args, $input, $MyInvocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.lab.powershell.binding import bind_function, signature
from bot.lab.powershell.control import Terminating, record_of
from bot.lab.powershell.convert import cast
from bot.lab.powershell.typenames import resolve
from bot.lab.powershell.values import CmdletError, NetError, PSObject

if TYPE_CHECKING:
    from bot.lab.powershell.stages import CodeStage


def enter(stage: CodeStage) -> None:
    """Bind the words of a call into the scope of the function's body."""
    interpreter, code, scope = stage.interpreter, stage.code, stage.scope
    try:
        values, args, common = bind_function(stage.words, signature(code))
    except CmdletError as wrong:
        raise Terminating(record_of(wrong, stage.name, None)) from None
    scope.variables["args"] = args
    if stage.path or stage.name:
        scope.variables["myinvocation"] = _invocation(stage)
    if "ErrorAction" in common:
        scope.variables["erroractionpreference"] = common["ErrorAction"]
    outer, interpreter.scope = interpreter.scope, scope
    try:
        for declared in code.parameters:
            if declared.name in values:
                value = values[declared.name]
            elif declared.default is not None:
                value = interpreter.ev(declared.default)
                value = _typed(declared.types, value)
            else:
                value = _empty(declared.types)
            scope.variables[declared.name] = value
            for kind in declared.types:
                full = resolve(kind)
                if full is None:
                    raise NetError(f"Unable to find type [{kind}]: make sure that the assembly containing this type is "
                                   "loaded.", "System.Management.Automation.RuntimeException")  # fmt: skip
                if full != "System.Management.Automation.SwitchParameter":
                    scope.types[declared.name] = full
    finally:
        interpreter.scope = outer


def _invocation(stage: CodeStage) -> PSObject:
    """$MyInvocation, made once a process for each thing that is called: nearly nobody looks at it."""
    made, key = stage.interpreter.invocations, (stage.code, stage.name, stage.path)
    if key not in made:
        definition = stage.path or stage.code.text
        command = PSObject({"Name": stage.name, "Path": stage.path or None, "Definition": definition})
        made[key] = PSObject({"MyCommand": command, "InvocationName": stage.name, "Line": "", "ScriptName": stage.path})
        command.read_only = made[key].read_only = True
    return made[key]


def _typed(types: tuple[str, ...], value: Any) -> Any:
    for kind in types:
        full = resolve(kind)
        if full is not None:
            value = cast(value, full)
    return value


def _empty(types: tuple[str, ...]) -> Any:
    """What a typed parameter holds when it was not given."""
    if not types:
        return None
    match resolve(types[-1]):
        case "System.String":
            return ""
        case "System.Boolean" | "System.Management.Automation.SwitchParameter":
            return False
        case "System.Int32" | "System.Int64" | "System.Byte":
            return 0
        case _:
            return None


def bind_piped(stage: CodeStage, value: Any) -> None:
    """Put a piped object into the parameters that take one."""
    for declared in stage.code.parameters:
        if declared.from_pipeline:
            stage.scope.variables[declared.name] = _typed(declared.types, value)
        elif declared.by_property and isinstance(value, PSObject) and declared.name in value:
            stage.scope.variables[declared.name] = _typed(declared.types, value.get(declared.name))
