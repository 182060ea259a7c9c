"""How somebody is answered: an ephemeral sentence where they typed or reacted, else a direct message."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handlers.blocks import TEXT, Block, characters, sections
from handlers.calls import Calls, SlackError

log = logging.getLogger(__name__)
Respond = Callable[..., Any]
REFUSED = "refused"  # block_id; played people look for it (docs/slack.md)


@dataclass(frozen=True, slots=True)
class Reply:
    """What one person is told: a text for notifications and the blocks that are seen."""

    text: str
    blocks: tuple[Block, ...]


def sentence_reply(text: str) -> Reply:
    """One paragraph."""
    return Reply(text=text[:TEXT], blocks=tuple(sections([text])))


def refusal_reply(text: str) -> Reply:
    """Why a command was not carried out. Its first block is named, so that a program need not read the words."""
    said = sentence_reply(text)
    first, *more = said.blocks
    return replace(said, blocks=({**first, "block_id": REFUSED}, *more))


def blocks_reply(blocks: Sequence[Block], text: str) -> Reply:
    """Blocks with a plain fallback."""
    return Reply(text=text[:TEXT], blocks=tuple(blocks))


class Answers:
    """Sends replies; a reply that cannot be delivered is logged, never raised: the transition stands without it."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def send(self, user: str, channel: str, reply: Reply, *, thread: str = "", respond: Respond | None = None) -> None:
        """Through the command's own one-time address while it is fresh, else as an ephemeral, else directly."""
        if respond is not None and self._respond(respond, reply):
            return
        fields: dict[str, Any] = {"text": reply.text, "blocks": list(reply.blocks)}
        if thread:
            fields["thread_ts"] = thread
        try:
            self._calls("chat.postEphemeral", patience_s=20.0, channel=channel, user=user, **fields)
            return
        except SlackError as failed:
            log.info("no ephemeral in %s: %s", channel, failed)
        fields.pop("thread_ts", None)
        try:
            self._calls("chat.postMessage", patience_s=20.0, channel=user, **fields)
        except SlackError as failed:
            log.warning("%s could not be told (%d characters): %s", user, characters(list(reply.blocks)), failed)

    def _respond(self, respond: Respond, reply: Reply) -> bool:
        try:
            answer = respond(text=reply.text, blocks=list(reply.blocks), response_type="ephemeral")
        except Exception as failed:  # noqa: BLE001 - whatever the one-time address does, the next way is tried
            log.info("the command's own address did not answer: %s", type(failed).__name__)
            return False
        return getattr(answer, "status_code", 200) == 200
