"""Importing aiohttp leaves the environment as it found it: the bot, a child of the range, inherits it."""

from __future__ import annotations

import importlib
import os

import pytest

from bot.lab.workspace import aio


@pytest.mark.parametrize("was", ["/etc/ssl/mine.pem", None])
def test_the_places_of_certificates_are_put_back(was: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if was is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, was)
    importlib.reload(aio)
    assert [os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")] == [was, was]
