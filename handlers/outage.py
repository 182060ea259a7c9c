"""The exact commands that end an outage the last reading shows: pinned for a human, who waits for no vote. Pure.

facts/exchange.md §9, People: nobody may have to wait for a second vote with mail down. The bot itself runs none of
these outside a gate; it reads again and goes on when a human has.
"""

from __future__ import annotations

from collections.abc import Iterator

from state.campaign import FINAL
from state.words import Campaign, Check, Outage, State

DATABASE = "database "  # MOVE-DONE and MOVE-READY name a database's fact so: `database SG1\MBX1`, of the CMS


def quoted(name: str) -> str:
    """A name as PowerShell takes it, whatever is in it."""
    return "'" + name.replace("'", "''") + "'"


def pinned(campaign: Campaign) -> tuple[tuple[str, str], ...]:
    """(purpose, command) pairs for what is down by the reading that stopped the campaign, or was seen to be since; ()
    while nothing is."""
    if campaign.state in FINAL:
        return ()
    stopped = campaign.state in {State.BLOCKED, State.ASKING, State.PAUSED} and campaign.stop is not None
    checks = campaign.stop.checks if stopped and campaign.stop is not None else ()
    ours = (pair for outage in campaign.outages for pair in ends(outage))
    found = list(dict.fromkeys((*_down(campaign, checks), *ours)))
    if any(
        command.startswith("Start-") for _, command in found
    ):  # a Paused node takes no group while the other one is down
        found = [*(_resume(campaign, node) for node in campaign.paused_nodes), *found]
    return tuple(found)


def _resume(campaign: Campaign, node: str) -> tuple[str, str]:
    job = campaign.open_job
    busy = job is not None and job.order.command.node.casefold() == node.casefold()
    return (
        f"let {node} take groups again{', once what runs there has ended' if busy else ''}",
        f"cluster.exe node {node} /resume",
    )


def ends(outage: Outage) -> tuple[tuple[str, str], ...]:
    """What ends one outage."""
    cms = outage.cms
    if not outage.databases:
        return ((f"bring {cms} online", f"Start-ClusteredMailboxServer -Identity {quoted(cms)}"),)
    return tuple(
        (f"mount {name} of {cms}", f"Mount-Database -Identity {quoted(f'{cms}{chr(92)}{name}')}")
        for name in outage.databases
    )


def _down(campaign: Campaign, checks: tuple[Check, ...]) -> Iterator[tuple[str, str]]:
    servers = {cms.casefold(): cms for cms in (campaign.plan.cms if campaign.plan else ())}
    facts = [fact for check in checks if check.stops for fact in check.facts]
    for fact in facts:
        cms = servers.get(fact.name.removeprefix("group ").strip("'").casefold())
        if cms and {"offline", "failed"} & set(fact.value.casefold().split()):
            yield f"bring {cms} online", f"Start-ClusteredMailboxServer -Identity {quoted(cms)}"
    for fact in facts:
        if fact.name.startswith(DATABASE) and fact.value == "dismounted":
            name = fact.name.removeprefix(DATABASE)
            path = f"{fact.machine}\\{name}"
            yield f"mount {name} of {fact.machine}", f"Mount-Database -Identity {quoted(path)}"
