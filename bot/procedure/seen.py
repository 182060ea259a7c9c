"""One reading of the machines as people ask for it at night: mail, failover, nodes, quorum, levels, copies. Pure.

Nothing is decided by it. What could not be read says so and why; nothing is left out (facts/exchange.md §9).
"""

from __future__ import annotations

from bot.procedure.facts import (
    NOT_ASKED,
    ClusterKind,
    EstateFacts,
    LogFacts,
    NodeStatus,
    QuorumModel,
    Unknown,
    same_name,
    short,
)
from bot.procedure.levels import Build, machine_level
from bot.procedure.picture import Cms, Picture, word
from bot.procedure.reach import cluster_name_of, picture_of, scope
from state.words import MailSeen, Seen

LOG_MB = 1.0  # a transaction log of Exchange 2007
_DAYS = 30  # beyond that the number says nothing
_SHORT_H = 24.0  # somebody has to look before the same hour tomorrow
_DISK_DECIDES = (QuorumModel.DISK_2003, QuorumModel.DISK_ONLY)
_WITNESS_VOTES = (QuorumModel.MNS_SHARE, QuorumModel.NODE_DISK, QuorumModel.NODE_SHARE)


def seen_of(facts: EstateFacts, at: float, before: Seen | None = None) -> Seen:
    """The reading at lab time `at`. `before` is the one before it: from it comes since when mail is as it is."""
    main = picture_of(facts, facts.inventory.cluster)
    names = tuple(dict.fromkeys(filter(None, (cluster_name_of(facts, one) for one in scope(facts)))))
    clusters = [main if same_name(name, main.name) else picture_of(facts, name) for name in names]
    mail = _mail(facts, main, at, before)
    hours, hours_at = _log_hours(facts, main), at
    if not hours and before is not None and _nodes(mail) == _nodes(before.mail):  # nobody asked for them this time
        hours, hours_at = before.log_hours, before.log_hours_at
    return Seen(
        at=at,
        mail=mail,
        nodes=tuple((node, word(picture.status(node))) for picture in clusters for node in picture.nodes),
        group=_group(main),
        quorum=_quorum(main),
        levels=tuple((name, _level(facts, name)) for name in scope(facts)),
        copies=_copies(main),
        log_hours=hours,
        log_hours_at=hours_at,
    )


def _mail(facts: EstateFacts, main: Picture, at: float, before: Seen | None) -> tuple[MailSeen, ...]:
    known = {one.cms.casefold(): one for one in before.mail} if before is not None else {}
    if isinstance(main.cms, Unknown):
        return tuple(
            MailSeen(cms=one.cms, up=None, said=main.cms.why, since=at, failover_said=main.cms.why)
            for one in known.values()
        ) or (MailSeen(cms=main.name, up=None, said=main.cms.why, since=at, failover_said=main.cms.why),)
    found = []
    for cms in main.cms:
        up, said = _up(cms)
        can, why = _failover(facts, main, cms)
        was = known.get(cms.name.casefold())
        since = was.since if was is not None and was.up is up else at
        node = cms.active_node if isinstance(cms.active_node, str) else ""
        found.append(MailSeen(cms=cms.name, up=up, said=said, since=since, failover=can, failover_said=why, node=node))
    return tuple(found)


def _up(cms: Cms) -> tuple[bool | None, str]:
    """Whether mail is up: Online with every database mounted. One dismounted database is mail down for its users."""
    if isinstance(cms.state, Unknown):
        return None, cms.state.why
    where = f" on {cms.active_node}" if isinstance(cms.active_node, str) and cms.active_node else ""
    if cms.state != "Online":
        return False, f"{cms.state}{where}"
    if isinstance(cms.databases, Unknown):
        return None, f"Online{where}, but its databases could not be read: {cms.databases.why}"
    mounted = [db for db in cms.databases if db.mounted is True]
    down = [db.name for db in cms.databases if db.mounted is False]
    if down:
        return False, f"Online{where}, but {', '.join(down)} dismounted"
    if len(mounted) < len(cms.databases):
        return None, f"Online{where}, but whether every database is mounted could not be read"
    return True, f"Online{where}, {len(mounted)} of {len(cms.databases)} databases mounted"


