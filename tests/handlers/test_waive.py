"""`/rollup waive`: who may ask for what, and what the second person reads before accepting the risk."""

from __future__ import annotations

from dataclasses import replace

from state.words import (
    Blocked,
    Campaign,
    Check,
    Fact,
    GateConsumed,
    GatePrepared,
    Intent,
    LateWithdrawal,
    PlanMade,
    State,
    Stop,
    Verdict,
    Waiver,
    When,
)
from tests.handlers.conftest import ALICE, BOB, CAROL, DAVE, Bench, a_gate, a_plan, check
from tests.waiting import until

FINDING = check(
    "BACKUP-RECENT",
    Verdict.BLOCK,
    "MBX1 was last backed up 40 days ago.",
    waivable=True,
    facts=(Fact(name="last backup", value="2026-02-02", machine="MBX1"),),
    remedy="Back it up.",
)


def blocked(bench: Bench, *checks: Check) -> Campaign:
    bench.started()
    found = checks or (FINDING,)
    bench.apply(
        Blocked(stop=Stop(rule=found[0].rule, sentence=found[0].sentence, step="s01", checks=found, final=True))
    )
    bench.edge.project("CLUSTER01-1")
    return bench.campaign()


def offered(bench: Bench) -> str:
    """A risk gate's message in the thread; its ts."""
    blocked(bench)
    bench.types(ALICE, "waive CLUSTER01 backup-recent the data is a copy")
    campaign = bench.campaign()
    assert campaign.risk is not None
    waiver = Waiver(
        rule="BACKUP-RECENT",
        step="s01",
        reason=campaign.risk.reason,
        by=ALICE,
        approved_by=(),
        facts=FINDING.values,
        expires_at=campaign.changed_at + 3600,
        gate="CLUSTER01-1.s01.1",
    )
    gate = a_gate(campaign, kind="risk", commands=(), checks=(FINDING,), waiver=waiver, title="Risk: BACKUP-RECENT")
    bench.apply(GatePrepared(gate=gate))
    bench.edge.project("CLUSTER01-1")
    opened = bench.campaign().gate
    assert opened is not None
    return opened.ts


def test_the_stop_says_how_to_ask_only_where_every_block_may_be_waived(bench: Bench) -> None:
    blocked(bench)
    assert "/rollup waive CLUSTER01-1 BACKUP-RECENT reason" in bench.thread()


def test_a_stop_that_nobody_may_waive_offers_nothing_and_says_so(bench: Bench) -> None:
    blocked(bench, FINDING, replace(FINDING, rule="NODE-PASSIVE", waivable=False))
    assert "/rollup waive" not in bench.thread()
    said = bench.types(ALICE, "waive CLUSTER01 BACKUP-RECENT hurry")
    assert "What blocks and nobody may set aside: `NODE-PASSIVE`." in said
    assert bench.campaign().risk is None


def test_asking_needs_a_listed_person_a_rule_and_a_reason(bench: Bench) -> None:
    blocked(bench)
    assert "not listed" in bench.types(DAVE, "waive CLUSTER01 BACKUP-RECENT hurry")
    assert "no rule is named" in bench.types(ALICE, "waive CLUSTER01")
    assert "no reason is given" in bench.types(ALICE, "waive CLUSTER01 BACKUP-RECENT")
    assert "cannot be waived" in bench.types(ALICE, "waive CLUSTER01 BACKUP-RECEN hurry")
    assert bench.campaign().state is State.BLOCKED


def test_a_mention_in_the_thread_asks_too_and_bars_who_asked(bench: Bench) -> None:
    campaign = blocked(bench)
    us = bench.deps.identity.user_id
    bench.says(CAROL, f"<@{us}> waive BACKUP-RECENT we have a copy", thread=campaign.thread_ts)
    risk = until(lambda: bench.campaign().risk)
    assert (risk.rule, risk.reason, risk.by.user) == ("BACKUP-RECENT", "we have a copy", CAROL)
    assert CAROL in bench.campaign().barred


def test_whoever_could_leave_nobody_to_accept_it_is_refused(bench: Bench) -> None:
    bench.policy = replace(bench.policy, approvers=(BOB,))
    blocked(bench)
    assert "could still approve" in bench.types(BOB, "waive CLUSTER01 BACKUP-RECENT hurry")


def test_the_risk_gate_names_rule_values_reason_asker_and_what_it_means(bench: Bench) -> None:
    ts = offered(bench)
    shown = next(m for m in bench.posts("rollup_gate") if m.ts == ts)
    words = bench.thread()
    for part in (
        "BACKUP-RECENT",
        "last backup = 2026-02-02",
        "the data is a copy",
        f"<@{ALICE}>",
        "Nothing runs from this message",
    ):
        assert part in words
    assert shown.metadata["event_payload"]["gate"] == "CLUSTER01-1.s01.1"
    assert "What will run, exactly" not in words


def test_who_asked_for_it_cannot_accept_it_and_somebody_else_can(bench: Bench) -> None:
    ts = offered(bench)
    bench.reacts(ALICE, ts)
    bench.reacts(BOB, ts)
    votes = until(lambda: v if len(v := bench.campaign().votes) == 2 else None)
    assert {vote.user: vote.counted for vote in votes} == {ALICE: False, BOB: True}


def test_taking_back_the_acceptance_of_a_risk_is_recorded_as_late_by_who_gave_it_and_by_nobody_else(
    bench: Bench,
) -> None:
    ts = offered(bench)
    bench.reacts(BOB, ts)
    until(lambda: bench.campaign().votes)
    here = bench.campaign()
    assert here.gate is not None
    lease = bench.store.leases.take(here.id)
    assert lease is not None
    intent = Intent(
        gate=here.gate.id, step="s01", attempt=1, digest=here.gate.digest, approved_by=(BOB,), users=(BOB,),
        fence=lease.fence, token=lease.token, version=here.version, not_after=here.changed_at + 60,
    )  # fmt: skip
    bench.apply(GateConsumed(intent=intent), lease=lease)
    bench.apply(GatePrepared(gate=a_gate(bench.campaign())))  # by now the step's own gate stands
    bench.reacts(CAROL, ts)
    bench.reacts(CAROL, ts, take_back=True)
    bench.reacts(BOB, ts, take_back=True)
    until(lambda: [e for e in bench.store.events(here.id) if isinstance(e.event, LateWithdrawal)])
    late = [e.event.user for e in bench.store.events(here.id) if isinstance(e.event, LateWithdrawal)]
    assert late == [BOB]
    bench.edge.project(here.id)
    assert "back after the risk of `BACKUP-RECENT` had been accepted" in bench.thread()


def test_a_plan_that_a_rule_stops_stands_as_refused_and_says_why_it_cannot_be_started(bench: Bench) -> None:
    bench.types(ALICE, "plan CLUSTER01")
    stopped = replace(a_plan(), checks=(replace(FINDING, when=When.PLAN),))
    bench.apply(PlanMade(plan=stopped, expires_at=bench.clock.lab() + 86400))
    bench.edge.project("CLUSTER01-1")
    closed = bench.posts("rollup_closed")[-1].metadata["event_payload"]
    assert (closed["outcome"], closed["rule"]) == ("refused", "BACKUP-RECENT")
    said = bench.types(ALICE, "start CLUSTER01")
    assert "cannot be started: `BACKUP-RECENT` blocks" in said
    assert "waive" in bench.types(ALICE, "waive CLUSTER01 BACKUP-RECENT a copy").casefold()
    assert until(lambda: bench.campaign().risk).step == "plan"
