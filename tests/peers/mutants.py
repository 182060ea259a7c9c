"""Spoils the scripts one word at a time, in a copy of the source tree, and lists what no test notices.

`python -m tests.peers.mutants [SCRIPT …]` (or `make soak PART=scripts`) tries every property that a script reads,
every class it asks for and every method it calls. The copy keeps the checkout as it is.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tree_sitter
import tree_sitter_pwsh

from tests.peers.conftest import environment

ROOT = Path(__file__).parents[2]
SCRIPTS = Path("bot/estate/scripts")
_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_pwsh.language()))

# Which tests are asked first; the others of tests/estate and tests/powershell follow. The first that fails ends it.
_FIRST = {
    "probe": ("test_ccr.py",),
    "exchange": ("test_ccr.py",),
    "prelude": ("test_ccr.py",),
    "job": ("test_jobs.py",),
    "start": ("test_jobs.py",),
    "close": ("test_jobs.py",),
    "look": ("test_jobs.py", "test_foreign.py"),
    "jobs": ("test_foreign.py", "test_jobs.py"),
    "tidy": ("test_jobs.py",),
    "survey": ("test_survey.py",),
}

# Words that make no difference when they are spoiled, each with its reason. Everything else must be noticed.
HARMLESS: dict[tuple[str, str], str] = {
    (
        "close",
        "$_.Exception",
    ): "the reason a name stood already is for whoever reads the reply; the bot looks at the folder",
    ("close", "$_.Exception.Message"): "the same",
    ("start", "$_.Exception"): "as for close: why a name stood already; the reason of a task not started is tested",
    ("start", "$_.Exception.Message"): "the same",
    ("look", "$newest[0].Name"): "which log it was is for whoever reads the reply; the bot reads its end and its age",
    ("close", "[IO.File]::WriteAllText((Join-Path $folder 'void'), 'closed before it began')"): (
        "`begun` was taken and says closed: nothing can run; the mark beside it is for people"
    ),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed word: script (without .ps1), byte offset, line, the expression it stands in, the new word."""

    script: str
    start: int
    before: str
    after: str
    line: int
    within: str

    def __str__(self) -> str:
        """`probe.ps1:32 $system.Version: Version -> Versio`."""
        return f"{self.script}.ps1:{self.line} {self.within[:70]}: {self.before} -> {self.after}"

    def applied(self, text: bytes) -> bytes:
        """The spoiled text."""
        end = self.start + len(self.before.encode())
        if text[self.start : end].decode() != self.before:
            raise ValueError(f"the script has changed: {self}")
        return text[: self.start] + self.after.encode() + text[end:]


def spelled(script: str, expression: str, after: str) -> Mutant:
    """The mutant that gives the last word of the first such expression another spelling."""
    text = (ROOT / SCRIPTS / f"{script}.ps1").read_bytes()
    place = text.index(expression.encode())
    word = expression.rsplit(".", 1)[-1].rsplit(" ", 1)[-1]
    start = place + len(expression.encode()) - len(word.encode())
    return Mutant(script, start, word, after, text[:start].count(b"\n") + 1, expression)


def every_word(script: str) -> Iterator[Mutant]:
    """Each property, method and WMI class that a script names, with its last letter gone."""
    text = (ROOT / SCRIPTS / f"{script}.ps1").read_bytes()
    for node in _walk(_PARSER.parse(text).root_node):
        if node.type == "member_name":
            yield _cut(script, node, node.parent or node)
        elif node.type == "command" and _said(node).startswith("Get-WmiObject"):
            elements = [e for c in node.children if c.type == "command_elements" for e in c.children]
            for parameter, value in zip(elements, elements[2:], strict=False):
                if _said(parameter) == "-Class" and not _said(value).startswith("$"):
                    yield _cut(script, value, node)


def _cut(script: str, word: tree_sitter.Node, within: tree_sitter.Node) -> Mutant:
    said = _said(word)
    one_line = " ".join(_said(within).split())
    return Mutant(script, word.start_byte, said, said[:-1], word.start_point[0] + 1, one_line)


def _walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _said(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


class Tree:
    """A copy of the source tree in which one script at a time is spoiled and the suite is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("bot", "handlers", "state", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "page", "browser"))
        shutil.copy(ROOT / "pyproject.toml", folder)

    def run(self, *tests: str) -> subprocess.CompletedProcess[str]:
        """Ask tests until the first that fails."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
        return subprocess.run(
            [*command, "-p", "no:xdist"],
            cwd=self.folder,
            env=environment(PYTHONPATH=str(self.folder), PYTHONDONTWRITEBYTECODE="1"),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def order(self, script: str) -> tuple[str, ...]:
        """All of the estate's tests, those that know this script first."""
        first = [f"tests/estate/{name}" for name in _FIRST.get(script, ())]
        others = sorted(str(p.relative_to(self.folder)) for p in (self.folder / "tests/estate").glob("test_*.py"))
        return (*first, *(name for name in others if name not in first), "tests/powershell")

    def noticed(self, mutant: Mutant, *tests: str) -> str:
        """Which test failed on a spoiled script, or "" when none did."""
        path = self.folder / SCRIPTS / f"{mutant.script}.ps1"
        whole = path.read_bytes()
        path.write_bytes(mutant.applied(whole))
        try:
            done = self.run(*(tests or self.order(mutant.script)))
        finally:
            path.write_bytes(whole)
        if done.returncode == 0:
            return ""
        # 1: tests failed. Anything else is a run that could not be made, which proves nothing.
        if done.returncode != 1:
            raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return failed[0] if failed else done.stdout[-200:]


def survivors(mutants: Sequence[Mutant], *, jobs: int = 2, say: Callable[[str], None] = print) -> list[Mutant]:
    """Every mutant that no test notices."""
    lived: list[Mutant] = []
    with tempfile.TemporaryDirectory(prefix="rollup-mutants-") as name:
        mine = threading.local()

        def made() -> Tree:
            if not hasattr(mine, "tree"):
                mine.tree = Tree(Path(name) / str(threading.get_ident()))
            tree: Tree = mine.tree
            return tree

        def one(mutant: Mutant) -> None:
            failed = made().noticed(mutant)
            if not failed and (mutant.script, mutant.within) in HARMLESS:
                say(f"harmless {mutant} ({HARMLESS[mutant.script, mutant.within]})")
            elif not failed:
                lived.append(mutant)
                say(f"NOT NOTICED {mutant}")
            else:
                say(f"noticed {mutant}")

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(one, mutants))
    return lived


def main(wanted: Sequence[str] = ()) -> int:
    """Try every word of the named scripts, or of all; 1 if one goes unnoticed."""
    scripts = list(wanted) or sorted(p.stem for p in (ROOT / SCRIPTS).glob("*.ps1"))
    mutants = [mutant for script in scripts for mutant in every_word(script)]
    print(f"{len(mutants)} words in {len(scripts)} scripts", flush=True)
    lived = survivors(mutants, say=lambda line: print(line, flush=True))
    print(f"{len(mutants) - len(lived)} of {len(mutants)} are noticed or harmless")
    return 1 if lived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
