"""find, findstr, more, sort and certutil -hashfile: what batch files filter text with."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from bot.lab.windows.environment import encoding_of
from bot.lab.windows.paths import normalise

if TYPE_CHECKING:
    from bot.lab.windows.machine import Session


def _lines(session: Session, names: list[str]) -> list[tuple[str, str]]:
    """(file, line) pairs; without names of standard input. Raises FileNotFoundError."""
    if not names:
        return [("", line) for line in session.read_input().splitlines()]
    found = []
    for name in names:
        text = session.machine.fs.read(normalise(name, session.cwd)).decode(encoding_of(session.env), "replace")
        found += [(name, line) for line in text.splitlines()]
    return found


def find_text(session: Session, argv: list[str], raw: str) -> int:
    """`find [/v] [/c] [/i] [/n] "text" [files]`."""
    switches = {word.casefold() for word in argv[1:] if re.fullmatch(r"/[vcin]", word, re.IGNORECASE)}
    words = [word for word in argv[1:] if word.casefold() not in switches]
    if not re.search(r'"[^"]*"', raw) or not words:
        session.err("FIND: Parameter format not correct\r\n")
        return 2
    wanted, files = words[0], words[1:]
    try:
        lines = _lines(session, files)
    except OSError:
        session.err(f"File not found - {files[0].upper()}\r\n")
        return 1

    def holds(line: str) -> bool:
        hit = bool(wanted) and (wanted.casefold() in line.casefold() if "/i" in switches else wanted in line)
        return hit != ("/v" in switches)

    hits = [(number, line) for number, (_, line) in enumerate(lines, 1) if holds(line)]
    head = f"\r\n---------- {files[0].upper()}" if files else ""
    if "/c" in switches:
        session.out(f"{head}: {len(hits)}\r\n" if head else f"{len(hits)}\r\n")
    else:
        session.out(f"{head}\r\n" if head else "")
        for number, line in hits:
            session.out(f"[{number}]{line}\r\n" if "/n" in switches else f"{line}\r\n")
    return 0 if hits else 1


def findstr(session: Session, argv: list[str], raw: str) -> int:
    r"""`findstr [/i] [/v] [/b] [/e] [/x] [/r | /l] [/c:"text"] words [files]`: `.`, `*`, `^`, `$`, `[…]`, `\<`, `\>`."""
    marks, texts, words = set(), [], []
    for word in argv[1:]:
        if word.casefold().startswith("/c:"):
            texts.append(word[3:])
        elif re.fullmatch(r"/[a-z]+", word, re.IGNORECASE):
            marks |= set(word[1:].casefold())
        else:
            words.append(word)
    if not texts and words:
        texts = words.pop(0).split()
    patterns = []
    for text in texts:
        body = re.escape(text) if "l" in marks or ("r" not in marks and not re.search(r"[.*^$\[\\]", text)) else text
        body = body.replace("\\<", "\\b").replace("\\>", "\\b")
        body = f"^{body}" if "b" in marks else body
        patterns.append(f"^{body}$" if "x" in marks else f"{body}$" if "e" in marks else body)
    try:
        rule = re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE if "i" in marks else 0)
        lines = _lines(session, words)
    except re.error:
        session.err("FINDSTR: Bad command line\r\n")
        return 2
    except OSError:
        session.err(f"FINDSTR: Cannot open {words[0]}\r\n")
        return 1
    hits = [(name, line) for name, line in lines if bool(rule.search(line)) != ("v" in marks)]
    for name, line in hits:
        session.out(f"{name}:{line}\r\n" if len(words) > 1 else f"{line}\r\n")
    return 0 if hits else 1


def more(session: Session, argv: list[str], raw: str) -> int:
    """`more`: passes text through; there is no console to stop at."""
    try:
        lines = _lines(session, argv[1:])
    except OSError:
        session.err("Cannot access file\r\n")
        return 1
    for _, line in lines:
        session.out(line + "\r\n")
    return 0


def sort_lines(session: Session, argv: list[str], raw: str) -> int:
    """`sort [/r]`: lines in order, without regard to case."""
    backwards = "/r" in [word.casefold() for word in argv]
    lines = _lines(session, [word for word in argv[1:] if not word.startswith("/")])
    for _, line in sorted(lines, key=lambda pair: pair[1].casefold(), reverse=backwards):
        session.out(line + "\r\n")
    return 0


def certutil(session: Session, argv: list[str], raw: str) -> int:
    """`certutil -hashfile FILE [SHA1|SHA256|MD5]`."""
    if len(argv) < 3 or argv[1].casefold() not in {"-hashfile", "/hashfile"}:
        session.out("CertUtil: -dump command completed successfully.\r\n")
        return 0
    kind = (argv[3] if len(argv) > 3 else "SHA1").casefold()
    if kind not in {"md5", "sha1", "sha256", "sha512"}:
        session.out("CertUtil: -hashfile command FAILED: 0xd00000bb (-805306181)\r\n")
        return -805306181
    try:
        content = session.machine.fs.read(normalise(argv[2], session.cwd))
    except OSError:
        session.out("CertUtil: -hashfile command FAILED: 0x80070002 (WIN32: 2)\r\n"
                    "CertUtil: The system cannot find the file specified.\r\n")  # fmt: skip
        return -2147024894
    digest = hashlib.new(kind, content).hexdigest()
    spaced = " ".join(digest[at : at + 2] for at in range(0, len(digest), 2))
    session.out(
        f"{kind.upper()} hash of file {argv[2]}:\r\n{spaced}\r\nCertUtil: -hashfile command completed successfully.\r\n"
    )
    return 0
