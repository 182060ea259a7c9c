"""WinRS shells: what Create, Command, Send, Receive, Signal and Delete do, with the quotas of WinRM 2.0.

Quotas (facts: WinRM 2.0 defaults): 5 shells and 15 operations per user; an operation counts from Command until
its shell is deleted, Signal does not give it back; 150 MB for everything in a shell; MaxTimeout 60 s; a shell dies
after 180 idle seconds and after 8 hours. IdleTimeout and run time pass in LAB time, so that a fast lab ages its
shells too, but IdleTimeout never strikes before 30 wall seconds: a client cannot poll faster than its network. Of a
client that has hung up (it died, or it connects anew for each request) nobody waits that long: 2 wall seconds.
Timeouts of single operations are wall seconds, as the client's own HTTP timeouts are.
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from bot.lab.windows import environment
from bot.lab.windows.cmd import run_cmd
from bot.lab.windows.machine import Cancelled, Principal, Session
from bot.lab.windows.paths import normalise
from bot.lab.windows.processes import Cancellation
from bot.lab.windows.programs import BadImage, find, run_program
from bot.lab.wsman import envelope
from bot.lab.wsman.envelope import SHELL, Fault, Request, Words

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine

MAX_SHELLS, MAX_OPERATIONS, MAX_MEMORY_MB = 5, 15, 150
IDLE_S, MIN_IDLE_WALL_S, RUN_TIME_S, MAX_TIMEOUT_S = 180.0, 30.0, 8 * 3600.0, 60.0
GONE_IDLE_WALL_S = 2.0  # instead of MIN_IDLE_WALL_S once the connection is closed that the shell was last used over
CHUNK = 96 * 1024  # bytes of output in one answer: base64 of it stays under the 150 kB envelope
_SKIP_LIMIT = 32767  # CreateProcess


@dataclass
class Command:
    """One running or ended command of a shell."""

    id: str
    cancelled: Cancellation
    codec: str
    changed: Callable[[], None]  # called from the command's thread after new output or its end
    out: dict[str, bytearray] = field(default_factory=lambda: {"stdout": bytearray(), "stderr": bytearray()})
    exit_code: int | None = None
    stdin: bytearray = field(default_factory=bytearray)
    stdin_end: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, stream: str, text: str) -> None:
        """Output from the command's own thread."""
        if text and not self.cancelled.is_set():
            with self.lock:
                self.out[stream] += text.encode(self.codec, "replace")
            self.changed()

    def read_stdin(self) -> str:
        """All of standard input: waits for the client's last Send, as a program does that reads to the end."""
        while not self.stdin_end.wait(0.1):
            if self.cancelled.is_set():
                raise Cancelled
        with self.lock:
            return self.stdin.decode(self.codec, "replace")

    def waiting(self) -> bool:
        """Whether there is output nobody has fetched."""
        with self.lock:
            return any(self.out.values())

    def take(self, wanted: list[str]) -> tuple[list[tuple[str, bytes]], bool]:
        """The next pieces of output, given out once, and whether that was all there will ever be."""
        pieces, room = [], CHUNK
        with self.lock:
            for name in wanted:
                buffer = self.out.get(name, bytearray())
                if buffer and room:
                    pieces.append((name, bytes(buffer[:room])))
                    del buffer[:room]
                    room -= len(pieces[-1][1])
            return pieces, self.exit_code is not None and not any(self.out.get(name) for name in wanted)


@dataclass
class Shell:
    """One WinRS shell: a job object whose children die with it."""

    id: str
    owner: str
    env: dict[str, str]
    cwd: str
    idle_s: float
    born: float  # lab seconds
    touched: float  # lab seconds
    touched_wall: float
    commands: dict[str, Command] = field(default_factory=dict)
    operations: int = 0
    busy: int = 0  # requests being answered now: such a shell is not idle
    job: Cancellation = field(default_factory=Cancellation)
    memory_mb: float = 0.0
    line: object = None  # the connection it was last used over; None once that is closed


