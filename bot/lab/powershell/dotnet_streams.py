"""Streams over memory, files and GZip, readers and writers of text, and hashes."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from typing import Any

from bot.lab.powershell.convert import cast, to_int, to_string
from bot.lab.powershell.dotnet import constructor, instance, static
from bot.lab.powershell.dotnet_convert import Encoding
from bot.lab.powershell.paths import decode, full_path
from bot.lab.powershell.values import net_error

_MODES = {"createnew": "create_new", "create": "create", "truncate": "truncate"}


def net_path(interpreter: Any, path: Any) -> str:
    """A path argument in full. Raises NetError for what is no path."""
    text = to_string(path)
    if path is None:
        raise net_error("Value cannot be null.\r\nParameter name: path", "System.ArgumentNullException")
    if not text.strip():
        raise net_error("The path is not of a legal form.", "System.ArgumentException")
    if any(c in text for c in '<>"|\0'):
        raise net_error("Illegal characters in path.", "System.ArgumentException")
    return full_path(interpreter.session, text)


class Stream:
    """A stream over bytes in memory."""

    net_type = "System.IO.Stream"
    type_name = "System.IO.MemoryStream"

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.position = 0
        self.closed = False

    def read(self, count: int) -> bytes:
        """The next bytes."""
        if self.closed:
            raise net_error("Cannot access a closed file.", "System.ObjectDisposedException")
        part = bytes(self.data[self.position : self.position + count])
        self.position += len(part)
        return part

    def write(self, part: bytes) -> None:
        """Write at the position."""
        if self.closed:
            raise net_error("Cannot access a closed file.", "System.ObjectDisposedException")
        self.data[self.position : self.position + len(part)] = part
        self.position += len(part)

    def flush(self) -> None:
        """Bring what was written to where it belongs."""

    def close(self) -> None:
        """Flush and end."""
        if not self.closed:
            self.flush()
            self.closed = True


class FileStream(Stream):
    """A file on the machine's disk. CreateNew is atomic: of two openers one fails."""

    type_name = "System.IO.FileStream"

    def __init__(self, interpreter: Any, path: Any, mode: str, access: str = "ReadWrite", _share: str = "Read") -> None:
        self.fs = interpreter.machine.fs
        self.path = net_path(interpreter, path)
        kind = mode.lower()
        self.writes = access.lower() != "read"
        self.dirty = False
        if kind in _MODES:
            self.fs.write(self.path, b"", mode=_MODES[kind])
        elif kind in {"openorcreate", "append"} and not self.fs.exists(self.path):
            self.fs.write(self.path, b"", mode="create_new")
        super().__init__(self.fs.read(self.path))
        if kind == "append":
            self.position = len(self.data)

    def write(self, part: bytes) -> None:
        """Write at the position; the disk has it after a flush."""
        if not self.writes:
            raise net_error("Stream does not support writing.", "System.NotSupportedException")
        super().write(part)
        self.dirty = True

    def flush(self) -> None:
        """Put what was written on the disk."""
        if self.dirty and not self.closed:
            self.fs.write(self.path, bytes(self.data))
            self.dirty = False


class GZipStream(Stream):
    """GZip over another stream."""

    type_name = "System.IO.Compression.GZipStream"

    def __init__(self, inner: Stream, mode: str) -> None:
        super().__init__()
        self.inner = inner
        self.packs = mode.lower() == "compress"
        self.opened = False

    def read(self, count: int) -> bytes:
        """The next unpacked bytes."""
        if not self.opened:
            self.opened = True
            raw = self.inner.read(len(self.inner.data))
            try:
                self.data = bytearray(zlib.decompressobj(31).decompress(raw))
            except zlib.error:
                raise net_error("The magic number in GZip header is not correct. Make sure you are passing in a GZip stream.",
                                "System.IO.InvalidDataException") from None  # fmt: skip
        return super().read(count)

    def close(self) -> None:
        """Pack what was written."""
        if not self.closed and self.packs:
            self.inner.write(gzip.compress(bytes(self.data), mtime=0))
        super().close()


def _read(_i: Any, s: Stream, buffer: bytearray, offset: Any, count: Any) -> int:
    part = s.read(to_int(count))
    buffer[to_int(offset) : to_int(offset) + len(part)] = part
    return len(part)


def _seek(_i: Any, s: Stream, offset: Any, origin: Any = "Begin") -> int:
    base = {"begin": 0, "current": s.position, "end": len(s.data)}[to_string(origin).lower()]
    s.position = max(base + to_int(offset, "System.Int64"), 0)
    return s.position


def _read_byte(_i: Any, s: Stream) -> int:
    part = s.read(1)
    return part[0] if part else -1


instance("System.IO.Stream", {
    "Length": lambda _i, s: len(s.data), "Position": lambda _i, s: s.position, "CanRead": lambda _i, s: not s.closed,
    "Name": lambda _i, s: getattr(s, "path", None),
}, {
    "Read": _read, "Write": lambda _i, s, data, at, count: s.write(bytes(data)[to_int(at) : to_int(at) + to_int(count)]),
    "ReadByte": _read_byte, "WriteByte": lambda _i, s, b: s.write(bytes([to_int(b, "System.Byte")])), "Seek": _seek,
    "ToArray": lambda _i, s: bytearray(s.data), "Flush": lambda _i, s: s.flush(), "Close": lambda _i, s: s.close(),
    "Dispose": lambda _i, s: s.close(), "SetLength": lambda _i, s, n: s.data.__setitem__(slice(to_int(n), None), b""),
})  # fmt: skip
Stream.net_setters = {"Position": lambda s, at: setattr(s, "position", to_int(at))}  # type: ignore[attr-defined]