def _failover(facts: EstateFacts, main: Picture, cms: Cms) -> tuple[bool | None, str]:
    """Whether a node could take it now, and which, or why none can."""
    if isinstance(cms.active_node, Unknown):
        return None, cms.active_node.why
    if isinstance(cms.redundant, Unknown):
        return None, cms.redundant.why
    able, doubts, why = [], [], []
    copies = _copies_say(main, cms)
    for node in main.nodes:
        if cms.active_node and same_name(node, cms.active_node):
            continue
        if not any(same_name(node, one) for one in cms.redundant):
            why.append(f"{node} may not run it")
        elif main.status(node) is NodeStatus.UNKNOWN:
            doubts.append(f"the state of {node} is not known")
        elif main.status(node) is not NodeStatus.UP:
            why.append(f"{node} is {word(main.status(node))}")
        elif held := main.cms_on(node):
            why.append(f"{node} runs {held[0].name}")
        else:
            able.append(node)
    if not able:
        return (None if doubts else False), "; ".join((*why, *doubts)) or "there is no other node"
    bad, unread = copies
    if bad:
        return False, bad
    if unread:
        return None, unread
    here = machine_level(facts.machine(cms.active_node), cms.active_node)
    older = [n for n in able if isinstance(here, Build) and _older(machine_level(facts.machine(n), n), here)]
    note = f" ({', '.join(older)} is at an older level)" if older else ""
    return True, f"to {' or '.join(able)}{note}"


def _older(level: Build | Unknown, than: Build) -> bool:
    return isinstance(level, Build) and level < than


def _copies_say(main: Picture, cms: Cms) -> tuple[str, str]:
    """For CCR: (what of the copies speaks against a failover, what could not be read)."""
    if main.kind is ClusterKind.SCC:
        return "", ""
    if isinstance(cms.copies, Unknown):
        return "", f"its copies could not be read: {cms.copies.why}"
    bad = [f"{one.storage_group} is {one.status}" for one in cms.copies if not one.standby and one.status != "Healthy"]
    return (f"its copies are not Healthy: {', '.join(bad)}" if bad else ""), ""


def _group(main: Picture) -> str:
    core = next((one for one in main.groups if one.core), None)
    if core is None:
        return "unknown, not read" if not main.views else "unknown: no group is the default group by its resources"
    return f"'{core.name}' on {core.owner}, {word(core.state)}"


def _quorum(main: Picture) -> str:
    """Votes and margin: what the loss of one more means."""
    model, running = main.quorum, [node for node in main.nodes if main.running(node)]
    if isinstance(model, Unknown):
        return f"unknown: {model.why}"
    if model is QuorumModel.LOCAL:
        return "local quorum, one node"
    witness = main.witness_ok
    if model in _DISK_DECIDES:
        state = (
            "its state is unknown" if isinstance(witness, Unknown) else "it is up" if witness else "it is NOT available"
        )
        more = "" if len(running) > 1 else "; one more loss = cluster down"
        return f"{model}: the disk alone decides, {state}; {len(running)} of {len(main.nodes)} nodes run{more}"
    votes = len(main.nodes) + (1 if model in _WITNESS_VOTES else 0)
    needed = votes // 2 + 1
    have = len(running) + (1 if model in _WITNESS_VOTES and witness is True else 0)
    doubt = ""
    if model in _WITNESS_VOTES and isinstance(witness, Unknown):
        doubt = f"; the witness is unknown ({witness.why}) and not counted"
    margin = have - needed
    loss = (
        "one more loss = cluster down"
        if margin <= 0
        else f"it survives {margin} more loss{'' if margin == 1 else 'es'}"
    )
    return f"{model}: {have} of {votes} votes, {needed} needed; {loss}{doubt}"


def _level(facts: EstateFacts, name: str) -> str:
    level = machine_level(facts.machine(name), name)
    return str(level) if isinstance(level, Build) else f"unknown: {level.why}"


