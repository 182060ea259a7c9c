"""Redis and what stands in it: role, version, durability, disk, and every campaign replayed from its events."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import redis

from bot.doctor.findings import Finding, fail, ok, unknown, warn
from state.campaign import FINAL
from state.errors import StateError
from state.keys import Keys
from state.store import Store
from state.words import Realm, State

_PROBE = "{rollup}:doctor"  # written, read back, and gone after ten seconds
_LATE_S = 60.0


def examine(client: redis.Redis, store: Store, *, url: str, data: Path | None, replicas: int) -> Iterator[Finding]:
    """Everything about the server. `data`: the embedded server's folder, None for one of yours."""
    try:
        before = time.time()
        info: dict[str, Any] = dict(client.info("everything"))
        skew = store.server_time() - (before + time.time()) / 2
    except (redis.RedisError, StateError, OSError) as err:
        yield fail("redis", f"does not answer ({err})", "Check [redis] url and ROLLUP_REDIS_PASSWORD.")
        return
    yield from _server(info, replicas)
    yield from _durability(client, info)
    yield _writes(client)
    yield from _space(info, data)
    if abs(skew) > 1.0:
        yield warn(
            "redis clock", f"{skew:+.1f} s against this machine", "Expiry is judged by its clock: set both by NTP."
        )
    else:
        yield ok("redis clock", f"{skew * 1000:+.0f} ms against this machine")
    if url.startswith("redis://") and "@" not in url and not client.connection_pool.connection_kwargs.get("password"):
        yield warn("redis access", "no password and no TLS", "Use rediss:// and ROLLUP_REDIS_PASSWORD.")


def _server(info: Mapping[str, Any], replicas: int) -> Iterator[Finding]:
    role = info.get("role")
    if role == "master":
        yield ok("redis role", "primary")
    else:
        yield fail("redis role", f"{role}", "[redis] url must name the primary, or use redis+sentinel://.")
    if info.get("loading"):
        yield fail("redis", "is still loading its data", "Wait until it is done.")
    name, version = "Redis", str(info.get("redis_version", ""))
    if "valkey_version" in info:
        name, version = "Valkey", str(info["valkey_version"])
    major = version.partition(".")[0]
    if major.isdigit() and int(major) >= 7:
        yield ok("redis version", f"{name} {version}")
    else:
        yield fail("redis version", f"{name} {version or 'unknown'}", "Version 7.0 or later is needed.")
    attached = int(info.get("connected_slaves", 0))
    if attached < replicas:
        yield fail(
            "redis replicas", f"{attached} attached, [redis] replicas asks for {replicas}", "No intent can be written."
        )
    elif replicas:
        yield ok("redis replicas", f"{attached} attached, {replicas} asked for")


def _durability(client: redis.Redis, info: Mapping[str, Any]) -> Iterator[Finding]:
    names = ("appendonly", "appendfsync", "maxmemory", "maxmemory-policy", "no-appendfsync-on-rewrite")
    try:
        config = {_str(k): _str(v) for k, v in client.config_get(*names).items()}
    except redis.RedisError as err:
        yield unknown("redis durability", f"CONFIG is refused ({err})", "Ask whoever runs it: appendonly, noeviction.")
        config = {}
    # INFO says it even where CONFIG is refused.
    if int(info.get("aof_enabled", 0)) and config.get("appendonly", "yes") == "yes":
        fsync = config.get("appendfsync", "")
        if fsync in ("always", ""):
            yield ok("redis appendonly", f"yes{', fsync ' + fsync if fsync else ''}")
        else:
            yield warn(
                "redis appendonly", f"yes, fsync {fsync}", "A power cut may lose a second: set appendfsync always."
            )
    else:
        yield fail("redis appendonly", "no: a restart loses campaigns", "CONFIG SET appendonly yes, and in its file.")
    for key in ("aof_last_write_status", "aof_last_bgrewrite_status"):
        said = str(info.get(key, ""))
        if said != "ok" and int(info.get("aof_enabled", 0)):
            yield fail(f"redis {key}", said or "not said", "Look at its disk and its log.")
    if config.get("no-appendfsync-on-rewrite") == "yes":
        yield warn("redis no-appendfsync-on-rewrite", "yes", "Writes are not safe during a rewrite: set it to no.")
    limited, policy = int(info.get("maxmemory", 0)) > 0, str(info.get("maxmemory_policy", ""))
    if limited and policy != "noeviction":
        yield fail("redis maxmemory-policy", f"{policy} with a memory limit", "It may drop campaigns: set noeviction.")
    else:
        yield ok("redis maxmemory-policy", policy if limited else f"{policy}, no limit")


def _writes(client: redis.Redis) -> Finding:
    mark = str(time.time_ns())
    try:
        client.set(_PROBE, mark, px=10_000)
        if _str(client.get(_PROBE)) == mark:
            return ok("redis write", "written and read back")
        return fail("redis write", "what was written does not come back", "Is this the primary?")
    except redis.RedisError as err:
        return fail("redis write", str(err), "Look at its disk, its role and this user's rights.")


def _space(info: Mapping[str, Any], data: Path | None) -> Iterator[Finding]:
    used, machine = int(info.get("used_memory_rss", 0)), int(info.get("total_system_memory", 0))
    if machine and used > 0.7 * machine:
        yield warn("redis memory", f"{used >> 20} MB of {machine >> 20} MB", "A rewrite may need twice that.")
    if data is None:
        yield unknown("redis disk", "is on another machine", "It needs twice the size of its append-only file.")
        return
    free, size = shutil.disk_usage(data).free, int(info.get("aof_current_size", 0))
    said = f"{free >> 20} MB free, append-only file {size >> 20} MB"
    if free < max(2 * size, 64 << 20):
        yield fail("redis disk", said, "A rewrite needs twice the file's size: make room.")
    else:
        yield ok("redis disk", said)


def under_way(client: redis.Redis) -> list[str]:
    """The names of all campaigns that have not ended, by the store's own index. Raises redis errors."""
    found = (client.zrange(Keys().state(state), 0, -1) for state in State if state not in FINAL)
    return [_str(name) for names in found for name in names]


def campaigns(client: redis.Redis, store: Store, realm: Realm | None) -> Iterator[Finding]:
    """The realm of the store, and every campaign under way: replayed, and whether people are waited for."""
    keys = Keys()
    try:
        found = _str(client.get(keys.realm))
        # By name and one by one: a single broken campaign must not hide the others.
        active = under_way(client)
        late = client.zcount(keys.due, "-inf", store.server_time() - _LATE_S)
    except (redis.RedisError, StateError) as err:
        yield unknown("campaigns", str(err))
        return
    if realm is not None and found and found != realm.value:
        yield fail("store realm", f"its campaigns are {found}, these settings are {realm.value}", "Use another Redis.")
    for name in active:
        try:
            one = store.replay(name)
        except StateError as err:
            yield fail(name, f"its snapshot is not what its events say: {err}", "Restore Redis from a backup.")
            continue
        if one.state in (State.ASKING, State.BLOCKED):
            yield warn(name, f"is {one.state} and waits for people", f"/rollup show {name}")
        else:
            yield ok(name, f"{one.state}, event {one.version}, snapshot equals its events")
    if not active:
        yield ok("campaigns", "none under way")
    if late:
        yield warn("worker", f"{late} campaign(s) have been due for over {_LATE_S:.0f} s", "Is a worker running?")


def _str(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")
