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
from bot.procedure.users import NOBODY, of_its_own
from bot.procedure.window import WRITE_SPANS, current, spans
from state.words import Fact, Step, StepKind

_HOW = f"window: {WRITE_SPANS}."


def _bound(case: Case, step: Step) -> bool:
    """§9: the window binds handoffs, installs or restarts of stand-alone targets, and passive nodes if settings say so."""
    if step.kind is StepKind.HANDOFF:
        return True
    return step.kind in DISRUPTIVE and (
        not case.is_node(step.target) or not case.facts.inventory.installs_outside_window
    )


def _window_of(case: Case, step: Step) -> str:
    """The window a step is bound to: a stand-alone machine has its own users, and may have its own window."""
    inventory = case.facts.inventory
    return inventory.window if case.is_node(step.target) else inventory.window_of(step.target)


def _remaining(case: Case, steps: tuple[Step, ...], first: Step) -> float:
    """Seconds from the begin of `first` to where the window may close.

    For a handoff that is the end of the last install in the plan: until all nodes are equal (§9). A stand-alone
    target binds only its own step.
    """
    expected = case.context.durations.expected
    if first.kind is not StepKind.HANDOFF:
        return expected(first)
    start = next((i for i, one in enumerate(steps) if one.id == first.id), 0)
    last = max((i for i, one in enumerate(steps) if one.kind in DISRUPTIVE), default=start)
    path = steps[start : max(last, start) + 1]
    soak = sum(case.facts.inventory.soak_s for one in path[:-1] if one.kind is StepKind.HANDOFF)
    return sum(expected(one) for one in path) + soak


def window(case: Case) -> Finding:
    """S13: downtime happens in the maintenance window, and what must follow it fits in too."""
    if case.step is not None:
        return _now(case, case.step)
    bound = [step for step in (case.plan.steps if case.plan else ()) if _bound(case, step)]
    written = dict.fromkeys(_window_of(case, step) for step in bound)
    if case.plan is None and case.facts.inventory.window:
        written = {case.facts.inventory.window: None}  # it can at least be read
    if not any(written):
        if bound:
            return not_needed(f"No maintenance window is declared for {case.main.name}.")
        return not_needed("Nothing in this plan is bound to a maintenance window.")
    found = [_fits(case, text, [one for one in bound if _window_of(case, one) == text]) for text in written if text]
    return together(found, " ".join(one.sentence for one in found))


