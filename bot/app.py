"""The composition root: the one place where settings, state, estate, engine and the Slack edge are wired together."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from bot.engine.dispatch import Dispatch
from bot.engine.moves import Pace
from bot.engine.rooms import EngineConfig, Rooms
from bot.engine.worker import Engine
from bot.estate import bootstrap
from bot.estate.access import Access
from bot.estate.estate import EstateConfig, WindowsEstate
from bot.procedure.context import Limits
from bot.procedure.facts import Inventory, short
from bot.settings import Secrets, Settings, SettingsError, check_realm, load
from bot.told import ToldTime
from bot.version import BOT
from state import audit
from state.clock import Clock
from state.connect import connect
from state.errors import StateError
from state.server import EmbeddedServer
from state.store import Store
from state.words import Package, Policy, Realm

log = logging.getLogger(__name__)

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@dataclass(slots=True)
class Live:
    """Settings re-read when their file changes: people and lab time count at once, the rest at the next start.

    A file that cannot be used any more denies: nobody is listed until it can.
    """

    path: Path
    settings: Settings
    clock: Clock
    _seen: float = 0.0
    _people: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Start from what was read."""
        self._people = self.settings.people
        self._seen = self._mtime()
        self._follow(self.settings)

    def _mtime(self) -> float:
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return -1.0

    def _follow(self, settings: Settings) -> None:
        if settings.lab is not None:
            told = ToldTime(Path(settings.lab.told)) if settings.lab.told else None
            self.clock.follow(settings.lab.start, settings.lab.anchor, settings.lab.speed, told)

    def look(self) -> None:
        """Read the file again if it changed."""
        with self._lock:
            now = self._mtime()
            if now == self._seen:
                return
            self._seen = now
            try:
                fresh = load(self.path)
                check_realm(fresh)
            except SettingsError as err:
                log.warning("settings cannot be used, nobody may approve anything: %s", err)
                self._people = None
                return
            self._people = fresh.people
            self._follow(fresh)

    def policy(self, cluster: str) -> Policy:
        """Who may ask and approve; empty, and so denying, for an undeclared cluster or unusable settings."""
        self.look()
        people = self._people
        if people is None or short(cluster) not in {short(name) for name in self.settings.clusters}:
            return Policy()
        return Policy(
            requesters=people.requesters,
            approvers=people.approvers,
            persons=tuple(sorted(people.map.items())),
            quorum=people.quorum,
        )


@dataclass(slots=True)
class Bot:
    """Everything wired, nothing started."""

    settings: Settings
    live: Live
    store: Store
    client: redis.Redis
    dispatch: Dispatch
    engine: Engine | None
    embedded: EmbeddedServer | None
    realm: Realm
    edge: Any = None
    handler: Any = None


def data_directory(settings: Settings) -> Path:
    """Where the embedded server and the signing key live."""
    from platformdirs import user_data_path

    return (
        Path(settings.redis.dir).expanduser() if settings.redis.dir else user_data_path("rollup-bot", appauthor=False)
    )


def open_store(settings: Settings) -> tuple[str, EmbeddedServer | None]:
    """The settings' Redis as a URL; without one the embedded server in the data directory, adopted or started."""
    if settings.redis.url:
        return settings.redis.url, None
    embedded = EmbeddedServer(data_directory(settings) / "redis", binary=os.environ.get("ROLLUP_REDIS_SERVER") or None)
    embedded.start()
    return embedded.url, embedded


