"""powershell.exe: its command line, its exit code, and what it writes to which stream."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.lab.powershell import builtins  # noqa: F401 - fills the tables of cmdlets and .NET members
from bot.lab.powershell.binding import MISSING, Word
from bot.lab.powershell.cmdlets_shell import policy
from bot.lab.powershell.control import ExitJump, Jump, Terminating
from bot.lab.powershell.errors import CLIXML_HEAD, CLIXML_TAIL, clixml, wrap
from bot.lab.powershell.evaluate import FAULTS, Interpreter, own_fault, run_guarded
from bot.lab.powershell.formatting import Printer
from bot.lab.powershell.paths import full_path
from bot.lab.powershell.values import CmdletError

if TYPE_CHECKING:
    from bot.lab.windows.machine import Session

BAD_ARGUMENT = 0xFFFD0000 - 0x100000000
"""What powershell.exe exits with when it cannot read its own command line, as a signed number."""


@dataclass
class Options:
    """What powershell.exe was told."""

    command: str | None = None
    file: str = ""
    arguments: list[str] = field(default_factory=list)
    from_stdin: bool = False
    encoded: bool = False
    xml: bool = False
    policy: str = ""
    console: str = ""
    version: str = ""
    trouble: str = ""


_SWITCHES = {"nologo": "", "noexit": "", "sta": "", "mta": "", "noprofile": "", "noninteractive": ""}
_VALUES = (
    "executionpolicy",
    "version",
    "inputformat",
    "outputformat",
    "windowstyle",
    "psconsolefile",
    "configurationname",
)
_SHORT = {"ep": "executionpolicy", "ec": "encodedcommand", "e": "encodedcommand", "en": "encodedcommand", "enc": "encodedcommand",
          "c": "command", "f": "file", "nop": "noprofile", "noni": "noninteractive", "ex": "executionpolicy", "v": "version",
          "w": "windowstyle", "o": "outputformat", "i": "inputformat"}  # fmt: skip


def parse_arguments(argv: list[str]) -> Options:
    """powershell.exe's command line, its own name left out. Unique beginnings of option names are understood."""
    options = Options()
    i = 0
    while i < len(argv):
        word = argv[i]
        i += 1
        if word == "-":
            options.from_stdin = True
            return options
        if word[:1] not in {"-", "/"}:
            options.command = " ".join(argv[i - 1 :])
            return options
        name = _option(word.lstrip("-/").lower())
        if name == "command":
            rest = argv[i:]
            if rest == ["-"]:
                options.from_stdin = True
            else:
                options.command = " ".join(rest)
            return options
        if name == "file":
            if i >= len(argv):
                options.trouble = "The argument '-File' needs the path of a script file."
                return options
            options.file, options.arguments = argv[i], argv[i + 1 :]
            return options
        if name == "encodedcommand":
            options.encoded = options.xml = True
            options.trouble = _decode(options, argv[i] if i < len(argv) else "")
            i += 1
        elif name in _VALUES:
            value = argv[i] if i < len(argv) else ""
            i += 1
            if name == "executionpolicy":
                options.policy = value
            elif name == "psconsolefile":
                options.console = value
            elif name == "version":
                options.version = value
            elif name == "outputformat":
                options.xml = value.lower() == "xml"
        elif name not in _SWITCHES:
            options.command = " ".join(argv[i - 1 :])
            return options
    return options


def _option(word: str) -> str:
    if word in _SHORT:
        return _SHORT[word]
    names = (
        [n for n in (*_SWITCHES, *_VALUES, "command", "file", "encodedcommand") if n.startswith(word)] if word else []
    )
    return names[0] if names else ""


