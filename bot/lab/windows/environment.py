"""Environment variables: names without case, and what a fresh process of an account finds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.lab.windows.machine import Machine, Session

CODEPAGE = "=CP"  # hidden like cmd's own "=C:" names: the console code page of this process tree


def profile_of(machine: Machine, user: str) -> str:
    """The profile folder of an account, as this Windows places it."""
    if user.casefold() == "nt authority\\system":
        return "C:\\Windows\\system32\\config\\systemprofile"
    root = "C:\\Documents and Settings" if machine.os_version.startswith("5.") else "C:\\Users"
    return f"{root}\\{user.rpartition(chr(92))[2]}"


def fresh(machine: Machine, user: str) -> dict[str, str]:
    """The variables a new logon of `user` starts with; makes the profile's Temp folder."""
    profile = profile_of(machine, user)
    system = user.casefold() == "nt authority\\system"
    temp = "C:\\Windows\\Temp" if system else f"{profile}\\AppData\\Local\\Temp"
    machine.fs.makedirs(temp)
    machine.fs.makedirs(profile)
    domain, _, name = user.rpartition("\\")
    return {
        "ALLUSERSPROFILE": "C:\\ProgramData",
        "COMPUTERNAME": machine.name.upper(),
        "ComSpec": "C:\\Windows\\system32\\cmd.exe",
        "NUMBER_OF_PROCESSORS": "4",
        "OS": "Windows_NT",
        "Path": "C:\\Windows\\system32;C:\\Windows;C:\\Windows\\System32\\Wbem;"
        "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\",
        "PATHEXT": ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC",
        "PROCESSOR_ARCHITECTURE": "AMD64",
        "ProgramFiles": "C:\\Program Files",
        "ProgramFiles(x86)": "C:\\Program Files (x86)",
        "PUBLIC": "C:\\Users\\Public",
        "SystemDrive": "C:",
        "SystemRoot": "C:\\Windows",
        "TEMP": temp,
        "TMP": temp,
        "USERDOMAIN": machine.domain if system else domain or machine.domain,
        "USERNAME": f"{machine.name.upper()}$" if system else name,
        "USERPROFILE": profile,
        "windir": "C:\\Windows",
        CODEPAGE: "437",
    }


def get(env: dict[str, str], name: str) -> str | None:
    """One variable by name in any case."""
    if name in env:
        return env[name]
    folded = name.casefold()
    return next((value for key, value in env.items() if key.casefold() == folded), None)


def put(env: dict[str, str], name: str, value: str) -> None:
    """Set one variable, keeping the spelling it has; an empty value removes it, as in cmd."""
    folded = name.casefold()
    key = next((known for known in env if known.casefold() == folded), name)
    if value == "":
        env.pop(key, None)
    else:
        env[key] = value


def local_time(session: Session) -> datetime:
    """What the machine's clock shows; the lab's machines live in UTC."""
    return datetime.fromtimestamp(session.machine.now(), UTC)


def dynamic(session: Session, name: str, errorlevel: int) -> str | None:
    """The variables cmd computes when they are read, unless a set variable hides them."""
    now = local_time(session)
    match name.casefold():
        case "errorlevel":
            return str(errorlevel)
        case "cd":
            return session.cwd
        case "date":
            return now.strftime("%a %m/%d/%Y")
        case "time":
            return f"{now:%H:%M:%S}.{now.microsecond // 10000:02d}".rjust(11)
        case "random":
            return str(int(now.timestamp() * 1000) * 1103515245 % 32768)
        case "cmdcmdline":
            return "C:\\Windows\\system32\\cmd.exe"
        case "cmdextversion":
            return "2"
        case _:
            return None


def encoding_of(env: dict[str, str]) -> str:
    """The Python codec of the console code page."""
    page = get(env, CODEPAGE) or "437"
    return "utf-8" if page == "65001" else "cp" + page
