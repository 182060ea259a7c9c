"""Cmdlets that write: Write-*, Out-*, Format-*."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bot.lab.powershell.cmdlet import Call, cmdlet
from bot.lab.powershell.cmdlets_objects import Picker, pickers
from bot.lab.powershell.control import record_of
from bot.lab.powershell.convert import enumerates, to_int, to_list, to_string
from bot.lab.powershell.formatting import (
    Column,
    FormatText,
    Printer,
    cell,
    columns_of,
    list_text,
    table_text,
    to_text,
)
from bot.lab.powershell.paths import ENCODINGS, full_path
from bot.lab.powershell.values import CmdletError, ErrorRecord, Hashtable, NetError, PSObject


def limit_of(call: Call) -> int:
    """$FormatEnumerationLimit."""
    value = call.interpreter.variable("", "formatenumerationlimit")
    return value if isinstance(value, int) else 4


@cmdlet("Write-Output", "InputObject", positional=("InputObject",), remaining=True)
def write_output(call: Call) -> Iterable[Any]:
    """Objects to the pipeline, arrays item by item."""
    values = call.piped or [call.get("InputObject"), *call.rest]
    for value in values if "InputObject" in call.params or call.piped else []:
        yield from to_list(value) if enumerates(value) else [value]


@cmdlet("Write-Host", "Object", "NoNewline?", "Separator", "ForegroundColor", "BackgroundColor", positional=("Object",),
        pipe="Object", remaining=True)  # fmt: skip
def write_host(call: Call) -> None:
    """Text to the host: past the pipeline."""
    separator = call.text("Separator", " ")
    text = separator.join(cell(v, -1) if not isinstance(v, list) else separator.join(to_string(x) for x in v)
                          for v in [call.get("Object"), *call.rest])  # fmt: skip
    call.interpreter.write_line(text + ("" if call.on("NoNewline") else "\r\n"))


def _side(name: str, label: str, preference: str, stream: str) -> None:
    @cmdlet(f"Write-{name}", "Message", positional=("Message",), pipe="Message", required=("Message",))
    def write(call: Call) -> None:
        action = call.interpreter.action(call.interpreter.variable("", preference))
        wanted = call.bound.common.get(name)
        if wanted or (action in {"Continue", "Inquire"} and wanted is None):
            call.interpreter.side_line(f"{label}: {call.text('Message')}\r\n", stream)
        elif action == "Stop" and wanted is None:
            raise CmdletError(f'Command execution stopped because the preference variable "{preference}" or common parameter is '
                              f"set to Stop: {call.text('Message')}", "ActionPreferenceStop", category="OperationStopped")  # fmt: skip

    write.__doc__ = f"A {name.lower()} message."


for _name, _label, _preference in (("Warning", "WARNING", "warningpreference"), ("Verbose", "VERBOSE", "verbosepreference"),
                                   ("Debug", "DEBUG", "debugpreference")):  # fmt: skip
    _side(_name, _label, _preference, _name.lower())


@cmdlet("Write-Progress", "Activity", "Status", "Id", "PercentComplete", "SecondsRemaining", "CurrentOperation", "ParentId",
        "Completed?", "SourceId", positional=("Activity", "Status", "Id"))  # fmt: skip
def write_progress(_call: Call) -> None:
    """Progress: nothing shows it when output is no console."""


@cmdlet("Write-Error", "Message", "Exception", "ErrorRecord", "Category", "ErrorId", "TargetObject", "RecommendedAction",
        "CategoryActivity", "CategoryReason", "CategoryTargetName", "CategoryTargetType", positional=("Message",),
        pipe="Message")  # fmt: skip
def write_error(call: Call) -> None:
    """An error record of one's own."""
    from bot.lab.powershell.cmdlet import report

    record = call.get("ErrorRecord")
    if not isinstance(record, ErrorRecord):
        message = call.get("Message")
        if isinstance(message, ErrorRecord):
            record = message
        else:
            wrong = call.get("Exception")
            text = to_string(message) if message is not None else wrong.message if isinstance(wrong, NetError) else ""
            kind = (
                wrong.types[0] if isinstance(wrong, NetError) else "Microsoft.PowerShell.Commands.WriteErrorException"
            )
            error = CmdletError(text, call.text("ErrorId") or kind, False, category=call.text("Category", "NotSpecified"),
                                target=call.get("TargetObject"), exception=kind)  # fmt: skip
            record = record_of(error, "", call.spot)
            record.activity = call.name
            if isinstance(wrong, NetError):
                record.error = wrong
    report(call.interpreter, call.bound, record)


