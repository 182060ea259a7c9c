"""What a voter is told beside checks and commands: what is lost meanwhile, what “no” costs, how to undo it."""

from __future__ import annotations

from state.words import Campaign, Step, StepKind


def gate_lines(campaign: Campaign, step: Step) -> tuple[str, ...]:
    """The notes of a gate, in the order an approver needs them."""
    lines: list[str] = []
    plan = campaign.plan
    cms = ", ".join(plan.cms) if plan else ""
    if step.kind is StepKind.EVACUATE:
        lines.append(
            f"Until {step.target} is resumed, nothing can take over from the active node: a failure there is an "
            "outage until a human resumes the node."
        )
        lines.append("Undo: `cluster.exe node " + step.target + " /resume`.")
    elif step.kind is StepKind.INSTALL and step.role == "scr-target":
        lines.append(
            f"{step.target} stops replaying logs meanwhile; the source keeps its logs until the target is back."
        )
        lines.append("Expected to look red meanwhile: the SCR copies on this machine.")
    elif step.kind is StepKind.INSTALL:
        lines.append(
            f"Redundancy is lost while {step.target} is patched: {cms} stays on the other node and has no failover target."
        )
        lines.append("Expected to look red meanwhile: replication to this node, its Cluster service, PassiveNodeUp.")
        lines.append("Undo: the runbook docs/backing-out.md, on the emptied passive node only.")
    elif step.kind is StepKind.HANDOFF:
        lines.append(
            f"{step.cms} is down for its users while it moves from {step.source} to {step.target}; running backups of it are aborted."
        )
        lines += _option_lines(step)
        if plan is not None and _first_handoff(campaign, step):
            lines.append(
                "Point of no return: after this step no node can take the mailbox server back at the old level."
            )
        if "return" not in step.option:
            lines.append(
                f"Undo: `/rollup return {campaign.id} reason`, a handoff back to {step.source} behind a risk gate."
            )
    elif step.kind is StepKind.RESTART:
        lines.append(f"{step.target} restarts; whatever it still owns would fail over.")
    elif step.kind is StepKind.RESTORE:
        lines.append(f"Only what differs from how {step.target} was found is put back; nothing else is touched.")
        if step.groups:
            lines.append("No mail server is among the groups, and none is touched: users notice nothing.")
            lines.append("Undo: the same command with the node it is on now.")
        if step.optional:
            lines.append(
                "Optional: reject it, or let it run out, and everything stays as it is; the campaign is done all the same."
            )
    if step.kind in (StepKind.INSTALL, StepKind.HANDOFF, StepKind.RESTART):
        lines.append(
            "If the bot dies in this step, the node finishes what it began and the bot finds it again; nothing runs twice."
        )
    lines.append("“No” costs time only: nothing on the cluster has been changed for this step yet.")
    return tuple(lines)


def _option_lines(step: Step) -> list[str]:
    """What the options of a handoff mean for whoever approves it."""
    options, lines = step.option.split("+"), []
    if "stop-move-start" in options:
        lines.append(
            f"--stop-move-start: {step.cms} is stopped first and started again in this same approved command. If it is cut off "
            f"in between, mail stays down until somebody runs `Start-ClusteredMailboxServer -Identity '{step.cms}'`."
        )
    if "failback" in options:
        lines.append(f"--failback: both nodes are at the level; {step.cms} only goes back to where it was.")
    if "return" in options:
        lines.append(
            f"{step.cms} goes back to a node at an older level than its databases have run under, and the campaign ends with it."
        )
    return lines


def _first_handoff(campaign: Campaign, step: Step) -> bool:
    if campaign.plan is None:
        return False
    first = next((s for s in campaign.plan.steps if s.kind is StepKind.HANDOFF), None)
    return first is not None and first.id == step.id
