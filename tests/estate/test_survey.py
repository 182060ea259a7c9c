"""These tests ask machines what only some moments need to know: survey.ps1, run there as it is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.estate import survey
from bot.estate.reply import Reply
from bot.lab.cluster.happenings import Fault as Happening
from bot.lab.powershell.values import CmdletError
from bot.procedure.facts import NOT_ASKED, QueueFacts, ServerFacts, SurveyFacts, Unknown, VolumeFacts, WriterFacts
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


def test_only_the_machines_and_kinds_that_were_asked_answer(quiet: Range) -> None:
    asked = (("EXN2", "writers"),)
    one, two = quiet.estate.read(quiet.inventory, ("EXN1", "EXN2"), slow=False, asked=asked).machines
    assert one.survey == NOT_ASKED
    assert isinstance(two.survey, SurveyFacts)
    assert two.missing == ()


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
