"""The rooms the engine joins, handed over by the composition root, and its own configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from bot.engine.history import History
from bot.engine.moves import Pace
from bot.engine.ports import Estate, People, Slack, Wake
from bot.procedure.context import Durations, Limits
from bot.procedure.facts import Inventory, short
from state.clock import Clock
from state.store import Store
from state.words import Campaign, Package, Realm


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """What the engine is told by settings.

    `inventories` by folded cluster name; times in lab seconds unless said otherwise.
    """

    inventories: Mapping[str, Inventory]
    packages: tuple[Package, ...]
    realm: Realm
    bot_version: str
    scripts: tuple[tuple[str, str], ...] = ()  # (script, SHA-256) of everything that may be sent to a node
    gate_expiry_s: float = 3600.0
    waiver_s: float = 3600.0  # how long an accepted risk may wait for its step's gate
    vote_age_s: float = 5.0  # wall: how old the votes may be at consume
    owner_age_s: float = 15.0  # wall: how old owners and states may be at consume
    start_within_s: float = 60.0  # wall: how late a node may still start a job; a help only
    replicas: int = 0
    pace: Pace = field(default_factory=Pace)
    limits: Limits = field(default_factory=Limits)
    durations: Durations = field(default_factory=Durations)

    def inventory(self, cluster: str) -> Inventory | None:
        """A declared cluster by any spelling of its name."""
        return self.inventories.get(short(cluster))

    def fingerprint(self, cluster: str) -> str:
        """SHA-256 over what settings say of a cluster, the packages and the limits: enters every digest."""
        found = self.inventory(cluster)
        told = {
            "inventory": asdict(found) if found else None,
            "packages": [asdict(p) for p in self.packages],
            "limits": asdict(self.limits),
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Everything the engine talks to. `key` signs gates and intents and is never in Redis."""

    store: Store
    estate: Estate
    slack: Slack
    people: People
    wake: Wake
    clock: Clock
    config: EngineConfig
    key: bytes = field(repr=False)
    history: History = field(default_factory=History)

    def durations(self) -> Durations:
        """How long things take: measured where there is enough history, else the defaults."""
        return self.history.durations(self.store, self.config.durations)

    def lab(self) -> float:
        """Lab time by the server's TIME: what expiry is judged by."""
        return self.clock.lab(self.store.server_time())

    def package(self, campaign: Campaign) -> Package | None:
        """The package a campaign rolls out: the plan's, else the one its reference names, else the only one."""
        if campaign.package is not None:
            return campaign.package
        wanted = campaign.package_ref.casefold()
        if not wanted:
            return self.config.packages[0] if len(self.config.packages) == 1 else None
        named = [
            p for p in self.config.packages if wanted in (p.kb.casefold(), p.kb.casefold().removeprefix("kb"), p.build)
        ]
        return named[0] if len(named) == 1 else None
