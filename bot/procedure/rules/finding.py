"""What a rule may answer: a verdict with its finished sentence, the remedy, and the facts it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from state.words import Fact, Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's answer: verdict, the finished sentence, what to do, and the facts it rests on."""

    verdict: Verdict
    sentence: str
    remedy: str = ""
    facts: tuple[Fact, ...] = ()
    waivable: bool = False
    applicable: bool = True
    patience_s: float = 0.0


def passes(sentence: str, *facts: Fact) -> Finding:
    """The rule is kept."""
    return Finding(Verdict.PASS, sentence, "", facts)


def not_needed(sentence: str) -> Finding:
    """The rule does not apply here; the sentence says why."""
    return Finding(Verdict.PASS, sentence, applicable=False)


def warns(sentence: str, remedy: str, *facts: Fact) -> Finding:
    """People should know this before they approve; it stops nothing."""
    return Finding(Verdict.WARN, sentence, remedy, facts)


def blocks(sentence: str, remedy: str, *facts: Fact, waivable: bool = False, patience_s: float = 0.0) -> Finding:
    """The rule is broken."""
    return Finding(Verdict.BLOCK, sentence, remedy, facts, waivable, patience_s=patience_s)


def unknown(sentence: str, remedy: str, *facts: Fact, waivable: bool = False, patience_s: float = 0.0) -> Finding:
    """A fact the rule needs could not be read; that never passes."""
    return Finding(Verdict.UNKNOWN, sentence, remedy, facts, waivable, patience_s=patience_s)


_WORST = (Verdict.BLOCK, Verdict.UNKNOWN, Verdict.WARN, Verdict.PASS)


def together(findings: Iterable[Finding], passing: str) -> Finding:
    """One answer out of several: the worst verdict with the sentences that carry it, and every fact.

    It may be waived only if each finding that stops it may be. No finding at all is not applicable.
    """
    found = tuple(findings)
    facts = tuple(dict.fromkeys(fact for one in found for fact in one.facts))
    bad = [one for one in found if one.verdict is not Verdict.PASS]
    if not bad:
        applicable = any(one.applicable for one in found)
        return Finding(Verdict.PASS, passing, "", facts, applicable=applicable)
    worst = min(bad, key=lambda one: _WORST.index(one.verdict)).verdict
    stopping = [one for one in bad if one.verdict in {Verdict.BLOCK, Verdict.UNKNOWN}]
    ordered = sorted(bad, key=lambda one: _WORST.index(one.verdict))
    return Finding(
        worst,
        " ".join(dict.fromkeys(one.sentence for one in ordered)),
        _one_after_another(dict.fromkeys(one.remedy for one in ordered if one.remedy)),
        facts,
        bool(stopping) and all(one.waivable for one in stopping),
        patience_s=min((one.patience_s for one in stopping), default=0.0),
    )


def _one_after_another(remedies: Iterable[str]) -> str:
    """Several remedies as one text in which no command runs into the next."""
    *front, last = tuple(remedies) or ("",)
    return " ".join([*(one if one.endswith((".", "!", "?", ":", ";")) else f"{one};" for one in front), last])
