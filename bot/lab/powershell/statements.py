"""Running statements: blocks, conditions, loops, switch, try, trap, functions, jumps."""

from __future__ import annotations

from typing import Any

from bot.lab.powershell import nodes as n
from bot.lab.powershell.control import (
    BreakJump,
    ContinueJump,
    ExitJump,
    ReturnJump,
    Terminating,
)
from bot.lab.powershell.convert import enumerates, to_bool, to_int, to_list, to_string
from bot.lab.powershell.core import Core
from bot.lab.powershell.executing import FAILURES, Out, executor, spot_of
from bot.lab.powershell.making import emit
from bot.lab.powershell.operators import equal
from bot.lab.powershell.regexes import compiled, matches_table, wildcard
from bot.lab.powershell.typenames import resolve
from bot.lab.powershell.values import NOTHING, ErrorRecord, NetError, Nothing, ScriptBlock, net_error


class Statements(Core):
    """`execute` runs one statement, `run_block` a list of them with error handling."""

    def execute(self, node: n.Node, out: Out) -> None:
        """Run one statement, handing its output on."""
        executor(node)(self, out)

    def run_block(self, block: n.Block, out: Out) -> None:
        """Run statements in order; an error that nobody catches is reported and the next statement runs."""
        executor(block)(self, out)

    def trapped(self, statement: n.Node, traps: tuple[n.Trap, ...], out: Out) -> None:
        """Run a statement beside traps."""
        try:
            self.execute(statement, out)
        except FAILURES as wrong:
            failed = self.terminating(wrong, spot_of(statement))
            trap = next((t for t in traps if not t.type or _catches((t.type,), failed.record)), None)
            if trap is None:
                raise failed from None
            self.remember(failed.record)
            outer, self.guarded = self.guarded, self.guarded - 1
            try:
                self._with_error(failed.record, trap.body, out)
            except ContinueJump:
                return
            except BreakJump:
                failed.script = True
                raise failed from None
            finally:
                self.guarded = outer
            self.report(failed)

    def _with_error(self, record: ErrorRecord, body: n.Block, out: Out) -> None:
        """Run a handler with the record as `$_`."""
        variables = self.scope.variables
        before = variables.get("_", NOTHING)
        variables["_"] = record
        try:
            self.run_block(body, out)
        finally:
            if isinstance(before, Nothing):
                variables.pop("_", None)
            else:
                variables["_"] = before

    def turn(self, body: n.Block, label: str, out: Out) -> bool:
        """One turn of a loop; False when it is to end."""
        try:
            self.run_block(body, out)
        except ContinueJump as jump:
            if jump.label and jump.label != label:
                raise
        except BreakJump as jump:
            if jump.label and jump.label != label:
                raise
            return False
        return True

    def switch(self, node: n.Switch, out: Out) -> None:
        """`switch`."""
        value = self.value_of(node.value)
        items = to_list(value) if enumerates(value) or isinstance(value, Nothing) else [value]
        if "file" in node.options:
            items = self.read_lines(to_string(value))
        variables = self.scope.variables
        before = variables.get("_", NOTHING)
        try:
            for item in items:
                variables["_"] = item
                try:
                    self._switch_item(node, item, out)
                except ContinueJump as jump:
                    if jump.label and jump.label != node.label:
                        raise
                except BreakJump as jump:
                    if jump.label and jump.label != node.label:
                        raise
                    return
        finally:
            if isinstance(before, Nothing):
                variables.pop("_", None)
            else:
                variables["_"] = before

    def _switch_item(self, node: n.Switch, item: Any, out: Out) -> None:
        hit = False
        for condition, body in node.clauses:
            if condition is not None and self._clause_matches(node.options, condition, item):
                hit = True
                self.run_block(body, out)
        if not hit:
            for condition, body in node.clauses:
                if condition is None:
                    self.run_block(body, out)

    def _clause_matches(self, options: frozenset[str], condition: n.Node, item: Any) -> bool:
        wanted = self.ev(condition)
        case = any(o.startswith("case") for o in options)
        if isinstance(wanted, ScriptBlock):
            found: list[Any] = []
            self.run_code(wanted.code, found.append)
            return to_bool(found)
        if any(o.startswith("regex") or o == "r" for o in options):
            match = compiled(to_string(wanted), 0 if case else 2).search(to_string(item))
            if match is not None:
                self.scope.variables["matches"] = matches_table(match)
            return match is not None
        if any(o.startswith("wild") or o == "w" for o in options):
            return wildcard(to_string(wanted)).match(to_string(item)) is not None
        if isinstance(wanted, bool):
            return to_bool(item) == wanted
        return equal(item, wanted, case=case)

    def attempt(self, node: n.Try, out: Out) -> None:
        """`try, catch, finally`."""
        try:
            self.guarded += 1
            try:
                self.run_block(node.body, out)
            except FAILURES as wrong:
                failed = self.terminating(wrong, None)
                body = next((b for types, b in node.catches if not types or _catches(types, failed.record)), None)
                if body is None:
                    raise failed from None
                handler = body
            else:
                return
            finally:
                self.guarded -= 1
            self.remember(failed.record)
            self._with_error(failed.record, handler, out)
        finally:
            if node.final is not None:
                self.run_block(node.final, out)

    def define(self, node: n.Function) -> None:
        """`function`."""
        prefix, colon, name = node.name.partition(":")
        if not colon:
            prefix, name = "", node.name
        self.scope.named(prefix.lower()).functions[name.lower()] = (name, node.code)

    def leave(self, node: n.Flow, out: Out) -> None:
        """`return, throw, exit, break, continue`."""
        match node.kind:
            case "return":
                if isinstance(node.value, n.Pipeline):
                    self.execute(node.value, out)
                elif node.value is not None:
                    emit(self.value_of(node.value), out)
                raise ReturnJump
            case "break":
                raise BreakJump(node.label)
            case "continue":
                raise ContinueJump(node.label)
            case "exit":
                value = None if node.value is None else self.value_of(node.value)
                if isinstance(value, Nothing) or value is None:
                    # plain `exit` after a native tool keeps 0, as the console host does
                    raise ExitJump(0)
                try:
                    raise ExitJump(to_int(value))
                except NetError:
                    raise ExitJump(0) from None
            case _:
                raise self._thrown(node)

    def _thrown(self, node: n.Flow) -> Terminating:
        value = NOTHING if node.value is None else self.value_of(node.value)
        if isinstance(value, ErrorRecord):
            return Terminating(value, script=True)
        if isinstance(value, Nothing):
            current = self.scope.variables.get("_")
            if isinstance(current, ErrorRecord):
                return Terminating(current, script=True)
            value = "ScriptHalted"
        if isinstance(value, NetError):
            return Terminating(ErrorRecord(value, value.message, "OperationStopped", None, "", node.spot), script=True)
        text = to_string(value)
        record = ErrorRecord(net_error(text, "System.Management.Automation.RuntimeException"), text,
                             "OperationStopped", value, "", node.spot)  # fmt: skip
        record.thrown = value
        return Terminating(record, script=True)


def _catches(types: tuple[str, ...], record: ErrorRecord) -> bool:
    """Whether `catch [a],[b]` takes this error: its exception or the one inside it."""
    errors: list[NetError] = [record.error]
    while errors[-1].inner is not None:
        errors.append(errors[-1].inner)
    for name in types:
        full = resolve(name) or name
        short = full.rpartition(".")[2].casefold()
        for error in errors:
            chain = (*error.types, "System.Exception", "System.Management.Automation.RuntimeException" if error is
                     record.error and error.types[0] == "System.Management.Automation.RuntimeException" else "")  # fmt: skip
            if any(full.casefold() == kind.casefold() or ("." not in name and short == kind.rpartition(".")[2].casefold()
                                                          and kind.count(".") == 1) for kind in chain):  # fmt: skip
                return True
    return False
