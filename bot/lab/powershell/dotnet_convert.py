"""[Text.Encoding], [Convert] and [BitConverter]."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from bot.lab.powershell.convert import cast, to_bool, to_int, to_string
from bot.lab.powershell.dotnet import instance, static
from bot.lab.powershell.typenames import name_of
from bot.lab.powershell.values import NetError, net_error


def null_safe(value: Any) -> Any:
    """The value, or ArgumentNullException."""
    if value is None:
        raise net_error("Value cannot be null.", "System.ArgumentNullException")
    return value


_PARSERS = ("System.Int32", "System.Int64", "System.Double", "System.Byte", "System.UInt32", "System.Decimal")
for _name in _PARSERS:
    static(_name, {}, {"Parse": lambda _i, text, *_rest, kind=_name: _parse(text, kind)})
static("System.Int32", {"MaxValue": lambda _i: 0x7FFFFFFF, "MinValue": lambda _i: -0x80000000})
static("System.Int64", {"MaxValue": lambda _i: 2**63 - 1, "MinValue": lambda _i: -(2**63)})
static("System.Boolean", None, {"Parse": lambda _i, text: _parse_bool(text)})


def _parse(text: Any, kind: str) -> Any:
    try:
        return cast(to_string(text) or "x", kind)
    except NetError:
        raise net_error("Input string was not in a correct format.", "System.FormatException") from None


def _parse_bool(text: Any) -> bool:
    word = to_string(text).strip().lower()
    if word not in {"true", "false"}:
        raise net_error("String was not recognized as a valid Boolean.", "System.FormatException")
    return word == "true"


class Encoding:
    """A [Text.Encoding]."""

    net_type = "System.Text.Encoding"

    def __init__(self, codec: str, mark: bytes = b"", type_name: str = "System.Text.Encoding", page: int = 0) -> None:
        self.codec, self.mark, self.type_name, self.page = codec, mark, type_name, page


UTF8 = Encoding("utf-8", b"\xef\xbb\xbf", "System.Text.UTF8Encoding", 65001)
_ENCODINGS = {
    "UTF8": UTF8, "Unicode": Encoding("utf-16-le", b"\xff\xfe", "System.Text.UnicodeEncoding", 1200),
    "ASCII": Encoding("ascii", b"", "System.Text.ASCIIEncoding", 20127),
    "Default": Encoding("cp1252", b"", "System.Text.SBCSCodePageEncoding", 1252),
    "BigEndianUnicode": Encoding("utf-16-be", b"\xfe\xff", "System.Text.UnicodeEncoding", 1201),
}  # fmt: skip


def _get_string(_i: Any, e: Encoding, data: Any, start: Any = 0, count: Any = None) -> str:
    raw = bytes(data if data.__class__ is bytearray else cast(null_safe(data), "System.Byte[]"))
    at = to_int(start)
    raw = raw[at : None if count is None else at + to_int(count)]
    return raw.decode(e.codec, "replace")


def _get_encoding(_i: Any, name: Any) -> Encoding:
    wanted = to_string(name).lower()
    for known, made in _ENCODINGS.items():
        if wanted in {known.lower(), made.codec, str(made.page), "utf-8" if known == "UTF8" else known.lower()}:
            return made
    if wanted in {"437", "850", "1250", "1251"}:
        return Encoding("cp" + wanted, b"", "System.Text.SBCSCodePageEncoding", int(wanted))
    raise net_error(
        f"'{to_string(name)}' is not a supported encoding name.\r\nParameter name: name", "System.ArgumentException"
    )


static("System.Text.Encoding", {name: (lambda _i, made=made: made) for name, made in _ENCODINGS.items()},
       {"GetEncoding": _get_encoding})  # fmt: skip
instance("System.Text.Encoding", {
    "CodePage": lambda _i, e: e.page, "WebName": lambda _i, e: e.codec,
}, {
    "GetBytes": lambda _i, e, text: bytearray(to_string(null_safe(text)).encode(e.codec, "replace")),
    "GetString": _get_string,
    "GetByteCount": lambda _i, e, text: len(to_string(text).encode(e.codec, "replace")),
    "GetPreamble": lambda _i, e: bytearray(e.mark),
})  # fmt: skip


def _from_base64(_i: Any, text: Any) -> bytearray:
    plain = re.sub(r"\s", "", to_string(null_safe(text)))
    try:
        return bytearray(base64.b64decode(plain, validate=True))
    except (binascii.Error, ValueError):
        raise net_error("Invalid length for a Base-64 char array or string." if len(plain) % 4 else "Invalid character in a "
                        "Base-64 string.", "System.FormatException") from None  # fmt: skip


def _to_base64(_i: Any, data: Any, start: Any = 0, count: Any = None) -> str:
    raw = bytes(data if data.__class__ is bytearray else cast(null_safe(data), "System.Byte[]"))
    at = 0 if isinstance(start, str) else to_int(start)
    return base64.b64encode(raw[at : None if count is None else at + to_int(count)]).decode()


def _based(kind: str) -> Any:
    def convert(_i: Any, value: Any, base: Any = None) -> Any:
        if base is not None and isinstance(value, str):
            try:
                found = int(value, to_int(base))
            except ValueError:
                raise net_error("Could not find any recognizable digits.", "System.FormatException") from None
            return cast(found - 2**32 if kind == "System.Int32" and found > 0x7FFFFFFF and base == 16 else found, kind)
        if isinstance(value, str):
            return _parse(value, kind)
        return cast(value, kind)

    return convert


def _convert_string(_i: Any, value: Any, base: Any = None) -> str:
    if base is None or not isinstance(value, int):
        return to_string(value)
    return {2: "b", 8: "o", 10: "d", 16: "x"}[to_int(base)] and format(value & 0xFFFFFFFF if value < 0 else value,
                                                                       {2: "b", 8: "o", 10: "d", 16: "x"}[to_int(base)])  # fmt: skip


static("System.Convert", None, {
    "ToBase64String": _to_base64, "FromBase64String": _from_base64,
    "ToInt32": _based("System.Int32"), "ToInt64": _based("System.Int64"), "ToByte": _based("System.Byte"),
    "ToUInt32": _based("System.UInt32"), "ToUInt64": _based("System.UInt64"), "ToDouble": _based("System.Double"),
    "ToString": _convert_string, "ToBoolean": lambda _i, v: _parse_bool(v) if isinstance(v, str) else to_bool(v),
    "ToDateTime": lambda _i, v: cast(v, "System.DateTime"), "ToChar": lambda _i, v: cast(v, "System.Char"),
})  # fmt: skip

static("System.BitConverter", None, {
    "ToString": lambda _i, data, *_r: bytes(cast(null_safe(data), "System.Byte[]")).hex("-").upper(),
    "ToInt32": lambda _i, data, at: int.from_bytes(data[at : at + 4], "little", signed=True),
    "GetBytes": lambda _i, n: bytearray(to_int(n).to_bytes(4 if name_of(n) == "System.Int32" else 8, "little", signed=True)),
})  # fmt: skip
