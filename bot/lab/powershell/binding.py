"""Binding what was typed after a command to its parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bot.lab.powershell.convert import cast, to_bool, to_string
from bot.lab.powershell.nodes import Code, Declared
from bot.lab.powershell.typenames import name_of, resolve
from bot.lab.powershell.values import CmdletError, NetError

BINDING = "System.Management.Automation.ParameterBindingException"
COMMON = {
    "verbose": "Verbose?", "debug": "Debug?", "erroraction": "ErrorAction", "warningaction": "WarningAction",
    "errorvariable": "ErrorVariable", "warningvariable": "WarningVariable", "outvariable": "OutVariable",
    "outbuffer": "OutBuffer",
}  # fmt: skip
COMMON_ALIASES = {
    "vb": "verbose", "db": "debug", "ea": "erroraction", "wa": "warningaction", "ev": "errorvariable",
    "wv": "warningvariable", "ov": "outvariable", "ob": "outbuffer",
}  # fmt: skip


class Missing:
    """Stands for `-Name` without a value."""


MISSING = Missing()


@dataclass(slots=True)
class Word:
    """One thing after a command's name: `name` is empty for a positional one; `text` is what was typed."""

    name: str
    value: Any
    text: str = ""


def _wrong(message: str, error_id: str, category: str = "InvalidArgument") -> CmdletError:
    return CmdletError(message, error_id, category=category, exception=BINDING)


def match_name(typed: str, canonical: Iterable[str], aliases: Mapping[str, str] | None = None) -> str | None:
    """The parameter a name or a unique beginning of it means (with its `?`); None when there is none."""
    low = typed.casefold()
    names = _by_name(canonical if isinstance(canonical, tuple) else tuple(canonical))
    if low in names:
        return names[low]
    if aliases and low in aliases and aliases[low].casefold() in names:
        return names[aliases[low].casefold()]
    if low in COMMON_ALIASES:
        return COMMON[COMMON_ALIASES[low]]
    if low in COMMON:
        return COMMON[low]
    starts = [c for key, c in names.items() if key.startswith(low)]
    common = [c for key, c in COMMON.items() if key.startswith(low)]
    if len(starts) + len(common) > 1 and not (len(starts) == 1 and not common):
        found = " ".join(f"-{c.rstrip('?')}" for c in [*starts, *common])
        raise _wrong(f"Parameter cannot be processed because the parameter name '{typed}' is ambiguous. Possible "
                     f"matches include: {found}.", "AmbiguousParameter")  # fmt: skip
    return (starts + common)[0] if starts or common else None


@lru_cache(maxsize=512)
def _by_name(canonical: tuple[str, ...]) -> dict[str, str]:
    """Parameters by lower-case name; nobody changes it."""
    return {c.rstrip("?").casefold(): c for c in canonical}


@dataclass(slots=True)
class Bound:
    """Parameters by canonical name, common ones apart, and positional words that found no place."""

    params: dict[str, Any] = field(default_factory=dict)
    common: dict[str, Any] = field(default_factory=dict)
    rest: list[Any] = field(default_factory=list)


def bind(
    words: list[Word],
    parameters: tuple[str, ...],
    positional: tuple[str, ...],
    aliases: Mapping[str, str] | None = None,
    *,
    remaining: bool = False,
) -> Bound:
    """Bind words to a cmdlet's parameters. Raises CmdletError with PowerShell's sentence.

    `remaining`: positional words without a place are kept in `rest` instead of refused.
    """
    bound = Bound()
    loose: list[Word] = []
    i = 0
    while i < len(words):
        word = words[i]
        i += 1
        if not word.name:
            loose.append(word)
            continue
        found = match_name(word.name, parameters, aliases)
        if found is None:
            raise _wrong(f"A parameter cannot be found that matches parameter name '{word.name}'.",
                         "NamedParameterNotFound")  # fmt: skip
        name = found.rstrip("?")
        target = bound.common if name.casefold() in COMMON and found not in parameters else bound.params
        if name in target:
            raise _wrong(f"Cannot bind parameter because parameter '{name}' is specified more than once. To provide "
                         "multiple values to parameters that can accept multiple values, use the array syntax. For "
                         'example, "-parameter value1,value2,value3".', "ParameterAlreadyBound")  # fmt: skip
        if found.endswith("?"):
            target[name] = True if isinstance(word.value, Missing) else to_bool(word.value)
            continue
        if isinstance(word.value, Missing):
            if i >= len(words) or words[i].name:
                raise _wrong(f"Missing an argument for parameter '{name}'. Specify a parameter of type 'System.Object' "
                             "and try again.", "MissingArgument")  # fmt: skip
            target[name] = words[i].value
            i += 1
        else:
            target[name] = word.value
    for word in loose:
        place = next((p for p in positional if p not in bound.params), None)
        if place is None:
            if not remaining:
                raise _wrong("A positional parameter cannot be found that accepts argument "
                             f"'{to_string(word.value)}'.", "PositionalParameterNotFound")  # fmt: skip
            bound.rest.append(word.value)
        else:
            bound.params[place] = word.value
    return bound


