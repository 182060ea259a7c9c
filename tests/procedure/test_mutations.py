"""Whatever small thing is forged in a record, `rollup-bot verify` says no; what it cannot see is listed, here and in docs/verify.md."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.procedure.order import check_events
from state import words as w
from tests.procedure import record
from tests.procedure.build import ccr
from tests.procedure.moments import PLAN
from tests.procedure.mutations import changed, displaced, refused
from tests.procedure.record import BOB, CAROL, recorded, vote

EVENTS = record.events(PLAN, ccr())

# A record of a campaign that goes on has no end yet: only the head that stands in Slack tells that there was more
# (`--head`). Slack's thread may be opened before the plan is made or after it.
HIDES_NOTHING = {"without Finished", "PlanMade before ThreadOpened"}


def test_no_event_can_be_left_out_told_twice_or_put_elsewhere() -> None:
    assert not refused(EVENTS)
    assert {what for what, made in displaced(EVENTS) if not refused(made)} == HIDES_NOTHING


# Rules that only warn, or only tell: nobody is stopped by them, and their facts are not compared.
ADVICE = (
    "CUSTOM-ACTIONS", "CRL-REACH", "DNS-TTL", "ROLE-ORDER", "EXEC-POLICY", "WITNESS-QUIET", "MONITORING", "NOTICE", "OAB-PIN",
    "DOWNTIME-MEASURED",
)  # fmt: skip
# Said once: nothing else in a record has to agree with it (docs/verify.md).
SAID_ONCE = {
    # who is behind an account, and which world it was
    "CampaignRequested.by.user", "Started.by.user", "CampaignRequested.realm",
    # what Slack and the signatures know
    "ThreadOpened.ts", "GateOpened.ts", "GateOpened.posted_hash", "GatePrepared.gate.posted_hash", "GatePrepared.gate.mac",
    "GateConsumed.intent.mac", "GateConsumed.intent.fence", "Voted.vote.event_id",
    # forecasts, terms and versions
    "PlanMade.plan.rules_version", "PlanMade.plan.bot_version", "PlanMade.plan.made_at", "PlanMade.plan.duration_s",
    "PlanMade.expires_at", "PlanMade.plan.steps.expected_s", "GatePrepared.gate.forecast.step_s",
    "GatePrepared.gate.forecast.downtime_s", "GatePrepared.gate.opened_at", "GatePrepared.gate.expires_at",
    # why a step is there, and what a group is called that holds a mail server
    "PlanMade.plan.steps.rule", "PlanMade.plan.machines.owns", "GatePrepared.images.level",
    # one of several facts that are alike: a database, a copy, a service
    "PlanMade.plan.checks[NODE-MEMBER].facts", "PlanMade.plan.checks[NODE-MEMBER].facts[node state].machine",
    "PlanMade.plan.checks[GROUP-MOVE-PLAN].facts", "PlanMade.plan.checks[FAILBACK-OFF].facts",
    "PlanMade.plan.checks[BACKUP-RECENT].facts", "GatePrepared.gate.checks[BACKUP-RUNNING].facts",
    "GatePrepared.gate.checks[SEEDING-NONE].facts", "StepEnded.outcome.checks[SCR-COPY-OK].facts",
    "StepEnded.outcome.checks[SERVICES-SNAPSHOT].facts",
    # other values that are as good
    "PlanMade.plan.checks[QUORUM-SURVIVES].facts[other running nodes].value",
    "GatePrepared.gate.checks[MIXED-LEVEL-MOVE].facts[level].value",
    "StepEnded.outcome.checks[SERVICES-SNAPSHOT].facts[service MSExchangeIS].value",
    "StepEnded.outcome.checks[SERVICES-SNAPSHOT].facts[service MSExchangeSA].value",
    "StepEnded.outcome.checks[AV].facts[Forefront].value", "StepEnded.outcome.checks[MOVE-DONE].facts[queue to].machine",
    "GatePrepared.gate.checks[MOVE-READY].facts[].machine", "GatePrepared.gate.checks[MOVE-READY].facts[].moving",
    "StepEnded.outcome.checks[MOVE-DONE].facts[].machine", "StepEnded.outcome.checks[MOVE-DONE].facts[].moving",
    # a warning in the place of a pass, or the other way round, where the rule has both
    "PlanMade.plan.checks[NODE-MEMBER].verdict", "PlanMade.plan.checks[SCR-CYCLE].verdict",
    "PlanMade.plan.checks[PKG-HASH].verdict", "PlanMade.plan.checks[PKG-NAME].verdict", "PlanMade.plan.checks[SPARE-UP].verdict",
    "PlanMade.plan.checks[BACKUP-RUNNING].verdict", "PlanMade.plan.checks[AV].verdict",
    "PlanMade.plan.checks[BACKUP-RECENT].verdict", "PlanMade.plan.checks[GROUPS-SNAPSHOT].verdict",
    "PlanMade.plan.checks[GROUPS-SNAPSHOT].rule", "GatePrepared.gate.checks[PKG-HASH].verdict",
    "GatePrepared.gate.checks[BACKUP-RUNNING].verdict", "GatePrepared.gate.checks[AV].verdict",
    "StepEnded.outcome.checks[SCR-COPY-OK].verdict", "StepEnded.outcome.checks[AV].verdict",
    "StepEnded.outcome.checks[AV].rule", "StepEnded.outcome.checks[MOVE-DONE].verdict",
    "Finished.checks[BOTH-NODES].verdict",
}  # fmt: skip


def test_no_value_can_be_changed_but_those_that_are_said_once() -> None:
    accepted = {where for where, _, made in changed(EVENTS) if not refused(made)}
    hidden = {where for where in accepted if not any(f"[{rule}]" in where for rule in ADVICE)}
    assert sorted(hidden - SAID_ONCE) == []
    assert sorted(SAID_ONCE - hidden) == [], "this is seen by now: take it out of the list, and of docs/verify.md"


def places(kind: type[w.Event]) -> list[int]:
    return [n for n, event in enumerate(EVENTS) if isinstance(event, kind)]


def said(made: list[w.Event] | tuple[w.Recorded, ...]) -> str:
    whole = made if isinstance(made, tuple) else recorded(made)
    return " ".join(one.sentence for one in check_events(whole))


def other(place: int, event: w.Event) -> list[w.Event]:
    return [*EVENTS[:place], event, *EVENTS[place + 1 :]]


# --- votes


def with_votes(*votes: w.Event) -> list[w.Event]:
    """The first gate's one vote replaced by these."""
    place = places(w.Voted)[0]
    return [*EVENTS[:place], *votes, *EVENTS[place + 1 :]]


