"""Calls to Slack's Web API with honest errors: paced per channel, 429 waited out, nothing ever sent twice by itself.

slack_sdk resends after a lost connection, which can post a message twice; so the client here has no retries and
the caller looks before it repeats. Waits are lab time (Slack's limits run in lab time in the practice range).
"""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from handlers import trust
from state.clock import Clock

POST_EVERY_S = 1.05  # lab seconds between posts into one channel (Slack: about one a second)
POST_BURST = 3.0
TIMEOUT_S = 10  # wall
BROKEN_CODES = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited"})
CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{2,}\Z")
READS = ("conversations.", "reactions.get", "users.info", "auth.test")


class SlackError(Exception):
    """The root of this edge's own errors."""


class Outage(SlackError):
    """Slack did not answer, or asked us to wait longer than we can. `sent`: it may have happened all the same."""

    def __init__(self, method: str, why: str, *, sent: bool) -> None:
        super().__init__(f"{method}: {why}")
        self.method = method
        self.why = why
        self.sent = sent


class Refused(SlackError):
    """Slack answered and said no; `code` is Slack's word for it. Nothing happened."""

    def __init__(self, method: str, code: str) -> None:
        super().__init__(f"{method}: {code}")
        self.method = method
        self.code = code


class Calls:
    """The Web API for this edge. Thread-safe."""

    def __init__(self, client: WebClient, clock: Clock, sleep: Callable[[float], None]) -> None:
        self._client = WebClient(
            token=client.token, base_url=client.base_url, timeout=TIMEOUT_S, ssl=client.ssl, proxy=client.proxy,
            retry_handlers=[],
        )  # fmt: skip
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._ready: dict[str, float] = {}  # channel -> lab time at which its bucket is full again

    def post(self, channel: str, *, patience_s: float = 120.0, **fields: Any) -> Mapping[str, Any]:
        """chat.postMessage, paced. Raises Outage, Refused."""
        self._pace(channel)
        return self("chat.postMessage", patience_s=patience_s, channel=channel, **fields)

    def __call__(self, method: str, *, patience_s: float = 60.0, **fields: Any) -> Mapping[str, Any]:
        """One call. 429s are waited out within `patience_s` lab seconds. Raises Outage, Refused."""
        waited = 0.0
        while True:
            try:
                return self._once(method, fields)
            except _Wait as wait:
                if waited + wait.seconds > patience_s:
                    raise Outage(method, f"Slack asks to wait {wait.seconds:.0f} s", sent=False) from None
                waited += wait.seconds
                self._sleep(self._clock.to_wall_span(wait.seconds))

    def _once(self, method: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            if method.startswith(READS):
                answer = self._client.api_call(method, params={k: _param(v) for k, v in fields.items()})
            else:
                answer = self._client.api_call(method, json=dict(fields))
        except SlackApiError as refused:
            raise _told(method, refused) from refused
        except (SlackClientError, URLError, OSError, http.client.HTTPException, ValueError) as lost:
            sure = isinstance(getattr(lost, "reason", lost), ConnectionRefusedError)
            raise Outage(method, type(lost).__name__, sent=not sure) from lost
        return answer.data if isinstance(answer.data, dict) else {}

    def _pace(self, channel: str) -> None:
        with self._lock:
            now = self._clock.lab()
            full_at = max(self._ready.get(channel, now), now) + POST_EVERY_S
            self._ready[channel] = full_at
            wait = full_at - now - POST_BURST * POST_EVERY_S
        if wait > 0:
            self._sleep(self._clock.to_wall_span(wait))


class _Wait(Exception):
    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _told(method: str, error: SlackApiError) -> Exception:
    answer = error.response
    status = int(getattr(answer, "status_code", 0) or 0)
    code = str(answer.get("error") or "") if hasattr(answer, "get") else ""
    if status == 429 or code == "ratelimited":
        headers = getattr(answer, "headers", None) or {}
        raw = headers.get("Retry-After") or headers.get("retry-after") or "1"
        return _Wait(max(1.0, float(raw)) if str(raw).replace(".", "", 1).isdigit() else 1.0)
    if status >= 500 or not code or code in BROKEN_CODES:
        return Outage(method, code or f"status {status}", sent=True)
    return Refused(method, code)


def _param(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


class Accounts:
    """users.info with a memory of a few seconds, so that a burst of reactions asks once."""

    KEEP_S = 4.0  # wall seconds; votes at consume are at most 5 s old, and so is what we know of the voters

    def __init__(self, calls: Calls, clock: Clock, team: str) -> None:
        self._calls = calls
        self._clock = clock
        self._team = team
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, trust.Account]] = {}

    def get(self, user: str, *, patience_s: float = 0.0) -> trust.Account | None:
        """Who this is, or None when Slack could not say."""
        now = self._clock.wall()
        with self._lock:
            known = self._known.get(user)
        if known is not None and 0 <= now - known[0] <= self.KEEP_S:
            return known[1]
        try:
            found = trust.account(self._calls("users.info", patience_s=patience_s, user=user), team=self._team)
        except SlackError:
            return None
        if isinstance(found, trust.Rejected) or found.user != user:
            return None
        with self._lock:
            if len(self._known) > 1000:
                self._known.clear()
            self._known[user] = (now, found)
        return found


class Channels:
    """Channel ids by name, and whether we may write there."""

    PAGES = 20

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self._ids: dict[str, str] = {}

    def find(self, wanted: str) -> tuple[str, str]:
        """(channel id, problem) of a channel given by id or name; a problem means that nobody may rely on it.

        Raises Outage.
        """
        ident = wanted if CHANNEL_ID.match(wanted) else self._by_name(wanted.strip().lstrip("#").casefold())
        if not ident:
            return "", "Slack knows no such channel, or it is private and I am not in it"
        try:
            answer = self._calls("conversations.info", patience_s=10.0, channel=ident)
        except Refused as refused:
            if refused.code == "missing_scope":
                return ident, ""  # cannot be told; the first post will
            return ident, "Slack knows no such channel, or it is private and I am not in it"
        found = trust.channel(answer)
        if isinstance(found, trust.Rejected):
            raise Outage("conversations.info", found.why, sent=False)
        if found.archived:
            return found.id, "it is archived"
        return found.id, "" if found.member else "I am not a member of it"

    def _by_name(self, name: str) -> str:
        with self._lock:
            known = self._ids.get(name)
        if known:
            return known
        cursor = ""
        for _page in range(self.PAGES):
            more = {"cursor": cursor} if cursor else {}
            answer = self._calls(
                "conversations.list", patience_s=10.0, types="public_channel,private_channel", exclude_archived=True,
                limit=200, **more,
            )  # fmt: skip
            for found in trust.channels(answer):
                if found.name.casefold() == name:
                    with self._lock:
                        self._ids[name] = found.id
                    return found.id
            cursor = trust.next_page(answer)
            if not cursor:
                return ""
        return ""
