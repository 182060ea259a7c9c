"""The document on a tiny model, searched exhaustively: it knows nothing of bot/procedure, and nothing of it knows this.

A board is who sits where, who is updated, who owns the default group, who is out (emptied and paused), and whether the
SCR target is still below the level. `after` is the only place that says what the document allows:

- S16/S17: while the SCR target is below the level, nothing is done to any node of the source.
- S6/S7: a node is patched only while it holds no CMS. S10: and owns no group. One node at a time.
- S8: only if the cluster stays formed without it. A CMS goes only to a free, updated node, and never while one is out.

A node is *able* when it is there, not out and holds no CMS. A price is (handoffs, installs during which no node was
able, moves of the default group), compared in that order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

Price = tuple[int, int, int]
Key = tuple[tuple[tuple[bool, bool, bool, bool], ...], bool]
FREE: Price = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Act:
    """`target` · `empty` node to · `install` node · `move` CMS on node to."""

    verb: str
    node: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One moment. `nodes` = (name, CMS or "", updated)."""

    nodes: tuple[tuple[str, str, bool], ...]
    group: str
    target_old: bool
    survives: bool
    out: str = ""
    upwards: bool = True  # False: a lax reader, who lets a CMS go to a node that is not updated

    def cms(self, name: str) -> str:
        return next(cms for node, cms, _ in self.nodes if node == name)

    def updated(self, name: str) -> bool:
        return next(done for node, _, done in self.nodes if node == name)

    def able(self, but: str) -> list[str]:
        return [node for node, cms, _ in self.nodes if not cms and node not in {but, self.out}]

    @property
    def finished(self) -> bool:
        return not self.target_old and not self.out and all(done for *_, done in self.nodes)


def start(  # one topology
    active_old: int, active_new: int, passive_old: int, passive_new: int, *, home: int, target: bool, survives: bool
) -> Board:
    """Nodes N1… in that order; the CMS on Ni is CMSi."""
    kinds = (
        [(True, False)] * active_old
        + [(True, True)] * active_new
        + [(False, False)] * passive_old
        + [(False, True)] * passive_new
    )
    nodes = tuple((f"N{i}", f"CMS{i}" if holds else "", done) for i, (holds, done) in enumerate(kinds, 1))
    return Board(nodes, f"N{home + 1}", target, survives)


def after(board: Board, act: Act) -> tuple[Board, Price] | None:
    """The board after an act and what it costs, or None where the document forbids it."""
    if act.verb == "target":
        return (replace(board, target_old=False), FREE) if board.target_old else None
    if board.target_old:
        return None
    if act.verb == "move":
        cms = board.cms(act.node)
        if not cms or board.cms(act.to) or board.out or (board.upwards and not board.updated(act.to)):
            return None
        where = {act.node: "", act.to: cms}
        return replace(board, nodes=tuple((n, where.get(n, c), d) for n, c, d in board.nodes)), (1, 0, 0)
    if board.cms(act.node) or board.updated(act.node) or not board.survives or board.out not in {"", act.node}:
        return None
    if act.verb == "empty":
        if board.out or act.to == act.node:
            return None
        moved = board.group == act.node
        return replace(board, out=act.node, group=act.to if moved else board.group), (0, 0, int(moved))
    if board.group == act.node:
        return None
    nodes = tuple((n, c, d or n == act.node) for n, c, d in board.nodes)
    return replace(board, nodes=nodes, out=""), (0, int(not board.able(act.node)), 0)


def acts(board: Board) -> Iterator[Act]:
    """Everything one could try."""
    if board.target_old:
        yield Act("target")
    names = [node for node, *_ in board.nodes]
    for node, cms, _ in board.nodes:
        if not cms:
            yield Act("install", node)
        for to in names:
            if to != node:
                yield Act("move" if cms else "empty", node, to)


