"""cmd.exe: runs command lines and batch files on a simulated machine."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.lab.windows import cmd_expand, environment
from bot.lab.windows.cmd_builtins import BUILTINS, cut_builtin
from bot.lab.windows.cmd_external import NOT_FOUND, run_external
from bot.lab.windows.cmd_flow import EndBatch, EndShell, Goto, Streams, point, test_holds, walk_items
from bot.lab.windows.cmd_syntax import Block, For, If, Incomplete, Joined, Node, Redirection, Simple, Unexpected, parse
from bot.lab.windows.machine import Cancelled, Session
from bot.lab.windows.paths import normalise
from bot.lab.windows.programs import job_of

LINE_LIMIT = 8191  # characters, https://learn.microsoft.com/troubleshoot/windows-client/shell-experience/command-line-string-limitation


@dataclass
class _Frame:
    """A batch file while it runs."""

    path: str
    arguments: list[str]
    tail: str
    lines: list[str]
    at: int = 0
    saved: list[tuple[dict[str, str], bool, str]] = field(default_factory=list)  # setlocal: env, delayed, cwd


class CmdShell:
    """One cmd.exe process. `session` is its process's own; `cd` and `set` change it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        if not session.env:
            session.env = environment.fresh(session.machine, session.principal.user)
        self.errorlevel = 0
        self.echo = True
        self.delayed = False
        self.frames: list[_Frame] = []
        self.variables: dict[str, str] = {}
        self.folders: list[str] = []  # pushd
        self._lines: list[str] | None = None  # standard input, cut into lines once somebody reads it

    # --- variables ---

    def lookup(self, name: str) -> str | None:
        """A variable, set or computed."""
        found = environment.get(self.session.env, name)
        return found if found is not None else environment.dynamic(self.session, name, self.errorlevel)

    def path(self, text: str) -> str:
        """A path as typed, made absolute from the current folder."""
        return normalise(text, self.session.cwd)

    def read_line(self, io: Streams) -> str | None:
        """The next line of standard input, None at its end."""
        if io.stdin is not None:
            head, _, io.stdin = io.stdin.partition("\n")
            return head.rstrip("\r") if head or io.stdin else None
        if self._lines is None:
            self._lines = self.session.read_input().splitlines()
        return self._lines.pop(0) if self._lines else None

    # --- entry points ---

    def run_line(self, line: str) -> int:
        """`cmd /c line`: run it and return the exit code the process ends with."""
        io = Streams(self.session.out, self.session.err)
        if len(line) > LINE_LIMIT:
            io.err("The command line is too long.\r\n")
            return 1
        try:
            code = self._logical(cmd_expand.percent(self.session, line, self.lookup, None), io)
        except EndShell as end:
            code = end.code
        except (EndBatch, Goto):
            code = self.errorlevel
        except (Incomplete, Unexpected) as wrong:
            io.err(f"{wrong or 'The syntax of the command is incorrect.'}\r\n")
            code = 1
        return 1 if code == NOT_FOUND else code

    def run_file(self, path: str, tail: str) -> int:
        """Run a batch file as this process's only work."""
        io = Streams(self.session.out, self.session.err)
        try:
            code = self.batch(path, tail, io)
        except EndShell as end:
            code = end.code
        return 1 if code == NOT_FOUND else code

    # --- batch files ---

    def batch(self, path: str, tail: str, io: Streams, *, label: str = "") -> int:
        """Run a batch file inside this shell (`call`), or a subroutine of the running one when `label` is given."""
        text = self.session.machine.fs.read(path).decode(environment.encoding_of(self.session.env), "replace")
        frame = _Frame(path, [path, *split_arguments(tail)], tail.strip(), text.replace("\r", "").split("\n"))
        before, here = self.session.job, job_of(path)
        if len(self.frames) > 200:
            raise EndShell(1)
        if label:
            frame.arguments[0] = ":" + label
            frame.at = self._label(frame, label)
        self.frames.append(frame)
        self.session.job = here or before
        try:
            return self._lines_of(frame, io)
        except EndBatch as end:
            if end.code is not None:
                self.errorlevel = end.code
            return self.errorlevel
        finally:
            self.frames.pop()
            self.session.job = before
            if frame.saved:
                self.session.env, self.delayed, self.session.cwd = frame.saved[0]

    def _lines_of(self, frame: _Frame, io: Streams) -> int:
        while frame.at < len(frame.lines):
            raw = frame.lines[frame.at]
            frame.at += 1
            if raw.lstrip(" \t,;=").startswith(":"):
                continue
            try:
                while True:
                    line = cmd_expand.percent(self.session, raw, self.lookup, frame.arguments, frame.tail)
                    try:
                        parse(line)
                        break
                    except Incomplete:
                        if frame.at >= len(frame.lines):
                            raise EndBatch(1) from None
                        raw += "\n" + frame.lines[frame.at]
                        frame.at += 1
                while raw.endswith("^") and frame.at < len(frame.lines):
                    raw = raw[:-1] + frame.lines[frame.at]
                    frame.at += 1
                    line = cmd_expand.percent(self.session, raw, self.lookup, frame.arguments, frame.tail)
                if self.echo and line.strip() and not line.lstrip().startswith("@"):
                    io.out(f"\r\n{self.session.cwd}>{line} \r\n")
                self._logical(line, io)
            except Unexpected as wrong:
                # A syntax error ends the whole batch file, and with it cmd /c.
                io.err(f"{wrong}\r\n")
                raise EndShell(1) from None
            except Goto as jump:
                if jump.label.casefold() == "eof":
                    return self.errorlevel
                frame.at = self._label(frame, jump.label, io)
        return self.errorlevel

    @staticmethod
    def _label(frame: _Frame, label: str, io: Streams | None = None) -> int:
        wanted = label.casefold()
        order: list[int] = [*range(frame.at, len(frame.lines)), *range(min(frame.at, len(frame.lines)))]
        for number in order:
            line = frame.lines[number].strip()
            if line.startswith(":") and not line.startswith("::"):
                name = line[1:].split()
                if name and name[0].casefold() == wanted:
                    return number + 1
        if io is not None:
            io.err(f"The system cannot find the batch label specified - {label}\r\n")
        raise EndBatch(1)

    # --- the tree ---

    def _logical(self, line: str, io: Streams) -> int:
        return self.execute(parse(line), io)

    def execute(self, node: Node, io: Streams) -> int:
        """Run one node; returns the code that `&&` and `||` look at."""
        match node:
            case Simple():
                return self._redirected(node.redirections, io, lambda inner: self._simple(node.text, inner))
            case Block():
                return self._redirected(node.redirections, io, lambda inner: self.execute(node.body, inner))
            case Joined(operator="|"):
                caught: list[str] = []
                self.execute(node.left, Streams(caught.append, io.err, io.stdin))
                return self.execute(node.right, Streams(io.out, io.err, "".join(caught)))
            case Joined():
                code = self.execute(node.left, io)
                if node.operator == "&" or (node.operator == "&&") == (code == 0):
                    return self.execute(node.right, io)
                return code
            case If():
                test = tuple(self._late(part) for part in node.test)
                if test_holds(self, (test[0], test[1], test[2]), node.ignore_case) != node.negated:
                    return self.execute(node.then, io)
                return self.execute(node.otherwise, io) if node.otherwise is not None else 0
            case For():
                return self._for(node, io)

    def _for(self, node: For, io: Streams) -> int:
        code = 0
        items = replace(node, items=self._late(node.items))
        before = dict(self.variables)
        try:
            for values in walk_items(self, items, io):
                self.variables = before | values
                code = self.execute(node.body, io)
        finally:
            self.variables = before
        return code

    def _late(self, text: str) -> str:
        text = cmd_expand.loop(self.session, text, self.variables)
        return cmd_expand.delayed(text, self.lookup) if self.delayed else text

    def _redirected(self, redirections: tuple[Redirection, ...], io: Streams, run: Callable[[Streams], int]) -> int:
        inner = copy.copy(io)
        for redirection in redirections:
            try:
                point(self, inner, replace(redirection, target=self._late(redirection.target)))
            except OSError as refused:
                io.err(f"{refused.strerror}.\r\n")
                self.errorlevel = 1
                return 1
        return run(inner)

    def encode(self, text: str) -> bytes:
        """Text as this console's code page writes it to a file."""
        return text.encode(environment.encoding_of(self.session.env), "replace")

    def decode(self, content: bytes) -> str:
        """A file's bytes as this console's code page shows them."""
        return content.decode(environment.encoding_of(self.session.env), "replace")

    # --- one command ---

    def _simple(self, text: str, io: Streams) -> int:
        if self.session.cancelled.is_set():
            raise Cancelled
        text = self._late(text).lstrip(" \t,;=")
        if not text.strip():
            return 0
        name, rest = cut_builtin(text)
        if name:
            code = BUILTINS[name](self, rest, io)
            if code is None:
                return 0
            self.errorlevel = code
            return code
        if text[1:2] == ":" and not text[2:].strip():
            if text[:2].upper() in self.session.machine.fs.drives:
                self.session.cwd = text[:2].upper() + "\\"
                return 0
            io.err("The system cannot find the drive specified.\r\n")
            self.errorlevel = 1
            return 1
        return run_external(self, text, io)

    def process_session(self, io: Streams) -> Session:
        """The surroundings a program started by this shell gets."""
        session = copy.copy(self.session)
        session.out, session.err = io.out, io.err
        if io.stdin is not None:
            session.stdin, session.feed = io.stdin, None
        return session


def split_arguments(tail: str) -> list[str]:
    """A batch file's arguments: cut at blanks, commas, semicolons and equals signs outside quotes; quotes stay."""
    out, word, quoted = [], "", False
    for char in tail:
        if char == '"':
            quoted = not quoted
        if not quoted and char in " \t,;=":
            if word:
                out.append(word)
            word = ""
        else:
            word += char
    return [*out, word] if word else out


def run_cmd(session: Session, line: str) -> int:
    """Run one command line in a fresh cmd.exe whose process is `session`'s own."""
    return CmdShell(session).run_line(line)


def run_batch(session: Session, path: str, tail: str = "") -> int:
    """Run a batch file in a fresh cmd.exe whose process is `session`'s own."""
    return CmdShell(session).run_file(path, tail)
