"""The one quoting function, and single commands as they stand in a gate and in a job folder, byte for byte."""

from __future__ import annotations

from bot.procedure.facts import ServiceFacts
from state.words import Command, JobKind

_FORBIDDEN = {'"': "contains a double quote", "'": "contains a single quote", "%": "contains a percent sign"}
_SC_START = {"auto": "auto", "automatic": "auto", "manual": "demand", "disabled": "disabled"}


class Unrenderable(Exception):
    """A command that must not or cannot be written: a CMS group by cluster.exe, a name with a quote.

    Attributes: rule, sentence, remedy.
    """

    def __init__(self, rule: str, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.rule = rule
        self.sentence = sentence
        self.remedy = remedy


def bad_name(name: str) -> str:
    """Why a name is never written into a command; "" when it may be.

    Quotes of either kind (straight or typographic, PowerShell takes both), control characters, and what cmd
    expands are refused rather than escaped (DESIGN §9).
    """
    if not name.strip():
        return "is empty"
    for char in name:
        if char in _FORBIDDEN:
            return _FORBIDDEN[char]
        if char in "‘’‚‛“”„‟`":
            return "contains a quotation mark"
        if char in "&|<>^!":
            return f"contains {char!r}, which cmd.exe reads as its own"
        if not char.isprintable():
            return "contains a control character"
    if name.endswith("\\"):
        return "ends in a backslash"
    return ""


def quoted(name: str, rule: str = "GROUP-MOVE-CMD", mark: str = '"') -> str:
    """A name between quotation marks: the one place where a name enters a command. Raises Unrenderable."""
    why = bad_name(name)
    if why:
        raise Unrenderable(rule, f"The name {name!r} {why}: no command is written with it.", "Rename it.")
    return f"{mark}{name}{mark}"


def bare(name: str, rule: str = "GROUP-MOVE-CMD") -> str:
    """A machine's name without quotation marks: letters, digits, dot, hyphen and underscore. Raises Unrenderable."""
    if not name or not all(char.isalnum() or char in "._-" for char in name) or name.startswith("-"):
        raise Unrenderable(rule, f"{name!r} is not the name of a machine.", "Correct it in rollup.toml.")
    return name


def move_group(group: str, to: str, *, run_on: str) -> Command:
    """S12: the document's own command, run on a node of the cluster. Raises Unrenderable."""
    return Command(
        text=f"cluster.exe group {quoted(group)} /move:{bare(to)}",
        kind=JobKind.SHELL,
        node=bare(run_on),
        purpose=f"move '{group}' to {to}",
        effect=f"move:{group}:{to}",
    )


def pause_node(name: str) -> Command:
    """Keeps groups away from a node; it lasts over a restart. Raises Unrenderable."""
    return _node(name, "pause", f"pause {name}: nothing fails over to it while it is patched")


def resume_node(name: str) -> Command:
    """Lets a node take groups again. Raises Unrenderable."""
    return _node(name, "resume", f"let {name} take groups again")


def _node(name: str, verb: str, purpose: str) -> Command:
    node = bare(name)
    return Command(
        text=f"cluster.exe node {node} /{verb}",
        kind=JobKind.SHELL,
        node=node,
        purpose=purpose,
        effect=f"{verb}:{node}",
    )


def service_commands(machine: str, now: ServiceFacts | None, name: str, state: str, start: str) -> tuple[Command, ...]:
    """The commands that bring one service back; services that follow the CMS from node to node are not started.

    Raises Unrenderable.
    """
    if now is None:
        return ()
    made, node = [], bare(machine)
    service = quoted(name, "SERVICES-SNAPSHOT")
    if now.start.casefold() != start.casefold() and start.casefold() in _SC_START:
        made.append(
            Command(
                text=f"sc.exe config {service} start= {_SC_START[start.casefold()]}",
                kind=JobKind.SHELL,
                node=node,
                purpose=f"set the start mode of {name} back to {start}",
                effect=f"service-mode:{name}:{start}",
            )
        )
    if state.casefold() == "running" and now.state.casefold() == "stopped" and not follows_cms(name):
        made.append(
            Command(
                text=f"sc.exe start {service}",
                kind=JobKind.SHELL,
                node=node,
                purpose=f"start {name} again",
                effect=f"service-start:{name}",
            )
        )
    return tuple(made)


def follows_cms(service: str) -> bool:
    """Whether the cluster itself starts and stops a service with the CMS, so that a passive node has it stopped."""
    return service.casefold() in {"msexchangeis", "msexchangesa", "msftesql-exchange"}
