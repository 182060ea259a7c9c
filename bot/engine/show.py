"""Puts down what was just read, for whoever asks `/rollup status`. Nothing is decided by it, so no failure stops anything."""

from __future__ import annotations

import logging

from bot.engine.rooms import Rooms
from bot.procedure.asked import logs_wanted
from bot.procedure.facts import EstateFacts, same_name
from bot.procedure.seen import seen_of
from state.errors import StateError
from state.showing import Shown
from state.words import Campaign, Job, JobLine, JobReport

ASKED_S = 120.0  # wall: who asked longer ago has stopped waiting
log = logging.getLogger(__name__)


def show(rooms: Rooms, campaign: Campaign, facts: EstateFacts) -> None:
    """Keep a reading."""
    try:
        before = rooms.store.showing.get(campaign.id).seen
        rooms.store.showing.reading(campaign.id, seen_of(facts, rooms.clock.lab(facts.read_at), before))
    except StateError as err:
        log.warning("%s: the reading is not shown: %s", campaign.id, err)


def wants_newer(rooms: Rooms, shown: Shown) -> bool:
    """Whether somebody asked for a newer reading and is still waiting for it."""
    return 0.0 < rooms.store.server_time() - shown.asked_at < ASKED_S


def refresh(rooms: Rooms, campaign: Campaign) -> None:
    """Read again because somebody asked for the status and the last reading was old. Never the machine a job runs on:
    a shell there would hold files that an installer wants to replace, and so cause a restart (facts/exchange.md §9).
    """
    try:
        shown = rooms.store.showing.get(campaign.id)
        recent = wants_newer(rooms, shown)
    except StateError:
        return
    inventory, package = rooms.config.inventory(campaign.cluster), rooms.package(campaign)
    if not recent or inventory is None or package is None:
        return
    busy = campaign.open_job.order.command.node if campaign.open_job is not None else ""
    known = campaign.plan.machine_set if campaign.plan is not None else inventory.nodes
    machines = tuple(name for name in known if not busy or not same_name(name, busy))
    if machines:
        logs = logs_wanted(shown.seen, inventory.nodes, rooms.lab(), now_please=True)
        asked = tuple((node, kind) for node, kind in logs if any(same_name(node, one) for one in machines))
        show(rooms, campaign, rooms.estate.read(inventory, machines, package=package, asked=asked))


def show_line(rooms: Rooms, campaign: Campaign, job: Job, report: JobReport) -> None:
    """Keep a running job's last log line; its age by the node's clock (wall) is kept in lab seconds."""
    lines = [line.strip() for line in report.log_tail.splitlines() if line.strip()]
    if not lines:
        return
    age = report.log_age_s * rooms.clock.speed if report.log_age_s is not None else None
    line = JobLine(job=job.order.name, line=lines[-1][:300], at=rooms.lab(), age_s=age)
    try:
        rooms.store.showing.line(campaign.id, line)
    except StateError as err:
        log.warning("%s: the log's last line is not shown: %s", campaign.id, err)
