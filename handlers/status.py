"""`status`, `show`, `level`, `downtime` and `history`. What a status says and in which order: handlers/night.py. Pure."""

from __future__ import annotations

from collections.abc import Sequence

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
from handlers.night import Night, above, night_blocks
from handlers.outage import pinned
from handlers.stands import STATE_WORDS, state_line, walk_line
from state.words import Campaign, GateStatus, OutcomeKind, Realm


def status_blocks(night: Night, realm: Realm, link: str) -> list[Block]:
    """One campaign in one screen: what stands above the list, the list, where it was read."""
    campaign = night.campaign
    blocks: list[Block] = [
        header(marked(f"Status: {title_of(campaign)}, {STATE_WORDS[campaign.state]}", realm)),
        *sections(above(night)),
        *pinned_blocks(campaign),
        *night_blocks(night),
        context(f"campaign {code(campaign.id)}", link, f"asked {when(night.now, '{time_secs}')}"),
    ]
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
