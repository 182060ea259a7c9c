"""[Environment], [Console], [Threading.Thread], identities, cultures, exceptions and error records."""

from __future__ import annotations

from typing import Any

from bot.lab.powershell.control import ExitJump
from bot.lab.powershell.convert import to_int, to_number, to_string
from bot.lab.powershell.dotnet import SETTERS, constructor, instance, static
from bot.lab.powershell.dotnet_convert import UTF8
from bot.lab.powershell.netformat import compose
from bot.lab.powershell.times import Version
from bot.lab.powershell.typenames import known
from bot.lab.powershell.values import ErrorRecord, Hashtable, NetError, PSObject, net_error


def _variable(interpreter: Any, name: Any, *_target: Any) -> str | None:
    folded = to_string(name).casefold()
    return next((v for k, v in interpreter.session.env.items() if k.casefold() == folded), None)


def _set_variable(interpreter: Any, name: Any, value: Any, *_target: Any) -> None:
    env = interpreter.session.env
    key = next((k for k in env if k.casefold() == to_string(name).casefold()), to_string(name))
    if value is None or value == "":
        env.pop(key, None)
    else:
        env[key] = to_string(value)


def _exit(_interpreter: Any, code: Any = 0) -> None:
    raise ExitJump(to_int(code))


def os_build(interpreter: Any) -> str:
    """The machine's Windows version in full."""
    return {"5.2": "5.2.3790", "6.0": "6.0.6002", "6.1": "6.1.7601"}.get(interpreter.machine.os_version, "6.0.6002")


_FOLDERS = {"system": "C:\\Windows\\system32", "programfiles": "C:\\Program Files", "windows": "C:\\Windows"}

static("System.Environment", {
    "MachineName": lambda i: i.machine.name.upper(), "NewLine": lambda _i: "\r\n",
    "UserName": lambda i: i.session.principal.user.rpartition("\\")[2], "CurrentDirectory": lambda i: i.session.cwd,
    "UserDomainName": lambda i: i.session.principal.user.rpartition("\\")[0] or i.machine.domain,
    "TickCount": lambda i: round((i.machine.clock.now() - i.machine.boot_time) * 1000) & 0x7FFFFFFF,
    "ProcessorCount": lambda _i: 4, "SystemDirectory": lambda _i: "C:\\Windows\\system32", "ExitCode": lambda _i: 0,
    "OSVersion": lambda i: PSObject(
        {"Platform": "Win32NT", "ServicePack": "", "Version": Version.parse(os_build(i)),
         "VersionString": f"Microsoft Windows NT {os_build(i)}"}, ("System.OperatingSystem", "System.Object")),
    "Version": lambda _i: Version.parse("2.0.50727.4927"),
}, {
    "GetEnvironmentVariable": _variable, "SetEnvironmentVariable": _set_variable, "Exit": _exit,
    "ExpandEnvironmentVariables": lambda i, text: _expand(i, to_string(text)),
    "GetEnvironmentVariables": lambda i: Hashtable(list(i.session.env.items())),
    "GetFolderPath": lambda i, name: _FOLDERS.get(to_string(name).lower(), i.session.env.get("USERPROFILE", "C:\\Users")),
})  # fmt: skip


def _expand(interpreter: Any, text: str) -> str:
    import re

    return re.sub(r"%([^%]+)%", lambda m: _variable(interpreter, m[1]) or m[0], text)


static("System.Threading.Thread", {
    "CurrentThread": lambda _i: PSObject({"CurrentCulture": _culture(), "CurrentUICulture": _culture(), "ManagedThreadId": 1}),
}, {"Sleep": lambda i, ms: i.session.sleep(to_number(ms) / 1000 if not hasattr(ms, "seconds") else ms.seconds)})  # fmt: skip


def _culture() -> PSObject:
    formats = PSObject({"ShortDatePattern": "M/d/yyyy", "LongDatePattern": "dddd, MMMM dd, yyyy", "ShortTimePattern": "h:mm tt",
                        "LongTimePattern": "h:mm:ss tt"}, ("System.Globalization.DateTimeFormatInfo", "System.Object"))  # fmt: skip
    return PSObject(
        {"LCID": 1033, "Name": "en-US", "DisplayName": "English (United States)", "DateTimeFormat": formats,
         "NumberFormat": PSObject({"NumberDecimalSeparator": "."})},
        ("System.Globalization.CultureInfo", "System.Object"), text="en-US", view="table", show=("LCID", "Name", "DisplayName"))  # fmt: skip


