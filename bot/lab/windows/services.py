"""A machine's services: state, start mode, and hooks for those that want to know of a change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine

RUNNING, STOPPED = "Running", "Stopped"
START_PENDING, STOP_PENDING = "Start Pending", "Stop Pending"
AUTO, MANUAL, DISABLED = "Auto", "Manual", "Disabled"


@dataclass
class Service:
    """One service. `state` and `start_mode` are spelled as Win32_Service spells them."""

    name: str
    display: str
    state: str = RUNNING
    start_mode: str = AUTO
    depends_on: tuple[str, ...] = ()
    account: str = "LocalSystem"
    # What starting or stopping it does; raise ServiceError to refuse. Called without the lock held.
    on_start: Callable[[], None] | None = None
    on_stop: Callable[[], None] | None = None


class ServiceError(Exception):
    """The service control manager refused: `code` is the Win32 error (1056, 1058, 1060, 1062, 1053 …)."""

    TEXTS: ClassVar[dict[int, str]] = {
        1051: "A stop control has been sent to a service that other running services are dependent on.",
        1053: "The service did not respond to the start or control request in a timely fashion.",
        1056: "An instance of the service is already running.",
        1058: "The service cannot be started, either because it is disabled or because it has no enabled devices"
        " associated with it.",
        1060: "The specified service does not exist as an installed service.",
        1062: "The service has not been started.",
        1068: "The dependency service or group failed to start.",
    }

    def __init__(self, code: int, service: str = "") -> None:
        super().__init__(self.TEXTS.get(code, f"Win32 error {code}"))
        self.code = code
        self.service = service


Hook = Callable[[Service, str], None]  # the service after the change, and what changed: "state" or "start_mode"


class Services:
    """All services of one machine, by name without case."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._lock = threading.RLock()
        self._services: dict[str, Service] = {}
        self.on_change: list[Hook] = []

    def add(
        self,
        name: str,
        display: str,
        state: str = RUNNING,
        start_mode: str = AUTO,
        *,
        depends_on: tuple[str, ...] = (),
        on_start: Callable[[], None] | None = None,
        on_stop: Callable[[], None] | None = None,
    ) -> Service:
        """Install a service; one of the same name is replaced."""
        service = Service(name, display, state, start_mode, depends_on, on_start=on_start, on_stop=on_stop)
        with self._lock:
            self._services[name.casefold()] = service
        return service

    def all(self) -> list[Service]:
        """Every service, by name."""
        with self._lock:
            return [self._services[key] for key in sorted(self._services)]

    def get(self, name: str) -> Service | None:
        """A service by its key name or its display name."""
        with self._lock:
            found = self._services.get(name.casefold())
            return found or next((s for s in self._services.values() if s.display.casefold() == name.casefold()), None)

    def _need(self, name: str) -> Service:
        service = self.get(name)
        if service is None:
            raise ServiceError(1060, name)
        return service

    def _put(self, service: Service, state: str) -> None:
        with self._lock:
            if service.state == state:
                return
            service.state = state
        for hook in list(self.on_change):
            hook(service, "state")

    def start(self, name: str) -> None:
        """Start a service and, first, those it depends on. Raises ServiceError."""
        service = self._need(name)
        if service.state == RUNNING:
            raise ServiceError(1056, name)
        if service.start_mode == DISABLED:
            raise ServiceError(1058, name)
        for needed in service.depends_on:
            other = self.get(needed)
            if other is not None and other.state != RUNNING:
                try:
                    self.start(needed)
                except ServiceError as refused:
                    raise ServiceError(1068, name) from refused
        self._put(service, START_PENDING)
        try:
            if service.on_start:
                service.on_start()
        except BaseException:
            self._put(service, STOPPED)
            raise
        self._put(service, RUNNING)

    def stop(self, name: str, *, force: bool = False) -> None:
        """Stop a service; with `force` also those that depend on it. Raises ServiceError."""
        service = self._need(name)
        if service.state == STOPPED:
            raise ServiceError(1062, name)
        for other in self.all():
            if other.state == RUNNING and service.name.casefold() in {d.casefold() for d in other.depends_on}:
                if not force:
                    raise ServiceError(1051, name)
                self.stop(other.name, force=True)
        self._put(service, STOP_PENDING)
        try:
            if service.on_stop:
                service.on_stop()
        except BaseException:
            self._put(service, RUNNING)
            raise
        self._put(service, STOPPED)

    def set_mode(self, name: str, start_mode: str) -> None:
        """Set Auto, Manual or Disabled; the state stays as it is."""
        service = self._need(name)
        with self._lock:
            if service.start_mode == start_mode:
                return
            service.start_mode = start_mode
        for hook in list(self.on_change):
            hook(service, "start_mode")

    def set_state(self, name: str, state: str) -> None:
        """Put a state without the service's own start and stop actions (an installer, a crash); hooks are told."""
        self._put(self._need(name), state)

    def power_off(self) -> None:
        """The machine goes down: everything is stopped, without the services' own stop actions; hooks are told."""
        for service in self.all():
            self._put(service, STOPPED)

    def boot(self) -> None:
        """The machine comes up: automatic services start in order of their dependencies; a refusal stays Stopped."""
        for service in self.all():
            if service.start_mode == AUTO and service.state == STOPPED:
                try:
                    self.start(service.name)
                except ServiceError:
                    continue
