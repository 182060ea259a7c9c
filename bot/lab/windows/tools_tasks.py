"""schtasks: create, run, end, query and delete scheduled tasks, worded as on Windows Server 2003 and 2008."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.lab.windows import environment
from bot.lab.windows.machine import Principal
from bot.lab.windows.tasks import NEVER_RUN, Task, full_name

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine, Session

SYSTEM = Principal("NT AUTHORITY\\SYSTEM", second_hop=False, exchange=False)
_WITH_VALUE = {
    "tn",
    "tr",
    "sc",
    "st",
    "sd",
    "ed",
    "ru",
    "rp",
    "mo",
    "d",
    "m",
    "i",
    "rl",
    "fo",
    "s",
    "u",
    "p",
    "du",
    "ri",
}
_NO_FILE = "ERROR: The system cannot find the file specified.\r\n"
_COLUMNS = (
    "HostName", "TaskName", "Next Run Time", "Status", "Logon Mode", "Last Run Time", "Last Result", "Author",
    "Task To Run", "Start In", "Comment", "Scheduled Task State", "Idle Time", "Power Management", "Run As User",
    "Delete Task If Not Rescheduled", "Stop Task If Runs X Hours and X Mins", "Schedule", "Schedule Type",
    "Start Time", "Start Date", "End Date", "Days", "Months", "Repeat: Every", "Repeat: Until: Time",
    "Repeat: Until: Duration", "Repeat: Stop If Still Running",
)  # fmt: skip


def _old(machine: Machine) -> bool:
    """Windows Server 2003: no task folders, no `/rl`, other words."""
    return machine.os_version.startswith("5.")


def shown_name(machine: Machine, task: Task) -> str:
    """A task's name as this Windows lists it: with its folder from 2008 on."""
    return task.name.lstrip("\\") if _old(machine) else task.name


def schtasks(session: Session, argv: list[str], raw: str) -> int:
    """The tool itself. Without `/f` it asks before it replaces or deletes, and takes no answer for a no."""
    verb, options = "query", {}
    words = iter(argv[1:])
    for word in words:
        if word[:1] not in "/-":
            session.err(f"ERROR: Invalid argument/option - '{word}'.\r\nType \"SCHTASKS /?\" for usage.\r\n")
            return 1
        name = word[1:].casefold()
        if name in {"create", "run", "end", "query", "delete", "change"}:
            verb = name
        elif name in _WITH_VALUE:
            options[name] = next(words, "")
        elif name in {"f", "v", "nh", "z", "it", "np"}:
            options[name] = "yes"
        else:
            session.err(f"ERROR: Invalid argument/option - '{word}'.\r\nType \"SCHTASKS /?\" for usage.\r\n")
            return 1
    if (
        "s" in options
        and options["s"].casefold() != session.machine.name.casefold()
        and not session.principal.second_hop
    ):
        session.err("ERROR: Access is denied.\r\n")
        return 1
    service = session.machine.services.get("Schedule")
    if service is not None and service.state != "Running":
        session.err("ERROR: The service has not been started.\r\n")
        return 1
    return {"create": _create, "run": _run, "end": _end, "query": _query, "delete": _delete}.get(verb, _unknown)(
        session, options
    )


def _unknown(session: Session, _options: dict[str, str]) -> int:
    session.err('ERROR: Invalid syntax.\r\nType "SCHTASKS /?" for usage.\r\n')
    return 1


def _principal(session: Session, options: dict[str, str]) -> Principal | None:
    """Who the task runs as; None: the account cannot be used that way."""
    user = options.get("ru", "")
    if user.casefold() in {"system", "nt authority\\system", '""', "s-1-5-18"} or ("ru" in options and not user):
        return SYSTEM
    machine = session.machine
    name = (user or session.principal.user).rpartition("\\")[2]
    stored = {known.casefold(): word for known, word in machine.accounts.items()}.get(name.casefold())
    if "rp" in options:
        if stored is None or stored != options["rp"]:
            return None
        return Principal(f"{machine.domain}\\{name}", second_hop=True, exchange=True)
    return Principal(user or session.principal.user, second_hop=False, exchange=False)


