"""The order of a campaign on a topology alone: who is patched when, and who moves where. No facts, no texts.

Each ordering rule has a name and can be left out, which only tests do: they prove that the order checker sees it.
"""

from __future__ import annotations

from dataclasses import dataclass

from state.words import StepKind

ORDERING = frozenset({"S6", "S8", "S10", "S16", "ONE-AT-A-TIME", "LAST-ABLE", "MIXED-LEVEL"})
"""Passive nodes only; quorum survives; emptied first; SCR targets first; one at a time; a spare stays; only upwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One node: the CMS it holds, whether it is at the level, whether it is Up and not Paused, its other groups."""

    node: str
    cms: str = ""
    done: bool = False
    up: bool = True
    groups: int = 0
    reboot_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One SCR target: a stand-alone machine, or a standby cluster whose named node comes first."""

    cluster: str
    seats: tuple[Seat, ...]
    own: tuple[str, ...] = ()  # machines that stand by for its own storage groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The campaign's cluster, its SCR targets, and where each CMS may run ((cms, nodes); absent = anywhere)."""

    seats: tuple[Seat, ...]
    targets: tuple[Target, ...] = ()
    allowed: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def may(self, cms: str, node: str) -> bool:
        """Whether a CMS may run on a node."""
        listed = dict(self.allowed).get(cms)
        return listed is None or node in listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One step to be: what, on which node, with which CMS from and to where."""

    kind: StepKind
    node: str
    cms: str = ""
    source: str = ""
    to: str = ""
    option: str = ""
    target: str = ""  # the SCR target's cluster, or its machine; "" for the campaign's cluster
    standby: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """No order exists: which CMS can go nowhere."""

    cms: str
    source: str


def order(topology: Topology, rules: frozenset[str] = ORDERING, *, failback: bool = False) -> tuple[Act, ...] | Stuck:
    """SCR targets, passive nodes, handoffs with their freed nodes: each CMS below the level moves exactly once."""
    first = [act for target in _in_turn(topology.targets, rules) for act in _target(target, rules)]
    walk = _walk(topology, rules)
    if isinstance(walk, Stuck):
        return walk
    acts = [*first, *walk] if "S16" in rules else [*walk, *first]
    if failback:
        moves = [act for act in walk if act.kind is StepKind.HANDOFF]
        acts += [
            Act(kind=StepKind.HANDOFF, node=one.source, cms=one.cms, source=one.node, option="failback")
            for one in reversed(moves)
        ]
    return tuple(acts)


def _in_turn(targets: tuple[Target, ...], rules: frozenset[str]) -> list[Target]:
    """S16 among the targets: one that is a source itself comes after its own targets.

    Targets in a cycle keep the given order among each other: the document gives them none.
    """
    if "S16" not in rules:
        return list(targets)
    firsts = {
        place: {at for at, other in enumerate(targets) if at != place and {s.node for s in other.seats} & set(one.own)}
        for place, one in enumerate(targets)
    }
    waiting, turn = list(firsts), list[Target]()
    while waiting:
        ready = next(one for one in waiting if all(at not in waiting or _leads(firsts, at, one) for at in firsts[one]))
        waiting.remove(ready)
        turn.append(targets[ready])
    return turn


def _leads(arrows: dict[int, set[int]], start: int, end: int) -> bool:
    """Whether arrows lead from one place to another."""
    waiting, seen = [start], {start}
    while waiting:
        for one in arrows[waiting.pop()] - seen:
            seen.add(one)
            waiting.append(one)
    return end in seen


def _target(target: Target, rules: frozenset[str]) -> list[Act]:
    queue = [seat for seat in target.seats if not seat.done]
    acts: list[Act] = []
    done = {seat.node for seat in target.seats if seat.done}
    for place, seat in enumerate(queue):
        others = [one.node for one in target.seats if one.node != seat.node and one.up]
        later = [one.node for one in queue[place + 1 :]]
        if target.cluster and len(target.seats) > 1 and "S10" in rules:
            to = _home(seat.node, others, done, later)
            acts.append(Act(kind=StepKind.EVACUATE, node=seat.node, to=to, target=target.cluster, standby=True))
        acts += _patch(seat, target.cluster, standby=True)
        done.add(seat.node)
    return acts


def _patch(seat: Seat, cluster: str = "", *, standby: bool = False) -> list[Act]:
    acts = []
    if seat.reboot_first:
        acts.append(Act(kind=StepKind.RESTART, node=seat.node, option="reboot-first", target=cluster, standby=standby))
    acts.append(Act(kind=StepKind.INSTALL, node=seat.node, target=cluster, standby=standby))
    return acts


def _home(node: str, others: list[str], done: set[str], later: list[str]) -> str:
    """Where a node's groups go: to a node that is done, else to the one patched last, so that they move least."""
    ready = [one for one in others if one in done]
    if ready:
        return ready[0]
    last = [one for one in later if one in others]
    return last[-1] if last else next((one for one in others if one != node), "")


