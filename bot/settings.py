"""rollup.toml and the ROLLUP_ variables, validated: unknown keys, wrong types and impossible values are refused.

This is the one file where settings stop being untyped. Only `app` and `cli` import it; every room declares its own
configuration dataclass. Secrets are never in the file: they come as ROLLUP_… variables or ROLLUP_…_FILE paths.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from bot.procedure.window import spans

SLACK_BASE_URL = "https://slack.com/api/"
SHA256 = r"^[0-9a-fA-F]{64}$"
BUILD = r"^\d+\.\d+\.\d+\.\d+$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class SettingsError(Exception):
    """The settings cannot be used. Parts: `where` (file or variable), `why`."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every section: frozen, unknown keys refused."""


class SlackSection(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[slack]."""

    channel: str = ""  # default channel for clusters that name none
    base_url: str = SLACK_BASE_URL


class PeopleSection(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[people]. Slack user ids; `map` gives two accounts of one human the same key."""

    requesters: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    map: dict[str, str] = {}
    quorum: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1


class RedisSection(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[redis]. `url` for a server of yours, else an embedded Valkey under `dir`."""

    url: str = ""
    dir: str = ""
    replicas: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0


class PackageSection(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[packages.KB…]. One update rollup package: where it lies on every machine and what it must hash to."""

    path: Annotated[str, msgspec.Meta(min_length=4)]
    sha256: Annotated[str, msgspec.Meta(pattern=SHA256)]
    build: Annotated[str, msgspec.Meta(pattern=BUILD)]


class ClusterSection(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[clusters.NAME]."""

    nodes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=8)]
    channel: str = ""
    window: str = ""
    installs_outside_window: bool = True  # passive nodes only; a stand-alone target is always bound
    backups: str = ""  # when its backups run
    soak_minutes: Annotated[float, msgspec.Meta(ge=0, le=1440)] = 15.0


class MachineSection(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[machines.NAME]. `window` is a stand-alone machine's own; left out, the window of the campaign's cluster counts."""

    address: str
    window: str = ""


class WinrmSection(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[winrm]."""

    transport: Literal["kerberos", "ntlm", "credssp", "certificate"] = "kerberos"
    username: str = ""
    runner_task: str = "rollup-bot-runner"
    job_root: str = r"C:\rollup-bot\jobs"
    ca_trust_path: str = ""


class GateSection(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[gate]."""

    expiry_minutes: Annotated[float, msgspec.Meta(gt=0, le=1440)] = 60.0
    plan_expiry_hours: Annotated[float, msgspec.Meta(gt=0, le=168)] = 24.0
    waiver_minutes: Annotated[float, msgspec.Meta(gt=0, le=1440)] = 60.0


class LimitsSection(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[limits]. The numbers rules compare with; most have no published value (docs/configuration.md)."""

    copy_queue_logs: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 10
    replay_queue_logs: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 50
    disk_free_mb: Annotated[int, msgspec.Meta(ge=512, le=1_000_000)] = 3072
    backup_age_days: Annotated[float, msgspec.Meta(gt=0, le=365)] = 7.0
    settle_minutes: Annotated[float, msgspec.Meta(ge=0, le=240)] = 10.0
    initializing_minutes: Annotated[float, msgspec.Meta(ge=0, le=1440)] = 30.0
    handoff_margin_minutes: Annotated[float, msgspec.Meta(ge=0, le=240)] = 10.0


class LabSection(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[lab]: lab time = start + speed × (wall - anchor). Written by `rollup-bot lab`, refused in production."""

    start: float
    anchor: float
    speed: Annotated[float, msgspec.Meta(gt=0, le=10000)]
    told: str = ""  # a file in which the range says many times a second where lab time stands; then `speed` is the most


class Settings(_Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of rollup.toml."""

    slack: SlackSection = SlackSection()
    people: PeopleSection = PeopleSection()
    redis: RedisSection = RedisSection()
    packages: dict[str, PackageSection] = {}
    clusters: dict[str, ClusterSection] = {}
    machines: dict[str, MachineSection] = {}
    winrm: WinrmSection = WinrmSection()
    gate: GateSection = GateSection()
    limits: LimitsSection = LimitsSection()
    lab: LabSection | None = None


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What must never be printed; `repr` shows only which are set."""

    slack_bot_token: str = ""
    slack_app_token: str = ""
    winrm_password: str = ""
    redis_password: str = ""
    hmac_key: str = ""

    def __repr__(self) -> str:
        """Names only."""
        return f"Secrets({', '.join(n for n in self.__struct_fields__ if getattr(self, n)) or 'none'})"


def parse(text: str, where: str = "rollup.toml") -> Settings:
    """Turn the file's text into settings. Raises SettingsError naming the key."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise SettingsError(where, f"not valid TOML: {err}") from None
    try:
        settings = msgspec.convert(raw, Settings, strict=True)
    except msgspec.ValidationError as err:
        raise SettingsError(
            where, str(err).replace("Object", "the section").replace("`$.", "`").replace("`$`", "the top")
        ) from None
    _check(settings, where)
    return settings


def load(path: Path) -> Settings:
    """Read and validate a rollup.toml. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        raise SettingsError(
            str(path), f"cannot be read ({err.strerror}); docs/configuration.md shows a first one"
        ) from None
    return parse(text, str(path))


def _check(settings: Settings, where: str) -> None:
    for kind, names in (
        ("clusters", settings.clusters),
        ("machines", settings.machines),
        ("packages", settings.packages),
    ):
        for name in names:
            if not re.match(NAME, name):
                raise SettingsError(where, f"[{kind}.{name}]: a name is letters, digits, dot, dash or underscore")
    addresses = {name.casefold() for name in settings.machines}
    for name, cluster in settings.clusters.items():
        for node in cluster.nodes:
            if node.casefold() not in addresses:
                raise SettingsError(
                    where,
                    f"[clusters.{name}] names the node {node}, but there is no [machines.{node}] with its address",
                )
        if not (cluster.channel or settings.slack.channel):
            raise SettingsError(where, f"[clusters.{name}] has no channel, and [slack] has none either")
        _check_window(f"[clusters.{name}]", cluster.window, where)
        _check_window(f"[clusters.{name}]", cluster.backups, where, "backups")
    for name, machine in settings.machines.items():
        _check_window(f"[machines.{name}]", machine.window, where)
        url = urlsplit(machine.address)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise SettingsError(
                where, f"[machines.{name}] address must be http://host:5985/wsman or https://host:5986/wsman"
            )
    if settings.lab is not None and not all_loopback(settings):
        raise SettingsError(where, "[lab] is only for the practice range, where every address is loopback")


def _check_window(section: str, window: str, where: str, key: str = "window") -> None:
    """A window that cannot be read is found when the bot starts, not on the night it is for."""
    if window:
        try:
            spans(window, 0.0)
        except ValueError as err:
            raise SettingsError(
                where, f'{section} {key}: {err}; write it like {key} = "Sat 22:00-04:00 +01:00"'
            ) from None


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine."""
    return urlsplit(url).hostname in LOOPBACK


def all_loopback(settings: Settings) -> bool:
    """Whether every machine's address stays on this machine."""
    return bool(settings.machines) and all(is_loopback(m.address) for m in settings.machines.values())


def check_realm(settings: Settings) -> str:
    """'lab' or 'production', when Slack's address and the machines' addresses agree; else SettingsError.

    The workspace is production if and only if the base URL is Slack's; the estate is lab if and only if every
    address is loopback. A mixture would let practice touch real nodes, or real votes touch practice.
    """
    base = settings.slack.base_url.rstrip("/") + "/"
    workspace = "production" if base == SLACK_BASE_URL else "lab"
    estate = "lab" if all_loopback(settings) else "production"
    if workspace != estate:
        raise SettingsError(
            "rollup.toml",
            f"[slack] base_url points at a {workspace} workspace, but the machines' addresses are {estate}: "
            "a workspace other than Slack's may only be used when every machine is on loopback, and the other way round",
        )
    if workspace == "lab" and not is_loopback(base):
        raise SettingsError("rollup.toml", "[slack] base_url must be Slack's or on loopback")
    if settings.lab is not None and workspace == "production":
        raise SettingsError("rollup.toml", "[lab] is refused in production")
    return workspace


def secrets(environ: Mapping[str, str] | None = None) -> Secrets:
    """Read ROLLUP_SLACK_BOT_TOKEN, ROLLUP_SLACK_APP_TOKEN, ROLLUP_WINRM_PASSWORD, ROLLUP_REDIS_PASSWORD,
    ROLLUP_HMAC_KEY, each also as …_FILE.

    Raises SettingsError when both forms are set or a file cannot be read; never repeats a value.
    """
    env = os.environ if environ is None else environ
    found: dict[str, str] = {}
    for name in Secrets.__struct_fields__:
        variable = f"ROLLUP_{name.upper()}"
        value, file = env.get(variable, ""), env.get(f"{variable}_FILE", "")
        if value and file:
            raise SettingsError(variable, f"set either {variable} or {variable}_FILE, not both")
        if file:
            try:
                value = Path(file).read_text(encoding="utf-8").strip()
            except OSError as err:
                raise SettingsError(f"{variable}_FILE", f"cannot be read ({err.strerror})") from None
        found[name] = value
    if 0 < len(found["hmac_key"]) < 32:
        raise SettingsError("ROLLUP_HMAC_KEY", "is too short: it needs at least 32 characters")
    return Secrets(**found)
