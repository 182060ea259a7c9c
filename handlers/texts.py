"""Every sentence the bot says when something was not done, or ended: one entry per kind, from a table.

Each entry says which fact, which rule, and what to do, and links to `docs/`. A stretch in ‹angle marks› is
left out when one of the facts it names is missing. `docs/refusals.md` is generated from these tables
(`python -m handlers.refusals_page`), and a test fails when it is stale.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from state.words import Closing, OutcomeKind, Refusal, RefusalKind, VoteRefusal

PART_LIMIT = 300  # characters of one fact inside a sentence; people type novels into commands


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


@dataclass(frozen=True, slots=True)
class Words:
    """One kind's sentence. `sample` fills the parts for the generated page and the tests."""

    says: str
    rule: str
    do: str
    sample: tuple[tuple[str, str], ...] = ()


_OWN_HASH = "`certutil -hashfile FILE SHA256` on any Windows machine, or `sha256sum FILE`, prints the hash"

REFUSALS: dict[RefusalKind, Words] = {
    RefusalKind.UNKNOWN_CLUSTER: Words(
        "I know no cluster `{typed}`.‹ Did you mean {nearest}?›‹ I know: {known}.›",
        "Only clusters declared in the settings are touched.",
        "Type the command again with one of those names, or declare `[clusters.{typed}]` in `{file}`.",
        (
            ("typed", "CLUSTR01"),
            ("nearest", "`CLUSTER01`"),
            ("known", "`CLUSTER01`, `CLUSTER02`"),
            ("file", "rollup.toml"),
        ),
    ),
    RefusalKind.UNKNOWN_CAMPAIGN: Words(
        "I know no open campaign `{typed}`.‹ Did you mean {nearest}?›‹ Open now: {open}.›",
        "A command names the campaign it is for, or the cluster when one campaign is open there.",
        "`/rollup status` lists what is open, `/rollup history` what has ended.",
        (("typed", "CLUSTER01-70"), ("nearest", "`CLUSTER01-7`"), ("open", "`CLUSTER01-7`")),
    ),
    RefusalKind.UNKNOWN_COMMAND: Words(
        "There is no command `{typed}`.‹ Did you mean `/rollup {nearest}`?›",
        "Nothing is guessed: a command that is nearly right does nothing.",
        "`/rollup help` lists every command.",
        (("typed", "strat"), ("nearest", "start")),
    ),
    RefusalKind.USAGE: Words(
        "That is not how `{command}` is written‹: {problem}›.",
        "Usage: `{usage}`",
        "Type it again; nothing was done.",
        (
            ("command", "plan"),
            ("problem", "I do not know the option `--failbak`"),
            ("usage", "/rollup plan CLUSTER [KB|BUILD] [--failback] [--stop-move-start]"),
        ),
    ),
    RefusalKind.UNDECLARED_PACKAGE: Words(
        "The package `{typed}` is not declared‹; declared: {declared}›.",
        "Only a package whose path, build and SHA-256 stand in `{file}` is ever installed.",
        "Add `[packages.{typed}]` with `path`, `build` and `sha256` to `{file}`: " + _OWN_HASH + ".",
        (("typed", "KB4011326"), ("declared", "`KB4011325` (8.3.517.0)"), ("file", "rollup.toml")),
    ),
    RefusalKind.NO_PACKAGE: Words(
        "No package is declared, so there is nothing to plan with.",
        "Only a package whose path, build and SHA-256 stand in `{file}` is ever installed.",
        "Add `[packages.KB…]` with `path`, `build` and `sha256` to `{file}`: " + _OWN_HASH + ".",
        (("file", "rollup.toml"),),
    ),
    RefusalKind.SEVERAL_PACKAGES: Words(
        "Several packages are declared: {declared}.",
        "The package is named when there is a choice; I do not choose.",
        "Type it again with one of them, like `/rollup plan {cluster} {first}`.",
        (
            ("declared", "`KB4011325` (8.3.517.0), `KB4018588` (8.3.518.0)"),
            ("cluster", "CLUSTER01"),
            ("first", "KB4011325"),
        ),
    ),
    RefusalKind.BUSY: Words(
        "{cluster} is taken by campaign `{campaign}`‹, {state}›‹: {link}›.",
        "One campaign at a time on a cluster and on every machine it touches.",
        "Finish it, or end it with `/rollup abort {campaign}`; then ask again.",
        (
            ("cluster", "CLUSTER01"),
            ("campaign", "CLUSTER01-7"),
            ("state", "waiting at a gate"),
            ("link", "<https://example.slack.com/archives/C1/p1|its thread>"),
        ),
    ),
    RefusalKind.NOT_LISTED: Words(
        "<@{user}>, you are not listed, so `{command}` was not done.",
        "Only people listed as requesters or approvers‹ for {cluster}› may do this‹: {people}›.",
        "Ask one of them, or have your Slack id `{user}` added under `[people]` in `{file}`.",
        (
            ("user", "U0DAVE"),
            ("command", "plan"),
            ("cluster", "CLUSTER01"),
            ("people", "<@U0ALICE>, <@U0BOB>"),
            ("file", "rollup.toml"),
        ),
    ),
    RefusalKind.WRONG_STATE: Words(
        "`{command}` does not fit now: campaign `{campaign}` is {state}.",
        "‹What fits in this state: {allowed}.›",
        "`/rollup status {campaign}` says where it stands‹: {link}›.",
        (
            ("command", "resume"),
            ("campaign", "CLUSTER01-7"),
            ("state", "carrying out a step"),
            ("allowed", "pause, abort, status"),
            ("link", "<https://example.slack.com/archives/C1/p1|its thread>"),
        ),
    ),
    RefusalKind.FINISHED: Words(
        "Campaign `{campaign}` has ended: {state}.",
        "An ended campaign is never opened again.",
        "`/rollup plan {cluster}` starts a new one.‹ Its thread stays: {link}.›",
        (
            ("campaign", "CLUSTER01-7"),
            ("state", "done"),
            ("cluster", "CLUSTER01"),
            ("link", "<https://example.slack.com/archives/C1/p1|read it>"),
        ),
    ),
    RefusalKind.NOT_ENOUGH_PEOPLE: Words(
        "After your `{command}`, {eligible} could still approve the next gate, and {quorum} needed.",
        "Whoever plans, starts or retries cannot approve; enough other approvers must be left.",
        "‹{could} could do `{command}` instead. ›Or have another approver added under `[people]` in `{file}`.",
        (
            ("command", "retry"),
            ("eligible", "nobody"),
            ("quorum", "1 is"),
            ("could", "<@U0ALICE>"),
            ("file", "rollup.toml"),
        ),
    ),
    RefusalKind.WRONG_CHANNEL: Words(
        "That was typed outside the channel of {cluster}‹, which is <#{channel}>›.",
        "A mention counts only in the cluster's own channel, where the whole team sees it.",
        "Type it there, or use the `/rollup` command, which works anywhere.",
        (("cluster", "CLUSTER01"), ("channel", "C0OPS")),
    ),
    RefusalKind.NOT_YET: Words(
        "`{command}` is not built yet.",
        "A command that cannot keep its word does nothing.",
        "`/rollup help` lists what works.",
        (("command", "return"),),
    ),
    RefusalKind.STORE_DOWN: Words(
        "I cannot reach my own store, so nothing was done.",
        "Without its state the bot does nothing and changes nothing.",
        "Running jobs on nodes go on by themselves. Look at Redis, then type it again; `rollup-bot doctor` says more.",
        (),
    ),
    RefusalKind.NOT_A_HUMAN_MESSAGE: Words(
        "That message does not count: {problem}.",
        "A mention counts only as a person's new, unedited message that begins with it.",
        "Write a new message that begins with the mention, or use the `/rollup` command.",
        (("problem", "it was edited"),),
    ),
    RefusalKind.CHANNEL_UNREACHABLE: Words(
        "I cannot write in {where}, the channel of {cluster}: {problem}.",
        "A campaign lives in its cluster's channel, in front of the whole team.",
        "Invite me there with `/invite`, or put another `channel` under `[clusters.{cluster}]` in `{file}`; then ask again.",
        (
            ("where", "#exchange-ops"),
            ("cluster", "CLUSTER01"),
            ("problem", "I am not a member of it"),
            ("file", "rollup.toml"),
        ),
    ),
}