culture = _culture
static("System.Globalization.CultureInfo", {"InvariantCulture": lambda _i: PSObject(
    {"LCID": 127, "Name": ""}, ("System.Globalization.CultureInfo", "System.Object"), text=""),
    "CurrentCulture": lambda _i: _culture()}, {"GetCultureInfo": lambda _i, _name: _culture()})  # fmt: skip


class Writer:
    """[Console]::Out or ::Error."""

    net_type = "System.IO.TextWriter"
    type_name = "System.IO.TextWriter+SyncTextWriter"

    def __init__(self, interpreter: Any, stream: str) -> None:
        self.interpreter, self.stream = interpreter, stream

    def write(self, text: str) -> None:
        """Write past the pipeline, straight to the process's stream."""
        session = self.interpreter.session
        (session.out if self.stream == "out" else session.err)(text)


def _formatted(values: tuple[Any, ...]) -> str:
    if len(values) > 1:
        return compose(to_string(values[0]), list(values[1:]))
    return to_string(values[0]) if values else ""


instance("System.IO.TextWriter", {"AutoFlush": lambda _i, _w: True}, {
    "WriteLine": lambda _i, w, *v: w.write(_formatted(v) + "\r\n"), "Write": lambda _i, w, *v: w.write(_formatted(v)),
    "Flush": lambda _i, _w: None, "Close": lambda _i, _w: None,
})  # fmt: skip


class Reader:
    """[Console]::In."""

    net_type = "System.IO.TextReader"
    type_name = "System.IO.TextReader+SyncTextReader"

    def __init__(self, interpreter: Any) -> None:
        self.interpreter = interpreter

    def take(self, *, whole: bool) -> str | None:
        """Everything that is left, or the next line (None at the end)."""
        session = self.interpreter.session
        text: str = session.read_input()
        if whole:
            session.stdin, session.feed = "", None
            return text
        if not text:
            return None
        line, _, rest = text.partition("\n")
        session.stdin, session.feed = rest, None
        return line.rstrip("\r")


instance("System.IO.TextReader", None, {
    "ReadToEnd": lambda _i, r: r.take(whole=True) or "", "ReadLine": lambda _i, r: r.take(whole=False),
})  # fmt: skip
static("System.Console", {
    "Out": lambda i: Writer(i, "out"), "Error": lambda i: Writer(i, "err"), "In": Reader,
    "OutputEncoding": lambda _i: UTF8, "InputEncoding": lambda _i: UTF8,
}, {
    "WriteLine": lambda i, *v: Writer(i, "out").write(_formatted(v) + "\r\n"),
    "Write": lambda i, *v: Writer(i, "out").write(_formatted(v)), "ReadLine": lambda i: Reader(i).take(whole=False),
})  # fmt: skip
SETTERS["System.Console", "outputencoding"] = lambda _i, _value: None
SETTERS["System.Console", "inputencoding"] = lambda _i, _value: None


def _identity(interpreter: Any) -> PSObject:
    user = interpreter.session.principal.user
    system = user.upper() == "NT AUTHORITY\\SYSTEM"
    return PSObject({"AuthenticationType": "Kerberos" if interpreter.session.principal.second_hop else "NTLM",
                     "Name": user, "IsSystem": system, "IsAuthenticated": True, "IsAnonymous": False,
                     "User": PSObject({"Value": "S-1-5-18" if system else "S-1-5-21-1004336348-1177238915-682003330-1118"})},
                    ("System.Security.Principal.WindowsIdentity", "System.Object"), view="list")  # fmt: skip


static("System.Security.Principal.WindowsIdentity", None, {"GetCurrent": _identity})
constructor("System.Security.Principal.WindowsPrincipal", lambda _i, identity: PSObject(
    {"Identity": identity}, ("System.Security.Principal.WindowsPrincipal", "System.Object")))  # fmt: skip
