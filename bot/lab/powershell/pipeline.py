"""Pipelines: stages that pass objects on one by one, redirections, and where each error goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.lab.powershell import nodes as n
from bot.lab.powershell.binding import MISSING, Word
from bot.lab.powershell.commands import Commands
from bot.lab.powershell.convert import enumerates, to_string
from bot.lab.powershell.core import Core
from bot.lab.powershell.errors import render
from bot.lab.powershell.formatting import to_text
from bot.lab.powershell.making import evaluator
from bot.lab.powershell.paths import full_path
from bot.lab.powershell.stages import ExpressionStage, Stage
from bot.lab.powershell.values import Hashtable, Nothing

Out = Callable[[Any], None]


class Pipelines(Commands):
    """Where the output and the errors of a stage go."""

    def redirect(
        self, stage: Stage, redirections: tuple[n.Redirection, ...], out: Out, finish: list[Callable[[], None]]
    ) -> Out:
        """The output a stage writes to; its error sink is set on the stage."""
        merged = False
        for redirection in redirections:
            if redirection.op == "2>&1":
                merged = True
                continue
            target = None if redirection.target is None else _value(self.ev(redirection.target))
            append = redirection.op.endswith(">>")
            if redirection.op.startswith("2"):
                lines: list[str] = []
                stage.sink = (lambda record, kept=lines: kept.append(render(record))) if target is not None else _drop
                if target is not None:
                    finish.append(self._writer(to_string(target), append, lambda kept=lines: "".join(kept)))  # type: ignore[misc]
            else:
                objects: list[Any] = []
                out = _drop if target is None else objects.append
                if target is not None:
                    limit = self._limit()
                    finish.append(self._writer(to_string(target), append,
                                               lambda kept=objects, cut=limit: to_text(kept, limit=cut)))  # type: ignore[misc] # fmt: skip
        if merged:
            sink_out = out
            stage.sink = sink_out
            stage.merged = True
        if stage.sink is None:
            return out
        outer = self.error_sink

        def restored(value: Any) -> None:
            inner, self.error_sink = self.error_sink, outer
            try:
                out(value)
            finally:
                self.error_sink = inner

        return restored

    def _limit(self) -> int:
        value = self.variable("", "formatenumerationlimit")
        return value if isinstance(value, int) else 4

    def _writer(self, target: str, append: bool, text: Callable[[], str]) -> Callable[[], None]:
        path = full_path(self.session, target)
        # the file is made at once, as > does, also when nothing is written
        if not append:
            self.machine.fs.write(path, b"\xff\xfe")

        def write() -> None:
            fresh = not self.machine.fs.exists(path)
            data = (b"\xff\xfe" if fresh else b"") + text().encode("utf-16-le", "surrogatepass")
            self.machine.fs.write(path, data, mode="append" if not fresh else "create")

        return write

    def read_lines(self, path: str) -> list[str]:
        """A text file's lines."""
        from bot.lab.powershell.paths import decode

        return decode(self.machine.fs.read(full_path(self.session, path))).splitlines()


def _drop(_value: Any) -> None:
    return


def _value(value: Any) -> Any:
    return None if isinstance(value, Nothing) else value


# what a pipeline is made into


def pipeline_runner(node: n.Pipeline) -> Callable[[Any, Out], None]:
    """The function that builds a pipeline's stages and drives them, handing its output on; it sets `$?`."""
    makers = tuple(_stage_maker(command, first=i == 0) for i, command in enumerate(node.stages))
    redirected = tuple(command.redirections for command in node.stages)

    def run(core: Core, out: Out) -> None:
        outer_failed, core.failed = core.failed, False
        try:
            stages = [make(core) for make in makers]
            finish: list[Callable[[], None]] = []
            target = out
            for at in range(len(stages) - 1, -1, -1):
                stage = stages[at]
                stage.out = core.redirect(stage, redirected[at], target, finish) if redirected[at] else target
                target = stage.feed
            for stage in stages:
                stage.begin()
            stages[0].head()
            for stage in stages:
                stage.finish()
            for step in finish:
                step()
            core.last_ok = not core.failed and stages[-1].ok
        except BaseException:
            core.last_ok = False
            raise
        finally:
            core.failed = outer_failed

    return run


def _stage_maker(command: n.Command | n.ExpressionCommand, *, first: bool) -> Callable[[Core], Stage]:
    if isinstance(command, n.ExpressionCommand):
        value_of = evaluator(command.value)
        return lambda core: ExpressionStage(core, value_of)
    name_of = evaluator(command.name)
    adders = tuple(_adder(element) for element in command.elements)

    def make(core: Core) -> Stage:
        name = name_of(core)
        words: list[Word] = []
        for add in adders:
            add(core, words)
        return core.find_stage(command, name, words, first=first)

    return make


def _adder(element: n.Argument | n.Parameter) -> Callable[[Core, list[Word]], None]:
    """The function that adds an element of a call to its words."""
    text = element.text
    if isinstance(element, n.Parameter):
        name = element.name
        if element.value is None:
            return lambda _core, words: words.append(Word(name, MISSING, text))
        given = evaluator(element.value)
        return lambda core, words: words.append(Word(name, _value(given(core)), text))
    if isinstance(element.value, n.Variable) and element.value.splat:
        return _splatter(element.value)
    value_of = evaluator(element.value)
    return lambda core, words: words.append(Word("", _value(value_of(core)), text))


def _splatter(node: n.Variable) -> Callable[[Core, list[Word]], None]:
    def add(core: Core, words: list[Word]) -> None:
        value = core.variable(node.scope, node.name)
        if isinstance(value, Hashtable):
            words += [Word(to_string(k), v, f"-{to_string(k)}") for k, v in value.items()]
        else:
            words += [Word("", item, to_string(item)) for item in (value if enumerates(value) else [value])]

    return add
