"""What an on-call engineer wants at two in the morning, item by item, in the order of facts/exchange.md §9. Pure.

Every item is always there: what is not known says "unknown" and why. Two things stand above the list, because §9
asks for that too: a node still Paused when a campaign is over, and the commands that end an outage under way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from handlers import advice
from handlers.blocks import Block, code, esc, preformatted, section, sections, span, when
from handlers.cards import levels
from handlers.outage import pinned
from handlers.stands import FINAL, approvers_line, no_return_line, state_line, walk_line
from state.history import Measured
from state.showing import Shown
from state.words import Campaign, JobKind, MailSeen, Policy, Seen, State, StepKind

NOT_READ = "unknown, not read by this campaign yet"
_NO_COMMANDS = frozenset({State.PLANNING, State.PROPOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """Everything the list is made from. `now` is lab time; `took` the measured durations by kind of step."""

    campaign: Campaign
    policy: Policy
    now: float
    shown: Shown = field(default_factory=Shown)
    took: Mapping[StepKind, Measured] = field(default_factory=dict)
    job_root: str = advice.JOB_ROOT
    asked: bool = False  # the reading is old, and the engine was asked for another

    @property
    def seen(self) -> Seen | None:
        """The newest reading."""
        return self.shown.seen

    @property
    def over(self) -> bool:
        """Whether the campaign has ended or is ending."""
        return self.campaign.state in FINAL or self.campaign.state is State.ABORTING

    @property
    def paused(self) -> tuple[str, ...]:
        """Nodes Paused by the last reading or by our own record."""
        said = [node for node, status in self.seen.nodes if status == "Paused"] if self.seen is not None else []
        folded = {node.casefold() for node in said}
        return (*said, *(node for node in self.campaign.paused_nodes if node.casefold() not in folded))


def _mail(night: Night) -> list[str]:
    campaign = night.campaign
    step, job = campaign.step, campaign.open_job
    if job is not None and step is not None and advice.is_handoff(campaign):
        since = when(job.started_at or job.opened_at, "{time_secs}")
        users = _users(campaign, step.cms)
        return [f"*Mail:* {esc(step.cms)} is being moved since {since}; its users ({users}) are without mail meanwhile"]
    if night.seen is None or not night.seen.mail:
        names = ", ".join(campaign.plan.cms) if campaign.plan else ""
        return [f"*Mail:* {esc(names)}{' ' if names else ''}{NOT_READ}"]
    return ["*Mail:* " + "\n      ".join(f"{_one_mail(one)}; {_users(campaign, one.cms)}" for one in night.seen.mail)]


def _users(campaign: Campaign, cms: str) -> str:
    """How many the plan counted, which is as old as the plan."""
    counted = campaign.plan.users_of(cms) if campaign.plan else ""
    return esc(counted or "how many mailboxes is unknown, not read by this campaign")


def _one_mail(one: MailSeen) -> str:
    word = {True: "is up", False: "is *DOWN*", None: "unknown"}[one.up]
    since = f", so since {when(one.since, '{time_secs}')}" if one.up is not None else ""
    return f"{esc(one.cms)} {word}{since}: {esc(one.said)}"


def _failover(night: Night) -> list[str]:
    if night.seen is None or not night.seen.mail:
        return [f"*Failover now:* {NOT_READ}"]
    word = {True: "possible", False: "*NOT possible*", None: "unknown"}
    said = [f"{esc(one.cms)} {word[one.failover]}, {esc(one.failover_said)}" for one in night.seen.mail]
    return ["*Failover now:* " + "\n      ".join(said)]


def _paused(night: Night) -> list[str]:
    if not night.paused:
        return [f"*Nodes Paused:* {'none' if night.seen is not None else 'none by us; else ' + NOT_READ}"]
    ours = {node.casefold() for node in night.campaign.paused_nodes}
    return [
        "*Nodes Paused:* " + ", ".join(f"*{esc(n)}*{' by us' if n.casefold() in ours else ''}" for n in night.paused)
    ]


def _running(night: Night) -> list[str]:
    campaign = night.campaign
    job, step = campaign.open_job, campaign.step
    if job is None:
        return [f"*Running:* no job at this moment. {state_line(campaign)}"]
    command = job.order.command
    spent = span(night.now - (job.started_at or job.opened_at))
    known = night.took.get(step.kind) if step is not None else None
    against = "no forecast"
    if known is not None:
        against = f"p90 {span(known.p90_s)} of {known.count} measured"
    elif step is not None and step.expected_s:
        against = f"default {span(step.expected_s)}, not measured yet"
    line = night.shown.line
    if line is not None and line.job == job.order.name and line.line:
        old = span(night.now - line.at + (line.age_s or 0.0))
        last = f"last log line {old} ago: {code(line.line[:200])}"
    else:
        last = "last log line unknown, " + (
            "a short command writes none" if command.kind is JobKind.SHELL else "not read yet"
        )
    return [f"*Running:* {esc(command.purpose)} on {esc(command.node)}, for {spent} ({against}); {last}"]


def _quorum(night: Night) -> list[str]:
    if night.seen is None:
        return [f"*Cluster Group and quorum:* {NOT_READ}"]
    return [f"*Cluster Group and quorum:* {esc(night.seen.group or NOT_READ)}. {esc(night.seen.quorum or NOT_READ)}"]


def _level(night: Night) -> list[str]:
    read = night.seen.levels if night.seen is not None else ()
    said = read or tuple((line.name, line.level) for line in levels(night.campaign))
    return ["*Level:* " + (", ".join(f"{esc(name)} {code(level)}" for name, level in said) or NOT_READ)]


def _copies(night: Night) -> list[str]:
    if night.seen is None:
        said, hours = NOT_READ, ""
    else:
        said = "; ".join(esc(one) for one in night.seen.copies) or "all Healthy"
        hours = night.seen.log_hours
    return [f"*Copies and SCR:* {said}. Log volumes: {esc(hours) or 'hours left ' + NOT_READ}"]


def _age(night: Night) -> list[str]:
    campaign = night.campaign
    ages = []
    if night.seen is not None:
        ages.append(f"mail, failover, nodes, quorum, levels and copies {span(night.now - night.seen.at)}")
        if night.seen.log_hours:
            ages.append(f"the log volumes {span(night.now - night.seen.log_hours_at)}")
    else:
        ages.append("the machines unknown, not read")
    line, job = night.shown.line, campaign.open_job
    if line is not None and job is not None and line.job == job.order.name:
        ages.append(f"the job's log {span(night.now - line.at)}")
    if campaign.gate is not None:
        ages.append(f"the gate's checks {span(night.now - campaign.gate.opened_at)}")
    if campaign.plan is not None:
        ages.append(f"the plan {span(night.now - campaign.plan.made_at)}")
    again = ". *A new reading was asked for just now: ask again in a minute*" if night.asked else ""
    return ["*Age of facts:* " + ", ".join(ages) + again]


def _no_return(night: Night) -> list[str]:
    if night.campaign.state in FINAL:
        return ["*Next point of no return:* none, the campaign has ended"]
    if night.over:
        return ["*Next point of no return:* none, the campaign is being aborted"]
    return [no_return_line(night.campaign) or "*Next point of no return:* unknown, there is no plan yet"]


def _approvers(night: Night) -> list[str]:
    if night.over:
        return ["*Who may approve:* nothing is left to approve"]
    return [approvers_line(night.campaign, night.policy)]


def _walk(night: Night) -> list[str]:
    down = [one.cms for one in night.seen.mail if one.up is False] if night.seen is not None else []
    if down and not pinned(night.campaign):
        return [f"*Safe to walk away: NO*, {esc(', '.join(down))} is down by the last reading."]
    if night.over and night.paused:
        said = ", ".join(esc(node) for node in night.paused)
        return [
            f"*Safe to walk away: NO*, {said} is Paused: if another node fails, mail stays down until it is resumed."
        ]
    return [walk_line(night.campaign)]


def by_hand(night: Night) -> list[Block]:
    """Commands to copy that end an outage."""
    campaign = night.campaign
    commands = advice.outage_commands(campaign) if campaign.state not in _NO_COMMANDS else ()
    if not commands:
        return sections(["*By hand, if mail is down:* no command yet, nothing was started and no mail server touched"])
    return [
        section("*By hand, if mail is down:*"),
        preformatted([(f"To {purpose}:", command) for purpose, command in commands]),
    ]


def bot_dead(night: Night) -> list[Block]:
    """Where the running job lies, should the bot be dead."""
    campaign, root = night.campaign, night.job_root
    job = campaign.open_job
    if job is not None:
        folder = f"{root}\\{job.order.name}"
        command = job.order.command
        log = "install.log" if command.effect == "install" else "log"
        said = f"on {esc(command.node)} folder {code(folder)}, task {advice.task_of(job)}, log {code(folder + chr(92) + log)}"
    elif campaign.known_jobs:
        said = f"no job is open; the last one's folder is {code(root + chr(92) + campaign.known_jobs[-1][0])}"
    else:
        said = f"no job was started; folders would be under {code(root)}, tasks named {code('rollup-bot-…')}"
    return sections([f"*If the bot is dead:* {said}"])


ITEMS: tuple[tuple[str, Callable[[Night], list[str]]], ...] = (
    ("Mail", _mail),
    ("Failover now", _failover),
    ("Nodes Paused", _paused),
    ("Running", _running),
    ("Cluster Group and quorum", _quorum),
    ("Level", _level),
    ("Copies and SCR", _copies),
    ("Age of facts", _age),
    ("Next point of no return", _no_return),
    ("Who may approve", _approvers),
    ("Safe to walk away", _walk),
)


def above(night: Night) -> list[str]:
    """What stands before the list: a node still Paused when the campaign is over."""
    if not (night.over and night.paused):
        return []
    said = ", ".join(esc(node) for node in night.paused)
    commands = "  ".join(code(f"cluster.exe node {node} /resume") for node in night.paused)
    return [f"*STILL PAUSED: {said}.* Nothing can fail over to it until somebody runs {commands}"]


def night_blocks(night: Night) -> list[Block]:
    """The whole list, in its order."""
    lines = [line for _name, item in ITEMS for line in item(night)]
    return [*sections(lines), *by_hand(night), *bot_dead(night)]
