"""rollup.toml is believed only when every key is known, every value possible, and the realm is one."""

from __future__ import annotations

import ssl
import tomllib
import typing
from pathlib import Path

import msgspec
import pytest

from bot.app import _trust, inventories, limits
from bot.procedure.context import Limits
from bot.settings import Settings, SettingsError, check_realm, load, parse, secrets

GOOD = """
[slack]
channel = "C1"
[people]
requesters = ["UA"]
approvers = ["UB"]
[packages.KB4011325]
path = 'C:\\Rollups\\x.msp'
sha256 = "{sha}"
build = "8.3.517.0"
[clusters.CLUSTER01]
nodes = ["EXN1", "EXN2"]
[machines.EXN1]
address = "http://exn1.example.org:5985/wsman"
[machines.EXN2]
address = "http://exn2.example.org:5985/wsman"
""".format(sha="a" * 64)


def test_a_good_file_is_read_and_is_production() -> None:
    settings = parse(GOOD)
    assert settings.clusters["CLUSTER01"].nodes == ("EXN1", "EXN2")
    assert check_realm(settings) == "production"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("[slack]", "[slak]"), "slak"),
        (('channel = "C1"', 'chanel = "C1"'), "chanel"),
        (('requesters = ["UA"]', 'requesters = "UA"'), "requesters"),
        (('build = "8.3.517.0"', 'build = "SP3 RU23"'), "build"),
        (('nodes = ["EXN1", "EXN2"]', 'nodes = ["EXN1", "EXN3"]'), "EXN3"),
        (('channel = "C1"', ""), "channel"),
        (("http://exn1", "exn1"), "EXN1"),
        (("[people]", "[people]\nquorum = 0"), "quorum"),
        (('nodes = ["EXN1"', 'window = "Saturdays"\nnodes = ["EXN1"'), "CLUSTER01. window"),
        (("[machines.EXN2]", '[machines.EXN2]\nwindow = "Sat 22-23"'), "machines.EXN2. window"),
        (("[people]", "[limits]\ndisk_free_mb = 1\n[people]"), "disk_free_mb"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(change: tuple[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        parse(GOOD.replace(*change))


def test_a_foreign_workspace_is_refused_unless_every_machine_is_on_loopback() -> None:
    foreign = GOOD.replace("[slack]", '[slack]\nbase_url = "http://127.0.0.1:8765/api/"')
    with pytest.raises(SettingsError, match="loopback"):
        check_realm(parse(foreign))
    lab = foreign.replace("exn1.example.org", "127.0.0.1").replace("exn2.example.org", "127.0.0.1")
    assert check_realm(parse(lab)) == "lab"
    with pytest.raises(SettingsError):
        check_realm(parse(lab.replace("http://127.0.0.1:8765/api/", "http://10.0.0.5/api/")))


def test_practice_machines_are_refused_in_a_real_workspace() -> None:
    with pytest.raises(SettingsError):
        check_realm(parse(GOOD.replace("exn1.example.org", "127.0.0.1").replace("exn2.example.org", "127.0.0.1")))


def test_lab_time_is_refused_in_production() -> None:
    with pytest.raises(SettingsError, match="lab"):
        parse(GOOD + "[lab]\nstart = 1.0\nanchor = 1.0\nspeed = 10.0\n")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_secrets_come_from_variables_or_files_and_never_show(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("xoxb-very-secret\n")
    found = secrets({"ROLLUP_SLACK_BOT_TOKEN_FILE": str(tmp_path / "token"), "ROLLUP_WINRM_PASSWORD": "hunter2"})
    assert found.slack_bot_token == "xoxb-very-secret"
    assert "secret" not in repr(found)
    assert "hunter2" not in repr(found)
    with pytest.raises(SettingsError, match="32"):
        secrets({"ROLLUP_HMAC_KEY": "short"})
    with pytest.raises(SettingsError) as refused:
        secrets({"ROLLUP_HMAC_KEY": "k", "ROLLUP_HMAC_KEY_FILE": "f"})
    assert "k'" not in str(refused.value)


def test_the_limits_of_the_file_are_those_the_rules_compare_with() -> None:
    told = (
        GOOD
        + """
[limits]
copy_queue_logs = 3
replay_queue_logs = 4
disk_free_mb = 5000
backup_age_days = 2
settle_minutes = 6
initializing_minutes = 7
handoff_margin_minutes = 8
"""
    )
    assert limits(parse(told)) == Limits(
        copy_queue=3, replay_queue=4, disk_free_mb=5000, backup_age_s=172800.0, settle_s=360.0, initializing_s=420.0,
        handoff_margin_s=480.0,
    )  # fmt: skip
    assert limits(parse(GOOD)) == Limits()


def test_a_machines_own_window_and_the_rule_for_passive_installs_reach_the_inventory() -> None:
    told = GOOD.replace('nodes = ["EXN1"', 'installs_outside_window = false\nnodes = ["EXN1"').replace(
        "[machines.EXN2]", '[machines.EXN2]\nwindow = "Sat 22:00-23:00"'
    )
    inventory = inventories(parse(told))["cluster01"]
    assert not inventory.installs_outside_window
    assert inventory.windows == (("EXN2", "Sat 22:00-23:00"),)


def test_the_page_about_settings_shows_every_key_in_a_file_that_can_be_used() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "configuration.md").read_text(encoding="utf-8")
    shown = page.split("```toml")[1].split("```")[0].replace("…64 hex digits…", "a" * 64)
    assert check_realm(parse(shown)) == "production"
    raw = tomllib.loads(shown)
    sections = {field.name: field.type for field in msgspec.structs.fields(Settings) if field.name != "lab"}
    for name, kind in sections.items():
        tables = [raw[name]]
        if typing.get_origin(kind) is dict:
            kind, tables = typing.get_args(kind)[1], list(raw[name].values())
        keys = {field.name for field in msgspec.structs.fields(kind)} - {"base_url"}  # for the practice range only
        assert keys - {key for table in tables for key in table} == set(), name


def test_no_authority_is_trusted_where_no_tls_is_spoken() -> None:
    plain, secure = _trust("http://127.0.0.1:1/api/"), _trust("https://slack.com/api/")
    assert plain.cert_store_stats()["x509"] == 0
    for context in (plain, secure):
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
