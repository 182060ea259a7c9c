"""WinHTTP's scripting object: a request that goes out with the machine's own proxy settings, whoever makes it.

Which hosts do not answer is the machine's `no_route`; every other host answers at once with 200.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from bot.lab.powershell.values import NetError, PSObject
    from bot.lab.windows.machine import Session

PROGID = "winhttp.winhttprequest.5.1"


def request(session: Session) -> PSObject:
    """`New-Object -ComObject WinHttp.WinHttpRequest.5.1`: SetTimeouts, Open, Send, Status, StatusText."""
    from bot.lab.powershell.values import NOTHING, PSObject

    held: dict[str, Any] = {"host": "", "connect_s": 60.0}

    def set_timeouts(resolve: Any, connect: Any, send: Any, receive: Any) -> Any:
        held["connect_s"] = float(connect) / 1000
        return NOTHING

    def begin(method: Any, url: Any, later: Any = None) -> Any:
        parts = urlsplit(str(url))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise _failed("Open", 3, "The URL does not use a recognized protocol")
        held["host"] = parts.hostname.casefold()
        return NOTHING

    def send(body: Any = None) -> Any:
        if not held["host"]:
            raise _failed("Send", 0, "The data necessary to complete this operation is not yet available.")
        if held["host"] in session.machine.no_route:
            session.sleep(held["connect_s"])
            raise _failed("Send", 0, "The operation timed out")
        made["Status"], made["StatusText"] = 200, "OK"
        return NOTHING

    made = PSObject(
        {"Status": None, "StatusText": None, "ResponseText": None},
        ("System.__ComObject#{016fe2ec-b2c8-45f8-b23b-39e53a75396b}", "System.__ComObject"),
        methods={"SetTimeouts": set_timeouts, "Open": begin, "Send": send},
    )
    return made


def _failed(method: str, arguments: int, why: str) -> NetError:
    from bot.lab.powershell.values import net_error

    inner = net_error(why, "System.Runtime.InteropServices.COMException")
    return net_error(
        f'Exception calling "{method}" with "{arguments}" argument(s): "{why}\r\n"',
        "System.Management.Automation.MethodInvocationException",
        inner,
    )