def first_gate() -> w.Gate:
    event = EVENTS[places(w.GatePrepared)[0]]
    assert isinstance(event, w.GatePrepared)
    return event.gate


GATE = first_gate()
NO = {"choice": w.Choice.REJECT, "emoji": "x"}


@pytest.mark.parametrize(
    ("votes", "words"),
    [
        ((), "No vote of bob"),
        ((vote(GATE, CAROL),), "No vote of bob"),
        ((vote(GATE, BOB, counted=False, refusal=w.VoteRefusal.GUEST),), "No vote of bob"),
        ((vote(GATE, BOB, **NO),), "No vote of bob"),
        ((vote(GATE), vote(GATE, CAROL, **NO)), "carol had said no"),
        ((vote(GATE), vote(GATE)), "told twice"),
        ((vote(GATE, event_id="E1"), vote(GATE, CAROL, event_id="E1")), "told twice"),
        ((vote(GATE, user="U3"),), "No vote of bob"),
        ((vote(GATE, w.Actor(user="U9", person="mallory")), vote(GATE)), "does not list who may approve it so"),
        ((vote(GATE, BOB, person="alice"), vote(GATE)), "somebody who asked for it"),
        ((vote(GATE, emoji="parrot"), vote(GATE)), "says nothing"),
        ((vote(GATE, gate="CLUSTER01-7.s02.1"), vote(GATE)), "was not open"),
        ((vote(GATE, refusal=w.VoteRefusal.GUEST), vote(GATE, CAROL)), "counted and refused at once"),
        ((vote(GATE, CAROL, counted=False, refusal=w.VoteRefusal.EXPIRED), vote(GATE)), "was refused as too late"),
        (
            (vote(GATE, CAROL, counted=False, refusal=w.VoteRefusal.NOT_LISTED_AT_OPEN), vote(GATE)),
            "the gate lists who cast it",
        ),
        ((vote(GATE), w.VoteWithdrawn(gate=GATE.id, user="U2", emoji="+1")), "No vote of bob"),
        ((vote(GATE), w.VoteWithdrawn(gate=GATE.id, user="U3", emoji="+1")), "nobody had seen"),
        ((vote(GATE), w.LateWithdrawal(gate=GATE.id, user="U2", emoji="+1")), "no intent rests on it"),
    ],
)  # fmt: skip
def test_a_gate_is_consumed_on_the_votes_that_the_record_shows_and_on_no_others(
    votes: tuple[w.Event, ...], words: str
) -> None:
    assert words in said(with_votes(*votes))