VOTES: dict[VoteRefusal, Words] = {
    VoteRefusal.OWN_REQUEST: Words(
        "<@{user}>, your {emoji} does not count: you planned, started or retried `{campaign}` yourself.",
        "Every step needs a second person.",
        "‹{could} can approve it. ›Your :no_entry: would count: whoever asked may always say no.",
        (
            ("user", "U0ALICE"),
            ("emoji", ":white_check_mark:"),
            ("campaign", "CLUSTER01-7"),
            ("could", "<@U0BOB> or <@U0CAROL>"),
        ),
    ),
    VoteRefusal.NOT_LISTED: Words(
        "<@{user}>, your {emoji} does not count: you are not listed as an approver‹ for {cluster}›.",
        "Only listed approvers open a gate.",
        "‹{could} can approve it. ›To be one, have `{user}` added under `[people] approvers` in `{file}`.",
        (
            ("user", "U0DAVE"),
            ("emoji", ":white_check_mark:"),
            ("cluster", "CLUSTER01"),
            ("could", "<@U0BOB> or <@U0CAROL>"),
            ("file", "rollup.toml"),
        ),
    ),
    VoteRefusal.NOT_LISTED_AT_OPEN: Words(
        "<@{user}>, your {emoji} does not count here: you became an approver after this gate opened.",
        "An approver counts when listed as the gate opened and still listed when the step begins.",
        "The next gate will count you.‹ {could} can approve this one.›",
        (("user", "U0ERIN"), ("emoji", ":white_check_mark:"), ("could", "<@U0BOB>")),
    ),
    VoteRefusal.BOT: Words(
        "A reaction by a bot does not count.",
        "Only people open a gate.",
        "‹{could} can approve it.›",
        (("could", "<@U0BOB>"),),
    ),
    VoteRefusal.GUEST: Words(
        "<@{user}>, your {emoji} does not count: your account here is a guest's.",
        "Only full members of this workspace open a gate.",
        "‹{could} can approve it.›",
        (("user", "U0GUEST"), ("emoji", ":white_check_mark:"), ("could", "<@U0BOB>")),
    ),
    VoteRefusal.EXTERNAL: Words(
        "<@{user}>, your {emoji} does not count: your account belongs to another workspace.",
        "Only full members of this workspace open a gate.",
        "‹{could} can approve it.›",
        (("user", "U0OTHER"), ("emoji", ":white_check_mark:"), ("could", "<@U0BOB>")),
    ),
    VoteRefusal.INACTIVE: Words(
        "The account <@{user}> is switched off, so its {emoji} does not count.",
        "Only active members of this workspace open a gate.",
        "‹{could} can approve it.›",
        (("user", "U0GONE"), ("emoji", ":white_check_mark:"), ("could", "<@U0BOB>")),
    ),
    VoteRefusal.OLD_GATE: Words(
        "<@{user}>, that gate is no longer open‹: {why}›, so your {emoji} changes nothing.",
        "An approval counts only on the one gate that is open now.",
        "‹The open gate is here: {link}.›",
        (
            ("user", "U0BOB"),
            ("why", "its step has begun"),
            ("emoji", ":white_check_mark:"),
            ("link", "<https://example.slack.com/archives/C1/p1|s02>"),
        ),
    ),
    VoteRefusal.EXPIRED: Words(
        "<@{user}>, that gate ran out‹ {when}›, so your {emoji} does not count.",
        "A gate's evidence is only good for a while; a new gate comes with a new look at the cluster.",
        "Wait for the new gate in the thread, read it, and react there.",
        (("user", "U0BOB"), ("when", "at 02:10"), ("emoji", ":white_check_mark:")),
    ),
    VoteRefusal.NOT_A_GATE: Words(
        "<@{user}>, that message is not a gate, so your {emoji} changes nothing.",
        "An approval counts only on the gate's own message.",
        "‹The open gate is here: {link}.›",
        (
            ("user", "U0BOB"),
            ("emoji", ":white_check_mark:"),
            ("link", "<https://example.slack.com/archives/C1/p1|s02>"),
        ),
    ),
    VoteRefusal.EMOJI: Words(
        "{emoji} is neither an approval nor a rejection.",
        "Approve with {approve}, reject with {reject}. Custom emoji never count.",
        "React with one of those.",
        (("emoji", ":eyes:"), ("approve", ":white_check_mark:"), ("reject", ":no_entry:")),
    ),
    VoteRefusal.SAME_PERSON: Words(
        "<@{user}>, your {emoji} does not count twice: another account of yours has it already.",
        "People are counted, not accounts.",
        "‹{could} can still approve it.›",
        (("user", "U0BOB2"), ("emoji", ":white_check_mark:"), ("could", "<@U0CAROL>")),
    ),
    VoteRefusal.UNREADABLE: Words(
        "<@{user}>, Slack could not tell me who you are just now, so your {emoji} is not counted yet.",
        "Whoever cannot be identified is not counted.",
        "Nothing to do: the votes are read again before the step begins.",
        (("user", "U0BOB"), ("emoji", ":white_check_mark:")),
    ),
}

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

