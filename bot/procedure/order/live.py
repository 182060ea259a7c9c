"""Judges the next step of a living campaign by its own record."""

from __future__ import annotations

from bot.procedure.order.board import Board, Violation
from bot.procedure.order.plans import board_of
from bot.procedure.order.risks import PLAN, covers
from state.words import Campaign, OutcomeKind, Step, StepKind

_NOT_DONE = (OutcomeKind.FAILED, OutcomeKind.CUT_OFF, OutcomeKind.UNKNOWN)


def check_next(campaign: Campaign, step: Step) -> tuple[Violation, ...]:
    """What speaks against starting this step now, by the campaign's own record; () allows it."""
    if campaign.plan is None:
        return (Violation(rule="PRE-COMPLETE", sentence="There is no plan.", step=step.id),)
    try:
        board = board_of(campaign.plan)
    except ValueError as error:
        return (Violation(rule="PKG-NAME", sentence=str(error), step=step.id),)
    steps = {one.id: one for one in campaign.plan.steps}
    stops = [] if "return" in step.option else [check for check in campaign.plan.checks if check.stops]
    for outcome in campaign.outcomes:
        done = steps.get(outcome.step)
        if done is not None:
            record(board, done, outcome.kind)
    past = {o.step for o in campaign.outcomes if o.kind in (OutcomeKind.DONE, OutcomeKind.LEFT)}
    board.found.clear()  # what is done was judged when it was next
    for check in stops:
        if not any(covers(waiver, PLAN, check) for waiver in campaign.waivers):
            board.no(check.rule, f"The plan was started although {check.rule} stopped it and nobody had waived it.")
    if step.id in past:
        board.no("PRE-COMPLETE", f"Step {step.id} is done already.")
    for one in campaign.plan.steps:
        if one.id == step.id:
            break
        restarted = any(o.step == one.id and o.kind is OutcomeKind.NEEDS_RESTART for o in campaign.outcomes)
        if one.id not in past and not restarted:
            board.no("PRE-COMPLETE", f"Step {one.id} comes before {step.id} and is not done.")
    board.play(step)
    return tuple(board.found)


def record(board: Board, step: Step, kind: OutcomeKind) -> None:
    """Play what happened: a step that is done, or an install that leaves its node out."""
    if kind is OutcomeKind.DONE:
        board.play(step)
        return
    machine = board.get(step.target)
    if machine is None or step.kind is not StepKind.INSTALL:
        return
    if kind is OutcomeKind.NEEDS_RESTART:
        board.play(step)
        machine.out = bool(machine.cluster)
    elif kind in _NOT_DONE:
        machine.out = bool(machine.cluster)
