"""The moments of a healthy `ccr` campaign at which rules are judged, each with the facts it would see."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts, NodeStatus
from bot.procedure.rules import evaluate
from state.words import Check, NodeImage, Package, Plan, Step, When
from tests.procedure.build import NEW, PACKAGE, ccr, change, emptied, node_state, plan_of, services

PLAN = plan_of(ccr())
SCR, EVACUATE, INSTALL, HANDOFF, EVACUATE_2, INSTALL_2 = PLAN.steps
IMAGE = NodeImage(machine="EXN2", services=tuple((s.name, s.state, s.start) for s in services()))


@dataclass(frozen=True)
class Moment:
    """When, which step, what is seen, and what the campaign knows."""

    when: When
    facts: EstateFacts
    step: Step | None = None
    plan: Plan | None = PLAN
    context: Context = field(default_factory=Context)
    package: Package = PACKAGE

    def checks(self) -> tuple[Check, ...]:
        return evaluate(
            self.when, self.facts, package=self.package, context=self.context, plan=self.plan, step=self.step
        )

    def check(self, rule: str) -> Check:
        return next(check for check in self.checks() if check.rule == rule)


def _gate_checks(moment: Moment) -> tuple[Check, ...]:
    return moment.checks()


PAUSED = Context(paused_by_us=("EXN2",), images=(IMAGE,))

plan = Moment(When.PLAN, ccr())
gate_scr = Moment(When.GATE, ccr(), SCR)
gate_evacuate = Moment(When.GATE, ccr(scr=NEW), EVACUATE)
gate_install = Moment(When.GATE, emptied(ccr(scr=NEW), "EXN2", "EXN1"), INSTALL, context=PAUSED)
gate_handoff = Moment(When.GATE, change(ccr(n2=NEW, scr=NEW, home="EXN1"), "EXN2", validate=(("CMS1", ""),)), HANDOFF)
after_scr = Moment(When.AFTER, ccr(scr=NEW), SCR, context=Context(gate_checks=_gate_checks(gate_scr)))
after_evacuate = Moment(
    When.AFTER,
    emptied(ccr(scr=NEW), "EXN2", "EXN1"),
    EVACUATE,
    context=replace(PAUSED, gate_checks=_gate_checks(gate_evacuate)),
)
after_install = Moment(
    When.AFTER,
    emptied(ccr(n2=NEW, scr=NEW), "EXN2", "EXN1"),
    INSTALL,
    context=replace(PAUSED, gate_checks=_gate_checks(gate_install)),
)
after_handoff = Moment(
    When.AFTER,
    ccr(n2=NEW, scr=NEW, active="EXN2", home="EXN1"),
    HANDOFF,
    context=Context(gate_checks=_gate_checks(gate_handoff), downtime_s=93.0),
)
close = Moment(When.AFTER, ccr(n1=NEW, n2=NEW, scr=NEW, active="EXN2"))
resumed = Moment(When.AFTER, node_state(after_install.facts, "EXN2", NodeStatus.UP), INSTALL, context=PAUSED)

ALL = {
    "plan": plan,
    "gate_scr": gate_scr,
    "gate_evacuate": gate_evacuate,
    "gate_install": gate_install,
    "gate_handoff": gate_handoff,
    "after_scr": after_scr,
    "after_evacuate": after_evacuate,
    "after_install": after_install,
    "after_handoff": after_handoff,
    "close": close,
    "resumed": resumed,
}
