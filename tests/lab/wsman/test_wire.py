"""The bytes: shapes of faults, Identify, refused documents, NTLM against pyspnego, RC4 and MD4 against their papers."""

from __future__ import annotations

import socket
import xml.etree.ElementTree as ET

import pytest
import requests
import spnego
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.lab.wsman import EstateServer, envelope, rc4
from bot.lab.wsman.envelope import BadEnvelope
from bot.lab.wsman.ntlm import NtlmError, NtlmServer
from bot.lab.wsman.spnego import SpnegoServer


def test_identify_needs_no_password_and_tells_no_version(server: EstateServer) -> None:
    body = (
        f'<s:Envelope xmlns:s="{envelope.SOAP}"><s:Header/><s:Body>'
        f'<i:Identify xmlns:i="{envelope.IDENTITY}"/></s:Body></s:Envelope>'
    )
    headers = {"WSMANIDENTIFY": "unauthenticated", "Content-Type": "application/soap+xml;charset=UTF-8"}
    answer = requests.post(server.url("EXN1"), data=body, headers=headers, timeout=30)
    assert answer.status_code == 200
    assert "OS: 0.0.0 SP: 0.0 Stack: 2.0" in answer.text


def test_without_credentials_every_request_gets_the_schemes(server: EstateServer) -> None:
    answer = requests.post(server.url("EXN1"), data="x", timeout=30)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Negotiate"


def test_other_paths_and_methods_are_not_served(server: EstateServer) -> None:
    address = server.url("EXN1")
    assert requests.post(address + "x", timeout=30).status_code == 404
    assert requests.get(address, timeout=30).status_code == 405


def test_rubbish_closes_the_connection_and_the_server_goes_on(server: EstateServer) -> None:
    with socket.create_connection(("127.0.0.1", server.ports["EXN1"]), timeout=30) as raw:
        raw.sendall(b"GET\x00\xff\r\n\r\n" + b"POST /wsman HTTP/1.1\r\nContent-Length: -5\r\n\r\n")
        while raw.recv(4096):
            pass
    assert requests.post(server.url("EXN1"), timeout=30).status_code == 401


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
        "<x",
        "<x/>",
        "",
        f'<s:Envelope xmlns:s="{envelope.SOAP}"/>',
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_what_is_no_plain_soap_envelope_is_refused(text: str, codec: str) -> None:
    with pytest.raises(BadEnvelope):
        envelope.read(text.encode(codec))


def test_a_fault_has_the_parts_windows_sends() -> None:
    root = ET.fromstring(envelope.fault(envelope.COMMAND_GONE, "EXN1", "uuid:1"))  # noqa: S314 - our own text
    names = {
        "s": envelope.SOAP,
        "a": envelope.ADDRESSING,
        "w": envelope.WSMAN,
        "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    }
    assert root.findtext("s:Header/a:Action", "", names) == "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
    assert root.findtext("s:Header/a:RelatesTo", "", names) == "uuid:1"
    assert root.findtext("s:Body/s:Fault/s:Code/s:Subcode/s:Value", "", names) == "w:InvalidSelectors"
    detail = root.find("s:Body/s:Fault/s:Detail/f:WSManFault", names)
    assert detail is not None
    assert (detail.get("Code"), detail.get("Machine")) == ("2150858843", "EXN1")
    assert root.findtext("s:Body/s:Fault/s:Detail/w:FaultDetail", "", names).endswith(
        "/wbem/wsman/1/wsman/faultDetail/UnexpectedSelectors"
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT20S", 20.0), ("PT1H", 3600.0), ("P0DT0H3M0S", 180.0), ("PT7200.000S", 7200.0), ("x", None)],
)
def test_durations_are_read(text: str, seconds: float | None) -> None:
    assert envelope.duration(text) == seconds


@pytest.mark.parametrize("plain", [False, True])
def test_rc4_and_md4_give_what_their_papers_say(plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if plain:
        monkeypatch.setattr(rc4, "_LIBRARY", [None])
    stream = rc4.Rc4(b"Key")
    assert (stream.update(b"Plain") + stream.update(b"text")).hex() == "bbf316e8d940af0ad3"
    assert rc4.md4(b"").hex() == "31d6cfe0d16ae931b73c59d7e0c089c0"
    assert rc4.md4(b"abc").hex() == "a448017aaf21d8525fc10ae87aa6729d"
    assert rc4.md4(b"1234567890" * 8).hex() == "e33b4ddc9c38f2199c3e7b164fcc0536"


@settings(max_examples=25)
@given(st.lists(st.binary(min_size=1, max_size=100), max_size=4))
def test_both_ways_of_rc4_agree_on_any_stream(pieces: list[bytes]) -> None:
    fast = rc4.Rc4(b"0123456789abcdef")
    slow = rc4.Rc4(b"0123456789abcdef")
    slow._library = None
    slow.reset()
    for piece in pieces:
        assert fast.update(piece) == slow.update(piece)


def _pair(password: str, *, negotiate: bool) -> tuple[object, NtlmServer]:
    server = NtlmServer("EXN1", "LAB", lambda user, domain: "right" if (user, domain) == ("u", "LAB") else None)
    acceptor = SpnegoServer(server) if negotiate else server
    options = spnego.NegotiateOptions.use_negotiate if negotiate else spnego.NegotiateOptions.use_ntlm
    client = spnego.client("LAB\\u", password, protocol="negotiate" if negotiate else "ntlm", options=options)
    token = client.step()
    for _ in range(4):
        out = acceptor.step(token)
        if client.complete and not out:
            break
        token = client.step(out)
        if token is None:
            break
    return client, server


@pytest.mark.parametrize("negotiate", [False, True])
def test_our_ntlm_agrees_with_pyspnego_on_keys_and_seals(negotiate: bool) -> None:
    client, server = _pair("right", negotiate=negotiate)
    assert server.complete
    for number in range(3):
        text = f"message {number}".encode() * 50
        sealed = client.wrap_winrm(text)  # type: ignore[attr-defined]
        assert server.unseal(sealed.header, sealed.data) == text
        signature, answer = server.seal(text[::-1])
        assert client.unwrap_winrm(signature, answer) == text[::-1]  # type: ignore[attr-defined]


def test_a_wrong_password_and_a_broken_seal_are_noticed() -> None:
    with pytest.raises(NtlmError):
        _pair("wrong", negotiate=False)
    client, server = _pair("right", negotiate=False)
    sealed = client.wrap_winrm(b"do it")  # type: ignore[attr-defined]
    with pytest.raises(NtlmError):
        server.unseal(sealed.header, bytes([sealed.data[0] ^ 1]) + sealed.data[1:])


@given(st.binary(max_size=200))
def test_no_token_whatsoever_breaks_the_acceptor(token: bytes) -> None:
    for text in (token, b"NTLMSSP\x00" + token):
        server = NtlmServer("EXN1", "LAB", lambda user, domain: None)
        for acceptor in (server, SpnegoServer(server)):
            try:
                acceptor.step(text)
            except NtlmError:
                continue
            assert not server.complete
