"""The doctor's round: papers, Redis, Slack, machines, in that order; what fails early does not hide what comes later."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from bot.app import data_directory, estate_of, inventories, packages
from bot.doctor import machines, papers, slack, store
from bot.doctor.findings import Finding, fail, ok, unknown
from bot.estate.errors import EstateError
from bot.procedure.facts import Inventory
from bot.settings import Secrets, Settings, SettingsError, check_realm, load, secrets
from bot.version import BOT
from state.clock import Clock
from state.connect import connect
from state.errors import StateError
from state.server import EmbeddedServer
from state.store import Store
from state.words import Realm


def visit(path: Path) -> Iterator[Finding]:
    """Every finding as it is made. Never raises for what people can mend."""
    try:
        settings = load(path)
        found = secrets()
    except SettingsError as err:
        yield fail("settings", str(err), "docs/configuration.md lists every key and variable.")
        return
    yield from papers.examine(path, settings, found, os.environ)
    yield from _state(settings, found)
    yield from _slack(settings, found)
    yield from _machines(settings, found)


def _realm(settings: Settings) -> Realm | None:
    try:
        return Realm(check_realm(settings))
    except SettingsError:
        return None


def _state(settings: Settings, found: Secrets) -> Iterator[Finding]:
    data = data_directory(settings)
    key, campaigns = data / "signing.key", 0
    embedded: EmbeddedServer | None = None
    try:
        url = settings.redis.url
        if not url:
            if not (data / "redis").exists():
                yield ok("redis", f"the first run will make an embedded one in {data / 'redis'}")
                yield papers.signing_key(key, found, campaigns=0)
                return
            embedded = EmbeddedServer(data / "redis", binary=os.environ.get("ROLLUP_REDIS_SERVER") or None)
            embedded.start()
            url = embedded.url
        client = connect(url, password=found.redis_password)
        ours = Store(client, bot=BOT)
        yield from store.examine(
            client, ours, url=url, data=embedded.data if embedded else None, replicas=settings.redis.replicas
        )
        yield from store.campaigns(client, ours, _realm(settings))
        campaigns = len(store.under_way(client))
        client.close()
    except redis.RedisError:
        pass  # said above: it does not answer
    except StateError as err:
        yield fail("redis", str(err), "docs/configuration.md, [redis].")
    finally:
        if embedded is not None and not embedded.adopted:
            embedded.stop()  # started only to be looked at
    yield papers.signing_key(key, found, campaigns=campaigns)


def _slack(settings: Settings, found: Secrets) -> Iterator[Finding]:
    if not found.slack_bot_token:
        yield unknown("slack", "was not asked: there is no token")
    elif _realm(settings) is None:
        yield unknown("slack", "was not asked: the realm is not one")
    else:
        yield from slack.examine(settings, found)


def _machines(settings: Settings, found: Secrets) -> Iterator[Finding]:
    if not settings.machines:
        return
    clock = Clock()
    if settings.lab is not None:
        clock.follow(settings.lab.start, settings.lab.anchor, settings.lab.speed)
    try:
        estate = estate_of(settings, found, clock, time.time)
    except (EstateError, ValueError) as err:
        yield fail("machines", str(err), "docs/configuration.md, [winrm] and [machines].")
        return
    names = tuple(settings.machines)
    everywhere = next(iter(inventories(settings).values()), Inventory(cluster="", nodes=(), channel="", machines=names))
    newest = max(packages(settings), key=lambda p: tuple(map(int, p.build.split("."))), default=None)
    try:
        yield from machines.examine(estate.read(everywhere, names, package=newest, slow=False), newest)
    finally:
        estate.shut()
