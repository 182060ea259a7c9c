"""Every rule of the table: what it passes, what it blocks, and what it calls unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest

from bot.procedure.context import Context, Durations
from bot.procedure.facts import (
    NOT_ASKED,
    ClusterView,
    CopyFacts,
    CustomScript,
    EstateFacts,
    GroupStatus,
    HealthItem,
    LevelFacts,
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
    Unknown,
    VolumeFacts,
    WriterFacts,
)
from bot.procedure.rules import HELD_ELSEWHERE, RULES, RULES_VERSION, blocking, evaluate
from bot.procedure.rules.page import render_rules
from state.words import NodeImage, Verdict, Waiver, When
from tests.procedure import moments
from tests.procedure.build import (
    BASE,
    NEW,
    NOW,
    OLD,
    PACKAGE,
    ccr,
    change,
    database,
    each_view,
    level,
    node_state,
    plan_of,
    recms,
    regroup,
    scc,
    services,
    silent,
    surveyed,
    ungroup,
)

GONE = Unknown("the section failed")
BLOCK, UNKNOWN, WARN, PASS = Verdict.BLOCK, Verdict.UNKNOWN, Verdict.WARN, Verdict.PASS
Change = Callable[[EstateFacts], EstateFacts]


class Row(NamedTuple):
    rule: str
    moment: str
    change: Change
    verdict: Verdict
    says: str
    waivable: bool = False


def on(name: str, **fields: object) -> Change:
    return lambda facts: change(facts, name, **fields)


def cms(**fields: object) -> Change:
    return lambda facts: recms(facts, "CMS1", **fields)


def group(which: str, /, **fields: object) -> Change:
    return lambda facts: regroup(facts, which, **fields)


def state(node: str, status: NodeStatus) -> Change:
    return lambda facts: node_state(facts, node, status)


def quiet(name: str) -> Change:
    return lambda facts: silent(facts, name)


def view(**fields: object) -> Change:
    return lambda facts: each_view(facts, lambda one: replace(one, **fields))  # type: ignore[arg-type]


def witness_gone(state_: GroupStatus) -> Change:
    """The witness fails, and the default group that holds it shows that."""
    lost = view(witness_ok=False)
    return lambda facts: regroup(lost(facts), "Cluster Group", state=state_)


def window(text: str) -> Change:
    return lambda facts: replace(facts, inventory=replace(facts.inventory, window=text))


def backups(window: str, declared: str) -> Change:
    return lambda facts: replace(facts, inventory=replace(facts.inventory, window=window, backups=declared))


def asked(name: str, **fields: object) -> Change:
    return lambda facts: change(facts, name, survey=surveyed(**fields))


def writer(state_: int) -> Change:
    return asked("EXN2", writers=(WriterFacts(name="Microsoft Exchange Replica Writer", state=state_),))


def own_writer(state_: int) -> Change:
    return asked("SCR1", writers=(WriterFacts(name="Microsoft Exchange Writer", state=state_),))


def also_on_scr1(server: str, status: str | Unknown, standby: str = "scr1") -> Change:
    """SCR1 tells of one copy more: a group of another server that it holds, or its own that it feeds to `standby`."""

    def more(facts: EstateFacts) -> EstateFacts:
        survey = next(one.survey for one in facts.machines if one.name == "SCR1")
        assert isinstance(survey, SurveyFacts)
        assert isinstance(survey.scr, tuple)
        one = ScrFacts(server=server, storage_group="SG9", standby=standby, status=status)
        return change(facts, "SCR1", survey=replace(survey, scr=(*survey.scr, one)))

    return more


def queued(count: int | Unknown, to: str = "cms1.lab.example") -> Change:
    return asked("EXN2", queues=(QueueFacts(server="HUB1", next_hop=to, waiting=count),))


def hub(**fields: object) -> Change:
    told: dict[str, object] = {"name": "HUB1", "roles": ("ClientAccess", "HubTransport"), "base": BASE}
    servers = (ServerFacts(**(told | fields)),)  # type: ignore[arg-type]
    return lambda facts: asked("EXN2", servers=servers)(asked("EXN1", servers=servers)(facts))


def two_sites(ttl: int | None) -> Change:
    names = (("CMS1", ttl),) if ttl is not None else ()

    def how(facts: EstateFacts) -> EstateFacts:
        apart = change(facts, "EXN1", survey=surveyed(host_ttl=names))
        return change(apart, "EXN2", survey=surveyed(host_ttl=names, client_networks=("Cluster Network 2",)))

    return how


def seen_by_one(facts: EstateFacts) -> EstateFacts:
    """A partition: EXN1 sees EXN2 Down, EXN2 sees EXN1 Down."""

    def other(one: ClusterView) -> ClusterView:
        down = "EXN2" if one.seen_from == "EXN1" else "EXN1"
        return replace(one, nodes=tuple((n, NodeStatus.DOWN if n == down else s) for n, s in one.nodes))

    return each_view(facts, other)


def service(name: str, at: str = "EXN2", state_: str = "Running", start: str = "Auto") -> Change:
    def how(facts: EstateFacts) -> EstateFacts:
        rest = tuple(s for s in services() if s.name != name)
        return change(facts, at, services=(*rest, ServiceFacts(name=name, state=state_, start=start)))

    return how


def copies(status: str, queue: int | Unknown = 0, replay: int | Unknown = 0) -> tuple[CopyFacts, ...]:
    return (
        CopyFacts(storage_group="SG1", status=status, copy_queue=queue, replay_queue=replay),
        CopyFacts(storage_group="SG2", status="Healthy", copy_queue=0, replay_queue=0),
    )


def scr_copy(status: str) -> tuple[CopyFacts, ...]:
    return tuple(
        CopyFacts(storage_group=g, status=status, copy_queue=0, replay_queue=900, standby="scr1")
        for g in ("SG1", "SG2")
    )


def dbs(**fields: object) -> tuple[object, ...]:
    return (database("MBX1", "SG1", **fields), database("MBX2", "SG2"))


def folders(**fields: object) -> tuple[object, ...]:
    """A mail server that holds public folders and nothing else."""
    return (database("PF1", "SG1", **({"public": True} | fields)), database("PF2", "SG2", public=True))


def with_folders(**fields: object) -> tuple[object, ...]:
    """The databases of every moment here, and one of public folders beside them."""
    mail = (database(f"MBX-CMS1-{group}", group) for group in ("SG1", "SG2"))
    return (*mail, database("PF1", "SG1", **({"public": True} | fields)))


def _standby(name: str) -> StandbyFacts:
    return StandbyFacts(node_name=name)


LONG_SCRIPT = CustomScript(sha256="ee" * 32, text="Stop-Service x\n" * 100)
INTERIM = LevelFacts(
    exsetup=OLD,
    base=BASE,
    patches=(*level(OLD).patches, PatchFacts(name="Interim Update for Exchange (KB123456)", state=1)),  # type: ignore[misc]
)
UNSURE = LevelFacts(exsetup=NEW, patches=level(OLD).patches, base=BASE)
SHARE_UP = (HealthItem(check="FileShareQuorum", result="Passed"),)
SHARE_DOWN = (HealthItem(check="FileShareQuorum", result="*FAILED*", error="the share is not available"),)
ABSENT = PackageFacts(path="x", present=False)
SWAPPED = PackageFacts(path="x", present=True, sha256="cd" * 32)
UNSIGNED = PackageFacts(path="x", present=True, sha256="ab" * 32, signature="NotSigned")
SP2 = LevelFacts(exsetup="8.2.176.2", patches=(), base="8.2.176.2")

ROWS = (
    Row("PRE-COMPLETE", "plan", quiet("EXN1"), UNKNOWN, "did not answer"),
    Row("PRE-COMPLETE", "plan", lambda f: change(change(f, "EXN1", cms=GONE), "EXN2", cms=GONE), UNKNOWN, "kind"),
    Row("PRE-COMPLETE", "gate_scr", quiet("SCR1"), UNKNOWN, "SCR1 did not answer"),
    Row("VIEW-AGREE", "plan", seen_by_one, BLOCK, "disagree"),
    Row("VIEW-AGREE", "gate_install", on("EXN1", cluster=GONE), UNKNOWN, "could not be seen"),
    Row("VIEW-AGREE", "gate_install", on("EXN1", cluster=GONE), UNKNOWN, "no other node confirms it (EXN1 is Up)"),
    Row(
        "VIEW-AGREE",
        "gate_evacuate",
        lambda f: change(f, "EXN1", cluster=regroup(f, "Cluster Group", owner="EXN1").machines[0].cluster),
        BLOCK,
        "'Cluster Group'",
    ),
    Row("CLOCK-SKEW", "gate_install", on("EXN2", skew_s=61.0), UNKNOWN, "more than 60 s"),
    Row("CLOCK-SKEW", "gate_install", on("EXN2", skew_s=GONE), UNKNOWN, "could not be read"),
    Row("NODE-MEMBER", "plan", state("EXN2", NodeStatus.PAUSED), BLOCK, "Paused"),
    Row("NODE-MEMBER", "plan", state("EXN2", NodeStatus.DOWN), BLOCK, "Down"),
    Row("NODE-MEMBER", "plan", state("EXN2", NodeStatus.UNKNOWN), UNKNOWN, "not known"),
    Row("NODE-MEMBER", "plan", cms(redundant=("EXN1",)), BLOCK, "redundant machines"),
    Row("NODE-MEMBER", "plan", cms(redundant=GONE), UNKNOWN, "could not be read"),
    Row("NODE-MEMBER", "gate_handoff", state("EXN2", NodeStatus.PAUSED), BLOCK, "Paused"),
    Row("NODE-MEMBER", "plan", cms(operational=("EXN1",)), BLOCK, "operational machines of CMS1"),
    Row("NODE-MEMBER", "gate_handoff", cms(operational=("EXN1",)), BLOCK, "operational machines of CMS1"),
    Row("NODE-MEMBER", "plan", cms(operational=GONE), UNKNOWN, "could not be read"),
    Row("NODE-MEMBER", "gate_install", cms(operational=("EXN1",)), PASS, "in the cluster"),
    Row("SCR-APPLICABLE", "plan", cms(standbys=GONE), UNKNOWN, "could not be read"),
    Row("SCR-APPLICABLE", "plan", cms(standbys=(("SG1", ()),)), UNKNOWN, "SG2"),
    Row("SCR-TARGETS-FIRST", "plan", quiet("SCR1"), UNKNOWN, "timed out", waivable=True),
    Row("SCR-TARGETS-FIRST", "gate_evacuate", on("SCR1", level=level(OLD)), BLOCK, "no node of the source goes before"),
    Row("SCR-TARGETS-FIRST", "gate_install", on("SCR1", level=GONE), UNKNOWN, "not known", waivable=True),
    Row("SCR-TARGETS-FIRST", "gate_install", cms(standbys=GONE), UNKNOWN, "not known"),
    Row("SCR-TARGET-PASSIVE", "plan", on("SCR1", cluster=GONE), UNKNOWN, "not known"),
    Row(
        "SCR-CYCLE",
        "plan",
        on("SCR1", own_standbys=(("SG9", (_standby("cms1.lab.example"),)),)),
        BLOCK,
        "SCR1 → CMS1",
        waivable=True,
    ),
    Row(
        "SCR-CYCLE",
        "plan",
        on("SCR1", own_standbys=(("SG9", (_standby("SCR1"),)),)),
        BLOCK,
        "other way round",
        waivable=True,
    ),
    Row(
        "SCR-CYCLE", "plan", on("SCR1", own_standbys=(("SG9", (_standby("FAR"),)),)), PASS, "No SCR target is a source"
    ),
    Row(
        "SCR-CYCLE",
        "plan",
        cms(standbys=(("SG1", (_standby("EXN2"),)), ("SG2", ()))),
        BLOCK,
        "one of its own nodes",
        waivable=True,
    ),
    Row("SCR-CYCLE", "plan", on("SCR1", own_standbys=GONE), UNKNOWN, "not known"),
    Row("LEVEL-AGREE", "plan", on("EXN2", level=UNSURE), BLOCK, "disagree", waivable=True),
    Row("LEVEL-AGREE", "gate_install", on("EXN2", level=GONE), UNKNOWN, "could not be read"),
    Row("NO-WU", "plan", on("EXN2", level=GONE), UNKNOWN, "cannot be said"),
    Row("PKG-TRAIN", "plan", on("EXN2", level=SP2), BLOCK, "SP2"),
    Row("PKG-TRAIN", "gate_install", on("EXN2", level=GONE), UNKNOWN, "not known"),
    Row("PKG-NEWER", "gate_install", lambda f: f, BLOCK, "newer than the package"),
    Row("PKG-NEWER", "gate_install", on("EXN2", level=level(NEW)), PASS, "already"),
    Row("PKG-NEWER", "gate_install", on("EXN2", level=GONE), UNKNOWN, "not known"),
    Row("IU-NONE", "plan", on("EXN2", level=INTERIM), BLOCK, "interim update"),
    Row("IU-NONE", "gate_install", on("EXN2", level=GONE), UNKNOWN, "could not be read"),
    Row("PKG-HASH", "plan", on("EXN2", package=ABSENT), BLOCK, "is not on EXN2"),
    Row("PKG-HASH", "gate_install", on("EXN2", package=SWAPPED), BLOCK, "not the approved file"),
    Row("PKG-HASH", "gate_install", on("EXN2", package=GONE), UNKNOWN, "could not be read"),
    Row("PKG-HASH", "gate_install", on("EXN2", package=UNSIGNED), WARN, "NotSigned"),
    Row("LEVEL-REACHED", "after_install", on("EXN2", level=level(OLD)), BLOCK, "still at"),
    Row("LEVEL-REACHED", "after_install", on("EXN2", level=UNSURE), UNKNOWN, "disagree"),
    Row(
        "CLUSSVC-BACK",
        "after_install",
        on("EXN2", cluster_service=ServiceFacts(name="ClusSvc", state="Stopped", start="Auto")),
        BLOCK,
        "is Stopped",
    ),
    Row(
        "CLUSSVC-BACK",
        "after_install",
        on("EXN2", cluster_service=ServiceFacts(name="ClusSvc", state="Running", start="Disabled")),
        BLOCK,
        "starts Disabled",
    ),
    Row("CLUSSVC-BACK", "after_install", state("EXN2", NodeStatus.DOWN), BLOCK, "see EXN2 Down"),
    Row("CLUSSVC-BACK", "after_install", on("EXN2", cluster_service=GONE), UNKNOWN, "could not be read"),
    Row("CLUSSVC-BACK", "after_install", quiet("EXN2"), UNKNOWN, "did not answer"),
    Row("NODE-PASSIVE", "gate_evacuate", cms(active_node="EXN2"), BLOCK, "active on EXN2"),
    Row("NODE-PASSIVE", "gate_evacuate", group("CMS1", owner="EXN2"), BLOCK, "'CMS1'"),
    Row("NODE-PASSIVE", "gate_evacuate", service("MSExchangeIS"), BLOCK, "MSExchangeIS is Running"),
    Row("NODE-PASSIVE", "gate_evacuate", cms(active_node=GONE), UNKNOWN, "not known"),
    Row("NODE-PASSIVE", "gate_evacuate", on("EXN2", services=GONE), UNKNOWN, "services of EXN2"),
    Row("NODE-PASSIVE", "gate_evacuate", on("EXN2", services=()), UNKNOWN, "does not list"),
    Row("NODE-PASSIVE", "gate_scr", on("SCR1", cluster=GONE), UNKNOWN, "cluster node"),
    Row("NODE-NO-CMS-GROUP", "gate_install", group("CMS1", owner="EXN2", state=GroupStatus.OFFLINE), BLOCK, "Offline"),
    Row(
        "NODE-NO-CMS-GROUP",
        "gate_install",
        lambda f: change(change(f, "EXN1", cluster=GONE), "EXN2", cluster=GONE),
        UNKNOWN,
        "could not be read",
    ),
    Row("ONE-AT-A-TIME", "gate_evacuate", lambda f: f, BLOCK, "restart that has not happened"),
    Row("NODE-EMPTY", "gate_install", group("Cluster Group", owner="EXN2"), BLOCK, "still owns 'Cluster Group'"),
    Row(
        "NODE-EMPTY",
        "gate_install",
        group("Cluster Group", owner="EXN2", possible_owners=("EXN2",)),
        BLOCK,
        "No other node that is Up may own it",
    ),
    Row("NODE-EMPTY", "after_evacuate", group("Available Storage", owner="EXN2"), BLOCK, "Available Storage"),
    Row(
        "NODE-EMPTY",
        "gate_install",
        lambda f: change(change(f, "EXN1", cluster=GONE), "EXN2", cluster=GONE),
        UNKNOWN,
        "could not be read",
    ),
    Row("NODE-PAUSED", "gate_install", state("EXN2", NodeStatus.UP), BLOCK, "not Paused", waivable=True),
    Row("NODE-PAUSED", "after_evacuate", state("EXN2", NodeStatus.UP), BLOCK, "not Paused", waivable=True),
    Row("NODE-PAUSED", "gate_install", state("EXN2", NodeStatus.UNKNOWN), UNKNOWN, "not known"),
    Row("QUORUM-SURVIVES", "plan", view(witness_ok=False), BLOCK, "not available"),
    Row("QUORUM-SURVIVES", "plan", view(witness_ok=GONE), UNKNOWN, "not known"),
    Row("QUORUM-SURVIVES", "gate_install", view(quorum=GONE), UNKNOWN, "not known"),
    Row("QUORUM-SURVIVES", "gate_install", view(quorum=QuorumModel.NODE), BLOCK, "1 of 2 votes"),
    Row("QUORUM-SURVIVES", "gate_install", state("EXN1", NodeStatus.DOWN), BLOCK, "no node"),
    Row("SPARE-UP", "gate_evacuate", state("EXN1", NodeStatus.PAUSED), BLOCK, "nothing can take over", waivable=True),
    Row("SPARE-UP", "gate_evacuate", lambda f: f, WARN, "only passive node"),
    Row("GROUP-MOVE-NOT-CMS", "gate_evacuate", group("CMS1", owner="EXN2"), BLOCK, "clustered mailbox server"),
    Row("GROUP-MOVE-PLAN", "plan", group("Cluster Group", possible_owners=("EXN2",)), BLOCK, "only EXN2 may own it"),
    Row("GROUP-MOVE-PLAN", "gate_evacuate", state("EXN1", NodeStatus.PAUSED), BLOCK, "EXN1 is Paused."),
    Row("GROUP-MOVE-CMD", "plan", group("Cluster Group", name='Cluster "A" Group'), BLOCK, "double quote"),
    Row("GROUP-MOVE-CMD", "gate_evacuate", group("Available Storage", name="a\nb"), BLOCK, "control character"),
    Row(
        "GROUP-MOVE-CMD",
        "plan",
        lambda f: change(change(f, "EXN1", cluster=GONE), "EXN2", cluster=GONE),
        UNKNOWN,
        "could not be read",
    ),
    Row("FAILBACK-OFF", "plan", group("CMS1", auto_failback=1, preferred=("EXN1",)), BLOCK, "to EXN1", waivable=True),
    Row("FAILBACK-OFF", "gate_handoff", group("Cluster Group", auto_failback=GONE), UNKNOWN, "not known"),
    Row("WINDOW", "plan", window("Sat 22:00-22:30"), BLOCK, "too short"),
    Row("WINDOW", "gate_handoff", window("Sun 22:00-23:00"), BLOCK, "closed"),
    Row("WINDOW", "gate_handoff", window("Sat 18:00-20:20"), BLOCK, "not enough"),
    Row("WINDOW", "gate_scr", window("Sat 18:00-20:20"), BLOCK, "not enough"),
    Row("WINDOW", "plan", window("at night"), UNKNOWN, "cannot be read"),
    Row(
        "MIXED-LEVEL-MOVE",
        "gate_handoff",
        lambda f: change(change(f, "EXN1", level=level(NEW)), "EXN2", level=level(OLD)),
        BLOCK,
        "back to",
        waivable=True,
    ),
    Row("MIXED-LEVEL-MOVE", "gate_handoff", on("EXN2", level=GONE), UNKNOWN, "not known"),
    Row("BACKUP-RUNNING", "gate_handoff", cms(databases=dbs(backup_running=True)), BLOCK, "A backup of MBX1"),
    Row("BACKUP-RUNNING", "gate_install", cms(databases=dbs(backup_running=True)), BLOCK, "is running", waivable=True),
    Row("BACKUP-RUNNING", "gate_install", cms(databases=dbs(backup_running=GONE)), UNKNOWN, "not known"),
    Row("BACKUP-RUNNING", "gate_install", cms(databases=GONE), UNKNOWN, "not known"),
    Row("BACKUP-RUNNING", "gate_install", writer(5), BLOCK, "the copy there is running", waivable=True),
    Row("BACKUP-RUNNING", "gate_handoff", writer(5), BLOCK, "the copy there is running"),
    Row("BACKUP-RUNNING", "gate_install", writer(8), BLOCK, "last backup failed", waivable=True),
    Row("BACKUP-RUNNING", "gate_install", on("EXN2", survey=GONE), UNKNOWN, "reads the copy"),
    Row("BACKUP-RUNNING", "gate_handoff", asked("EXN2", writers=GONE), UNKNOWN, "reads the copy"),
    Row("BACKUP-RUNNING", "gate_install", asked("EXN2", writers=()), UNKNOWN, "its writer is not listed"),
    Row("BACKUP-RUNNING", "gate_scr", own_writer(5), BLOCK, "own databases is running", waivable=True),
    Row("BACKUP-RUNNING", "gate_scr", own_writer(1), PASS, "No backup of SCR1's own databases"),
    Row("BACKUP-RUNNING", "gate_scr", asked("SCR1", writers=()), PASS, "No backup of SCR1's own databases"),
    Row("BACKUP-RUNNING", "gate_scr", asked("SCR1", writers=GONE), UNKNOWN, "of SCR1 itself runs is not known"),
    Row("BACKUP-RUNNING", "plan", lambda f: f, WARN, "not declared"),
    Row("BACKUP-RUNNING", "plan", backups("Sat 22:00-23:00", "Sat 22:30-04:00"), BLOCK, "overlap", waivable=True),
    Row("BACKUP-RUNNING", "plan", backups("", "Sat 20:10-20:20"), BLOCK, "from now on", waivable=True),
    Row("BACKUP-RUNNING", "plan", backups("Sat 18:00-06:00", "Sun 07:00-08:00"), PASS, "No declared backup"),
    Row("BACKUP-RUNNING", "plan", backups("", "at night"), UNKNOWN, "cannot be read"),
    Row("SEEDING-NONE", "gate_install", cms(copies=copies("Seeding")), BLOCK, "Seeding", waivable=True),
    Row(
        "SEEDING-NONE",
        "gate_handoff",
        cms(copies=(*copies("Healthy"), *scr_copy("Seeding"))),
        BLOCK,
        "SCR1".lower(),
        waivable=True,
    ),
    Row(
        "SEEDING-NONE",
        "gate_scr",
        cms(copies=(*copies("Healthy"), *scr_copy("Seeding"))),
        BLOCK,
        "Seeding",
        waivable=True,
    ),
    Row("SEEDING-NONE", "gate_install", cms(copies=GONE), UNKNOWN, "could not be read"),
    Row("SEEDING-NONE", "gate_scr", also_on_scr1("CMS9", "Seeding"), BLOCK, "of CMS9\\SG9 on scr1", waivable=True),
    Row("SEEDING-NONE", "gate_scr", also_on_scr1("CMS9", GONE), UNKNOWN, "CMS9\\SG9 on scr1", waivable=True),
    Row("SEEDING-NONE", "gate_scr", also_on_scr1("CMS9", "Sonderbar"), UNKNOWN, "nobody here knows"),
    Row(
        "SEEDING-NONE", "gate_scr", also_on_scr1("SCR1", "Seeding", "SCR7"), BLOCK, "on SCR7 is Seeding", waivable=True
    ),
    Row("SEEDING-NONE", "gate_scr", also_on_scr1("CMS9", "Healthy"), PASS, "No copy is Seeding"),
    Row("SEEDING-NONE", "gate_scr", asked("SCR1", scr=()), UNKNOWN, "does not list its copy of CMS1\\SG1"),
    Row("SEEDING-NONE", "gate_scr", asked("SCR1", scr=GONE), UNKNOWN, "keeps of other servers"),
    Row("SEEDING-NONE", "gate_install", asked("EXN2", scr=GONE), PASS, "No copy is Seeding"),  # no SCR target
    Row("MOVE-READY", "gate_handoff", cms(copies=copies("Initializing")), BLOCK, "Initializing"),
    Row("MOVE-READY", "gate_handoff", cms(copies=copies("Failed")), BLOCK, "Failed"),
    Row("MOVE-READY", "gate_handoff", cms(copies=copies("Gesund")), BLOCK, "not Healthy"),
    Row("MOVE-READY", "gate_handoff", cms(copies=copies("Healthy", queue=11)), BLOCK, "copy queue"),
    Row("MOVE-READY", "gate_handoff", cms(copies=copies("Healthy", replay=51)), BLOCK, "replay queue"),
    Row("MOVE-READY", "gate_handoff", cms(copies=copies("Healthy", queue=GONE)), UNKNOWN, "not known"),
    Row("MOVE-READY", "gate_handoff", cms(copies=()), UNKNOWN, "No copy of SG1"),
    Row("MOVE-READY", "gate_handoff", cms(copies=GONE), UNKNOWN, "could not be read"),
    Row("MOVE-READY", "gate_handoff", cms(databases=dbs(mounted=False)), BLOCK, "dismounted"),
    Row("MOVE-READY", "gate_handoff", cms(databases=dbs(mounted=GONE)), UNKNOWN, "not known"),
    Row("MOVE-READY", "gate_handoff", cms(databases=GONE), UNKNOWN, "could not be read"),
    Row("MOVE-READY", "gate_handoff", cms(databases=folders()), PASS, "every database mounted"),
    Row("MOVE-READY", "gate_handoff", cms(databases=folders(mounted=False)), BLOCK, "PF1 of CMS1 is dismounted"),
    Row("MOVE-DONE", "after_handoff", cms(databases=with_folders()), PASS, "every database is mounted"),
    Row("MOVE-DONE", "after_handoff", cms(databases=with_folders(mounted=False)), BLOCK, "PF1 of CMS1 is dismounted"),
    Row("MOVE-DONE", "after_handoff", cms(databases=with_folders(public=False)), UNKNOWN, "says nothing of PF1"),
    Row("BACKUP-RUNNING", "gate_handoff", cms(databases=folders(backup_running=True)), BLOCK, "backup of PF1"),
    Row("MOVE-READY", "gate_handoff", cms(state="Offline"), BLOCK, "not Online"),
    Row("MOVE-READY", "gate_handoff", cms(active_node="EXN2"), BLOCK, "somebody moved it"),
    Row("MOVE-READY", "gate_handoff", cms(active_node=GONE), UNKNOWN, "CMS1"),
    Row("MOVE-READY", "gate_handoff", on("EXN2", level=level(OLD)), BLOCK, "updated node"),
    Row("MOVE-READY", "gate_handoff", on("EXN2", level=GONE), UNKNOWN, "at the level"),
    Row("MOVE-READY", "gate_handoff", on("EXN2", validate=()), UNKNOWN, "not validated"),
    Row("MOVE-READY", "gate_handoff", on("EXN2", validate=GONE), UNKNOWN, "could not be run"),
    Row(
        "MOVE-READY", "gate_handoff", on("EXN2", validate=(("CMS1", "copies are failed"),)), BLOCK, "copies are failed"
    ),
    Row(
        "MOVE-READY",
        "gate_handoff",
        on(
            "EXN1", health=tuple(HealthItem(check=c, result="*FAILED*", error="SG1.") for c in ("SGCopyFailed", "Repl"))
        ),
        BLOCK,
        "SGCopyFailed: SG1; Repl: SG1.",
    ),
    Row("MOVE-READY", "gate_handoff", on("EXN2", health=GONE), UNKNOWN, "Test-ReplicationHealth on EXN2"),
    Row("MOVE-READY", "gate_handoff", on("EXN2", health=None), UNKNOWN, "does not exist"),
    Row("DNS-TTL", "plan", asked("EXN1", client_networks=GONE), WARN, "one subnet could not be read"),
    Row("DNS-TTL", "plan", quiet("EXN2"), WARN, "one subnet could not be read"),
    Row("DNS-TTL", "plan", two_sites(1200), WARN, "20 minutes"),
    Row("DNS-TTL", "plan", two_sites(300), PASS, "no name is kept longer"),
    Row("DNS-TTL", "plan", two_sites(None), WARN, "TTL of CMS1 could not be read"),
    Row("OAB-PIN", "after_handoff", asked("EXN2", oab_pins=(("CMS1", "EXN1"),)), WARN, "made on EXN1"),
    Row("OAB-PIN", "after_handoff", asked("EXN2", oab_pins=(("cms1", "exn2"),)), PASS, "not bound"),
    Row("OAB-PIN", "after_handoff", asked("EXN2", oab_pins=(("CMS9", "EXN1"),)), PASS, "not bound"),
    Row("OAB-PIN", "after_handoff", asked("EXN2", oab_pins=GONE), WARN, "could not be read"),
    Row("MOVE-DONE", "after_handoff", cms(active_node="EXN1"), BLOCK, "not on EXN2"),
    Row("MOVE-DONE", "after_handoff", cms(state="PartiallyOnline"), BLOCK, "PartiallyOnline"),
    Row("MOVE-DONE", "after_handoff", cms(databases=dbs(mounted=False)), BLOCK, "after the move"),
    Row("MOVE-DONE", "after_handoff", cms(databases=GONE), UNKNOWN, "could not be read"),
    Row("MOVE-DONE", "after_handoff", cms(state=GONE), UNKNOWN, "CMS1"),
    Row("MOVE-DONE", "after_handoff", on("EXN2", mapi=(("MBX1", "*FAILURE*"),)), BLOCK, "Test-MapiConnectivity"),
    Row("MOVE-DONE", "after_handoff", cms(copies=copies("Failed")), BLOCK, "SG1 is Failed after the move"),
    Row("MOVE-DONE", "after_handoff", cms(copies=copies("FailedAndSuspended")), BLOCK, "does not follow any more"),
    Row("MOVE-DONE", "after_handoff", cms(copies=copies("Fehlerhaft")), UNKNOWN, "nobody here knows"),
    Row("MOVE-DONE", "after_handoff", cms(copies=GONE), UNKNOWN, "could not be read after the move"),
    Row("MOVE-DONE", "after_handoff", cms(copies=copies("Initializing")), PASS, "every database is mounted"),
    Row("MOVE-DONE", "after_handoff", cms(copies=copies("ServiceDown")), PASS, "every database is mounted"),
    Row("MOVE-DONE", "after_handoff", queued(101), BLOCK, "do not drain"),
    Row("MOVE-DONE", "after_handoff", queued(100), PASS, "every database is mounted"),
    Row("MOVE-DONE", "after_handoff", queued(900, "cms9.lab.example"), PASS, "every database is mounted"),
    Row("MOVE-DONE", "after_handoff", queued(Unknown("no second hop")), WARN, "queues of HUB1"),
    Row("MOVE-DONE", "after_handoff", asked("EXN2", queues=GONE), WARN, "queues to CMS1"),
    Row("MOVE-DONE", "after_handoff", asked("EXN2", queues=()), WARN, "No Hub Transport server"),
    Row("MOVE-DONE", "after_handoff", service("MSExchangeSearch", state_="Stopped"), WARN, "Content indexing"),
    Row("MOVE-DONE", "after_handoff", on("EXN2", services=()), WARN, "no service of content indexing"),
    Row("MOVE-DONE", "after_handoff", on("EXN2", services=GONE), WARN, "content indexing runs"),
    Row("DOWNTIME-MEASURED", "after_handoff", lambda f: f, WARN, "could not be measured"),
    Row("GROUPS-SNAPSHOT", "gate_evacuate", group("Cluster Group", state=GroupStatus.PENDING), BLOCK, "changing"),
    Row(
        "GROUPS-SNAPSHOT",
        "gate_evacuate",
        group("Cluster Group", state=GroupStatus.FAILED),
        BLOCK,
        "Failed",
        waivable=True,
    ),
    Row("GROUPS-SNAPSHOT", "gate_evacuate", group("Cluster Group", state=GroupStatus.UNKNOWN), UNKNOWN, "not known"),
    Row("GROUPS-SNAPSHOT", "plan", group("Cluster Group", state=GroupStatus.FAILED), WARN, "first step in CLUSTER01"),
    Row("GROUPS-SNAPSHOT", "plan", group("Cluster Group", state=GroupStatus.PARTIAL), WARN, "no step stops for that"),
    Row("GROUPS-SNAPSHOT", "plan", group("CMS1", state=GroupStatus.FAILED), WARN, "and mail is down"),
    Row("GROUPS-SNAPSHOT", "plan", group("CMS1", state=GroupStatus.PARTIAL), WARN, "only once it is Online"),
    Row("GROUPS-SNAPSHOT", "plan", group("CMS1", state=GroupStatus.OFFLINE), WARN, "Start-ClusteredMailboxServer"),
    Row("GROUPS-SNAPSHOT", "plan", group("Cluster Group", state=GroupStatus.UNKNOWN), UNKNOWN, "not known"),
    Row("GROUPS-SNAPSHOT", "plan", group("Available Storage", state=GroupStatus.PENDING), PASS, "No group is found"),
    Row(
        "GROUPS-SNAPSHOT", "after_evacuate", group("Cluster Group", state=GroupStatus.OFFLINE), BLOCK, "before the step"
    ),
    Row("GROUPS-SNAPSHOT", "after_evacuate", lambda f: ungroup(f, "Available Storage"), BLOCK, "not listed"),
    Row("GROUPS-SNAPSHOT", "after_install", witness_gone(GroupStatus.PARTIAL), BLOCK, "witness, \\\\HUB1\\FSW, is not"),
    Row("GROUPS-SNAPSHOT", "after_install", witness_gone(GroupStatus.FAILED), BLOCK, "bring \\\\HUB1\\FSW back first"),
    Row(
        "GROUPS-SNAPSHOT",
        "gate_evacuate",
        witness_gone(GroupStatus.FAILED),
        BLOCK,
        "\\\\HUB1\\FSW, is not",
        waivable=True,
    ),
    Row("GROUPS-SNAPSHOT", "plan", witness_gone(GroupStatus.PARTIAL), WARN, "\\\\HUB1\\FSW, is not available"),
    Row("SERVICES-SNAPSHOT", "after_install", service("MSExchangeRepl", start="Disabled"), BLOCK, "Disabled"),
    Row("SERVICES-SNAPSHOT", "after_install", service("MSExchangeRepl", state_="Stopped"), BLOCK, "is Stopped"),
    Row("SERVICES-SNAPSHOT", "gate_install", on("EXN2", services=GONE), UNKNOWN, "could not be read"),
    Row("SERVICES-SNAPSHOT", "gate_install", on("EXN2", services=()), UNKNOWN, "no services"),
    Row("SCR-COPY-OK", "after_scr", cms(copies=scr_copy("Failed")), BLOCK, "Failed"),
    Row("SCR-COPY-OK", "after_scr", cms(copies=scr_copy("Suspended")), BLOCK, "Suspended"),
    Row("SCR-COPY-OK", "after_scr", cms(copies=scr_copy("Initializing")), WARN, "Initializing"),
    Row("SCR-COPY-OK", "after_scr", cms(copies=scr_copy("Sonderbar")), UNKNOWN, "nobody here knows"),
    Row("SCR-COPY-OK", "after_scr", cms(copies=()), UNKNOWN, "not listed"),
    Row("SCR-COPY-OK", "after_scr", cms(copies=GONE), UNKNOWN, "could not be read"),
    Row("WMF-VERSION", "plan", on("EXN2", powershell="3.0"), BLOCK, "1603"),
    Row("WMF-VERSION", "gate_install", on("EXN2", powershell="1.0"), BLOCK, "needs 2.0"),
    Row("WMF-VERSION", "plan", on("EXN2", powershell=GONE), UNKNOWN, "not known"),
    Row("AV", "plan", service("FSCController"), WARN, "people switch it off before the install"),
    Row("AV", "plan", on("SCR1", services=GONE), UNKNOWN, "could not be read"),
    Row("AV", "gate_evacuate", service("FSCController"), WARN, "people switch it off before the install"),
    Row("AV", "gate_install", service("FSCController"), BLOCK, "must be off", waivable=True),
    Row("AV", "after_install", service("FSCController", state_="Stopped"), WARN, "starts with Windows"),
    Row("AV", "gate_handoff", on("EXN2", services=GONE), UNKNOWN, "could not be read"),
    Row("AV", "gate_handoff", service("FSEIMC", state_="Stopped"), WARN, "starts with Windows"),
    Row("AV", "gate_handoff", service("FSEIMC", state_="Stopped", start="Manual"), PASS, "as it was before"),
    Row("AV", "gate_install", on("EXN2", services=GONE), UNKNOWN, "could not be read"),
    Row(
        "REBOOT-PENDING",
        "gate_install",
        on("EXN2", reboot_pending=("RebootPending",)),
        BLOCK,
        "waits for a restart",
        waivable=True,
    ),
    Row("REBOOT-PENDING", "gate_install", on("EXN2", reboot_pending=GONE), UNKNOWN, "not known"),
    Row("DISK", "gate_install", on("EXN2", disk_free_mb=(("C:", 100),)), BLOCK, "less than 3072 MB"),
    Row("DISK", "gate_install", on("EXN2", disk_free_mb=()), UNKNOWN, "does not list drive C:"),
    Row("DISK", "plan", on("EXN2", disk_free_mb=GONE), UNKNOWN, "not known"),
    Row(
        "DISK",
        "gate_install",
        on("EXN2", system_drive="D:", disk_free_mb=(("C:", 9000), ("D:", 100))),
        BLOCK,
        "Drive D: of EXN2 has less than 3072 MB",
    ),
    Row("DISK", "gate_install", on("EXN2", system_drive="d:"), PASS, "free on C: and D:"),  # the package lies on C:
    Row("DISK", "plan", on("EXN2", system_drive=GONE), UNKNOWN, "Windows is on"),
    Row("DISK", "plan", on("EXN2", system_drive=""), UNKNOWN, "it was not given"),
    Row("RUNNER-TASK", "plan", on("EXN2", runner_ok=False), BLOCK, "not registered"),
    Row("RUNNER-TASK", "gate_handoff", on("EXN2", runner_ok=GONE), UNKNOWN, "not known"),
    Row("BACKUP-RECENT", "plan", cms(databases=dbs(last_full_backup=None)), BLOCK, "never", waivable=True),
    Row("BACKUP-RECENT", "plan", cms(databases=dbs(last_full_backup=NOW - 9 * 86400)), BLOCK, "216 h", waivable=True),
    Row("BACKUP-RECENT", "plan", cms(databases=dbs(last_full_backup=GONE)), UNKNOWN, "not known"),
    Row("BOTH-NODES", "close", on("EXN1", level=level(OLD)), BLOCK, "below"),
    Row("BOTH-NODES", "close", on("SCR1", level=GONE), UNKNOWN, "not known"),
    Row(
        "CUSTOM-ACTIONS",
        "gate_install",
        on("EXN2", custom_actions=CustomScript(sha256="ff" * 32, text="Stop-Service x\r\nStart-Service y")),
        WARN,
        "whole text: Stop-Service x ⏎ Start-Service y",
    ),
    Row("CUSTOM-ACTIONS", "plan", on("EXN2", custom_actions=LONG_SCRIPT), WARN, "Customization\\CustomPatch"),
    Row("CUSTOM-ACTIONS", "gate_install", on("EXN2", custom_actions=GONE), UNKNOWN, "is not known"),
    Row("CRL-REACH", "plan", asked("EXN2", crl="The operation timed out"), WARN, "40 to 60 minutes"),
    Row("CRL-REACH", "plan", asked("SCR1", crl=GONE), WARN, "could not be tried"),
    Row("CRL-REACH", "plan", quiet("EXN2"), WARN, "could not be tried"),
    Row("ROLE-ORDER", "plan", lambda f: f, WARN, "does not show which rollup"),
    Row("ROLE-ORDER", "plan", hub(base="8.2.176.2"), WARN, "is at SP2, the package is for SP3"),
    Row("ROLE-ORDER", "plan", hub(base=GONE), WARN, "runs is not known"),
    Row("ROLE-ORDER", "plan", hub(base="14.3.123.4"), PASS, "every Client Access"),
    Row("ROLE-ORDER", "plan", hub(roles=("Mailbox",)), WARN, "no Client Access and no Hub"),
    Row("ROLE-ORDER", "plan", hub(name="SCR1"), WARN, f"is at {OLD}"),
    Row("ROLE-ORDER", "plan", lambda f: hub(name="SCR1")(change(f, "SCR1", level=level(NEW))), PASS, "at the level"),
    Row("ROLE-ORDER", "plan", lambda f: hub(name="SCR1")(change(f, "SCR1", level=GONE)), WARN, "is not known"),
    Row(
        "ROLE-ORDER",
        "plan",
        lambda f: asked("EXN1", servers=GONE)(asked("EXN2", servers=NOT_ASKED)(f)),
        WARN,
        "could not be read: the section failed",
    ),
    Row("EXEC-POLICY", "plan", on("EXN2", machine_policy="AllSigned"), WARN, "AllSigned"),
    Row("EXEC-POLICY", "plan", on("EXN2", machine_policy=GONE), UNKNOWN, "not known"),
    Row("WITNESS-QUIET", "plan", lambda f: f, WARN, "HUB1"),
    Row("NOTICE", "plan", lambda f: f, WARN, "CMS1 (400 mailboxes) will be away"),
    Row("NOTICE", "plan", lambda f: f, WARN, "12 mailboxes"),
    Row("NOTICE", "plan", cms(state="Offline"), WARN, "CMS1 is Offline already, before anything was done"),
    Row("NOTICE", "plan", cms(databases=dbs(mounted=False)), WARN, "MBX1 of CMS1 is dismounted already"),
    Row("MONITORING", "plan", lambda f: f, WARN, "go away"),
    Row("MONITORING", "plan", asked("EXN2", agents=("HealthService",)), WARN, "may hold files: HealthService"),
    Row("MONITORING", "plan", asked("SCR1", agents=GONE), WARN, "run on SCR1 could not be read"),
)
CONTEXTS = {"ONE-AT-A-TIME": Context(restarts_owed=("EXN1",)), "DOWNTIME-MEASURED": Context()}
ONLY_WARNS = {
    "DNS-TTL",
    "DOWNTIME-MEASURED",
    "OAB-PIN",
    "CUSTOM-ACTIONS",
    "CRL-REACH",
    "ROLE-ORDER",
    "EXEC-POLICY",
    "WITNESS-QUIET",
    "NOTICE",
    "MONITORING",
}
PACKAGE_ONLY = {"PKG-NAME", "PKG-LIVE"}  # judged on the declaration; see below


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{row.moment}-{row.verdict}-{row.says[:24]}")
def test_one_changed_fact_gives_the_verdict_and_its_sentence(row: Row) -> None:
    moment = moments.ALL[row.moment]
    seen = replace(moment, facts=row.change(moment.facts), context=CONTEXTS.get(row.rule, moment.context))
    if row.says == "newer than the package":
        seen = replace(seen, package=replace(PACKAGE, build="8.3.468.0"))
    check = seen.check(row.rule)
    assert check.verdict is row.verdict, check.sentence
    assert row.says.casefold() in f"{check.sentence} {check.remedy}".casefold()
    assert check.waivable == row.waivable
    assert check.link == f"rules.md#{row.rule}"
    if row.verdict in {BLOCK, UNKNOWN}:
        assert check.remedy, "what to do must be said"
        assert check in blocking(seen.checks())


@pytest.mark.parametrize("name", list(moments.ALL))
def test_a_healthy_campaign_is_stopped_by_no_rule_at_any_moment(name: str) -> None:
    checks = moments.ALL[name].checks()
    assert [(check.rule, check.sentence) for check in blocking(checks)] == []
    assert all(check.sentence.strip() for check in checks)


def test_every_rule_has_a_row_that_stops_and_a_moment_at_which_it_passes() -> None:
    stopping = {row.rule for row in ROWS if row.verdict in {BLOCK, UNKNOWN}}
    blocked = {row.rule for row in ROWS if row.verdict is BLOCK}
    names = {rule.id for rule in RULES}
    judged_on_another_estate = {"VOLUME-CLEAN"}
    never_unknown_alone = {"PRE-COMPLETE", "CLOCK-SKEW", "SCR-APPLICABLE", "SCR-TARGET-PASSIVE", "NO-WU"}
    assert names - stopping - PACKAGE_ONLY - ONLY_WARNS - judged_on_another_estate == set()
    assert names - blocked - PACKAGE_ONLY - ONLY_WARNS - never_unknown_alone - judged_on_another_estate == set()
    passing = {c.rule for moment in moments.ALL.values() for c in moment.checks() if c.verdict is PASS and c.applicable}
    always_warns_in_ccr = {"SPARE-UP", "ROLE-ORDER", "WITNESS-QUIET", "NOTICE", "MONITORING"}
    needs_another_estate = {"WINDOW", "SCR-TARGET-PASSIVE"}
    assert names - passing - always_warns_in_ccr - needs_another_estate - judged_on_another_estate == set()


@pytest.mark.parametrize(
    ("change_package", "rule", "verdict", "says"),
    [
        ({"path": "C:\\p\\rollup.msp"}, "PKG-NAME", BLOCK, "not named like a rollup"),
        ({"path": "C:\\p\\Exchange2007-KB4011325-x86-EN.msp"}, "PKG-NAME", BLOCK, "32-bit"),
        ({"kb": "KB4011326"}, "PKG-NAME", BLOCK, "declared as KB4011326"),
        ({"build": "8.3.517"}, "PKG-NAME", BLOCK, "four numbers"),
        ({"build": "8.3.517.9"}, "PKG-NAME", BLOCK, "catalogue"),
        ({"build": "8.3.83.6"}, "PKG-NAME", BLOCK, "no update rollup"),
        ({"build": "8.3.502.0"}, "PKG-NAME", WARN, "unverified"),
        ({"kb": "KB2734323", "path": "C:\\p\\Exchange2007-KB2734323-x64-EN.msp"}, "PKG-NAME", BLOCK, "not build"),
        ({"kb": "KB2891587", "path": "C:\\p\\Exchange2007-KB2891587-x64-EN.msp"}, "PKG-NAME", BLOCK, "interim update"),
        (
            {"kb": "KB2530488", "path": "C:\\p\\Exchange2007-KB2530488-x64-EN.msp", "build": "8.3.159.0"},
            "PKG-NAME",
            WARN,
            "unverified",
        ),
        (
            {"kb": "KB2530480", "path": "C:\\p\\Exchange2007-KB2530480-x64-EN.msp", "build": "8.3.159.0"},
            "PKG-NAME",
            WARN,
            "no KB number of Update Rollup 3",
        ),
        ({"build": "8.3.279.3"}, "PKG-LIVE", BLOCK, "withdrawn"),
        ({"build": "8.3.517.9"}, "PKG-LIVE", UNKNOWN, "catalogue"),
    ],
)
def test_a_declared_package_that_cannot_be_is_stopped(
    change_package: dict[str, str], rule: str, verdict: Verdict, says: str
) -> None:
    package = replace(PACKAGE, **change_package)  # type: ignore[arg-type]
    check = replace(moments.plan, package=package, plan=None).check(rule)
    assert (check.verdict, says in check.sentence) == (verdict, True), check.sentence
    assert check.waivable is (says == "withdrawn")  # a person may vouch for a rollup that was released again


def test_a_clustered_target_with_a_mail_server_of_its_own_is_stopped() -> None:
    from tests.procedure.build import cluster, estate

    main = ccr(scr=None)
    nodes = tuple(recms(main, "CMS1", standbys=(("SG1", (_standby("SB1"),)), ("SG2", ()))).machines)
    other = cluster("STANDBY", ("SB1", "SB2"), active={"CMS9": "SB2"})
    facts = estate("CLUSTER01", ("EXN1", "EXN2"), (*nodes, *other))
    check = replace(moments.plan, facts=facts, plan=None).check("SCR-TARGET-PASSIVE")
    assert check.verdict is BLOCK
    empty = estate("CLUSTER01", ("EXN1", "EXN2"), (*nodes, *cluster("STANDBY", ("SB1", "SB2"))))
    assert replace(moments.plan, facts=empty, plan=None).check("SCR-TARGET-PASSIVE").applicable


def test_a_node_whose_replication_service_is_stopped_has_no_writer_and_no_backup() -> None:
    gone = tuple(s for s in services() if s.name != "MSExchangeRepl")
    stopped = (*gone, ServiceFacts(name="MSExchangeRepl", state="Stopped", start="Auto"))
    facts = change(moments.gate_install.facts, "EXN2", survey=surveyed(writers=()), services=stopped)
    assert replace(moments.gate_install, facts=facts).check("BACKUP-RUNNING").verdict is PASS


def test_a_single_copy_has_no_passive_copy_a_backup_could_read() -> None:
    facts = change(scc(1, 1), "N2", survey=GONE)
    step = replace(moments.INSTALL, target="N2", cluster="SCC")
    assert replace(moments.gate_install, facts=facts, step=step, plan=None).check("BACKUP-RUNNING").verdict is PASS


SINGLE = scc(1, 1, done=("N2",))
SINGLE_MOVE = replace(
    moments.gate_handoff,
    facts=SINGLE,
    step=replace(moments.HANDOFF, source="N1", target="N2", cluster="SCC"),
    plan=None,
)


@pytest.mark.parametrize(
    ("changed", "verdict", "says"),
    [
        (lambda f: f, PASS, "are clean"),
        (asked("N1", volumes=(VolumeFacts(name="E:\\", dirty=True),)), BLOCK, "possibly for hours"),
        (asked("N1", volumes=(VolumeFacts(name="E:\\SG1\\", dirty=GONE),)), UNKNOWN, "E:\\SG1\\ on N1"),
        (
            asked("N1", volumes=(VolumeFacts(name="C:\\", dirty=True, system=True),)),
            UNKNOWN,
            "no disk but the system's",
        ),
        (asked("N1", volumes=GONE), UNKNOWN, "dirty bits"),
        (quiet("N1"), UNKNOWN, "dirty bits"),
        (asked("N2", volumes=(VolumeFacts(name="E:\\", dirty=True),)), PASS, "are clean"),  # the target owns none
        (group("CMS1", possible_owners=("N1",)), BLOCK, "may run on N2"),
        (group("CMS1", possible_owners=("N1", "n2")), PASS, "may own"),
        (group("CMS1", name="CMS1 (old)"), UNKNOWN, "no group of CMS1"),
        (lambda f: change(change(f, "N1", cms=GONE), "N2", cms=GONE), UNKNOWN, "kind of SCC"),
    ],
)
def test_a_single_copy_is_moved_only_with_clean_disks_the_target_may_own(
    changed: Change, verdict: Verdict, says: str
) -> None:
    check = replace(SINGLE_MOVE, facts=changed(SINGLE)).check("VOLUME-CLEAN")
    assert check.verdict is verdict, check.sentence
    assert says in check.sentence
    assert not check.waivable


def test_the_time_a_name_is_kept_is_part_of_the_downtime_only_where_it_changes_its_address() -> None:
    def forecast(facts: EstateFacts) -> float:
        return next(step.downtime_s for step in plan_of(facts).steps if step.cms)

    usual = forecast(ccr())
    assert forecast(two_sites(1200)(ccr())) == usual + 1200
    assert forecast(change(ccr(), "EXN1", survey=surveyed(host_ttl=(("CMS1", 1200),)))) == usual


def test_an_install_that_waits_for_the_revocation_list_is_expected_to_take_longer() -> None:
    def expected(facts: EstateFacts) -> float:
        return next(step.expected_s for step in plan_of(facts).steps if step.id == moments.INSTALL.id)

    usual, longer = Durations().install_s, Durations().install_without_crl_s
    assert expected(ccr()) == usual
    assert expected(asked("EXN2", crl="The operation timed out")(ccr())) == longer
    assert expected(asked("EXN2", crl=GONE)(ccr())) == usual
    off = change(ccr(), "EXN2", survey=surveyed(crl="timed out"), software=(("crl", str(0x23E00)),))
    assert expected(off) == usual  # nothing asks for the list there
    assert replace(moments.plan, facts=off).check("CRL-REACH").verdict is PASS


def test_what_ran_before_the_first_step_has_to_run_again_before_mail_comes() -> None:
    image = NodeImage(machine="EXN2", services=(("FSCController", "Running", "Auto"), ("FSEIMC", "Stopped", "Manual")))
    off = service("FSCController", state_="Stopped")
    for name, verdict, says in (
        ("gate_handoff", BLOCK, "unprotected"),
        ("after_install", WARN, "the handoff to it waits"),
    ):
        moment = moments.ALL[name]
        known = replace(moment.context, images=(image,))
        check = replace(moment, facts=off(moment.facts), context=known).check("AV")
        assert (check.verdict, says in check.sentence) == (verdict, True), check.sentence
        on_again = replace(moment, facts=service("FSCController")(moment.facts), context=known).check("AV")
        assert on_again.verdict is PASS


def test_the_measured_outage_is_told_with_what_clients_elsewhere_wait_beyond_it() -> None:
    assert "away for 93 s" in moments.after_handoff.check("DOWNTIME-MEASURED").sentence
    assert "later" not in moments.after_handoff.check("DOWNTIME-MEASURED").sentence
    there = plan_of(two_sites(1200)(ccr()))
    told = replace(moments.after_handoff, plan=there).check("DOWNTIME-MEASURED")
    assert (told.verdict, "up to 1200 s later" in told.sentence) == (PASS, True)


def test_a_window_that_is_long_enough_passes() -> None:
    open_now = replace(moments.gate_handoff, facts=window("Sat 18:00-06:00")(moments.gate_handoff.facts))
    assert open_now.check("WINDOW").verdict is PASS
    assert open_now.check("WINDOW").applicable
    passive = replace(moments.gate_install, facts=window("Sun 22:00-23:00")(moments.gate_install.facts))
    assert passive.check("WINDOW").verdict is PASS  # a passive node may be patched at any time


def test_a_passive_node_is_bound_to_the_window_only_where_settings_say_so() -> None:
    closed = window("Sun 22:00-23:00")(moments.gate_install.facts)
    bound = replace(closed, inventory=replace(closed.inventory, installs_outside_window=False))
    check = replace(moments.gate_install, facts=bound).check("WINDOW")
    assert check.verdict is BLOCK
    assert "closed" in check.sentence


def test_a_stand_alone_target_has_its_own_window() -> None:
    def own(text: str, cluster: str = "Sun 22:00-23:00") -> Change:
        return lambda facts: replace(
            facts, inventory=replace(facts.inventory, window=cluster, windows=(("scr1.lab.example", text),))
        )

    at_gate = [
        replace(moments.gate_scr, facts=own(text)(moments.gate_scr.facts))
        for text in ("Sat 18:00-06:00", "Mon 01:00-02:00")
    ]
    assert [one.check("WINDOW").verdict for one in at_gate] == [PASS, BLOCK]
    assert at_gate[0].check("WINDOW").applicable
    planned = replace(moments.plan, facts=own("Mon 01:00-01:20", "Sat 18:00-12:00")(moments.plan.facts)).check("WINDOW")
    assert planned.verdict is BLOCK
    assert "to patch SCR1" in planned.sentence
    assert "Mon 01:00-01:20" in planned.remedy


@pytest.mark.parametrize(
    ("model", "nodes", "others_up", "witness", "verdict"),
    [
        (QuorumModel.MNS, 3, 2, True, PASS),
        (QuorumModel.MNS, 2, 1, True, BLOCK),
        (QuorumModel.MNS, 3, 1, True, BLOCK),
        (QuorumModel.MNS_SHARE, 2, 1, True, PASS),
        (QuorumModel.MNS_SHARE, 2, 1, False, BLOCK),
        (QuorumModel.MNS_SHARE, 4, 3, False, PASS),
        (QuorumModel.NODE, 3, 2, True, PASS),
        (QuorumModel.NODE, 4, 2, True, BLOCK),
        (QuorumModel.NODE_DISK, 2, 1, True, PASS),
        (QuorumModel.NODE_DISK, 2, 1, False, BLOCK),
        (QuorumModel.NODE_DISK, 4, 2, True, PASS),
        (QuorumModel.NODE_DISK, 4, 2, False, BLOCK),
        (QuorumModel.DISK_ONLY, 4, 1, True, PASS),
        (QuorumModel.DISK_ONLY, 4, 3, False, BLOCK),
        (QuorumModel.DISK_2003, 2, 1, True, PASS),
        (QuorumModel.DISK_2003, 2, 0, True, BLOCK),
        (QuorumModel.LOCAL, 2, 1, True, BLOCK),
    ],
)
def test_quorum_is_counted_by_its_own_model(
    model: QuorumModel, nodes: int, others_up: int, witness: bool, verdict: Verdict
) -> None:
    facts = scc(1, nodes - 1, quorum=model)
    target = f"N{nodes}"
    facts = each_view(
        facts,
        lambda one: replace(
            one,
            witness_ok=witness,
            nodes=tuple(
                (n, NodeStatus.UP if n == target or i < others_up else NodeStatus.DOWN)
                for i, (n, _) in enumerate(one.nodes)
            ),
        ),
    )
    for node in (f"N{i + 1}" for i in range(nodes)) if model is QuorumModel.MNS_SHARE else ():
        facts = change(facts, node, health=SHARE_UP)
    step = replace(moments.EVACUATE, target=target, cluster="SCC")
    check = replace(moments.gate_evacuate, facts=facts, step=step, plan=None).check("QUORUM-SURVIVES")
    assert check.verdict is verdict, check.sentence


@pytest.mark.parametrize(
    ("staying", "leaving", "verdict", "says"),
    [
        (SHARE_UP, SHARE_UP, PASS, "stays up"),
        (SHARE_DOWN, SHARE_DOWN, BLOCK, "not available"),
        (SHARE_DOWN, SHARE_UP, BLOCK, "not available"),
        (SHARE_UP, SHARE_DOWN, PASS, "stays up"),  # the node that leaves is no witness of what stays
        ((HealthItem(check="ReplayService", result="Passed"),), SHARE_UP, PASS, "stays up"),
        ((HealthItem(check="ReplayService", result="*FAILED*", error="x"),), SHARE_UP, UNKNOWN, "nothing of the share"),
        ((), SHARE_UP, UNKNOWN, "nothing of the share"),
        (None, SHARE_UP, UNKNOWN, "has no Test-ReplicationHealth, which came with Service Pack 1"),
        (GONE, SHARE_UP, UNKNOWN, "the section failed"),
    ],
)
def test_the_share_of_a_majority_node_set_is_up_only_when_a_node_that_stays_tests_it(
    staying: object, leaving: object, verdict: Verdict, says: str
) -> None:
    facts = each_view(moments.gate_evacuate.facts, lambda one: replace(one, quorum=QuorumModel.MNS_SHARE))
    facts = change(change(facts, "EXN1", health=staying), "EXN2", health=leaving)
    check = replace(moments.gate_evacuate, facts=facts).check("QUORUM-SURVIVES")
    assert (check.verdict, says in check.sentence) == (verdict, True), check.sentence
    assert not check.waivable
    assert ("Exchange without a service pack has none" in check.remedy) is (verdict is UNKNOWN)


def test_a_waiver_turns_exactly_its_own_block_into_a_warning() -> None:
    facts = regroup(moments.gate_evacuate.facts, "CMS1", auto_failback=1)
    asked = replace(moments.gate_evacuate, facts=facts)
    facts_of = asked.check("FAILBACK-OFF").facts
    waiver = Waiver(rule="FAILBACK-OFF", step="s02", reason="tested", by="alice", approved_by=("bob",), facts=facts_of)
    waived = replace(asked, context=Context(waivers=(waiver,))).check("FAILBACK-OFF")
    assert (waived.verdict, "Waived by bob: tested" in waived.sentence) == (WARN, True)
    for wrong in (
        replace(waiver, step="s03"),
        replace(waiver, rule="NODE-EMPTY"),
        replace(waiver, expires_at=NOW - 1),
        replace(waiver, approved_by=()),
        replace(waiver, facts=(replace(facts_of[0], value="on"), *facts_of[1:])),
    ):
        assert replace(asked, context=Context(waivers=(wrong,))).check("FAILBACK-OFF").verdict is BLOCK


def test_a_rule_without_an_override_cannot_be_waived() -> None:
    asked = replace(moments.gate_install, facts=regroup(moments.gate_install.facts, "CMS1", owner="EXN2"))
    waiver = Waiver(rule="NODE-NO-CMS-GROUP", step="s03", reason="hurry", by="alice", approved_by=("bob",))
    assert replace(asked, context=replace(asked.context, waivers=(waiver,))).check("NODE-NO-CMS-GROUP").verdict is BLOCK


def test_what_is_broken_is_named_before_what_is_unknown() -> None:
    facts = silent(regroup(ccr(), "Cluster Group", auto_failback=1), "SCR1")
    rules = [check.rule for check in blocking(replace(moments.plan, facts=facts).checks())]
    assert rules[0] == "FAILBACK-OFF"
    assert "SCR-TARGETS-FIRST" in rules


def test_moving_quantities_are_marked_and_identities_are_not() -> None:
    facts = {fact.name: fact for check in moments.gate_handoff.checks() for fact in check.facts}
    assert facts["copy queue of SG1"].moving
    assert facts["clock"].moving
    assert not facts["CMS1 active on"].moving
    assert not facts["copy of SG1"].moving


def test_the_page_names_every_rule_once_with_its_anchor() -> None:
    page = render_rules()
    for row in (*RULES, *HELD_ELSEWHERE):
        assert page.count(f'<a id="{row.id}"></a>') == 1
        assert row.says in page
    assert len(RULES_VERSION) == 64


def test_ids_are_unique_and_every_row_says_what_to_do() -> None:
    names = [rule.id for rule in RULES] + [held.id for held in HELD_ELSEWHERE]
    assert len(names) == len(set(names))
    for rule in RULES:
        assert rule.when, rule.id
        assert rule.says.endswith(".")
        assert rule.remedy
        assert rule.source


def test_a_row_says_which_verdicts_it_may_give() -> None:
    """By every row above and every healthy moment: what only warns never blocks, and a warning is announced."""
    given = {(row.rule, row.verdict) for row in ROWS}
    given |= {(check.rule, check.verdict) for moment in moments.ALL.values() for check in moment.checks()}
    for rule in RULES:
        if rule.verdict.startswith("warn"):
            assert (rule.id, BLOCK) not in given
        warns = (rule.id, WARN) in given
        assert warns == ("warn" in rule.verdict) or rule.id in {"PKG-NAME", "BOTH-NODES"}, rule.id  # shown elsewhere
        if (rule.id, UNKNOWN) in given and rule.verdict.startswith("warn"):
            assert "stops" in rule.verdict, rule.id


def test_every_sentence_of_the_document_has_a_rule() -> None:
    covered = {s for rule in (*RULES, *HELD_ELSEWHERE) for s in rule.sentences}
    assert {f"S{i}" for i in range(1, 18)} <= covered


def test_rules_of_a_moment_come_in_table_order() -> None:
    order = [rule.id for rule in RULES]
    found = [check.rule for check in evaluate(When.PLAN, ccr(), package=PACKAGE, context=Context())]
    assert found == [name for name in order if name in found]


@pytest.mark.parametrize("which", ["Available Storage", "CMS1"])
def test_the_witness_is_named_with_the_group_that_holds_it_and_no_other(which: str) -> None:
    """Another group has a cause of its own, and the witness may be well."""
    lost = regroup(view(witness_ok=False)(moments.after_install.facts), which, state=GroupStatus.FAILED)
    check = replace(moments.after_install, facts=lost).check("GROUPS-SNAPSHOT")
    assert (check.verdict, "witness" in check.sentence) == (BLOCK, False)
    well = regroup(moments.after_install.facts, "Cluster Group", state=GroupStatus.FAILED)
    assert "witness" not in replace(moments.after_install, facts=well).check("GROUPS-SNAPSHOT").sentence


def test_services_left_disabled_are_one_sentence_measured_against_what_was_found_first() -> None:
    """The gate of a second attempt sees what the first one left: that is no state to come back to."""
    image = NodeImage(machine="EXN2", services=(("MSExchangeRepl", "Running", "Auto"), ("W3SVC", "Running", "Auto")))
    names = ("MSExchangeRepl", "W3SVC")
    both = on("EXN2", services=tuple(ServiceFacts(name=name, state="Stopped", start="Disabled") for name in names))
    second = replace(moments.gate_install, facts=both(moments.gate_install.facts))
    known = replace(moments.after_install.context, images=(image,), gate_checks=second.checks())
    check = replace(moments.after_install, facts=both(moments.after_install.facts), context=known).check(
        "SERVICES-SNAPSHOT"
    )
    assert check.verdict is BLOCK
    assert "Disabled on EXN2: MSExchangeRepl (before: Auto)" in check.sentence
    assert "W3SVC (before: Auto)" in check.sentence
    assert check.sentence.count("A failed install") == 1
    assert "sc config W3SVC start= auto" in check.remedy
