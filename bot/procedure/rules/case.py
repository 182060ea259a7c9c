"""What a rule is judged on, and what a row of the table looks like. A rule needs nothing but this room and its facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts, MachineFacts, SurveyFacts, Unknown, same_name
from bot.procedure.levels import Build, lower_of, machine_level, try_build, updated
from bot.procedure.picture import Cms, Picture
from bot.procedure.reach import Standby, cluster_name_of, known_name, left_out, picture_of, scope, standbys
from bot.procedure.rules.finding import Finding, blocks, not_needed, passes, together, unknown, warns
from state.words import Package, Plan, Step, StepKind, Waiver, When

__all__ = [
    "ALL_STEPS", "CHANGING", "DISRUPTIVE", "FIX_BUILD", "NODE_STEPS", "NO_BUILD", "Case", "Finding", "Judge", "Rule",
    "alone", "blocks", "mail_servers", "not_needed", "passes", "scr_targets", "together", "unknown", "warns",
]  # fmt: skip

_T = TypeVar("_T")

NODE_STEPS = frozenset({StepKind.EVACUATE, StepKind.INSTALL, StepKind.RESTART})
DISRUPTIVE = frozenset({StepKind.INSTALL, StepKind.RESTART})
ALL_STEPS = frozenset(StepKind)
NO_BUILD = "The declared build of the package is not a build of four numbers."
FIX_BUILD = "Correct `build` of the package in rollup.toml."
CHANGING = ALL_STEPS - {StepKind.RESTORE}


@dataclass(frozen=True)
class Case:
    """Everything a rule may look at. `step` is None at PLAN and at the close."""

    when: When
    facts: EstateFacts
    package: Package
    context: Context
    plan: Plan | None = None
    step: Step | None = None
    _pictures: dict[str, Picture] = field(default_factory=dict)
    _levels: dict[str, Build | Unknown] = field(default_factory=dict)

    @cached_property
    def target_build(self) -> Build | Unknown:
        """The build the package brings."""
        return try_build(self.package.build)

    def picture(self, cluster: str) -> Picture:
        """One cluster's picture, made once per case."""
        key = cluster.casefold()
        if key not in self._pictures:
            self._pictures[key] = picture_of(self.facts, cluster)
        return self._pictures[key]

    @cached_property
    def main(self) -> Picture:
        """The campaign's cluster."""
        return self.picture(self.facts.inventory.cluster)

    @cached_property
    def standbys(self) -> tuple[Standby, ...] | Unknown:
        """The SCR targets of the campaign's cluster."""
        return standbys(self.facts, self.main)

    @cached_property
    def cluster(self) -> Picture | None:
        """The cluster the step happens in: None for a stand-alone machine; at PLAN the campaign's cluster."""
        if self.step is None:
            return self.main
        name = self.step.cluster or cluster_name_of(self.facts, self.step.target)
        return self.picture(name) if name else None

    @cached_property
    def clusters(self) -> tuple[Picture, ...]:
        """At PLAN and close the campaign's cluster and every target's; at a step only the step's."""
        if self.step is not None:
            return (self.cluster,) if self.cluster else ()
        found = {self.main.name.casefold(): self.main}
        if not isinstance(self.standbys, Unknown):
            for target in self.standbys:
                if target.cluster:
                    found.setdefault(target.cluster.casefold(), self.picture(target.cluster))
        return tuple(found.values())

    @cached_property
    def scope(self) -> tuple[str, ...]:
        """Every machine of the campaign."""
        return scope(self.facts)

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """The machines a rule about "the machine being patched" looks at: the step's, or at PLAN all below level."""
        if self.step is not None:
            return (self.step.target,)
        return tuple(name for name in self.everyone if self.needs(name) is not False)

    @cached_property
    def everyone(self) -> tuple[str, ...]:
        """The step's machine, or at PLAN every machine of the campaign but the SCR targets that did not answer."""
        if self.step is not None:
            return (self.step.target,)
        return tuple(name for name in self.scope if not any(same_name(name, one) for one in self.unheard))

    @cached_property
    def unheard(self) -> tuple[str, ...]:
        """The machines of every SCR target that did not answer as a whole.

        Nothing is planned for them, so SCR-TARGETS-FIRST alone speaks of them, and blocks until it is waived.
        """
        targets = () if isinstance(self.standbys, Unknown) else self.standbys
        return tuple(
            name
            for target in targets
            if not self.in_main(target.name) and any(self.machine(one) is None for one in target.machines)
            for name in target.machines
        )

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The SCR targets the plan does without, because whoever started it had waived SCR-TARGETS-FIRST for them."""
        return left_out(self.plan) if self.plan else ()

    @cached_property
    def leaving(self) -> tuple[tuple[Picture, str], ...]:
        """The nodes whose Cluster service will stop: the step's, or at PLAN all that need the rollup."""
        return tuple(
            (picture, name)
            for picture in self.clusters
            for name in picture.nodes
            if any(same_name(name, one) for one in self.subjects)
        )

    def machine(self, name: str) -> MachineFacts | None:
        """A machine's facts, if it was read and answered."""
        found = self.facts.machine(name)
        return found if found is not None and found.reached else None

    def said(self, name: str, fact: Callable[[MachineFacts], _T | Unknown]) -> _T | Unknown:
        """One fact of a machine, or why it is not known."""
        machine = self.machine(name)
        return fact(machine) if machine else Unknown(self.silent(name))

    def surveyed(self, name: str, fact: Callable[[SurveyFacts], _T | Unknown]) -> _T | Unknown:
        """One fact of a machine that only this moment needs, or why it is not known."""
        survey = self.said(name, lambda one: one.survey)
        return survey if isinstance(survey, Unknown) else fact(survey)

    def silent(self, name: str) -> str:
        """Why a machine has no facts."""
        found = self.facts.machine(name)
        if found is None:
            return f"{name} was not read"
        return f"{found.name} did not answer ({found.why_not or 'no reason given'})"

    def level(self, name: str) -> Build | Unknown:
        """A machine's level; the lower of two sources that disagree where LEVEL-AGREE judges that, or was waived.

        So that the disagreement is one finding, which can be waived, and not a dozen that cannot.
        """
        key = name.casefold()
        if key not in self._levels:
            found = machine_level(self.facts.machine(name), name)
            if isinstance(found, Unknown) and (self.asks_level(name) or self.waives("LEVEL-AGREE")):
                found = self.lower(name) or found
            self._levels[key] = found
        return self._levels[key]

    def asks_level(self, name: str) -> bool:
        """Whether LEVEL-AGREE is judged on this machine at this moment."""
        if self.step is None:
            return self.when is When.PLAN
        return self.when is When.GATE and self.step.kind is StepKind.INSTALL and same_name(name, self.step.target)

    def lower(self, name: str) -> Build | None:
        """The lower of two levels that a machine's sources name, if both are known ones; else None."""
        machine = self.machine(name)
        found = lower_of(machine.level) if machine else None
        return found if isinstance(found, Build) else None

    def needs(self, name: str) -> bool | Unknown:
        """Whether a machine is below the target level."""
        if isinstance(self.target_build, Unknown):
            return self.target_build
        there = updated(self.level(name), self.target_build)
        return there if isinstance(there, Unknown) else not there

    def is_node(self, name: str) -> bool:
        """Whether a machine is a node of some cluster."""
        return bool(cluster_name_of(self.facts, name))

    def in_main(self, name: str) -> bool:
        """Whether a machine is a node of the campaign's cluster."""
        return any(same_name(node, name) for node in self.main.nodes)

    def name(self, typed: str) -> str:
        """A machine's name as the facts spell it."""
        return known_name(self.facts, typed)

    def paused_by_us(self, name: str) -> bool:
        """Whether we paused this node: on record, or by a pause that was cut off.

        It was cut off where a job of the evacuation was opened and the node was not paused when we first looked.
        """
        if any(same_name(one, name) for one in self.context.paused_by_us):
            return True
        if not any(same_name(one, name) for one in self.context.emptied_by_us):
            return False
        return any(same_name(image.machine, name) and not image.paused for image in self.context.images)

    def waivers(self, rule: str) -> tuple[Waiver, ...]:
        """The approved waivers of this rule for this step (or for the plan) that have not expired."""
        step = self.step.id if self.step else "plan"
        return tuple(
            one
            for one in self.context.waivers
            if one.rule == rule
            and one.step == step
            and one.approved_by
            and (not one.expires_at or one.expires_at > self.facts.now)
        )

    def waives(self, rule: str) -> bool:
        """Whether such a waiver stands now, whatever values it was given for."""
        return bool(self.waivers(rule))

    def before(self, rule: str) -> dict[str, str]:
        """The facts a rule rested on at this step's gate, by name: the state before the step."""
        return {
            fact.name: fact.value for check in self.context.gate_checks if check.rule == rule for fact in check.facts
        }


