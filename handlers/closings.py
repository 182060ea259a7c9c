"""What is said when a step, a gate or a campaign ends: one entry per kind. texts.py is the door to these tables."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from handlers.wording import Words, fill, safe
from state.words import Closing, OutcomeKind


class Ending(StrEnum):
    """How a campaign ended or stopped for people: the outcomes of `rollup_closed`."""

    DONE = "done"
    NOTHING_TO_DO = "nothing_to_do"
    REFUSED = "refused"
    EXPIRED = "expired"
    ABORTED = "aborted"
    BLOCKED = "blocked"
    ASKING = "asking"
    REJECTED = "rejected"


class GateEnd(StrEnum):
    """Why a gate is no longer open."""

    CONSUMED = "consumed"
    VOIDED = "voided"
    EXPIRED = "expired"
    REJECTED = "rejected"
    PAUSED = Closing.PAUSED.value
    ABORTED = Closing.ABORTED.value
    LEFT = "left"
    LEFT_UNANSWERED = "left_unanswered"
    RISK_ACCEPTED = "risk_accepted"
    RISK_OVER = "risk_over"
    RISK_REJECTED = "risk_rejected"


OUTCOMES: dict[OutcomeKind, Words] = {
    OutcomeKind.DONE: Words(
        "Done and checked.", "The next step starts only after the checks that follow this one.", ""
    ),
    OutcomeKind.NOT_STARTED: Words(
        "It never began, and it never can: its name was closed on the node first.",
        "A job whose name is closed cannot run later.",
        "Nothing was changed. `/rollup retry {campaign}` opens a new gate.",
        (("campaign", "CLUSTER01-7"),),
    ),
    OutcomeKind.REFUSED: Words(
        "The job declined on the node, before its first change.",
        "The job looks again on the node itself, and stops if what was approved no longer holds.",
        "Put that right, then `/rollup retry {campaign}`.",
        (("campaign", "CLUSTER01-7"),),
    ),
    OutcomeKind.FAILED: Words(
        "It ran, and it did not do what was approved.",
        "Nothing is repeated by itself.",
        "Read the line above, look at the node, then `/rollup retry {campaign}` or `/rollup abort {campaign}`.",
        (("campaign", "CLUSTER01-7"),),
    ),
    OutcomeKind.NEEDS_RESTART: Words(
        "It is done, and Windows wants a restart before it counts.",
        "A restart is a step of its own, with its own gate.",
        "The gate for the restart comes next.",
    ),
    OutcomeKind.RETRY_LATER: Words(
        "Another installation is running on the node (exit code 1618), so nothing was installed.",
        "Two installers at once are refused by Windows itself.",
        "Wait until it has ended, then `/rollup retry {campaign}`.",
        (("campaign", "CLUSTER01-7"),),
    ),
    OutcomeKind.CUT_OFF: Words(
        "It began, its process is gone, and it left no exit code.",
        "What was cut off is never repeated by itself.",
        "Look at the node. `/rollup recheck {campaign}` reads it again.",
        (("campaign", "CLUSTER01-7"),),
    ),
    OutcomeKind.LEFT: Words(
        "It was left as it is.",
        "What only puts back how something was found is nobody's duty.",
        "The campaign goes on without it; its last line says what differs.",
    ),
    OutcomeKind.UNKNOWN: Words(
        "I cannot see how it ended.",
        "What cannot be observed is not concluded.",
        "Look at the node. `/rollup recheck {campaign}` reads it again.",
        (("campaign", "CLUSTER01-7"),),
    ),
}

GATES: dict[GateEnd, Words] = {
    GateEnd.CONSUMED: Words(
        "Approved by {people}: {title} begins now.",
        "The facts and the votes were read once more before it.",
        "Taking a reaction back no longer stops it; `/rollup abort {campaign}` forbids whatever comes next.",
        (("people", "<@U0BOB>"), ("title", "Install KB4011325 on EXN2"), ("campaign", "CLUSTER01-7")),
    ),
    GateEnd.VOIDED: Words(
        "This gate is void: what it showed is no longer so.",
        "An approval is bound to the evidence shown. Any difference voids it.",
        "A new gate follows with the new facts; please read it and approve it there.",
    ),
    GateEnd.EXPIRED: Words(
        "This gate ran out without an approval.",
        "A gate's evidence is only good for a while.",
        "A new gate follows with a new look at the cluster. Nothing was done.",
    ),
    GateEnd.REJECTED: Words(
        "Rejected by {people}. Nothing was done, and the campaign is paused.",
        "One rejection beats any number of approvals.",
        "Talk it over, then `/rollup resume {campaign}` opens a new gate, or `/rollup abort {campaign}` ends it.",
        (("people", "<@U0CAROL>"), ("campaign", "CLUSTER01-7")),
    ),
    GateEnd.LEFT: Words(
        "Rejected by {people}: it stays as it is, and nothing was done.",
        "This step is optional, so the campaign goes on without it.",
        "",
        (("people", "<@U0CAROL>"),),
    ),
    GateEnd.LEFT_UNANSWERED: Words(
        "This gate ran out without an approval: it stays as it is, and nothing was done.",
        "This step is optional, so the campaign goes on without it.",
        "",
    ),
    GateEnd.RISK_ACCEPTED: Words(
        "Risk accepted by {people}: `{rule}` no longer keeps {title} from going on, until {when}.",
        "It is good for the values shown and for this once; nothing has been run or approved by it.",
        "What comes next still waits for its own gate or start.",
        (("people", "<@U0BOB>"), ("rule", "BACKUP-RECENT"), ("title", "Install KB4011325 on EXN2"), ("when", "02:10")),
    ),
    GateEnd.RISK_OVER: Words(
        "This risk gate is void or ran out: nothing was accepted.",
        "A risk is accepted for the values shown, within the time shown, or not at all.",
        "`/rollup waive {campaign} {rule} reason` asks again, on new facts.",
        (("campaign", "CLUSTER01-7"), ("rule", "BACKUP-RECENT")),
    ),
    GateEnd.RISK_REJECTED: Words(
        "Rejected by {people}: the risk is not accepted, and the plan is not started.",
        "One rejection beats any number of approvals.",
        "Put right what {rule} names and plan again, or `/rollup abort {campaign}`.",
        (("people", "<@U0CAROL>"), ("campaign", "CLUSTER01-7"), ("rule", "PKG-LIVE")),
    ),
    GateEnd.PAUSED: Words(
        "This gate is closed, because <@{user}> paused the campaign. Nothing was done.",
        "A paused campaign has no open gate.",
        "`/rollup resume {campaign}` opens a new one.",
        (("user", "U0ALICE"), ("campaign", "CLUSTER01-7")),
    ),
    GateEnd.ABORTED: Words(
        "This gate is closed, because <@{user}> aborted the campaign. Nothing was done.",
        "After an abort nothing new begins.",
        "`/rollup plan {cluster}` starts a new campaign.",
        (("user", "U0ALICE"), ("cluster", "CLUSTER01")),
    ),
}

ENDINGS: dict[Ending, Words] = {
    Ending.DONE: Words(
        "Finished: every machine is at the target level.",
        "The end was checked on every machine.",
        "Nothing more to do.",
    ),
    Ending.NOTHING_TO_DO: Words(
        "Nothing to do: every machine is at the target level already.",
        "The build on the machine decides, not the name of an update.",
        "",
    ),
    Ending.REFUSED: Words(
        "No plan could be made, and nothing was changed.",
        "A rule that blocks, or a fact that could not be read, stops a plan.",
        "Put that right, then `/rollup plan {cluster}` again.",
        (("cluster", "CLUSTER01"),),
    ),
    Ending.EXPIRED: Words(
        "The plan was not started within 24 hours and is no longer good. Nothing was changed.",
        "A plan rests on facts that grow old.",
        "`/rollup plan {cluster}` makes a new one.",
        (("cluster", "CLUSTER01"),),
    ),
    Ending.ABORTED: Words(
        "The campaign has ended by abort.",
        "Every job has ended or can no longer begin.",
        "`/rollup level {cluster}` shows where each machine stands.",
        (("cluster", "CLUSTER01"),),
    ),
    Ending.BLOCKED: Words(
        "Stopped: a rule blocks the next step.",
        "No step begins while a rule blocks or is unknown.",
        "Put that right, then `/rollup recheck {campaign}`.",
        (("campaign", "CLUSTER01-7"),),
    ),
    Ending.ASKING: Words(
        "Stopped: I cannot tell, and I ask you.",
        "What cannot be observed is not concluded.",
        "Look at the node, then `/rollup recheck {campaign}` or `/rollup retry {campaign}`.",
        (("campaign", "CLUSTER01-7"),),
    ),
    Ending.REJECTED: Words(
        "Stopped: the gate was rejected.",
        "One rejection beats any number of approvals.",
        "`/rollup resume {campaign}` opens a new gate, `/rollup abort {campaign}` ends it.",
        (("campaign", "CLUSTER01-7"),),
    ),
}


def gate_end(kind: GateEnd, parts: Mapping[str, str]) -> str:
    """The line under a gate that is no longer open, without a link: it stands in the thread for ever."""
    words = GATES[kind]
    return " ".join(filter(None, (fill(piece, safe(parts)) for piece in (words.says, words.rule, words.do))))


def ending(kind: Ending, parts: Mapping[str, str]) -> tuple[str, str]:
    """What is said when a campaign ends or stops: (what, what to do)."""
    words = ENDINGS[kind]
    return fill(words.says, safe(parts)), fill(words.do, safe(parts))


def outcome(kind: OutcomeKind, parts: Mapping[str, str]) -> tuple[str, str]:
    """What the end of one attempt means: (what, what to do)."""
    words = OUTCOMES[kind]
    return fill(words.says, safe(parts)), fill(words.do, safe(parts))
