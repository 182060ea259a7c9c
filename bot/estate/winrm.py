"""One machine's WinRM connection: one Protocol, one lock, one shell at a time, our own deadline, clean-up.

pywinrm's Session leaks shells, has no deadline and pays a handshake for each call (facts/winrm.md §1 and
§3), so this stands on its Protocol. A result is handed up before the Signal that ends its command.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from winrm.exceptions import WinRMOperationTimeoutError
from winrm.protocol import Protocol

from bot.estate.access import Access
from bot.estate.clixml import error_text
from bot.estate.errors import BadReply, EstateError, Fault, TimedOut, Uncertain, Unreachable
from bot.estate.foreign import FAMILIES, certainly_not_sent, translate

log = logging.getLogger(__name__)

_LOST: tuple[type[Exception], ...] = (*FAMILIES, EstateError)

SHELL_GONE = 2150858843  # the shell is not there (idle time-out, service restart)
TOO_MANY_OPERATIONS = 2150859174  # MaxConcurrentOperationsPerUser


@dataclass(frozen=True, slots=True)
class Output:
    """What one command line answered. `complete` is False when our deadline ended it."""

    stdout: str
    stderr: str
    exit_code: int
    complete: bool


@dataclass(slots=True)
class _Shell:
    id: str
    opened: float
    used: float
    commands: int = 0


class Connection:
    """Runs command lines on one machine, one after the other.

    `after` takes work that nobody waits for (Signal, Delete). `monotonic` is the wall.
    """

    def __init__(
        self,
        machine: str,
        url: str,
        access: Access,
        after: Executor,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        access.check(url)
        self.machine = machine
        self._url = url
        self._access = access
        self._after = after
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._protocol: Protocol | None = None
        self._shell: _Shell | None = None
        self._cut = False  # the connection was cut: the next request shakes hands anew
        self._quiet_since = 0.0
        self._open_commands: list[tuple[str, str]] = []  # (shell, command) whose Signal is owed

    # --- what callers use -----------------------------------------------------------------------------------

    def run(self, line: str, *, deadline_s: float, effect: bool = False) -> Output:
        """Run one command line; wall seconds. Raises EstateError kinds.

        With `effect`, everything that leaves open whether the line ran is Uncertain, and nothing is ever
        sent twice; without it, one cut connection or lost shell is made good by asking again.
        """
        end = self._monotonic() + deadline_s
        if not self._lock.acquire(timeout=deadline_s):
            raise TimedOut(self.machine, f"was busy with another command for {deadline_s:.0f} s")
        try:
            return self._run(line, end, effect=effect)
        finally:
            self._quiet_since = self._monotonic()
            self._lock.release()
            try:
                self._after.submit(self._signal_owed)
            except RuntimeError:
                log.debug("%s: shutting down, a Signal stays owed", self.machine)

    def close(self) -> None:
        """Delete the shell and close the connection; never raises."""
        with self._lock:
            self._drop_shell()
            self._hang_up()

    # --- one command ----------------------------------------------------------------------------------------

    def _run(self, line: str, end: float, *, effect: bool) -> Output:
        if effect and self._monotonic() - self._quiet_since > 2.0:
            # A kept connection may be dead by now, and a command lost on a dead connection cannot be told
            # from one that ran: an effect goes out on a connection that has just answered.
            self._hang_up()
        # A node that was restarted first cuts the connection and then does not know the shell.
        for last in (False, False, True):
            try:
                return self._once(line, end, effect=effect)
            except (Unreachable, BadReply):
                # BadReply, too: a message sealed for a connection that is gone comes back as HTTP 400.
                if last or effect or not self._cut:
                    raise
            except Fault as fault:
                # A node that refuses to begin a command has not begun it: asking again is safe for effects.
                if last or fault.code not in {SHELL_GONE, TOO_MANY_OPERATIONS}:
                    raise
                self._drop_shell()
            if self._monotonic() >= end:
                break
        raise TimedOut(self.machine, "the deadline passed before it could be asked again")

    def _once(self, line: str, end: float, *, effect: bool) -> Output:
        protocol = self._ready_protocol()
        shell = self._ready_shell()
        shell.commands += 1
        try:
            command = protocol.run_command(shell.id, line)
        except FAMILIES as error:
            kind = self._failed(error)
            if effect and not certainly_not_sent(error) and not isinstance(kind, Fault):
                raise Uncertain(self.machine, f"the command may have been started: {kind.reason}") from None
            raise kind from None
        try:
            return self._receive(protocol, shell, command, end, effect=effect)
        except FAMILIES as error:
            kind = self._failed(error)
            if effect:
                raise Uncertain(self.machine, f"the command was started, its end is not known: {kind.reason}") from None
            raise kind from None

    def _receive(self, protocol: Protocol, shell: _Shell, command: str, end: float, *, effect: bool) -> Output:
        stdout, stderr = bytearray(), bytearray()
        code, done = -1, False
        while not done:
            left = end - self._monotonic()
            if left <= 0:
                break
            protocol.operation_timeout_sec = max(1, min(self._access.operation_s, int(left) + 1))
            try:
                out, err, code, done = protocol.get_command_output_raw(shell.id, command)
            except WinRMOperationTimeoutError:
                continue
            finally:
                protocol.operation_timeout_sec = self._access.operation_s
            stdout += out
            stderr += err
        shell.used = self._monotonic()
        if done or not effect:
            self._open_commands.append((shell.id, command))
        if not done and effect:
            # A Signal would end what we started: leave it to itself, and the shell with it.
            self._shell = None
            raise Uncertain(self.machine, "the command had not ended when our deadline passed")
        text = stderr.decode("utf-8", "replace")
        return Output(stdout.decode("utf-8", "replace"), error_text(text), code, done)

    # --- shells and connections -------------------------------------------------------------------------------

    def _ready_protocol(self) -> Protocol:
        if self._protocol is None:
            access = self._access
            options: dict[str, Any] = {}
            if access.transport == "certificate":
                options = {"cert_pem": access.cert_pem, "cert_key_pem": access.cert_key_pem}
            else:
                options = {"message_encryption": "always"}
            try:
                self._protocol = Protocol(
                    endpoint=self._url,
                    transport=access.transport,
                    username=access.username or None,
                    password=access.password(),
                    ca_trust_path=access.ca_trust_path or None,  # type: ignore[arg-type] # None: no store but the default
                    kerberos_delegation=access.transport == "kerberos",
                    read_timeout_sec=access.read_s,
                    operation_timeout_sec=access.operation_s,
                    # Never the environment's. Not None: that puts `no_proxy` into the environment for every request and
                    # deletes it again, under the feet of other threads that read it (requests.utils.set_environ).
                    proxy="",
                    **options,
                )
            except FAMILIES as error:
                raise self._failed(error) from None
        if self._cut:
            self._hang_up()
        if self._protocol.transport.session is None:
            # Shake hands now: what fails here was certainly not sent. And pywinrm keeps a session whose
            # handshake failed and would then go on in the clear (winrm.transport, 0.5.0).
            try:
                self._protocol.transport.build_session()
            except FAMILIES as error:
                raise self._failed(error) from None
            if self._access.transport != "certificate" and self._protocol.transport.encryption is None:
                self._cut = True
                raise BadReply(self.machine, "no sealed connection came about")
        return self._protocol

    def _ready_shell(self) -> _Shell:
        now = self._monotonic()
        shell = self._shell
        if shell is not None and (
            shell.commands >= self._access.max_commands
            or now - shell.used > self._access.idle_s
            or now - shell.opened > self._access.age_s
        ):
            self._drop_shell()
        if self._shell is None:
            protocol = self._ready_protocol()
            try:
                opened = protocol.open_shell(codepage=65001, noprofile=True)
            except FAMILIES as error:
                raise self._failed(error) from None
            self._shell = _Shell(opened, now, now)
        return self._shell

    def _drop_shell(self) -> None:
        shell, self._shell = self._shell, None
        if shell is None or self._protocol is None:
            return
        self._open_commands = [owed for owed in self._open_commands if owed[0] != shell.id]
        try:
            self._ready_protocol().close_shell(shell.id, close_session=False)
        except _LOST as error:
            log.debug("%s: a shell was left to its idle time-out: %s", self.machine, type(error).__name__)
            self._cut = True

    def _signal_owed(self) -> None:
        """Give back what ended commands hold. Nobody waits for this; a newer command goes first."""
        if not self._lock.acquire(blocking=False):
            return  # whoever holds it comes by here afterwards
        try:
            while self._open_commands:
                shell, command = self._open_commands.pop()
                if self._shell is not None and self._shell.id == shell:
                    self._ready_protocol().cleanup_command(shell, command)
        except _LOST as error:
            log.debug("%s: a Signal was lost: %s", self.machine, type(error).__name__)
            self._cut = True
        finally:
            self._lock.release()

    def _failed(self, error: BaseException) -> EstateError:
        kind = translate(self.machine, error, secret=self._access.password)
        if not isinstance(kind, Fault):
            self._cut = True
        return kind

    def _hang_up(self) -> None:
        """Forget the connection, not the shell: its id goes on working (facts/winrm.md §1.5)."""
        self._cut = False
        if self._protocol is not None:
            self._protocol.transport.close_session()
            self._protocol.transport.encryption = None
