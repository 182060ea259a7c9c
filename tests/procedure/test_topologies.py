"""The planner over every topology of 2 to 8 nodes, against a brute-force search and the order checker.

A topology: which nodes hold a CMS (at most one each, at least one node passive) and which are at the level, each
without and with one SCR target below the level, `Cluster Group` on each node in turn, quorum that survives or not.
Nodes that differ in name only count once. Enumerated, not sampled. A cluster without any CMS (a standby cluster) is
counted too; it has no SCR targets. The figures stand at the end of a run of pytest, under "topologies".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from bot.procedure.context import Context
from bot.procedure.facts import EstateFacts, LevelFacts, NodeStatus, QuorumModel
from bot.procedure.order import check_plan
from bot.procedure.ordering import ORDERING
from bot.procedure.planner import Nothing, PlanRefusal, make_plan
from state.words import Options, Plan, Step, StepKind
from tests.procedure import brute
from tests.procedure.brute import Act, Board
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


def facts_of(shape: Shape, *, ccr: bool = False) -> EstateFacts:
    """The facts of a topology: an SCC with a disk that is online, or not; or a CCR cluster with its share."""
    names = tuple(f"N{i}" for i in range(1, shape.nodes + 1))
    holders = names[: shape.active_old + shape.active_new]
    updated = {*names[shape.active_old : len(holders)], *names[len(holders) + shape.passive_old :]}
    machines = cluster(
        "SCC",
        names,
        active={f"CMS{i}": node for i, node in enumerate(holders, 1)},
        home=names[shape.home],
        quorum=QuorumModel.NODE_SHARE if ccr else QuorumModel.NODE_DISK if shape.survives else QuorumModel.DISK_ONLY,
        targets=("SCR1",) if shape.scr else (),
        shared=not ccr,
    )
    machines = tuple(replace(m, level=LEVELS[NEW if m.name in updated else OLD]) for m in machines)
    if shape.scr:
        machines += (machine("SCR1"),)
    facts = estate("SCC", names, machines)
    return facts if shape.survives else each_view(facts, lambda view: replace(view, witness_ok=False))


def board_of(shape: Shape) -> Board:
    """The same topology for the brute-force search."""
    kinds = (shape.active_old, shape.active_new, shape.passive_old, shape.passive_new)
    return brute.start(*kinds, home=shape.home, target=shape.scr, survives=shape.survives)


def acts_of(steps: tuple[Step, ...]) -> tuple[Act, ...]:
    """The planner's steps in the words of the brute-force search."""
    verbs = {StepKind.EVACUATE: "empty", StepKind.INSTALL: "install"}
    made = []
    for step in steps:
        if step.kind is StepKind.HANDOFF:
            made.append(Act("move", step.source, step.target))
        elif step.role == "scr-target":
            made.append(Act("target"))
        else:
            made.append(Act(verbs[step.kind], step.target, step.to))
    return tuple(made)


def steps_of(acts: tuple[Act, ...], like: Plan, board: Board) -> tuple[Step, ...]:
    """Any acts as steps of a plan like this one; `board` says which CMS is where at the beginning."""
    at = {node: cms for node, cms, _ in board.nodes}
    made = []
    for place, act in enumerate(acts, 1):
        plain = replace(
            like.steps[0], id=f"s{place:02d}", cms="", source="", to="", option="", cluster="SCC", role="node"
        )
        if act.verb == "move":
            cms, at[act.node] = at.get(act.node, ""), ""
            at[act.to] = cms or at.get(act.to, "")
            step = replace(plain, kind=StepKind.HANDOFF, target=act.to, source=act.node, cms=cms or "CMS0")
        elif act.verb == "target":
            step = replace(plain, kind=StepKind.INSTALL, target="SCR1", cluster="", role="scr-target")
        else:
            kind = StepKind.EVACUATE if act.verb == "empty" else StepKind.INSTALL
            step = replace(plain, kind=kind, target=act.node, to=act.to)
        made.append(step)
    return tuple(made)


@pytest.mark.parametrize(("nodes", "ccr"), [(2, True), *((nodes, False) for nodes in range(2, 9))])
def test_every_topology_is_planned_at_the_lowest_price_and_the_checker_accepts_it(
    nodes: int, ccr: bool, record_property: Callable[[str, object], None]
) -> None:
    """The brute force judges the plan's every step by its own idea of what is allowed, and finds no cheaper order."""
    counts = {"topologies": 0, "plans": 0, "refused": 0, "nothing to do": 0, "handoffs": 0}
    for shape in shapes(nodes, nodes):
        facts, board = facts_of(shape, ccr=ccr), board_of(shape)
        made = make_plan(facts, PACKAGE, Options(), context=Context())
        expected = brute.cheapest(board)
        counts["topologies"] += 1
        if isinstance(made, Nothing):
            counts["nothing to do"] += 1
            assert board.finished, shape
        elif isinstance(made, PlanRefusal):
            counts["refused"] += 1
            assert (made.rule, shape.survives) == ("QUORUM-SURVIVES", False), (shape, made.sentence)
            assert expected is None, shape
        else:
            counts["plans"] += 1
            assert expected is not None, shape
            assert brute.play(board, acts_of(made.steps)) == expected, (shape, made.steps)
            lax = brute.cheapest(replace(board, upwards=False))  # handoffs to nodes that are not updated save none
            assert lax is not None, shape
            assert lax[0] == expected[0] == sum(step.kind is StepKind.HANDOFF for step in made.steps), shape
            counts["handoffs"] += expected[0]
            assert check_plan(made, facts) == (), shape
            assert check_plan(made) == (), shape
    assert counts["plans"] > 0
    said = ", ".join(f"{count} {what}" for what, count in counts.items())
    kind = f"{nodes} nodes{', CCR' if ccr else ''}"
    record_property("topologies", f"{kind}: {said}; every plan as cheap as brute force, accepted by the checker")


