"""Wakes workers: Dramatiq over the same Redis for speed, a sweeper over the due-set for certainty.

Truth never lives in a message: a lost, late or doubled one only makes somebody look at a campaign.
Measured: prefetch must equal the worker's threads and be set before the import, and the default worker timeout
costs 270 ms at the median. Asking every 20 ms instead is a tenth of a core, so the consumers wait inside Redis.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from functools import partial

THREADS = 8
os.environ["dramatiq_queue_prefetch"] = str(THREADS)  # noqa: SIM112 - this is how Dramatiq spells it

import dramatiq  # noqa: E402 - the variable above must be there first
import redis  # noqa: E402
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer  # noqa: E402
from dramatiq.errors import ConnectionClosed  # noqa: E402

from state.errors import StateError  # noqa: E402
from state.store import Store  # noqa: E402

log = logging.getLogger(__name__)

ADVANCE = "advance"
PUBLISH = "publish"
IDLE_MS = 250  # how often an idle thread looks whether it should end


class _Consumer(_RedisConsumer):
    """Which waits inside Redis for a message to come, instead of asking again and again whether one has."""

    def __next__(self) -> dramatiq.MessageProxy | None:
        """The next message; None after a while without one, so that the thread can see whether to end."""
        if not self.message_cache and self.outstanding_message_count < self.prefetch:
            queue = f"{self.broker.namespace}:{self.queue_name}"
            try:
                # Moves the head of the list to where it is: this waits for a message and takes none.
                self.broker.client.blmove(queue, queue, IDLE_MS / 1000, "LEFT", "LEFT")
            except redis.ConnectionError as error:
                raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
        found: dramatiq.MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call] # also shows that the worker lives
        return found


class _Broker(RedisBroker):
    """Without the second, delayed queue of every queue: nothing here is ever delayed, and asking costs as much."""

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue, once."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    @property
    def consumer_class(self) -> type[_Consumer]:
        """What `consume` makes."""
        return _Consumer


class _Worker(dramatiq.Worker):
    """Whose threads are woken by a message and not fifty times a second."""

    def _add_worker(self) -> None:
        asked, self.worker_timeout = self.worker_timeout, IDLE_MS
        try:
            super()._add_worker()
        finally:
            self.worker_timeout = asked


class Dispatch:
    """The wake-up seam. `start` runs actors in this process; without it only messages are sent."""

    def __init__(self, client: redis.Redis, store: Store, *, namespace: str = "{rollup}:dq") -> None:
        self.store = store
        self.broker = _Broker(  # type: ignore[no-untyped-call]
            client=client, namespace=namespace, heartbeat_timeout=15_000, maintenance_chance=1_000_000, middleware=[]
        )
        self._worker: dramatiq.Worker | None = None
        self._over = threading.Event()
        self._sweeper: threading.Thread | None = None
        self._send: dict[str, Callable[[str], None]] = {}

    def wire(self, *, advance: Callable[[str], None], publish: Callable[[str], None]) -> None:
        """Declare the two actors."""
        for name, call in ((ADVANCE, advance), (PUBLISH, publish)):
            actor = dramatiq.Actor(
                _logged(name, call), broker=self.broker, actor_name=name, queue_name=name, priority=0, options={}
            )
            self._send[name] = partial(_quietly, actor.send)

    def advance(self, campaign_id: str) -> None:
        """Ask for a look at a campaign soon. Never raises: the sweeper covers a lost message."""
        self._send[ADVANCE](campaign_id)

    def publish(self, campaign_id: str) -> None:
        """Ask for a projection of a campaign soon. Never raises."""
        self._send[PUBLISH](campaign_id)

    def start(self, *, sweep_s: float = 1.0, also: Callable[[], None] | None = None) -> None:
        """Run actors and the sweeper in this process. `also` is called on every sweep (the inbox's leftovers)."""
        self._worker = _Worker(self.broker, worker_threads=THREADS, worker_timeout=20)
        self._worker.start()
        self._sweeper = threading.Thread(target=self._sweep, args=(sweep_s, also), name="sweeper", daemon=True)
        self._sweeper.start()

    def stop(self) -> None:
        """End the sweeper, then the worker; what is under way is left to its lease."""
        self._over.set()
        if self._sweeper is not None:
            self._sweeper.join(timeout=5)
        if self._worker is not None:
            self._worker.stop(timeout=5_000)

    def _sweep(self, period_s: float, also: Callable[[], None] | None) -> None:
        while not self._over.wait(period_s):
            try:
                for campaign_id in self.store.due(again_s=5.0):
                    self.advance(campaign_id)
                if also is not None:
                    also()
            except StateError as err:
                log.warning("sweep: %s", err)
            except Exception:
                log.exception("sweep")


def _quietly(send: Callable[[str], object], campaign_id: str) -> None:
    try:
        send(campaign_id)
    except (redis.RedisError, dramatiq.DramatiqError) as err:
        log.warning("no wake-up for %s: %s", campaign_id, err)


def _logged(name: str, call: Callable[[str], None]) -> Callable[[str], None]:
    def act(campaign_id: str) -> None:
        try:
            call(campaign_id)
        except StateError as err:
            log.warning("%s %s: %s", name, campaign_id, err)
        except Exception:
            log.exception("%s %s", name, campaign_id)

    return act
