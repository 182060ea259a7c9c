"""docs/states.md, drawn from the transition table: `python -m state.diagram` writes it, a test finds it stale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from state.campaign import FINAL, TABLE, TARGETS, stay, type_name
from state.words import State

PAGE = Path(__file__).parent.parent / "docs" / "states.md"

_HEAD = """\
# The life of a campaign

Generated from `state/campaign.py` by `python -m state.diagram`. Do not edit.

A campaign is moved by events and by nothing else. An event that stands neither in the drawing nor in the table of its
state is refused and changes nothing. Final states take no event at all. `abort_requested` leads from every state that
is not final to `aborting` and is left out of the drawing.
"""


def ways() -> Iterator[tuple[State, str, State]]:
    """Every (state, event type, next state) that leads to another state, or that a resolver may choose."""
    for state, row in TABLE.items():
        for kind, way in row.items():
            if isinstance(way, State):
                targets: tuple[State, ...] = (way,)
            else:
                targets = TARGETS.get(way, ())
            for target in targets:
                yield state, type_name(kind), target


def page() -> str:
    """The whole page."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for state, kind, target in ways():
        if kind != "abort_requested" and state is not target:
            arrows.setdefault((state, target), []).append(kind)
    drawing = ["stateDiagram-v2", "    [*] --> planning: campaign_requested"]
    drawing += [f"    {a.value} --> {b.value}: {', '.join(kinds)}" for (a, b), kinds in arrows.items()]
    drawing += [f"    {state.value} --> [*]" for state in State if state in FINAL]
    rows = ["| state | recorded without moving | moves on |", "|---|---|---|"]
    for state, row in TABLE.items():
        quiet = [type_name(kind) for kind, way in row.items() if way is stay or way is state]
        moving = [f"{kind} → {target.value}" for one, kind, target in ways() if one is state and target is not state]
        rows.append(f"| {state.value} | {', '.join(quiet) or '-'} | {', '.join(moving) or 'final: nothing'} |")
    return "\n".join([_HEAD, "```mermaid", *drawing, "```", "", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
