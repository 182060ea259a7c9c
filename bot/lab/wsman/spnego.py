"""SPNEGO around NTLM (RFC 4178): the few pieces of DER a WinRM client wraps its tokens in."""

from __future__ import annotations

from bot.lab.wsman.ntlm import NtlmError, NtlmServer

_SPNEGO_OID = bytes.fromhex("06062b0601050502")
_NTLM_OID = bytes.fromhex("060a2b06010401823702020a")
_COMPLETED, _INCOMPLETE, _REQUEST_MIC = 0, 1, 3


def _tlv(tag: int, value: bytes) -> bytes:
    size = len(value)
    if size < 128:
        return bytes((tag, size)) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 128 | len(length))) + length + value


def _read(text: bytes, at: int = 0) -> tuple[int, bytes, int]:
    """Tag, value and the place behind one element. Raises NtlmError."""
    try:
        tag, size = text[at], text[at + 1]
        at += 2
        if size & 128:
            count = size & 127
            size = int.from_bytes(text[at : at + count], "big")
            at += count
    except IndexError as broken:
        raise NtlmError("cut token") from broken
    if at + size > len(text):
        raise NtlmError("cut token")
    return tag, text[at : at + size], at + size


def _parts(text: bytes) -> dict[int, bytes]:
    """The context-tagged members of a sequence, by tag number."""
    tag, body, _ = _read(text)
    if tag != 0x30:
        raise NtlmError("no sequence")
    found, at = {}, 0
    while at < len(body):
        tag, value, at = _read(body, at)
        found[tag & 31] = value
    return found


class SpnegoServer:
    """One connection's negotiation; NTLM is the only mechanism this server has."""

    def __init__(self, ntlm: NtlmServer) -> None:
        self.ntlm = ntlm
        self._mechanisms = b""  # DER of the client's list: what mechListMIC signs
        self._answered = False
        self._mic_wanted = False

    def step(self, token: bytes) -> bytes:
        """Take the client's token and give the answer. Raises NtlmError."""
        tag, body, _ = _read(token)
        if tag == 0x60:
            if not body.startswith(_SPNEGO_OID):
                raise NtlmError("not SPNEGO")
            parts = _parts(_read(body, len(_SPNEGO_OID))[1])
            self._mechanisms = parts.get(0, b"")
            inner = _read(parts[2])[1] if 2 in parts else b""
            first = _read(self._mechanisms)[1]
            if not first.startswith(_NTLM_OID):
                # Its favourite is one we do not have, so its optimistic token is not for us.
                inner, self._mic_wanted = b"", True
            if _NTLM_OID not in first:
                raise NtlmError("no common mechanism")
            mic = b""
        elif tag == 0xA1:
            parts = _parts(body)
            inner = _read(parts[2])[1] if 2 in parts else b""
            mic = _read(parts[3])[1] if 3 in parts else b""
        else:
            raise NtlmError("not SPNEGO")
        out = self.ntlm.step(inner) if inner else b""
        mine = b""
        if mic and self.ntlm.complete and mic != inner:
            mine = self.ntlm.check_list(mic, self._mechanisms)
        return self._answer(out, mine)

    def _answer(self, out: bytes, mic: bytes) -> bytes:
        state = _COMPLETED if self.ntlm.complete else _INCOMPLETE
        if not self._answered and self._mic_wanted:
            state = _REQUEST_MIC
        body = _tlv(0xA0, _tlv(0x0A, bytes((state,))))
        if not self._answered:
            body += _tlv(0xA1, _NTLM_OID)
            self._answered = True
        if out:
            body += _tlv(0xA2, _tlv(0x04, out))
        if mic:
            body += _tlv(0xA3, _tlv(0x04, mic))
        return _tlv(0xA1, _tlv(0x30, body))
