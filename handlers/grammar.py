"""The words people type after `/rollup` or `@rollup`, parsed in one place: pure, total, nothing guessed.

The table below is the command list of DESIGN §11; help and usage lines come from it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rapidfuzz import fuzz, process

from handlers.wording import escape
from state.words import Options, Refusal, RefusalKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One command. `target`: what its first word names; `needed`: whether it must be there."""

    name: str
    says: str
    usage: str
    target: str = "campaign"  # "cluster" | "campaign" | "none"
    needed: bool = True
    words_after: int = 0  # further plain words
    reason: bool = False  # the rest of the line is a reason, verbatim
    flags: tuple[str, ...] = ()
    changes: bool = False  # only listed people
    bars: bool = False  # whoever does it cannot approve afterwards


VERBS: tuple[Verb, ...] = (
    Verb(name="plan", says="read the cluster and post a plan; nothing is changed", target="cluster", words_after=1,
         usage="plan CLUSTER [KB|BUILD] [--failback] [--stop-move-start]", flags=("--failback", "--stop-move-start"),
         changes=True, bars=True),
    Verb(name="start", says="begin a posted plan; every step waits for a second person", usage="start CAMPAIGN",
         changes=True, bars=True),
    Verb(name="status", says="what is safe to do now, in one screen", usage="status [CLUSTER|CAMPAIGN]", needed=False),
    Verb(name="pause", says="no new step; a running job goes on", usage="pause CAMPAIGN [reason]", reason=True,
         changes=True),
    Verb(name="resume", says="go on after a pause", usage="resume CAMPAIGN", changes=True),
    Verb(name="abort", says="nothing new begins, ever; what runs is left to end", usage="abort CAMPAIGN [reason]",
         reason=True, changes=True),
    Verb(name="retry", says="another attempt of the step in hand, with its own gate", usage="retry CAMPAIGN [reason]",
         reason=True, changes=True, bars=True),
    Verb(name="waive", says="ask to set aside a rule that blocks; a second person must accept the risk",
         usage="waive CAMPAIGN RULE reason", reason=True, words_after=1, changes=True, bars=True),
    Verb(name="recheck", says="look again now", usage="recheck CAMPAIGN", changes=True),
    Verb(name="show", says="the plan, the open gate and its exact commands", usage="show CAMPAIGN"),
    Verb(name="level", says="the build on each machine, as last read", usage="level [CLUSTER]", target="cluster",
         needed=False),
    Verb(name="downtime", says="how long mail was away, and what is forecast", usage="downtime [CLUSTER|CAMPAIGN]",
         needed=False),
    Verb(name="history", says="campaigns and how they ended", usage="history [CLUSTER]", target="cluster",
         needed=False),
    Verb(name="unlock", says="release a cluster's locks after an abort, though a job may still run",
         usage="unlock CLUSTER [JOB]", words_after=1, changes=True),
    Verb(name="return", says="move mail back to the node it came from, which ends the campaign; risk-gated",
         usage="return CAMPAIGN [reason]", reason=True, changes=True, bars=True),
    Verb(name="help", says="this list", usage="help [COMMAND]", target="none", needed=False, words_after=1),
)  # fmt: skip
BY_NAME = {verb.name: verb for verb in VERBS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A well-formed command. `target` is as typed and may be empty where the verb allows, or inside a thread."""

    verb: Verb
    target: str = ""
    word: str = ""  # plan: the package; help: a command; waive: the rule
    reason: str = ""
    options: Options = field(default_factory=Options)


_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "\u00a0": " "})
_LONG_DASH = re.compile(r"(?<!\S)[—–−](?=\w)")  # phones turn `--` into one dash
_LINK = re.compile(r"<(?:https?://[^|>]+)\|([^>]+)>")  # and names with dots into links


def clean(text: str) -> str:
    """What was meant, where a phone's keyboard or Slack itself changed quotes, dashes and dotted names."""
    straight = _LINK.sub(r"\1", text).translate(_QUOTES)
    straight = _LONG_DASH.sub("--", straight)
    return straight.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").strip()


def nearest(word: str, choices: tuple[str, ...], *, most: int = 3, floor: float = 60.0) -> tuple[str, ...]:
    """The choices a typo was most likely meant to be, best first."""
    found = process.extract(word, choices, scorer=fuzz.ratio, processor=str.casefold, limit=most, score_cutoff=floor)
    return tuple(choice for choice, _score, _index in found)


def usage_of(verb: Verb, problem: str = "") -> Refusal:
    """The refusal for malformed arguments of one command. `problem` is Slack markup."""
    return Refusal(
        kind=RefusalKind.USAGE,
        parts=(("command", verb.name), ("problem", problem), ("usage", f"/rollup {verb.usage}")),
    )


def parse(text: str, *, in_thread: bool = False, is_name: Callable[[str], bool] = lambda _word: True) -> Ask | Refusal:
    """One line of words as a command, or the refusal that says what is wrong with it.

    In a thread the campaign need not be named; a first word that `is_name` does not know then belongs to the reason.
    """
    line = clean(text)
    first, _, rest = line.partition(" ")
    rest = rest.strip()
    if not first:
        return Ask(verb=BY_NAME["help"])
    verb = BY_NAME.get(first.casefold().lstrip("/"))
    if verb is None:
        close = nearest(first, tuple(BY_NAME), most=1)
        parts = (("typed", first), ("nearest", close[0] if close else ""))
        return Refusal(kind=RefusalKind.UNKNOWN_COMMAND, parts=parts)
    if verb.reason:
        return _with_reason(verb, rest, in_thread=in_thread, is_name=is_name)
    return _with_words(verb, rest, in_thread=in_thread)


def _with_reason(verb: Verb, rest: str, *, in_thread: bool, is_name: Callable[[str], bool]) -> Ask | Refusal:
    target, _, reason = rest.partition(" ")
    if in_thread and not (target and is_name(target)):
        return _with_rule(Ask(verb=verb, reason=rest))
    if not target:
        return usage_of(verb, "no campaign is named")
    if target.startswith("-"):
        return usage_of(verb, f"I do not know the option `{escape(target)}`")
    return _with_rule(Ask(verb=verb, target=target, reason=reason.strip()))


def _with_rule(ask: Ask) -> Ask | Refusal:
    """The rule before the reason, where the command names one; both must be there."""
    if not ask.verb.words_after:
        return ask
    rule, _, reason = ask.reason.partition(" ")
    if not rule:
        return usage_of(ask.verb, "no rule is named")
    if not reason.strip():
        return usage_of(ask.verb, "no reason is given; whoever accepts the risk wants to know it")
    return replace(ask, word=rule.upper(), reason=reason.strip())


def _with_words(verb: Verb, rest: str, *, in_thread: bool) -> Ask | Refusal:
    try:
        words = shlex.split(rest)
    except ValueError:
        return usage_of(verb, "a quotation mark is not closed")
    flags = [word.casefold() for word in words if word.startswith("-")]
    plain = [word for word in words if not word.startswith("-")]
    for flag in flags:
        if flag not in verb.flags:
            return usage_of(verb, f"I do not know the option `{escape(flag)}`" + _meant(flag, verb.flags))
        if flags.count(flag) > 1:
            return usage_of(verb, f"`{escape(flag)}` stands there twice")
    named = verb.target != "none"
    if verb.needed and not plain and not (in_thread and verb.target == "campaign"):
        return usage_of(verb, f"no {verb.target} is named")
    most = int(named) + verb.words_after
    if len(plain) > most:
        return usage_of(verb, f"`{escape(plain[most])}` is one word too many")
    target = plain[0] if named and plain else ""
    after = plain[1:] if named else plain
    options = Options(failback="--failback" in flags, stop_move_start="--stop-move-start" in flags)
    return Ask(verb=verb, target=target, word=after[0] if after else "", options=options)


def _meant(flag: str, flags: tuple[str, ...]) -> str:
    close = nearest(flag, flags, most=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def help_lines(word: str = "") -> tuple[str, ...] | Refusal:
    """The command list, or one command's line, as Slack markup."""
    if word:
        verb = BY_NAME.get(word.casefold())
        if verb is None:
            close = nearest(word, tuple(BY_NAME), most=1)
            return Refusal(
                kind=RefusalKind.UNKNOWN_COMMAND, parts=(("typed", word), ("nearest", close[0] if close else ""))
            )
        return (f"`/rollup {verb.usage}` {verb.says}",)
    return tuple(f"`/rollup {verb.usage}` {verb.says}" for verb in VERBS)
