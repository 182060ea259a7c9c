"""Who is at the other end: NTLM, bare or inside SPNEGO, per connection; and the sealing of messages."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import TYPE_CHECKING

from bot.lab.wsman.ntlm import NtlmError, NtlmServer
from bot.lab.wsman.spnego import SpnegoServer

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine

SEALED = "application/HTTP-SPNEGO-session-encrypted"
_PART = b"--Encrypted Boundary"
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"


class Refused(Exception):
    """Not authenticated. The text is for tests, a client learns nothing."""


class Authentication:
    """One connection's authentication. NTLM authenticates the connection, not the request."""

    def __init__(self, machine: Machine, *, allow_unencrypted: bool = False) -> None:
        self._machine = machine
        self._allow_unencrypted = allow_unencrypted
        self._ntlm: NtlmServer | None = None
        self._spnego: SpnegoServer | None = None
        self.user = ""  # "LAB\\svc-rollup" once authenticated

    def _account(self, user: str, domain: str) -> str | None:
        """The account's name as the machine knows it, for any spelling a client may send."""
        name, _, suffix = user.partition("@")
        machine = self._machine
        known = {"", ".", machine.domain.casefold(), machine.name.casefold(), f"{machine.domain}.test".casefold()}
        if domain.casefold() not in known or suffix.casefold() not in known:
            return None
        return next((account for account in machine.accounts if account.casefold() == name.casefold()), None)

    def _password(self, user: str, domain: str) -> str | None:
        account = self._account(user, domain)
        if account is not None:
            self._candidate = account
        return None if account is None else self._machine.accounts[account]

    @property
    def schemes(self) -> list[str]:
        """What a 401 offers."""
        return ["Negotiate", *(['Basic realm="WSMAN"'] if self._allow_unencrypted else [])]

    def step(self, header: str) -> str:
        """Take an Authorization header; returns the WWW-Authenticate header to answer with, "" for none.

        `user` is set once the client has proved who it is. Raises Refused.
        """
        scheme, _, text = header.strip().partition(" ")
        try:
            token = base64.b64decode(text, validate=True)
        except binascii.Error as broken:
            raise Refused("not base64") from broken
        if scheme.casefold() == "basic" and self._allow_unencrypted:
            try:
                text = token.decode()
            except UnicodeDecodeError:
                text = token.decode("latin-1")
            user, _, password = text.partition(":")
            domain, _, name = user.rpartition("\\")
            if self._password(name, domain) != password:
                raise Refused("wrong password")
            self.user = f"{self._machine.domain}\\{self._candidate}"
            return ""
        if scheme.casefold() not in {"negotiate", "ntlm"}:
            raise Refused(f"{scheme} is not offered")
        bare = token.startswith(b"NTLMSSP\x00")
        if self.user or self._ntlm is None or (bare and token[8:9] == b"\x01"):
            # A first token on an authenticated connection starts over.
            self.user = ""
            self._ntlm = NtlmServer(self._machine.name, self._machine.domain, self._password)
            self._spnego = None if bare else SpnegoServer(self._ntlm)
        try:
            out = self._ntlm.step(token) if self._spnego is None else self._spnego.step(token)
        except NtlmError as wrong:
            self._ntlm = self._spnego = None
            raise Refused(str(wrong)) from wrong
        if self._ntlm.complete:
            self.user = f"{self._machine.domain}\\{self._candidate}"
        return f"{scheme} {base64.b64encode(out).decode()}" if out else ""

    # --- sealed bodies ---

    def unseal(self, body: bytes) -> bytes:
        """The SOAP text inside a multipart/encrypted body. Raises Refused when the seal is broken."""
        if self._ntlm is None or not self._ntlm.complete:
            raise Refused("sealed before authenticated")
        start = body.find(_OCTETS)
        head, end = body[:start], body.rfind(_PART + b"--")
        length = re.search(rb"Length=(\d+)", head)
        if start < 0 or end < 0 or not length:
            raise Refused("not a sealed message")
        payload = body[start + len(_OCTETS) : end]
        try:
            size = struct.unpack_from("<i", payload)[0]
            text = self._ntlm.unseal(payload[4 : 4 + size], payload[4 + size :])
        except (struct.error, NtlmError) as broken:
            raise Refused(str(broken)) from broken
        if len(text) != int(length.group(1)):
            raise Refused("wrong length")
        return text

    def seal(self, text: bytes) -> tuple[str, bytes]:
        """Content type and body of a sealed answer."""
        assert self._ntlm is not None  # noqa: S101 - only sealed requests get sealed answers
        signature, sealed = self._ntlm.seal(text)
        body = (
            _PART
            + b"\r\n\tContent-Type: "
            + SEALED.encode()
            + b"\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length="
            + str(len(text)).encode()
            + b"\r\n"
            + _PART
            + b"\r\n"
            + _OCTETS
            + struct.pack("<i", len(signature))
            + signature
            + sealed
            + _PART
            + b"--\r\n"
        )
        return f'multipart/encrypted;protocol="{SEALED}";boundary="Encrypted Boundary"', body
