"""[string], [char], [regex], [Text.Encoding], [Convert], [BitConverter], arrays, hashtables and what every value has."""

from __future__ import annotations

import re
from typing import Any

from bot.lab.powershell.convert import to_int, to_list, to_string
from bot.lab.powershell.dotnet import instance, static
from bot.lab.powershell.dotnet_convert import null_safe
from bot.lab.powershell.netformat import compose, format_value
from bot.lab.powershell.operators import equal, order
from bot.lab.powershell.regexes import Regex, match_object, substitute
from bot.lab.powershell.typenames import names_of
from bot.lab.powershell.values import ArrayList, Char, EnumValue, Hashtable, NetError, PSObject, PSType, net_error


def _range(message: str, name: str) -> NetError:
    return net_error(f"{message}\r\nParameter name: {name}", "System.ArgumentOutOfRangeException")


def _substring(_i: Any, s: str, start: Any, length: Any = None) -> str:
    at = to_int(start)
    if at < 0 or at > len(s):
        raise _range(
            "startIndex cannot be larger than length of string." if at > 0 else "StartIndex cannot be less than zero.",
            "startIndex",
        )
    if length is None:
        return s[at:]
    size = to_int(length)
    if size < 0 or at + size > len(s):
        raise _range("Index and length must refer to a location within the string.", "length")
    return s[at : at + size]


def _no_case(rest: tuple[Any, ...]) -> bool:
    return any("ignorecase" in to_string(r).lower() for r in rest if isinstance(r, str)) or (
        len(rest) == 1 and rest[0] is True
    )


def _index_of(_i: Any, s: str, what: Any, *rest: Any) -> int:
    start = next((r for r in rest if isinstance(r, int)), 0)
    return s.lower().find(to_string(what).lower(), start) if _no_case(rest) else str(s).find(to_string(what), start)


def _split(_i: Any, s: str, *by: Any) -> list[str]:
    drop = (
        any(
            (isinstance(b, EnumValue) and b == "RemoveEmptyEntries") or b == "RemoveEmptyEntries"
            for b in by
            if isinstance(b, str)
        )
        and len(by) > 1
    )
    limit = next((b for b in by[1:] if isinstance(b, int)), 0)
    first = by[0] if by else None
    if isinstance(first, list) and len(by) > 1:
        marks = [to_string(m) for m in first if to_string(m)]
    else:
        plain = [
            b for b in by if not isinstance(b, int) and not (isinstance(b, EnumValue) or b == "RemoveEmptyEntries")
        ]
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


instance("System.String", {
    "Length": lambda _i, s: len(s),
}, {
    "Replace": lambda _i, s, old, new: null_safe(str(s)).replace(to_string(old), to_string(new)) if to_string(old) else null_safe(None),
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
