"""NTLM as a server speaks it: challenge, check of an NTLMv2 answer, signing and sealing of messages (MS-NLMP)."""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import time
from collections.abc import Callable

from bot.lab.wsman.rc4 import Rc4, md4

UNICODE, OEM, REQUEST_TARGET = 0x1, 0x2, 0x4
SIGN, SEAL, LM_KEY, NTLM = 0x10, 0x20, 0x80, 0x200
ALWAYS_SIGN, TARGET_SERVER, EXTENDED = 0x8000, 0x20000, 0x80000
TARGET_INFO, VERSION, KEY_128, KEY_EXCHANGE, KEY_56 = 0x800000, 0x2000000, 0x20000000, 0x40000000, 0x80000000
_MIC_PRESENT = 0x2  # MsvAvFlags
_SIGNATURE = b"NTLMSSP\x00"
_SERVER_VERSION = b"\x06\x00\x72\x17\x00\x00\x00\x0f"  # Windows 6.0.6002, NTLM revision 15

Password = Callable[[str, str], str | None]  # (user, domain) as the client spelled them -> password


class NtlmError(Exception):
    """The client's token is malformed, the answer is wrong, or a seal is broken."""


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.md5).digest()


def _field(token: bytes, at: int) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", token, at)
    if offset + length > len(token):
        raise NtlmError("field outside of the token")
    return token[offset : offset + length]


def _pairs(*pairs: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in (*pairs, (0, b"")))


