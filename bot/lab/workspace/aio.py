"""Imports aiohttp without the certificates of its client, which nobody here uses.

The package makes a TLS context as it is imported and reads every authority the machine trusts into it: a fifth of the
range's start. The range speaks plain HTTP on loopback, so for the length of this import there are none to be read.
"""

from __future__ import annotations

import os

_PLACES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_BEFORE = {name: os.environ.get(name) for name in _PLACES}
os.environ.update(dict.fromkeys(_PLACES, os.devnull))
try:
    import aiohttp  # noqa: F401 - in memory from here on
finally:
    for _name, _value in _BEFORE.items():
        if _value is None:
            del os.environ[_name]
        else:
            os.environ[_name] = _value
