"""What each event says in the thread: at most one post an event, decided from the campaign before and after. Pure."""

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
    header,
    marked,
    people,
    preformatted,
    section,
    sections,
    span,
    table,
    when,
)
from handlers.cards import levels, plan_message, title_of
from handlers.gate_blocks import DoesNotFit, check_line, gate_message, sorted_checks
from handlers.outage import ends, pinned
from handlers.stands import STATE_WORDS, waive_hint
from handlers.status import pinned_blocks
from handlers.texts import Ending, GateEnd
from state.guards import declined, waivable_blocks
from state.words import (
    Aborted,
    AbortRequested,
    Asked,
    Blocked,
    Campaign,
    Finished,
    GateConsumed,
    GateExpired,
    GatePrepared,
    GateRejected,
    GateStatus,
    GateVoided,
    LateWithdrawal,
    MailDown,
    MailUp,
    NothingToDo,
    Outage,
    OutcomeKind,
    Paused,
    PlanExpired,
    PlanMade,
    PlanRefused,
    Policy,
    PolicyChanged,
    Progress,
    Realm,
    Rechecked,
    Recorded,
    Resumed,
    Retried,
    ReturnAsked,
    Started,
    State,
    StepEnded,
    StepKind,
    Unblocked,
    Unlocked,
    Vote,
    VoteWithdrawn,
    Waiting,
    WaiverAsked,
    WaiverDropped,
)

HEAD_CHARACTERS = 12
_MARKS = {OutcomeKind.DONE: "✓", OutcomeKind.NEEDS_RESTART: "!", OutcomeKind.LEFT: "–"}


