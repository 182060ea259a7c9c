"""What each event says in the thread: at most one post an event, decided from the campaign before and after. Pure."""

from __future__ import annotations

from handlers import advice, texts
from handlers.blocks import (
    code,
    esc,
    people,
    sections,
    when,
)
from handlers.cards import plan_message
from handlers.gate_blocks import check_line, sorted_checks
from handlers.posts import Post
from handlers.stands import waive_hint
from handlers.status import pinned_blocks
from handlers.tellings import Teller, by_hand
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
    GateVoided,
    LateWithdrawal,
    MailDown,
    MailUp,
    NothingToDo,
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
    Unblocked,
    Unlocked,
    VoteWithdrawn,
    Waiting,
    WaiverAsked,
    WaiverDropped,
)


def post_for(before: Campaign, recorded: Recorded, after: Campaign, policy: Policy, realm: Realm) -> Post | None:
    """The post of one event, or None where people need no line for it. Total: an unknown event says nothing."""
    return _Speaker(before, recorded, after, policy, realm).post()


class _Speaker(Teller):
    __slots__ = ()

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
                more = [*by_hand(event.by_hand), *sections(advice.state_of_the_cluster(self.after))]
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

    def _asks_anew(self, event: Asked) -> bool:
        was = self.before.stop
        return was is None or (was.rule, was.sentence) != (event.stop.rule, event.stop.sentence)

    def _had_counted(self, user: str, emoji: str) -> bool:
        return any(vote.counted and vote.user == user and vote.emoji == emoji for vote in self.before.votes)
