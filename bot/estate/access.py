"""How the bot logs on to the machines: one frozen description, checked when it is made, secrets never printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

TransportName = Literal["kerberos", "ntlm", "credssp", "certificate"]
TRANSPORTS: tuple[TransportName, ...] = ("kerberos", "ntlm", "credssp", "certificate")


class Unsafe(ValueError):
    """A way of logging on that would put the password or the commands on the wire in the clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An account and the way it logs on. `password` is asked for at each new connection and never kept here.

    operation_s and read_s are wall seconds: how long a node may hold one request, and how long we wait for
    it. Raises Unsafe for anything but kerberos, ntlm, credssp and certificate.
    """

    transport: TransportName = "kerberos"
    username: str = ""
    password: Callable[[], str] = field(default=lambda: "", repr=False)
    ca_trust_path: str = ""
    cert_pem: str = ""
    cert_key_pem: str = field(default="", repr=False)
    operation_s: int = 20
    read_s: int = 30
    max_commands: int = 12  # in one shell: WinRM 2.0 gives 15 operations and never takes one back (winrm.md §1.6)
    idle_s: float = 120.0  # a shell of WinRM 2.0 dies after 180 s without a request
    age_s: float = 3_600.0  # and after 8 h in any case

    def __post_init__(self) -> None:
        if self.transport not in TRANSPORTS:
            raise Unsafe(f"transport {self.transport!r}: use one of {', '.join(TRANSPORTS)}; Basic is refused")
        if not 0 < self.operation_s < self.read_s:
            raise ValueError("read_s must be longer than operation_s")

    def check(self, url: str) -> None:
        """Raises Unsafe if this account must not be used at that address."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a machine: http://NAME:5985/wsman or https://NAME:5986/wsman")
        if parts.username or parts.password:
            raise Unsafe("an address with a name or a password in it is refused")
        if self.transport == "certificate" and parts.scheme != "https":
            raise Unsafe("a certificate needs an https address")
