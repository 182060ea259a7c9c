"""These tests ask machines what only some moments need to know: survey.ps1, run there as it is sent."""

from __future__ import annotations

import re
import time
from dataclasses import fields, replace
from importlib import resources
from typing import Any

import pytest

from bot.estate import survey
from bot.estate.reply import Reply, ticks
from bot.lab.cluster.happenings import Fault as Happening
from bot.lab.powershell.values import CmdletError
from bot.procedure.facts import (
    NOT_ASKED,
    LogFacts,
    QueueFacts,
    ScrFacts,
    ServerFacts,
    SurveyFacts,
    Unknown,
    VolumeFacts,
    WriterFacts,
)
from tests.estate.conftest import Range, closed, opened

REPLICA, STORE = "Microsoft Exchange Replica Writer", "Microsoft Exchange Writer"


def seen(lab: Range, name: str, *kinds: str) -> SurveyFacts:
    asked = tuple((name, kind) for kind in kinds)
    found = lab.estate.read(lab.inventory, (name,), slow=False, asked=asked).machines[0]
    assert isinstance(found.survey, SurveyFacts), found.survey
    return found.survey


def exchange_writers(facts: SurveyFacts) -> dict[str, int]:
    assert isinstance(facts.writers, tuple), facts.writers
    return {one.name: one.state for one in facts.writers if one.name.startswith("Microsoft Exchange")}