def mail_servers(case: Case) -> tuple[Cms, ...] | Finding:
    """The mail servers of the campaign's cluster, or the answer that they could not be read."""
    known = case.main.cms
    if isinstance(known, Unknown):
        return unknown(f"The mail servers could not be read: {known.why}.", "Recheck.")
    return known


def scr_targets(case: Case) -> tuple[Standby, ...] | Finding:
    """The SCR targets of the campaign's cluster, or the answer that they are not known."""
    known = case.standbys
    if isinstance(known, Unknown):
        return unknown(f"The SCR targets are not known: {known.why}.", "Recheck.")
    return known


def alone(case: Case) -> Finding | None:
    """Why a node rule does not apply to a stand-alone target, or an unknown if that is not certain."""
    if case.step is None or case.cluster is not None:
        return None
    machine = case.machine(case.step.target)
    if machine is None:
        return unknown(f"{case.silent(case.step.target)}.", "Recheck when it answers.")
    if isinstance(machine.cluster, Unknown):
        return unknown(
            f"Whether {machine.name} is a cluster node could not be read: {machine.cluster.why}.", "Recheck."
        )
    return not_needed(f"{machine.name} is a stand-alone machine: it has no cluster groups.")


Judge = Callable[[Case], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table."""

    id: str
    says: str  # what must be so, one plain sentence
    source: str  # the document's sentence (S4 … S17) or the section of facts/exchange.md
    sentences: tuple[str, ...] = ()  # S1 … S17 of facts/exchange.md §8
    plan: bool = False
    gate: frozenset[StepKind] = frozenset()
    after: frozenset[StepKind] = frozenset()
    close: bool = False
    needs: tuple[str, ...]  # the facts it rests on, in words
    stops: str  # what happens when it is not so
    verdict: str = "block"  # what it answers then, in words; a fact that could not be read stops like a block
    remedy: str
    waivable: str = ""  # when a risk gate may set it aside; "" never
    judge: Judge

    @property
    def when(self) -> tuple[When, ...]:
        """The moments it is judged at."""
        found = []
        if self.plan:
            found.append(When.PLAN)
        if self.gate:
            found.append(When.GATE)
        if self.after or self.close:
            found.append(When.AFTER)
        return tuple(found)

    def applies(self, when: When, step: Step | None) -> bool:
        """Whether the row is judged at this moment of this step."""
        if when is When.PLAN:
            return self.plan
        if step is None:
            return when is When.AFTER and self.close
        return step.kind in (self.gate if when is When.GATE else self.after)
