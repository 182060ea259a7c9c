"""Rules about people: S13 of the document. The window, the notice, and what only people can promise."""

from __future__ import annotations

from bot.procedure.facts import QuorumModel, Unknown, same_name
from bot.procedure.rules.case import (
    DISRUPTIVE,
    Case,
    Finding,
    Rule,
    blocks,
    not_needed,
    passes,
    together,
    unknown,
    warns,
)
from bot.procedure.window import Span, current, spans
from state.words import Fact, Step, StepKind

_HOW = 'Write it like: window = "Sat 22:00-04:00 +01:00"'


def _bound(case: Case, step: Step) -> bool:
    """§9: the window binds handoffs, and installs or restarts of stand-alone targets."""
    return step.kind is StepKind.HANDOFF or (step.kind in DISRUPTIVE and not case.is_node(step.target))


def _remaining(case: Case, steps: tuple[Step, ...], first: Step) -> float:
    """Seconds from the begin of `first` to where the window may close.

    For a handoff that is the end of the last install in the plan: until all nodes are equal (§9). A stand-alone
    target binds only its own step.
    """
    if first.kind is not StepKind.HANDOFF:
        return first.expected_s
    start = next((i for i, one in enumerate(steps) if one.id == first.id), 0)
    last = max((i for i, one in enumerate(steps) if one.kind in DISRUPTIVE), default=start)
    path = steps[start : max(last, start) + 1]
    soak = sum(case.facts.inventory.soak_s for one in path[:-1] if one.kind is StepKind.HANDOFF)
    return sum(one.expected_s for one in path) + soak


def window(case: Case) -> Finding:
    """S13: downtime happens in the maintenance window, and what must follow it fits in too."""
    written = case.facts.inventory.window
    if not written:
        return not_needed(f"No maintenance window is declared for {case.main.name}.")
    now = case.facts.now
    try:
        if case.step is not None:
            return _now(case, case.step, current(written, now), now)
        return _fits(case, spans(written, now), now)
    except ValueError as error:
        return unknown(f"The maintenance window of {case.main.name} cannot be read: {error}.", _HOW)


def _now(case: Case, step: Step, span: Span | None, now: float) -> Finding:
    if not _bound(case, step):
        return not_needed("A passive node may be patched outside the window: no mail server is on it.")
    if span is None:
        return blocks(
            f"The maintenance window ({case.facts.inventory.window}) is closed.",
            "Wait for it; the campaign goes on by itself then.",
            Fact(name="window", value="closed"),
        )
    left = span.end - now
    need = _remaining(case, case.plan.steps if case.plan else (step,), step)
    need = max(need, case.context.limits.handoff_margin_s if step.kind is StepKind.HANDOFF else 0.0)
    facts = (
        Fact(name="window", value="open"),
        Fact(name="left of the window", value=f"{left / 60:.0f} min", moving=True),
    )
    if left < need:
        return blocks(
            f"What is left of the window is not enough: about {need / 60:.0f} minutes are needed "
            "until all nodes are equal."
            if step.kind is StepKind.HANDOFF
            else f"What is left of the window is not enough: about {need / 60:.0f} minutes are needed.",
            "Wait for the next window, or make it longer.",
            *facts,
        )
    return passes("The maintenance window is open and long enough for what must follow.", *facts)


def _fits(case: Case, openings: tuple[Span, ...], now: float) -> Finding:
    steps = case.plan.steps if case.plan else ()
    bound = [step for step in steps if _bound(case, step)]
    if not bound:
        return not_needed("Nothing in this plan is bound to the maintenance window.")
    need = max(_remaining(case, steps, step) for step in bound)
    ahead = [span for span in openings if span.end > now]
    longest = max((span.end - max(span.begin, now) for span in ahead), default=0.0)
    fact = Fact(name="window", value=case.facts.inventory.window)
    if longest < need:
        return blocks(
            f"The maintenance window is too short: about {need / 60:.0f} minutes are needed from the first handoff "
            f"until all nodes are equal, and at most {longest / 60:.0f} are open at a time.",
            f"Make the window of {case.main.name} longer.",
            fact,
        )
    return passes(f"The window is long enough: about {need / 60:.0f} minutes are needed at a time.", fact)


