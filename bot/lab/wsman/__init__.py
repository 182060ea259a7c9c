"""The WS-Management listener through which clients reach the simulated machines."""

from bot.lab.wsman.server import EstateServer, serve_machines

__all__ = ["EstateServer", "serve_machines"]
