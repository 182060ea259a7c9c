"""What a handoff's gate says about the options it was asked for with."""

from __future__ import annotations

from dataclasses import replace

from bot.engine.gate_lines import gate_lines
from state.words import Campaign, StepKind
from tests.state.samples import step
from tests.state.test_guards import ready


def lines(option: str) -> str:
    here: Campaign = ready()
    made = replace(step("s09"), kind=StepKind.HANDOFF, cms="CMS1", source="EXN1", target="EXN2", option=option)
    return "\n".join(gate_lines(here, made))


def test_stop_move_start_says_what_a_human_must_run_if_it_is_cut_off() -> None:
    said = lines("failback+stop-move-start")
    assert "Start-ClusteredMailboxServer -Identity 'CMS1'" in said
    assert "--failback" in said


def test_a_return_says_that_it_goes_to_an_older_level_and_offers_no_further_return() -> None:
    assert "older level" in lines("return")
    assert "/rollup return" not in lines("return")
    assert "/rollup return CLUSTER01-1 reason" in lines("")
    assert "older level" not in lines("")
