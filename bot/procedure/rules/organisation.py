"""Rules about Exchange beyond the cluster: what other servers do for it and what it does for them."""

from __future__ import annotations

from bot.procedure.facts import ClusterKind, Unknown, same_name
from bot.procedure.rules.case import Case, Finding, Rule, not_needed, passes, warns
from state.words import Fact, StepKind

_PARAMETERS = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MSExchangeSA\\Parameters"


def oab_pin(case: Case) -> Finding:
    """P14: the offline address book is made on one node of a CCR cluster only, and a value in its registry says which."""
    step = case.step
    if step is None or case.cluster is None:
        return not_needed("No mail server was moved.")
    if case.cluster.kind is ClusterKind.SCC:
        return not_needed("The value exists in CCR only: a single copy has its address book on its shared disk.")
    name, key = step.target, f"{_PARAMETERS}\\{step.cms}"
    survey = case.survey(name)
    pins = survey if isinstance(survey, Unknown) else survey.oab_pins
    if isinstance(pins, Unknown):
        return warns(
            f"Where {step.cms} makes its offline address book could not be read: {pins.why}.",
            f"Compare EnableOabGenOnThisNode in {key} on {name} with {name}.",
        )
    node = next((node for cms, node in pins if same_name(cms, step.cms)), "")
    fact = Fact(name="EnableOabGenOnThisNode", value=node or "not set", machine=name)
    if node and not same_name(node, name):
        return warns(
            f"{step.cms} is active on {name}, and its offline address book is made on {node}: no new one is made now.",
            f'If {step.cms} stays on {name}: reg add "{key}" /v EnableOabGenOnThisNode /t REG_SZ /d {name} /f',
            fact,
        )
    return passes(f"The offline address book of {step.cms} is not bound to another node.", fact)


RULES = (
    Rule(
        id="OAB-PIN",
        says="After a handoff the offline address book is not bound to a node that is no longer active.",
        source="facts/exchange.md §7 P14 and §8; bb266910",
        sentences=("S14",),
        after=frozenset({StepKind.HANDOFF}),
        needs=("EnableOabGenOnThisNode in the registry of the active node",),
        stops="It only warns: no new address book is made until somebody changes the value or moves the server back.",
        remedy="Set the value to the active node, if the mail server stays there.",
        judge=oab_pin,
    ),
)
