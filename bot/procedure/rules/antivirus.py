"""Forefront: off while a machine is patched, on again before it serves mail. People switch it; the bot looks."""

from __future__ import annotations

from bot.procedure.facts import ServiceFacts, Unknown, same_name
from bot.procedure.rules.case import Case, Finding, Rule, blocks, passes, together, unknown, warns
from state.words import Fact, StepKind, When

_OFF = "fscutility /disable, then stop its services"
_ON = "fscutility /enable, then start its services"


def antivirus(case: Case) -> Finding:
    """§5/§9: Forefront's own papers want it off on all nodes and the active node first, so people decide."""
    if case.step is None:
        return _ahead(case)
    name = case.step.target
    services = _services(case, name)
    if isinstance(services, Unknown):
        return unknown(f"The services of {name} could not be read: {services.why}.", "Recheck.")
    if case.step.kind is StepKind.HANDOFF:
        return _on_again(case, name, services, late=True)
    if case.when is When.AFTER:
        return _on_again(case, name, services, late=False)
    return _off(name, services, now=case.step.kind is StepKind.INSTALL)


def _services(case: Case, name: str) -> tuple[ServiceFacts, ...] | Unknown:
    """Forefront's services on a machine."""
    services = case.said(name, lambda one: one.services)
    if isinstance(services, Unknown):
        return services
    if not services:
        return Unknown("it listed none at all")
    return tuple(one for one in services if one.name.upper().startswith(("FSC", "FSE")))


def _running(services: tuple[ServiceFacts, ...]) -> list[str]:
    return [one.name for one in services if one.state.casefold() == "running"]


def _ahead(case: Case) -> Finding:
    """At the plan: what people will have to do, and when."""
    found = []
    for name in case.subjects:
        services = _services(case, name)
        if isinstance(services, Unknown):
            found.append(unknown(f"The services of {name} could not be read: {services.why}.", "Recheck."))
            continue
        found.append(_off(name, services, now=False))
    return together(found, "No Forefront service is running.")


def _off(name: str, services: tuple[ServiceFacts, ...], *, now: bool) -> Finding:
    running = _running(services)
    fact = Fact(name="Forefront", value=", ".join(running) or "none running", machine=name)
    if not running:
        return passes(f"No Forefront service runs on {name}.", fact)
    if not now:
        return warns(
            f"Forefront runs on {name} ({', '.join(running)}); people switch it off before the install there, "
            "and on again after it.",
            f"On {name}, before its install: {_OFF}; after it: {_ON}.",
            fact,
        )
    return blocks(
        f"Forefront runs on {name} ({', '.join(running)}); it must be off while Exchange is patched.",
        f"On {name}: {_OFF}; after the install: {_ON}.",
        fact,
        waivable=True,
    )


def _on_again(case: Case, name: str, services: tuple[ServiceFacts, ...], *, late: bool) -> Finding:
    """What ran when the campaign first looked at the machine runs again; `late`: mail is about to come here."""
    image = next((one for one in case.context.images if same_name(one.machine, name)), None)
    before = {one for one, state, _ in (image.services if image else ()) if state.casefold() == "running"}
    still_off = [one for one in services if one.state.casefold() != "running"]
    fact = Fact(name="Forefront", value=", ".join(_running(services)) or "none running", machine=name)
    forgotten = [one.name for one in still_off if one.name in before]
    if forgotten and late:
        return blocks(
            f"{', '.join(forgotten)} ran on {name} before the install and is off: mail would come to it unprotected.",
            f"On {name}: {_ON}.",
            fact,
            waivable=True,
        )
    if forgotten:
        return warns(
            f"{', '.join(forgotten)} on {name} is still off; the handoff to it waits until it runs again.",
            f"On {name}, now: {_ON}.",
            fact,
        )
    idle = [one.name for one in still_off if one.start.casefold().startswith("auto")]
    if idle:
        return warns(
            f"{', '.join(idle)} on {name} starts with Windows and is not running.",
            f"If it was switched off for the install, on {name}: {_ON}.",
            fact,
        )
    return passes(f"Forefront is on {name} as it was before." if services else f"{name} has no Forefront.", fact)


RULES = (
    Rule(
        id="AV",
        says="Forefront is off on the machine while it is patched, and on again before mail comes to it.",
        source="facts/exchange.md §5 and §9: its papers contradict the document, so people decide",
        sentences=("S3",),
        plan=True,
        gate=frozenset({StepKind.EVACUATE, StepKind.INSTALL, StepKind.HANDOFF}),
        after=frozenset({StepKind.INSTALL}),
        needs=("services named FSC* or FSE*", "the same services in the image taken before the first step there"),
        verdict="block before an install and a handoff; warn at the plan and before the evacuation",
        stops="It holds files and may break the install; left off, mail comes to a machine without protection.",
        remedy="`fscutility /disable` before, `/enable` after, both by people.",
        waivable="before an install and before a handoff, with a reason",
        judge=antivirus,
    ),
)