def _walk(topology: Topology, rules: frozenset[str]) -> list[Act] | Stuck:
    seats = topology.seats
    passive = sorted((seat for seat in seats if not seat.cms and not seat.done), key=lambda seat: seat.groups)
    active = sorted((seat for seat in seats if seat.cms and not seat.done), key=lambda seat: seat.groups)
    done = {seat.node for seat in seats if seat.done}
    free = [seat.node for seat in seats if not seat.cms and seat.done and seat.up]
    if "S6" not in rules:  # the forbidden way: patch where the mail server runs
        return _batch(seats, [*passive, *active], done, rules)
    if "MIXED-LEVEL" not in rules and active:  # the forbidden way: move first, to whatever is free
        moved = _moves(topology, active, [*free, *(seat.node for seat in passive if seat.up)])
        if isinstance(moved, Stuck):
            return moved
        return [act for move in moved for act in (move, *_out(seats, move.source, done, [], rules))]
    acts = _batch(seats, passive, done, rules, [seat.node for seat in active])
    free += [seat.node for seat in passive if seat.up]
    moves = _moves(topology, active, free)
    if isinstance(moves, Stuck):
        return moves
    for place, move in enumerate(moves):
        later = [one.source for one in moves[place + 1 :]]
        acts += [move, *_out(seats, move.source, done, later, rules)]
    return acts


def _out(seats: tuple[Seat, ...], node: str, done: set[str], later: list[str], rules: frozenset[str]) -> list[Act]:
    """Take one node out, patch it, and count it as done."""
    seat = next(one for one in seats if one.node == node)
    others = [one.node for one in seats if one.node != node and one.up]
    acts = []
    if "S10" in rules:
        acts.append(Act(kind=StepKind.EVACUATE, node=node, to=_home(node, others, done, later)))
    acts += _patch(seat)
    done.add(node)
    return acts


def _batch(
    seats: tuple[Seat, ...],
    queue: list[Seat],
    done: set[str],
    rules: frozenset[str],
    after: list[str] | None = None,
) -> list[Act]:
    """Patch nodes in turn. By the rules each is taken out (evacuated and paused) just before its own install."""
    later = [*(seat.node for seat in queue), *(after or [])]
    size = 1
    if "LAST-ABLE" not in rules:
        size = max(1, len(queue))
    elif "ONE-AT-A-TIME" not in rules:
        able = [seat for seat in seats if not seat.cms and seat.up]
        size = max(1, len(able) - 1)
    acts: list[Act] = []
    for start in range(0, len(queue), size):
        wave = queue[start : start + size]
        parts = []
        for seat in wave:
            later.remove(seat.node)
            parts.append(_out(seats, seat.node, done, later, rules))
        acts += [act for part in parts for act in part if act.kind is StepKind.EVACUATE]
        acts += [act for part in parts for act in part if act.kind is not StepKind.EVACUATE]
    return acts


def _moves(topology: Topology, active: list[Seat], free: list[str]) -> list[Act] | Stuck:
    """One handoff for each CMS below the level; the node it leaves is patched and takes the next one.

    A depth-first search, because a CMS may be allowed on few nodes; without such limits the first try fits.
    """
    tried: set[tuple[frozenset[str], frozenset[str]]] = set()

    def search(rest: tuple[Seat, ...], room: tuple[str, ...]) -> list[Act] | None:
        if not rest:
            return []
        key = (frozenset(seat.node for seat in rest), frozenset(room))
        if key in tried:
            return None
        tried.add(key)
        for seat in rest:
            for node in room:
                if not topology.may(seat.cms, node):
                    continue
                left = tuple(one for one in rest if one is not seat)
                # The node that just became free goes last: the longer it rests, the less is moved twice.
                found = search(left, (*(one for one in room if one != node), seat.node))
                if found is not None:
                    return [Act(kind=StepKind.HANDOFF, node=node, cms=seat.cms, source=seat.node), *found]
        return None

    found = search(tuple(active), tuple(free))
    if found is None:
        return Stuck(cms=active[0].cms, source=active[0].node)
    return found
