"""Running script blocks from cmdlets and methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.lab.powershell.binding import Word
from bot.lab.powershell.control import Terminating
from bot.lab.powershell.core import Core
from bot.lab.powershell.parse import ParseFailed, parse
from bot.lab.powershell.stages import CodeStage
from bot.lab.powershell.values import NOTHING, Nothing, ScriptBlock


class Blocks(Core):
    """Script blocks as the cmdlets use them."""

    def with_item(self, block: ScriptBlock, item: Any, out: Callable[[Any], None]) -> None:
        """Run a block in the scope around it with `$_` set, as Where-Object and ForEach-Object do."""
        scope = self.scope
        before = scope.variables.get("_", NOTHING)
        scope.variables["_"] = item
        outer_failed = self.failed
        try:
            self.run_code(block.code, out)
        finally:
            self.failed = outer_failed
            if isinstance(before, Nothing):
                scope.variables.pop("_", None)
            else:
                scope.variables["_"] = before

    def stream_block(self, block: ScriptBlock, arguments: list[Any], out: Callable[[Any], None]) -> None:
        """Call a block in a scope of its own, handing its output on."""
        stage = CodeStage(self, block.code, [Word("", a) for a in arguments])
        stage.out = out
        stage.begin()
        stage.head()
        stage.finish()

    def call_block(self, block: ScriptBlock, arguments: list[Any], this: Any = None) -> Any:
        """Call a block; its output as one value."""
        found: list[Any] = []
        if this is not None:
            self.scope.variables["this"] = this
        self.stream_block(block, arguments, found.append)
        return NOTHING if not found else found[0] if len(found) == 1 else found

    def make_block(self, text: str) -> ScriptBlock:
        """[ScriptBlock]::Create."""
        try:
            return ScriptBlock(parse(text), text)
        except ParseFailed as failed:
            raise Terminating(self.parse_record(failed)) from None
