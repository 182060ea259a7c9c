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
        if plan is not None and _first_handoff(campaign, step):
            lines.append(
                "Point of no return: after this step no node can take the mailbox server back at the old level."
            )
        lines.append(f"Undo: a handoff back to {step.source}, as a risk gate once that node is at the level.")
    elif step.kind is StepKind.RESTART:
        lines.append(f"{step.target} restarts; whatever it still owns would fail over.")
    if step.kind in (StepKind.INSTALL, StepKind.HANDOFF, StepKind.RESTART):
        lines.append(
            "If the bot dies in this step, the node finishes what it began and the bot finds it again; nothing runs twice."
        )
    lines.append("“No” costs time only: nothing on the cluster has been changed for this step yet.")
    return tuple(lines)


def _first_handoff(campaign: Campaign, step: Step) -> bool:
    if campaign.plan is None:
        return False
    first = next((s for s in campaign.plan.steps if s.kind is StepKind.HANDOFF), None)
    return first is not None and first.id == step.id