def _start_time(session: Session, options: dict[str, str]) -> float | None:
    """`/sd mm/dd/yyyy /st hh:mm[:ss]` on the machine's clock. Raises ValueError."""
    now = environment.local_time(session)
    clock = options["st"] if options["st"].count(":") == 2 else options["st"] + ":00"
    day = datetime.strptime(options["sd"], "%m/%d/%Y").replace(tzinfo=UTC) if options.get("sd") else now
    at = datetime.strptime(clock, "%H:%M:%S").replace(tzinfo=UTC)
    return day.replace(hour=at.hour, minute=at.minute, second=at.second, microsecond=0).timestamp()


def _create(session: Session, options: dict[str, str]) -> int:
    machine, name = session.machine, options.get("tn", "")
    if not name or not options.get("tr") or not options.get("sc"):
        session.err('ERROR: Invalid syntax. Mandatory option missing.\r\nType "SCHTASKS /CREATE /?" for usage.\r\n')
        return 1
    if _old(machine) and ("rl" in options or ("z" in options and options["sc"].casefold() == "onstart")):
        session.err("ERROR: Invalid argument/option - '/rl'.\r\nType \"SCHTASKS /CREATE /?\" for usage.\r\n")
        return 1
    bad = set('<>:/*?"|') | (set("\\") if _old(machine) else set())
    if set(name) & bad or len(options["tr"]) > 261:
        session.err("ERROR: Invalid value for /TN or /TR option.\r\n" if set(name) & bad else _TOO_LONG)
        return 1
    trigger: float | None = None
    if options["sc"].casefold() == "once":
        if "st" not in options:
            session.err('ERROR: Invalid syntax. /ST option is missing.\r\nType "SCHTASKS /CREATE /?" for usage.\r\n')
            return 1
        try:
            trigger = _start_time(session, options)
        except ValueError:
            session.err("ERROR: Invalid Starttime value.\r\n")
            return 1
    principal = _principal(session, options)
    if principal is None:
        session.err("ERROR: The user name or password is incorrect.\r\n")
        return 1
    replace = "f" in options
    if machine.tasks.get(name) is not None and not replace:
        session.out(f'WARNING: The task name "{name}" already exists. Do you want to replace it (Y/N)? ')
        answer = session.read_input().strip().casefold()
        session.out("\r\n")
        if not answer.startswith("y"):
            session.err("ERROR: The task was not created, because the name is taken.\r\n" if not answer else "")
            return 1
        replace = True
    try:
        task = machine.tasks.create(
            name, options["tr"], principal, trigger, replace=replace, author=session.principal.user.rpartition("\\")[2]
        )
    except FileExistsError:
        session.err("ERROR: Cannot create a file when that file already exists.\r\n")
        return 1
    task.interactive_only = principal != SYSTEM and "rp" not in options
    if trigger is not None and trigger <= machine.now():
        session.out("WARNING: Task may not run because /ST is earlier than current time.\r\n")
    session.out(f'SUCCESS: The scheduled task "{name}" has successfully been created.\r\n')
    return 0


_TOO_LONG = "ERROR: Value for '/TR' option cannot be more than 261 character(s).\r\n"


def _run(session: Session, options: dict[str, str]) -> int:
    name = options.get("tn", "")
    try:
        session.machine.tasks.run(name)
    except FileNotFoundError:
        session.err(f'ERROR: The scheduled task "{name}" does not exist.\r\n' if _old(session.machine) else _NO_FILE)
        return 1
    session.out(f'SUCCESS: Attempted to run the scheduled task "{name}".\r\n')
    return 0


