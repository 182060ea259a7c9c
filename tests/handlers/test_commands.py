"""What people type, over a real socket, with real state behind it."""

from __future__ import annotations

from handlers import texts
from handlers.commands import Commands
from state.words import Aborted, AbortRequested, Actor, Asked, JobOpened, Package, PlanMade, Policy, State, Stop
from tests.handlers.conftest import ALICE, BOB, CAROL, DAVE, ELSEWHERE, Bench, a_plan
from tests.state.test_guards import acting, order, play
from tests.waiting import until


def nothing_changed(bench: Bench) -> bool:
    return bench.store.all() == [] and until(lambda: bench.store.inbox_list() == [])


def test_a_plan_is_answered_at_once_and_creates_a_campaign_in_the_clusters_channel(bench: Bench) -> None:
    said = bench.types(ALICE, "plan cluster01", channel=ELSEWHERE)
    assert "CLUSTER01-1" in said
    assert "<#C0EXCHANGE>" in said
    campaign = bench.campaign()
    assert campaign.state is State.PLANNING
    assert campaign.requester.user == ALICE
    assert campaign.package_ref == "KB4011325"
    assert bench.woken.advanced == ["CLUSTER01-1"]
    until(lambda: bench.store.inbox_list() == [])


def test_an_unknown_cluster_is_answered_with_the_nearest_names(bench: Bench) -> None:
    said = bench.types(ALICE, "plan CLUSTR01")
    assert "no cluster `CLUSTR01`" in said
    assert "`CLUSTER01`" in said
    assert nothing_changed(bench)


def test_a_node_typed_for_its_cluster_names_the_cluster(bench: Bench) -> None:
    assert "Did you mean `CLUSTER01`?" in bench.types(ALICE, "plan exn2.corp.example")


def test_an_undeclared_package_is_answered_with_file_place_and_how_to_hash(bench: Bench) -> None:
    said = bench.types(ALICE, "plan CLUSTER01 KB999")
    assert "`KB999` is not declared" in said
    assert "rollup.toml" in said
    assert "SHA256" in said
    assert nothing_changed(bench)


def test_no_package_and_several_packages_are_told_apart(bench: Bench) -> None:
    bench.packages = ()
    assert "No package is declared" in bench.types(ALICE, "plan CLUSTER01")
    bench.packages = tuple(Package(kb=f"KB{n}", build=f"8.3.{n}.0", path="C:\\p.msp", sha256="ab" * 32) for n in (1, 2))
    assert "`/rollup plan CLUSTER01 KB1`" in bench.types(ALICE, "plan CLUSTER01")
    assert nothing_changed(bench)


def test_a_second_campaign_on_a_busy_cluster_is_refused_with_a_link(bench: Bench) -> None:
    bench.started()
    said = bench.types(ALICE, "plan CLUSTER01")
    assert "is taken by campaign `CLUSTER01-1`" in said
    assert "/archives/C0EXCHANGE/p" in said
    assert len(bench.store.all()) == 1


def test_somebody_who_is_not_listed_changes_nothing(bench: Bench) -> None:
    said = bench.types(DAVE, "plan CLUSTER01")
    assert f"<@{DAVE}>, you are not listed" in said
    assert f"<@{BOB}>" in said
    assert nothing_changed(bench)


def test_a_refusal_can_be_told_from_an_answer_without_reading_it(bench: Bench) -> None:
    """Played people read no text: the name of the first block says that the command was not carried out."""
    bench.types(DAVE, "plan CLUSTER01")
    bench.types(DAVE, "status")
    with bench.space.lock:
        told = [m for messages in bench.space.messages.values() for m in messages.values() if m.only_for == DAVE]
    refused, answered = sorted(told, key=lambda m: float(m.ts))
    assert refused.blocks[0]["block_id"] == "refused" != answered.blocks[0]["block_id"]


def test_malformed_arguments_get_the_usage_of_that_one_command(bench: Bench) -> None:
    for typed in ("plan", "plan CLUSTER01 KB1 extra", "plan CLUSTER01 --failbak", 'plan "CLUSTER01'):
        said = bench.types(ALICE, typed)
        assert "/rollup plan CLUSTER [KB|BUILD]" in said, typed
        assert "/rollup abort" not in said
    assert nothing_changed(bench)


def test_a_typo_gets_the_nearest_command_and_does_nothing(bench: Bench) -> None:
    assert "Did you mean `/rollup start`?" in bench.types(ALICE, "strat CLUSTER01-1")
    assert nothing_changed(bench)


def test_start_takes_the_plan_and_bars_whoever_starts_it(bench: Bench) -> None:
    bench.planned()
    said = bench.types(BOB, "start CLUSTER01")
    assert "Start" in said
    assert bench.campaign().state is State.READY
    assert set(bench.campaign().barred) == {ALICE, BOB}


def test_whoever_would_leave_nobody_to_approve_is_refused_and_told_who_could(bench: Bench) -> None:
    bench.policy = Policy(requesters=(ALICE,), approvers=(BOB,), quorum=1)
    bench.planned()
    said = bench.types(BOB, "start CLUSTER01-1")
    assert "nobody could still approve" in said
    assert f"<@{ALICE}> could do" in said
    assert bench.campaign().state is State.PROPOSED


def test_an_empty_policy_denies_even_the_one_who_planned(bench: Bench) -> None:
    bench.planned()
    bench.policy = Policy()
    assert "not listed" in bench.types(ALICE, "start CLUSTER01-1")