@pytest.mark.parametrize(
    "votes",
    [
        (vote(GATE, CAROL, counted=False, refusal=w.VoteRefusal.UNREADABLE), vote(GATE)),
        (vote(GATE, CAROL, **NO), w.VoteWithdrawn(gate=GATE.id, user="U3", emoji="x"), vote(GATE)),
        (vote(GATE), w.VoteWithdrawn(gate=GATE.id, user="U2", emoji="+1"), vote(GATE)),
        (vote(GATE), vote(GATE, emoji="white_check_mark"), vote(GATE, CAROL)),
        (vote(GATE, w.Actor(user="U1", person="alice"), counted=False, refusal=w.VoteRefusal.OWN_REQUEST), vote(GATE)),
    ],
)  # fmt: skip
def test_votes_that_were_refused_or_changed_are_no_forgery(votes: tuple[w.Event, ...]) -> None:
    assert not refused(with_votes(*votes)), said(with_votes(*votes))


# --- the ends of jobs and attempts


@pytest.mark.parametrize(
    "end",
    [
        {"state": w.JobState.CUT_OFF, "exit_code": None},
        {"state": w.JobState.CUT_OFF},
        {"state": w.JobState.CLOSED, "exit_code": None},
        {"state": w.JobState.REFUSED, "exit_code": None},
        {"state": w.JobState.ENDED, "exit_code": None},
        {"state": w.JobState.ENDED, "exit_code": 3010},
        {"downtime_s": 5.0},
    ],
)  # fmt: skip
def test_another_end_of_a_job_than_its_outcome_tells_is_seen(end: dict[str, object]) -> None:
    honest = recorded(EVENTS)
    for place in places(w.JobEnded):
        event = EVENTS[place]
        assert isinstance(event, w.JobEnded)
        if event.state is w.JobState.ENDED:
            one = replace(honest[place], event=replace(event, **end))  # type: ignore[arg-type]
            assert check_events((*honest[:place], one, *honest[place + 1 :])), place


@pytest.mark.parametrize("kind", [kind for kind in w.OutcomeKind if kind is not w.OutcomeKind.DONE])
@pytest.mark.parametrize("advance", [True, False])
def test_another_outcome_than_the_jobs_had_is_seen(kind: w.OutcomeKind, advance: bool) -> None:
    place = places(w.StepEnded)[2]
    event = EVENTS[place]
    assert isinstance(event, w.StepEnded)
    spoiled = replace(event, outcome=replace(event.outcome, kind=kind), advance=advance)
    assert check_events(recorded(other(place, spoiled)))


@pytest.mark.parametrize(
    "what", [{"exit_codes": (0, 0, 0)}, {"exit_codes": ()}, {"took_s": 9000.0}, {"at": 1.0}, {"downtime_s": 3.0}, {"rule": "DISK"}]
)  # fmt: skip
def test_an_outcome_with_other_figures_than_its_jobs_is_seen(what: dict[str, object]) -> None:
    honest = recorded(EVENTS)
    place = places(w.StepEnded)[0]
    event = honest[place].event
    assert isinstance(event, w.StepEnded)
    spoiled = replace(event, outcome=replace(event.outcome, **what))  # type: ignore[arg-type]
    assert check_events((*honest[:place], replace(honest[place], event=spoiled), *honest[place + 1 :]))


