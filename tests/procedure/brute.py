"""A planner that knows nothing but the document: it tries every order on a tiny model and keeps the best.

Written apart from bot/procedure on purpose. A state is who sits where and who is updated; the moves are the
document's: patch a node that holds no CMS (after the SCR target, if quorum survives without it), or hand a CMS to an
updated free node. Nodes are alike up to (holds a CMS, is updated), so a state is four counts.
"""

from __future__ import annotations

from collections import deque
from functools import cache

State = tuple[int, int, int, int]  # active old, active updated, passive old, passive updated


@cache
def fewest_handoffs(start: State, survives: bool) -> int | None:
    """The fewest handoffs until every node is updated; None if no order exists."""
    queue: deque[tuple[State, int]] = deque([(start, 0)])
    seen = {start: 0}
    best: int | None = None
    while queue:
        state, cost = queue.popleft()
        if cost > seen[state] or (best is not None and cost >= best):
            continue
        active_old, active_new, passive_old, passive_new = state
        if not active_old and not passive_old:
            best = cost if best is None else min(best, cost)
            continue
        following: list[tuple[State, int]] = []
        if passive_old and survives:
            following.append(((active_old, active_new, passive_old - 1, passive_new + 1), cost))
        if active_old and passive_new:  # a CMS leaves an old node for an updated one
            following.append(((active_old - 1, active_new + 1, passive_old + 1, passive_new - 1), cost + 1))
        if active_new and passive_new:  # a needless move, tried all the same
            following.append((state, cost + 1))
        for after, price in following:
            if after not in seen or price < seen[after]:
                seen[after] = price
                queue.append((after, price))
    return best


def votes_survive(nodes: int, witness: bool) -> bool:
    """Node and Disk Majority without one node: whether the rest is still a majority."""
    return (nodes - 1) + (1 if witness else 0) >= (nodes + 1) // 2 + 1
