"""Reads a job's folder from its rows: what was ordered, whether it began, how it ended."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from bot.estate.reply import Malformed, Reply, expect, flag, number, seconds
from state.words import JobFolder, JobReport, JobSeen

TAIL_LINES = 12


@dataclass(slots=True)
class Folder:
    """One folder under the job root, as shown by look.ps1."""

    name: str
    boot: float | None  # when the machine was started; None while WMI is stopped
    files: dict[str, str] = field(default_factory=dict)
    alive: bool | None = None  # the process of `begun` is still there; None: nothing has begun
    log: tuple[float, str] | None = None  # (last written, tail as base64)

    @property
    def order(self) -> dict[str, str]:
        """job.txt as keys and values."""
        return pairs(self.files.get("job.txt", ""))

    def seen(self) -> JobSeen:
        """What the folder says of the job. Raises Malformed."""
        if not self.order.get("name"):
            return JobSeen.FOREIGN
        if "rc" in self.files:
            return JobSeen.ENDED
        if "refused" in self.files:
            return JobSeen.REFUSED
        begun = pairs(self.files.get("begun", ""))
        if "void" in self.files or "closed" in begun:
            return JobSeen.VOID
        if "begun" not in self.files:
            return JobSeen.WAITING
        if "at" not in begun or self.alive is None:
            raise Malformed(f"{self.name}: `begun` does not say when")
        if self.boot is not None and self.boot > seconds(begun["at"]):
            return JobSeen.CUT_OFF  # the machine was started again since
        return JobSeen.RUNNING if self.alive else JobSeen.CUT_OFF

    def listed(self, machine: str) -> JobFolder:
        """The folder as one line of a machine's list. Raises Malformed."""
        order = self.order
        version = order.get("version", "")
        return JobFolder(
            machine=machine,
            name=self.name,
            campaign=order.get("campaign", ""),
            nonce=order.get("nonce", ""),
            version=int(version) if version.isdecimal() else 0,
            seen=self.seen(),
        )


def pairs(text: str) -> dict[str, str]:
    """Lines of key<TAB>value."""
    found = (line.rstrip("\r").split("\t") for line in text.split("\n"))
    return {pair[0]: pair[1] for pair in found if len(pair) == 2}


def now(reply: Reply) -> float:
    """The node's clock when the folders had been read, Unix seconds. Raises Malformed."""
    clocks = reply.all("clock")
    if not clocks:
        raise Malformed("the script did not say what time it is there")
    return seconds(expect(clocks[-1], 1)[0])


def folders(reply: Reply) -> tuple[Folder, ...]:
    """Every folder in the reply. Raises Malformed."""
    boots = reply.all("boot")
    if not boots:
        raise Malformed("the script did not say when the machine was started")
    said = expect(boots[-1], 1)[0]
    boot = seconds(said) if said else None
    found = {name: Folder(name, boot) for (name,) in (expect(f, 1) for f in reply.all("folder"))}
    for name, file, text in (expect(f, 3) for f in reply.all("file")):
        found[name].files[file] = text
    for name, alive in (expect(f, 2) for f in reply.all("alive")):
        found[name].alive = flag(alive)
    for name, _, written, tail in (expect(f, 4) for f in reply.all("log")):
        found[name].log = (seconds(written), tail)
    return tuple(found.values())


def report(name: str, node: str, found: Folder | None, node_now: float, expected: dict[str, str]) -> JobReport:
    """What stands under a job's name. Raises Malformed.

    Its contents are compared with what we ordered before anything in it is believed.
    """
    if found is None:
        return JobReport(name=name, node=node, seen=JobSeen.ABSENT, node_now=node_now)
    order = found.order
    other = [key for key, value in expected.items() if order.get(key) != value]
    if other:
        detail = f"job.txt says {other[0]} {order.get(other[0], '(nothing)')}, the bot wrote {expected[other[0]]}"
        return JobReport(name=name, node=node, seen=JobSeen.FOREIGN, detail=detail, node_now=node_now)
    seen = found.seen()
    begun = pairs(found.files.get("begun", ""))
    tail = _tail(found.log[1]) if found.log else ""
    exit_code, ended_at = _ended(found.files["rc"]) if seen is JobSeen.ENDED else (None, None)
    return JobReport(
        name=name,
        node=node,
        seen=seen,
        exit_code=exit_code,
        detail=_detail(found, seen, exit_code, tail),
        begun_at=seconds(begun["at"]) if "at" in begun else None,
        ended_at=ended_at,
        downtime_s=_downtime(pairs(found.files.get("timeline", ""))),
        log_tail=tail,
        log_age_s=max(0.0, node_now - found.log[0]) if found.log else None,
        node_now=node_now,
    )


def _ended(text: str) -> tuple[int, float]:
    fields = text.strip().split("\t")
    if len(fields) != 2:
        raise Malformed(f"an exit code of {text[:40]!r}")
    return number(fields[0]), seconds(fields[1])


def _detail(found: Folder, seen: JobSeen, exit_code: int | None, tail: str) -> str:
    if seen is JobSeen.REFUSED:
        return found.files["refused"].strip()
    if "error" in found.files:
        return found.files["error"].strip()
    if exit_code and tail:
        return next((line for line in reversed(tail.splitlines()) if line.strip()), "").strip()
    return ""


def _downtime(timeline: dict[str, str]) -> float | None:
    """User downtime of a handoff, seconds: from leaving Online to the last database mounted.

    The cluster was polled once a second: it left between `up` and `left`, and the middle is taken. The event
    log, where it has the mounts, says when they were. None when not everything that was online came back while
    the job looked.
    """
    if "start" not in timeline or "mounted" not in timeline:
        return None
    left = seconds(timeline.get("left", timeline["start"]))
    began = (seconds(timeline["up"]) + left) / 2 if "up" in timeline and "left" in timeline else left
    up = seconds(timeline["mounted"])
    event = seconds(timeline["event9523"]) if timeline.get("event9523", "0") != "0" else 0.0
    return round(max(0.0, (event if began <= event <= up else up) - began), 1)


def _tail(encoded: str) -> str:
    """The last lines of a log, UTF-16 (msiexec) or the code page of a tool."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise Malformed("a log that is not base64") from error
    wide = raw.count(0) > len(raw) // 4
    text = raw.decode("utf-16-le" if wide else "utf-8", "replace")
    lines = [line.rstrip() for line in text.replace("\ufeff", "").splitlines()]
    return (
        "\n".join(line for line in lines if line)[-4000:]
        if len(lines) <= TAIL_LINES
        else "\n".join(lines[-TAIL_LINES:])
    )
