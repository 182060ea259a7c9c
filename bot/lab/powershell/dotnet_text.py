"""[string], [char], [regex], [Text.Encoding], [Convert], [BitConverter], arrays, hashtables and what every value has."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from bot.lab.powershell.convert import cast, to_bool, to_int, to_list, to_string
from bot.lab.powershell.dotnet import instance, static
from bot.lab.powershell.netformat import compose, format_value
from bot.lab.powershell.operators import equal, order
from bot.lab.powershell.regexes import Regex, match_object, substitute
from bot.lab.powershell.typenames import name_of, names_of
from bot.lab.powershell.values import ArrayList, Char, EnumValue, Hashtable, NetError, PSObject, PSType, net_error


def _range(message: str, name: str) -> NetError:
    return net_error(f"{message}\r\nParameter name: {name}", "System.ArgumentOutOfRangeException")


def _substring(_i: Any, s: str, start: Any, length: Any = None) -> str:
    at = to_int(start)
    if at < 0 or at > len(s):
        raise _range("startIndex cannot be larger than length of string." if at > 0 else "StartIndex cannot be less than zero.", "startIndex")
    if length is None:
        return s[at:]
    size = to_int(length)
    if size < 0 or at + size > len(s):
        raise _range("Index and length must refer to a location within the string.", "length")
    return s[at : at + size]


def _no_case(rest: tuple[Any, ...]) -> bool:
    return any("ignorecase" in to_string(r).lower() for r in rest if isinstance(r, str)) or (len(rest) == 1 and rest[0] is True)


def _index_of(_i: Any, s: str, what: Any, *rest: Any) -> int:
    start = next((r for r in rest if isinstance(r, int)), 0)
    return s.lower().find(to_string(what).lower(), start) if _no_case(rest) else str(s).find(to_string(what), start)


def _split(_i: Any, s: str, *by: Any) -> list[str]:
    drop = any((isinstance(b, EnumValue) and b == "RemoveEmptyEntries") or b == "RemoveEmptyEntries" for b in by if isinstance(b, str)) and len(by) > 1
    limit = next((b for b in by[1:] if isinstance(b, int)), 0)
    first = by[0] if by else None
    if isinstance(first, list) and len(by) > 1:
        marks = [to_string(m) for m in first if to_string(m)]
    else:
        plain = [b for b in by if not isinstance(b, int) and not (isinstance(b, EnumValue) or b == "RemoveEmptyEntries")]
        marks = [c for b in plain for item in to_list(b) for c in to_string(item)]
    if not marks:
        marks = [" ", "\t", "\n", "\r"]
    pieces = re.split("|".join(re.escape(m) for m in marks), s, maxsplit=max(limit - 1, 0))
    return [p for p in pieces if p] if drop else pieces


def _strip(side: str) -> Any:
    def strip(_i: Any, s: str, *what: Any) -> str:
        chars = "".join(to_string(c) for w in what for c in to_list(w)) or None
        stripped: str = getattr(str(s), side)(chars)
        return stripped

    return strip


def _starts(end: bool) -> Any:
    def check(_i: Any, s: str, what: Any, *rest: Any) -> bool:
        text, part = str(s), to_string(what)
        if _no_case(rest):
            text, part = text.lower(), part.lower()
        return text.endswith(part) if end else text.startswith(part)

    return check


def _null_safe(value: Any) -> Any:
    if value is None:
        raise net_error("Value cannot be null.", "System.ArgumentNullException")
    return value


instance("System.String", {
    "Length": lambda _i, s: len(s),
}, {
    "Replace": lambda _i, s, old, new: _null_safe(str(s)).replace(to_string(old), to_string(new)) if to_string(old) else _null_safe(None),
    "Split": _split,
    "Trim": _strip("strip"), "TrimStart": _strip("lstrip"), "TrimEnd": _strip("rstrip"),
    "Substring": _substring,
    "ToLower": lambda _i, s: s.lower(), "ToUpper": lambda _i, s: s.upper(),
    "ToLowerInvariant": lambda _i, s: s.lower(), "ToUpperInvariant": lambda _i, s: s.upper(),
    "StartsWith": _starts(False), "EndsWith": _starts(True),
    "Contains": lambda _i, s, what: to_string(what) in s,
    "IndexOf": _index_of,
    "LastIndexOf": lambda _i, s, what: str(s).rfind(to_string(what)),
    "IndexOfAny": lambda _i, s, what: min((str(s).find(c) for c in map(to_string, to_list(what)) if c in s), default=-1),
    "PadLeft": lambda _i, s, width, fill=" ": str(s).rjust(to_int(width), to_string(fill)),
    "PadRight": lambda _i, s, width, fill=" ": str(s).ljust(to_int(width), to_string(fill)),
    "Insert": lambda _i, s, at, what: s[: to_int(at)] + to_string(what) + s[to_int(at) :],
    "Remove": lambda _i, s, at, size=None: s[: to_int(at)] + ("" if size is None else s[to_int(at) + to_int(size) :]),
    "ToCharArray": lambda _i, s: [Char(c) for c in s],
    "CompareTo": lambda _i, s, other: order(s, other, case=True),
    "Equals": lambda _i, s, other, *rest: equal(s, other, case=not _no_case(rest)) if isinstance(other, str) else False,
    "ToString": lambda _i, s, *_rest: str(s),
})  # fmt: skip

static("System.String", {
    "Empty": lambda _i: "",
}, {
    "Join": lambda _i, by, *items: to_string(by).join(to_string(v) for v in (to_list(items[0]) if len(items) == 1 else items)),
    "Format": lambda _i, form, *values: compose(to_string(form), to_list(values[0]) if len(values) == 1 else list(values)),
    "IsNullOrEmpty": lambda _i, s=None: s is None or to_string(s) == "",
    "Concat": lambda _i, *items: "".join(to_string(v) for v in (to_list(items[0]) if len(items) == 1 else items)),
    "Compare": lambda _i, a, b, *rest: order(a, b, case=not _no_case(rest)),
    "Equals": lambda _i, a, b, *rest: equal(a, b, case=not _no_case(rest)),
})  # fmt: skip

static("System.Char", None, {
    "IsDigit": lambda _i, c: to_string(c)[:1].isdigit(), "IsLetter": lambda _i, c: to_string(c)[:1].isalpha(),
    "IsWhiteSpace": lambda _i, c: to_string(c)[:1].isspace(), "IsUpper": lambda _i, c: to_string(c)[:1].isupper(),
    "IsLetterOrDigit": lambda _i, c: to_string(c)[:1].isalnum(), "ToUpper": lambda _i, c: Char(to_string(c)[:1].upper()),
    "ToLower": lambda _i, c: Char(to_string(c)[:1].lower()),
})  # fmt: skip

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


# encodings and conversions


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
    raw = bytes(cast(_null_safe(data), "System.Byte[]"))
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
    raise net_error(f"'{to_string(name)}' is not a supported encoding name.\r\nParameter name: name", "System.ArgumentException")


static("System.Text.Encoding", {name: (lambda _i, made=made: made) for name, made in _ENCODINGS.items()},
       {"GetEncoding": _get_encoding})  # fmt: skip
instance("System.Text.Encoding", {
    "CodePage": lambda _i, e: e.page, "WebName": lambda _i, e: e.codec,
}, {
    "GetBytes": lambda _i, e, text: bytearray(to_string(_null_safe(text)).encode(e.codec, "replace")),
    "GetString": _get_string,
    "GetByteCount": lambda _i, e, text: len(to_string(text).encode(e.codec, "replace")),
    "GetPreamble": lambda _i, e: bytearray(e.mark),
})  # fmt: skip


def _from_base64(_i: Any, text: Any) -> bytearray:
    plain = re.sub(r"\s", "", to_string(_null_safe(text)))
    try:
        return bytearray(base64.b64decode(plain, validate=True))
    except (binascii.Error, ValueError):
        raise net_error("Invalid length for a Base-64 char array or string." if len(plain) % 4 else "Invalid character in a "
                        "Base-64 string.", "System.FormatException") from None  # fmt: skip


def _to_base64(_i: Any, data: Any, start: Any = 0, count: Any = None) -> str:
    raw = bytes(cast(_null_safe(data), "System.Byte[]"))
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
    "ToString": lambda _i, data, *_r: bytes(cast(_null_safe(data), "System.Byte[]")).hex("-").upper(),
    "ToInt32": lambda _i, data, at: int.from_bytes(data[at : at + 4], "little", signed=True),
    "GetBytes": lambda _i, n: bytearray(to_int(n).to_bytes(4 if name_of(n) == "System.Int32" else 8, "little", signed=True)),
})  # fmt: skip

# [regex]


def _regex(_i: Any, text: Any, pattern: Any, *options: Any) -> Regex:
    return Regex(to_string(pattern), _flags(options))


def _flags(options: tuple[Any, ...]) -> int:
    words = " ".join(to_string(o).lower() for o in options)
    return (re.IGNORECASE if "ignorecase" in words else 0) | (re.MULTILINE if "multiline" in words else 0) | (
        re.DOTALL if "singleline" in words else 0)  # fmt: skip


def _regex_replace(program: re.Pattern[str], text: Any, new: Any) -> str:
    return program.sub(lambda m: substitute(m, to_string(new)), to_string(text))


static("System.Text.RegularExpressions.Regex", None, {
    "Escape": lambda _i, s: re.sub(r"([\\*+?|{}\[\]()^$.# ])", r"\\\1", to_string(s)).replace("\t", "\\t").replace("\n", "\\n"),
    "IsMatch": lambda i, s, p, *o: _regex(i, s, p, *o).program.search(to_string(s)) is not None,
    "Match": lambda i, s, p, *o: match_object(_regex(i, s, p, *o).program.search(to_string(s))),
    "Matches": lambda i, s, p, *o: _regex(i, s, p, *o).all(to_string(s)),
    "Replace": lambda i, s, p, new, *o: _regex_replace(_regex(i, s, p, *o).program, s, new),
    "Split": lambda i, s, p, *o: [x or "" for x in _regex(i, s, p, *o).program.split(to_string(s))],
})  # fmt: skip
instance("System.Text.RegularExpressions.Regex", None, {
    "IsMatch": lambda _i, r, s: r.program.search(to_string(s)) is not None,
    "Match": lambda _i, r, s: match_object(r.program.search(to_string(s))),
    "Matches": lambda _i, r, s: r.all(to_string(s)),
    "Replace": lambda _i, r, s, new: _regex_replace(r.program, s, new),
    "Split": lambda _i, r, s: [x or "" for x in r.program.split(to_string(s))],
    "ToString": lambda _i, r: r.pattern,
})  # fmt: skip

# arrays, lists, hashtables


def _fixed(_i: Any, _a: Any, *_rest: Any) -> None:
    raise net_error("Collection was of a fixed size.", "System.NotSupportedException")


instance("System.Object[]", {
    "Length": lambda _i, a: len(a), "Count": lambda _i, a: len(a), "LongLength": lambda _i, a: len(a),
    "Rank": lambda _i, _a: 1, "IsFixedSize": lambda _i, a: not isinstance(a, ArrayList),
}, {
    "Contains": lambda _i, a, what: any(equal(x, what, case=True) for x in a),
    "Clone": lambda _i, a: list(a), "GetLength": lambda _i, a, _d=0: len(a), "GetValue": lambda _i, a, at: a[to_int(at)],
    "Add": _fixed, "IndexOf": lambda _i, a, what: next((n for n, x in enumerate(a) if equal(x, what, case=True)), -1),
    "CopyTo": lambda _i, a, target, at: target.__setitem__(slice(at, at + len(a)), list(a)),
})  # fmt: skip
instance("System.Byte[]", {"Length": lambda _i, a: len(a), "Count": lambda _i, a: len(a)},
         {"Clone": lambda _i, a: bytearray(a), "GetLength": lambda _i, a, _d=0: len(a)})  # fmt: skip


def _list_add(_i: Any, a: ArrayList, item: Any) -> int | None:
    a.append(item)
    return len(a) - 1 if a.type_name.endswith("ArrayList") else None


def _pop(_i: Any, a: ArrayList, at: Any) -> None:
    n = to_int(at)
    if not 0 <= n < len(a):
        raise _range("Index was out of range. Must be non-negative and less than the size of the collection.", "index")
    del a[n]


def _remove(_i: Any, a: ArrayList, item: Any) -> None:
    at = next((n for n, x in enumerate(a) if equal(x, item, case=True)), -1)
    if at >= 0:
        del a[at]


for _name in ("System.Collections.ArrayList", "System.Collections.Generic.List"):
    instance(_name, {"Count": lambda _i, a: len(a)}, {
        "Add": _list_add, "AddRange": lambda _i, a, items: a.extend(to_list(items)), "Clear": lambda _i, a: a.clear(),
        "Insert": lambda _i, a, at, item: a.insert(to_int(at), item), "Remove": _remove, "RemoveAt": _pop,
        "Contains": lambda _i, a, what: any(equal(x, what, case=True) for x in a),
        "ToArray": lambda _i, a, *_r: list(a), "Reverse": lambda _i, a: a.reverse(),
        "Sort": lambda _i, a: a.sort(key=lambda v: to_string(v).casefold() if isinstance(v, str) else v),
    })  # fmt: skip


def _hash_add(_i: Any, table: Hashtable, key: Any, value: Any) -> None:
    if key in table:
        raise net_error(f"Item has already been added. Key in dictionary: '{to_string(key)}'  Key being added: "
                        f"'{to_string(key)}'", "System.ArgumentException")  # fmt: skip
    table[key] = value


def _entries(table: Hashtable) -> list[PSObject]:
    return [PSObject({"Name": k, "Key": k, "Value": v}, ("System.Collections.DictionaryEntry", "System.Object"))
            for k, v in table.items()]  # fmt: skip


instance("System.Collections.Hashtable", {
    "Count": lambda _i, t: len(t), "Keys": lambda _i, t: t.keys(), "Values": lambda _i, t: t.values(),
}, {
    "Add": _hash_add, "Remove": lambda _i, t, key: t.remove(key), "Clear": lambda _i, t: t.clear(),
    "ContainsKey": lambda _i, t, key: key in t, "Contains": lambda _i, t, key: key in t,
    "ContainsValue": lambda _i, t, value: any(equal(v, value, case=True) for v in t.values()),
    "GetEnumerator": lambda _i, t: _entries(t), "Clone": lambda _i, t: t.copy(),
})  # fmt: skip

# every value


def _type(value: Any) -> PSType:
    return PSType(names_of(value)[0])


instance("System.Object", None, {
    "GetType": lambda _i, v: _type(v), "Equals": lambda _i, v, other: v is other or equal(v, other, case=True),
    "ToString": lambda _i, v, form=None, *_r: format_value(v, None if form is None else to_string(form)),
    "GetHashCode": lambda _i, v: hash(to_string(v)) & 0x7FFFFFFF, "CompareTo": lambda _i, v, other: order(v, other, case=True),
})  # fmt: skip
instance("System.RuntimeType", {
    "Name": lambda _i, t: t.name.rpartition(".")[2], "FullName": lambda _i, t: t.name,
    "Namespace": lambda _i, t: t.name.rpartition(".")[0], "IsArray": lambda _i, t: t.name.endswith("[]"),
})  # fmt: skip
