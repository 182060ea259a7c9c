"""Every name in a scenario that points nowhere, and every key that its kind of fault or act cannot do without."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Literal, get_args

from bot.lab.cluster.catalogue import BASES, number
from bot.lab.scenario_words import Act, Cluster, CopyState, Fault, Scenario

MOST_NODES = 8  # of a failover cluster with Exchange 2007 in it
_BUILD = re.compile(r"\d+\.\d+\.\d+\.\d+")
_NO_FOLDER = re.compile(r'[\x00-\x1f"*:<>?|]')
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_STEP = re.compile(r"(s\d\d+|plan)?")
ROLES = ("Mailbox", "HubTransport", "ClientAccess", "UnifiedMessaging", "Edge")
OUTCOMES = (
    "done", "nothing_to_do", "refused", "expired", "aborted", "blocked", "asking", "rejected", "not_begun", "waiting",
)  # fmt: skip
WELL = ("done", "nothing_to_do")  # these leave exit code 0, all others 3
DID = (
    "command_started", "install_started", "install_finished", "group_moved", "cms_moved", "cms_offline", "cms_online",
    "db_mounted", "db_dismounted", "copy_state", "node_paused", "node_resumed", "cluster_service", "quorum_lost",
    "job_refused", "restarted", "service_mode", "typed", "posted", "reacted", "unreacted", "patched_by_hand",
)  # fmt: skip
# Kinds that wait until a machine comes to their point; an act cannot make them happen by itself.
WAITING = (
    "exit_code", "services_disabled", "slow", "silent", "pending_rename", "cluster_service_down", "group_stuck",
    "database_dismounted", "move_refused", "snapin_fails",
)  # fmt: skip


def dangling(s: Scenario) -> Iterator[str]:
    """Every cross reference that points nowhere, each as one sentence."""
    machines = [n.name for c in s.clusters for n in c.nodes] + [m.name for m in s.machines]
    folded = {m.casefold() for m in machines}
    for what, one in [("machine", m) for m in machines] + [("cluster", c.name) for c in s.clusters]:
        if not _NAME.fullmatch(one):
            yield f"{what} {one!r}: a name is letters A to Z, digits, dot, dash or underscore, as in rollup.toml"
    for one in machines:
        if sum(one.casefold() == other.casefold() for other in machines) > 1:
            yield f"machine {one!r} appears twice"
    yield from _builds(s)
    people = {p.name for p in s.people}
    if len(people) < len(s.people):
        yield "two people have one name"
    for what, who in [
        ("play.by", s.play.by),
        *(("play.approvers", a) for a in s.play.approvers),
        *(("play.act.who", a.who) for a in s.play.act),
    ]:
        if who and who not in people:
            yield f"{what}: there is no person {who!r}"
    for cluster in s.clusters:
        yield from _dangling_in_cluster(cluster, folded)
    all_cms = {m.name.casefold() for c in s.clusters for m in c.cms}
    for fault in s.faults:
        if fault.on and fault.on.casefold() not in folded:
            yield f"faults.on: there is no machine {fault.on!r}"
        yield from _happening(s, "faults", "machine", fault.machine, fault, folded, all_cms)
    for act in s.play.act:
        yield from _act(s, act, folded, all_cms)
    for person in s.people:
        if person.same_person_as and person.same_person_as not in people:
            yield f"people.same_person_as: there is no person {person.same_person_as!r}"
    for alone in s.machines:
        for target in alone.standby_of:
            if target.casefold() not in folded | all_cms:
                yield f"machine {alone.name!r}: standby_of {target!r} is no machine and no mail server of this scenario"
    for name, roles in [*((m.name, m.roles) for m in s.machines), *((v.name, v.roles) for v in s.servers)]:
        yield from (f"{name!r}: there is no role {role!r}" for role in roles if role not in ROLES)
    for package in s.packages:
        if package.path and not package.path.casefold().startswith("c:\\"):
            yield f"package {package.kb!r}: path {package.path!r} is not on C:, the only drive the machines have for it"
        for machine in (*package.absent_on, *package.swapped_on):
            if machine.casefold() not in folded:
                yield f"packages: there is no machine {machine!r}"
    yield from _twice(s)
    yield from _expected(s)
    if not s.clusters:
        yield "clusters: there is none"
    if not s.play.by and not any("requester" in p.roles for p in s.people):
        yield "play.by: nobody is a requester, so somebody must be named"


def _twice(s: Scenario) -> Iterator[str]:
    """What two things are called where there can be one of that name, and names that no machine can store."""
    held = [(m, g) for c in s.clusters for m in c.cms for g in m.storage_groups]
    named = [("clusters", [c.name for c in s.clusters]), ("packages", [p.kb for p in s.packages])]
    named.append(("clusters.cms", [m.name for c in s.clusters for m in c.cms]))
    named += [
        (f"cms {m.name!r}, storage_groups", [g.name for g in m.storage_groups]) for c in s.clusters for m in c.cms
    ]
    named += [(f"storage group {g.name!r} of {m.name!r}, databases", [d.name for d in g.databases]) for m, g in held]
    for where, names in named:
        folded = [one.casefold() for one in names]
        for twice in sorted({one for one in folded if folded.count(one) > 1}):
            yield f"{where}: two are called {twice!r}"
        for one in names:
            if not one or (where.endswith(("cms", "storage_groups")) and _NO_FOLDER.search(one)):
                yield f"{where}: {one!r} cannot be a name: it is empty, or no folder on a machine can be called so"
    for cluster in s.clusters:
        for node in cluster.nodes:
            try:
                ipaddress.IPv4Network(node.subnet, strict=False)
            except ValueError:
                yield f"node {node.name!r}: subnet {node.subnet!r} is no IPv4 subnet, such as 10.1.0.0/16"


def _builds(s: Scenario) -> Iterator[str]:
    """Builds that are no four numbers, and machines whose service pack does not follow from theirs."""
    every = [(f"machine {m.name!r}", m) for m in (*(n for c in s.clusters for n in c.nodes), *s.machines)]
    told = [(what, key, getattr(m, key)) for what, m in every for key in ("build", "base", "listed")]
    told += [(f"package {p.kb!r}", key, getattr(p, key)) for p in s.packages for key in ("build", "base")]
    told += [(f"server {v.name!r}", "base", v.base) for v in s.servers]
    for what, key, build in told:
        if (build or key == "build") and not _BUILD.fullmatch(build):
            yield f"{what}: {key} {build!r} is not four numbers, such as 8.3.485.1"
    packs = [number(base)[:2] for base in BASES.values()]
    for what, m in every:
        if not m.base and _BUILD.fullmatch(m.build) and number(m.build)[:2] not in packs:
            yield f"{what}: build {m.build!r} is of no service pack of Exchange 2007, which begin {_firsts(packs)}"


def _firsts(packs: list[tuple[int, ...]]) -> str:
    return ", ".join(f"{one}.{two}" for one, two in packs)


def leaves(outcome: str) -> Literal[0, 3]:
    """The exit code of a play that ends so."""
    return 0 if outcome in WELL else 3


def _expected(s: Scenario) -> Iterator[str]:
    outcome = s.expect.outcome
    if outcome not in ("", *OUTCOMES):
        yield f"expect.outcome: {outcome!r} is none of {', '.join(OUTCOMES)}"
    elif outcome and s.expect.exit not in (None, left := leaves(outcome)):
        yield f"expect: {outcome} leaves exit code {left}, not {s.expect.exit}"
    if not _STEP.fullmatch(s.expect.step):
        yield f"expect.step: {s.expect.step!r} is no step's id, such as s03"


def _act(s: Scenario, act: Act, machines: set[str], all_cms: set[str]) -> Iterator[str]:
    if act.outcome and act.outcome not in OUTCOMES:
        yield f"play.act.outcome: {act.outcome!r} is none of {', '.join(OUTCOMES)}"
    if not _STEP.fullmatch(act.step):
        yield f"play.act.step: {act.step!r} is no step's id, such as s03"
    if act.when == "truth" and act.did not in ("", *DID):
        yield f"play.act.did: no line of the truth log is called {act.did!r}"
    if act.machine and act.machine.casefold() not in machines:
        yield f"play.act.machine: there is no machine {act.machine!r}"
    if act.do in {"type", "message"} and not act.text:
        yield f"play.act: do = {act.do!r} needs a text"
    if act.do == "estate":
        if act.kind is None or act.kind in WAITING:
            yield 'play.act: do = "estate" needs a kind that happens by itself'
        yield from _happening(s, "play.act", "on", act.on, act, machines, all_cms)


def _happening(
    s: Scenario, where: str, key: str, machine: str, what: Fault | Act, machines: set[str], all_cms: set[str]
) -> Iterator[str]:
    """What a fault, or an act on the estate, names; and what its kind needs."""
    storage = [g for c in s.clusters for m in c.cms for g in m.storage_groups]
    groups = {g.name.casefold() for c in s.clusters for g in c.groups} | all_cms
    if any(not any(g.core for g in c.groups) for c in s.clusters):
        groups.add("cluster group")
    known = [
        (key, machine, machines, "machine"),
        ("cms", what.cms, all_cms, "clustered mailbox server"),
        ("group", what.group, groups, "cluster group"),
    ]
    if storage:  # else every mail server has the one it is given: SG1 with MBX1
        known.append(("storage_group", what.storage_group, {g.name.casefold() for g in storage}, "storage group"))
    if storage and all(g.databases for g in storage):
        databases = {d.name.casefold() for g in storage for d in g.databases}
        known.append(("database", what.database, databases, "database"))
    for name, value, among, noun in known:
        if value and value.casefold() not in among:
            yield f"{where}.{name}: there is no {noun} {value!r}"
    if what.kind in {"group_moved", "foreign_move"}:
        nodes = {n.name.casefold() for c in s.clusters for n in c.nodes}
        if what.to.casefold() not in (nodes if what.kind == "group_moved" else nodes | {""}):
            yield f"{where}.to: there is no node {what.to!r}"
    needed = {"group_moved": ("group",), "service_stopped": ("to",), "service_started": ("to",), "copy_status": ("to",)}
    for name in needed.get(what.kind or "", ()):
        if not getattr(what, name):
            yield f"{where}: {what.kind} needs {name!r}"
    if what.kind == "copy_status" and what.to and what.to not in get_args(CopyState):
        yield f"{where}.to: there is no copy status {what.to!r}"
    if what.kind == "backup" and what.to not in {"", "active", "passive"}:
        yield f"{where}.to: a backup runs on 'active' or 'passive', not on {what.to!r}"
    if what.kind in {"exit_code", "slow", "silent"} and not what.value:
        yield f"{where}: {what.kind} needs a value"
    if what.kind != "clock_skew" and what.value < 0:
        yield f"{where}.value: {what.value:g} is below zero, and {what.kind} knows no such thing"


def _dangling_in_cluster(cluster: Cluster, machines: set[str]) -> Iterator[str]:
    nodes = {n.name.casefold() for n in cluster.nodes}
    if not nodes:
        yield f"cluster {cluster.name!r} has no nodes"
    if len(cluster.nodes) > MOST_NODES:
        yield f"cluster {cluster.name!r} has {len(cluster.nodes)} nodes; a failover cluster has at most {MOST_NODES}"
    if cluster.kind == "ccr" and len(nodes) != 2:
        yield f"cluster {cluster.name!r}: a CCR cluster has exactly two nodes"
    if cluster.kind == "standby" and cluster.cms:
        yield f"cluster {cluster.name!r}: a standby cluster holds no clustered mailbox server"
    named = [(f"group {g.name!r}", "owner", g.owner) for g in cluster.groups]
    named += [(f"cms {m.name!r}", "owner", m.owner) for m in cluster.cms]
    named += [(f"group {g.name!r}", "preferred", p) for g in cluster.groups for p in g.preferred]
    named += [(f"cms {m.name!r}", "preferred", p) for m in cluster.cms for p in m.preferred]
    named += [(f"group {g.name!r}", "possible", p) for g in cluster.groups for p in g.possible]
    named += [(f"cms {m.name!r}", "redundant", p) for m in cluster.cms for p in m.redundant]
    named += [(f"cms {m.name!r}", "disk_owners", p) for m in cluster.cms for p in m.disk_owners]
    named += [(f"cms {m.name!r}", "oab_node", m.oab_node) for m in cluster.cms if m.oab_node]
    for holder_name, key, node in named:
        if node.casefold() not in nodes:
            yield f"cluster {cluster.name!r}, {holder_name}: {key} {node!r} is not one of its nodes"
    for bare in (g for g in cluster.groups if g.possible and not g.resources):
        yield f"cluster {cluster.name!r}, group {bare.name!r}: possible owners are its resources'; it has none"
    groups = [g.name.casefold() for g in cluster.groups] + [m.name.casefold() for m in cluster.cms]
    if not any(g.core for g in cluster.groups):
        groups.append("cluster group")
    for twice in sorted({one for one in groups if groups.count(one) > 1}):
        yield f"cluster {cluster.name!r}: two groups are called {twice!r} (the default group has core = true)"
    if sum(g.core for g in cluster.groups) > 1:
        yield f"cluster {cluster.name!r}: one group alone can have core = true"
    owners = [m.owner.casefold() for m in cluster.cms]
    if len(set(owners)) < len(owners):
        yield f"cluster {cluster.name!r}: two clustered mailbox servers on one node"
    for cms in cluster.cms:
        for group in cms.storage_groups:
            for standby in group.standby:
                if standby.gone and standby.machine.casefold() in machines:
                    yield f"storage group {group.name!r}: {standby.machine!r} is gone and yet a machine of this scenario"
                if not standby.gone and standby.machine.casefold() not in machines:
                    yield (
                        f"cms {cms.name!r}, storage group {group.name!r}: standby machine {standby.machine!r} "
                        "is no machine of this scenario (say gone = true if that is meant)"
                    )