class Signature:
    """How a function takes the words of a call; the same for every call, so it is made once a body."""

    __slots__ = ("aliases", "by_name", "changed", "mandatory", "names", "order", "strict")

    def __init__(self, code: Code) -> None:
        declared = code.parameters
        self.strict = code.binding
        self.names = tuple(d.name + ("?" if _is_switch(d) else "") for d in declared)
        self.aliases = {a.casefold(): d.name for d in declared for a in d.aliases}
        self.by_name = {d.name.casefold(): d for d in declared}
        self.order = tuple(
            d.name
            for d in sorted(
                (d for d in declared if not _is_switch(d)), key=lambda d: d.position if d.position is not None else 99
            )
        )
        self.mandatory = tuple(d.name for d in declared if d.mandatory and not d.from_pipeline)
        self.changed = tuple(d for d in declared if d.types or d.valid)


def signature(code: Code) -> Signature:
    """A body's signature."""
    try:
        found: Signature = code.signature
    except AttributeError:
        found = Signature(code)
        object.__setattr__(code, "signature", found)
    return found


def bind_function(words: list[Word], taken: Signature) -> tuple[dict[str, Any], list[Any], dict[str, Any]]:
    """Bind words to a function's parameters: values by name, $args, and common parameters of an advanced function."""
    names, aliases, by_name, strict = taken.names, taken.aliases, taken.by_name, taken.strict
    values: dict[str, Any] = {}
    common: dict[str, Any] = {}
    args: list[Any] = []
    loose: list[Any] = []
    i = 0
    while i < len(words):
        word = words[i]
        i += 1
        if not word.name:
            loose.append(word.value)
            continue
        found = _match_function(word.name, names, aliases, strict)
        if found is None:
            if strict:
                raise _wrong(f"A parameter cannot be found that matches parameter name '{word.name}'.",
                             "NamedParameterNotFound")  # fmt: skip
            loose.append("-" + word.name + (":" if not isinstance(word.value, Missing) else ""))
            if not isinstance(word.value, Missing):
                loose.append(word.value)
            continue
        key = found.rstrip("?")
        target = values if key.casefold() in by_name else common
        if found.endswith("?"):
            target[key] = True if isinstance(word.value, Missing) else to_bool(word.value)
        elif isinstance(word.value, Missing):
            if i >= len(words) or words[i].name:
                raise _wrong(f"Missing an argument for parameter '{key}'. Specify a parameter of type "
                             f"'{_type_name(by_name.get(key.casefold()))}' and try again.", "MissingArgument")  # fmt: skip
            target[key] = words[i].value
            i += 1
        else:
            target[key] = word.value
    for value in loose:
        place = next((name for name in taken.order if name not in values), None)
        if place is None:
            if strict:
                raise _wrong(f"A positional parameter cannot be found that accepts argument '{to_string(value)}'.",
                             "PositionalParameterNotFound")  # fmt: skip
            args.append(value)
        else:
            values[place] = value
    missing = [name for name in taken.mandatory if name not in values]
    if missing:
        raise _wrong("Cannot process command because of one or more missing mandatory parameters: "
                     f"{' '.join(missing)}.", "MissingMandatoryParameter")  # fmt: skip
    if taken.changed:
        for key, value in values.items():
            values[key] = _typed(by_name[key.casefold()], value)
    return values, args, common


def _match_function(typed: str, names: tuple[str, ...], aliases: Mapping[str, str], strict: bool) -> str | None:
    found = match_name(typed, names, aliases)
    if found is not None and found.rstrip("?").casefold() in COMMON and not strict and found not in names:
        return None
    return found


def _is_switch(declared: Declared) -> bool:
    return any(
        t.lower() in {"switch", "switchparameter", "management.automation.switchparameter"} for t in declared.types
    )


def _type_name(declared: Declared | None) -> str:
    return (resolve(declared.types[-1]) if declared and declared.types else None) or "System.Object"


def _typed(declared: Declared, value: Any) -> Any:
    for kind in declared.types:
        full = resolve(kind)
        if full is None:
            continue
        try:
            value = cast(value, full)
        except NetError as wrong:
            message = f"Cannot process argument transformation on parameter '{declared.name}'. {wrong.message}"
            raise _wrong(message, "ParameterArgumentTransformationError", "InvalidData") from None
    if declared.valid and to_string(value).casefold() not in {v.casefold() for v in declared.valid}:
        raise _wrong(f"Cannot validate argument on parameter '{declared.name}'. The argument \"{to_string(value)}\" does "
                     f"not belong to the set \"{','.join(declared.valid)}\" specified by the ValidateSet attribute. "
                     "Supply an argument that is in the set and then try the command again.",
                     "ParameterArgumentValidationError", "InvalidData")  # fmt: skip
    return value


def describe(value: Any) -> str:
    """A value's short type, for messages."""
    return name_of(value)
