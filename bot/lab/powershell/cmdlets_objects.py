"""Cmdlets that pick, order, group and make objects."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cmp_to_key
from typing import Any

from bot.lab.powershell.cmdlet import Call, cmdlet
from bot.lab.powershell.convert import enumerates, to_bool, to_int, to_list, to_number, to_string
from bot.lab.powershell.dotnet import INSTANCE
from bot.lab.powershell.formatting import property_names
from bot.lab.powershell.members import get_property
from bot.lab.powershell.operators import equal, order
from bot.lab.powershell.regexes import wildcard
from bot.lab.powershell.typenames import name_of
from bot.lab.powershell.values import ArrayList, CmdletError, Hashtable, NetError, PSObject, ScriptBlock

BAD_ARGUMENT = "System.Management.Automation.ParameterBindingException"


def need_block(value: Any, name: str) -> ScriptBlock:
    """A script block argument; 2.0 has no simplified syntax that takes a word."""
    if isinstance(value, ScriptBlock):
        return value
    raise CmdletError(f"Cannot bind parameter '{name}'. Cannot convert the \"{to_string(value)}\" value of type "
                      f'"{name_of(value)}" to type "System.Management.Automation.ScriptBlock".',
                      "CannotConvertArgumentNoMessage", category="InvalidArgument", exception=BAD_ARGUMENT)  # fmt: skip


@cmdlet("Where-Object", "FilterScript", "InputObject", positional=("FilterScript",), required=("FilterScript",))
def where_object(call: Call) -> Iterable[Any]:
    """Objects for which the block is true."""
    block = need_block(call.params["FilterScript"], "FilterScript")
    for item in call.piped or [None]:
        found: list[Any] = []
        call.interpreter.with_item(block, item, found.append)
        if to_bool(found):
            yield item


@cmdlet(
    "ForEach-Object", "Process", "Begin", "End", "InputObject", positional=("Process",), remaining=True, mode="each"
)
def foreach_object(call: Call) -> None:
    """Run a block for each object; with further blocks the first runs before and the last after."""
    blocks = [need_block(v, "Process") for v in [*to_list(call.get("Process", [])), *call.rest] if v is not None]
    begin = [call.params["Begin"]] if "Begin" in call.params else []
    end = [call.params["End"]] if "End" in call.params else []
    if len(blocks) > 1 and not begin:
        begin, blocks = [blocks[0]], blocks[1:]
    if len(blocks) > 1 and not end:
        end, blocks = [blocks[-1]], blocks[:-1]
    for block in begin:
        call.interpreter.with_item(need_block(block, "Begin"), None, call.out)
    for item in call.input if call.piped or "InputObject" in call.params else ([] if begin or end else [None]):
        for block in blocks:
            call.interpreter.with_item(block, item, call.out)
    for block in end:
        call.interpreter.with_item(need_block(block, "End"), None, call.out)


class Picker:
    """A property as cmdlets name it: a word (with wildcards), a block, or @{Name=…;Expression=…}."""

    def __init__(self, call: Call, given: Any) -> None:
        self.call = call
        self.name = ""
        self.expression: Any = given
        self.descending: bool | None = None
        if isinstance(given, Hashtable):
            for key in given.keys():  # noqa: SIM118 - not a dict
                low = to_string(key).casefold()
                if "name".startswith(low) or "label".startswith(low):
                    self.name = to_string(given[key])
                elif "expression".startswith(low):
                    self.expression = given[key]
                elif "descending".startswith(low):
                    self.descending = to_bool(given[key])
                elif "ascending".startswith(low):
                    self.descending = not to_bool(given[key])
                elif low not in {"width", "alignment", "formatstring"}:
                    raise CmdletError(f"The {to_string(key)} key is not valid.", "DictionaryKeyUnknown",
                                      category="InvalidArgument", exception="System.NotSupportedException")  # fmt: skip
        if not self.name:
            self.name = to_string(self.expression).strip()

    def of(self, item: Any) -> Any:
        """The value of this property on an object; an error in a block gives null."""
        if isinstance(self.expression, ScriptBlock):
            out: list[Any] = []
            self.call.interpreter.with_item(self.expression, item, out.append)
            return None if not out else out[0] if len(out) == 1 else out
        return value_of(self.call, item, to_string(self.expression))

    def expand(self, item: Any) -> list[tuple[str, Any]]:
        """Names and values, wildcards resolved."""
        if not isinstance(self.expression, ScriptBlock) and any(c in self.name for c in "*?"):
            shape = wildcard(self.name)
            return [(n, value_of(self.call, item, n)) for n in property_names(item) if shape.match(n)]
        return [(self.name, self.of(item))]


def value_of(call: Call, item: Any, name: str) -> Any:
    """A property as formatting and selecting read it: what fails is null."""
    try:
        return get_property(call.interpreter, item, name)
    except NetError:
        return None


def pickers(call: Call, name: str) -> list[Picker]:
    """The pickers of a parameter."""
    return [Picker(call, given) for given in to_list(call.params[name])] if call.get(name) is not None else []


@cmdlet("Select-Object", "Property", "InputObject", "ExcludeProperty", "ExpandProperty", "Unique?", "First", "Last", "Skip",
        "Index", positional=("Property",), mode="all")  # fmt: skip
def select_object(call: Call) -> Iterable[Any]:
    """Some objects, some of their properties."""
    items = list(call.input)
    items = items[to_int(call.get("Skip", 0)) :]
    if "Index" in call.params:
        items = [items[to_int(i)] for i in to_list(call.params["Index"]) if 0 <= to_int(i) < len(items)]
    if "First" in call.params or "Last" in call.params:
        first, last = to_int(call.get("First", 0)), to_int(call.get("Last", 0))
        items = items[:first] + (items[max(len(items) - last, first) :] if last else [])
    chosen = pickers(call, "Property")
    excluded = [wildcard(x) for x in call.texts("ExcludeProperty")]
    out: list[Any] = []
    for item in items:
        made: Any = item
        if chosen:
            pairs = [(n, v) for p in chosen for n, v in p.expand(item) if not any(x.match(n) for x in excluded)]
            made = PSObject(pairs)
        if "ExpandProperty" in call.params:
            name = call.text("ExpandProperty")
            if (
                isinstance(item, PSObject)
                and name not in item
                and not INSTANCE.get(item.types[0], ({}, {}))[0].get(name.casefold())
            ):
                yield CmdletError(f'Property "{name}" cannot be found.', "ExpandPropertyNotFound", False, category="InvalidArgument",
                                  target=item, exception="System.Management.Automation.PSArgumentException")  # fmt: skip
                continue
            inner = value_of(call, item, name)
            out += to_list(inner) if enumerates(inner) else [inner]
        else:
            out.append(made)
    if call.on("Unique"):
        kept: list[Any] = []
        for item in out:
            if not any(_same(item, k) for k in kept):
                kept.append(item)
        out = kept
    yield from out


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, PSObject) and isinstance(b, PSObject):
        return a.names() == b.names() and all(equal(v, b.get(k), case=True) for k, v in a.items())
    return equal(a, b, case=True)


@cmdlet(
    "Sort-Object",
    "Property",
    "InputObject",
    "Descending?",
    "Unique?",
    "CaseSensitive?",
    positional=("Property",),
    mode="all",
)
def sort_object(call: Call) -> Iterable[Any]:
    """Objects in order."""
    chosen = pickers(call, "Property")
    case = call.on("CaseSensitive")
    rows = [([p.of(item) for p in chosen] if chosen else [item], item) for item in call.input]
    down = [p.descending if p.descending is not None else call.on("Descending") for p in chosen] or [
        call.on("Descending")
    ]

    def compare(a: tuple[list[Any], Any], b: tuple[list[Any], Any]) -> int:
        for left, right, reverse in zip(a[0], b[0], down, strict=True):
            try:
                found = order(left, right, case=case)
            except NetError:
                found = order(to_string(left), to_string(right), case=case)
            if found:
                return -found if reverse else found
        return 0

    rows.sort(key=cmp_to_key(compare))
    last: tuple[list[Any], Any] | None = None
    for row in rows:
        if call.on("Unique") and last is not None and compare(last, row) == 0:
            continue
        last = row
        yield row[1]


@cmdlet(
    "Group-Object",
    "Property",
    "InputObject",
    "NoElement?",
    "AsHashTable?",
    "AsString?",
    positional=("Property",),
    mode="all",
)
def group_object(call: Call) -> Iterable[Any]:
    """Objects that share a property's value."""
    chosen = pickers(call, "Property")
    groups: list[tuple[list[Any], list[Any]]] = []
    for item in call.input:
        key = [p.of(item) for p in chosen] if chosen else [item]
        found = next(
            (g for g in groups if all(equal(to_string(a), to_string(b)) for a, b in zip(g[0], key, strict=True))), None
        )
        if found is None:
            groups.append((key, [item]))
        else:
            found[1].append(item)
    if call.on("AsHashTable"):
        yield Hashtable([(to_string(k[0]) if call.on("AsString") else k[0], ArrayList(v)) for k, v in groups])
        return
    for key, items in groups:
        made = PSObject({"Count": len(items), "Name": ", ".join(to_string(k) for k in key)},
                        ("Microsoft.PowerShell.Commands.GroupInfo", "System.Object"), view="table")  # fmt: skip
        if not call.on("NoElement"):
            made["Group"] = items
        yield made


