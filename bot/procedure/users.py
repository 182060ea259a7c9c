"""How many people a mail server serves, and whom a stand-alone SCR target does, as far as it was read. Pure."""

from __future__ import annotations

from bot.procedure.facts import NOT_ASKED, EstateFacts, MachineFacts, SurveyFacts, Unknown, same_name


def mailboxes_of(facts: EstateFacts, cms: str) -> int | Unknown:
    """Its mailboxes by the first machine that counted them, or why nobody could."""
    why = "they were not asked for"
    failed = False
    for machine in facts.machines:
        survey = machine.survey if machine.reached else Unknown(f"{machine.name} did not answer ({machine.why_not})")
        users = survey.users if isinstance(survey, SurveyFacts) else survey
        if isinstance(users, Unknown):
            if users != NOT_ASKED and not failed:
                why, failed = users.why, True
            continue
        why = why if failed else "no node that was asked may run it"
        for name, count in users:
            if same_name(name, cms):
                return count
    return Unknown(why)


def in_words(count: int | Unknown) -> str:
    """As plan, gate and status say it."""
    if isinstance(count, Unknown):
        return f"how many mailboxes is unknown: {count.why.rstrip('.')}"
    return f"{count} mailbox{'' if count == 1 else 'es'}"


NOBODY = "no mailbox of its own and no other role"


def of_its_own(machine: MachineFacts | None) -> str:
    """What a stand-alone SCR target serves beside its copies: mailboxes and other roles."""
    if machine is None or not machine.reached:
        return in_words(Unknown("it did not answer"))
    said = in_words(machine.mailboxes)
    if isinstance(machine.roles, Unknown):
        return f"{said}; whether it has other roles is unknown: {machine.roles.why.rstrip('.')}"
    other = [one for one in machine.roles if one.casefold() != "mailbox"]
    if machine.mailboxes == 0 and not other:
        return NOBODY
    return f"{said}; it also serves as {' and '.join(other)}" if other else said
