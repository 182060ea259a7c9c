"""What a voter is told beside checks and commands, item by item in the order of facts/exchange.md §9.

Redundancy lost for how long; users and clients affected; what “no” costs; what happens if the bot or the other node
dies in this step; how to undo it; what will look red but is expected. Each is there at every gate.
"""

from __future__ import annotations

from bot.procedure.facts import same_name
from bot.procedure.users import NOBODY
from state.words import Campaign, Forecast, Step, StepKind

LABELS = (
    "Redundancy",
    "Users and clients",
    "“No”",
    "If the bot dies",
    "If the other node dies",
    "Undo",
    "Will look red",
)
NOTHING_YET = "costs time only: nothing on the cluster has been changed for this step yet"
FINISHES = "the node finishes what it began and the bot finds it again; nothing runs twice"
SHORT = "the command under way ends by itself, the next one waits for the bot; nothing runs twice"


def span(seconds: float) -> str:
    """Minutes as people say them."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def gate_lines(campaign: Campaign, step: Step, forecast: Forecast | None = None) -> tuple[str, ...]:
    """The notes of a gate: the seven labelled ones in their order, then what is special about this step."""
    took = forecast.step_s if forecast is not None else step.expected_s
    down = forecast.downtime_s if forecast is not None else step.downtime_s
    said = _SAY[step.kind](campaign, step, took, down)
    return (*(f"{label}: {text}." for label, text in zip(LABELS, said, strict=True)), *_special(campaign, step))


Seven = tuple[str, str, str, str, str, str, str]


def _servers(campaign: Campaign) -> str:
    return ", ".join(campaign.plan.cms) if campaign.plan and campaign.plan.cms else ""


def _users(campaign: Campaign, server: str) -> str:
    """How many, as the plan counted them."""
    counted = campaign.plan.users_of(server) if campaign.plan else ""
    return counted or "how many mailboxes is unknown: they were not read at the plan"


def _own_users(campaign: Campaign, step: Step, took: float) -> str:
    """Whom a stand-alone machine serves itself."""
    counted = _users(campaign, step.target)
    if counted == NOBODY:
        return f"none; {step.target} has {NOBODY}"
    return f"whoever uses {step.target} itself ({counted}), for about {span(took)}"


def _until_resumed(campaign: Campaign, step: Step) -> float:
    """How long the node is out: this step and those that follow on the same node (lab seconds)."""
    steps = campaign.plan.steps if campaign.plan else ()
    at = next((i for i, one in enumerate(steps) if one.id == step.id), None)
    if at is None:
        return step.expected_s
    total = 0.0
    for one in steps[at:]:
        if one.target != step.target or one.kind is StepKind.HANDOFF:
            break
        total += one.expected_s
    return total


def _out(campaign: Campaign, step: Step) -> tuple[str, str]:
    """(redundancy, if the other node dies) while a node is taken out."""
    if step.role == "scr-target" and not step.cluster:
        gone = f"the SCR copies on {step.target} are not kept up for about {span(step.expected_s)}; the cluster itself keeps its failover"
        return (
            gone,
            f"this step does not depend on it; until {step.target} is back there is no SCR copy here to activate",
        )
    servers = _servers(campaign)
    how_long = span(_until_resumed(campaign, step))
    if step.role == "scr-target" and not _paused(campaign, step):
        gone = f"the standby cluster {step.cluster} is fully offline for about {how_long}; mail does not run on it"
        return (
            gone,
            f"there is no other node in {step.cluster}; until {step.target} is back nothing can be activated there",
        )
    lost = f"{step.target} can take nothing over for about {how_long}, until it is resumed"
    if step.role == "scr-target":
        return (
            f"{lost}; it is a standby cluster, mail does not run on it",
            "the standby cluster is down until one is back; mail is not",
        )
    resume = f"until a person runs cluster.exe node {step.target} /resume (an install must end first), or it comes back"
    able = _free_nodes(campaign, step)
    if able:
        one = " or ".join(able)
        return (
            f"{lost}; meanwhile a mail server can fail over to {one}",
            f"its mail server can fail over to {one}; once {'it is' if len(able) == 1 else 'they are'} taken too, mail is DOWN {resume}",
        )
    have = "have" if len(campaign.plan.cms if campaign.plan else ()) > 1 else "has"
    return (
        f"{lost}; {servers or 'the cluster'} {have} no other node to fail over to",
        f"mail on it is DOWN {resume}",
    )


def _paused(campaign: Campaign, step: Step) -> bool:
    """Whether the node is taken out before this step; the one node of a standby cluster has nowhere to send anything."""
    steps = campaign.plan.steps if campaign.plan else ()
    return any(one.kind is StepKind.EVACUATE and same_name(one.target, step.target) for one in steps)


def _free_nodes(campaign: Campaign, step: Step) -> tuple[str, ...]:
    """The other nodes of the step's cluster that run no mail server when its turn comes, by the plan."""
    plan = campaign.plan
    if plan is None:
        return ()
    nodes = [one for one in plan.machines if same_name(one.cluster, step.cluster) and one.role in ("active", "passive")]
    taken = {one.name.casefold() for one in nodes if one.role == "active"}
    for one in plan.steps:
        if one.id == step.id:
            break
        if one.kind is StepKind.HANDOFF:
            taken = (taken - {one.source.casefold()}) | {one.target.casefold()}
    taken.add(step.target.casefold())
    return tuple(one.name for one in nodes if one.name.casefold() not in taken)