_OPTIONAL = re.compile("‹([^‹›]*)›")
_NAMED = re.compile(r"\{(\w+)\}")


def escape(text: str) -> str:
    """Make text from anywhere harmless inside Slack's mrkdwn: no mentions, no links, no broken code spans."""
    flat = " ".join(text.split())
    short = flat if len(flat) <= PART_LIMIT else flat[: PART_LIMIT - 1] + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


def fill(template: str, parts: Mapping[str, str]) -> str:
    """Put parts into a template; an ‹optional› stretch with a missing part is left out, a bare one shows `?`."""

    def optional(match: re.Match[str]) -> str:
        return match.group(1) if all(parts.get(name) for name in _NAMED.findall(match.group(1))) else ""

    return _NAMED.sub(lambda m: parts.get(m.group(1)) or "?", _OPTIONAL.sub(optional, template)).strip()


def link(kind: StrEnum, docs_url: str = "", label: str = "more") -> str:
    """A link to the kind's line in docs/refusals.md, or its path in the repository where docs are not published."""
    page = f"refusals.md#{kind.value}"
    return f"<{docs_url.rstrip('/')}/{page}|{label}>" if docs_url else f"`docs/{page}`"


def sentence(kind: StrEnum, words: Words, parts: Mapping[str, str], docs_url: str = "") -> str:
    """Fact, rule, remedy and link of one entry, in this order, as one short paragraph."""
    pieces = [fill(words.says, parts), fill(words.rule, parts), fill(words.do, parts)]
    return " ".join(piece for piece in pieces if piece) + f" ({link(kind, docs_url)})"


