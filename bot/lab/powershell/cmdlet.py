"""What a built-in cmdlet is: its parameters, how input reaches it, and the call it is handed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.lab.powershell.binding import Bound
from bot.lab.powershell.control import record_of
from bot.lab.powershell.convert import to_list, to_string
from bot.lab.powershell.nodes import Spot
from bot.lab.powershell.values import CmdletError, ErrorRecord, NetError

if TYPE_CHECKING:
    from bot.lab.powershell.core import Core
    from bot.lab.windows.machine import Machine, Session

Run = Callable[["Call"], "Iterable[Any] | None"]


@dataclass(frozen=True)
class BuiltIn:
    """A cmdlet of this room.

    `mode`: "each" runs once for every piped object, "all" once at the end with all of them; `pipe` names the
    parameter a piped object is bound to, `remaining` keeps further positional words in `call.rest`.
    """

    name: str
    run: Run
    parameters: tuple[str, ...]
    positional: tuple[str, ...] = ()
    mode: str = "each"
    pipe: str = ""
    aliases: dict[str, str] = field(default_factory=dict)
    remaining: bool = False
    required: tuple[str, ...] = ()


BUILT_IN: dict[str, BuiltIn] = {}
"""Every cmdlet of this room, by lower-case name."""


def cmdlet(
    name: str,
    *parameters: str,
    positional: tuple[str, ...] = (),
    mode: str = "each",
    pipe: str = "",
    aliases: dict[str, str] | None = None,
    remaining: bool = False,
    required: tuple[str, ...] = (),
) -> Callable[[Run], Run]:
    """Register a function as a cmdlet; switches end in `?`."""

    def take(run: Run) -> Run:
        BUILT_IN[name.casefold()] = BuiltIn(
            name, run, parameters, positional, mode, pipe, dict(aliases or {}), remaining, required
        )
        return run

    return take


class Call:
    """One run of a cmdlet: its parameters, input and streams."""

    __slots__ = ("bound", "interpreter", "name", "out", "params", "piped", "rest", "session", "spot")

    def __init__(self, interpreter: Core, name: str, bound: Bound, spot: Spot, out: Callable[[Any], None]) -> None:
        self.interpreter = interpreter
        self.session: Session = interpreter.session
        self.name = name
        self.bound = bound
        self.params = bound.params
        self.rest = bound.rest
        self.spot = spot
        self.out = out
        self.piped: list[Any] = []

    @property
    def machine(self) -> Machine:
        """The machine this runs on."""
        return self.session.machine

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter's value."""
        return self.params.get(name, default)

    def text(self, name: str, default: str = "") -> str:
        """A parameter as a string."""
        return to_string(self.params[name]) if self.params.get(name) is not None else default

    def texts(self, name: str) -> list[str]:
        """A parameter as a list of strings."""
        return [to_string(v) for v in to_list(self.params[name])] if self.params.get(name) is not None else []

    def on(self, name: str) -> bool:
        """Whether a switch is set."""
        return bool(self.params.get(name, False))

    @property
    def input(self) -> list[Any]:
        """Piped objects, or -InputObject's items."""
        if self.piped:
            return self.piped
        return to_list(self.params["InputObject"]) if "InputObject" in self.params else []

    def error(self, error: CmdletError | NetError, target: Any = None) -> None:
        """Report an error after which this cmdlet goes on."""
        if isinstance(error, NetError):
            error = CmdletError(
                error.message, error.types[0].rpartition(".")[2], exception=error.types[0], target=target
            )
        report(self.interpreter, self.bound, record_of(error, self.name, self.spot))


def report(interpreter: Core, bound: Bound, record: ErrorRecord) -> None:
    """A non-terminating error under the call's -ErrorAction and -ErrorVariable."""
    name = bound.common.get("ErrorVariable")
    if name is not None:
        key = to_string(name).lstrip("+").lower()
        kept = to_list(interpreter.scope.variables.get(key)) if key in interpreter.scope.variables else []
        interpreter.scope.variables[key] = [*kept, record]
    interpreter.non_terminating(record, bound.common.get("ErrorAction"))
