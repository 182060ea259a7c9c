"""SOAP as WinRM speaks it: reading requests, writing answers and faults in the shapes Windows uses.

Shapes, namespaces and header order were held against the recorded conversations of pypsrp's tests
(github:jborean93/pypsrp, tests/tests_pypsrp/responses).
"""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CMD = SHELL + "/cmd"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"

_ANONYMOUS = ADDRESSING + "/role/anonymous"
_HEAD = (
    f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:x="{TRANSFER}" xmlns:w="{WSMAN}"'
    f' xmlns:rsp="{SHELL}" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd">'
)


class BadEnvelope(Exception):
    """The body is not a SOAP request this server reads."""


@dataclass(frozen=True)
class Words:
    """A refusal as WinRM words it: `code` is the WSManFault number, `subcode` such as `w:InvalidSelectors`."""

    code: int
    subcode: str
    reason: str
    detail: str = ""  # last part of the WS-Management fault detail's address
    sender: bool = True


class Fault(Exception):
    """The request is refused with these words."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.reason)
        self.words = words


SHELL_GONE = Words(
    2150858843,
    "w:InvalidSelectors",
    "The WS-Management service cannot process the request because the request contained invalid selectors for the resource. ",
    "UnexpectedSelectors",
)
COMMAND_GONE = Words(
    2150858843,
    "w:InvalidSelectors",
    "The Windows Remote Shell received a request to perform an operation on a command identifier that does not exist."
    " Either the command has completed execution or the client specified an invalid command identifier. ",
    "UnexpectedSelectors",
)
TIMED_OUT = Words(
    2150858793,
    "w:TimedOut",
    "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  ",
    sender=False,
)
TOO_MANY_SHELLS = Words(
    2150859173,
    "w:QuotaLimit",
    "The WS-Management service cannot process the request. This user is allowed a maximum number of 5 concurrent shells,"
    " which has been exceeded. Close existing shells or raise the quota for this user. ",
    sender=False,
)
TOO_MANY_OPERATIONS = Words(
    2150859174,
    "w:QuotaLimit",
    "The WS-Management service cannot process the request. This user is allowed a maximum number of 15 concurrent"
    " operations, which has been exceeded. Close existing operations for this user, or raise the quota for this user. ",
    sender=False,
)
ACCESS_DENIED = Words(5, "w:AccessDenied", "Access is denied. ")
NO_PROGRAM = Words(2147942402, "w:InternalError", "The system cannot find the file specified. ", sender=False)
NO_ACTION = Words(
    2150858817,
    "a:ActionNotSupported",
    "The WS-Management service cannot process the request because the action is not supported. ",
)
NO_RESOURCE = Words(
    2150858752,
    "a:DestinationUnreachable",
    "The WS-Management service cannot process the request. The resource URI was not found in the WS-Management catalog."
    " The catalog contains the metadata that describes resources, or logical endpoints. ",
    "InvalidResourceURI",
)
SHELL_TAKEN = Words(
    2150858845, "w:AlreadyExists", "The WS-Management service cannot create the shell: its identifier is in use. "
)


@dataclass(frozen=True)
class Request:
    """One SOAP request."""

    action: str
    resource: str
    message_id: str
    timeout_s: float | None
    options: dict[str, str]  # names in upper case
    selectors: dict[str, str]
    body: ET.Element | None = field(compare=False)

    @property
    def shell_id(self) -> str:
        """The shell the request is for, upper case, "" without one."""
        return self.selectors.get("ShellId", "").upper()


def _seconds(text: str) -> float | None:
    found = re.fullmatch(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", text.strip())
    if not found or not text.strip("PT "):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def duration(text: str | None) -> float | None:
    """Seconds of an xs:duration such as `PT20S` or `PT1H`; None without one."""
    return _seconds(text) if text else None


def read(content: bytes) -> Request:
    """Read a request. Raises BadEnvelope; document types are refused, so that no entity can ever expand."""
    try:
        text = content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise BadEnvelope("document types are not accepted")
        root = ET.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))  # noqa: S314 - no document types, see above
    except (UnicodeDecodeError, ET.ParseError) as broken:
        raise BadEnvelope(str(broken)) from broken
    head, body = root.find(f"{{{SOAP}}}Header"), root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or body is None:
        raise BadEnvelope("no SOAP envelope")
    inner = body[0] if len(body) else None
    if inner is not None and inner.tag == f"{{{IDENTITY}}}Identify":
        return Request("Identify", "", "", None, {}, {}, inner)
    if head is None:
        raise BadEnvelope("no header")

    def text_of(tag: str) -> str:
        found = head.find(tag)
        return (found.text or "").strip() if found is not None else ""

    return Request(
        action=text_of(f"{{{ADDRESSING}}}Action"),
        resource=text_of(f"{{{WSMAN}}}ResourceURI"),
        message_id=text_of(f"{{{ADDRESSING}}}MessageID"),
        timeout_s=_seconds(text_of(f"{{{WSMAN}}}OperationTimeout")),
        options={(o.get("Name") or "").upper(): o.text or "" for o in head.iter(f"{{{WSMAN}}}Option")},
        selectors={o.get("Name") or "": (o.text or "").strip() for o in head.iter(f"{{{WSMAN}}}Selector")},
        body=inner,
    )


def child_text(parent: ET.Element | None, name: str) -> str | None:
    """Text of a shell element's child, None when it is not there."""
    found = parent.find(f"{{{SHELL}}}{name}") if parent is not None else None
    return None if found is None else found.text or ""


def _wrap(action: str, relates_to: str, body: str) -> bytes:
    return (
        f"{_HEAD}<s:Header><a:Action>{action}</a:Action><a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{_ANONYMOUS}</a:To><a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def answer(request: Request, body: str) -> bytes:
    """The answer to a request: its action with `Response` behind it."""
    return _wrap(escape(request.action) + "Response", request.message_id, body)


def fault(refused: Words, machine: str, relates_to: str = "") -> bytes:
    """A SOAP fault with its WSManFault detail."""
    text = escape(refused.reason)
    detail = f"<w:FaultDetail>{WSMAN[:-4]}/faultDetail/{refused.detail}</w:FaultDetail>" if refused.detail else ""
    return _wrap(
        f"{WSMAN[:-4]}/fault" if not refused.subcode.startswith("a:") else f"{ADDRESSING}/fault",
        relates_to,
        f"<s:Fault><s:Code><s:Value>s:{'Sender' if refused.sender else 'Receiver'}</s:Value>"
        f"<s:Subcode><s:Value>{refused.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>{detail}'
        f'<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="{refused.code}"'
        f' Machine="{escape(machine)}"><f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>',
    )


def identity() -> bytes:
    """The answer to Identify, which tells nothing before the client has proved who it is."""
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}"><s:Header/><s:Body>'
        f'<wsmid:IdentifyResponse xmlns:wsmid="{IDENTITY}"><wsmid:ProtocolVersion>{WSMAN}</wsmid:ProtocolVersion>'
        "<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        "<wsmid:ProductVersion>OS: 0.0.0 SP: 0.0 Stack: 2.0</wsmid:ProductVersion>"
        "</wsmid:IdentifyResponse></s:Body></s:Envelope>"
    ).encode()
