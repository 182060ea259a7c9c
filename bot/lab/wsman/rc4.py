"""The two old algorithms NTLM needs and hashlib has no more: the RC4 cipher and the MD4 digest."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any


def _openssl() -> Any:
    """OpenSSL's RC4, if this Python came with a shared OpenSSL that still has it; None otherwise.

    It is already in memory for hashlib. Plain Python takes 21 ms for 100 kB, this a tenth of a millisecond;
    the `cryptography` package would do it too, for 13 MB of resident memory.
    """
    import ctypes

    for name in ("libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.3.dylib"):
        try:
            library = ctypes.CDLL(name)
            library.RC4_set_key.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p]
            library.RC4.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_char_p]
            library.RC4_set_key.restype = library.RC4.restype = None
        except (OSError, AttributeError):
            continue
        return library
    return None


_LIBRARY: list[Any] = []


class Rc4:
    """A running RC4 stream; sealing and unsealing are the same operation."""

    def __init__(self, key: bytes) -> None:
        if not _LIBRARY:
            _LIBRARY.append(_openssl())
        self._key = key
        self._library = _LIBRARY[0]
        self.reset()

    def reset(self) -> None:
        """Begin the stream again."""
        if self._library is not None:
            import ctypes

            self._state = ctypes.create_string_buffer(2048)  # RC4_KEY: 258 words of at most 8 bytes
            self._library.RC4_set_key(self._state, len(self._key), self._key)
            return
        box, j = list(range(256)), 0
        for i in range(256):
            j = (j + box[i] + self._key[i % len(self._key)]) & 255
            box[i], box[j] = box[j], box[i]
        self._box, self._i, self._j = box, 0, 0

    def update(self, text: bytes) -> bytes:
        """The next bytes, sealed or unsealed."""
        if self._library is not None:
            import ctypes

            out = ctypes.create_string_buffer(len(text))
            self._library.RC4(self._state, len(text), text, out)
            return out.raw
        box, i, j = self._box, self._i, self._j
        stream = bytearray(len(text))
        for at in range(len(text)):
            i = (i + 1) & 255
            a = box[i]
            j = (j + a) & 255
            b = box[j]
            box[i], box[j] = b, a
            stream[at] = box[(a + b) & 255]
        self._i, self._j = i, j
        return (int.from_bytes(stream, "big") ^ int.from_bytes(text, "big")).to_bytes(len(text), "big")


def md4(text: bytes) -> bytes:
    """The MD4 digest (RFC 1320)."""
    mask = 0xFFFFFFFF
    padded = text + b"\x80" + b"\x00" * ((55 - len(text)) % 64) + struct.pack("<Q", len(text) * 8)
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    rounds: tuple[tuple[Callable[[int, int, int], int], int, tuple[int, ...], tuple[int, ...]], ...] = (
        (lambda x, y, z: (x & y) | (~x & z), 0, tuple(range(16)), (3, 7, 11, 19)),
        (
            lambda x, y, z: (x & y) | (x & z) | (y & z),
            0x5A827999,
            (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
            (3, 5, 9, 13),
        ),
        (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
    )
    for start in range(0, len(padded), 64):
        words = struct.unpack("<16I", padded[start : start + 64])
        a, b, c, d = state
        for mix, constant, order, shifts in rounds:
            for turn, word in enumerate(order):
                value = (a + mix(b, c, d) + words[word] + constant) & mask
                shift = shifts[turn % 4]
                a, b, c, d = d, ((value << shift) | (value >> (32 - shift))) & mask, b, c
        state = [(old + new) & mask for old, new in zip(state, (a, b, c, d), strict=True)]
    return struct.pack("<4I", *state)
