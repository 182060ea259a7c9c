"""Jobs, and how attempts ended: a job is its gate's next command, and an outcome says what the ends of its jobs say.

What the codes of msiexec mean is facts/exchange.md §5: 0, 1641 and 3010 are the only successes, 1618 is another install.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.procedure.order.walk import SET_BACK_S, Walk
from state import words as w

_RESTART = (1641, 3010)
_BUSY = 1618
_GOES_ON = (w.OutcomeKind.DONE, w.OutcomeKind.LEFT, w.OutcomeKind.NEEDS_RESTART)
_RAN = (w.JobState.ENDED, w.JobState.REFUSED, w.JobState.CUT_OFF)


def job_opened(walk: Walk, event: w.JobOpened) -> None:
    """A job is opened on an intent, by whoever wrote it, as the next command its gate shows, when the last one ended well."""
    order = event.order
    if walk.aborting:
        walk.no("APPROVAL-FRESH", f"Job {order.name} was opened after an abort.")
    if walk.intent is None or order.gate != walk.intent.gate:
        walk.no("APPROVAL-FRESH", f"Job {order.name} was opened without an intent.")
        return
    if order.name in walk.names:
        walk.no("ONE-AT-A-TIME", f"Job {order.name} was opened twice.")
    if walk.running:
        walk.no("ONE-AT-A-TIME", f"Job {order.name} was opened while {walk.running} was open.")
    if walk.failed:
        walk.no("ONE-AT-A-TIME", f"Job {order.name} was opened although the one before did not end well.")
    if order.not_after < walk.at:
        walk.no("APPROVAL-FRESH", f"Job {order.name} was opened later than it could have been started.")
    if not walk.jobs and event.token != walk.intent.token:
        walk.no("APPROVAL-FRESH", f"Job {order.name} was opened by another worker than the one that held the approval.")
    walk.names.add(order.name)
    walk.opened_at[order.name] = walk.at
    walk.running = order.name
    gate = walk.gates.get(order.gate)
    place = len(walk.jobs)
    walk.jobs.append(order)
    if gate is None or place >= len(gate.commands) or gate.commands[place] != order.command:
        walk.no("APPROVAL-FRESH", f"Job {order.name} is not the command that gate {order.gate} showed next.")
    effect, _, node = order.command.effect.partition(":")
    if effect == "move":
        walk.moved.add(node.rpartition(":")[0].casefold())
    if effect == "pause":
        walk.paused.add(node.casefold())
    if effect == "resume":
        walk.paused.discard(node.casefold())
    if effect == "handoff" and walk.paused:
        walk.no("ONE-AT-A-TIME", f"A mail server was moved while {', '.join(sorted(walk.paused))} was Paused by us.")


def job_started(walk: Walk, event: w.JobStarted) -> None:
    """Only the open job starts, and only once."""
    if event.job != walk.running or event.job in walk.began:
        walk.no("ONE-AT-A-TIME", f"Job {event.job} started and was not waiting to.")
    walk.began.add(event.job)


def job_ended(walk: Walk, event: w.JobEnded) -> None:
    """The open job ends, in a way that is an end, with an exit code where it says that it has one."""
    if event.job not in walk.names:
        walk.no("APPROVAL-FRESH", f"Job {event.job} ended but was never opened.")
    if walk.running == event.job:
        walk.running = ""
    else:
        walk.no("ONE-AT-A-TIME", f"Job {event.job} ended and was not running.")
    order = next((one for one in walk.jobs if one.name == event.job), None)
    walk.ends[event.job] = event
    if order is None:
        return
    if (event.state is w.JobState.ENDED) != (event.exit_code is not None) or event.state not in (
        *_RAN,
        w.JobState.CLOSED,
    ):
        walk.no("PRE-COMPLETE", f"Job {event.job} ended {event.state} with the exit code {event.exit_code}.")
    if event.state in _RAN and event.job not in walk.began:
        walk.no("PRE-COMPLETE", f"Job {event.job} ended {event.state} and never started.")
    if event.downtime_s is not None and (event.downtime_s < 0 or not order.command.effect.startswith("handoff:")):
        walk.no("DOWNTIME-MEASURED", f"Job {event.job} measured an outage that it cannot have caused.")
    if not _well(order, event):
        walk.failed = True
        walk.wrong = walk.wrong if event.state is w.JobState.CUT_OFF else event.job


def _well(order: w.JobOrder, end: w.JobEnded) -> bool:
    """Whether an end lets the next command run. A restart never returns; its later boot time proves it."""
    verb = order.command.effect.partition(":")[0]
    if verb == "restart" and end.state is w.JobState.CUT_OFF:
        return True
    # A resume that ends with 5058 found the node not Paused any more: somebody was faster.
    return end.state is w.JobState.ENDED and (
        end.exit_code == 0 or (verb == "resume" and end.exit_code == w.NODE_NOT_PAUSED)
    )


def unlike_its_jobs(walk: Walk, event: w.StepEnded) -> Iterator[tuple[str, str]]:
    """(rule, words) where an attempt's outcome is not what its jobs' ends amount to."""
    outcome = event.outcome
    ends = [walk.ends[one.name] for one in walk.jobs if one.name in walk.ends]
    codes = tuple(end.exit_code for end in ends if end.exit_code is not None)
    if outcome.exit_codes != codes:
        yield "PRE-COMPLETE", f"names the exit codes {list(outcome.exit_codes)}, and its jobs ended with {list(codes)}"
    if event.advance != (outcome.kind in _GOES_ON):
        yield "PRE-COMPLETE", f"ended {outcome.kind}, and the campaign {'went on' if event.advance else 'stayed'}"
    if not _follows(walk, outcome.kind, event):
        yield "PRE-COMPLETE", f"ended {outcome.kind}, which is not how its jobs ended"
    quiet = outcome.kind in (w.OutcomeKind.DONE, w.OutcomeKind.LEFT) and outcome.rule
    waits = event.not_before > 0 and event.not_before >= outcome.at and bool(event.wait_reason)
    if quiet or not (waits or (event.not_before == 0 and not event.wait_reason)):
        yield "PRE-COMPLETE", f"ended {outcome.kind}, and names {outcome.rule or 'a pause'} that does not belong to it"
    down = next((end.downtime_s for end in reversed(ends) if end.downtime_s is not None), None)
    if outcome.downtime_s != down:
        yield "DOWNTIME-MEASURED", f"was an outage of {outcome.downtime_s} s, and its jobs measured {down}"
    took = outcome.at - walk.opened_at[walk.jobs[0].name] if walk.jobs else 0.0
    if outcome.at > walk.at + SET_BACK_S or abs(outcome.took_s - took) > 0.001:
        yield (
            "PRE-COMPLETE",
            f"took {outcome.took_s:.0f} s until {outcome.at:.0f}, and its first job began {took:.0f} s before",
        )


def _follows(walk: Walk, kind: w.OutcomeKind, event: w.StepEnded) -> bool:
    """Whether an outcome of that kind can come of the first job that did not end well (if there is one)."""
    bad = next(
        ((order, walk.ends[order.name]) for order in walk.jobs if order.name in walk.ends and not _well(order, walk.ends[order.name])),
        None,
    )  # fmt: skip
    code = bad[1].exit_code if bad else None
    state = bad[1].state if bad else None
    install = bad is not None and bad[0].command.effect == "install"
    match kind:
        case w.OutcomeKind.DONE | w.OutcomeKind.LEFT:
            return bad is None or state is w.JobState.CUT_OFF  # then the machines tell; see shown_at_end
        case w.OutcomeKind.NOT_STARTED:
            return bad is None or state is w.JobState.CLOSED
        case w.OutcomeKind.REFUSED:
            return state is w.JobState.REFUSED
        case w.OutcomeKind.CUT_OFF:
            return state is w.JobState.CUT_OFF
        case w.OutcomeKind.NEEDS_RESTART:
            return install and code in _RESTART
        case w.OutcomeKind.RETRY_LATER:
            return install and code == _BUSY
        case w.OutcomeKind.FAILED if bad is None:
            return bool(walk.jobs) and any(check.stops for check in event.outcome.checks)
        case w.OutcomeKind.FAILED:
            return state is w.JobState.ENDED and not (install and code in (*_RESTART, _BUSY))
        case _:
            return True