def _by_hand(commands: tuple[tuple[str, str], ...]) -> list[Block]:
    """What puts back by hand what differs from how it was found."""
    if not commands:
        return []
    lead = "*To put it back as it was found, by hand:*"
    return [section(lead), preformatted([(f"To {purpose}:", command) for purpose, command in commands])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message for the thread with its metadata. `opens` is the gate it is, when it is one."""

    text: str
    blocks: tuple[Block, ...]
    event_type: str
    payload: dict[str, Any]
    opens: str = ""
    unfit: str = ""  # why the gate that should stand here does not fit into a message


def post_for(before: Campaign, recorded: Recorded, after: Campaign, policy: Policy, realm: Realm) -> Post | None:
    """The post of one event, or None where people need no line for it. Total: an unknown event says nothing."""
    return _Speaker(before, recorded, after, policy, realm).post()


@dataclass(frozen=True, slots=True)
class _Speaker:
    before: Campaign
    recorded: Recorded
    after: Campaign
    policy: Policy
    realm: Realm

    def post(self) -> Post | None:
        event = self.recorded.event
        match event:
            case PlanMade():
                said = plan_message(self.after, event.plan, event.expires_at, self.realm)
                stops = [check for check in event.plan.checks if check.stops]
                if stops:  # it stands and cannot be started: for whoever waits, that is a refusal
                    payload = {**self._payload(), **self._ended(Ending.REFUSED, stops[0].rule)}
                    return Post(text=said.text, blocks=said.blocks, event_type="rollup_closed", payload=payload)
                return Post(text=said.text, blocks=said.blocks, event_type="rollup_plan", payload=self._payload())
            case GatePrepared():
                return self._gate(event)
            case PlanRefused():
                checks = sections([check_line(c) for c in sorted_checks(event.checks) if c.verdict.value != "pass"])
                return self._closed(Ending.REFUSED, event.rule, event.sentence, event.remedy, checks)
            case NothingToDo():
                return self._closed(Ending.NOTHING_TO_DO, "", event.sentence)
            case PlanExpired():
                return self._closed(Ending.EXPIRED, "")
            case Finished():
                return self._finished(event)
            case Aborted():
                more = [*_by_hand(event.by_hand), *sections(advice.state_of_the_cluster(self.after))]
                return self._closed(Ending.ABORTED, "", event.sentence, more=more)
            case Blocked() if event.stop.final:
                checks = sections([check_line(c) for c in event.stop.checks if c.rule != event.stop.rule])
                checks = [*pinned_blocks(self.after), *checks]
                checks += sections(waive_hint(self.after.id, waivable_blocks(self.after)))
                return self._closed(Ending.BLOCKED, event.stop.rule, event.stop.sentence, event.stop.remedy, checks)
            case Asked() if self._asks_anew(event):
                return self._closed(
                    Ending.ASKING,
                    event.stop.rule,
                    event.stop.sentence,
                    event.stop.remedy,
                    [*pinned_blocks(self.after), *self._hands()],
                )
            case GateRejected() if self.after.state is State.PROPOSED:
                end = texts.gate_end(
                    GateEnd.RISK_REJECTED, {"people": people(self._users(event.by), "and"), **self._risk()}
                )
                return self._closed(Ending.REJECTED, "", end, "", [self._chain()])
            case GateRejected() if declined(self.before):
                end = texts.gate_end(GateEnd.LEFT, {"people": people(self._users(event.by), "and")})
                return self._say(end, self._chain())
            case GateRejected():
                end = texts.gate_end(
                    GateEnd.REJECTED, {"people": people(self._users(event.by), "and"), "campaign": self.after.id}
                )
                return self._closed(Ending.REJECTED, "", end, "", [self._chain()])
            case _:
                return self._line(event)

    def _line(self, event: object) -> Post | None:
        match event:
            case Started():
                locks = ", ".join(self.after.plan.lock_set) if self.after.plan else self.after.cluster
                return self._say(f"Started by <@{event.by.user}>. Taken for this campaign alone: {esc(locks)}.")
            case GateConsumed():
                gate = self.before.gate
                if gate is not None and gate.waiver is not None:
                    until = when(gate.waiver.expires_at, "{time}")
                    told = {"people": people(event.intent.users, "and"), "when": until, **self._risk()}
                    return self._say(texts.gate_end(GateEnd.RISK_ACCEPTED, told), self._chain())
                title = gate.title if gate else event.intent.step
                parts = {
                    "people": people(event.intent.users, "and"),
                    "title": f"*{esc(title)}*",
                    "campaign": self.after.id,
                }
                return self._say(texts.gate_end(GateEnd.CONSUMED, parts), self._chain())
            case GateVoided() | GateExpired() if self.before.gate is not None and self.before.gate.kind == "risk":
                why = event.differences if isinstance(event, GateVoided) else ()
                over = [texts.gate_end(GateEnd.RISK_OVER, self._risk()), *(f"•  {esc(each)}" for each in why)]
                return self._say("\n".join(over), self._chain())
            case GateVoided():
                lines = [texts.gate_end(GateEnd.VOIDED, {}), *(f"•  {esc(each)}" for each in event.differences)]
                return self._say("\n".join(lines), self._chain())
            case GateExpired():
                end = GateEnd.LEFT_UNANSWERED if declined(self.before) else GateEnd.EXPIRED
                return self._say(texts.gate_end(end, {}), self._chain())
            case VoteWithdrawn() if self._had_counted(event.user, event.emoji):
                return self._say(
                    f"<@{event.user}> took :{event.emoji}: back before the step began; it no longer counts."
                )
            case LateWithdrawal() if risk := next((w for w in self.after.waivers if w.gate == event.gate), None):
                return self._say(
                    f"<@{event.user}> took :{event.emoji}: back after the risk of {code(risk.rule)} had been accepted. That is "
                    f"recorded and undoes nothing; reject the step's gate, or `/rollup pause {self.after.id}`."
                )
            case LateWithdrawal():
                return self._say(
                    f"<@{event.user}> took :{event.emoji}: back after the step had begun. That is recorded and stops nothing; "
                    f"`/rollup abort {self.after.id}` forbids whatever comes next."
                )
            case PolicyChanged():
                return self._say("The list of people or the rules of approval changed; every vote is counted anew.")
            case Progress():
                return self._say(esc(event.sentence))
            case MailDown():
                return self._mail_down(event.outage)
            case MailUp():
                return self._mail_up(event)
            case Waiting():
                return self._say(f"Waiting until {when(event.until)}: {esc(event.reason)}")
            case StepEnded():
                return self._outcome(event)
            case Unblocked() if self.before.stop is not None and self.before.stop.final:
                return self._say(f"Going on: {esc(event.sentence)}")
            case _:
                return self._people(event)

    def _people(self, event: object) -> Post | None:
        """Lines for what people typed."""
        match event:
            case Rechecked():
                return self._say(f"<@{event.by.user}> asks to look again.")
            case WaiverAsked():
                return self._say(
                    f"<@{event.by.user}> asks to set {code(event.rule)} aside: {esc(event.reason)}. "
                    "That gets a risk gate of its own, for a second person."
                )
            case ReturnAsked():
                return self._say(
                    f"<@{event.by.user}> asks to {esc(event.step.title[0].lower() + event.step.title[1:])}: {esc(event.reason)}. "
                    "It takes the place of every step that was left, and ends the campaign. Its risk gate comes first."
                )
            case WaiverDropped():
                return self._say(f"No risk gate for {code(event.rule)}: {esc(event.sentence)}")
            case Retried():
                why = f": {esc(event.reason)}" if event.reason else ""
                return self._say(f"<@{event.by.user}> asks for another attempt{why}. It gets its own gate.")
            case Paused():
                return self._stopped(GateEnd.PAUSED, event.by.user, event.reason, f"Paused by <@{event.by.user}>")
            case Resumed():
                return self._say(f"Resumed by <@{event.by.user}>.")
            case AbortRequested():
                head = f"*Aborted* by <@{event.by.user}>; nothing new begins"
                return self._stopped(GateEnd.ABORTED, event.by.user, event.reason, head)
            case Unlocked():
                return self._say(
                    f"<@{event.by.user}> released the locks"
                    + (f" while job {code(event.job)} may still run." if event.job else ".")
                )
            case _:
                return None

    # --- the larger ones

    def _gate(self, event: GatePrepared) -> Post | None:
        said = gate_message(self.after, event.gate, self.policy, self.realm)
        if isinstance(said, DoesNotFit):
            words = (
                f"There is no gate for *{esc(event.gate.title)}*: its commands and failing checks do not fit into one Slack "
                f"message ({esc(said.why)}), and they are never cut. The campaign is paused; plan it in smaller pieces."
            )
            closed = self._closed(Ending.BLOCKED, "GATE-FITS", words)
            return Post(
                text=closed.text,
                blocks=closed.blocks,
                event_type=closed.event_type,
                payload=closed.payload,
                unfit=said.why,
            )
        payload = {**self._payload(), "step": event.gate.step, "gate": event.gate.id, "attempt": event.gate.attempt}
        return Post(text=said.text, blocks=said.blocks, event_type="rollup_gate", payload=payload, opens=event.gate.id)

    def _outcome(self, event: StepEnded) -> Post:
        done = event.outcome
        steps = self.after.plan.steps if self.after.plan else ()
        title = next((step.title for step in steps if step.id == done.step), done.step)
        what, todo = texts.outcome(done.kind, {"campaign": self.after.id})
        mark = _MARKS.get(done.kind, "✗")
        down = f" Users were without mail for *{round(done.downtime_s)} seconds*." if done.downtime_s else ""
        said = done.sentence.removeprefix(f"{title}: ")  # the engine's sentence names its step; once is enough
        took = f" ({span(done.took_s)})" if done.kind is not OutcomeKind.LEFT else ""
        lines = [f"{mark}  *{esc(title)}*: {esc(said) or what}{took}{down}"]
        if done.kind not in _MARKS:
            codes = f" Exit codes: {', '.join(str(each) for each in done.exit_codes)}." if done.exit_codes else ""
            if (
                done.kind is OutcomeKind.FAILED
                and any(check.stops for check in done.checks)
                and not any(done.exit_codes)
            ):
                what = "It ran, and the checks after it do not pass."
                todo = (
                    f"Put that right, then `/rollup recheck {self.after.id}`: what is done already is not done again."
                )
            lines.append(f"{what}{codes} {todo}")
        elif todo:
            lines.append(todo)
        lines += [check_line(c) for c in sorted_checks(done.checks) if c.verdict.value != "pass"]
        if event.not_before > self.recorded.at and event.wait_reason:
            lines.append(f"Waiting until {when(event.not_before)}: {esc(event.wait_reason)}")
        blocks = sections(lines)
        passing = [c for c in done.checks if c.verdict.value == "pass"]
        if passing:
            blocks.append(context("checked after it: " + ", ".join(code(c.rule) for c in passing)[:2800]))
        return self._post("\n".join(lines), blocks, "rollup_line", {"step": done.step, "attempt": done.attempt})

    def _finished(self, event: Finished) -> Post:
        rows = [("step", "took", "mail away")]
        titles = {step.id: step.title for step in self.after.plan.steps} if self.after.plan else {}
        for done in self.after.outcomes:
            if done.kind in {OutcomeKind.DONE, OutcomeKind.NEEDS_RESTART}:
                away = f"{round(done.downtime_s)} s" if done.downtime_s else "-"
                rows.append((titles.get(done.step, done.step), span(done.took_s), away))
        machines = [("machine", "role when planned", "level"), *((m.name, m.role, m.level) for m in levels(self.after))]
        # Only a handoff measures: an outage that came of anything else is not in the number.
        handed = self.after.plan and any(step.kind is StepKind.HANDOFF for step in self.after.plan.steps)
        away = f"The handoffs took mail away for *{round(event.user_downtime_s)} seconds* in all."
        if not handed and not event.user_downtime_s:
            away = "No mail server had to be handed over."
        blocks: list[Block] = [
            header(marked(f"Done: {title_of(self.after)}", self.realm)),
            section(f"{esc(event.sentence) or texts.ENDINGS[Ending.DONE].says}\n{away}"),
            preformatted([("", table(machines)), ("", table(rows))]),
            *_by_hand(event.by_hand),
            context(f"campaign {code(self.after.id)}", f"asked for by <@{self.after.requester.user}>",
                    f"from {when(self.after.created_at)} to {when(self.recorded.at)}"),
            self._chain(),
        ]  # fmt: skip
        text = f"Done: {title_of(self.after)}. {event.sentence} {away.replace('*', '')}"
        return self._post(text, blocks, "rollup_closed", self._ended(Ending.DONE, ""))

    def _mail_down(self, outage: Outage) -> Post | None:
        """Once for each outage; nothing where the stop before it shows the same commands already."""
        if set(ends(outage)) <= set(pinned(self.before)):
            return None
        what = ", ".join(esc(name) for name in outage.databases)
        how = f"is online, but {what} is dismounted" if what else "is not online"
        before = f"; it was last seen up at {when(outage.last_up, '{time_secs}')}" if outage.last_up else ""
        said = (
            f"*MAIL IS DOWN: {esc(outage.cms)}* {how}, by {esc(outage.seen_from)}, since {when(outage.since, '{time_secs}')} at "
            f"the latest{before}. No step of this campaign was to take it away."
        )
        lines = [said]
        job = self.after.open_job
        if job is not None:
            lines.append(
                f"{esc(job.order.command.purpose)} runs on {esc(job.order.command.node)} meanwhile: do not end it, and bring "
                "nothing to that node before it has ended."
            )
        blocks = [*sections(lines), *pinned_blocks(self.after)]
        text = marked(f"{title_of(self.after)}: MAIL IS DOWN, {outage.cms}", self.realm)
        return self._post(text, blocks, "rollup_line", {})

    def _mail_up(self, event: MailUp) -> Post:
        was = next((one for one in self.before.outages if one.cms == event.cms), None)
        since = was.since if was is not None else event.since
        most = f", {span(event.since - was.last_up)} at most" if was is not None and was.last_up else ""
        return self._say(
            f"*Mail is back:* {esc(event.cms)} is up by {esc(event.seen_from)}, seen at {when(event.since, '{time_secs}')}. It was "
            f"down for about {span(event.since - since)}{most}."
        )

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

    # --- small parts

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

    def _asks_anew(self, event: Asked) -> bool:
        was = self.before.stop
        return was is None or (was.rule, was.sentence) != (event.stop.rule, event.stop.sentence)

    def _had_counted(self, user: str, emoji: str) -> bool:
        return any(vote.counted and vote.user == user and vote.emoji == emoji for vote in self.before.votes)

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
