"""How a campaign stands, in words: its state, whether one may walk away, who may approve. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.blocks import code, esc, people, when
from handlers.outage import pinned
from state.guards import open_blocks, waivable_blocks
from state.words import Campaign, Check, GateStatus, Policy, State, StepKind

STATE_WORDS: dict[State, str] = {
    State.PLANNING: "reading the cluster for a plan",
    State.PROPOSED: "planned, waiting for start",
    State.READY: "between steps",
    State.GATED: "waiting at a gate",
    State.ACTING: "carrying out a step",
    State.PAUSING: "carrying out a step, then pausing",
    State.PAUSED: "paused",
    State.BLOCKED: "stopped by a rule",
    State.ASKING: "stopped, asking people",
    State.ABORTING: "aborting",
    State.DONE: "done",
    State.NOTHING_TO_DO: "nothing to do",
    State.REFUSED: "refused",
    State.EXPIRED: "expired",
    State.ABORTED: "aborted",
}
FINAL = frozenset({State.DONE, State.NOTHING_TO_DO, State.REFUSED, State.EXPIRED, State.ABORTED})
STANDING_STILL = frozenset({State.PLANNING, State.PROPOSED, *FINAL})


@dataclass(frozen=True, slots=True)
class Walk:
    """Whether one may walk away from it now, and why."""

    safe: bool
    why: str


def walk_away(campaign: Campaign) -> Walk:
    """Safe means: nothing runs, nothing is half done, and nothing can begin without an approval."""
    paused = ", ".join(esc(node) for node in campaign.paused_nodes)
    job = campaign.open_job
    if job is not None:
        return Walk(False, f"a job is open on {esc(job.order.command.node)}: {esc(job.order.command.purpose)}")
    if campaign.state in {State.ACTING, State.PAUSING}:
        return Walk(False, "a step is being carried out")
    if down := pinned(campaign):
        return Walk(False, f"mail is down by the last reading; somebody must {down[-1][0]} now")
    if paused:
        return Walk(False, f"{paused} is Paused: if another node fails now, mail stays down until somebody resumes it")
    if campaign.state is State.ASKING:
        return Walk(False, "the bot cannot see how a job ended and asks people")
    if campaign.state is State.ABORTING:
        return Walk(False, "the abort is not finished")
    if campaign.state in FINAL:
        return Walk(True, f"the campaign has ended: {STATE_WORDS[campaign.state]}")
    if campaign.state in STANDING_STILL:
        return Walk(True, "nothing has been changed")
    if campaign.state is State.BLOCKED and (down_nodes := _down(campaign)):
        return Walk(False, f"{down_nodes} is Down by the last reading: if another node fails now, mail is down")
    if campaign.state is State.BLOCKED:
        return Walk(True, "a rule blocks, nothing runs, and nothing begins without an approval")
    return Walk(True, "nothing runs, and nothing begins without an approval")


def _down(campaign: Campaign) -> str:
    """The nodes that the checks behind a stop saw Down; "" when none."""
    facts = (fact for check in (campaign.stop.checks if campaign.stop else ()) for fact in check.facts)
    return ", ".join(dict.fromkeys(esc(f.machine) for f in facts if f.name == "node state" and f.value == "Down"))


def waive_hint(campaign_id: str, blocks: Sequence[Check]) -> list[str]:
    """How to ask for a waiver, where every rule that blocks may be waived; else nothing."""
    if not blocks:
        return []
    typed = f"`/rollup waive {campaign_id} {blocks[0].rule} reason`"
    more = f" ({', '.join(code(c.rule) for c in blocks[1:])} the same way)" if len(blocks) > 1 else ""
    return [f"If it cannot be put right, {typed} asks to set it aside{more}; a second person must accept that risk."]


def walk_line(campaign: Campaign) -> str:
    """The first line of every status."""
    walk = walk_away(campaign)
    return f"*Safe to walk away: {'yes' if walk.safe else 'NO'}*, {walk.why}."


def state_line(campaign: Campaign) -> str:
    """What is going on, in one sentence."""
    step, gate = campaign.step, campaign.gate
    total = len(campaign.plan.steps) if campaign.plan else 0
    place = f"step {campaign.step_index + 1} of {total}, {esc(step.title)}" if step else ""
    match campaign.state:
        case State.PROPOSED if stops := open_blocks(campaign, campaign.changed_at):
            hint = " ".join(waive_hint(campaign.id, waivable_blocks(campaign)))
            rules = ", ".join(code(check.rule) for check in stops)
            return f"*Planned, and cannot be started*: {rules} blocks. {hint}"
        case State.PROPOSED:
            until = f" until {when(campaign.plan_expires_at)}" if campaign.plan_expires_at else ""
            return f"*Planned.* `/rollup start {campaign.id}` begins it{until}."
        case State.READY if campaign.not_before > campaign.changed_at:
            why = f": {esc(campaign.wait_reason)}" if campaign.wait_reason else ""
            return f"*Waiting* until {when(campaign.not_before)}{why}; next is {place or 'the last check'}."
        case State.READY:
            return f"*Between steps*; next is {place or 'the last check'}."
        case State.GATED if gate is not None and gate.status is GateStatus.OPENED:
            return f"*Waiting for an approval*: {place}. The gate is open until {when(gate.expires_at)}."
        case State.GATED:
            return f"*Preparing a gate*: {place}."
        case State.ACTING:
            return f"*Carrying out* {place}, since {when(campaign.changed_at, '{time}')}."
        case State.PAUSING:
            return f"*Carrying out* {place}; paused after that."
        case State.PAUSED:
            return f"*Paused* before {place or 'the last check'}. `/rollup resume {campaign.id}` goes on."
        case State.BLOCKED | State.ASKING if campaign.stop is not None:
            head = "Stopped by" if campaign.state is State.BLOCKED else "Asking, because of"
            remedy = f" _{esc(campaign.stop.remedy)}_" if campaign.stop.remedy else ""
            return f"*{head}* {code(campaign.stop.rule or '?')}: {esc(campaign.stop.sentence)}{remedy}"
        case _:
            return f"*{STATE_WORDS[campaign.state].capitalize()}.*"


def may_approve(campaign: Campaign, policy: Policy) -> tuple[str, ...]:
    """Slack ids of listed approvers who are not barred."""
    named = {*campaign.barred, campaign.requester.person}
    barred = named | {policy.person(name) for name in named}
    return tuple(user for user in policy.approvers if user not in barred and policy.person(user) not in barred)


def approvers_line(campaign: Campaign, policy: Policy) -> str:
    """Who may approve what comes next."""
    able = may_approve(campaign, policy)
    quorum = max(1, policy.quorum)
    return f"*Who may approve:* {people(able) or 'nobody'}" + (f" ({quorum} needed)" if quorum > 1 else "")


def no_return_line(campaign: Campaign) -> str:
    """The next point of no return: the install of the last node that could still run mail at the old level."""
    plan = campaign.plan
    if plan is None:
        return ""
    left = plan.steps[campaign.step_index :]
    head = "*Next point of no return:*"
    if plan.steps and "return" in plan.steps[-1].option.split("+"):
        return f"{head} none; the handoff back is the campaign's last step"
    installs = [step for step in plan.steps if step.kind is StepKind.INSTALL and step.role == "node"]
    handoff = next((step for step in left if step.kind is StepKind.HANDOFF and "failback" not in step.option), None)
    if not installs or installs[-1] not in left:
        return f"{head} none; every node is past its install, or being patched as the last one"
    last = f"{esc(installs[-1].title)} ({code(installs[-1].id)}): after it no node can run mail at the old level"
    if handoff is None:
        return f"{head} {last}"
    return f"{head} {last}. Before that {esc(handoff.title)} ({code(handoff.id)}): after it going back is to an older level"
