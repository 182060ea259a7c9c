"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def until(true: Callable[[], _T], within: float = 60.0) -> _T:
    """Wait for a condition; its last value. The limit is for what never comes: a busy machine is slow."""
    end = time.monotonic() + within
    while not (value := true()):
        assert time.monotonic() < end, f"still not so after {within:.0f} s: {true}"
        time.sleep(0.01)
    return value