def compose(path: Path, settings: Settings, secrets: Secrets, *, with_slack: bool = True) -> Bot:
    """Wire everything. Raises SettingsError, StateError."""
    realm = Realm(check_realm(settings))
    if realm is Realm.LAB:
        for name in _PROXIES:  # the socket client ignores NO_PROXY; practice traffic never leaves this machine
            os.environ.pop(name, None)
    url, embedded = open_store(settings)
    if embedded is not None:
        embedded.watch()
    client = connect(url, password=secrets.redis_password)
    store = Store(client, bot=BOT)
    store.realm(realm)
    clock = Clock()
    live = Live(path, settings, clock)
    key = secrets.hmac_key.encode() if secrets.hmac_key else audit.key_file(data_directory(settings) / "signing.key")
    dispatch = Dispatch(connect(url, password=secrets.redis_password), store)
    bot = Bot(
        settings=settings,
        live=live,
        store=store,
        client=client,
        dispatch=dispatch,
        engine=None,
        embedded=embedded,
        realm=realm,
    )
    estate = estate_of(settings, secrets, clock, store.server_time)
    if with_slack:
        _slack(bot, secrets)
    config = EngineConfig(
        inventories=inventories(settings),
        packages=packages(settings),
        realm=realm,
        bot_version=BOT,
        scripts=(("scripts", bootstrap.fingerprint()),),
        gate_expiry_s=settings.gate.expiry_minutes * 60,
        waiver_s=settings.gate.waiver_minutes * 60,
        replicas=settings.redis.replicas,
        pace=Pace(plan_expiry_s=settings.gate.plan_expiry_hours * 3600),
        limits=limits(settings),
    )
    rooms = Rooms(
        store=store, estate=estate, slack=bot.edge, people=live, wake=dispatch, clock=clock, config=config, key=key
    )
    bot.engine = Engine(rooms)
    dispatch.wire(advance=bot.engine.advance, publish=bot.edge.project if bot.edge is not None else _nowhere)
    return bot


def estate_of(settings: Settings, secrets: Secrets, clock: Clock, wall: Callable[[], float]) -> WindowsEstate:
    """The declared machines over WinRM; nothing is connected yet. `wall` gives seconds. Raises EstateError, ValueError."""
    return WindowsEstate(
        EstateConfig(
            machines={name: m.address for name, m in settings.machines.items()},
            access=Access(
                transport=settings.winrm.transport,
                username=settings.winrm.username,
                password=lambda: secrets.winrm_password,
                ca_trust_path=settings.winrm.ca_trust_path,
            ),
            job_root=settings.winrm.job_root,
            runner_task=settings.winrm.runner_task,
            wall=wall,
            lab=clock.lab,
            speed=lambda: clock.speed,
        )
    )


def _nowhere(_campaign: str) -> None:
    """Projection needs Slack."""


def inventories(settings: Settings) -> dict[str, Inventory]:
    """Every declared cluster by folded name."""
    return {
        short(name): Inventory(
            cluster=name,
            nodes=c.nodes,
            channel=c.channel or settings.slack.channel,
            machines=tuple(settings.machines),
            soak_s=c.soak_minutes * 60,
            window=c.window,
            windows=tuple((machine, m.window) for machine, m in settings.machines.items() if m.window),
            installs_outside_window=c.installs_outside_window,
            backups=c.backups,
        )
        for name, c in settings.clusters.items()
    }


def limits(settings: Settings) -> Limits:
    """The numbers rules compare with."""
    told = settings.limits
    return Limits(
        copy_queue=told.copy_queue_logs,
        replay_queue=told.replay_queue_logs,
        disk_free_mb=told.disk_free_mb,
        backup_age_s=told.backup_age_days * 86400,
        settle_s=told.settle_minutes * 60,
        initializing_s=told.initializing_minutes * 60,
        handoff_margin_s=told.handoff_margin_minutes * 60,
    )


def packages(settings: Settings) -> tuple[Package, ...]:
    """Every declared package."""
    return tuple(
        Package(kb=kb, build=p.build, path=p.path, sha256=p.sha256.casefold()) for kb, p in settings.packages.items()
    )


def _slack(bot: Bot, secrets: Secrets) -> None:
    """Build the bolt app and the Slack edge, waiting for Slack if it does not answer yet."""
    from slack_bolt import App
    from slack_bolt.adapter.socket_mode import SocketModeHandler
    from slack_sdk import WebClient
    from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler

    from handlers import Deps, Place, read_identity, register

    settings = bot.settings
    client = WebClient(
        token=secrets.slack_bot_token,
        base_url=settings.slack.base_url,
        ssl=_trust(settings.slack.base_url),
        timeout=15,
        retry_handlers=[ConnectionErrorRetryHandler(max_retry_count=1)],
    )
    identity = _until_slack_answers(lambda: read_identity(client, secrets.slack_app_token))
    app = _until_slack_answers(
        lambda: App(
            client=client,
            name="rollup-bot",  # else bolt looks it up in the source of every frame on the stack
            raise_error_for_unhandled_request=False,
            ignoring_self_events_enabled=False,  # else bolt swallows the deletion of our own gate messages
        )
    )
    deps = Deps(
        store=bot.store,
        client=client,
        policy=bot.live.policy,
        places=lambda: tuple(
            Place(cluster=i.cluster, channel=i.channel, machines=i.nodes) for i in inventories(settings).values()
        ),
        packages=lambda: packages(settings),
        wake=bot.dispatch,
        clock=bot.live.clock,
        realm=bot.realm,
        identity=identity,
        job_root=settings.winrm.job_root,
    )
    bot.edge = register(app, deps)
    bot.handler = SocketModeHandler(app, secrets.slack_app_token)


