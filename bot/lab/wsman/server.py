"""Serves a whole estate of simulated machines over WS-Management, from one thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.lab.wsman.listener import Listener

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine


class EstateServer:
    """A running server: `ports` maps each machine's name to its port on 127.0.0.1."""

    def __init__(self, machines: Sequence[Machine], *, allow_unencrypted: bool = False) -> None:
        self.ports: dict[str, int] = {}
        self.listeners = {m.name: Listener(m, allow_unencrypted=allow_unencrypted) for m in machines}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wsman", daemon=True)
        self._housekeeper: asyncio.Task[None] | None = None

    def url(self, name: str) -> str:
        """The address a client is given."""
        return f"http://127.0.0.1:{self.ports[name]}/wsman"

    def start(self, base_port: int) -> None:
        """Listen; raises OSError when a port is taken."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(base_port), self._loop).result()
        except BaseException:
            self.stop()
            raise

    async def _start(self, base_port: int) -> None:
        for number, (name, listener) in enumerate(self.listeners.items()):
            self.ports[name] = await listener.start(base_port + number if base_port else 0)
        self._housekeeper = asyncio.create_task(self._keep_house())

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for listener in self.listeners.values():
                listener.host.expire()

    def stop(self) -> None:
        """Close every listener, connection and shell; commands still running are cancelled."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        if self._housekeeper is not None:
            self._housekeeper.cancel()
        for name in self.ports:
            await self.listeners[name].stop()
        # What is left are connections being dropped; let their tasks end before the loop does.
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*rest, return_exceptions=True)


def serve_machines(machines: Sequence[Machine], base_port: int = 0, *, allow_unencrypted: bool = False) -> EstateServer:
    """Serve machine i on `base_port` + i of 127.0.0.1 (0: any free ports). Accounts come from `machine.accounts`."""
    server = EstateServer(machines, allow_unencrypted=allow_unencrypted)
    server.start(base_port)
    return server
