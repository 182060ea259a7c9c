"""Reading members and items, and calling methods."""

from __future__ import annotations

from typing import Any

from bot.lab.powershell import members
from bot.lab.powershell import nodes as n
from bot.lab.powershell.convert import to_string
from bot.lab.powershell.core import Core
from bot.lab.powershell.dotnet import call_member, call_static, get_static, static_method, static_property
from bot.lab.powershell.making import MAKERS, Evaluate, evaluator, namer
from bot.lab.powershell.typenames import name_of, resolve
from bot.lab.powershell.values import NOTHING, CmdletError, NetError, Nothing, PSType, net_error
from bot.lab.windows.services import ServiceError


def _member(node: n.Member) -> Evaluate:
    target, name_for = evaluator(node.target), namer(node.name)
    if node.static and isinstance(node.target, n.TypeLiteral) and isinstance(node.name, str):
        constant = static_property(resolve(node.target.name) or "", node.name)
        if constant is not None:
            return constant
    if node.static:

        def static(core: Core) -> Any:
            holder = target(core)
            name = name_for(core)
            return get_static(core, holder.name if isinstance(holder, PSType) else name_of(holder), name)

        return static
    if isinstance(node.name, str):
        fixed = node.name
        return lambda core: members.get_property(core, target(core), fixed)

    def run(core: Core) -> Any:
        holder = target(core)
        return members.get_property(core, holder, name_for(core))

    return run


def _index(node: n.Index) -> Evaluate:
    target, index, spot = evaluator(node.target), evaluator(node.index), node.spot

    def run(core: Core) -> Any:
        holder, at = target(core), index(core)
        try:
            return members.get_index(holder, at)
        except NetError as wrong:
            wrong.spot = wrong.spot or spot
            raise

    return run


def _invoke(node: n.Invoke) -> Evaluate:
    target, name_for, is_static, spot = evaluator(node.target), namer(node.name), node.static, node.spot
    arguments = tuple(evaluator(a) for a in node.arguments)
    fixed = None
    if is_static and isinstance(node.target, n.TypeLiteral) and isinstance(node.name, str):
        fixed = static_method(resolve(node.target.name) or "", node.name)

    def run(core: Core) -> Any:
        holder = target(core)
        name = name_for(core)
        given = [None if (value := argument(core)).__class__ is Nothing else value for argument in arguments]
        try:
            if fixed is not None:
                made = call_member(fixed, name, core, given)
            elif is_static:
                made = call_static(core, holder.name if isinstance(holder, PSType) else name_of(holder), name, given)
            else:
                made = members.call_method(core, holder, name, given)
        except _CALL_FAILS as wrong:
            failed = _call_failed(wrong, name, given, spot)
            if failed is wrong:
                raise
            raise failed from None
        return NOTHING if made is None else made  # a void method writes nothing into the pipeline

    return run


_CALL_FAILS = (
    OSError,
    ValueError,
    OverflowError,
    ServiceError,
    CmdletError,
    TypeError,
    AttributeError,
    LookupError,
    NetError,
)


def _call_failed(wrong: Exception, name: str, arguments: list[Any], spot: n.Spot) -> Exception:
    """What a script sees of a method's failure; a fault of ours comes back as it is."""
    if isinstance(wrong, NetError):
        wrong.spot = wrong.spot or spot
        if wrong.types[0].startswith("System.Management.Automation."):
            return wrong
        failed = wrong
    elif isinstance(wrong, OSError | ValueError | OverflowError | ServiceError):
        failed = members.from_python(wrong)
    elif isinstance(wrong, CmdletError):
        failed = net_error(wrong.message, wrong.exception)
    elif not arguments:
        return wrong
    else:
        return net_error(f'Cannot convert argument "0", with value: "{to_string(arguments[0])}", for "{name}" to the type it '
                         "needs.", "System.Management.Automation.MethodException")  # fmt: skip
    outer = net_error(f'Exception calling "{name}" with "{len(arguments)}" argument(s): "{failed.message}"',
                      "System.Management.Automation.MethodInvocationException", inner=failed)  # fmt: skip
    outer.spot = spot
    return outer


MAKERS.update({n.Member: _member, n.Index: _index, n.Invoke: _invoke})
