"""The planner over every topology of 2 to 8 nodes, against a brute-force search and the order checker.

A topology: which nodes hold a CMS (at most one each, at least one node passive) and which are at the level, each
without and with one SCR target below the level, `Cluster Group` on each node in turn, quorum that survives or not.
Nodes that differ in name only count once. Enumerated, not sampled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts, LevelFacts, NodeStatus, QuorumModel
from bot.procedure.order import check_plan
from bot.procedure.ordering import ORDERING
from bot.procedure.planner import Nothing, PlanRefusal, make_plan
from state.words import Options, Plan, StepKind
from tests.procedure.brute import fewest_handoffs, votes_survive
from tests.procedure.build import NEW, OLD, PACKAGE, cluster, each_view, estate, level, machine

LEVELS: dict[str, LevelFacts] = {OLD: level(OLD), NEW: level(NEW)}


@dataclass(frozen=True)
class Shape:
    """One topology up to renaming."""

    active_old: int
    active_new: int
    passive_old: int
    passive_new: int
    home: int  # index of the node that owns Cluster Group
    scr: bool
    survives: bool

    @property
    def nodes(self) -> int:
        return self.active_old + self.active_new + self.passive_old + self.passive_new


def shapes(low: int = 2, high: int = 8) -> Iterator[Shape]:
    """Every topology of that many nodes."""
    for nodes in range(low, high + 1):
        for active_old in range(nodes):
            for active_new in range(nodes - active_old):
                for passive_old in range(nodes - active_old - active_new + 1):
                    parts = (active_old, active_new, passive_old, nodes - active_old - active_new - passive_old)
                    if parts[2] + parts[3] == 0:
                        continue
                    firsts = [sum(parts[:i]) for i in range(4) if parts[i]]  # one node of each kind is enough
                    for home in firsts:
                        for scr in (False, True) if active_old + active_new else (False,):  # a CMS has targets
                            for survives in (True, False):
                                yield Shape(*parts, home, scr, survives)


def facts_of(shape: Shape) -> EstateFacts:
    """The facts of a topology: an SCC with a disk witness that is online, or not."""
    names = tuple(f"N{i}" for i in range(1, shape.nodes + 1))
    holders = names[: shape.active_old + shape.active_new]
    updated = {*names[shape.active_old : len(holders)], *names[len(holders) + shape.passive_old :]}
    machines = cluster(
        "SCC",
        names,
        active={f"CMS{i}": node for i, node in enumerate(holders, 1)},
        home=names[shape.home],
        quorum=QuorumModel.NODE_DISK if shape.survives else QuorumModel.DISK_ONLY,
        targets=("SCR1",) if shape.scr else (),
        shared=True,
    )
    machines = tuple(replace(m, level=LEVELS[NEW if m.name in updated else OLD]) for m in machines)
    if shape.scr:
        machines += (machine("SCR1"),)
    facts = estate("SCC", names, machines)
    return facts if shape.survives else each_view(facts, lambda view: replace(view, witness_ok=False))


def best(shape: Shape) -> int | None:
    """What brute force finds."""
    return fewest_handoffs((shape.active_old, shape.active_new, shape.passive_old, shape.passive_new), shape.survives)


def handoffs(plan: Plan) -> int:
    return sum(step.kind is StepKind.HANDOFF for step in plan.steps)


@pytest.mark.parametrize("nodes", range(2, 9))
def test_every_topology_is_planned_with_the_fewest_handoffs_and_the_checker_accepts_it(nodes: int) -> None:
    counts = {"plans": 0, "refused": 0, "nothing": 0}
    for shape in shapes(nodes, nodes):
        facts = facts_of(shape)
        made = make_plan(facts, PACKAGE, Options(), context=Context())
        expected = best(shape)
        if isinstance(made, Nothing):
            counts["nothing"] += 1
            assert (shape.active_old, shape.passive_old, shape.scr) == (0, 0, False)
        elif isinstance(made, PlanRefusal):
            counts["refused"] += 1
            assert (made.rule, shape.survives) == ("QUORUM-SURVIVES", False), (shape, made.sentence)
            assert expected is None
        else:
            counts["plans"] += 1
            assert handoffs(made) == expected, shape
            assert check_plan(made, facts) == (), shape
            assert check_plan(made) == (), shape
    print(f"{nodes} nodes: {counts}")
    assert counts["plans"] > 0


def test_the_quorum_of_a_node_and_disk_majority_is_counted_as_brute_force_counts_it() -> None:
    for nodes in range(2, 9):
        for witness in (True, False):
            names = tuple(f"N{i}" for i in range(1, nodes + 1))
            facts = estate(
                "SCC", names, cluster("SCC", names, active={"CMS1": "N1"}, shared=True, quorum=QuorumModel.NODE_DISK)
            )
            facts = each_view(facts, lambda view, ok=witness: replace(view, witness_ok=ok))  # type: ignore[misc]
            made = make_plan(facts, PACKAGE, Options(), context=Context())
            assert isinstance(made, Plan) == votes_survive(nodes, witness), (nodes, witness)


NEEDED = {
    "S6": "NODE-PASSIVE",
    "S8": "QUORUM-SURVIVES",
    "S10": "NODE-EMPTY",
    "S16": "SCR-TARGETS-FIRST",
    "ONE-AT-A-TIME": "ONE-AT-A-TIME",
    "LAST-ABLE": "SPARE-UP",
    "MIXED-LEVEL": "MIXED-LEVEL-MOVE",
}


@pytest.mark.parametrize("left_out", sorted(ORDERING))
def test_a_planner_without_one_ordering_rule_is_caught_by_the_checker(left_out: str) -> None:
    planned = rejected = 0
    for shape in shapes(2, 4):
        facts = facts_of(shape)
        made = make_plan(facts, PACKAGE, Options(), context=Context(), ordering=ORDERING - {left_out})
        if isinstance(made, Plan):
            planned += 1
            found = {violation.rule for violation in check_plan(made, facts)}
            rejected += NEEDED[left_out] in found
    print(f"without {left_out}: {rejected} of {planned} plans rejected by {NEEDED[left_out]}")
    assert rejected > 0


def test_the_enumeration_is_complete_for_three_nodes() -> None:
    kinds = {(s.active_old, s.active_new, s.passive_old, s.passive_new) for s in shapes(3, 3)}
    assert len(kinds) == 20 - 4  # 20 ways to sort three nodes into four kinds, 4 of them without a passive node
    assert len(list(shapes(2, 8))) == len(set(shapes(2, 8)))


def test_a_group_moves_at_most_twice_and_once_where_the_cluster_lets_it() -> None:
    for shape in shapes(2, 4):
        made = make_plan(facts_of(shape), PACKAGE, Options(), context=Context())
        if not isinstance(made, Plan):
            continue
        at, moves = f"N{shape.home + 1}", 0
        for step in made.steps:
            if step.kind is StepKind.EVACUATE and step.target == at:
                at, moves = step.to, moves + 1
        spare = shape.active_new + shape.passive_new
        assert moves <= (1 if spare else 2), shape


def test_an_at_level_node_that_is_down_is_no_target_and_no_excuse() -> None:
    shape = Shape(1, 0, 1, 1, 0, False, True)  # N1 holds CMS1, N2 is old, N3 is at the level
    facts = facts_of(shape)
    down = each_view(
        facts,
        lambda view: replace(view, nodes=tuple((n, NodeStatus.PAUSED if n == "N3" else s) for n, s in view.nodes)),
    )
    made = make_plan(down, PACKAGE, Options(), context=Context())
    assert isinstance(made, PlanRefusal)
    assert made.rule == "SPARE-UP"  # another order avoids it: resume N3 first


def test_a_cms_that_may_run_on_one_node_only_leaves_for_that_node() -> None:
    names = ("N1", "N2", "N3", "N4")
    facts = estate(
        "SCC",
        names,
        cluster("SCC", names, active={"CMS1": "N1", "CMS2": "N2"}, shared=True, quorum=QuorumModel.NODE_DISK),
    )
    only = {"CMS1": ("N1", "N2"), "CMS2": ("N2", "N3", "N4")}
    facts = replace(
        facts,
        machines=tuple(
            replace(m, cms=tuple(replace(c, redundant=only[c.name]) for c in m.cms))  # type: ignore[union-attr]
            for m in facts.machines
        ),
    )
    made = make_plan(facts, PACKAGE, Options(), context=Context())
    assert isinstance(made, Plan), made
    moves = [(s.cms, s.target) for s in made.steps if s.kind is StepKind.HANDOFF]
    assert moves[0][0] == "CMS2"  # it must make room first
    assert moves[1] == ("CMS1", "N2")
    assert check_plan(made, facts) == ()
    stuck = replace(
        facts,
        machines=tuple(
            replace(m, cms=tuple(replace(c, redundant=("N1", "N2")) for c in m.cms))  # type: ignore[union-attr]
            for m in facts.machines
        ),
    )
    refused = make_plan(stuck, PACKAGE, Options(), context=Context())
    assert isinstance(refused, PlanRefusal)