@cmdlet("Measure-Object", "Property", "InputObject", "Sum?", "Average?", "Minimum?", "Maximum?", "Line?", "Word?", "Character?",
        positional=("Property",), mode="all")  # fmt: skip
def measure_object(call: Call) -> Iterable[Any]:
    """Count, and sum, average, least, greatest of a property."""
    items = [i for i in call.input if i is not None]
    names: list[str | None] = [*call.texts("Property")] or [None]
    if any(call.on(k) for k in ("Line", "Word", "Character")):
        texts = [to_string(i) for i in items]
        yield PSObject({"Lines": sum(len(t.splitlines()) for t in texts), "Words": sum(len(t.split()) for t in texts),
                        "Characters": sum(len(t) for t in texts), "Property": None}, view="table")  # fmt: skip
        return
    for name in names:
        values = items if name is None else [v for v in (value_of(call, i, name) for i in items) if v is not None]
        wanted = any(call.on(k) for k in ("Sum", "Average", "Minimum", "Maximum"))
        numbers = [to_number(v) for v in values] if wanted else []
        yield PSObject({
            "Count": len(values),
            "Average": sum(numbers) / len(numbers) if call.on("Average") and numbers else None,
            "Sum": float(sum(numbers)) if call.on("Sum") and numbers else None,
            "Maximum": float(max(numbers)) if call.on("Maximum") and numbers else None,
            "Minimum": float(min(numbers)) if call.on("Minimum") and numbers else None, "Property": name,
        }, ("Microsoft.PowerShell.Commands.GenericMeasureInfo", "System.Object"), view="list")  # fmt: skip


