"""The larger posts of the thread: a gate, the end of a step, the end of a campaign, mail that went down."""

from __future__ import annotations

from handlers import texts
from handlers.blocks import (
    Block,
    code,
    context,
    esc,
    header,
    marked,
    preformatted,
    section,
    sections,
    span,
    table,
    when,
)
from handlers.cards import levels, title_of
from handlers.gate_blocks import DoesNotFit, check_line, gate_message, sorted_checks
from handlers.outage import ends, pinned
from handlers.posts import Post, Voice
from handlers.status import pinned_blocks
from handlers.texts import Ending
from state.words import (
    Finished,
    GatePrepared,
    MailUp,
    Outage,
    OutcomeKind,
    StepEnded,
    StepKind,
)

_MARKS = {OutcomeKind.DONE: "✓", OutcomeKind.NEEDS_RESTART: "!", OutcomeKind.LEFT: "–"}


def by_hand(commands: tuple[tuple[str, str], ...]) -> list[Block]:
    """What puts back by hand what differs from how it was found."""
    if not commands:
        return []
    lead = "*To put it back as it was found, by hand:*"
    return [section(lead), preformatted([(f"To {purpose}:", command) for purpose, command in commands])]


class Teller(Voice):
    """The posts that say more than a line."""

    __slots__ = ()

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
            *by_hand(event.by_hand),
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
        users = self.after.plan.users_of(outage.cms) if self.after.plan else ""
        how = f"online, but {what} is dismounted" if what else "not online"
        before = f", and was last seen up at {when(outage.last_up, '{time_secs}')}" if outage.last_up else ""
        said = (
            f"*MAIL IS DOWN: {esc(outage.cms)}*{f' ({esc(users)})' if users else ''} is {how}. {esc(outage.seen_from)} says so since "
            f"{when(outage.since, '{time_secs}')}{before}. No step of this campaign does that."
        )
        lines = [said]
        job = self.after.open_job
        if job is not None:
            node = esc(job.order.command.node)
            lines.append(
                f"Meanwhile this runs: {esc(job.order.command.purpose)}. Do not end it, and let no group go to {node} before it has ended."
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
