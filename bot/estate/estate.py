"""The machines as the engine knows them: read facts, start, close and observe jobs. Implements ports.Estate."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from bot.estate import bootstrap, probe, survey
from bot.estate.access import Access
from bot.estate.errors import BadReply, EstateError, Fault, TimedOut, Uncertain, Unreachable
from bot.estate.reply import Malformed, Reply, read, ticks
from bot.estate.winrm import Connection
from bot.procedure.facts import EstateFacts, Inventory, MachineFacts, SurveyFacts, Unknown, same_name, short
from state.words import JobFolder, JobKind, JobOrder, JobReport, JobSeen, Package

_NETBIOS = 15  # characters of a computer's name as Windows itself says it
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,90}")
_ROOT = re.compile(r"[A-Za-z]:\\[A-Za-z0-9._\\-]+")
_TASK = re.compile(r"[A-Za-z0-9._-]+")


def _same(wall: float) -> float:
    return wall


def _real() -> float:
    return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateConfig:
    """What the estate needs to know; nothing of it is a secret but what `access` hides.

    machines: name in the inventory to WinRM address. Spans are wall seconds. `wall` is wall time by the
    server's TIME; `lab` turns it into lab time, which the machines' clocks show; `speed()` is lab seconds in a
    wall second. In production lab and wall are the same.
    """

    machines: Mapping[str, str]
    access: Access = field(default_factory=Access)
    job_root: str = r"C:\rollup-bot\jobs"
    runner_task: str = "rollup-bot-runner"
    fast_s: float = 120.0  # deadline of a probe without the slow questions
    slow_s: float = 300.0  # and with them
    short_s: float = 60.0  # deadline of looking at, closing or starting a job
    wall: Callable[[], float] = time.time
    lab: Callable[[float], float] = _same
    speed: Callable[[], float] = _real

    def __post_init__(self) -> None:
        if _ROOT.fullmatch(self.job_root) is None or self.job_root.endswith("\\"):
            raise ValueError(f"job_root {self.job_root!r}: a local path without blanks, such as C:\\rollup-bot\\jobs")
        if _TASK.fullmatch(self.runner_task) is None:
            raise ValueError(f"runner_task {self.runner_task!r}: letters, digits, dots and dashes only")


class WindowsEstate:
    """Every declared machine over WinRM. Threads may share it; each machine answers one question at a time."""

    def __init__(self, config: EstateConfig) -> None:
        self._config = config
        workers = max(2, len(config.machines))
        self._side_by_side = ThreadPoolExecutor(workers, thread_name_prefix="estate")
        self._after = ThreadPoolExecutor(2, thread_name_prefix="estate-after")
        self._connections = {
            name: Connection(name, url, config.access, self._after) for name, url in config.machines.items()
        }

    def shut(self) -> None:
        """Delete the shells and close the connections; never raises."""
        self._side_by_side.shutdown(wait=True)
        self._after.shutdown(wait=True)
        for connection in self._connections.values():
            connection.close()

    # --- reading --------------------------------------------------------------------------------------------

    def read(
        self,
        inventory: Inventory,
        machines: tuple[str, ...],
        *,
        package: Package | None = None,
        slow: bool = True,
        validate: tuple[tuple[str, str], ...] = (),
        asked: tuple[tuple[str, str], ...] = (),
    ) -> EstateFacts:
        """Probe machines side by side. Never raises: what could not be read is Unknown.

        What `asked` names is asked first, of every machine, and may take a minute; owners and states come last,
        because they are good for seconds only. A reading that ended with a survey would be too old to act on.
        """
        config = self._config

        def ask(name: str) -> SurveyFacts | Unknown | Unreachable | None:
            kinds = tuple(kind for machine, kind in asked if not machine or same_name(machine, name))
            try:
                return self._survey(name, kinds) if kinds else None
            except Unreachable as error:
                return error
            except (EstateError, ValueError) as error:
                return Unknown(error.reason if isinstance(error, EstateError) else str(error))

        def one(name: str) -> MachineFacts:
            told = surveys[name]
            try:
                if isinstance(told, Unreachable):  # waited for once: enough
                    raise told
                found = self._probe(name, package, slow=slow, validate=validate)
                return replace(found, survey=told) if told is not None and found.reached else found
            except EstateError as error:
                return probe.silent(name, error.reason, read_at=config.wall())
            except ValueError as error:
                return probe.silent(name, str(error), read_at=config.wall())

        names = tuple(dict.fromkeys(machines))
        surveys = dict(zip(names, self._side_by_side.map(ask, names), strict=True))
        found = tuple(self._side_by_side.map(one, names))
        oldest = min((m.read_at for m in found), default=config.wall())
        return EstateFacts(inventory=inventory, machines=found, now=config.lab(config.wall()), read_at=oldest)

    def _probe(
        self, name: str, package: Package | None, *, slow: bool, validate: tuple[tuple[str, str], ...]
    ) -> MachineFacts:
        config = self._config
        mine = [pair for pair in validate if same_name(pair[1], name)]
        kinds = ["fast", "jobs"]
        kinds += ["package"] if package is not None else []
        kinds += ["slow"] if slow else []
        kinds += ["validate"] if mine else []
        values = {
            "kinds": ",".join(kinds),
            "root": config.job_root,
            "runner": config.runner_task,
            "name": "",
            "package": package.path if package is not None else "",
            "validate": "\n".join(f"{_plain(cms)}\t{_plain(target)}" for cms, target in mine),
        }
        began = config.wall()
        reply = self._ask(name, "probe", values, config.slow_s if slow or mine else config.fast_s)
        ended = config.wall()
        facts = probe.machine_facts(name, reply, read_at=ended, skew_s=self._skew(reply, began, ended))
        if not isinstance(facts.host, Unknown) and facts.host.casefold() != _netbios(name):
            return probe.silent(name, f"the machine at this address says it is {facts.host}", read_at=ended)
        if package is not None:
            facts = replace(facts, package=probe.package_facts(package.path, reply))
        return facts

    def survey(self, name: str, kinds: tuple[str, ...]) -> SurveyFacts | Unknown:
        """What only this moment needs to know of one machine. Never raises."""
        try:
            return self._survey(name, kinds)
        except EstateError as error:
            return Unknown(error.reason)

    def _survey(self, name: str, kinds: tuple[str, ...]) -> SurveyFacts:
        return survey.facts(self._ask(name, "survey", {"kinds": ",".join(kinds)}, self._config.slow_s), kinds)

    def _skew(self, reply: Reply, began: float, ended: float) -> float | Unknown:
        """Node clock minus ours at the middle of the request, wall seconds."""
        if not reply.whole:
            return Unknown("the script did not reach its end")
        try:
            first, last = probe.node_clock(reply)
        except Malformed as error:
            return Unknown(str(error))
        return ((first + last) / 2 - self._config.lab((began + ended) / 2)) / self._config.speed()

    # --- jobs -------------------------------------------------------------------------------------------------

    def start(self, order: JobOrder) -> JobReport:
        """Create the job's folder and start it.

        Raises Uncertain when the request may have been carried out, other EstateErrors when it was not.
        """
        command = order.command
        body = self._identity(order) | {
            "kind": command.kind.value,
            "language": command.language,
            "file": _file(order),
            "guard": command.guard,
            "not_after": str(ticks(order.not_after)),
            "package": command.package.path if command.package is not None else "",
            "sha256": command.package.sha256 if command.package is not None else "",
            "cms": _handed_over(command.effect),
        }
        values = self._where(order) | {
            "kinds": "start",
            "kind": command.kind.value,
            "runner": self._config.runner_task,
            "job": _lines(order, body),
            "file": _file(order),
            "command": command.text,
        }
        deadline = self._config.short_s
        if command.kind is JobKind.SHELL:
            deadline += command.timeout_s
        reply = self._ask(command.node, "start", values, deadline, effect=True)
        why = reply.why_missing("start")
        if why and not reply.whole:
            raise Uncertain(command.node, why)
        if why:
            raise Fault(command.node, why)
        try:
            unstarted = reply.first("unstarted")
            if unstarted is None:
                return self.observe(order)
            # The folder is there and the node declined to run it: close the name before anyone else can.
            return replace(self.close(order), detail=" ".join(unstarted)[:500])
        except Uncertain:
            raise
        except EstateError as error:
            raise Uncertain(command.node, f"started, and not seen since: {error.reason}") from error

    def close(self, order: JobOrder) -> JobReport:
        """Close a job's name: VOID if it can never run now, else what stands there. May be repeated."""
        node = order.command.node
        values = self._where(order) | {"kinds": "close", "job": _lines(order, self._identity(order))}
        reply = self._ask(node, "close", values, self._config.short_s)
        why = reply.why_missing("close")
        if why:
            raise Fault(node, why)
        report = self.observe(order)
        if report.seen is JobSeen.ABSENT:
            raise BadReply(node, "the folder that was to close the name is not there")
        return report

    def observe(self, order: JobOrder) -> JobReport:
        """Look at a job's folder."""
        node = order.command.node
        values = {"kinds": "jobs", "root": self._config.job_root, "name": _named(order)}
        reply = self._ask(node, "jobs", values, self._config.short_s)
        try:
            return probe.job_report(order.name, node, reply, self._identity(order))
        except Malformed as error:
            raise BadReply(node, str(error)) from error

    def folders(self, machines: tuple[str, ...]) -> tuple[JobFolder, ...]:
        """List every job folder on the given machines. Raises EstateError if one cannot be listed."""

        def one(name: str) -> tuple[JobFolder, ...]:
            values = {"kinds": "jobs", "root": self._config.job_root, "name": ""}
            reply = self._ask(name, "jobs", values, self._config.short_s)
            try:
                return probe.job_folders(name, reply)
            except Malformed as error:
                raise BadReply(name, str(error)) from error

        return tuple(found for listed in self._side_by_side.map(one, dict.fromkeys(machines)) for found in listed)

    def tidy(self, order: JobOrder) -> None:
        """Delete the scheduled task of a job whose exit code was read; nothing to do for other kinds."""
        if order.command.kind is not JobKind.TASK:
            return
        node = order.command.node
        reply = self._ask(node, "tidy", {"kinds": "tidy", "name": _named(order)}, self._config.short_s)
        why = reply.why_missing("tidy")
        deleted = reply.first("deleted")
        if why or (deleted is not None and deleted[-1] != "0"):
            raise Fault(node, why or f"its scheduled task could not be deleted (schtasks: {deleted})")

    # --- one question -----------------------------------------------------------------------------------------

    def _ask(
        self, name: str, script: str, values: Mapping[str, str], deadline_s: float, *, effect: bool = False
    ) -> Reply:
        connection = self._connection(name)
        try:
            line = bootstrap.command_line(script, values)
        except bootstrap.TooLong as error:
            raise Fault(name, str(error)) from error
        output = connection.run(line, deadline_s=deadline_s, effect=effect)
        try:
            reply = read(output.stdout)
        except Malformed as error:
            said = f"{error}; {output.stderr[:300]}" if output.stderr else str(error)
            kind = Uncertain if effect else BadReply if output.complete else TimedOut
            raise kind(name, said) from error
        return reply

    def _connection(self, name: str) -> Connection:
        found = next((c for known, c in self._connections.items() if same_name(known, name)), None)
        if found is None:
            raise Fault(name, "no address is declared for this machine")
        return found

    def _where(self, order: JobOrder) -> dict[str, str]:
        return {
            "machine": _netbios(order.command.node),
            "root": self._config.job_root,
            "name": _named(order),
        }

    @staticmethod
    def _identity(order: JobOrder) -> dict[str, str]:
        """What is compared before anything in the folder is believed."""
        return {
            "name": _named(order),
            "campaign": order.campaign,
            "nonce": order.name.removeprefix(f"{order.campaign}-").split("-", 1)[0],
            "version": str(order.version),
            "gate": order.gate,
            "command_hash": order.command_hash,
        }


def _netbios(name: str) -> str:
    return short(name)[:_NETBIOS]


def _file(order: JobOrder) -> str:
    return "command.ps1" if order.command.language == "powershell" else "command.cmd"


def _handed_over(effect: str) -> str:
    """The CMS of a "handoff:<cms>:<to>" effect, "" for any other: its outage is then measured."""
    kind, _, rest = effect.partition(":")
    return rest.rpartition(":")[0] if kind == "handoff" else ""


def _named(order: JobOrder) -> str:
    """A job's name if it can be a folder and a task without any quoting. Raises Fault."""
    if _NAME.fullmatch(order.name) is None:
        raise Fault(order.command.node, f"{order.name!r} cannot be the name of a job")
    return order.name


def _plain(text: str) -> str:
    if any(ord(c) < 32 or c in "\"'" for c in text):
        raise ValueError(f"{text!r} has quotes or control characters in it")
    return text


def _lines(order: JobOrder, fields: Mapping[str, str]) -> str:
    for key, value in fields.items():
        if any(ord(c) < 32 for c in value):
            raise Fault(order.command.node, f"{key} has control characters in it")
    return "".join(f"{key}\t{value}\n" for key, value in fields.items())
