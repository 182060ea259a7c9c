"""Everything that can go wrong with state, as one small tree; each kind carries the parts a caller needs."""

from __future__ import annotations


class StateError(Exception):
    """The root: never raised itself."""


class Unavailable(StateError):
    """Redis did not answer, is read-only, or is loading. Whether a write happened is NOT known: resend it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class UnknownCampaign(StateError):
    """No campaign of that id."""

    def __init__(self, campaign: str) -> None:
        super().__init__(campaign)
        self.campaign = campaign


class Conflict(StateError):
    """Somebody wrote first: the campaign is at another version than the caller read."""

    def __init__(self, campaign: str, expected: int, actual: int) -> None:
        super().__init__(f"{campaign}: expected version {expected}, found {actual}")
        self.campaign = campaign
        self.expected = expected
        self.actual = actual


class Fenced(StateError):
    """The lease is not the caller's (any more): stop, conclude nothing, start nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Broken(StateError):
    """Stored events do not fit together: a link, a number or a byte is wrong."""

    def __init__(self, campaign: str, why: str, version: int = 0) -> None:
        super().__init__(f"{campaign}: {why}")
        self.campaign = campaign
        self.why = why
        self.version = version


class TranscriptRefused(StateError):
    """A transcript is not what a bot wrote; `line` counts from 1."""

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {why}" if line else why)
        self.why = why
        self.line = line


class WrongRealm(StateError):
    """The store belongs to the other world."""

    def __init__(self, ours: str, found: str) -> None:
        super().__init__(f"this bot is {ours}, the store is {found}")
        self.ours = ours
        self.found = found


class KeyFileRefused(StateError):
    """The signing key's file is missing, readable by others, or too short."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class ServerFailed(StateError):
    """The embedded server could not be found or started."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