# Parts that already are Slack markup of our own making; everything else is escaped.
MARKUP = frozenset(
    {
        "link",
        "where",
        "nearest",
        "known",
        "open",
        "declared",
        "people",
        "could",
        "eligible",
        "emoji",
        "approve",
        "reject",
        "problem",
        "title",
    }
)


def _safe(parts: Mapping[str, str]) -> dict[str, str]:
    return {name: value if name in MARKUP else escape(value) for name, value in parts.items()}


def refusal(refused: Refusal, docs_url: str = "") -> str:
    """The sentence for something asked for and not done."""
    return sentence(refused.kind, REFUSALS[refused.kind], _safe(dict(refused.parts)), docs_url)


def vote(kind: VoteRefusal, parts: Mapping[str, str], docs_url: str = "") -> str:
    """The sentence for a reaction that does not count."""
    return sentence(kind, VOTES[kind], _safe(parts), docs_url)


def gate_end(kind: GateEnd, parts: Mapping[str, str]) -> str:
    """The line under a gate that is no longer open, without a link: it stands in the thread for ever."""
    words = GATES[kind]
    return " ".join(filter(None, (fill(piece, _safe(parts)) for piece in (words.says, words.rule, words.do))))


def ending(kind: Ending, parts: Mapping[str, str]) -> tuple[str, str]:
    """What is said when a campaign ends or stops: (what, what to do)."""
    words = ENDINGS[kind]
    return fill(words.says, _safe(parts)), fill(words.do, _safe(parts))


def outcome(kind: OutcomeKind, parts: Mapping[str, str]) -> tuple[str, str]:
    """What the end of one attempt means: (what, what to do)."""
    words = OUTCOMES[kind]
    return fill(words.says, _safe(parts)), fill(words.do, _safe(parts))
