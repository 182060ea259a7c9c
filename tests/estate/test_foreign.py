"""These tests verify that every exception pywinrm lets out becomes one of ours, without what it carried."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
import requests
import urllib3
from spnego.exceptions import BadMICError
from winrm.exceptions import (
    InvalidCredentialsError,
    WinRMError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)

from bot.estate.clixml import error_text
from bot.estate.errors import BadReply, Denied, EstateError, Fault, TimedOut, Unreachable
from bot.estate.foreign import FAMILIES, certainly_not_sent, translate

SECRET = "hunter2"

FOREIGN: list[tuple[BaseException, type[EstateError]]] = [
    (requests.exceptions.ConnectionError("reset"), Unreachable),
    (requests.exceptions.ReadTimeout("slow"), Unreachable),
    (requests.exceptions.ChunkedEncodingError("torn"), Unreachable),
    (urllib3.exceptions.ProtocolError("torn"), Unreachable),
    (ConnectionResetError(104, "reset"), Unreachable),
    (InvalidCredentialsError("rejected"), Denied),
    (WinRMTransportError("http", 401, ""), Denied),
    (WinRMTransportError("http", 500, f"<x>{SECRET}</x>"), BadReply),
    (WinRMTransportError("http", 503, ""), Unreachable),
    (WSManFaultError(500, "m", f"<r>{SECRET}</r>", f"no {SECRET}", wsman_fault_code=2150859173), Fault),
    (WSManFaultError(500, "m", "r", "Access is denied.", wsman_fault_code=5), Denied),
    (WinRMOperationTimeoutError(), TimedOut),
    (WinRMError("tampered"), BadReply),
    (ET.ParseError("garbage"), BadReply),
    (StopIteration(), BadReply),
    (AssertionError(), BadReply),
    (BadMICError(context_msg="seal"), BadReply),
    (ValueError("seal"), BadReply),
]


@pytest.mark.parametrize(("error", "kind"), FOREIGN, ids=lambda value: getattr(value, "__name__", type(value).__name__))
def test_every_family_is_caught_and_mapped(error: BaseException, kind: type[EstateError]) -> None:
    assert isinstance(error, FAMILIES)
    ours = translate("EXN1", error, secret=lambda: SECRET)
    assert type(ours) is kind
    assert ours.machine == "EXN1"
    assert SECRET not in str(ours) + repr(ours)


def test_a_fault_keeps_its_number() -> None:
    fault = translate("EXN1", WSManFaultError(500, "m", "r", "Too many shells", wsman_fault_code=2150859173))
    assert (fault.code, fault.reason) == (2150859173, "Too many shells")


def test_only_a_refused_connection_or_logon_is_certainly_not_sent() -> None:
    refused = requests.exceptions.ConnectionError(
        urllib3.exceptions.MaxRetryError(
            None,  # type: ignore[arg-type]
            "/wsman",
            urllib3.exceptions.NewConnectionError(None, "refused"),  # type: ignore[arg-type]
        )
    )
    assert certainly_not_sent(refused)
    assert certainly_not_sent(InvalidCredentialsError("no"))
    assert not certainly_not_sent(requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("reset")))
    assert not certainly_not_sent(requests.exceptions.ReadTimeout("slow"))


OBJS = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'


def test_progress_is_no_error() -> None:
    assert error_text(f'#< CLIXML\r\n{OBJS}<Obj S="progress" RefId="0"></Obj></Objs>') == ""


def test_error_lines_are_read_and_warnings_are_not() -> None:
    stream = f'#< CLIXML\r\n{OBJS}<S S="warning">careful</S><S S="Error">no such_x000D__x000A_</S><S S="Error">thing</S></Objs>'
    assert error_text(stream) == "no such\r\nthing"


def test_two_documents_and_plain_text_are_read_together() -> None:
    document = f'#< CLIXML\r\n{OBJS}<S S="Error">one</S></Objs>'
    assert error_text(f"before\r\n{document}{document}") == "before\noneone"
    assert error_text("plain\r\n") == "plain"
