"""A post of the thread, and the parts every post is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handlers import advice, texts
from handlers.blocks import (
    TEXT,
    Block,
    code,
    context,
    esc,
    fit,
    marked,
    preformatted,
    sections,
)
from handlers.cards import title_of
from handlers.stands import STATE_WORDS
from handlers.texts import Ending, GateEnd
from state.words import (
    Asked,
    Blocked,
    Campaign,
    GateStatus,
    Policy,
    Realm,
    Recorded,
    Vote,
)

HEAD_CHARACTERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message for the thread with its metadata. `opens` is the gate it is, when it is one."""

    text: str
    blocks: tuple[Block, ...]
    event_type: str
    payload: dict[str, Any]
    opens: str = ""
    unfit: str = ""  # why the gate that should stand here does not fit into a message


@dataclass(frozen=True, slots=True)
class Voice:
    """One event, the campaign before and after it, and how a line of the thread is made of them."""

    before: Campaign
    recorded: Recorded
    after: Campaign
    policy: Policy
    realm: Realm

    def _closed(
        self, ending: Ending, rule: str, sentence: str = "", remedy: str = "", more: list[Block] | None = None
    ) -> Post:
        parts = {"campaign": self.after.id, "cluster": self.after.cluster}
        what, todo = texts.ending(ending, parts)
        fact = sentence if ending is Ending.REJECTED or rule == "GATE-FITS" else esc(sentence)
        lines = [f"*{what}*"] if ending is not Ending.REJECTED else []
        if fact:
            lines.append(f"{code(rule)} {fact}" if rule else fact)
        if remedy:
            lines.append(f"_{esc(remedy)}_")
        if todo and ending is not Ending.REJECTED:
            lines.append(todo)
        text = marked(f"{title_of(self.after)}: {STATE_WORDS[self.after.state]}. {sentence}", self.realm)
        return self._post(text, [*sections(lines), *(more or [])], "rollup_closed", self._ended(ending, rule))

    def _stopped(self, end: GateEnd, user: str, reason: str, head: str) -> Post:
        gate = self.before.gate
        lines = [head + (f": {esc(reason)}." if reason else ".")]
        blocks: list[Block] = []
        if gate is not None and gate.status in {GateStatus.PREPARED, GateStatus.OPENED} and gate.ts:
            closing = texts.gate_end(end, {"user": user, "campaign": self.after.id, "cluster": self.after.cluster})
            lines.append(f"{esc(gate.title)}: {closing}")
        lines += advice.state_of_the_cluster(self.after)
        blocks = sections(lines)
        if hints := advice.resume_hint(self.after):
            blocks.append(preformatted([(f"To {purpose}:", command) for purpose, command in hints]))
        return self._post("\n".join(lines), [*blocks, self._chain()], "rollup_line", {})

    def _say(self, line: str, *more: Block) -> Post:
        return self._post(line, [*sections(line.split("\n")), *more], "rollup_line", {})

    def _post(self, text: str, blocks: list[Block], event_type: str, extra: dict[str, Any]) -> Post:
        payload = {**self._payload(), **extra}
        if event_type == "rollup_line":  # what a store is held against that was put back to an older copy
            payload["record"] = self.recorded.hash[:HEAD_CHARACTERS]
        return Post(text=text[:TEXT], blocks=tuple(fit(blocks)), event_type=event_type, payload=payload)

    def _payload(self) -> dict[str, Any]:
        return {"campaign": self.after.id, "event": self.recorded.version}

    def _ended(self, ending: Ending, rule: str) -> dict[str, Any]:
        step = self.before.step.id if self.before.step else ""
        event = self.recorded.event
        if isinstance(event, Blocked | Asked) and event.stop.step:
            step = event.stop.step  # a restore may stand before it by now
        return {"outcome": ending.value, "rule": rule, "step": step}

    def _chain(self) -> Block:
        """The hash chain's head as of this event: what a later reader of the store is held against."""
        return context(f"record {code(self.recorded.hash[:HEAD_CHARACTERS])}", f"entry {self.recorded.version}")

    def _hands(self) -> list[Block]:
        found = outage = advice.outage_commands(self.after)
        blocks = sections(advice.where_to_look(self.after))
        if found:
            blocks.append(preformatted([(f"To {purpose}:" if n else f"By hand, if mail is down. To {purpose}:", command)
                                        for n, (purpose, command) in enumerate(outage)]))  # fmt: skip
        return blocks

    def _risk(self) -> dict[str, str]:
        gate = self.before.gate
        rule = gate.waiver.rule if gate is not None and gate.waiver is not None else ""
        step = self.before.step
        what = esc(step.title) if step is not None and gate is not None and gate.step == step.id else "the plan"
        return {"campaign": self.after.id, "rule": rule, "title": f"*{what}*"}

    def _users(self, persons: tuple[str, ...]) -> tuple[str, ...]:
        """Slack ids of the persons who voted; a person we hold no vote of is shown as it is stored."""
        votes: tuple[Vote, ...] = self.before.votes
        return tuple(
            next((vote.user for vote in votes if person in {vote.person, vote.user}), person) for person in persons
        )