class StreamReader:
    """Text over a stream."""

    net_type = "System.IO.StreamReader"
    type_name = "System.IO.StreamReader"

    def __init__(self, stream: Stream, encoding: Any = None) -> None:
        self.stream = stream
        self.encoding = encoding
        self.text: str | None = None

    def rest(self) -> str:
        """What is left."""
        if self.text is None:
            parts = []
            while part := self.stream.read(1 << 20):
                parts.append(part)
            codec = self.encoding.codec if isinstance(self.encoding, Encoding) else "utf-8"
            self.text = decode(b"".join(parts), codec)
        return self.text

    def line(self) -> str | None:
        """The next line, None at the end."""
        text = self.rest()
        if not text:
            return None
        line, _, self.text = text.partition("\n")
        return line.rstrip("\r")

    def all(self) -> str:
        """Everything to the end."""
        text, self.text = self.rest(), ""
        return text


def _reader(interpreter: Any, source: Any, encoding: Any = None, *_rest: Any) -> StreamReader:
    return StreamReader(
        source if isinstance(source, Stream) else FileStream(interpreter, source, "Open", "Read"), encoding
    )


instance("System.IO.StreamReader", {
    "EndOfStream": lambda _i, r: not r.rest(), "BaseStream": lambda _i, r: r.stream,
}, {
    "ReadToEnd": lambda _i, r: r.all(), "ReadLine": lambda _i, r: r.line(), "Close": lambda _i, r: r.stream.close(),
    "Dispose": lambda _i, r: r.stream.close(), "Peek": lambda _i, r: ord(r.rest()[0]) if r.rest() else -1,
})  # fmt: skip


class StreamWriter:
    """Text into a stream."""

    net_type = "System.IO.StreamWriter"
    type_name = "System.IO.StreamWriter"

    def __init__(self, stream: Stream, encoding: Any = None) -> None:
        self.stream = stream
        self.codec = encoding.codec if isinstance(encoding, Encoding) else "utf-8"

    def write(self, text: str) -> None:
        """Write at the end of what is there."""
        self.stream.write(text.encode(self.codec, "replace"))


def _writer(interpreter: Any, target: Any, second: Any = None, encoding: Any = None) -> StreamWriter:
    if isinstance(target, Stream):
        return StreamWriter(target, second)
    return StreamWriter(FileStream(interpreter, target, "Append" if second is True else "Create", "Write"), encoding)


instance("System.IO.StreamWriter", {"BaseStream": lambda _i, w: w.stream, "AutoFlush": lambda _i, _w: True}, {
    "Write": lambda _i, w, v: w.write(to_string(v)), "WriteLine": lambda _i, w, v="": w.write(to_string(v) + "\r\n"),
    "Flush": lambda _i, w: w.stream.flush(), "Close": lambda _i, w: w.stream.close(), "Dispose": lambda _i, w: w.stream.close(),
})  # fmt: skip
StreamWriter.net_setters = {"AutoFlush": lambda _w, _v: None}  # type: ignore[attr-defined]


def _memory(_i: Any, *parts: Any) -> Stream:
    data = parts[0] if len(parts) == 1 else list(parts)
    if isinstance(data, int):
        return Stream()
    return Stream(bytes(cast(data, "System.Byte[]")) if parts else b"")


constructor("System.IO.MemoryStream", _memory)
constructor("System.IO.FileStream", lambda i, path, mode, access="ReadWrite", share="Read", *_r: FileStream(
    i, path, to_string(mode), to_string(access), to_string(share)))  # fmt: skip
constructor("System.IO.StreamReader", _reader)
constructor("System.IO.StreamWriter", _writer)
constructor("System.IO.Compression.GZipStream", lambda _i, s, mode, *_r: GZipStream(s, to_string(mode)))


class Sha256:
    """A SHA-256 algorithm."""

    net_type = "System.Security.Cryptography.HashAlgorithm"

    def __init__(self, type_name: str, kind: str = "sha256") -> None:
        self.type_name = type_name
        self.kind = kind
        self.hash: bytearray | None = None

    def compute(self, source: Any) -> bytearray:
        """The digest of bytes or of the rest of a stream."""
        made = hashlib.new(self.kind, usedforsecurity=False)
        if isinstance(source, Stream):
            while part := source.read(1 << 20):
                made.update(part)
        else:
            made.update(bytes(cast(source, "System.Byte[]")))
        self.hash = bytearray(made.digest())
        return self.hash


for _name, _kind in (("SHA256CryptoServiceProvider", "sha256"), ("SHA256Managed", "sha256"), ("MD5CryptoServiceProvider", "md5"),
                     ("SHA1Managed", "sha1"), ("SHA1CryptoServiceProvider", "sha1")):  # fmt: skip
    _full = f"System.Security.Cryptography.{_name}"
    constructor(_full, lambda _i, full=_full, kind=_kind: Sha256(full, kind))
static(
    "System.Security.Cryptography.SHA256",
    None,
    {"Create": lambda _i: Sha256("System.Security.Cryptography.SHA256Managed")},
)
instance("System.Security.Cryptography.HashAlgorithm", {"Hash": lambda _i, a: a.hash}, {
    "ComputeHash": lambda _i, a, source, *_r: a.compute(source), "Clear": lambda _i, _a: None, "Dispose": lambda _i, _a: None,
})  # fmt: skip