@cmdlet("Out-Null", "InputObject")
def out_null(_call: Call) -> None:
    """Nothing."""


@cmdlet("Out-String", "Stream?", "Width", "InputObject", mode="all")
def out_string(call: Call) -> Iterable[Any]:
    """What would be printed, as one string or as lines."""
    text = to_text(call.input, limit=limit_of(call))
    if call.on("Stream"):
        yield from text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    else:
        yield text


def _to_host(call: Call) -> None:
    printer = Printer(call.interpreter.write_line, lambda: limit_of(call))
    for item in call.input:
        printer.take(item)
    printer.flush()


for _name in ("Out-Host", "Out-Default"):
    cmdlet(_name, "InputObject", "Paging?", mode="all")(_to_host)


def encode(call: Call, text: str, default: str, *, fresh: bool) -> bytes:
    """Text under -Encoding, with the mark at the beginning of a new file."""
    name = call.text("Encoding", default).casefold()
    if name not in ENCODINGS:
        raise CmdletError(f"Cannot validate argument on parameter 'Encoding'. The argument \"{call.text('Encoding')}\" does not "
                          "belong to the set \"unknown,string,unicode,bigendianunicode,utf8,utf7,utf32,ascii,default,oem\" "
                          "specified by the ValidateSet attribute. Supply an argument that is in the set and then try the command "
                          "again.", "ParameterArgumentValidationError", category="InvalidData",
                          exception="System.Management.Automation.ParameterBindingException")  # fmt: skip
    codec, mark = ENCODINGS[name]
    return (mark if fresh else b"") + text.encode(codec, "replace")


@cmdlet("Out-File", "FilePath", "Encoding", "Append?", "Force?", "NoClobber?", "Width", "InputObject",
        positional=("FilePath", "Encoding"), mode="all", required=("FilePath",))  # fmt: skip
def out_file(call: Call) -> None:
    """What would be printed, into a file (Unicode unless told otherwise)."""
    from bot.lab.powershell.cmdlets_items import touching

    path = full_path(call.session, call.text("FilePath"))
    fs = call.machine.fs
    exists = fs.exists(path)
    if exists and call.on("NoClobber") and not call.on("Append"):
        raise CmdletError(f"The file '{path}' already exists.", "NoClobber", category="ResourceExists", target=path,
                          exception="System.IO.IOException")  # fmt: skip
    append = call.on("Append") and exists
    data = encode(call, to_text(call.input, limit=limit_of(call)), "unicode", fresh=not append)
    with touching(path):
        fs.write(path, data, mode="append" if append else "create")


@cmdlet("Tee-Object", "FilePath", "Variable", "InputObject", positional=("FilePath",), mode="all")
def tee_object(call: Call) -> Iterable[Any]:
    """Objects to a file or variable, and on."""
    items = list(call.input)
    if "Variable" in call.params:
        call.interpreter.scope.set(call.text("Variable").lower(), items[0] if len(items) == 1 else items)
    elif "FilePath" in call.params:
        path = full_path(call.session, call.text("FilePath"))
        call.machine.fs.write(path, encode(call, to_text(items, limit=limit_of(call)), "unicode", fresh=True))
    yield from items


