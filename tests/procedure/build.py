"""Builds facts as a probe of healthy clusters would leave them; tests change the one thing they are about.

`ccr()` is the estate of the scenario of that name: EXN1 (active), EXN2, the SCR target SCR1, RU21 to RU23 for SP3.
`scc(...)` is any N+M. `change(facts, "EXN2", services=...)` replaces fields of one machine, `regroup` of one group
in every view, `recms` of one CMS in every view.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.procedure.context import Context
from bot.procedure.facts import (
    ClusterView,
    CmsFacts,
    CopyFacts,
    DatabaseFacts,
    EstateFacts,
    GroupFacts,
    GroupStatus,
    HealthItem,
    Inventory,
    LevelFacts,
    MachineFacts,
    NodeStatus,
    PackageFacts,
    PatchFacts,
    QueueFacts,
    QuorumModel,
    ScrFacts,
    ServerFacts,
    ServiceFacts,
    StandbyFacts,
    SurveyFacts,
    VolumeFacts,
    WriterFacts,
    same_name,
)
from bot.procedure.levels import Build, row_of
from bot.procedure.planner import make_plan
from bot.procedure.rules import evaluate
from state.words import Check, Options, Package, Plan, Step, Verdict, When

OLD, NEW, NEXT = "8.3.485.1", "8.3.517.0", "8.3.502.0"
BASE = "8.3.83.6"
NOW = 1_773_518_400.0  # a Saturday, 20:00 UTC
SHA = "ab" * 32
PACKAGE = Package(
    kb="KB4011325",
    build=NEW,
    path="C:\\Packages\\Exchange2007-KB4011325-x64-EN.msp",
    sha256=SHA,
    title="Update Rollup 23 for Exchange Server 2007 Service Pack 3",
)
EXCHANGE = ("Microsoft Exchange System Attendant", "Microsoft Exchange Information Store", "Network Name", "IP Address")


def level(build: str = OLD) -> LevelFacts:
    """A level whose three sources agree."""
    if build == BASE:
        return LevelFacts(exsetup=build, patches=(), base=BASE)
    row = row_of(Build.parse(build))
    number = row.rollup if row else "99"
    patch = PatchFacts(name=f"Update Rollup {number} for Exchange Server 2007 Service Pack 3 {build}", state=1)
    old = PatchFacts(name="Update Rollup 9 for Exchange Server 2007 Service Pack 3 8.3.297.2", state=2)
    return LevelFacts(exsetup=build, patches=(old, patch), base=BASE)


def services(*, active: bool = False) -> tuple[ServiceFacts, ...]:
    """The Exchange services of a node; Information Store and System Attendant follow the CMS."""
    mail = "Running" if active else "Stopped"
    return (
        ServiceFacts(name="MSExchangeIS", state=mail, start="Manual"),
        ServiceFacts(name="MSExchangeSA", state=mail, start="Manual"),
        ServiceFacts(name="MSExchangeRepl", state="Running", start="Auto"),
        ServiceFacts(name="MSExchangeServiceHost", state="Running", start="Auto"),
        ServiceFacts(name="RemoteRegistry", state="Running", start="Auto"),
        ServiceFacts(name="W3SVC", state="Running", start="Auto"),
        ServiceFacts(name="MSExchangeSearch", state=mail, start="Manual"),
    )


def surveyed(**more: Any) -> SurveyFacts:
    """Everything a survey can say of a healthy machine."""
    fields: dict[str, Any] = {
        "writers": (
            WriterFacts(name="System Writer", state=1),
            WriterFacts(name="Microsoft Exchange Replica Writer", state=1),
        ),
        "volumes": (VolumeFacts(name="C:\\", dirty=False, system=True), VolumeFacts(name="E:\\", dirty=False)),
        "client_networks": ("Cluster Network 1",),
        "host_ttl": (("CMS1", 300),),
        "servers": (ServerFacts(name="HUB1", roles=("ClientAccess", "HubTransport"), base="8.3.83.6"),),
        "crl": "",
        "users": (("CMS1", 400),),
        "queues": (QueueFacts(server="HUB1", next_hop="cms1.lab.example", waiting=3),),
        "agents": (),
        "scr": (),
        "oab_pins": (),
    }
    return SurveyFacts(**(fields | more))


def machine(name: str, *, build: str = OLD, package: Package = PACKAGE, **more: Any) -> MachineFacts:
    """One machine that answered everything."""
    fields: dict[str, Any] = {
        "read_at": NOW,
        "host": name,
        "boot_time": NOW - 86400,
        "os_version": "6.0",
        "powershell": "2.0",
        "level": level(build),
        "package": PackageFacts(path=package.path, present=True, sha256=package.sha256, signature="Valid"),
        "cluster_service": None,
        "services": services(),
        "health": (),
        "disk_free_mb": (("C:", 20000), ("D:", 9000)),
        "system_drive": "C:",
        "roles": ("Mailbox",),
        "own_standbys": (),
        "survey": surveyed(),
    }
    return MachineFacts(name=name, reached=True, **(fields | more))


def database(name: str, group: str, **more: Any) -> DatabaseFacts:
    """A mounted database with a backup of last night."""
    fields: dict[str, Any] = {"mounted": True, "last_full_backup": NOW - 10 * 3600}
    return DatabaseFacts(name=name, storage_group=group, **(fields | more))


def logons(cms: str) -> tuple[tuple[str, str], ...]:
    """What Test-MapiConnectivity says of a mail server whose every database takes logons."""
    return tuple((f"MBX-{cms}-{group}", "Success") for group in ("SG1", "SG2"))


def cms_facts(
    name: str,
    seen_from: str,
    active: str,
    nodes: tuple[str, ...],
    *,
    shared: bool = False,
    groups: tuple[str, ...] = ("SG1", "SG2"),
    targets: tuple[str, ...] = (),
) -> CmsFacts:
    """One CMS, Online, with a database a storage group, as one node sees it."""
    copies = (
        ()
        if shared
        else tuple(CopyFacts(storage_group=g, status="Healthy", copy_queue=0, replay_queue=0) for g in groups)
    )
    copies += tuple(
        CopyFacts(storage_group=g, status="Healthy", copy_queue=0, replay_queue=900, standby=t)
        for g in groups
        for t in targets
    )
    return CmsFacts(
        name=name,
        seen_from=seen_from,
        state="Online",
        active_node=active,
        operational=nodes,
        redundant=nodes,
        storage_type="Shared" if shared else "NonShared",
        build="8.3.83.6",
        databases=tuple(database(f"MBX-{name}-{g}", g) for g in groups),
        standbys=tuple((g, tuple(StandbyFacts(node_name=t) for t in targets)) for g in groups),
        copies=copies,
    )


def cluster(
    name: str,
    nodes: tuple[str, ...],
    *,
    active: dict[str, str] | None = None,
    home: str = "",
    quorum: QuorumModel = QuorumModel.NODE_SHARE,
    builds: dict[str, str] | None = None,
    targets: tuple[str, ...] = (),
    shared: bool = False,
    groups: tuple[str, ...] = ("Cluster Group",),
    **machine_fields: Any,
) -> tuple[MachineFacts, ...]:
    """The nodes of one cluster. `active` maps CMS to node, `home` owns the other groups."""
    active = active or {}
    home = home or nodes[-1]
    listed = tuple(
        GroupFacts(
            name=g,
            owner=home,
            state=GroupStatus.OFFLINE if g == "Available Storage" else GroupStatus.ONLINE,
            core=g == "Cluster Group",
            resource_types=("IP Address", "Network Name"),
        )
        for g in groups
    ) + tuple(
        GroupFacts(name=cms, owner=node, state=GroupStatus.ONLINE, resource_types=EXCHANGE)
        for cms, node in active.items()
    )
    witness = "\\\\HUB1\\FSW" if quorum in {QuorumModel.NODE_SHARE, QuorumModel.MNS_SHARE} else ""
    made = []
    for node in nodes:
        view = ClusterView(
            name=name,
            seen_from=node,
            nodes=tuple((n, NodeStatus.UP) for n in nodes),
            groups=listed,
            quorum=quorum,
            witness=witness,
            witness_ok=True,
        )
        seen = tuple(
            cms_facts(cms, node, at, nodes, shared=shared, targets=targets) for cms, at in sorted(active.items())
        )
        made.append(
            machine(
                node,
                build=(builds or {}).get(node, OLD),
                cluster=view,
                cms=seen,
                cluster_service=ServiceFacts(name="ClusSvc", state="Running", start="Auto"),
                services=services(active=node in active.values()),
                health=None if shared else (HealthItem(check="ReplayService", result="Passed"),),
                mapi=tuple(one for cms, at in active.items() if at == node for one in logons(cms)),
                own_standbys=(),
                **machine_fields,
            )
        )
    return tuple(made)


def estate(name: str, nodes: tuple[str, ...], machines: tuple[MachineFacts, ...], **inventory: Any) -> EstateFacts:
    """One reading of a whole estate."""
    declared = tuple(one.name for one in machines)
    return holding(
        EstateFacts(
            inventory=Inventory(cluster=name, nodes=nodes, channel="C1", machines=declared, **inventory),
            machines=machines,
            now=NOW,
            read_at=NOW,
        )
    )


def holding(facts: EstateFacts) -> EstateFacts:
    """The same reading in which each machine tells of the SCR copies it holds for the mail servers in it."""
    relations = {
        (cms.name, group, one.node_name)
        for machine_ in facts.machines
        for cms in (machine_.cms if isinstance(machine_.cms, tuple) else ())
        for group, targets in (cms.standbys if isinstance(cms.standbys, tuple) else ())
        for one in targets
    }

    def told(name: str) -> tuple[ScrFacts, ...]:
        return tuple(
            ScrFacts(server=cms, storage_group=group, standby=typed, status="Healthy")
            for cms, group, typed in sorted(relations)
            if same_name(typed, name)
        )

    return replace(
        facts,
        machines=tuple(
            replace(one, survey=replace(one.survey, scr=told(one.name))) if isinstance(one.survey, SurveyFacts) else one
            for one in facts.machines
        ),
    )


def ccr(
    *, n1: str = OLD, n2: str = OLD, scr: str | None = OLD, active: str = "EXN1", home: str = "EXN2", **inventory: Any
) -> EstateFacts:
    """Two nodes, CMS1 with two storage groups, SCR1 as their target (None: no SCR)."""
    nodes = ("EXN1", "EXN2")
    machines = cluster(
        "CLUSTER01",
        nodes,
        active={"CMS1": active},
        home=home,
        builds={"EXN1": n1, "EXN2": n2},
        targets=("scr1.lab.example",) if scr else (),
        groups=("Cluster Group", "Available Storage"),
    )
    if scr:
        alone = tuple(ServiceFacts(name=one.name, state="Running", start="Auto") for one in services(active=True))
        machines += (machine("SCR1", build=scr, services=alone, mailboxes=12, roles=("Mailbox", "HubTransport")),)
    return estate("CLUSTER01", nodes, machines, **inventory)


def scc(
    holders: int,
    passive: int,
    *,
    done: tuple[str, ...] = (),
    home: str = "",
    quorum: QuorumModel = QuorumModel.NODE_DISK,
    scr: str | None = None,
) -> EstateFacts:
    """A single copy cluster with `holders` active and `passive` passive nodes N1…; CMS1 on N1, and so on."""
    nodes = tuple(f"N{i}" for i in range(1, holders + passive + 1))
    active = {f"CMS{i}": f"N{i}" for i in range(1, holders + 1)}
    machines = cluster(
        "SCC",
        nodes,
        active=active,
        home=home or nodes[-1],
        quorum=quorum,
        builds=dict.fromkeys(done, NEW),
        targets=("SCR1",) if scr else (),
        shared=True,
    )
    if scr:
        machines += (machine("SCR1", build=scr),)
    return estate("SCC", nodes, machines)


# --- changing one thing -----------------------------------------------------------------------------------


def change(facts: EstateFacts, name: str, /, **fields: Any) -> EstateFacts:
    """The same reading with some fields of one machine replaced."""
    return replace(
        facts, machines=tuple(replace(m, **fields) if same_name(m.name, name) else m for m in facts.machines)
    )


def each_view(facts: EstateFacts, how: Callable[[ClusterView], ClusterView], cluster_name: str = "") -> EstateFacts:
    """The same reading with every node's view of its cluster changed."""
    return replace(
        facts,
        machines=tuple(
            replace(m, cluster=how(m.cluster))
            if isinstance(m.cluster, ClusterView) and cluster_name in {"", m.cluster.name}
            else m
            for m in facts.machines
        ),
    )