def _decode(options: Options, text: str) -> str:
    try:
        options.command = base64.b64decode(text, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ("Cannot process the command because the value specified with -EncodedCommand is not properly encoded. The value must "
                "be Base64 encoded.")  # fmt: skip
    return ""


class _Xml:
    """Errors as CLIXML: one document, begun at the first line and closed at the end."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.begun = False

    def write(self, text: str, stream: str = "Error") -> None:
        """One message."""
        self.session.err(("" if self.begun else CLIXML_HEAD) + clixml(text, stream))
        self.begun = True

    def close(self) -> None:
        """The document's end."""
        if self.begun:
            self.session.err(CLIXML_TAIL)


def run_powershell(session: Session, argv: list[str], raw: str) -> int:
    """Run powershell.exe in a session. `argv` is its command line split by the C runtime's rules, its own name first.

    Exit code: `exit N`, else 1 when the last command failed or an error ended the script, else 0.
    """
    options = parse_arguments(argv[1:])
    if options.trouble:
        session.err("\r\n".join(wrap(options.trouble)) + "\r\n")
        return BAD_ARGUMENT
    interpreter = Interpreter(session)
    xml = _Xml(session) if options.xml else None
    if xml is not None:
        interpreter.write_error_text = xml.write
        interpreter.side_line = xml.write
    interpreter.policy = options.policy
    printer = Printer(session.out, lambda: _limit(interpreter))

    def write_line(text: str) -> None:
        printer.flush()
        session.out(text)

    interpreter.write_line = write_line
    try:
        if options.console:
            _console(interpreter, options.console)
        if options.file:
            return _run_file(interpreter, options, printer)
        text = session.read_input() if options.from_stdin else options.command or ""
        if not options.from_stdin and session.stdin:
            interpreter.scope.variables["input"] = session.stdin.replace("\r\n", "\n").removesuffix("\n").split("\n")
        code = run_guarded(interpreter, text, printer.take)
        printer.flush()
        if code is not None:
            return code
        return 0 if interpreter.last_ok or options.from_stdin else 1
    finally:
        printer.flush()
        if xml is not None:
            xml.close()


def _limit(interpreter: Interpreter) -> int:
    value: Any = interpreter.scope.root().variables.get("formatenumerationlimit")
    return value if isinstance(value, int) else 4


def _console(interpreter: Interpreter, path: str) -> None:
    """-PSConsoleFile: the snap-ins a console file names."""
    import re

    from bot.lab.powershell.paths import decode

    full = full_path(interpreter.session, path)
    text = decode(interpreter.machine.fs.read(full)) if interpreter.machine.fs.is_file(full) else ""
    for name in re.findall(r'<PSSnapIn\s+Name="([^"]+)"', text):
        interpreter.run(f"Add-PSSnapin '{name}'", lambda _v: None)


def _run_file(interpreter: Interpreter, options: Options, printer: Printer) -> int:
    session = interpreter.session
    path = full_path(session, options.file)
    if not options.file.lower().endswith(".ps1"):
        return _refused(interpreter, f"Processing -File '{options.file}' failed because the file does not have a '.ps1' extension. Specify a "
                        "valid PowerShell script file name, and then try again.")  # fmt: skip
    if not session.machine.fs.is_file(path):
        return _refused(interpreter, f"The argument '{options.file}' to the -File parameter does not exist. Provide the path to an existing "
                        "'.ps1' file as an argument to the -File parameter.")  # fmt: skip
    if policy(interpreter).casefold() == "restricted":
        return _refused(interpreter, f"File {path} cannot be loaded because the execution of scripts is disabled on this system. Please see "
                        '"get-help about_signing" for more details.', code=1)  # fmt: skip
    words = [
        Word(w[1:], MISSING, w) if w.startswith("-") and w[1:2].isalpha() else Word("", w, w) for w in options.arguments
    ]
    try:
        stage = interpreter.script_stage(path, words)
        stage.out = printer.take
        stage.begin()
        stage.head()
        stage.finish()
    except ExitJump as left:
        return left.code
    except Jump:
        return 0
    except Terminating as failed:
        printer.flush()
        interpreter.report(failed)
        return 1
    except CmdletError as failed:
        interpreter.report(interpreter.terminating(failed, None))
        return 1
    except FAULTS as fault:
        printer.flush()
        return own_fault(interpreter, fault)
    return 0


def _refused(interpreter: Interpreter, text: str, code: int = BAD_ARGUMENT) -> int:
    interpreter.write_error_text("\r\n".join(wrap(text)) + "\r\n")
    return code
