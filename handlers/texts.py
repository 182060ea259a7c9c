"""Every sentence the bot says when something was not done, or ended: one entry per kind, from a table.

Each entry says which fact, which rule, and what to do, and links to `docs/`. A stretch in ‹angle marks› is
left out when one of the facts it names is missing. `docs/refusals.md` is generated from these tables
(`python -m handlers.refusals_page`), and a test fails when it is stale.
"""

from __future__ import annotations

from collections.abc import Mapping

from handlers.closings import ENDINGS, GATES, OUTCOMES, Ending, GateEnd, ending, gate_end, outcome
from handlers.wording import Words, escape, fill, safe, sentence
from state.words import Refusal, RefusalKind, VoteRefusal

__all__ = [
    "ENDINGS", "GATES", "OUTCOMES", "REFUSALS", "VOTES", "Ending", "GateEnd", "Words", "ending", "escape", "fill",
    "gate_end", "outcome", "refusal", "sentence", "vote",
]  # fmt: skip

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
        "`{command}` does not fit now: campaign `{campaign}` is {state}‹, and {problem}›.",
        "‹What fits in this state: {allowed}.›",
        "`/rollup status {campaign}` says where it stands‹: {link}›.",
        (
            ("command", "resume"),
            ("campaign", "CLUSTER01-7"),
            ("state", "carrying out a step"),
            ("problem", "nobody knows yet how its job on EXN2 ended"),
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
    RefusalKind.NOT_WAIVABLE: Words(
        "`{rule}` cannot be waived for `{campaign}` now.‹ What blocks and nobody may set aside: {problem}.›"
        "‹ What may be waived now: {known}.›",
        "Only a rule that blocks now and that its row in `docs/rules.md` calls waivable can be set aside, and only if "
        "every other rule that blocks can be too.",
        "Put right what it names, then `/rollup recheck {campaign}`‹: {link}›.",
        (
            ("rule", "NODE-PASSIVE"),
            ("campaign", "CLUSTER01-7"),
            ("problem", "`NODE-PASSIVE`"),
            ("known", "`BACKUP-RECENT`"),
            ("link", "<https://example.slack.com/archives/C1/p1|its thread>"),
        ),
    ),
    RefusalKind.NO_WAY_BACK: Words(
        "There is nothing to return for `{campaign}` now: {problem}.",
        "A return is the last handoff the other way round, as a step of its own behind a risk gate.",
        "`/rollup status {campaign}` says where mail is‹: {link}›.",
        (
            ("campaign", "CLUSTER01-7"),
            ("problem", "EXN1 is Paused, and a mail server is not moved while a node is out"),
            ("link", "<https://example.slack.com/archives/C1/p1|its thread>"),
        ),
    ),
    RefusalKind.PLAN_BLOCKED: Words(
        "The plan `{campaign}` cannot be started: {problem} blocks.",
        "A plan that a rule stops is started only when a second person has accepted each of these risks.",
        "Put it right and `/rollup plan {cluster}` again, or ask with `/rollup waive {campaign} {rule} reason`‹: {link}›.",
        (
            ("campaign", "CLUSTER01-7"),
            ("problem", "`PKG-LIVE`"),
            ("cluster", "CLUSTER01"),
            ("rule", "PKG-LIVE"),
            ("link", "<https://example.slack.com/archives/C1/p1|its thread>"),
        ),
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


def refusal(refused: Refusal, docs_url: str = "") -> str:
    """The sentence for something asked for and not done."""
    return sentence(refused.kind, REFUSALS[refused.kind], safe(dict(refused.parts)), docs_url)


def vote(kind: VoteRefusal, parts: Mapping[str, str], docs_url: str = "") -> str:
    """The sentence for a reaction that does not count."""
    return sentence(kind, VOTES[kind], safe(parts), docs_url)
