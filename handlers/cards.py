"""The live card at the top of a thread, the plan, and the App Home. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handlers.blocks import (
    TEXT,
    Block,
    code,
    context,
    divider,
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
from handlers.gate_blocks import Message, check_line, sorted_checks
from handlers.stands import FINAL, STATE_WORDS, state_line, waive_hint, walk_line
from state.words import Campaign, MachineLine, OutcomeKind, Plan, Realm, State, StepKind, Verdict

DONE_MARK, NOW_MARK, LEFT_MARK, BAD_MARK, UNDONE_MARK = "✓", "▸", "·", "✗", "–"


def title_of(campaign: Campaign) -> str:
    """Package and cluster, as a card's title."""
    package = campaign.package.kb if campaign.package else campaign.package_ref or "an update rollup"
    return f"{package} on {campaign.cluster}"


def step_lines(campaign: Campaign) -> list[str]:
    """One line a step: done, in hand, or left."""
    if campaign.plan is None:
        return []
    lines = []
    ended = campaign.state in {State.DONE, State.NOTHING_TO_DO}
    for n, step in enumerate(campaign.plan.steps):
        outcome = next((o for o in reversed(campaign.outcomes) if o.step == step.id), None)
        if outcome is not None and outcome.kind is OutcomeKind.LEFT:
            mark = UNDONE_MARK
        elif n < campaign.step_index or ended:
            mark = DONE_MARK
        elif n == campaign.step_index and campaign.state not in FINAL:
            failed = outcome is not None and outcome.kind not in {OutcomeKind.DONE, OutcomeKind.NEEDS_RESTART}
            mark = BAD_MARK if failed and campaign.state in {State.BLOCKED, State.ASKING, State.PAUSED} else NOW_MARK
        else:
            mark = LEFT_MARK
        tail = ""
        if outcome is not None and mark == DONE_MARK:
            down = f", users without mail {span(outcome.downtime_s)}" if outcome.downtime_s else ""
            tail = f" ({span(outcome.took_s)}{down})"
        title = f"*{esc(step.title)}*" if mark in {NOW_MARK, BAD_MARK} else esc(step.title)
        lines.append(f"{mark}  {n + 1}. {title}{tail}")
    return lines


def levels(campaign: Campaign) -> tuple[MachineLine, ...]:
    """The plan's machines, with the target level where an install of this campaign has ended well."""
    if campaign.plan is None:
        return ()
    well = {o.step for o in campaign.outcomes if o.kind in {OutcomeKind.DONE, OutcomeKind.NEEDS_RESTART}}
    done = {s.target.casefold() for s in campaign.plan.steps if s.kind is StepKind.INSTALL and s.id in well}
    return tuple(
        replace(m, level=campaign.plan.package.build)
        if m.name.casefold() in done else m
        for m in campaign.plan.machines
    )  # fmt: skip


def card(campaign: Campaign, realm: Realm) -> Message:
    """The live card: where it stands, whether one may walk away, and every step."""
    blocks: list[Block] = [
        header(marked(title_of(campaign), realm)),
        section(f"{state_line(campaign)}\n{walk_line(campaign)}"),
    ]
    blocks += sections(step_lines(campaign))
    down = campaign.user_downtime_s
    small = [f"campaign {code(campaign.id)}", f"asked for by <@{campaign.requester.user}> {when(campaign.created_at)}"]
    if campaign.plan is not None and campaign.state not in {State.PLANNING, State.PROPOSED}:
        small.append(f"users without mail so far: {span(down)}")
    blocks.append(context(*small))
    text = marked(f"{title_of(campaign)}: {STATE_WORDS[campaign.state]} ({campaign.id})", realm)
    return Message(text=text[:TEXT], blocks=tuple(fit(blocks)))


def machine_table(machines: Sequence[MachineLine]) -> Block:
    """Machines, roles, levels and what they own, aligned."""
    rows = [("machine", "role", "level", "owns")]
    rows += [(m.name, m.role, m.level, ", ".join(m.owns) or "nothing") for m in machines]
    return preformatted([("", table(rows))])


def plan_message(campaign: Campaign, plan: Plan, expires_at: float, realm: Realm) -> Message:
    """What will be done, in which order, and why. Failing checks first."""
    n = len(plan.steps)
    handoffs = sum(1 for step in plan.steps if step.kind is StepKind.HANDOFF)
    title = plan.package.title or plan.package.kb
    blocks: list[Block] = [
        header(marked(f"Plan: {title_of(campaign)}", realm)),
        section(
            f"*{esc(title)}* to level {code(plan.package.build)}: {n} steps, {handoffs} "
            f"handoff{'' if handoffs == 1 else 's'}, about {span(plan.duration_s)}. "
            f"Users without mail for about *{span(plan.downtime_s)}* in all.\nEvery step waits for a second person."
        ),
        machine_table(plan.machines),
        *sections(
            [
                f"{i}. *{esc(step.title)}*"
                + (f", {esc(step.because)}" if step.because else "")
                + f" ({code(step.rule)})"
                for i, step in enumerate(plan.steps, 1)
            ],
            lead="*Steps, and what put each one there*",
        ),
    ]
    ordered = sorted_checks(plan.checks)
    open_points = [check for check in ordered if check.verdict is not Verdict.PASS]
    passing = [check for check in ordered if check.verdict is Verdict.PASS]
    stops = [check for check in open_points if check.stops]
    if open_points:
        blocks += sections([check_line(check) for check in open_points], lead="*To know before you start*")
    if passing:
        rules = ", ".join(code(rule) for rule in dict.fromkeys(check.rule for check in passing))
        blocks += sections([f"✓  {len(passing)} {'check passes' if len(passing) == 1 else 'checks pass'}: {rules}"])
    blocks += [
        divider(),
        section(
            "*It cannot be started:* " + ", ".join(code(check.rule) for check in stops) + " blocks. "
            + " ".join(waive_hint(campaign.id, stops)) + " Nothing is locked or changed."
            if stops else
            f"`/rollup start {campaign.id}` begins it; good until {when(expires_at)}. Nothing is locked or changed yet."
        ),
        context(f"package {code(plan.package.kb)}", f"sha256 {code(plan.package.sha256[:16])}…", f"campaign {code(campaign.id)}"),
    ]  # fmt: skip
    text = marked(
        f"Plan for {title_of(campaign)}: {n} steps, {span(plan.downtime_s)} without mail. "
        + (f"Cannot be started: {stops[0].rule} blocks." if stops else f"Start: {campaign.id}"),
        realm,
    )
    return Message(text=text[:TEXT], blocks=tuple(fit(blocks)))


def home(campaigns: Sequence[Campaign], links: Sequence[str], realm: Realm) -> list[Block]:
    """The App Home: every open campaign, one paragraph each."""
    blocks: list[Block] = [header(marked("Update rollups", realm))]
    if not campaigns:
        blocks.append(section("No campaign is open. `/rollup plan CLUSTER` makes a plan; nothing is changed by it."))
    for campaign, link in zip(campaigns, links, strict=True):
        blocks += [
            divider(),
            section(f"*{esc(title_of(campaign))}* ({link})\n{state_line(campaign)}\n{walk_line(campaign)}"),
        ]
    blocks.append(context("`/rollup help` lists every command."))
    return fit(blocks, home=True)
