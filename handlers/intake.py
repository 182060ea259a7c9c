"""From the inbox to the handler and out again; what a crash left lying there is dispatched once more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

from handlers import trust
from handlers.answers import Answers, Respond, sentence_reply
from handlers.calls import Accounts, Calls, Channels
from handlers.commands import Commands, Request
from handlers.deps import Deps
from handlers.home import publish_home
from handlers.mentions import Mentions
from handlers.reactions import Reactions
from state.errors import StateError

log = logging.getLogger(__name__)

STALE_S = 600.0  # wall seconds after which a command is not carried out any more
KEPT = (
    "My store did not answer. Your command is kept for ten minutes and carried out once it answers; the thread shows it. "
    "Nothing else was done."
)
TOO_LATE = (
    "Your command of ten minutes ago could not be carried out and is dropped. `/rollup status` says where things stand."
)


class Intake:
    """Dispatches inbox entries, live and again. Thread-safe."""

    def __init__(self, deps: Deps, calls: Calls, accounts: Accounts) -> None:
        self._deps = deps
        self._calls = calls
        self._answers = Answers(calls)
        self._commands = Commands(deps, accounts, Channels(calls))
        self._reactions = Reactions(deps, accounts, self._answers)
        self._mentions = Mentions(deps, self._commands)
        self._lock = threading.Lock()
        self._in_hand: set[str] = set()

    def handle(self, entry_id: str, body: Mapping[str, Any], respond: Respond | None = None) -> None:
        """Handle one entry; never raises. What cannot be finished stays in the inbox."""
        with self._lock:
            if entry_id in self._in_hand:
                return
            self._in_hand.add(entry_id)
        try:
            self._dispatch(trust.inbound(entry_id, body), entry_id, respond)
        except StateError as down:
            log.warning("entry %s waits: %s", entry_id, down)
            if respond is not None:
                self._answers.send(
                    str(body.get("user_id", "")), str(body.get("channel_id", "")), sentence_reply(KEPT), respond=respond
                )
        except Exception:
            # One odd entry must not stop the others; it is tried again until it is stale.
            log.exception("entry %s could not be handled", entry_id)
        finally:
            with self._lock:
                self._in_hand.discard(entry_id)

    def early_votes(self) -> None:
        """Handle the reactions that waited for a gate to open. Raises StateError when the store is away."""
        for entry in self._deps.store.inbox_list():
            if isinstance(trust.inbound(entry.id, entry.body), trust.Reacted):
                self.handle(entry.id, entry.body)

    def dispatch_inbox(self, older_than_s: float = 0.0) -> int:
        """Handle again what was received and not finished. Raises StateError when the store is away."""
        entries = self._deps.store.inbox_list(older_than_s=older_than_s)
        now = self._deps.store.server_time() if entries else 0.0
        for entry in entries:
            if now - entry.at > STALE_S:
                self._drop_stale(entry.id, entry.body)
            else:
                self.handle(entry.id, entry.body)
        return len(entries)

    def _drop_stale(self, entry_id: str, body: Mapping[str, Any]) -> None:
        """An old order is not carried out: whoever gave it has long looked elsewhere. Votes are recounted anyway."""
        inbound = trust.inbound(entry_id, body)
        self._deps.store.inbox_drop(entry_id)
        if isinstance(inbound, trust.Typed | trust.Said) and inbound.user:
            self._answers.send(inbound.user, inbound.channel, sentence_reply(TOO_LATE))

    def _dispatch(self, inbound: trust.Inbound, entry_id: str, respond: Respond | None) -> None:
        match inbound:
            case trust.Typed():
                request = Request(id=inbound.id, user=inbound.user, channel=inbound.channel, text=inbound.text)
                self._answers.send(inbound.user, inbound.channel, self._commands.run(request), respond=respond)
            case trust.Reacted():
                self._reactions.run(inbound)
            case trust.Said():
                reply = self._mentions.run(inbound)
                if reply is not None:
                    self._answers.send(inbound.user, inbound.channel, reply, thread=inbound.thread_ts)
            case trust.Altered():
                self._reactions.altered(inbound)
            case trust.HomeOpened():
                self._deps.store.inbox_drop(entry_id)
                publish_home(self._deps, self._calls, inbound.user)
            case trust.Rejected():
                self._deps.store.inbox_drop(entry_id)
