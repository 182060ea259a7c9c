"""Finding what a command's name means: alias, function, cmdlet, script, native tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.lab.powershell import nodes as n
from bot.lab.powershell.aliases import ALIASES
from bot.lab.powershell.binding import Word, bind
from bot.lab.powershell.cmdlet import BUILT_IN, BuiltIn
from bot.lab.powershell.control import Terminating, record_of
from bot.lab.powershell.convert import to_string
from bot.lab.powershell.core import Core
from bot.lab.powershell.parse import ParseFailed, parse
from bot.lab.powershell.paths import decode, full_path
from bot.lab.powershell.stages import CmdletStage, CodeStage, NativeStage, Stage
from bot.lab.powershell.values import CmdletError, PSObject, ScriptBlock
from bot.lab.windows import programs

if TYPE_CHECKING:
    from bot.lab.windows.machine import CmdletSpec

NOT_FOUND = "System.Management.Automation.CommandNotFoundException"


def unknown(name: str) -> CmdletError:
    """What a node says about a name it does not know."""
    return CmdletError(
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. Check "
        "the spelling of the name, or if a path was included, verify that the path is correct and try again.",
        "CommandNotFoundException", category="ObjectNotFound", target=name, exception=NOT_FOUND)  # fmt: skip


class Commands(Core):
    """`find_stage` turns a name and its words into a pipeline stage."""

    def find_stage(self, command: n.Command, name: Any, words: list[Word], *, first: bool) -> Stage:
        """The stage a command call stands for. Raises Terminating when nothing has that name."""
        dot = command.operator == "."
        if isinstance(name, ScriptBlock):
            return CodeStage(self, name.code, words, dot=dot, first=first)
        if isinstance(name, PSObject) and "Name" in name:
            name = name["Path"] if name.get("CommandType") in {"Application", "ExternalScript"} else name["Name"]
        text = to_string(name)
        try:
            return self._named(text, words, command.spot, dot=dot, first=first)
        except CmdletError as wrong:
            raise Terminating(
                record_of(wrong, "" if wrong.exception == NOT_FOUND else self._title(text), command.spot)
            ) from None

    def _title(self, name: str) -> str:
        spec = self.find_cmdlet(self.unalias(name))
        return spec.name if spec is not None else name

    def unalias(self, name: str) -> str:
        """The command an alias stands for, or the name itself."""
        own = self.scope.root().variables.get("alias:" + name.casefold())
        return to_string(own) if own is not None else ALIASES.get(name.casefold(), name)

    def find_cmdlet(self, name: str) -> BuiltIn | CmdletSpec | None:
        """A cmdlet by name: the machine's, where its snap-in is loaded, else ours."""
        low = name.casefold()
        low = low.rpartition("\\")[2] if "\\" in low and ":" not in low else low
        spec = self.machine.cmdlets.get(low)
        if spec is not None and (not spec.snapin or spec.snapin.casefold() in {s.casefold() for s in self.snapins}):
            return spec
        return BUILT_IN.get(low)

    def _named(self, typed: str, words: list[Word], spot: n.Spot, *, dot: bool, first: bool) -> Stage:
        name = self.unalias(typed)
        function = self.scope.function(name.casefold())
        if function is not None:
            return CodeStage(self, function[1], words, name=function[0], dot=dot, first=first)
        spec = self.find_cmdlet(name)
        if spec is not None:
            aliases = spec.aliases if isinstance(spec, BuiltIn) else None
            remaining = isinstance(spec, BuiltIn) and spec.remaining
            bound = bind(words, spec.parameters, spec.positional, aliases, remaining=remaining)
            if "ErrorAction" in bound.common:
                _check_action(bound.common["ErrorAction"])
            if "ErrorVariable" in bound.common and not to_string(bound.common["ErrorVariable"]).startswith("+"):
                self.scope.variables[to_string(bound.common["ErrorVariable"]).lower()] = []
            return CmdletStage(self, spec, bound, spot, first=first)
        if name.casefold().endswith(".ps1"):
            return self._script(name, words, dot=dot, first=first)
        try:
            program = programs.find(self.session, name)
        except programs.BadImage:
            raise CmdletError(f"Program '{name}' failed to execute: The specified executable is not a valid Win32 "
                              "application.", "NativeCommandFailed", category="ResourceUnavailable",
                              exception="System.Management.Automation.ApplicationFailedException") from None  # fmt: skip
        if program is not None and not _in_current_folder(name, program.path, self.session.cwd):
            return NativeStage(self, program, words, first=first)
        if "-" not in name and self.find_cmdlet("Get-" + name) is not None:
            return self._named("Get-" + name, words, spot, dot=dot, first=first)
        raise unknown(typed)

    def _script(self, name: str, words: list[Word], *, dot: bool, first: bool) -> Stage:
        path = full_path(self.session, name)
        if not self.machine.fs.is_file(path) or not ("\\" in name or "/" in name or ":" in name):
            raise unknown(name)
        return self.script_stage(path, words, dot=dot, first=first)

    def script_stage(self, path: str, words: list[Word], *, dot: bool = False, first: bool = True) -> CodeStage:
        """A script file as a stage. Raises Terminating on a syntax error."""
        true = self.machine.fs.true_name(path)
        try:
            code = parse(decode(self.machine.fs.read(path)))
        except ParseFailed as failed:
            raise Terminating(self.parse_record(failed), script=False) from None
        return CodeStage(self, code, words, name=true.rpartition("\\")[2], dot=dot, first=first, script=True, path=true)


def _in_current_folder(name: str, path: str, cwd: str) -> bool:
    """A batch file found in the current folder by its bare name: PowerShell, unlike cmd, does not run it."""
    bare = not any(c in name for c in "\\/:")
    return bare and path.casefold() == f"{cwd.rstrip(chr(92))}\\{path.rpartition(chr(92))[2]}".casefold() \
        and not cwd.casefold().startswith("c:\\windows\\system32")  # fmt: skip


def _check_action(value: Any) -> None:
    text = to_string(value).casefold()
    if text not in {"silentlycontinue", "stop", "continue", "inquire", "0", "1", "2", "3"}:
        raise CmdletError(
            f"Cannot bind parameter 'ErrorAction'. Cannot convert value \"{to_string(value)}\" to type "
            '"System.Management.Automation.ActionPreference" due to invalid enumeration values. Specify one of the '
            'following enumeration values and try again. The possible enumeration values are "SilentlyContinue, Stop, '
            'Continue, Inquire".', "CannotConvertArgumentNoMessage", category="InvalidArgument",
            exception="System.Management.Automation.ParameterBindingException")  # fmt: skip
