"""What a statement is made into: the function that runs it, once a node, at its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.lab.powershell import nodes as n
from bot.lab.powershell.control import (
    ExitJump,
    Jump,
    ReturnJump,
    Terminating,
)
from bot.lab.powershell.convert import enumerates, to_bool, to_list
from bot.lab.powershell.core import Core
from bot.lab.powershell.making import emit, evaluator, kept, valuer
from bot.lab.powershell.pipeline import pipeline_runner
from bot.lab.powershell.storing import storer
from bot.lab.powershell.values import CmdletError, NetError, Nothing
from bot.lab.windows.machine import Cancelled
from bot.lab.windows.services import ServiceError

Out = Callable[[Any], None]
Execute = Callable[[Any, Out], None]
FAILURES = (Terminating, NetError, CmdletError, RecursionError, OSError, ServiceError)
"""What ends a statement: everything else is a jump, or a fault of ours."""
_SILENT = (n.Increment, n.Assign)


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
    steps = tuple((executor(statement), spot_of(statement)) for statement in block.statements)

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


def spot_of(node: n.Node) -> n.Spot | None:
    """Where a statement stands, if that is known."""
    spot = getattr(node, "spot", None)
    return spot if isinstance(spot, n.Spot) else None


def _runs_command(node: n.Node) -> bool:
    return isinstance(node, n.Pipeline) and any(isinstance(stage, n.Command) for stage in node.stages)


def _drop(_value: Any) -> None:
    return


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
