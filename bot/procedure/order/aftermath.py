"""What stood before a step and stands after it: groups no worse, services as before, databases mounted again (S9, S14)."""

from __future__ import annotations

from collections.abc import Iterator

from bot.procedure.facts import same_name
from bot.procedure.order.walk import Walk
from state import words as w

# How good a state is: a move returns resources to their persistent state, so "no worse than before" is asked (§9).
_RANK = {"Online": 0, "Partially Online": 1, "Offline": 2, "Pending": 3, "Unknown": 3, "Failed": 4}
# The cluster itself starts and stops these with the mail server.
_FOLLOW = frozenset({"msexchangeis", "msexchangesa", "msftesql-exchange"})


def worse(walk: Walk, step: w.Step, outcome: w.Outcome) -> Iterator[tuple[str, str]]:
    """(rule, words) for what a step that counts as done left worse than its own gate, or the before-image, shows."""
    gate = walk.gates.get(walk.intent.gate) if walk.intent else None
    before = {check.rule: check.facts for check in gate.checks} if gate is not None else {}
    after = {check.rule: check for check in outcome.checks if not check.waived_by}
    groups = after.get("GROUPS-SNAPSHOT")
    if groups is not None and groups.applicable:
        now = {fact.name: fact.value.partition(" ")[2] for fact in groups.facts}
        for fact in before.get("GROUPS-SNAPSHOT", ()):
            state = fact.value.partition(" ")[2]
            if fact.name not in now:
                yield "GROUPS-SNAPSHOT", f"{fact.name} is not listed any more"
            elif _rank(now[fact.name]) > _rank(state):
                yield "GROUPS-SNAPSHOT", f"{fact.name} was {state} and is {now[fact.name]}"
    services = after.get("SERVICES-SNAPSHOT")
    if services is not None and services.applicable:
        was = {fact.name: fact.value for fact in before.get("SERVICES-SNAPSHOT", ())}
        image = next((one for one in walk.images if same_name(one.machine, step.target)), None)
        was |= {f"service {name}": f"{state}, {start}" for name, state, start in image.services} if image else {}
        yield from _services(was, services.facts)
    moved = after.get("MOVE-DONE")
    if moved is not None:
        listed = {fact.name for fact in moved.facts}
        for fact in before.get("MOVE-READY", ()):
            if fact.name.startswith("database ") and fact.value == "mounted" and fact.name not in listed:
                yield "MOVE-DONE", f"{fact.name} was mounted and is not listed any more"
    told = after.get("DOWNTIME-MEASURED")
    for fact in told.facts if told is not None else ():
        if fact.name == "mail away" and fact.value != f"{outcome.downtime_s or 0.0:.0f} s":
            yield "DOWNTIME-MEASURED", f"mail was away for {fact.value}, and the outcome says {outcome.downtime_s}"


def _services(was: dict[str, str], now: tuple[w.Fact, ...]) -> Iterator[tuple[str, str]]:
    for fact in now:
        state, _, start = fact.value.casefold().partition(", ")
        state_before, _, start_before = was.get(fact.name, "").casefold().partition(", ")
        follows = fact.name.removeprefix("service ").casefold() in _FOLLOW
        disabled = start == "disabled" and start_before not in {"", "disabled"}
        if disabled or (state_before == "running" and state != "running" and not follows):
            yield "SERVICES-SNAPSHOT", f"{fact.name} was {was[fact.name]} and is {fact.value}"


def _rank(state: str) -> int:
    return _RANK.get(state, len(_RANK))
