"""Stops in a recorded campaign: on a rule that its checks show to stop, of the step in hand, and told once."""

from __future__ import annotations

from bot.procedure.order.walk import Walk
from state import words as w

_BESIDE = (w.Progress, w.MailDown, w.MailUp, w.ThreadOpened, w.LateWithdrawal)  # these move nothing


def stopped(walk: Walk, event: w.Event) -> None:
    """Judge a stop, and keep what is needed to judge the next."""
    last, walk.ended = walk.ended, event.outcome if isinstance(event, w.StepEnded) else None
    if not isinstance(event, w.Blocked | w.Asked):
        walk.stop = walk.stop if isinstance(event, _BESIDE) else None
        return
    stop = event.stop
    stopping = {check.rule for check in stop.checks if check.stops}
    shown = not stop.checks or stop.rule in stopping or stop.rule == "EXIT-CODE"
    of_the_attempt = last is None or not last.rule or stop.rule == last.rule
    if not stop.rule or not shown or not of_the_attempt or stop == walk.stop:
        walk.no(
            stop.rule or "PRE-COMPLETE",
            f"The campaign stopped on {stop.rule or 'nothing'}, which is not what stopped it.",
        )
    steps = {"", walk.step.id if walk.step is not None else "", last.step if last is not None else ""}
    if stop.step not in steps:
        walk.no("PRE-COMPLETE", f"The campaign stopped at {stop.step}, which is not the step in hand.")
    walk.stop = stop