def regroup(facts: EstateFacts, group: str, /, **fields: Any) -> EstateFacts:
    """The same reading with one group changed in every view."""
    return each_view(
        facts,
        lambda view: replace(view, groups=tuple(replace(g, **fields) if g.name == group else g for g in view.groups)),
    )


def ungroup(facts: EstateFacts, *gone: str) -> EstateFacts:
    """The same reading in which no view lists these groups."""
    return each_view(facts, lambda view: replace(view, groups=tuple(g for g in view.groups if g.name not in gone)))


def node_state(facts: EstateFacts, node: str, status: NodeStatus) -> EstateFacts:
    """The same reading with one node in another state in every view."""
    return each_view(
        facts,
        lambda view: replace(view, nodes=tuple((n, status if same_name(n, node) else s) for n, s in view.nodes)),
    )


def recms(facts: EstateFacts, cms: str, **fields: Any) -> EstateFacts:
    """The same reading with one CMS changed as every node sees it; new SCR targets tell of their copies."""
    changed = replace(
        facts,
        machines=tuple(
            replace(m, cms=tuple(replace(c, **fields) if c.name == cms else c for c in m.cms))
            if isinstance(m.cms, tuple)
            else m
            for m in facts.machines
        ),
    )
    return holding(changed) if "standbys" in fields else changed


