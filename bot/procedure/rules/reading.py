"""Rules about the reading itself: is every machine heard, do the nodes agree, do the clocks."""

from __future__ import annotations

from bot.procedure.facts import ClusterKind, Unknown, same_name
from bot.procedure.picture import word
from bot.procedure.rules.case import (
    ALL_STEPS,
    CHANGING,
    Case,
    Finding,
    Rule,
    blocks,
    not_needed,
    passes,
    together,
    unknown,
)
from state.words import Fact, StepKind, When


def _heard(case: Case) -> tuple[str, ...]:
    """The machines that must have answered: the cluster's nodes, and at a step its target."""
    names = list(case.cluster.nodes if case.cluster else ())
    if case.step is not None:
        names.append(case.step.target)
        if case.in_main(case.step.target) or not case.cluster:
            names += case.main.nodes
    return tuple(dict.fromkeys(case.name(name) for name in names))


def pre_complete(case: Case) -> Finding:
    """S1-S3: nothing is decided on a machine that was not heard."""
    silent = [case.silent(name) for name in _heard(case) if case.machine(name) is None]
    if silent:
        return unknown(
            f"{'; '.join(silent)}: nothing can be said about the rules there.",
            "Look whether the machine is up and its WinRM listener answers, then recheck.",
        )
    if case.when is When.PLAN and isinstance(case.main.kind, Unknown):
        return unknown(
            f"What kind of cluster {case.main.name} is could not be read: {case.main.kind.why.rstrip('.')}.",
            "Run Get-ClusteredMailboxServerStatus on a node as the bot's account; see docs for delegation.",
        )
    kind = case.main.kind
    facts = (Fact(name="kind of cluster", value=str(kind), machine=case.main.name),) if case.when is When.PLAN else ()
    what = {ClusterKind.CCR: "CCR", ClusterKind.SCC: "a single copy cluster", ClusterKind.STANDBY: "a standby cluster"}
    said = "" if isinstance(kind, Unknown) else f" {case.main.name} is {what[kind]}."
    return passes(f"{', '.join(_heard(case))} answered.{said}", *facts)


def view_agree(case: Case) -> Finding:
    """§9: every Up node tells the same story, and the node being patched is never the only witness."""
    if case.step is not None and case.step.kind is StepKind.RESTORE and not case.step.groups:
        return not_needed("This step asks the cluster for nothing.")
    limit = case.context.limits.views_s
    found: list[Finding] = []
    for picture in case.clusters:
        before = len(found)
        if picture.unread:
            words = "; ".join(f"{name}: {why}" for name, why in picture.unread)
            found.append(
                unknown(
                    f"Cluster {picture.name} could not be seen from every running node ({words}).",
                    "Check the Cluster service on that node with: cluster.exe node",
                    patience_s=limit,
                )
            )
        if picture.disagreements:
            found.append(
                blocks(
                    f"The nodes of {picture.name} disagree: {'; '.join(picture.disagreements)}.",
                    "This may be a partition. Compare `cluster.exe node` and `cluster.exe group` on every node and "
                    "mend the network before anything else.",
                    patience_s=limit,
                )
            )
        others = [v for v in picture.views if case.step is None or not same_name(v.seen_from, case.step.target)]
        if case.step is not None and len(picture.nodes) > 1 and not others:
            rest = [name for name in picture.nodes if not same_name(name, case.step.target)]
            states = ", ".join(f"{name} is {word(picture.status(name))}" for name in rest)
            found.append(
                unknown(
                    f"Only {case.step.target} itself speaks for {picture.name}; no other node confirms it ({states}).",
                    "Bring another node of the cluster up first.",
                    *(Fact(name="node state", value=word(picture.status(name)), machine=name) for name in rest),
                    patience_s=limit,
                )
            )
        if len(found) == before:
            seen = ", ".join(view.seen_from for view in picture.views)
            found.append(passes(f"{picture.name} looks the same from {seen}."))
    if not found:
        return Finding(verdict=passes("").verdict, sentence=_alone(case), applicable=False)
    return together(found, " ".join(one.sentence for one in found))


def _alone(case: Case) -> str:
    return f"{case.step.target if case.step else 'The machine'} is a stand-alone machine: there is no cluster to see."


def clock_skew(case: Case) -> Finding:
    """DESIGN §7: a clock that is far off makes every time read from that machine worthless."""
    limit = case.context.limits.skew_s
    found = []
    for name in case.everyone:
        skew = case.said(name, lambda one: one.skew_s)
        if isinstance(skew, Unknown):
            found.append(unknown(f"The clock of {name} could not be read: {skew.why}.", "Recheck."))
            continue
        fact = Fact(name="clock", value=f"{skew:+.1f} s", machine=name, moving=True)
        if abs(skew) > limit:
            found.append(
                unknown(
                    f"The clock of {name} differs by more than {limit:.0f} s from the bot's store.",
                    "Set the time there: w32tm /resync",
                    fact,
                )
            )
        else:
            found.append(passes("", fact))
    return together(found, f"Every clock is within {limit:.0f} s.")


RULES = (
    Rule(
        id="PRE-COMPLETE",
        says="Every machine a decision rests on has answered.",
        source="S1, S2, S3: a relatively straightforward process, but specific things must be considered before it",
        sentences=("S1", "S2", "S3"),
        plan=True,
        gate=ALL_STEPS,
        needs=("an answer from every node of the cluster and from the machine of the step",),
        stops="Nothing is planned or done while one of them is silent.",
        remedy="Bring the machine or its WinRM listener back, then `/rollup recheck`.",
        judge=pre_complete,
    ),
    Rule(
        id="VIEW-AGREE",
        says="All running nodes see the same nodes, groups, owners and quorum.",
        source="facts/exchange.md §9, Quorum",
        sentences=("S8", "S9"),
        plan=True,
        gate=ALL_STEPS,
        after=frozenset({StepKind.EVACUATE, StepKind.HANDOFF, StepKind.RESTORE}),
        needs=("nodes and groups as every running node sees them",),
        stops="Two views mean a partition: acting on one of them may take mail down.",
        remedy="Compare `cluster.exe node` and `cluster.exe group` on each node; mend the network first.",
        judge=view_agree,
    ),
    Rule(
        id="CLOCK-SKEW",
        says="The clock of the machine is within 60 s.",
        source="DESIGN §7; facts/exchange.md §9, Time",
        plan=True,
        gate=CHANGING,
        needs=("the machine's clock",),
        stops="Times read there would be worthless.",
        remedy="`w32tm /resync` on the machine.",
        judge=clock_skew,
    ),
)
