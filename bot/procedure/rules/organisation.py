"""Rules about Exchange beyond the cluster: what other servers do for it and what it does for them."""

from __future__ import annotations

from bot.procedure.facts import NOT_ASKED, ClusterKind, ServerFacts, Unknown, same_name
from bot.procedure.levels import SERVICE_PACKS, try_build
from bot.procedure.rules.case import Case, Finding, Rule, not_needed, passes, together, warns
from state.words import Fact, StepKind

_FRONT = {"clientaccess", "hubtransport"}
_ROLES = (
    "On each Client Access and Hub Transport server: `Get-Command ExSetup | ForEach {$_.FileVersionInfo}`. "
    "They get the rollup too, internet-facing Client Access servers before internal ones where those are proxied to."
)
_PARAMETERS = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MSExchangeSA\\Parameters"


def oab_pin(case: Case) -> Finding:
    """P14: the offline address book is made on one node of a CCR cluster only, and a value in its registry says which."""
    step = case.step
    if step is None or case.cluster is None:
        return not_needed("No mail server was moved.")
    if case.cluster.kind is ClusterKind.SCC:
        return not_needed("The value exists in CCR only: a single copy has its address book on its shared disk.")
    name, key = step.target, f"{_PARAMETERS}\\{step.cms}"
    pins = case.surveyed(name, lambda one: one.oab_pins)
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


def role_order(case: Case) -> Finding:
    """§9, BULLETIN ms09-003: the other roles get the rollup too; what is known of their level is the service pack."""
    listed = _servers(case)
    if isinstance(listed, Unknown):
        return warns(f"The organisation's other Exchange servers could not be read: {listed.why}.", _ROLES)
    front = [one for one in listed if _FRONT & {role.casefold() for role in one.roles}]
    if not front:
        return warns("The directory lists no Client Access and no Hub Transport server.", _ROLES)
    return together(
        [_role(case, one) for one in front], "Every Client Access and Hub Transport server is at the level."
    )


def _servers(case: Case) -> tuple[ServerFacts, ...] | Unknown:
    """What the first node that was asked and answered found in the directory."""
    why: Unknown = Unknown("no node was asked")
    for node in case.main.nodes:
        servers = case.surveyed(node, lambda one: one.servers)
        if not isinstance(servers, Unknown):
            return servers
        why = why if servers == NOT_ASKED else servers
    return why


def _role(case: Case, server: ServerFacts) -> Finding:
    """One server: by its own level where it is a machine of this campaign, else by what the directory shows."""
    name, roles, target = server.name, " and ".join(server.roles), case.target_build
    if isinstance(target, Unknown):
        return warns(f"{name} ({roles}): {target.why}", _ROLES)
    if case.machine(name) is not None:
        level = case.level(name)
        if isinstance(level, Unknown):
            return warns(f"The level of {name} ({roles}) is not known: {level.why}.", _ROLES)
        fact = Fact(name="level", value=str(level), machine=name)
        return passes("", fact) if level >= target else warns(f"{name} ({roles}) is at {level}.", _ROLES, fact)
    base = server.base if isinstance(server.base, Unknown) else try_build(server.base)
    if isinstance(base, Unknown):
        return warns(f"What {name} ({roles}) runs is not known: {base.why}.", _ROLES)
    fact = Fact(name="AdminDisplayVersion", value=str(base), machine=name)
    if base.major != target.major or base.minor >= len(SERVICE_PACKS):
        return not_needed(f"{name} runs another version of Exchange.")
    if base.service_pack != target.service_pack:
        return warns(
            f"{name} ({roles}) is at {base.service_pack}, the package is for {target.service_pack}.", _ROLES, fact
        )
    return warns(
        f"{name} ({roles}) is at {base.service_pack}; the directory does not show which rollup it has.", _ROLES, fact
    )


RULES = (
    Rule(
        id="ROLE-ORDER",
        says="People know which Client Access and Hub Transport servers may be below the target level.",
        source="facts/exchange.md §9, Software on the node; §1.1 no. 11 (bulletin ms09-003)",
        sentences=("S3",),
        plan=True,
        needs=(
            "Get-ExchangeServer: roles and service pack of every server",
            "the level of those that are machines of this campaign",
        ),
        verdict="warn",
        stops="It only warns: the directory shows the service pack only, so that no level is proved by it.",
        remedy="Read ExSetup's version on each; internet-facing Client Access servers before internal ones.",
        judge=role_order,
    ),
    Rule(
        id="OAB-PIN",
        says="After a handoff the offline address book is not bound to a node that is no longer active.",
        source="facts/exchange.md §7 P14 and §8; bb266910",
        sentences=("S14",),
        after=frozenset({StepKind.HANDOFF}),
        needs=("EnableOabGenOnThisNode in the registry of the active node",),
        verdict="warn",
        stops="It only warns: no new address book is made until somebody changes the value or moves the server back.",
        remedy="Set the value to the active node, if the mail server stays there.",
        judge=oab_pin,
    ),
)