def play(board: Board, tried: tuple[Act, ...]) -> Price | None:
    """What these acts cost in this order, or None where one is forbidden or the end is not reached."""
    total = FREE
    for act in tried:
        done = after(board, act)
        if done is None:
            return None
        board, total = done[0], _sum(total, done[1])
    return total if board.finished else None


def _sum(a: Price, b: Price) -> Price:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def key(board: Board) -> Key:
    """The board up to renaming its nodes."""
    return (
        tuple(sorted((bool(cms), done, node == board.group, node == board.out) for node, cms, done in board.nodes)),
        board.target_old,
    )


def _board(of: Key, survives: bool, upwards: bool) -> Board:
    nodes = tuple((f"N{i}", f"CMS{i}" if holds else "", done) for i, (holds, done, _, _) in enumerate(of[0]))
    group = next(f"N{i}" for i, one in enumerate(of[0]) if one[2])
    out = next((f"N{i}" for i, one in enumerate(of[0]) if one[3]), "")
    return Board(nodes, group, of[1], survives, out, upwards)


@cache
def prices(nodes: int, *, survives: bool, upwards: bool = True) -> dict[Key, Price]:
    """The lowest price of every board of that many nodes from which the end can be reached: Dijkstra from all ends."""
    before: dict[Key, list[tuple[Key, Price]]] = {}
    ends: list[tuple[Price, Key]] = []
    todo = [
        key(start(a, b, c, nodes - a - b - c, home=home, target=target, survives=survives))
        for a in range(nodes)
        for b in range(nodes - a)
        for c in range(nodes - a - b + 1)
        for home in range(nodes)
        for target in (False, True)
    ]
    seen = set(todo)
    while todo:
        here = todo.pop()
        board = _board(here, survives, upwards)
        if board.finished:
            ends.append((FREE, here))
        for act in acts(board):
            done = after(board, act)
            if done is None:
                continue
            there = key(done[0])
            before.setdefault(there, []).append((here, done[1]))
            if there not in seen:
                seen.add(there)
                todo.append(there)
    best: dict[Key, Price] = {}
    heapq.heapify(ends)
    while ends:
        price, here = heapq.heappop(ends)
        if here in best:
            continue
        best[here] = price
        for earlier, cost in before.get(here, ()):
            if earlier not in best:
                heapq.heappush(ends, (_sum(price, cost), earlier))
    return best


def cheapest(board: Board) -> Price | None:
    """The lowest price from a board to its end; None if no order exists."""
    return prices(len(board.nodes), survives=board.survives, upwards=board.upwards).get(key(board))


def every_cheapest(board: Board) -> Iterator[tuple[Act, ...]]:
    """Every order of the lowest price from a board to its end."""
    price = cheapest(board)
    if board.finished or price is None:
        if price is not None:
            yield ()
        return
    for act in acts(board):
        done = after(board, act)
        rest = cheapest(done[0]) if done else None
        if done and rest is not None and _sum(done[1], rest) == price and done[0] != board:
            for later in every_cheapest(done[0]):
                yield (act, *later)


def there_and_back(board: Board) -> int | None:
    """The fewest handoffs until every node is updated and every CMS is where it was. By names: only for few nodes."""
    homes = {node: cms for node, cms, _ in board.nodes}
    queue: list[tuple[int, int, Board]] = [(0, 0, board)]
    seen: set[Board] = set()
    count = 0
    while queue:
        cost, _, here = heapq.heappop(queue)
        if here in seen:
            continue
        seen.add(here)
        if here.finished and all(homes[node] == cms for node, cms, _ in here.nodes):
            return cost
        for act in acts(here):
            done = after(here, act)
            if done is not None and done[0] not in seen:
                count += 1
                heapq.heappush(queue, (cost + done[1][0], count, done[0]))
    return None


def votes_survive(nodes: int, witness: bool) -> bool:
    """Node and Disk Majority without one node: whether the rest is still a majority."""
    return (nodes - 1) + (1 if witness else 0) >= (nodes + 1) // 2 + 1