def _end(session: Session, options: dict[str, str]) -> int:
    name = options.get("tn", "")
    try:
        session.machine.tasks.end(name)
    except FileNotFoundError:
        session.err(_NO_FILE)
        return 1
    session.out(f'SUCCESS: The scheduled task "{name}" has been terminated successfully.\r\n')
    return 0


def _delete(session: Session, options: dict[str, str]) -> int:
    name = options.get("tn", "")
    if session.machine.tasks.get(name) is None:
        session.err(
            f'ERROR: The specified task name "{name}" does not exist in the system.\r\n'
            if _old(session.machine)
            else _NO_FILE
        )
        return 1
    if "f" not in options:
        session.out(f'WARNING: Are you sure you want to remove the task "{name}" (Y/N )? ')
        answer = session.read_input().strip().casefold()
        session.out("\r\n")
        if not answer.startswith("y"):
            return 1
    try:
        session.machine.tasks.delete(name)
    except FileNotFoundError:
        session.err(_NO_FILE)
        return 1
    session.out(f'SUCCESS: The scheduled task "{name}" was successfully deleted.\r\n')
    return 0


def _when(at: float | None) -> str:
    if at is None:
        return "N/A"
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.hour % 12 or 12}:{moment:%M:%S} {'AM' if moment.hour < 12 else 'PM'}, {moment.month}/{moment.day}/{moment.year}"


def _row(session: Session, task: Task) -> dict[str, str]:
    machine = session.machine
    pending = task.trigger if task.trigger is not None and not task.fired else None
    row = dict.fromkeys(_COLUMNS, "N/A")
    result = task.last_result if task.last_result != NEVER_RUN or not _old(machine) else 0
    row |= {
        "HostName": machine.name.upper(),
        "TaskName": shown_name(machine, task),
        "Next Run Time": _when(pending),
        "Status": task.status,
        "Logon Mode": "Interactive only" if task.interactive_only else "Interactive/Background",
        "Last Run Time": _when(task.last_run),
        "Last Result": str(result),
        "Author": task.author or machine.domain,
        "Task To Run": task.command,
        "Scheduled Task State": "Enabled" if task.enabled else "Disabled",
        "Run As User": task.run_as.user.rpartition("\\")[2] if task.run_as == SYSTEM else task.run_as.user,
        "Schedule Type": "One Time Only" if task.trigger is not None else "On demand only",
    }
    if task.trigger is not None:
        clock, _, day = _when(task.trigger).partition(", ")
        row |= {"Start Time": clock, "Start Date": day}
    return row


def _query(session: Session, options: dict[str, str]) -> int:
    machine = session.machine
    tasks = machine.tasks.all()
    if name := options.get("tn", ""):
        tasks = [task for task in tasks if task.name.casefold() == full_name(name).casefold()]
        if not tasks:
            session.err(_NO_FILE)
            return 1
    if not tasks:
        session.out("INFO: There are no scheduled tasks present in the system.\r\n")
        return 0
    columns = _COLUMNS if "v" in options else ("TaskName", "Next Run Time", "Status")
    rows = [_row(session, task) for task in tasks]
    shape = options.get("fo", "table").casefold()
    if shape == "csv":
        if "nh" not in options:
            session.out(",".join(f'"{column}"' for column in columns) + "\r\n")
        for row in rows:
            session.out(",".join(f'"{row[column]}"' for column in columns) + "\r\n")
    elif shape == "list":
        for row in rows:
            session.out("\r\n" + "".join(f"{column + ':':<38}{row[column]}\r\n" for column in columns))
    else:
        widths = {column: {"TaskName": 40, "Next Run Time": 22, "Status": 15}.get(column, 20) for column in columns}
        if "nh" not in options:
            session.out("\r\n" + " ".join(column.ljust(widths[column]) for column in columns) + "\r\n")
            session.out(" ".join("=" * widths[column] for column in columns) + "\r\n")
        for row in rows:
            session.out(" ".join(row[column][: widths[column]].ljust(widths[column]) for column in columns) + "\r\n")
    return 0
