"""Evidence: event lines and their hash chain, signatures on gates and intents, transcripts and their check.

A transcript line is canonical JSON: keys sorted, no blanks, UTF-8, one newline at its end. The chain:
`hash = sha256(prev || the event's canonical JSON without "hash")`, both as bytes of text; the first event's `prev` is
the SHA-256 of the header line without its newline. Bytes from outside become our own values here or in store.py only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from state.campaign import EVENTS, type_name
from state.errors import Broken, KeyFileRefused, TranscriptRefused
from state.words import Event, Gate, Intent, Recorded

FORMAT = 1
KEY_BYTES = 32
_Signed = TypeVar("_Signed", Gate, Intent)
# What changes in a gate after it was signed.
_LIFE_OF_A_GATE = frozenset({"status", "channel", "ts", "posted_hash", "mac"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line of a transcript."""

    format: int
    campaign: str
    package: str
    bot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """The last line: how many events there are, and the hash of the last one."""

    events: int
    head: str


# --- canonical JSON ---------------------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """Canonical JSON of plain values. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD; NaN is an error."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def typed(kind: type[Any], value: Any) -> Any:
    """A value of one of our dataclasses from plain ones, strictly: no coercion, no unknown field, none missing.

    Raises ValueError with the path of the first thing that is wrong.
    """
    try:
        made = msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as wrong:
        raise ValueError(str(wrong)) from None
    extra = _not_covered(value, msgspec.to_builtins(made), "$")
    if extra:
        raise ValueError(f"unknown field {extra}")
    return made


def _not_covered(given: Any, kept: Any, path: str) -> str:
    """The path of the first key of `given` that did not survive into `kept`, or an empty string."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, inner in given.items():
            if key not in kept:
                return f"{path}.{key}"
            if found := _not_covered(inner, kept[key], f"{path}.{key}"):
                return found
    elif isinstance(given, list) and isinstance(kept, (list, tuple)):
        for at, (one, other) in enumerate(zip(given, kept, strict=False)):
            if found := _not_covered(one, other, f"{path}[{at}]"):
                return found
    return ""


# --- lines and links --------------------------------------------------------------------------------------------


def header_line(campaign: str, package: str, bot: str) -> bytes:
    """A transcript's first line, without its newline."""
    return canonical({"format": FORMAT, "campaign": campaign, "package": package, "bot": bot})


def first_link(header: bytes) -> str:
    """What the first event's `prev` must be."""
    return hashlib.sha256(header).hexdigest()


def event_line(event: Event, *, version: int, at: float, prev: str) -> bytes:
    """An event as one canonical line with its hash, without a newline. Raises ValueError for NaN or infinity."""
    body: dict[str, Any] = {
        "v": version,
        "at": float(at),
        "type": type_name(type(event)),
        "data": msgspec.to_builtins(event),
        "prev": prev,
    }
    body["hash"] = _link(prev, canonical(body))
    return canonical(body)


def _link(prev: str, body: bytes) -> str:
    return hashlib.sha256(prev.encode("ascii") + body).hexdigest()


def read_line(line: bytes, *, version: int, prev: str | None) -> Recorded:
    """One stored event line back, its hash, its version and its link (when `prev` is given) checked.

    Raises ValueError that says what is wrong. A line that passed is known again by its own bytes: the whole chain is
    read before every gate and every effect, and only its last lines are new each time.
    """
    key = (hashlib.sha256(line).digest(), version, prev)
    with _READ_LOCK:
        known = _READ.get(key)
        if known is not None:
            _READ.move_to_end(key)
            return known
    recorded = _read_fresh(line, version, prev)
    with _READ_LOCK:
        _READ[key] = recorded
        while len(_READ) > _READ_LINES:
            _READ.popitem(last=False)
    return recorded


_READ: OrderedDict[tuple[bytes, int, str | None], Recorded] = OrderedDict()
_READ_LOCK = threading.Lock()
_READ_LINES = 1_000  # a campaign has 40 to 300; about 6 kB each


def _read_fresh(line: bytes, version: int, prev: str | None) -> Recorded:
    body = _object(line, {"v", "at", "type", "data", "prev", "hash"})
    if type(body["v"]) is not int or body["v"] != version:
        raise ValueError(f"version {body['v']!r} where {version} belongs")
    if type(body["at"]) is not float:
        raise ValueError("at is not a float")
    if not isinstance(body["prev"], str) or (prev is not None and body["prev"] != prev):
        raise ValueError("does not follow from the line before it")
    said = body.pop("hash")
    if said != _link(body["prev"], canonical(body)):
        raise ValueError("its hash is not that of its text")
    kind = EVENTS.get(body["type"]) if isinstance(body["type"], str) else None
    if kind is None:
        raise ValueError(f"unknown event type {body['type']!r}")
    return Recorded(version=version, at=body["at"], event=typed(kind, body["data"]), prev=body["prev"], hash=said)


