"""What users notice of a handoff: how long mail was away, what still waits for it, what is not searched."""

from __future__ import annotations

from bot.procedure.facts import Unknown, same_name
from bot.procedure.rules.case import Case, Finding, Rule, blocks, not_needed, passes, warns
from state.words import Fact, Step, StepKind

_INDEXERS = {"msexchangesearch", "msftesql-exchange"}


def queues(case: Case, step: Step) -> list[Finding]:
    """§9: what the Hub Transport servers hold for the mail server drains; what could not be asked is said."""
    limits, seen = case.context.limits, case.surveyed(step.target, lambda one: one.queues)
    how = f"Get-Queue -Server <Hub Transport server> | Where-Object {{ $_.NextHopDomain -like '{step.cms}*' }}"
    if isinstance(seen, Unknown):
        return [warns(f"The queues to {step.cms} could not be read: {seen.why}.", how)]
    if not seen:
        return [warns(f"No Hub Transport server was found: whether mail reaches {step.cms} is not known.", how)]
    found = []
    for one in seen:
        if isinstance(one.waiting, Unknown):
            found.append(warns(f"The queues of {one.server} could not be read: {one.waiting.why}.", how))
            continue
        waiting = one.waiting if same_name(one.next_hop, step.cms) else 0
        fact = Fact(name=f"queue to {step.cms}", value=f"{waiting} messages", machine=one.server, moving=True)
        if waiting > limits.queue_messages:
            found.append(
                blocks(
                    f"More than {limits.queue_messages} messages wait on {one.server} for {step.cms}: they do not drain.",
                    f"{how}; LastError says why. Retry-Queue asks for a delivery at once.",
                    fact,
                    patience_s=limits.queues_s,
                )
            )
        else:
            found.append(passes("", fact))
    return found


def indexing(case: Case, step: Step) -> Finding:
    """§9: content indexing runs where the mail server is; without it nothing is lost, and search finds nothing new."""
    services = case.said(step.target, lambda one: one.services)
    if isinstance(services, Unknown):
        return warns(f"Whether content indexing runs on {step.target} is not known: {services.why}.", "Get-Service")
    mine = [one for one in services if one.name.casefold() in _INDEXERS]
    off = [one.name for one in mine if one.state.casefold() != "running"]
    if off or not mine:
        said = ", ".join(off) or "no service of content indexing"
        return warns(f"Content indexing does not run on {step.target}: {said}.", f"net start {off[0] if off else ''}")
    return passes("", Fact(name="content indexing", value="running", machine=step.target))


def downtime_measured(case: Case) -> Finding:
    """S14: the outage as the handoff's own job saw it on the node, and what clients in another subnet wait beyond it."""
    step, measured = case.step, case.context.downtime_s
    if step is None:
        return not_needed("No mail server was moved.")
    if measured is None:
        return warns(
            f"How long {step.cms} was away could not be measured.",
            "The timeline in the job's folder, and event 100 of MSExchangeRepl on the node, show what there is.",
        )
    fact = Fact(name="mail away", value=f"{measured:.0f} s", machine=step.cms, moving=True)
    ttl = _ttl(case, step.cms)
    more = f" Clients that hold its old address find it up to {ttl} later." if ttl else ""
    return passes(
        f"{step.cms} was away for {measured:.0f} s, from leaving Online to the last database mounted.{more}", fact
    )


def _ttl(case: Case, cms: str) -> str:
    """The TTL of a name whose address changes with its node, as the plan found it; "" where nodes share a subnet."""
    facts = [
        fact for check in (case.plan.checks if case.plan else ()) if check.rule == "DNS-TTL" for fact in check.facts
    ]
    return next((one.value for one in facts if one.name == "HostRecordTTL" and same_name(one.machine, cms)), "")


RULES = (
    Rule(
        id="DOWNTIME-MEASURED",
        says="The outage is measured from leaving Online to the last database mounted, and told.",
        source="S14; facts/exchange.md §8 and §9",
        sentences=("S14",),
        after=frozenset({StepKind.HANDOFF}),
        needs=("the timeline the handoff's job wrote on the node", "the TTL of the name, from the plan"),
        verdict="warn",
        stops="It only warns that there is no figure.",
        remedy="Read the timeline and event 100 by hand.",
        judge=downtime_measured,
    ),
)
