"""Renders each step's commands from the facts of the moment, with the one quoting function.

The text here is the text a gate shows and the text in the job folder, byte for byte. What differs per attempt
(the folder) is named by the environment variable that the job body sets on the node.
"""

from __future__ import annotations

from bot.procedure.facts import EstateFacts, MachineFacts, NodeStatus, ServiceFacts, Unknown, same_name
from bot.procedure.levels import Build, machine_level, try_build
from bot.procedure.picture import Picture
from bot.procedure.reach import cluster_name_of, picture_of
from state.words import Command, JobKind, NodeImage, Package, Step, StepKind

JOB_FOLDER = "%ROLLUP_FOLDER%"  # set by the job body (bot/estate/scripts/job.ps1)
INSTALL_TIMEOUT_S = 5400.0  # people are told after 90 minutes; nothing is ever killed (issue 4)
RESTART_REASON = "p:2:17"  # planned, operating system: hot fix
_FORBIDDEN = {'"': "contains a double quote", "'": "contains a single quote", "%": "contains a percent sign"}


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


def commands(
    step: Step,
    facts: EstateFacts,
    package: Package,
    *,
    campaign: str,
    images: tuple[NodeImage, ...] = (),
) -> tuple[Command, ...]:
    """The step's commands in the order they run, from CURRENT facts. Raises Unrenderable.

    What is so already is not done again: an empty answer means that only the checks after the step are left.
    An install of a cluster node ends with a resume (`effect` "resume:<node>"): run it only after the AFTER checks
    of the install passed; after a 3010 skip it, it is the last command of the restart step.
    """
    cluster = step.cluster or cluster_name_of(facts, step.target)
    picture = picture_of(facts, cluster) if cluster else None
    if step.kind is StepKind.EVACUATE:
        return _evacuate(step, picture)
    if step.kind is StepKind.INSTALL:
        if _at_level(step, facts, package):  # an attempt was cut off after it took effect: what is left is the resume
            paused = picture is not None and picture.status(step.target) is NodeStatus.PAUSED
            return _resume(step, picture) if paused else ()
        return (_install(step, package, picture), *_resume(step, picture))
    if step.kind is StepKind.RESTART:
        return (_restart(step, campaign, picture), *(() if step.option == "reboot-first" else _resume(step, picture)))
    if step.kind is StepKind.HANDOFF:
        return () if _is_there(step, picture) else (_handoff(step, campaign),)
    return _restore(step, facts, picture, images)


def _at_level(step: Step, facts: EstateFacts, package: Package) -> bool:
    target = try_build(package.build)
    level = machine_level(facts.machine(step.target), step.target)
    return isinstance(target, Build) and isinstance(level, Build) and level == target


def _is_there(step: Step, picture: Picture | None) -> bool:
    """Whether the CMS is active on the target already, as every node that answered says."""
    if picture is None or isinstance(picture.cms, Unknown):
        return False
    cms = next((one for one in picture.cms if same_name(one.name, step.cms)), None)
    return cms is not None and isinstance(cms.active_node, str) and same_name(cms.active_node, step.target)


def _evacuate(step: Step, picture: Picture | None) -> tuple[Command, ...]:
    """S12: one cluster.exe move per group the node still owns, then the pause."""
    if picture is None or not picture.views:
        raise Unrenderable("VIEW-AGREE", f"The groups on {step.target} could not be read.", "Recheck.")
    node = bare(step.target)
    made = []
    held = picture.cms_groups_on(node)
    if held:
        raise Unrenderable(
            "GROUP-MOVE-NOT-CMS",
            f"'{held[0].name}' on {node} is a clustered mailbox server and is never moved with cluster.exe.",
            "Use Move-ClusteredMailboxServer.",
        )
    for group in picture.other_groups(node) if len(picture.nodes) > 1 else ():
        to = picture.destination(group, node, step.to)
        if to is None:
            raise Unrenderable(
                "GROUP-MOVE-PLAN", f"No node is Up that may own '{group.name}'.", "Bring a possible owner up."
            )
        made.append(
            Command(
                text=f"cluster.exe group {quoted(group.name)} /move:{bare(to)}",
                kind=JobKind.SHELL,
                node=node,
                purpose=f"move '{group.name}' to {to}",
                effect=f"move:{group.name}:{to}",
            )
        )
    if len(picture.nodes) > 1 and picture.status(node) is not NodeStatus.PAUSED:
        made.append(
            Command(
                text=f"cluster.exe node {node} /pause",
                kind=JobKind.SHELL,
                node=node,
                purpose=f"pause {node}: nothing fails over to it while it is patched",
                effect=f"pause:{node}",
            )
        )
    return tuple(made)


