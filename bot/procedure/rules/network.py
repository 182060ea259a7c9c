"""Rules about the name under which a mail server is found when it comes online in another subnet."""

from __future__ import annotations

from itertools import combinations

from bot.procedure.facts import Unknown, same_name
from bot.procedure.rules.case import Case, Finding, Rule, not_needed, passes, together, warns
from state.words import Fact

TTL_LIMIT_S = 300
_HOW = '`cluster.exe res "Network Name (<mail server>)" /priv HostRecordTTL=300`'


def apart(case: Case, one: str, other: str) -> bool | Unknown:
    """Whether no network for clients reaches both nodes: a mail server then changes its address with its node."""
    seen = []
    for name in (one, other):
        networks = case.surveyed(name, lambda one: one.client_networks)
        if isinstance(networks, Unknown):
            return networks
        seen.append({network.casefold() for network in networks})
    return not seen[0] & seen[1]


def host_ttl(case: Case, cms: str) -> int | Unknown:
    """HostRecordTTL of a mail server's network name, seconds."""
    why = Unknown(f"no node says what the TTL of {cms} is")
    for node in case.main.nodes:
        names = case.surveyed(node, lambda one: one.host_ttl)
        if isinstance(names, Unknown):
            why = names
            continue
        found = next((ttl for name, ttl in names if same_name(name, cms)), None)
        if found is not None:
            return found
    return why


def dns_ttl(case: Case) -> Finding:
    """§9: in a cluster over several subnets clients find the mail server again only when their DNS answer is stale."""
    if isinstance(case.main.cms, tuple) and not case.main.cms:
        return not_needed(f"{case.main.name} holds no mail server.")
    pairs = [(one, other, apart(case, one, other)) for one, other in combinations(case.main.nodes, 2)]
    unread = next((known for *_, known in pairs if isinstance(known, Unknown)), None)
    split = next(((one, other) for one, other, known in pairs if known is True), None)
    if split is None:
        if unread is not None:
            return warns(
                f"Whether the nodes of {case.main.name} are in one subnet could not be read: {unread.why}.",
                f"If they are not, the TTL of the mail server's name must be at most {TTL_LIMIT_S} s: {_HOW}",
            )
        fact = Fact(name="subnets", value="every pair of nodes shares a network for clients", machine=case.main.name)
        return passes(f"The nodes of {case.main.name} share a network for clients: names keep their address.", fact)
    if isinstance(case.main.cms, Unknown):
        return warns(f"The mail servers could not be read: {case.main.cms.why}.", "Recheck.")
    where = Fact(
        name="subnets", value=f"{split[0]} and {split[1]} share no network for clients", machine=case.main.name
    )
    return together(
        [_ttl(case, cms.name, where) for cms in case.main.cms],
        f"The nodes are in several subnets, and no name is kept longer than {TTL_LIMIT_S} s.",
    )


def _ttl(case: Case, cms: str, where: Fact) -> Finding:
    ttl = host_ttl(case, cms)
    if isinstance(ttl, Unknown):
        return warns(f"{where.value}, and the TTL of {cms} could not be read: {ttl.why}.", _HOW, where)
    fact = Fact(name="HostRecordTTL", value=f"{ttl} s", machine=cms)
    if ttl > TTL_LIMIT_S:
        return warns(
            f"{where.value}, and the name {cms} is kept for {ttl / 60:.0f} minutes by clients and DNS servers: "
            "after a handoff between them users wait that much longer.",
            f"{_HOW}, then take the name offline and online in an outage: it counts from the next registration.",
            where,
            fact,
        )
    return passes("", where, fact)


RULES = (
    Rule(
        id="DNS-TTL",
        says=f"Where nodes are in different subnets the mail server's name is kept for at most {TTL_LIMIT_S} s.",
        source="facts/exchange.md §9, Copies, backups, disks: bb676687, dd197562",
        sentences=("S14",),
        plan=True,
        needs=(
            "MSCluster_Network and the addresses of every node",
            "HostRecordTTL of the mail server's network name",
        ),
        verdict="warn",
        stops="It only warns; the downtime told to users includes the TTL.",
        remedy="Lower HostRecordTTL before the maintenance window.",
        judge=dns_ttl,
    ),
)