def test_a_job_that_was_cut_off_may_count_as_done_where_the_machines_and_the_outcome_say_so() -> None:
    place = places(w.JobEnded)[0]
    event = EVENTS[place]
    assert isinstance(event, w.JobEnded)
    cut = replace(event, state=w.JobState.CUT_OFF, exit_code=None)
    assert not refused(other(place, cut)), "its exit code was lost: what counts is what stands on the machine"


def test_the_next_step_does_not_begin_before_the_time_to_wait_is_over() -> None:
    place = places(w.StepEnded)[3]
    event = EVENTS[place]
    assert isinstance(event, w.StepEnded)
    late = replace(event, not_before=recorded(EVENTS)[place].at + 3600.0, wait_reason="CMS1 settles on EXN2")
    assert "before the time to wait was over" in said(other(place, late))


# --- times, and what stands twice


def test_no_event_is_older_than_the_one_before_it() -> None:
    honest = recorded(EVENTS)
    for place, one in enumerate(honest[1:], 1):
        early = replace(one, at=honest[place - 1].at - 1.0)
        assert check_events((*honest[:place], early, *honest[place + 1 :])), type(one.event).__name__


def test_a_clock_that_is_set_back_by_seconds_while_an_event_is_written_is_no_forgery() -> None:
    honest = recorded(EVENTS)
    place = places(w.StepEnded)[0]
    event = honest[place].event
    assert isinstance(event, w.StepEnded)
    for late, accepted in ((5.0, True), (500.0, False)):
        outcome = replace(event.outcome, at=event.outcome.at + late, took_s=event.outcome.took_s + late)
        one = replace(honest[place], event=replace(event, outcome=outcome))
        assert (check_events((*honest[:place], one, *honest[place + 1 :])) == ()) is accepted


def test_an_intent_rests_on_the_facts_that_its_gate_showed() -> None:
    honest = recorded(EVENTS)
    for place in places(w.GateConsumed):
        event = honest[place].event
        assert isinstance(event, w.GateConsumed)
        for facts in (event.facts[1:], (replace(event.facts[0], value="x"), *event.facts[1:])):
            one = replace(honest[place], event=replace(event, facts=facts))
            assert "The intent of gate" in said((*honest[:place], one, *honest[place + 1 :]))


@pytest.mark.parametrize(
    "what", [{"machine": "EXN1"}, {"groups": (("Cluster Group", "EXN1"),)}, {"groups": ()}, {"paused": True}]
)
def test_a_before_image_shows_what_its_gate_shows(what: dict[str, object]) -> None:
    place = places(w.GatePrepared)[1]
    event = EVENTS[place]
    assert isinstance(event, w.GatePrepared)
    images = tuple(replace(one, **what) for one in event.images)  # type: ignore[arg-type]
    assert refused(other(place, replace(event, images=images)))
    assert "no before-image" in said(other(place, replace(event, images=())))


@pytest.mark.parametrize(
    "what",
    [
        {"cluster": "CLUSTER09"}, {"package_ref": "KB1"}, {"options": w.Options(failback=True)}, {"channel": "C9"},
        {"by": w.Actor(user="U2", person="alice")},
    ],
)  # fmt: skip
def test_a_plan_that_is_not_what_was_asked_for_is_seen(what: dict[str, object]) -> None:
    event = EVENTS[0]
    assert isinstance(event, w.CampaignRequested)
    assert check_events(recorded(other(0, replace(event, **what))))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "what",
    [
        {"cms": ()}, {"cms": ("CMS1", "CMS1")}, {"scr_targets": ()}, {"scr_targets": ("SCR1", "EXN1")},
        {"machine_set": ("SCR1", "EXN1")}, {"options": w.Options(stop_move_start=True)}, {"downtime_s": 1.0},
        {"old_level": "8.3.517.0"}, {"users": (("CMS9", "1 mailbox"),)}, {"made_at": 2e9},
    ],
)  # fmt: skip
def test_a_plan_whose_lists_do_not_belong_together_is_seen(what: dict[str, object]) -> None:
    plan = replace(PLAN, **what)  # type: ignore[arg-type]
    assert check_events(recorded([replace(e, plan=plan) if isinstance(e, w.PlanMade) else e for e in EVENTS]))


