"""The words of the practice workspace: people, channels, the app, messages and refusals, in Slack's shapes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TEAM = "T0PRACTICE"
TEAM_DOMAIN = "practice"

# Every scope the Web API methods of this workspace can ask for.
ALL_SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "pins:write",
        "reactions:read",
        "reactions:write",
        "usergroups:read",
        "users:read",
        "users:read.email",
    }
)
# What manifest.yml asks for, no more: a scope or event the bot lacks there is missing here too (a test compares).
MANIFEST_SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "groups:history",
        "groups:read",
        "reactions:read",
        "users:read",
    }
)
MANIFEST_EVENTS = frozenset(
    {
        "app_home_opened",
        "app_mention",
        "message.channels",
        "message.groups",
        "reaction_added",
        "reaction_removed",
    }
)


class SlackError(Exception):
    """A refusal of the Web API: `code` is Slack's error word, `parts` go into the answer beside it."""

    def __init__(self, code: str, **parts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.parts = parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of the workspace. `roles` is for the page and the players only; Slack knows nothing of it."""

    id: str
    name: str  # the handle: "alice"
    real_name: str
    roles: tuple[str, ...] = ()  # "requester", "approver"
    tz: str = "Europe/Berlin"
    email: str = ""
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False

    def as_slack(self, *, with_email: bool) -> dict[str, Any]:
        """The `user` object of users.info and users.list."""
        profile = {"real_name": self.real_name, "display_name": self.name, "team": TEAM, "title": ", ".join(self.roles)}
        if with_email:
            profile["email"] = self.email
        return {
            "id": self.id,
            "team_id": "T0ELSEWHERE" if self.is_stranger else TEAM,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": tz_offset(self.tz),
            "profile": profile,
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_stranger": self.is_stranger,
            "has_2fa": True,
            "updated": 0,
        }


def tz_offset(tz: str) -> int:
    """Seconds east of UTC, as users.info gives it; 0 for a zone this machine does not know."""
    try:
        offset = datetime.now(ZoneInfo(tz)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError):
        return 0
    return int(offset.total_seconds()) if offset else 0


def slack_id(prefix: str, name: str, taken: Iterable[str] = ()) -> str:
    """A stable Slack-like id from a name: "U0" + letters; a digit is added when it is taken."""
    letters = "".join(c for c in name.upper() if c.isascii() and c.isalnum())
    base = f"{prefix}0{letters:0<7}"
    used, candidate, n = set(taken), base, 1
    while candidate in used:
        n += 1
        candidate = f"{base}{n}"
    return candidate


@dataclass(slots=True, kw_only=True)
class Channel:
    """A conversation and who is in it."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)  # user ids, the app's user included
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    purpose: str = ""
    created: int = 0

    @property
    def type(self) -> str:
        """The `channel_type` of message events."""
        return "im" if self.is_im else "group" if self.is_private else "channel"

    def as_slack(self, app_user: str) -> dict[str, Any]:
        """The `channel` object of conversations.info."""
        purpose = {"value": self.purpose, "creator": "", "last_set": 0}
        out: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.type == "channel",
            "is_group": self.type == "group",
            "is_im": self.is_im,
            "is_mpim": False,
            "is_private": self.is_private or self.is_im,
            "is_archived": self.is_archived,
            "is_general": False,
            "is_shared": False,
            "is_ext_shared": False,
            "is_org_shared": False,
            "is_member": app_user in self.members,
            "created": self.created,
            "creator": "",
            "context_team_id": TEAM,
            "topic": purpose,
            "purpose": purpose,
            "num_members": len(self.members),
        }
        if self.is_im:
            out["user"] = next(iter(self.members - {app_user}), app_user)
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The one installed app: its identity, what it may do and what it listens to."""

    app_id: str = "A0ROLLUPBOT"
    bot_id: str = "B0ROLLUPBOT"
    user_id: str = "U0ROLLUPBOT"
    name: str = "rollup"
    bot_token: str = "xoxb-practice-0000-rollup"  # noqa: S105 - opens nothing but this practice range
    app_token: str = "xapp-1-practice-0000-rollup"  # noqa: S105
    scopes: frozenset[str] = MANIFEST_SCOPES
    events: frozenset[str] = MANIFEST_EVENTS
    commands: tuple[str, ...] = ("/rollup",)
    should_escape: bool = False

    def profile(self) -> dict[str, Any]:
        """The `bot_profile` of the app's messages."""
        return {
            "id": self.bot_id,
            "app_id": self.app_id,
            "user_id": self.user_id,
            "name": self.name,
            "deleted": False,
            "updated": 0,
            "team_id": TEAM,
            "icons": {},
        }


@dataclass(slots=True, kw_only=True)
class Message:
    """One message; `reactions` keeps the order in which emoji and people came."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    thread_ts: str = ""  # "" for a message outside threads; a parent carries its own ts once it has replies
    metadata: dict[str, Any] | None = None
    by_app: bool = False
    broadcast: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited: dict[str, str] | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    subtype: str = ""
    only_for: str = ""  # user id of the one reader of an ephemeral message
    icon: str = ""
    username: str = ""

    @property
    def is_reply(self) -> bool:
        """Lives in a thread below another message."""
        return bool(self.thread_ts) and self.thread_ts != self.ts
