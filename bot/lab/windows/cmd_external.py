"""How cmd.exe runs what is not its own: programs, batch files, and `start`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bot.lab.windows.cmd_flow import EndBatch, Streams
from bot.lab.windows.machine import Cancelled, Session
from bot.lab.windows.programs import BadImage, Program, cut_program, find, run_found

if TYPE_CHECKING:
    from bot.lab.windows.cmd import CmdShell

NOT_FOUND = 9009  # ERRORLEVEL after a name nothing answers to; the process itself exits with 1


def run_external(shell: CmdShell, text: str, io: Streams, *, called: bool = False) -> int:
    """Run a program or batch file. Without `call`, a batch file started from a batch file does not come back."""
    shell.errorlevel = _run(shell, text, io, called=called)
    return shell.errorlevel


def _run(shell: CmdShell, text: str, io: Streams, *, called: bool) -> int:
    word, tail = _cut_switch(*cut_program(text), quoted=text.lstrip().startswith('"'))
    try:
        program = find(shell.session, word)
    except BadImage:
        io.err(f"The image file {word} is valid, but is for a machine type other than the current machine.\r\n")
        return 216
    if program is None:
        folder = word.rpartition("\\")[0]
        if folder and not shell.session.machine.fs.is_dir(shell.path(folder + "\\")):
            io.err("The system cannot find the path specified.\r\n")
            return 1
        io.err(f"'{word}' is not recognized as an internal or external command,\r\n")
        io.err("operable program or batch file.\r\n")
        return NOT_FOUND
    if program.native is not None:
        return run_found(shell.process_session(io), program, text, tail)
    code = shell.batch(program.path, tail, io)
    if shell.frames and not called:
        raise EndBatch(code)
    return code


def start(shell: CmdShell, text: str, io: Streams, *, wait: bool) -> int:
    """`start`: run a program beside this shell, as a child of the same job object."""
    word, tail = cut_program(text)
    program = find(shell.session, word)
    if program is None:
        io.err(f"The system cannot find the file {word}.\r\n")
        return NOT_FOUND
    session = shell.process_session(io)
    if wait:
        return run_found(session, program, text, tail)
    threading.Thread(target=_beside, args=(session, program, text, tail), name=f"start {word}", daemon=True).start()
    return 0


def _beside(session: Session, program: Program, text: str, tail: str) -> None:
    try:
        run_found(session, program, text, tail)
    except Cancelled:
        return


def _cut_switch(word: str, tail: str, *, quoted: bool) -> tuple[str, str]:
    """`cluster/quorum` names `cluster`: a slash ends an unquoted program's name."""
    if quoted or "/" not in word:
        return word, tail
    head, _, rest = word.partition("/")
    return (head, f"/{rest} {tail}".rstrip()) if head else (word, tail)