def test_the_end_tells_the_outage_of_the_steps_and_that_the_whole_was_judged() -> None:
    event = EVENTS[-1]
    assert isinstance(event, w.Finished)
    assert "outage" in said(other(len(EVENTS) - 1, replace(event, user_downtime_s=3.0)))
    assert "nobody judged the whole" in said(other(len(EVENTS) - 1, replace(event, checks=())))
    blocked = tuple(replace(check, verdict=w.Verdict.BLOCK) for check in event.checks)
    assert check_events(recorded(other(len(EVENTS) - 1, replace(event, checks=blocked))))


# --- stops, and steps that are put in


FINDING = next(check for check in GATE.checks if check.rule == "DISK")
STOP = w.Stop(rule="DISK", step="s01", sentence="", checks=(replace(FINDING, verdict=w.Verdict.BLOCK),), final=True)


def stopped(*stops: w.Stop) -> list[w.Event]:
    """Before its first gate the campaign stops on these, and goes on."""
    place = places(w.GatePrepared)[0]
    blocked = [w.Blocked(stop=stop) for stop in stops]
    return [*EVENTS[:place], *blocked, w.Unblocked(sentence=""), *EVENTS[place:]]


def test_a_stop_names_the_rule_that_stopped_the_step_in_hand_and_is_told_once() -> None:
    assert not refused(stopped(STOP))
    assert not refused(stopped(replace(STOP, final=False), STOP))
    for stops in (
        (replace(STOP, rule="AV"),),
        (replace(STOP, rule=""),),
        (replace(STOP, checks=(FINDING,)),),
        (STOP, STOP),
    ):
        assert "not what stopped it" in said(stopped(*stops)), stops
    assert "not the step in hand" in said(stopped(replace(STOP, step="s04")))


def test_a_stop_right_after_an_attempt_is_on_the_rule_that_the_attempt_names() -> None:
    place = places(w.StepEnded)[0]
    event = EVENTS[place]
    assert isinstance(event, w.StepEnded)
    checks = tuple(replace(c, verdict=w.Verdict.BLOCK) for c in event.outcome.checks if c.rule == "LEVEL-REACHED")
    outcome = replace(event.outcome, kind=w.OutcomeKind.FAILED, rule="LEVEL-REACHED", checks=checks)
    for rule, words in (("LEVEL-REACHED", ""), ("EXIT-CODE", "not what stopped it")):
        blocked = w.Blocked(stop=replace(STOP, rule=rule, checks=checks))
        spoiled = [*EVENTS[:place], replace(event, outcome=outcome, advance=False), blocked]
        assert said(spoiled) == "" if not words else words in said(spoiled)


PUT_BACK = w.Step(
    id="s03s", kind=w.StepKind.RESTORE, target="EXN2", title="", rule="SERVICES-SNAPSHOT", because="", cluster="CLUSTER01",
    option="services",
)  # fmt: skip


@pytest.mark.parametrize(
    "what",
    [
        {"optional": True},
        {"option": "owners"},
        {"cluster": ""},
        {"target": "EXN1"},
        {"cms": "CMS1"},
        {"role": "scr-target"},
    ],
)
def test_what_a_failed_install_left_is_put_back_on_its_own_machine_by_all_means(what: dict[str, object]) -> None:
    place = places(w.StepEnded)[2]
    event = EVENTS[place]
    assert isinstance(event, w.StepEnded)
    checks = tuple(replace(c, verdict=w.Verdict.BLOCK) for c in event.outcome.checks if c.rule == "SERVICES-SNAPSHOT")
    outcome = replace(event.outcome, kind=w.OutcomeKind.FAILED, rule="SERVICES-SNAPSHOT", checks=checks)
    good = replace(event, outcome=outcome, advance=False, insert=PUT_BACK)
    assert said([*EVENTS[:place], good]) == ""
    assert said([*EVENTS[:place], replace(good, insert=replace(PUT_BACK, **what))])  # type: ignore[arg-type]


def test_nobody_asks_for_nothing() -> None:
    place = places(w.Started)[0]
    assert "Nobody asked" in said(other(place, w.Started(by=w.Actor(user="", person=""))))
