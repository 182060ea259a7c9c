"""`@rollup …`: the same words inside a thread. Only a person's new, unedited message that begins with the mention."""

from __future__ import annotations

from handlers import texts
from handlers.answers import Reply, refusal_reply
from handlers.commands import Commands, Request
from handlers.deps import Deps
from handlers.trust import Said
from state.words import Refusal, RefusalKind


def words_after_mention(text: str, us: str) -> str | None:
    """What follows `<@us>` at the very beginning, or None when the message does not begin with it."""
    stripped = text.lstrip()
    for start in (f"<@{us}>", f"<@{us}|"):
        if stripped.startswith(start):
            rest = stripped[len(f"<@{us}") :]
            return rest.partition(">")[2].strip(" \t\n:,")
    return None


class Mentions:
    """Turns a mention into a request. None means: say nothing."""

    def __init__(self, deps: Deps, commands: Commands) -> None:
        self._deps = deps
        self._commands = commands

    def run(self, said: Said) -> Reply | None:
        """The answer for the person, or None for messages that are none of ours. May raise StateError."""
        deps = self._deps
        words = words_after_mention(said.text, deps.identity.user_id)
        if words is None or not said.user or said.user == deps.identity.user_id:
            deps.store.inbox_drop(said.id)
            return None
        if said.team and said.team != deps.identity.team_id:
            deps.store.inbox_drop(said.id)
            return None
        if said.why_not:
            deps.store.inbox_drop(said.id)
            if said.why_not == "a bot wrote it":
                return None  # two bots that answer each other never stop
            refused = Refusal(kind=RefusalKind.NOT_A_HUMAN_MESSAGE, parts=(("problem", said.why_not),))
            return refusal_reply(texts.refusal(refused, deps.docs_url))
        account = self._commands.account(said.user)
        if account is not None and account.bot:
            deps.store.inbox_drop(said.id)
            return None
        here = deps.store.find_by_thread(said.channel, said.thread_ts) if said.thread_ts else None
        request = Request(
            id=said.id, user=said.user, channel=said.channel, text=words, mention=True, thread_campaign=here or ""
        )
        return self._commands.run(request)
