"""The practice workspace itself: its people, channels and messages, and what each change tells the app and the page.

One lock guards everything; every public method may be called from any thread. Nothing here knows HTTP.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from bot.lab.workspace import shapes
from bot.lab.workspace.limits import Limits
from bot.lab.workspace.words import TEAM, App, Channel, Message, Person, SlackError, slack_id


class Clock(Protocol):
    """Lab time; `bot.lab.clock.LabClock` is one."""

    @property
    def speed(self) -> float:
        """Lab seconds in one wall second."""

    def now(self) -> float:
        """Lab time, Unix seconds."""


Truth = Callable[..., object]  # called as truth("posted", by=..., ts=..., metadata=...)
Watcher = Callable[[str, dict[str, Any]], None]  # a change for the page: what, and its JSON

MESSAGES_OF = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something the app must be told: one Socket Mode envelope before it has an id."""

    type: str  # "events_api", "slash_commands", "interactive"
    payload: dict[str, Any]
    about: str  # for the log of what was never acked: "reaction_added", "/rollup plan …"
    on_answer: Callable[[dict[str, Any] | None], None] | None = None  # the ack's payload; None: never acked


@dataclass(slots=True)
class ResponseUrl:
    """Where a command's late answers go: 5 uses in 30 minutes."""

    user: str
    channel: str
    until: float
    uses: int = 5


@dataclass(slots=True)
class Log:
    """What happened at the edge, for the page's footer and for tests."""

    calls: Counter[str] = field(default_factory=Counter)
    unknown_methods: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    not_acked: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=50))


def _nobody_writes(_did: str, **_fields: Any) -> None:
    """The truth log of a workspace that was given none."""


