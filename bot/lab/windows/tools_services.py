"""sc and net: services as the command line shows and changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.lab.windows.services import AUTO, DISABLED, MANUAL, RUNNING, STOPPED, Service, ServiceError

if TYPE_CHECKING:
    from bot.lab.windows.machine import Session

_STATES = {STOPPED: 1, "Start Pending": 2, "Stop Pending": 3, RUNNING: 4, "Paused": 7}
_MODES = {"auto": AUTO, "demand": MANUAL, "disabled": DISABLED, "delayed-auto": AUTO}


def _failed(session: Session, what: str, refused: ServiceError) -> int:
    session.out(f"[SC] {what} FAILED {refused.code}:\r\n\r\n{refused}\r\n\r\n")
    return refused.code


def _status(service: Service) -> str:
    number = _STATES.get(service.state, 0)
    accepts = (
        "STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN" if number == 4 else "NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN"
    )
    return (
        "        TYPE               : 10  WIN32_OWN_PROCESS  \r\n"
        f"        STATE              : {number}  {service.state.upper().replace(' ', '_')} \r\n"
        f"                                ({accepts})\r\n"
        "        WIN32_EXIT_CODE    : 0  (0x0)\r\n"
        "        SERVICE_EXIT_CODE  : 0  (0x0)\r\n"
        "        CHECKPOINT         : 0x0\r\n"
        "        WAIT_HINT          : 0x0\r\n"
    )


def sc(session: Session, argv: list[str], raw: str) -> int:
    """`sc query|queryex|start|stop|config|qc name`; start and stop return before the service has followed."""
    words = argv[1:]
    if words and words[0].startswith("\\\\"):
        if words[0].lstrip("\\").casefold() != session.machine.name.casefold():
            return _failed(session, "OpenSCManager", ServiceError(5 if not session.principal.second_hop else 1722))
        words = words[1:]
    verb = words[0].casefold() if words else ""
    services = session.machine.services
    if verb in {"query", "queryex"} and (len(words) == 1 or words[1].endswith("=")):
        everything = "all" in [word.casefold() for word in words]
        for service in services.all():
            if everything or service.state == RUNNING:
                session.out(
                    f"\r\nSERVICE_NAME: {service.name}\r\nDISPLAY_NAME: {service.display}\r\n{_status(service)}"
                )
        return 0
    found = services.get(words[1]) if len(words) > 1 else None
    if verb not in {"query", "queryex", "start", "stop", "config", "qc"} or len(words) < 2:
        session.out("DESCRIPTION:\r\n        SC is a command line program used for communicating with the\r\n"
                    "        Service Control Manager and services.\r\n")  # fmt: skip
        return 1639
    if found is None:
        return _failed(
            session,
            "OpenService" if verb in {"config", "qc", "start", "stop"} else "EnumQueryServicesStatus:OpenService",
            ServiceError(1060),
        )
    try:
        match verb:
            case "start":
                services.start(found.name)
            case "stop":
                services.stop(found.name)
            case "config":
                return _config(session, found, words[2:])
            case "qc":
                return _qc(session, found)
    except ServiceError as refused:
        return _failed(session, "StartService" if verb == "start" else "ControlService", refused)
    session.out(f"\r\nSERVICE_NAME: {found.name}\r\n{_status(found)}")
    return 0


def _config(session: Session, service: Service, words: list[str]) -> int:
    pairs = dict(zip(words[::2], words[1::2], strict=False))
    mode = pairs.get("start=", "").casefold()
    if mode:
        if mode not in _MODES:
            session.out("[SC] ChangeServiceConfig FAILED 87:\r\n\r\nThe parameter is incorrect.\r\n\r\n")
            return 87
        session.machine.services.set_mode(service.name, _MODES[mode])
    session.out("[SC] ChangeServiceConfig SUCCESS\r\n")
    return 0


def _qc(session: Session, service: Service) -> int:
    modes = {AUTO: "2   AUTO_START", MANUAL: "3   DEMAND_START", DISABLED: "4   DISABLED"}
    depends = "\r\n                           : ".join(service.depends_on)
    session.out(
        f"[SC] QueryServiceConfig SUCCESS\r\n\r\nSERVICE_NAME: {service.name}\r\n"
        "        TYPE               : 10  WIN32_OWN_PROCESS \r\n"
        f"        START_TYPE         : {modes.get(service.start_mode, service.start_mode)}\r\n"
        "        ERROR_CONTROL      : 1   NORMAL\r\n"
        f"        DISPLAY_NAME       : {service.display}\r\n"
        f"        DEPENDENCIES       : {depends}\r\n"
        f"        SERVICE_START_NAME : {service.account}\r\n"
    )
    return 0


def net(session: Session, argv: list[str], raw: str) -> int:
    """`net start|stop [name] [/y]`; waits until the service has followed. `net use` is a second hop."""
    words = [word for word in argv[1:] if not word.startswith("/")]
    verb = words[0].casefold() if words else ""
    services = session.machine.services
    if verb == "use":
        session.err("System error 1312 has occurred.\r\n\r\nA specified logon session does not exist."
                    " It may already have been terminated.\r\n\r\n")  # fmt: skip
        return 2
    if verb not in {"start", "stop"}:
        session.err("The syntax of this command is:\r\n\r\nNET [ START | STOP | USE ]\r\n\r\n")
        return 1
    if len(words) == 1:
        if verb == "stop":
            session.err("The syntax of this command is:\r\n\r\nNET STOP service\r\n\r\n")
            return 1
        running = "".join(f"   {service.display}\r\n" for service in services.all() if service.state == RUNNING)
        session.out(
            f"These Windows services are started:\r\n\r\n{running}\r\nThe command completed successfully.\r\n\r\n"
        )
        return 0
    found = services.get(words[1])
    shown = found.display if found else words[1]
    try:
        if verb == "start":
            session.out(f"The {shown} service is starting.\r\n")
            services.start(words[1])
            session.out(f"The {shown} service was started successfully.\r\n\r\n")
        else:
            session.out(f"The {shown} service is stopping.\r\n")
            services.stop(words[1], force="/y" in [word.casefold() for word in argv])
            session.out(f"The {shown} service was stopped successfully.\r\n\r\n")
    except ServiceError as refused:
        special = {
            1056: "The requested service has already been started.\r\n\r\nMore help is available by typing NET HELPMSG 2182.",
            1060: "The service name is invalid.\r\n\r\nMore help is available by typing NET HELPMSG 2185.",
            1062: f"The {shown} service is not started.\r\n\r\nMore help is available by typing NET HELPMSG 3521.",
        }
        session.err(
            special.get(refused.code, f"System error {refused.code} has occurred.\r\n\r\n{refused}") + "\r\n\r\n"
        )
        return 2
    return 0
