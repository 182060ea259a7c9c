"""`/rollup return`: the handoff back to the node a mail server came from, as the one step that is left. Pure.

It ends the campaign: what was planned after it rests on the mail server being where it no longer is.
"""

from __future__ import annotations

from dataclasses import replace

from state.words import Campaign, OutcomeKind, Step, StepKind

RULE = "MIXED-LEVEL-MOVE"  # the rule it breaks on purpose: its risk gate comes first


def way_back(campaign: Campaign) -> Step | None:
    """The last handoff that is done, the other way round; None where there is none, or it was a return itself."""
    plan = campaign.plan
    if plan is None:
        return None
    done = {outcome.step for outcome in campaign.outcomes if outcome.kind is OutcomeKind.DONE}
    moved = [step for step in plan.steps[: campaign.step_index] if step.kind is StepKind.HANDOFF and step.id in done]
    if not moved or "return" in moved[-1].option.split("+"):
        return None
    last = moved[-1]
    return replace(
        last,
        id=f"s{len(plan.steps) + 1:02d}",
        target=last.source,
        source=last.target,
        title=f"Return {last.cms} to {last.source}",
        rule=RULE,
        because=f"`/rollup return` was asked for: {last.cms} goes back from {last.target} to {last.source}.",
        option="return",
    )


def why_not(campaign: Campaign) -> str:
    """Why nothing can be returned now, one word; "" when it can."""
    if not campaign.holds_locks or campaign.intent is not None or campaign.open_job is not None:
        return "a_step_is_under_way"
    if campaign.paused_nodes:
        return "a_node_is_paused"
    return "" if way_back(campaign) is not None else "nothing_was_moved"
