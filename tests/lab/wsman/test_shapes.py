"""Every answer has exactly the elements, in the order, that real Windows sends.

The trees were written down from conversations recorded with Windows (github:jborean93/pypsrp,
tests/tests_pypsrp/responses: winrs_standard, winrs_send, winrs_bad_cmd_id), ActivityId left out.
"""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from winrm.exceptions import WSManFaultError

from bot.lab.wsman.listener import Listener
from tests.lab.wsman.conftest import Connect

HEADER = "Header(Action MessageID To RelatesTo)"
SHELL = "Shell(ShellId ResourceUri Owner ClientIP IdleTimeOut InputStreams OutputStreams ShellRunTime ShellInactivity)"
RECORDED = {
    "CreateResponse": f"Envelope({HEADER} Body(ResourceCreated(Address ReferenceParameters(ResourceURI"
    f" SelectorSet(Selector[Name]))) {SHELL}))",
    "CommandResponse": f"Envelope({HEADER} Body(CommandResponse(CommandId)))",
    "SendResponse": f"Envelope({HEADER} Body(SendResponse))",
    "ReceiveResponse": f"Envelope({HEADER} Body(ReceiveResponse(Stream[CommandId Name] Stream[CommandId End Name]"
    " Stream[CommandId End Name] CommandState[CommandId State](ExitCode))))",
    "SignalResponse": f"Envelope({HEADER} Body(SignalResponse))",
    "DeleteResponse": f"Envelope({HEADER} Body)",
    "fault": f"Envelope({HEADER} Body(Fault(Code(Value Subcode(Value)) Reason(Text[lang])"
    " Detail(FaultDetail WSManFault[Code Machine](Message)))))",
}


def tree(element: ET.Element, *, top: bool = True) -> str:
    """An element as name[attributes](children)."""
    name = element.tag.rpartition("}")[2]
    attributes = " ".join(sorted(key.rpartition("}")[2] for key in element.attrib))
    children = " ".join(tree(child, top=False) for child in element)
    return name + (f"[{attributes}]" if attributes and not top else "") + (f"({children})" if children else "")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the listener answers, by the last part of its action."""
    heard: dict[str, str] = {}
    real: Callable[..., object] = Listener._soap

    async def listening(self: Listener, text: bytes, user: str, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        status, reply = await real(self, text, user, reader)  # type: ignore[misc]
        root = ET.fromstring(reply)  # noqa: S314 - our own answer
        action = root[0][0].text or ""
        heard[action.rpartition("/")[2]] = tree(root)
        return status, reply

    monkeypatch.setattr(Listener, "_soap", listening)
    return heard


def test_every_answer_has_the_shape_windows_gives_it(answers: dict[str, str], connect: Connect) -> None:
    protocol = connect()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "more")
    protocol.send_command_input(shell, command, b"hi\r\n", end=True)
    assert protocol.get_command_output(shell, command)[0] == b"hi\r\n"
    protocol.cleanup_command(shell, command)
    with pytest.raises(WSManFaultError):
        protocol.get_command_output_raw(shell, command)
    protocol.close_shell(shell)
    assert answers == RECORDED