def test_pause_answers_with_the_state_of_the_cluster_and_resume_goes_on(bench: Bench) -> None:
    bench.started()
    said = bench.types(CAROL, "pause CLUSTER01 don't like the look of EXN2")
    assert "Nothing on the cluster has been changed" in said
    assert bench.campaign().state is State.PAUSED
    bench.types(CAROL, "resume CLUSTER01-1")
    assert bench.campaign().state is State.READY
    assert bench.campaign().barred == (ALICE,)
    bench.edge.project("CLUSTER01-1")
    assert "don't like the look of EXN2" in bench.thread()


def test_abort_is_accepted_and_a_second_one_is_told_that_it_does_not_fit_or_has_ended(bench: Bench) -> None:
    bench.planned()
    assert "Safe to walk away" in bench.types(BOB, "abort CLUSTER01-1 wrong night")
    assert bench.campaign().state is State.ABORTING


def test_a_command_that_does_not_fit_says_what_does(bench: Bench) -> None:
    bench.planned()
    said = bench.types(ALICE, "resume CLUSTER01-1")
    assert "does not fit now" in said
    assert "start" in said
    assert bench.campaign().state is State.PROPOSED


def test_an_unknown_campaign_is_answered_with_the_nearest(bench: Bench) -> None:
    bench.planned()
    assert "`CLUSTER01-1`" in bench.types(ALICE, "start CLUSTER01-7")


def test_status_says_every_topic_and_whether_one_may_walk_away(bench: Bench) -> None:
    assert "*Safe to walk away: yes*" in bench.types(DAVE, "status")
    bench.started()
    said = bench.types(DAVE, "status CLUSTER01")
    lines = [line for line in said.splitlines() if "Safe to walk away" in line]
    assert lines[0].startswith("*Safe to walk away: yes*")
    for topic in (
        "Mail:",
        "Failover now:",
        "Nodes Paused:",
        "Running:",
        "quorum:",
        "Level:",
        "Copies and SCR:",
        "Who may approve:",
    ):
        assert topic in said, topic
    assert f"<@{BOB}>" in said


def test_views_answer_for_everybody(bench: Bench) -> None:
    bench.started()
    assert "8.3.485.1" in bench.types(DAVE, "level")
    assert "CLUSTER01-1" in bench.types(DAVE, "history CLUSTER01")
    assert "forecast" in bench.types(DAVE, "downtime")
    assert "Evacuate EXN2" in bench.types(DAVE, "show CLUSTER01-1")
    assert "/rollup plan CLUSTER" in bench.types(DAVE, "help")
    assert "/rollup pause" not in bench.types(DAVE, "help plan")


def test_a_channel_the_bot_is_not_in_is_told_before_a_campaign_exists(bench: Bench) -> None:
    bench.space.channels["C0EXCHANGE"].members.discard(bench.space.app.user_id)
    assert "/invite" in bench.types(ALICE, "plan CLUSTER01", channel=ELSEWHERE)
    assert nothing_changed(bench)


def test_with_two_plans_start_means_the_newest_and_pause_asks_which(bench: Bench) -> None:
    bench.planned()
    bench.types(ALICE, "plan CLUSTER01")
    bench.apply(PlanMade(plan=a_plan(), expires_at=bench.clock.lab() + 99), ident="CLUSTER01-2")
    said = bench.types(ALICE, "abort CLUSTER01")
    assert "`CLUSTER01-1` or `CLUSTER01-2`" in said or "`CLUSTER01-2` or `CLUSTER01-1`" in said
    bench.types(ALICE, "start CLUSTER01")
    assert bench.campaign("CLUSTER01-2").state is State.READY
    assert bench.campaign("CLUSTER01-1").state is State.PROPOSED


def test_a_finished_campaign_is_told_to_be_over(bench: Bench) -> None:
    bench.planned()
    bench.apply(AbortRequested(by=Actor(user=ALICE, person=ALICE)), Aborted(sentence="Nothing was held."))
    assert "has ended: aborted" in bench.types(ALICE, "start CLUSTER01-1")


def test_a_mention_in_the_thread_needs_no_name_and_counts(bench: Bench) -> None:
    campaign = bench.started()
    bench.says(CAROL, f"<@{bench.space.app.user_id}> pause backups are late", thread=campaign.thread_ts)
    until(lambda: bench.campaign().state is State.PAUSED)
    until(lambda: "Pause" in "".join(bench.whispers(CAROL)))


def test_a_mention_that_does_not_begin_the_message_is_not_heard(bench: Bench) -> None:
    campaign = bench.started()
    bench.says(CAROL, f"please <@{bench.space.app.user_id}> abort", thread=campaign.thread_ts)
    bench.says(CAROL, f"<@{bench.space.app.user_id}> status", thread=campaign.thread_ts)
    until(lambda: bench.whispers(CAROL))
    assert bench.campaign().state is State.READY


def test_a_mention_in_another_channel_is_sent_to_the_right_one(bench: Bench) -> None:
    bench.started()
    bench.space.channels[ELSEWHERE].members.add(bench.space.app.user_id)
    bench.says(CAROL, f"<@{bench.space.app.user_id}> abort CLUSTER01-1", channel=ELSEWHERE)
    assert "outside the channel" in until(lambda: bench.whispers(CAROL))[0]
    assert bench.campaign().state is State.READY


def test_a_retry_while_a_job_is_open_is_refused_with_that_reason_and_not_offered(bench: Bench) -> None:
    acted = acting()
    asking = play(acted, JobOpened(order=order(acted), token="t"), Asked(stop=Stop(rule="JOB-OPEN", sentence="x")))
    refused = Commands(bench.deps, None, None)._wrong_state(asking, "retry")  # type: ignore[arg-type]
    said = texts.refusal(refused, "docs")
    assert "nobody knows yet how its job on" in said
    assert "retry" not in str(refused.part("allowed"))
    assert "return" not in str(refused.part("allowed"))
    assert "recheck" in str(refused.part("allowed"))
