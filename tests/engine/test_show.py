"""A status that somebody asks for is read anew while the engine waits, and never from the machine a job runs on."""

from __future__ import annotations

from dataclasses import replace

from bot.engine.reading import read_for
from bot.engine.show import refresh, show_line
from bot.procedure.facts import NodeStatus
from state.store import Store
from state.words import Job, JobReport, JobSeen, JobState, State
from tests.engine.bench import Bench
from tests.engine.test_moves import job
from tests.procedure.build import NEW, ccr, node_state


def waiting(store: Store) -> Bench:
    bench = Bench(store, ccr(scr=NEW))
    bench.begin()
    assert bench.advance().state is State.GATED
    bench.opened()
    return bench


def seen_nodes(bench: Bench) -> dict[str, str]:
    seen = bench.store.showing.get(bench.here().id).seen
    assert seen is not None
    return dict(seen.nodes)


def test_a_status_asked_for_while_a_gate_is_open_brings_a_new_reading_once(store: Store) -> None:
    bench = waiting(store)
    bench.machines.facts = node_state(bench.machines.facts, "EXN2", NodeStatus.DOWN)
    bench.advance()
    assert seen_nodes(bench)["EXN2"] == "Up", "nobody asked"
    store.showing.ask(bench.here().id, store.server_time())
    version = bench.here().version
    bench.advance()
    assert seen_nodes(bench)["EXN2"] == "Down"
    assert bench.here().version == version, "nothing is decided by it"
    assert store.showing.get(bench.here().id).asked_at == 0.0
    reads = list(bench.machines.asked)
    bench.advance()
    assert bench.machines.asked == reads


def test_whoever_asked_long_ago_has_stopped_waiting(store: Store) -> None:
    bench = waiting(store)
    store.showing.ask(bench.here().id, store.server_time() - 600)
    reads = list(bench.machines.asked)
    bench.advance()
    assert bench.machines.asked == reads


def running() -> Job:
    made = job(0, JobState.STARTED)
    return replace(made, order=replace(made.order, command=replace(made.order.command, node="exn2.lab.example")))


def test_the_machine_a_job_runs_on_is_left_alone(store: Store) -> None:
    bench = waiting(store)
    here = bench.here()
    store.showing.ask(here.id, store.server_time())
    refresh(bench.engine.rooms, replace(here, jobs=(running(),)))
    assert set(bench.machines.asked[-1]) == {"EXN1", "SCR1"}


def test_the_last_line_of_a_running_job_is_kept_with_its_age(store: Store) -> None:
    bench = waiting(store)
    at = running()
    report = JobReport(name="j0", node="EXN2", seen=JobSeen.RUNNING, log_tail="one\n  two \n\n", log_age_s=4.0)
    show_line(bench.engine.rooms, bench.here(), at, report)
    line = store.showing.get(bench.here().id).line
    assert line is not None
    assert (line.job, line.line, line.age_s) == ("j0", "two", 4.0)
    show_line(bench.engine.rooms, bench.here(), at, replace(report, log_tail=" \n"))
    assert store.showing.get(bench.here().id).line == line


def test_a_reading_that_comes_by_itself_brings_what_somebody_who_waits_asked_for(store: Store) -> None:
    bench = waiting(store)
    here = bench.here()
    rooms, step = bench.engine.rooms, here.step
    seen = store.showing.get(here.id).seen
    assert seen is not None
    store.showing.reading(here.id, replace(seen, log_hours="L: lasts", log_hours_at=bench.clock.lab()))
    read_for(rooms, here, step)
    assert ("EXN1", "logs") not in bench.machines.more
    store.showing.ask(here.id, store.server_time())
    read_for(rooms, here, step)
    assert ("EXN1", "logs") in bench.machines.more
