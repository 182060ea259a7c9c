"""The single point where a Redis client is made: embedded, external, TLS or Sentinel, all with the same settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from state.errors import ServerFailed

# Resends are safe only because every write is a script with an operation id (facts: measured, one lost reply doubled
# a plain INCR). Replies are bytes: event lines are hashed as they are.
_SETTINGS: dict[str, Any] = {
    "decode_responses": False,
    "protocol": 3,
    "socket_timeout": 3.0,
    "socket_connect_timeout": 2.0,
    "health_check_interval": 15,
}


def connect(url: str, *, password: str = "", ca_file: str = "") -> redis.Redis:
    """A client for `redis://`, `rediss://`, `unix://` or `redis+sentinel://host:port,host:port/master[/db]`.

    `password` is for a URL that carries none. `ca_file` is for TLS. Nothing is sent yet. Raises ServerFailed for a URL of
    another kind.
    """
    settings = _SETTINGS | {"retry": Retry(ExponentialWithJitterBackoff(cap=1, base=0.05), 5)}
    if password:
        settings["password"] = password
    scheme = url.partition("://")[0]
    if scheme == "redis+sentinel":
        return _sentinel(url, settings)
    if scheme not in ("redis", "rediss", "unix"):
        raise ServerFailed(
            f"{scheme or 'no'} scheme: [redis] url must be redis://, rediss://, unix:// or redis+sentinel://"
        )
    if scheme == "rediss" and ca_file:
        settings["ssl_ca_certs"] = ca_file
    if scheme == "unix":
        settings.pop("socket_connect_timeout")
    try:
        return redis.Redis.from_url(url, **settings)
    except ValueError as wrong:
        raise ServerFailed(f"[redis] url: {wrong}") from wrong


def _sentinel(url: str, settings: dict[str, Any]) -> redis.Redis:
    parts = urlsplit(url)
    places = []
    for place in parts.netloc.rpartition("@")[2].split(","):
        host, _, port = place.rpartition(":")
        if not host or not port.isdigit():
            raise ServerFailed(f"[redis] url: {place!r} is not host:port")
        places.append((host, int(port)))
    master, _, db = parts.path.strip("/").partition("/")
    if not master or (db and not db.isdigit()):
        raise ServerFailed("[redis] url: redis+sentinel://host:port,host:port/master[/db]")
    if parts.password:
        settings["password"] = unquote(parts.password)
    settings["db"] = int(db or 0)
    # One sentinel alone, cut off from the others, may still believe in a master that was replaced.
    others = min(1, len(places) - 1)
    ring: Any = Sentinel(places, min_other_sentinels=others, sentinel_kwargs={"socket_timeout": 2.0})  # type: ignore[no-untyped-call]
    found: redis.Redis = ring.master_for(master, **settings)
    return found
