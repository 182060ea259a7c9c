"""Puts down what was just read, for whoever asks `/rollup status`. Nothing is decided by it, so no failure stops anything."""

from __future__ import annotations

import logging

from bot.engine.rooms import Rooms
from bot.procedure.facts import EstateFacts
from bot.procedure.seen import seen_of
from state.errors import StateError
from state.words import Campaign, Job, JobLine, JobReport

log = logging.getLogger(__name__)


def show(rooms: Rooms, campaign: Campaign, facts: EstateFacts) -> None:
    """Keep a reading."""
    try:
        before = rooms.store.showing.get(campaign.id).seen
        rooms.store.showing.reading(campaign.id, seen_of(facts, rooms.clock.lab(facts.read_at), before))
    except StateError as err:
        log.warning("%s: the reading is not shown: %s", campaign.id, err)


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