@pytest.mark.parametrize("nodes", range(2, 5))
def test_with_failback_no_order_takes_fewer_handoffs(nodes: int) -> None:
    for shape in shapes(nodes, nodes):
        if not shape.survives or shape.home:
            continue
        facts, board = facts_of(shape), board_of(shape)
        made = make_plan(facts, PACKAGE, Options(failback=True), context=Context())
        fewest = brute.there_and_back(board)
        if isinstance(made, Plan):
            assert sum(step.kind is StepKind.HANDOFF for step in made.steps) == fewest, shape
            assert brute.play(board, acts_of(made.steps)) is not None
            assert check_plan(made, facts) == () == check_plan(made), shape
        else:
            assert fewest == 0, shape


def test_brute_force_and_the_checker_draw_the_same_line(record_property: Callable[[str, object], None]) -> None:
    """Every order of up to three nodes that is as cheap is accepted; a spoiled one stands or falls in both."""
    counts = {"accepted": 0, "rejected": 0}
    for shape in shapes(2, 3):
        facts, board = facts_of(shape), board_of(shape)
        like = make_plan(facts, PACKAGE, Options(), context=Context())
        if not isinstance(like, Plan):
            continue
        price, orders = brute.cheapest(board), set(brute.every_cheapest(board))
        for tried in orders.union(spoilings(acts_of(like.steps), board)):
            paid = brute.play(board, tried)
            if paid is None or paid == price:
                found = check_plan(replace(like, steps=steps_of(tried, like, board)), facts)
                assert (found == ()) == (paid is not None), (shape, tried, found)
                counts["rejected" if found else "accepted"] += 1
    record_property(
        "topologies", "2 and 3 nodes, every cheapest order, and the plan with one act changed: " + str(counts)
    )
    assert min(counts.values()) > 100


def spoilings(best: tuple[Act, ...], board: Board) -> Iterator[tuple[Act, ...]]:
    """Every order that differs by one act: left out, doubled, swapped with another, or done to other nodes."""
    names = [node for node, *_ in board.nodes]
    for i, act in enumerate(best):
        yield (*best[:i], *best[i + 1 :])
        yield (*best[: i + 1], *best[i:])
        for j in range(i):
            yield (*best[:j], act, *best[j + 1 : i], best[j], *best[i + 1 :])
        if act.verb != "target":
            for node in names:
                yield (*best[:i], replace(act, node=node), *best[i + 1 :])
                if act.verb != "install":
                    yield (*best[:i], replace(act, to=node), *best[i + 1 :])


def test_the_quorum_of_a_node_and_disk_majority_is_counted_as_brute_force_counts_it() -> None:
    for nodes in range(2, 9):
        for witness in (True, False):
            names = tuple(f"N{i}" for i in range(1, nodes + 1))
            facts = estate(
                "SCC", names, cluster("SCC", names, active={"CMS1": "N1"}, shared=True, quorum=QuorumModel.NODE_DISK)
            )
            facts = each_view(facts, lambda view, ok=witness: replace(view, witness_ok=ok))  # type: ignore[misc]
            made = make_plan(facts, PACKAGE, Options(), context=Context())
            assert isinstance(made, Plan) == brute.votes_survive(nodes, witness), (nodes, witness)


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
def test_a_planner_without_one_ordering_rule_is_caught_by_the_checker(
    left_out: str, record_property: Callable[[str, object], None]
) -> None:
    planned = rejected = 0
    for shape in shapes(2, 4):
        facts = facts_of(shape)
        made = make_plan(facts, PACKAGE, Options(), context=Context(), ordering=ORDERING - {left_out})
        if isinstance(made, Plan):
            planned += 1
            found = [one for one in check_plan(made, facts) if one.rule == NEEDED[left_out]]
            if left_out == "LAST-ABLE":  # not merely that no other node is there at all
                found = [one for one in found if "need not be" in one.sentence]
            rejected += bool(found)
    said = f"2 to 4 nodes, planner without {left_out}: {rejected} of {planned} plans rejected by {NEEDED[left_out]}"
    record_property("topologies", said)
    assert rejected > 0


def test_the_enumeration_is_complete_for_three_nodes() -> None:
    kinds = {(s.active_old, s.active_new, s.passive_old, s.passive_new) for s in shapes(3, 3)}
    assert len(kinds) == 20 - 4  # 20 ways to sort three nodes into four kinds, 4 of them without a passive node
    assert len(list(shapes(2, 8))) == len(set(shapes(2, 8)))


def test_an_at_level_node_that_is_down_is_no_target_and_no_excuse() -> None:
    shape = Shape(1, 0, 1, 1, 0, False, True)  # N1 holds CMS1, N2 is old, N3 is at the level
    facts = facts_of(shape)
    down = each_view(
        facts,
        lambda view: replace(view, nodes=tuple((n, NodeStatus.PAUSED if n == "N3" else s) for n, s in view.nodes)),
    )
    made = make_plan(down, PACKAGE, Options(), context=Context())
    assert isinstance(made, Plan)
    assert [check.rule for check in made.checks if check.stops] == ["SPARE-UP"]  # resume N3 first, or accept it
    assert "N3" not in {step.target for step in made.steps} | {step.to for step in made.steps}


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
