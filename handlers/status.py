"""`status`, `show`, `level`, `downtime` and `history`: what an on-call engineer wants at two in the morning. Pure.

Order from facts/exchange.md §9: mail, failover, Paused nodes, what runs, quorum, levels, copies, age of facts,
point of no return, approvers, safe to walk away (which stands first), commands that end an outage, job folder.
What the campaign's state does not hold is said to be unknown, never left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers import advice
from handlers.blocks import (
    Block,
    code,
    context,
    esc,
    fit,
    header,
    marked,
    preformatted,
    section,
    sections,
    span,
    table,
    when,
)
from handlers.cards import levels, machine_table, step_lines, title_of
from handlers.gate_blocks import HOW, check_line, sorted_checks
from handlers.outage import pinned
from handlers.stands import FINAL, STATE_WORDS, approvers_line, no_return_line, state_line, walk_line
from state.words import Campaign, Check, GateStatus, OutcomeKind, Policy, Realm, State, Verdict

# Which rules' newest checks answer which question, in the order they are asked.
TOPICS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Mail", ("MOVE-DONE", "NODE-PASSIVE", "BOTH-NODES")),
    ("Failover now", ("SPARE-UP", "MOVE-READY", "NODE-PAUSED", "CLUSSVC-BACK")),
    ("Quorum and Cluster Group", ("QUORUM-SURVIVES", "VIEW-AGREE", "GROUPS-SNAPSHOT", "NODE-EMPTY")),
    ("Copies and SCR", ("SCR-COPY-OK", "SEEDING-NONE", "SCR-TARGETS-FIRST", "MOVE-READY")),
)


def readings(campaign: Campaign) -> Iterator[tuple[float, Check]]:
    """Every stored check with the lab time it was made at, newest first."""
    found: list[tuple[float, tuple[Check, ...]]] = []
    if campaign.stop is not None:
        found.append((campaign.stop.since, campaign.stop.checks))
    if campaign.gate is not None:
        found.append((campaign.gate.opened_at, campaign.gate.checks))
    found += [(outcome.at, outcome.checks) for outcome in campaign.outcomes]
    if campaign.plan is not None:
        found.append((campaign.plan.made_at, campaign.plan.checks))
    for at, checks in sorted(found, key=lambda each: -each[0]):
        for check in checks:
            yield at, check


def newest(campaign: Campaign, rules: Sequence[str]) -> tuple[tuple[float, Check], ...]:
    """The newest applicable check of each of these rules that was ever made."""
    seen: dict[str, tuple[float, Check]] = {}
    for at, check in readings(campaign):
        if check.rule in rules and check.applicable:
            seen.setdefault(check.rule, (at, check))
    return tuple(seen[rule] for rule in rules if rule in seen)


def _topic(campaign: Campaign, title: str, rules: Sequence[str]) -> str:
    found = newest(campaign, rules)
    if not found:
        return f"*{title}:* unknown, not read by this campaign yet"
    worst = sorted(found, key=lambda each: (each[1].verdict is Verdict.PASS, -each[0]))[:2]
    said = "  ".join(f"{esc(check.sentence)} ({when(at, '{time_secs}')})" for at, check in worst)
    return f"*{title}:* {said}"


def _running(campaign: Campaign, now: float, progress: str) -> str:
    job = campaign.open_job
    if job is None:
        return "*Running:* nothing"
    since = job.started_at or job.opened_at
    step = campaign.step
    against = f", expected about {span(step.expected_s)}" if step is not None and step.expected_s else ""
    command = job.order.command
    last = f". Last word: {esc(progress)}" if progress else ""
    return f"*Running:* {esc(command.purpose)} on {esc(command.node)}, for {span(now - since)}{against}{last}"


def _mail(campaign: Campaign) -> str:
    if campaign.open_job is not None and advice.is_handoff(campaign) and campaign.step is not None:
        since = when(campaign.open_job.started_at or campaign.open_job.opened_at, "{time_secs}")
        return f"*Mail:* {esc(campaign.step.cms)} is being moved since {since}; its users are without mail meanwhile"
    return _topic(campaign, *TOPICS[0])


def status_blocks(
    campaign: Campaign, policy: Policy, realm: Realm, now: float, link: str, progress: str = ""
) -> list[Block]:
    """One campaign in one screen; the first line says whether one may walk away."""
    lines = [walk_line(campaign), state_line(campaign)]
    more = [_mail(campaign)]
    more += [_topic(campaign, *topic) for topic in TOPICS[1:2]]
    paused = ", ".join(esc(node) for node in campaign.paused_nodes) or "none by us"
    more += [f"*Nodes Paused:* {paused}", _running(campaign, now, progress)]
    more += [_topic(campaign, *topic) for topic in TOPICS[2:3]]
    level = ", ".join(f"{esc(m.name)} {code(m.level)}" for m in levels(campaign)) or "unknown, not read yet"
    more.append(f"*Level:* {level}")
    more += [_topic(campaign, *topic) for topic in TOPICS[3:]]
    oldest = min((at for at, _check in readings(campaign)), default=None)
    youngest = max((at for at, _check in readings(campaign)), default=None)
    if youngest is not None and oldest is not None:
        more.append(f"*Age of facts:* newest {span(now - youngest)}, oldest {span(now - oldest)}")
    if campaign.state not in FINAL:
        more += [line for line in (no_return_line(campaign),) if line]
        more.append(approvers_line(campaign, policy))
    blocks: list[Block] = [
        header(marked(f"Status: {title_of(campaign)}", realm)),
        *sections(lines),
        *pinned_blocks(campaign),
        *sections(more),
    ]
    commands = advice.outage_commands(campaign) if campaign.state not in {State.PLANNING, State.PROPOSED} else ()
    if commands and campaign.state not in FINAL:
        blocks.append(preformatted([(f"By hand, to {purpose}:", command) for purpose, command in commands]))
    where = advice.where_to_look(campaign)
    if where:
        blocks += sections(where)
    blocks.append(context(f"campaign {code(campaign.id)}", link, f"read {when(now, '{time_secs}')}"))
    return fit(blocks)


def pinned_blocks(campaign: Campaign) -> list[Block]:
    """The commands that end the outage the last reading shows, for a human, at once; nothing while mail is up."""
    down = pinned(campaign)
    if not down:
        return []
    lead = "*Mail is down. By hand, now, on any node, without waiting for a vote;* the bot reads again and goes on:"
    return [section(lead), preformatted([(f"To {purpose}:", command) for purpose, command in down])]


def overview_blocks(
    campaigns: Sequence[Campaign], links: Sequence[str], clusters: Sequence[str], realm: Realm
) -> list[Block]:
    """Every open campaign in one screen, the unsafe ones first."""
    if not campaigns:
        known = ", ".join(code(name) for name in clusters) or "none declared"
        return [section(f"*Safe to walk away: yes*, no campaign is open. Clusters: {known}.")]
    blocks: list[Block] = [header(marked("Status", realm))]
    for campaign, link in zip(campaigns, links, strict=True):
        blocks.append(
            section(
                f"{walk_line(campaign)}\n*{esc(title_of(campaign))}* ({code(campaign.id)}, {link})\n{state_line(campaign)}"
            )
        )
    blocks.append(context("`/rollup status CAMPAIGN` shows one of them in full."))
    return fit(blocks)


def show_blocks(campaign: Campaign, realm: Realm, link: str) -> list[Block]:
    """The plan and the open gate with its exact commands."""
    blocks: list[Block] = [header(marked(title_of(campaign), realm)), section(state_line(campaign))]
    if campaign.plan is not None:
        blocks += [machine_table(levels(campaign)), *sections(step_lines(campaign))]
    gate = campaign.gate
    if gate is not None and gate.status in {GateStatus.PREPARED, GateStatus.OPENED}:
        blocks.append(
            section(f"*Gate:* {esc(gate.title)}, evidence {code(gate.digest[:8])}, until {when(gate.expires_at)}")
        )
        blocks.append(preformatted([(f"{c.purpose} (on {c.node}, {HOW[c.kind]})", c.text) for c in gate.commands]))
        blocks += sections([check_line(check, facts=False) for check in sorted_checks(gate.checks)])
    blocks.append(context(f"campaign {code(campaign.id)}", link))
    return fit(blocks)


def level_blocks(campaigns: Sequence[Campaign], realm: Realm) -> list[Block]:
    """The build on each machine as the newest campaign with a plan knows it."""
    blocks: list[Block] = []
    for campaign in campaigns:
        if campaign.plan is None:
            continue
        at = max(campaign.plan.made_at, *(outcome.at for outcome in campaign.outcomes), 0.0)
        blocks += [
            header(marked(f"Level: {campaign.cluster}", realm)),
            machine_table(levels(campaign)),
            context(f"read {when(campaign.plan.made_at)}, carried on to {when(at)}", f"campaign {code(campaign.id)}"),
        ]
    return (
        fit(blocks)
        if blocks
        else [section("No level is known: no plan was made yet. `/rollup plan CLUSTER` reads the cluster.")]
    )


def downtime_blocks(campaigns: Sequence[Campaign], realm: Realm) -> list[Block]:
    """Measured user downtime per campaign and handoff, beside the forecast."""
    blocks: list[Block] = []
    for campaign in campaigns:
        if campaign.plan is None:
            continue
        titles = {step.id: step for step in campaign.plan.steps}
        rows = [("handoff", "forecast", "measured")]
        for outcome in campaign.outcomes:
            step = titles.get(outcome.step)
            if step is not None and outcome.downtime_s is not None:
                rows.append((step.title, span(step.downtime_s), f"{round(outcome.downtime_s)} s"))
        said = f"users without mail: *{round(campaign.user_downtime_s)} s* so far, {span(campaign.plan.downtime_s)} forecast in all"
        blocks.append(section(f"*{esc(marked(title_of(campaign), realm))}* ({code(campaign.id)}): {said}"))
        if len(rows) > 1:
            blocks.append(preformatted([("", table(rows))]))
    return fit(blocks) if blocks else [section("Nothing was measured yet: no plan was made.")]


def history_blocks(campaigns: Sequence[Campaign], links: Sequence[str], realm: Realm) -> list[Block]:
    """Campaigns and how they ended, last changed first."""
    if not campaigns:
        return [section("There was no campaign yet.")]
    lines = []
    for campaign, link in zip(campaigns, links, strict=True):
        done = sum(1 for outcome in campaign.outcomes if outcome.kind is OutcomeKind.DONE)
        down = f", {round(campaign.user_downtime_s)} s without mail" if campaign.user_downtime_s else ""
        lines.append(
            f"{code(campaign.id)} {esc(title_of(campaign))}: *{STATE_WORDS[campaign.state]}*, {done} steps done{down}, "
            f"by <@{campaign.requester.user}> {when(campaign.created_at)} ({link})"
        )
    return fit(sections(lines, lead=marked("*History*", realm)))