def _evacuate(campaign: Campaign, step: Step, _took: float, _down: float) -> Seven:
    lost, other = _out(campaign, step)
    return (
        lost,
        "none; groups without a mail server move, their own clients reconnect",
        NOTHING_YET,
        f"{SHORT}; {step.target} may stay Paused, which is the first line of status",
        other,
        f"cluster.exe node {step.target} /resume; then move each group back with the same command and {step.target} as the node",
        f"{step.target} Paused, and NodePaused in Test-ReplicationHealth",
    )


def _install(campaign: Campaign, step: Step, took: float, _down: float) -> Seven:
    lost, other = _out(campaign, step)
    alone = step.role == "scr-target" and not step.cluster
    users = _own_users(campaign, step, took) if alone else "none; no mail server is on this node"
    red = (
        f"every Exchange service on {step.target} stopped, its SCR copies not Healthy"
        if alone
        else f"the Cluster and Replication services on {step.target}, copies to it (ServiceDown, then Initializing), PassiveNodeUp"
    )
    keeps = f", and {step.target} stays Paused" if _paused(campaign, step) else ""
    return (
        lost, users, f"{NOTHING_YET}{keeps}", FINISHES, other,
        "docs/backing-out.md, by people" if alone else "docs/backing-out.md, a runbook for people, on the emptied passive node only",
        f"{red}; judged only after it has settled",
    )  # fmt: skip


def _restart(campaign: Campaign, step: Step, took: float, _down: float) -> Seven:
    lost, other = _out(campaign, step)
    users = "none; no mail server is on this node" if step.cluster else _own_users(campaign, step, took)
    keeps = f", and {step.target} stays Paused and unfinished" if _paused(campaign, step) else ""
    return (
        lost, users, f"{NOTHING_YET}{keeps}", FINISHES, other,
        "not needed: a restart changes nothing that could be put back",
        f"{step.target} down for about {span(took)}, then its services starting; judged only after it has settled",
    )  # fmt: skip


def _handoff(campaign: Campaign, step: Step, _took: float, down: float) -> Seven:
    back = f"/rollup return {campaign.id} reason, a handoff back to {step.source} behind a risk gate"
    if "failback" in step.option:
        back = f"Move-ClusteredMailboxServer back to {step.source} by hand; both nodes are at the level"
    if "return" in step.option:
        back = "plan again when it is known why; the campaign ends with this step"
    return (
        f"none for good; while it moves, {step.cms} runs nowhere for about {span(down)}",
        (
            f"everybody with a mailbox on {step.cms} ({_users(campaign, step.cms)}) is without mail for about {span(down)}: "
            "Outlook reconnects by itself, OWA and ActiveSync sign on again; backups of it under way are aborted"
        ),
        NOTHING_YET,
        FINISHES,
        (
            f"if {step.target} dies, {step.cms} goes back to {step.source} or stays down: Start-ClusteredMailboxServer "
            f"-Identity '{step.cms}'; if {step.source} dies, the move has to finish on {step.target}"
        ),
        back,
        f"{step.cms} Offline and its databases dismounted while it moves; afterwards copies Initializing until the first log",
    )


def _restore(_campaign: Campaign, step: Step, _took: float, _down: float) -> Seven:
    undo = (
        "the same command with the node it is on now"
        if step.groups
        else "set the start modes again, as the gate's facts show them"
    )
    no = (
        "leaves everything as it is"
        if step.optional
        else f"{NOTHING_YET}; the install stays blocked until its services are back"
    )
    return (
        "nothing is lost by it"
        if step.groups or step.optional
        else f"{step.target} stays out until its install has ended well",
        "none; no mail server is touched" if step.groups else f"none; services of {step.target} only",
        no,
        SHORT,
        "nothing here depends on it; a group on its way goes to a node that is Up"
        if step.groups
        else "nothing here depends on it",
        undo,
        "each group Pending while it moves" if step.groups else "services starting",
    )


_SAY = {
    StepKind.EVACUATE: _evacuate,
    StepKind.INSTALL: _install,
    StepKind.RESTART: _restart,
    StepKind.HANDOFF: _handoff,
    StepKind.RESTORE: _restore,
}


def risk_lines(what: str) -> tuple[str, ...]:
    """The seven of a risk gate, which runs nothing. `what` is what it lets go on: a step's title or the plan."""
    later = f"nothing by this message; {what} says its own at its gate"
    said: Seven = (
        later,
        later,
        "costs time only: the rule goes on blocking until what it names is put right",
        "it looks again when it is back; an acceptance not yet counted is counted then",
        "it is read again before anything is accepted; if a value changed, this is void",
        "reject the step's own gate; the acceptance ends with that step's attempt",
        "nothing",
    )
    return tuple(f"{label}: {text}." for label, text in zip(LABELS, said, strict=True))


def _special(campaign: Campaign, step: Step) -> list[str]:
    """What only this step has to say."""
    lines: list[str] = []
    options = step.option.split("+")
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
    if step.kind is StepKind.HANDOFF and not {"failback", "return"} & set(options):
        lines.append(f"From here on {step.cms} has run under the new level: going back means to an older one.")
    if step.kind is StepKind.INSTALL and _is_last_old_node(campaign, step):
        lines.append("Point of no return: after this step no node can run mail at the old level.")
    if step.optional:
        lines.append(
            "Optional: reject it, or let it run out, and everything stays as it is; the campaign is done all the same."
        )
    return lines


def _is_last_old_node(campaign: Campaign, step: Step) -> bool:
    nodes = [
        s.id for s in (campaign.plan.steps if campaign.plan else ()) if s.kind is StepKind.INSTALL and s.role == "node"
    ]
    return bool(nodes) and nodes[-1] == step.id
