"""Running statements: blocks, conditions, loops, switch, try, trap, functions, jumps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.lab.powershell import nodes as n
from bot.lab.powershell.control import (
    BreakJump,
    ContinueJump,
    ExitJump,
    Jump,
    ReturnJump,
    Terminating,
)
from bot.lab.powershell.convert import enumerates, to_bool, to_int, to_list, to_string
from bot.lab.powershell.core import Core
from bot.lab.powershell.making import emit, evaluator, kept, valuer
from bot.lab.powershell.operators import equal
from bot.lab.powershell.pipeline import pipeline_runner
from bot.lab.powershell.regexes import compiled, matches_table, wildcard
from bot.lab.powershell.storing import storer
from bot.lab.powershell.typenames import resolve
from bot.lab.powershell.values import NOTHING, CmdletError, ErrorRecord, NetError, Nothing, ScriptBlock, net_error
from bot.lab.windows.machine import Cancelled
from bot.lab.windows.services import ServiceError

Out = Callable[[Any], None]
Execute = Callable[[Any, Out], None]
FAILURES = (Terminating, NetError, CmdletError, RecursionError, OSError, ServiceError)
"""What ends a statement: everything else is a jump, or a fault of ours."""
_SILENT = (n.Increment, n.Assign)


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
            failed = self.terminating(wrong, _spot(statement))
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
            self._with_error(_for_catch(failed.record), handler, out)
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


def _for_catch(record: ErrorRecord) -> ErrorRecord:
    return record


def _drop(_value: Any) -> None:
    return


def _spot(node: n.Node) -> n.Spot | None:
    spot = getattr(node, "spot", None)
    return spot if isinstance(spot, n.Spot) else None


def _runs_command(node: n.Node) -> bool:
    return isinstance(node, n.Pipeline) and any(isinstance(stage, n.Command) for stage in node.stages)


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


# what a statement is made into


def executor(node: n.Node) -> Execute:
    """The function that runs a statement; made once a node."""
    try:
        return node.execute
    except AttributeError:
        return kept(node, "execute", _MAKERS.get(type(node), _expression)(node))


def _expression(node: n.Node) -> Execute:
    value_of = evaluator(node)
    return lambda core, out: emit(value_of(core), out)


def _block(block: n.Block) -> Execute:
    if block.traps:
        return lambda core, out: _beside_traps(core, block, out)
    steps = tuple((executor(statement), _spot(statement)) for statement in block.statements)

    def run(core: Core, out: Out) -> None:
        if core.session.cancelled.is_set():
            raise Cancelled
        for step, spot in steps:
            try:
                step(core, out)
            except FAILURES as wrong:
                failed = core.terminating(wrong, spot)
                if not core.survives(failed):
                    raise failed from None
                core.report(failed)

    return run


def _beside_traps(core: Core, block: n.Block, out: Out) -> None:
    if core.session.cancelled.is_set():
        raise Cancelled
    core.guarded += 1
    try:
        for statement in block.statements:
            core.trapped(statement, block.traps, out)
    finally:
        core.guarded -= 1


def _pipeline(node: n.Pipeline) -> Execute:
    first = node.stages[0]
    if len(node.stages) > 1 or not isinstance(first, n.ExpressionCommand) or first.redirections:
        return pipeline_runner(node)
    value_of = evaluator(first.value)
    if isinstance(first.value, _SILENT):

        def silent(core: Core, _out: Out) -> None:
            value_of(core)
            core.last_ok = True

        return silent

    def run(core: Core, out: Out) -> None:
        emit(value_of(core), out)
        core.last_ok = True

    return run


def _assign(node: n.Assign) -> Execute:
    assignment, runs_command = evaluator(node), _runs_command(node.value)

    def run(core: Core, _out: Out) -> None:
        assignment(core)
        if not runs_command:
            core.last_ok = True

    return run


def _if(node: n.If) -> Execute:
    clauses = tuple((valuer(condition), body) for condition, body in node.clauses)
    otherwise = node.otherwise

    def run(core: Core, out: Out) -> None:
        for condition, body in clauses:
            if to_bool(condition(core)):
                core.run_block(body, out)
                return
        if otherwise is not None:
            core.run_block(otherwise, out)

    return run


def _foreach(node: n.Foreach) -> Execute:
    source_of, store, body, label = valuer(node.source), storer(node.variable), node.body, node.label

    def run(core: Core, out: Out) -> None:
        source = source_of(core)
        # 2.0 goes round once for a null; only a pipeline without any output is no turn at all.
        items = to_list(source) if enumerates(source) or isinstance(source, Nothing) else [source]
        for item in items:
            store(core, item)
            if not core.turn(body, label, out):
                return

    return run


def _for(node: n.For) -> Execute:
    condition = None if node.condition is None else valuer(node.condition)

    def run(core: Core, out: Out) -> None:
        if node.first is not None:
            core.execute(node.first, _drop)
        while condition is None or to_bool(condition(core)):
            if not core.turn(node.body, node.label, out):
                return
            if node.step is not None:
                core.execute(node.step, _drop)

    return run


def _while(node: n.While) -> Execute:
    condition = valuer(node.condition)

    def run(core: Core, out: Out) -> None:
        if not node.after and not to_bool(condition(core)):
            return
        while True:
            if not core.turn(node.body, node.label, out):
                return
            if to_bool(condition(core)) is node.until:
                return

    return run


_MAKERS: dict[type[n.Node], Callable[[Any], Execute]] = {
    n.Pipeline: _pipeline,
    n.Assign: _assign,
    n.Block: _block,
    n.If: _if,
    n.Foreach: _foreach,
    n.For: _for,
    n.While: _while,
    n.Switch: lambda node: lambda core, out: core.switch(node, out),
    n.Try: lambda node: lambda core, out: core.attempt(node, out),
    n.Function: lambda node: lambda core, _out: core.define(node),
    n.Flow: lambda node: lambda core, out: core.leave(node, out),
}
JUMPS = (Jump, ReturnJump, ExitJump)
