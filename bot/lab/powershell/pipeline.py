"""Pipelines: stages that pass objects on one by one, redirections, and where each error goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.lab.powershell import nodes as n
from bot.lab.powershell.binding import MISSING, Word
from bot.lab.powershell.commands import Commands
from bot.lab.powershell.convert import enumerates, to_string
from bot.lab.powershell.errors import render
from bot.lab.powershell.expressions import emit
from bot.lab.powershell.formatting import to_text
from bot.lab.powershell.paths import full_path
from bot.lab.powershell.stages import ExpressionStage, Stage
from bot.lab.powershell.values import Hashtable, Nothing

Out = Callable[[Any], None]


class Pipelines(Commands):
    """`run_pipeline` builds the stages of a pipeline and drives them."""

    def run_pipeline(self, node: n.Pipeline, out: Out) -> None:
        """Run a pipeline, handing its output on; sets `$?`."""
        outer_failed, self.failed = self.failed, False
        try:
            stages = [self._stage(command, first=i == 0) for i, command in enumerate(node.stages)]
            finish: list[Callable[[], None]] = []
            target = out
            for stage, command in zip(reversed(stages), reversed(node.stages), strict=True):
                stage.out = self._redirect(stage, command.redirections, target, finish)
                target = stage.feed
            for stage in stages:
                stage.begin()
            stages[0].head()
            for stage in stages:
                stage.finish()
            for step in finish:
                step()
            self.last_ok = not self.failed and stages[-1].ok
        except BaseException:
            self.last_ok = False
            raise
        finally:
            self.failed = outer_failed

    def _stage(self, command: n.Command | n.ExpressionCommand, *, first: bool) -> Stage:
        if isinstance(command, n.ExpressionCommand):
            return ExpressionStage(self, command.value)
        name = self.ev(command.name)
        words = [word for element in command.elements for word in self._words(element)]
        return self.find_stage(command, name, words, first=first)

    def _words(self, element: n.Argument | n.Parameter) -> list[Word]:
        if isinstance(element, n.Parameter):
            value = MISSING if element.value is None else self._value(element.value)
            return [Word(element.name, value, element.text)]
        if isinstance(element.value, n.Variable) and element.value.splat:
            value = self.variable(element.value.scope, element.value.name)
            if isinstance(value, Hashtable):
                return [Word(to_string(k), v, f"-{to_string(k)}") for k, v in value.items()]
            return [Word("", item, to_string(item)) for item in (value if enumerates(value) else [value])]
        return [Word("", self._value(element.value), element.text)]

    def _value(self, node: n.Node) -> Any:
        value = self.ev(node)
        return None if isinstance(value, Nothing) else value

    def _redirect(
        self, stage: Stage, redirections: tuple[n.Redirection, ...], out: Out, finish: list[Callable[[], None]]
    ) -> Out:
        """The output a stage writes to; its error sink is set on the stage."""
        merged = False
        for redirection in redirections:
            if redirection.op == "2>&1":
                merged = True
                continue
            target = None if redirection.target is None else self._value(redirection.target)
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


__all__ = ["Pipelines", "emit"]
