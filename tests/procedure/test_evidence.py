"""Records whose hashes, order, approvals and jobs are right, and whose facts say otherwise than the verdict above them.

A rule with a mistake in it writes such a record: it says "kept" and names the fact that breaks it. The order checker
shares no code with the rules, and `rollup-bot verify` says no.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.procedure.facts import Unknown
from bot.procedure.order import check_events
from state import words as w
from tests.procedure import record
from tests.procedure.build import OLD, ccr, change, plan_of, scc, standing_by
from tests.procedure.record import recorded
from tests.procedure.test_forgeries import EVENTS, PLAN, Events, verified

WIDE = scc(3, 1)
WIDE_PLAN = plan_of(WIDE)
WIDE_EVENTS = record.events(WIDE_PLAN, WIDE)


class Forged(NamedTuple):
    where: str  # "plan", "gate sNN" or "end sNN"
    rule: str
    fact: str
    value: str
    found: str = ""  # the rule that says no, if it is another


def with_checks(events: Events, where: str, other: Callable[[tuple[w.Check, ...]], tuple[w.Check, ...]]) -> Events:
    """The same record with other checks at one place: "plan", "gate sNN" or "end sNN"."""
    place, _, step = where.partition(" ")
    made: Events = []
    for event in events:
        match event:
            case w.PlanMade() if place == "plan":
                event = replace(event, plan=replace(event.plan, checks=other(event.plan.checks)))
            case w.GatePrepared() if place == "gate" and event.gate.step == step:
                event = replace(event, gate=replace(event.gate, checks=other(event.gate.checks)))
            case w.StepEnded() if place == "end" and event.outcome.step == step:
                event = replace(event, outcome=replace(event.outcome, checks=other(event.outcome.checks)))
            case _:
                pass
        made.append(event)
    return made


def with_fact(events: Events, forged: Forged) -> Events:
    """The same record with one fact of one check changed."""
    touched = 0

    def other(checks: tuple[w.Check, ...]) -> tuple[w.Check, ...]:
        nonlocal touched
        made = []
        for check in checks:
            facts = tuple(
                replace(one, value=forged.value) if check.rule == forged.rule and one.name == forged.fact else one
                for one in check.facts
            )
            touched += facts != check.facts
            made.append(replace(check, facts=facts))
        return tuple(made)

    made = with_checks(events, forged.where, other)
    assert touched, f"{forged.rule} names no fact “{forged.fact}” at {forged.where}"
    return made


def with_check(events: Events, where: str, rule: str, **what: object) -> Events:
    """The same record with one check changed."""

    def other(checks: tuple[w.Check, ...]) -> tuple[w.Check, ...]:
        assert rule in {check.rule for check in checks}
        return tuple(replace(c, **what) if c.rule == rule else c for c in checks)  # type: ignore[arg-type]

    return with_checks(events, where, other)


FORGED = (
    Forged("plan", "LEVEL-AGREE", "level", "8.3.517.0"),
    Forged("plan", "SCR-APPLICABLE", "SCR targets", "SG1: scr9.lab.example, SG2: none", "SCR-TARGETS-FIRST"),
    Forged("gate s02", "NODE-PASSIVE", "CMS1 active on", "EXN2"),
    Forged("gate s02", "NODE-PASSIVE", "CMS1 active on", "exn2.lab.example"),
    Forged("gate s02", "NODE-PASSIVE", "Exchange groups", "CMS1"),
    Forged("gate s02", "NODE-PASSIVE", "MSExchangeIS", "Running"),
    Forged("gate s02", "SCR-TARGETS-FIRST", "level", OLD),
    Forged("gate s02", "SCR-TARGETS-FIRST", "level", "unknown"),
    Forged("gate s02", "SCR-TARGETS-FIRST", "level", "8.2.305.3"),
    Forged("gate s02", "QUORUM-SURVIVES", "witness", "not available"),
    Forged("gate s03", "QUORUM-SURVIVES", "other running nodes", "none"),
    Forged("gate s03", "QUORUM-SURVIVES", "quorum", "node-majority"),
    Forged("gate s03", "QUORUM-SURVIVES", "quorum", "by-chance"),
    Forged("gate s03", "NODE-NO-CMS-GROUP", "Exchange groups", "'CMS1' (Offline)"),
    Forged("gate s03", "NODE-EMPTY", "groups owned", "'Cluster Group' (Online)"),
    Forged("gate s03", "GROUPS-SNAPSHOT", "group Cluster Group", "EXN2 Online", "NODE-EMPTY"),
    Forged("gate s03", "NODE-PAUSED", "node state", "Up"),
    Forged("gate s03", "PKG-HASH", "SHA-256", "cd" * 8),
    Forged("gate s03", "PKG-TRAIN", "service pack", "SP2"),
    Forged("gate s03", "PKG-NEWER", "level", "8.3.517.1"),
    Forged("gate s03", "IU-NONE", "interim updates", "Interim Update 5"),
    Forged("gate s03", "FAILBACK-OFF", "failback of 'CMS1'", "on"),
    Forged("gate s03", "BACKUP-RUNNING", "backup of MBX-CMS1-SG1", "running"),
    Forged("gate s03", "BACKUP-RUNNING", "Microsoft Exchange Replica Writer", "state 5"),
    Forged("gate s03", "SEEDING-NONE", "copy of CMS1\\SG1 on the passive node", "Seeding"),
    Forged("gate s03", "NODE-MEMBER", "node state", "Down"),
    Forged("gate s03", "SPARE-UP", "other nodes Up", "none"),
    Forged("gate s03", "PKG-LIVE", "build", "8.3.279.3"),
    Forged("gate s03", "WMF-VERSION", "PowerShell", "3.0"),
    Forged("gate s03", "REBOOT-PENDING", "restart pending", "PendingFileRenameOperations"),
    Forged("gate s04", "NODE-MEMBER", "node state", "Paused"),
    Forged("gate s04", "RUNNER-TASK", "runner task", "absent"),
    Forged("gate s04", "MIXED-LEVEL-MOVE", "level", "8.3.502.0 or so"),
    Forged("end s02", "NODE-EMPTY", "groups owned", "'Available Storage' (Offline)"),
    Forged("end s02", "NODE-PAUSED", "node state", "Up"),
    Forged("end s03", "LEVEL-REACHED", "level", OLD),
    Forged("end s03", "CLUSSVC-BACK", "ClusSvc", "Stopped, Auto"),
    Forged("end s03", "CLUSSVC-BACK", "ClusSvc", "Running, Disabled"),
    Forged("end s03", "CLUSSVC-BACK", "seen as", "Down"),
    Forged("gate s04", "MOVE-READY", "CMS1 active on", "EXN2"),
    Forged("gate s04", "MOVE-READY", "CMS1", "PartiallyOnline"),
    Forged("gate s04", "MOVE-READY", "level", OLD),
    Forged("gate s04", "MOVE-READY", "database SG1\\MBX-CMS1-SG1", "dismounted"),
    Forged("gate s04", "MOVE-READY", "copy of SG1", "Initializing"),
    Forged("gate s04", "MOVE-READY", "validation", "refused"),
    Forged("gate s04", "MOVE-READY", "replication health", "SGCopyFailed"),
    Forged("end s04", "MOVE-DONE", "CMS1 active on", "EXN1"),
    Forged("end s04", "MOVE-DONE", "CMS1", "Offline"),
    Forged("end s04", "MOVE-DONE", "database SG2\\MBX-CMS1-SG2", "dismounted"),
    Forged("end s04", "MOVE-DONE", "copy of SG2", "Failed"),
    Forged("end s04", "MOVE-DONE", "MAPI MBX-CMS1-SG1", "*FAILURE*"),
    # facts/exchange.md §9
    Forged("plan", "NODE-MEMBER", "node state", "Down"),
    Forged("plan", "SCR-CYCLE", "SCR target", "EXN1"),
    Forged("plan", "PKG-NAME", "file", "ru23-final.msp"),
    Forged("plan", "IU-NONE", "interim updates", "Interim Update 5"),
    Forged("plan", "WMF-VERSION", "PowerShell", "3.0"),
    Forged("plan", "DISK", "free on C:", "0 MB"),
    Forged("plan", "CLOCK-SKEW", "clock", "+90.0 s"),
    Forged("plan", "RUNNER-TASK", "runner task", "absent"),
    Forged("plan", "AV", "Forefront", "FSCController"),
    Forged("plan", "BACKUP-RECENT", "last full backup of MBX-CMS1-SG1", "never"),
    Forged("gate s02", "GROUP-MOVE-NOT-CMS", "moves", "'CMS1', 'Cluster Group'"),
    Forged("gate s03", "AV", "Forefront", "FSCController"),
    Forged("gate s03", "DISK", "free on C:", "-1 MB"),
    Forged("gate s03", "CLOCK-SKEW", "clock", "-61.0 s"),
    Forged("gate s03", "PKG-HASH", "signature", "NotSigned"),
    Forged("gate s03", "SPARE-UP", "other nodes Up", "EXN2"),
    Forged("gate s03", "CUSTOM-ACTIONS", "CustomPatchInstallerActions.ps1", "ab" * 32),
    Forged("gate s03", "LEVEL-AGREE", "level", "its sources disagree"),
    Forged("gate s04", "MOVE-READY", "copy queue of SG1", "unknown"),
    Forged("end s01", "SCR-COPY-OK", "copy of CMS1\\SG1", "Suspended"),
    Forged("end s03", "SERVICES-SNAPSHOT", "service MSExchangeRepl", "Stopped, Disabled"),
    Forged("end s03", "SERVICES-SNAPSHOT", "service MSExchangeRepl", "Stopped, Auto"),
    Forged("end s03", "GROUPS-SNAPSHOT", "group Cluster Group", "EXN1 Failed"),
    Forged("end s04", "GROUPS-SNAPSHOT", "group Cluster Group", "EXN1 Offline"),
    Forged("end s04", "MOVE-DONE", "content indexing", "stopped"),
)


@pytest.mark.parametrize("forged", FORGED, ids=lambda one: f"{one.where}-{one.rule}-{one.value[:16]}")
def test_a_fact_that_breaks_the_rule_above_it_is_rejected(forged: Forged, tmp_path: Path) -> None:
    code, said = verified(with_fact(EVENTS, forged), tmp_path)
    assert code == 1
    assert f": {forged.found or forged.rule}: " in said, said


@pytest.mark.parametrize(
    ("where", "rule", "words"),
    [
        ("gate s03", "NODE-EMPTY", "does not apply, and it does"),
        ("gate s03", "PKG-HASH", "does not apply, and it does"),
        ("end s03", "LEVEL-REACHED", "does not apply, and it does"),
        ("plan", "IU-NONE", "does not apply, and it does"),
    ],
)
def test_a_rule_that_applies_is_not_called_one_that_does_not(where: str, rule: str, words: str) -> None:
    spoiled = with_check(EVENTS, where, rule, applicable=False, facts=())
    assert words in " ".join(one.sentence for one in check_events(recorded(spoiled)))


@pytest.mark.parametrize("rule", ["LEVEL-REACHED", "CLUSSVC-BACK", "GROUPS-SNAPSHOT", "SERVICES-SNAPSHOT"])
def test_a_rule_that_blocks_does_not_only_warn(rule: str) -> None:
    spoiled = with_check(EVENTS, "end s03", rule, verdict=w.Verdict.WARN)
    assert "only warns" in " ".join(one.sentence for one in check_events(recorded(spoiled)))


@pytest.mark.parametrize("where", ["plan", "gate s02", "gate s03", "gate s04", "end s03", "end s04"])
def test_a_check_is_shown_once_at_its_own_moment(where: str) -> None:
    rule = {"plan": "IU-NONE", "gate s04": "MOVE-READY", "end s03": "LEVEL-REACHED", "end s04": "MOVE-DONE"}.get(
        where, "NODE-MEMBER"
    )
    other = w.When.AFTER if "end" not in where else w.When.GATE
    for what in ({"when": other}, {"waived_by": ("bob",)}):
        spoiled = with_check(EVENTS, where, rule, **what)
        assert rule in {one.rule for one in check_events(recorded(spoiled))}


@pytest.mark.parametrize(
    "forged",
    [
        Forged("gate s02", "QUORUM-SURVIVES", "other running nodes", "N1", "QUORUM-SURVIVES"),
        Forged("gate s03", "MOVE-READY", "CMS1 active on", "N2", "MOVE-READY"),
        Forged("gate s05", "NODE-PASSIVE", "CMS2 active on", "N1", "NODE-PASSIVE"),
        Forged("gate s03", "VOLUME-CLEAN", "possible owners of CMS1", "N1, N2", "VOLUME-CLEAN"),
        Forged("gate s03", "VOLUME-CLEAN", "volume E:\\", "dirty", "VOLUME-CLEAN"),
    ],
)
def test_a_fact_of_a_wide_cluster_that_breaks_its_rule_is_rejected(forged: Forged) -> None:
    assert check_events(recorded(WIDE_EVENTS)) == ()
    assert forged.found in {one.rule for one in check_events(recorded(with_fact(WIDE_EVENTS, forged)))}


def test_what_a_step_found_failed_and_people_accepted_may_be_failed_after_it() -> None:
    """No worse than before is asked: an honest record is not refused for what it found."""
    gate = next(e for e in EVENTS if isinstance(e, w.GatePrepared) and e.gate.step == "s03").gate
    noted = next(check for check in gate.checks if check.rule == "GROUPS-SNAPSHOT")
    fact = next(one for one in noted.facts if one.name == "group Available Storage")
    owner = fact.value.partition(" ")[0]
    before = Forged("gate s03", "GROUPS-SNAPSHOT", fact.name, f"{owner} Failed")
    after = with_fact(EVENTS, Forged("end s03", "GROUPS-SNAPSHOT", fact.name, f"{owner} Failed"))
    assert "was" in " ".join(one.sentence for one in check_events(recorded(after)))
    said = [one.sentence for one in check_events(recorded(with_fact(after, before)))]
    assert [one for one in said if "end of step" in one or "counts as done" in one] == []


def test_a_mail_server_that_is_active_nowhere_is_active_on_no_node() -> None:
    assert (
        check_events(recorded(with_fact(EVENTS, Forged("gate s02", "NODE-PASSIVE", "CMS1 active on", "no node")))) == ()
    )


def test_a_target_of_a_storage_group_that_the_plan_leaves_out_is_missed() -> None:
    """The plan and everything after it agree with each other; only what was read names another target."""
    facts = standing_by(ccr(), "CMS1", ("SG1", ("SCR1", "SCR2")), ("SG2", ()))
    checks = plan_of(change(facts, "SCR2", level=Unknown("none"))).checks
    named = next(check for check in checks if check.rule == "SCR-APPLICABLE")
    plan = replace(PLAN, checks=tuple(named if one.rule == "SCR-APPLICABLE" else one for one in PLAN.checks))
    made = [replace(e, plan=plan) if isinstance(e, w.PlanMade) else e for e in EVENTS]
    assert [one.rule for one in check_events(recorded(made))] == ["SCR-TARGETS-FIRST"]
