"""Forecasts from measured history: what earlier campaigns and this one took, in place of the defaults."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.procedure.context import Durations
from state import history
from state.errors import StateError
from state.history import Measured
from state.store import Store
from state.words import StepKind

log = logging.getLogger(__name__)
KEEP_S = 60.0  # wall: how long figures are good before the campaigns are read again
CAMPAIGNS = 100  # the newest ones: a cluster of years ago says little about tonight


def measured(found: Mapping[StepKind, Measured], outage: Measured | None, base: Durations) -> Durations:
    """`base` with what was measured in its place; installs that wait for a CRL keep their own figure, or more."""

    def took(kind: StepKind, default: float) -> float:
        return found[kind].p90_s if kind in found else default

    install = took(StepKind.INSTALL, base.install_s)
    return replace(
        base,
        evacuate_s=took(StepKind.EVACUATE, base.evacuate_s),
        install_s=install,
        install_without_crl_s=max(install, base.install_without_crl_s),
        restart_s=took(StepKind.RESTART, base.restart_s),
        handoff_s=took(StepKind.HANDOFF, base.handoff_s),
        restore_s=took(StepKind.RESTORE, base.restore_s),
        downtime_s=outage.p90_s if outage is not None else base.downtime_s,
        measured=tuple((kind, one.p90_s, one.count) for kind, one in sorted(found.items())),
    )


@dataclass(slots=True)
class History:
    """Durations as they are measured now; the campaigns are read at most once a minute."""

    _held: Durations | None = None
    _read_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def durations(self, store: Store, base: Durations) -> Durations:
        """What was measured, over `base`. Without the store the last figures stand, else `base`."""
        with self._lock:
            if self._held is not None and time.monotonic() - self._read_at < KEEP_S:
                return self._held
        try:
            campaigns = store.all(limit=CAMPAIGNS)
        except StateError as err:  # a figure is no reason to stop
            log.warning("durations could not be measured: %s", err)
            return self._held or base
        found = measured(history.steps(campaigns), history.outages(campaigns), base)
        with self._lock:
            self._held, self._read_at = found, time.monotonic()
        return found