def _install(step: Step, package: Package, picture: Picture | None) -> Command:
    """facts/exchange.md §5: the explicit form, a full local path, no restart, a verbose log."""
    file = package.path.replace("/", "\\").rsplit("\\", 1)[-1]
    path = quoted(file, "PKG-NAME").replace('"', f'"{JOB_FOLDER}\\', 1)
    alone = picture is None or len(picture.nodes) == 1
    return Command(
        text=f'msiexec.exe /update {path} /quiet /norestart /l*v "{JOB_FOLDER}\\install.log"',
        kind=JobKind.TASK,
        node=bare(step.target),
        purpose=f"install {package.kb} (build {package.build}) on {step.target}",
        timeout_s=INSTALL_TIMEOUT_S,
        guard="" if alone else "empty",
        package=package,
        effect="install",
    )


def _resume(step: Step, picture: Picture | None) -> tuple[Command, ...]:
    if picture is None or len(picture.nodes) == 1:
        return ()
    node = bare(step.target)
    return (
        Command(
            text=f"cluster.exe node {node} /resume",
            kind=JobKind.SHELL,
            node=node,
            purpose=f"resume {node}, only after the checks that follow",
            effect=f"resume:{node}",
        ),
    )


def _restart(step: Step, campaign: str, picture: Picture | None) -> Command:
    said = quoted(f"rollup-bot {campaign} {step.id}", "REBOOT-PENDING")
    return Command(
        text=f"shutdown.exe /r /t 5 /d {RESTART_REASON} /c {said}",
        kind=JobKind.TASK,
        node=bare(step.target),
        purpose=f"restart {step.target}",
        timeout_s=1800.0,
        guard="empty" if picture is not None and len(picture.nodes) > 1 else "",
        effect="restart",
    )


def _handoff(step: Step, campaign: str) -> Command:
    """MOVE-REF: comment mandatory, Confirm off; with --stop-move-start the Start is in the same approved command."""
    cms = quoted(step.cms, "MOVE-READY", "'")
    target = quoted(bare(step.target, "MOVE-READY"), "MOVE-READY", "'")
    comment = quoted(f"{campaign} {step.id}", "MOVE-READY", "'")
    move = f"Move-ClusteredMailboxServer -Identity {cms} -TargetMachine {target} -MoveComment {comment} -Confirm:$false"
    if "stop-move-start" in step.option.split("+"):
        move = (
            f"Stop-ClusteredMailboxServer -Identity {cms} -StopReason {comment} -Confirm:$false; {move}; "
            f"Start-ClusteredMailboxServer -Identity {cms}"
        )
    return Command(
        text=move,
        kind=JobKind.RUNNER,
        node=step.target,
        purpose=f"hand {step.cms} from {step.source} to {step.target}",
        language="powershell",
        timeout_s=1800.0,
        effect=f"handoff:{step.cms}:{step.target}",
    )


def _restore(
    step: Step, facts: EstateFacts, picture: Picture | None, images: tuple[NodeImage, ...]
) -> tuple[Command, ...]:
    """Puts back only what we changed: start modes and running services as in the before-image, then the pause."""
    machine = facts.machine(step.target)
    image = next((one for one in images if same_name(one.machine, step.target)), None)
    if machine is None or image is None:
        raise Unrenderable("SERVICES-SNAPSHOT", f"There is no before-image of {step.target}.", "Nothing is put back.")
    made = [
        command
        for name, state, start in image.services
        for command in _service(bare(step.target), _now(machine, name), name, state, start)
    ]
    paused = picture is not None and picture.status(step.target) is NodeStatus.PAUSED
    if paused and not image.paused and step.option != "services":  # it is still out: its install is tried again
        made += _resume(step, picture)
    return tuple(made)


def _now(machine: MachineFacts, name: str) -> ServiceFacts | None:
    services = () if isinstance(machine.services, Unknown) else machine.services
    return next((one for one in services if one.name.casefold() == name.casefold()), None)


_SC_START = {"auto": "auto", "automatic": "auto", "manual": "demand", "disabled": "disabled"}


def _service(node: str, now: ServiceFacts | None, name: str, state: str, start: str) -> tuple[Command, ...]:
    """The commands that bring one service back; services that follow the CMS from node to node are not started."""
    if now is None:
        return ()
    made = []
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