def _copies(main: Picture) -> tuple[str, ...]:
    """Every copy that is not Healthy, CCR and SCR, and every list that could not be read."""
    if isinstance(main.cms, Unknown):
        return (f"unknown: {main.cms.why}",)
    single = main.kind is ClusterKind.SCC
    if single and main.cms and not any(_may_have_targets(cms) for cms in main.cms):
        return ("none, each storage group is there once",)
    found = []
    for cms in main.cms:
        if isinstance(cms.standbys, Unknown):
            found.append(f"{cms.name}'s SCR copies: unknown: {cms.standbys.why}")
        if isinstance(cms.copies, Unknown):
            if not single or _may_have_targets(cms):
                found.append(f"{cms.name} unknown: {cms.copies.why}")
            continue
        for one in cms.copies:
            # The only one there is of a single copy is none: Exchange calls its replication Disabled.
            if one.status != "Healthy" and (one.standby or not single):
                where = f" on {one.standby}" if one.standby else ""
                queue = "" if isinstance(one.copy_queue, Unknown) else f", {one.copy_queue} logs behind"
                found.append(f"{cms.name}\\{one.storage_group}{where} {one.status}{queue}")
    return tuple(found)


def _may_have_targets(cms: Cms) -> bool:
    return isinstance(cms.standbys, Unknown) or any(targets for _group, targets in cms.standbys)


def _nodes(mail: tuple[MailSeen, ...]) -> set[tuple[str, str]]:
    """Which mail server is where; of one that moved, the log volumes are others now."""
    return {(one.cms, short(one.node)) for one in mail if one.node}


def _log_hours(facts: EstateFacts, main: Picture) -> str:
    """How long each log volume lasts on the node that writes it; "" where a node that could say was not asked."""
    if isinstance(main.cms, Unknown):
        return f"unknown: {main.cms.why}"
    said = [_hours_of(facts, cms) for cms in main.cms]
    return "; ".join(line for lines in said for line in lines) if all(said) else ""


def _hours_of(facts: EstateFacts, cms: Cms) -> list[str]:
    """One mail server's log volumes; [] where its node was not asked."""
    node = cms.active_node
    if isinstance(node, Unknown) or not node:
        return [f"{cms.name} unknown: {node.why if isinstance(node, Unknown) else 'it runs on no node'}"]
    machine = facts.machine(node)
    if machine is None:
        return []
    survey = machine.survey if machine.reached else Unknown(f"it did not answer ({machine.why_not})")
    logs = survey if isinstance(survey, Unknown) else survey.logs
    if isinstance(logs, Unknown):
        return [] if logs == NOT_ASKED else [f"{cms.name} on {node} unknown: {logs.why.rstrip('.')}"]
    mine = [one for one in logs if same_name(one.cms, cms.name)]
    volumes = dict.fromkeys(one.volume for one in mine)
    return [_volume_lasts(node, [one for one in mine if one.volume == volume]) for volume in volumes] or [
        f"{cms.name} on {node} unknown: no storage group of it was found there"
    ]


def _volume_lasts(node: str, logs: list[LogFacts]) -> str:
    """One volume, filled by every storage group that writes to it. One rate that is not known makes the sum unknown."""
    where = f"{logs[0].volume or 'the log volume of ' + logs[0].storage_group} on {node}"
    for one in logs:
        for read in (one.free_mb, one.per_h):
            if isinstance(read, Unknown):
                return f"{where} unknown: {one.storage_group}: {read.why.rstrip('.')}"
    free = min(one.free_mb for one in logs if not isinstance(one.free_mb, Unknown))
    rate = sum(one.per_h for one in logs if not isinstance(one.per_h, Unknown)) * LOG_MB
    said = f"{free:.0f} MB free"
    if rate <= 0:
        return f"{where} no log is being made, {said}"
    hours = free / rate
    lasts = f"over {_DAYS} days" if hours > _DAYS * 24 else f"{'ONLY ' if hours < _SHORT_H else ''}{hours:.0f} h"
    return f"{where} {lasts} left, {said}, {rate:.0f} logs of 1 MB an hour"
