"""How a server of the lab stops taking connections."""

from __future__ import annotations

import asyncio
from asyncio.trsock import TransportSocket
from socket import socket


async def close_door(loop: asyncio.AbstractEventLoop, door: socket | TransportSocket) -> None:
    """Accept nothing more on a listening socket, before its server closes.

    What was accepted a turn ago reaches the server in the next ones. A server closed before that drops it without
    closing it (CPython 3.11: `Server._attach` asserts, and the accepting task keeps it to itself).
    """
    loop.remove_reader(door)
    for _ in range(5):
        await asyncio.sleep(0)
