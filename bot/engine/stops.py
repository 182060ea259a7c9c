"""Why a campaign does not move: the Stop on a rule, and the questions only people can answer."""

from __future__ import annotations

from bot.engine.rooms import Rooms
from bot.engine.turn import Turn
from state.errors import Broken
from state.words import (
    Asked,
    Campaign,
    Check,
    Stop,
)


def stop_on(campaign: Campaign, bad: tuple[Check, ...], now: float, step: str = "") -> Stop:
    """The Stop for checks that block (worst first, at least one): since when, and whether patience is over.

    Patience is that of the least patient check: seconds (lab) a block is read again quietly before people are told.
    While the nodes disagree the rest rests on a picture that may be gone in a moment: then it is VIEW-AGREE's own.
    """
    worst = bad[0]
    judged = bad[:1] if worst.rule == "VIEW-AGREE" else bad
    since = blocked_since(campaign, worst.rule, now)
    return Stop(
        rule=worst.rule,
        step=step,
        sentence=worst.sentence,
        remedy=worst.remedy,
        since=since,
        checks=bad,
        final=now - since >= min(check.patience_s for check in judged),
    )


def blocked_since(campaign: Campaign, rule: str, now: float) -> float:
    """Since when (lab) a rule has blocked. A block nobody was told of yet hands its time on to the next rule.

    Else two rules that take turns would keep starting each other's patience anew, and people would never hear of them.
    """
    stop = campaign.stop
    return stop.since if stop is not None and (stop.rule == rule or not stop.final) else now


def ask(turn: Turn, campaign: Campaign, rule: str, sentence: str, remedy: str) -> None:
    """Stop and ask people."""
    step = campaign.step
    turn.write(
        campaign,
        Asked(
            stop=Stop(
                rule=rule,
                sentence=sentence,
                remedy=remedy,
                step=step.id if step else "",
                since=turn.rooms.lab(),
                final=True,
            )
        ),
        "ask",
    )


def damaged(rooms: Rooms, campaign: Campaign) -> str | None:
    """What is wrong with the record, or None. The chain covers events only: an edited snapshot shows in the replay."""
    try:
        rooms.store.replay(campaign.id)
    except Broken as err:
        return err.why
    unknown = rooms.slack.unknown_event(campaign)
    if unknown is not None:
        return (
            f"the thread in Slack shows an entry {unknown} that the store does not hold so: an older copy was put back"
        )
    return None


def ask_about(turn: Turn, campaign: Campaign, damage: str) -> None:
    """Stop for people: nothing is done on a record like this."""
    ask(
        turn,
        campaign,
        "RECORD-WHOLE",
        f"The campaign's record in Redis does not hold together: {damage}.",
        "Nothing more is done on a record like this. Export it (`rollup-bot export`), find out who wrote to Redis, "
        "and abort the campaign.",
    )
