"""The commands of each step, byte for byte, and what is never written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.procedure.commands import Unrenderable, bad_name, bare, quoted
from bot.procedure.facts import GroupStatus, NodeStatus, ServiceFacts
from bot.procedure.steps import commands
from state.words import Command, JobKind, Step, StepKind
from tests.procedure import moments
from tests.procedure.build import NEW, PACKAGE, ccr, change, emptied, node_state, regroup, scc, services
from tests.procedure.moments import EVACUATE, HANDOFF, INSTALL, SCR


def made(step: Step, facts: object = None) -> tuple[Command, ...]:
    return commands(step, facts or ccr(scr=NEW), PACKAGE, campaign="CLUSTER01-7", images=(moments.IMAGE,))  # type: ignore[arg-type]


def test_an_evacuation_is_the_documents_own_command_for_each_group_and_then_the_pause() -> None:
    found = made(EVACUATE)
    assert [one.text for one in found] == [
        'cluster.exe group "Cluster Group" /move:EXN1',
        'cluster.exe group "Available Storage" /move:EXN1',
        "cluster.exe node EXN2 /pause",
    ]
    assert [one.effect for one in found] == ["move:Cluster Group:EXN1", "move:Available Storage:EXN1", "pause:EXN2"]
    assert {one.kind for one in found} == {JobKind.SHELL}
    assert {one.node for one in found} == {"EXN2"}


def test_what_is_done_already_is_not_done_again() -> None:
    assert [one.text for one in made(EVACUATE, emptied(ccr(scr=NEW), "EXN2", "EXN1"))] == []
    half = regroup(ccr(scr=NEW), "Cluster Group", owner="EXN1")
    assert len(made(EVACUATE, half)) == 2


def test_the_install_uses_the_copy_in_the_job_folder_and_guards_the_node() -> None:
    install, resume = made(INSTALL, emptied(ccr(scr=NEW), "EXN2", "EXN1"))
    assert install.text == (
        'msiexec.exe /update "%ROLLUP_FOLDER%\\Exchange2007-KB4011325-x64-EN.msp" /quiet /norestart '
        '/l*v "%ROLLUP_FOLDER%\\install.log"'
    )
    assert (install.kind, install.guard, install.package, install.effect) == (JobKind.TASK, "empty", PACKAGE, "install")
    assert (resume.text, resume.effect) == ("cluster.exe node EXN2 /resume", "resume:EXN2")


def test_a_stand_alone_target_is_installed_without_a_guard_and_without_a_resume() -> None:
    (install,) = made(SCR, ccr())
    assert install.guard == ""
    assert install.node == "SCR1"


def test_a_handoff_names_its_comment_and_never_asks() -> None:
    (move,) = made(HANDOFF)
    assert move.text == (
        "Move-ClusteredMailboxServer -Identity 'CMS1' -TargetMachine 'EXN2' -MoveComment 'CLUSTER01-7 s04' "
        "-Confirm:$false"
    )
    assert (move.kind, move.node, move.language, move.effect) == (
        JobKind.RUNNER,
        "EXN2",
        "powershell",
        "handoff:CMS1:EXN2",
    )
    assert "IgnoreDismounted" not in move.text
    assert "TerminateClients" not in move.text


def test_stop_move_start_starts_in_the_same_command() -> None:
    (move,) = made(replace(HANDOFF, option="failback+stop-move-start"))
    parts = move.text.split("; ")
    assert [part.split(" ")[0] for part in parts] == [
        "Stop-ClusteredMailboxServer",
        "Move-ClusteredMailboxServer",
        "Start-ClusteredMailboxServer",
    ]


def test_a_restart_resumes_only_when_it_follows_the_install() -> None:
    facts = emptied(ccr(scr=NEW), "EXN2", "EXN1")
    step = replace(INSTALL, kind=StepKind.RESTART, id="s03r")
    assert [one.effect for one in made(step, facts)] == ["restart", "resume:EXN2"]
    assert [one.effect for one in made(replace(step, option="reboot-first"), facts)] == ["restart"]
    assert made(step, facts)[0].text == 'shutdown.exe /r /t 5 /d p:2:17 /c "rollup-bot CLUSTER01-7 s03r"'
    assert made(step, facts)[0].guard == "empty"


def test_a_cms_group_is_never_moved_with_cluster_exe_even_offline() -> None:
    facts = regroup(ccr(scr=NEW), "CMS1", owner="EXN2", state=GroupStatus.OFFLINE)
    with pytest.raises(Unrenderable) as refused:
        made(EVACUATE, facts)
    assert refused.value.rule == "GROUP-MOVE-NOT-CMS"


def test_a_group_without_a_place_to_go_is_not_moved_anywhere() -> None:
    with pytest.raises(Unrenderable) as refused:
        made(EVACUATE, node_state(ccr(scr=NEW), "EXN1", NodeStatus.PAUSED))
    assert refused.value.rule == "GROUP-MOVE-PLAN"


def test_a_group_goes_where_it_may_be_owned() -> None:
    facts = regroup(scc(1, 3), "Cluster Group", possible_owners=("N2", "N4"))
    step = replace(EVACUATE, target="N4", cluster="SCC", to="N3")
    assert made(step, facts)[0].text == 'cluster.exe group "Cluster Group" /move:N2'


def test_restore_puts_back_what_an_install_left_disabled_and_resumes() -> None:
    broken = tuple(
        ServiceFacts(name=s.name, state="Stopped", start="Disabled")
        if s.name in {"MSExchangeRepl", "MSExchangeIS"}
        else s
        for s in services()
    )
    facts = change(emptied(ccr(scr=NEW), "EXN2", "EXN1"), "EXN2", services=broken)
    texts = [one.text for one in made(replace(INSTALL, kind=StepKind.RESTORE), facts)]
    assert texts == [
        'sc.exe config "MSExchangeIS" start= demand',
        'sc.exe config "MSExchangeRepl" start= auto',
        'sc.exe start "MSExchangeRepl"',
        "cluster.exe node EXN2 /resume",
    ]


@pytest.mark.parametrize(
    "name", ['a"b', "a'b", "a%PATH%", "a\nb", "a\tb", "a\x00b", "a&b", "a|b", "a^b", "“a”", "", "  ", "a\\"]
)
def test_a_name_that_could_break_out_of_its_quotes_is_refused(name: str) -> None:
    assert bad_name(name)
    with pytest.raises(Unrenderable):
        quoted(name)


@given(st.text(max_size=30))
def test_quoting_never_yields_a_second_quote_or_a_control_character(name: str) -> None:
    try:
        written = quoted(name)
    except Unrenderable:
        return
    assert written == f'"{name}"'
    assert written.count('"') == 2
    assert all(char.isprintable() for char in written)
    assert not set(written[1:-1]) & set("'%&|<>^!`")


@given(st.text(max_size=20))
def test_a_machine_name_is_a_plain_word(name: str) -> None:
    try:
        assert bare(name) == name
    except Unrenderable:
        return
    assert " " not in name
    assert not set(name) & set("\"'&|<>/\\;%$()")


def test_a_group_with_blanks_and_umlauts_is_written_as_it_is() -> None:
    facts = regroup(ccr(scr=NEW), "Cluster Group", name="Clustergruppe für Süd")
    assert made(EVACUATE, facts)[0].text == 'cluster.exe group "Clustergruppe für Süd" /move:EXN1'


def test_an_install_that_took_effect_before_it_was_cut_off_leaves_only_the_resume() -> None:
    facts = emptied(ccr(scr=NEW, n2=NEW), "EXN2", "EXN1")
    assert [one.effect for one in made(INSTALL, facts)] == ["resume:EXN2"]
    unsure = node_state(facts, "EXN2", NodeStatus.UNKNOWN)
    assert [one.effect for one in made(INSTALL, unsure)] == ["resume:EXN2"]
    assert made(INSTALL, node_state(facts, "EXN2", NodeStatus.UP)) == ()
    assert made(INSTALL, ccr(scr=NEW, n2=NEW)) == ()
    assert made(SCR, ccr(scr=NEW)) == ()


def test_a_mail_server_that_is_there_already_is_not_moved() -> None:
    assert made(HANDOFF, ccr(scr=NEW, n2=NEW, active="EXN2")) == ()