class Workspace:
    """A Slack workspace with one app in it.

    `people` and `channels` are `Person` and `Channel` values; channels without members get everybody and the app.
    `truth` is called as `truth(did, **fields)` for typed, posted, reacted and unreacted.
    """

    def __init__(
        self,
        people: Iterable[Person],
        channels: Iterable[Channel],
        clock: Clock,
        *,
        truth: Truth | None = None,
        app: App | None = None,
        groups: dict[str, Sequence[str]] | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.clock, self.app = clock, app or App()
        self.truth: Truth = _nobody_writes if truth is None else truth
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.groups = {name: tuple(users) for name, users in (groups or {}).items()}
        self.messages: dict[str, dict[str, Message]] = {}  # channel -> ts -> message, in order of ts
        self.views: dict[str, dict[str, Any]] = {}  # user -> published Home view
        self.response_urls: dict[str, ResponseUrl] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.limits, self.log = Limits(), Log()
        self.notices: deque[dict[str, Any]] = deque(maxlen=20)
        self.base_url = "http://127.0.0.1"  # set by the server
        self.seq = 0
        self._last_ts = 0.0
        self._deliver: Callable[[Delivery], None] | None = None
        self._watchers: list[Watcher] = []
        self._early: deque[Delivery] = deque(maxlen=200)
        self._event_numbers = itertools.count(1)
        self._add_people(people)
        for channel in channels:
            channel.members = channel.members or {*self.people}
            channel.created = channel.created or int(clock.now())
            self.channels[channel.id] = channel
            self.messages[channel.id] = {}

    def _add_people(self, people: Iterable[Person]) -> None:
        name = self.app.name
        bot = Person(id=self.app.user_id, name=name, real_name=name.capitalize(), is_bot=True, tz="UTC")
        for person in (*people, bot):
            self.people[person.id] = person

    # --- who listens -------------------------------------------------------------------------

    def connect(self, deliver: Callable[[Delivery], None]) -> None:
        """Where envelopes go from now on; what was waiting goes first."""
        with self.lock:
            self._deliver = deliver
            while self._early:
                deliver(self._early.popleft())

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Tell `watcher` every change, under the lock; returns the way to stop."""
        with self.lock:
            self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def changed(self, what: str, **parts: Any) -> None:
        """Tell the page."""
        self.seq += 1
        for watcher in tuple(self._watchers):
            watcher(what, {"seq": self.seq, **parts})

    def deliver(self, delivery: Delivery) -> None:
        """Hand an envelope to whoever keeps the app's sockets."""
        if self._deliver:
            self._deliver(delivery)
        else:
            self._early.append(delivery)

    def tell_app(self, event: dict[str, Any], *, subscription: str, channel: Channel | None) -> None:
        """Send an event to the app if it subscribed to it and is in the channel."""
        if subscription not in self.app.events or (channel and self.app.user_id not in channel.members):
            return
        number, now = next(self._event_numbers), self.clock.now()
        payload = {
            "token": "practice",
            "team_id": TEAM,
            "context_team_id": TEAM,
            "api_app_id": self.app.app_id,
            "event": event,
            "type": "event_callback",
            "event_time": int(now),
            "event_id": f"Ev0{number:08X}{secrets.token_hex(2).upper()}",
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": TEAM,
                    "user_id": self.app.user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }
        self.deliver(Delivery("events_api", payload, event["type"]))

    # --- finding things ----------------------------------------------------------------------

    def person(self, who: str) -> Person:
        """A person by id or by name (any case); user_not_found."""
        name = who.lower().lstrip("@")
        found = self.people.get(who) or next((p for p in self.people.values() if p.name.lower() == name), None)
        if not found:
            raise SlackError("user_not_found")
        return found

    def channel(self, where: str) -> Channel:
        """A channel by id or `#name`; channel_not_found."""
        name = where.lstrip("#")
        named = (c for c in self.channels.values() if c.name == name and not c.is_im)
        found = self.channels.get(where) or next(named, None)
        if not found:
            raise SlackError("channel_not_found")
        return found

    def message(self, channel: str, ts: str) -> Message:
        """A message that is still there; message_not_found."""
        found = self.messages[channel].get(ts)
        if not found or found.subtype == "tombstone" or found.only_for:
            raise SlackError("message_not_found")
        return found

    def replies(self, channel: str, ts: str) -> list[Message]:
        """The replies below a message, oldest first, without ephemerals."""
        return [m for m in self.messages[channel].values() if m.thread_ts == ts and m.ts != ts and not m.only_for]

    def direct(self, user: str) -> Channel:
        """The app's direct conversation with a person, opened when needed."""
        found = next((c for c in self.channels.values() if c.is_im and user in c.members), None)
        if found:
            return found
        channel = Channel(
            id=slack_id("D", self.person(user).name, self.channels),
            name=self.person(user).name,
            members={user, self.app.user_id},
            is_im=True,
            created=int(self.clock.now()),
        )
        self.channels[channel.id], self.messages[channel.id] = channel, {}
        self.changed("channel", channel=channel.as_slack(self.app.user_id))
        return channel

    def new_ts(self) -> str:
        """A message ts: lab time, never the same twice."""
        self._last_ts = max(self.clock.now(), self._last_ts + 0.000001)
        return f"{self._last_ts:.6f}"

    # --- changes -----------------------------------------------------------------------------

    def post(self, message: Message) -> Message:
        """Store a new message, tell everybody; ephemerals reach their one reader's page only."""
        with self.lock:
            self.messages[message.channel][message.ts] = message
            if message.only_for:
                self.changed("message", message=shapes.for_page(self, message))
                return message
            if message.by_app:
                self.truth("posted", by=message.user, ts=message.ts, metadata=message.metadata)
            parent = self.messages[message.channel].get(message.thread_ts) if message.is_reply else None
            if parent:
                parent.thread_ts = parent.ts
                self.changed("message", message=shapes.for_page(self, parent))
            self.changed("message", message=shapes.for_page(self, message))
            channel = self.channels[message.channel]
            event = shapes.message(self, message) | {
                "channel": channel.id,
                "channel_type": channel.type,
                "event_ts": message.ts,
            }
            event.pop("reactions", None)
            self.tell_app(event, subscription=MESSAGES_OF[channel.type], channel=channel)
            if not message.by_app and f"<@{self.app.user_id}>" in message.text:
                mention = {key: value for key, value in event.items() if key != "channel_type"}
                self.tell_app(mention | {"type": "app_mention"}, subscription="app_mention", channel=channel)
            return message

    def change(self, message: Message, **fields: Any) -> Message:
        """Replace fields of a message in place (text, blocks, metadata, edited, files)."""
        with self.lock:
            before = shapes.message(self, message)
            after = replace(message, **fields)
            self.messages[message.channel][message.ts] = after
            self.changed("message", message=shapes.for_page(self, after))
            self._hidden(
                message.channel,
                {"subtype": "message_changed", "message": shapes.message(self, after), "previous_message": before},
            )
            return after

    def delete(self, message: Message) -> None:
        """Take a message away; a parent with replies leaves a tombstone, as in Slack."""
        with self.lock:
            before = shapes.message(self, message)
            if not message.is_reply and self.replies(message.channel, message.ts):
                stone = Message(
                    channel=message.channel,
                    ts=message.ts,
                    user="USLACKBOT",
                    text="This message was deleted.",
                    thread_ts=message.ts,
                    subtype="tombstone",
                )
                self.messages[message.channel][message.ts] = stone
                self.changed("message", message=shapes.for_page(self, stone))
            else:
                del self.messages[message.channel][message.ts]
                self.changed("deleted", channel=message.channel, ts=message.ts)
                parent = self.messages[message.channel].get(message.thread_ts) if message.is_reply else None
                if parent:
                    self.changed("message", message=shapes.for_page(self, parent))
            if not message.only_for:
                self._hidden(
                    message.channel,
                    {"subtype": "message_deleted", "deleted_ts": message.ts, "previous_message": before},
                )

    def _hidden(self, channel_id: str, parts: dict[str, Any]) -> None:
        channel, ts = self.channels[channel_id], self.new_ts()
        self.tell_app(
            {
                "type": "message",
                "hidden": True,
                "channel": channel_id,
                "channel_type": channel.type,
                "ts": ts,
                "event_ts": ts,
                **parts,
            },
            subscription=MESSAGES_OF[channel.type],
            channel=channel,
        )

    def react(self, user: str, emoji: str, channel_id: str, ts: str, *, add: bool) -> None:
        """Add or remove one person's emoji; already_reacted, no_reaction, message_not_found."""
        with self.lock:
            message = self.message(channel_id, ts)
            people = message.reactions.get(emoji, [])
            if add == (user in people):
                raise SlackError("already_reacted" if add else "no_reaction")
            if add:
                message.reactions.setdefault(emoji, []).append(user)
            else:
                people.remove(user)
                if not people:
                    del message.reactions[emoji]
            self.truth("reacted" if add else "unreacted", user=user, emoji=emoji, ts=ts)
            self.changed("message", message=shapes.for_page(self, message))
            name = "reaction_added" if add else "reaction_removed"
            self.tell_app(
                {
                    "type": name,
                    "user": user,
                    "reaction": emoji,
                    "item_user": message.user,
                    "event_ts": self.new_ts(),
                    "item": {"type": "message", "channel": channel_id, "ts": ts},
                },
                subscription=name,
                channel=self.channels[channel_id],
            )

    def whisper(
        self,
        channel: str,
        user: str,
        text: str,
        *,
        blocks: list[dict[str, Any]] | None = None,
        thread_ts: str = "",
        by: str = "",
    ) -> Message:
        """Show one person a message that nobody else sees and no history keeps."""
        with self.lock:
            return self.post(
                Message(
                    channel=channel,
                    ts=self.new_ts(),
                    user=by or self.app.user_id,
                    text=text,
                    blocks=blocks or [],
                    thread_ts=thread_ts,
                    by_app=not by,
                    only_for=user,
                )
            )

    def notice(self, kind: str, text: str) -> None:
        """Say something on the page that is not a message: "bot_restarted", "bot_stopped", …"""
        with self.lock:
            self.notices.append({"kind": kind, "text": text, "at": self.clock.now()})
            self.changed("notice", **self.notices[-1])
