"""What can go wrong between the bot and a node: five kinds, and one for effects nobody can vouch for."""

from __future__ import annotations


class EstateError(Exception):
    """The root. Never carries a password, a header or a reply's body.

    Attributes: machine (name in the inventory), reason (one sentence), code (the fault's number or None).
    """

    def __init__(self, machine: str, reason: str, *, code: int | None = None) -> None:
        super().__init__(f"{machine}: {reason}")
        self.machine = machine
        self.reason = reason
        self.code = code


class Unreachable(EstateError):
    """The node did not answer, or the connection was cut."""


class Denied(EstateError):
    """The node does not accept our account, or this kind of logon."""


class TimedOut(EstateError):
    """Our own deadline passed before the node was done."""


class Fault(EstateError):
    """The node answered with a fault: a quota, a missing shell, a script that reported failure."""


class BadReply(EstateError):
    """The node's answer is not what the protocol or our scripts can say."""


class Uncertain(EstateError):
    """The request for an effect may or may not have been carried out: look, never repeat."""
