"""Which rule is seen to stop something, and to let something pass, in which scenario: the evidence behind each sentence.

No entry is a claim of its own. The play of a scenario (test_all.py) writes a transcript, and its test fails unless every
entry for that scenario stands in it; test_sentences.py holds that each sentence of the document has entries, and that
each entry's scenario is one that is played. So an entry can neither be invented nor quietly grow stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass

from state.words import Check, Event, Verdict

# scenario -> the rules that stop something there: their check in the transcript says block, or unknown
BLOCKS: dict[str, tuple[str, ...]] = {
    "ccr-backup-running": ("BACKUP-RUNNING",),
    "ccr-cluster-service-down": ("CLUSSVC-BACK",),
    "ccr-dismounted": ("MOVE-DONE", "GROUPS-SNAPSHOT"),
    "ccr-file-name": ("PKG-NAME",),
    "ccr-foreign-move": ("NODE-PASSIVE", "NODE-NO-CMS-GROUP"),
    "ccr-group-nowhere": ("GROUP-MOVE-PLAN",),
    "ccr-group-percent": ("GROUP-MOVE-CMD",),
    "ccr-group-returns": ("NODE-EMPTY", "NODE-PAUSED"),
    "ccr-initializing": ("MOVE-READY",),
    "ccr-install-fails": ("SERVICES-SNAPSHOT",),
    "ccr-interim-update": ("IU-NONE",),
    "ccr-never-backed-up": ("BACKUP-RECENT",),
    "ccr-newer-node": ("PKG-NEWER",),
    "ccr-no-runner": ("RUNNER-TASK",),
    "ccr-no-second-hop": ("SCR-APPLICABLE",),
    "ccr-package-swapped": ("PKG-HASH",),
    "ccr-partition": ("VIEW-AGREE",),
    "ccr-paused-forgotten": ("NODE-MEMBER", "SPARE-UP"),
    "ccr-level-differs": ("LEVEL-AGREE",),
    "ccr-unknown-build": ("LEVEL-AGREE", "NO-WU"),
    "ccr-window-too-short": ("WINDOW",),
    "ccr-withdrawn": ("PKG-LIVE",),
    "ccr-witness-down": ("QUORUM-SURVIVES",),
    "ccr-wrong-sp": ("PKG-TRAIN",),
    "scc-dirty-volume": ("VOLUME-CLEAN",),
    "scc-failback-on": ("FAILBACK-OFF",),
    "scr-copy-suspended": ("SCR-COPY-OK",),
    "scr-cycle": ("SCR-CYCLE",),
    "scr-in-active-cluster": ("SCR-TARGET-PASSIVE",),
    "scr-seeding": ("SEEDING-NONE",),
    "scr-unreachable": ("SCR-TARGETS-FIRST",),
}

# scenario -> the rules that are kept there: their check says pass, and not because the rule does not apply
PASSES: dict[str, tuple[str, ...]] = {
    "ccr": (
        "BACKUP-RECENT", "BACKUP-RUNNING", "CLUSSVC-BACK", "FAILBACK-OFF", "GROUP-MOVE-CMD", "GROUP-MOVE-NOT-CMS",
        "GROUP-MOVE-PLAN", "GROUPS-SNAPSHOT", "IU-NONE", "LEVEL-AGREE", "LEVEL-REACHED", "MIXED-LEVEL-MOVE", "MOVE-DONE",
        "MOVE-READY", "NO-WU", "NODE-EMPTY", "NODE-MEMBER", "NODE-NO-CMS-GROUP", "NODE-PASSIVE", "NODE-PAUSED",
        "ONE-AT-A-TIME", "PKG-HASH", "PKG-LIVE", "PKG-NAME", "PKG-NEWER", "PKG-TRAIN", "QUORUM-SURVIVES", "RUNNER-TASK",
        "SCR-APPLICABLE", "SCR-COPY-OK", "SCR-CYCLE", "SCR-TARGETS-FIRST", "SEEDING-NONE", "SERVICES-SNAPSHOT",
        "VIEW-AGREE",
    ),
    "ccr-window-too-short": ("WINDOW",),  # long enough by itself when the plan is made
    "scc-1-1": ("VOLUME-CLEAN",),
    "scc-not-redundant": ("SPARE-UP",),  # two passive nodes
    "scr-standby-one-node": ("SCR-TARGET-PASSIVE",),
}  # fmt: skip

# Rules that guard our own commands and our own record. What the world does cannot break them, only a mistake of ours:
# each is shown by a test of the rule, "module:function", which test_sentences.py finds and reads.
BY_UNIT_TEST: dict[str, str] = {
    "GROUP-MOVE-NOT-CMS": "tests.procedure.test_steps:test_a_cms_group_is_never_moved_with_cluster_exe_even_offline",
    "LEVEL-REACHED": "tests.procedure.test_rules:test_one_changed_fact_gives_the_verdict_and_its_sentence",
    "MIXED-LEVEL-MOVE": "tests.procedure.test_rules:test_one_changed_fact_gives_the_verdict_and_its_sentence",
    "ONE-AT-A-TIME": "tests.procedure.test_rules:test_one_changed_fact_gives_the_verdict_and_its_sentence",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What one transcript shows: the rules that stopped something, and the rules that applied and were kept."""

    blocks: frozenset[str]
    passes: frozenset[str]


def shown(events: Iterable[Event]) -> Shown:
    """Every check that a campaign recorded, by its verdict."""
    checks = [check for event in events for check in _checks(event)]
    return Shown(
        frozenset(check.rule for check in checks if check.stops),
        frozenset(check.rule for check in checks if check.verdict is Verdict.PASS and check.applicable),
    )


def _checks(value: object) -> Iterator[Check]:
    """Every check in an event, however deep: in a plan, a gate, a stop, an outcome."""
    if isinstance(value, Check):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _checks(one)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _checks(getattr(value, field.name))


def missing(scenario: str, events: Iterable[Event]) -> list[str]:
    """Every entry of the tables above for this scenario that its play does not confirm."""
    found = shown(events)
    return [f"{rule} stopped nothing" for rule in BLOCKS.get(scenario, ()) if rule not in found.blocks] + [
        f"{rule} was not seen to pass" for rule in PASSES.get(scenario, ()) if rule not in found.passes
    ]