def _object(line: bytes, keys: set[str]) -> dict[str, Any]:
    try:
        body = json.loads(line.decode())
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(body, dict) or set(body) != keys:
        raise ValueError(f"not an object with exactly {', '.join(sorted(keys))}")
    try:
        same = canonical(body) == line
    except ValueError:
        same = False
    if not same:
        raise ValueError("not canonical JSON")
    return body


def read_chain(campaign: str, header: bytes, lines: Iterable[bytes]) -> list[Recorded]:
    """Every event from the first on, the whole chain checked. Raises Broken with the version that is wrong."""
    prev, events = first_link(header), []
    for version, line in enumerate(lines, start=1):
        try:
            recorded = read_line(line, version=version, prev=prev)
        except ValueError as wrong:
            raise Broken(campaign, f"event {version}: {wrong}", version) from None
        events.append(recorded)
        prev = recorded.hash
    return events


# --- transcripts ------------------------------------------------------------------------------------------------


def transcript(header: bytes, lines: Sequence[bytes]) -> bytes:
    """Header, events and footer as they are exported; the chain is checked first. Raises Broken."""
    events = read_chain("transcript", header, lines)
    head = events[-1].hash if events else first_link(header)
    footer = canonical({"events": len(events), "head": head})
    return b"".join(line + b"\n" for line in (header, *lines, footer))


def read_transcript(raw: bytes, *, head: str | None = None) -> tuple[Header, list[Recorded], Footer]:
    """A transcript back, every byte of it accounted for. `head` is the expected last hash, where one is known.

    Raises TranscriptRefused: no footer, bytes after it, JSON that is not canonical, a broken link, another count.
    """
    if not raw.endswith(b"\n"):
        raise TranscriptRefused("does not end in a newline")
    lines = raw[:-1].split(b"\n")
    if len(lines) < 3:
        raise TranscriptRefused("needs a header, at least one event and a footer")
    try:
        header: Header = typed(Header, _object(lines[0], {field.name for field in fields(Header)}))
    except ValueError as wrong:
        raise TranscriptRefused(f"header: {wrong}", 1) from None
    if header.format != FORMAT:
        raise TranscriptRefused(f"format {header.format} is not {FORMAT}", 1)
    try:
        footer: Footer = typed(Footer, _object(lines[-1], {field.name for field in fields(Footer)}))
    except ValueError as wrong:
        raise TranscriptRefused(f"no footer: {wrong}", len(lines)) from None
    try:
        events = read_chain(header.campaign, lines[0], lines[1:-1])
    except Broken as broken:
        raise TranscriptRefused(broken.why, broken.version + 1) from None
    if footer.events != len(events):
        raise TranscriptRefused(f"footer counts {footer.events} events, there are {len(events)}", len(lines))
    if footer.head != events[-1].hash:
        raise TranscriptRefused("footer names another head", len(lines))
    first = events[0].event
    if getattr(first, "campaign", None) != header.campaign:
        raise TranscriptRefused("header names another campaign than the first event", 1)
    if head is not None and not hmac.compare_digest(head.encode(), footer.head.encode()):
        raise TranscriptRefused(f"head is {footer.head}, expected {head}", len(lines))
    return header, events, footer


# --- signatures -------------------------------------------------------------------------------------------------


def sign(thing: _Signed, key: bytes) -> _Signed:
    """A gate or an intent with its HMAC-SHA-256. For a gate it covers everything but its life (status, message)."""
    return replace(thing, mac=_mac(thing, key))


def is_ours(thing: Gate | Intent, key: bytes) -> bool:
    """Whether a gate or an intent read from the store was signed with this key and not changed since."""
    return bool(thing.mac) and hmac.compare_digest(thing.mac.encode(), _mac(thing, key).encode())


def _mac(thing: Gate | Intent, key: bytes) -> str:
    if len(key) < KEY_BYTES:
        raise ValueError("the signing key is too short")
    skipped = _LIFE_OF_A_GATE if isinstance(thing, Gate) else frozenset({"mac"})
    plain = {name: value for name, value in msgspec.to_builtins(thing).items() if name not in skipped}
    text = type(thing).__name__.encode() + b"\n" + canonical(plain)
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def key_file(path: Path, *, make: bool = True) -> bytes:
    """The signing key in a file, made at first use with mode 0600. Raises KeyFileRefused."""
    if make and not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
                out.write(secrets.token_hex(KEY_BYTES).encode() + b"\n")
                out.flush()
                os.fsync(out.fileno())
            try:
                os.link(fresh, path)  # whole or not at all, and never over one that is there
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        except OSError as wrong:
            raise KeyFileRefused(str(path), wrong.strerror or str(wrong)) from wrong
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileRefused(str(path), "may be read by others: chmod 600")
        key = path.read_bytes().strip()
    except OSError as wrong:
        raise KeyFileRefused(str(path), wrong.strerror or str(wrong)) from wrong
    if len(key) < KEY_BYTES:
        raise KeyFileRefused(str(path), f"shorter than {KEY_BYTES} bytes")
    return key
