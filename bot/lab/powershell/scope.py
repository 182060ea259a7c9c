"""Variables and functions by scope: dynamic scoping, names without case, `global:`, `script:`, `local:`."""

from __future__ import annotations

from typing import Any

from bot.lab.powershell.nodes import Code
from bot.lab.powershell.values import net_error

CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}


class Scope:
    """One scope; `script` marks the outermost scope of a script file."""

    __slots__ = ("functions", "parent", "script", "top", "types", "variables")

    def __init__(self, parent: Scope | None = None, *, script: bool = False) -> None:
        self.parent = parent
        self.top: Scope = self if parent is None else parent.top
        self.script = script
        self.variables: dict[str, Any] = {}
        self.types: dict[str, str] = {}
        self.functions: dict[str, tuple[str, Code]] = {}

    def root(self) -> Scope:
        """The global scope."""
        return self.top

    def script_scope(self) -> Scope:
        """The nearest script file's scope, else the global one."""
        scope = self
        while scope.parent is not None and not scope.script:
            scope = scope.parent
        return scope

    def find(self, name: str) -> Scope | None:
        """The nearest scope that has a variable."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope
            scope = scope.parent
        return None

    def function(self, name: str) -> tuple[str, Code] | None:
        """The nearest function of a name (lower case): its spelling and its code."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.functions.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def named(self, prefix: str) -> Scope:
        """The scope a prefix means; `local`, `private` and none are this one."""
        if prefix == "global":
            return self.root()
        if prefix == "script":
            return self.script_scope()
        return self

    def set(self, name: str, value: Any) -> None:
        """Set a variable here. Raises NetError for the language's constants."""
        if name in CONSTANTS:
            raise net_error(f"Cannot overwrite variable {name} because it is read-only or constant.",
                            "System.Management.Automation.SessionStateUnauthorizedAccessException")  # fmt: skip
        kind = self.types.get(name)
        if kind is not None:
            from bot.lab.powershell.convert import cast

            value = cast(value, kind)
        self.variables[name] = value
