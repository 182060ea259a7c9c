"""Renders each step's commands from the facts of the moment.

The text here is the text a gate shows and the text in the job folder, byte for byte. What differs per attempt
(the folder) is named by the environment variable that the job body sets on the node.
"""

from __future__ import annotations

from dataclasses import replace

from bot.procedure.commands import Unrenderable, bare, move_group, pause_node, quoted, resume_node, service_commands
from bot.procedure.facts import EstateFacts, MachineFacts, NodeStatus, ServiceFacts, Unknown, same_name
from bot.procedure.levels import Build, machine_level, try_build
from bot.procedure.picture import Picture
from bot.procedure.reach import cluster_name_of, picture_of
from state.words import Command, JobKind, NodeImage, Package, Step, StepKind

JOB_FOLDER = "%ROLLUP_FOLDER%"  # set by the job body (bot/estate/scripts/job.ps1)
INSTALL_TIMEOUT_S = 5400.0  # people are told after 90 minutes; nothing is ever killed (issue 4)
RESTART_REASON = "p:2:17"  # planned, operating system: hot fix


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
            state = picture.status(step.target) if picture is not None else NodeStatus.UP
            # Views that differ say Unknown: to resume a node that is Up does no harm, to leave one Paused does.
            return _resume(step, picture) if state in {NodeStatus.PAUSED, NodeStatus.UNKNOWN} else ()
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
        made.append(move_group(group.name, to, run_on=node))
    if len(picture.nodes) > 1 and picture.status(node) is not NodeStatus.PAUSED:
        made.append(pause_node(node))
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
    return (replace(resume_node(step.target), purpose=f"resume {step.target}, only after the checks that follow"),)


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
    """Puts back only what we changed: start modes and running services as in the before-image, then the pause.

    With option "owners" only the groups it names, each to the node where it was found.
    """
    if step.option == "owners":
        return _give_back(step, picture)
    machine = facts.machine(step.target)
    image = next((one for one in images if same_name(one.machine, step.target)), None)
    if machine is None or image is None:
        raise Unrenderable("SERVICES-SNAPSHOT", f"There is no before-image of {step.target}.", "Nothing is put back.")
    made = [
        command
        for name, state, start in image.services
        for command in service_commands(step.target, _now(machine, name), name, state, start)
    ]
    paused = picture is not None and picture.status(step.target) is NodeStatus.PAUSED
    if paused and not image.paused and step.option != "services":  # it is still out: its install is tried again
        made += _resume(step, picture)
    return tuple(made)


def _give_back(step: Step, picture: Picture | None) -> tuple[Command, ...]:
    if picture is None or not picture.views:
        raise Unrenderable("VIEW-AGREE", f"The groups of {step.cluster} could not be read.", "Recheck.")
    made = []
    for name, home in step.groups:
        group = picture.group(name)
        if group is None:
            raise Unrenderable("GROUP-MOVE-PLAN", f"'{name}' is not listed any more.", "cluster.exe group")
        if picture.is_cms_group(group):
            raise Unrenderable(
                "GROUP-MOVE-NOT-CMS",
                f"'{name}' is a clustered mailbox server and is never moved with cluster.exe.",
                "Use Move-ClusteredMailboxServer.",
            )
        if same_name(group.owner, home):
            continue
        if not picture.may_take(group, home):
            raise Unrenderable("GROUP-MOVE-PLAN", f"{home} is not Up, or may not own '{name}'.", "cluster.exe node")
        made.append(move_group(group.name, home, run_on=step.target))
    return tuple(made)


def _now(machine: MachineFacts, name: str) -> ServiceFacts | None:
    services = () if isinstance(machine.services, Unknown) else machine.services
    return next((one for one in services if one.name.casefold() == name.casefold()), None)