class NtlmServer:
    """One connection's NTLM context. Feed it the client's tokens, then seal and unseal with it."""

    def __init__(self, host: str, domain: str, password: Password) -> None:
        self._host = host.upper()
        self._domain = domain.upper()
        self._password = password
        self._negotiate = b""
        self._challenge = b""
        self.complete = False
        self.user = ""  # as sent, once complete
        self._keys: list[bytes] = []
        self._seen = self._sent = 0

    def step(self, token: bytes) -> bytes:
        """Answer a NEGOTIATE with the challenge, check an AUTHENTICATE (answer empty). Raises NtlmError."""
        try:
            kind = struct.unpack_from("<I", token, 8)[0]
            if not token.startswith(_SIGNATURE) or kind not in {1, 3}:
                raise NtlmError("not an NTLM token")
            if kind == 1:
                self._negotiate = token
                return self._make_challenge(struct.unpack_from("<I", token, 12)[0])
            if not self._challenge:
                raise NtlmError("an answer before the challenge")
            self._check(token)
        except (struct.error, UnicodeDecodeError, IndexError) as broken:
            raise NtlmError(str(broken)) from broken
        return b""

    def _make_challenge(self, asked: int) -> bytes:
        flags = (
            (asked | REQUEST_TARGET | NTLM | ALWAYS_SIGN | TARGET_INFO | TARGET_SERVER | UNICODE) & ~OEM & 0xFFFFFFFF
        )
        if flags & EXTENDED:
            flags &= ~LM_KEY
        name = self._host.encode("utf-16-le")
        info = _pairs(
            (2, self._domain.encode("utf-16-le")),
            (1, name),
            (4, f"{self._domain.lower()}.test".encode("utf-16-le")),
            (3, f"{self._host.lower()}.{self._domain.lower()}.test".encode("utf-16-le")),
            (7, struct.pack("<Q", int(time.time() * 10**7) + 116444736000000000)),
        )
        self._nonce = os.urandom(8)
        self._challenge = b"".join(
            (
                _SIGNATURE,
                struct.pack("<IHHI", 2, len(name), len(name), 56),
                struct.pack("<I", flags),
                self._nonce,
                b"\x00" * 8,
                struct.pack("<HHI", len(info), len(info), 56 + len(name)),
                _SERVER_VERSION,
                name,
                info,
            )
        )
        return self._challenge

    def _check(self, token: bytes) -> None:
        answer = _field(token, 20)
        flags = struct.unpack_from("<I", token, 60)[0]
        codec = "utf-16-le" if flags & UNICODE else "cp437"
        domain, user = _field(token, 28).decode(codec), _field(token, 36).decode(codec)
        password = self._password(user, domain)
        if len(answer) <= 24:
            raise NtlmError("only NTLMv2 is accepted")
        if password is None:
            raise NtlmError("no such account")
        proof, blob = answer[:16], answer[16:]
        key = _hmac(md4(password.encode("utf-16-le")), (user.upper() + domain).encode("utf-16-le"))
        if not hmac.compare_digest(_hmac(key, self._nonce + blob), proof):
            raise NtlmError("wrong password")
        session = _hmac(key, proof)
        if flags & KEY_EXCHANGE and flags & (SIGN | SEAL):
            session = Rc4(session).update(_field(token, 52))
        if self._says_mic(blob):
            zeroed = token[:72] + b"\x00" * 16 + token[88:]
            if not hmac.compare_digest(_hmac(session, self._negotiate + self._challenge + zeroed), token[72:88]):
                raise NtlmError("the handshake was tampered with")
        if not flags & EXTENDED:
            raise NtlmError("extended session security is required")
        self._set_keys(session, flags)
        self.user, self.complete = user, True

    @staticmethod
    def _says_mic(blob: bytes) -> bool:
        at = 28
        while at + 4 <= len(blob):
            kind, length = struct.unpack_from("<HH", blob, at)
            if kind == 0:
                return False
            if kind == 6:
                return bool(struct.unpack_from("<I", blob, at + 4)[0] & _MIC_PRESENT)
            at += 4 + length
        return False

    def _set_keys(self, session: bytes, flags: int) -> None:
        sealing = session if flags & KEY_128 else session[:7] if flags & KEY_56 else session[:5]
        out, into = "server-to-client", "client-to-server"

        def made(key: bytes, way: str, use: str) -> bytes:
            # MD5 is what the protocol says; nothing is protected by it but a practice range.
            return hashlib.md5(key + f"session key to {way} {use} key magic constant\x00".encode()).digest()  # noqa: S324

        self._exchanged = bool(flags & KEY_EXCHANGE)
        self._sign_out, self._sign_in = made(session, out, "signing"), made(session, into, "signing")
        self._seal_out, self._seal_in = Rc4(made(sealing, out, "sealing")), Rc4(made(sealing, into, "sealing"))

    def _signature(self, key: bytes, stream: Rc4, number: int, text: bytes) -> bytes:
        check = _hmac(key, struct.pack("<I", number) + text)[:8]
        return b"\x01\x00\x00\x00" + (stream.update(check) if self._exchanged else check) + struct.pack("<I", number)

    def seal(self, text: bytes) -> tuple[bytes, bytes]:
        """Signature and sealed bytes of the next message to the client."""
        sealed = self._seal_out.update(text)
        signature = self._signature(self._sign_out, self._seal_out, self._sent, text)
        self._sent += 1
        return signature, sealed

    def unseal(self, signature: bytes, sealed: bytes) -> bytes:
        """The client's next message. Raises NtlmError when it is not the next one or was changed."""
        text = self._seal_in.update(sealed)
        self._verify(signature, text)
        return text

    def _verify(self, signature: bytes, text: bytes) -> None:
        expected = self._signature(self._sign_in, self._seal_in, self._seen, text)
        self._seen += 1
        if not hmac.compare_digest(expected, signature):
            raise NtlmError("broken seal")

    # --- what SPNEGO adds: a signature over the list of mechanisms, before the sealing streams begin ---

    def check_list(self, signature: bytes, text: bytes) -> bytes:
        """Check the client's mechListMIC and give the server's own; both streams begin anew. Raises NtlmError."""
        self._verify(signature, text)
        self._seal_in.reset()
        mine = self._signature(self._sign_out, self._seal_out, self._sent, text)
        self._sent += 1
        self._seal_out.reset()
        return mine
