"""Optional steps in a recorded campaign: what they may put back, and how they may be left out."""

from __future__ import annotations

from bot.procedure.facts import same_name
from bot.procedure.order.walk import Walk
from state import words as w


def restored_as_found(walk: Walk, step: w.Step) -> None:
    """Only what a job of this record moved is put back, and only to where a before-image shows it."""
    if step.optional and step.kind is not w.StepKind.RESTORE:
        walk.no("PRE-COMPLETE", f"Step {step.id} may not be optional.")
    for group, home in step.groups:
        if group.casefold() not in walk.moved:
            walk.no("GROUPS-SNAPSHOT", f"Step {step.id} puts '{group}' back, which this campaign did not move.")
        owners = [owner for image in walk.images for name, owner in image.groups if name.casefold() == group.casefold()]
        if not any(same_name(home, owner) for owner in owners):
            walk.no("GROUPS-SNAPSHOT", f"Step {step.id} puts '{group}' on {home}, where no before-image shows it.")


def moves_as_named(walk: Walk, gate: w.Gate, step: w.Step) -> None:
    """A gate that gives groups back moves those its step names, to where it names."""
    wanted = {f"move:{group}:{home}" for group, home in step.groups}
    if step.groups and not {command.effect for command in gate.commands} <= wanted:
        walk.no("GROUPS-SNAPSHOT", f"Gate {gate.id} moves other groups than step {step.id} names.")


def left_out(walk: Walk, step: w.Step, event: w.StepEnded) -> bool:
    """Whether a step was rightly left undone: an optional one, of which no job was opened."""
    if event.outcome.kind is not w.OutcomeKind.LEFT:
        return False
    if step.optional and event.advance and not walk.jobs and walk.intent is None:
        return True
    walk.no("PRE-COMPLETE", f"Step {step.id} was left out, and the plan does not allow that.")
    return False
