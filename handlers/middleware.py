"""Before anything else: every envelope that can lead to something is written down, then acknowledged.

bolt acknowledges an event before its listener runs, so an event acked and lost in a crash would be gone for ever
(facts: docs of bolt-python, measured). This middleware runs before the ack: if the store does not take the
event, it raises, nothing is acknowledged, and Slack sends it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from slack_bolt import BoltContext, BoltResponse

from handlers import texts, trust
from handlers.deps import Deps
from state.errors import StateError
from state.words import Refusal, RefusalKind

log = logging.getLogger(__name__)
ENTRY = "rollup_entry"


def keep(deps: Deps) -> Callable[..., BoltResponse | None]:
    """The global middleware."""

    def write_down(body: dict[str, Any], context: BoltContext, next: Callable[[], BoltResponse]) -> BoltResponse:  # noqa: A002 - bolt injects by this name
        entry_id = trust.stable_id(body)
        inbound = trust.inbound(entry_id, body)
        if isinstance(inbound, trust.Rejected):
            log.debug("acknowledged and forgotten: %s", inbound.why)
            return next()  # a catch-all acknowledges it
        try:
            if isinstance(inbound, trust.Altered) and deps.store.find_by_gate(inbound.channel, inbound.ts) is None:
                return next()  # our own card, mostly: only what happens to gates is kept
            fresh = deps.store.inbox_put(entry_id, trust.scrub(body))
        except StateError as down:
            if isinstance(inbound, trust.Typed):  # Slack does not send commands again: the person is told
                words = texts.refusal(Refusal(kind=RefusalKind.STORE_DOWN), deps.docs_url)
                log.warning("a command could not be written down: %s", down)
                return BoltResponse(status=200, body={"response_type": "ephemeral", "text": words})
            raise
        if not fresh:
            return BoltResponse(status=200, body="")  # sent again by Slack: written down before, in hand or done
        context[ENTRY] = entry_id
        return next()

    return write_down