def standing_by(facts: EstateFacts, cms: str, *relations: tuple[str, tuple[str, ...]]) -> EstateFacts:
    """The same reading with these (storage group, targets) of one CMS, and a Healthy copy on each target."""
    own = next(c.copies for m in facts.machines if isinstance(m.cms, tuple) for c in m.cms if c.name == cms)
    assert isinstance(own, tuple)
    copies = tuple(
        CopyFacts(storage_group=group, status="Healthy", copy_queue=0, replay_queue=900, standby=target)
        for group, targets in relations
        for target in targets
    )
    return recms(
        facts,
        cms,
        standbys=tuple((group, tuple(StandbyFacts(node_name=one) for one in targets)) for group, targets in relations),
        copies=(*(one for one in own if not one.standby), *copies),
    )


def silent(facts: EstateFacts, name: str) -> EstateFacts:
    """The same reading with one machine that did not answer."""
    gone = MachineFacts(name=name, reached=False, why_not="timed out")
    return replace(facts, machines=tuple(gone if m.name == name else m for m in facts.machines))


def emptied(facts: EstateFacts, node: str, to: str) -> EstateFacts:
    """The node owns nothing and is Paused, as after our evacuation."""
    moved = each_view(
        facts,
        lambda view: replace(
            view,
            groups=tuple(replace(g, owner=to) if g.owner == node and not g.holds_exchange else g for g in view.groups),
        ),
    )
    return node_state(moved, node, NodeStatus.PAUSED)


# --- asking -----------------------------------------------------------------------------------------------


def plan_of(facts: EstateFacts, package: Package = PACKAGE, options: Options | None = None, **more: Any) -> Plan:
    """The plan, which must exist."""
    made = make_plan(facts, package, options or Options(), context=more.pop("context", Context()), **more)
    assert isinstance(made, Plan), made
    return made


def judge(
    rule: str,
    when: When,
    facts: EstateFacts,
    *,
    step: Step | None = None,
    plan: Plan | None = None,
    package: Package = PACKAGE,
    context: Context | None = None,
) -> Check:
    """One rule's check."""
    checks = evaluate(when, facts, package=package, context=context or Context(), plan=plan, step=step)
    found = [check for check in checks if check.rule == rule]
    assert found, f"{rule} is not judged then"
    return found[0]


def verdicts(checks: tuple[Check, ...]) -> dict[str, Verdict]:
    """Rule to verdict."""
    return {check.rule: check.verdict for check in checks}
