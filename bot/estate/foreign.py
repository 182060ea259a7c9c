"""Maps every exception that pywinrm and its libraries let out (facts/winrm.md §1.4) into our small tree."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import requests
import urllib3
from spnego.exceptions import SpnegoError
from winrm.exceptions import (
    AuthenticationError,
    WinRMError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)

from bot.estate.errors import BadReply, Denied, EstateError, Fault, TimedOut, Unreachable

# Catching WinRMError alone misses most of them. StopIteration and AssertionError are pywinrm's own way of
# saying that a reply had an unexpected shape; ValueError and struct errors come from a broken seal.
FAMILIES: tuple[type[Exception], ...] = (
    WinRMError,
    WinRMTransportError,
    WinRMOperationTimeoutError,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    SpnegoError,
    ET.ParseError,
    StopIteration,
    AssertionError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    OSError,
)

_ACCESS_DENIED = 5


def translate(machine: str, error: BaseException, *, secret: Callable[[], str] = lambda: "") -> EstateError:
    """Our error for a foreign one. The password is cut out of whatever text comes along."""
    match error:
        case EstateError():
            return error
        case AuthenticationError():
            return Denied(machine, "the node does not accept the account")
        case WSManFaultError():
            reason = _clean(error.reason or "", secret)
            if error.wsman_fault_code == _ACCESS_DENIED:
                return Denied(machine, f"access is denied: {reason}", code=error.wsman_fault_code)
            return Fault(machine, reason or "a fault without a reason", code=error.wsman_fault_code)
        case WinRMOperationTimeoutError():
            return TimedOut(machine, "the node did not finish the request in time")
        case WinRMTransportError():
            if error.code in {401, 403}:
                return Denied(machine, f"the node answered HTTP {error.code}", code=error.code)
            if error.code in {502, 503, 504}:
                return Unreachable(machine, f"the node answered HTTP {error.code}", code=error.code)
            return BadReply(machine, f"the node answered HTTP {error.code} without a fault", code=error.code)
        case requests.exceptions.Timeout():
            return Unreachable(machine, "no answer in time")
        case requests.exceptions.ConnectionError() | urllib3.exceptions.HTTPError():
            return Unreachable(machine, "refused the connection" if certainly_not_sent(error) else "connection cut")
        case requests.exceptions.RequestException():
            return Unreachable(machine, f"could not be asked ({type(error).__name__})")
        case SpnegoError() | ET.ParseError() | StopIteration() | AssertionError():
            return BadReply(machine, f"an answer that is none ({type(error).__name__})")
        case WinRMError():
            return BadReply(machine, _clean(str(error), secret))
        case OSError():
            return Unreachable(machine, f"connection failed ({type(error).__name__})")
        case _:
            return BadReply(machine, f"an answer that cannot be read ({type(error).__name__})")


def certainly_not_sent(error: BaseException) -> bool:
    """Whether the request never left: no connection came about, or the logon before it was refused."""
    if isinstance(error, AuthenticationError | requests.exceptions.ConnectTimeout):
        return True
    seen: BaseException | None = error
    for _ in range(6):
        if seen is None:
            return False
        if isinstance(seen, urllib3.exceptions.NewConnectionError | ConnectionRefusedError):
            return True
        inner = getattr(seen, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in seen.args if isinstance(a, BaseException)), None)
        seen = inner or seen.__cause__ or seen.__context__
    return False


def _clean(text: str, secret: Callable[[], str]) -> str:
    hidden = secret()
    if hidden:
        text = text.replace(hidden, "…")
    return " ".join(text.split())[:300]