def test_owners_and_states_are_read_after_everything_that_takes_long(
    ccr: Range, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What loads the snap-in takes up to a minute, and no gate is opened on owners older than 15 seconds."""
    ended: list[float] = []
    usual = survey.facts

    def noted(reply: Reply, kinds: tuple[str, ...]) -> SurveyFacts:
        ended.append(time.time())
        return usual(reply, kinds)

    monkeypatch.setattr(survey, "facts", noted)
    asked = (("EXN2", "writers"), ("SCR1", "scr"))
    facts = ccr.estate.read(ccr.inventory, ccr.names, slow=False, asked=asked)
    assert len(ended) == 2
    assert facts.read_at > max(ended)
    assert [isinstance(one.survey, SurveyFacts) for one in facts.machines] == [False, True, True]


def test_a_machine_that_cannot_be_reached_is_waited_for_once(ccr: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    ccr.lab.machines[1].reachable = False
    tried: list[str] = []
    usual = ccr.estate._ask

    def noted(name: str, script: str, *rest: Any, **more: Any) -> Reply:
        tried.append(f"{name} {script}")
        return usual(name, script, *rest, **more)

    monkeypatch.setattr(ccr.estate, "_ask", noted)
    (found,) = ccr.estate.read(ccr.inventory, ("EXN2",), slow=False, asked=(("EXN2", "writers"),)).machines
    assert (found.reached, tried) == (False, ["EXN2 survey"])
    assert found.why_not


def test_only_the_machines_and_kinds_that_were_asked_answer(quiet: Range) -> None:
    asked = (("EXN2", "writers"),)
    one, two = quiet.estate.read(quiet.inventory, ("EXN1", "EXN2"), slow=False, asked=asked).machines
    assert one.survey == NOT_ASKED
    assert isinstance(two.survey, SurveyFacts)
    assert two.missing == ()


def test_everything_may_be_asked_at_once(quiet: Range) -> None:
    kinds = re.findall(
        r"^Section '(\w+)'", resources.files("bot.estate.scripts").joinpath("survey.ps1").read_text(), re.MULTILINE
    )
    assert len(kinds) > 9
    found = seen(quiet, "EXN2", *kinds)
    assert {f.name: getattr(found, f.name) for f in fields(found) if isinstance(getattr(found, f.name), Unknown)} == {}


def test_a_backup_of_the_passive_copy_is_seen_in_the_writer_of_its_node_only(ccr: Range) -> None:
    assert exchange_writers(seen(ccr, "EXN2", "writers")) == {REPLICA: 1}
    ccr.lab._happenings.happen(Happening(kind="backup", cms="CMS1", to="passive"))
    assert exchange_writers(seen(ccr, "EXN2", "writers")) == {REPLICA: 5}
    assert exchange_writers(seen(ccr, "EXN1", "writers")) == {REPLICA: 1, STORE: 1}
    server = ccr.estate.read(ccr.inventory, ("EXN1",), slow=False).machines[0].cms
    assert isinstance(server, tuple)
    assert isinstance(server[0].databases, tuple)
    assert [db.backup_running for db in server[0].databases] == [False, False]  # the store does not know of it


def test_names_and_numbers_are_read_whatever_the_language(ccr: Range) -> None:
    ccr.lab.machines[1].language = "de"
    assert exchange_writers(seen(ccr, "EXN2", "writers")) == {REPLICA: 1}


def test_a_stopped_replication_service_has_no_writer(ccr: Range) -> None:
    ccr.lab.machines[1].services.stop("MSExchangeRepl")
    assert exchange_writers(seen(ccr, "EXN2", "writers")) == {}


def test_a_tool_that_fails_is_no_answer(ccr: Range) -> None:
    ccr.lab.machines[1].natives["vssadmin"] = lambda session, argv, raw: 2
    found = seen(ccr, "EXN2", "writers")
    assert found.writers == Unknown("writers: vssadmin ended with 2")


def test_a_machine_that_does_not_answer_the_survey_says_why(ccr: Range) -> None:
    ccr.lab.machines[1].natives.pop("vssadmin")
    found = seen(ccr, "EXN2", "writers").writers
    assert isinstance(found, Unknown)
    assert "vssadmin.exe" in found.why


def test_the_shared_disk_is_seen_with_its_dirty_bit_by_the_node_that_owns_it() -> None:
    lab = opened("scc-1-1", 60.0)
    try:
        lab.lab.machines[0].fs.drives["E:"].dirty = True
        owner, other = (seen(lab, name, "volumes").volumes for name in lab.names)
    finally:
        closed(lab)
    assert owner == (VolumeFacts(name="C:\\", dirty=False, system=True), VolumeFacts(name="E:\\", dirty=True))
    assert other == (VolumeFacts(name="C:\\", dirty=False, system=True),)


def test_a_node_is_in_the_networks_its_addresses_are_in(ccr: Range) -> None:
    here = seen(ccr, "EXN1", "networks")
    assert here.client_networks == ("Cluster Network 1",)  # the second is the cluster's own
    assert here.host_ttl == (("CMS1", 300),)
    ccr.lab.clusters[0].networks.insert(0, ("Far", "10.2.0.0/16", 3))
    ccr.lab.machines[1].addresses = ("10.2.0.12",)
    assert seen(ccr, "EXN2", "networks").client_networks == ("Far",)
    ccr.lab.machines[1].addresses = ("192.168.250.12", "fe80::1")
    nowhere = seen(ccr, "EXN2", "networks").client_networks
    assert isinstance(nowhere, Unknown)
    assert "no IPv4 address" in nowhere.why


def test_the_node_that_makes_the_address_book_is_read_from_the_registry(ccr: Range) -> None:
    assert seen(ccr, "EXN2", "oab").oab_pins == ()
    key = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\MSExchangeSA\\Parameters\\"
    ccr.lab.machines[1].registry.set(key + "CMS1", "EnableOabGenOnThisNode", "EXN1")
    ccr.lab.machines[1].registry.set(key + "CMS0", "Enable", 1)
    assert seen(ccr, "EXN2", "oab").oab_pins == (("CMS1", "EXN1"),)


def test_the_host_of_the_revocation_list_is_asked_with_the_machines_own_settings(ccr: Range) -> None:
    assert seen(ccr, "EXN2", "crl").crl == ""
    ccr.lab.machines[1].no_route.add("crl.microsoft.com")
    ccr.clock.set_speed(10.0)  # what reading takes on a busy machine is then a small part of it
    before = ccr.clock.now()
    silent = seen(ccr, "EXN2", "crl").crl
    assert isinstance(silent, str)
    assert "timed out" in silent
    assert 5 < ccr.clock.now() - before < 50  # bounded by the timeouts, WinHTTP's own is a minute


def test_the_organisations_servers_are_read_with_roles_and_service_pack(quiet: Range) -> None:
    servers = seen(quiet, "EXN2", "servers").servers
    assert isinstance(servers, tuple)
    assert ServerFacts(name="HUB1", roles=("ClientAccess", "HubTransport"), base="8.3.83.6") in servers
    assert ServerFacts(name="CMS1", roles=("Mailbox",), base="8.3.83.6") in servers


def test_what_the_hub_transport_servers_hold_is_read_through_them(ccr: Range) -> None:
    here = seen(ccr, "EXN2", "queues").queues
    assert here == (QueueFacts(server="HUB1", next_hop="cms1.lab.example", waiting=0),)
    ccr.lab.exchange.cms["cms1"].databases[0].mounted = False
    assert seen(ccr, "EXN2", "queues").queues == (QueueFacts(server="HUB1", next_hop="cms1.lab.example", waiting=7),)


def test_a_hub_transport_server_that_does_not_answer_is_named_with_the_reason(ccr: Range) -> None:
    cmdlets = ccr.lab.machines[1].cmdlets

    def refused(session: object, params: object, piped: object) -> list[object]:
        raise CmdletError("Access is denied.", "QueueViewerRpc")

    cmdlets["get-queue"] = replace(cmdlets["get-queue"], run=refused)
    (only,) = seen(ccr, "EXN2", "queues").queues  # type: ignore[misc]
    assert only == QueueFacts(server="HUB1", next_hop="", waiting=Unknown("Access is denied."))


def test_a_hub_transport_server_that_cannot_be_asked_says_why() -> None:
    rows = (("queue", ("H1", "cms1.x", "4")), ("hub", ("H1", "no\r\nroute")), ("hub", ("H2", "")))
    found = survey.facts(Reply(rows, {"queues": ""}, True), ("queues",)).queues
    assert found == (
        QueueFacts(server="H1", next_hop="", waiting=Unknown("no route")),
        QueueFacts(server="H2", next_hop="", waiting=0),
    )


def test_agents_that_run_are_named_and_those_that_do_not_are_not(ccr: Range) -> None:
    assert seen(ccr, "EXN2", "agents").agents == ()
    services = ccr.lab.machines[1].services
    services.add("HealthService", "OpsMgr Health Service")
    services.add("CcmExec", "SMS Agent Host", "Stopped")
    assert seen(ccr, "EXN2", "agents").agents == ("HealthService",)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("crl", ("200", ""))], ""),
        ([("crl", ("304", ""))], ""),
        ([("crl", ("407", ""))], "it answered with status 407"),
        ([("crl", ("", "The operation\r\n timed out"))], "The operation timed out"),
        ([("crl", ("", ""))], Unknown("crl: neither a status nor an error was given")),
        ([], Unknown("crl: neither a status nor an error was given")),
        ([("crl", ("two", ""))], Unknown("crl: 'two' is no number")),
    ],
)
def test_only_a_successful_answer_is_reach(rows: list[tuple[str, tuple[str, ...]]], said: str | Unknown) -> None:
    assert survey.facts(Reply(tuple(rows), {"crl": ""}, True), ("crl",)).crl == said


def answered(*lines: str) -> SurveyFacts:
    rows = tuple(("writer", (line,)) for line in lines)
    return survey.facts(Reply(rows, {"writers": ""}, True), ("writers",))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((), "no writer"),
        (("Writer name: 'A'", "   Last error: No error"), "writer A has no state"),
        (("Writer name: 'A'", "Writer name: 'B'", "   State: [1] Stable"), "writer A has no state"),
    ],
)
def test_a_list_of_writers_with_a_hole_in_it_is_not_believed(lines: tuple[str, ...], why: str) -> None:
    found = answered(*lines).writers
    assert isinstance(found, Unknown)
    assert why in found.why


def test_a_writer_is_its_name_and_the_number_of_its_state() -> None:
    lines = ("Writer name: 'A'", "   Writer Id: {1-1}", "   State: [10] Failed", "   Last error: Timed out")
    assert answered(*lines).writers == (WriterFacts(name="A", state=10),)


def logs_of(facts: SurveyFacts) -> dict[str, LogFacts]:
    assert isinstance(facts.logs, tuple), facts.logs
    return {one.storage_group: one for one in facts.logs}


def test_how_fast_the_logs_fill_their_volume_is_told_by_their_numbers_and_times(ccr: Range) -> None:
    for node in ("EXN1", "EXN2"):
        found = logs_of(seen(ccr, node, "logs"))
        assert {(one.cms, one.volume) for one in found.values()} == {("CMS1", "L:\\")}
        assert [found[name].per_h for name in ("SG1", "SG2")] == pytest.approx([12.0, 12.0], rel=0.05)
        assert 39_000 < float(str(found["SG1"].free_mb)) <= 40_000


def test_logs_deleted_by_a_backup_do_not_make_the_volume_last_longer(ccr: Range) -> None:
    logs_of(seen(ccr, "EXN1", "logs"))
    folder, fs = "L:\\CMS1\\SG1", ccr.lab.machines[0].fs
    for name in fs.listdir(folder)[:-20]:
        fs.delete(f"{folder}\\{name}")
    assert logs_of(seen(ccr, "EXN1", "logs"))["SG1"].per_h == pytest.approx(12.0, rel=0.2)  # counted in four hours: 5
    ccr.lab._happenings.happen(Happening(kind="dismount", cms="CMS1"))  # no mail, no further log
    for name in fs.listdir(folder)[:-1]:
        fs.delete(f"{folder}\\{name}")
    alone = logs_of(seen(ccr, "EXN1", "logs"))["SG1"].per_h
    assert alone == Unknown("too few logs are there to tell how many an hour are made")


def test_a_volume_that_cannot_be_read_is_unknown_with_its_cause(ccr: Range) -> None:
    ccr.lab.machines[0].fs.drives["L:"].readable = False
    found = logs_of(seen(ccr, "EXN1", "logs"))
    assert isinstance(found["SG1"].free_mb, Unknown)
    assert "unreadable" in found["SG1"].free_mb.why
    ccr.lab.machines[0].fs.drives["L:"].online = False
    gone = logs_of(seen(ccr, "EXN1", "logs"))["SG2"]
    assert gone.volume == ""
    assert isinstance(gone.per_h, Unknown)


def test_the_shared_logs_are_read_where_their_disk_is() -> None:
    lab = opened("scc-1-1", 60.0)
    try:
        owner, other = (logs_of(seen(lab, name, "logs")) for name in lab.names)
    finally:
        closed(lab)
    assert all(isinstance(one.per_h, float) for one in owner.values())
    assert all(isinstance(one.per_h, Unknown) for one in other.values())


AN_HOUR = str(ticks(3600.0))
TEN, TWENTY = "E000000000A.log", "E0000000014.log"


def said_of(*row: str) -> LogFacts | Unknown:
    """What a row of the script is taken for at one o'clock on the first day."""
    rows = (("clock", (str(ticks(9 * 3600.0)),)), ("log", ("CMS1", "SG1", *row)))
    found = survey.facts(Reply(rows, {"logs": ""}, True), ("logs",)).logs
    return found[0] if isinstance(found, tuple) else found


@pytest.mark.parametrize(
    ("row", "free", "per_h"),
    [
        (("L:\\", "1048576", TWENTY, TEN, AN_HOUR, ""), 1.0, 10 / 8),
        (("L:\\", "0", TEN, TEN, AN_HOUR, ""), 0.0, 0.0),  # one as old as that and none since: a quiet group
        (("L:\\", "0", TEN, TEN, str(ticks(8 * 3600.0)), ""), 0.0, "too few logs"),
        (("L:\\", "", TWENTY, TEN, AN_HOUR, ""), "free space of L:\\ was not given", 10 / 8),
        (("", "", "", "", "", ""), "no volume of the machine holds", "there is no log"),
        (("L:\\", "", "", "", "", "access\r\n denied"), "access denied", "access denied"),
    ],
)
def test_what_is_not_said_of_a_log_volume_is_not_known(
    row: tuple[str, ...], free: float | str, per_h: float | str
) -> None:
    found = said_of(*row)
    assert isinstance(found, LogFacts)
    for value, wanted in ((found.free_mb, free), (found.per_h, per_h)):
        if isinstance(wanted, str):
            assert isinstance(value, Unknown)
            assert wanted in value.why
        else:
            assert value == wanted


def test_a_log_without_a_number_makes_no_sense() -> None:
    assert said_of("L:\\", "0", "E00.log", TEN, AN_HOUR, "") == Unknown("logs: 'E00.log' is no log's name")


def test_mailboxes_are_counted_by_any_node_that_may_run_the_server(ccr: Range) -> None:
    assert seen(ccr, "EXN1", "users").users == (("CMS1", 400),)
    assert seen(ccr, "EXN2", "users").users == (("CMS1", 400),)
    assert seen(ccr, "SCR1", "users").users == ()


def test_an_scr_target_tells_of_every_copy_it_holds_whoever_it_is_of() -> None:
    lab = opened("scr-shared", 60.0)
    try:
        both, one, node = (seen(lab, name, "scr").scr for name in ("SCR1", "SCR2", "EXN1"))
        lab.lab.exchange.cms["cms2"].storage_groups[0].standbys[0].forced = "Seeding"
        seeded = seen(lab, "SCR1", "scr").scr
    finally:
        closed(lab)
    mine = ScrFacts(server="CMS1", storage_group="SG1", standby="SCR1", status="Healthy")
    other = ScrFacts(server="CMS2", storage_group="SG2", standby="SCR1.lab.example", status="Healthy")
    assert both == (mine, other)
    assert one == (replace(mine, standby="SCR2"),)
    assert node == ()
    assert seeded == (mine, replace(other, status="Seeding"))


def test_a_target_that_is_a_source_tells_of_the_copies_it_feeds() -> None:
    lab = opened("scr-cycle", 60.0)
    try:
        found = seen(lab, "SCR1", "scr").scr
    finally:
        closed(lab)
    own = ScrFacts(server="SCR1", storage_group="First Storage Group", standby="CMS1", status="Healthy")
    assert isinstance(found, tuple)
    assert own in found
    assert {one.server for one in found} == {"SCR1", "CMS1"}


def test_a_row_that_names_no_storage_group_makes_no_sense() -> None:
    reply = Reply((("scr", ("CMS1", "SCR1", "Healthy", "")),), {"scr": ""}, True)
    assert survey.facts(reply, ("scr",)).scr == Unknown("scr: 'CMS1' on 'SCR1' is no SCR copy")


def test_mailboxes_nobody_could_count_are_unknown_with_the_cause(ccr: Range) -> None:
    cmdlets = ccr.lab.machines[1].cmdlets

    def refused(session: object, params: object, piped: object) -> list[object]:
        raise CmdletError("The operation could not be performed: no domain controller answered.", "ADTransient")

    cmdlets["get-mailbox"] = replace(cmdlets["get-mailbox"], run=refused)
    found = seen(ccr, "EXN2", "users").users
    assert isinstance(found, Unknown)
    assert "no domain controller answered" in found.why
