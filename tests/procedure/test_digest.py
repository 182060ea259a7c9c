"""The digest changes with everything a voter agrees to, and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.procedure.digest import Agreed, differences, digest
from bot.procedure.rules import RULES_VERSION
from bot.procedure.steps import commands
from state.words import Check, Fact, Forecast, Policy, Verdict, Waiver, When
from tests.procedure import moments
from tests.procedure.build import PACKAGE, ccr, regroup
from tests.procedure.moments import EVACUATE, PLAN

COMMANDS = commands(EVACUATE, moments.gate_evacuate.facts, PACKAGE, campaign="CLUSTER01-7")
CHECK = Check(
    rule="DISK",
    when=When.GATE,
    verdict=Verdict.PASS,
    sentence="9000 MB free",
    facts=(
        Fact(name="free on C:", value="9000 MB", machine="EXN2", moving=True),
        Fact(name="level", value="8.3.485.1", machine="EXN2"),
    ),
)
BASE = Agreed(
    nonce="n1",
    gate="CLUSTER01-7.s02.1",
    step="s02",
    attempt=1,
    target="EXN2",
    commands=COMMANDS,
    scripts=(("job.ps1", "aa"),),
    package=PACKAGE,
    plan=PLAN,
    rules_version=RULES_VERSION,
    bot_version="1",
    policy=Policy(requesters=("U1",), approvers=("U2", "U3"), persons=(("U1", "alice"),)),
    inventory="f",
    waivers=(),
    forecast=Forecast(step_s=100, downtime_s=0, basis="default"),
    checks=(CHECK,),
)


def test_the_same_agreement_has_the_same_digest() -> None:
    assert digest(BASE) == digest(replace(BASE))
    assert len(digest(BASE)) == 64
    assert set(digest(BASE)) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "field",
    [
        {"nonce": "n2"},
        {"gate": "CLUSTER01-7.s02.2"},
        {"step": "s03"},
        {"attempt": 2},
        {"target": "EXN1"},
        {"commands": COMMANDS[:1]},
        {"commands": (replace(COMMANDS[0], text="x"), *COMMANDS[1:])},
        {"commands": (replace(COMMANDS[0], guard="empty"), *COMMANDS[1:])},
        {"scripts": (("job.ps1", "bb"),)},
        {"package": replace(PACKAGE, sha256="cd" * 32)},
        {"plan": replace(PLAN, steps=PLAN.steps[:-1])},
        {"plan": replace(PLAN, lock_set=("CLUSTER01",))},
        {"rules_version": "x"},
        {"bot_version": "2"},
        {"inventory": "g"},
        {"policy": replace(BASE.policy, approvers=("U2",))},
        {"policy": replace(BASE.policy, quorum=2)},
        {"policy": replace(BASE.policy, persons=(("U1", "bob"),))},
        {"waivers": (Waiver(rule="DISK", step="s02", reason="r", by="a", approved_by=("b",)),)},
        {"forecast": replace(BASE.forecast, category="measured")},
        {"checks": (replace(CHECK, verdict=Verdict.WARN),)},
        {"checks": ()},
        {"checks": (replace(CHECK, facts=(CHECK.facts[0], replace(CHECK.facts[1], value="8.3.517.0"))),)},
    ],
    ids=lambda field: next(iter(field)),
)
def test_everything_a_voter_agrees_to_changes_the_digest(field: dict[str, Any]) -> None:
    assert digest(replace(BASE, **field)) != digest(BASE)


@pytest.mark.parametrize(
    "field",
    [
        {"forecast": replace(BASE.forecast, step_s=999.0)},
        {
            "checks": (
                replace(
                    CHECK, sentence="8000 MB free", facts=(replace(CHECK.facts[0], value="8000 MB"), CHECK.facts[1])
                ),
            )
        },
        {"policy": replace(BASE.policy, approvers=("U3", "U2"))},
    ],
    ids=["minutes", "free space", "order of names"],
)
def test_what_always_moves_does_not_change_it(field: dict[str, Any]) -> None:
    assert digest(replace(BASE, **field)) == digest(BASE)


def test_a_group_that_moved_meanwhile_is_said_in_words() -> None:
    moment = moments.gate_evacuate
    moved = replace(moment, facts=regroup(moment.facts, "Cluster Group", owner="EXN1"))
    new = commands(EVACUATE, moved.facts, PACKAGE, campaign="CLUSTER01-7")
    said = differences(moment.checks(), moved.checks(), COMMANDS, new)
    assert any("group Cluster Group was EXN2 Online, now EXN1 Online" in one for one in said)
    assert any(one.startswith("This command is not needed any more: cluster.exe group") for one in said)


def test_a_verdict_that_turned_is_said_with_its_sentence() -> None:
    worse = replace(CHECK, verdict=Verdict.BLOCK, sentence="100 MB free")
    assert differences((CHECK,), (worse,), COMMANDS, COMMANDS) == ("DISK was kept and is broken now: 100 MB free",)
    assert differences((CHECK,), (), COMMANDS, COMMANDS) == ("DISK is not judged any more.",)
    assert differences((), (CHECK,), COMMANDS, COMMANDS)[0].startswith("DISK is judged now")


def test_equal_evidence_has_no_differences() -> None:
    checks = moments.gate_evacuate.checks()
    assert differences(checks, checks, COMMANDS, COMMANDS) == ()
    assert differences(checks, checks, COMMANDS, COMMANDS[::-1]) == (
        "The commands come in another order, or run in another way.",
    )
    assert ccr() == ccr()