def _now(case: Case, step: Step) -> Finding:
    written, now = _window_of(case, step), case.facts.now
    if not written:
        whose = case.main.name if case.is_node(step.target) else step.target
        return not_needed(f"No maintenance window is declared for {whose}.")
    try:
        span = current(written, now)
    except ValueError as error:
        return unknown(f"The maintenance window for {step.target} cannot be read: {error}.", _HOW)
    if not _bound(case, step):
        return not_needed("A passive node may be patched outside the window: no mail server is on it.")
    if span is None:
        return blocks(
            f"The maintenance window ({written}) is closed.",
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
        until = " until all nodes are equal" if step.kind is StepKind.HANDOFF else ""
        return blocks(
            f"What is left of the window is not enough: about {need / 60:.0f} minutes are needed{until}.",
            "Wait for the next window, or make it longer.",
            *facts,
        )
    return passes("The maintenance window is open and long enough for what must follow.", *facts)


def _fits(case: Case, written: str, bound: list[Step]) -> Finding:
    """Whether the longest opening of one window is long enough for each step that is bound to it."""
    now, steps = case.facts.now, case.plan.steps if case.plan else ()
    try:
        ahead = [span for span in spans(written, now) if span.end > now]
    except ValueError as error:
        return unknown(f"The maintenance window “{written}” cannot be read: {error}.", _HOW)
    if not bound:
        return not_needed("Nothing in this plan is bound to the maintenance window.")
    longest_step = max(bound, key=lambda step: _remaining(case, steps, step))
    need = _remaining(case, steps, longest_step)
    longest = max((span.end - max(span.begin, now) for span in ahead), default=0.0)
    fact = Fact(name="window", value=written)
    if longest < need:
        path = (
            "from the first handoff until all nodes are equal"
            if longest_step.kind is StepKind.HANDOFF
            else f"to patch {longest_step.target}"
        )
        return blocks(
            f"The maintenance window is too short: about {need / 60:.0f} minutes are needed {path}, "
            f"and at most {longest / 60:.0f} are open at a time.",
            f"Make the window ({written}) longer.",
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
        counted = {cms: case.plan.users_of(cms) if case.plan else "" for cms in moved}
        named = ", ".join(f"{cms} ({counted[cms]})" if counted[cms] else cms for cms in moved)
        parts.append(f"{named} will be away for about {minutes:.0f} minutes in all (a forecast, no promise).")
    alone = [] if isinstance(case.standbys, Unknown) else [one for one in case.standbys if not one.cluster]
    for target in alone:
        machine = case.machine(target.name)
        if machine is None or case.needs(target.name) is False:
            continue
        if (served := of_its_own(machine)) == NOBODY:
            continue
        unread = isinstance(machine.mailboxes, Unknown) or isinstance(machine.roles, Unknown)
        parts.append(
            f"{target.name} is away during its own install ({served}){': ask whose mail is there' if unread else ''}."
        )
    parts += _down_already(case)
    if not parts:
        return not_needed("No user will notice.")
    return warns(" ".join(parts), "Tell the people concerned before you start.")


def _down_already(case: Case) -> list[str]:
    """Mail that is away before anything was done: no handoff is allowed until it is back (MOVE-READY)."""
    found = []
    for cms in () if isinstance(case.main.cms, Unknown) else case.main.cms:
        if isinstance(cms.state, str) and cms.state != "Online":
            found.append(
                f"{cms.name} is {cms.state} already, before anything was done: "
                f"bring it up first, Start-ClusteredMailboxServer -Identity {cms.name}."
            )
            continue
        databases = () if isinstance(cms.databases, Unknown) else cms.databases
        if down := [db.name for db in databases if db.mounted is False]:
            found.append(f"{', '.join(down)} of {cms.name} is dismounted already: no handoff until it is mounted.")
    return found


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
    """§9: maintenance mode of the monitoring is confirmed by people; agents that hold files are listed."""
    subjects = [name for name in case.subjects if not same_name(name, case.main.name)]
    if not subjects:
        return not_needed("Nothing is going to be patched.")
    seen = warns(
        f"Monitoring will see {', '.join(subjects)} go away, one after the other.",
        "Set maintenance mode; agents that hold files cause a restart (3010).",
    )
    return together([seen, *(_agents(case, name) for name in subjects)], "")


def _agents(case: Case, name: str) -> Finding:
    agents = case.surveyed(name, lambda one: one.agents)
    if isinstance(agents, Unknown):
        return warns(f"Which agents run on {name} could not be read: {agents.why}.", "")
    fact = Fact(name="agents", value=", ".join(agents) or "none known", machine=name)
    if not agents:
        return passes("", fact)
    return warns(
        f"On {name} these agents run and may hold files: {', '.join(agents)}.",
        "Stop them for the install where their owners agree; it then ends without a restart.",
        fact,
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
        verdict="warn",
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
        verdict="warn",
        stops="It only warns: approving confirms it.",
        remedy="Ask the owner of that server.",
        judge=witness_quiet,
    ),
    Rule(
        id="MONITORING",
        says="Monitoring is told before machines go away.",
        source="facts/exchange.md §9, Software on the node",
        plan=True,
        needs=("running services known to be agents; that they are in maintenance mode people confirm",),
        verdict="warn",
        stops="It only warns.",
        remedy="Set maintenance mode.",
        judge=monitoring,
    ),
)
