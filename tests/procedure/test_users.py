"""How many a mail server serves: counted by whoever can, never guessed."""

from __future__ import annotations

import pytest

from bot.procedure.facts import EstateFacts, Unknown
from bot.procedure.users import in_words, mailboxes_of
from tests.procedure.build import ccr, change, plan_of, silent, surveyed

NOBODY = change(change(ccr(), "EXN1", survey=surveyed(users=Unknown("denied"))), "EXN2", survey=Unknown("timed out"))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (ccr(), "400 mailboxes"),
        (silent(ccr(), "EXN1"), "400 mailboxes"),
        (change(ccr(), "EXN1", survey=surveyed(users=(("CMS1", 1),))), "1 mailbox"),
        (change(ccr(), "EXN1", survey=surveyed(users=(("cms1.lab.example", 7),))), "7 mailboxes"),
        (change(ccr(), "EXN1", survey=surveyed(users=Unknown("denied"))), "400 mailboxes"),
        (NOBODY, "how many mailboxes is unknown: denied"),
    ],
)
def test_the_first_machine_that_counted_says_how_many(facts: EstateFacts, said: str) -> None:
    without = EstateFacts(inventory=facts.inventory, machines=facts.machines[:2], now=facts.now, read_at=facts.read_at)
    assert in_words(mailboxes_of(without, "CMS1")) == said


def test_the_plan_keeps_what_was_counted_and_says_it_where_it_says_who_will_notice() -> None:
    plan = plan_of(ccr())
    own = "12 mailboxes; it also serves as HubTransport"
    assert plan.users == (("CMS1", "400 mailboxes"), ("SCR1", own))
    notice = next(check for check in plan.checks if check.rule == "NOTICE")
    assert "CMS1 (400 mailboxes) will be away for about" in notice.sentence


def test_a_server_no_asked_node_may_run_is_not_known() -> None:
    assert mailboxes_of(ccr(), "CMS9") == Unknown("no node that was asked may run it")
