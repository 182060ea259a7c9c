"""What played people act on: the moments of a play, its ending, and a stop that somebody tries to mend."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.lab.scenario_words import Act

GOES_ON = frozenset({"blocked", "asking", "rejected"})  # a stop from which a campaign can go on; all else is its end


@dataclass(frozen=True, slots=True)
class Ending:
    """How the played campaign ended or stopped, from the metadata of its `rollup_closed` message."""

    campaign: str
    outcome: str
    rule: str
    step: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that made people act: a gate, a plan, an end, a line of the truth log."""

    when: str
    campaign: str = ""
    step: str = ""
    gate: str = ""
    outcome: str = ""
    did: str = ""
    machine: str = ""
    channel: str = ""
    ts: str = ""
    thread_ts: str = ""


@dataclass(slots=True)
class Mending:
    """A stop that somebody does something about: what is still to be done, and what was refused to them."""

    ending: Ending
    ts: str
    left: int  # acts that have not happened yet
    waiting: list[str] = field(default_factory=list)  # who typed a command that was not refused
    refused: int = 0
    went_on: bool = False


def meant(what: Act, moment: Moment) -> bool:
    """Whether an act waits for this moment."""
    if what.when != moment.when:
        return False
    if what.when == "closed" and not what.outcome and moment.outcome not in GOES_ON:
        return False  # nobody mends a campaign that has ended; an act that is meant for an end names it
    pairs = (
        (what.step, moment.step),
        (what.outcome, moment.outcome),
        (what.did, moment.did),
        (what.machine.casefold(), moment.machine.casefold()),
    )
    return all(not wanted or wanted == found for wanted, found in pairs)