def notice(case: Case) -> Finding:
    """S13: who will notice, and for how long; told in the plan."""
    steps = case.plan.steps if case.plan else ()
    moved = list(dict.fromkeys(step.cms for step in steps if step.kind is StepKind.HANDOFF and step.cms))
    parts = []
    if moved:
        minutes = sum(step.downtime_s for step in steps) / 60
        parts.append(
            f"{', '.join(moved)} will be away for about {minutes:.0f} minutes in all (a forecast, no promise)."
        )
    alone = [] if isinstance(case.standbys, Unknown) else [one for one in case.standbys if not one.cluster]
    for target in alone:
        machine = case.machine(target.name)
        if machine is None or case.needs(target.name) is False:
            continue
        boxes, roles = machine.mailboxes, machine.roles
        if isinstance(boxes, int) and boxes > 0:
            parts.append(f"{target.name} has {boxes} mailboxes of its own: they are away during its install.")
        other = [] if isinstance(roles, Unknown) else [one for one in roles if one.casefold() != "mailbox"]
        if other:
            parts.append(f"{target.name} also serves as {', '.join(other)}.")
    if not parts:
        return not_needed("No user will notice.")
    return warns(" ".join(parts), "Tell the people concerned before you start.")


def witness_quiet(case: Case) -> Finding:
    """§9: nobody patches or restarts the witness meanwhile; only people can promise that."""
    found = []
    for picture in case.clusters:
        model = picture.quorum
        if isinstance(model, Unknown) or model not in {QuorumModel.MNS_SHARE, QuorumModel.NODE_SHARE}:
            continue
        host = picture.witness.strip("\\").split("\\", 1)[0] or "the host of the witness share"
        found.append(
            warns(
                f"{picture.name} leans on {picture.witness or 'its witness share'}.",
                f"By approving you also say: nobody patches or restarts {host} meanwhile.",
                Fact(name="witness", value=picture.witness, machine=picture.name),
            )
        )
    if not found:
        return not_needed("No file share witness is involved.")
    return together(found, "")


def monitoring(case: Case) -> Finding:
    """§9: maintenance mode of the monitoring is confirmed by people."""
    names = ", ".join(name for name in case.subjects if not same_name(name, case.main.name))
    if not names:
        return not_needed("Nothing is going to be patched.")
    return warns(
        f"Monitoring will see {names} go away, one after the other.",
        "Set maintenance mode; agents that hold files cause a restart (3010).",
    )


RULES = (
    Rule(
        id="WINDOW",
        says="Handoffs, and installs on stand-alone targets, happen inside the maintenance window and what follows fits.",
        source="S13: installing an update rollup involves some downtime; facts/exchange.md §9, Time",
        sentences=("S13",),
        plan=True,
        gate=frozenset({StepKind.HANDOFF, StepKind.INSTALL, StepKind.RESTART}),
        needs=("the declared window", "forecast of the remaining steps"),
        stops="Mail would be away at a time nobody agreed to.",
        remedy="Wait for the window or make it longer.",
        judge=window,
    ),
    Rule(
        id="NOTICE",
        says="The plan says who will notice and for how long.",
        source="S13; facts/exchange.md §8",
        sentences=("S13",),
        plan=True,
        needs=("the plan", "mailboxes and roles of stand-alone targets"),
        stops="It only warns.",
        remedy="Tell the people concerned.",
        judge=notice,
    ),
    Rule(
        id="WITNESS-QUIET",
        says="Nobody patches or restarts the host of the witness share meanwhile.",
        source="facts/exchange.md §9, Quorum; bb676490",
        sentences=("S8",),
        plan=True,
        gate=DISRUPTIVE,
        needs=("the witness as the cluster names it",),
        stops="It only warns: approving confirms it.",
        remedy="Ask the owner of that server.",
        judge=witness_quiet,
    ),
    Rule(
        id="MONITORING",
        says="Monitoring is told before machines go away.",
        source="facts/exchange.md §9, Software on the node",
        plan=True,
        needs=("nothing that can be read: people confirm it",),
        stops="It only warns.",
        remedy="Set maintenance mode.",
        judge=monitoring,
    ),
)