def _trust(base_url: str) -> ssl.SSLContext:
    """The authorities Slack is believed by, read once and not at every connection; none where no TLS is spoken."""
    if base_url.startswith("https:"):
        return ssl.create_default_context()
    return ssl.SSLContext(
        ssl.PROTOCOL_TLS_CLIENT
    )  # believes nobody: a TLS connection that comes about all the same fails


def _until_slack_answers(call: Callable[[], Any]) -> Any:
    from slack_sdk.errors import SlackApiError

    pause = 0.5
    while True:
        try:
            return call()
        except SlackApiError as err:
            code = str(err.response.get("error", "")) if err.response is not None else ""
            if code in ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "missing_scope"):
                raise SettingsError("ROLLUP_SLACK_BOT_TOKEN", f"Slack refuses it ({code})") from None
            log.warning("Slack answered %s; trying again in %.0f s", code, pause)
        except Exception as err:  # noqa: BLE001 - bolt wraps a dead Slack in many kinds; all mean: try again
            if "token is invalid" in str(err):
                raise SettingsError("ROLLUP_SLACK_BOT_TOKEN", "Slack refuses it") from None
            log.warning("Slack cannot be reached (%s); trying again in %.0f s", type(err).__name__, pause)
        time.sleep(pause)
        pause = min(30.0, pause * 2)


def _hold(over: threading.Event) -> None:
    """Wait until the other end of standard input is gone."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):  # not through sys.stdin: its lock would be held when the interpreter ends
            pass
    over.set()


def run(
    path: Path, settings: Settings, secrets: Secrets, *, worker: bool, slack: bool = True, leash: bool = False
) -> int:
    """Run until SIGTERM or SIGINT. 0 ended by SIGTERM, 130 interrupted."""
    for name in ("slack_bot_token", "slack_app_token") if slack else ():
        if not getattr(secrets, name):
            raise SettingsError(f"ROLLUP_{name.upper()}", "is not set; docs/slack.md says where to find it")
    over = threading.Event()
    caught: list[int] = []

    def stop(number: int, _frame: object) -> None:
        caught.append(number)
        over.set()

    if leash:
        threading.Thread(target=_hold, args=(over,), name="leash", daemon=True).start()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    bot = compose(path, settings, secrets, with_slack=slack)
    sweep_s = 1.0 if bot.realm is Realm.PRODUCTION else 0.15  # lab time runs many times faster than the wall

    def also() -> None:
        bot.live.look()
        if bot.edge is not None:
            bot.edge.dispatch_inbox()

    if worker:
        bot.dispatch.start(sweep_s=sweep_s, also=also)
    if bot.handler is not None:
        bot.handler.connect()
        bot.edge.dispatch_inbox(all_of_it=True)
    try:
        for campaign in bot.store.active():
            bot.dispatch.publish(campaign.id)
            bot.dispatch.advance(campaign.id)
    except StateError as err:  # one damaged campaign must not keep the others from going on: the sweeper wakes them
        log.warning("not every campaign could be read at start (rollup-bot doctor names it): %s", err)
    log.info("%s is up: %s, %d cluster(s)", BOT, bot.realm, len(settings.clusters))
    over.wait()
    if bot.handler is not None:
        from handlers import hang_up

        hang_up(bot.handler)
    bot.dispatch.stop()
    if leash and not caught and bot.realm is Realm.LAB:
        with contextlib.suppress(redis.RedisError, OSError):  # the range died without ending its server
            bot.client.shutdown(nosave=True)
    if bot.embedded is not None:
        bot.embedded.leave()  # it outlives the bot; the next one adopts it
    return 130 if signal.SIGINT in caught else 0