class ShellHost:
    """The WinRS plug-in of one machine. Called on the server's loop only, except for the commands' threads and a shutdown."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.shells: dict[str, Shell] = {}
        self.line: object = None  # the connection of the request that is being answered
        self._lock = threading.Lock()

    # --- life of shells ---

    def create(self, request: Request, user: str) -> str:
        """Create; returns the body of the answer. Raises Fault."""
        if request.resource.casefold() != envelope.CMD.casefold():
            raise Fault(envelope.NO_RESOURCE)
        if sum(1 for shell in self.shells.values() if shell.owner == user) >= MAX_SHELLS:
            raise Fault(envelope.TOO_MANY_SHELLS)
        asked = request.body
        wanted = (asked.get("ShellId") or "") if asked is not None else ""
        shell_id = wanted.upper() or str(uuid.uuid4()).upper()
        if shell_id in self.shells:
            raise Fault(envelope.SHELL_TAKEN)
        env = environment.fresh(self.machine, user)
        if (page := request.options.get("WINRS_CODEPAGE", "")).isdigit():
            env[environment.CODEPAGE] = page if page in {"437", "850", "1252", "65001"} else "437"
        for variable in asked.iter(f"{{{SHELL}}}Variable") if asked is not None else ():
            environment.put(env, variable.get("Name") or "", variable.text or "")
        cwd = environment.get(env, "USERPROFILE") or "C:\\"
        folder = envelope.child_text(asked, "WorkingDirectory")
        if folder:
            cwd = normalise(folder)
            if not self.machine.fs.is_dir(cwd):
                raise Fault(Words(2147942667, "w:InternalError", "The directory name is invalid. ", sender=False))
        idle = envelope.duration(envelope.child_text(asked, "IdleTimeOut")) or IDLE_S
        now = self.machine.clock.now()
        shell = Shell(shell_id, user, env, cwd, idle, now, now, time.monotonic(), line=self.line)
        self.shells[shell_id] = shell
        streams = envelope.child_text(asked, "InputStreams") or "stdin"
        return (
            f"<x:ResourceCreated><a:Address>http://{self.machine.name.lower()}:5985/wsman</a:Address>"
            f"<a:ReferenceParameters><w:ResourceURI>{envelope.CMD}</w:ResourceURI><w:SelectorSet>"
            f'<w:Selector Name="ShellId">{escape(shell_id)}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
            f"</x:ResourceCreated><rsp:Shell><rsp:ShellId>{escape(shell_id)}</rsp:ShellId>"
            f"<rsp:ResourceUri>{envelope.CMD}</rsp:ResourceUri><rsp:Owner>{escape(user)}</rsp:Owner>"
            f"<rsp:ClientIP>127.0.0.1</rsp:ClientIP><rsp:IdleTimeOut>PT{idle:.3f}S</rsp:IdleTimeOut>"
            f"<rsp:InputStreams>{escape(streams)}</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams>"
            "<rsp:ShellRunTime>P0DT0H0M0S</rsp:ShellRunTime><rsp:ShellInactivity>P0DT0H0M0S</rsp:ShellInactivity>"
            "</rsp:Shell>"
        )

    def find(self, request: Request, user: str) -> Shell:
        """The request's shell, touched. Raises Fault."""
        shell = self.shells.get(request.shell_id)
        if shell is None:
            raise Fault(envelope.SHELL_GONE)
        if shell.owner != user:
            raise Fault(envelope.ACCESS_DENIED)
        self.touch(shell)
        shell.line = self.line
        return shell

    def hung_up(self, line: object) -> None:
        """A connection was closed: what was last used over it may be nobody's any more."""
        for shell in list(self.shells.values()):
            if shell.line is line:
                shell.line = None

    def touch(self, shell: Shell) -> None:
        """Note that the client is there."""
        shell.touched, shell.touched_wall = self.machine.clock.now(), time.monotonic()

    def delete(self, shell_id: str) -> None:
        """Close a shell: everything that runs in it dies."""
        shell = self.shells.pop(shell_id, None)
        if shell is not None:
            shell.job.set()
            for command in list(shell.commands.values()):  # a machine goes down in a thread of its own
                command.changed()

    def delete_all(self) -> None:
        """The machine went down or the WinRM service stopped."""
        for shell_id in list(self.shells):
            self.delete(shell_id)

    def expire(self) -> None:
        """Close shells nobody used for too long, and those that are older than a shell may get."""
        now, wall = self.machine.clock.now(), time.monotonic()
        for shell in list(self.shells.values()):
            least = MIN_IDLE_WALL_S if shell.line is not None else GONE_IDLE_WALL_S
            idle = now - shell.touched > shell.idle_s and wall - shell.touched_wall > least
            if (idle and not shell.busy) or now - shell.born > RUN_TIME_S:
                self.delete(shell.id)

    # --- commands ---

    def command(self, request: Request, user: str, changed: Callable[[Command], None]) -> str:
        """Command; starts it and returns the body of the answer. Raises Fault."""
        shell = self.find(request, user)
        if sum(s.operations for s in self.shells.values() if s.owner == user) >= MAX_OPERATIONS:
            raise Fault(envelope.TOO_MANY_OPERATIONS)
        asked = request.body
        words = [envelope.child_text(asked, "Command") or ""]
        words += [part.text or "" for part in (asked.iter(f"{{{SHELL}}}Arguments") if asked is not None else ())]
        line = " ".join(words)
        wanted = (asked.get("CommandId") or "") if asked is not None else ""
        command_id = wanted.upper() or str(uuid.uuid4()).upper()
        if command_id in shell.commands:
            raise Fault(Words(2150858843, "w:InvalidSelectors", "The command identifier is in use. "))
        skip = request.options.get("WINRS_SKIP_CMD_SHELL", "").casefold() == "true"
        command = Command(command_id, Cancellation(shell.job), environment.encoding_of(shell.env), _nothing)
        command.changed = lambda: changed(command)
        session = self._session(shell, command)
        if skip:
            self._check_program(session, line)
        shell.operations += 1
        shell.commands[command_id] = command
        threading.Thread(
            target=self._carry_out, args=(session, command, line, skip), name=f"winrs {self.machine.name}", daemon=True
        ).start()
        return f"<rsp:CommandResponse><rsp:CommandId>{escape(command_id)}</rsp:CommandId></rsp:CommandResponse>"

    @staticmethod
    def _check_program(session: Session, line: str) -> None:
        """CreateProcess without a shell: the program's name must be a full path. Raises Fault."""
        from bot.lab.windows.programs import cut_program

        word = cut_program(line)[0]
        try:
            found = "\\" in word and find(session, word, extensions=()) is not None
        except BadImage:
            found = False
        if not found or len(line) > _SKIP_LIMIT:
            raise Fault(envelope.NO_PROGRAM)

    def _session(self, shell: Shell, command: Command) -> Session:
        machine = self.machine
        principal = Principal(shell.owner, second_hop=not machine.delegated_only, exchange=True, in_shell=True)

        def charge(megabytes: float) -> bool:
            with self._lock:
                if shell.memory_mb + megabytes > MAX_MEMORY_MB:
                    return False
                shell.memory_mb += megabytes
                return True

        return Session(
            machine=machine,
            principal=principal,
            out=lambda text: command.write("stdout", text),
            err=lambda text: command.write("stderr", text),
            cwd=shell.cwd,
            env=dict(shell.env),
            cancelled=command.cancelled,
            feed=command.read_stdin,
            charge=charge,
        )

    def _carry_out(self, session: Session, command: Command, line: str, skip: bool) -> None:
        code = 1
        process = None if skip else self.machine.processes.start("cmd.exe", f'cmd.exe /C "{line}"', session)
        try:
            code = run_program(session, line) if skip else run_cmd(session, line)
        except Cancelled:
            code = 1
        except (FileNotFoundError, BadImage):
            code = 1
        finally:
            if process is not None:
                self.machine.processes.end(process.pid)
            command.exit_code = code & 0xFFFFFFFF if code < 0 else code
            command.changed()

    def send(self, request: Request, user: str) -> str:
        """Send: bytes for standard input. Raises Fault."""
        shell = self.find(request, user)
        for stream in request.body.iter(f"{{{SHELL}}}Stream") if request.body is not None else ():
            command = shell.commands.get((stream.get("CommandId") or "").upper())
            if command is None:
                raise Fault(envelope.COMMAND_GONE)
            try:
                content = base64.b64decode(stream.text or "", validate=False)
            except binascii.Error as broken:
                raise Fault(Words(87, "w:InvalidParameter", "The parameter is incorrect. ")) from broken
            with command.lock:
                command.stdin += content
            if (stream.get("End") or "").casefold() == "true":
                command.stdin_end.set()
        return "<rsp:SendResponse/>"

    def wanted(self, request: Request, user: str) -> tuple[Shell, Command, list[str]]:
        """Shell, command and streams a Receive is about. Raises Fault."""
        shell = self.find(request, user)
        desired = request.body.find(f"{{{SHELL}}}DesiredStream") if request.body is not None else None
        command = shell.commands.get((desired.get("CommandId") or "").upper()) if desired is not None else None
        if command is None or desired is None:
            raise Fault(envelope.COMMAND_GONE)
        return shell, command, (desired.text or "stdout stderr").split()

    @staticmethod
    def receive(shell: Shell, command: Command, wanted: list[str]) -> str:
        """The body of a Receive's answer from what is there now. After Done the command is no more."""
        pieces, done = command.take(wanted)
        at = f"CommandId={quoteattr(command.id)}"
        streams = "".join(
            f'<rsp:Stream Name="{name}" {at}>{base64.b64encode(piece).decode()}</rsp:Stream>' for name, piece in pieces
        )
        state = f"{SHELL}/CommandState/{'Done' if done else 'Running'}"
        if not done:
            return f'<rsp:ReceiveResponse>{streams}<rsp:CommandState {at} State="{state}"/></rsp:ReceiveResponse>'
        shell.commands.pop(command.id, None)
        ends = "".join(f'<rsp:Stream Name={quoteattr(name)} {at} End="true"></rsp:Stream>' for name in wanted)
        return (
            f'<rsp:ReceiveResponse>{streams}{ends}<rsp:CommandState {at} State="{state}">'
            f"<rsp:ExitCode>{command.exit_code}</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse>"
        )

    def signal(self, request: Request, user: str) -> str:
        """Signal: terminate or ctrl_c end the command; its operation stays counted. Raises Fault."""
        shell = self.find(request, user)
        command_id = ((request.body.get("CommandId") or "") if request.body is not None else "").upper()
        command = shell.commands.pop(command_id, None)
        if command is not None:
            command.cancelled.set()
            command.changed()
        return "<rsp:SignalResponse/>"


def _nothing() -> None:
    """Replaced before the command starts."""
