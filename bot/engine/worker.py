"""The engine's loop: take the lease, do the one next thing, write it down, ask again until the answer is wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bot.engine import acting, closing, conclude, consuming, gating, planning, risk
from bot.engine.moves import Do, Move, next_move
from bot.engine.rooms import Rooms
from bot.engine.show import refresh
from bot.engine.turn import Declined, LeaseLost, Turn
from bot.engine.watch import Watch
from state.errors import Conflict, Fenced, Unavailable
from state.leases import LEASE_S
from state.words import Campaign, GateStatus, Lease, State, Unblocked

log = logging.getLogger(__name__)


_AFTER_READING = frozenset({Do.MAKE_PLAN, Do.PREPARE_GATE, Do.FINISH})
"""Moves that act on no machine, and may rest on what the move right before them read."""
_LAST = frozenset({Do.FINISH, Do.END_RETURN, Do.FINISH_ABORT})


class Engine:
    """Moves campaigns forward. Safe to call from many threads and processes: the lease lets one in at a time."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self._watch = Watch(rooms)
        self._counted: dict[str, float] = {}  # gate -> lab time of the last recount without a bell

    def advance(self, campaign_id: str) -> None:
        """Do everything that can be done for a campaign now. Returns when it must wait, or somebody else is at it."""
        while True:
            lease = self.rooms.store.leases.take(campaign_id)
            if lease is None:
                return
            try:
                with self._kept(lease):
                    seen = self._run(campaign_id, Turn(self.rooms, lease))
            finally:
                self.rooms.store.leases.release(lease)
            now = self.rooms.store.get(campaign_id)
            if now is None or now.version == seen:
                return  # nothing came in between our last look and the release

    @contextmanager
    def _kept(self, lease: Lease) -> Iterator[None]:
        """Renew the lease while a long call is under way; a lease that is lost shows at the next write or effect."""
        over = threading.Event()

        def renew() -> None:
            held = lease
            while not over.wait(LEASE_S / 3):
                try:
                    held = self.rooms.store.leases.renew(held)
                except Fenced:
                    return
                except Unavailable as err:
                    log.warning("lease of %s could not be renewed: %s", lease.name, err)

        thread = threading.Thread(target=renew, name=f"lease-{lease.name}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=5)

    def _run(self, campaign_id: str, turn: Turn) -> int:
        """Work until there is something to wait for; the version that was last looked at."""
        while True:
            campaign = self.rooms.store.get(campaign_id)
            if campaign is None:
                return 0
            move = next_move(campaign, self.rooms.lab(), self.rooms.config.pace)
            if move.do in _LAST and campaign.outages and self._watch.look(turn, campaign, at_once=True):
                continue  # whoever was told that mail is down is told that it is back before the thread ends
            try:
                until = self._wait(turn, campaign, move) if move.do is Do.WAIT else self._do(turn, campaign, move)
            except Conflict:
                continue  # somebody wrote first: decide again on what stands there now
            except Declined as err:
                log.warning("%s: %s was declined (%s)", campaign_id, move.do, err.refusal)
                until = self.rooms.lab() + self.rooms.config.pace.poll_s
            except (Fenced, LeaseLost):
                log.warning("%s: the lease was lost; stopping", campaign_id)
                return campaign.version
            latest = self.rooms.store.get(campaign_id)
            if latest is not None and latest.version != campaign.version:
                self.rooms.wake.publish(campaign_id)
                if until is None or move.do is Do.WAIT:
                    continue
                campaign = latest
            if until is None and move.do is not Do.WAIT:
                continue
            refresh(self.rooms, campaign)
            if self._watch.look(turn, campaign):
                self.rooms.wake.publish(campaign_id)
                continue
            until = self._watch.until(campaign, until)
            if until is not None:
                wall = self.rooms.store.server_time() + max(
                    0.0, self.rooms.clock.to_wall_span(until - self.rooms.lab())
                )
                self.rooms.store.look_again(campaign_id, wall, version=campaign.version)
            return campaign.version

    def _wait(self, turn: Turn, campaign: Campaign, move: Move) -> float | None:
        """Nothing to do; but an open gate is recounted now and then, in case every event about it was lost."""
        gate = campaign.gate
        if campaign.state is not State.GATED or gate is None:
            return move.until
        if gate.status is GateStatus.PREPARED:
            self.rooms.wake.publish(campaign.id)
            return move.until
        now = self.rooms.lab()
        last = self._counted.setdefault(gate.id, now)
        if now - last < self.rooms.config.pace.recount_s:
            return move.until
        self._counted[gate.id] = now
        if consuming.recount(turn, campaign):
            risk.consume_any(turn, self.rooms.store.get(campaign.id) or campaign)
        return move.until

    def _do(self, turn: Turn, campaign: Campaign, move: Move) -> float | None:
        """One thing. Returns a lab time to look again at, or None to go on at once."""
        if move.do not in _AFTER_READING:
            turn.seen = None
        match move.do:
            case Do.MAKE_PLAN:
                planning.plan(turn, campaign)
            case Do.EXPIRE_PLAN:
                planning.expire(turn, campaign)
            case Do.PREPARE_GATE:
                return gating.prepare(turn, campaign)
            case Do.PREPARE_RISK:
                return risk.prepare(turn, campaign)
            case Do.END_RETURN:
                closing.end_return(turn, campaign)
            case Do.EXPIRE_GATE:
                gating.expire(turn, campaign)
            case Do.RECOUNT:
                return risk.consume_any(turn, campaign)
            case Do.OPEN_JOB:
                return acting.open_job(turn, campaign, move)
            case Do.SETTLE_JOB if move.job is not None:
                return acting.settle(turn, campaign, move.job)
            case Do.OBSERVE_JOB if move.job is not None:
                return acting.observe(turn, campaign, move.job)
            case Do.CONCLUDE:
                return conclude.conclude(turn, campaign)
            case Do.RECHECK:
                return gating.recheck(turn, campaign)
            case Do.GO_ON:
                turn.write(campaign, Unblocked(sentence="The node answered: its job's end is known now."), "go-on")
            case Do.FINISH:
                return closing.finish(turn, campaign)
            case Do.FINISH_ABORT:
                closing.finish_abort(turn, campaign)
            case _:
                pass
        return None