def _columns(call: Call, item: Any) -> list[Column]:
    chosen = pickers(call, "Property")
    if not chosen:
        return columns_of(item)
    return [Column(name, _reading(p, name), _width(given))
            for p, given in zip(chosen, to_list(call.params["Property"]), strict=True) for name, _ in p.expand(item)]  # fmt: skip


def _reading(picker: Picker, name: str) -> Callable[[Any], Any]:
    return lambda value: dict(picker.expand(value)).get(name)


def _width(given: Any) -> int:
    if isinstance(given, Hashtable):
        for key, value in given.items():
            if "width".startswith(to_string(key).casefold()):
                return to_int(value)
    return 0


def _format_all(call: Call, table: bool) -> Iterable[Any]:
    limit = limit_of(call)
    plain = [
        i for i in call.input if not isinstance(i, PSObject | Hashtable) and isinstance(i, str | int | float | bool)
    ]
    items = [i for i in call.input if i is not None]
    if items and len(plain) == len(items) and "Property" not in call.params:
        yield FormatText("".join(cell(i, limit) + "\r\n" for i in items))
        return
    flat: list[Any] = []
    for item in items:
        if isinstance(item, Hashtable) and "Property" not in call.params:
            flat += [PSObject({"Name": k, "Value": v}) for k, v in item.items()]
        else:
            flat.append(item)
    if not flat:
        return
    if not table:
        yield FormatText(list_text(flat, lambda v: _columns(call, v), limit))
        return
    columns = _columns(call, flat[0])
    from bot.lab.powershell.typenames import name_of
    from bot.lab.powershell.views import VIEWS

    view = VIEWS.get(name_of(flat[0]))
    if view is not None and "Property" not in call.params and not call.on("AutoSize"):
        yield FormatText(view(flat, limit))
        return
    yield FormatText(table_text(flat, columns, limit, auto=call.on("AutoSize"), head=not call.on("HideTableHeaders"),
                                wrap=call.on("Wrap")))  # fmt: skip


@cmdlet("Format-List", "Property", "GroupBy", "View", "Force?", "Expand", "InputObject", positional=("Property",), mode="all",
        remaining=True)  # fmt: skip
def format_list(call: Call) -> Iterable[Any]:
    """Objects as lists of their properties."""
    return _format_all(call, table=False)


@cmdlet("Format-Table", "Property", "AutoSize?", "HideTableHeaders?", "Wrap?", "GroupBy", "View", "Force?", "InputObject",
        positional=("Property",), mode="all")  # fmt: skip
def format_table(call: Call) -> Iterable[Any]:
    """Objects as a table."""
    return _format_all(call, table=True)


@cmdlet("Select-String", "Pattern", "Path", "SimpleMatch?", "CaseSensitive?", "Quiet?", "NotMatch?", "InputObject",
        positional=("Pattern", "Path"), mode="all", required=("Pattern",))  # fmt: skip
def select_string(call: Call) -> Iterable[Any]:
    """Lines that match a pattern."""
    import re

    from bot.lab.powershell.regexes import compiled

    flags = 0 if call.on("CaseSensitive") else re.IGNORECASE
    shapes = [
        re.compile(re.escape(p), flags) if call.on("SimpleMatch") else compiled(p, flags) for p in call.texts("Pattern")
    ]
    sources = [("InputStream", [to_string(i) for i in call.input])]
    if "Path" in call.params:
        sources = [(p, call.interpreter.read_lines(p)) for p in call.texts("Path")]
    hit = False
    for path, lines in sources:
        for number, line in enumerate(lines, 1):
            if any(s.search(line) for s in shapes) is call.on("NotMatch"):
                continue
            hit = True
            if not call.on("Quiet"):
                text = line if path == "InputStream" else f"{path}:{number}:{line}"
                yield PSObject({"LineNumber": number, "Line": line, "Path": path, "Pattern": call.texts("Pattern")[0]},
                               ("Microsoft.PowerShell.Commands.MatchInfo", "System.Object"), text=text)  # fmt: skip
    if call.on("Quiet"):
        yield hit