@cmdlet("Compare-Object", "ReferenceObject", "DifferenceObject", "Property", "IncludeEqual?", "ExcludeDifferent?", "PassThru?",
        "SyncWindow", "CaseSensitive?", positional=("ReferenceObject", "DifferenceObject"),
        required=("ReferenceObject", "DifferenceObject"), mode="all")  # fmt: skip
def compare_object(call: Call) -> Iterable[Any]:
    """What two sets do not share."""
    for name in ("ReferenceObject", "DifferenceObject"):
        if call.params[name] is None:
            raise CmdletError(f"Cannot bind argument to parameter '{name}' because it is null.",
                              "ParameterArgumentValidationErrorNullNotAllowed", category="InvalidData", exception=BAD_ARGUMENT)  # fmt: skip
    left, right = to_list(call.params["ReferenceObject"]), to_list(call.params["DifferenceObject"])
    chosen = pickers(call, "Property")

    def same(a: Any, b: Any) -> bool:
        if chosen:
            return all(equal(to_string(p.of(a)), to_string(p.of(b)), case=call.on("CaseSensitive")) for p in chosen)
        return equal(to_string(a), to_string(b), case=call.on("CaseSensitive"))

    rest = list(left)
    result: list[tuple[Any, str]] = []
    only_right = []
    for item in right:
        at = next((n for n, other in enumerate(rest) if same(other, item)), None)
        if at is None:
            only_right.append((item, "=>"))
        else:
            del rest[at]
            if call.on("IncludeEqual"):
                result.append((item, "=="))
    if not call.on("ExcludeDifferent"):
        result += only_right + [(item, "<=") for item in rest]
    for item, side in result:
        if chosen:
            yield PSObject([*((p.name, p.of(item)) for p in chosen), ("SideIndicator", side)])
        else:
            yield item if call.on("PassThru") else PSObject({"InputObject": item, "SideIndicator": side})


@cmdlet("Get-Unique", "InputObject", "AsString?", mode="all")
def get_unique(call: Call) -> Iterable[Any]:
    """A sorted list without its repeats."""
    last: list[Any] = []
    for item in call.input:
        if not last or not equal(last[0], item, case=True):
            yield item
        last = [item]
