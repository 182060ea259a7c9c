"""Optional steps in a recorded campaign: what they may put back, and how they may be left out."""

from __future__ import annotations

from bot.procedure.facts import same_name
from bot.procedure.order.walk import Walk
from state import words as w


def restored_as_found(walk: Walk, step: w.Step, event: w.StepEnded) -> None:
    """Only what a job of this record moved is put back, and only to where a before-image shows it.

    What an install left is put back before it is tried again, by all means; what the campaign left is put back at its
    end, if people want it.
    """
    last = event.advance and walk.index + 1 >= len(walk.steps)
    if step.optional != (last and step.kind is w.StepKind.RESTORE):
        walk.no(
            "PRE-COMPLETE", f"Step {step.id} is {'' if step.optional else 'not '}optional, and may not be that there."
        )
    option = "" if step.kind is w.StepKind.RESTART else "owners" if step.groups else "services"
    if step.cms or step.to or step.source or step.option != option:
        walk.no("PRE-COMPLETE", f"Step {step.id} has what a step that is put in does not have.")
    board, current = walk.board, walk.step
    machine = board.get(step.target) if board is not None else None
    if machine is None or machine.cluster.casefold() != step.cluster.casefold():
        walk.no("PRE-COMPLETE", f"Step {step.id} is for {step.target}, which is no machine of '{step.cluster}'.")
    if not step.optional and current is not None and (step.role, step.target) != (current.role, current.target):
        walk.no("PRE-COMPLETE", f"Step {step.id} is for {step.target}, and {current.id} for {current.target}.")
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