instance("System.Security.Principal.WindowsPrincipal", None, {"IsInRole": lambda _i, _p, _role: True})

static("System.GC", None, {"Collect": lambda _i: None})
static("System.IntPtr", {"Size": lambda _i: 8})

# exceptions and error records


def _make_error(type_name: str) -> Any:
    return lambda _i, message="", inner=None: net_error(to_string(message) or f"Exception of type '{type_name}' was thrown.",
                                                        type_name, inner if isinstance(inner, NetError) else None)  # fmt: skip


for _name in ("System.Exception", "System.InvalidOperationException", "System.ArgumentException", "System.IO.IOException",
              "System.ApplicationException", "System.NotSupportedException", "System.TimeoutException",
              "System.UnauthorizedAccessException", "System.IO.FileNotFoundException"):  # fmt: skip
    constructor(_name, _make_error(_name))
known("System.FormatException", "System.OverflowException", "System.IO.DirectoryNotFoundException", "System.SystemException",
      "System.DivideByZeroException", "System.Management.ManagementException", "System.ArgumentNullException",
      "System.Management.Automation.RuntimeException", "System.Management.Automation.CommandNotFoundException",
      "System.Management.Automation.ItemNotFoundException", "System.Management.Automation.ParameterBindingException",
      "System.Management.Automation.MethodInvocationException", "System.ArgumentOutOfRangeException",
      "System.Runtime.InteropServices.COMException", "System.ComponentModel.Win32Exception")  # fmt: skip


def _base(_i: Any, error: NetError) -> NetError:
    while error.inner is not None:
        error = error.inner
    return error


instance("System.Exception", {
    "Message": lambda _i, e: e.message, "InnerException": lambda _i, e: e.inner, "StackTrace": lambda _i, _e: "",
    "Source": lambda _i, _e: "System.Management.Automation",
}, {
    "GetBaseException": _base, "GetType": lambda _i, e: __import__("bot.lab.powershell.values", fromlist=["PSType"]).PSType(e.types[0]),
    "ToString": lambda _i, e: f"{e.types[0]}: {e.message}",
})  # fmt: skip


def _category(_i: Any, r: ErrorRecord) -> PSObject:
    from bot.lab.powershell.errors import category_line

    return PSObject({"Category": r.category, "Activity": r.activity, "Reason": r.error.types[0].rpartition(".")[2],
                     "TargetName": to_string(r.target)},
                    ("System.Management.Automation.ErrorCategoryInfo", "System.Object"), text=category_line(r))  # fmt: skip


def _invocation(_i: Any, r: ErrorRecord) -> PSObject:
    from bot.lab.powershell.errors import position_lines

    spot = r.spot
    return PSObject({
        "MyCommand": r.activity, "ScriptLineNumber": spot.line if spot else 0, "OffsetInLine": spot.char if spot else 0,
        "Line": spot.text if spot else "", "PositionMessage": "\n".join(["", *position_lines(r)]), "InvocationName": r.activity,
    }, ("System.Management.Automation.InvocationInfo", "System.Object"))  # fmt: skip


instance("System.Management.Automation.ErrorRecord", {
    "Exception": lambda _i, r: r.error, "FullyQualifiedErrorId": lambda _i, r: r.error_id, "CategoryInfo": _category,
    "TargetObject": lambda _i, r: r.thrown if r.thrown is not None else r.target, "InvocationInfo": _invocation,
    "ErrorDetails": lambda _i, _r: None,
}, {"ToString": lambda _i, r: r.message})  # fmt: skip


def _block_text(_i: Any, block: Any) -> str:
    return str(block)


instance("System.Management.Automation.ScriptBlock", None, {
    "ToString": _block_text, "Invoke": lambda i, block, *arguments: i.call_block(block, list(arguments)),
    "InvokeReturnAsIs": lambda i, block, *arguments: i.call_block(block, list(arguments)),
    "GetNewClosure": lambda _i, block: block,
})  # fmt: skip
static("System.Management.Automation.ScriptBlock", None, {"Create": lambda i, text: i.make_block(to_string(text))})
