"""What a campaign leaves otherwise than it was found, because of it: groups, pauses, services. Pure.

The before-images say how it was found; a group counts only where our own last move of it left it, so that what
somebody else moved since is theirs. From this come the words at the end and at an abort, and the optional step
that puts things back (DESIGN §7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.procedure.commands import Unrenderable, move_group, resume_node, service_commands
from bot.procedure.context import Durations
from bot.procedure.facts import EstateFacts, GroupFacts, NodeStatus, ServiceFacts, Unknown, same_name
from bot.procedure.picture import Picture
from bot.procedure.reach import cluster_name_of, picture_of
from state.words import Campaign, Command, Event, JobEnded, JobOpened, JobState, NodeImage, Step, StepKind

_NEVER_RAN = (JobState.CLOSED, JobState.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One group we moved: `node` is where its command ran, so it names the cluster; `to` is our last target."""

    node: str
    group: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as it was found. `commands` put it back; none where a name cannot be written safely."""

    kind: str  # "pause" | "services" | "owners"
    machine: str  # owners: the node the group was found on
    cluster: str
    sentence: str
    commands: tuple[Command, ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Everything that differs, worst first, and what could not be read of it (a sentence each)."""

    differences: tuple[Difference, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """All of it in words; "" when nothing differs and everything was read."""
        return " ".join((*(one.sentence for one in self.differences), *self.unread))

    @property
    def by_hand(self) -> tuple[tuple[str, str], ...]:
        """(purpose, command) pairs for people, in the order to run them."""
        return tuple((c.purpose, _where(c)) for one in self.differences for c in one.commands)


def _where(command: Command) -> str:
    """A cluster.exe line runs on any node; what speaks to services runs where they are."""
    if not command.text.startswith("sc.exe "):
        return command.text
    return command.text.replace("sc.exe ", f"sc.exe \\\\{command.node} ", 1)


def moved_by_us(events: Iterable[Event]) -> tuple[Moved, ...]:
    """The groups a campaign's own jobs moved, by its events. A move whose end is not known counts: it may have run."""
    asked: dict[str, Moved] = {}
    for event in events:
        if isinstance(event, JobOpened) and event.order.command.effect.startswith("move:"):
            group, _, to = event.order.command.effect.removeprefix("move:").rpartition(":")
            asked[event.order.name] = Moved(node=event.order.command.node, group=group, to=to)
        elif isinstance(event, JobEnded) and event.state in _NEVER_RAN:
            asked.pop(event.job, None)
    last: dict[tuple[str, str], Moved] = {}
    for one in asked.values():
        key = (one.group.casefold(), one.node.casefold())
        last.pop(key, None)  # the latest stands last: of one group's moves from several nodes that one counts
        last[key] = one
    return tuple(last.values())


def left_behind(campaign: Campaign, moved: tuple[Moved, ...], facts: EstateFacts) -> Left:
    """What differs from the before-images by facts read now: pauses first, then services, then groups."""
    differences: list[Difference] = []
    unread: list[str] = []
    for image in campaign.images:
        cluster = cluster_name_of(facts, image.machine)
        picture = picture_of(facts, cluster) if cluster else None
        differences += _paused(image, picture, cluster, campaign)
        machine = facts.machine(image.machine)
        services = machine.services if machine is not None and machine.reached else Unknown("it did not answer")
        if isinstance(services, Unknown):
            unread.append(f"The services of {image.machine} could not be compared: {services.why}.")
        else:
            differences += _services(image, services, cluster)
    clusters = dict.fromkeys(cluster_name_of(facts, one.node) for one in moved)
    for cluster in clusters:
        picture = picture_of(facts, cluster)
        if not picture.views or picture.disagreements:
            unread.append(f"Where the groups of {cluster} are could not be read, or its nodes disagree.")
            continue
        mine = {one.group.casefold(): one for one in moved if cluster_name_of(facts, one.node) == cluster}
        differences += _owners(campaign, picture, cluster, mine)
    rank = {"pause": 0, "services": 1, "owners": 2}
    return Left(differences=tuple(sorted(differences, key=lambda one: rank[one.kind])), unread=tuple(unread))


def _paused(image: NodeImage, picture: Picture | None, cluster: str, campaign: Campaign) -> list[Difference]:
    name = image.machine
    ours = any(same_name(name, one) for one in campaign.paused_nodes)
    status = picture.status(name) if picture is not None else NodeStatus.UNKNOWN
    if image.paused or not (status is NodeStatus.PAUSED or (ours and status is NodeStatus.UNKNOWN)):
        return []
    sure = "is Paused" if status is NodeStatus.PAUSED else "was paused by this campaign and its state cannot be read"
    said = f"{name} {sure}: nothing can fail over to it until somebody resumes it."
    return [Difference(kind="pause", machine=name, cluster=cluster, sentence=said, commands=(resume_node(name),))]


def _services(image: NodeImage, services: tuple[ServiceFacts, ...], cluster: str) -> list[Difference]:
    found = []
    now = {one.name.casefold(): one for one in services}
    for name, state, start in image.services:
        one = now.get(name.casefold())
        try:
            commands = service_commands(image.machine, one, name, state, start)
        except Unrenderable:
            continue
        if one is None or not commands:
            continue
        said = f"{name} on {image.machine} is {one.state}, {one.start}; it was found {state}, {start}."
        found.append(
            Difference(kind="services", machine=image.machine, cluster=cluster, sentence=said, commands=commands)
        )
    return found


def _owners(campaign: Campaign, picture: Picture, cluster: str, moved: dict[str, Moved]) -> list[Difference]:
    image = next(
        (one for one in campaign.images if one.groups and any(same_name(one.machine, n) for n in picture.nodes)), None
    )
    if image is None:
        return []
    was = {group.casefold(): owner for group, owner in image.groups}
    found = []
    for group in picture.groups:
        ours, home = moved.get(group.name.casefold()), was.get(group.name.casefold())
        if ours is None or home is None or picture.is_cms_group(group) or not group.resource_types:
            continue  # not ours, not known, never with cluster.exe, or empty: nothing runs in it anywhere
        if same_name(group.owner, home) or not same_name(group.owner, ours.to) or _in_company(picture, was, group):
            continue
        said = f"'{group.name}' is on {group.owner}; it was found on {home}."
        try:
            commands: tuple[Command, ...] = (move_group(group.name, home, run_on=home),)
        except Unrenderable:
            commands = ()
        found.append(
            Difference(kind="owners", machine=home, cluster=cluster, sentence=said, commands=commands, group=group.name)
        )
    return found


def _in_company(picture: Picture, was: dict[str, str], group: GroupFacts) -> bool:
    """Whether the default group stood beside a mail server when it was found, and stands beside that one now.

    The mail server has moved for good, on purpose. Whoever owns the default group keeps the cluster when the network
    between the nodes breaks, so taking it away from its mail server would make an outage out of such a break.
    """
    if not group.core:
        return False
    home = was[group.name.casefold()]
    beside = [one for one in picture.groups if picture.is_cms_group(one) and same_name(one.owner, group.owner)]
    return any(same_name(was.get(one.name.casefold(), ""), home) for one in beside)


def put_back(campaign: Campaign, moved: tuple[Moved, ...], facts: EstateFacts) -> Step | None:
    """The optional step that comes next at the end: the services of one machine, else the groups of one cluster.

    None when nothing differs, when it could not be written, or when it was asked for already: nobody is asked twice.
    """
    plan = campaign.plan
    if plan is None:
        return None
    left = [one for one in left_behind(campaign, moved, facts).differences if one.commands and one.kind != "pause"]
    asked = {(s.option, s.cluster if s.option == "owners" else s.target) for s in plan.steps if s.optional}
    for one in left:
        place = one.cluster if one.kind == "owners" else one.machine
        if (one.kind, place) in asked:
            continue
        same = [o for o in left if o.kind == one.kind and place == (o.cluster if o.kind == "owners" else o.machine)]
        return _step(campaign, same)
    return None


def _step(campaign: Campaign, same: list[Difference]) -> Step:
    first = same[0]
    numbers = [int(m[1]) for s in (campaign.plan.steps if campaign.plan else ()) if (m := re.match(r"s(\d+)", s.id))]
    step = Step(
        id=f"s{max(numbers, default=0) + 1:02d}",
        kind=StepKind.RESTORE,
        target=first.machine,
        title=f"Put back the services of {first.machine}",
        rule="SERVICES-SNAPSHOT",
        because=" ".join(one.sentence for one in same),
        cluster=first.cluster,
        option=first.kind,
        role="node" if first.cluster else "scr-target",
        expected_s=Durations().restore_s,
        optional=True,
    )
    if first.kind != "owners":
        return step
    names = ", ".join(f"'{one.group}'" for one in same)
    homes = " and ".join(dict.fromkeys(one.machine for one in same))
    groups = tuple((one.group, one.machine) for one in same)
    return replace(step, title=f"Put {names} back on {homes}", rule="GROUPS-SNAPSHOT", groups=groups)
