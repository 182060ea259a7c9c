"""The order checker: accepts or rejects any plan, live campaign or transcript by the document alone.

It shares facts, levels and words with the rest of the procedure and nothing else: neither planner nor rules, so
that a mistake in them is seen here.
"""

from __future__ import annotations

from bot.procedure.order.board import Violation
from bot.procedure.order.live import check_next
from bot.procedure.order.plans import check_plan
from bot.procedure.order.transcript import check_events

__all__ = ["Violation", "check_events", "check_next", "check_plan"]
