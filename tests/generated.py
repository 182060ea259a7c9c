"""The pages that are written from tables in the code: `python -m tests.generated --write` writes them all again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def pages() -> dict[str, Callable[[], str]]:
    """Each generated page and what writes it."""
    from bot.procedure.rules import render_rules
    from handlers.refusals_page import page as refusals
    from state.diagram import page

    return {"states.md": page, "rules.md": render_rules, "refusals.md": refusals}


def stale() -> list[str]:
    """The pages that do not say what the code says."""
    return [name for name, write in pages().items() if (DOCS / name).read_text(encoding="utf-8") != write()]


def main() -> int:
    """Write the pages, or say which are stale."""
    if "--write" in sys.argv:
        for name, write in pages().items():
            (DOCS / name).write_text(write(), encoding="utf-8")
        return 0
    print("\n".join(stale()))
    return 1 if stale() else 0


if __name__ == "__main__":
    sys.exit(main())
