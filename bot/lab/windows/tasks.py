"""The Task Scheduler: definitions that survive a reboot, runs that do not, and triggers that fire at their time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.lab.windows.machine import Cancelled, Principal, Session
from bot.lab.windows.processes import Cancellation

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine

NEVER_RUN = 267011  # SCHED_S_TASK_HAS_NOT_RUN
STILL_RUNNING = 267009  # SCHED_S_TASK_RUNNING
TERMINATED = 267014  # SCHED_S_TASK_TERMINATED
NOT_FOUND = -2147024894  # 0x80070002, the action's program does not exist
NOT_AN_IMAGE = -2147024703  # 0x800700C1


@dataclass
class Task:
    """One registered task. Times are the machine's clock, Unix seconds."""

    name: str  # full path below the root, "\\rollup-bot\\CLUSTER01-7-…"
    command: str  # the action's command line
    run_as: Principal
    trigger: float | None  # one start time; None: only on demand
    author: str = ""
    registered: float = 0.0
    enabled: bool = True
    interactive_only: bool = False  # no password stored: it runs only where that account is logged on, so never here
    fired: bool = False  # the trigger had its moment
    last_run: float | None = None
    last_result: int = NEVER_RUN
    status: str = "Ready"  # "Ready" | "Running" | "Disabled"
    running: Cancellation | None = field(default=None, repr=False)


def full_name(name: str) -> str:
    """A task's path with one leading backslash."""
    return "\\" + name.strip().strip('"').strip("\\")


class Tasks:
    """The Task Scheduler of one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._lock = threading.Condition()
        self._tasks: dict[str, Task] = {}
        self._watch: threading.Thread | None = None

    def create(
        self,
        name: str,
        command: str,
        run_as: Principal,
        trigger: float | None = None,
        *,
        replace: bool = False,
        author: str = "",
    ) -> Task:
        """Register a task. Raises FileExistsError when the name is taken and `replace` is off."""
        full = full_name(name)
        with self._lock:
            if full.casefold() in self._tasks and not replace:
                raise FileExistsError(183, "Cannot create a file when that file already exists", full)
            now = self._machine.now()
            task = Task(full, command, run_as, trigger, author, now, fired=trigger is not None and trigger <= now)
            self._tasks[full.casefold()] = task
            if trigger is not None and not task.fired:
                self._start_watch()
                self._lock.notify_all()
            return task

    def get(self, name: str) -> Task | None:
        """A task by name, with or without the leading backslash."""
        with self._lock:
            return self._tasks.get(full_name(name).casefold())

    def all(self) -> list[Task]:
        """Every task, by name."""
        with self._lock:
            return [self._tasks[key] for key in sorted(self._tasks)]

    def status(self, name: str) -> str:
        """Ready, Running or Disabled. Raises FileNotFoundError."""
        return self._need(name).status

    def _need(self, name: str) -> Task:
        task = self.get(name)
        if task is None:
            raise FileNotFoundError(2, "The system cannot find the file specified", full_name(name))
        return task

    def run(self, name: str) -> None:
        """Start a task now. A second instance is not started while one runs. Raises FileNotFoundError."""
        task = self._need(name)
        with self._lock:
            if task.status == "Running" or task.interactive_only or not self._machine.online:
                return
            task.status = "Running"
            task.last_run = self._machine.now()
            task.last_result = STILL_RUNNING
            task.running = Cancellation()
        threading.Thread(
            target=self._carry_out, args=(task, task.running), name=f"task {task.name}", daemon=True
        ).start()

    def end(self, name: str) -> None:
        """Stop a running task, as `schtasks /end`. Raises FileNotFoundError."""
        task = self._need(name)
        if task.running is not None:
            task.running.set()

    def delete(self, name: str) -> None:
        """Remove the definition; a run already started goes on. Raises FileNotFoundError."""
        with self._lock:
            if self._tasks.pop(full_name(name).casefold(), None) is None:
                raise FileNotFoundError(2, "The system cannot find the file specified", full_name(name))

    def power_off(self) -> None:
        """The machine goes down: runs end, definitions stay."""
        with self._lock:
            going = [task.running for task in self._tasks.values() if task.running is not None]
        for running in going:
            running.set()

    def boot(self) -> None:
        """The machine is up again: a trigger whose time passed while it was down does not fire any more."""
        with self._lock:
            now = self._machine.now()
            for task in self._tasks.values():
                if task.trigger is not None and task.trigger <= now:
                    task.fired = True

    def _carry_out(self, task: Task, running: Cancellation) -> None:
        from bot.lab.windows.programs import BadImage, run_program

        session = Session(
            machine=self._machine,
            principal=task.run_as,
            out=_nowhere,
            err=_nowhere,
            cwd="C:\\Windows\\System32",
            env={},
            cancelled=running,
        )
        result = TERMINATED
        try:
            result = run_program(session, task.command)
        except FileNotFoundError:
            result = NOT_FOUND
        except BadImage:
            result = NOT_AN_IMAGE
        except Cancelled:
            result = TERMINATED
        finally:
            with self._lock:
                if task.running is running:
                    task.running = None
                    task.status = "Ready"
                    task.last_result = TERMINATED if running.is_set() else result

    # --- triggers ---

    def _start_watch(self) -> None:
        if self._watch is None or not self._watch.is_alive():
            self._watch = threading.Thread(target=self._wait_for_triggers, name="task triggers", daemon=True)
            self._watch.start()

    def _wait_for_triggers(self) -> None:
        while True:
            with self._lock:
                pending = [t for t in self._tasks.values() if t.trigger is not None and not t.fired and t.enabled]
                if not pending:
                    self._watch = None
                    return
                now = self._machine.now()
                due = [t for t in pending if t.trigger is not None and t.trigger <= now]
                for task in due:
                    task.fired = True
                if not due:
                    soonest = min(t.trigger for t in pending if t.trigger is not None)
                    # Never long: the lab's speed may change while we wait.
                    self._lock.wait(min(max((soonest - now) / self._machine.clock.speed, 0.001), 0.5))
                    continue
            for task in due:
                if self._machine.online:
                    try:
                        self.run(task.name)
                    except FileNotFoundError:
                        continue


def _nowhere(_text: str) -> None:
    """A scheduled task has no console."""
